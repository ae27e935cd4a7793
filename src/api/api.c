#include "api/api.h"

#include <string.h>

#include "api/api_private.h"
#include "api/json_text.h"
#include "api/problem.h"
#include "api/tls_certificate.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"

#define STOP_MS              1000
#define FAILURES_PER_SECOND  (10.0 / 60) /* wrong tokens of one address */
#define FAILURES_BURST       10
#define REQUEST_BURST_FACTOR 4
#define AUTH_NONE            0 /* any good token, of whatever room */
#define LAYOUT_BODY          LAYOUT_MAX_SIZE
#define MAX_STRANGERS        32 /* WebSockets of one address that have not joined yet */

/* --- answers ----------------------------------------------------------------------------- */

HttpResponse *api_json_response(guint status, json_t *json)
{
    g_autofree char *text = json_text_dump(json);
    HttpResponse *response = http_response_new(status);
    http_response_set_body(response, "application/json", text, strlen(text));
    json_decref(json);
    return response;
}

void api_respond(ApiCall *call, HttpResponse *response)
{
    http_respond(call->exchange, response);
}

void api_respond_json(ApiCall *call, guint status, json_t *json)
{
    api_respond(call, api_json_response(status, json));
}

void api_respond_problem(ApiCall *call, guint status, const char *detail)
{
    api_respond(call, problem_response(status, detail));
}

void api_respond_error(ApiCall *call, const GError *error)
{
    api_respond(call, problem_from_error(error));
}

Room *api_call_room(ApiCall *call)
{
    Room *room = rooms_find(call->api->rooms, call->params[0]);
    if (!room)
        api_respond_problem(call, 404, "There is no room of this name.");
    return room;
}

json_t *api_event_data(RoomEventType type, json_t *data, guint grants)
{
    gboolean may_look = grants & (AUTH_RECORD | AUTH_ADMIN);
    if ((type != ROOM_EVENT_RECORDING && type != ROOM_EVENT_BROADCAST) || may_look)
        return json_incref(data);
    return json_pack("{s:O, s:O, s:O}", "id", json_object_get(data, "id"), "state",
                     json_object_get(data, "state"), "paused", json_object_get(data, "paused"));
}

/* --- pages ------------------------------------------------------------------------------- */

static void respond_file(ApiCall *call, const char *path) ON_CONTROL_THREAD;
static void respond_file(ApiCall *call, const char *path)
{
    HttpResponse *response = static_files_get(call->api->files, path, call->request);
    if (response)
        api_respond(call, response);
    else
        api_respond_problem(call, 404, "There is no such page.");
}

static void page_lobby(ApiCall *call) ON_CONTROL_THREAD;
static void page_lobby(ApiCall *call)
{
    respond_file(call, "index.html");
}

static void page_room(ApiCall *call) ON_CONTROL_THREAD;
static void page_room(ApiCall *call)
{
    respond_file(call, "room.html");
}

static void page_admin(ApiCall *call) ON_CONTROL_THREAD;
static void page_admin(ApiCall *call)
{
    respond_file(call, "admin.html");
}

static void page_file(ApiCall *call) ON_CONTROL_THREAD;
static void page_file(ApiCall *call)
{
    respond_file(call, call->request->path + 1);
}

static void health(ApiCall *call) ON_CONTROL_THREAD;
static void health(ApiCall *call)
{
    gboolean draining = rooms_draining(call->api->rooms);
    api_respond_json(call, draining ? 503 : 200,
                     json_pack("{s:s}", "status", draining ? "draining" : "ok"));
}

static void websocket_only(ApiCall *call) ON_CONTROL_THREAD;
static void websocket_only(ApiCall *call)
{
    HttpResponse *response = problem_response(426, "/ws speaks WebSocket only.");
    http_response_add(response, "Upgrade", "websocket");
    api_respond(call, response);
}

/* --- the table of routes ----------------------------------------------------------------- */

