#include "io/flv.h"

#include <libavcodec/avcodec.h>
#include <string.h>

#include "base/bytes.h"
#include "codecs/codec.h"
#include "io/flv_config.h"

/* A step back that is smaller comes from rounding to milliseconds, a larger one from a sender that
 * begins anew. */
#define RESTART_US 1000000

typedef struct {
    AVCodecParameters *parameters; /* NULL: not configured */
    gboolean announced;            /* the events know `parameters` */
    gboolean has_dts;
    gint64 last_dts_us;
} FlvTrack;

struct FlvReader {
    MediaEvents events;
    gpointer user;
    AVPacket *packet;
    FlvTrack tracks[2]; /* by MediaKind */
    char unsupported[96];

    /* One clock for both kinds. */
    gboolean has_time;
    guint32 last_wire_ms;
    gint64 last_ms;
};

/* One tag, taken apart. */
typedef struct {
    MediaKind kind;
    enum AVCodecID codec;
    enum { FLV_CONFIG, FLV_FRAME, FLV_NOTHING } what;
    gboolean is_key;
    gint32 composition_ms;
    const guint8 *body;
    gsize size;
} FlvTag;

FlvReader *flv_reader_new(const MediaEvents *events, gpointer user)
{
    FlvReader *reader = g_new0(FlvReader, 1);
    reader->events = *events;
    reader->user = user;
    reader->packet = av_packet_alloc();
    return reader;
}

void flv_reader_free(FlvReader *reader)
{
    if (!reader)
        return;
    for (guint i = 0; i < G_N_ELEMENTS(reader->tracks); i++)
        avcodec_parameters_free(&reader->tracks[i].parameters);
    av_packet_free(&reader->packet);
    g_free(reader);
}

const char *flv_reader_unsupported(const FlvReader *reader)
{
    return *reader->unsupported ? reader->unsupported : NULL;
}

/* --- Time --- */

/* Only frames tell the time: some encoders send their sequence headers with 0.
 * Senders count in 32 bits, or in 31 as FLV files do. A distance of half the range is a wrap of 31
 * bits, for nobody is 12 days ahead. */
static gint64 flv_unwrap_ms(FlvReader *reader, guint32 wire_ms)
{
    const gint64 half = (gint64)1 << 30, whole = (gint64)1 << 31;
    gint64 step = (gint32)(wire_ms - reader->last_wire_ms);
    gboolean both_31_bits = (wire_ms | reader->last_wire_ms) <= G_MAXINT32;
    if (!reader->has_time) {
        step = (gint64)wire_ms;
        reader->has_time = TRUE;
    } else if (both_31_bits && step < -half) {
        step += whole;
    } else if (both_31_bits && step > half) {
        step -= whole;
    }
    reader->last_wire_ms = wire_ms;
    reader->last_ms += step;
    return reader->last_ms;
}

static gint64 flv_rising_dts_us(FlvTrack *track, gint64 dts_us)
{
    gint64 back_us = track->last_dts_us - dts_us;
    if (track->has_dts && back_us >= 0 && back_us < RESTART_US)
        dts_us = track->last_dts_us + 1;
    track->has_dts = TRUE;
    track->last_dts_us = dts_us;
    return dts_us;
}

/* --- Streams and frames --- */

static void flv_announce(FlvReader *reader, MediaKind kind)
{
    FlvTrack *track = &reader->tracks[kind];
    track->announced = TRUE;
    reader->events.stream(kind, track->parameters, reader->user);
}

static gboolean flv_same_config(const AVCodecParameters *a, const AVCodecParameters *b)
{
    return a && a->codec_id == b->codec_id && a->extradata_size == b->extradata_size &&
           a->sample_rate == b->sample_rate &&
           a->ch_layout.nb_channels == b->ch_layout.nb_channels &&
           (a->extradata_size == 0 ||
            memcmp(a->extradata, b->extradata, (gsize)a->extradata_size) == 0);
}

/* The codec whose frames tell their size, where the configuration does not. */
static const CodecType *flv_codec_with_size(enum AVCodecID codec)
{
    switch (codec) {
    case AV_CODEC_ID_VP8:
        return &codec_vp8;
    case AV_CODEC_ID_VP9:
        return &codec_vp9;
    case AV_CODEC_ID_AV1:
        return &codec_av1;
    default:
        return NULL;
    }
}

