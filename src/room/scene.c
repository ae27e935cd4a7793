#include "room/scene.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"

/* A block stays active for the encoder this many ticks after its last change: the encoder refines
 * what it first drew roughly. */
#define HOT_TICKS 12
/* After a key frame, which is drawn in a hurry, all blocks stay active for longer. */
#define KEYFRAME_HOT_TICKS 60
/* A canvas that does not change is still encoded this often, so that a receiver sees it alive. */
#define REFRESH_NS (200 * NS_PER_MS)

/* What a tile showed last. */
typedef struct {
    SceneTile *tile; /* (owned) */
    AVFrame *picture;
    guint64 serial;
    guint8 rotation;
    gint64 arrived_ns;
    gboolean speaking;
    gboolean wanting; /* counted in its input's want */
} Shown;

struct Scene {
    gint refs; /* atomic */
    Engine *engine;
    SceneSpec spec;
    gint64 stale_ns;
    Strand *strand;

    /* Own strand. */
    Compositor *compositor;
    GPtrArray *shown; /* of Shown */
    guint8 *hot;      /* per macroblock: ticks for which it stays active */
    guint8 *active_map;
    gsize map_size;
    gint64 next_tick; /* number of the next tick since the epoch */
    gint64 last_encode_ns;
    gboolean was_taken;

    pthread_mutex_t lock; /* guards everything below */
    gboolean running;
    GPtrArray *new_tiles;  /* of SceneTile, or NULL: unchanged */
    GHashTable *speaking;  /* set of tile ids */
    GPtrArray *renditions; /* of Rendition references */
    SceneStats stats;
};

SceneTile *scene_tile_new(const char *id, const char *label, VideoInput *input)
{
    SceneTile *tile = g_new0(SceneTile, 1);
    tile->id = g_strdup(id);
    tile->label = g_strdup(label);
    tile->input = input ? video_input_ref(input) : NULL;
    return tile;
}

void scene_tile_free(SceneTile *tile)
{
    if (!tile)
        return;
    video_input_unref(tile->input);
    g_free(tile->id);
    g_free(tile->label);
    g_free(tile);
}

static void shown_want(Shown *shown, gboolean wanted)
{
    if (!shown->tile->input || shown->wanting == wanted)
        return;
    shown->wanting = wanted;
    video_input_want(shown->tile->input, wanted);
}

static void shown_free(gpointer data)
{
    Shown *shown = data;
    shown_want(shown, FALSE);
    scene_tile_free(shown->tile);
    av_frame_free(&shown->picture);
    g_free(shown);
}

Scene *scene_new(Engine *engine, const SceneSpec *spec)
{
    Scene *scene = g_new0(Scene, 1);
    scene->refs = 1;
    scene->engine = engine;
    scene->spec = *spec;
    scene->stale_ns = config_int(engine_config(engine), "video.stale_ms") * NS_PER_MS;
    scene->strand = strand_new(engine_strand_pool(engine));
    scene->compositor = compositor_new(spec->width, spec->height, spec->background_rgb);
    scene->shown = g_ptr_array_new_with_free_func(shown_free);
    scene->map_size = compositor_dirty_map_size(scene->compositor);
    scene->hot = g_malloc0(scene->map_size);
    scene->active_map = g_malloc0(scene->map_size);
    scene->speaking = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    scene->renditions = g_ptr_array_new_with_free_func((GDestroyNotify)rendition_unref);
    scene->last_encode_ns = G_MININT64 / 2;
    pthread_mutex_init(&scene->lock, NULL);
    return scene;
}

Scene *scene_ref(Scene *scene)
{
    g_atomic_int_inc(&scene->refs);
    return scene;
}

void scene_unref(Scene *scene)
{
    if (!scene || !g_atomic_int_dec_and_test(&scene->refs))
        return;
    g_ptr_array_unref(scene->shown);
    g_clear_pointer(&scene->new_tiles, g_ptr_array_unref);
    g_ptr_array_unref(scene->renditions);
    g_hash_table_unref(scene->speaking);
    compositor_free(scene->compositor);
    g_free(scene->hot);
    g_free(scene->active_map);
    strand_unref(scene->strand);
    pthread_mutex_destroy(&scene->lock);
    g_free(scene);
}