static const Route api_routes[] = {
    { HTTP_GET, "/", page_lobby, ROUTE_OPEN, AUTH_NONE, 0 },
    { HTTP_GET, "/r/{room}", page_room, ROUTE_OPEN, AUTH_NONE, 0 },
    { HTTP_GET, "/admin", page_admin, ROUTE_OPEN, AUTH_NONE, 0 },
    { HTTP_GET, "/openapi.yaml", page_file, ROUTE_OPEN, AUTH_NONE, 0 },
    { HTTP_GET, "/favicon.ico", page_file, ROUTE_OPEN, AUTH_NONE, 0 },
    { HTTP_GET, "/js/{file...}", page_file, ROUTE_OPEN, AUTH_NONE, 0 },
    { HTTP_GET, "/css/{file...}", page_file, ROUTE_OPEN, AUTH_NONE, 0 },
    { HTTP_GET, "/assets/{file...}", page_file, ROUTE_OPEN, AUTH_NONE, 0 },
    { HTTP_GET, "/ws", websocket_only, ROUTE_OPEN, AUTH_NONE, 0 },
    { HTTP_GET, "/healthz", health, ROUTE_OPEN, AUTH_NONE, 0 },
    { HTTP_GET, "/metrics", metrics_get, ROUTE_TOKEN, AUTH_ADMIN, 0 },

    { HTTP_GET, "/api/v1/rooms", rooms_api_list, ROUTE_CORS, AUTH_ADMIN, 0 },
    { HTTP_POST, "/api/v1/rooms", rooms_api_create, ROUTE_CORS, AUTH_ADMIN, 0 },
    { HTTP_GET, "/api/v1/rooms/{room}", rooms_api_get, ROUTE_CORS, AUTH_VIEW, 0 },
    { HTTP_PATCH, "/api/v1/rooms/{room}", rooms_api_patch, ROUTE_CORS, AUTH_CONTROL, LAYOUT_BODY },
    { HTTP_DELETE, "/api/v1/rooms/{room}", rooms_api_delete, ROUTE_CORS, AUTH_CONTROL, 0 },
    { HTTP_GET, "/api/v1/rooms/{room}/stats", rooms_api_stats, ROUTE_CORS, AUTH_CONTROL, 0 },
    { HTTP_GET, "/api/v1/rooms/{room}/graph", rooms_api_graph, ROUTE_CORS, AUTH_CONTROL, 0 },
    { HTTP_GET, "/api/v1/rooms/{room}/events", events_api_room, ROUTE_CORS, AUTH_VIEW, 0 },
    { HTTP_GET, "/api/v1/rooms/{room}/layout", layouts_api_room_get, ROUTE_CORS, AUTH_VIEW, 0 },
    { HTTP_PUT, "/api/v1/rooms/{room}/layout", layouts_api_room_put, ROUTE_CORS, AUTH_CONTROL,
      LAYOUT_BODY },
    { HTTP_GET, "/api/v1/rooms/{room}/snapshot.png", snapshot_api_png, ROUTE_CORS, AUTH_VIEW, 0 },
    { HTTP_GET, "/api/v1/rooms/{room}/snapshot.jpg", snapshot_api_jpeg, ROUTE_CORS, AUTH_VIEW, 0 },
    { HTTP_GET, "/api/v1/rooms/{room}/participants", rooms_api_participants, ROUTE_CORS, AUTH_VIEW,
      0 },
    { HTTP_GET, "/api/v1/rooms/{room}/participants/{participant}", rooms_api_participant,
      ROUTE_CORS, AUTH_VIEW, 0 },
    { HTTP_PATCH, "/api/v1/rooms/{room}/participants/{participant}", rooms_api_participant_patch,
      ROUTE_CORS, AUTH_CONTROL, LAYOUT_BODY },
    { HTTP_DELETE, "/api/v1/rooms/{room}/participants/{participant}", rooms_api_kick, ROUTE_CORS,
      AUTH_CONTROL, 0 },

    { HTTP_GET, "/api/v1/layouts", layouts_api_list, ROUTE_CORS, AUTH_NONE, 0 },
    { HTTP_GET, "/api/v1/layouts/{name}", layouts_api_get, ROUTE_CORS, AUTH_NONE, 0 },
    { HTTP_PUT, "/api/v1/layouts/{name}", layouts_api_put, ROUTE_CORS, AUTH_ADMIN, LAYOUT_BODY },
    { HTTP_DELETE, "/api/v1/layouts/{name}", layouts_api_delete, ROUTE_CORS, AUTH_ADMIN, 0 },
    { HTTP_GET, "/api/v1/layouts/{name}/preview", layouts_api_preview, ROUTE_CORS, AUTH_NONE, 0 },
    { HTTP_GET, "/api/v1/images", images_api_list, ROUTE_CORS, AUTH_NONE, 0 },
    { HTTP_GET, "/api/v1/images/{name}", images_api_get, ROUTE_CORS, AUTH_NONE, 0 },
    { HTTP_PUT, "/api/v1/images/{name}", images_api_put, ROUTE_CORS, AUTH_ADMIN, IMAGE_MAX_BYTES },
    { HTTP_DELETE, "/api/v1/images/{name}", images_api_delete, ROUTE_CORS, AUTH_ADMIN, 0 },

    { HTTP_GET, "/api/v1/rooms/{room}/recordings", recordings_api_list, ROUTE_CORS, AUTH_RECORD,
      0 },
    { HTTP_POST, "/api/v1/rooms/{room}/recordings", recordings_api_start, ROUTE_CORS, AUTH_RECORD,
      0 },
    { HTTP_GET, "/api/v1/rooms/{room}/recordings/{id}", recordings_api_get, ROUTE_CORS, AUTH_RECORD,
      0 },
    { HTTP_PATCH, "/api/v1/rooms/{room}/recordings/{id}", recordings_api_patch, ROUTE_CORS,
      AUTH_RECORD, 0 },
    { HTTP_DELETE, "/api/v1/rooms/{room}/recordings/{id}", recordings_api_stop, ROUTE_CORS,
      AUTH_RECORD, 0 },
    { HTTP_GET, "/api/v1/rooms/{room}/recordings/{id}/{file...}", recordings_api_file, ROUTE_CORS,
      AUTH_RECORD, 0 },

    { HTTP_GET, "/api/v1/rooms/{room}/broadcasts", broadcasts_api_list, ROUTE_CORS, AUTH_RECORD,
      0 },
    { HTTP_POST, "/api/v1/rooms/{room}/broadcasts", broadcasts_api_start, ROUTE_CORS, AUTH_RECORD,
      0 },
    { HTTP_GET, "/api/v1/rooms/{room}/broadcasts/{id}", broadcasts_api_get, ROUTE_CORS, AUTH_RECORD,
      0 },
    { HTTP_PATCH, "/api/v1/rooms/{room}/broadcasts/{id}", broadcasts_api_patch, ROUTE_CORS,
      AUTH_RECORD, 0 },
    { HTTP_DELETE, "/api/v1/rooms/{room}/broadcasts/{id}", broadcasts_api_stop, ROUTE_CORS,
      AUTH_RECORD, 0 },
    { HTTP_GET, "/api/v1/rooms/{room}/sources", sources_api_list, ROUTE_CORS, AUTH_CONTROL, 0 },
    { HTTP_POST, "/api/v1/rooms/{room}/sources", sources_api_add, ROUTE_CORS, AUTH_CONTROL, 0 },
    { HTTP_GET, "/api/v1/rooms/{room}/sources/{id}", sources_api_get, ROUTE_CORS, AUTH_CONTROL, 0 },
    { HTTP_PATCH, "/api/v1/rooms/{room}/sources/{id}", sources_api_patch, ROUTE_CORS, AUTH_CONTROL,
      0 },
    { HTTP_DELETE, "/api/v1/rooms/{room}/sources/{id}", sources_api_remove, ROUTE_CORS,
      AUTH_CONTROL, 0 },

    { HTTP_GET, "/hls/{room}/{layout}/{file...}", hls_api_get, ROUTE_CORS, AUTH_VIEW, 0 },

    { HTTP_POST, "/whip/{room}", whip_post, ROUTE_CORS, AUTH_PUBLISH, 0 },
    { HTTP_PATCH, "/whip/{room}/{session}", whip_patch, ROUTE_CORS, AUTH_PUBLISH, 0 },
    { HTTP_DELETE, "/whip/{room}/{session}", whip_delete, ROUTE_CORS, AUTH_PUBLISH, 0 },
    { HTTP_POST, "/whep/{room}", whep_post, ROUTE_CORS, AUTH_VIEW, 0 },
    { HTTP_PATCH, "/whep/{room}/{session}", whip_patch, ROUTE_CORS, AUTH_VIEW, 0 },
    { HTTP_DELETE, "/whep/{room}/{session}", whip_delete, ROUTE_CORS, AUTH_VIEW, 0 },
};

