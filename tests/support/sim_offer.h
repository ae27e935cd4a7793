#pragma once

#include "rtp/rtp.h"

/* The offers of simulated participants (text that Chromium 130 wrote, with names and SSRCs of their
 * own) and what is to be known of an answer. */

/** (transfer full) The ICE user name of participant `number`. */
char *sim_offer_ufrag(guint number);
/** which: 0 sound; 1 pictures, 2 pictures sent again; of further layers 3 and 4, 5 and 6. */
guint32 sim_offer_ssrc(guint number, guint which);
/** How somebody's pictures are sent: one stream; three layers called q, h and f, which are not
 *  announced by SSRC; or three layers announced as a SIM group. */
typedef enum { SIM_ONE_LAYER, SIM_BY_RID, SIM_BY_SSRC } SimSimulcast;

/** (transfer full) */
char *sim_offer_text(guint number, gboolean sends, SimSimulcast simulcast);
/** (transfer full) The same offer by somebody who does not know RED, as Firefox. */
char *sim_offer_without_red(const char *offer);
/** (transfer full) The same offer by somebody who cannot tell what arrived when: without the header
 *  extension and without the feedback. */
char *sim_offer_without_transport_cc(const char *offer);
/** (transfer full) The same offer by somebody who wants VP8 sent again in its own stream. */
char *sim_offer_without_rtx(const char *offer);

/** (transfer full) The same offer of somebody who watches (recvonly), for the sound alone. */
char *sim_offer_without_pictures(const char *offer);

typedef struct {
    char mid[17];
    guint8 payload_type;
    gint rtx_payload_type;  /* -1: none */
    gint red_payload_type;  /* -1: none */
    guint32 ssrc, rtx_ssrc; /* what the server sends; 0: nothing */
    gboolean simulcast;     /* the server takes layers */
    RtpExtMap extensions;
} SimAnswerMedia;

typedef struct {
    SimAnswerMedia audio, video;
} SimAnswer;

/** Aborts if it is no answer to such an offer. */
void sim_answer_read(const char *text, SimAnswer *answer);
