#pragma once

#include <glib.h>
#include <libavutil/frame.h>

/* Decoded sound of any rate, layout and sample format to interleaved float stereo at 48 kHz, with
 * the time of what comes out. Mono goes to both sides, more channels are mixed down without
 * exceeding full scale. One thread at a time. */

typedef struct SoundConverter SoundConverter;

#define SOUND_MAX_CHANNELS 8
#define SOUND_MIN_RATE_HZ  4000
#define SOUND_MAX_RATE_HZ  192000
/** One frame may not be longer. */
#define SOUND_MAX_FRAME_SECONDS 10

SoundConverter *sound_converter_new(void);
void sound_converter_free(SoundConverter *converter);

/** Append the frame's sound to `out` (a GArray of float). frame->pts in microseconds; *pts_us is
 * the time of the first sample appended: counted in samples, so without the rounding of what
 * containers write, following their drift slowly, and set anew at a gap. A frame without pts goes
 * on where the last one ended. FALSE: beyond the limits above, or memory is short. */
gboolean sound_converter_run(SoundConverter *converter, const AVFrame *frame, GArray *out,
                             gint64 *pts_us);

/** Forget what was heard: another place in the stream follows. */
void sound_converter_reset(SoundConverter *converter);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SoundConverter, sound_converter_free)
