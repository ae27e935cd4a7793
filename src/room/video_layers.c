#include "room/video_layers.h"

#include <string.h>

#include "base/clock.h"
#include "room/receive_rate.h"
#include "rtp/rtx.h"

#define LESS_NS (3 * NS_PER_SEC)

typedef struct {
    char rid[17];
    guint32 announced_ssrc, rtx_ssrc; /* 0: not known */
    VideoReceive *receive;            /* NULL: nothing came yet */
    gint width;
    LayerSight sight;
} Layer;

struct VideoLayers {
    VideoInput *input;
    VideoDueFunc due;
    gpointer due_user;
    gboolean simulcast;
    GArray *announced; /* of NegotiatedSource, without simulcast */
    Layer layers[LAYERS_MAX];
    guint count;
    gint decoded; /* index, or -1 */
    LayerChoice choice;
    gint rate_px; /* the height that the granted rate is for */
    gint64 rate_since_ns;
};

/* --- life -------------------------------------------------------------------------------- */

static void layer_clear(Layer *layer)
{
    video_receive_free(layer->receive);
    *layer = (Layer){ 0 };
}

VideoLayers *video_layers_new(VideoInput *input, VideoDueFunc due, gpointer user)
{
    VideoLayers *layers = g_new0(VideoLayers, 1);
    layers->input = video_input_ref(input);
    layers->due = due;
    layers->due_user = user;
    layers->count = 1;
    layers->decoded = -1;
    layers->rate_px = G_MAXINT / 2; /* a sender begins as it likes */
    layer_choice_init(&layers->choice);
    return layers;
}

void video_layers_free(VideoLayers *layers)
{
    if (!layers)
        return;
    for (guint i = 0; i < LAYERS_MAX; i++)
        layer_clear(&layers->layers[i]);
    g_clear_pointer(&layers->announced, g_array_unref);
    video_input_unref(layers->input);
    g_free(layers);
}

/* --- what was negotiated ----------------------------------------------------------------- */

static gboolean is_same_layer(const Layer *layer, const NegotiatedSource *source)
{
    if (*layer->rid || *source->rid)
        return strcmp(layer->rid, source->rid) == 0;
    return layer->announced_ssrc == source->ssrc;
}

/* The same layers in the same order: they go on, with the SSRCs that their packets told. */
static gboolean is_same(const VideoLayers *layers, const NegotiatedMedia *media)
{
    if (layers->simulcast != media->simulcast)
        return FALSE;
    for (guint i = 0; layers->simulcast && i < LAYERS_MAX; i++) {
        gboolean offered = i < media->sources->len;
        if (offered != (i < layers->count) ||
            (offered && !is_same_layer(&layers->layers[i],
                                       &g_array_index(media->sources, NegotiatedSource, i))))
            return FALSE;
    }
    return TRUE;
}

static void begin_anew(VideoLayers *layers, const NegotiatedMedia *media)
{
    for (guint i = 0; i < LAYERS_MAX; i++)
        layer_clear(&layers->layers[i]);
    layers->simulcast = media->simulcast;
    layers->count = media->simulcast ? MIN(media->sources->len, LAYERS_MAX) : 1;
    layers->decoded = -1;
    layer_choice_init(&layers->choice);
}

void video_layers_configure(VideoLayers *layers, const NegotiatedMedia *media)
{
    if (!is_same(layers, media))
        begin_anew(layers, media);
    g_clear_pointer(&layers->announced, g_array_unref);
    layers->announced = g_array_ref(media->sources);
    for (guint i = 0; layers->simulcast && i < layers->count; i++) {
        const NegotiatedSource *source = &g_array_index(media->sources, NegotiatedSource, i);
        Layer *layer = &layers->layers[i];
        g_strlcpy(layer->rid, source->rid, sizeof layer->rid);
        layer->announced_ssrc = source->ssrc;
        if (source->rtx_ssrc)
            layer->rtx_ssrc = source->rtx_ssrc;
    }
}

/* --- which layer a packet belongs to ----------------------------------------------------- */

static Layer *layer_by_rid(VideoLayers *layers, const char *rid)
{
    for (guint i = 0; *rid && i < layers->count; i++) {
        if (strcmp(layers->layers[i].rid, rid) == 0)
            return &layers->layers[i];
    }
    return NULL;
}