/* --- requests ---------------------------------------------------------------------------- */

static gint64 now_s(void)
{
    return g_get_real_time() / G_USEC_PER_SEC;
}

static gboolean check_token(Api *api, const char *peer, const char *token, AuthClaims *claims,
                            GError **error)
{
    gint64 now_ns = clock_now_ns();
    if (!rate_table_has(api->failures, peer, now_ns)) {
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_UNAUTHORIZED,
                            "Too many wrong tokens came from this address; wait a minute.");
        return FALSE;
    }
    if (auth_check(api->auth, token, now_s(), claims, error))
        return TRUE;
    /* Nothing is guessed where none is sent: a page that has yet to ask for one need not wait. */
    if (token && *token)
        rate_table_take(api->failures, peer, now_ns);
    return FALSE;
}

gboolean api_authorize(Api *api, const char *peer, const char *token, const char *room,
                       guint grants, AuthClaims *claims, GError **error)
{
    *claims = (AuthClaims){ 0 };
    if (!check_token(api, peer, token, claims, error)) {
        api->metrics.auth_failures++;
        return FALSE;
    }
    if ((!grants && !room) || auth_claims_allow(claims, room, grants))
        return TRUE;
    auth_claims_clear(claims);
    g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_FORBIDDEN,
                        "The token does not allow this here: it is for another room, or lacks the "
                        "grant.");
    return FALSE;
}

