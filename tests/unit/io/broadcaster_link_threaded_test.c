#include "io/broadcaster_link.h"

#include <glib-unix.h>
#include <glib/gstdio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

/* A TLS server in this program, with a certificate of its own making: who is trusted, and for which
 * name. It says what name the client asked for (SNI), then echoes. */

typedef struct {
    SSL_CTX *context;
    GSocket *listening;
    gint stopping; /* atomic */
    GThread *thread;
    guint16 port;
    char *ca_file;
    char *asked_name; /* read after the thread has ended */
} Server;

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    g_assert_nonnull(extension);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

static X509 *make_certificate(EVP_PKEY *key, const char *names)
{
    X509 *certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const guchar *)"test", -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_set_pubkey(certificate, key);
    add_extension(certificate, NID_subject_alt_name, names);
    g_assert_cmpint(X509_sign(certificate, key, EVP_sha256()), >, 0);
    return certificate;
}

static void write_certificate(Server *server, X509 *certificate)
{
    int fd = g_file_open_tmp("tessera-test-XXXXXX.pem", &server->ca_file, NULL);
    FILE *file = fdopen(fd, "w");
    g_assert_nonnull(file);
    PEM_write_X509(file, certificate);
    fclose(file);
}

static int note_name(SSL *ssl, int *alert, void *user)
{
    (void)alert;
    Server *server = user;
    g_free(server->asked_name);
    server->asked_name = g_strdup(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
    return SSL_TLSEXT_ERR_OK;
}

static void echo(Server *server, GSocket *peer)
{
    char data[64];
    SSL *ssl = SSL_new(server->context);
    SSL_set_fd(ssl, g_socket_get_fd(peer));
    int n = SSL_accept(ssl) == 1 ? SSL_read(ssl, data, sizeof data) : 0;
    if (n > 0)
        SSL_write(ssl, data, n);
    SSL_shutdown(ssl);
    SSL_free(ssl);
}

static gpointer serve(gpointer data)
{
    Server *server = data;
    while (!g_atomic_int_get(&server->stopping)) {
        if (!g_socket_condition_timed_wait(server->listening, G_IO_IN, G_USEC_PER_SEC / 50, NULL,
                                           NULL))
            continue;
        g_autoptr(GSocket) peer = g_socket_accept(server->listening, NULL, NULL);
        g_unix_set_fd_nonblocking(g_socket_get_fd(peer), FALSE, NULL);
        echo(server, peer);
    }
    return NULL;
}

static Server *server_new(const char *names)
{
    Server *server = g_new0(Server, 1);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = make_certificate(key, names);
    write_certificate(server, certificate);
    server->context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(server->context, certificate);
    SSL_CTX_use_PrivateKey(server->context, key);
    SSL_CTX_set_tlsext_servername_callback(server->context, note_name);
    SSL_CTX_set_tlsext_servername_arg(server->context, server);
    X509_free(certificate);
    EVP_PKEY_free(key);
    g_autoptr(GSocketAddress) any = g_inet_socket_address_new_from_string("127.0.0.1", 0);
    server->listening =
        g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);
    g_assert_true(g_socket_bind(server->listening, any, TRUE, NULL));
    g_assert_true(g_socket_listen(server->listening, NULL));
    g_autoptr(GSocketAddress) own = g_socket_get_local_address(server->listening, NULL);
    server->port = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(own));
    server->thread = g_thread_new("tls", serve, server);
    return server;
}

static char *server_free(Server *server)
{
    g_atomic_int_set(&server->stopping, 1);
    g_thread_join(server->thread);
    char *asked_name = server->asked_name;
    g_unlink(server->ca_file);
    g_free(server->ca_file);
    SSL_CTX_free(server->context);
    g_object_unref(server->listening);
    g_free(server);
    return asked_name;
}

/** To 127.0.0.1, whatever the name: as after resolving it. */
static BroadcasterLink *open_link(const char *scheme, const char *host, guint16 port,
                                  const char *ca_file, GError **error)
{
    g_autofree char *text = g_strdup_printf("%s://%s:%u/a/b", scheme, host, port);
    g_autoptr(MediaUrl) url = media_url_parse(text, MEDIA_URL_PUSH, NULL);
    g_autoptr(GInetAddress) address = g_inet_address_new_from_string("127.0.0.1");
    GList addresses = { address, NULL, NULL };
    BroadcasterTarget target = {
        .url = url, .addresses = &addresses, .ca_file = ca_file, .timeout_ms = 10000
    };
    return broadcaster_link_open(&target, error);
}

static void check_taken(const char *names, const char *host, const char *asked)
{
    g_autoptr(GError) error = NULL;
    Server *server = server_new(names);
    BroadcasterLink *link = open_link("rtmps", host, server->port, server->ca_file, &error);
    g_assert_no_error(error);
    guint8 data[64] = { 0 };
    g_assert_true(broadcaster_link_write(link, (const guint8 *)"hello", 5, &error));
    g_assert_cmpint(broadcaster_link_read(link, data, sizeof data, 10000, &error), ==, 5);
    g_assert_cmpstr((char *)data, ==, "hello");
    /* Then the server closes. */
    g_assert_cmpint(broadcaster_link_read(link, data, sizeof data, 10000, &error), ==, -1);
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE);
    broadcaster_link_close(link);
    g_autofree char *name = server_free(server);
    g_assert_cmpstr(name, ==, asked);
}

static void check_refused(const char *names, const char *host, gboolean with_ca)
{
    g_autoptr(GError) error = NULL;
    Server *server = server_new(names);
    g_assert_null(open_link("rtmps", host, server->port, with_ca ? server->ca_file : NULL, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_FORBIDDEN);
    g_assert_nonnull(strstr(error->message, "not to be trusted"));
    g_free(server_free(server));
}

static void test_trusted_name(void)
{
    check_taken("DNS:live.example", "live.example", "live.example");
}

static void test_trusted_address(void)
{
    check_taken("IP:127.0.0.1", "127.0.0.1", NULL);
}

static void test_another_name(void)
{
    check_refused("DNS:other.example", "live.example", TRUE);
    check_refused("DNS:live.example", "127.0.0.1", TRUE);
}

static void test_unknown_issuer(void)
{
    check_refused("DNS:live.example", "live.example", FALSE);
}

static void test_unreadable_ca(void)
{
    g_autoptr(GError) error = NULL;
    Server *server = server_new("DNS:live.example");
    g_assert_null(open_link("rtmps", "live.example", server->port, "/nonexistent.pem", &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_FORBIDDEN);
    g_free(server_free(server));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/broadcaster_link/trusted_name", test_trusted_name);
    g_test_add_func("/broadcaster_link/trusted_address", test_trusted_address);
    g_test_add_func("/broadcaster_link/another_name", test_another_name);
    g_test_add_func("/broadcaster_link/unknown_issuer", test_unknown_issuer);
    g_test_add_func("/broadcaster_link/unreadable_ca", test_unreadable_ca);
    return g_test_run();
}
