#include "api/whip_whep.h"

#include <stdlib.h>
#include <string.h>

#include "api/api_private.h"
#include "api/ice_servers.h"
#include "api/json_body.h"
#include "api/problem.h"
#include "base/error.h"

#define SDP_TYPE      "application/sdp"
#define FRAGMENT_TYPE "application/trickle-ice-sdpfrag"

typedef struct {
    char *room;
    char *etag; /* of the ICE session (RFC 9725 section 4.3.1), with its quotes */
    gboolean whep;
    guint patches;
} WhipSession;

struct WhipSessions {
    gatomicrefcount refs;
    struct Api *api;        /* NULL after the end */
    GHashTable *by_session; /* participant_session() -> WhipSession */
};

static void session_free(gpointer data)
{
    WhipSession *session = data;
    g_free(session->room);
    g_free(session->etag);
    g_free(session);
}

WhipSessions *whip_sessions_new(struct Api *api)
{
    WhipSessions *sessions = g_new0(WhipSessions, 1);
    g_atomic_ref_count_init(&sessions->refs);
    sessions->api = api;
    sessions->by_session = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, session_free);
    return sessions;
}

static void sessions_unref(WhipSessions *sessions)
{
    if (!g_atomic_ref_count_dec(&sessions->refs))
        return;
    g_hash_table_destroy(sessions->by_session);
    g_free(sessions);
}

void whip_sessions_free(WhipSessions *sessions)
{
    if (!sessions)
        return;
    sessions->api = NULL;
    sessions_unref(sessions);
}

static Participant *find_participant(struct Api *api, const char *room_name,
                                     const char *session) ON_CONTROL_THREAD;
static Participant *find_participant(struct Api *api, const char *room_name, const char *session)
{
    Room *room = rooms_find(api->rooms, room_name);
    return room ? room_resume(room, session) : NULL;
}

/* Participants also leave by other ways; what is left of them goes when somebody new comes. */
static void sweep(WhipSessions *sessions) ON_CONTROL_THREAD;
static void sweep(WhipSessions *sessions)
{
    GHashTableIter iter;
    gpointer key, value;
    g_hash_table_iter_init(&iter, sessions->by_session);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        const WhipSession *session = value;
        if (!find_participant(sessions->api, session->room, key))
            g_hash_table_iter_remove(&iter);
    }
}

guint whip_sessions_count(WhipSessions *sessions)
{
    sweep(sessions);
    return g_hash_table_size(sessions->by_session);
}

static char *new_etag(void)
{
    return g_strdup_printf("\"%08x%08x\"", g_random_int(), g_random_int());
}

/* --- POST -------------------------------------------------------------------------------- */

/* What is needed until the answer comes: the client may go meanwhile, and so may the room. */
typedef struct {
    WhipSessions *sessions;
    HttpExchange *exchange;
    char *room, *session;
    gboolean whep;
} PendingAnswer;

static PendingAnswer *pending_new(ApiCall *call, const char *room, const char *session,
                                  gboolean whep)
{
    PendingAnswer *pending = g_new0(PendingAnswer, 1);
    g_atomic_ref_count_inc(&call->api->whip->refs);
    pending->sessions = call->api->whip;
    pending->exchange = http_exchange_ref(call->exchange);
    pending->room = g_strdup(room);
    pending->session = g_strdup(session);
    pending->whep = whep;
    return pending;
}

static void pending_free(PendingAnswer *pending)
{
    sessions_unref(pending->sessions);
    http_exchange_unref(pending->exchange);
    g_free(pending->room);
    g_free(pending->session);
    g_free(pending);
}

static void give_up(PendingAnswer *pending) ON_CONTROL_THREAD;
static void give_up(PendingAnswer *pending)
{
    Participant *participant =
        pending->sessions->api
            ? find_participant(pending->sessions->api, pending->room, pending->session)
            : NULL;
    if (participant)
        participant_leave(participant, "failed");
}