static void count(HttpExchange *exchange, HttpResponse *response, gpointer user)
{
    Api *api = user;
    (void)exchange;
    if (response->status < METRICS_STATUSES)
        api->metrics.http_requests[response->status]++;
}

static void count_and_allow_origin(HttpExchange *exchange, HttpResponse *response, gpointer user)
{
    Api *api = user;
    const char *origin = auth_cors_origin(api->auth, http_exchange_request(exchange));
    count(exchange, response, user);
    http_response_add(response, "Vary", "Origin");
    if (!origin)
        return;
    http_response_add(response, "Access-Control-Allow-Origin", origin);
    http_response_add(response, "Access-Control-Expose-Headers",
                      "Location, ETag, Link, Accept-Post, Accept-Patch, Retry-After, "
                      "Accept-Ranges, Content-Range, Content-Disposition");
}

static void respond_options(ApiCall *call, const RouteMatch *match) ON_CONTROL_THREAD;
static void respond_options(ApiCall *call, const RouteMatch *match)
{
    g_autofree char *allow = routes_allow(match->methods);
    HttpResponse *response = http_response_new(204);
    gboolean sdp = g_str_has_prefix(call->request->path, "/wh"); /* /whip/ and /whep/ */
    http_response_add(response, "Allow", allow);
    if (match->methods & (1u << HTTP_POST))
        http_response_add(response, "Accept-Post", sdp ? "application/sdp" : "application/json");
    if (match->methods & (1u << HTTP_PATCH))
        http_response_add(response, "Accept-Patch",
                          sdp ? "application/trickle-ice-sdpfrag"
                              : "application/merge-patch+json, application/json");
    if (match->access == ROUTE_CORS && auth_cors_origin(call->api->auth, call->request)) {
        http_response_add(response, "Access-Control-Allow-Methods", allow);
        http_response_add(response, "Access-Control-Allow-Headers",
                          "Authorization, Content-Type, If-Match, If-None-Match, Last-Event-ID, "
                          "Range, If-Range");
        http_response_add(response, "Access-Control-Max-Age", "3600");
    }
    api_respond(call, response);
}

static void respond_wrong_method(ApiCall *call, const RouteMatch *match) ON_CONTROL_THREAD;
static void respond_wrong_method(ApiCall *call, const RouteMatch *match)
{
    g_autofree char *allow = routes_allow(match->methods);
    HttpResponse *response = problem_response(405, "This resource has no such method; see Allow.");
    http_response_add(response, "Allow", allow);
    api_respond(call, response);
}

