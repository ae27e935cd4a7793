#include "api/rtmp_door.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/api_private.h"
#include "api/tls_certificate.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "io/rtmp_server.h"
#include "net/descriptors.h"
#include "room/room_media.h"

#define CLIENT "rtmp"

struct RtmpDoor {
    struct Api *api;
    RtmpServer *server;
    Mailbox *mailbox;      /* to the control thread */
    GPtrArray *publishers; /* a reference of each that is in a room */
};

/* --- publishers -------------------------------------------------------------------------- */

/* Counted: held by the door while it is in a room, and by the server until its stream has ended. */
typedef struct {
    gatomicrefcount refs;
    RtmpDoor *door;
    RtmpRequest *request;

    /* Where its media go; set before it is accepted. */
    const MediaEvents *events;
    gpointer events_user;
    GDestroyNotify events_free;

    /* The control thread's. */
    char *room, *participant; /* names; NULL: not in a room yet */
} Publisher;

static Publisher *publisher_new(RtmpDoor *door, RtmpRequest *request)
{
    Publisher *publisher = g_new0(Publisher, 1);
    g_atomic_ref_count_init(&publisher->refs);
    publisher->door = door;
    publisher->request = rtmp_request_ref(request);
    return publisher;
}

static Publisher *publisher_ref(Publisher *publisher)
{
    g_atomic_ref_count_inc(&publisher->refs);
    return publisher;
}

static void publisher_unref(gpointer data)
{
    Publisher *publisher = data;
    if (!g_atomic_ref_count_dec(&publisher->refs))
        return;
    if (publisher->events_free)
        publisher->events_free(publisher->events_user);
    rtmp_request_unref(publisher->request);
    g_free(publisher->room);
    g_free(publisher->participant);
    g_free(publisher);
}

/* Who it is in its room, or NULL: it left already. */
static Participant *find_participant(const Publisher *publisher) ON_CONTROL_THREAD;
static Participant *find_participant(const Publisher *publisher)
{
    Room *room = publisher->room ? rooms_find(publisher->door->api->rooms, publisher->room) : NULL;
    return room ? room_find(room, publisher->participant) : NULL;
}

static void end_publisher(Publisher *publisher, const char *reason) ON_CONTROL_THREAD;
static void end_publisher(Publisher *publisher, const char *reason)
{
    g_autoptr(GPtrArray) held = g_ptr_array_new_with_free_func(publisher_unref);
    Participant *participant = find_participant(publisher);
    g_ptr_array_add(held, publisher_ref(publisher));
    if (g_ptr_array_remove(publisher->door->publishers, publisher) && participant)
        room_end_feed(participant, reason);
}

/* --- its media, on the rtmp thread ------------------------------------------------------- */

static void on_stream(MediaKind kind, const AVCodecParameters *parameters, gpointer user)
{
    Publisher *publisher = user;
    publisher->events->stream(kind, parameters, publisher->events_user);
}

static void on_packet(MediaKind kind, const AVPacket *packet, gint64 arrival_ns, gpointer user)
{
    Publisher *publisher = user;
    publisher->events->packet(kind, packet, arrival_ns, publisher->events_user);
}

static void publisher_has_gone(gpointer data)
{
    Publisher *publisher = data;
    thread_assert_control();
    end_publisher(publisher, "left");
}

static void on_ended(const GError *error, gpointer user)
{
    Publisher *publisher = user;
    publisher->events->ended(error, publisher->events_user);
    mailbox_post(publisher->door->mailbox, publisher_has_gone, publisher_ref(publisher),
                 publisher_unref);
}

static const MediaEvents publisher_events = { on_stream, on_packet, on_ended };

/* --- requests, on the control thread ----------------------------------------------------- */

typedef struct {
    RtmpDoor *door;
    RtmpRequest *request;
} Visit;

static gboolean check_visit(const Visit *visit, guint grants, AuthClaims *claims,
                            GError **error) ON_CONTROL_THREAD;
static gboolean check_visit(const Visit *visit, guint grants, AuthClaims *claims, GError **error)
{
    struct Api *api = visit->door->api;
    const char *peer = rtmp_request_peer(visit->request);
    const char *token = rtmp_request_token(visit->request);
    if (!rate_table_take(api->requests, peer, clock_now_ns())) {
        api->metrics.rate_limited++;
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                            "Too many requests came from this address.");
        return FALSE;
    }
    if (api_authorize(api, peer, token, rtmp_request_room(visit->request), grants, claims, error))
        return TRUE;
    if (!token || !*token) {
        g_clear_error(error);
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_UNAUTHORIZED,
                            "The token is missing: write ?token=TOKEN behind the name.");
    }
    return FALSE;
}

