#include "room/scene.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "mixer/glide.h"
#include "room/activity_map.h"
#include "room/rendition_set.h"

/* A canvas that does not change is still encoded this often, so that a receiver sees it alive. */
#define REFRESH_NS (200 * NS_PER_MS)
/* Sources go on being decoded for so long after a snapshot: whoever asks once asks again. */
#define SNAPSHOT_HOLD_NS (3 * NS_PER_SEC)
/* A snapshot waits for so long for the first pictures of its sources. */
#define SNAPSHOT_WAIT_NS NS_PER_SEC
#define RETIRE_NS        (3 * NS_PER_SEC)
/* The range of the bar of loudness. */
#define LOUD_DBOV  10
#define QUIET_DBOV 58

/* What a tile showed last. */
typedef struct {
    SceneTile *tile; /* (owned) */
    AVFrame *picture;
    guint64 serial;
    guint8 rotation;
    gint64 arrived_ns;
    gint wanted_px; /* what its input was asked for; 0: nothing */
} Shown;

typedef struct {
    SceneSnapshot snapshot;
    gpointer user;
    gint64 asked_ns;
} SnapshotRequest;

struct Scene {
    gint refs; /* atomic */
    Engine *engine;
    SceneSpec spec;
    Presence *presence;
    gint64 stale_ns;
    Strand *strand;
    RenditionSet *renditions; /* any thread */

    /* Own strand. */
    Compositor *compositor;
    ScenePlan *plan;  /* its tiles are in `shown` */
    GPtrArray *shown; /* of Shown */
    Glide *glide;
    gboolean has_clock, has_levels;
    gint64 clock_s; /* what the clocks show */
    ActivityMap *activity;
    gint64 next_tick; /* number of the next tick since the epoch */
    gint64 last_encode_ns, hold_until_ns;
    gboolean was_taken;

    pthread_mutex_t lock; /* guards everything below */
    gboolean running;
    gint64 retire_ns;    /* stops when nobody takes it, at the latest then; 0: goes on */
    ScenePlan *new_plan; /* or NULL: unchanged */
    GArray *snapshots;   /* of SnapshotRequest */
    SceneStats stats;
};

static void shown_want(Shown *shown, gboolean wanted)
{
    gint wanted_px = wanted ? scene_tile_source_px(shown->tile) : 0;
    if (!shown->tile->input || shown->wanted_px == wanted_px)
        return;
    if (wanted_px)
        video_input_want(shown->tile->input, wanted_px);
    if (shown->wanted_px)
        video_input_unwant(shown->tile->input, shown->wanted_px);
    shown->wanted_px = wanted_px;
}

static void shown_free(gpointer data)
{
    Shown *shown = data;
    shown_want(shown, FALSE);
    scene_tile_free(shown->tile);
    av_frame_free(&shown->picture);
    g_free(shown);
}

Scene *scene_new(Engine *engine, const SceneSpec *spec, Presence *presence)
{
    Scene *scene = g_new0(Scene, 1);
    scene->refs = 1;
    scene->engine = engine;
    scene->spec = *spec;
    scene->presence = presence_ref(presence);
    scene->stale_ns = config_int(engine_config(engine), "video.stale_ms") * NS_PER_MS;
    scene->strand = strand_new(engine_strand_pool(engine));
    scene->compositor = compositor_new(spec->width, spec->height, 0);
    scene->plan = scene_plan_new();
    scene->shown = g_ptr_array_new_with_free_func(shown_free);
    scene->glide = glide_new();
    scene->activity = activity_map_new(compositor_dirty_map_size(scene->compositor));
    scene->renditions = rendition_set_new(engine);
    scene->snapshots = g_array_new(FALSE, FALSE, sizeof(SnapshotRequest));
    scene->last_encode_ns = scene->hold_until_ns = G_MININT64 / 2;
    pthread_mutex_init(&scene->lock, NULL);
    return scene;
}

