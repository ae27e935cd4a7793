#include <string.h>

#include "base/clock.h"
#include "support/sim_world.h"

/* A thousand random changes of layouts, pins, roles and people: nobody is lost, nobody stands
 * twice, and what is said to be shown is what is seen. */

#define OPERATIONS 1000
#define PEOPLE     6
#define TOLERANCE  22

static const SimPaint paints[PEOPLE] = { { 82, 90, 240 },  { 145, 54, 34 },  { 41, 240, 110 },
                                         { 170, 166, 16 }, { 210, 16, 146 }, { 106, 202, 222 } };

typedef struct {
    SimWorld *world;
    SimPeer *peers[PEOPLE]; /* NULL: not in the room */
    GRand *random;
    guint next_number;
    GPtrArray *names; /* of the layouts */
} Churn;

static guint pick(Churn *churn, guint n)
{
    return (guint)g_rand_int_range(churn->random, 0, (gint32)n);
}

static void join(Churn *churn, guint i)
{
    g_autofree char *name = g_strdup_printf("Person %u", i);
    SimPeerConfig config = { .name = name,
                             .number = churn->next_number++,
                             .tone_hz = 400 + 112.5 * i,
                             .video = SIM_MOVING,
                             .paint = paints[i],
                             .deaf = TRUE,
                             .blind = i != 0 };
    churn->peers[i] = sim_world_join(churn->world, &config);
}

static Participant *participant(const Churn *churn, guint i)
{
    thread_assert_control();
    return churn->peers[i] ? sim_world_participant(churn->world, churn->peers[i]) : NULL;
}

static Layout *pick_layout(Churn *churn)
{
    thread_assert_control();
    Rooms *rooms = sim_world_rooms(churn->world);
    const char *name = churn->names->pdata[pick(churn, churn->names->len)];
    return layout_store_get(rooms_layouts(rooms), name, NULL);
}

static void patch(Churn *churn, guint i, json_t *json)
{
    thread_assert_control();
    if (participant(churn, i))
        participant_patch(participant(churn, i), json, NULL); /* too many scenes is an answer too */
    json_decref(json);
}

static void operate(Churn *churn)
{
    thread_assert_control();
    guint i = pick(churn, PEOPLE);
    gboolean yes = pick(churn, 2);
    static const char *const roles[] = { "teacher", "guest" };
    switch (pick(churn, 9)) {
    case 0:
        room_set_layout(sim_world_room(churn->world), pick_layout(churn));
        break;
    case 1:
        if (participant(churn, i))
            participant_set_view(participant(churn, i), pick_layout(churn), yes, NULL);
        break;
    case 2:
        if (participant(churn, i))
            participant_set_view(participant(churn, i), NULL, yes, NULL);
        break;
    case 3:
        patch(churn, i, json_pack("{s:b}", "pinned", yes));
        break;
    case 4:
        patch(churn, i, json_pack("{s:s}", "role", roles[yes]));
        break;
    case 5:
        patch(churn, i, json_pack("{s:i, s:b}", "order", (int)pick(churn, 5) - 2, "hidden", yes));
        break;
    case 6:
        patch(churn, i, json_pack("{s:b, s:b}", "muted", yes, "hold", yes && i != 0));
        break;
    default: /* the first one stays and looks */
        if (i != 0 && churn->peers[i]) {
            sim_world_leave(churn->world, churn->peers[i]);
            churn->peers[i] = NULL;
        } else if (i != 0) {
            join(churn, i);
        }
    }
}

/* --- what must hold ---------------------------------------------------------------------- */

static gint member(const json_t *json, const char *name)
{
    return (gint)json_integer_value(json_object_get(json, name));
}

static gboolean is_shown(const Churn *churn, guint i)
{
    thread_assert_control();
    json_t *json = participant_to_json(participant(churn, i));
    gboolean shown = !json_is_true(json_object_get(json, "hidden")) &&
                     !json_is_true(json_object_get(json, "hold"));
    json_decref(json);
    return shown;
}

/* Everyone stands once, or is counted as having no place; all of it on the canvas. */
static void check_plan(const Churn *churn, const json_t *plan, guint expected)
{
    const json_t *tiles = json_object_get(plan, "tiles");
    const json_t *canvas = json_object_get(plan, "canvas");
    g_autoptr(GHashTable) ids = g_hash_table_new(g_str_hash, g_str_equal);
    (void)churn;
    for (gsize t = 0; t < json_array_size(tiles); t++) {
        const json_t *tile = json_array_get(tiles, t);
        const char *id = json_string_value(json_object_get(tile, "id"));
        g_assert_cmpint(member(tile, "x"), >=, 0);
        g_assert_cmpint(member(tile, "y"), >=, 0);
        g_assert_cmpint(member(tile, "x") + member(tile, "width"), <=, member(canvas, "width"));
        g_assert_cmpint(member(tile, "y") + member(tile, "height"), <=, member(canvas, "height"));
        if (id)
            g_assert_true(g_hash_table_add(ids, (gpointer)id));
    }
    if (g_hash_table_size(ids) + (guint)member(plan, "hidden") != expected) {
        g_autofree char *text = json_dumps(plan, JSON_COMPACT);
        g_error("%u are to be seen: %s", expected, text);
    }
}

