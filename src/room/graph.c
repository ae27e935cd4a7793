#include "room/graph.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "room/graph_private.h"

/* Of whoever does not have the floor, where the room ducks: -9 dB, reached in half a second. */
#define DUCKED      0.355f
#define DUCK_SMOOTH 0.08f
/* Levels are told to the scenes in every third tick. */
#define LEVEL_TICKS 3
/* A sender's word about its loudness is believed as far as it is heard: so many dB. */
#define BELIEVED_DB 12

Graph *graph_ref(Graph *graph)
{
    g_atomic_int_inc(&graph->refs);
    return graph;
}

void graph_leg_free(gpointer data)
{
    GraphLeg *leg = data;
    voices_free(leg->own);
    viewer_unref(leg->viewer);
    if (leg->pull_destroy)
        leg->pull_destroy(leg->pull_user);
    g_free(leg->id);
    g_free(leg);
}

GraphMix *graph_mix_new(void)
{
    return g_new0(GraphMix, 1);
}

void graph_mix_free(gpointer data)
{
    GraphMix *mix = data;
    aac_encoder_free(mix->aac);
    g_free(mix);
}

void graph_unref(gpointer data)
{
    Graph *graph = data;
    if (!g_atomic_int_dec_and_test(&graph->refs))
        return;
    audio_mixer_free(graph->mixer);
    g_ptr_array_unref(graph->legs);
    g_array_unref(graph->outbox);
    g_array_unref(graph->taps);
    g_ptr_array_unref(graph->mixes);
    av_packet_free(&graph->tap_packet);
    voices_free(graph->shared);
    g_ptr_array_unref(graph->submixes);
    presence_unref(graph->presence);
    g_free(graph);
}

/* --- the audio tick: who may be heard how loud ------------------------------------------- */

ON_AUDIO_THREAD static void graph_set_gains(Graph *graph)
{
    const GraphLeg *active = graph->active.active;
    gboolean duck = graph->ducking && active && active->speaker.speaking;
    for (guint i = 0; i < graph->legs->len; i++) {
        GraphLeg *leg = graph->legs->pdata[i];
        float target = duck && leg != active ? DUCKED : 1;
        if (leg->duck == target)
            continue;
        leg->duck += (target - leg->duck) * DUCK_SMOOTH;
        if (ABS(leg->duck - target) < 0.005f)
            leg->duck = target;
        if (leg->input)
            audio_mixer_input_set_gain(leg->input, leg->gain * leg->duck);
    }
}

ON_AUDIO_THREAD static void graph_pull_and_mix(Graph *graph, gint64 now_ns)
{
    graph->stats.ticks++;
    graph->stats.concealed += audio_mixer_tick(graph->mixer, now_ns);
}

/* --- the audio tick: who speaks ---------------------------------------------------------- */

typedef struct {
    Graph *graph;
    char *id;
    gboolean speaking;
    gboolean floor; /* it is about the floor */
} SpeakingMessage;

static void speaking_message_free(gpointer data)
{
    SpeakingMessage *message = data;
    graph_unref(message->graph);
    g_free(message->id);
    g_free(message);
}

static void speaking_on_control(gpointer data)
{
    SpeakingMessage *message = data;
    Graph *graph = message->graph;
    thread_assert_control();
    if (graph->closed)
        return;
    if (message->floor && graph->spec.speaker)
        graph->spec.speaker(message->id, graph->spec.user);
    else if (!message->floor && graph->spec.speaking)
        graph->spec.speaking(message->id, message->speaking, graph->spec.user);
}

static void tell_speaking(Graph *graph, const GraphLeg *leg, gboolean floor)
{
    SpeakingMessage *message = g_new(SpeakingMessage, 1);
    *message =
        (SpeakingMessage){ graph_ref(graph), g_strdup(leg->id), leg->speaker.speaking, floor };
    mailbox_post(engine_control_mailbox(graph->engine), speaking_on_control, message,
                 speaking_message_free);
}

/* What the sender says of its loudness, which is of before any loss, but not much more than what is
 * heard: the floor cannot be had by claiming. Who is muted is silent. */
