#pragma once

#include "api/http_message.h"
#include "api/websocket.h"
#include "base/disk_pool.h"
#include "base/thread.h"

/* The HTTP server: libwebsockets (HTTP/1.1 only, no extensions) on the default GMainContext, that
 * is in the control thread. Requests and responses are values; a response may come later.
 *
 *   http_listener -> lws -> HttpConnection -> HttpExchange -> handlers.request -> http_respond()
 *                                          -> WebSocket    -> handlers.opened
 */

typedef struct HttpServer HttpServer;

/** One request and its one response. Counted: it outlives its connection. */
typedef struct HttpExchange HttpExchange;

typedef struct {
    /** Answer with http_respond(), now or later; take a reference to answer later. */
    void (*request)(HttpExchange *exchange, gpointer user);
    /** Before a body is read: how many bytes it may have. A request with a larger one comes to
     *  `request` without it (too_large), which answers before it returns. */
    gsize (*body_limit)(const HttpRequest *request, gpointer user);
    /** May this GET request become a WebSocket? NULL: yes; else (transfer full) the refusal. */
    HttpResponse *(*upgrade)(const HttpRequest *request, gpointer user);
    /** It did: set its events. */
    void (*opened)(WebSocket *socket, const HttpRequest *request, gpointer user);
} HttpHandlers;

typedef struct {
    gsize max_message;       /* bytes of a WebSocket message */
    guint max_connections;   /* further ones are closed at once */
    guint header_seconds;    /* for a request's header; 0: 5 */
    guint request_seconds;   /* for a request's body; 0: 10 */
    guint idle_seconds;      /* between requests of one connection; 0: 30 */
    guint answer_seconds;    /* for a handler's answer, else 503; 0: 30 */
    guint ping_seconds;      /* silence before a WebSocket ping; 0: 10 */
    guint hangup_seconds;    /* silence before a WebSocket counts as lost; 0: 20 */
    const char *certificate; /* PEM files; NULL: no HTTPS */
    const char *private_key;
    DiskPool *disks; /* reads the files that are sent; NULL: they are waited for */
} HttpOptions;

typedef struct {
    guint connections, websockets;
    guint64 accepted, refused; /* connections */
    guint64 messages_in, bytes_out;
} HttpStats;

HttpServer *http_server_new(const HttpOptions *options, const HttpHandlers *handlers, gpointer user,
                            GError **error) ON_CONTROL_THREAD;

/** Closes every connection; unanswered exchanges stay valid and lead nowhere. Not from inside a
 *  handler. */
void http_server_free(HttpServer *server) ON_CONTROL_THREAD;

/** Listen on an address (http_listener.h). `key` names the setting in errors. */
gboolean http_server_listen(HttpServer *server, const char *key, const char *address,
                            gboolean secure, GError **error) ON_CONTROL_THREAD;

/** (transfer full) "http://127.0.0.1:8080/" of the i-th address, or NULL. */
char *http_server_url(HttpServer *server, guint i);

/** Take no more connections. */
void http_server_stop_listening(HttpServer *server) ON_CONTROL_THREAD;

void http_server_stats(const HttpServer *server, HttpStats *stats);

HttpExchange *http_exchange_ref(HttpExchange *exchange);
void http_exchange_unref(HttpExchange *exchange);
const HttpRequest *http_exchange_request(const HttpExchange *exchange);

/** TRUE when the client has gone: nobody will read the answer. */
gboolean http_exchange_is_gone(const HttpExchange *exchange);

/** What an API wants to keep about this exchange until it is answered, such as the origin that
 *  CORS allows. Called with the response just before it is sent; at most one. */
typedef void (*HttpFinish)(HttpExchange *exchange, HttpResponse *response, gpointer user);
void http_exchange_set_finish(HttpExchange *exchange, HttpFinish finish, gpointer user);

/** Answer (transfer full). Once; a second answer is dropped. After a file the connection ends. */
void http_respond(HttpExchange *exchange, HttpResponse *response) ON_CONTROL_THREAD;

#define HTTP_STREAM_MAX (256 << 10) /* bytes that wait for a slow reader, then it is sent away */

/** Called once, last: the stream was ended and sent, or its client has gone or was too slow, or the
 *  server stops. Never from inside one of the three functions below, except where the client has
 *  gone before http_respond_stream(). */
typedef void (*HttpStreamGone)(HttpExchange *exchange, gpointer user);

/** Answer with a body that goes on (text/event-stream): the header of `response` (transfer full)
 *  goes out at once, without Content-Length; the body follows in chunks, and the connection ends
 * with it. Takes a reference until `gone` was called. HEAD is answered without a body, and `gone`
 * follows. No deadline of HttpOptions concerns it. */
void http_respond_stream(HttpExchange *exchange, HttpResponse *response, HttpStreamGone gone,
                         gpointer user) ON_CONTROL_THREAD;

/** More of that body (copied). A client that lets more than HTTP_STREAM_MAX wait is sent away. */
void http_stream_send(HttpExchange *exchange, const char *text, gsize size) ON_CONTROL_THREAD;

/** The body ends; `gone` is called once it was sent. */
void http_stream_end(HttpExchange *exchange) ON_CONTROL_THREAD;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpExchange, http_exchange_unref)
