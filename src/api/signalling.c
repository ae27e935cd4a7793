#include "api/signalling.h"

#include "api/api_private.h"
#include "api/ice_servers.h"
#include "api/json_text.h"
#include "api/signalling_json.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"

#define MAX_PENDING_OFFERS 4

struct Signalling {
    gatomicrefcount refs;
    struct Api *api;
    GHashTable *clients; /* number -> SignallingClient */
    guint64 last_number;
};

typedef struct {
    Signalling *signalling;
    WebSocket *socket;
    gint64 number;
    RateBucket messages;
    guint join_timer;
    guint pending_offers;
    guint grants;             /* bits of AuthGrant, of the token of the join */
    gboolean name_is_fixed;   /* the token says it */
    Room *room;               /* NULL before the join and after the end */
    Participant *participant; /* likewise */
    guint listener;
} SignallingClient;

/* --- sending ----------------------------------------------------------------------------- */

static void send_json(SignallingClient *client, json_t *json)
{
    g_autofree char *text = json_text_dump(json);
    client->signalling->api->metrics.ws_sent++;
    websocket_send(client->socket, text);
    json_decref(json);
}

static void send_reply(SignallingClient *client, json_t *json, json_t *re)
{
    if (re)
        json_object_set(json, "re", re);
    send_json(client, json);
}

static void send_error(SignallingClient *client, const GError *error, json_t *re)
{
    send_json(client, signalling_error_json(error, re));
}

static void send_new_error(SignallingClient *client, TesseraError code, const char *message,
                           json_t *re)
{
    g_autoptr(GError) error = g_error_new_literal(TESSERA_ERROR, (gint)code, message);
    send_error(client, error, re);
}

/* --- in and out of the room -------------------------------------------------------------- */

static void forget_room(SignallingClient *client) ON_CONTROL_THREAD;
static void forget_room(SignallingClient *client)
{
    if (client->room)
        room_unlisten(client->room, client->listener);
    client->room = NULL;
    client->participant = NULL;
}

static void on_room_event(Room *room, RoomEventType type, Participant *participant, json_t *data,
                          gpointer user)
{
    SignallingClient *client = user;
    thread_assert_control();
    (void)room;
    gboolean own = participant == client->participant;
    if (type == ROOM_EVENT_OPENED || (type == ROOM_EVENT_VIEW && !own))
        return;
    if (participant && !own && !participant_visible(participant))
        return;
    json_t *told = api_event_data(type, data, client->grants);
    send_json(client, json_pack("{s:s, s:s, s:o}", "type", "event", "event", room_event_name(type),
                                "data", told));
    if (!(type == ROOM_EVENT_LEFT && own) && type != ROOM_EVENT_CLOSED)
        return;
    forget_room(client);
    websocket_close(client->socket, SIGNALLING_REMOVED, "removed");
}

static void stop_join_timer(SignallingClient *client)
{
    if (client->join_timer)
        g_source_remove(client->join_timer);
    client->join_timer = 0;
}

static gboolean join_is_late(gpointer data)
{
    SignallingClient *client = data;
    client->join_timer = 0;
    send_new_error(client, TESSERA_ERROR_UNAUTHORIZED, "The join message came too late.", NULL);
    websocket_close(client->socket, WEBSOCKET_POLICY, "no join");
    return G_SOURCE_REMOVE;
}

static void replace_others(SignallingClient *client, Participant *participant) ON_CONTROL_THREAD;
static void replace_others(SignallingClient *client, Participant *participant)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, client->signalling->clients);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        SignallingClient *other = value;
        if (other == client || other->participant != participant)
            continue;
        forget_room(other);
        websocket_close(other->socket, SIGNALLING_REPLACED, "replaced");
    }
}

/* (transfer full) Who is listed: everyone with a place in the room, and the client itself. */
ON_CONTROL_THREAD static json_t *people_json(SignallingClient *client, json_t *room)
{
    json_t *people = json_array();
    size_t i;
    json_t *person;
    json_array_foreach(json_object_get(room, "participants"), i, person)
    {
        Participant *participant =
            room_find(client->room, json_string_value(json_object_get(person, "id")));
        if (participant && (participant == client->participant || participant_visible(participant)))
            json_array_append(people, person);
    }
    return people;
}

