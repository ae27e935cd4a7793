#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <unistd.h>

#include "api/http_private.h"
#include "base/log.h"

/* Answers that go on. lws can write only while it may read, and has no state for what it would read
 * during an answer; so from the header on we write to the socket ourselves, and lws only sees it
 * close. */

#define FILE_PIECE    (128 << 10) /* of a file, read at once */
#define READ_AGAIN_MS 100
#define UNSENT_MS     30000 /* how long the peer may take nothing, then the kernel gives it up */

#define WATCH_GONE    ((GIOCondition)(POLLRDHUP | G_IO_IN | G_IO_HUP | G_IO_ERR))
#define WATCH_WRITE   ((GIOCondition)(WATCH_GONE | G_IO_OUT))

static void watch(HttpConnection *connection, GIOCondition condition);

void http_stream_tell_gone(HttpExchange *exchange)
{
    HttpStreamGone gone = exchange->gone;
    exchange->gone = NULL;
    if (!gone)
        return;
    gone(exchange, exchange->gone_user);
    http_exchange_unref(exchange);
}

/* --- the socket -------------------------------------------------------------------------- */

static void kill_now(HttpConnection *connection)
{
    lws_set_timeout(connection->wsi, PENDING_TIMEOUT_HTTP_CONTENT, LWS_TO_KILL_SYNC);
}

static gboolean kill_later(gpointer data)
{
    HttpConnection *connection = data;
    thread_assert_control();
    connection->timer = 0;
    kill_now(connection);
    return G_SOURCE_REMOVE;
}

/* How many bytes the socket took; 0: it takes none now; -1: it is broken. */
static gssize write_some(HttpConnection *connection)
{
    const GByteArray *out = connection->out;
    SSL *ssl = connection->secure ? lws_get_ssl(connection->wsi) : NULL;
    if (!ssl) {
        gssize n = send(lws_get_socket_fd(connection->wsi), out->data, out->len,
                        MSG_DONTWAIT | MSG_NOSIGNAL);
        return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : n;
    }
    ERR_clear_error();
    int n = SSL_write(ssl, out->data, (int)out->len);
    int problem = SSL_get_error(ssl, n);
    return problem == SSL_ERROR_WANT_WRITE || problem == SSL_ERROR_WANT_READ ? 0 : n > 0 ? n : -1;
}

/* --- files ------------------------------------------------------------------------------- */

/* The next piece of a file, on its way from a disk that may take its time. */
struct FileRead {
    HttpConnection *connection; /* control thread; NULL: gone */
    int fd;                     /* its own */
    guint64 offset;
    GByteArray *bytes; /* none: it cannot be read */
};

static void file_read_free(gpointer data)
{
    FileRead *read = data;
    if (read->fd >= 0)
        close(read->fd);
    g_byte_array_unref(read->bytes);
    g_free(read);
}

static void read_piece(gpointer data)
{
    FileRead *read = data;
    gssize n = pread(read->fd, read->bytes->data, read->bytes->len, (off_t)read->offset);
    g_byte_array_set_size(read->bytes, n > 0 ? (guint)n : 0);
}

/* FALSE: there is no such piece. */
static gboolean take_piece(HttpConnection *connection, const FileRead *read)
{
    HttpResponse *file = connection->file;
    guint n = read->bytes->len;
    g_byte_array_append(connection->out, read->bytes->data, n);
    file->file_offset += n;
    file->file_size -= n;
    connection->ended = !file->file_size;
    return n > 0;
}

static void has_read(gpointer data)
{
    const FileRead *read = data;
    HttpConnection *connection = read->connection;
    thread_assert_control();
    if (!connection)
        return;
    connection->reading = NULL;
    if (take_piece(connection, read))
        watch(connection, WATCH_WRITE);
    else
        kill_now(connection);
}

static gboolean try_again(gpointer data)
{
    HttpConnection *connection = data;
    thread_assert_control();
    connection->timer = 0;
    watch(connection, WATCH_WRITE);
    return G_SOURCE_REMOVE;
}

static void read_later(HttpConnection *connection)
{
    http_connection_stop_timer(connection);
    connection->timer = g_timeout_add(READ_AGAIN_MS, try_again, connection);
}

void http_stream_forget_read(HttpConnection *connection)
{
    if (connection->reading)
        connection->reading->connection = NULL;
    connection->reading = NULL;
}

/* Ask for the next piece, if there is one and nothing waits. FALSE: it cannot be read. */
static gboolean read_file(HttpConnection *connection)
{
    const HttpResponse *file = connection->file;
    DiskPool *disks = connection->server->options.disks;
    if (!file || connection->out->len || connection->reading || !file->file_size)
        return TRUE;
    FileRead *read = g_new(FileRead, 1);
    *read = (FileRead){ .connection = connection,
                        .fd = fcntl(file->fd, F_DUPFD_CLOEXEC, 0),
                        .offset = file->file_offset,
                        .bytes = g_byte_array_new() };
    g_byte_array_set_size(read->bytes, (guint)MIN(file->file_size, FILE_PIECE));
    if (disks) {
        connection->reading = read;
        if (disk_pool_run(disks, read_piece, has_read, read, file_read_free))
            return TRUE;
        connection->reading = NULL; /* it was freed: too many wait for the disk */
        read_later(connection);
        return TRUE;
    }
    read_piece(read);
    gboolean is_there = take_piece(connection, read);
    file_read_free(read);
    return is_there;
}

