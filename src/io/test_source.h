#pragma once

#include <glib.h>
#include <libavutil/frame.h>

/* A picture that moves and a tune that sounds, made of nothing: for the demo room, and wherever a
 * source is needed with no camera. Both are functions of time alone. */

typedef struct TestSource TestSource;

/** number: 0, 1, ... chooses colours and notes. Sizes are even. */
TestSource *test_source_new(guint number, int width, int height);
void test_source_free(TestSource *source);

/** (transfer full) The YUV420P picture at this time since the start, or NULL if memory is short. */
AVFrame *test_source_picture(TestSource *source, gint64 time_ns);

/** The next `samples` stereo samples at 48 kHz from this time on. FALSE: silence (nothing was
 *  written). */
gboolean test_source_sound(TestSource *source, gint64 time_ns, float *out, guint samples);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(TestSource, test_source_free)
