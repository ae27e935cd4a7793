#pragma once

#include <glib.h>
#include <libavutil/frame.h>

/* What a simulated participant captures: pure functions of the media time. */

typedef enum {
    SIM_NO_VIDEO,
    SIM_SOLID,  /* one colour */
    SIM_MOVING, /* one colour with a white bar that walks along the upper quarter */
    SIM_FLASH, /* white for the first 100 ms of every second, else black; its sound beeps with it */
} SimVideo;

typedef struct {
    guint8 y, u, v;
} SimPaint;

extern const SimPaint sim_red, sim_green, sim_blue;

#define SIM_FLASH_NS G_GINT64_CONSTANT(100000000)

/** (transfer full) The picture of this moment. */
AVFrame *sim_camera_picture(SimVideo kind, SimPaint paint, gint width, gint height,
                            gint64 media_ns);

/** One tick of a tone (stereo, 960 samples), `sample` samples after the media began. `beeps`: only
 *  while the picture flashes. */
void sim_microphone(float *out, gint64 sample, gdouble hz, gdouble amplitude, gboolean beeps);
