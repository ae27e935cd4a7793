#include <math.h>
#include <string.h>

#include "room/json_patch.h"
#include "room/room_hearing.h"
#include "room/room_private.h"

/* What is decided about a participant: by the moderators, and what it chose to see. */

#define MAX_ROLE   32
#define MAX_ORDER  1000
#define SILENT_DB  (-60.0)
#define LOUDEST_DB 12.0

/* All that a patch may change, so that it is taken over whole or not at all. */
typedef struct {
    char *name;    /* or NULL: unchanged */
    char *role;    /* or NULL: none */
    json_t *hears; /* (a reference) or NULL: everybody */
    gint order;
    gboolean pinned, hidden, hold, muted, video_off;
    double volume_db;
    Layout *layout; /* (a reference) or NULL: the room's */
    gboolean without_self;
} Decision;

static void decision_clear(Decision *decision)
{
    g_free(decision->name);
    g_free(decision->role);
    json_decref(decision->hears);
    layout_unref(decision->layout);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Decision, decision_clear)

/* --- reading ----------------------------------------------------------------------------- */

gboolean participant_role_valid(const char *role)
{
    gsize length = strlen(role);
    for (gsize i = 0; i < length; i++) {
        if (!g_ascii_isalnum(role[i]) && role[i] != '_' && role[i] != '-')
            return FALSE;
    }
    return length >= 1 && length <= MAX_ROLE;
}

static gboolean read_name(json_t *patch, Decision *decision, GError **error)
{
    const char *text;
    gboolean given;
    if (!json_patch_text(patch, "name", &given, &text, error))
        return FALSE;
    if (!given)
        return TRUE;
    decision->name = participant_clean_name(text, error);
    return decision->name != NULL;
}

static gboolean read_role(json_t *patch, Decision *decision, GError **error)
{
    const char *text;
    gboolean given;
    if (!json_patch_text(patch, "role", &given, &text, error))
        return FALSE;
    if (!given)
        return TRUE;
    if (text && !participant_role_valid(text)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "role: write 1 to %d letters, digits, \"_\" or \"-\", or null.", MAX_ROLE);
        return FALSE;
    }
    g_free(decision->role);
    decision->role = g_strdup(text);
    return TRUE;
}

ON_CONTROL_THREAD static gboolean read_layout(Participant *participant, json_t *patch,
                                              Decision *decision, GError **error)
{
    json_t *choice = json_object_get(patch, "layout");
    if (!choice)
        return TRUE;
    g_clear_pointer(&decision->layout, layout_unref);
    if (json_is_null(choice))
        return TRUE;
    decision->layout = rooms_layout_from_json(participant->room->rooms, choice, error);
    return decision->layout != NULL;
}

ON_CONTROL_THREAD static gboolean read_decision(Participant *participant, json_t *patch,
                                                Decision *decision, GError **error)
{
    static const char *const keys[] = { "name",   "role",         "order",     "pinned", "hidden",
                                        "hold",   "muted",        "video_off", "volume", "hears",
                                        "layout", "without_self", NULL };
    return json_patch_check(patch, keys, error) && read_name(patch, decision, error) &&
           read_role(patch, decision, error) &&
           json_patch_int(patch, "order", -MAX_ORDER, MAX_ORDER, &decision->order, error) &&
           json_patch_bool(patch, "pinned", &decision->pinned, error) &&
           json_patch_bool(patch, "hidden", &decision->hidden, error) &&
           json_patch_bool(patch, "hold", &decision->hold, error) &&
           json_patch_bool(patch, "muted", &decision->muted, error) &&
           json_patch_bool(patch, "video_off", &decision->video_off, error) &&
           json_patch_number(patch, "volume", SILENT_DB, LOUDEST_DB, &decision->volume_db, error) &&
           room_hears_read(patch, &decision->hears, error) &&
           read_layout(participant, patch, decision, error) &&
           json_patch_bool(patch, "without_self", &decision->without_self, error);
}