/* --- the tick ---------------------------------------------------------------------------- */

static Shown *find_shown(GPtrArray *shown, const SceneTile *tile)
{
    for (guint i = 0; i < shown->len; i++) {
        Shown *candidate = shown->pdata[i];
        if (strcmp(candidate->tile->id, tile->id) == 0 && candidate->tile->input == tile->input)
            return candidate;
    }
    return NULL;
}

/* Take over the room's new tiles; a source that was shown before keeps its picture. */
static void adopt_tiles(Scene *scene)
{
    pthread_mutex_lock(&scene->lock);
    g_autoptr(GPtrArray) tiles = g_steal_pointer(&scene->new_tiles);
    scene->stats.tiles = tiles ? tiles->len : scene->stats.tiles;
    pthread_mutex_unlock(&scene->lock);
    if (!tiles)
        return;
    GPtrArray *shown = g_ptr_array_new_with_free_func(shown_free);
    g_ptr_array_set_free_func(tiles, NULL);
    for (guint i = 0; i < tiles->len; i++) {
        Shown *before = find_shown(scene->shown, tiles->pdata[i]);
        Shown *now = g_new0(Shown, 1);
        now->tile = tiles->pdata[i];
        if (before) {
            now->picture = g_steal_pointer(&before->picture);
            now->serial = before->serial;
            now->rotation = before->rotation;
            now->arrived_ns = before->arrived_ns;
        }
        shown_want(now, TRUE);
        g_ptr_array_add(shown, now);
    }
    g_ptr_array_unref(scene->shown);
    scene->shown = shown;
}

static void adopt_speaking(Scene *scene)
{
    pthread_mutex_lock(&scene->lock);
    for (guint i = 0; i < scene->shown->len; i++) {
        Shown *shown = scene->shown->pdata[i];
        shown->speaking = g_hash_table_contains(scene->speaking, shown->tile->id);
    }
    pthread_mutex_unlock(&scene->lock);
}

static void take_picture(Shown *shown, gint64 now_ns)
{
    Picture picture;
    if (!shown->tile->input)
        return;
    picture_ring_newest(video_input_ring(shown->tile->input), now_ns, shown->serial, &picture);
    if (picture.arrived_ns)
        shown->arrived_ns = picture.arrived_ns;
    if (!picture.frame)
        return;
    av_frame_free(&shown->picture);
    shown->picture = picture.frame;
    shown->serial = picture.serial;
    shown->rotation = picture.rotation;
}

static TileState tile_state(const Scene *scene, const Shown *shown, gint64 now_ns)
{
    if (!shown->picture || shown->tile->video_off)
        return TILE_NO_PICTURE;
    return now_ns - shown->arrived_ns > scene->stale_ns ? TILE_STALE : TILE_LIVE;
}

static gboolean compose(Scene *scene, gint64 now_ns)
{
    CompositorTile tiles[LAYOUT_MAX_TILES];
    guint n = MIN(scene->shown->len, LAYOUT_MAX_TILES);
    for (guint i = 0; i < n; i++) {
        Shown *shown = scene->shown->pdata[i];
        const SceneTile *tile = shown->tile;
        take_picture(shown, now_ns);
        tiles[i] = (CompositorTile){ .id = tile->id,
                                     .rect = tile->rect,
                                     .fit = tile->fit,
                                     .radius = tile->radius,
                                     .state = tile_state(scene, shown, now_ns),
                                     .picture = shown->picture,
                                     .picture_serial = shown->serial,
                                     .rotation = shown->rotation,
                                     .label = tile->label,
                                     .speaking = shown->speaking,
                                     .muted = tile->audio_muted };
    }
    return compositor_compose(scene->compositor, tiles, n);
}

/* Which blocks the encoder is to look at: those that changed in the last ticks. Returns TRUE if
 * there is any. */
