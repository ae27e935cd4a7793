#include "room/layout_store.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "room/layout_images.h"

#define RESCAN_NS   NS_PER_SEC
#define SCHEMA      "schema.json"
#define SUFFIX      ".json"
#define MAX_PREVIEW 100 /* invented people */

/* One document as it was last read. */
typedef struct {
    Layout *layout; /* NULL: the file is wrong */
    gint64 mtime_ns, size;
} StoredLayout;

/* A directory of documents: name -> StoredLayout. */
typedef struct {
    char *path;
    GHashTable *layouts;
} LayoutDirectory;

struct LayoutStore {
    const Config *config;
    LayoutDirectory shipped, user;
    LayoutImages *images;
    gint64 scanned_ns;
    gboolean scanning, found_changes;
    LayoutStoreChanged changed;
    gpointer user_data;
};

static void stored_free(gpointer data)
{
    StoredLayout *stored = data;
    layout_unref(stored->layout);
    g_free(stored);
}

static void directory_init(LayoutDirectory *directory, char *path)
{
    directory->path = path;
    directory->layouts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, stored_free);
}

static void directory_clear(LayoutDirectory *directory)
{
    g_hash_table_unref(directory->layouts);
    g_free(directory->path);
}

static char *document_path(const LayoutDirectory *directory, const char *name)
{
    g_autofree char *file = g_strconcat(name, SUFFIX, NULL);
    return g_build_filename(directory->path, file, NULL);
}

/* While the directories are read it waits: who is told asks for layouts. */
static void tell(LayoutStore *store, const char *name)
{
    if (store->scanning)
        store->found_changes = TRUE;
    else if (store->changed)
        store->changed(name, store->user_data);
}

/* --- reading ----------------------------------------------------------------------------- */

static Layout *load_named(const char *path, const char *name, GError **error)
{
    if (layout_name_reserved(name)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "%s: \"%s\" is reserved: give the file and its layout another name", path,
                    name);
        return NULL;
    }
    Layout *layout = layout_load(path, error);
    if (!layout || strcmp(layout_name(layout), name) == 0)
        return layout;
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                "%s: name is \"%s\": give the file the same name, or write \"name\": \"%s\"", path,
                layout_name(layout), name);
    layout_unref(layout);
    return NULL;
}

/* Read one file if it is new or was changed. FALSE: it is wrong. */
static gboolean read_file(LayoutStore *store, LayoutDirectory *directory, const char *name,
                          GError **error)
{
    g_autofree char *path = document_path(directory, name);
    const StoredLayout *known = g_hash_table_lookup(directory->layouts, name);
    GStatBuf status;
    if (g_stat(path, &status) != 0)
        return TRUE;
    gint64 mtime_ns = status.st_mtim.tv_sec * NS_PER_SEC + status.st_mtim.tv_nsec;
    if (known && known->mtime_ns == mtime_ns && known->size == (gint64)status.st_size)
        return TRUE;
    StoredLayout *stored = g_new0(StoredLayout, 1);
    *stored = (StoredLayout){ NULL, mtime_ns, (gint64)status.st_size };
    stored->layout = load_named(path, name, error);
    gboolean good = stored->layout != NULL;
    /* What is wrong now was right before: rooms go on with that. */
    if (!good && known)
        stored->layout = known->layout ? layout_ref(known->layout) : NULL;
    g_hash_table_replace(directory->layouts, g_strdup(name), stored);
    if (good)
        tell(store, name);
    return good;
}

/* Files of reserved names are read too, so that the log tells once why there is no such layout; the
 * schema may lie beside documents for an editor's sake. */
static gboolean is_document(const char *file, const char *name)
{
    return g_str_has_suffix(file, SUFFIX) && strcmp(file, SCHEMA) != 0 &&
           (layout_name_valid(name) || layout_name_reserved(name));
}

/* (transfer full) The names of the documents in a directory. */
static GPtrArray *list_documents(const LayoutDirectory *directory)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    GDir *dir = g_dir_open(directory->path, 0, NULL);
    const char *file;
    while (dir && (file = g_dir_read_name(dir))) {
        g_autofree char *name = g_strndup(file, strlen(file) - MIN(strlen(file), strlen(SUFFIX)));
        if (is_document(file, name))
            g_ptr_array_add(names, g_steal_pointer(&name));
    }
    if (dir)
        g_dir_close(dir);
    return names;
}

