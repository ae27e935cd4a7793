#include "room/rendition_set.h"

#include <pthread.h>

struct RenditionSet {
    Engine *engine;
    pthread_mutex_t lock;  /* guards the list */
    GPtrArray *renditions; /* of Rendition references */
};

RenditionSet *rendition_set_new(Engine *engine)
{
    RenditionSet *set = g_new0(RenditionSet, 1);
    set->engine = engine;
    set->renditions = g_ptr_array_new_with_free_func((GDestroyNotify)rendition_unref);
    pthread_mutex_init(&set->lock, NULL);
    return set;
}

void rendition_set_free(RenditionSet *set)
{
    g_ptr_array_unref(set->renditions);
    pthread_mutex_destroy(&set->lock);
    g_free(set);
}

static gboolean is_like(const RenditionSpec *a, const RenditionSpec *b)
{
    return a->codec == b->codec && a->width == b->width && a->height == b->height &&
           a->fps == b->fps;
}

Rendition *rendition_set_get(RenditionSet *set, const RenditionSpec *spec)
{
    Rendition *found = NULL;
    pthread_mutex_lock(&set->lock);
    for (guint i = 0; i < set->renditions->len && !found; i++) {
        if (is_like(rendition_spec(set->renditions->pdata[i]), spec))
            found = set->renditions->pdata[i];
    }
    if (!found) {
        found = rendition_new(set->engine, spec);
        g_ptr_array_add(set->renditions, found);
    }
    rendition_ref(found);
    pthread_mutex_unlock(&set->lock);
    return found;
}

GPtrArray *rendition_set_list(RenditionSet *set)
{
    GPtrArray *copy = g_ptr_array_new_with_free_func((GDestroyNotify)rendition_unref);
    pthread_mutex_lock(&set->lock);
    for (guint i = 0; i < set->renditions->len; i++)
        g_ptr_array_add(copy, rendition_ref(set->renditions->pdata[i]));
    pthread_mutex_unlock(&set->lock);
    return copy;
}

guint rendition_set_viewers(RenditionSet *set)
{
    g_autoptr(GPtrArray) renditions = rendition_set_list(set);
    guint viewers = 0;
    for (guint i = 0; i < renditions->len; i++) {
        RenditionStats stats;
        rendition_stats(renditions->pdata[i], &stats);
        viewers += stats.viewers;
    }
    return viewers;
}