/* Takes the parameters. Encoders repeat their sequence headers: only another one is news. */
static gboolean flv_configure(FlvReader *reader, MediaKind kind, AVCodecParameters *parameters)
{
    FlvTrack *track = &reader->tracks[kind];
    if (!parameters)
        return FALSE;
    if (flv_same_config(track->parameters, parameters)) {
        avcodec_parameters_free(&parameters);
        return TRUE;
    }
    avcodec_parameters_free(&track->parameters);
    track->parameters = parameters;
    track->announced = FALSE;
    if (!flv_codec_with_size(parameters->codec_id))
        flv_announce(reader, kind);
    return TRUE;
}

/* What needs no configuration makes its own at its first frame. */
static void flv_configure_by_frame(FlvReader *reader, const FlvTag *tag)
{
    const AVCodecParameters *now = reader->tracks[tag->kind].parameters;
    gboolean is_new = !now || now->codec_id != tag->codec;
    if (tag->codec == AV_CODEC_ID_MP3)
        flv_configure(reader, tag->kind, flv_config_from_mp3(tag->body, tag->size));
    else if (is_new && (tag->codec == AV_CODEC_ID_VP8 || tag->codec == AV_CODEC_ID_VP9))
        flv_configure(reader, tag->kind, flv_config_parse(tag->codec, NULL, 0));
}

static void flv_learn_size(FlvReader *reader, const FlvTag *tag)
{
    FlvTrack *track = &reader->tracks[tag->kind];
    const CodecType *codec = flv_codec_with_size(tag->codec);
    VideoFrameHeader header = { 0 };
    if (!codec || !tag->is_key || !codec->peek(tag->body, tag->size, &header) || !header.has_size)
        return;
    gboolean same =
        header.width == track->parameters->width && header.height == track->parameters->height;
    track->parameters->width = header.width;
    track->parameters->height = header.height;
    if (!same || !track->announced)
        flv_announce(reader, tag->kind);
}

static gboolean flv_frame_is_whole(const FlvTrack *track, const FlvTag *tag)
{
    if (tag->codec != AV_CODEC_ID_H264 && tag->codec != AV_CODEC_ID_HEVC)
        return TRUE;
    return flv_config_frame_fits(flv_config_length_size(track->parameters), tag->body, tag->size);
}

static gboolean flv_frame(FlvReader *reader, const FlvTag *tag, guint32 wire_ms, gint64 arrival_ns)
{
    FlvTrack *track = &reader->tracks[tag->kind];
    AVPacket *packet = reader->packet;
    flv_configure_by_frame(reader, tag);
    if (!track->parameters || track->parameters->codec_id != tag->codec)
        return FALSE;
    flv_learn_size(reader, tag);
    if (!track->announced || !flv_frame_is_whole(track, tag))
        return FALSE;
    if (av_new_packet(packet, (int)tag->size) < 0)
        return FALSE;
    gint64 time_ms = flv_unwrap_ms(reader, wire_ms);
    memcpy(packet->data, tag->body, tag->size);
    packet->dts = flv_rising_dts_us(track, time_ms * 1000);
    packet->pts = tag->composition_ms ? (time_ms + tag->composition_ms) * 1000 : packet->dts;
    packet->time_base = (AVRational){ 1, 1000000 };
    packet->flags = tag->is_key ? AV_PKT_FLAG_KEY : 0;
    reader->events.packet(tag->kind, packet, arrival_ns, reader->user);
    av_packet_unref(packet);
    return TRUE;
}

/* --- Tags --- */

static void flv_tell_unsupported(FlvReader *reader, MediaKind kind, const char *codec)
{
    if (kind == MEDIA_VIDEO)
        g_snprintf(reader->unsupported, sizeof reader->unsupported,
                   "its pictures are %s; H.264, HEVC, AV1, VP9 and VP8 can be taken", codec);
    else
        g_snprintf(reader->unsupported, sizeof reader->unsupported,
                   "its sound is %s; AAC, Opus and MP3 can be taken", codec);
}

static enum AVCodecID flv_codec_of_fourcc(guint32 fourcc)
{
    switch (fourcc) {
    case 0x61766331: /* avc1 */
        return AV_CODEC_ID_H264;
    case 0x68766331: /* hvc1 */
        return AV_CODEC_ID_HEVC;
    case 0x61763031: /* av01 */
        return AV_CODEC_ID_AV1;
    case 0x76703039: /* vp09 */
        return AV_CODEC_ID_VP9;
    case 0x76703038: /* vp08 */
        return AV_CODEC_ID_VP8;
    case 0x6d703461: /* mp4a */
        return AV_CODEC_ID_AAC;
    case 0x4f707573: /* Opus */
        return AV_CODEC_ID_OPUS;
    case 0x2e6d7033: /* .mp3 */
        return AV_CODEC_ID_MP3;
    default:
        return AV_CODEC_ID_NONE;
    }
}

