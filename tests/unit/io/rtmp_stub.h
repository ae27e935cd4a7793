#pragma once

#include <gio/gio.h>
#include <pthread.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "io/amf.h"
#include "io/rtmp_chunk.h"
#include "io/rtmp_handshake.h"

/* A small RTMP server on a thread of its own: it takes what is published and keeps notes, refuses,
 * goes away, or says nothing. */

typedef enum { STUB_TAKES, STUB_REFUSES, STUB_LEAVES, STUB_SILENT } StubManner;

#define LEAVES_AFTER 20 /* media messages of the first connection */
#define KEY          "s3cretKey"

typedef struct {
    guint8 type;
    guint32 timestamp_ms;
    guint8 begin[2];
    guint connection;
} Note;

typedef struct {
    StubManner manner;
    GSocket *listening;
    gint stopping; /* atomic */
    GThread *thread;
    guint16 port;

    /* The stub's thread only. */
    RtmpChunkReader *reader;
    RtmpChunkWriter *writer;
    GByteArray *in, *out;
    guint connection, media;

    /* Guarded by lock. */
    pthread_mutex_t lock;
    GArray *notes;     /* Note */
    GString *commands; /* "connect releaseStream ..." */
    GString *metadata; /* the body of the newest data message */
    char *app, *name;
} Stub;

static void stub_send(Stub *stub, guint stream_id, const GByteArray *body)
{
    RtmpMessage message = { 3, RTMP_COMMAND, 0, stream_id, body->data, body->len };
    rtmp_chunk_writer_write(stub->writer, &message, stub->out);
}

static void stub_result(Stub *stub, gdouble transaction, gdouble value)
{
    g_autoptr(GByteArray) body = g_byte_array_new();
    amf_write_string(body, "_result");
    amf_write_number(body, transaction);
    amf_write_null(body);
    amf_write_number(body, value);
    stub_send(stub, 0, body);
}

static void stub_status(Stub *stub, const char *level, const char *code, const char *description)
{
    const char *const members[][2] = { { "level", level },
                                       { "code", code },
                                       { "description", description } };
    g_autoptr(GByteArray) body = g_byte_array_new();
    amf_write_string(body, "onStatus");
    amf_write_number(body, 0);
    amf_write_null(body);
    amf_write_object(body);
    for (gsize i = 0; i < G_N_ELEMENTS(members); i++) {
        amf_write_name(body, members[i][0]);
        amf_write_string(body, members[i][1]);
    }
    amf_write_end(body);
    stub_send(stub, 1, body);
}

static void stub_publish(Stub *stub)
{
    if (stub->manner == STUB_REFUSES)
        stub_status(stub, "error", "NetStream.Publish.BadName", "no such key: " KEY "\r\nsorry");
    else
        stub_status(stub, "status", "NetStream.Publish.Start", "go on");
}

static void stub_remember(Stub *stub, const char *command, const AmfValue *object,
                          const AmfValue *value)
{
    pthread_mutex_lock(&stub->lock);
    g_string_append_printf(stub->commands, "%s ", command);
    if (!strcmp(command, "connect") && !stub->app)
        stub->app = g_strdup(amf_string(amf_get(object, "app")));
    if (!strcmp(command, "publish") && !stub->name)
        stub->name = g_strdup(amf_string(value));
    pthread_mutex_unlock(&stub->lock);
}

static void stub_command(Stub *stub, const RtmpMessage *message)
{
    ByteReader reader = byte_reader(message->data, message->size);
    g_autoptr(AmfValue) name = amf_read(&reader);
    g_autoptr(AmfValue) transaction = amf_read(&reader);
    g_autoptr(AmfValue) object = amf_read(&reader);
    g_autoptr(AmfValue) value = amf_read(&reader);
    const char *command = amf_string(name);
    stub_remember(stub, command, object, value);
    if (!strcmp(command, "connect") || !strcmp(command, "createStream"))
        stub_result(stub, amf_number(transaction, 0), 1);
    if (!strcmp(command, "publish"))
        stub_publish(stub);
}

static void stub_note(Stub *stub, const RtmpMessage *message)
{
    Note note = { message->type, message->timestamp_ms, { 0 }, stub->connection };
    memcpy(note.begin, message->data, MIN(message->size, sizeof note.begin));
    pthread_mutex_lock(&stub->lock);
    g_array_append_val(stub->notes, note);
    if (message->type == RTMP_DATA) {
        g_string_truncate(stub->metadata, 0);
        g_string_append_len(stub->metadata, (const char *)message->data, (gssize)message->size);
    }
    pthread_mutex_unlock(&stub->lock);
    stub->media++;
}

/** Until there is something to read, or a connection to take. FALSE: the stub is to stop. */
static gboolean stub_wait(Stub *stub, GSocket *socket)
{
    while (!g_atomic_int_get(&stub->stopping))
        if (g_socket_condition_timed_wait(socket, G_IO_IN, G_USEC_PER_SEC / 50, NULL, NULL))
            return TRUE;
    return FALSE;
}

static gboolean stub_flush(Stub *stub, GSocket *peer)
{
    gsize at = 0;
    while (at < stub->out->len) {
        gssize n =
            g_socket_send(peer, (char *)stub->out->data + at, stub->out->len - at, NULL, NULL);
        if (n <= 0)
            return FALSE;
        at += (gsize)n;
    }
    g_byte_array_set_size(stub->out, 0);
    return TRUE;
}

