#pragma once

#include "net/transport.h"
#include "net/webrtc_config.h"

/* The real transport behind net/transport.h: ICE (ice_nice.c), DTLS (dtls.c), SRTP (srtp_link.c).
 *
 *   datagram -> RFC 7983 by first byte -> DTLS -> keys ----.
 *                                      -> SRTP, SRTCP -> unprotect -> events
 *   transport_send_rtp() -> protect -> nominated pair
 *
 * Beyond transport.h: every event comes from the loop of the net context, never from inside a
 * transport_ function; so any of them may be called, transport_close() too, from any event. A
 * peer that says goodbye (DTLS close_notify) makes TRANSPORT_CLOSED. After TRANSPORT_FAILED
 * packets are neither sent nor delivered; transport_restart() may bring the connection back,
 * unless DTLS was what failed. */

typedef struct WebrtcFactory WebrtcFactory;

/** Copies `config`. One DTLS certificate is made here (and anew every two weeks).
 *  `net_context` is the context of all its transports. Any thread. */
WebrtcFactory *webrtc_factory_new(const WebrtcConfig *config, GMainContext *net_context,
                                  GError **error);

/** Its transports must be closed. Runs the context until their sockets are closed too; so on the
 *  net thread, or after its loop has ended. */
void webrtc_factory_free(WebrtcFactory *factory) ON_NET_THREAD;

/** What room/ is given (transfer none). */
const TransportFactory *webrtc_factory_transports(WebrtcFactory *factory);

/** "sha-256 ..." of the certificate that the next transport will use. */
const char *webrtc_factory_fingerprint(const WebrtcFactory *factory);

/** Transports that exist, those whose sockets are still closing included. */
guint webrtc_factory_live(const WebrtcFactory *factory) ON_NET_THREAD;
