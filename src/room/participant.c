#include <openssl/rand.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "room/room_feeds.h"

#define MAX_NAME_CHARS 64

/* --- life -------------------------------------------------------------------------------- */

static char *random_hex(gsize bytes)
{
    guint8 raw[32];
    GString *text = g_string_new(NULL);
    if (RAND_bytes(raw, (int)bytes) != 1)
        g_error("the system has no random numbers");
    for (gsize i = 0; i < bytes; i++)
        g_string_append_printf(text, "%02x", raw[i]);
    return g_string_free(text, FALSE);
}

char *participant_clean_name(const char *name, GError **error)
{
    if (!name)
        return g_strdup("Guest");
    if (!g_utf8_validate(name, -1, NULL)) {
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                            "The name is not valid UTF-8 text.");
        return NULL;
    }
    GString *clean = g_string_new(NULL);
    for (const char *p = name; *p; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        g_string_append_unichar(clean, g_unichar_isprint(c) ? c : ' ');
    }
    g_strstrip(clean->str);
    char *text = g_string_free(clean, FALSE);
    if (g_utf8_strlen(text, -1) > MAX_NAME_CHARS) {
        g_free(text);
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "A name has at most %d characters.", MAX_NAME_CHARS);
        return NULL;
    }
    if (!*text) {
        g_free(text);
        return g_strdup("Guest");
    }
    return text;
}

static void unref_audio_input(gpointer input)
{
    audio_input_unref(input);
}

static gboolean make_inputs(Participant *participant, GError **error)
{
    Engine *engine = participant->room->rooms->engine;
    if (!participant->publish)
        return TRUE;
    participant->sinks.audio = audio_input_new(&codec_opus, error);
    if (!participant->sinks.audio)
        return FALSE;
    participant->sinks.camera = video_input_new(engine);
    participant->sinks.screen = video_input_new(engine);
    participant->tap = source_tap_new();
    audio_input_set_tap(participant->sinks.audio, participant->tap);
    video_input_set_tap(participant->sinks.camera, participant->tap, SOURCE_TAP_PERSON);
    video_input_set_tap(participant->sinks.screen, participant->tap, SOURCE_TAP_SCREEN);
    return TRUE;
}

ON_CONTROL_THREAD static void attach_leg(Participant *participant)
{
    AudioInput *audio = participant->sinks.audio;
    GraphLegSpec spec = { .id = participant->id,
                          .pull = audio ? audio_input_pull : NULL,
                          .pull_user = audio ? audio_input_ref(audio) : NULL,
                          .pull_destroy = audio ? unref_audio_input : NULL,
                          .said_level = audio ? audio_input_said_level : NULL };
    participant->leg = graph_add_leg(participant->room->graph, &spec);
    participant->sounds = audio != NULL;
}

/* Whoever has no tiles sees the same with and without itself. */
const char *participant_left_out(const Participant *participant, gboolean without_self)
{
    return without_self && participant->visible ? participant->id : NULL;
}

static void on_view_moved(gpointer user)
{
    thread_assert_control();
    participant_follow_view(user);
}

ON_CONTROL_THREAD static gboolean open_view(Participant *participant,
                                            const ParticipantOptions *options, GError **error)
{
    Room *room = participant->room;
    ViewChoice choice = { .layout = options->layout,
                          .without = participant_left_out(participant, options->without_self),
                          .without_self = options->without_self };
    ViewOwner owner = { participant->id, on_view_moved, participant };
    if (!participant->view)
        return TRUE;
    room_release_snapshots(room);
    if (!room_views_have_room(room->views, &choice, NULL, error))
        return FALSE;
    participant->watches = view_new(room->views, &choice, &owner);
    return TRUE;
}

static gboolean take_role(Participant *participant, const char *role, GError **error)
{
    if (role && !participant_role_valid(role)) {
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                            "A role has 1 to 32 letters, digits, \"_\" or \"-\".");
        return FALSE;
    }
    participant->role = g_strdup(role);
    return TRUE;
}

