#include "room/room_views.h"

#include <string.h>

#include "base/error.h"
#include "room/graph_json.h"
#include "room/room_views_private.h"

static void room_choice_free(gpointer data)
{
    RoomChoice *choice = data;
    room_plan_free(choice->plan);
    g_ptr_array_unref(choice->views);
    g_free(choice);
}

static void room_picture_free(gpointer data)
{
    RoomPicture *picture = data;
    g_ptr_array_unref(picture->choices);
    g_free(picture);
}

const RoomPlan *room_picture_plan(const RoomPicture *picture)
{
    return ((const RoomChoice *)picture->choices->pdata[0])->plan;
}

static void unref_scene(gpointer scene)
{
    scene_unref(scene);
}

RoomViews *room_views_new(Room *room)
{
    RoomViews *views = g_new0(RoomViews, 1);
    views->room = room;
    views->views = g_ptr_array_new();
    views->scenes = g_ptr_array_new_with_free_func(unref_scene);
    return views;
}

void room_views_free(RoomViews *views)
{
    if (!views)
        return;
    for (guint i = 0; i < views->scenes->len; i++)
        scene_stop(views->scenes->pdata[i]);
    g_ptr_array_unref(views->scenes);
    g_ptr_array_unref(views->views);
    g_free(views);
}

/* --- choices ----------------------------------------------------------------------------- */

ON_CONTROL_THREAD static gboolean is_named(RoomViews *views, Layout *layout)
{
    return layout && layout_store_peek(views->room->rooms->layouts, layout_name(layout)) == layout;
}

ON_CONTROL_THREAD static void set_choice(View *view, const ViewChoice *choice)
{
    Layout *layout = choice->layout ? layout_ref(choice->layout) : NULL;
    gboolean named = is_named(view->views, layout);
    char *without = g_strdup(choice->without);
    layout_unref(view->layout);
    g_free(view->without);
    view->layout = layout;
    view->without = without;
    view->without_self = choice->without_self;
    view->hold = choice->hold;
    view->named = named;
}

View *view_new(RoomViews *views, const ViewChoice *choice, const ViewOwner *owner)
{
    View *view = g_new0(View, 1);
    view->views = views;
    view->participant = g_strdup(owner->participant);
    view->moved = owner->moved;
    view->user = owner->user;
    set_choice(view, choice);
    g_ptr_array_add(views->views, view);
    return view;
}

void view_free(View *view)
{
    if (!view)
        return;
    g_ptr_array_remove(view->views->views, view);
    layout_unref(view->layout);
    g_free(view->without);
    g_free(view->participant);
    scene_unref(view->scene);
    json_decref(view->json);
    g_free(view);
}

static Layout *layout_of(const RoomViews *views, const ViewChoice *choice)
{
    const View *own = views->views->pdata[0];
    if (choice->hold)
        return NULL;
    return choice->layout ? choice->layout : own->layout;
}

static ViewChoice choice_of(const View *view)
{
    return (ViewChoice){ view->layout, view->without, view->without_self, view->hold };
}

/* --- pictures ---------------------------------------------------------------------------- */

static gboolean is_same_choice(const RoomViews *views, const View *a, const View *b)
{
    ViewChoice first = choice_of(a), second = choice_of(b);
    if (first.hold || second.hold)
        return first.hold && second.hold;
    return layout_of(views, &first) == layout_of(views, &second) &&
           g_strcmp0(first.without, second.without) == 0;
}

/* What somebody chose who chose the same: solved already. */
static RoomChoice *find_same_choice(const RoomViews *views, const GPtrArray *pictures,
                                    const View *view)
{
    for (guint i = 0; i < pictures->len; i++) {
        const RoomPicture *picture = pictures->pdata[i];
        for (guint k = 0; k < picture->choices->len; k++) {
            RoomChoice *choice = picture->choices->pdata[k];
            if (is_same_choice(views, choice->views->pdata[0], view))
                return choice;
        }
    }
    return NULL;
}

/* The picture with this plan's key, made if there is none. */
static RoomPicture *picture_with(GPtrArray *pictures, const RoomPlan *plan)
{
    for (guint i = 0; i < pictures->len; i++) {
        RoomPicture *picture = pictures->pdata[i];
        if (strcmp(room_picture_plan(picture)->key, plan->key) == 0)
            return picture;
    }
    RoomPicture *picture = g_new0(RoomPicture, 1);
    picture->choices = g_ptr_array_new_with_free_func(room_choice_free);
    g_ptr_array_add(pictures, picture);
    return picture;
}