Scene *scene_ref(Scene *scene)
{
    g_atomic_int_inc(&scene->refs);
    return scene;
}

static void set_levels_wanted(Scene *scene, gboolean wanted)
{
    if (scene->has_levels != wanted)
        presence_want_levels(scene->presence, wanted);
    scene->has_levels = wanted;
}

void scene_unref(Scene *scene)
{
    if (!scene || !g_atomic_int_dec_and_test(&scene->refs))
        return;
    for (guint i = 0; i < scene->snapshots->len; i++) {
        const SnapshotRequest *request = &g_array_index(scene->snapshots, SnapshotRequest, i);
        request->snapshot(NULL, request->user);
    }
    set_levels_wanted(scene, FALSE);
    g_array_unref(scene->snapshots);
    g_ptr_array_unref(scene->shown);
    scene_plan_free(scene->plan);
    scene_plan_free(scene->new_plan);
    rendition_set_free(scene->renditions);
    glide_free(scene->glide);
    compositor_free(scene->compositor);
    activity_map_free(scene->activity);
    presence_unref(scene->presence);
    strand_unref(scene->strand);
    pthread_mutex_destroy(&scene->lock);
    g_free(scene);
}

/* --- the tick: what is to be shown ------------------------------------------------------- */

static Shown *find_shown(GPtrArray *shown, const SceneTile *tile)
{
    for (guint i = 0; i < shown->len; i++) {
        Shown *candidate = shown->pdata[i];
        if (strcmp(candidate->tile->id, tile->id) == 0 && candidate->tile->input == tile->input)
            return candidate;
    }
    return NULL;
}

/* The plan's tiles; a source that was shown before keeps its picture. */
static void adopt_tiles(Scene *scene, ScenePlan *plan)
{
    GPtrArray *shown = g_ptr_array_new_with_free_func(shown_free);
    gboolean levels = FALSE;
    g_ptr_array_set_free_func(plan->tiles, NULL);
    for (guint i = 0; i < plan->tiles->len; i++) {
        Shown *now = g_new0(Shown, 1);
        now->tile = plan->tiles->pdata[i];
        Shown *before = find_shown(scene->shown, now->tile);
        if (before) {
            now->picture = g_steal_pointer(&before->picture);
            now->serial = before->serial;
            now->rotation = before->rotation;
            now->arrived_ns = before->arrived_ns;
        }
        levels |= (now->tile->show & LAYOUT_SHOW_LEVEL) != 0;
        shown_want(now, TRUE);
        g_ptr_array_add(shown, now);
    }
    g_ptr_array_set_size(plan->tiles, 0);
    g_ptr_array_unref(scene->shown);
    scene->shown = shown;
    set_levels_wanted(scene, levels);
}

/* Tiles glide to their places; on a canvas that nobody sees they are there at once. */
static void begin_glide(Scene *scene, gint64 tick_ns)
{
    GlideTile tiles[LAYOUT_MAX_TILES];
    guint n = MIN(scene->shown->len, LAYOUT_MAX_TILES);
    for (guint i = 0; i < n; i++) {
        const SceneTile *tile = ((const Shown *)scene->shown->pdata[i])->tile;
        tiles[i] = (GlideTile){ tile->id, tile->rect };
    }
    glide_to(scene->glide, tiles, n, tick_ns, scene->was_taken ? scene->plan->transition_ns : 0);
}

static void draw_overlays(Scene *scene, gint64 wall_ns)
{
    CompositorOverlay overlays[LAYOUT_MAX_OVERLAYS];
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    guint n = scene_plan_overlays(scene->plan, wall_ns, texts, overlays);
    compositor_set_overlays(scene->compositor, overlays, n);
    scene->clock_s = wall_ns / NS_PER_SEC;
}