Participant *participant_new(Room *room, const ParticipantOptions *options, GError **error)
{
    Participant *participant = g_new0(Participant, 1);
    participant->room = room;
    participant->name = participant_clean_name(options->name, error);
    participant->number = ++room->next_participant;
    participant->id = g_strdup_printf("p%u", participant->number);
    participant->session = random_hex(16);
    participant->client = g_strdup(options->client ? options->client : "web");
    participant->publish = options->publish;
    participant->view = options->view;
    participant->visible = options->visible;
    participant->joined_ns = engine_now_ns(room->rooms->engine);
    participant->version = g_random_int();
    if (!participant->name || !take_role(participant, options->role, error) ||
        !make_inputs(participant, error) || !open_view(participant, options, error)) {
        participant_free(participant);
        return NULL;
    }
    attach_leg(participant);
    return participant;
}

static void clear_pending(PendingAnswer *pending)
{
    if (pending->offer)
        sdp_session_free(pending->offer);
    negotiated_free(pending->negotiated);
    *pending = (PendingAnswer){ 0 };
}

void participant_free(gpointer data)
{
    Participant *participant = data;
    if (participant->detach_timer)
        g_source_remove(participant->detach_timer);
    if (participant->fail_timer)
        g_source_remove(participant->fail_timer);
    graph_remove_leg(participant->room->graph, participant->leg);
    room_feed_free(participant->feed);
    peer_close(participant->peer);
    view_free(participant->watches);
    json_decref(participant->hears);
    g_free(participant->hears_key);
    g_free(participant->role);
    clear_pending(&participant->pending);
    negotiated_free(participant->negotiated);
    if (participant->own_offer)
        sdp_session_free(participant->own_offer);
    audio_input_unref(participant->sinks.audio);
    video_input_unref(participant->sinks.camera);
    video_input_unref(participant->sinks.screen);
    source_tap_unref(participant->tap);
    g_free(participant->fingerprint);
    g_free(participant->ice_ufrag);
    g_free(participant->mid);
    g_free(participant->id);
    g_free(participant->session);
    g_free(participant->name);
    g_free(participant->client);
    g_free(participant);
}

void participant_leave(Participant *participant, const char *reason)
{
    Room *room = participant->room;
    if (participant->leaving)
        return;
    participant->leaving = TRUE;
    json_t *data = json_pack("{s:s, s:s, s:s}", "id", participant->id, "name", participant->name,
                             "reason", reason);
    participant_fail_offer(participant, g_error_new(TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                                                    "The participant left: %s.", reason));
    log_info("room", "%s (%s) left room %s: %s", participant->name, participant->id, room->id,
             reason);
    room_feed_gone(participant->feed, reason);
    room_touch(room);
    room_emit(room, ROOM_EVENT_LEFT, participant, data);
    room_forget(room, participant);
}

/* --- going away and coming back ---------------------------------------------------------- */

typedef struct {
    Participant *participant;
    guint *timer;
    const char *reason;
} Watch;

static gboolean leave_now(gpointer data)
{
    Watch *watch = data;
    thread_assert_control();
    *watch->timer = 0;
    participant_leave(watch->participant, watch->reason);
    return G_SOURCE_REMOVE;
}

void participant_watch(Participant *participant, guint *timer, gboolean gone, const char *reason)
{
    if (!gone && *timer) {
        g_source_remove(*timer);
        *timer = 0;
    } else if (gone && !*timer) {
        Watch *watch = g_new(Watch, 1);
        *watch = (Watch){ participant, timer, reason };
        guint seconds = (guint)config_int(participant->room->rooms->config, "room.rejoin_seconds");
        *timer = g_timeout_add_seconds_full(G_PRIORITY_DEFAULT, seconds, leave_now, watch, g_free);
    }
}

void participant_set_detached(Participant *participant, gboolean detached)
{
    participant_watch(participant, &participant->detach_timer, detached, "the connection was lost");
}

/* --- what it is -------------------------------------------------------------------------- */

const char *participant_id(const Participant *participant)
{
    return participant->id;
}

Room *participant_room(const Participant *participant)
{
    return participant->room;
}

gboolean participant_visible(const Participant *participant)
{
    return participant->visible;
}

const char *participant_session(const Participant *participant)
{
    return participant->session;
}

const char *participant_state_name(TransportState state)
{
    static const char *const names[] = { "new",          "connecting", "connected",
                                         "disconnected", "failed",     "closed" };
    return names[state];
}

