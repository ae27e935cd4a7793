#pragma once

#include <glib.h>

/* One WebSocket connection: text messages in and out. Made by http.c, which drives it. Control
 * thread. */

typedef struct WebSocket WebSocket;

#define WEBSOCKET_NORMAL     1000 /* RFC 6455 section 7.4.1 */
#define WEBSOCKET_GOING_AWAY 1001
#define WEBSOCKET_LOST       1006 /* never sent: the connection broke without a word */
#define WEBSOCKET_POLICY     1008
#define WEBSOCKET_TOO_LARGE  1009

#define WEBSOCKET_MAX_QUEUE  (1 << 20) /* bytes waiting for a slow reader, then it is closed */

typedef struct {
    /** `text` is NUL-terminated. The callee may close the socket. */
    void (*message)(WebSocket *socket, const char *text, gsize size, gpointer user);
    /** Called once, last: the socket is gone. `code`: who closed first said this. */
    void (*closed)(WebSocket *socket, guint code, gpointer user);
} WebSocketEvents;

/** Set in the `opened` handler of http.h. */
void websocket_set_events(WebSocket *socket, const WebSocketEvents *events, gpointer user);

/** Queue a text message. Too many waiting: the socket is closed. */
void websocket_send(WebSocket *socket, const char *text);

/** Close after what is queued was sent; `closed` follows. Later messages are not delivered. */
void websocket_close(WebSocket *socket, guint code, const char *reason);

const char *websocket_peer(const WebSocket *socket);
