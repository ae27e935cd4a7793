#include "mixer/glide.h"

#include <math.h>
#include <string.h>

/* Edges glide, not sizes: two tiles that share an edge share it all the way. */

typedef struct {
    char *id;
    VideoRect from, to;
    gint64 start_ns, duration_ns; /* 0: stands at `to` */
} GlidePath;

struct Glide {
    GArray *paths;  /* GlidePath */
    GArray *before; /* those of the last glide_to(), while the next one takes them over */
    gint64 ends_ns; /* when the last one arrives */
};

static void glide_path_clear(gpointer path)
{
    g_free(((GlidePath *)path)->id);
}

static GArray *glide_paths_new(void)
{
    GArray *paths = g_array_new(FALSE, TRUE, sizeof(GlidePath));
    g_array_set_clear_func(paths, glide_path_clear);
    return paths;
}

Glide *glide_new(void)
{
    Glide *glide = g_new0(Glide, 1);
    glide->paths = glide_paths_new();
    glide->before = glide_paths_new();
    glide->ends_ns = G_MININT64;
    return glide;
}

void glide_free(Glide *glide)
{
    if (!glide)
        return;
    g_array_unref(glide->paths);
    g_array_unref(glide->before);
    g_free(glide);
}

static gboolean glide_path_arrived(const GlidePath *path, gint64 now_ns)
{
    return path->duration_ns <= 0 || now_ns - path->start_ns >= path->duration_ns;
}

/* An edge that is `part` of its way along, even. */
static int glide_edge(int from, int to, double part)
{
    return (int)lround((from + ((double)to - from) * part) / 2) * 2;
}

static VideoRect glide_path_at(const GlidePath *path, gint64 now_ns)
{
    if (glide_path_arrived(path, now_ns))
        return path->to;
    const VideoRect a = path->from, b = path->to;
    const gint64 elapsed = MAX(now_ns - path->start_ns, 0);
    const double t = (double)elapsed / (double)path->duration_ns;
    const double part = t * t * (3 - 2 * t);
    const int left = glide_edge(a.x, b.x, part), top = glide_edge(a.y, b.y, part);
    return (VideoRect){
        left,
        top,
        glide_edge(a.x + a.width, b.x + b.width, part) - left,
        glide_edge(a.y + a.height, b.y + b.height, part) - top,
    };
}

/* The path of this id, taken out of those before; it mostly stands where it stood. */
static gboolean glide_take(Glide *glide, const char *id, guint likely, GlidePath *path)
{
    const guint n = glide->before->len;
    for (guint i = 0; i < n; i++) {
        GlidePath *known = &g_array_index(glide->before, GlidePath, (likely + i) % n);
        if (known->id && strcmp(known->id, id) == 0) {
            *path = *known;
            known->id = NULL;
            return TRUE;
        }
    }
    *path = (GlidePath){ .id = g_strdup(id) };
    return FALSE;
}

static void glide_head_for(GlidePath *path, VideoRect to, gint64 now_ns, gint64 duration_ns)
{
    /* Already on the way to there: as before, or asking again and again would never arrive. */
    if (video_rect_equal(path->to, to) && duration_ns > 0)
        return;
    path->from = glide_path_at(path, now_ns);
    path->to = to;
    path->start_ns = now_ns;
    path->duration_ns = video_rect_equal(path->from, to) ? 0 : MAX(duration_ns, 0);
}

void glide_to(Glide *glide, const GlideTile *tiles, guint n, gint64 now_ns, gint64 duration_ns)
{
    GArray *before = glide->paths;
    glide->paths = glide->before;
    glide->before = before;
    glide->ends_ns = G_MININT64;
    for (guint i = 0; i < n; i++) {
        GlidePath path;
        if (glide_take(glide, tiles[i].id ? tiles[i].id : "", i, &path))
            glide_head_for(&path, tiles[i].rect, now_ns, duration_ns);
        else
            path.from = path.to = tiles[i].rect;
        if (!glide_path_arrived(&path, now_ns))
            glide->ends_ns = MAX(glide->ends_ns, path.start_ns + path.duration_ns);
        g_array_append_val(glide->paths, path);
    }
    g_array_set_size(before, 0);
}

gboolean glide_moving(const Glide *glide, gint64 now_ns)
{
    return now_ns < glide->ends_ns;
}

VideoRect glide_rect(const Glide *glide, guint i, gint64 now_ns)
{
    g_return_val_if_fail(i < glide->paths->len, ((VideoRect){ 0, 0, 0, 0 }));
    return glide_path_at(&g_array_index(glide->paths, GlidePath, i), now_ns);
}
