#pragma once

#include "base/thread.h"
#include "codecs/codec.h"
#include "room/engine.h"

/* One encode of a scene (codec, size, rate), shared by everyone who takes it:
 *   scene's strand: canvas + changed blocks -> own strand: encoder -> net thread: payloads ->
 * viewers Counted; any thread may hold a reference. */

typedef struct Rendition Rendition;
typedef struct Viewer Viewer;

typedef struct {
    const CodecType *codec;
    gint width, height, fps, bitrate_bps;
} RenditionSpec;

Rendition *rendition_new(Engine *engine, const RenditionSpec *spec);
Rendition *rendition_ref(Rendition *rendition);
void rendition_unref(Rendition *rendition);

const RenditionSpec *rendition_spec(const Rendition *rendition);

/** One encoded picture, cut into RTP payloads once for all viewers. */
typedef struct {
    GPtrArray *payloads;   /* of GBytes, in order; the last one carries the marker */
    guint32 rtp_timestamp; /* 90 kHz since the mix began */
    gint64 captured_ns;    /* tick at which the picture was composed */
    gboolean keyframe;
} RenditionFrame;

/** Who takes it. The first taker starts the encoding, the last one ends it. */
void rendition_add_viewer(Rendition *rendition, Viewer *viewer) ON_NET_THREAD;
void rendition_remove_viewer(Rendition *rendition, Viewer *viewer) ON_NET_THREAD;

/** TRUE while somebody takes it. Any thread. */
gboolean rendition_has_takers(Rendition *rendition);

/** A key frame is wanted: by a viewer that lost its way (at most one a second), or for one who
 *  joins (at most three a second). Requests share one. Any thread. */
void rendition_request_keyframe(Rendition *rendition, gboolean joining);

/** TRUE if a key frame will be made of the next picture. */
gboolean rendition_keyframe_due(Rendition *rendition, gint64 now_ns);

/** Encode this canvas (it is copied). active_map: one byte per macroblock, copied; NULL: all. A
 *  picture that is still waiting for the encoder is replaced. mix_epoch_ns: time zero of the RTP
 *  timestamps. */
void rendition_encode(Rendition *rendition, const AVFrame *canvas, const guint8 *active_map,
                      gint64 tick_ns, gint64 mix_epoch_ns) ON_STRAND;

typedef struct {
    guint64 encoded, keyframes, replaced, bytes;
    gint64 encode_cpu_ns;
    guint viewers;
} RenditionStats;

/** Any thread. */
void rendition_stats(Rendition *rendition, RenditionStats *stats);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Rendition, rendition_unref)
