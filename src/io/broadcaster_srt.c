#include <libavformat/avformat.h>

#include "base/error.h"
#include "io/broadcaster_output.h"
#include "io/srt_options.h"

/* MPEG-TS over SRT, by libavformat. */

#define CONNECT_TIMEOUT_MS 5000

typedef struct {
    AVFormatContext *muxer;
} SrtPush;

static void set_number(AVDictionary **options, const char *name, gint64 value)
{
    av_dict_set_int(options, name, value, 0);
}

static AVDictionary *make_options(const BroadcasterTarget *target)
{
    AVDictionary *options = NULL;
    srt_options_set(&options, target->url);
    set_number(&options, "connect_timeout", CONNECT_TIMEOUT_MS);
    set_number(&options, "timeout", (gint64)target->timeout_ms * 1000);
    set_number(&options, "rw_timeout", (gint64)target->timeout_ms * 1000);
    set_number(&options, "linger", 1);
    return options;
}

static gboolean connect_to(SrtPush *push, const BroadcasterTarget *target, GInetAddress *address)
{
    g_autofree char *host = g_inet_address_to_string(address);
    gboolean is_v6 = g_inet_address_get_family(address) == G_SOCKET_FAMILY_IPV6;
    g_autofree char *where =
        g_strdup_printf(is_v6 ? "srt://[%s]:%u" : "srt://%s:%u", host, target->url->port);
    AVDictionary *options = make_options(target);
    int result = avio_open2(&push->muxer->pb, where, AVIO_FLAG_WRITE, &target->interrupt, &options);
    av_dict_free(&options);
    return result >= 0;
}

static gboolean connect_to_any(SrtPush *push, const BroadcasterTarget *target, GError **error)
{
    for (GList *item = target->addresses; item; item = item->next)
        if (connect_to(push, target, item->data))
            return TRUE;
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                "%s does not take SRT connections on port %u, or refuses the stream id or the "
                "passphrase.",
                target->url->host, target->url->port);
    return FALSE;
}

static gboolean add_streams(SrtPush *push, const BroadcasterStreams *streams, GError **error)
{
    for (guint i = 0; i < streams->n; i++) {
        AVStream *stream = avformat_new_stream(push->muxer, NULL);
        if (stream && avcodec_parameters_copy(stream->codecpar, streams->parameters[i]) >= 0) {
            stream->codecpar->codec_tag = 0;
            stream->time_base = (AVRational){ 1, 90000 };
            continue;
        }
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INTERNAL, "MPEG-TS cannot be started.");
        return FALSE;
    }
    return TRUE;
}

static void srt_push_close(gpointer output, gboolean polite)
{
    SrtPush *push = output;
    if (push->muxer && push->muxer->pb) {
        if (polite)
            av_write_trailer(push->muxer);
        avio_close(push->muxer->pb);
        push->muxer->pb = NULL;
    }
    avformat_free_context(push->muxer);
    g_free(push);
}

static gboolean write_header(SrtPush *push, GError **error)
{
    AVDictionary *options = NULL;
    av_dict_set(&options, "mpegts_flags", "resend_headers", 0);
    int result = avformat_write_header(push->muxer, &options);
    av_dict_free(&options);
    if (result >= 0)
        return TRUE;
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNSUPPORTED,
                "These streams do not fit into MPEG-TS (%s).", av_err2str(result));
    return FALSE;
}

static gpointer srt_push_open(const BroadcasterTarget *target, const BroadcasterStreams *streams,
                              GError **error)
{
    SrtPush *push = g_new0(SrtPush, 1);
    if (avformat_alloc_output_context2(&push->muxer, NULL, "mpegts", NULL) >= 0 &&
        add_streams(push, streams, error)) {
        push->muxer->interrupt_callback = target->interrupt;
        push->muxer->flags |= AVFMT_FLAG_FLUSH_PACKETS;
        if (connect_to_any(push, target, error) && write_header(push, error))
            return push;
    }
    srt_push_close(push, FALSE);
    return NULL;
}

static gboolean srt_push_write(gpointer output, guint stream, AVPacket *packet, GError **error)
{
    SrtPush *push = output;
    packet->stream_index = (int)stream;
    av_packet_rescale_ts(packet, (AVRational){ 1, G_USEC_PER_SEC },
                         push->muxer->streams[stream]->time_base);
    int result = av_write_frame(push->muxer, packet);
    if (result >= 0)
        return TRUE;
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                "The SRT connection was lost (%s).", av_err2str(result));
    return FALSE;
}

static gboolean srt_push_poll(gpointer output, GError **error)
{
    SrtPush *push = output;
    if (!push->muxer->pb->error)
        return TRUE;
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                "The SRT connection was lost (%s).", av_err2str(push->muxer->pb->error));
    return FALSE;
}

static guint64 srt_push_bytes(gpointer output)
{
    return (guint64)avio_tell(((SrtPush *)output)->muxer->pb);
}

const BroadcasterOutput broadcaster_srt = {
    .open = srt_push_open,
    .write = srt_push_write,
    .poll = srt_push_poll,
    .bytes = srt_push_bytes,
    .close = srt_push_close,
};
