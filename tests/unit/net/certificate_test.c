#include "base/error.h"
#include "net/certificate.h"

#include <openssl/x509.h>
#include <string.h>

static void test_certificate(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Certificate) certificate = certificate_new(&error);
    g_assert_no_error(error);
    X509 *x509 = certificate_x509(certificate);
    g_assert_cmpint(X509_verify(x509, certificate_key(certificate)), ==, 1);
    g_assert_cmpint(X509_cmp_current_time(X509_get0_notBefore(x509)), <, 0);
    g_assert_cmpint(X509_cmp_current_time(X509_get0_notAfter(x509)), >, 0);
    int days = 0, seconds = 0;
    g_assert_cmpint(
        ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(x509), X509_get0_notAfter(x509)), ==,
        1);
    g_assert_cmpint(days, <=, CERTIFICATE_DAYS);
    g_assert_false(certificate_is_aged(certificate));

    const char *text = certificate_fingerprint(certificate);
    g_assert_true(g_str_has_prefix(text, "sha-256 "));
    g_assert_cmpuint(strlen(text), ==, strlen("sha-256 ") + 32 * 3 - 1);

    g_autoptr(Certificate) other = certificate_new(NULL);
    g_assert_cmpstr(certificate_fingerprint(other), !=, text);
}

static void test_fingerprint_matches(void)
{
    g_autoptr(Certificate) certificate = certificate_new(NULL);
    g_autoptr(Certificate) other = certificate_new(NULL);
    Fingerprint fingerprint, upper;
    const char *text = certificate_fingerprint(certificate);
    g_assert_true(fingerprint_parse(text, &fingerprint, NULL));
    g_assert_true(fingerprint_matches(&fingerprint, certificate_x509(certificate)));
    g_assert_false(fingerprint_matches(&fingerprint, certificate_x509(other)));

    g_autofree char *lower = g_ascii_strdown(text, -1);
    g_assert_true(fingerprint_parse(lower, &upper, NULL));
    g_assert_true(fingerprint_equal(&fingerprint, &upper));
    fingerprint.digest[31] ^= 1;
    g_assert_false(fingerprint_matches(&fingerprint, certificate_x509(certificate)));
    g_assert_false(fingerprint_equal(&fingerprint, &upper));
}

static void check_long_hash(const char *name, const EVP_MD *hash)
{
    g_autoptr(Certificate) certificate = certificate_new(NULL);
    guint8 digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    g_assert_cmpint(X509_digest(certificate_x509(certificate), hash, digest, &size), ==, 1);
    g_autoptr(GString) text = g_string_new(name);
    for (guint i = 0; i < size; i++)
        g_string_append_printf(text, "%c%02x", i ? ':' : ' ', digest[i]);
    Fingerprint fingerprint;
    g_assert_true(fingerprint_parse(text->str, &fingerprint, NULL));
    g_assert_true(fingerprint_matches(&fingerprint, certificate_x509(certificate)));
}

static void test_longer_hashes(void)
{
    check_long_hash("sha-384", EVP_sha384());
    check_long_hash("sha-512", EVP_sha512());
}

static void test_fingerprint_refused(void)
{
    static const char *const texts[] = {
        NULL,
        "",
        "sha-256",
        "sha-256 ",
        "sha-256 AB:CD",
        "sha-1 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33",
        "md5 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF",
        "sha-256 "
        "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:"
        "EE"
        ":FF:00",
        "sha-256 "
        "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:"
        "EE"
        ":FG",
        "sha-512 "
        "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:"
        "EE"
        ":FF",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        Fingerprint fingerprint;
        g_autoptr(GError) error = NULL;
        g_assert_false(fingerprint_parse(texts[i], &fingerprint, &error));
        g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/certificate/new", test_certificate);
    g_test_add_func("/certificate/fingerprint", test_fingerprint_matches);
    g_test_add_func("/certificate/longer-hashes", test_longer_hashes);
    g_test_add_func("/certificate/refused", test_fingerprint_refused);
    return g_test_run();
}
