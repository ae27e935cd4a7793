#pragma once

#include "base/thread.h"
#include "codecs/codec.h"
#include "room/engine.h"

/* One encode of a scene (codec, size, rate), shared by everyone who takes it:
 *   scene's strand: canvas + changed blocks -> own strand: encoder -> net thread: payloads ->
 * viewers Counted; any thread may hold a reference. */

/* Of the whole rate: the lower of two temporal layers, the lower two of three. */
#define RENDITION_BASE_PCT 60

typedef struct Rendition Rendition;
typedef struct Viewer Viewer;

typedef struct {
    const CodecType *codec;
    gint width, height, fps;
    gint bitrate_bps; /* with one or two viewers it may be less: rendition_rate.h */
    gint temporal_layers;
    gboolean last; /* of the ladder: who cannot take it has no pictures */
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
    gboolean non_reference;       /* no later frame needs it */
    gint picture_id, tl0_pic_idx; /* as in the payloads' descriptors */
} RenditionFrame;

/** Who takes it. The first taker starts the encoding, the last one ends it. A new one needs a key
 *  frame: `urgent` as one who sees nothing yet, else it goes on with another one until then. */
void rendition_add_viewer(Rendition *rendition, Viewer *viewer, gboolean urgent) ON_NET_THREAD;
void rendition_remove_viewer(Rendition *rendition, Viewer *viewer) ON_NET_THREAD;

/** Somebody who takes the packets as they are, besides the viewers: on the rendition's strand. pts,
 *  dts and duration: microseconds since the mix began. While there is one, every tick is encoded
 * and there is a key frame every two seconds. */
typedef void (*RenditionTap)(Rendition *rendition, const AVPacket *packet, gpointer user);

/** The encoder cannot start: no packet will come. On the rendition's strand, for each picture that
 *  should be encoded. */
typedef void (*RenditionFailed)(Rendition *rendition, const GError *reason, gpointer user);

/** Any thread. `user` is freed with user_free after rendition_remove_tap(), which names it; a call
 * that is under way then is finished before. */
void rendition_add_tap(Rendition *rendition, RenditionTap tap, RenditionFailed failed,
                       gpointer user, GDestroyNotify user_free);
void rendition_remove_tap(Rendition *rendition, gconstpointer user);

/** TRUE if every tick is to be encoded, whether something changed or not. */
gboolean rendition_wants_cadence(Rendition *rendition);

/** TRUE while somebody takes it. Any thread. */
gboolean rendition_has_takers(Rendition *rendition);

/** What it costs a viewer to be there: all of it, and without the frames that nothing refers to.
 *  `taking`: it is there already. */
void rendition_price(Rendition *rendition, gboolean taking, gint *full_bps,
                     gint *base_bps) ON_NET_THREAD;

/** TRUE if this tick of the scene is one of its own: its rate may be a part of the scene's. */
gboolean rendition_is_due(Rendition *rendition, gint64 tick_ns, gint64 mix_epoch_ns) ON_STRAND;

/** Nobody takes it in this tick: after some seconds its encoder is given up. */
void rendition_rest(Rendition *rendition, gint64 now_ns) ON_STRAND;

/** A key frame is wanted: by a viewer that lost its way or changes its rung (at most one a second),
 *  or `urgent`, by one who sees nothing (soon, at most two a second of many). Requests share one:
 *  keyframe_share.h. Any thread. */
void rendition_request_keyframe(Rendition *rendition, gboolean urgent);

/** TRUE if a key frame will be made of the next picture. */
gboolean rendition_keyframe_due(Rendition *rendition, gint64 now_ns);

/** Encode this canvas (it is copied, and scaled if the rendition has another size). active_map: one
 * byte per macroblock of the canvas, copied; NULL: all. A picture that is still waiting for the
 * encoder is replaced. mix_epoch_ns: time zero of the RTP timestamps. */
void rendition_encode(Rendition *rendition, const AVFrame *canvas, const guint8 *active_map,
                      gint64 tick_ns, gint64 mix_epoch_ns) ON_STRAND;

typedef struct {
    guint64 encoded, keyframes, replaced, bytes;
    gint64 encode_cpu_ns;
    gint target_bps;
    guint viewers, taps;
} RenditionStats;

/** Any thread. */
void rendition_stats(Rendition *rendition, RenditionStats *stats);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Rendition, rendition_unref)
