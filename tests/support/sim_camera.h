#pragma once

#include <glib.h>
#include <libavutil/frame.h>

#include "base/clock.h"

/* What a simulated participant captures: pure functions of the media time. */

typedef enum {
    SIM_NO_VIDEO,
    SIM_SOLID,  /* one colour */
    SIM_MOVING, /* one colour with a white bar that walks along the upper quarter */
    SIM_FLASH, /* white for the first 100 ms of every second, else black; its sound beeps with it */
    SIM_STEPS, /* each picture of another grey (SIM_STEP_LUMA), ten of them in turn, the first one
                * at each full second; its sound beeps then, too. For 30 pictures a second */
    SIM_BUSY,  /* squares of all greys that change by turns: it takes all bits that there are */
} SimVideo;

typedef struct {
    guint8 y, u, v;
} SimPaint;

extern const SimPaint sim_red, sim_green, sim_blue;

#define SIM_FLASH_NS G_GINT64_CONSTANT(100000000)

/** The brightness of a picture of SIM_STEPS: the step's middle. */
#define SIM_STEPS_COUNT   10
#define SIM_STEP_NS       (NS_PER_SEC / 30)
#define SIM_STEP_LUMA(n)  (30 + 20 * (n))
#define SIM_STEP_OF(luma) (CLAMP(((luma)-20) / 20, 0, SIM_STEPS_COUNT - 1))

/** (transfer full) The picture of this moment. */
AVFrame *sim_camera_picture(SimVideo kind, SimPaint paint, gint width, gint height,
                            gint64 media_ns);

/** One tick of a tone (stereo, 960 samples), `sample` samples after the media began. `beeps`: only
 *  while the picture flashes. */
void sim_microphone(float *out, gint64 sample, gdouble hz, gdouble amplitude, gboolean beeps);

/** Let a tone of sim_microphone() rise and fall as speech does, more than six times a second: Opus
 *  makes in-band FEC only for what it takes for speech, and for this always. */
void sim_speech(float *samples, gint64 sample);
