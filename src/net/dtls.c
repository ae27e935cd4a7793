#include "net/dtls.h"

#include "base/error.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/srtp.h>
#include <openssl/ssl.h>

/* Garbage before the peer's certificate was seen may come from anyone who knows the address: a
 * server begins anew that often before it gives up. */
#define MAX_SERVER_RESTARTS 3

/* Bytes of a peer's certificate message, which OpenSSL keeps while it puts fragments together. */
#define MAX_CERTIFICATES 16384

/* Both kinds of key: ours is ECDSA, a peer that we call may have RSA (RFC 8827 section 6.5). */
#define CIPHERS                                                  \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define SRTP_PROFILES "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM"

struct DtlsContext {
    SSL_CTX *ssl_ctx;
    BIO_METHOD *bio_method;
    Certificate *certificate;
};

struct Dtls {
    DtlsContext *context;
    SSL *ssl;
    gboolean is_client;
    Fingerprint peer;
    DtlsSend send;
    gpointer user;

    DtlsState state;
    gboolean peer_seen, peer_refused;
    guint restarts;
    char failure[160];

    /* The datagram being read, or NULL. */
    const guint8 *incoming;
    gsize incoming_size;
};

/* --- The datagram BIO --- */

static int dtls_bio_write(BIO *bio, const char *data, int size)
{
    Dtls *dtls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (size > 0)
        dtls->send((const guint8 *)data, (gsize)size, dtls->user);
    return size;
}

static int dtls_bio_read(BIO *bio, char *buffer, int size)
{
    Dtls *dtls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (!dtls->incoming || size <= 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    gsize n = MIN((gsize)size, dtls->incoming_size);
    memcpy(buffer, dtls->incoming, n);
    dtls->incoming = NULL;
    return (int)n;
}

static long dtls_bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    switch (command) {
    case BIO_CTRL_FLUSH:
        return 1;
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
        return DTLS_MTU;
    default:
        return 0;
    }
}

static int dtls_bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

static BIO_METHOD *dtls_bio_method_new(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams");
    if (method) {
        BIO_meth_set_write(method, dtls_bio_write);
        BIO_meth_set_read(method, dtls_bio_read);
        BIO_meth_set_ctrl(method, dtls_bio_ctrl);
        BIO_meth_set_create(method, dtls_bio_create);
    }
    return method;
}

/* --- The context --- */

/* Runs inside the handshake: no key exists yet when a wrong certificate is refused. */
static int dtls_verify_peer(X509_STORE_CTX *store, void *unused)
{
    (void)unused;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    Dtls *dtls = SSL_get_app_data(ssl);
    const X509 *x509 = X509_STORE_CTX_get0_cert(store);
    dtls->peer_seen = TRUE;
    if (x509 && fingerprint_matches(&dtls->peer, x509)) {
        X509_STORE_CTX_set_error(store, X509_V_OK);
        return 1;
    }
    dtls->peer_refused = TRUE;
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
    return 0;
}

static gboolean dtls_context_configure(SSL_CTX *ctx, const Certificate *certificate)
{
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, dtls_verify_peer, NULL);
    SSL_CTX_set_options(ctx, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_max_cert_list(ctx, MAX_CERTIFICATES);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    return SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION) &&
           SSL_CTX_use_certificate(ctx, certificate_x509(certificate)) == 1 &&
           SSL_CTX_use_PrivateKey(ctx, certificate_key(certificate)) == 1 &&
           SSL_CTX_set_cipher_list(ctx, CIPHERS) == 1 &&
           SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384") == 1 &&
           SSL_CTX_set_tlsext_use_srtp(ctx, SRTP_PROFILES) == 0; /* 0 is success here */
}

static void dtls_context_clear(gpointer data)
{
    DtlsContext *context = data;
    SSL_CTX_free(context->ssl_ctx);
    BIO_meth_free(context->bio_method);
    certificate_unref(context->certificate);
}

