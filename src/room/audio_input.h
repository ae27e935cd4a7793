#pragma once

#include "base/thread.h"
#include "codecs/codec.h"
#include "mixer/audio_mixer.h"
#include "room/source_tap.h"
#include "rtp/audio_jitter.h"

/* The sound of one source on its way into the mix:
 *   net thread: packets -> bounded queue -> audio thread: jitter buffer -> decoder -> stretch ->
 * 960 Counted; any thread may hold a reference. */

typedef struct AudioInput AudioInput;

AudioInput *audio_input_new(const CodecType *codec, GError **error);
AudioInput *audio_input_ref(AudioInput *input);
void audio_input_unref(AudioInput *input);

/** Who records it (a reference is taken); before the first packet. */
void audio_input_set_tap(AudioInput *input, SourceTap *tap);

/** A packet came. `payload` is copied. */
void audio_input_packet(AudioInput *input, guint16 seq, guint32 rtp_timestamp,
                        const guint8 *payload, gsize size, gint64 arrival_ns) ON_NET_THREAD;

/** What the sender says of the loudness of the packets that follow (RFC 6464: 0 loudest .. 127
 *  silence; 0 where it says nothing). Whoever has been quieter than -70 dBFS for more than a second
 *  is in no mix, and is not decoded until that ends. */
void audio_input_level(AudioInput *input, guint8 level_dbov) ON_NET_THREAD;

/** The sender began anew (another SSRC): what waits is forgotten. */
void audio_input_restart(AudioInput *input) ON_NET_THREAD;

/** What the sender said of the loudness of the sound that was pulled last (RFC 6464), or -1 if it
 *  said nothing. */
gint audio_input_said_level(gpointer input) ON_AUDIO_THREAD;

/** AudioPullFunc for the mixer: one tick of sound. */
AudioPull audio_input_pull(gpointer input, gint64 now_ns, float *out);

/** Which sample was mixed last: the RTP timestamp of the first sample of the newest tick, and that
 *  tick's time. FALSE: none yet. Any thread. */
gboolean audio_input_position(AudioInput *input, guint32 *rtp_timestamp, gint64 *mixed_ns);

/** Sound waits at least this long, so that its pictures keep up. Any thread. */
void audio_input_set_min_delay(AudioInput *input, gint64 min_delay_ns);

/** Any thread; the counters of the newest tick. */
void audio_input_stats(AudioInput *input, AudioJitterStats *stats);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(AudioInput, audio_input_unref)
