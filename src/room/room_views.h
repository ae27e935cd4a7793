#pragma once

#include <jansson.h>

#include "base/thread.h"
#include "mixer/layout.h"
#include "room/scene.h"

/* Who sees what in a room: each view is a choice of layout; views whose choices come to the same
 * rectangles share one scene. Control thread.
 *
 *   people + choices --solve--> pictures --group--> scenes      room_views_update()
 */

typedef struct Room Room;
typedef struct RoomViews RoomViews;
typedef struct View View;

/** What somebody wants to see. */
typedef struct {
    Layout *layout;        /* (a reference is taken) or NULL: what the room's own view shows */
    const char *without;   /* id of the participant whose tiles are left out, or NULL */
    gboolean without_self; /* it asked for that, even if it has no tiles */
    gboolean hold;         /* nothing but the sign that it is on hold: may always be chosen */
} ViewChoice;

/** The view has another scene than before. */
typedef void (*ViewMoved)(gpointer user);

RoomViews *room_views_new(Room *room) ON_CONTROL_THREAD;
/** All views must be gone. */
void room_views_free(RoomViews *views) ON_CONTROL_THREAD;

/** Place everybody anew, for all views, and tell the scenes and the listeners. */
void room_views_update(RoomViews *views) ON_CONTROL_THREAD;

/** A layout of the store was changed or deleted: who chose it by name gets the new one. */
void room_views_layouts_changed(RoomViews *views) ON_CONTROL_THREAD;

/** Who looks. */
typedef struct {
    const char *participant; /* who is told of what it sees, or NULL; copied */
    ViewMoved moved;         /* or NULL */
    gpointer user;
} ViewOwner;

/** The first view is the room's own; its choice always has a layout. room_views_update() is to
 *  follow. */
View *view_new(RoomViews *views, const ViewChoice *choice,
               const ViewOwner *owner) ON_CONTROL_THREAD;
void view_free(View *view) ON_CONTROL_THREAD;

/** Change the choice. Errors: UNAVAILABLE, if that is one more picture than room.max_scenes; the
 *  view is as before then. What was chosen already, hold, and what was chosen before hold never
 *  fail. */
gboolean view_choose(View *view, const ViewChoice *choice, GError **error) ON_CONTROL_THREAD;

/** Whether this choice can be shown, as one more view or instead of `instead` (or NULL). Errors:
 *  UNAVAILABLE (room.max_scenes). */
gboolean room_views_have_room(RoomViews *views, const ViewChoice *choice, const View *instead,
                              GError **error) ON_CONTROL_THREAD;

/** (transfer none) The layout of the choice, or NULL. */
Layout *view_layout(const View *view);
/** TRUE if it is the store's layout of that name, not one written out. */
gboolean view_layout_is_named(const View *view);
gboolean view_is_without(const View *view);
/** TRUE if the room's own picture is shown because there are room.max_scenes others. */
gboolean view_is_fallback(const View *view);

/** The scene (transfer none), after the first update. */
Scene *view_scene(const View *view);

/** What it shows: layout_plan_json() (transfer none), after the first update. */
json_t *view_json(const View *view);

/** (transfer full) The plan of a layout for those who are in the room, as JSON. */
json_t *room_views_dry_run(RoomViews *views, Layout *layout) ON_CONTROL_THREAD;

guint room_views_scenes(const RoomViews *views);
/** (transfer full) [{...graph_scene_json(), "layouts":[...], "views"}] */
json_t *room_views_to_json(RoomViews *views) ON_CONTROL_THREAD;
