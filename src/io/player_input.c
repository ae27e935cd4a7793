#include "io/player_input.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <string.h>

#include "base/error.h"
#include "codecs/codec.h"
#include "io/player_connect.h"
#include "io/player_file.h"
#include "io/player_guard.h"
#include "io/player_still.h"
#include "io/player_streams.h"

#define OPEN_NS         (20 * NS_PER_SEC)
#define READ_NS         (10 * NS_PER_SEC)
#define READ_HTTP_NS    (30 * NS_PER_SEC) /* a segment of HLS may be long in coming */
#define SEEK_NS         (10 * NS_PER_SEC)
#define OPEN_BYTES      (256 << 20) /* an index may be large */
#define READ_BYTES      (64 << 20)
#define SEEK_BYTES      G_MAXINT64 /* FLV without an index is read through */
#define PROBE_BYTES     (2 << 20)
#define ANALYZE_US      (2 * 1000000)
#define MAX_STREAMS_HLS 64 /* every variant is one or two */
#define MAX_ALLOC       (256u << 20)
#define MAX_TIME_US     (G_GINT64_CONSTANT(1) << 52)
#define MAX_DURATION_US (60 * G_GINT64_CONSTANT(1000000))
#define EMPTY_PAUSE_US  10000
#define MICROSECONDS    ((AVRational){ 1, 1000000 })
#define FILE_FORMATS    "mov,flv,matroska,ogg,mp3,wav"
#define URL_FORMATS     FILE_FORMATS ",live_flv,rtsp,sdp,rtp,hls,mpegts,aac,flac"
#define URL_PROTOCOLS   "rtmp,rtmps,rtsp,rtp,http,https,httpproxy,tcp,tls,srt,crypto"
#define LIBRARY_DECODERS                                                                          \
    "h264,hevc,vp8,vp9,libdav1d,mpeg4,mjpeg,png,aac,aac_fixed,mp3float,mp3,opus,vorbis,flac,ac3," \
    "pcm_u8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_f32le,pcm_f64le,pcm_alaw,"      \
    "pcm_mulaw"

struct PlayerInput {
    /* What to read. */
    char *media_dir, *file_name;
    char *url;
    PlayerConnect *connect;
    char *name; /* what people may see */
    gboolean live, opens_itself, is_plain_http;

    /* Of the open input. */
    PlayerFile *file;
    PlayerStill *still;
    AVFormatContext *context;
    int (*library_io_open)(AVFormatContext *context, AVIOContext **io, const char *url, int flags,
                           AVDictionary **options);
    const char *opened_url; /* the context's, where it opens itself: only to be compared */
    GError *refusal;        /* why a URL may not be opened */
    gint64 last_dts_us[2], last_duration_us[2];

    PlayerStreams streams;
    PlayerGuard guard;
};

/* --- making ------------------------------------------------------------------------------ */

static void limit_library(void)
{
    static gsize once;
    if (g_once_init_enter(&once)) {
        /* A few bytes of an index can ask for gigabytes of table; no picture needs as much. */
        av_max_alloc(MAX_ALLOC);
        g_once_init_leave(&once, 1);
    }
}

static gboolean take_url(PlayerInput *input, const PlayerInputSource *source, GError **error)
{
    g_autoptr(MediaUrl) url = media_url_parse(source->url, MEDIA_URL_PULL, error);
    if (!url)
        return FALSE;
    input->live = player_connect_is_live(url);
    input->opens_itself = g_str_has_prefix(url->scheme, "rtsp");
    input->is_plain_http = g_str_equal(url->scheme, "http");
    input->url = g_strdup(source->url);
    input->name = media_url_redact(source->url);
    input->connect = player_connect_new(source->policy);
    return TRUE;
}

PlayerInput *player_input_new(const PlayerInputSource *source, GError **error)
{
    g_autoptr(PlayerInput) input = g_new0(PlayerInput, 1);
    limit_library();
    if (source->url)
        return take_url(input, source, error) ? g_steal_pointer(&input) : NULL;
    if (!player_file_check_name(source->file, error))
        return NULL;
    input->media_dir = g_strdup(source->media_dir);
    input->file_name = g_strdup(source->file);
    input->name = g_strdup(source->file);
    return g_steal_pointer(&input);
}

void player_input_close(PlayerInput *input)
{
    avformat_close_input(&input->context);
    g_clear_pointer(&input->still, player_still_free);
    g_clear_pointer(&input->file, player_file_close);
    g_clear_error(&input->refusal);
    input->opened_url = NULL;
    if (input->connect)
        player_connect_forget(input->connect);
    player_streams_clear(&input->streams);
}