static HttpResponse *created(PendingAnswer *pending, const char *answer)
{
    struct Api *api = pending->sessions->api;
    WhipSession *session = g_new0(WhipSession, 1);
    session->room = g_strdup(pending->room);
    session->etag = new_etag();
    session->whep = pending->whep;
    g_hash_table_replace(pending->sessions->by_session, g_strdup(pending->session), session);

    HttpResponse *response = http_response_new(201);
    g_autofree char *location = g_strdup_printf("/%s/%s/%s", pending->whep ? "whep" : "whip",
                                                pending->room, pending->session);
    http_response_add(response, "Location", location);
    http_response_add(response, "ETag", session->etag);
    http_response_add(response, "Accept-Patch", FRAGMENT_TYPE);
    ice_servers_add_links(api->config, response);
    http_response_set_body(response, SDP_TYPE, answer, strlen(answer));
    return response;
}

static void on_answer(const char *answer, const GError *error, gpointer user)
{
    PendingAnswer *pending = user;
    thread_assert_control();
    if (!pending->sessions->api || error || !answer || http_exchange_is_gone(pending->exchange)) {
        give_up(pending);
        http_respond(pending->exchange, error ? problem_from_error(error)
                                              : problem_response(503, "The connection is gone."));
    } else {
        sweep(pending->sessions);
        http_respond(pending->exchange, created(pending, answer));
    }
    pending_free(pending);
}

static gboolean check_post(ApiCall *call) ON_CONTROL_THREAD;
static gboolean check_post(ApiCall *call)
{
    const char *mode = http_request_arg(call->request, "mode");
    if (!http_request_has_type(call->request, SDP_TYPE))
        api_respond_problem(call, 415, "The body must be an SDP offer of type " SDP_TYPE ".");
    else if (!call->request->body->len)
        api_respond_problem(call, 400, "The body must be an SDP offer; it is empty.");
    else if (mode && strcmp(mode, "mix") != 0)
        api_respond_problem(call, 422, "mode must be mix; this server does not forward yet.");
    else
        return TRUE;
    return FALSE;
}

/* FALSE: there is no layout of the name in the query; 422 was answered. */
static gboolean find_layout(ApiCall *call, Layout **layout) ON_CONTROL_THREAD;
static gboolean find_layout(ApiCall *call, Layout **layout)
{
    g_autoptr(GError) error = NULL;
    const char *name = http_request_arg(call->request, "layout");
    if (!name || !*name)
        return TRUE;
    json_t *choice = json_string(name);
    *layout = rooms_layout_from_json(call->api->rooms, choice, &error);
    json_decref(choice);
    if (error)
        api_respond_problem(call, 422, error->message);
    return !error;
}

/* Name, role and rights: those of the token; what it leaves open the query may say. */
static gboolean say_who(ApiCall *call, ParticipantOptions *options) ON_CONTROL_THREAD;
static gboolean say_who(ApiCall *call, ParticipantOptions *options)
{
    const AuthClaims *claims = &call->claims;
    const char *role = http_request_arg(call->request, "role");
    gboolean control = auth_claims_allow(claims, call->params[0], AUTH_CONTROL);
    options->name = claims->name ? claims->name : http_request_arg(call->request, "name");
    options->role = claims->role ? claims->role : role;
    /* Where nobody is asked for a token a lock keeps everybody out. */
    options->overrides_lock = auth_is_on(call->api->auth) && control;
    if (!role || (control && !claims->role))
        return TRUE;
    api_respond_problem(call, 403,
                        "Only a token with the grant control and no role of its own may name one.");
    return FALSE;
}

static void post(ApiCall *call, gboolean whep) ON_CONTROL_THREAD;
static void post(ApiCall *call, gboolean whep)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Layout) layout = NULL;
    if (!check_post(call) || (whep && !find_layout(call, &layout)))
        return;
    ParticipantOptions options = { .client = whep ? "whep" : "whip",
                                   .publish = !whep,
                                   .view = whep,
                                   .visible = !whep,
                                   .want_answer_only = TRUE,
                                   .layout = layout,
                                   .without_self =
                                       whep && json_body_arg_flag(call, "without_self") };
    if (!say_who(call, &options))
        return;
    Room *room = rooms_open(call->api->rooms, call->params[0], &error);
    Participant *participant = room ? room_join(room, &options, &error) : NULL;
    if (!participant) {
        api_respond_error(call, error);
        return;
    }
    if (whep)
        call->api->metrics.whep_sessions++;
    else
        call->api->metrics.whip_sessions++;
    PendingAnswer *pending =
        pending_new(call, call->params[0], participant_session(participant), whep);
    participant_offer(participant, (const char *)call->request->body->data,
                      call->request->body->len, on_answer, pending);
}