/* TRUE: call->claims say who it is. */
static gboolean let_in(ApiCall *call, const RouteMatch *match) ON_CONTROL_THREAD;
static gboolean let_in(ApiCall *call, const RouteMatch *match)
{
    g_autoptr(GError) error = NULL;
    if (match->access == ROUTE_OPEN ||
        api_authorize(call->api, call->request->peer, auth_request_token(call->request),
                      route_match_room(match), match->route->grants, &call->claims, &error))
        return TRUE;
    api_respond_error(call, error);
    return FALSE;
}

/* Only those who may use a route may send it more than http.max_body; the others are refused by
 * let_in() before their body is read. */
static gsize body_limit(const HttpRequest *request, gpointer user)
{
    Api *api = user;
    g_auto(RouteMatch) match = { 0 };
    g_auto(AuthClaims) claims = { 0 };
    gsize common = (gsize)config_int(api->config, "http.max_body");
    thread_assert_control();
    routes_match(api_routes, G_N_ELEMENTS(api_routes), request->method, request->path, &match);
    gsize own = match.route ? match.route->max_body : 0;
    if (own <= common)
        return own ? own : common;
    gboolean known = auth_check(api->auth, auth_request_token(request), now_s(), &claims, NULL) &&
                     auth_claims_allow(&claims, route_match_room(&match), match.route->grants);
    return known ? own : common;
}

static void on_request(HttpExchange *exchange, gpointer user) ON_CONTROL_THREAD;
static void on_request(HttpExchange *exchange, gpointer user)
{
    Api *api = user;
    g_auto(RouteMatch) match = { 0 };
    const HttpRequest *request = http_exchange_request(exchange);
    ApiCall call = { api, exchange, request, match.params, { 0 } };
    routes_match(api_routes, G_N_ELEMENTS(api_routes), request->method, request->path, &match);
    gboolean cors = match.methods && match.access == ROUTE_CORS;
    http_exchange_set_finish(exchange, cors ? count_and_allow_origin : count, api);

    if (!rate_table_take(api->requests, request->peer, clock_now_ns())) {
        api->metrics.rate_limited++;
        api_respond_problem(&call, 429, "Too many requests from this address.");
    } else if (!match.methods) {
        api_respond_problem(&call, 404, "There is no such resource.");
    } else if (request->method == HTTP_OPTIONS) {
        respond_options(&call, &match);
    } else if (!match.route) {
        respond_wrong_method(&call, &match);
    } else if (!let_in(&call, &match)) {
        /* answered */
    } else if (request->too_large) {
        api_respond_problem(&call, 413, "The request's body is larger than this resource takes.");
    } else {
        match.route->handler(&call);
    }
    auth_claims_clear(&call.claims);
}

static HttpResponse *on_upgrade(const HttpRequest *request, gpointer user) ON_CONTROL_THREAD;
static HttpResponse *on_upgrade(const HttpRequest *request, gpointer user)
{
    Api *api = user;
    if (strcmp(request->path, "/ws") != 0)
        return problem_response(404, "The WebSocket is at /ws.");
    if (!auth_websocket_ok(api->auth, request))
        return problem_response(403, "Pages of this origin may not use this server; "
                                     "http.cors_origins lists those that may.");
    if (rooms_draining(api->rooms))
        return problem_response(503, "The server is shutting down.");
    if (!rate_table_take(api->requests, request->peer, clock_now_ns()) ||
        signalling_strangers(api->signalling, request->peer) >= MAX_STRANGERS) {
        api->metrics.rate_limited++;
        return problem_response(429, "Too many connections from this address.");
    }
    return NULL;
}

static void on_websocket(WebSocket *socket, const HttpRequest *request,
                         gpointer user) ON_CONTROL_THREAD;
static void on_websocket(WebSocket *socket, const HttpRequest *request, gpointer user)
{
    Api *api = user;
    (void)request;
    signalling_open(api->signalling, socket);
}

/* --- start and stop ---------------------------------------------------------------------- */

