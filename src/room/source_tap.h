#pragma once

#include "base/thread.h"
#include "codecs/codec.h"
#include "io/media_source.h"
#include "io/sink.h"
#include "rtp/frame_assembler.h"

/* What one sender sends, as it sends it, for those who record it (track_recorder.h):
 *
 *   net thread:             Opus packets, whole frames --.
 *   an RTMP or file thread: packets of a feed -----------+-> times of the mix -> sinks
 *
 * Shown or not, decoded or not. Sound goes in order and without duplicates; its time is that at
 * which it is mixed, freed from what the jitter buffer does (it follows by at most 2000 ppm), and
 * pictures keep their distance to it. While nobody takes it, it costs a look at a counter. Counted.
 */

typedef struct SourceTap SourceTap;

SourceTap *source_tap_new(void);
SourceTap *source_tap_ref(SourceTap *tap);
void source_tap_unref(SourceTap *tap);

/** What the sink gets: sound and the camera, or the screen. */
typedef enum { SOURCE_TAP_PERSON, SOURCE_TAP_SCREEN, SOURCE_TAP_PARTS } SourceTapPart;

/** A reference of the sink is taken. Its times count from mix_epoch_ns. Any thread. */
void source_tap_add(SourceTap *tap, SourceTapPart part, Sink *sink, gint64 mix_epoch_ns);

/** A packet that is on its way may still come. Any thread. */
void source_tap_remove(SourceTap *tap, const Sink *sink);

/** A key frame, please (SinkEvents.want_keyframe). Any thread. */
void source_tap_want_keyframe(SourceTap *tap, SourceTapPart part);

/** TRUE once after one was wanted. Any thread. */
gboolean source_tap_take_want_keyframe(SourceTap *tap, SourceTapPart part);

/** TRUE while somebody takes this part. Any thread. */
gboolean source_tap_is_taken(SourceTap *tap, SourceTapPart part);

/** One Opus packet. */
typedef struct {
    guint16 seq;
    guint32 rtp_timestamp;
    const guint8 *payload;
    gsize size;
    gint samples;    /* at 48 kHz */
    gint64 mixed_ns; /* when its first one is mixed */
} SourceTapOpus;

/** A packet, in any order. */
void source_tap_opus(SourceTap *tap, const SourceTapOpus *opus) ON_NET_THREAD;

/** Another stream of sound follows. */
void source_tap_restart(SourceTap *tap) ON_NET_THREAD;

/** A whole frame whose references came before. due_ns: when it is to be shown. */
void source_tap_frame(SourceTap *tap, SourceTapPart part, const CodecType *codec,
                      const AssembledFrame *frame, gint64 due_ns) ON_NET_THREAD;

/** The same from a feed: a stream begins; a packet, whose dts is due then. Source's thread. */
void source_tap_stream(SourceTap *tap, MediaKind kind, const AVCodecParameters *parameters);
void source_tap_packet(SourceTap *tap, MediaKind kind, const AVPacket *packet, gint64 due_ns);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SourceTap, source_tap_unref)
