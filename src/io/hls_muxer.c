#include "io/hls_muxer.h"

#include <libavformat/avformat.h>

#include "base/bytes.h"
#include "base/error.h"

#define BUFFER_BYTES    (64 * 1024)
#define VIDEO_TIMESCALE 90000
#define MOVFLAGS        "frag_custom+empty_moov+default_base_moof+skip_trailer"

#define BOX(a, b, c, d) ((guint32)(a) << 24 | (guint32)(b) << 16 | (guint32)(c) << 8 | (guint32)(d))

struct HlsMuxer {
    AVFormatContext *context;
    GByteArray *written;
    GBytes *init;
    gsize pending;
    gint64 first_dts[HLS_MAX_STREAMS]; /* of this fragment, in the track's timescale, or -1 */
};

static int take_written(void *opaque, uint8_t *data, int size)
{
    HlsMuxer *muxer = opaque;
    g_byte_array_append(muxer->written, data, (guint)size);
    return size;
}

static gboolean codec_fits(const AVCodecParameters *parameters)
{
    switch (parameters->codec_id) {
    case AV_CODEC_ID_H264:
    case AV_CODEC_ID_AAC:
    case AV_CODEC_ID_OPUS:
    case AV_CODEC_ID_AV1:
        return parameters->extradata_size > 0;
    case AV_CODEC_ID_VP9:
        return TRUE;
    default:
        return FALSE;
    }
}

static gboolean add_stream(HlsMuxer *muxer, const AVCodecParameters *parameters)
{
    AVStream *stream = avformat_new_stream(muxer->context, NULL);
    if (!stream || !codec_fits(parameters) ||
        avcodec_parameters_copy(stream->codecpar, parameters) < 0)
        return FALSE;
    AVCodecParameters *own = stream->codecpar;
    gboolean is_video = own->codec_type == AVMEDIA_TYPE_VIDEO;
    own->codec_tag = 0;
    if (is_video && own->format < 0)
        own->format = AV_PIX_FMT_YUV420P; /* VP9 says it in its header box */
    stream->time_base = (AVRational){ 1, is_video ? VIDEO_TIMESCALE : own->sample_rate };
    return is_video || own->sample_rate > 0;
}

static gboolean set_up(HlsMuxer *muxer, const AVCodecParameters *const *parameters, guint n)
{
    uint8_t *buffer = av_malloc(BUFFER_BYTES);
    if (!buffer || avformat_alloc_output_context2(&muxer->context, NULL, "mp4", NULL) < 0) {
        av_free(buffer);
        return FALSE;
    }
    muxer->context->pb =
        avio_alloc_context(buffer, BUFFER_BYTES, 1, muxer, NULL, take_written, NULL);
    if (!muxer->context->pb) {
        av_free(buffer);
        return FALSE;
    }
    muxer->context->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
    for (guint i = 0; i < n; i++)
        if (!add_stream(muxer, parameters[i]))
            return FALSE;
    AVDictionary *options = NULL;
    av_dict_set(&options, "movflags", MOVFLAGS, 0);
    av_dict_set_int(&options, "video_track_timescale", VIDEO_TIMESCALE, 0);
    int result = avformat_write_header(muxer->context, &options);
    av_dict_free(&options);
    avio_flush(muxer->context->pb);
    return result >= 0;
}

static GBytes *take_all(HlsMuxer *muxer)
{
    GByteArray *written = muxer->written;
    muxer->written = g_byte_array_new();
    return g_byte_array_free_to_bytes(written);
}

static void begin_fragment(HlsMuxer *muxer)
{
    muxer->pending = 0;
    for (guint i = 0; i < HLS_MAX_STREAMS; i++)
        muxer->first_dts[i] = -1;
}

HlsMuxer *hls_muxer_new(const AVCodecParameters *const *parameters, guint n, GError **error)
{
    g_autoptr(HlsMuxer) muxer = g_new0(HlsMuxer, 1);
    muxer->written = g_byte_array_new();
    begin_fragment(muxer);
    if (!n || n > HLS_MAX_STREAMS || !set_up(muxer, parameters, n)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNSUPPORTED,
                    "HLS takes one H.264, VP9 or AV1 and one AAC or Opus stream with their "
                    "headers, nothing else.");
        return NULL;
    }
    muxer->init = take_all(muxer);
    return g_steal_pointer(&muxer);
}

