#pragma once

#include <glib.h>

/* The rate by loss: the most likely pair of the path's capacity and of a loss that has nothing to
 * do with the rate, after the last 20 observations (libwebrtc's LossBasedBweV2, short form). Random
 * loss of a radio costs little; loss that comes with the rate costs what is too much. Pure. */

#define BWE_LOSS_OBSERVATIONS 20

typedef struct {
    guint packets, lost;
    gdouble sent_bps;
} BweLossObservation;

typedef struct {
    gint max_bps;
    gdouble bps, inherent; /* the best guess; bps of 0: none yet */
    gboolean limited;      /* by loss rather than by delay */
    gboolean increasing;
    gdouble window_limit_bps; /* no more than that until window_ns */
    gint64 window_ns;
    BweLossObservation ring[BWE_LOSS_OBSERVATIONS];
    guint count, head;
    guint packets, lost; /* of the observation that is being made */
    gsize size;
    gint64 first_sent_ns, last_sent_ns;
    guint gap_lost; /* since the newest that arrived: a queue that overflows, or a network away */
    gsize gap_size;
    gint64 gap_sent_ns;         /* of the first of those */
    gdouble average, deviation; /* of recent loss, 0..1; how sure that is */
} BweLoss;

void bwe_loss_init(BweLoss *loss, gint max_bps);

/** The fate of a packet is known. What was lost while nothing at all arrived for long says nothing
 *  about the rate: the network was away. It is forgotten. */
void bwe_loss_packet(BweLoss *loss, gint64 sent_ns, gsize size, gboolean lost);

/** One that was told lost came after all. */
void bwe_loss_recovered(BweLoss *loss, gsize size);

/** A feedback is through. acked_bps: 0 where it is not known or the application sends less than it
 *  could. */
void bwe_loss_update(BweLoss *loss, gint delay_bps, gint acked_bps);