static gboolean start_http(Api *api, GError **error) ON_CONTROL_THREAD;
static gboolean start_http(Api *api, GError **error)
{
    static const HttpHandlers handlers = { on_request, body_limit, on_upgrade, on_websocket };
    const Config *config = api->config;
    TlsFiles tls = { 0 };
    HttpOptions options = {
        .max_message = (gsize)config_int(config, "http.ws_max_message"),
        .max_connections = (guint)config_int(config, "http.max_connections"),
        .header_seconds = (guint)config_int(config, "http.header_seconds"),
        .request_seconds = (guint)config_int(config, "http.request_seconds"),
        .idle_seconds = (guint)config_int(config, "http.idle_seconds"),
        .disks = api->engine ? engine_disk_pool(api->engine) : NULL,
    };
    if (*config_string(config, "https.listen") && !tls_certificate_files(config, &tls, error)) {
        tls_files_clear(&tls);
        return FALSE;
    }
    options.certificate = tls.certificate;
    options.private_key = tls.private_key;
    api->made_certificate = tls.made;
    api->http = http_server_new(&options, &handlers, api, error);
    tls_files_clear(&tls);
    return api->http != NULL;
}

/* Last of all: they listen to the rooms until those are freed. */
static gboolean start_webhooks(Api *api, GError **error) ON_CONTROL_THREAD;
static gboolean start_webhooks(Api *api, GError **error)
{
    g_autoptr(GError) problem = NULL;
    api->webhooks = webhooks_new(api->config, api->rooms, &problem);
    if (!problem)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

Api *api_new(const Config *config, Rooms *rooms, Engine *engine, GError **error)
{
    g_autofree char *web = static_files_find(config_string(config, "http.web_dir"), error);
    if (!web)
        return NULL;
    g_autoptr(Auth) auth = auth_new(config, error);
    if (!auth)
        return NULL;
    double per_second = (double)config_int(config, "http.requests_per_second");
    Api *api = g_new0(Api, 1);
    api->config = config;
    api->rooms = rooms;
    api->engine = engine;
    api->auth = g_steal_pointer(&auth);
    api->files = static_files_new(web);
    api->requests = rate_table_new(per_second, REQUEST_BURST_FACTOR * per_second);
    api->failures = rate_table_new(FAILURES_PER_SECOND, FAILURES_BURST);
    api->signalling = signalling_new(api);
    api->whip = whip_sessions_new(api);
    if (!start_http(api, error) || !start_webhooks(api, error))
        g_clear_pointer(&api, api_free);
    return api;
}

gboolean api_listen(Api *api, GError **error)
{
    static const char *const keys[] = { "http.listen", "https.listen" };
    for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
        const char *address = config_string(api->config, keys[i]);
        if (*address && !http_server_listen(api->http, keys[i], address, i == 1, error))
            return FALSE;
    }
    g_autoptr(GError) problem = NULL;
    api->rtmp = rtmp_door_new(api, &problem);
    if (!problem)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

char *api_rtmp_url(Api *api, gboolean secure)
{
    return rtmp_door_url(api->rtmp, secure);
}

char *api_url(Api *api, guint i)
{
    return http_server_url(api->http, i);
}

gboolean api_made_certificate(const Api *api)
{
    return api->made_certificate;
}

guint api_clients(Api *api)
{
    HttpStats stats;
    RtmpServerStats rtmp = { 0 };
    http_server_stats(api->http, &stats);
    rtmp_door_stats(api->rtmp, &rtmp);
    return stats.websockets + whip_sessions_count(api->whip) + rtmp.publishers + rtmp.players;
}

static gboolean set_flag(gpointer data)
{
    *(gboolean *)data = TRUE;
    return G_SOURCE_REMOVE;
}

void api_stop(Api *api)
{
    gboolean late = FALSE;
    HttpStats stats;
    http_server_stop_listening(api->http);
    rtmp_door_drain(api->rtmp);
    signalling_close_all(api->signalling, WEBSOCKET_GOING_AWAY, "the server is going away");
    guint timer = g_timeout_add(STOP_MS, set_flag, &late);
    http_server_stats(api->http, &stats);
    while (stats.websockets && !late) {
        g_main_context_iteration(NULL, TRUE);
        http_server_stats(api->http, &stats);
    }
    if (!late)
        g_source_remove(timer);
}

void api_free(Api *api)
{
    if (!api)
        return;
    rtmp_door_free(api->rtmp);
    http_server_free(api->http);
    webhooks_free(api->webhooks);
    signalling_free(api->signalling);
    whip_sessions_free(api->whip);
    rate_table_free(api->requests);
    rate_table_free(api->failures);
    static_files_free(api->files);
    auth_free(api->auth);
    g_free(api);
}
