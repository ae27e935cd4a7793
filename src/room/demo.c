#include "room/demo.h"

#include "room/room_feeds.h"

Participant *demo_add_source(Room *room, const char *name, guint number, GError **error)
{
    Engine *engine = room->rooms->engine;
    RoomFeedOptions options = { .name = name, .client = "demo" };
    g_autoptr(VideoInput) video = video_input_new(engine);
    RoomFeed *feed = g_new0(RoomFeed, 1);
    feed->generated = generated_source_new_pattern(engine, video, number);
    Participant *participant = room_feed_join(room, &options, feed, video, error);
    if (participant)
        room_feed_active(participant, 1u << SOURCE_AUDIO | 1u << SOURCE_CAMERA);
    return participant;
}

gboolean demo_start(Rooms *rooms, GError **error)
{
    static const char *const names[] = { "Ada", "Grace", "Edsger", "Barbara" };
    Room *room = rooms_open(rooms, "demo", error);
    if (!room)
        return FALSE;
    room->keep = TRUE;
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        if (!demo_add_source(room, names[i], i, error))
            return FALSE;
    }
    return TRUE;
}