static gboolean is_listed(const GPtrArray *names, const char *name)
{
    for (guint i = 0; i < names->len; i++) {
        if (strcmp(names->pdata[i], name) == 0)
            return TRUE;
    }
    return FALSE;
}

static void forget_missing(LayoutStore *store, LayoutDirectory *directory, const GPtrArray *names)
{
    GHashTableIter iter;
    gpointer key;
    gboolean any = FALSE;
    g_hash_table_iter_init(&iter, directory->layouts);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        if (is_listed(names, key))
            continue;
        g_hash_table_iter_remove(&iter);
        any = TRUE;
    }
    if (any)
        tell(store, NULL);
}

/* FALSE with the first error if `strict`; else what is wrong is logged and left out. */
static gboolean scan(LayoutStore *store, LayoutDirectory *directory, gboolean strict,
                     GError **error)
{
    g_autoptr(GPtrArray) names = list_documents(directory);
    guint limit = directory == &store->user
                      ? (guint)config_int(store->config, "layout.max_documents")
                      : G_MAXUINT;
    for (guint i = 0; i < MIN(names->len, limit); i++) {
        g_autoptr(GError) problem = NULL;
        if (read_file(store, directory, names->pdata[i], &problem))
            continue;
        if (strict) {
            g_propagate_error(error, g_steal_pointer(&problem));
            return FALSE;
        }
        log_warning("layout", "%s", problem->message);
    }
    forget_missing(store, directory, names);
    return TRUE;
}

/* Files may be added and edited while the server runs. */
static void rescan(LayoutStore *store)
{
    gint64 now_ns = clock_now_ns();
    if (now_ns - store->scanned_ns < RESCAN_NS)
        return;
    store->scanned_ns = now_ns;
    store->scanning = TRUE;
    scan(store, &store->shipped, FALSE, NULL);
    scan(store, &store->user, FALSE, NULL);
    store->scanning = FALSE;
    if (store->found_changes) {
        store->found_changes = FALSE;
        tell(store, NULL);
    }
}

/* --- life -------------------------------------------------------------------------------- */

static char *state_dir(const Config *config)
{
    const char *configured = config_string(config, "layout.state_dir");
    return *configured ? g_strdup(configured)
                       : g_build_filename(g_get_user_state_dir(), "tessera", "layouts", NULL);
}

LayoutStore *layout_store_new(const Config *config, const char *shipped_dir, GError **error)
{
    LayoutStore *store = g_new0(LayoutStore, 1);
    store->config = config;
    directory_init(&store->shipped, g_strdup(shipped_dir));
    directory_init(&store->user, state_dir(config));
    g_autofree char *images = g_build_filename(store->user.path, "images", NULL);
    store->images = layout_images_new(config, images);
    store->scanned_ns = clock_now_ns();
    if (!g_file_test(shipped_dir, G_FILE_TEST_IS_DIR)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_NOT_FOUND,
                    "%s is no directory: layout.dir must name the one with the layouts.",
                    shipped_dir);
        g_clear_pointer(&store, layout_store_free);
    } else if (!scan(store, &store->shipped, TRUE, error)) {
        g_clear_pointer(&store, layout_store_free);
    } else {
        scan(store, &store->user, FALSE, NULL);
    }
    return store;
}

void layout_store_free(LayoutStore *store)
{
    if (!store)
        return;
    directory_clear(&store->shipped);
    directory_clear(&store->user);
    layout_images_free(store->images);
    g_free(store);
}

void layout_store_watch(LayoutStore *store, LayoutStoreChanged changed, gpointer user)
{
    store->changed = changed;
    store->user_data = user;
}

/* --- documents --------------------------------------------------------------------------- */

