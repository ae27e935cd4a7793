#include "room/room_feeds.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"

/* --- joining and leaving ----------------------------------------------------------------- */

static void unref_feed(gpointer feed)
{
    feed_unref(feed);
}

static void unref_generated(gpointer source)
{
    generated_source_unref(source);
}

void room_feed_gone(RoomFeed *feed, const char *reason)
{
    void (*gone)(const char *, gpointer) = feed ? feed->gone : NULL;
    if (!gone)
        return;
    feed->gone = NULL;
    gone(reason, feed->user);
}

void room_feed_free(RoomFeed *feed)
{
    if (!feed)
        return;
    if (feed->feed)
        feed_close(feed->feed);
    fed_source_free(feed->source);
    feed_unref(feed->feed);
    if (feed->generated)
        generated_source_stop(feed->generated);
    generated_source_unref(feed->generated);
    g_free(feed);
}

ON_CONTROL_THREAD static void attach_leg(Participant *participant, const RoomFeed *feed)
{
    GraphLegSpec spec = { .id = participant->id };
    if (feed->feed) {
        spec.pull = feed_pull;
        spec.pull_user = feed_ref(feed->feed);
        spec.pull_destroy = unref_feed;
    } else if (feed->generated) {
        spec.pull = generated_source_pull;
        spec.pull_user = generated_source_ref(feed->generated);
        spec.pull_destroy = unref_generated;
    }
    graph_remove_leg(participant->room->graph, participant->leg);
    participant->leg = graph_add_leg(participant->room->graph, &spec);
    participant->sounds = spec.pull != NULL;
}

Participant *room_feed_join(Room *room, const RoomFeedOptions *options, RoomFeed *feed,
                            VideoInput *video, GError **error)
{
    ParticipantOptions join = { .name = options->name,
                                .client = options->client,
                                .role = options->role,
                                .visible = TRUE,
                                .overrides_lock = options->overrides_lock };
    Participant *participant = room_join(room, &join, error);
    if (participant && !g_ptr_array_find(room->participants, participant, NULL)) {
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_FORBIDDEN,
                            "It was sent out of the room as it came in.");
        participant = NULL;
    }
    if (!participant) {
        room_feed_free(feed);
        return NULL;
    }
    feed->gone = options->gone;
    feed->user = options->user;
    participant->feed = feed;
    if (feed->feed)
        participant->tap = source_tap_ref(feed_tap(feed->feed));
    participant->publish = TRUE;
    participant->sinks.camera = video_input_ref(video);
    participant->state = TRANSPORT_CONNECTED;
    attach_leg(participant, feed);
    participant_update_gain(participant);
    room_update_hearing(room);
    participant_note_update(participant);
    room_views_update(room->views);
    return participant;
}

void room_feed_active(Participant *participant, guint sources)
{
    participant->active_sources = sources;
    participant_note_update(participant);
}

json_t *room_feed_stats_json(const RoomFeed *feed)
{
    FeedStats stats;
    if (!feed->feed)
        return NULL;
    feed_stats(feed->feed, &stats);
    return json_pack("{s:{s:s, s:I, s:I}, s:{s:s, s:I, s:I, s:I, s:i, s:i}, s:I, s:I, s:f, s:f}",
                     "audio", "codec", stats.audio_codec, "packets",
                     (json_int_t)stats.audio_packets, "underruns", (json_int_t)stats.underruns,
                     "video", "codec", stats.video_codec, "packets",
                     (json_int_t)stats.video_packets, "decoded", (json_int_t)stats.pictures, "late",
                     (json_int_t)stats.late_pictures, "width", stats.width, "height", stats.height,
                     "damaged", (json_int_t)stats.damaged, "rebased", (json_int_t)stats.rebased,
                     "delay_ms", (double)stats.delay_ns / NS_PER_MS, "drift_ppm", stats.drift_ppm);
}

/* --- publishers -------------------------------------------------------------------------- */

static void on_active(guint sources, gpointer user)
{
    thread_assert_control();
    room_feed_active(user, sources);
}

static void on_ended(const GError *error, gpointer user)
{
    thread_assert_control();
    participant_leave(user, error ? error->message : "the publisher ended");
}

Participant *room_join_feed(Room *room, const RoomFeedOptions *options, const MediaEvents **events,
                            gpointer *events_user, GDestroyNotify *events_free, GError **error)
{
    static const FeedOwner owner = { on_active, on_ended };
    Engine *engine = room->rooms->engine;
    g_autoptr(VideoInput) video = video_input_new(engine);
    RoomFeed *feed = g_new0(RoomFeed, 1);
    feed->feed = feed_new(engine, video);
    g_autoptr(Feed) source = feed_ref(feed->feed);
    Participant *participant = room_feed_join(room, options, feed, video, error);
    if (!participant)
        return NULL;
    feed_set_owner(source, &owner, participant);
    *events = &feed_events;
    *events_user = g_steal_pointer(&source);
    *events_free = unref_feed;
    return participant;
}

void room_end_feed(Participant *participant, const char *reason)
{
    if (participant->feed)
        participant->feed->gone = NULL;
    participant_leave(participant, reason);
}
