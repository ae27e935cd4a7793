#pragma once

#include <glib.h>
#include <libavcodec/codec_par.h>
#include <libavcodec/packet.h>

/* What comes into a room by other doors than WebRTC (RTMP publishers, files, URLs): encoded packets
 * with their sender's times. */

typedef enum { MEDIA_VIDEO, MEDIA_AUDIO } MediaKind;

/** Called on a thread of the source, in order. */
typedef struct {
    /** A stream begins, or goes on with other parameters (transfer none): codec id, extradata. */
    void (*stream)(MediaKind kind, const AVCodecParameters *parameters, gpointer user);

    /** pts and dts: microseconds of the sender's clock, the same for both kinds; rising dts. They
     * may jump when the sender begins anew. H.264 and HEVC: as `parameters` say (avcC or Annex B).
     *  arrival_ns: when it came (CLOCK_MONOTONIC). */
    void (*packet)(MediaKind kind, const AVPacket *packet, gint64 arrival_ns, gpointer user);

    /** Nothing follows. error: one sentence, or NULL: it ended by itself. */
    void (*ended)(const GError *error, gpointer user);
} MediaEvents;