/* (transfer full) What the token of the client allows, and what it sees. */
ON_CONTROL_THREAD static json_t *rights_json(SignallingClient *client)
{
    g_auto(GStrv) names = auth_grant_names(client->grants & AUTH_ADMIN ? AUTH_ALL : client->grants);
    json_t *grants = json_array();
    json_t *person = participant_to_json(client->participant);
    for (guint i = 0; names[i]; i++)
        json_array_append_new(grants, json_string(names[i]));
    json_t *json = json_pack(
        "{s:o, s:O?, s:o}", "grants", grants, "role", json_object_get(person, "role"), "view",
        json_is_true(json_object_get(person, "view")) ? participant_view_json(client->participant)
                                                      : json_null());
    if (!json_object_get(json, "role"))
        json_object_set_new(json, "role", json_null());
    json_decref(person);
    return json;
}

static json_t *joined_json(SignallingClient *client, gboolean resumed) ON_CONTROL_THREAD;
static json_t *joined_json(SignallingClient *client, gboolean resumed)
{
    const Config *config = client->signalling->api->config;
    json_t *room = room_to_json(client->room);
    json_t *layout = room_layout_json(client->room);
    json_t *rights = rights_json(client);
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:s, s:b, s:o, s:O?, s:O?, s:o}", "type", "joined", "id",
                  participant_id(client->participant), "session",
                  participant_session(client->participant), "room", room_id(client->room),
                  "resumed", resumed, "participants", people_json(client, room), "layout", layout,
                  "video", json_object_get(room, "video"), "iceServers", ice_servers_json(config));
    json_object_update(json, rights);
    json_decref(rights);
    json_decref(room);
    json_decref(layout);
    return json;
}

/* What a client asks for when it joins, and what its token says of it. */
typedef struct {
    const SignallingJoin *asked;
    const AuthClaims *claims;
    const char *name; /* of the token, or as asked */
    gboolean overrides_lock;
    Layout *layout; /* as asked, or NULL */
} JoinWish;

/* In whichever layout it sees. */
static void leave_itself_out(Participant *participant) ON_CONTROL_THREAD;
static void leave_itself_out(Participant *participant)
{
    json_t *patch = json_pack("{s:b}", "without_self", TRUE);
    participant_patch(participant, patch, NULL);
    json_decref(patch);
}

/* Who comes back sees what it saw, unless it asks for something else. */
static Participant *resume(SignallingClient *client, const JoinWish *wish) ON_CONTROL_THREAD;
static Participant *resume(SignallingClient *client, const JoinWish *wish)
{
    const SignallingJoin *join = wish->asked;
    Room *room = join->resume ? rooms_find(client->signalling->api->rooms, join->room) : NULL;
    Participant *participant = room ? room_resume(room, join->resume) : NULL;
    if (!participant)
        return NULL;
    replace_others(client, participant);
    participant_set_detached(participant, FALSE);
    ParticipantUpdate update = { -1, -1, wish->name };
    if (wish->name && *wish->name)
        participant_update(participant, &update, NULL);
    if (wish->layout)
        participant_set_view(participant, wish->layout, join->without_self, NULL);
    else if (join->without_self)
        leave_itself_out(participant);
    return participant;
}

static Participant *join_new(SignallingClient *client, const JoinWish *wish,
                             GError **error) ON_CONTROL_THREAD;
static Participant *join_new(SignallingClient *client, const JoinWish *wish, GError **error)
{
    const SignallingJoin *join = wish->asked;
    Room *room = rooms_open(client->signalling->api->rooms, join->room, error);
    ParticipantOptions options = { .name = wish->name,
                                   .client = "web",
                                   .publish = join->publish,
                                   .view = join->view,
                                   .visible = join->publish,
                                   .role = wish->claims->role,
                                   .layout = wish->layout,
                                   .without_self = join->without_self,
                                   .overrides_lock = wish->overrides_lock };
    return room ? room_join(room, &options, error) : NULL;
}

