#include "net/certificate.h"

#include "base/error.h"

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <string.h>

#define DAY_S (24 * 60 * 60)

struct Certificate {
    X509 *x509;
    EVP_PKEY *key;
    char *fingerprint;
    gint64 made_us;
};

G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)

/* A day of the past allows for a peer whose clock is behind. */
static X509 *certificate_make(EVP_PKEY *key)
{
    g_autoptr(X509) x509 = X509_new();
    guint64 serial = 0;
    if (!x509 || RAND_bytes((unsigned char *)&serial, sizeof serial) != 1)
        return NULL;
    X509_NAME *name = X509_get_subject_name(x509);
    gboolean ok = X509_set_version(x509, X509_VERSION_3) &&
                  ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serial >> 1 | 1) &&
                  X509_gmtime_adj(X509_getm_notBefore(x509), -DAY_S) &&
                  X509_gmtime_adj(X509_getm_notAfter(x509), (CERTIFICATE_DAYS - 1) * DAY_S) &&
                  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                             (const unsigned char *)"tessera", -1, -1, 0) &&
                  X509_set_issuer_name(x509, name) && X509_set_pubkey(x509, key) &&
                  X509_sign(x509, key, EVP_sha256()) > 0;
    return ok ? g_steal_pointer(&x509) : NULL;
}

static char *fingerprint_format(const X509 *x509)
{
    guint8 digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    if (X509_digest(x509, EVP_sha256(), digest, &size) != 1)
        return NULL;
    GString *text = g_string_new("sha-256 ");
    for (guint i = 0; i < size; i++)
        g_string_append_printf(text, "%s%02X", i ? ":" : "", digest[i]);
    return g_string_free(text, FALSE);
}

static void certificate_clear(gpointer data)
{
    Certificate *certificate = data;
    X509_free(certificate->x509);
    EVP_PKEY_free(certificate->key);
    g_free(certificate->fingerprint);
}

Certificate *certificate_new(GError **error)
{
    g_autoptr(Certificate) certificate = g_atomic_rc_box_new0(Certificate);
    certificate->made_us = g_get_monotonic_time();
    certificate->key = EVP_EC_gen("P-256");
    if (certificate->key)
        certificate->x509 = certificate_make(certificate->key);
    if (certificate->x509)
        certificate->fingerprint = fingerprint_format(certificate->x509);
    if (certificate->fingerprint)
        return g_steal_pointer(&certificate);
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INTERNAL,
                "OpenSSL could not make a DTLS certificate with a P-256 key; check that its "
                "configuration (openssl.cnf) allows that curve.");
    return NULL;
}

Certificate *certificate_ref(Certificate *certificate)
{
    return g_atomic_rc_box_acquire(certificate);
}

void certificate_unref(Certificate *certificate)
{
    if (certificate)
        g_atomic_rc_box_release_full(certificate, certificate_clear);
}

const char *certificate_fingerprint(const Certificate *certificate)
{
    return certificate->fingerprint;
}

X509 *certificate_x509(const Certificate *certificate)
{
    return certificate->x509;
}

EVP_PKEY *certificate_key(const Certificate *certificate)
{
    return certificate->key;
}

gboolean certificate_is_aged(const Certificate *certificate)
{
    gint64 age_us = g_get_monotonic_time() - certificate->made_us;
    return age_us > (gint64)CERTIFICATE_DAYS / 2 * DAY_S * G_USEC_PER_SEC;
}

static const struct {
    const char *sdp_name, *hash;
    gsize size;
} fingerprint_hashes[] = {
    { "sha-256", "sha256", 32 },
    { "sha-384", "sha384", 48 },
    { "sha-512", "sha512", 64 },
};

static gboolean fingerprint_parse_digest(const char *text, Fingerprint *fingerprint)
{
    for (gsize i = 0; i < fingerprint->size; i++, text += 3) {
        int high = g_ascii_xdigit_value(text[0]);
        int low = high < 0 ? -1 : g_ascii_xdigit_value(text[1]);
        char expected = i + 1 < fingerprint->size ? ':' : '\0';
        if (low < 0 || text[2] != expected)
            return FALSE;
        fingerprint->digest[i] = (guint8)(high << 4 | low);
    }
    return TRUE;
}

gboolean fingerprint_parse(const char *text, Fingerprint *fingerprint, GError **error)
{
    memset(fingerprint, 0, sizeof *fingerprint);
    const char *space = text ? strchr(text, ' ') : NULL;
    gsize name_size = space ? (gsize)(space - text) : 0;
    for (gsize i = 0; space && i < G_N_ELEMENTS(fingerprint_hashes); i++) {
        const char *name = fingerprint_hashes[i].sdp_name;
        if (strlen(name) != name_size || g_ascii_strncasecmp(text, name, name_size) != 0)
            continue;
        g_strlcpy(fingerprint->hash, fingerprint_hashes[i].hash, sizeof fingerprint->hash);
        fingerprint->size = fingerprint_hashes[i].size;
        if (fingerprint_parse_digest(space + strspn(space, " "), fingerprint))
            return TRUE;
    }
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                "The SDP has no usable a=fingerprint; send the DTLS certificate's digest as "
                "sha-256, sha-384 or sha-512.");
    return FALSE;
}

gboolean fingerprint_matches(const Fingerprint *fingerprint, const X509 *x509)
{
    guint8 digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    const EVP_MD *hash = EVP_get_digestbyname(fingerprint->hash);
    return hash && X509_digest(x509, hash, digest, &size) == 1 && size == fingerprint->size &&
           CRYPTO_memcmp(digest, fingerprint->digest, size) == 0;
}

gboolean fingerprint_equal(const Fingerprint *a, const Fingerprint *b)
{
    return a->size == b->size && CRYPTO_memcmp(a->digest, b->digest, a->size) == 0;
}