static void adopt_plan(Scene *scene, gint64 tick_ns)
{
    pthread_mutex_lock(&scene->lock);
    ScenePlan *plan = g_steal_pointer(&scene->new_plan);
    scene->stats.tiles = plan ? plan->tiles->len : scene->stats.tiles;
    pthread_mutex_unlock(&scene->lock);
    if (!plan)
        return;
    adopt_tiles(scene, plan);
    scene_plan_free(scene->plan);
    scene->plan = plan;
    scene->has_clock = scene_plan_has_clock(plan);
    begin_glide(scene, tick_ns);
    compositor_set_background(scene->compositor, plan->background_rgb, plan->background);
    draw_overlays(scene, clock_wall_ns(tick_ns));
}

/* --- the tick: the canvas ---------------------------------------------------------------- */

static void take_picture(Shown *shown, gint64 due_ns)
{
    Picture picture;
    if (!shown->tile->input)
        return;
    picture_ring_newest(video_input_ring(shown->tile->input), due_ns, shown->serial, &picture);
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
    if (shown->tile->kind == LAYOUT_TILE_PLACEHOLDER)
        return TILE_PLACEHOLDER;
    if (shown->tile->kind == LAYOUT_TILE_MORE)
        return TILE_MORE;
    if (!shown->picture || shown->tile->video_off)
        return TILE_NO_PICTURE;
    return now_ns - shown->arrived_ns > scene->stale_ns ? TILE_STALE : TILE_LIVE;
}

static int level_steps(guint8 level_dbov)
{
    int loud = QUIET_DBOV - (int)level_dbov;
    return CLAMP(loud * COMPOSITOR_LEVELS / (QUIET_DBOV - LOUD_DBOV), 0, COMPOSITOR_LEVELS);
}

static CompositorTile compositor_tile(const Scene *scene, const Shown *shown, gint64 now_ns)
{
    const SceneTile *tile = shown->tile;
    PresenceState presence = presence_get(scene->presence, tile->source);
    gboolean level = (tile->show & LAYOUT_SHOW_LEVEL) != 0;
    return (CompositorTile){ .id = tile->id,
                             .fit = tile->fit,
                             .radius = tile->radius,
                             .state = tile_state(scene, shown, now_ns),
                             .picture = shown->picture,
                             .picture_serial = shown->serial,
                             .rotation = shown->rotation,
                             .label = tile->show & LAYOUT_SHOW_NAME ? tile->label : NULL,
                             .name = tile->name,
                             .speaking =
                                 presence.speaking && (tile->show & LAYOUT_SHOW_SPEAKING) != 0,
                             .muted = tile->audio_muted && (tile->show & LAYOUT_SHOW_MUTE) != 0,
                             .more = tile->more,
                             .border = tile->border,
                             .border_rgb = tile->border_rgb,
                             .level = level ? level_steps(presence.level_dbov) : -1,
                             .logo = tile->logo };
}

/* A picture belongs to the tick that is nearest to the moment it is due. */
static gboolean compose(Scene *scene, gint64 tick_ns)
{
    CompositorTile tiles[LAYOUT_MAX_TILES];
    gint64 due_ns = tick_ns + NS_PER_SEC / scene->spec.fps / 2;
    guint n = MIN(scene->shown->len, LAYOUT_MAX_TILES);
    gboolean moving = glide_moving(scene->glide, tick_ns);
    for (guint i = 0; i < n; i++) {
        Shown *shown = scene->shown->pdata[i];
        take_picture(shown, due_ns);
        tiles[i] = compositor_tile(scene, shown, due_ns);
        tiles[i].rect = moving ? glide_rect(scene->glide, i, tick_ns) : shown->tile->rect;
    }
    gint64 wall_ns = clock_wall_ns(tick_ns);
    if (scene->has_clock && wall_ns / NS_PER_SEC != scene->clock_s)
        draw_overlays(scene, wall_ns);
    return compositor_compose(scene->compositor, tiles, n, tick_ns);
}