ON_AUDIO_THREAD static guint8 leg_level(const GraphLeg *leg)
{
    guint8 heard = audio_mixer_input_level(leg->input);
    gint said = leg->said_level ? leg->said_level(leg->pull_user) : -1;
    if (leg->gain == 0)
        return 127;
    return said >= 0 ? (guint8)MAX(said, heard - BELIEVED_DB) : heard;
}

ON_AUDIO_THREAD static void graph_update_speakers(Graph *graph, gint64 now_ns)
{
    gboolean levels =
        graph->stats.ticks % LEVEL_TICKS == 0 && presence_levels_wanted(graph->presence);
    for (guint i = 0; i < graph->legs->len; i++) {
        GraphLeg *leg = graph->legs->pdata[i];
        if (!leg->input)
            continue;
        guint8 level = leg_level(leg);
        if (levels)
            presence_set_level(graph->presence, leg->id, level);
        gboolean changed = speaker_update(&leg->speaker, level, now_ns);
        speaker_score_update(&leg->score, &leg->speaker, level, now_ns);
        if (!changed)
            continue;
        presence_set_speaking(graph->presence, leg->id, leg->speaker.speaking);
        tell_speaking(graph, leg, FALSE);
    }
}

ON_AUDIO_THREAD static void graph_give_floor(Graph *graph, gint64 now_ns)
{
    g_autofree SpeakerCandidate *candidates = g_new(SpeakerCandidate, graph->legs->len + 1);
    guint n = 0;
    for (guint i = 0; i < graph->legs->len; i++) {
        const GraphLeg *leg = graph->legs->pdata[i];
        if (leg->input && leg->gain > 0)
            candidates[n++] = (SpeakerCandidate){ leg, &leg->score };
    }
    if (active_speaker_update(&graph->active, candidates, n, now_ns))
        tell_speaking(graph, graph->active.active, TRUE);
}

/* --- the audio tick: what each hears ----------------------------------------------------- */

VoicesConfig graph_voices_config(const Graph *graph)
{
    return (VoicesConfig){ .bitrate_bps = graph->spec.audio_bitrate_bps,
                           .complexity = graph->spec.audio_complexity };
}

static const VoiceWish plain = { .rate = VOICE_FULL };

/* Who begins to contribute heard the full mix until now. */
ON_AUDIO_THREAD static Voices *own_voices(Graph *graph, GraphLeg *leg)
{
    VoicesConfig config = graph_voices_config(graph);
    if (!leg->own)
        leg->own = voices_new(&config);
    if (leg->own_tick + 1 != graph->stats.ticks)
        voices_follow(leg->own, graph->shared);
    leg->own_tick = graph->stats.ticks;
    return leg->own;
}

/* What this listener hears: a sub-mix, the mix without itself, or, like all who contribute nothing,
 * the full mix. */
ON_AUDIO_THREAD static Voices *voices_for(Graph *graph, GraphLeg *leg)
{
    if (leg->submix)
        return submix_voices(leg->submix);
    if (leg->input && audio_mixer_input_contributes(leg->input)) {
        graph->stats.own_voices++;
        return own_voices(graph, leg);
    }
    graph->stats.shared_listeners++;
    return graph->shared;
}

ON_AUDIO_THREAD static const float *mix_for(const Graph *graph, const GraphLeg *leg)
{
    if (leg->submix)
        return submix_mix(leg->submix, graph->stats.ticks);
    if (leg->heard == leg->own)
        return audio_mixer_minus(graph->mixer, leg->input);
    return audio_mixer_full(graph->mixer);
}

gboolean graph_mix_has_tap(const Graph *graph, const GraphMix *mix, GraphTapCodec codec)
{
    for (guint i = 0; i < graph->taps->len; i++) {
        const GraphTapEntry *entry = &g_array_index(graph->taps, GraphTapEntry, i);
        if (entry->mix == mix && entry->codec == codec)
            return TRUE;
    }
    return FALSE;
}

