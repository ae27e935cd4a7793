#include "room/graph_private.h"

/* What the control thread changes about the sound of a room, on its way to the audio thread. */

typedef struct {
    Graph *graph;
    GraphLeg *leg;
    Viewer *viewer;
    float gain;
    gboolean on;
    char *key;
    GraphMix *mix;
    GPtrArray *legs; /* of GraphLeg (transfer none): those that are heard */
    GraphTapEntry tap;
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
    if (command->legs)
        g_ptr_array_unref(command->legs);
    g_free(command->key);
    graph_unref(command->graph);
    g_free(command);
}

static Command *command_new(Graph *graph, GraphLeg *leg)
{
    Command *command = g_new0(Command, 1);
    command->graph = graph_ref(graph);
    command->leg = leg;
    return command;
}

static void post_command(Command *command, MailboxCommand run)
{
    mailbox_post(engine_audio_mailbox(command->graph->engine), run, command, command_free);
}

static void post_to_audio(Graph *graph, MailboxCommand run, GraphLeg *leg)
{
    post_command(command_new(graph, leg), run);
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

static void leave_submix(Graph *graph, GraphLeg *leg)
{
    Submix *submix = g_steal_pointer(&leg->submix);
    if (submix && submix_unref_listener(submix))
        g_ptr_array_remove(graph->submixes, submix);
}

static void forget_input(Graph *graph, AudioMixerInput *input) ON_AUDIO_THREAD;
static void forget_input(Graph *graph, AudioMixerInput *input)
{
    for (guint i = 0; i < graph->submixes->len; i++)
        submix_remove(graph->submixes->pdata[i], input);
    audio_mixer_remove(graph->mixer, input);
}

static void remove_leg_on_audio(gpointer data)
{
    Command *command = data;
    Graph *graph = command->graph;
    GraphLeg *leg = command->leg;
    thread_assert_audio();
    leave_submix(graph, leg);
    if (leg->input)
        forget_input(graph, leg->input);
    presence_forget(graph->presence, leg->id);
    active_speaker_forget(&graph->active, leg);
    g_ptr_array_remove(graph->legs, leg);
}

static void set_viewer_on_audio(gpointer data)
{
    Command *command = data;
    GraphLeg *leg = command->leg;
    viewer_unref(leg->viewer);
    leg->viewer = g_steal_pointer(&command->viewer);
}

static void set_gain_on_audio(gpointer data)
{
    Command *command = data;
    GraphLeg *leg = command->leg;
    thread_assert_audio();
    leg->gain = command->gain;
    if (leg->input)
        audio_mixer_input_set_gain(leg->input, leg->gain * leg->duck);
    if (leg->gain == 0)
        active_speaker_forget(&command->graph->active, leg);
}

static void set_ducking_on_audio(gpointer data)
{
    Command *command = data;
    thread_assert_audio();
    command->graph->ducking = command->on;
}

static void tap_clear(gpointer data)
{
    GraphTapEntry *entry = data;
    if (entry->user_free)
        entry->user_free(entry->user);
}

static void add_tap_on_audio(gpointer data)
{
    Command *command = data;
    Graph *graph = command->graph;
    thread_assert_audio();
    if (!command->tap.mix)
        command->tap.mix = graph->mixes->pdata[0];
    if (command->tap.mix->submix)
        submix_ref_listener(command->tap.mix->submix);
    g_array_append_val(graph->taps, command->tap);
}

/* What nobody takes any more is not encoded. */
static void end_encodes(const Graph *graph)
{
    for (guint i = 0; i < graph->mixes->len; i++) {
        GraphMix *mix = graph->mixes->pdata[i];
        if (!graph_mix_has_tap(graph, mix, GRAPH_TAP_AAC))
            g_clear_pointer(&mix->aac, aac_encoder_free);
    }
}

static void remove_tap_on_audio(gpointer data)
{
    Command *command = data;
    Graph *graph = command->graph;
    thread_assert_audio();
    for (guint i = graph->taps->len; i > 0; i--) {
        const GraphTapEntry *entry = &g_array_index(graph->taps, GraphTapEntry, i - 1);
        if (entry->user != command->tap.user)
            continue;
        if (entry->mix->submix)
            submix_unref_listener(entry->mix->submix); /* it ends with its mix */
        g_array_remove_index(graph->taps, i - 1);
    }
    end_encodes(graph);
}

static Submix *find_submix(const Graph *graph, const char *key)
{
    for (guint i = 0; i < graph->submixes->len; i++) {
        if (g_strcmp0(submix_key(graph->submixes->pdata[i]), key) == 0)
            return graph->submixes->pdata[i];
    }
    return NULL;
}

static void add_to_submix(Submix *submix, const GPtrArray *legs)
{
    for (guint i = 0; i < legs->len; i++) {
        const GraphLeg *heard = legs->pdata[i];
        if (heard->input)
            submix_add(submix, heard->input);
    }
}

static Submix *make_submix(Graph *graph, const char *key)
{
    VoicesConfig config = graph_voices_config(graph);
    Submix *submix = submix_new(key, &config);
    g_ptr_array_add(graph->submixes, submix);
    return submix;
}

static void hear_on_audio(gpointer data)
{
    Command *command = data;
    Graph *graph = command->graph;
    GraphLeg *leg = command->leg;
    thread_assert_audio();
    if (g_strcmp0(leg->submix ? submix_key(leg->submix) : NULL, command->key) == 0)
        return;
    leave_submix(graph, leg);
    if (!command->key)
        return;
    leg->submix = find_submix(graph, command->key);
    if (!leg->submix) {
        leg->submix = make_submix(graph, command->key);
        add_to_submix(leg->submix, command->legs);
    }
    submix_ref_listener(leg->submix);
}

static void add_mix_on_audio(gpointer data)
{
    Command *command = data;
    Graph *graph = command->graph;
    thread_assert_audio();
    command->mix->submix = make_submix(graph, command->key);
    g_ptr_array_add(graph->mixes, command->mix);
}

static void mix_hear_on_audio(gpointer data)
{
    const Command *command = data;
    Submix *submix = command->mix->submix;
    thread_assert_audio();
    submix_clear(submix);
    add_to_submix(submix, command->legs);
}

static void remove_mix_on_audio(gpointer data)
{
    const Command *command = data;
    Graph *graph = command->graph;
    thread_assert_audio();
    g_ptr_array_remove(graph->submixes, command->mix->submix);
    g_ptr_array_remove(graph->mixes, command->mix);
}

static void free_submix(gpointer submix)
{
    submix_free(submix);
}

Graph *graph_new(Engine *engine, const GraphSpec *spec)
{
    Graph *graph = g_new0(Graph, 1);
    graph->refs = 1;
    graph->engine = engine;
    graph->spec = *spec;
    graph->mix_epoch_ns = engine_now_ns(engine);
    graph->mixer = audio_mixer_new();
    VoicesConfig voices = graph_voices_config(graph);
    graph->shared = voices_new(&voices);
    graph->legs = g_ptr_array_new_with_free_func(graph_leg_free);
    graph->submixes = g_ptr_array_new_with_free_func(free_submix);
    graph->mixes = g_ptr_array_new_with_free_func(graph_mix_free);
    g_ptr_array_add(graph->mixes, graph_mix_new());
    graph->outbox = graph_outbox_new();
    graph->taps = g_array_new(FALSE, FALSE, sizeof(GraphTapEntry));
    g_array_set_clear_func(graph->taps, tap_clear);
    graph->tap_packet = av_packet_alloc();
    graph->presence = presence_new();
    graph->active.hold_ns = spec->speaker_hold_ns;
    post_to_audio(graph, start_on_audio, NULL);
    return graph;
}

void graph_close(Graph *graph)
{
    if (!graph)
        return;
    graph->closed = TRUE;
    post_to_audio(graph, stop_on_audio, NULL);
    graph_unref(graph);
}

GraphLeg *graph_add_leg(Graph *graph, const GraphLegSpec *spec)
{
    GraphLeg *leg = g_new0(GraphLeg, 1);
    leg->id = g_strdup(spec->id);
    leg->pull = spec->pull;
    leg->pull_user = spec->pull_user;
    leg->pull_destroy = spec->pull_destroy;
    leg->said_level = spec->said_level;
    leg->gain = leg->duck = 1;
    leg->viewer = spec->viewer ? viewer_ref(spec->viewer) : NULL;
    post_to_audio(graph, add_leg_on_audio, leg);
    return leg;
}

void graph_remove_leg(Graph *graph, GraphLeg *leg)
{
    if (leg)
        post_to_audio(graph, remove_leg_on_audio, leg);
}

void graph_leg_set_viewer(Graph *graph, GraphLeg *leg, Viewer *viewer)
{
    Command *command = command_new(graph, leg);
    command->viewer = viewer ? viewer_ref(viewer) : NULL;
    post_command(command, set_viewer_on_audio);
}

void graph_leg_set_gain(Graph *graph, GraphLeg *leg, float gain)
{
    Command *command = command_new(graph, leg);
    command->gain = gain;
    post_command(command, set_gain_on_audio);
}

static void set_legs(Command *command, GraphLeg *const *legs, guint n)
{
    command->legs = g_ptr_array_sized_new(n);
    for (guint i = 0; i < n; i++)
        g_ptr_array_add(command->legs, legs[i]);
}

void graph_leg_hear_some(Graph *graph, GraphLeg *listener, const char *key, GraphLeg *const *legs,
                         guint n)
{
    Command *command = command_new(graph, listener);
    command->key = g_strdup(key);
    set_legs(command, legs, n);
    post_command(command, hear_on_audio);
}

void graph_leg_hear_all(Graph *graph, GraphLeg *listener)
{
    post_to_audio(graph, hear_on_audio, listener);
}

GraphMix *graph_add_mix(Graph *graph, const char *hears)
{
    Command *command = command_new(graph, NULL);
    GraphMix *mix = command->mix = graph_mix_new();
    command->key = g_strdup(hears);
    post_command(command, add_mix_on_audio);
    return mix;
}

void graph_mix_hear(Graph *graph, GraphMix *mix, GraphLeg *const *legs, guint n)
{
    Command *command = command_new(graph, NULL);
    command->mix = mix;
    set_legs(command, legs, n);
    post_command(command, mix_hear_on_audio);
}

void graph_remove_mix(Graph *graph, GraphMix *mix)
{
    Command *command = command_new(graph, NULL);
    command->mix = mix;
    post_command(command, remove_mix_on_audio);
}

void graph_add_tap(Graph *graph, GraphMix *mix, GraphTapCodec codec, GraphTap tap, gpointer user,
                   GDestroyNotify user_free)
{
    Command *command = command_new(graph, NULL);
    command->tap = (GraphTapEntry){ mix, codec, tap, user, user_free };
    post_command(command, add_tap_on_audio);
}

void graph_remove_tap(Graph *graph, gpointer user)
{
    Command *command = command_new(graph, NULL);
    command->tap.user = user;
    post_command(command, remove_tap_on_audio);
}

void graph_set_ducking(Graph *graph, gboolean on)
{
    Command *command = command_new(graph, NULL);
    command->on = on;
    post_command(command, set_ducking_on_audio);
}

Presence *graph_presence(Graph *graph)
{
    return graph->presence;
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
        VoicesStats own = { 0 };
        if (leg->own)
            voices_stats(leg->own, &own);
        json_array_append_new(inputs, graph_leg_json(leg->id, leg->input, leg->viewer != NULL,
                                                     leg->speaker.speaking, &own));
    }
    json_t *submixes = json_array();
    for (guint i = 0; i < graph->submixes->len; i++)
        json_array_append_new(submixes, graph_submix_json(graph->submixes->pdata[i]));
    VoicesStats shared;
    voices_stats(graph->shared, &shared);
    Command *reply = g_new0(Command, 1);
    *reply = (Command){ .graph = graph_ref(graph), .ready = command->ready, .user = command->user };
    reply->json = graph_to_json(inputs, submixes, &graph->stats, &shared);
    mailbox_post(engine_control_mailbox(graph->engine), collect_on_control, reply, command_free);
}

void graph_collect(Graph *graph, GraphJsonReady ready, gpointer user)
{
    Command *command = g_new0(Command, 1);
    *command = (Command){ .graph = graph_ref(graph), .ready = ready, .user = user };
    mailbox_post(engine_audio_mailbox(graph->engine), collect_on_audio, command, command_free);
}
