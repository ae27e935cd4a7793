#pragma once

#include "room/room_plan.h"
#include "room/room_private.h"
#include "room/room_views.h"

/* What room_views.c (choices -> pictures) and room_scenes.c (pictures -> scenes) share. */

struct View {
    RoomViews *views;
    Layout *layout; /* (a reference) or NULL */
    gboolean named; /* the store's layout of that name */
    char *without;
    gboolean without_self, hold;
    char *participant; /* or NULL */
    ViewMoved moved;
    gpointer user;

    Scene *scene; /* (a reference) */
    json_t *json; /* (a reference) what it shows */
    gboolean fallback;
};

struct RoomViews {
    Room *room;
    GPtrArray *views;  /* of View; the first is the room's own */
    GPtrArray *scenes; /* of Scene (a reference each) that views have */
    gboolean updating, again;
};

/* What some views chose alike, solved. */
typedef struct {
    RoomPlan *plan;   /* (owned) */
    GPtrArray *views; /* of View */
} RoomChoice;

/* One picture that some choices come to. */
typedef struct {
    GPtrArray *choices; /* of RoomChoice (owned); at least one */
    Scene *scene;       /* (transfer none) or NULL: not yet */
} RoomPicture;

/** The plan of a picture: that of any of its choices, they look alike. */
const RoomPlan *room_picture_plan(const RoomPicture *picture);

guint room_views_max_scenes(const RoomViews *views);

/** TRUE for the room's own picture and that of those on hold: they are composed in any case,
 * outside of room.max_scenes. */
gboolean room_picture_is_exempt(const GPtrArray *pictures, guint index);

/** Give each picture a scene (the first one is the room's own), as far as there may be scenes, and
 *  each view the scene of its picture; scenes that nobody has any more go. */
void room_scenes_assign(RoomViews *views, GPtrArray *pictures) ON_CONTROL_THREAD;