static Voices *mix_voices(const Graph *graph, const GraphMix *mix)
{
    return mix->submix ? submix_voices(mix->submix) : graph->shared;
}

ON_AUDIO_THREAD static const float *mix_samples(const Graph *graph, const GraphMix *mix)
{
    return mix->submix ? submix_mix(mix->submix, graph->stats.ticks)
                       : audio_mixer_full(graph->mixer);
}

/* Which encodes have takers in this tick. */
ON_AUDIO_THREAD static void graph_choose_voices(Graph *graph)
{
    graph->stats.own_voices = graph->stats.shared_listeners = 0;
    for (guint i = 0; i < graph->mixes->len; i++) {
        const GraphMix *mix = graph->mixes->pdata[i];
        if (graph_mix_has_tap(graph, mix, GRAPH_TAP_OPUS))
            voices_take(mix_voices(graph, mix), plain, FALSE);
    }
    for (guint i = 0; i < graph->legs->len; i++) {
        GraphLeg *leg = graph->legs->pdata[i];
        if (!leg->viewer)
            continue;
        Voices *voices = voices_for(graph, leg);
        VoiceWish wish = viewer_voice_wish(leg->viewer);
        gboolean joins = leg->heard && (leg->heard != voices || leg->heard_wish.rate != wish.rate ||
                                        leg->heard_wish.fec != wish.fec);
        voices_take(voices, wish, joins);
        leg->heard = voices;
        leg->heard_wish = wish;
    }
}

/* What is not asked for any more ends. */
ON_AUDIO_THREAD static void graph_end_voices(Graph *graph)
{
    for (guint i = 0; i < graph->legs->len; i++) {
        GraphLeg *leg = graph->legs->pdata[i];
        gboolean contributed = leg->own && leg->own_tick == graph->stats.ticks;
        if (leg->own)
            voices_end_tick(leg->own,
                            contributed ? audio_mixer_minus(graph->mixer, leg->input) : NULL);
    }
    for (guint i = 0; i < graph->submixes->len; i++) {
        Submix *submix = graph->submixes->pdata[i];
        voices_end_tick(submix_voices(submix), submix_mix(submix, graph->stats.ticks));
    }
    voices_end_tick(graph->shared, audio_mixer_full(graph->mixer));
}

/* --- the audio tick: the mix as packets -------------------------------------------------- */

/* graph->tap_packet, for all who take it. */
static void tap_packet(const Graph *graph, const GraphMix *mix, GraphTapCodec codec)
{
    for (guint i = 0; i < graph->taps->len; i++) {
        const GraphTapEntry *entry = &g_array_index(graph->taps, GraphTapEntry, i);
        if (entry->mix == mix && entry->codec == codec)
            entry->tap(graph->tap_packet, entry->user);
    }
}

/* When the first sample of this tick's mix was heard, in microseconds since the mix began. */
static gint64 mix_us(const Graph *graph, gint64 now_ns)
{
    gint64 delay_ns = (gint64)audio_mixer_delay_samples(graph->mixer) * 125000 / 6;
    return (now_ns - graph->mix_epoch_ns - delay_ns) / 1000;
}

ON_AUDIO_THREAD static void tap_aac(const Graph *graph, GraphMix *mix, gint64 now_ns)
{
    g_autoptr(GError) error = NULL;
    if (!mix->aac)
        mix->aac = aac_encoder_new(graph->spec.aac_bitrate_bps, &error);
    if (!mix->aac) {
        log_limited(LOG_ERROR, "audio", "the AAC encoder cannot start: %s", error->message);
        return;
    }
    aac_encoder_send(mix->aac, mix_samples(graph, mix), mix_us(graph, now_ns));
    while (aac_encoder_receive(mix->aac, graph->tap_packet)) {
        if (graph->tap_packet->pts >= 0)
            tap_packet(graph, mix, GRAPH_TAP_AAC);
    }
}

