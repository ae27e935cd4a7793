#include "room/graph.h"

#include "base/clock.h"
#include "base/log.h"
#include "room/graph_json.h"
#include "room/speaker.h"
#include "room/voice.h"

struct GraphLeg {
    char *id;
    AudioPullFunc pull;
    gpointer pull_user;
    GDestroyNotify pull_destroy;
    Viewer *viewer; /* set before the leg is attached, then the audio thread's */

    /* Audio thread. */
    AudioMixerInput *input; /* NULL: says nothing */
    Voice *own;             /* its mix-minus, made when it first contributes */
    SpeakerDetector speaker;
};

struct Graph {
    gint refs; /* atomic: the control thread's, and one for each message on its way */
    Engine *engine;
    GraphSpec spec;
    gint64 mix_epoch_ns;
    Scene *scene;

    /* Control thread. */
    gboolean closed;

    /* Audio thread. */
    AudioMixer *mixer;
    GPtrArray *legs; /* of GraphLeg (owned) */
    Voice *shared;   /* the full mix */
    GArray *outbox;  /* of Heard: what this tick's listeners get */
    GraphAudioStats stats;
};

/* One listener's packet of one tick. */
typedef struct {
    Viewer *viewer;
    GBytes *packet;
} Heard;

static Graph *graph_ref(Graph *graph)
{
    g_atomic_int_inc(&graph->refs);
    return graph;
}

static void leg_free(gpointer data)
{
    GraphLeg *leg = data;
    voice_free(leg->own);
    viewer_unref(leg->viewer);
    if (leg->pull_destroy)
        leg->pull_destroy(leg->pull_user);
    g_free(leg->id);
    g_free(leg);
}

static void graph_unref(gpointer data)
{
    Graph *graph = data;
    if (!g_atomic_int_dec_and_test(&graph->refs))
        return;
    audio_mixer_free(graph->mixer);
    g_ptr_array_unref(graph->legs);
    g_array_unref(graph->outbox);
    voice_free(graph->shared);
    scene_unref(graph->scene);
    g_free(graph);
}

/* --- the audio tick ---------------------------------------------------------------------- */

ON_AUDIO_THREAD static void graph_pull_and_mix(Graph *graph, gint64 now_ns)
{
    graph->stats.ticks++;
    graph->stats.concealed += audio_mixer_tick(graph->mixer, now_ns);
}

typedef struct {
    Graph *graph;
    char *id;
    gboolean speaking;
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
    if (!graph->closed && graph->spec.speaking)
        graph->spec.speaking(message->id, message->speaking, graph->spec.user);
}

ON_AUDIO_THREAD static void graph_update_speakers(Graph *graph, gint64 now_ns)
{
    for (guint i = 0; i < graph->legs->len; i++) {
        GraphLeg *leg = graph->legs->pdata[i];
        if (!leg->input ||
            !speaker_update(&leg->speaker, audio_mixer_input_level(leg->input), now_ns))
            continue;
        scene_set_speaking(graph->scene, leg->id, leg->speaker.speaking);
        SpeakingMessage *message = g_new(SpeakingMessage, 1);
        *message = (SpeakingMessage){ graph_ref(graph), g_strdup(leg->id), leg->speaker.speaking };
        mailbox_post(engine_control_mailbox(graph->engine), speaking_on_control, message,
                     speaking_message_free);
    }
}

static Voice *make_voice(const Graph *graph)
{
    AudioEncoderConfig config = { .bitrate_bps = graph->spec.audio_bitrate_bps,
                                  .complexity = graph->spec.audio_complexity };
    g_autoptr(GError) error = NULL;
    Voice *voice = voice_new(&config, &error);
    if (!voice)
        log_limited(LOG_ERROR, "audio", "the Opus encoder cannot start: %s", error->message);
    return voice;
}

ON_AUDIO_THREAD static GBytes *encode_own(Graph *graph, GraphLeg *leg)
{
    if (!leg->own)
        leg->own = make_voice(graph);
    const float *mix = audio_mixer_minus(graph->mixer, leg->input);
    return leg->own ? voice_encode(leg->own, mix) : NULL;
}

