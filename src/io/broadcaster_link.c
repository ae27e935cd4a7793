#include "io/broadcaster_link.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/error.h"

#define SLICE_US           (50 * G_TIME_SPAN_MILLISECOND)
#define CONNECT_TIMEOUT_MS 5000
#define FINISH_TIMEOUT_MS  500
#define MAX_ADDRESSES      4
/* What may wait in the kernel unsent: more of it is only delay, which the queue handles better. */
#define MAX_UNSENT_BYTES (128 * 1024)

struct BroadcasterLink {
    BroadcasterTarget target; /* url and addresses: not used after the opening */
    GSocket *socket;
    SSL_CTX *context;
    SSL *ssl; /* NULL: plain */
};

static gint64 deadline_in(guint timeout_ms)
{
    return g_get_monotonic_time() + timeout_ms * G_TIME_SPAN_MILLISECOND;
}

static gboolean is_interrupted(const BroadcasterLink *link)
{
    const AVIOInterruptCB *interrupt = &link->target.interrupt;
    return interrupt->callback && interrupt->callback(interrupt->opaque);
}

static void set_unavailable(GError **error, const char *message)
{
    g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE, message);
}

/** Wait until the socket is ready. FALSE: the deadline has come, or it was interrupted. */
static gboolean wait_until(BroadcasterLink *link, GIOCondition condition, gint64 deadline_us)
{
    for (;;) {
        if (is_interrupted(link))
            return FALSE;
        gint64 left = deadline_us - g_get_monotonic_time();
        if (left <= 0)
            return FALSE;
        g_autoptr(GError) reason = NULL;
        if (g_socket_condition_timed_wait(link->socket, condition, MIN(left, SLICE_US), NULL,
                                          &reason))
            return TRUE;
        if (!g_error_matches(reason, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
            return TRUE; /* the next read or write tells why */
    }
}

static void set_socket_options(BroadcasterLink *link)
{
    g_socket_set_option(link->socket, IPPROTO_TCP, TCP_NODELAY, 1, NULL);
    g_socket_set_option(link->socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, MAX_UNSENT_BYTES, NULL);
    g_socket_set_option(link->socket, IPPROTO_TCP, TCP_USER_TIMEOUT, (gint)link->target.timeout_ms,
                        NULL);
    g_socket_set_keepalive(link->socket, TRUE);
}

static gboolean connect_to(BroadcasterLink *link, GInetAddress *address, GError **error)
{
    g_autoptr(GSocketAddress) where = g_inet_socket_address_new(address, link->target.url->port);
    g_clear_object(&link->socket);
    link->socket = g_socket_new(g_inet_address_get_family(address), G_SOCKET_TYPE_STREAM,
                                G_SOCKET_PROTOCOL_TCP, error);
    if (!link->socket)
        return FALSE;
    g_socket_set_blocking(link->socket, FALSE);
    set_socket_options(link);
    g_autoptr(GError) reason = NULL;
    if (g_socket_connect(link->socket, where, NULL, &reason))
        return TRUE;
    if (!g_error_matches(reason, G_IO_ERROR, G_IO_ERROR_PENDING)) {
        g_propagate_error(error, g_steal_pointer(&reason));
        return FALSE;
    }
    guint timeout_ms = MIN(CONNECT_TIMEOUT_MS, link->target.timeout_ms);
    if (!wait_until(link, G_IO_OUT, deadline_in(timeout_ms))) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "no answer in time");
        return FALSE;
    }
    return g_socket_check_connect_result(link->socket, error);
}

static gboolean connect_to_any(BroadcasterLink *link, GError **error)
{
    const MediaUrl *url = link->target.url;
    g_autoptr(GError) reason = NULL;
    guint tried = 0;
    for (GList *item = link->target.addresses; item && tried < MAX_ADDRESSES; item = item->next) {
        g_clear_error(&reason);
        if (connect_to(link, item->data, &reason))
            return TRUE;
        tried++;
    }
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                "%s does not take connections on port %u (%s).", url->host, url->port,
                reason ? reason->message : "it has no address");
    return FALSE;
}

/** Whose certificate it has to be: a name (SNI too) or an address. */
static gboolean expect_peer(SSL *ssl, const char *host)
{
    if (g_hostname_is_ip_address(host))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    return SSL_set_tlsext_host_name(ssl, host) == 1 && SSL_set1_host(ssl, host) == 1;
}

