#pragma once

#include <libavutil/frame.h>

#include "mixer/video_rect.h"
#include "rtp/frame_assembler.h"
#include "rtp/rtp.h"

/* The eye of a simulated participant: puts the mix's pictures together, decodes them and notes what
 * a person would see: which colours stand where, and whether the pictures keep their cadence. */

typedef struct SimEye SimEye;

/** decode FALSE: pictures are put together and counted, not decoded. */
SimEye *sim_eye_new(gboolean decode);
void sim_eye_free(SimEye *eye);

/** `recovered`: it came by RTX. Without payload it is padding, which has its place among the
 * others. */
void sim_eye_packet(SimEye *eye, const RtpPacket *packet, gboolean recovered, gint64 arrival_ns);

/** Every 10 ms. Fills seqs with what to ask for again; *pli: a key frame is to be asked for. */
guint sim_eye_tick(SimEye *eye, gint64 now_ns, guint16 *seqs, guint max, gboolean *pli);

typedef struct {
    guint32 rtp_timestamp;
    gint64 arrival_ns; /* of its last packet */
    gint64 whole_ns;   /* when it and all before it were there */
    gboolean keyframe;
    gint probe_luma; /* of the probe; -1: not decoded */
} SimFrame;

/** Note the mean brightness of this part of each picture from now on. */
void sim_eye_probe(SimEye *eye, const VideoRect *rect);

/** Everything seen (transfer none), of SimFrame. */
const GArray *sim_eye_frames(const SimEye *eye);

/** The newest picture (transfer none), or NULL. */
const AVFrame *sim_eye_picture(const SimEye *eye);

typedef struct {
    gint y, u, v;
} SimColour;

/** The mean colour of a part of the newest picture. */
SimColour sim_eye_colour(const SimEye *eye, const VideoRect *rect);
SimColour sim_picture_colour(const AVFrame *picture, const VideoRect *rect);

/** Pictures that arrived between two moments. */
typedef struct {
    guint frames, keyframes;
    gint64 longest_gap_ns; /* between two arrivals, the ends of the time included */
    guint32 longest_step;  /* between two RTP timestamps */
    guint backwards;       /* timestamps that do not rise */
} SimCadence;

SimCadence sim_eye_cadence(const SimEye *eye, gint64 from_ns, gint64 to_ns);

typedef struct {
    guint64 packets, recovered, decode_errors, plis, nacks;
    guint64 dropped;      /* pictures that came, or began to, and could not be shown */
    guint64 size_changes; /* key frames of another size than before; not the first one */
    gint width, height;   /* of the newest key frame; 0: none yet */
} SimEyeStats;

void sim_eye_stats(const SimEye *eye, SimEyeStats *stats);
