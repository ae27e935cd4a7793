#pragma once

#include <libwebsockets.h>

#include "api/http.h"
#include "api/websocket_private.h"

/* What http_server.c (listening, lws), http.c (connections, requests) and http_stream.c share. */

typedef struct HttpConnection HttpConnection;
typedef struct FileRead FileRead; /* http_stream.c */

struct HttpServer {
    HttpOptions options;
    HttpHandlers handlers;
    gpointer user;
    GMainLoop *loop; /* lws wants one; nobody runs it */
    struct lws_context *context;
    struct lws_vhost *vhost;
    lws_retry_bo_t keepalive;
    GPtrArray *addresses;
    GHashTable *connections; /* a set */
    HttpStats stats;
    guint64 large_bodies; /* bytes that are being read, or wait for an answer */
};

typedef enum {
    CONNECTION_IDLE,    /* reads a header, or waits for one */
    CONNECTION_BODY,    /* reads a body */
    CONNECTION_WAITING, /* the handler has the request */
    CONNECTION_WRITING, /* has an answer for lws */
    CONNECTION_STREAM,  /* has an answer that goes on, or a file */
} ConnectionState;

struct HttpConnection {
    HttpServer *server;
    struct lws *wsi;
    char *peer;
    gboolean secure;
    ConnectionState state;
    gboolean paused;        /* lws reads nothing until the answer is there */
    gboolean close;         /* after the answer */
    gboolean last;          /* no request after this one */
    gboolean ended;         /* STREAM: no more will come */
    HttpExchange *exchange; /* BODY to STREAM */
    guint64 expected;       /* body bytes */
    guint early_looks;      /* at bytes behind the body, before it is answered */
    guint64 large;          /* how much of it counts in large_bodies */
    GByteArray *out;        /* LWS_PRE bytes, then the answer */
    HttpResponse *file;     /* STREAM: what is left of a file that is sent, or NULL */
    FileRead *reading;      /* STREAM: the next piece of it, while the disk is waited for */
    WebSocket *socket;
    guint timer;
    guint watch; /* STREAM: of its socket */
};

struct HttpExchange {
    gatomicrefcount refs;
    HttpConnection *connection; /* NULL: gone */
    HttpRequest *request;
    gboolean answered;
    HttpFinish finish;
    gpointer finish_user;
    HttpStreamGone gone; /* a stream's, until it was called */
    gpointer gone_user;
};

/** The callback of lws, for every connection. */
int http_connection_on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                           size_t size);
void http_connection_free(HttpConnection *connection);

/** When it goes off: a client is closed, a handler that does not answer is answered for. */
void http_connection_start_timer(HttpConnection *connection, guint seconds);
void http_connection_stop_timer(HttpConnection *connection);

/** lws reads nothing from it until the answer is there. */
void http_connection_pause(HttpConnection *connection);

/** Send this response (transfer full), whose body is a file. */
void http_stream_file(HttpConnection *connection, HttpResponse *response);

/** What is being read leads nowhere any more. */
void http_stream_forget_read(HttpConnection *connection);

/** Its connection is gone, or its answer was sent: if it was a stream's, tell whose it is. */
void http_stream_tell_gone(HttpExchange *exchange);
