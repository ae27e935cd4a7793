#include "room/recording_log.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "io/recordings.h"

#define MAX_EVENTS 10000
#define SOON_MS    1000
#define FEW_EVENTS \
    500 /* the writing of so many once in SOON_MS costs the thread nothing to speak of */

struct RecordingLog {
    RoomOutput *output; /* NULL: gone */
    gint refs;          /* control thread */
    DiskPool *disks;
    char *directory, *base;
    gboolean full; /* no more is noted but the end */
    json_t *events;
    json_t *names; /* id: name, of who is here */
    char *layout;  /* that was told last, or NULL */
    gboolean writing;
    gboolean made;  /* the file is there, and ours */
    gboolean taken; /* another recording has a file of this name: nothing is written */
    guint timer;    /* it is written when that ends, or 0 */
    char *text;     /* what is to be written next, or NULL */
};

/* --- the file ---------------------------------------------------------------------------- */

/* One writing of it, on a thread of the disk pool. */
typedef struct {
    RecordingLog *log; /* a reference */
    char *directory, *base, *text;
    gboolean replace, done, taken;
} Writing;

static void log_unref(RecordingLog *log)
{
    if (--log->refs > 0)
        return;
    json_decref(log->events);
    json_decref(log->names);
    g_free(log->directory);
    g_free(log->base);
    g_free(log->layout);
    g_free(log->text);
    g_free(log);
}

static void writing_free(gpointer data)
{
    Writing *writing = data;
    log_unref(writing->log);
    g_free(writing->directory);
    g_free(writing->base);
    g_free(writing->text);
    g_free(writing);
}

static void write_text(gpointer data)
{
    Writing *writing = data;
    g_autoptr(GError) error = NULL;
    writing->done = recordings_put_sidecar(writing->directory, writing->base, writing->text,
                                           writing->replace, &error);
    writing->taken = g_error_matches(error, TESSERA_ERROR, TESSERA_ERROR_CONFLICT);
    if (!writing->done)
        log_limited(LOG_WARNING, "recorder", "The sidecar of %s is missing: %s", writing->base,
                    error->message);
}

static void has_written(gpointer data);

/* What is newest; one at a time, so that the newest is the last. */
static void write_next(RecordingLog *log) ON_CONTROL_THREAD;
static void write_next(RecordingLog *log)
{
    Writing *writing = g_new(Writing, 1);
    log->refs++;
    *writing = (Writing){ .log = log,
                          .directory = g_strdup(log->directory),
                          .base = g_strdup(log->base),
                          .text = g_steal_pointer(&log->text),
                          .replace = log->made };
    log->writing = TRUE;
    if (disk_pool_run(log->disks, write_text, has_written, writing, writing_free))
        return;
    log->writing = FALSE;
    log_limited(LOG_WARNING, "recorder",
                "The disk does not keep up: the sidecar of %s is written later.", log->base);
    if (log->output)
        recording_log_write_soon(log);
}

static void has_written(gpointer data)
{
    const Writing *writing = data;
    RecordingLog *log = writing->log;
    thread_assert_control();
    log->writing = FALSE;
    log->made |= writing->done;
    log->taken |= writing->taken;
    if (log->text && !log->taken)
        write_next(log);
}

static double seconds(gint64 us)
{
    return (double)us / G_USEC_PER_SEC;
}

