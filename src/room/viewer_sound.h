#pragma once

#include "room/voice_wish.h"
#include "rtp/rtcp.h"

/* What one viewer's sound is to be: at which rate, by what its line has room for, and how it is
 * made safe where the viewer reports loss. RED (RFC 2198: each packet carries the one before again)
 * costs bits of this line alone, in-band FEC a second encode of the mix for all who want it: so RED
 * where it was negotiated and the line has room, else FEC. Pure; driven by now_ns. */

typedef struct {
    gint full_bps; /* what is configured for the sound of the mix */
    guint8 payload_type;
    gint red_payload_type; /* -1: RED was not negotiated */
    gboolean fec;          /* the viewer makes use of in-band FEC (RFC 7587: useinbandfec=1) */
} ViewerSoundConfig;

typedef struct {
    ViewerSoundConfig config;
    gint budget_bps;
    gint64 room_since_ns; /* since when the budget has allowed for a higher rate; 0: it does not */
    VoiceRate rate;

    gboolean reported;
    guint32 highest_seq; /* of the newest report */
    gdouble loss;        /* of the last seconds, 0..1 */
    gboolean lossy;
    gint64 clean_since_ns; /* while lossy: since when there is next to no loss; 0: there is */

    GBytes *previous; /* what RED repeats: the packet before, or NULL */
    guint32 previous_timestamp;
} ViewerSound;

void viewer_sound_init(ViewerSound *sound, gint full_bps);
void viewer_sound_clear(ViewerSound *sound);

/** What was negotiated; what is known of the line stays. */
void viewer_sound_configure(ViewerSound *sound, const ViewerSoundConfig *config);

/** How much Opus the line has room for, in bits per second; what is configured or more: no
 *  shortage. The rate falls at once, and rises when there was room for five seconds. */
void viewer_sound_budget(ViewerSound *sound, gint bps, gint64 now_ns);

/** A report block about the sound. More than 1 % of loss, by the packets of the last seconds, asks
 *  for protection until there was next to none for fifteen seconds. */
void viewer_sound_report(ViewerSound *sound, const RtcpReportBlock *block, gint64 now_ns);

/** Which encode it is to be from now on. */
VoiceWish viewer_sound_wish(const ViewerSound *sound);

/** Whether packets are sent as RED now. */
gboolean viewer_sound_red(const ViewerSound *sound);

/** The next packet is to be sent: rises and ends of protection that are due happen, and the payload
 *  is written into `out` as RED. Returns its size; 0: send the packet as it is. A reference is
 *  kept for the next one. */
gsize viewer_sound_packet(ViewerSound *sound, GBytes *packet, guint32 timestamp, gint64 now_ns,
                          guint8 *out, gsize capacity);
