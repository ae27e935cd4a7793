#pragma once

#include <glib.h>
#include <libavutil/frame.h>

/* Colours of BT.709, which OBS and most of HD write, as those of BT.601, which the mixer knows
 * (ITU-R BT.709-6 and BT.601-7). Read with the wrong matrix, red is darker and green is yellowish.
 */

/** picture: YUV420P of limited range. `out` is a frame of the same size and format, with buffers of
 *  its own; the same one does too. Only the pixels are written. */
void bt709_to_bt601(const AVFrame *picture, AVFrame *out);