/* The room lets go of it. */
static void on_gone(const char *reason, gpointer user)
{
    Publisher *publisher = user;
    thread_assert_control();
    rtmp_publisher_close(publisher->request,
                         strcmp(reason, "removed") == 0 ? "You were removed from the room." : NULL);
    g_ptr_array_remove(publisher->door->publishers, publisher);
}

/* Whether it publishes the same stream again; where tokens are asked for, with the same one. */
static gboolean is_same_encoder(const Visit *visit, const Room *room, const Publisher *publisher)
{
    if (g_strcmp0(publisher->room, room_id(room)) != 0 ||
        strcmp(rtmp_request_name(publisher->request), rtmp_request_name(visit->request)) != 0)
        return FALSE;
    return !auth_is_on(visit->door->api->auth) ||
           g_strcmp0(rtmp_request_token(visit->request), rtmp_request_token(publisher->request)) ==
               0;
}

/* An encoder that comes back after its network was lost finds itself still there. TRUE: one was,
 * and has ended. */
static gboolean take_over(const Visit *visit, const Room *room) ON_CONTROL_THREAD;
static gboolean take_over(const Visit *visit, const Room *room)
{
    RtmpDoor *door = visit->door;
    for (guint i = 0; i < door->publishers->len; i++) {
        Publisher *publisher = door->publishers->pdata[i];
        if (!is_same_encoder(visit, room, publisher) || !find_participant(publisher))
            continue;
        rtmp_publisher_close(publisher->request, "Somebody else publishes under this name now.");
        end_publisher(publisher, "replaced");
        return TRUE;
    }
    return FALSE;
}

/* Name, role and rights: those of the token; what it leaves open the URL may say. */
static gboolean say_who(const Visit *visit, const AuthClaims *claims, RoomFeedOptions *options,
                        GError **error)
{
    const char *role = rtmp_request_arg(visit->request, "role");
    gboolean control = auth_claims_allow(claims, rtmp_request_room(visit->request), AUTH_CONTROL);
    options->name = claims->name ? claims->name : rtmp_request_name(visit->request);
    options->role = claims->role ? claims->role : role;
    options->overrides_lock = auth_is_on(visit->door->api->auth) && control;
    if (role && !participant_role_valid(role)) {
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                            "A role has 1 to 32 letters, digits, \"_\" or \"-\".");
        return FALSE;
    }
    if (!role || (control && !claims->role))
        return TRUE;
    g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_FORBIDDEN,
                        "Only a token with the grant control and no role of its own may name a "
                        "role.");
    return FALSE;
}

static gboolean join_room(const Visit *visit, RoomFeedOptions *options,
                          GError **error) ON_CONTROL_THREAD;
static gboolean join_room(const Visit *visit, RoomFeedOptions *options, GError **error)
{
    RtmpDoor *door = visit->door;
    Room *room = rooms_open(door->api->rooms, rtmp_request_room(visit->request), error);
    if (!room)
        return FALSE;
    options->overrides_lock |= take_over(visit, room);
    Publisher *publisher = publisher_new(door, visit->request);
    options->user = publisher;
    g_ptr_array_add(door->publishers, publisher);
    Participant *participant = room_join_feed(
        room, options, &publisher->events, &publisher->events_user, &publisher->events_free, error);
    if (!participant) {
        g_ptr_array_remove(door->publishers, publisher);
        return FALSE;
    }
    publisher->room = g_strdup(room_id(room));
    publisher->participant = g_strdup(participant_id(participant));
    rtmp_request_accept_publish(visit->request, &publisher_events, publisher_ref(publisher),
                                publisher_unref);
    return TRUE;
}

static gboolean publish(const Visit *visit, GError **error) ON_CONTROL_THREAD;
static gboolean publish(const Visit *visit, GError **error)
{
    g_auto(AuthClaims) claims = { 0 };
    RoomFeedOptions options = { .client = CLIENT, .gone = on_gone };
    return check_visit(visit, AUTH_PUBLISH, &claims, error) &&
           say_who(visit, &claims, &options, error) && join_room(visit, &options, error);
}

static Sink *make_player(const SinkEvents *events, gpointer user)
{
    return rtmp_request_accept_play(user, events);
}

static gboolean play(const Visit *visit, GError **error) ON_CONTROL_THREAD;
static gboolean play(const Visit *visit, GError **error)
{
    g_auto(AuthClaims) claims = { 0 };
    g_autoptr(Layout) layout = NULL;
    Rooms *rooms = visit->door->api->rooms;
    const char *name = rtmp_request_name(visit->request);
    const char *room_name = rtmp_request_room(visit->request);
    if (!check_visit(visit, AUTH_VIEW, &claims, error))
        return FALSE;
    Room *room = rooms_draining(rooms) ? NULL : rooms_find(rooms, room_name);
    if (!room) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_NOT_FOUND,
                    rooms_draining(rooms) ? "The server is shutting down." : "There is no room %s.",
                    room_name);
        return FALSE;
    }
    if (*name && strcmp(name, "room") != 0 && strcmp(name, "-") != 0) {
        json_t *choice = json_string(name);
        layout = rooms_layout_from_json(rooms, choice, error);
        json_decref(choice);
        if (!layout)
            return FALSE;
    }
    return room_play(room, layout, make_player, visit->request, error);
}