static Layer *layer_by_ssrc(VideoLayers *layers, guint32 ssrc)
{
    for (guint i = 0; i < layers->count; i++) {
        const VideoReceive *receive = layers->layers[i].receive;
        if (receive && video_receive_ssrc(receive) == ssrc)
            return &layers->layers[i];
    }
    for (guint i = 0; i < layers->count; i++) {
        if (layers->layers[i].announced_ssrc == ssrc)
            return &layers->layers[i];
    }
    return NULL;
}

/* A stream that tells no RID and that nobody announced, as after a connection that the sender goes
 * on with and we do not: any layer will do of which nothing comes, its pictures tell their size. */
static Layer *layer_for_unknown(VideoLayers *layers)
{
    for (guint i = 0; i < layers->count; i++) {
        if (!layers->layers[i].receive && !layers->layers[i].announced_ssrc)
            return &layers->layers[i];
    }
    return NULL;
}

/* The RID says that this stream is `layer`: then it is no other one. */
static void claim(VideoLayers *layers, const Layer *layer, guint32 ssrc)
{
    for (guint i = 0; i < layers->count; i++) {
        Layer *other = &layers->layers[i];
        if (other == layer || !other->receive || video_receive_ssrc(other->receive) != ssrc)
            continue;
        g_clear_pointer(&other->receive, video_receive_free);
        other->width = 0;
        other->sight = (LayerSight){ 0 };
        if (layers->decoded == (gint)i)
            layers->decoded = -1;
    }
}

/* RIDs are told until the sender knows that we know; then the SSRC says it. */
static Layer *layer_of_media(VideoLayers *layers, guint32 ssrc, const RtpExtensions *extensions)
{
    if (!layers->simulcast)
        return &layers->layers[0];
    Layer *layer = layer_by_rid(layers, extensions->rid);
    if (layer)
        claim(layers, layer, ssrc);
    else
        layer = layer_by_ssrc(layers, ssrc);
    if (!layer && !*extensions->rid)
        layer = layer_for_unknown(layers);
    return layer;
}

/* Without simulcast: FALSE if it repeats another stream than the present one. */
static gboolean repairs_present(const VideoLayers *layers, guint32 rtx_ssrc)
{
    const VideoReceive *present = layers->layers[0].receive;
    for (guint i = 0; present && layers->announced && i < layers->announced->len; i++) {
        const NegotiatedSource *source = &g_array_index(layers->announced, NegotiatedSource, i);
        if (source->rtx_ssrc == rtx_ssrc)
            return source->ssrc == video_receive_ssrc(present);
    }
    return present != NULL;
}

static Layer *layer_of_repair(VideoLayers *layers, guint32 rtx_ssrc,
                              const RtpExtensions *extensions)
{
    if (!layers->simulcast)
        return repairs_present(layers, rtx_ssrc) ? &layers->layers[0] : NULL;
    Layer *layer = layer_by_rid(layers, extensions->repaired_rid);
    if (layer)
        layer->rtx_ssrc = rtx_ssrc;
    for (guint i = 0; !layer && i < layers->count; i++) {
        if (layers->layers[i].rtx_ssrc == rtx_ssrc)
            layer = &layers->layers[i];
    }
    return layer;
}

/* --- frames ------------------------------------------------------------------------------ */

static gint index_of(const VideoLayers *layers, const VideoReceive *receive)
{
    for (guint i = 0; i < layers->count; i++) {
        if (layers->layers[i].receive == receive)
            return (gint)i;
    }
    return -1;
}

static void note_size(Layer *layer, const AssembledFrame *frame)
{
    const CodecType *codec = video_receive_codec(layer->receive);
    VideoFrameHeader header = { 0 };
    if (!codec->peek || !codec->peek(frame->data, frame->size, &header) || !header.has_size)
        return;
    gboolean turned = frame->rotation & 1;
    layer->width = turned ? header.height : header.width;
    layer->sight.height = turned ? header.width : header.height;
}

static void choose(VideoLayers *layers, gint keyframe, gint64 now_ns)
{
    LayerSight sights[LAYERS_MAX];
    for (guint i = 0; i < layers->count; i++)
        sights[i] = layers->layers[i].sight;
    layer_choice_update(&layers->choice, sights, layers->count,
                        video_input_received_px(layers->input), keyframe, now_ns);
}

