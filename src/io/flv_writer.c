#include "io/flv_writer.h"

#include <libavcodec/avcodec.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "codecs/h264_nal.h"
#include "io/amf.h"
#include "io/flv_config.h"

enum { FLV_AVC = 7, FLV_AAC = 10 };
enum { FLV_HEADER = 0, FLV_FRAME = 1 };

struct FlvWriter {
    AVCodecParameters *video, *audio;
    gboolean annex_b;  /* the packets are */
    GBytes *sps, *pps; /* of Annex B */
    GBytes *avcc;      /* or NULL: not known yet */
};

/* --- Parameter sets --- */

static gboolean flv_keep_set(GBytes **kept, const guint8 *nal, gsize size)
{
    g_autoptr(GBytes) set = g_bytes_new(nal, size);
    if (*kept && g_bytes_equal(*kept, set))
        return FALSE;
    g_clear_pointer(kept, g_bytes_unref);
    *kept = g_steal_pointer(&set);
    return TRUE;
}

/* The first SPS and PPS of a byte stream. TRUE: they are others than before. */
static gboolean flv_learn_sets(FlvWriter *writer, const guint8 *data, gsize size)
{
    NalIterator nals = { .data = data, .size = size };
    gboolean changed = FALSE;
    while (nal_iterator_next(&nals)) {
        guint8 type = nal_type(nals.nal[0]);
        if (type == H264_SPS)
            changed |= flv_keep_set(&writer->sps, nals.nal, nals.nal_size);
        else if (type == H264_PPS)
            changed |= flv_keep_set(&writer->pps, nals.nal, nals.nal_size);
        else if (type == H264_SLICE || type == H264_IDR)
            break;
    }
    if (!changed || !writer->sps || !writer->pps)
        return FALSE;
    g_clear_pointer(&writer->avcc, g_bytes_unref);
    writer->avcc = flv_config_write_avcc(writer->sps, writer->pps);
    return writer->avcc != NULL;
}

/* Annex B begins with a zero, avcC with a one. */
static gboolean flv_learn_extradata(FlvWriter *writer, const guint8 *data, gsize size)
{
    if (size == 0)
        return FALSE;
    writer->annex_b = data[0] == 0;
    return writer->annex_b ? flv_learn_sets(writer, data, size)
                           : flv_keep_set(&writer->avcc, data, size);
}

FlvWriter *flv_writer_new(const AVCodecParameters *video, const AVCodecParameters *audio,
                          GError **error)
{
    if ((video && video->codec_id != AV_CODEC_ID_H264) ||
        (audio && audio->codec_id != AV_CODEC_ID_AAC)) {
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_UNSUPPORTED,
                            "RTMP carries H.264 and AAC only; encode the mix as these.");
        return NULL;
    }
    FlvWriter *writer = g_new0(FlvWriter, 1);
    writer->annex_b = TRUE;
    if (video) {
        writer->video = avcodec_parameters_alloc();
        avcodec_parameters_copy(writer->video, video);
        flv_learn_extradata(writer, video->extradata, (gsize)video->extradata_size);
    }
    if (audio) {
        writer->audio = avcodec_parameters_alloc();
        avcodec_parameters_copy(writer->audio, audio);
    }
    return writer;
}

void flv_writer_free(FlvWriter *writer)
{
    if (!writer)
        return;
    avcodec_parameters_free(&writer->video);
    avcodec_parameters_free(&writer->audio);
    g_clear_pointer(&writer->sps, g_bytes_unref);
    g_clear_pointer(&writer->pps, g_bytes_unref);
    g_clear_pointer(&writer->avcc, g_bytes_unref);
    g_free(writer);
}

/* --- Headers --- */

static void flv_write_property(GByteArray *out, const char *name, gdouble value)
{
    amf_write_name(out, name);
    amf_write_number(out, value);
}

static void flv_write_video_properties(const AVCodecParameters *video, GByteArray *out)
{
    flv_write_property(out, "width", video->width);
    flv_write_property(out, "height", video->height);
    flv_write_property(out, "videocodecid", FLV_AVC);
    if (video->bit_rate > 0)
        flv_write_property(out, "videodatarate", (gdouble)video->bit_rate / 1000);
}

static void flv_write_audio_properties(const AVCodecParameters *audio, GByteArray *out)
{
    flv_write_property(out, "audiocodecid", FLV_AAC);
    flv_write_property(out, "audiosamplerate", audio->sample_rate);
    flv_write_property(out, "audiosamplesize", 16);
    amf_write_name(out, "stereo");
    amf_write_boolean(out, audio->ch_layout.nb_channels == 2);
    if (audio->bit_rate > 0)
        flv_write_property(out, "audiodatarate", (gdouble)audio->bit_rate / 1000);
}