void player_input_free(PlayerInput *input)
{
    if (!input)
        return;
    player_input_close(input);
    g_clear_pointer(&input->connect, player_connect_free);
    g_free(input->media_dir);
    g_free(input->file_name);
    g_free(input->url);
    g_free(input->name);
    g_free(input);
}

void player_input_interrupt(PlayerInput *input)
{
    g_atomic_int_set(&input->guard.interrupted, 1);
    if (input->connect)
        player_connect_cancel(input->connect);
}

/* --- errors ------------------------------------------------------------------------------ */

/** TRUE: the destination, not what it holds, is at fault. */
static gboolean may_pass(int status)
{
    return status != AVERROR_INVALIDDATA && status != AVERROR_DEMUXER_NOT_FOUND &&
           status != AVERROR_PROTOCOL_NOT_FOUND && status != AVERROR(EINVAL) &&
           status != AVERROR(ENOMEM) && status != AVERROR_PATCHWELCOME;
}

static void set_failure(PlayerInput *input, int status, GError **error)
{
    char text[AV_ERROR_MAX_STRING_SIZE];
    av_make_error_string(text, sizeof text, status);
    if (status == AVERROR(ENOMEM)) /* of av_max_alloc() and max_streams, as good as always */
        g_snprintf(text, sizeof text, "it has too many streams or too large tables");
    if (input->refusal) {
        g_propagate_error(error, g_steal_pointer(&input->refusal));
    } else if (!input->url) {
        g_set_error(
            error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
            "\"%s\" cannot be played (%s); it may be damaged, or of another format than MP4, "
            "FLV, MKV, WebM, Ogg, MP3 or WAV",
            input->name, text);
    } else if (status == AVERROR_EXIT || status == AVERROR(ETIMEDOUT)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                    "%s does not answer; check that it is running and can be reached", input->name);
    } else {
        g_set_error(error, TESSERA_ERROR,
                    may_pass(status) ? TESSERA_ERROR_UNAVAILABLE : TESSERA_ERROR_INVALID,
                    "%s cannot be played (%s); check the address and what is sent there",
                    input->name, text);
    }
}

/* --- opening ----------------------------------------------------------------------------- */

/* RTSP follows a redirect by itself, to where nobody has checked. It puts the new URL into the
 * context first, and asks is_over() before it writes anything there. */
static gboolean is_redirected(PlayerInput *input)
{
    const char *url = input->context ? input->context->url : NULL;
    if (!input->opens_itself || !url)
        return FALSE;
    if (!input->opened_url)
        input->opened_url = url; /* asked for the first time: while it connects */
    if (url == input->opened_url)
        return FALSE;
    if (!input->refusal)
        g_set_error(&input->refusal, TESSERA_ERROR, TESSERA_ERROR_UNSUPPORTED,
                    "%s redirects to another address, and RTSP redirects are not followed; give "
                    "the final URL",
                    input->name);
    return TRUE;
}

static int is_over(void *opaque)
{
    PlayerInput *input = opaque;
    return is_redirected(input) || player_guard_over(&input->guard);
}

/* Everything that libavformat wants to open by itself: nothing beside a file, checked URLs beside a
 * URL (the playlists, segments and keys of HLS). */
static int open_checked(AVFormatContext *context, AVIOContext **io, const char *url, int flags,
                        AVDictionary **options)
{
    PlayerInput *input = context->opaque;
    g_autoptr(GError) error = NULL;
    if (!input->url || flags & AVIO_FLAG_WRITE)
        return AVERROR(EACCES);
    g_autofree char *leads = player_connect_url(input->connect, url, options, &error);
    if (leads)
        return input->library_io_open(context, io, leads, flags, options);
    if (!input->refusal)
        input->refusal = g_steal_pointer(&error);
    return AVERROR(EACCES);
}

static gboolean make_context(PlayerInput *input)
{
    AVFormatContext *context = input->context = avformat_alloc_context();
    if (!context)
        return FALSE;
    input->library_io_open = context->io_open;
    context->io_open = open_checked;
    context->opaque = input;
    context->interrupt_callback = (AVIOInterruptCB){ is_over, input };
    context->max_streams = input->url && !input->live ? MAX_STREAMS_HLS : PLAYER_INPUT_MAX_STREAMS;
    context->probesize = PROBE_BYTES;
    context->format_probesize = PROBE_BYTES;
    context->max_analyze_duration = ANALYZE_US;
    context->max_index_size = 16 << 20;
    context->max_probe_packets = 512;
    context->error_recognition = 0;
    context->format_whitelist = av_strdup(input->url ? URL_FORMATS : FILE_FORMATS);
    context->protocol_whitelist = av_strdup(input->url ? URL_PROTOCOLS : "");
    context->codec_whitelist = av_strdup(LIBRARY_DECODERS);
    if (input->file)
        context->pb = player_file_io(input->file);
    return context->format_whitelist && context->protocol_whitelist && context->codec_whitelist;
}

