#include "room/room_tracks.h"

#include <string.h>

#include "base/log.h"
#include "io/track_recorder.h"

#define MAX_TRACKS 1000

/* What a sink's events reach; counted, for they come on the sink's thread. */
typedef struct {
    gint refs; /* atomic */
    SourceTap *tap;
    SourceTapPart part;
    SinkEvents output; /* those of the recording */
} TrackLink;

typedef struct {
    char *participant, *name;
    SourceTapPart part;
    SourceTap *tap; /* NULL: its sender has gone, or all has ended */
    Sink *sink;     /* NULL: it has written its end, and what it came to stands here */
    SinkStatus status;
    GPtrArray *files; /* of TrackFile */
} Track;

struct RoomTracks {
    RoomOutput *output;
    GPtrArray *tracks; /* of Track */
    gboolean finished;
};

/* --- events ------------------------------------------------------------------------------ */

static void link_unref(gpointer data)
{
    TrackLink *link = data;
    if (!g_atomic_int_dec_and_test(&link->refs))
        return;
    source_tap_unref(link->tap);
    link->output.user_free(link->output.user);
    g_free(link);
}

static void on_changed(Sink *sink, gpointer user)
{
    const TrackLink *link = user;
    link->output.changed(sink, link->output.user);
}

static void on_want_keyframe(Sink *sink, gpointer user)
{
    const TrackLink *link = user;
    (void)sink;
    source_tap_want_keyframe(link->tap, link->part);
}

static SinkEvents track_events(RoomOutput *output, SourceTap *tap, SourceTapPart part)
{
    TrackLink *link = g_new0(TrackLink, 1);
    *link = (TrackLink){ 1, source_tap_ref(tap), part, room_output_events(output) };
    return (SinkEvents){ on_changed, on_want_keyframe, link, link_unref };
}

/* --- who is recorded --------------------------------------------------------------------- */

static void track_free(gpointer data)
{
    Track *track = data;
    if (track->tap)
        source_tap_remove(track->tap, track->sink);
    source_tap_unref(track->tap);
    sink_unref(track->sink);
    if (track->files)
        g_ptr_array_unref(track->files);
    g_free(track->participant);
    g_free(track->name);
    g_free(track);
}

static char *track_name(const RoomOutput *output, const Participant *participant,
                        SourceTapPart part)
{
    return g_strconcat(output->base, ".", participant->id,
                       part == SOURCE_TAP_SCREEN ? "-screen" : "", NULL);
}

static void add_track(RoomTracks *tracks, const Participant *participant,
                      SourceTapPart part) ON_CONTROL_THREAD;
static void add_track(RoomTracks *tracks, const Participant *participant, SourceTapPart part)
{
    RoomOutput *output = tracks->output;
    const Config *config = output->room->rooms->config;
    g_autoptr(GError) error = NULL;
    g_autofree char *directory = rooms_recording_dir(config);
    g_autofree char *name = track_name(output, participant, part);
    SinkEvents events = track_events(output, participant->tap, part);
    TrackRecorderOptions options = {
        .directory = directory,
        .name = name,
        .min_free_bytes = (guint64)config_int(config, "record.min_free_mb") << 20,
        .clock = output->clock,
        .has_sound = part == SOURCE_TAP_PERSON,
        .pauses = output->pauses,
        .paused = output->paused,
    };
    Sink *sink = track_recorder_new(&options, &events, &error);
    if (!sink) {
        log_warning("room", "%s is not recorded: %s", name, error->message);
        events.user_free(events.user);
        return;
    }
    Track *track = g_new0(Track, 1);
    *track = (Track){ .participant = g_strdup(participant->id),
                      .name = g_strdup(participant->name),
                      .part = part,
                      .tap = source_tap_ref(participant->tap),
                      .sink = sink };
    g_ptr_array_add(tracks->tracks, track);
    source_tap_add(track->tap, part, sink, graph_mix_epoch_ns(output->room->graph));
}

void room_tracks_join(RoomTracks *tracks, Participant *participant)
{
    if (tracks->finished || !participant->tap)
        return;
    gboolean known = FALSE;
    for (guint i = 0; i < tracks->tracks->len; i++) {
        Track *track = tracks->tracks->pdata[i];
        if (strcmp(track->participant, participant->id) != 0)
            continue;
        g_free(track->name);
        track->name = g_strdup(participant->name);
        known = TRUE;
    }
    if (known)
        return;
    if (tracks->tracks->len >= MAX_TRACKS) {
        log_limited(LOG_WARNING, "room", "%s has %d isolated tracks: who comes now gets none.",
                    tracks->output->base, MAX_TRACKS);
        return;
    }
    add_track(tracks, participant, SOURCE_TAP_PERSON);
    if (!participant->feed)
        add_track(tracks, participant, SOURCE_TAP_SCREEN);
}

static void end_track(Track *track)
{
    if (!track->tap)
        return;
    source_tap_remove(track->tap, track->sink);
    g_clear_pointer(&track->tap, source_tap_unref);
    sink_finish(track->sink);
}