/* --- messages ---------------------------------------------------------------------------- */

/* (transfer full) The layout of this name; NULL without an error: none is named. */
ON_CONTROL_THREAD static Layout *find_layout(SignallingClient *client, const char *name,
                                             GError **error)
{
    if (!name || !*name)
        return NULL;
    json_t *choice = json_string(name);
    Layout *layout = rooms_layout_from_json(client->signalling->api->rooms, choice, error);
    json_decref(choice);
    return layout;
}

static void enter(SignallingClient *client, const SignallingMessage *message,
                  const AuthClaims *claims) ON_CONTROL_THREAD;
static void enter(SignallingClient *client, const SignallingMessage *message,
                  const AuthClaims *claims)
{
    const SignallingJoin *join = &message->join;
    const Auth *auth = client->signalling->api->auth;
    g_autoptr(GError) error = NULL;
    g_autoptr(Layout) layout = find_layout(client, join->layout, &error);
    JoinWish wish = { .asked = join,
                      .claims = claims,
                      .name = claims->name ? claims->name : join->name,
                      .layout = layout };
    /* Where nobody is asked for a token a lock keeps everybody out. */
    wish.overrides_lock = auth_is_on(auth) && auth_claims_allow(claims, join->room, AUTH_CONTROL);
    Participant *participant = error ? NULL : resume(client, &wish);
    gboolean resumed = participant != NULL;
    if (!participant && !error)
        participant = join_new(client, &wish, &error);
    if (!participant) {
        send_error(client, error, message->id);
        return;
    }
    stop_join_timer(client);
    client->grants = claims->grants;
    client->name_is_fixed = claims->name != NULL;
    client->participant = participant;
    client->room = participant_room(participant);
    send_reply(client, joined_json(client, resumed), message->id);
    client->listener = room_listen_as(client->room, client->participant, on_room_event, client);
}

static gboolean check_grants(const SignallingJoin *join, const AuthClaims *claims, GError **error)
{
    const char *refusal = NULL;
    if (join->publish && !auth_claims_allow(claims, join->room, AUTH_PUBLISH))
        refusal = "The token does not allow to publish in this room; join with \"publish\": false "
                  "to watch only.";
    else if ((join->view || !join->publish) && !auth_claims_allow(claims, join->room, AUTH_VIEW))
        refusal = "The token does not allow to see this room; join with \"view\": false to send "
                  "only.";
    if (refusal)
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_FORBIDDEN, refusal);
    return !refusal;
}

static void on_join(SignallingClient *client, const SignallingMessage *message) ON_CONTROL_THREAD;
static void on_join(SignallingClient *client, const SignallingMessage *message)
{
    const SignallingJoin *join = &message->join;
    g_auto(AuthClaims) claims = { 0 };
    g_autoptr(GError) error = NULL;
    if (client->participant) {
        send_new_error(client, TESSERA_ERROR_CONFLICT,
                       "This connection has joined; open another one to join again.", message->id);
        return;
    }
    if (api_authorize(client->signalling->api, websocket_peer(client->socket), join->token,
                      join->room, 0, &claims, &error) &&
        check_grants(join, &claims, &error)) {
        enter(client, message, &claims);
        return;
    }
    send_error(client, error, message->id);
    if (error->code == TESSERA_ERROR_UNAUTHORIZED)
        websocket_close(client->socket, WEBSOCKET_POLICY, "unauthorized");
}

typedef struct {
    Signalling *signalling;
    gint64 number;
    json_t *re;
    const char *reply; /* "answer", or "offer" where ours was asked for */
} PendingOffer;

