#pragma once

#include "room/feed.h"
#include "room/generated_source.h"
#include "room/room_media.h"
#include "room/room_private.h"

/* Participants whose media come by other doors than WebRTC. Control thread. */

typedef struct FedSource FedSource;

/** What such a participant has instead of a peer. */
struct RoomFeed {
    Feed *feed;                 /* or NULL: */
    GeneratedSource *generated; /* or NULL */
    FedSource *source;          /* what the API can steer, or NULL: a publisher */
    void (*gone)(const char *reason, gpointer user); /* or NULL */
    gpointer user;
};

/** A participant that is connected and gets its media from `feed` (transfer full, also of an
 *  error), whose pictures go to `video` (a reference is taken). Errors: those of room_join(). */
Participant *room_feed_join(Room *room, const RoomFeedOptions *options, RoomFeed *feed,
                            VideoInput *video, GError **error) ON_CONTROL_THREAD;

/** The participant left: tell the source. */
void room_feed_gone(RoomFeed *feed, const char *reason) ON_CONTROL_THREAD;
void room_feed_free(RoomFeed *feed) ON_CONTROL_THREAD;

/** (transfer full) The counters of what comes, or NULL: nothing comes from outside. */
json_t *room_feed_stats_json(const RoomFeed *feed);

/** Behind room_feed_free(): stops without waiting. */
void fed_source_free(FedSource *source) ON_CONTROL_THREAD;

/** Other sources than before send now: bits (1 << SourceKind). */
void room_feed_active(Participant *participant, guint sources) ON_CONTROL_THREAD;
