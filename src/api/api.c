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
    { HTTP_GET, "/", page_lobby, ROUTE_OPEN },
    { HTTP_GET, "/r/{room}", page_room, ROUTE_OPEN },
    { HTTP_GET, "/admin", page_admin, ROUTE_OPEN },
    { HTTP_GET, "/openapi.yaml", page_file, ROUTE_OPEN },
    { HTTP_GET, "/favicon.ico", page_file, ROUTE_OPEN },
    { HTTP_GET, "/js/{file...}", page_file, ROUTE_OPEN },
    { HTTP_GET, "/css/{file...}", page_file, ROUTE_OPEN },
    { HTTP_GET, "/assets/{file...}", page_file, ROUTE_OPEN },
    { HTTP_GET, "/ws", websocket_only, ROUTE_OPEN },
    { HTTP_GET, "/healthz", health, ROUTE_OPEN },
    { HTTP_GET, "/metrics", metrics_get, ROUTE_TOKEN },

    { HTTP_GET, "/api/v1/rooms", rooms_api_list, ROUTE_CORS },
    { HTTP_GET, "/api/v1/rooms/{room}", rooms_api_get, ROUTE_CORS },
    { HTTP_DELETE, "/api/v1/rooms/{room}", rooms_api_delete, ROUTE_CORS },
    { HTTP_GET, "/api/v1/rooms/{room}/stats", rooms_api_stats, ROUTE_CORS },
    { HTTP_GET, "/api/v1/rooms/{room}/graph", rooms_api_graph, ROUTE_CORS },
    { HTTP_GET, "/api/v1/rooms/{room}/participants", rooms_api_participants, ROUTE_CORS },
    { HTTP_GET, "/api/v1/rooms/{room}/participants/{participant}", rooms_api_participant,
      ROUTE_CORS },
    { HTTP_DELETE, "/api/v1/rooms/{room}/participants/{participant}", rooms_api_kick, ROUTE_CORS },

    { HTTP_POST, "/whip/{room}", whip_post, ROUTE_CORS },
    { HTTP_PATCH, "/whip/{room}/{session}", whip_patch, ROUTE_CORS },
    { HTTP_DELETE, "/whip/{room}/{session}", whip_delete, ROUTE_CORS },
    { HTTP_POST, "/whep/{room}", whep_post, ROUTE_CORS },
    { HTTP_PATCH, "/whep/{room}/{session}", whip_patch, ROUTE_CORS },
    { HTTP_DELETE, "/whep/{room}/{session}", whip_delete, ROUTE_CORS },
};

/* --- requests ---------------------------------------------------------------------------- */

/* Who tried too many wrong tokens waits, with the right one too. */
gboolean api_auth_attempt(Api *api, const char *peer, gboolean ok)
{
    gint64 now_ns = clock_now_ns();
    if (!auth_is_on(api->auth))
        return TRUE;
    if (ok)
        return rate_table_has(api->failures, peer, now_ns);
    api->metrics.auth_failures++;
    rate_table_take(api->failures, peer, now_ns);
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
                      "Location, ETag, Link, Accept-Post, Accept-Patch, Retry-After");
}

static void respond_options(ApiCall *call, const RouteMatch *match) ON_CONTROL_THREAD;
static void respond_options(ApiCall *call, const RouteMatch *match)
{
    g_autofree char *allow = routes_allow(match->methods);
    HttpResponse *response = http_response_new(204);
    http_response_add(response, "Allow", allow);
    if (match->methods & (1u << HTTP_POST))
        http_response_add(response, "Accept-Post", "application/sdp");
    if (match->methods & (1u << HTTP_PATCH))
        http_response_add(response, "Accept-Patch", "application/trickle-ice-sdpfrag");
    if (match->access == ROUTE_CORS && auth_cors_origin(call->api->auth, call->request)) {
        http_response_add(response, "Access-Control-Allow-Methods", allow);
        http_response_add(response, "Access-Control-Allow-Headers",
                          "Authorization, Content-Type, If-Match");
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

static gboolean let_in(ApiCall *call, RouteAccess access) ON_CONTROL_THREAD;
static gboolean let_in(ApiCall *call, RouteAccess access)
{
    Api *api = call->api;
    if (access == ROUTE_OPEN || !auth_is_on(api->auth))
        return TRUE;
    if (api_auth_attempt(api, call->request->peer, auth_request_ok(api->auth, call->request)))
        return TRUE;
    api_respond_problem(call, 401, "Send the token auth.secret as \"Authorization: Bearer\".");
    return FALSE;
}

static void on_request(HttpExchange *exchange, gpointer user) ON_CONTROL_THREAD;
static void on_request(HttpExchange *exchange, gpointer user)
{
    Api *api = user;
    g_auto(RouteMatch) match = { 0 };
    const HttpRequest *request = http_exchange_request(exchange);
    ApiCall call = { api, exchange, request, match.params };
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
    } else if (let_in(&call, match.access)) {
        match.route->handler(&call);
    }
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
    static const HttpHandlers handlers = { on_request, on_upgrade, on_websocket };
    const Config *config = api->config;
    TlsFiles tls = { 0 };
    HttpOptions options = {
        .max_body = (gsize)config_int(config, "http.max_body"),
        .max_message = (gsize)config_int(config, "http.ws_max_message"),
        .max_connections = (guint)config_int(config, "http.max_connections"),
        .header_seconds = (guint)config_int(config, "http.header_seconds"),
        .request_seconds = (guint)config_int(config, "http.request_seconds"),
        .idle_seconds = (guint)config_int(config, "http.idle_seconds"),
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

Api *api_new(const Config *config, Rooms *rooms, Engine *engine, GError **error)
{
    g_autofree char *web = static_files_find(config_string(config, "http.web_dir"), error);
    if (!web)
        return NULL;
    double per_second = (double)config_int(config, "http.requests_per_second");
    Api *api = g_new0(Api, 1);
    api->config = config;
    api->rooms = rooms;
    api->engine = engine;
    api->auth = auth_new(config);
    api->files = static_files_new(web);
    api->requests = rate_table_new(per_second, REQUEST_BURST_FACTOR * per_second);
    api->failures = rate_table_new(FAILURES_PER_SECOND, FAILURES_BURST);
    api->signalling = signalling_new(api);
    api->whip = whip_sessions_new(api);
    if (!start_http(api, error))
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
    return TRUE;
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
    http_server_stats(api->http, &stats);
    return stats.websockets + whip_sessions_count(api->whip);
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
    http_server_free(api->http);
    signalling_free(api->signalling);
    whip_sessions_free(api->whip);
    rate_table_free(api->requests);
    rate_table_free(api->failures);
    static_files_free(api->files);
    auth_free(api->auth);
    g_free(api);
}
