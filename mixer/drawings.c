#include "mixer/drawings.h"

#include <pthread.h>

typedef struct {
    char *key;
    Overlay *overlay; /* or NULL */
    GList link;
} Drawing;

/* Guards all below; held for a look-up only. A POSIX mutex, because thread checkers see those. */
static pthread_mutex_t drawings_lock = PTHREAD_MUTEX_INITIALIZER;
static GHashTable *drawings_known;          /* key -> Drawing */
static GQueue drawings_used = G_QUEUE_INIT; /* the most recent first */
static gsize drawings_bytes;

static gsize drawing_size(const Drawing *drawing)
{
    return drawing->overlay ? overlay_bytes(drawing->overlay) : 0;
}

/* Call with the lock held. */
static Drawing *drawings_find(const char *key)
{
    Drawing *drawing = drawings_known ? g_hash_table_lookup(drawings_known, key) : NULL;
    if (drawing) {
        g_queue_unlink(&drawings_used, &drawing->link);
        g_queue_push_head_link(&drawings_used, &drawing->link);
    }
    return drawing;
}

static void drawings_trim(void)
{
    while (drawings_used.length > DRAWINGS_MAX || drawings_bytes > DRAWINGS_MAX_BYTES) {
        Drawing *oldest = drawings_used.tail->data;
        g_queue_unlink(&drawings_used, &oldest->link);
        g_hash_table_remove(drawings_known, oldest->key);
        drawings_bytes -= drawing_size(oldest);
        overlay_unref(oldest->overlay);
        g_free(oldest->key);
        g_free(oldest);
    }
}

/* Two threads may have made the same one: the first stays. */
static void drawings_add(const char *key, Overlay *overlay)
{
    pthread_mutex_lock(&drawings_lock);
    if (!drawings_find(key)) {
        Drawing *drawing = g_new0(Drawing, 1);
        drawing->key = g_strdup(key);
        drawing->overlay = overlay ? overlay_ref(overlay) : NULL;
        drawing->link.data = drawing;
        if (!drawings_known)
            drawings_known = g_hash_table_new(g_str_hash, g_str_equal);
        g_hash_table_insert(drawings_known, drawing->key, drawing);
        g_queue_push_head_link(&drawings_used, &drawing->link);
        drawings_bytes += drawing_size(drawing);
        drawings_trim();
    }
    pthread_mutex_unlock(&drawings_lock);
}

gboolean drawings_fetch(DrawingBudget *budget, const char *key, DrawingFunc draw,
                        gconstpointer what, Overlay **overlay)
{
    pthread_mutex_lock(&drawings_lock);
    const Drawing *known = drawings_find(key);
    if (known)
        *overlay = known->overlay ? overlay_ref(known->overlay) : NULL;
    pthread_mutex_unlock(&drawings_lock);
    if (known)
        return TRUE;
    if (budget && budget->left == 0) {
        budget->owing = TRUE;
        return FALSE;
    }
    if (budget)
        budget->left--;
    *overlay = draw(what);
    drawings_add(key, *overlay);
    return TRUE;
}

void drawings_usage(guint *n, gsize *bytes)
{
    pthread_mutex_lock(&drawings_lock);
    *n = drawings_used.length;
    *bytes = drawings_bytes;
    pthread_mutex_unlock(&drawings_lock);
}