static Layout *lookup(const LayoutStore *store, const char *name)
{
    const StoredLayout *stored = g_hash_table_lookup(store->user.layouts, name);
    if (!stored || !stored->layout)
        stored = g_hash_table_lookup(store->shipped.layouts, name);
    return stored ? stored->layout : NULL;
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* (transfer container) Every name once, sorted. */
static GPtrArray *all_names(const LayoutStore *store)
{
    GPtrArray *names = g_ptr_array_new();
    const LayoutDirectory *const directories[] = { &store->shipped, &store->user };
    for (guint i = 0; i < G_N_ELEMENTS(directories); i++) {
        GHashTableIter iter;
        gpointer key;
        g_hash_table_iter_init(&iter, directories[i]->layouts);
        while (g_hash_table_iter_next(&iter, &key, NULL)) {
            if (lookup(store, key) && !is_listed(names, key))
                g_ptr_array_add(names, key);
        }
    }
    g_ptr_array_sort(names, compare_names);
    return names;
}

static void refuse_unknown(const LayoutStore *store, const char *name, GError **error)
{
    if (!error)
        return;
    g_autofree char *asked = g_utf8_make_valid(name, (gssize)MIN(strlen(name), 64));
    g_autoptr(GPtrArray) names = all_names(store);
    g_ptr_array_add(names, NULL);
    g_autofree char *list = g_strjoinv(", ", (char **)names->pdata);
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_NOT_FOUND,
                "There is no layout \"%s\"; there are %s.", asked, list);
}

Layout *layout_store_get(LayoutStore *store, const char *name, GError **error)
{
    rescan(store);
    Layout *layout = lookup(store, name);
    if (!layout)
        refuse_unknown(store, name, error);
    return layout;
}

Layout *layout_store_peek(LayoutStore *store, const char *name)
{
    return lookup(store, name);
}

Layout *layout_store_resolve(LayoutStore *store, Layout *layout, const LayoutSource *sources,
                             guint n)
{
    /* One layout may leave a room to another, that one to a third; then it is enough. */
    for (guint i = 0; i < 4; i++) {
        const char *name = layout_delegate(layout, sources, n);
        Layout *other = name ? lookup(store, name) : NULL;
        if (!other || other == layout)
            break;
        layout = other;
    }
    return layout;
}

static gboolean may_add(LayoutStore *store, const char *name, GError **error)
{
    gint64 limit = config_int(store->config, "layout.max_documents");
    if (g_hash_table_contains(store->user.layouts, name) ||
        g_hash_table_size(store->user.layouts) < limit)
        return TRUE;
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                "There are %d layouts already (layout.max_documents): delete one first.",
                (int)limit);
    return FALSE;
}

static gboolean write_document(LayoutStore *store, const char *name, const char *json, gsize size,
                               GError **error)
{
    g_autofree char *path = document_path(&store->user, name);
    g_autoptr(GError) problem = NULL;
    if (g_mkdir_with_parents(store->user.path, 0750) == 0 &&
        g_file_set_contents(path, json, (gssize)size, &problem))
        return TRUE;
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INTERNAL, "The layout cannot be kept in %s: %s",
                path, problem ? problem->message : g_strerror(errno));
    return FALSE;
}

gboolean layout_store_put(LayoutStore *store, const char *name, const char *json, gsize size,
                          gboolean *made, GError **error)
{
    g_autoptr(Layout) layout = layout_parse(json, size, error);
    if (!layout)
        return FALSE;
    if (strcmp(layout_name(layout), name) != 0) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "name is \"%s\": write \"name\": \"%s\", or put it where its name says",
                    layout_name(layout), name);
        return FALSE;
    }
    if (!may_add(store, name, error))
        return FALSE;
    *made = lookup(store, name) == NULL;
    if (!write_document(store, name, json, size, error))
        return FALSE;
    g_hash_table_remove(store->user.layouts, name);
    return read_file(store, &store->user, name, error);
}