static void on_answer(const char *answer_sdp, const GError *error, gpointer user)
{
    PendingOffer *pending = user;
    SignallingClient *client = g_hash_table_lookup(pending->signalling->clients, &pending->number);
    if (client) {
        client->pending_offers--;
        if (answer_sdp)
            send_reply(client, json_pack("{s:s, s:s}", "type", pending->reply, "sdp", answer_sdp),
                       pending->re);
        else
            send_error(client, error, pending->re);
    }
    signalling_free(pending->signalling);
    json_decref(pending->re);
    g_free(pending);
}

/* Somebody offers: the client, or we at its request. */
ON_CONTROL_THREAD static void on_offer(SignallingClient *client, const SignallingMessage *message)
{
    if (client->pending_offers >= MAX_PENDING_OFFERS) {
        send_new_error(client, TESSERA_ERROR_UNAVAILABLE,
                       "Wait for the answers to the offers before.", message->id);
        return;
    }
    PendingOffer *pending = g_new0(PendingOffer, 1);
    g_atomic_ref_count_inc(&client->signalling->refs);
    pending->signalling = client->signalling;
    pending->number = client->number;
    pending->re = json_incref(message->id);
    client->pending_offers++;
    if (message->type == SIGNALLING_OFFER) {
        pending->reply = "answer";
        participant_offer(client->participant, message->sdp.sdp, message->sdp.size, on_answer,
                          pending);
    } else {
        pending->reply = "offer";
        participant_make_offer(client->participant, on_answer, pending);
    }
}

ON_CONTROL_THREAD static void on_client_answer(SignallingClient *client,
                                               const SignallingMessage *message)
{
    g_autoptr(GError) error = NULL;
    if (!participant_accept_answer(client->participant, message->sdp.sdp, message->sdp.size,
                                   &error))
        send_error(client, error, message->id);
}

static void on_candidate(SignallingClient *client,
                         const SignallingMessage *message) ON_CONTROL_THREAD;
static void on_candidate(SignallingClient *client, const SignallingMessage *message)
{
    g_autoptr(GError) error = NULL;
    if (!participant_add_candidate(client->participant, message->candidate, &error))
        send_error(client, error, message->id);
}

/* What the client wants to see is its own business: no control is asked for. */
ON_CONTROL_THREAD static gboolean update_view(SignallingClient *client,
                                              const SignallingUpdate *said, GError **error)
{
    if (!said->has_layout && said->without_self < 0)
        return TRUE;
    json_t *patch = json_object();
    if (said->has_layout)
        json_object_set_new(patch, "layout",
                            said->layout ? json_string(said->layout) : json_null());
    if (said->without_self >= 0)
        json_object_set_new(patch, "without_self", json_boolean(said->without_self));
    gboolean ok = participant_patch(client->participant, patch, error);
    json_decref(patch);
    return ok;
}

static void on_update(SignallingClient *client, const SignallingMessage *message) ON_CONTROL_THREAD;
static void on_update(SignallingClient *client, const SignallingMessage *message)
{
    const SignallingUpdate *said = &message->update;
    g_autoptr(GError) error = NULL;
    ParticipantUpdate update = { said->audio_muted, said->video_muted, said->name };
    gboolean self = said->audio_muted >= 0 || said->video_muted >= 0 || said->name;
    if (said->name && client->name_is_fixed)
        send_new_error(client, TESSERA_ERROR_FORBIDDEN,
                       "Your name is the one that your token says.", message->id);
    else if (!update_view(client, said, &error) ||
             (self && !participant_update(client->participant, &update, &error)))
        send_error(client, error, message->id);
}

static void leave(SignallingClient *client) ON_CONTROL_THREAD;
static void leave(SignallingClient *client)
{
    Participant *participant = client->participant;
    forget_room(client);
    if (participant)
        participant_leave(participant, "left");
}

static void on_joined_message(SignallingClient *client,
                              const SignallingMessage *message) ON_CONTROL_THREAD;
static void on_joined_message(SignallingClient *client, const SignallingMessage *message)
{
    if (!client->participant)
        send_new_error(client, TESSERA_ERROR_CONFLICT, "Join a room first.", message->id);
    else if (message->type == SIGNALLING_OFFER || message->type == SIGNALLING_OFFER_REQUEST)
        on_offer(client, message);
    else if (message->type == SIGNALLING_ANSWER)
        on_client_answer(client, message);
    else if (message->type == SIGNALLING_CANDIDATE)
        on_candidate(client, message);
    else
        on_update(client, message);
}

