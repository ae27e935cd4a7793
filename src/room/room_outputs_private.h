#pragma once

#include <pthread.h>

#include "io/recorder_clock.h"
#include "io/recorder_file.h"
#include "room/room_hearing.h"
#include "room/room_media.h"
#include "room/room_private.h"
#include "room/tap.h"

/* What the files about recordings, broadcasts and players share: one output of a room. Control
 * thread. */

typedef enum { OUTPUT_RECORDING, OUTPUT_BROADCAST, OUTPUT_PLAY, OUTPUT_HLS } OutputKind;

/* What a sink's events reach: counted, for they come on threads of the sink. */
typedef struct {
    gint refs; /* atomic */
    Engine *engine;
    pthread_mutex_t lock; /* guards tap */
    gint told;            /* atomic: it is on its way to the control thread */
    Tap *tap;             /* NULL: closed */
    RoomOutput *output;   /* control thread; NULL: gone */
} OutputLink;

typedef struct RoomTracks RoomTracks;
typedef struct RecordingLog RecordingLog;

struct RoomOutput {
    Rooms *rooms;
    Room *room; /* NULL: gone, and the output writes its end */
    char *room_id;
    OutputKind kind;
    char *id, *base, *url; /* base: of a recording's files; url: as it may be shown */
    RecorderFormat format;
    const CodecType *codec; /* of its pictures, or NULL */
    gint64 created_ns;
    View *view; /* NULL: has ended, or takes no pictures */
    Tap *tap;   /* NULL: has ended */
    Sink *sink; /* NULL: isolated tracks alone */
    OutputLink *link;
    gboolean video, audio; /* what it takes of the mix */
    json_t *hears;         /* {"include"|"exclude": [...]}, or NULL: everybody */
    RoomMix *mix;          /* NULL: everybody's, or has ended */

    /* Of recordings. */
    RecorderClock *clock;
    RoomTracks *tracks; /* isolated ones, or NULL */
    RecordingLog *log;
    guint listener;      /* to the room's events, 0: none */
    guint pauses;        /* so far */
    gint64 paused_at_us; /* where it stood as the newest pause began */

    gboolean paused, ended; /* ended: takes nothing any more */
    guint hls_timer, end_timer;
};

/** Not yet in the room's list: room_output_connect() puts it there. */
RoomOutput *room_output_new(Room *room, OutputKind kind) ON_CONTROL_THREAD;
void room_output_free(RoomOutput *output) ON_CONTROL_THREAD;

/** FALSE with UNAVAILABLE if as many of this kind run as this key of the configuration says. */
gboolean room_output_may_start(Room *room, OutputKind kind, const char *key,
                               GError **error) ON_CONTROL_THREAD;
guint room_outputs_count(const Room *room, OutputKind kind) ON_CONTROL_THREAD;

/** (transfer full) The layout that the options ask for; NULL without an error: the room's own. */
Layout *room_output_layout(Room *room, json_t *options, GError **error) ON_CONTROL_THREAD;

/** What it shows. layout NULL: the room's own. */
gboolean room_output_open_view(RoomOutput *output, Layout *layout,
                               GError **error) ON_CONTROL_THREAD;

/** What all its sinks come to. */
void room_output_status(const RoomOutput *output, SinkStatus *status) ON_CONTROL_THREAD;

/** FALSE: it has written its end. */
gboolean room_output_is_running(const RoomOutput *output) ON_CONTROL_THREAD;
gboolean room_sink_is_running(Sink *sink);

/** How long the recording is so far. */
gint64 room_output_time_us(const RoomOutput *output) ON_CONTROL_THREAD;

/** A recording begins: its clock, its isolated tracks if they are wanted, its log. */
void room_recording_begin(RoomOutput *output, gboolean isolated) ON_CONTROL_THREAD;

/** Nothing of the room reaches it any more. */
void room_recording_end(RoomOutput *output) ON_CONTROL_THREAD;
void room_recording_pause(RoomOutput *output) ON_CONTROL_THREAD;
void room_recording_free(RoomOutput *output) ON_CONTROL_THREAD;

/** Add what only recordings tell. */
void room_recording_add_json(const RoomOutput *output, json_t *json) ON_CONTROL_THREAD;

/** For its sink; `user` is to be unreferenced by whoever makes none (room_output_unused()). */
SinkEvents room_output_events(RoomOutput *output);
void room_output_unused(const SinkEvents *events);

/** The streams: pictures of `codec`, if it takes any, in the size that the scene has now, which
 *  they keep; and sound as `audio`, if it takes any, of those whom it hears. */
void room_output_connect(RoomOutput *output, const CodecType *codec,
                         GraphTapCodec audio) ON_CONTROL_THREAD;

/** Something of it has changed; whoever wants to know is told. Any thread. */
void room_output_changed(RoomOutput *output);

/** It was started; and what it came to, before it is freed. */
void room_output_count_start(const RoomOutput *output) ON_CONTROL_THREAD;
void room_output_count_end(const RoomOutput *output) ON_CONTROL_THREAD;