static gboolean update_active_map(Scene *scene, gboolean changed)
{
    const guint8 *dirty = compositor_dirty_map(scene->compositor);
    guint any = 0;
    for (gsize i = 0; i < scene->map_size; i++) {
        guint8 hot = changed && dirty[i] ? MAX(HOT_TICKS, scene->hot[i]) : scene->hot[i];
        scene->active_map[i] = hot > 0;
        any |= hot;
        scene->hot[i] = hot ? (guint8)(hot - 1) : 0;
    }
    return any != 0;
}

static GPtrArray *taken_renditions(Scene *scene)
{
    GPtrArray *taken = g_ptr_array_new_with_free_func((GDestroyNotify)rendition_unref);
    pthread_mutex_lock(&scene->lock);
    for (guint i = 0; i < scene->renditions->len; i++) {
        if (rendition_has_takers(scene->renditions->pdata[i]))
            g_ptr_array_add(taken, rendition_ref(scene->renditions->pdata[i]));
    }
    pthread_mutex_unlock(&scene->lock);
    return taken;
}

static gboolean any_keyframe_due(GPtrArray *renditions, gint64 now_ns)
{
    for (guint i = 0; i < renditions->len; i++) {
        if (rendition_keyframe_due(renditions->pdata[i], now_ns))
            return TRUE;
    }
    return FALSE;
}

ON_STRAND static void hand_to_renditions(Scene *scene, GPtrArray *renditions, gboolean changed,
                                         gint64 now_ns)
{
    gboolean keyframe = any_keyframe_due(renditions, now_ns);
    if (keyframe || !scene->was_taken)
        memset(scene->hot, KEYFRAME_HOT_TICKS, scene->map_size);
    gboolean active = update_active_map(scene, changed);
    if (!active && !keyframe && now_ns - scene->last_encode_ns < REFRESH_NS)
        return;
    scene->last_encode_ns = now_ns;
    for (guint i = 0; i < renditions->len; i++)
        rendition_encode(renditions->pdata[i], compositor_canvas(scene->compositor),
                         scene->active_map, now_ns, scene->spec.mix_epoch_ns);
}

static void want_sources(Scene *scene, gboolean wanted)
{
    for (guint i = 0; i < scene->shown->len; i++)
        shown_want(scene->shown->pdata[i], wanted);
}

static void note_tick(Scene *scene, gboolean idle, gint64 late_ns, gint64 cpu_ns)
{
    pthread_mutex_lock(&scene->lock);
    scene->stats.ticks++;
    scene->stats.idle_ticks += idle;
    scene->stats.late_ticks += late_ns > NS_PER_SEC / scene->spec.fps;
    scene->stats.compose_cpu_ns += cpu_ns;
    compositor_stats(scene->compositor, &scene->stats.compositor);
    pthread_mutex_unlock(&scene->lock);
}

static gint64 tick_time_ns(const Scene *scene, gint64 tick)
{
    return scene->spec.mix_epoch_ns + tick * NS_PER_SEC / scene->spec.fps;
}

/*  tiles -> newest due pictures -> canvas -> renditions with takers  */
ON_STRAND static void scene_tick(Scene *scene, gint64 tick_ns)
{
    g_autoptr(GPtrArray) renditions = taken_renditions(scene);
    gint64 cpu_ns = clock_thread_cpu_ns();
    gboolean taken = renditions->len > 0;
    adopt_tiles(scene);
    want_sources(scene, taken);
    if (taken) {
        adopt_speaking(scene);
        /* A picture belongs to the tick that is nearest to the moment it is due. */
        gboolean changed = compose(scene, tick_ns + NS_PER_SEC / scene->spec.fps / 2);
        hand_to_renditions(scene, renditions, changed, tick_ns);
    }
    scene->was_taken = taken;
    note_tick(scene, !taken, engine_now_ns(scene->engine) - tick_ns,
              clock_thread_cpu_ns() - cpu_ns);
}

static void tick_task(gpointer data);

static void schedule(Scene *scene)
{
    strand_post_at(scene->strand, tick_time_ns(scene, scene->next_tick), tick_task,
                   scene_ref(scene), (GDestroyNotify)scene_unref);
}

