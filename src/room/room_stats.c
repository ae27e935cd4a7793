#include "base/clock.h"
#include "room/room_feeds.h"

/* Collects what the media threads say of a room: one message to each, one answer of all. */

typedef struct {
    json_t *json;
    json_t *people; /* (transfer none) inside json */
    json_t *scenes;
    guint waiting;
    RoomJsonReady ready;
    gpointer user;
} Collect;

typedef struct {
    Collect *collect;
    char *id;
} PeerAnswer;

static void collect_done(Collect *collect)
{
    if (--collect->waiting > 0)
        return;
    collect->ready(collect->json, collect->user);
    json_decref(collect->json);
    g_free(collect);
}

static void on_graph(json_t *json, gpointer user)
{
    Collect *collect = user;
    json_object_set_new(json, "scenes", g_steal_pointer(&collect->scenes));
    json_object_set_new(collect->json, "mix", json);
    collect_done(collect);
}

static void on_peer(json_t *json, gpointer user)
{
    PeerAnswer *answer = user;
    json_object_set_new(answer->collect->people, answer->id, json);
    collect_done(answer->collect);
    g_free(answer->id);
    g_free(answer);
}

void room_stats(Room *room, RoomJsonReady ready, gpointer user)
{
    Collect *collect = g_new0(Collect, 1);
    collect->json = json_pack("{s:s, s:{}}", "room", room->id, "participants");
    collect->people = json_object_get(collect->json, "participants");
    collect->scenes = room_views_to_json(room->views);
    collect->ready = ready;
    collect->user = user;
    collect->waiting = 1;
    for (guint i = 0; i < room->participants->len; i++) {
        Participant *participant = room->participants->pdata[i];
        json_t *feed = participant->feed ? room_feed_stats_json(participant->feed) : NULL;
        if (feed)
            json_object_set_new(collect->people, participant->id, json_pack("{s:o}", "feed", feed));
        if (!participant->peer)
            continue;
        PeerAnswer *answer = g_new(PeerAnswer, 1);
        *answer = (PeerAnswer){ collect, g_strdup(participant->id) };
        collect->waiting++;
        peer_stats(participant->peer, on_peer, answer);
    }
    graph_collect(room->graph, on_graph, collect);
}

typedef struct {
    json_t *scenes, *pictures;
    RoomJsonReady ready;
    gpointer user;
} GraphAnswer;

static void on_graph_only(json_t *json, gpointer user)
{
    g_autofree GraphAnswer *answer = user;
    json_object_set_new(json, "scenes", answer->scenes);
    json_object_set_new(json, "pictures", answer->pictures);
    answer->ready(json, answer->user);
    json_decref(json);
}

static void add_picture(json_t *list, const char *id, const char *source, VideoInput *input)
{
    VideoInputStats stats;
    if (!input)
        return;
    video_input_stats(input, &stats);
    if (!stats.decoded && !video_input_wanted(input))
        return;
    json_array_append_new(
        list, json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:I, s:I}", "id", id, "source", source,
                        "rid", stats.rid, "wanted_height", video_input_wanted_px(input), "width",
                        stats.width, "height", stats.height, "decoded", (json_int_t)stats.decoded,
                        "decode_cpu_ms", (json_int_t)(stats.decode_cpu_ns / NS_PER_MS)));
}

/* (transfer full) What is decoded of whom, and for how large a tile. */
static json_t *pictures_json(const Room *room)
{
    json_t *list = json_array();
    for (guint i = 0; i < room->participants->len; i++) {
        const Participant *participant = room->participants->pdata[i];
        add_picture(list, participant->id, "camera", participant->sinks.camera);
        add_picture(list, participant->id, "screen", participant->sinks.screen);
    }
    return list;
}

void room_graph(Room *room, RoomJsonReady ready, gpointer user)
{
    GraphAnswer *answer = g_new(GraphAnswer, 1);
    *answer = (GraphAnswer){ room_views_to_json(room->views), pictures_json(room), ready, user };
    graph_collect(room->graph, on_graph_only, answer);
}