static gboolean is_flooding(SignallingClient *client)
{
    if (rate_bucket_take(&client->messages, clock_now_ns()))
        return FALSE;
    client->signalling->api->metrics.ws_rate_limited++;
    log_limited(LOG_WARNING, "ws", "%s sends too many messages", websocket_peer(client->socket));
    websocket_close(client->socket, WEBSOCKET_POLICY, "too many messages");
    return TRUE;
}

static void on_message(WebSocket *socket, const char *text, gsize size, gpointer user)
{
    SignallingClient *client = user;
    g_auto(SignallingMessage) message = { 0 };
    g_autoptr(GError) error = NULL;
    thread_assert_control();
    if (is_flooding(client))
        return;
    if (!signalling_parse(text, size, &message, &error)) {
        client->signalling->api->metrics.ws_invalid++;
        send_error(client, error, message.id);
        return;
    }
    switch (message.type) {
    case SIGNALLING_JOIN:
        on_join(client, &message);
        break;
    case SIGNALLING_PING:
        send_reply(client, json_pack("{s:s}", "type", "pong"), message.id);
        break;
    case SIGNALLING_LEAVE:
        leave(client);
        websocket_close(socket, WEBSOCKET_NORMAL, "left");
        break;
    default:
        on_joined_message(client, &message);
    }
}

/* Who says goodbye leaves; who vanishes may come back with the session. */
static void on_closed(WebSocket *socket, guint code, gpointer user)
{
    SignallingClient *client = user;
    thread_assert_control();
    (void)socket;
    gboolean goodbye = code == WEBSOCKET_NORMAL || code == WEBSOCKET_GOING_AWAY ||
                       code == WEBSOCKET_POLICY || code == WEBSOCKET_TOO_LARGE;
    if (client->participant && goodbye) {
        leave(client);
    } else if (client->participant) {
        Participant *participant = client->participant;
        forget_room(client);
        participant_set_detached(participant, TRUE);
    }
    stop_join_timer(client);
    g_hash_table_remove(client->signalling->clients, &client->number);
}

/* --- all of them ------------------------------------------------------------------------- */

Signalling *signalling_new(struct Api *api)
{
    Signalling *signalling = g_new0(Signalling, 1);
    g_atomic_ref_count_init(&signalling->refs);
    signalling->api = api;
    signalling->clients = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    return signalling;
}

void signalling_free(Signalling *signalling)
{
    if (!signalling || !g_atomic_ref_count_dec(&signalling->refs))
        return;
    g_hash_table_destroy(signalling->clients);
    g_free(signalling);
}

void signalling_open(Signalling *signalling, WebSocket *socket)
{
    static const WebSocketEvents events = { .message = on_message, .closed = on_closed };
    const Config *config = signalling->api->config;
    double per_second = (double)config_int(config, "http.ws_messages_per_second");
    SignallingClient *client = g_new0(SignallingClient, 1);
    client->signalling = signalling;
    client->socket = socket;
    client->number = (gint64)++signalling->last_number;
    client->messages = (RateBucket){ .per_second = per_second, .burst = 2 * per_second };
    client->join_timer =
        g_timeout_add_seconds((guint)config_int(config, "http.join_seconds"), join_is_late, client);
    g_hash_table_insert(signalling->clients, &client->number, client);
    websocket_set_events(socket, &events, client);
}

guint signalling_strangers(const Signalling *signalling, const char *peer)
{
    guint n = 0;
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, signalling->clients);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const SignallingClient *client = value;
        n += client->join_timer && g_strcmp0(websocket_peer(client->socket), peer) == 0;
    }
    return n;
}

void signalling_close_all(Signalling *signalling, guint code, const char *reason)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, signalling->clients);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        SignallingClient *client = value;
        websocket_close(client->socket, code, reason);
    }
}