/* --- the tick: who takes it -------------------------------------------------------------- */

/* The others come to rest. */
ON_STRAND static GPtrArray *taken_renditions(Scene *scene, gint64 now_ns)
{
    g_autoptr(GPtrArray) all = scene_renditions(scene);
    GPtrArray *taken = g_ptr_array_new_with_free_func((GDestroyNotify)rendition_unref);
    for (guint i = 0; i < all->len; i++) {
        if (rendition_has_takers(all->pdata[i]))
            g_ptr_array_add(taken, rendition_ref(all->pdata[i]));
        else
            rendition_rest(all->pdata[i], now_ns);
    }
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
        activity_map_refresh(scene->activity);
    gboolean active = activity_map_tick(scene->activity,
                                        changed ? compositor_dirty_map(scene->compositor) : NULL);
    gboolean idle = !active && !keyframe && now_ns - scene->last_encode_ns < REFRESH_NS;
    if (!idle)
        scene->last_encode_ns = now_ns;
    for (guint i = 0; i < renditions->len; i++) {
        gboolean due = rendition_is_due(renditions->pdata[i], now_ns, scene->spec.mix_epoch_ns) ||
                       rendition_keyframe_due(renditions->pdata[i], now_ns);
        if (!due || (idle && !rendition_wants_cadence(renditions->pdata[i])))
            continue;
        rendition_encode(renditions->pdata[i], compositor_canvas(scene->compositor),
                         activity_map_blocks(scene->activity), now_ns, scene->spec.mix_epoch_ns);
    }
}

/* When the oldest snapshot that waits was asked for; G_MAXINT64: none waits. */
static gint64 snapshots_since_ns(Scene *scene)
{
    pthread_mutex_lock(&scene->lock);
    gint64 since_ns = scene->snapshots->len
                          ? g_array_index(scene->snapshots, SnapshotRequest, 0).asked_ns
                          : G_MAXINT64;
    pthread_mutex_unlock(&scene->lock);
    return since_ns;
}

/* Whether the canvas is what somebody who looks for longer would see. */
static gboolean is_complete(const Scene *scene)
{
    for (guint i = 0; i < scene->shown->len; i++) {
        const Shown *shown = scene->shown->pdata[i];
        if (shown->tile->input && !shown->tile->video_off && !shown->picture)
            return FALSE;
    }
    return compositor_is_complete(scene->compositor);
}