/* Extensions in front of the packet that they modify: nothing of theirs is needed. Returns the
 * packet's own type. */
static guint flv_skip_mod_ex(ByteReader *bytes, guint packet_type)
{
    enum { MOD_EX = 7 };
    while (packet_type == MOD_EX && !bytes->failed) {
        gsize size = byte_reader_u8(bytes) + 1u;
        if (size == 256)
            size = byte_reader_u16(bytes) + 1u;
        byte_reader_bytes(bytes, size);
        packet_type = byte_reader_u8(bytes) & 0x0f;
    }
    return packet_type;
}

/* Several tracks in one tag: what is left of `bytes` is track 0. FALSE: it is not there. */
static gboolean flv_find_track(ByteReader *bytes, guint multitrack, guint32 *fourcc)
{
    enum { ONE_TRACK = 0, MANY_TRACKS_MANY_CODECS = 2 };
    if (multitrack != MANY_TRACKS_MANY_CODECS)
        *fourcc = byte_reader_u32(bytes);
    while (byte_reader_left(bytes) > 0) {
        if (multitrack == MANY_TRACKS_MANY_CODECS)
            *fourcc = byte_reader_u32(bytes);
        guint8 id = byte_reader_u8(bytes);
        gsize size = multitrack == ONE_TRACK ? byte_reader_left(bytes) : byte_reader_u24(bytes);
        const guint8 *body = byte_reader_bytes(bytes, size);
        if (body && id == 0) {
            *bytes = byte_reader(body, size);
            return TRUE;
        }
    }
    return FALSE;
}

/* Enhanced RTMP, after the first byte: the packet's type and codec; what is left is its body. */
static gboolean flv_parse_extended(FlvReader *reader, ByteReader *bytes, guint *packet_type,
                                   FlvTag *tag, gboolean is_command)
{
    const guint multitrack_type = tag->kind == MEDIA_VIDEO ? 6 : 5;
    enum { METADATA = 4 };
    guint32 fourcc = 0;
    *packet_type = flv_skip_mod_ex(bytes, *packet_type);
    if (is_command && *packet_type != METADATA)
        return FALSE;
    if (*packet_type == multitrack_type) {
        guint8 kinds = byte_reader_u8(bytes);
        *packet_type = kinds & 0x0f;
        if (!flv_find_track(bytes, kinds >> 4, &fourcc))
            return FALSE;
    } else {
        fourcc = byte_reader_u32(bytes);
    }
    if (bytes->failed)
        return FALSE;
    tag->codec = flv_codec_of_fourcc(fourcc);
    if (tag->codec == AV_CODEC_ID_NONE) {
        char name[5] = { (char)(fourcc >> 24), (char)(fourcc >> 16), (char)(fourcc >> 8),
                         (char)fourcc };
        g_strcanon(name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS ".-", '?');
        flv_tell_unsupported(reader, tag->kind, name);
    }
    return tag->codec != AV_CODEC_ID_NONE;
}

static gint32 flv_read_composition(ByteReader *bytes)
{
    guint32 value = byte_reader_u24(bytes);
    return value & 0x800000 ? (gint32)value - 0x1000000 : (gint32)value;
}

static void flv_classify_video(ByteReader *bytes, guint packet_type, FlvTag *tag)
{
    enum { SEQUENCE_START = 0, CODED_FRAMES = 1, CODED_FRAMES_X = 3 };
    gboolean has_time = tag->codec == AV_CODEC_ID_H264 || tag->codec == AV_CODEC_ID_HEVC;
    if (packet_type == SEQUENCE_START) {
        tag->what = FLV_CONFIG;
    } else if (packet_type == CODED_FRAMES || packet_type == CODED_FRAMES_X) {
        tag->what = FLV_FRAME;
        if (has_time && packet_type == CODED_FRAMES)
            tag->composition_ms = flv_read_composition(bytes);
    }
}

/* The codec of a tag of the old kind; it is followed, as in Enhanced RTMP, by the packet's type and
 * here always by a composition time. */
