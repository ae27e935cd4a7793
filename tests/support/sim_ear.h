#pragma once

#include <glib.h>

#include "rtp/rtp.h"

/* The ear of a simulated participant: decodes the mix's sound without any concealment and tells
 * what a person would hear of it. Samples stand where their RTP timestamps put them; what never
 * came is zeros. */

typedef struct SimEar SimEar;

/** decode FALSE: packets are only counted. */
SimEar *sim_ear_new(gboolean decode);
void sim_ear_free(SimEar *ear);
void sim_ear_packet(SimEar *ear, const RtpPacket *packet, gint64 arrival_ns);
/** A packet that RED carries again, before the one that carries it: heard if it did not come. */
void sim_ear_again(SimEar *ear, const RtpPacket *packet);

/** Share of the time between two moments, 0..1, for which nothing came: neither the packet, nor its
 *  repetition in RED, nor in-band FEC in the packet after it. A person hears that as concealment.
 */
gdouble sim_ear_missed(const SimEar *ear, gint64 from_ns, gint64 to_ns);

/** Level of a tone in dBFS (a full-scale sine: 0) in what arrived between two moments. */
gdouble sim_ear_tone_db(const SimEar *ear, gdouble hz, gint64 from_ns, gint64 to_ns);

/** How steady a tone is, by windows of 80 ms; it and all others are multiples of 12.5 Hz. Samples
 *  that are missing or made up show as a step of phase (whole ticks of 20 ms only where it is not a
 *  multiple of 50 Hz) or as a dip. */
typedef struct {
    guint windows;
    gdouble level_db;       /* of all */
    gdouble worst_dip_db;   /* the weakest window against the mean; 0 or negative */
    gdouble worst_step_rad; /* of phase from one window to the next */
} SimTone;

SimTone sim_ear_watch_tone(const SimEar *ear, gdouble hz, gint64 from_ns, gint64 to_ns);

/** (transfer full) RTP timestamps (guint32) at which a tone begins: 40 ms of quiet, then the tone.
 */
GArray *sim_ear_onsets(const SimEar *ear, gdouble hz, gint64 from_ns, gint64 to_ns);

typedef struct {
    guint64 packets;
    guint64 missing;        /* sequence numbers that never came */
    guint64 bad_steps;      /* timestamps that are not 960 further per sequence number */
    guint64 undecoded;      /* malformed */
    guint64 by_red, by_fec; /* of the missing, those that were made up for */
    gint64 longest_gap_ns;  /* between two arrivals */
} SimEarStats;

void sim_ear_stats(const SimEar *ear, SimEarStats *stats);
/** Begin the statistics anew. */
void sim_ear_mark(SimEar *ear);