/* (transfer full) All that is known. */
ON_CONTROL_THREAD static char *sidecar_text(const RecordingLog *log)
{
    RoomOutput *output = log->output;
    json_t *json = room_output_to_json(output);
    json_object_del(json, "packets");
    json_object_del(json, "reconnects");
    json_object_del(json, "paused");
    json_object_set_new(json, "version", json_integer(1));
    json_object_set_new(json, "room", json_string(output->room_id));
    json_object_set(json, "timeline", log->events);
    char *text = json_dumps(json, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
    char *copy = g_strconcat(text ? text : "{}", "\n", NULL);
    free(text);
    json_decref(json);
    return copy;
}

static void stop_timer(RecordingLog *log)
{
    if (log->timer)
        g_source_remove(log->timer);
    log->timer = 0;
}

void recording_log_write(RecordingLog *log)
{
    stop_timer(log);
    if (log->taken)
        return;
    g_free(log->text);
    log->text = sidecar_text(log);
    if (!log->writing)
        write_next(log);
}

static gboolean write_now(gpointer data)
{
    RecordingLog *log = data;
    thread_assert_control();
    log->timer = 0;
    recording_log_write(log);
    return G_SOURCE_REMOVE;
}

/* It is the whole text each time: the longer it is, the more seldom it is made. */
void recording_log_write_soon(RecordingLog *log)
{
    const guint events = (guint)json_array_size(log->events);
    if (!log->timer)
        log->timer = g_timeout_add(SOON_MS * MAX(events, FEW_EVENTS) / FEW_EVENTS, write_now, log);
}

gboolean recording_log_is_busy(const RecordingLog *log)
{
    return log->writing || log->timer;
}

/* --- events ------------------------------------------------------------------------------ */

/* (transfer none) An event of now. */
ON_CONTROL_THREAD static json_t *append_event(RecordingLog *log, const char *event)
{
    gint64 now_ns = engine_now_ns(log->output->rooms->engine);
    json_t *json = json_pack("{s:f, s:f, s:s}", "time", seconds(room_output_time_us(log->output)),
                             "wall", (double)clock_wall_ns(now_ns) / NS_PER_SEC, "event", event);
    json_array_append_new(log->events, json);
    return json;
}

/* (transfer none) The same, soon written, or NULL: there are so many that no more are told. */
ON_CONTROL_THREAD static json_t *add_event(RecordingLog *log, const char *event)
{
    if (log->full)
        return NULL;
    recording_log_write_soon(log);
    log->full = json_array_size(log->events) >= MAX_EVENTS;
    if (!log->full)
        return append_event(log, event);
    append_event(log, "truncated");
    return NULL;
}

ON_CONTROL_THREAD static void add_person_event(RecordingLog *log, const char *event, const char *id,
                                               const char *name)
{
    json_t *json = add_event(log, event);
    if (!json)
        return;
    json_object_set_new(json, "participant", json_string(id));
    if (name)
        json_object_set_new(json, "name", json_string(name));
}

/* The layout's name, if it is another one. */
ON_CONTROL_THREAD static void note_layout(RecordingLog *log)
{
    const RoomOutput *output = log->output;
    const Layout *layout = output->view ? view_layout(output->view) : NULL;
    if (!layout || g_strcmp0(layout_name(layout), log->layout) == 0)
        return;
    g_free(log->layout);
    log->layout = g_strdup(layout_name(layout));
    json_t *json = add_event(log, "layout");
    if (json)
        json_object_set_new(json, "layout", json_string(log->layout));
}

ON_CONTROL_THREAD static void add_person(RecordingLog *log, const Participant *participant)
{
    add_person_event(log, "join", participant->id, participant->name);
    json_object_set_new(log->names, participant->id, json_string(participant->name));
}

RecordingLog *recording_log_new(RoomOutput *output)
{
    RecordingLog *log = g_new0(RecordingLog, 1);
    log->refs = 1;
    log->output = output;
    log->disks = engine_disk_pool(output->rooms->engine);
    log->directory = rooms_recording_dir(output->rooms->config);
    log->base = g_strdup(output->base);
    log->events = json_array();
    log->names = json_object();
    add_event(log, "begin");
    note_layout(log);
    for (guint i = 0; i < output->room->participants->len; i++)
        add_person(log, output->room->participants->pdata[i]);
    return log;
}

void recording_log_free(RecordingLog *log)
{
    if (!log)
        return;
    stop_timer(log);
    log->output = NULL;
    log_unref(log);
}

void recording_log_note(RecordingLog *log, const char *event)
{
    if (strcmp(event, "end") == 0) {
        append_event(log, event);
        recording_log_write(log);
    } else if (strcmp(event, "layout") == 0) {
        note_layout(log);
    } else {
        add_event(log, event);
    }
}

ON_CONTROL_THREAD static void note_person(RecordingLog *log, const Participant *participant)
{
    const char *before = json_string_value(json_object_get(log->names, participant->id));
    if (!before) {
        add_person(log, participant);
    } else if (strcmp(before, participant->name) != 0) {
        add_person_event(log, "name", participant->id, participant->name);
        json_object_set_new(log->names, participant->id, json_string(participant->name));
    }
}

void recording_log_room_event(RecordingLog *log, RoomEventType type, const Participant *participant,
                              const json_t *data)
{
    if (participant && (type == ROOM_EVENT_JOINED || type == ROOM_EVENT_UPDATED)) {
        note_person(log, participant);
    } else if (type == ROOM_EVENT_LEFT) {
        const char *id = json_string_value(json_object_get(data, "id"));
        add_person_event(log, "leave", id, json_string_value(json_object_get(data, "name")));
        json_object_del(log->names, id);
    } else if (type == ROOM_EVENT_SETTINGS || type == ROOM_EVENT_LAYOUT) {
        note_layout(log);
    }
}

json_t *recording_log_timeline(const RecordingLog *log)
{
    return json_incref(log->events);
}