/* A layer is gone over to at its key frame; until then the one of before goes on. */
static gboolean takes(VideoReceive *receive, const AssembledFrame *frame,
                      gpointer user) THREAD_UNCHECKED
{
    VideoLayers *layers = user;
    gint index = index_of(layers, receive);
    if (index < 0)
        return FALSE;
    if (frame->keyframe) {
        note_size(&layers->layers[index], frame);
        choose(layers, index, frame->last_arrival_ns);
    }
    if (index == layers->decoded)
        return TRUE;
    if (!layers->simulcast)
        layers->decoded = 0;
    else if (!frame->keyframe || index != layers->choice.chosen)
        return FALSE;
    if (layers->simulcast)
        video_input_restart(layers->input, layers->layers[index].rid);
    layers->decoded = index;
    return TRUE;
}

static gint64 due(VideoReceive *receive, const AssembledFrame *frame, gpointer user)
{
    const VideoLayers *layers = user;
    return layers->due(receive, frame, layers->due_user);
}

static const VideoReceiveEvents receive_events = { .takes = takes, .due = due };

/* --- packets ----------------------------------------------------------------------------- */

static VideoReceive *receive_of(VideoLayers *layers, Layer *layer, guint32 ssrc)
{
    if (layer->receive && video_receive_ssrc(layer->receive) == ssrc)
        return layer->receive;
    video_receive_free(layer->receive);
    layer->receive = video_receive_new(ssrc, layers->input, &receive_events, layers);
    return layer->receive;
}

/* What is sent again of a stream that is over must not bring it back. */
static void repair(VideoLayers *layers, const CodecType *codec, guint8 apt, const RtpPacket *packet,
                   const RtpExtensions *extensions, gint64 arrival_ns)
{
    RtpPacket original;
    Layer *layer = layer_of_repair(layers, packet->ssrc, extensions);
    if (layer && layer->receive &&
        rtx_unwrap(packet, apt, video_receive_ssrc(layer->receive), &original))
        video_receive_packet(layer->receive, codec, &original, TRUE, arrival_ns);
}

void video_layers_packet(VideoLayers *layers, const CodecType *codec, gint apt,
                         const RtpPacket *packet, const RtpExtensions *extensions,
                         gint64 arrival_ns)
{
    if (apt >= 0) {
        repair(layers, codec, (guint8)apt, packet, extensions, arrival_ns);
        return;
    }
    Layer *layer = layer_of_media(layers, packet->ssrc, extensions);
    if (!layer)
        return;
    VideoReceive *receive = receive_of(layers, layer, packet->ssrc);
    if (extensions->present & (1u << RTP_EXT_VIDEO_ORIENTATION))
        video_receive_rotation(receive, extensions->rotation);
    if (packet->payload_size)
        layer->sight.last_ns = arrival_ns;
    if (packet->payload_size && !layers->rate_since_ns)
        layers->rate_since_ns = arrival_ns;
    video_receive_packet(receive, codec, packet, FALSE, arrival_ns);
}

void video_layers_sender_report(VideoLayers *layers, const RtcpPacket *report, gint64 arrival_ns)
{
    for (guint i = 0; i < layers->count; i++) {
        VideoReceive *receive = layers->layers[i].receive;
        if (receive && video_receive_ssrc(receive) == report->sender_ssrc)
            video_receive_sender_report(receive, report->ntp, report->rtp_timestamp, arrival_ns);
    }
}

/* --- the tick ---------------------------------------------------------------------------- */

/* Who needs a key frame of the chosen layer gets one asked for: at once where the layer is a new
 * one, or the source was shown by nobody. */
static void want_keyframes(VideoLayers *layers, gint chosen_before)
{
    gint chosen = layers->choice.chosen;
    VideoReceive *receive = chosen < 0 ? NULL : layers->layers[chosen].receive;
    if (!receive)
        return;
    gboolean promoted = video_input_take_promoted(layers->input);
    gboolean waits = layers->simulcast && chosen != layers->decoded;
    if (video_input_take_need_keyframe(layers->input) || waits)
        video_receive_want_keyframe(receive, promoted || (waits && chosen != chosen_before));
}