/* Whoever leaves itself out but stands nowhere in the picture sees the same as everybody. */
ON_CONTROL_THREAD static RoomChoice *solve_choice(RoomViews *views, GPtrArray *pictures,
                                                  const ViewChoice *asked)
{
    RoomChoice *choice = g_new0(RoomChoice, 1);
    choice->plan = room_plan_new(views->room, layout_of(views, asked), asked->without);
    choice->views = g_ptr_array_new();
    g_ptr_array_add(picture_with(pictures, choice->plan)->choices, choice);
    return choice;
}

ON_CONTROL_THREAD static void add_view(RoomViews *views, GPtrArray *pictures, View *view)
{
    ViewChoice asked = choice_of(view);
    RoomChoice *choice = find_same_choice(views, pictures, view);
    if (!choice)
        choice = solve_choice(views, pictures, &asked);
    g_ptr_array_add(choice->views, view);
}

/* (transfer full) Every picture once, the room's own first, with those who look at it. One view (or
 * NULL) is left out. */
ON_CONTROL_THREAD static GPtrArray *solve_all(RoomViews *views, const View *except)
{
    GPtrArray *pictures = g_ptr_array_new_with_free_func(room_picture_free);
    for (guint i = 0; i < views->views->len; i++) {
        if (views->views->pdata[i] != except)
            add_view(views, pictures, views->views->pdata[i]);
    }
    return pictures;
}

guint room_views_max_scenes(const RoomViews *views)
{
    return (guint)config_int(views->room->rooms->config, "room.max_scenes");
}

gboolean room_picture_is_exempt(const GPtrArray *pictures, guint index)
{
    return index == 0 || !room_picture_plan(pictures->pdata[index])->layout;
}

static guint count_scenes(const GPtrArray *pictures)
{
    guint count = 1;
    for (guint i = 0; i < pictures->len; i++)
        count += !room_picture_is_exempt(pictures, i);
    return count;
}

/* TRUE if another view than this one (or NULL) has this choice: nothing need be solved then. */
static gboolean has_choice(const RoomViews *views, const ViewChoice *choice, const View *except)
{
    for (guint i = 0; i < views->views->len; i++) {
        const View *view = views->views->pdata[i];
        ViewChoice other = choice_of(view);
        if (view != except && !view->hold && layout_of(views, &other) == layout_of(views, choice) &&
            g_strcmp0(other.without, choice->without) == 0)
            return TRUE;
    }
    return FALSE;
}

gboolean room_views_have_room(RoomViews *views, const ViewChoice *choice, const View *instead,
                              GError **error)
{
    if (choice->hold || has_choice(views, choice, instead))
        return TRUE;
    g_autoptr(GPtrArray) pictures = solve_all(views, instead);
    guint others = pictures->len;
    solve_choice(views, pictures, choice);
    if (pictures->len == others || count_scenes(pictures) <= room_views_max_scenes(views))
        return TRUE;
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                "Room %s composes %u different pictures already (room.max_scenes): choose a layout "
                "that somebody else has.",
                views->room->id, room_views_max_scenes(views));
    return FALSE;
}

/* The room's own picture is always composed; others have to make way for it. */
static gboolean is_own(const View *view)
{
    return view->views->views->pdata[0] == view;
}

/* TRUE if it is the same but for hold. */
static gboolean is_present_choice(const View *view, const ViewChoice *choice)
{
    return view->layout == choice->layout && g_strcmp0(view->without, choice->without) == 0;
}

gboolean view_choose(View *view, const ViewChoice *choice, GError **error)
{
    if (!is_own(view) && !is_present_choice(view, choice) &&
        !room_views_have_room(view->views, choice, view, error))
        return FALSE;
    set_choice(view, choice);
    return TRUE;
}

/* --- telling ----------------------------------------------------------------------------- */

/* What many views showed before is compared once. */
typedef struct {
    const json_t *before;
    gboolean equal;
} Comparison;

/* Returns TRUE if it shows something else than before. */
static gboolean note_json(View *view, json_t *json, Comparison *last)
{
    if (!last->before || last->before != view->json)
        *last = (Comparison){ view->json, view->json && json_equal(view->json, json) };
    if (last->equal)
        return FALSE;
    json_decref(view->json);
    view->json = json_incref(json);
    return TRUE;
}

/* Who of those who chose alike sees something new: participants into `changed`. */
static void note_choice(const RoomChoice *choice, json_t *json, GPtrArray *changed, gboolean *own)
{
    Comparison last = { NULL, FALSE };
    for (guint i = 0; i < choice->views->len; i++) {
        View *view = choice->views->pdata[i];
        if (!note_json(view, json, &last))
            continue;
        if (is_own(view))
            *own = TRUE;
        else if (view->participant)
            g_ptr_array_add(changed, g_strdup(view->participant));
    }
}

