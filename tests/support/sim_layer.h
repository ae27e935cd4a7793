#pragma once

#include "codecs/codec.h"
#include "rtp/history.h"
#include "rtp/rtcp.h"
#include "rtp/rtp.h"
#include "support/sim_camera.h"

/* One encode of a simulated camera: the stream that it is sent as, its encoder, and what may be
 * asked for again. */

#define SIM_LAYERS 3

typedef struct {
    guint32 ssrc;
    guint8 payload_type;
} SimStreamId;

/** One stream that is sent. */
typedef struct {
    SimStreamId id;
    RtpExtMap extensions;
    const char *mid, *rid; /* rid: NULL without simulcast */
    guint16 seq;
    guint32 ts_base;
    gint clock_hz;
    gint64 count; /* packets of sound, pictures */
    guint32 packets, octets;
} SimOutStream;

typedef struct {
    SimOutStream stream;
    guint32 rtx_ssrc;
    VideoEncoderConfig settings;
    VideoEncoder *encoder;
    gboolean keyframe_wanted;
    gboolean starved; /* not sent */
    gint picture_id;
    guint16 rtx_seq;
    RtpHistory *history;
    guint64 plis, nacked, resent, pictures_sent;
} SimLayer;

/** The layer `index` of a camera whose whole picture is encoded so (0: that one); each further one
 *  has half of the sides and a quarter of the rate. `number`: of its participant. */
void sim_layer_init(SimLayer *layer, const VideoEncoderConfig *whole, guint index, guint number);
void sim_layer_clear(SimLayer *layer);

/** (transfer full) The camera's picture of this moment, encoded; NULL: left out. */
AVPacket *sim_layer_encode(SimLayer *layer, SimVideo kind, SimPaint paint, gint64 media_ns);

/** What a layer is called. */
const char *sim_layer_rid(guint index);

/** Which of the layers a sender keeps that was granted so much and whose line carries so much (0:
 *  anything): the smaller ones first; of a single layer always that. */
void sim_layers_starve(SimLayer *layers, guint count, guint64 granted_bps, guint64 carried_bps);

/** The layer that this feedback is about, or NULL. */
SimLayer *sim_layers_find(SimLayer *layers, guint count, const RtcpPacket *feedback);
