#pragma once

#include <glib.h>
#include <libavutil/frame.h>

/* Pictures of any format to YUV420P in limited range with the colours of BT.601, which is all that
 * the mixer knows. One thread at a time. */

typedef struct YuvConverter YuvConverter;

YuvConverter *yuv_converter_new(void);
void yuv_converter_free(YuvConverter *converter);

/** Move `picture` to `out` (both references; out is empty), converted where it must be. What is
 *  transparent becomes black. Size and pts stay. FALSE: libswscale does not know the format, or
 *  memory is short; both are empty then. */
gboolean yuv_converter_run(YuvConverter *converter, AVFrame *picture, AVFrame *out);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(YuvConverter, yuv_converter_free)
