#pragma once

#include "net/transport.h"
#include "room/audio_input.h"
#include "room/video_input.h"
#include "rtp/rtcp.h"
#include "sdp/negotiate.h"

/* The receiving half of one peer: RTP is told apart by SSRC, MID and payload type and goes to the
 * inputs of this peer's sources; feedback (NACK, PLI, transport-cc, receiver reports) goes back.
 * It also holds pictures to their sound (lip-sync). Net thread. */

typedef struct Ingress Ingress;

typedef enum { SOURCE_AUDIO, SOURCE_CAMERA, SOURCE_SCREEN, SOURCE_KINDS } SourceKind;

/** Where the sources go; NULL for what this peer may not send. References are taken. */
typedef struct {
    AudioInput *audio;
    VideoInput *camera, *screen;
} IngressSinks;

Ingress *ingress_new(Engine *engine, const IngressSinks *sinks, guint32 local_ssrc) ON_NET_THREAD;
void ingress_free(Ingress *ingress) ON_NET_THREAD;

/** What was negotiated; may be called again. */
void ingress_configure(Ingress *ingress, const Negotiated *negotiated) ON_NET_THREAD;

void ingress_rtp(Ingress *ingress, guint8 *packet, gsize size, gint64 arrival_ns) ON_NET_THREAD;
void ingress_rtcp(Ingress *ingress, const RtcpPacket *packet, gint64 arrival_ns) ON_NET_THREAD;

/** Every 10 ms: send the feedback that is due. rtt_ns: -1 where unknown. */
void ingress_tick(Ingress *ingress, Transport *transport, gint64 now_ns,
                  gint64 rtt_ns) ON_NET_THREAD;

/** Report blocks that there may be: sound, and the layers of camera and screen. */
#define INGRESS_MAX_REPORTS 7

/** Append report blocks on all streams. Returns how many. */
guint ingress_reports(Ingress *ingress, gint64 now_ns, RtcpReportBlock *blocks,
                      guint max) ON_NET_THREAD;

/** TRUE while packets of this kind came within the last 2 s. */
gboolean ingress_active(const Ingress *ingress, SourceKind kind, gint64 now_ns) ON_NET_THREAD;

typedef struct {
    guint64 packets, bytes, unknown_ssrc, malformed;
    gint64 extra_delay_ns; /* what sound waits for its pictures */
    gint granted_bps;      /* what the sender was told to send at most, by REMB; 0: nothing */
} IngressStats;

void ingress_stats(const Ingress *ingress, IngressStats *stats) ON_NET_THREAD;

struct VideoLayers;
/** What comes of the camera or the screen, or NULL (transfer none). */
struct VideoLayers *ingress_video(const Ingress *ingress, SourceKind kind) ON_NET_THREAD;
