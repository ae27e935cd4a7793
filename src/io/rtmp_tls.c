#include "io/rtmp_tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/error.h"

#define PIECE 16384 /* a record's contents */

struct RtmpTlsContext {
    SSL_CTX *ctx;
};

struct RtmpTls {
    SSL *ssl;
    BIO *in, *out; /* the SSL's */
};

static void tls_set_error(GError **error, const char *what, const char *file)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    g_set_error(
        error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
        "The %s for RTMPS, \"%s\", cannot be used (%s); give a PEM file that the server may "
        "read.",
        what, file, reason ? reason : "unknown reason");
    ERR_clear_error();
}

RtmpTlsContext *rtmp_tls_context_new(const char *certificate_file, const char *key_file,
                                     GError **error)
{
    g_autoptr(RtmpTlsContext) context = g_new0(RtmpTlsContext, 1);
    context->ctx = SSL_CTX_new(TLS_server_method());
    if (!context->ctx)
        g_error("out of memory in OpenSSL"); /* as GLib does */
    SSL_CTX_set_min_proto_version(context->ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(context->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(context->ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context->ctx, SSL_SESS_CACHE_OFF);
    if (SSL_CTX_use_certificate_chain_file(context->ctx, certificate_file) != 1) {
        tls_set_error(error, "certificate", certificate_file);
        return NULL;
    }
    if (SSL_CTX_use_PrivateKey_file(context->ctx, key_file, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context->ctx) != 1) {
        tls_set_error(error, "key", key_file);
        return NULL;
    }
    return g_steal_pointer(&context);
}

void rtmp_tls_context_free(RtmpTlsContext *context)
{
    if (!context)
        return;
    SSL_CTX_free(context->ctx);
    g_free(context);
}

RtmpTls *rtmp_tls_new(RtmpTlsContext *context)
{
    RtmpTls *tls = g_new0(RtmpTls, 1);
    tls->ssl = SSL_new(context->ctx);
    tls->in = BIO_new(BIO_s_mem());
    tls->out = BIO_new(BIO_s_mem());
    if (!tls->ssl || !tls->in || !tls->out)
        g_error("out of memory in OpenSSL");
    SSL_set_bio(tls->ssl, tls->in, tls->out);
    SSL_set_accept_state(tls->ssl);
    return tls;
}

void rtmp_tls_free(RtmpTls *tls)
{
    if (!tls)
        return;
    SSL_free(tls->ssl);
    g_free(tls);
}

gboolean rtmp_tls_feed(RtmpTls *tls, const guint8 *data, gsize size, GByteArray *plain)
{
    guint8 piece[PIECE];
    int n;
    ERR_clear_error();
    if (BIO_write(tls->in, data, (int)size) != (int)size)
        return FALSE;
    while ((n = SSL_read(tls->ssl, piece, sizeof piece)) > 0)
        g_byte_array_append(plain, piece, (guint)n);
    gboolean open = SSL_get_error(tls->ssl, n) == SSL_ERROR_WANT_READ;
    ERR_clear_error();
    return open;
}

gboolean rtmp_tls_write(RtmpTls *tls, const guint8 *data, gsize size)
{
    if (size == 0)
        return TRUE;
    int n = SSL_write(tls->ssl, data, (int)size);
    ERR_clear_error();
    return n == (int)size;
}

void rtmp_tls_close(RtmpTls *tls)
{
    if (SSL_is_init_finished(tls->ssl))
        SSL_shutdown(tls->ssl);
    ERR_clear_error();
}

void rtmp_tls_take(RtmpTls *tls, GByteArray *wire)
{
    guint8 piece[PIECE];
    int n;
    while ((n = BIO_read(tls->out, piece, sizeof piece)) > 0)
        g_byte_array_append(wire, piece, (guint)n);
}