static void check(const Churn *churn)
{
    thread_assert_control();
    guint shown = 0;
    for (guint i = 0; i < PEOPLE; i++)
        shown += churn->peers[i] && is_shown(churn, i);
    json_t *plan = room_layout_json(sim_world_room(churn->world));
    check_plan(churn, plan, shown);
    json_decref(plan);
    for (guint i = 0; i < PEOPLE; i++) {
        if (!churn->peers[i])
            continue;
        json_t *view = participant_view_json(participant(churn, i));
        gboolean hold = g_strcmp0(json_string_value(json_object_get(view, "layout")), "hold") == 0;
        gboolean without = json_is_true(json_object_get(view, "without_self")) &&
                           !json_is_true(json_object_get(view, "fallback"));
        check_plan(churn, view, hold ? 0 : shown - (without && is_shown(churn, i)));
        json_decref(view);
    }
}

static guint index_of(const Churn *churn, const char *id)
{
    for (guint i = 0; i < PEOPLE; i++) {
        if (churn->peers[i] && g_strcmp0(participant_id(participant(churn, i)), id) == 0)
            return i;
    }
    g_assert_not_reached();
}

/* TRUE if something stands above the middle of this tile. */
static gboolean is_covered(const json_t *tiles, gsize index, const VideoRect *middle)
{
    for (gsize t = index + 1; t < json_array_size(tiles); t++) {
        const json_t *tile = json_array_get(tiles, t);
        VideoRect rect = { member(tile, "x"), member(tile, "y"), member(tile, "width"),
                           member(tile, "height") };
        if (video_rect_overlap(*middle, rect))
            return TRUE;
    }
    return FALSE;
}

/* The first one's newest picture has everybody's paint where the view says they are. */
static void look(const Churn *churn)
{
    thread_assert_control();
    json_t *view = participant_view_json(participant(churn, 0));
    const json_t *tiles = json_object_get(view, "tiles");
    const AVFrame *picture = sim_eye_picture(sim_peer_eye(churn->peers[0]));
    for (gsize t = 0; t < json_array_size(tiles); t++) {
        const json_t *tile = json_array_get(tiles, t);
        const char *id = json_string_value(json_object_get(tile, "id"));
        VideoRect middle = { member(tile, "x") + member(tile, "width") / 2 - 4,
                             member(tile, "y") + member(tile, "height") / 2 - 4, 8, 8 };
        if (!id || !json_is_true(json_object_get(tile, "picture")) || member(tile, "height") < 24 ||
            is_covered(tiles, t, &middle))
            continue;
        SimColour seen = sim_picture_colour(picture, &middle);
        SimPaint paint = paints[index_of(churn, id)];
        if (ABS(seen.y - paint.y) > TOLERANCE || ABS(seen.u - paint.u) > TOLERANCE)
            g_error("in %s %s is %d %d %d at %d,%d",
                    json_string_value(json_object_get(view, "layout")), id, seen.y, seen.u, seen.v,
                    middle.x, middle.y);
    }
    json_decref(view);
}

static void test_thousand_changes(void)
{
    static const char *const settings[] = { "room.max_scenes=4", NULL };
    SimWorldOptions options = { .project_dir = PROJECT_DIR, .settings = settings };
    Churn churn = { .world = sim_world_new(&options),
                    .random = g_rand_new_with_seed(11),
                    .next_number = 1,
                    .names = g_ptr_array_new_with_free_func(g_free) };
    thread_assert_control();
    json_t *layouts = layout_store_to_json(rooms_layouts(sim_world_rooms(churn.world)));
    for (gsize i = 0; i < json_array_size(layouts); i++)
        g_ptr_array_add(churn.names, g_strdup(json_string_value(
                                         json_object_get(json_array_get(layouts, i), "name"))));
    json_decref(layouts);
    for (guint i = 0; i < 4; i++)
        join(&churn, i);
    sim_world_run(churn.world, NS_PER_SEC);
    for (guint i = 1; i <= OPERATIONS; i++) {
        operate(&churn);
        check(&churn);
        sim_world_run(churn.world, 10 * NS_PER_MS);
        if (i % 50 == 0) {
            sim_world_run(churn.world, 1500 * NS_PER_MS);
            look(&churn);
        }
    }
    SimEyeStats stats;
    sim_eye_stats(sim_peer_eye(churn.peers[0]), &stats);
    g_assert_cmpuint(stats.decode_errors, ==, 0);
    sim_world_free(churn.world);
    g_ptr_array_unref(churn.names);
    g_rand_free(churn.random);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    thread_set_roles(THREAD_ALL);
    g_test_add_func("/layout-churn/thousand", test_thousand_changes);
    return g_test_run();
}
