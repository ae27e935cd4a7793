#pragma once

#include "mixer/audio_mixer.h"
#include "room/engine.h"
#include "room/video_input.h"

/* Media that nobody sends: a test pattern with its tune, or a still picture. Its sound is pulled by
 * the mixer, its pictures are made on a strand while somebody wants them. Counted. */

typedef struct GeneratedSource GeneratedSource;

/** number: of the pattern (io/test_source.h). References are taken. */
GeneratedSource *generated_source_new_pattern(Engine *engine, VideoInput *video, guint number);

/** picture: YUV420P, or YUVA420P, which is put on black. NULL if memory is short. */
GeneratedSource *generated_source_new_still(Engine *engine, VideoInput *video,
                                            const AVFrame *picture);
GeneratedSource *generated_source_ref(GeneratedSource *source);
void generated_source_unref(GeneratedSource *source);

/** AudioPullFunc for the mixer. */
AudioPull generated_source_pull(gpointer source, gint64 now_ns, float *out);

/** Silent and standing still. Any thread. */
void generated_source_pause(GeneratedSource *source, gboolean paused);

/** No more pictures, for good. Any thread. */
void generated_source_stop(GeneratedSource *source);
