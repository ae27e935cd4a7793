#pragma once

#include "rtp/rtp.h"
#include "support/media_file.h"

/* Plays a clip as the RTP stream of one sender, over and over, with a sender report each second. */

typedef struct {
    const MediaFile *file; /* (transfer none) NULL: nothing is sent */
    guint32 ssrc;
    guint8 payload_type;
    guint8 level_dbov;           /* sound: what it says of its loudness (RFC 6464) */
    const RtpExtMap *extensions; /* (transfer none) */
    guint16 *transport_seq;      /* (transfer none) shared by the streams of one transport */
    void (*send)(guint8 *data, gsize size, gpointer user); /* RTP and RTCP */
    gpointer user;

    /* The player's own. */
    guint next; /* payload */
    guint16 seq;
    guint32 packets, octets;
    gint64 epoch_ns, base_ns, next_report_ns;
} ClipPlayer;

/** Begin at now_ns, `offset_ns` into the clip (pictures: 0, they need their key frame). */
void clip_player_start(ClipPlayer *player, gint64 offset_ns, gint64 now_ns);

/** Send what is due. Returns the number of RTP packets. */
guint clip_player_run(ClipPlayer *player, gint64 now_ns);
