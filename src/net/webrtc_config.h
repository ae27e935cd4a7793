#pragma once

#include <glib.h>

/* What a WebRTC transport is told by the configuration. Plain values: the factory copies them. */

typedef struct {
    const char *host;
    guint port;
    const char *user, *password;
    const char *transport; /* "udp" or NULL, "tcp"; "tls" is for clients only and skipped */
} WebrtcTurnServer;

typedef struct {
    guint port_min, port_max;      /* UDP (and TCP) ports of host candidates; 0, 0: any */
    const char *const *public_ips; /* NULL or NULL-ended: "public" or "public/private" */
    const char *stun_server;       /* "host:port" or NULL */
    const WebrtcTurnServer *turn_servers;
    gsize n_turn_servers;
    const char *const *bind_addresses; /* NULL or NULL-ended; NULL: every usable address */
    gboolean include_loopback;         /* candidates on 127.0.0.1 and ::1, and peers there */
    gboolean ipv6;
    gboolean tcp; /* TCP ports too, for peers whose UDP is blocked */

    /* Milliseconds; 0 takes the default. */
    guint connect_ms;      /* 30000: set_remote to CONNECTED, else FAILED */
    guint handshake_ms;    /* 10000: first DTLS datagram to the keys, else FAILED */
    guint disconnected_ms; /* 5000: silence of a peer that was sending, then DISCONNECTED */
    guint failed_ms;       /* 30000 (RFC 7675 section 5.1): silence, then FAILED */
} WebrtcConfig;
