#pragma once

#include "net/certificate.h"
#include "net/srtp_link.h"

/* DTLS 1.2 (RFC 6347) with the use_srtp extension (RFC 5764), over OpenSSL, datagrams in and out
 * by memory. It has no socket and no timer of its own: the owner asks dtls_timeout_ms() after
 * every call and calls dtls_timeout() when it is over. One thread at a time. */

typedef struct DtlsContext DtlsContext; /* counted: what all handshakes share */
typedef struct Dtls Dtls;

typedef enum {
    DTLS_HANDSHAKING,
    DTLS_ESTABLISHED, /* the peer's certificate matched, the keys are there */
    DTLS_CLOSED,      /* the peer sent close_notify */
    DTLS_FAILED,
} DtlsState;

#define DTLS_MTU            1200 /* bytes of one datagram */
#define DTLS_FIRST_TIMER_MS 100
#define DTLS_MAX_TIMER_MS   4000

/** Sends one datagram; called from inside dtls_start(), _receive(), _timeout() and _close(). */
typedef void (*DtlsSend)(const guint8 *data, gsize size, gpointer user);

/** `certificate` is counted, not taken. */
DtlsContext *dtls_context_new(Certificate *certificate, GError **error);
DtlsContext *dtls_context_ref(DtlsContext *context);
void dtls_context_unref(DtlsContext *context);
const Certificate *dtls_context_certificate(const DtlsContext *context);

/** One handshake. `peer` is the fingerprint that the peer's certificate must have. */
Dtls *dtls_new(DtlsContext *context, gboolean is_client, const Fingerprint *peer, DtlsSend send,
               gpointer user);
void dtls_free(Dtls *dtls);

/** A client sends its ClientHello, a server does nothing. */
DtlsState dtls_start(Dtls *dtls);

/** One datagram from the peer. Malformed records are ignored; after the handshake nothing but an
 *  authenticated close_notify changes the state. */
DtlsState dtls_receive(Dtls *dtls, const guint8 *data, gsize size);

/** Milliseconds until dtls_timeout() is due; -1: no timer runs. */
int dtls_timeout_ms(Dtls *dtls);
DtlsState dtls_timeout(Dtls *dtls);

DtlsState dtls_state(const Dtls *dtls);

/** Why it failed, for the log; "" if it did not. */
const char *dtls_failure(const Dtls *dtls);

/** The SRTP keys. FALSE unless established with a profile that we know. */
gboolean dtls_keys(Dtls *dtls, SrtpKeys *keys);

/** Send close_notify. */
void dtls_close(Dtls *dtls);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DtlsContext, dtls_context_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Dtls, dtls_free)