static void tick_task(gpointer data)
{
    Scene *scene = data;
    thread_assert_strand();
    pthread_mutex_lock(&scene->lock);
    gboolean running = scene->running;
    pthread_mutex_unlock(&scene->lock);
    if (!running) {
        want_sources(scene, FALSE);
        g_ptr_array_set_size(scene->shown, 0);
        return;
    }
    scene_tick(scene, tick_time_ns(scene, scene->next_tick));
    /* Ticks that are already over are left out: the cadence is kept, nothing is made up for. */
    gint64 elapsed_ns = engine_now_ns(scene->engine) - scene->spec.mix_epoch_ns;
    gint64 now_tick = elapsed_ns * scene->spec.fps / NS_PER_SEC;
    gint64 next = MAX(scene->next_tick + 1, now_tick);
    pthread_mutex_lock(&scene->lock);
    scene->stats.skipped_ticks += (guint64)(next - scene->next_tick - 1);
    pthread_mutex_unlock(&scene->lock);
    scene->next_tick = next;
    schedule(scene);
}

static void start_task(gpointer data)
{
    Scene *scene = data;
    gint64 elapsed_ns = engine_now_ns(scene->engine) - scene->spec.mix_epoch_ns;
    scene->next_tick = elapsed_ns * scene->spec.fps / NS_PER_SEC + 1;
    schedule(scene);
}

/* --- any thread -------------------------------------------------------------------------- */

void scene_start(Scene *scene)
{
    pthread_mutex_lock(&scene->lock);
    gboolean was_running = scene->running;
    scene->running = TRUE;
    pthread_mutex_unlock(&scene->lock);
    if (!was_running)
        strand_post(scene->strand, start_task, scene_ref(scene), (GDestroyNotify)scene_unref);
}

void scene_stop(Scene *scene)
{
    pthread_mutex_lock(&scene->lock);
    scene->running = FALSE;
    pthread_mutex_unlock(&scene->lock);
}

void scene_set_tiles(Scene *scene, GPtrArray *tiles)
{
    pthread_mutex_lock(&scene->lock);
    GPtrArray *replaced = scene->new_tiles;
    scene->new_tiles = tiles;
    pthread_mutex_unlock(&scene->lock);
    if (replaced)
        g_ptr_array_unref(replaced);
}

void scene_set_speaking(Scene *scene, const char *tile_id, gboolean speaking)
{
    pthread_mutex_lock(&scene->lock);
    if (speaking)
        g_hash_table_add(scene->speaking, g_strdup(tile_id));
    else
        g_hash_table_remove(scene->speaking, tile_id);
    pthread_mutex_unlock(&scene->lock);
}

Rendition *scene_rendition(Scene *scene, const CodecType *codec, gint bitrate_bps)
{
    RenditionSpec spec = { codec, scene->spec.width, scene->spec.height, scene->spec.fps,
                           bitrate_bps };
    Rendition *found = NULL;
    pthread_mutex_lock(&scene->lock);
    for (guint i = 0; i < scene->renditions->len && !found; i++) {
        if (rendition_spec(scene->renditions->pdata[i])->codec == codec)
            found = scene->renditions->pdata[i];
    }
    if (!found) {
        found = rendition_new(scene->engine, &spec);
        g_ptr_array_add(scene->renditions, found);
    }
    rendition_ref(found);
    pthread_mutex_unlock(&scene->lock);
    return found;
}

void scene_stats(Scene *scene, SceneStats *stats)
{
    pthread_mutex_lock(&scene->lock);
    *stats = scene->stats;
    pthread_mutex_unlock(&scene->lock);
}

const SceneSpec *scene_spec(const Scene *scene)
{
    return &scene->spec;
}

GPtrArray *scene_renditions(Scene *scene)
{
    GPtrArray *copy = g_ptr_array_new_with_free_func((GDestroyNotify)rendition_unref);
    pthread_mutex_lock(&scene->lock);
    for (guint i = 0; i < scene->renditions->len; i++)
        g_ptr_array_add(copy, rendition_ref(scene->renditions->pdata[i]));
    pthread_mutex_unlock(&scene->lock);
    return copy;
}
