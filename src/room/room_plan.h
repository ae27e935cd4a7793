#pragma once

#include "room/room_sources.h"
#include "room/room_views.h"

/* One choice of layout solved for the people who are here. Control thread. */

typedef struct {
    Layout *layout; /* (a reference) that was asked for; NULL: on hold */
    RoomSources *sources;
    LayoutPlan plan;
    Layout *solved; /* (a reference) that was solved: `layout`, or the one that it delegates to */
    char *key;      /* equal if and only if the pictures are */
} RoomPlan;

/** layout NULL: the picture of those who are on hold. */
RoomPlan *room_plan_new(Room *room, Layout *layout, const char *without) ON_CONTROL_THREAD;
void room_plan_free(RoomPlan *plan);

/** (transfer full) What a scene is to show. */
ScenePlan *room_plan_scene(Room *room, const RoomPlan *plan) ON_CONTROL_THREAD;

/** (transfer full) layout_plan_json(). */
json_t *room_plan_json(const RoomPlan *plan);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RoomPlan, room_plan_free)