static gboolean flv_parse_old_video(FlvReader *reader, ByteReader *bytes, guint number, FlvTag *tag)
{
    enum { OLD_AVC = 7, OLD_HEVC = 12 };
    if (number != OLD_AVC && number != OLD_HEVC) {
        flv_tell_unsupported(reader, MEDIA_VIDEO, "of an old codec");
        return FALSE;
    }
    tag->codec = number == OLD_AVC ? AV_CODEC_ID_H264 : AV_CODEC_ID_HEVC;
    guint packet_type = byte_reader_u8(bytes);
    gint32 composition_ms = flv_read_composition(bytes);
    tag->what = packet_type == 0 ? FLV_CONFIG : packet_type == 1 ? FLV_FRAME : FLV_NOTHING;
    tag->composition_ms = tag->what == FLV_FRAME ? composition_ms : 0;
    return TRUE;
}

static gboolean flv_parse_video(FlvReader *reader, ByteReader *bytes, FlvTag *tag)
{
    enum { KEY_FRAME = 1, COMMAND_FRAME = 5 };
    guint8 first = byte_reader_u8(bytes);
    guint frame_type = first >> 4 & 7, packet_type = first & 0x0f;
    tag->is_key = frame_type == KEY_FRAME;
    if (!(first & 0x80))
        return frame_type != COMMAND_FRAME && flv_parse_old_video(reader, bytes, first & 0x0f, tag);
    if (!flv_parse_extended(reader, bytes, &packet_type, tag, frame_type == COMMAND_FRAME))
        return FALSE;
    flv_classify_video(bytes, packet_type, tag);
    return TRUE;
}

static const char *flv_old_sound_name(guint format)
{
    static const char *const names[] = { "PCM",        "ADPCM",      "MP3",   "PCM",   "Nellymoser",
                                         "Nellymoser", "Nellymoser", "A-law", "mu-law" };
    return format < G_N_ELEMENTS(names) ? names[format] : format == 11 ? "Speex" : "unknown";
}

static gboolean flv_parse_audio(FlvReader *reader, ByteReader *bytes, FlvTag *tag)
{
    enum { OLD_MP3 = 2, EX_HEADER = 9, OLD_AAC = 10, OLD_MP3_8K = 14 };
    enum { SEQUENCE_START = 0, CODED_FRAMES = 1 };
    guint8 first = byte_reader_u8(bytes);
    guint format = first >> 4, packet_type = first & 0x0f;
    tag->is_key = TRUE;
    if (format == OLD_MP3 || format == OLD_MP3_8K) {
        tag->codec = AV_CODEC_ID_MP3;
        packet_type = CODED_FRAMES;
    } else if (format == OLD_AAC) {
        tag->codec = AV_CODEC_ID_AAC;
        packet_type = byte_reader_u8(bytes);
    } else if (format != EX_HEADER) {
        flv_tell_unsupported(reader, MEDIA_AUDIO, flv_old_sound_name(format));
        return FALSE;
    } else if (!flv_parse_extended(reader, bytes, &packet_type, tag, FALSE)) {
        return FALSE;
    }
    tag->what = packet_type == SEQUENCE_START ? FLV_CONFIG
                : packet_type == CODED_FRAMES ? FLV_FRAME
                                              : FLV_NOTHING;
    return TRUE;
}

gboolean flv_reader_tag(FlvReader *reader, MediaKind kind, guint32 timestamp_ms, const guint8 *data,
                        gsize size, gint64 arrival_ns)
{
    ByteReader bytes = byte_reader(data, size);
    FlvTag tag = { .kind = kind, .what = FLV_NOTHING };
    if (size == 0)
        return kind == MEDIA_AUDIO; /* a pause in the sound (Enhanced RTMP v2) */
    gboolean known = kind == MEDIA_VIDEO ? flv_parse_video(reader, &bytes, &tag)
                                         : flv_parse_audio(reader, &bytes, &tag);
    if (!known || bytes.failed)
        return FALSE;
    tag.size = byte_reader_left(&bytes);
    tag.body = byte_reader_bytes(&bytes, tag.size);
    if (tag.what == FLV_NOTHING)
        return TRUE;
    if (tag.size == 0 && tag.codec != AV_CODEC_ID_VP8 && tag.codec != AV_CODEC_ID_VP9)
        return FALSE;
    if (tag.what == FLV_FRAME)
        return tag.size > 0 && flv_frame(reader, &tag, timestamp_ms, arrival_ns);
    if (tag.codec == AV_CODEC_ID_MP3)
        return TRUE; /* its frames tell */
    return flv_configure(reader, kind, flv_config_parse(tag.codec, tag.body, tag.size));
}