static void hand_out_snapshots(Scene *scene)
{
    pthread_mutex_lock(&scene->lock);
    GArray *requests = scene->snapshots;
    scene->snapshots = g_array_new(FALSE, FALSE, sizeof(SnapshotRequest));
    pthread_mutex_unlock(&scene->lock);
    for (guint i = 0; i < requests->len; i++) {
        const SnapshotRequest *request = &g_array_index(requests, SnapshotRequest, i);
        AVFrame *copy = av_frame_clone(compositor_canvas(scene->compositor));
        /* The canvas is drawn into again: a reference is not enough. */
        if (copy && av_frame_make_writable(copy) < 0)
            av_frame_free(&copy);
        request->snapshot(copy, request->user);
    }
    g_array_unref(requests);
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

/*  plan -> newest due pictures -> canvas -> renditions with takers, snapshots  */
ON_STRAND static void scene_tick(Scene *scene, gint64 tick_ns)
{
    g_autoptr(GPtrArray) renditions = taken_renditions(scene, tick_ns);
    gint64 cpu_ns = clock_thread_cpu_ns();
    gint64 asked_ns = snapshots_since_ns(scene);
    gboolean taken = renditions->len > 0;
    gboolean asked = asked_ns != G_MAXINT64;
    if (asked)
        scene->hold_until_ns = tick_ns + SNAPSHOT_HOLD_NS;
    adopt_plan(scene, tick_ns);
    want_sources(scene, taken || tick_ns < scene->hold_until_ns);
    gboolean changed = (taken || asked) && compose(scene, tick_ns);
    if (taken)
        hand_to_renditions(scene, renditions, changed, tick_ns);
    if (asked && (is_complete(scene) || tick_ns - asked_ns > SNAPSHOT_WAIT_NS))
        hand_out_snapshots(scene);
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

/* Whether it is over, and all that it holds of its sources with it. */
static gboolean has_ended(Scene *scene, gint64 now_ns)
{
    gboolean taken = scene_viewers(scene) > 0;
    pthread_mutex_lock(&scene->lock);
    if (scene->retire_ns && (!taken || now_ns > scene->retire_ns))
        scene->running = FALSE;
    gboolean ended = !scene->running;
    pthread_mutex_unlock(&scene->lock);
    return ended;
}

static void tick_task(gpointer data)
{
    Scene *scene = data;
    thread_assert_strand();
    if (has_ended(scene, engine_now_ns(scene->engine))) {
        want_sources(scene, FALSE);
        g_ptr_array_set_size(scene->shown, 0);
        set_levels_wanted(scene, FALSE);
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

void scene_retire(Scene *scene)
{
    pthread_mutex_lock(&scene->lock);
    scene->retire_ns = engine_now_ns(scene->engine) + RETIRE_NS;
    pthread_mutex_unlock(&scene->lock);
}

void scene_set_plan(Scene *scene, ScenePlan *plan)
{
    pthread_mutex_lock(&scene->lock);
    ScenePlan *replaced = scene->new_plan;
    scene->new_plan = plan;
    pthread_mutex_unlock(&scene->lock);
    scene_plan_free(replaced);
}

void scene_snapshot(Scene *scene, SceneSnapshot snapshot, gpointer user)
{
    SnapshotRequest request = { snapshot, user, engine_now_ns(scene->engine) };
    pthread_mutex_lock(&scene->lock);
    g_array_append_val(scene->snapshots, request);
    pthread_mutex_unlock(&scene->lock);
}

static RenditionSpec rendition_spec_of(const Scene *scene, const CodecType *codec,
                                       const LadderRung *rung)
{
    gint layers = (gint)config_int(engine_config(scene->engine), "video.temporal_layers");
    gboolean layered = codec->id == AV_CODEC_ID_VP8;
    return (RenditionSpec){ .codec = codec,
                            .width = rung->width,
                            .height = rung->height,
                            .fps = rung->fps,
                            .bitrate_bps = rung->bitrate_bps,
                            .temporal_layers = layered ? layers : 1 };
}

Rendition *scene_rendition_sized(Scene *scene, const CodecType *codec, gint width, gint height,
                                 gint bitrate_bps)
{
    LadderRung rung = { width, height, scene->spec.fps, bitrate_bps };
    RenditionSpec spec = rendition_spec_of(scene, codec, &rung);
    return rendition_set_get(scene->renditions, &spec);
}

Ladder *scene_ladder(Scene *scene, const CodecType *codec)
{
    const Config *config = engine_config(scene->engine);
    LadderRung top = { scene->spec.width, scene->spec.height, scene->spec.fps,
                       (gint)config_int(config, "video.bitrate") };
    LadderRung rungs[LADDER_MAX_RUNGS];
    Rendition *renditions[LADDER_MAX_RUNGS];
    guint n = ladder_rungs(config, &top, rungs);
    for (guint i = 0; i < n; i++) {
        RenditionSpec spec = rendition_spec_of(scene, codec, &rungs[i]);
        spec.last = i + 1 == n;
        renditions[i] = rendition_set_get(scene->renditions, &spec);
    }
    Ladder *ladder = ladder_new(renditions, n);
    for (guint i = 0; i < n; i++)
        rendition_unref(renditions[i]);
    return ladder;
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
    return rendition_set_list(scene->renditions);
}

guint scene_viewers(Scene *scene)
{
    return rendition_set_viewers(scene->renditions);
}