/* (transfer full) The participants whose picture changed; *own: the room's did. */
static GPtrArray *note_changes(const GPtrArray *pictures, gboolean *own)
{
    GPtrArray *changed = g_ptr_array_new_with_free_func(g_free);
    json_t *own_json = room_plan_json(room_picture_plan(pictures->pdata[0]));
    for (guint i = 0; i < pictures->len; i++) {
        const RoomPicture *picture = pictures->pdata[i];
        for (guint k = 0; k < picture->choices->len; k++) {
            const RoomChoice *choice = picture->choices->pdata[k];
            json_t *json = picture->scene ? room_plan_json(choice->plan) : json_incref(own_json);
            note_choice(choice, json, changed, own);
            json_decref(json);
        }
    }
    json_decref(own_json);
    return changed;
}

ON_CONTROL_THREAD static void tell_changes(Room *room, const GPtrArray *changed, gboolean own)
{
    if (own)
        room_emit(room, ROOM_EVENT_LAYOUT, NULL, room_layout_json(room));
    /* Those who hear of it may make others leave. */
    for (guint i = 0; i < changed->len; i++) {
        Participant *participant = room_find(room, changed->pdata[i]);
        if (participant)
            room_emit(room, ROOM_EVENT_VIEW, participant, participant_view_json(participant));
    }
}

ON_CONTROL_THREAD static void update_once(RoomViews *views)
{
    gboolean own = FALSE;
    g_autoptr(GPtrArray) pictures = solve_all(views, NULL);
    room_scenes_assign(views, pictures);
    g_autoptr(GPtrArray) changed = note_changes(pictures, &own);
    tell_changes(views->room, changed, own);
}

/* Who hears of a change may change something: once more then, not inside. */
void room_views_update(RoomViews *views)
{
    views->again = TRUE;
    if (views->updating)
        return;
    views->updating = TRUE;
    while (views->again) {
        views->again = FALSE;
        update_once(views);
    }
    views->updating = FALSE;
}

void room_views_layouts_changed(RoomViews *views)
{
    for (guint i = 0; i < views->views->len; i++) {
        View *view = views->views->pdata[i];
        Layout *layout =
            view->named ? layout_store_peek(views->room->rooms->layouts, layout_name(view->layout))
                        : NULL;
        view->named = layout != NULL; /* a deleted one goes on as if it were written out */
        if (!layout || layout == view->layout)
            continue;
        layout_ref(layout);
        layout_unref(view->layout);
        view->layout = layout;
    }
    room_views_update(views);
}

/* --- what is known ----------------------------------------------------------------------- */

Layout *view_layout(const View *view)
{
    return view->layout;
}

gboolean view_layout_is_named(const View *view)
{
    return view->named;
}

gboolean view_is_without(const View *view)
{
    return view->without_self;
}

gboolean view_is_fallback(const View *view)
{
    return view->fallback;
}

Scene *view_scene(const View *view)
{
    return view->scene;
}

json_t *view_json(const View *view)
{
    return view->json;
}

json_t *room_views_dry_run(RoomViews *views, Layout *layout)
{
    g_autoptr(RoomPlan) plan = room_plan_new(views->room, layout, NULL);
    return room_plan_json(plan);
}

guint room_views_scenes(const RoomViews *views)
{
    return views->scenes->len;
}

/* What the layout of this view is called. */
static const char *name_of(const View *view)
{
    ViewChoice choice = choice_of(view);
    const Layout *layout = layout_of(view->views, &choice);
    return layout ? layout_name(layout) : "hold";
}

static json_t *scene_to_json(const RoomViews *views, Scene *scene)
{
    json_t *json = graph_scene_json(scene);
    json_t *layouts = json_array();
    guint count = 0;
    for (guint i = 0; i < views->views->len; i++) {
        const View *view = views->views->pdata[i];
        const char *name = name_of(view);
        if (view->scene != scene)
            continue;
        count++;
        json_t *known;
        size_t k;
        gboolean listed = FALSE;
        json_array_foreach(layouts, k, known) listed |= strcmp(json_string_value(known), name) == 0;
        if (!listed)
            json_array_append_new(layouts, json_string(name));
    }
    json_object_set_new(json, "layouts", layouts);
    json_object_set_new(json, "views", json_integer(count));
    json_object_set_new(json, "viewers", json_integer(scene_viewers(scene)));
    return json;
}

json_t *room_views_to_json(RoomViews *views)
{
    json_t *list = json_array();
    for (guint i = 0; i < views->scenes->len; i++)
        json_array_append_new(list, scene_to_json(views, views->scenes->pdata[i]));
    return list;
}
