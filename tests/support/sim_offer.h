#pragma once

#include "rtp/rtp.h"

/* The offers of simulated participants (text that Chromium 130 wrote, with names and SSRCs of their
 * own) and what is to be known of an answer. */

/** (transfer full) The ICE user name of participant `number`. */
char *sim_offer_ufrag(guint number);
/** which: 0 sound, 1 pictures, 2 pictures sent again. */
guint32 sim_offer_ssrc(guint number, guint which);
/** (transfer full) */
char *sim_offer_text(guint number, gboolean sends);

typedef struct {
    char mid[17];
    guint8 payload_type;
    gint rtx_payload_type;  /* -1: none */
    guint32 ssrc, rtx_ssrc; /* what the server sends; 0: nothing */
    RtpExtMap extensions;
} SimAnswerMedia;

typedef struct {
    SimAnswerMedia audio, video;
} SimAnswer;

/** Aborts if it is no answer to such an offer. */
void sim_answer_read(const char *text, SimAnswer *answer);