/* An ECMA array: FFmpeg does not honour anything else. */
void flv_writer_metadata(const FlvWriter *writer, GByteArray *out)
{
    guint n = 1 + (writer->video ? 3 + (writer->video->bit_rate > 0) : 0) +
              (writer->audio ? 4 + (writer->audio->bit_rate > 0) : 0);
    amf_write_string(out, "onMetaData");
    amf_write_ecma_array(out, n);
    if (writer->video)
        flv_write_video_properties(writer->video, out);
    if (writer->audio)
        flv_write_audio_properties(writer->audio, out);
    amf_write_name(out, "encoder");
    amf_write_string(out, "Tessera");
    amf_write_end(out);
}

static void flv_write_video_start(GByteArray *out, gboolean is_key, guint8 what,
                                  gint32 composition_ms)
{
    guint8 head[5];
    ByteWriter bytes = byte_writer(head, sizeof head);
    byte_writer_u8(&bytes, (guint8)((is_key ? 1 : 2) << 4 | FLV_AVC));
    byte_writer_u8(&bytes, what);
    byte_writer_u24(&bytes, (guint32)composition_ms & 0xffffff);
    g_byte_array_append(out, head, sizeof head);
}

/* The rate, size and channels in the first byte are fixed for AAC (E.4.2.1). */
static void flv_write_audio_start(GByteArray *out, guint8 what)
{
    const guint8 head[] = { FLV_AAC << 4 | 0x0f, what };
    g_byte_array_append(out, head, sizeof head);
}

gboolean flv_writer_video_header(const FlvWriter *writer, GByteArray *out)
{
    if (!writer->video || !writer->avcc)
        return FALSE;
    flv_write_video_start(out, TRUE, FLV_HEADER, 0);
    g_byte_array_append(out, g_bytes_get_data(writer->avcc, NULL),
                        (guint)g_bytes_get_size(writer->avcc));
    return TRUE;
}

gboolean flv_writer_audio_header(const FlvWriter *writer, GByteArray *out)
{
    if (!writer->audio || writer->audio->extradata_size <= 0)
        return FALSE;
    flv_write_audio_start(out, FLV_HEADER);
    g_byte_array_append(out, writer->audio->extradata, (guint)writer->audio->extradata_size);
    return TRUE;
}

gboolean flv_writer_video_changes(FlvWriter *writer, const AVPacket *packet)
{
    size_t size = 0;
    const guint8 *extradata = av_packet_get_side_data(packet, AV_PKT_DATA_NEW_EXTRADATA, &size);
    gboolean changed = extradata && flv_learn_extradata(writer, extradata, size);
    if (writer->annex_b && packet->size > 0)
        changed |= flv_learn_sets(writer, packet->data, (gsize)packet->size);
    return changed;
}

/* --- Frames --- */

gint64 flv_writer_ms(gint64 time_us)
{
    return time_us >= 0 ? time_us / 1000 : -((999 - time_us) / 1000);
}

static void flv_write_nal(GByteArray *out, const guint8 *nal, gsize size)
{
    guint32 length = GUINT32_TO_BE((guint32)size);
    g_byte_array_append(out, (const guint8 *)&length, sizeof length);
    g_byte_array_append(out, nal, (guint)size);
}

/* What the header tells, and what only separates, is left out. */
static void flv_write_annex_b(GByteArray *out, const AVPacket *packet)
{
    NalIterator nals = { .data = packet->data, .size = (gsize)packet->size };
    while (nal_iterator_next(&nals)) {
        guint8 type = nal_type(nals.nal[0]);
        if (type != H264_SPS && type != H264_PPS && type != H264_AUD && type != H264_FILLER)
            flv_write_nal(out, nals.nal, nals.nal_size);
    }
}

gboolean flv_writer_video(const FlvWriter *writer, const AVPacket *packet, GByteArray *out)
{
    guint before = out->len;
    gint64 composition_ms = flv_writer_ms(packet->pts) - flv_writer_ms(packet->dts);
    if (!writer->video || !writer->avcc || packet->size <= 0)
        return FALSE;
    flv_write_video_start(out, (packet->flags & AV_PKT_FLAG_KEY) != 0, FLV_FRAME,
                          (gint32)CLAMP(composition_ms, -0x800000, 0x7fffff));
    guint head = out->len;
    if (writer->annex_b)
        flv_write_annex_b(out, packet);
    else
        g_byte_array_append(out, packet->data, (guint)packet->size);
    if (out->len == head)
        g_byte_array_set_size(out, before);
    return out->len > before;
}

gboolean flv_writer_audio(const FlvWriter *writer, const AVPacket *packet, GByteArray *out)
{
    if (!writer->audio || packet->size <= 0)
        return FALSE;
    flv_write_audio_start(out, FLV_FRAME);
    g_byte_array_append(out, packet->data, (guint)packet->size);
    return TRUE;
}