static gboolean stub_fill(Stub *stub, GSocket *peer)
{
    char data[4096];
    if (!stub_wait(stub, peer))
        return FALSE;
    gssize n = g_socket_receive(peer, data, sizeof data, NULL, NULL);
    if (n > 0)
        g_byte_array_append(stub->in, (guint8 *)data, (guint)n);
    return n > 0;
}

static gboolean stub_shake_hands(Stub *stub, GSocket *peer)
{
    g_autoptr(RtmpHandshake) handshake = rtmp_handshake_new(1);
    RtmpHandshakeState state = RTMP_HANDSHAKE_MORE;
    while (state == RTMP_HANDSHAKE_MORE && stub_fill(stub, peer)) {
        gsize used = 0;
        state = rtmp_handshake_feed(handshake, stub->in->data, stub->in->len, &used, stub->out);
        g_byte_array_remove_range(stub->in, 0, (guint)used);
        stub_flush(stub, peer);
    }
    return state == RTMP_HANDSHAKE_DONE;
}

static void stub_read_messages(Stub *stub)
{
    RtmpMessage message;
    RtmpChunkResult result = RTMP_CHUNK_MESSAGE;
    while (result == RTMP_CHUNK_MESSAGE) {
        gsize used = 0;
        result = rtmp_chunk_reader_next(stub->reader, stub->in->data, stub->in->len, clock_now_ns(),
                                        &used, &message);
        if (result == RTMP_CHUNK_MESSAGE && message.type == RTMP_COMMAND)
            stub_command(stub, &message);
        else if (result == RTMP_CHUNK_MESSAGE)
            stub_note(stub, &message);
        g_byte_array_remove_range(stub->in, 0, (guint)used);
    }
    g_assert_cmpint(result, ==, RTMP_CHUNK_MORE);
}

static void stub_serve(Stub *stub, GSocket *peer)
{
    static const RtmpChunkLimits limits = { 1 << 20, 65536, 1 << 21 };
    stub->reader = rtmp_chunk_reader_new(&limits);
    stub->writer = rtmp_chunk_writer_new();
    stub->media = 0;
    stub->connection++;
    g_byte_array_set_size(stub->in, 0);
    g_byte_array_set_size(stub->out, 0);
    gboolean going_on = stub_shake_hands(stub, peer);
    while (going_on) {
        stub_read_messages(stub);
        going_on = stub_flush(stub, peer) && stub_fill(stub, peer);
        if (stub->manner == STUB_LEAVES && stub->connection == 1 && stub->media >= LEAVES_AFTER)
            going_on = FALSE;
    }
    g_clear_pointer(&stub->reader, rtmp_chunk_reader_free);
    g_clear_pointer(&stub->writer, rtmp_chunk_writer_free);
}

static gpointer stub_run(gpointer data)
{
    Stub *stub = data;
    while (stub_wait(stub, stub->listening)) {
        g_autoptr(GSocket) peer = g_socket_accept(stub->listening, NULL, NULL);
        if (peer && stub->manner != STUB_SILENT)
            stub_serve(stub, peer);
        while (stub->manner == STUB_SILENT && !g_atomic_int_get(&stub->stopping))
            stub_wait(stub, stub->listening);
    }
    return NULL;
}

static Stub *stub_new(StubManner manner)
{
    Stub *stub = g_new0(Stub, 1);
    stub->manner = manner;
    stub->in = g_byte_array_new();
    stub->out = g_byte_array_new();
    stub->notes = g_array_new(FALSE, FALSE, sizeof(Note));
    stub->commands = g_string_new(NULL);
    stub->metadata = g_string_new(NULL);
    pthread_mutex_init(&stub->lock, NULL);
    g_autoptr(GSocketAddress) any = g_inet_socket_address_new_from_string("127.0.0.1", 0);
    stub->listening =
        g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);
    g_assert_true(g_socket_bind(stub->listening, any, TRUE, NULL));
    g_assert_true(g_socket_listen(stub->listening, NULL));
    g_autoptr(GSocketAddress) own = g_socket_get_local_address(stub->listening, NULL);
    stub->port = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(own));
    stub->thread = g_thread_new("stub", stub_run, stub);
    return stub;
}

static void stub_free(Stub *stub)
{
    g_atomic_int_set(&stub->stopping, 1);
    g_thread_join(stub->thread);
    g_object_unref(stub->listening);
    g_byte_array_unref(stub->in);
    g_byte_array_unref(stub->out);
    g_array_unref(stub->notes);
    g_string_free(stub->commands, TRUE);
    g_string_free(stub->metadata, TRUE);
    pthread_mutex_destroy(&stub->lock);
    g_free(stub->app);
    g_free(stub->name);
    g_free(stub);
}

static guint stub_count(Stub *stub, guint connection)
{
    guint n = 0;
    pthread_mutex_lock(&stub->lock);
    for (guint i = 0; i < stub->notes->len; i++)
        n += g_array_index(stub->notes, Note, i).connection == connection;
    pthread_mutex_unlock(&stub->lock);
    return n;
}