gboolean layout_store_delete(LayoutStore *store, const char *name, GError **error)
{
    if (!g_hash_table_contains(store->user.layouts, name)) {
        if (!lookup(store, name))
            refuse_unknown(store, name, error);
        else
            g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_CONFLICT,
                        "The layout \"%s\" belongs to the server and stays.", name);
        return FALSE;
    }
    g_autofree char *path = document_path(&store->user, name);
    g_autofree char *own = g_strdup(name); /* `name` may be the table's */
    if (g_unlink(path) != 0 && errno != ENOENT) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INTERNAL, "%s cannot be deleted: %s.", path,
                    g_strerror(errno));
        return FALSE;
    }
    g_hash_table_remove(store->user.layouts, own);
    tell(store, own);
    return TRUE;
}

char *layout_store_etag(LayoutStore *store, const char *name)
{
    rescan(store);
    const Layout *layout = lookup(store, name);
    if (!layout)
        return NULL;
    g_autofree char *sum =
        g_compute_checksum_for_string(G_CHECKSUM_SHA256, layout_json(layout), -1);
    return g_strdup_printf("\"%.16s\"", sum);
}

json_t *layout_store_to_json(LayoutStore *store)
{
    json_t *list = json_array();
    rescan(store);
    g_autoptr(GPtrArray) names = all_names(store);
    for (guint i = 0; i < names->len; i++) {
        const char *name = names->pdata[i];
        const StoredLayout *users = g_hash_table_lookup(store->user.layouts, name);
        gboolean shipped = !users || !users->layout;
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "name", name, "description",
                                              layout_description(lookup(store, name)), "origin",
                                              shipped ? "shipped" : "user"));
    }
    return list;
}

/* --- images ------------------------------------------------------------------------------ */

Image *layout_store_image(LayoutStore *store, const char *name)
{
    return layout_images_get(store->images, name);
}

GBytes *layout_store_image_file(LayoutStore *store, const char *name, const char **type)
{
    return layout_images_file(store->images, name, type);
}

gboolean layout_store_put_image(LayoutStore *store, const char *name, GBytes *file, gboolean *made,
                                GError **error)
{
    gboolean good = layout_images_put(store->images, name, file, made, error);
    if (good)
        tell(store, NULL);
    return good;
}

gboolean layout_store_delete_image(LayoutStore *store, const char *name, GError **error)
{
    gboolean good = layout_images_delete(store->images, name, error);
    if (good)
        tell(store, NULL);
    return good;
}

json_t *layout_store_image_json(LayoutStore *store, const char *name)
{
    return layout_images_describe(store->images, name);
}

json_t *layout_store_images_json(LayoutStore *store)
{
    return layout_images_to_json(store->images);
}

/* --- previews ---------------------------------------------------------------------------- */

static LayoutSource invented(guint person, gboolean screen, GStringChunk *texts)
{
    char id[16], source[24], name[24];
    g_snprintf(id, sizeof id, "p%u", person + 1);
    g_snprintf(source, sizeof source, screen ? "p%u/screen" : "p%u", person + 1);
    g_snprintf(name, sizeof name, "Person %u", person + 1);
    return (LayoutSource){ .id = g_string_chunk_insert(texts, source),
                           .participant = g_string_chunk_insert(texts, id),
                           .name = g_string_chunk_insert(texts, name),
                           .is_screen = screen,
                           .join = person + 1,
                           .speaker = person + 1 };
}

json_t *layout_store_preview(LayoutStore *store, Layout *layout, guint people, guint screens)
{
    g_autofree LayoutPlan *plan = g_new0(LayoutPlan, 1);
    GStringChunk *texts = g_string_chunk_new(1024);
    guint n = 0;
    people = MIN(people, MAX_PREVIEW);
    screens = MIN(screens, people);
    g_autofree LayoutSource *sources = g_new0(LayoutSource, people + screens + 1);
    for (guint i = 0; i < people; i++) {
        sources[n++] = invented(i, FALSE, texts);
        if (i < screens)
            sources[n++] = invented(i, TRUE, texts);
    }
    const Layout *solved = layout_store_resolve(store, layout, sources, n);
    int width = 0, height = 0;
    layout_canvas(solved, (int)config_int(store->config, "video.width"),
                  (int)config_int(store->config, "video.height"), &width, &height);
    layout_solve(solved, sources, n, width, height, plan);
    json_t *json = layout_plan_json(plan, layout_name(layout), sources);
    g_string_chunk_free(texts);
    return json;
}
