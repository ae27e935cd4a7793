#pragma once

#include <jansson.h>

#include "base/thread.h"
#include "config.h"
#include "mixer/image.h"

/* The images that layouts name (backgrounds, logos): a directory of PNG and JPEG files. Of each the
 * header is read when it is first seen or was changed; all of it when it is put, and when it is to
 * be shown. Pixels that nothing shows are let go beyond 64 MiB, and all together take at most
 * 1 GiB. Behind layout_store.h. Control thread. */

typedef struct LayoutImages LayoutImages;

LayoutImages *layout_images_new(const Config *config, const char *directory);
void layout_images_free(LayoutImages *images);

Image *layout_images_get(LayoutImages *images, const char *name);
GBytes *layout_images_file(LayoutImages *images, const char *name, const char **type);
gboolean layout_images_put(LayoutImages *images, const char *name, GBytes *file, gboolean *made,
                           GError **error);
gboolean layout_images_delete(LayoutImages *images, const char *name, GError **error);
json_t *layout_images_describe(LayoutImages *images, const char *name);
json_t *layout_images_to_json(LayoutImages *images);