/* RTSP opens its connections by itself, so its URL is checked and replaced here. */
static char *url_to_open(PlayerInput *input, AVDictionary **options, GError **error)
{
    if (!input->url)
        return g_strdup("");
    /* A connection that is kept would be asked for the next segment behind open_checked(), with
     * the "Host:" of the first playlist. */
    if (input->is_plain_http)
        av_dict_set(options, "http_persistent", "0", 0);
    if (!input->opens_itself)
        return g_strdup(input->url);
    return player_connect_url(input->connect, input->url, options, error);
}

/* What the library decodes to find out more about the streams is limited as all decoding is. */
static int find_stream_info(AVFormatContext *context)
{
    guint n = context->nb_streams;
    g_autofree AVDictionary **options = g_new0(AVDictionary *, n + 1);
    for (guint i = 0; i < n; i++) {
        av_dict_set_int(&options[i], "max_pixels", VIDEO_MAX_PIXELS, 0);
        av_dict_set(&options[i], "threads", "1", 0);
    }
    int status = avformat_find_stream_info(context, options);
    for (guint i = 0; i < n; i++)
        av_dict_free(&options[i]);
    return status;
}

static gboolean open_context(PlayerInput *input, GError **error)
{
    AVDictionary *options = NULL;
    int status = AVERROR(ENOMEM);
    g_autofree char *url = url_to_open(input, &options, error);
    gboolean known = url != NULL;
    if (known && make_context(input)) {
        status = avformat_open_input(&input->context, url, NULL, &options); /* frees on failure */
        /* Formats that tell their streams by and by (FLV, MPEG-TS) carry all times themselves. */
        if (status >= 0 && !(input->context->ctx_flags & AVFMTCTX_NOHEADER))
            status = find_stream_info(input->context);
    }
    av_dict_free(&options);
    if (known && status < 0)
        set_failure(input, status, error);
    return known && status >= 0;
}

gboolean player_input_open(PlayerInput *input, GError **error)
{
    player_input_close(input);
    player_guard_set(&input->guard, OPEN_NS, OPEN_BYTES);
    for (guint kind = 0; kind < G_N_ELEMENTS(input->last_dts_us); kind++) {
        input->last_dts_us[kind] = AV_NOPTS_VALUE;
        input->last_duration_us[kind] = 0;
    }
    if (!input->url) {
        input->file = player_file_open(input->media_dir, input->file_name, &input->guard, error);
        if (!input->file)
            return FALSE;
        if (player_still_is_picture(input->file)) {
            input->still = player_still_new(input->file, error);
            return input->still != NULL;
        }
    }
    if (!open_context(input, error))
        return FALSE;
    gboolean chosen = player_streams_choose(&input->streams, input->context, error);
    if (!chosen)
        g_prefix_error(error, "%s cannot be played: ", input->name);
    return chosen;
}

/* --- reading ----------------------------------------------------------------------------- */

static gboolean in_range(gint64 time_us)
{
    return time_us > -MAX_TIME_US && time_us < MAX_TIME_US;
}

/* All times in microseconds, none missing. FALSE: they make no sense. */
static gboolean complete_times(PlayerInput *input, const AVStream *stream, MediaKind kind,
                               AVPacket *packet)
{
    gint64 *last_us = &input->last_dts_us[kind];
    gint64 next_us =
        *last_us == AV_NOPTS_VALUE ? AV_NOPTS_VALUE : *last_us + input->last_duration_us[kind];
    av_packet_rescale_ts(packet, stream->time_base, MICROSECONDS);
    packet->time_base = MICROSECONDS;
    packet->duration = CLAMP(packet->duration, 0, MAX_DURATION_US);
    if (packet->dts == AV_NOPTS_VALUE)
        packet->dts = next_us == AV_NOPTS_VALUE || (packet->pts != AV_NOPTS_VALUE &&
                                                    (packet->pts < next_us || kind == MEDIA_AUDIO))
                          ? packet->pts
                          : next_us;
    if (packet->dts == AV_NOPTS_VALUE)
        packet->dts = 0;
    if (packet->pts == AV_NOPTS_VALUE)
        packet->pts = packet->dts;
    if (!in_range(packet->dts) || !in_range(packet->pts))
        return FALSE;
    *last_us = packet->dts;
    input->last_duration_us[kind] = packet->duration;
    return TRUE;
}

