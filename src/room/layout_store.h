#pragma once

#include <jansson.h>

#include "base/thread.h"
#include "config.h"
#include "mixer/image.h"
#include "mixer/layout.h"

/* The layouts and images that rooms choose from, by name: those that are shipped (layout.dir, read
 * only) and those that users hand in (layout.state_dir, or by the API). A user's document of the
 * same name stands before the shipped one. Files that are added or changed while the server runs
 * are seen within a second. Control thread. */

typedef struct LayoutStore LayoutStore;

/** Reads both directories. A shipped document that is wrong is an error; a user's is logged and
 * left out. layout.state_dir empty: $XDG_STATE_HOME/tessera/layouts; made when something is put. */
LayoutStore *layout_store_new(const Config *config, const char *shipped_dir,
                              GError **error) ON_CONTROL_THREAD;
void layout_store_free(LayoutStore *store) ON_CONTROL_THREAD;

/** Called after a layout or image changed or went; `name` is NULL if many may have. */
typedef void (*LayoutStoreChanged)(const char *name, gpointer user);
void layout_store_watch(LayoutStore *store, LayoutStoreChanged changed,
                        gpointer user) ON_CONTROL_THREAD;

/** (transfer none), or NULL with NOT_FOUND, whose message lists the names that there are. */
Layout *layout_store_get(LayoutStore *store, const char *name, GError **error) ON_CONTROL_THREAD;

/** The same as it was last seen, without a look at the disk, or NULL: for whoever is told of
 * changes. */
Layout *layout_store_peek(LayoutStore *store, const char *name) ON_CONTROL_THREAD;

/** The layout that is to be solved for these people: `layout`, or the one that it delegates to. */
Layout *layout_store_resolve(LayoutStore *store, Layout *layout, const LayoutSource *sources,
                             guint n) ON_CONTROL_THREAD;

/** Check and keep a user's document on disk under its name. Errors: those of layout_parse(),
 *  UNAVAILABLE (layout.max_documents), INTERNAL (the disk). *made: it is a new name. */
gboolean layout_store_put(LayoutStore *store, const char *name, const char *json, gsize size,
                          gboolean *made, GError **error) ON_CONTROL_THREAD;

/** Errors: NOT_FOUND, CONFLICT (it is shipped). */
gboolean layout_store_delete(LayoutStore *store, const char *name,
                             GError **error) ON_CONTROL_THREAD;

/** (transfer full) "\"...\"": changes with the document; NULL: there is none. */
char *layout_store_etag(LayoutStore *store, const char *name) ON_CONTROL_THREAD;

/** (transfer full) [{"name","description","origin":"shipped|user"}], by name. */
json_t *layout_store_to_json(LayoutStore *store) ON_CONTROL_THREAD;

/* Images: [A-Za-z0-9_-]{1,64}, PNG or JPEG, at most layout.max_image_bytes each. */

/** (transfer none) Decoded, until the next question for one, or NULL: there is none, it is damaged,
 *  or those that are shown take 1 GiB already. */
Image *layout_store_image(LayoutStore *store, const char *name) ON_CONTROL_THREAD;
/** (transfer full) The file as it was handed in, or NULL; it is not decoded. *type: "image/png" or
 *  "image/jpeg", static. */
GBytes *layout_store_image_file(LayoutStore *store, const char *name,
                                const char **type) ON_CONTROL_THREAD;
/** Errors: those of image_decode(), UNAVAILABLE (layout.max_images), INTERNAL. */
gboolean layout_store_put_image(LayoutStore *store, const char *name, GBytes *file, gboolean *made,
                                GError **error) ON_CONTROL_THREAD;
gboolean layout_store_delete_image(LayoutStore *store, const char *name,
                                   GError **error) ON_CONTROL_THREAD;
/** (transfer full) {"name","type","width","height","bytes"}, from the file's header; NULL: there is
 *  none. */
json_t *layout_store_image_json(LayoutStore *store, const char *name) ON_CONTROL_THREAD;
/** (transfer full) The same of all, by name. */
json_t *layout_store_images_json(LayoutStore *store) ON_CONTROL_THREAD;

/** (transfer full) The plan for `people` invented persons and `screens` shared screens (of the
 * first ones) on a canvas of the configured size: what layout_plan_json() makes. */
json_t *layout_store_preview(LayoutStore *store, Layout *layout, guint people,
                             guint screens) ON_CONTROL_THREAD;

/** (transfer full) {"layout","canvas":{"width","height","background":"#rrggbb","image"},
 *  "transition_ms","tiles":[{"kind":"source|placeholder|more","id","name","screen","more","region",
 *  "x","y","width","height","fit","radius","border","picture"}],"overlays":[{"kind","x","y","width",
 *  "height","image","text"}],"hidden"}; tiles from the lowest to the highest, pixels. */
json_t *layout_plan_json(const LayoutPlan *plan, const char *layout, const LayoutSource *sources);