/* FALSE: the connection is no more. Of a file one piece at a time: others want to be served too. */
static gboolean write_out(HttpConnection *connection)
{
    gssize n = read_file(connection) ? 1 : -1;
    while (connection->out->len && n > 0) {
        n = write_some(connection);
        if (n > 0) {
            connection->server->stats.bytes_out += (guint64)n;
            g_byte_array_remove_range(connection->out, 0, (guint)n);
        }
    }
    if (n >= 0 && (connection->out->len || !connection->ended))
        return TRUE;
    kill_now(connection);
    return FALSE;
}

/* TRUE: there is something to write, or to be asked for. */
static gboolean has_more(const HttpConnection *connection)
{
    return connection->out->len || (connection->file && !connection->reading && !connection->timer);
}

/* Nobody speaks while it listens: what the client sends can only be its end, or is refused. */
static gboolean on_socket(gint fd, GIOCondition condition, gpointer data)
{
    HttpConnection *connection = data;
    (void)fd;
    thread_assert_control();
    connection->watch = 0;
    if (condition & WATCH_GONE)
        kill_now(connection);
    else if (write_out(connection))
        watch(connection, has_more(connection) ? WATCH_WRITE : WATCH_GONE);
    return G_SOURCE_REMOVE;
}

static void watch(HttpConnection *connection, GIOCondition condition)
{
    if (connection->watch)
        g_source_remove(connection->watch);
    connection->watch =
        g_unix_fd_add(lws_get_socket_fd(connection->wsi), condition, on_socket, connection);
}

/* --- the answer -------------------------------------------------------------------------- */

static void begin(HttpConnection *connection, GByteArray *head /* (transfer full) */)
{
    guint unsent_ms = UNSENT_MS;
    SSL *ssl = connection->secure ? lws_get_ssl(connection->wsi) : NULL;
    if (ssl) /* what waits may move and grow before it is tried again */
        SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    setsockopt(lws_get_socket_fd(connection->wsi), IPPROTO_TCP, TCP_USER_TIMEOUT, &unsent_ms,
               sizeof unsent_ms);
    connection->out = head;
    connection->state = CONNECTION_STREAM;
    http_connection_stop_timer(connection);
    http_connection_pause(connection);
    watch(connection, WATCH_WRITE);
}

void http_respond_stream(HttpExchange *exchange, HttpResponse *response, HttpStreamGone gone,
                         gpointer user)
{
    HttpConnection *connection = exchange->connection;
    g_autoptr(HttpResponse) owned = response;
    exchange->gone = gone;
    exchange->gone_user = user;
    http_exchange_ref(exchange);
    if (exchange->answered || !connection) {
        http_stream_tell_gone(exchange);
        return;
    }
    if (exchange->request->method == HTTP_HEAD) {
        http_respond(exchange, g_steal_pointer(&owned)); /* `gone` once it is written */
        return;
    }
    if (exchange->finish)
        exchange->finish(exchange, owned, exchange->finish_user);
    exchange->answered = TRUE;
    begin(connection, http_response_serialize_stream(owned, 0));
}

void http_stream_file(HttpConnection *connection, HttpResponse *response)
{
    response->close = TRUE;
    connection->file = response;
    connection->ended = !response->file_size;
    posix_fadvise(response->fd, (off_t)response->file_offset, (off_t)response->file_size,
                  POSIX_FADV_SEQUENTIAL);
    begin(connection, http_response_serialize(response, HTTP_GET, 0));
}

/* The connection of this stream while it takes more, or NULL. */
static HttpConnection *open_stream(const HttpExchange *exchange)
{
    HttpConnection *connection = exchange->connection;
    gboolean open = connection && connection->state == CONNECTION_STREAM && !connection->ended;
    return open ? connection : NULL;
}

void http_stream_send(HttpExchange *exchange, const char *text, gsize size)
{
    HttpConnection *connection = open_stream(exchange);
    char head[24];
    if (!connection || !size)
        return;
    GByteArray *out = connection->out;
    int length = g_snprintf(head, sizeof head, "%" G_GSIZE_MODIFIER "x\r\n", size);
    if (size > HTTP_STREAM_MAX || out->len + size + sizeof head > HTTP_STREAM_MAX) {
        log_limited(LOG_WARNING, "http", "%s reads its stream too slowly and is sent away",
                    connection->peer);
        connection->ended = TRUE;
        connection->timer = g_idle_add_full(G_PRIORITY_DEFAULT, kill_later, connection, NULL);
        return;
    }
    g_byte_array_append(out, (const guint8 *)head, (guint)length);
    g_byte_array_append(out, (const guint8 *)text, (guint)size);
    g_byte_array_append(out, (const guint8 *)"\r\n", 2);
    watch(connection, WATCH_WRITE);
}

void http_stream_end(HttpExchange *exchange)
{
    HttpConnection *connection = open_stream(exchange);
    if (!connection)
        return;
    g_byte_array_append(connection->out, (const guint8 *)"0\r\n\r\n", 5);
    connection->ended = TRUE;
    http_connection_start_timer(connection, connection->server->options.request_seconds);
    watch(connection, WATCH_WRITE);
}
