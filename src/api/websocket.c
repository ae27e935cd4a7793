#include <string.h>

#include "api/websocket_private.h"

#define CLOSE_SECONDS 3 /* for a peer that does not read to take the close frame */

struct WebSocket {
    struct lws *wsi;
    char *peer;
    gsize max_message;
    const WebSocketEvents *events;
    gpointer user;
    GQueue out; /* GByteArray with LWS_PRE bytes in front */
    gsize out_bytes;
    GString *in;
    guint code; /* of the one who closed first; 0: nobody */
    char *reason;
    gboolean closing; /* we close */
    guint kill_timer;
};

WebSocket *websocket_new(struct lws *wsi, const char *peer, gsize max_message)
{
    WebSocket *socket = g_new0(WebSocket, 1);
    socket->wsi = wsi;
    socket->peer = g_strdup(peer);
    socket->max_message = max_message;
    socket->in = g_string_new(NULL);
    g_queue_init(&socket->out);
    return socket;
}

static void clear_queue(WebSocket *socket)
{
    g_queue_clear_full(&socket->out, (GDestroyNotify)g_byte_array_unref);
    socket->out_bytes = 0;
}

void websocket_free(WebSocket *socket)
{
    if (!socket)
        return;
    socket->closing = TRUE;
    if (socket->events)
        socket->events->closed(socket, socket->code ? socket->code : WEBSOCKET_LOST, socket->user);
    if (socket->kill_timer)
        g_source_remove(socket->kill_timer);
    clear_queue(socket);
    g_string_free(socket->in, TRUE);
    g_free(socket->reason);
    g_free(socket->peer);
    g_free(socket);
}

void websocket_set_events(WebSocket *socket, const WebSocketEvents *events, gpointer user)
{
    socket->events = events;
    socket->user = user;
}

const char *websocket_peer(const WebSocket *socket)
{
    return socket->peer;
}

static gboolean kill_now(gpointer data)
{
    WebSocket *socket = data;
    socket->kill_timer = 0;
    lws_set_timeout(socket->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_SYNC);
    return G_SOURCE_REMOVE;
}

void websocket_close(WebSocket *socket, guint code, const char *reason)
{
    if (socket->closing)
        return;
    socket->closing = TRUE;
    if (!socket->code)
        socket->code = code;
    socket->reason = g_strdup(reason);
    socket->kill_timer = g_timeout_add_seconds(CLOSE_SECONDS, kill_now, socket);
    lws_callback_on_writable(socket->wsi);
}

void websocket_send(WebSocket *socket, const char *text)
{
    gsize size = strlen(text);
    if (socket->closing)
        return;
    if (socket->out_bytes + size > WEBSOCKET_MAX_QUEUE) {
        clear_queue(socket);
        websocket_close(socket, WEBSOCKET_POLICY, "too slow");
        return;
    }
    GByteArray *bytes = g_byte_array_sized_new((guint)(LWS_PRE + size));
    g_byte_array_set_size(bytes, LWS_PRE);
    memset(bytes->data, 0, LWS_PRE);
    g_byte_array_append(bytes, (const guint8 *)text, (guint)size);
    g_queue_push_tail(&socket->out, bytes);
    socket->out_bytes += size;
    lws_callback_on_writable(socket->wsi);
}

static int finish(WebSocket *socket)
{
    gsize size = MIN(strlen(socket->reason), 120);
    lws_close_reason(socket->wsi, (enum lws_close_status)socket->code,
                     (unsigned char *)socket->reason, size);
    return -1;
}

int websocket_writable(WebSocket *socket)
{
    g_autoptr(GByteArray) bytes = g_queue_pop_head(&socket->out);
    if (!bytes)
        return socket->closing ? finish(socket) : 0;
    gsize size = bytes->len - LWS_PRE;
    socket->out_bytes -= size;
    if (lws_write(socket->wsi, bytes->data + LWS_PRE, size, LWS_WRITE_TEXT) < (int)size)
        return -1;
    if (socket->out.length || socket->closing)
        lws_callback_on_writable(socket->wsi);
    return 0;
}

static int refuse(WebSocket *socket, guint code, const char *reason)
{
    clear_queue(socket);
    websocket_close(socket, code, reason);
    return 0; /* what still comes in is dropped */
}

int websocket_receive(WebSocket *socket, const char *data, gsize size)
{
    if (socket->closing)
        return 0;
    if (lws_frame_is_binary(socket->wsi))
        return refuse(socket, 1003, "text only");
    if (socket->in->len + size > socket->max_message)
        return refuse(socket, WEBSOCKET_TOO_LARGE, "message too large");
    g_string_append_len(socket->in, data, (gssize)size);
    if (!lws_is_final_fragment(socket->wsi) || lws_remaining_packet_payload(socket->wsi))
        return 0;
    gsize length = socket->in->len;
    g_autofree char *text = g_string_free(socket->in, FALSE);
    socket->in = g_string_new(NULL);
    if (socket->events)
        socket->events->message(socket, text, length, socket->user);
    return 0;
}

void websocket_peer_closes(WebSocket *socket, const guint8 *payload, gsize size)
{
    if (!socket->code)
        socket->code = size >= 2 ? (guint)payload[0] << 8 | payload[1] : WEBSOCKET_NORMAL;
}