guint video_layers_tick(VideoLayers *layers, gint64 now_ns, gint64 rtt_ns, gboolean nack,
                        VideoFeedback feedback[LAYERS_MAX])
{
    gint chosen_before = layers->choice.chosen;
    gboolean wanted = video_input_received_px(layers->input) > 0;
    guint filled = 0;
    choose(layers, -1, now_ns);
    if (wanted)
        want_keyframes(layers, chosen_before);
    for (guint i = 0; i < layers->count; i++) {
        VideoReceive *receive = layers->layers[i].receive;
        gboolean taken = wanted && ((gint)i == layers->decoded || (gint)i == layers->choice.chosen);
        VideoFeedback *out = &feedback[filled];
        if (!receive)
            continue;
        if (!taken) {
            video_receive_idle(receive, now_ns);
            continue;
        }
        out->ssrc = video_receive_ssrc(receive);
        out->n = video_receive_tick(receive, now_ns, rtt_ns, out->seqs,
                                    nack ? G_N_ELEMENTS(out->seqs) : 0, &out->pli);
        filled += out->n > 0 || out->pli;
    }
    return filled;
}

gboolean video_layers_is_lossy(const VideoLayers *layers)
{
    const VideoReceive *receive =
        layers->decoded < 0 ? NULL : layers->layers[layers->decoded].receive;
    return receive && video_receive_is_lossy(receive);
}

guint video_layers_reports(VideoLayers *layers, gint64 now_ns, RtcpReportBlock *blocks, guint max)
{
    guint n = 0;
    for (guint i = 0; i < layers->count && n < max; i++) {
        if (layers->layers[i].receive)
            video_receive_report(layers->layers[i].receive, now_ns, &blocks[n++]);
    }
    return n;
}

/* --- how much is to be sent -------------------------------------------------------------- */

static void hold_rate(VideoLayers *layers, gint64 now_ns)
{
    gint wanted_px = video_input_received_px(layers->input);
    if (wanted_px < layers->rate_px && now_ns - layers->rate_since_ns < LESS_NS)
        return;
    layers->rate_px = wanted_px;
    layers->rate_since_ns = now_ns;
}

/* The height of the smallest layer that is enough; what is wanted where none is known to be. */
static gint needed_px(const VideoLayers *layers)
{
    gint needed = G_MAXINT;
    for (guint i = 0; i < layers->count; i++) {
        gint height = layers->layers[i].sight.height;
        if (layer_choice_is_enough(height, layers->rate_px))
            needed = MIN(needed, height);
    }
    return needed < G_MAXINT ? needed : layers->rate_px;
}

gint video_layers_rate_bps(VideoLayers *layers, gint max_bps, gint64 now_ns, GArray *ssrcs)
{
    gint sum_bps = 0;
    gboolean any = FALSE;
    for (guint i = 0; i < layers->count; i++) {
        const VideoReceive *receive = layers->layers[i].receive;
        guint32 ssrc = receive ? video_receive_ssrc(receive) : 0;
        if (receive)
            g_array_append_val(ssrcs, ssrc);
        any |= receive != NULL;
    }
    if (!any)
        return 0;
    hold_rate(layers, now_ns);
    if (!layers->simulcast || !layers->rate_px)
        return receive_rate_bps(layers->rate_px, max_bps);
    gint needed = needed_px(layers);
    for (guint i = 0; i < layers->count; i++) {
        gint height = layers->layers[i].sight.height;
        /* A sender fills its smaller layers first. */
        if (height > 0 && height < needed)
            sum_bps += receive_rate_bps(height, max_bps);
    }
    return sum_bps + receive_rate_bps(needed, max_bps);
}

guint video_layers_stats(const VideoLayers *layers, VideoLayerStats stats[LAYERS_MAX])
{
    gboolean wanted = video_input_wanted(layers->input);
    guint n = 0;
    for (guint i = 0; i < layers->count; i++) {
        const Layer *layer = &layers->layers[i];
        if (!layer->receive)
            continue;
        stats[n] = (VideoLayerStats){ .rid = layer->rid,
                                      .ssrc = video_receive_ssrc(layer->receive),
                                      .width = layer->width,
                                      .height = layer->sight.height,
                                      .decoded = wanted && (gint)i == layers->decoded,
                                      .chosen = (gint)i == layers->choice.chosen };
        video_receive_stats(layer->receive, &stats[n++].received);
    }
    return n;
}