ON_AUDIO_THREAD static void tap_opus(const Graph *graph, const GraphMix *mix, gint64 now_ns)
{
    g_autoptr(GBytes) voice = voices_packet(mix_voices(graph, mix), plain, mix_samples(graph, mix));
    gsize size = 0;
    const guint8 *data = voice ? g_bytes_get_data(voice, &size) : NULL;
    av_packet_unref(graph->tap_packet);
    if (!data || av_new_packet(graph->tap_packet, (int)size) < 0)
        return;
    memcpy(graph->tap_packet->data, data, size);
    graph->tap_packet->pts = graph->tap_packet->dts = MAX(0, mix_us(graph, now_ns));
    graph->tap_packet->duration = 20000;
    graph->tap_packet->flags = AV_PKT_FLAG_KEY;
    tap_packet(graph, mix, GRAPH_TAP_OPUS);
}

ON_AUDIO_THREAD static void graph_encode_voices(Graph *graph, gint64 now_ns)
{
    for (guint i = 0; i < graph->mixes->len; i++) {
        GraphMix *mix = graph->mixes->pdata[i];
        if (graph_mix_has_tap(graph, mix, GRAPH_TAP_AAC))
            tap_aac(graph, mix, now_ns);
        if (graph_mix_has_tap(graph, mix, GRAPH_TAP_OPUS))
            tap_opus(graph, mix, now_ns);
    }
    for (guint i = 0; i < graph->legs->len; i++) {
        GraphLeg *leg = graph->legs->pdata[i];
        if (!leg->viewer)
            continue;
        Heard heard = { viewer_ref(leg->viewer),
                        voices_packet(leg->heard, leg->heard_wish, mix_for(graph, leg)) };
        g_array_append_val(graph->outbox, heard);
    }
}

typedef struct {
    GArray *heard;
    gint64 mix_samples;
    Engine *engine;
} Delivery;

static void heard_clear(gpointer data)
{
    Heard *heard = data;
    viewer_unref(heard->viewer);
    if (heard->packet)
        g_bytes_unref(heard->packet);
}

static void delivery_free(gpointer data)
{
    Delivery *delivery = data;
    g_array_unref(delivery->heard);
    g_free(delivery);
}

static void deliver_on_net(gpointer data)
{
    Delivery *delivery = data;
    gint64 now_ns = engine_now_ns(delivery->engine);
    thread_assert_net();
    for (guint i = 0; i < delivery->heard->len; i++) {
        const Heard *heard = &g_array_index(delivery->heard, Heard, i);
        if (heard->packet)
            viewer_send_audio(heard->viewer, heard->packet, delivery->mix_samples, now_ns);
    }
}

GArray *graph_outbox_new(void)
{
    GArray *outbox = g_array_new(FALSE, FALSE, sizeof(Heard));
    g_array_set_clear_func(outbox, heard_clear);
    return outbox;
}

static void graph_deliver(Graph *graph, gint64 now_ns)
{
    if (graph->outbox->len == 0)
        return;
    gint64 samples = (now_ns - graph->mix_epoch_ns) * 6 / 125000; /* 48 kHz */
    Delivery *delivery = g_new(Delivery, 1);
    delivery->heard = g_steal_pointer(&graph->outbox);
    delivery->mix_samples = samples - audio_mixer_delay_samples(graph->mixer);
    delivery->engine = graph->engine;
    graph->outbox = graph_outbox_new();
    mailbox_post(engine_net_mailbox(graph->engine), deliver_on_net, delivery, delivery_free);
}

/*  inputs -> mixer -> voices -> viewers, and who speaks on the way  */
void graph_audio_tick(gint64 now_ns, gpointer user)
{
    Graph *graph = user;
    gint64 cpu_ns = clock_thread_cpu_ns();
    thread_assert_audio();
    graph_set_gains(graph);
    graph_pull_and_mix(graph, now_ns);
    graph_update_speakers(graph, now_ns);
    graph_give_floor(graph, now_ns);
    graph_choose_voices(graph);
    graph_encode_voices(graph, now_ns);
    graph_end_voices(graph);
    graph_deliver(graph, now_ns);
    graph->stats.cpu_ns += clock_thread_cpu_ns() - cpu_ns;
}
