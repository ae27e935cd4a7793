#pragma once

#include "rtp/bwe.h"

/* When packets go out: an ordinary frame at once, a large one spread, so that no queue builds in
 * the path. It sends at 2.5 times the estimate, up to 40 ms of that in one go; sound is never held,
 * only counted; retransmissions go before video; a probe goes at its own rate, with padding where
 * there is nothing better. Owns no socket and allocates nothing per packet once its rings have
 * grown. At every tick: pop until FALSE, send everything with one call. Net thread. */

#define PACER_TICK_NS     (5 * G_GINT64_CONSTANT(1000000))
#define PACER_MAX_AGE_NS  (2 * G_GINT64_CONSTANT(1000000000)) /* what waited longer is dropped */
#define PACER_MAX_PACKETS 4096                                /* waiting, of each kind */
#define PACER_MAX_PADDING 1200                                /* bytes of one padding packet */
#define PACER_MIN_PADDING 200

typedef enum { PACER_RETRANSMISSION, PACER_VIDEO, PACER_PADDING } PacerKind;

typedef struct {
    PacerKind kind;
    gsize size; /* bytes on the wire; of padding: about what the caller shall send */
    gint64 enqueued_ns;
    gint probe_cluster; /* what to tell bwe_sent() */
    gpointer payload;   /* the caller's again; NULL for padding */
} PacerItem;

typedef struct Pacer Pacer;

/** free_payload is for what is dropped and what is left at the end. */
Pacer *pacer_new(GDestroyNotify free_payload);
void pacer_free(Pacer *pacer);

/** The estimate changed. */
void pacer_set_rate(Pacer *pacer, gint estimate_bps);

/** Sound (or something else) of `size` bytes went past the queue. */
void pacer_account(Pacer *pacer, gsize size, gint64 now_ns);

/** (transfer full) Retransmission or video. One that finds PACER_MAX_PACKETS waiting is dropped. */
void pacer_push(Pacer *pacer, PacerKind kind, gsize size, gpointer payload, gint64 now_ns);

/** Send this probe; replaces one that is being sent. */
void pacer_probe(Pacer *pacer, const BweProbe *probe, gint64 now_ns);
gboolean pacer_probing(const Pacer *pacer);

/** What goes out now. FALSE: nothing more before pacer_next_ns(). */
gboolean pacer_pop(Pacer *pacer, gint64 now_ns, PacerItem *item);

/** When to pop again; G_MAXINT64: not before something is pushed. */
gint64 pacer_next_ns(const Pacer *pacer, gint64 now_ns);

/** How long what waits will take at the estimate. Over 250 ms do without frames that nothing refers
 *  to, over 500 ms without any up to the next key frame. */
gint64 pacer_queue_ns(const Pacer *pacer);

/** Drop the video that waits: the stream goes on at a key frame. Retransmissions stay. */
void pacer_drop_video(Pacer *pacer);

typedef struct {
    guint64 packets, dropped, padding_bytes;
    guint waiting;
} PacerStats;

void pacer_stats(const Pacer *pacer, PacerStats *stats);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pacer, pacer_free)
