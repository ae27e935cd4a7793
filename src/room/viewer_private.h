#pragma once

#include "room/rung_choice.h"
#include "room/viewer.h"
#include "room/viewer_sound.h"
#include "rtp/bwe.h"
#include "rtp/history.h"
#include "rtp/pacer.h"
#include "rtp/rtp_stats.h"

/* What the files of the viewer share. Net thread.
 *
 *   viewer_rate.c   estimate of the line -> which rung of the ladder
 *   viewer_video.c  that rung's frames -> numbers of this stream -> pacer
 *   viewer_send.c   pacer, sound -> RTP -> transport; what is sent again
 *   viewer.c        life, configuration, feedback, reports */

typedef struct {
    ViewerStream config;
    guint16 next_seq;
    guint32 ts_offset;
    RtpSendStats sent;
    guint32 reported; /* packets that the last sender report counted */
    guint32 arrived;  /* the highest number that the peer has reported */
} OutStream;

/* What stays the same while the rendition changes: the numbers of the stream that is sent. */
typedef struct {
    gboolean aligned; /* the offsets belong to the present rendition */
    gint picture_id_offset, tl0_offset;
    gint last_picture_id, last_tl0;
    guint32 last_timestamp; /* of the mix; valid once a frame was sent */
    gint64 last_captured_ns;
} ViewerNumbers;

/* The estimate of the line, and what is made of it. */
typedef struct {
    Bwe *bwe; /* NULL: not configured yet */
    gboolean transport_cc;
    gboolean fixed; /* there is no ladder: the full picture, whatever the line carries */
    gint start_bps;
    RungChoice choice;
    gint64 decide_at_ns; /* the first choice is made when the line was measured, or then */
    gboolean decided;
    gboolean has_chosen; /* at least once */
    gboolean away;       /* nothing gets through: no pictures until something does */
    gint64 next_ask_ns;
    gint budget_bps; /* for pictures; 0: not known */
    gint64 next_ns;
} ViewerRate;

struct Viewer {
    gint refs;       /* atomic */
    gint voice_wish; /* atomic: viewer_voice_wish() */
    Engine *engine;

    /* Net thread. */
    Transport *transport; /* NULL: detached */
    ViewerConfig config;
    OutStream audio, video;
    ViewerSound sound;
    guint16 rtx_seq, transport_seq;
    RtpHistory *history;
    Pacer *pacer;
    ViewerRate rate;

    Ladder *ladder;       /* what there is to choose of, or NULL */
    Rendition *rendition; /* what is sent */
    Rendition *next;      /* what is sent from its first key frame on, or NULL */
    ViewerNumbers numbers;
    gint64 switches_until_ns, keyframes_until_ns;
    gboolean had_keyframe;
    guint since_keyframe; /* packets, from the newest key frame's first on */
    gboolean stuck;       /* the line does not drain: nothing is sent up to a key frame */

    guint resend_credit;                     /* packets */
    gint64 least_rtt_ns;                     /* lately; 0: unknown */
    gint64 playout_min_ns, playout_moved_ns; /* what its pictures are to wait */
    gint64 next_report_ns;
    ViewerStats stats;
};

/* viewer.c */
void viewer_publish_voice_wish(Viewer *viewer);
/** Bits per second of the sound's payloads now, RED's repetitions included. */
gint viewer_sound_bps(const Viewer *viewer);

/* viewer_rate.c */
void viewer_rate_configure(Viewer *viewer, gboolean transport_cc) ON_NET_THREAD;
/** The connection stands, or what is seen has changed: choose anew. */
void viewer_rate_begin(Viewer *viewer) ON_NET_THREAD;
void viewer_rate_tick(Viewer *viewer, gint64 now_ns) ON_NET_THREAD;
void viewer_rate_rtcp(Viewer *viewer, const RtcpPacket *packet, gint64 now_ns) ON_NET_THREAD;
/** A report block about one of our streams. advanced: more has arrived than at the one before;
 *  rtt_ns: -1 where not known. */
void viewer_rate_report(Viewer *viewer, const RtcpReportBlock *block, gboolean advanced,
                        gint64 rtt_ns, gint64 now_ns) ON_NET_THREAD;

/* viewer_video.c */
/** From the next key frame on send this one; NULL: no pictures. */
void viewer_take(Viewer *viewer, Rendition *rendition) ON_NET_THREAD;
/** It lost its way. */
void viewer_want_keyframe(Viewer *viewer, gint64 now_ns) ON_NET_THREAD;

/* viewer_send.c */
/** Nothing waits any more, and what was sent is not sent again. */
void viewer_send_clear(Viewer *viewer);
/** One packet of the present picture; its payload is `size` bytes. */
void viewer_queue_video(Viewer *viewer, GBytes *payload, gboolean marker,
                        gint64 now_ns) ON_NET_THREAD;
/** Send one packet that says nothing: its arrival is an answer. */
void viewer_send_ask(Viewer *viewer, gint64 now_ns) ON_NET_THREAD;
/** Send what may go now. */
void viewer_pump(Viewer *viewer, gint64 now_ns) ON_NET_THREAD;
void viewer_nack(Viewer *viewer, const RtcpPacket *packet, gint64 now_ns) ON_NET_THREAD;
