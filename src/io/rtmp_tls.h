#pragma once

#include <glib.h>

/* TLS around an RTMP connection (RTMPS), the server's side, with bytes in memory: sockets are the
 * owner's. One thread for a connection; a context may be shared. */

typedef struct RtmpTlsContext RtmpTlsContext;
typedef struct RtmpTls RtmpTls;

/** PEM files: the certificate with its chain, and its key. TESSERA_ERROR_INVALID names the file. */
RtmpTlsContext *rtmp_tls_context_new(const char *certificate_file, const char *key_file,
                                     GError **error);
void rtmp_tls_context_free(RtmpTlsContext *context);

/** The context must outlive it. */
RtmpTls *rtmp_tls_new(RtmpTlsContext *context);
void rtmp_tls_free(RtmpTls *tls);

/** Bytes of the peer; what they say is appended to `plain`. FALSE: the peer closed, or is no TLS
 *  client of ours. */
gboolean rtmp_tls_feed(RtmpTls *tls, const guint8 *data, gsize size, GByteArray *plain);

/** Encrypt, after the first plain bytes came from the peer. FALSE: broken. */
gboolean rtmp_tls_write(RtmpTls *tls, const guint8 *data, gsize size);

/** Say that nothing follows. */
void rtmp_tls_close(RtmpTls *tls);

/** Move the bytes for the peer to the end of `wire`. To be called after each of the above. */
void rtmp_tls_take(RtmpTls *tls, GByteArray *wire);

/** About what a connection holds. */
#define RTMP_TLS_MEMORY 32768

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RtmpTlsContext, rtmp_tls_context_free)
