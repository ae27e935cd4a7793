#pragma once

#include <jansson.h>

#include "room/ingress.h"
#include "room/viewer.h"
#include "sdp/negotiate.h"

/* One WebRTC connection:  transport -> ingress -> inputs,  renditions and voices -> viewer ->
 * transport The control thread makes it and gives it what was negotiated; everything inside runs on
 * the net thread; events come back to the control thread. */

typedef struct Peer Peer;

/** Our side of the transport, for the answer. */
typedef struct {
    char *ice_ufrag, *ice_pwd, *fingerprint;
    gboolean ice_lite;
    char **candidates;
} PeerLocal;

/** All on the control thread; none after peer_close(). */
typedef struct {
    /** After peer_connect(), and after peer_restart(): local is NULL when it failed. */
    void (*local)(const PeerLocal *local, const GError *error, gpointer user);
    void (*state)(TransportState state, gpointer user);
    /** Which sources send now: bits (1 << SourceKind). */
    void (*sources)(guint active, gpointer user);
    /** What the peer's line lets it have from now on; full in the beginning. */
    void (*quality)(ViewerQuality quality, gpointer user);
} PeerEvents;

/** What an offer came to. */
typedef struct {
    Negotiated *negotiated; /* (owned) */
    Ladder *ladder;         /* (a reference) of what the viewer sees, or NULL */
    char cname[33];
    gint64 mix_epoch_ns;
    guint16 playout_max_10ms; /* 0: the peer decides how much it buffers */
} PeerMedia;

PeerMedia *peer_media_new(Negotiated *negotiated, Ladder *ladder);
void peer_media_free(PeerMedia *media);

/** References of the sinks are taken. */
Peer *peer_new(Engine *engine, const IngressSinks *sinks, const PeerEvents *events,
               gpointer user) ON_CONTROL_THREAD;

/** Stop, and let go of the control thread's reference. */
void peer_close(Peer *peer) ON_CONTROL_THREAD;

/** The first offer: make the transport and gather; `local` follows. (transfer full) */
void peer_connect(Peer *peer, PeerMedia *media) ON_CONTROL_THREAD;

/** We are to offer: make the transport and gather; `local` follows, and peer_accept() when the
 *  answer came. */
void peer_prepare(Peer *peer) ON_CONTROL_THREAD;

/** What the answer to our offer came to (transfer full). `local` follows only if it fails. */
void peer_accept(Peer *peer, PeerMedia *media) ON_CONTROL_THREAD;

/** A later offer on the same transport: `local` follows. With `restart`, ICE begins anew. */
void peer_renegotiate(Peer *peer, PeerMedia *media, gboolean restart) ON_CONTROL_THREAD;

/** New ICE credentials of the peer without an offer (WHIP PATCH): ICE restart; `local` follows. */
void peer_restart_ice(Peer *peer, const char *ice_ufrag, const char *ice_pwd) ON_CONTROL_THREAD;

void peer_add_candidate(Peer *peer, const char *candidate) ON_CONTROL_THREAD;

/** Send of this ladder instead, of the same codec (transfer none); nothing if no video was
 *  negotiated, or another codec since. */
void peer_set_ladder(Peer *peer, Ladder *ladder) ON_CONTROL_THREAD;

/** For the graph, which names it when it delivers sound (transfer none). */
Viewer *peer_viewer(Peer *peer);

/** Calls back on the control thread with counters (transfer full); also after peer_close(). */
typedef void (*PeerStatsReady)(json_t *stats, gpointer user);
void peer_stats(Peer *peer, PeerStatsReady ready, gpointer user) ON_CONTROL_THREAD;
