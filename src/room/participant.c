#include <openssl/rand.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "room/room_private.h"

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

/* (transfer full) The name as it is shown, or NULL with an error. */
static char *clean_name(const char *name, GError **error)
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
    return TRUE;
}

ON_CONTROL_THREAD static void attach_leg(Participant *participant)
{
    AudioInput *audio = participant->sinks.audio;
    GraphLegSpec spec = { .id = participant->id,
                          .pull = audio ? audio_input_pull : NULL,
                          .pull_user = audio ? audio_input_ref(audio) : NULL,
                          .pull_destroy = audio ? unref_audio_input : NULL };
    participant->leg = graph_add_leg(participant->room->graph, &spec);
}

Participant *participant_new(Room *room, const ParticipantOptions *options, GError **error)
{
    Participant *participant = g_new0(Participant, 1);
    participant->room = room;
    participant->name = clean_name(options->name, error);
    participant->id = g_strdup_printf("p%u", ++room->next_participant);
    participant->session = random_hex(16);
    participant->client = g_strdup(options->client ? options->client : "web");
    participant->publish = options->publish;
    participant->view = options->view;
    participant->visible = options->visible;
    participant->joined_ns = engine_now_ns(room->rooms->engine);
    if (!participant->name || !make_inputs(participant, error)) {
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
    peer_close(participant->peer);
    clear_pending(&participant->pending);
    negotiated_free(participant->negotiated);
    if (participant->own_offer)
        sdp_session_free(participant->own_offer);
    audio_input_unref(participant->sinks.audio);
    video_input_unref(participant->sinks.camera);
    video_input_unref(participant->sinks.screen);
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
    gboolean visible = participant->visible;
    if (participant->leaving)
        return;
    participant->leaving = TRUE;
    json_t *data = json_pack("{s:s, s:s, s:s}", "id", participant->id, "name", participant->name,
                             "reason", reason);
    participant_fail_offer(participant, g_error_new(TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                                                    "The participant left: %s.", reason));
    log_info("room", "%s (%s) left room %s: %s", participant->name, participant->id, room->id,
             reason);
    room_emit(room, ROOM_EVENT_LEFT, participant, data);
    room_forget(room, participant);
    if (visible)
        room_update_layout(room);
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

json_t *participant_to_json(Participant *participant)
{
    guint active = participant->active_sources;
    gint64 joined_s = clock_wall_ns(participant->joined_ns) / NS_PER_SEC;
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:I, s:b, s:b, s:b, s:{s:b, s:b}, s:{s:b, s:b}, s:{s:b}, s:b}", "id",
        participant->id, "name", participant->name, "client", participant->client, "state",
        participant_state_name(participant->state), "joined", (json_int_t)joined_s, "publish",
        participant->publish, "view", participant->view, "visible", participant->visible, "audio",
        "sending", (active >> SOURCE_AUDIO) & 1, "muted", participant->audio_muted, "video",
        "sending", (active >> SOURCE_CAMERA) & 1, "muted", participant->video_muted, "screen",
        "sending", (active >> SOURCE_SCREEN) & 1, "speaking", participant->speaking);
}

gboolean participant_update(Participant *participant, const ParticipantUpdate *update,
                            GError **error)
{
    if (update->name) {
        char *name = clean_name(update->name, error);
        if (!name)
            return FALSE;
        g_free(participant->name);
        participant->name = name;
    }
    if (update->audio_muted >= 0)
        participant->audio_muted = update->audio_muted;
    if (update->video_muted >= 0)
        participant->video_muted = update->video_muted;
    room_emit(participant->room, ROOM_EVENT_UPDATED, participant, participant_to_json(participant));
    room_update_layout(participant->room);
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
    room_emit(participant->room, ROOM_EVENT_UPDATED, participant, participant_to_json(participant));
    if (changed & (1u << SOURCE_SCREEN))
        room_update_layout(participant->room);
}

static void on_local(const PeerLocal *local, const GError *error, gpointer user)
{
    thread_assert_control();
    participant_local_ready(user, local, error);
}

const PeerEvents participant_peer_events = { .local = on_local,
                                             .state = on_state,
                                             .sources = on_sources };