static gboolean prepare_tls(BroadcasterLink *link, GError **error)
{
    const char *ca_file = link->target.ca_file;
    link->context = SSL_CTX_new(TLS_client_method());
    if (!link->context || SSL_CTX_set_min_proto_version(link->context, TLS1_2_VERSION) != 1) {
        set_unavailable(error, "TLS cannot be started.");
        return FALSE;
    }
    int trusted = ca_file ? SSL_CTX_load_verify_locations(link->context, ca_file, NULL)
                          : SSL_CTX_set_default_verify_paths(link->context);
    if (trusted != 1) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_FORBIDDEN,
                    "The certificates to trust cannot be read from %s.",
                    ca_file ? ca_file : "the system's store");
        return FALSE;
    }
    SSL_CTX_set_verify(link->context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(link->context,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    link->ssl = SSL_new(link->context);
    if (link->ssl && expect_peer(link->ssl, link->target.url->host) &&
        SSL_set_fd(link->ssl, g_socket_get_fd(link->socket)) == 1)
        return TRUE;
    set_unavailable(error, "TLS cannot be started.");
    return FALSE;
}

/** After an SSL call returned `result`: what to wait for, or 0 if it failed for good. */
static GIOCondition tls_wants(BroadcasterLink *link, int result)
{
    int reason = SSL_get_error(link->ssl, result);
    if (reason == SSL_ERROR_WANT_READ)
        return G_IO_IN;
    return reason == SSL_ERROR_WANT_WRITE ? G_IO_OUT : 0;
}

static void set_tls_error(BroadcasterLink *link, GError **error)
{
    const char *host = link->target.url->host;
    long verified = SSL_get_verify_result(link->ssl);
    if (verified != X509_V_OK) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_FORBIDDEN,
                    "The certificate of %s is not to be trusted: %s.", host,
                    X509_verify_cert_error_string(verified));
        return;
    }
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                "No TLS connection to %s on port %u (%s).", host, link->target.url->port,
                reason ? reason : "no answer in time, or closed");
}

static gboolean start_tls(BroadcasterLink *link, GError **error)
{
    if (!prepare_tls(link, error))
        return FALSE;
    gint64 deadline_us = deadline_in(link->target.timeout_ms);
    for (;;) {
        ERR_clear_error();
        int result = SSL_connect(link->ssl);
        if (result == 1)
            return TRUE;
        GIOCondition wanted = tls_wants(link, result);
        if (!wanted || !wait_until(link, wanted, deadline_us))
            break;
    }
    set_tls_error(link, error);
    return FALSE;
}

BroadcasterLink *broadcaster_link_open(const BroadcasterTarget *target, GError **error)
{
    g_autoptr(BroadcasterLink) link = g_new0(BroadcasterLink, 1);
    link->target = *target;
    if (!connect_to_any(link, error) || (target->url->is_tls && !start_tls(link, error)))
        return NULL;
    return g_steal_pointer(&link);
}

void broadcaster_link_close(BroadcasterLink *link)
{
    if (!link)
        return;
    SSL_free(link->ssl);
    SSL_CTX_free(link->context);
    ERR_clear_error();
    g_clear_object(&link->socket);
    g_free(link);
}

/* One attempt each: > 0 bytes; 0: not now, *wanted tells what to wait for; -1: the end. */

static gssize write_some(BroadcasterLink *link, const guint8 *data, gsize size,
                         GIOCondition *wanted)
{
    *wanted = G_IO_OUT;
    if (link->ssl) {
        ERR_clear_error();
        int n = SSL_write(link->ssl, data, (int)MIN(size, 1 << 20));
        if (n > 0)
            return n;
        *wanted = tls_wants(link, n);
        return *wanted ? 0 : -1;
    }
    g_autoptr(GError) reason = NULL;
    gssize n = g_socket_send(link->socket, (const char *)data, size, NULL, &reason);
    if (n > 0)
        return n;
    return g_error_matches(reason, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK) ? 0 : -1;
}

static gssize read_some(BroadcasterLink *link, guint8 *data, gsize size, GIOCondition *wanted)
{
    *wanted = G_IO_IN;
    if (link->ssl) {
        ERR_clear_error();
        int n = SSL_read(link->ssl, data, (int)MIN(size, 1 << 20));
        if (n > 0)
            return n;
        *wanted = tls_wants(link, n);
        return *wanted ? 0 : -1;
    }
    g_autoptr(GError) reason = NULL;
    gssize n = g_socket_receive(link->socket, (char *)data, size, NULL, &reason);
    if (n > 0)
        return n;
    return g_error_matches(reason, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK) ? 0 : -1;
}

gboolean broadcaster_link_write(BroadcasterLink *link, const guint8 *data, gsize size,
                                GError **error)
{
    gint64 deadline_us = deadline_in(link->target.timeout_ms);
    GIOCondition wanted = G_IO_OUT;
    while (size) {
        if (!wait_until(link, wanted, deadline_us)) {
            set_unavailable(error, "The destination takes nothing any more.");
            return FALSE;
        }
        gssize n = write_some(link, data, size, &wanted);
        if (n < 0) {
            set_unavailable(error, "The destination closed the connection.");
            return FALSE;
        }
        data += n;
        size -= (gsize)n;
    }
    return TRUE;
}

gssize broadcaster_link_read(BroadcasterLink *link, guint8 *data, gsize size, guint timeout_ms,
                             GError **error)
{
    gint64 deadline_us = deadline_in(timeout_ms);
    for (;;) {
        GIOCondition wanted = G_IO_IN;
        gssize n = read_some(link, data, size, &wanted);
        if (n > 0)
            return n;
        if (n < 0) {
            set_unavailable(error, "The destination closed the connection.");
            return -1;
        }
        if (!timeout_ms || !wait_until(link, wanted, deadline_us))
            return 0;
    }
}

void broadcaster_link_finish(BroadcasterLink *link)
{
    guint8 unread[4096];
    if (link->ssl)
        SSL_shutdown(link->ssl);
    g_socket_shutdown(link->socket, FALSE, TRUE, NULL);
    gint64 deadline_us = deadline_in(FINISH_TIMEOUT_MS);
    while (g_get_monotonic_time() < deadline_us && !is_interrupted(link))
        if (broadcaster_link_read(link, unread, sizeof unread, 50, NULL) < 0)
            return;
}