/* FALSE: this packet is not wanted. */
static gboolean take_packet(PlayerInput *input, AVPacket *packet, MediaKind *kind)
{
    const AVStream *stream = input->context->streams[packet->stream_index];
    return packet->size > 0 && packet->size <= (int)PLAYER_INPUT_MAX_PACKET &&
           player_streams_wants(&input->streams, input->context, packet->stream_index, kind) &&
           complete_times(input, stream, *kind, packet);
}

static PlayerInputResult read_context(PlayerInput *input, AVPacket *packet, MediaKind *kind,
                                      GError **error)
{
    int status = 0;
    while (status >= 0 || status == AVERROR(EAGAIN)) {
        av_packet_unref(packet);
        status =
            player_guard_over(&input->guard) ? AVERROR_EXIT : av_read_frame(input->context, packet);
        if (status == AVERROR(EAGAIN))
            g_usleep(EMPTY_PAUSE_US);
        else if (status >= 0 && take_packet(input, packet, kind))
            return player_streams_update(&input->streams, input->context, *kind, packet, error)
                       ? PLAYER_INPUT_PACKET
                       : PLAYER_INPUT_ERROR;
    }
    if (status == AVERROR_EOF)
        return PLAYER_INPUT_END;
    set_failure(input, status, error);
    return PLAYER_INPUT_ERROR;
}

PlayerInputResult player_input_read(PlayerInput *input, AVPacket *packet, MediaKind *kind,
                                    GError **error)
{
    av_packet_unref(packet);
    if (input->still) {
        *kind = MEDIA_VIDEO;
        return player_still_next(input->still, packet) ? PLAYER_INPUT_PACKET : PLAYER_INPUT_END;
    }
    player_guard_set(&input->guard, input->url && !input->live ? READ_HTTP_NS : READ_NS,
                     READ_BYTES);
    return read_context(input, packet, kind, error);
}

gboolean player_input_seek(PlayerInput *input, gint64 position_us)
{
    if (!player_input_is_seekable(input))
        return FALSE;
    gint64 wanted_us = player_input_start_us(input) + CLAMP(position_us, 0, MAX_TIME_US);
    int video = player_streams_index(&input->streams, MEDIA_VIDEO);
    gint64 wanted = wanted_us;
    player_guard_set(&input->guard, SEEK_NS, SEEK_BYTES);
    for (guint kind = 0; kind < G_N_ELEMENTS(input->last_dts_us); kind++)
        input->last_dts_us[kind] = AV_NOPTS_VALUE;
    if (video >= 0)
        wanted = av_rescale_q(wanted_us, MICROSECONDS, input->context->streams[video]->time_base);
    return av_seek_frame(input->context, video, wanted, AVSEEK_FLAG_BACKWARD) >= 0;
}

/* --- what it is -------------------------------------------------------------------------- */

const AVCodecParameters *player_input_parameters(const PlayerInput *input, MediaKind kind)
{
    return input->still ? player_still_parameters(input->still)
                        : player_streams_parameters(&input->streams, kind);
}

gint64 player_input_start_us(const PlayerInput *input)
{
    if (!input->context || input->context->start_time == AV_NOPTS_VALUE ||
        !in_range(input->context->start_time))
        return 0;
    return input->context->start_time;
}

gint64 player_input_duration_us(const PlayerInput *input)
{
    return input->context && input->context->duration > 0 && in_range(input->context->duration)
               ? input->context->duration
               : 0;
}

gboolean player_input_is_seekable(const PlayerInput *input)
{
    return input->context && !input->live && player_input_duration_us(input) > 0 &&
           (!input->context->pb || input->context->pb->seekable & AVIO_SEEKABLE_NORMAL);
}

gboolean player_input_has_end(const PlayerInput *input)
{
    if (!input->url)
        return TRUE;
    /* A playlist of HLS that goes on makes its reader wait instead. */
    return input->context && !input->live &&
           (player_input_duration_us(input) > 0 || !strcmp(input->context->iformat->name, "hls"));
}

gboolean player_input_is_live(const PlayerInput *input)
{
    return input->live;
}

gboolean player_input_is_pull(const PlayerInput *input)
{
    return input->url != NULL;
}

const char *player_input_name(const PlayerInput *input)
{
    return input->name;
}