static void add_decisions(const Participant *participant, json_t *json)
{
    Layout *layout = participant->watches ? view_layout(participant->watches) : NULL;
    gboolean without = participant->watches && view_is_without(participant->watches);
    json_t *more = json_pack(
        "{s:s?, s:i, s:b, s:b, s:b, s:b, s:b, s:f, s:O?, s:s?, s:b}", "role", participant->role,
        "order", participant->order, "pinned", participant->pinned != 0, "hidden",
        participant->hidden, "hold", participant->hold, "muted", participant->muted, "video_off",
        participant->video_off, "volume", participant->volume_db, "hears", participant->hears,
        "layout", layout ? layout_name(layout) : NULL, "without_self", without);
    json_object_update(json, more);
    json_decref(more);
}

static const char *quality_name(const Participant *participant)
{
    static const char *const names[] = { "full", "reduced", "sound" };
    return participant->view ? names[participant->quality] : NULL;
}

json_t *participant_to_json(Participant *participant)
{
    guint active = participant->active_sources;
    gint64 joined_s = clock_wall_ns(participant->joined_ns) / NS_PER_SEC;
    json_t *json = json_pack(
        "{s:s, s:s, s:s, s:s, s:I, s:b, s:b, s:b, s:{s:b, s:b}, s:{s:b, s:b}, s:{s:b}, s:b, s:s?}",
        "id", participant->id, "name", participant->name, "client", participant->client, "state",
        participant_state_name(participant->state), "joined", (json_int_t)joined_s, "publish",
        participant->publish, "view", participant->view, "visible", participant->visible, "audio",
        "sending", (active >> SOURCE_AUDIO) & 1, "muted", participant->audio_muted, "video",
        "sending", (active >> SOURCE_CAMERA) & 1, "muted", participant->video_muted, "screen",
        "sending", (active >> SOURCE_SCREEN) & 1, "speaking", participant->speaking, "quality",
        quality_name(participant));
    add_decisions(participant, json);
    return json;
}

guint64 participant_version(const Participant *participant)
{
    return participant->version;
}

void participant_note_update(Participant *participant)
{
    participant->version++;
    room_touch(participant->room);
    room_emit(participant->room, ROOM_EVENT_UPDATED, participant, participant_to_json(participant));
}

gboolean participant_update(Participant *participant, const ParticipantUpdate *update,
                            GError **error)
{
    if (update->name) {
        char *name = participant_clean_name(update->name, error);
        if (!name)
            return FALSE;
        g_free(participant->name);
        participant->name = name;
    }
    if (update->audio_muted >= 0)
        participant->audio_muted = update->audio_muted;
    if (update->video_muted >= 0)
        participant->video_muted = update->video_muted;
    participant_note_update(participant);
    room_views_update(participant->room->views);
    return TRUE;
}

/* --- events of the connection ------------------------------------------------------------ */

static void on_state(TransportState state, gpointer user)
{
    Participant *participant = user;
    thread_assert_control();
    participant->state = state;
    gboolean gone = state == TRANSPORT_FAILED || state == TRANSPORT_CLOSED;
    participant_watch(participant, &participant->fail_timer, gone, "the media connection ended");
    room_emit(
        participant->room, ROOM_EVENT_STATE, participant,
        json_pack("{s:s, s:s}", "id", participant->id, "state", participant_state_name(state)));
}

static void on_sources(guint active, gpointer user)
{
    Participant *participant = user;
    thread_assert_control();
    guint changed = participant->active_sources ^ active;
    participant->active_sources = active;
    participant_note_update(participant);
    if (changed & (1u << SOURCE_SCREEN))
        room_views_update(participant->room->views);
}

static void on_local(const PeerLocal *local, const GError *error, gpointer user)
{
    thread_assert_control();
    participant_local_ready(user, local, error);
}

static void on_quality(ViewerQuality quality, gpointer user)
{
    Participant *participant = user;
    thread_assert_control();
    participant->quality = quality;
    participant_note_update(participant);
}

const PeerEvents participant_peer_events = {
    .local = on_local, .state = on_state, .sources = on_sources, .quality = on_quality
};