static void present_decision(const Participant *participant, Decision *decision)
{
    Layout *layout = participant->watches ? view_layout(participant->watches) : NULL;
    *decision =
        (Decision){ .role = g_strdup(participant->role),
                    .hears = json_incref(participant->hears),
                    .order = participant->order,
                    .pinned = participant->pinned != 0,
                    .hidden = participant->hidden,
                    .hold = participant->hold,
                    .muted = participant->muted,
                    .video_off = participant->video_off,
                    .volume_db = participant->volume_db,
                    .layout = layout ? layout_ref(layout) : NULL,
                    .without_self = participant->watches && view_is_without(participant->watches) };
}

/* --- taking over ------------------------------------------------------------------------- */

ON_CONTROL_THREAD static gboolean choose_view(Participant *participant, const Decision *decision,
                                              GError **error)
{
    ViewChoice choice = { .layout = decision->layout,
                          .without = participant_left_out(participant, decision->without_self),
                          .without_self = decision->without_self,
                          .hold = decision->hold };
    if (participant->watches) {
        room_release_snapshots(participant->room);
        return view_choose(participant->watches, &choice, error);
    }
    if (!decision->layout && !decision->without_self)
        return TRUE;
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                "layout: %s receives no picture, so it has no layout of its own.", participant->id);
    return FALSE;
}

static void adopt(Participant *participant, Decision *decision)
{
    Room *room = participant->room;
    if (decision->name) {
        g_free(participant->name);
        participant->name = g_steal_pointer(&decision->name);
    }
    g_free(participant->role);
    participant->role = g_steal_pointer(&decision->role);
    json_decref(participant->hears);
    participant->hears = g_steal_pointer(&decision->hears);
    participant->order = decision->order;
    if (decision->pinned != (participant->pinned != 0))
        participant->pinned = decision->pinned ? ++room->next_pinned : 0;
    participant->hidden = decision->hidden;
    participant->hold = decision->hold;
    participant->muted = decision->muted;
    participant->video_off = decision->video_off;
    participant->volume_db = decision->volume_db;
}

static void tell(Participant *participant) ON_CONTROL_THREAD;
static void tell(Participant *participant)
{
    participant->version++;
    room_touch(participant->room);
    room_emit(participant->room, ROOM_EVENT_UPDATED, participant, participant_to_json(participant));
}

gboolean participant_patch(Participant *participant, json_t *patch, GError **error)
{
    Room *room = participant->room;
    g_auto(Decision) decision = { 0 };
    present_decision(participant, &decision);
    if (!read_decision(participant, patch, &decision, error) ||
        !choose_view(participant, &decision, error))
        return FALSE;
    adopt(participant, &decision);
    participant_update_gain(participant);
    if (participant->muted || participant->hold)
        room_take_floor(room, participant);
    room_update_hearing(room);
    tell(participant);
    room_views_update(room->views);
    return TRUE;
}

gboolean participant_set_view(Participant *participant, Layout *layout, gboolean without_self,
                              GError **error)
{
    Decision decision = { .layout = layout,
                          .without_self = without_self,
                          .hold = participant->hold };
    if (!choose_view(participant, &decision, error))
        return FALSE;
    tell(participant);
    room_views_update(participant->room->views);
    return TRUE;
}

json_t *participant_view_json(Participant *participant)
{
    View *view = participant->watches;
    if (!view || !view_json(view))
        return json_object();
    json_t *json = json_copy(view_json(view));
    Layout *layout = view_layout(view);
    json_object_set_new(json, "choice", layout ? json_string(layout_name(layout)) : json_null());
    json_object_set_new(json, "without_self", json_boolean(view_is_without(view)));
    json_object_set_new(json, "fallback", json_boolean(view_is_fallback(view)));
    return json;
}

/* --- sound ------------------------------------------------------------------------------- */

void participant_update_gain(Participant *participant)
{
    gboolean silent = participant->muted || participant->hold;
    double gain = pow(10, participant->volume_db / 20);
    graph_leg_set_gain(participant->room->graph, participant->leg, silent ? 0 : (float)gain);
}
