/* A small blocking HTTP and WebSocket client for tests. It runs in a thread of its own while the
 * test's thread runs the server's main context: client_run(). */
#pragma once

#include <arpa/inet.h>
#include <glib.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
    gint fd;
    GString *in;
} Client;

typedef struct {
    guint status;
    char *head; /* with the status line */
    char *body;
    gsize size;
} Reply;

static inline void reply_clear(Reply *reply)
{
    g_free(reply->head);
    g_free(reply->body);
    *reply = (Reply){ 0 };
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Reply, reply_clear)

static inline void client_open(Client *client, guint port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((guint16)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct timeval limit = { .tv_sec = 20 };
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    client->in = g_string_new(NULL);
    setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    g_assert_cmpint(connect(client->fd, (struct sockaddr *)&address, sizeof address), ==, 0);
}

static inline void client_close(Client *client)
{
    close(client->fd);
    g_string_free(client->in, TRUE);
    client->in = NULL;
}

static inline gboolean client_send(Client *client, const void *data, gsize size)
{
    for (gsize done = 0; done < size;) {
        gssize n = send(client->fd, (const char *)data + done, size - done, MSG_NOSIGNAL);
        if (n <= 0)
            return FALSE;
        done += (gsize)n;
    }
    return TRUE;
}

/* More bytes into client->in; FALSE at the end of the connection. */
static inline gboolean client_more(Client *client)
{
    char chunk[65536];
    gssize n = recv(client->fd, chunk, sizeof chunk, 0);
    if (n <= 0)
        return FALSE;
    g_string_append_len(client->in, chunk, n);
    return TRUE;
}

static inline gboolean client_need(Client *client, gsize size)
{
    while (client->in->len < size) {
        if (!client_more(client))
            return FALSE;
    }
    return TRUE;
}

/* (transfer full) The value of a header, or NULL. */
static inline char *reply_header(const Reply *reply, const char *name)
{
    g_auto(GStrv) lines = g_strsplit(reply->head, "\r\n", 0);
    gsize length = strlen(name);
    for (guint i = 1; lines[i]; i++) {
        if (g_ascii_strncasecmp(lines[i], name, length) == 0 && lines[i][length] == ':')
            return g_strstrip(g_strdup(lines[i] + length + 1));
    }
    return NULL;
}

/* Read one response; FALSE if the connection ended before it. */
static inline gboolean client_read(Client *client, gboolean head_only, Reply *reply)
{
    const char *end;
    *reply = (Reply){ 0 };
    while (!(end = strstr(client->in->str, "\r\n\r\n"))) {
        if (!client_more(client))
            return FALSE;
    }
    gsize head = (gsize)(end - client->in->str) + 4;
    reply->head = g_strndup(client->in->str, head);
    g_assert_true(g_str_has_prefix(reply->head, "HTTP/1."));
    reply->status = (guint)g_ascii_strtoull(reply->head + 9, NULL, 10);
    g_autofree char *length = reply_header(reply, "Content-Length");
    reply->size = length && !head_only ? (gsize)g_ascii_strtoull(length, NULL, 10) : 0;
    if (!client_need(client, head + reply->size))
        return FALSE;
    reply->body = g_strndup(client->in->str + head, reply->size);
    g_string_erase(client->in, 0, (gssize)(head + reply->size));
    return TRUE;
}

/* Send a request and read its response. `headers`: whole lines with \r\n, or "". */
static inline gboolean client_request(Client *client, const char *method, const char *path,
                                      const char *headers, const char *body, Reply *reply)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_string_append_printf(text, "%s %s HTTP/1.1\r\nHost: localhost:1\r\n%s", method, path,
                           headers);
    if (body)
        g_string_append_printf(text, "Content-Length: %" G_GSIZE_FORMAT "\r\n", strlen(body));
    g_string_append_printf(text, "\r\n%s", body ? body : "");
    return client_send(client, text->str, text->len) &&
           client_read(client, strcmp(method, "HEAD") == 0, reply);
}

/* The status of the response to one request on a new connection; 0: none. */
static inline guint client_status(guint port, const char *method, const char *path,
                                  const char *headers, const char *body)
{
    Client client;
    g_auto(Reply) reply = { 0 };
    client_open(&client, port);
    gboolean ok = client_request(&client, method, path, headers, body, &reply);
    client_close(&client);
    return ok ? reply.status : 0;
}