static void answer_visit(gpointer data)
{
    const Visit *visit = data;
    g_autoptr(GError) error = NULL;
    gboolean is_play = rtmp_request_kind(visit->request) == RTMP_PLAY;
    thread_assert_control();
    if (is_play ? play(visit, &error) : publish(visit, &error))
        return;
    log_limited(LOG_INFO, CLIENT, "%s may not %s: %s", rtmp_request_peer(visit->request),
                is_play ? "play" : "publish", error->message);
    rtmp_request_refuse(visit->request, error->message);
}

static void visit_free(gpointer data)
{
    Visit *visit = data;
    rtmp_request_unref(visit->request);
    g_free(visit);
}

/* On the rtmp thread. */
static void on_request(RtmpRequest *request, gpointer user)
{
    RtmpDoor *door = user;
    Visit *visit = g_new0(Visit, 1);
    visit->door = door;
    visit->request = rtmp_request_ref(request);
    mailbox_post(door->mailbox, answer_visit, visit, visit_free);
}

/* --- start and stop ---------------------------------------------------------------------- */

static gboolean has_ipv6(void)
{
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* (transfer full) The address as RtmpServer takes it; ":1935" means every one. */
static char *address_of(const Config *config, const char *key)
{
    const char *text = config_string(config, key);
    if (!*text)
        return NULL;
    return *text == ':' ? g_strconcat(has_ipv6() ? "[::]" : "0.0.0.0", text, NULL) : g_strdup(text);
}

static RtmpServer *listen_on(RtmpDoor *door, const char *plain, const char *tls,
                             GError **error) ON_CONTROL_THREAD;
static RtmpServer *listen_on(RtmpDoor *door, const char *plain, const char *tls, GError **error)
{
    const Config *config = door->api->config;
    TlsFiles files = { 0 };
    RtmpServer *server = NULL;
    if (!tls || tls_certificate_files(config, &files, error)) {
        RtmpServerConfig options = {
            .listen = plain,
            .tls_listen = tls,
            .certificate_file = files.certificate,
            .key_file = files.private_key,
            .max_connections = (guint)config_int(config, "rtmp.max_connections"),
            .max_per_address = (guint)config_int(config, "rtmp.max_per_address"),
            .may_accept = descriptors_for_strangers,
        };
        server = rtmp_server_new(&options, on_request, door, error);
        if (!server)
            g_prefix_error(error, "%s: ",
                           !tls    ? "rtmp.listen"
                           : plain ? "rtmp.listen or rtmp.tls_listen"
                                   : "rtmp.tls_listen");
    }
    tls_files_clear(&files);
    return server;
}

RtmpDoor *rtmp_door_new(struct Api *api, GError **error)
{
    g_autofree char *plain = address_of(api->config, "rtmp.listen");
    g_autofree char *tls = address_of(api->config, "rtmp.tls_listen");
    if (!plain && !tls)
        return NULL;
    RtmpDoor *door = g_new0(RtmpDoor, 1);
    door->api = api;
    door->mailbox = mailbox_new_for_context(NULL);
    door->publishers = g_ptr_array_new_with_free_func(publisher_unref);
    door->server = listen_on(door, plain, tls, error);
    if (!door->server)
        g_clear_pointer(&door, rtmp_door_free);
    return door;
}

void rtmp_door_drain(RtmpDoor *door)
{
    if (door)
        rtmp_server_drain(door->server);
}

void rtmp_door_free(RtmpDoor *door)
{
    if (!door)
        return;
    rtmp_server_free(door->server);
    mailbox_free(door->mailbox);
    g_ptr_array_unref(door->publishers);
    g_free(door);
}

gboolean rtmp_door_stats(const RtmpDoor *door, RtmpServerStats *stats)
{
    if (door)
        rtmp_server_stats(door->server, stats);
    return door != NULL;
}

char *rtmp_door_url(const RtmpDoor *door, gboolean secure)
{
    const char *key = secure ? "rtmp.tls_listen" : "rtmp.listen";
    g_autofree char *host = NULL;
    guint port = 0;
    if (!door || !rtmp_server_port(door->server, secure) ||
        !config_split_address(config_string(door->api->config, key), &host, &port))
        return NULL;
    gboolean any = !*host || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
    const char *named = any ? "localhost" : host;
    gboolean v6 = strchr(named, ':') != NULL;
    return g_strdup_printf("%s://%s%s%s:%u/", secure ? "rtmps" : "rtmp", v6 ? "[" : "", named,
                           v6 ? "]" : "", (guint)rtmp_server_port(door->server, secure));
}
