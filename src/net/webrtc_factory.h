#pragma once

#include "net/dtls.h"
#include "net/nested_loop.h"
#include "net/transport.h"
#include "net/webrtc.h"

/* What the transports of one factory share; for webrtc.c and webrtc_factory.c only. */

/** DTLS handshakes that may be half-open at once in one process; the others wait. */
#define WEBRTC_MAX_HANDSHAKES 64

struct WebrtcFactory {
    TransportFactory transports;
    GMainContext *context;
    NestedLoops *loops;  /* one for each transport, run by `context` */
    WebrtcConfig config; /* a deep copy; its strings are in `strings` */
    GPtrArray *strings;
    DtlsContext *dtls;

    /* Net thread. */
    guint live;
    guint handshakes;
};

/** The DTLS context for a new transport (transfer full); an aged certificate is replaced. */
DtlsContext *webrtc_factory_dtls(WebrtcFactory *factory) ON_NET_THREAD;

/** One transport of the factory, not started yet (webrtc.c). */
Transport *webrtc_transport_new(WebrtcFactory *factory, const TransportEvents *events,
                                gpointer user) ON_NET_THREAD;
