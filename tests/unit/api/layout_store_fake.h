/* A fake of room/layout_store.h: documents and images in memory, parsed and decoded by the real
 * mixer/, two shipped ones, and plans of a row of tiles. Included by room_fake.h. */
#pragma once

#include <string.h>

#include "base/error.h"
#include "room/layout_store.h"

typedef struct {
    Layout *layout;
    gboolean shipped;
    guint version;
} FakeDocument;

typedef struct {
    Image *image;
    GBytes *file;
} FakeImage;

struct LayoutStore {
    GHashTable *documents, *images; /* by name */
    guint last_version;
};

static void fake_document_free(gpointer data)
{
    FakeDocument *document = data;
    layout_unref(document->layout);
    g_free(document);
}

static void fake_image_free(gpointer data)
{
    FakeImage *image = data;
    image_unref(image->image);
    g_bytes_unref(image->file);
    g_free(image);
}

/* (transfer full) The smallest document. */
static inline char *fake_layout_document(const char *name)
{
    return g_strdup_printf("{\"name\":\"%s\",\"description\":\"of a test\","
                           "\"regions\":[{\"fill\":\"rest\"}]}",
                           name);
}

static void fake_store_keep(LayoutStore *store, const char *name, Layout *layout, gboolean shipped)
{
    FakeDocument *document = g_new0(FakeDocument, 1);
    document->layout = layout;
    document->shipped = shipped;
    document->version = ++store->last_version;
    g_hash_table_replace(store->documents, g_strdup(name), document);
}

LayoutStore *layout_store_new(const Config *config, const char *shipped_dir, GError **error)
{
    static const char *const names[] = { "grid", "speaker", "1+5" };
    LayoutStore *store = g_new0(LayoutStore, 1);
    (void)config;
    (void)shipped_dir;
    (void)error;
    store->documents = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, fake_document_free);
    store->images = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, fake_image_free);
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *text = fake_layout_document(names[i]);
        g_autoptr(GError) problem = NULL;
        Layout *layout = layout_parse(text, strlen(text), &problem);
        g_assert_no_error(problem);
        fake_store_keep(store, names[i], layout, TRUE);
    }
    return store;
}

void layout_store_free(LayoutStore *store)
{
    g_hash_table_destroy(store->documents);
    g_hash_table_destroy(store->images);
    g_free(store);
}

Layout *layout_store_get(LayoutStore *store, const char *name, GError **error)
{
    FakeDocument *document = g_hash_table_lookup(store->documents, name);
    if (!document)
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_NOT_FOUND,
                    "There is no layout \"%s\"; there are: grid, speaker, 1+5.", name);
    return document ? document->layout : NULL;
}

gboolean layout_store_put(LayoutStore *store, const char *name, const char *json, gsize size,
                          gboolean *made, GError **error)
{
    Layout *layout = layout_parse(json, size, error);
    if (!layout)
        return FALSE;
    *made = !g_hash_table_contains(store->documents, name);
    fake_store_keep(store, name, layout, FALSE);
    return TRUE;
}

gboolean layout_store_delete(LayoutStore *store, const char *name, GError **error)
{
    FakeDocument *document = g_hash_table_lookup(store->documents, name);
    if (!document) {
        layout_store_get(store, name, error);
        return FALSE;
    }
    if (document->shipped) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_CONFLICT, "\"%s\" is shipped.", name);
        return FALSE;
    }
    return g_hash_table_remove(store->documents, name);
}

char *layout_store_etag(LayoutStore *store, const char *name)
{
    const FakeDocument *document = g_hash_table_lookup(store->documents, name);
    return document ? g_strdup_printf("\"d%u\"", document->version) : NULL;
}

json_t *layout_store_to_json(LayoutStore *store)
{
    json_t *json = json_array();
    GHashTableIter iter;
    gpointer key, value;
    g_hash_table_iter_init(&iter, store->documents);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        const FakeDocument *document = value;
        json_array_append_new(json, json_pack("{s:s, s:s, s:s}", "name", key, "description",
                                              layout_description(document->layout), "origin",
                                              document->shipped ? "shipped" : "user"));
    }
    return json;
}

/* --- images ------------------------------------------------------------------------------ */

Image *layout_store_image(LayoutStore *store, const char *name)
{
    const FakeImage *image = g_hash_table_lookup(store->images, name);
    return image ? image->image : NULL;
}

static const char *fake_image_type(const FakeImage *image)
{
    const guint8 *data = g_bytes_get_data(image->file, NULL);
    return data[0] == 0xff ? "image/jpeg" : "image/png";
}

GBytes *layout_store_image_file(LayoutStore *store, const char *name, const char **type)
{
    const FakeImage *image = g_hash_table_lookup(store->images, name);
    *type = image ? fake_image_type(image) : NULL;
    return image ? g_bytes_ref(image->file) : NULL;
}

gboolean layout_store_put_image(LayoutStore *store, const char *name, GBytes *file, gboolean *made,
                                GError **error)
{
    gsize size;
    const guint8 *data = g_bytes_get_data(file, &size);
    Image *decoded = image_decode(data, size, error);
    if (!decoded)
        return FALSE;
    FakeImage *image = g_new0(FakeImage, 1);
    image->image = decoded;
    image->file = g_bytes_ref(file);
    *made = g_hash_table_replace(store->images, g_strdup(name), image);
    return TRUE;
}

gboolean layout_store_delete_image(LayoutStore *store, const char *name, GError **error)
{
    if (g_hash_table_remove(store->images, name))
        return TRUE;
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_NOT_FOUND, "There is no image \"%s\".", name);
    return FALSE;
}

json_t *layout_store_image_json(LayoutStore *store, const char *name)
{
    const FakeImage *image = g_hash_table_lookup(store->images, name);
    return image
               ? json_pack("{s:s, s:s, s:i, s:i, s:i}", "name", name, "type",
                           fake_image_type(image), "width", image_width(image->image), "height",
                           image_height(image->image), "bytes", (int)g_bytes_get_size(image->file))
               : NULL;
}

json_t *layout_store_images_json(LayoutStore *store)
{
    json_t *json = json_array();
    GHashTableIter iter;
    gpointer key;
    g_hash_table_iter_init(&iter, store->images);
    while (g_hash_table_iter_next(&iter, &key, NULL))
        json_array_append_new(json, layout_store_image_json(store, key));
    return json;
}

/* --- plans ------------------------------------------------------------------------------- */

/* (transfer full) `people` tiles "p1".. beside each other. */
static json_t *fake_plan(const char *layout, guint people, guint screens)
{
    json_t *tiles = json_array();
    for (guint i = 0; i < people + screens; i++) {
        g_autofree char *id = i < people ? g_strdup_printf("p%u", i + 1)
                                         : g_strdup_printf("p%u/screen", i - people + 1);
        json_array_append_new(tiles,
                              json_pack("{s:s, s:s, s:i, s:i, s:i, s:i}", "kind", "source", "id",
                                        id, "x", (int)i * 16, "y", 0, "width", 16, "height", 16));
    }
    return json_pack("{s:s, s:{s:i, s:i, s:s, s:n}, s:i, s:o, s:[], s:i}", "layout", layout,
                     "canvas", "width", 1280, "height", 720, "background", "#000000", "image",
                     "transition_ms", 0, "tiles", tiles, "overlays", "hidden", 0);
}

json_t *layout_store_preview(LayoutStore *store, Layout *layout, guint people, guint screens)
{
    (void)store;
    return fake_plan(layout_name(layout), people, screens);
}
