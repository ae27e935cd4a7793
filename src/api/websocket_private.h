#pragma once

#include <libwebsockets.h>

#include "api/websocket.h"

/* How http.c drives a WebSocket; for http.c and websocket.c only. */

WebSocket *websocket_new(struct lws *wsi, const char *peer, gsize max_message);

/** LWS_CALLBACK_RECEIVE: non-zero closes the connection. */
int websocket_receive(WebSocket *socket, const char *data, gsize size);

/** LWS_CALLBACK_SERVER_WRITEABLE: non-zero closes the connection. */
int websocket_writable(WebSocket *socket);

/** LWS_CALLBACK_WS_PEER_INITIATED_CLOSE with its payload. */
void websocket_peer_closes(WebSocket *socket, const guint8 *payload, gsize size);

/** The connection is gone: tells the user, then frees. */
void websocket_free(WebSocket *socket);
