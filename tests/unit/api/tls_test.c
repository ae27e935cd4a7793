#include "api/tls_certificate.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include "unit/api/api_fixture.h"

static char *state;

static Config *config_with_state(void)
{
    Config *config = config_new();
    g_autofree char *setting = g_strconcat("https.state_dir=", state, NULL);
    g_assert_true(config_set(config, setting, NULL));
    return config;
}

static X509 *read_certificate(const char *path)
{
    BIO *file = BIO_new_file(path, "r");
    X509 *x509 = PEM_read_bio_X509(file, NULL, NULL, NULL);
    BIO_free_all(file);
    g_assert_nonnull(x509);
    return x509;
}

static void test_self_signed(void)
{
    g_autoptr(Config) config = config_with_state();
    g_autoptr(GError) error = NULL;
    TlsFiles first = { 0 }, second = { 0 };
    struct stat info;
    tls_certificate_files(config, &first, &error);
    g_assert_no_error(error);
    g_assert_true(first.made);
    g_assert_cmpint(stat(first.private_key, &info), ==, 0);
    g_assert_cmpint(info.st_mode & 0777, ==, 0600);
    X509 *x509 = read_certificate(first.certificate);
    g_assert_cmpint(X509_check_host(x509, "localhost", 0, 0, NULL), ==, 1);
    g_assert_cmpint(X509_check_ip_asc(x509, "127.0.0.1", 0), ==, 1);
    g_assert_cmpint(X509_check_ip_asc(x509, "::1", 0), ==, 1);
    g_assert_cmpint(X509_check_host(x509, "example.com", 0, 0, NULL), ==, 0);
    X509_free(x509);

    /* The next start takes the same one. */
    g_assert_true(tls_certificate_files(config, &second, &error));
    g_assert_false(second.made);
    tls_files_clear(&first);
    tls_files_clear(&second);
}

static void expect_problem(const char *certificate, const char *key, const char *words)
{
    g_autoptr(Config) config = config_new();
    g_autoptr(GError) error = NULL;
    g_autofree char *a = g_strconcat("https.certificate=", certificate, NULL);
    g_autofree char *b = g_strconcat("https.private_key=", key, NULL);
    TlsFiles files = { 0 };
    g_assert_true(config_set(config, a, NULL));
    g_assert_true(config_set(config, b, NULL));
    g_assert_false(tls_certificate_files(config, &files, &error));
    g_assert_nonnull(strstr(error->message, words));
    tls_files_clear(&files);
}

static void test_problems(void)
{
    g_autofree char *certificate = g_build_filename(state, "self-signed.crt", NULL);
    g_autofree char *key = g_build_filename(state, "self-signed.key", NULL);
    g_autofree char *other_certificate = g_build_filename(state, "other.crt", NULL);
    g_autofree char *other_key = g_build_filename(state, "other.key", NULL);
    g_assert_true(tls_certificate_make(other_certificate, other_key, NULL));
    expect_problem("/nowhere/a.pem", key, "https.certificate: /nowhere/a.pem cannot be read");
    expect_problem(key, key, "holds no certificate");
    expect_problem(certificate, certificate, "is not the certificate's private key");
    expect_problem(certificate, other_key, "is not the certificate's private key");
    g_unlink(other_certificate);
    g_unlink(other_key);
}

static void https_get(gpointer data)
{
    Client client;
    char reply[2048] = "";
    const char *text = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    const unsigned char *protocol;
    unsigned int length;
    int n, size = 0;
    client_open(&client, *(guint *)data);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(context);
    SSL_set_alpn_protos(ssl, (const unsigned char *)"\x02h2\x08http/1.1", 12);
    SSL_set_fd(ssl, client.fd);
    g_assert_cmpint(SSL_connect(ssl), ==, 1);
    SSL_get0_alpn_selected(ssl, &protocol, &length);
    g_assert_cmpmem(protocol, length, "http/1.1", 8);
    g_assert_cmpint(SSL_write(ssl, text, (int)strlen(text)), >, 0);
    while ((n = SSL_read(ssl, reply + size, (int)sizeof reply - 1 - size)) > 0)
        size += n;
    g_assert_true(g_str_has_prefix(reply, "HTTP/1.1 200 OK"));
    g_assert_true(g_str_has_suffix(reply, "<p>lobby"));
    SSL_free(ssl);
    SSL_CTX_free(context);
    client_close(&client);
}

/* Neither plain HTTP nor silence keeps a connection at the TLS port. */
static void not_tls(gpointer data)
{
    Client plain, silent;
    const char *text = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    client_open(&plain, *(guint *)data);
    client_send(&plain, text, strlen(text));
    while (client_more(&plain)) {
    }
    g_assert_null(strstr(plain.in->str, "lobby"));
    client_close(&plain);
    client_open(&silent, *(guint *)data);
    g_assert_false(client_more(&silent));
    client_close(&silent);
    https_get(data);
}

static void test_https(void)
{
    Fixture fixture = { 0 };
    g_autofree char *settings = g_strdup_printf(
        "http.listen= https.listen=127.0.0.1:0 http.request_seconds=1 http.header_seconds=1 "
        "https.state_dir=%s",
        state);
    fixture_start(&fixture, settings);
    client_run(https_get, &fixture.port);
    client_run(not_tls, &fixture.port);
    fixture_stop(&fixture);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    state = g_dir_make_tmp("tessera-state-XXXXXX", NULL);
    g_test_add_func("/tls/self_signed", test_self_signed);
    g_test_add_func("/tls/problems", test_problems);
    g_test_add_func("/tls/https", test_https);
    int result = g_test_run();
    g_autofree char *remove = g_strdup_printf("rm -r '%s'", state);
    g_assert_true(g_spawn_command_line_sync(remove, NULL, NULL, NULL, NULL));
    g_free(state);
    return result;
}
