#pragma once

#include "base/thread.h"

/* A transport carries RTP and RTCP to and from one peer. webrtc.c is the real one (ICE, DTLS,
 * SRTP); the tests have one in memory. Nothing above src/net/ knows which it is.
 *
 * A transport lives on the net thread: every function and every callback here, except where it
 * says otherwise. No callback is made after transport_close() returns. */

typedef struct Transport Transport;

typedef enum {
    TRANSPORT_NEW,
    TRANSPORT_CONNECTING,
    TRANSPORT_CONNECTED,    /* ICE and DTLS are done: packets flow */
    TRANSPORT_DISCONNECTED, /* nothing was heard for a while; may come back, or be restarted */
    TRANSPORT_FAILED,       /* will not come back by itself */
    TRANSPORT_CLOSED,
} TransportState;

/** DTLS role, the a=setup attribute (RFC 8842). */
typedef enum { DTLS_ROLE_AUTO, DTLS_ROLE_CLIENT, DTLS_ROLE_SERVER } DtlsRole;

/** Our side of the transport, as SDP says it. Valid until the transport is closed or restarted. */
typedef struct {
    const char *ice_ufrag, *ice_pwd;
    gboolean ice_lite;
    const char *fingerprint;       /* "sha-256 AB:CD:..." */
    const char *const *candidates; /* NULL-ended; each the value after "a=", "candidate:..." */
} TransportLocal;

/** The peer's side, as SDP says it. */
typedef struct {
    const char *ice_ufrag, *ice_pwd;
    gboolean ice_lite;
    const char *fingerprint; /* "sha-256 AB:CD:..."; checked before any key is used */
    DtlsRole peer_role;      /* what the peer chose, AUTO for actpass */
} TransportRemote;

typedef struct {
    void (*state)(TransportState state, gpointer user);
    /** TransportLocal is complete: host candidates are known (and reflexive and relayed ones, as
     *  far as they answered in time). Called once after _start and once after each _restart. */
    void (*gathered)(gpointer user);
    /** A packet that SRTP has authenticated and decrypted. The callee may scribble on it. */
    void (*rtp)(guint8 *packet, gsize size, gint64 arrival_ns, gpointer user);
    void (*rtcp)(guint8 *packet, gsize size, gint64 arrival_ns, gpointer user);
} TransportEvents;

typedef struct {
    guint64 sent_packets, sent_bytes, send_failures;
    guint64 received_packets, received_bytes;
    guint64 auth_failures, replays, dropped_early, dropped_malformed;
    guint64 dropped_over_limit;                 /* more than a peer may send (net/packet_limit.h) */
    const char *srtp_profile;                   /* or NULL */
    char local_address[64], remote_address[64]; /* of the selected pair; "" before */
    gint64 connect_ns;                          /* from transport_start to CONNECTED; 0 before */
} TransportStats;

/** One outgoing packet: `size` bytes of RTP or RTCP in a buffer with room for TRANSPORT_TAG more,
 *  where SRTP puts its authentication tag. */
typedef struct {
    guint8 *data;
    gsize size;
} TransportPacket;

#define TRANSPORT_TAG     32   /* bytes of room behind every outgoing packet (GCM 16 + index 4) */
#define TRANSPORT_MAX_RTP 1200 /* bytes of one outgoing RTP packet before SRTP */

typedef struct {
    const char *name;
    gboolean (*start)(Transport *transport, GError **error);
    const TransportLocal *(*local)(Transport *transport);
    gboolean (*set_remote)(Transport *transport, const TransportRemote *remote, GError **error);
    gboolean (*add_candidate)(Transport *transport, const char *candidate, GError **error);
    gboolean (*restart)(Transport *transport, GError **error);
    guint (*send_rtp)(Transport *transport, TransportPacket *packets, guint n);
    gboolean (*send_rtcp)(Transport *transport, TransportPacket *packet);
    void (*stats)(Transport *transport, TransportStats *stats);
    void (*close)(Transport *transport); /* and frees it */
} TransportType;

/** Every transport begins with this. */
struct Transport {
    const TransportType *type;
    const TransportEvents *events;
    gpointer user;
};

/** Makes a transport for one peer: what room/ is given so that it need not know which kind. */
typedef struct {
    Transport *(*transport_new)(gpointer factory_data, const TransportEvents *events, gpointer user,
                                GError **error);
    gpointer factory_data;
} TransportFactory;

/** Begin gathering; `gathered` follows. */
ON_NET_THREAD static inline gboolean transport_start(Transport *transport, GError **error)
{
    return transport->type->start(transport, error);
}

ON_NET_THREAD static inline const TransportLocal *transport_local(Transport *transport)
{
    return transport->type->local(transport);
}

/** Set the peer's credentials, once per offer/answer. Errors are TESSERA_ERROR_INVALID. */
ON_NET_THREAD static inline gboolean
transport_set_remote(Transport *transport, const TransportRemote *remote, GError **error)
{
    return transport->type->set_remote(transport, remote, error);
}

/** Add a remote candidate ("candidate:..." with or without "a="). Candidates that cannot be used
 *  (TCP, component 2, .local, malformed ports) are ignored and succeed. */
ON_NET_THREAD static inline gboolean transport_add_candidate(Transport *transport,
                                                             const char *candidate, GError **error)
{
    return transport->type->add_candidate(transport, candidate, error);
}

/** ICE restart: new local credentials, the same DTLS session and SRTP keys; `gathered` follows,
 *  then transport_set_remote() with the peer's new credentials. */
ON_NET_THREAD static inline gboolean transport_restart(Transport *transport, GError **error)
{
    return transport->type->restart(transport, error);
}

/** Protect and send RTP packets in place (they are scribbled on). Returns how many left. */
ON_NET_THREAD static inline guint transport_send_rtp(Transport *transport, TransportPacket *packets,
                                                     guint n)
{
    return transport->type->send_rtp(transport, packets, n);
}

ON_NET_THREAD static inline gboolean transport_send_rtcp(Transport *transport,
                                                         TransportPacket *packet)
{
    return transport->type->send_rtcp(transport, packet);
}

ON_NET_THREAD static inline void transport_stats(Transport *transport, TransportStats *stats)
{
    transport->type->stats(transport, stats);
}

/** Send DTLS close_notify, stop, free. No callback follows. NULL is allowed. */
ON_NET_THREAD static inline void transport_close(Transport *transport)
{
    if (transport)
        transport->type->close(transport);
}