void whip_post(ApiCall *call)
{
    post(call, FALSE);
}

void whep_post(ApiCall *call)
{
    post(call, TRUE);
}

/* --- PATCH and DELETE -------------------------------------------------------------------- */

/* The session of /whip/{room}/{session}, and its participant. An unknown one, one of another room
 * and one of the other protocol look the same from outside. */
static WhipSession *call_session(ApiCall *call, Participant **participant) ON_CONTROL_THREAD;
static WhipSession *call_session(ApiCall *call, Participant **participant)
{
    WhipSession *session = g_hash_table_lookup(call->api->whip->by_session, call->params[1]);
    gboolean whep = g_str_has_prefix(call->request->path, "/whep/");
    *participant = NULL;
    if (session && session->whep == whep && strcmp(session->room, call->params[0]) == 0)
        *participant = find_participant(call->api, session->room, call->params[1]);
    if (*participant)
        return session;
    api_respond_problem(call, 404, "There is no such session.");
    return NULL;
}

static void on_fragment(const char *answer, const GError *error, gpointer user)
{
    PendingAnswer *pending = user;
    thread_assert_control();
    WhipSession *session = g_hash_table_lookup(pending->sessions->by_session, pending->session);
    HttpResponse *response;
    if (error || !answer || !session) {
        response =
            error ? problem_from_error(error) : problem_response(404, "There is no such session.");
    } else if (!*answer) {
        response = http_response_new(204);
    } else {
        g_free(session->etag);
        session->etag = new_etag();
        response = http_response_new(200);
        http_response_add(response, "ETag", session->etag);
        http_response_set_body(response, FRAGMENT_TYPE, answer, strlen(answer));
    }
    http_respond(pending->exchange, response);
    pending_free(pending);
}

static gboolean check_patch(ApiCall *call, WhipSession *session) ON_CONTROL_THREAD;
static gboolean check_patch(ApiCall *call, WhipSession *session)
{
    const char *match = http_request_header(call->request, HTTP_HEADER_IF_MATCH);
    if (!http_request_has_type(call->request, FRAGMENT_TYPE))
        api_respond_problem(call, 415, "The body must be of type " FRAGMENT_TYPE ".");
    else if (call->request->body->len > WHIP_MAX_FRAGMENT)
        api_respond_problem(call, 413, "An SDP fragment may have 8192 bytes.");
    else if (!*match)
        api_respond_problem(call, 428, "Say with If-Match which ICE session this is for.");
    else if (strcmp(match, "*") != 0 && strcmp(match, session->etag) != 0)
        api_respond_problem(call, 412, "If-Match names another ICE session than the present one.");
    else if (++session->patches > WHIP_MAX_PATCHES)
        api_respond_problem(call, 429, "This session was changed too often.");
    else
        return TRUE;
    return FALSE;
}

void whip_patch(ApiCall *call)
{
    Participant *participant;
    WhipSession *session = call_session(call, &participant);
    if (!session || !check_patch(call, session))
        return;
    PendingAnswer *pending = pending_new(call, call->params[0], call->params[1], session->whep);
    const GByteArray *body = call->request->body;
    participant_ice_fragment(participant, body->len ? (const char *)body->data : "", body->len,
                             on_fragment, pending);
}

void whip_delete(ApiCall *call)
{
    Participant *participant;
    if (!call_session(call, &participant))
        return;
    g_hash_table_remove(call->api->whip->by_session, call->params[1]);
    participant_leave(participant, "left");
    api_respond(call, http_response_new(200));
}