/* --- WebSocket --------------------------------------------------------------------------- */

static inline guint client_upgrade(Client *client, const char *path, const char *headers)
{
    g_auto(Reply) reply = { 0 };
    g_autofree char *all =
        g_strconcat("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
                    headers, NULL);
    return client_request(client, "GET", path, all, NULL, &reply) ? reply.status : 0;
}

static inline gboolean client_ws_frame(Client *client, guint opcode, const void *data, gsize size)
{
    guint8 head[14] = { (guint8)(0x80 | opcode) };
    gsize n = 2;
    g_autofree guint8 *masked = g_memdup2(data, size ? size : 1);
    static const guint8 mask[4] = { 1, 2, 3, 4 };
    if (size < 126) {
        head[1] = (guint8)(0x80 | size);
    } else if (size < 65536) {
        head[1] = 0x80 | 126;
        head[n++] = (guint8)(size >> 8);
        head[n++] = (guint8)size;
    } else {
        head[1] = 0x80 | 127;
        for (gint shift = 56; shift >= 0; shift -= 8)
            head[n++] = (guint8)((guint64)size >> shift);
    }
    memcpy(head + n, mask, 4);
    for (gsize i = 0; i < size; i++)
        masked[i] ^= mask[i % 4];
    return client_send(client, head, n + 4) && client_send(client, masked, size);
}

static inline gboolean client_ws_send(Client *client, const char *text)
{
    return client_ws_frame(client, 1, text, strlen(text));
}

/* (transfer full) The next text message, or NULL at the end: *code is the close frame's then. */
static inline char *client_ws_read(Client *client, guint *code)
{
    *code = 0;
    for (;;) {
        if (!client_need(client, 2))
            return NULL;
        const guint8 *p = (const guint8 *)client->in->str;
        gsize head = 2, size = p[1] & 127;
        if (size == 126) {
            if (!client_need(client, 4))
                return NULL;
            p = (const guint8 *)client->in->str;
            head = 4;
            size = (gsize)p[2] << 8 | p[3];
        } else if (size == 127) {
            if (!client_need(client, 10))
                return NULL;
            p = (const guint8 *)client->in->str;
            head = 10;
            size = 0;
            for (guint i = 2; i < 10; i++)
                size = size << 8 | p[i];
        }
        if (!client_need(client, head + size))
            return NULL;
        p = (const guint8 *)client->in->str;
        guint opcode = p[0] & 15;
        g_autofree char *payload = g_strndup(client->in->str + head, size);
        if (opcode == 8 && size >= 2)
            *code = (guint)p[head] << 8 | p[head + 1];
        g_string_erase(client->in, 0, (gssize)(head + size));
        if (opcode == 1)
            return g_steal_pointer(&payload);
        if (opcode == 8) {
            client_ws_frame(client, 8, payload, size);
            return NULL;
        }
        if (opcode == 9)
            client_ws_frame(client, 10, payload, size);
    }
}

/* Read on until a message that holds this text. */
static inline char *client_ws_expect(Client *client, const char *part)
{
    guint code;
    char *text;
    while ((text = client_ws_read(client, &code))) {
        if (strstr(text, part))
            return text;
        g_free(text);
    }
    g_error("the connection ended (%u) before a message with %s", code, part);
}

/* The same where the text does not matter. */
static inline void client_ws_await(Client *client, const char *part)
{
    g_free(client_ws_expect(client, part));
}

/* --- the two threads --------------------------------------------------------------------- */

typedef struct {
    void (*function)(gpointer data);
    gpointer data;
    gint done;
} ClientThread;

static inline gpointer client_thread_main(gpointer data)
{
    ClientThread *thread = data;
    thread->function(thread->data);
    g_atomic_int_set(&thread->done, 1);
    g_main_context_wakeup(NULL);
    return NULL;
}

/* Run a function in a thread, and the default main context here until it returns. */
static inline void client_run(void (*function)(gpointer data), gpointer data)
{
    ClientThread thread = { function, data, 0 };
    GThread *handle = g_thread_new("client", client_thread_main, &thread);
    while (!g_atomic_int_get(&thread.done))
        g_main_context_iteration(NULL, TRUE);
    g_thread_join(handle);
}

/* Run the default main context until it has nothing to do right now. */
static inline void client_settle(void)
{
    while (g_main_context_iteration(NULL, FALSE)) {
    }
}