ON_AUDIO_THREAD static GBytes *encode_shared(Graph *graph)
{
    if (!graph->shared)
        graph->shared = make_voice(graph);
    return graph->shared ? voice_encode(graph->shared, audio_mixer_full(graph->mixer)) : NULL;
}

/* Contributors hear the mix without themselves; all others share one encode of the full mix. */
ON_AUDIO_THREAD static void graph_encode_voices(Graph *graph)
{
    g_autoptr(GBytes) shared = NULL;
    graph->stats.own_voices = graph->stats.shared_listeners = 0;
    for (guint i = 0; i < graph->legs->len; i++) {
        GraphLeg *leg = graph->legs->pdata[i];
        if (!leg->viewer)
            continue;
        gboolean own = leg->input && audio_mixer_input_contributes(leg->input);
        if (!own && !shared)
            shared = encode_shared(graph);
        GBytes *packet = own ? encode_own(graph, leg) : (shared ? g_bytes_ref(shared) : NULL);
        graph->stats.own_voices += own;
        graph->stats.shared_listeners += !own;
        Heard heard = { viewer_ref(leg->viewer), packet };
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
        gsize size = 0;
        const guint8 *packet = heard->packet ? g_bytes_get_data(heard->packet, &size) : NULL;
        if (packet)
            viewer_send_audio(heard->viewer, packet, size, delivery->mix_samples, now_ns);
    }
}

static GArray *new_outbox(void)
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
    graph->outbox = new_outbox();
    mailbox_post(engine_net_mailbox(graph->engine), deliver_on_net, delivery, delivery_free);
}

/*  inputs -> mixer -> voices -> viewers  */
static void graph_audio_tick(gint64 now_ns, gpointer user)
{
    Graph *graph = user;
    gint64 cpu_ns = clock_thread_cpu_ns();
    thread_assert_audio();
    graph_pull_and_mix(graph, now_ns);
    graph_update_speakers(graph, now_ns);
    graph_encode_voices(graph);
    graph_deliver(graph, now_ns);
    graph->stats.cpu_ns += clock_thread_cpu_ns() - cpu_ns;
}

/* --- commands from the control thread ---------------------------------------------------- */

typedef struct {
    Graph *graph;
    GraphLeg *leg;
    Viewer *viewer;
    json_t *json;
    GraphJsonReady ready;
    gpointer user;
} Command;

static void command_free(gpointer data)
{
    Command *command = data;
    viewer_unref(command->viewer);
    if (command->json)
        json_decref(command->json);
    graph_unref(command->graph);
    g_free(command);
}

static void post_to_audio(Graph *graph, MailboxCommand run, GraphLeg *leg, Viewer *viewer)
{
    Command *command = g_new0(Command, 1);
    command->graph = graph_ref(graph);
    command->leg = leg;
    command->viewer = viewer ? viewer_ref(viewer) : NULL;
    mailbox_post(engine_audio_mailbox(graph->engine), run, command, command_free);
}

static void start_on_audio(gpointer data)
{
    Graph *graph = ((Command *)data)->graph;
    thread_assert_audio();
    engine_add_audio_tick(graph->engine, graph_audio_tick, graph);
}

static void stop_on_audio(gpointer data)
{
    Graph *graph = ((Command *)data)->graph;
    thread_assert_audio();
    engine_remove_audio_tick(graph->engine, graph_audio_tick, graph);
}

static void add_leg_on_audio(gpointer data)
{
    Command *command = data;
    GraphLeg *leg = command->leg;
    thread_assert_audio();
    if (leg->pull)
        leg->input = audio_mixer_add(command->graph->mixer, leg->pull, leg->pull_user);
    g_ptr_array_add(command->graph->legs, leg);
}

static void remove_leg_on_audio(gpointer data)
{
    Command *command = data;
    GraphLeg *leg = command->leg;
    thread_assert_audio();
    if (leg->input)
        audio_mixer_remove(command->graph->mixer, leg->input);
    if (leg->speaker.speaking)
        scene_set_speaking(command->graph->scene, leg->id, FALSE);
    g_ptr_array_remove(command->graph->legs, leg);
}