void hls_muxer_free(HlsMuxer *muxer)
{
    if (!muxer)
        return;
    if (muxer->context && muxer->init)
        av_write_trailer(muxer->context); /* frees what it has collected */
    if (muxer->context && muxer->context->pb) {
        av_free(muxer->context->pb->buffer);
        avio_context_free(&muxer->context->pb);
    }
    avformat_free_context(muxer->context);
    g_byte_array_unref(muxer->written);
    g_clear_pointer(&muxer->init, g_bytes_unref);
    g_free(muxer);
}

GBytes *hls_muxer_init(HlsMuxer *muxer)
{
    return muxer->init;
}

static void set_error(GError **error, int result)
{
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INTERNAL,
                "A packet does not fit into an HLS segment: %s.", av_err2str(result));
}

gboolean hls_muxer_write(HlsMuxer *muxer, guint stream, AVPacket *packet, GError **error)
{
    gsize size = (gsize)packet->size;
    packet->stream_index = (int)stream;
    av_packet_rescale_ts(packet, (AVRational){ 1, G_USEC_PER_SEC },
                         muxer->context->streams[stream]->time_base);
    gint64 dts = packet->dts;
    int result = av_write_frame(muxer->context, packet);
    if (result < 0) {
        set_error(error, result);
        return FALSE;
    }
    if (muxer->first_dts[stream] < 0)
        muxer->first_dts[stream] = dts;
    muxer->pending += size;
    return TRUE;
}

gsize hls_muxer_pending(const HlsMuxer *muxer)
{
    return muxer->pending;
}

/* ---- the fragments' times ---- */

/** The next box inside `reader`: its kind, and its contents as a reader. */
static gboolean next_box(ByteReader *reader, guint32 *kind, ByteReader *inside)
{
    guint32 size = byte_reader_u32(reader);
    *kind = byte_reader_u32(reader);
    if (reader->failed || size < 8)
        return FALSE;
    const guint8 *data = byte_reader_bytes(reader, size - 8);
    *inside = byte_reader(data, size - 8);
    return data != NULL;
}

/** ISO/IEC 14496-12 8.8.12: baseMediaDecodeTime of one track's fragment. */
static void set_decode_time(HlsMuxer *muxer, ByteReader *traf)
{
    ByteReader inside;
    guint32 kind, track = 0;
    while (next_box(traf, &kind, &inside)) {
        guint8 version = byte_reader_u8(&inside);
        byte_reader_u24(&inside);
        if (kind == BOX('t', 'f', 'h', 'd'))
            track = byte_reader_u32(&inside);
        if (kind != BOX('t', 'f', 'd', 't') || track < 1 || track > HLS_MAX_STREAMS)
            continue;
        gsize size = version ? 8 : 4;
        const guint8 *place = byte_reader_bytes(&inside, size);
        if (!place)
            continue;
        ByteWriter writer = byte_writer((guint8 *)place, size);
        byte_writer_uint(&writer, (guint64)muxer->first_dts[track - 1], size);
    }
}

static void set_decode_times(HlsMuxer *muxer)
{
    ByteReader file = byte_reader(muxer->written->data, muxer->written->len);
    ByteReader moof, traf;
    guint32 kind;
    while (next_box(&file, &kind, &moof)) {
        if (kind != BOX('m', 'o', 'o', 'f'))
            continue;
        while (next_box(&moof, &kind, &traf))
            if (kind == BOX('t', 'r', 'a', 'f'))
                set_decode_time(muxer, &traf);
    }
}

GBytes *hls_muxer_cut(HlsMuxer *muxer, GError **error)
{
    if (!muxer->pending)
        return NULL;
    int result = av_write_frame(muxer->context, NULL);
    avio_flush(muxer->context->pb);
    if (result < 0) {
        set_error(error, result);
        return NULL;
    }
    set_decode_times(muxer);
    begin_fragment(muxer);
    return take_all(muxer);
}
