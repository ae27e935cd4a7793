#include "io/broadcaster_flv.h"

#include <libavformat/avformat.h>

#include "base/bytes.h"
#include "base/error.h"

#define BUFFER_BYTES    (32 * 1024)
#define FLV_HEADER_SIZE 13 /* with the first tag's "size of the previous tag" */
#define TAG_HEADER_SIZE 11
#define TAG_TRAIL_SIZE  4

struct BroadcasterFlv {
    AVFormatContext *muxer;
    GByteArray *written; /* whole tags, after the file's header */
    gsize taken;         /* of `written` */
};

static int take_written(void *opaque, uint8_t *data, int size)
{
    BroadcasterFlv *flv = opaque;
    g_byte_array_append(flv->written, data, (guint)size);
    return size;
}

static gboolean add_stream(BroadcasterFlv *flv, const AVCodecParameters *parameters)
{
    AVStream *stream = avformat_new_stream(flv->muxer, NULL);
    if (!stream || avcodec_parameters_copy(stream->codecpar, parameters) < 0)
        return FALSE;
    stream->codecpar->codec_tag = 0;
    stream->time_base = (AVRational){ 1, 1000 };
    return TRUE;
}

static gboolean set_up(BroadcasterFlv *flv, const BroadcasterStreams *streams)
{
    uint8_t *buffer = av_malloc(BUFFER_BYTES);
    if (!buffer || avformat_alloc_output_context2(&flv->muxer, NULL, "flv", NULL) < 0) {
        av_free(buffer);
        return FALSE;
    }
    flv->muxer->pb = avio_alloc_context(buffer, BUFFER_BYTES, 1, flv, NULL, take_written, NULL);
    if (!flv->muxer->pb) {
        av_free(buffer);
        return FALSE;
    }
    flv->muxer->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_FLUSH_PACKETS | AVFMT_FLAG_BITEXACT;
    for (guint i = 0; i < streams->n; i++)
        if (!add_stream(flv, streams->parameters[i]))
            return FALSE;
    AVDictionary *options = NULL;
    av_dict_set(&options, "flvflags", "no_duration_filesize", 0);
    int result = avformat_write_header(flv->muxer, &options);
    av_dict_free(&options);
    avio_flush(flv->muxer->pb);
    return result >= 0 && flv->written->len >= FLV_HEADER_SIZE;
}

BroadcasterFlv *broadcaster_flv_new(const BroadcasterStreams *streams, GError **error)
{
    g_autoptr(BroadcasterFlv) flv = g_new0(BroadcasterFlv, 1);
    flv->written = g_byte_array_new();
    if (!set_up(flv, streams)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNSUPPORTED,
                    "These streams do not fit into RTMP, which takes H.264 and AAC.");
        return NULL;
    }
    flv->taken = FLV_HEADER_SIZE;
    return g_steal_pointer(&flv);
}

void broadcaster_flv_free(BroadcasterFlv *flv)
{
    if (!flv)
        return;
    if (flv->muxer && flv->muxer->pb) {
        av_free(flv->muxer->pb->buffer);
        avio_context_free(&flv->muxer->pb);
    }
    avformat_free_context(flv->muxer);
    g_byte_array_unref(flv->written);
    g_free(flv);
}

gboolean broadcaster_flv_write(BroadcasterFlv *flv, guint stream, AVPacket *packet, GError **error)
{
    packet->stream_index = (int)stream;
    av_packet_rescale_ts(packet, (AVRational){ 1, G_USEC_PER_SEC },
                         flv->muxer->streams[stream]->time_base);
    int result = av_write_frame(flv->muxer, packet);
    avio_flush(flv->muxer->pb);
    if (result >= 0)
        return TRUE;
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INTERNAL, "A packet does not fit into FLV: %s.",
                av_err2str(result));
    return FALSE;
}

static void forget_taken(BroadcasterFlv *flv)
{
    if (flv->taken < flv->written->len)
        return;
    g_byte_array_set_size(flv->written, 0);
    flv->taken = 0;
}

gboolean broadcaster_flv_next(BroadcasterFlv *flv, RtmpMessage *message)
{
    forget_taken(flv);
    ByteReader reader =
        byte_reader(flv->written->data + flv->taken, flv->written->len - flv->taken);
    message->type = byte_reader_u8(&reader) & 0x1f;
    message->size = byte_reader_u24(&reader);
    guint32 low = byte_reader_u24(&reader);
    message->timestamp_ms = (guint32)byte_reader_u8(&reader) << 24 | low;
    byte_reader_u24(&reader); /* stream id: 0 */
    message->data = byte_reader_bytes(&reader, message->size);
    byte_reader_u32(&reader);
    if (reader.failed)
        return FALSE;
    flv->taken += TAG_HEADER_SIZE + message->size + TAG_TRAIL_SIZE;
    return TRUE;
}
