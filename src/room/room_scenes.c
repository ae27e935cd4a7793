#include "room/room_views_private.h"

/* Which scene shows which picture. */

static gboolean fits(const RoomPicture *picture, const Scene *scene)
{
    const SceneSpec *spec = scene_spec(scene);
    const LayoutPlan *plan = &room_picture_plan(picture)->plan;
    return spec->width == plan->width && spec->height == plan->height;
}

static gboolean is_claimed(const GPtrArray *pictures, const Scene *scene)
{
    for (guint i = 0; i < pictures->len; i++) {
        if (((const RoomPicture *)pictures->pdata[i])->scene == scene)
            return TRUE;
    }
    return FALSE;
}

static guint looking_at(const RoomPicture *picture, const Scene *scene)
{
    guint count = 0;
    for (guint i = 0; i < picture->choices->len; i++) {
        const RoomChoice *choice = picture->choices->pdata[i];
        for (guint k = 0; k < choice->views->len; k++)
            count += ((const View *)choice->views->pdata[k])->scene == scene;
    }
    return count;
}

/* The free scene that most of those who are to see the picture look at already. */
static Scene *best_scene(const RoomViews *views, const GPtrArray *pictures,
                         const RoomPicture *picture, guint *most)
{
    Scene *best = NULL;
    for (guint i = 0; i < views->scenes->len; i++) {
        Scene *scene = views->scenes->pdata[i];
        guint count = looking_at(picture, scene);
        if (count > *most && fits(picture, scene) && !is_claimed(pictures, scene)) {
            best = scene;
            *most = count;
        }
    }
    return best;
}

/* A picture goes on in the scene that shows it to most of its views, so that it glides there and
 * few have to change over; the room's own picture chooses first. */
static void keep_scenes(const RoomViews *views, GPtrArray *pictures)
{
    RoomPicture *own = pictures->pdata[0];
    guint most = 0;
    own->scene = best_scene(views, pictures, own, &most);
    for (;;) {
        RoomPicture *winner = NULL;
        Scene *won = NULL;
        most = 0;
        for (guint i = 1; i < pictures->len; i++) {
            RoomPicture *picture = pictures->pdata[i];
            Scene *scene = picture->scene ? NULL : best_scene(views, pictures, picture, &most);
            if (scene) {
                winner = picture;
                won = scene;
            }
        }
        if (!winner)
            return;
        winner->scene = won;
    }
}

static Scene *make_scene(RoomViews *views, const RoomPicture *picture)
{
    Room *room = views->room;
    const LayoutPlan *plan = &room_picture_plan(picture)->plan;
    SceneSpec spec = { .width = plan->width,
                       .height = plan->height,
                       .fps = (gint)config_int(room->rooms->config, "video.fps"),
                       .mix_epoch_ns = graph_mix_epoch_ns(room->graph) };
    Scene *scene = scene_new(room->rooms->engine, &spec, graph_presence(room->graph));
    g_ptr_array_add(views->scenes, scene);
    scene_start(scene);
    return scene;
}

/* New ones as far as room.max_scenes goes; who finds none sees the room's own picture. The room's
 * own counts whether it has its scene already or not. */
static void make_scenes(RoomViews *views, GPtrArray *pictures)
{
    guint used = 1;
    for (guint i = 0; i < pictures->len; i++) {
        const RoomPicture *picture = pictures->pdata[i];
        used += picture->scene && !room_picture_is_exempt(pictures, i);
    }
    for (guint i = 0; i < pictures->len; i++) {
        RoomPicture *picture = pictures->pdata[i];
        gboolean exempt = room_picture_is_exempt(pictures, i);
        if (picture->scene || (!exempt && used >= room_views_max_scenes(views)))
            continue;
        picture->scene = make_scene(views, picture);
        used += !exempt;
    }
}

ON_CONTROL_THREAD static void show_pictures(RoomViews *views, const GPtrArray *pictures)
{
    for (guint i = 0; i < pictures->len; i++) {
        const RoomPicture *picture = pictures->pdata[i];
        if (picture->scene)
            scene_set_plan(picture->scene,
                           room_plan_scene(views->room, room_picture_plan(picture)));
    }
}

static void move_view(View *view, Scene *scene)
{
    if (view->scene == scene)
        return;
    scene_unref(view->scene);
    view->scene = scene_ref(scene);
    if (view->moved)
        view->moved(view->user);
}

static void move_choice(const RoomChoice *choice, Scene *scene, gboolean fallback)
{
    for (guint i = 0; i < choice->views->len; i++) {
        View *view = choice->views->pdata[i];
        view->fallback = fallback;
        move_view(view, scene);
    }
}

static void move_views(const GPtrArray *pictures)
{
    const RoomPicture *own = pictures->pdata[0];
    for (guint i = 0; i < pictures->len; i++) {
        const RoomPicture *picture = pictures->pdata[i];
        gboolean fallback = picture->scene == NULL;
        for (guint k = 0; k < picture->choices->len; k++)
            move_choice(picture->choices->pdata[k], fallback ? own->scene : picture->scene,
                        fallback);
    }
}

static void retire_scenes(RoomViews *views, const GPtrArray *pictures)
{
    for (guint i = views->scenes->len; i > 0; i--) {
        Scene *scene = views->scenes->pdata[i - 1];
        if (is_claimed(pictures, scene))
            continue;
        scene_retire(scene);
        g_ptr_array_remove_index(views->scenes, i - 1);
    }
}

/*  pictures -> the scenes that show them already, or new ones -> views  */
void room_scenes_assign(RoomViews *views, GPtrArray *pictures)
{
    keep_scenes(views, pictures);
    make_scenes(views, pictures);
    show_pictures(views, pictures);
    move_views(pictures);
    retire_scenes(views, pictures);
}