DtlsContext *dtls_context_new(Certificate *certificate, GError **error)
{
    g_autoptr(DtlsContext) context = g_atomic_rc_box_new0(DtlsContext);
    context->certificate = certificate_ref(certificate);
    context->bio_method = dtls_bio_method_new();
    context->ssl_ctx = SSL_CTX_new(DTLS_method());
    if (context->bio_method && context->ssl_ctx &&
        dtls_context_configure(context->ssl_ctx, certificate))
        return g_steal_pointer(&context);
    char reason[128];
    ERR_error_string_n(ERR_peek_last_error(), reason, sizeof reason);
    ERR_clear_error();
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INTERNAL,
                "OpenSSL could not be set up for DTLS-SRTP (%s); check its configuration "
                "(openssl.cnf).",
                reason);
    return NULL;
}

DtlsContext *dtls_context_ref(DtlsContext *context)
{
    return g_atomic_rc_box_acquire(context);
}

void dtls_context_unref(DtlsContext *context)
{
    if (context)
        g_atomic_rc_box_release_full(context, dtls_context_clear);
}

const Certificate *dtls_context_certificate(const DtlsContext *context)
{
    return context->certificate;
}

/* --- One connection --- */

/* The default of one second is far more than a round trip; the peer doubles just so. */
static unsigned int dtls_next_timer_us(SSL *ssl, unsigned int last_us)
{
    (void)ssl;
    return last_us ? MIN(last_us * 2, DTLS_MAX_TIMER_MS * 1000) : DTLS_FIRST_TIMER_MS * 1000;
}

static SSL *dtls_ssl_new(Dtls *dtls)
{
    SSL *ssl = SSL_new(dtls->context->ssl_ctx);
    BIO *bio = BIO_new(dtls->context->bio_method);
    if (!ssl || !bio)
        g_error("out of memory in OpenSSL"); /* as GLib does */
    BIO_set_data(bio, dtls);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_app_data(ssl, dtls);
    SSL_set_mtu(ssl, DTLS_MTU);
    DTLS_set_timer_cb(ssl, dtls_next_timer_us);
    if (dtls->is_client)
        SSL_set_connect_state(ssl);
    else
        SSL_set_accept_state(ssl);
    return ssl;
}

Dtls *dtls_new(DtlsContext *context, gboolean is_client, const Fingerprint *peer, DtlsSend send,
               gpointer user)
{
    Dtls *dtls = g_new0(Dtls, 1);
    dtls->context = dtls_context_ref(context);
    dtls->is_client = is_client;
    dtls->peer = *peer;
    dtls->send = send;
    dtls->user = user;
    dtls->ssl = dtls_ssl_new(dtls);
    return dtls;
}

void dtls_free(Dtls *dtls)
{
    if (!dtls)
        return;
    SSL_free(dtls->ssl);
    dtls_context_unref(dtls->context);
    g_free(dtls);
}

static void dtls_fail(Dtls *dtls)
{
    unsigned long code = ERR_peek_last_error();
    gboolean may_restart =
        !dtls->is_client && !dtls->peer_seen && dtls->restarts < MAX_SERVER_RESTARTS;
    if (may_restart) {
        dtls->restarts++;
        SSL_free(dtls->ssl);
        dtls->ssl = dtls_ssl_new(dtls);
        return;
    }
    dtls->state = DTLS_FAILED;
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    g_snprintf(dtls->failure, sizeof dtls->failure, "%s",
               dtls->peer_refused ? "the peer's certificate is not the one that its SDP announced"
               : reason           ? reason
                                  : "the handshake was broken off");
}

/* Application data (SCTP of a data channel) is not ours: read and dropped, at most what one
 * datagram can hold. */
static void dtls_read(Dtls *dtls)
{
    guint8 ignored[1500];
    int n = 0;
    for (guint i = 0; i < 32; i++) {
        n = SSL_read(dtls->ssl, ignored, sizeof ignored);
        if (n <= 0)
            break;
    }
    if (n <= 0 && SSL_get_error(dtls->ssl, n) == SSL_ERROR_ZERO_RETURN)
        dtls->state = DTLS_CLOSED;
}