static void set_viewer_on_audio(gpointer data)
{
    Command *command = data;
    GraphLeg *leg = command->leg;
    viewer_unref(leg->viewer);
    leg->viewer = g_steal_pointer(&command->viewer);
}

Graph *graph_new(Engine *engine, const GraphSpec *spec)
{
    Graph *graph = g_new0(Graph, 1);
    graph->refs = 1;
    graph->engine = engine;
    graph->spec = *spec;
    graph->mix_epoch_ns = engine_now_ns(engine);
    graph->mixer = audio_mixer_new();
    graph->legs = g_ptr_array_new_with_free_func(leg_free);
    graph->outbox = new_outbox();
    SceneSpec scene = { .width = spec->width,
                        .height = spec->height,
                        .fps = spec->fps,
                        .background_rgb = spec->background_rgb,
                        .mix_epoch_ns = graph->mix_epoch_ns };
    graph->scene = scene_new(engine, &scene);
    scene_start(graph->scene);
    post_to_audio(graph, start_on_audio, NULL, NULL);
    return graph;
}

void graph_close(Graph *graph)
{
    if (!graph)
        return;
    graph->closed = TRUE;
    scene_stop(graph->scene);
    post_to_audio(graph, stop_on_audio, NULL, NULL);
    graph_unref(graph);
}

GraphLeg *graph_add_leg(Graph *graph, const GraphLegSpec *spec)
{
    GraphLeg *leg = g_new0(GraphLeg, 1);
    leg->id = g_strdup(spec->id);
    leg->pull = spec->pull;
    leg->pull_user = spec->pull_user;
    leg->pull_destroy = spec->pull_destroy;
    leg->viewer = spec->viewer ? viewer_ref(spec->viewer) : NULL;
    post_to_audio(graph, add_leg_on_audio, leg, NULL);
    return leg;
}

void graph_remove_leg(Graph *graph, GraphLeg *leg)
{
    if (leg)
        post_to_audio(graph, remove_leg_on_audio, leg, NULL);
}

void graph_leg_set_viewer(Graph *graph, GraphLeg *leg, Viewer *viewer)
{
    post_to_audio(graph, set_viewer_on_audio, leg, viewer);
}

Scene *graph_scene(Graph *graph)
{
    return graph->scene;
}

gint64 graph_mix_epoch_ns(const Graph *graph)
{
    return graph->mix_epoch_ns;
}

/* --- the live picture -------------------------------------------------------------------- */

static void collect_on_control(gpointer data)
{
    Command *command = data;
    command->ready(g_steal_pointer(&command->json), command->user);
}

static void collect_on_audio(gpointer data)
{
    Command *command = data;
    Graph *graph = command->graph;
    json_t *inputs = json_array();
    thread_assert_audio();
    for (guint i = 0; i < graph->legs->len; i++) {
        const GraphLeg *leg = graph->legs->pdata[i];
        VoiceStats own = { 0 };
        if (leg->own)
            voice_stats(leg->own, &own);
        json_array_append_new(inputs, graph_leg_json(leg->id, leg->input, leg->viewer != NULL,
                                                     leg->speaker.speaking, &own));
    }
    VoiceStats shared = { 0 };
    if (graph->shared)
        voice_stats(graph->shared, &shared);
    Command *reply = g_new0(Command, 1);
    *reply = (Command){ .graph = graph_ref(graph), .ready = command->ready, .user = command->user };
    reply->json = graph_to_json(inputs, &graph->stats, &shared, graph->scene);
    mailbox_post(engine_control_mailbox(graph->engine), collect_on_control, reply, command_free);
}

void graph_collect(Graph *graph, GraphJsonReady ready, gpointer user)
{
    Command *command = g_new0(Command, 1);
    *command = (Command){ .graph = graph_ref(graph), .ready = ready, .user = user };
    mailbox_post(engine_audio_mailbox(graph->engine), collect_on_audio, command, command_free);
}
