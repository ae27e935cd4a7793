#pragma once

#include <glib.h>
#include <openssl/types.h>

/* Our self-signed DTLS certificate, and the fingerprints of a=fingerprint (RFC 8122). */

typedef struct Certificate Certificate; /* counted; any thread */

#define CERTIFICATE_DAYS 30

/** An ECDSA P-256 key and a certificate that is valid from a day ago for CERTIFICATE_DAYS. */
Certificate *certificate_new(GError **error);
Certificate *certificate_ref(Certificate *certificate);
void certificate_unref(Certificate *certificate);

/** "sha-256 AB:CD:..." (transfer none). */
const char *certificate_fingerprint(const Certificate *certificate);

X509 *certificate_x509(const Certificate *certificate);    /* (transfer none) */
EVP_PKEY *certificate_key(const Certificate *certificate); /* (transfer none) */

/** TRUE when half of its days are over: take a new one for new connections. */
gboolean certificate_is_aged(const Certificate *certificate);

/** A parsed a=fingerprint value. */
typedef struct {
    char hash[8]; /* "sha256", "sha384" or "sha512" */
    guint8 digest[64];
    gsize size;
} Fingerprint;

/** Parse "sha-256 AB:CD:..." (also sha-384 and sha-512; case does not matter). Weaker hashes are
 *  refused (TESSERA_ERROR_INVALID). */
gboolean fingerprint_parse(const char *text, Fingerprint *fingerprint, GError **error);

/** Constant-time comparison with a certificate's digest. */
gboolean fingerprint_matches(const Fingerprint *fingerprint, const X509 *x509);

gboolean fingerprint_equal(const Fingerprint *a, const Fingerprint *b);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Certificate, certificate_unref)