static void dtls_handshake(Dtls *dtls)
{
    int result = SSL_do_handshake(dtls->ssl);
    int why = result == 1 ? SSL_ERROR_NONE : SSL_get_error(dtls->ssl, result);
    if (result == 1 && dtls->peer_seen && !dtls->peer_refused)
        dtls->state = DTLS_ESTABLISHED;
    else if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
        dtls_fail(dtls);
}

static DtlsState dtls_advance(Dtls *dtls)
{
    ERR_clear_error();
    if (dtls->state == DTLS_HANDSHAKING)
        dtls_handshake(dtls);
    if (dtls->state == DTLS_ESTABLISHED)
        dtls_read(dtls);
    ERR_clear_error();
    return dtls->state;
}

DtlsState dtls_start(Dtls *dtls)
{
    return dtls->is_client ? dtls_advance(dtls) : dtls->state;
}

DtlsState dtls_receive(Dtls *dtls, const guint8 *data, gsize size)
{
    if (dtls->state != DTLS_HANDSHAKING && dtls->state != DTLS_ESTABLISHED)
        return dtls->state;
    dtls->incoming = data;
    dtls->incoming_size = size;
    dtls_advance(dtls);
    dtls->incoming = NULL;
    return dtls->state;
}

int dtls_timeout_ms(Dtls *dtls)
{
    struct timeval left;
    if (dtls->state != DTLS_HANDSHAKING || DTLSv1_get_timeout(dtls->ssl, &left) != 1)
        return -1;
    return (int)(left.tv_sec * 1000 + (left.tv_usec + 999) / 1000);
}

DtlsState dtls_timeout(Dtls *dtls)
{
    if (dtls->state != DTLS_HANDSHAKING)
        return dtls->state;
    ERR_clear_error();
    if (DTLSv1_handle_timeout(dtls->ssl) < 0)
        dtls_fail(dtls);
    ERR_clear_error();
    return dtls->state;
}

DtlsState dtls_state(const Dtls *dtls)
{
    return dtls->state;
}

const char *dtls_failure(const Dtls *dtls)
{
    return dtls->failure;
}

static gboolean dtls_profile(Dtls *dtls, SrtpProfile *profile)
{
    const SRTP_PROTECTION_PROFILE *selected = SSL_get_selected_srtp_profile(dtls->ssl);
    switch (selected ? selected->id : 0) {
    case SRTP_AEAD_AES_128_GCM:
        *profile = SRTP_PROFILE_GCM_128;
        return TRUE;
    case SRTP_AES128_CM_SHA1_80:
        *profile = SRTP_PROFILE_CM_80;
        return TRUE;
    case SRTP_AEAD_AES_256_GCM:
        *profile = SRTP_PROFILE_GCM_256;
        return TRUE;
    default:
        return FALSE;
    }
}

/* RFC 5764 section 4.2: client key, server key, client salt, server salt. */
gboolean dtls_keys(Dtls *dtls, SrtpKeys *keys)
{
    static const char label[] = "EXTRACTOR-dtls_srtp";
    guint8 material[2 * SRTP_MAX_KEY];
    if (dtls->state != DTLS_ESTABLISHED || !dtls_profile(dtls, &keys->profile))
        return FALSE;
    srtp_keys_set_sizes(keys);
    gsize key = keys->key_size, salt = keys->salt_size;
    if (SSL_export_keying_material(dtls->ssl, material, 2 * (key + salt), label, sizeof label - 1,
                                   NULL, 0, 0) != 1)
        return FALSE;
    guint8 *client = dtls->is_client ? keys->local : keys->remote;
    guint8 *server = dtls->is_client ? keys->remote : keys->local;
    memcpy(client, material, key);
    memcpy(server, material + key, key);
    memcpy(client + key, material + 2 * key, salt);
    memcpy(server + key, material + 2 * key + salt, salt);
    OPENSSL_cleanse(material, sizeof material);
    return TRUE;
}

void dtls_close(Dtls *dtls)
{
    if (dtls->state != DTLS_ESTABLISHED)
        return;
    ERR_clear_error();
    SSL_shutdown(dtls->ssl);
    ERR_clear_error();
    dtls->state = DTLS_CLOSED;
}
