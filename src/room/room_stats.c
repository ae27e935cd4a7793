#include "room/room_private.h"

/* Collects what the media threads say of a room: one message to each, one answer of all. */

typedef struct {
    json_t *json;
    json_t *people; /* (transfer none) inside json */
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
    collect->ready = ready;
    collect->user = user;
    collect->waiting = 1;
    for (guint i = 0; i < room->participants->len; i++) {
        Participant *participant = room->participants->pdata[i];
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
    RoomJsonReady ready;
    gpointer user;
} GraphAnswer;

static void on_graph_only(json_t *json, gpointer user)
{
    g_autofree GraphAnswer *answer = user;
    answer->ready(json, answer->user);
    json_decref(json);
}

void room_graph(Room *room, RoomJsonReady ready, gpointer user)
{
    GraphAnswer *answer = g_new(GraphAnswer, 1);
    *answer = (GraphAnswer){ ready, user };
    graph_collect(room->graph, on_graph_only, answer);
}