static void track_status(const Track *track, SinkStatus *status)
{
    *status = track->status;
    if (track->sink)
        sink_status(track->sink, status);
}

/* Its thread has ended, or is about to. */
static void retire(Track *track)
{
    end_track(track);
    sink_status(track->sink, &track->status);
    track->files = track_recorder_files(track->sink);
    g_clear_pointer(&track->sink, sink_unref);
}

/* What came and went without a word is forgotten. */
static gboolean is_empty(const Track *track)
{
    SinkStatus status;
    track_status(track, &status);
    return status.state == SINK_FINISHED && status.packets == 0 && !*status.error;
}

void room_tracks_leave(RoomTracks *tracks, const char *participant_id)
{
    for (guint i = tracks->tracks->len; i-- > 0;) {
        Track *track = tracks->tracks->pdata[i];
        if (strcmp(track->participant, participant_id) != 0)
            continue;
        end_track(track);
        if (is_empty(track))
            g_ptr_array_remove_index(tracks->tracks, i);
    }
}

RoomTracks *room_tracks_new(RoomOutput *output)
{
    RoomTracks *tracks = g_new0(RoomTracks, 1);
    tracks->output = output;
    tracks->tracks = g_ptr_array_new_with_free_func(track_free);
    for (guint i = 0; i < output->room->participants->len; i++)
        room_tracks_join(tracks, output->room->participants->pdata[i]);
    return tracks;
}

void room_tracks_free(RoomTracks *tracks)
{
    if (!tracks)
        return;
    g_ptr_array_unref(tracks->tracks);
    g_free(tracks);
}

void room_tracks_pause(RoomTracks *tracks, gboolean paused)
{
    for (guint i = 0; i < tracks->tracks->len; i++) {
        const Track *track = tracks->tracks->pdata[i];
        if (track->sink)
            sink_pause(track->sink, paused);
        if (!paused && track->tap)
            source_tap_want_keyframe(track->tap, track->part);
    }
}

void room_tracks_finish(RoomTracks *tracks)
{
    tracks->finished = TRUE;
    for (guint i = 0; i < tracks->tracks->len; i++)
        end_track(tracks->tracks->pdata[i]);
}

/* --- what there is ----------------------------------------------------------------------- */

static gboolean is_running(const Track *track)
{
    return track->sink && room_sink_is_running(track->sink);
}

guint room_tracks_running(const RoomTracks *tracks)
{
    guint running = 0;
    for (guint i = 0; i < tracks->tracks->len; i++)
        running += is_running(tracks->tracks->pdata[i]);
    return running;
}

void room_tracks_add_status(const RoomTracks *tracks, SinkStatus *status, gboolean with_error)
{
    for (guint i = 0; i < tracks->tracks->len; i++) {
        SinkStatus one;
        track_status(tracks->tracks->pdata[i], &one);
        status->packets += one.packets;
        status->bytes += one.bytes;
        status->dropped += one.dropped;
        if (with_error && !*status->error)
            g_strlcpy(status->error, one.error, sizeof status->error);
    }
}

void room_tracks_let_go(RoomTracks *tracks)
{
    for (guint i = tracks->tracks->len; i-- > 0;) {
        Track *track = tracks->tracks->pdata[i];
        if (!track->sink || is_running(track))
            continue;
        retire(track);
        if (is_empty(track))
            g_ptr_array_remove_index(tracks->tracks, i);
    }
}

static const char *part_name(const Track *track)
{
    return track->part == SOURCE_TAP_SCREEN ? "screen" : "person";
}

json_t *room_tracks_json(const RoomTracks *tracks)
{
    json_t *list = json_array();
    for (guint i = 0; i < tracks->tracks->len; i++) {
        const Track *track = tracks->tracks->pdata[i];
        SinkStatus status;
        track_status(track, &status);
        if (!track->tap && status.bytes == 0 && !*status.error)
            continue;
        json_array_append_new(
            list,
            json_pack("{s:s, s:s, s:s, s:s, s:s?, s:I, s:I}", "participant", track->participant,
                      "name", track->name, "part", part_name(track), "state",
                      sink_state_name(status.state), "error", *status.error ? status.error : NULL,
                      "bytes", (json_int_t)status.bytes, "dropped", (json_int_t)status.dropped));
    }
    return list;
}

void room_tracks_add_files(const RoomTracks *tracks, json_t *list)
{
    for (guint i = 0; i < tracks->tracks->len; i++) {
        const Track *track = tracks->tracks->pdata[i];
        g_autoptr(GPtrArray) files =
            track->sink ? track_recorder_files(track->sink) : g_ptr_array_ref(track->files);
        for (guint k = 0; k < files->len; k++) {
            const TrackFile *file = files->pdata[k];
            json_array_append_new(
                list, json_pack("{s:s, s:s, s:s, s:f, s:f}", "name", file->name, "participant",
                                track->participant, "part", part_name(track), "start",
                                (double)file->start_us / G_USEC_PER_SEC, "duration",
                                (double)(file->end_us - file->start_us) / G_USEC_PER_SEC));
        }
    }
}
