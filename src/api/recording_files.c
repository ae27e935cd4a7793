#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/api_private.h"
#include "api/file_download.h"
#include "api/problem.h"
#include "io/recordings.h"
#include "room/room_media.h"

/* The files that recordings leave: what there is, and downloads, also when the room is closed. No
 * disk is waited for. */

#define RETRY_SECONDS 5 /* where too many wait for the disk */
#define NO_ROOM       "There is no room of this name, and no recording of one."

/* One request that a disk answers. */
typedef struct {
    HttpExchange *exchange;
    char *directory;
    char *name;       /* of the file that is asked for; NULL: all whose names begin so: */
    char *prefix;     /* of the room's recordings */
    json_t *outputs;  /* of the room, for the list */
    gboolean closed;  /* the room is */
    GPtrArray *found; /* of Recording: the list */
    int fd;           /* of the file, or -1 with `error` */
    struct stat info;
    GError *error;
} FileCall;

static FileCall *file_call_new(ApiCall *call) ON_CONTROL_THREAD;
static FileCall *file_call_new(ApiCall *call)
{
    FileCall *files = g_new0(FileCall, 1);
    files->exchange = http_exchange_ref(call->exchange);
    files->directory = rooms_recording_dir(call->api->config);
    files->prefix = room_recording_prefix(call->params[0]);
    files->fd = -1;
    return files;
}

static void file_call_free(gpointer data)
{
    FileCall *files = data;
    if (files->fd >= 0)
        close(files->fd);
    http_exchange_unref(files->exchange);
    g_free(files->directory);
    g_free(files->name);
    g_free(files->prefix);
    json_decref(files->outputs);
    if (files->found)
        g_ptr_array_unref(files->found);
    g_clear_error(&files->error);
    g_free(files);
}

/* Takes the call. */
static void run(ApiCall *call, FileCall *files, MailboxCommand work,
                MailboxCommand ready) ON_CONTROL_THREAD;
static void run(ApiCall *call, FileCall *files, MailboxCommand work, MailboxCommand ready)
{
    if (!call->api->engine) {
        work(files);
        ready(files);
        file_call_free(files);
    } else if (!disk_pool_run(engine_disk_pool(call->api->engine), work, ready, files,
                              file_call_free)) {
        api_respond(call, problem_response_later("The disk does not keep up; try again later.",
                                                 RETRY_SECONDS));
    }
}

/* --- the list ---------------------------------------------------------------------------- */

/* Those of earlier starts too. */
static void find(gpointer data)
{
    FileCall *files = data;
    files->found = recordings_list(files->directory, NULL);
}

/* (transfer full) */
static json_t *file_json(const Recording *file)
{
    return json_pack("{s:s, s:I, s:o, s:I, s:b}", "name", file->name, "bytes",
                     (json_int_t)file->bytes, "duration",
                     file->duration_us < 0 ? json_null()
                                           : json_real((double)file->duration_us / G_USEC_PER_SEC),
                     "created", (json_int_t)file->created_s, "recovered", file->recovered);
}

static void has_found(gpointer data)
{
    FileCall *files = data;
    json_t *list = json_array();
    thread_assert_control();
    for (guint i = 0; files->found && i < files->found->len; i++) {
        const Recording *file = files->found->pdata[i];
        if (g_str_has_prefix(file->name, files->prefix))
            json_array_append_new(list, file_json(file));
    }
    if (files->closed && json_array_size(list) + json_array_size(files->outputs) == 0) {
        json_decref(list);
        http_respond(files->exchange, problem_response(404, NO_ROOM));
        return;
    }
    json_t *json = json_pack("{s:O, s:o}", "recordings", files->outputs, "files", list);
    http_respond(files->exchange, api_json_response(200, json));
}

void recordings_api_list(ApiCall *call)
{
    Rooms *rooms = call->api->rooms;
    Room *room = rooms_find(rooms, call->params[0]);
    FileCall *files = file_call_new(call);
    files->closed = !room;
    files->outputs = room ? room_outputs_json(room, ROOM_RECORDING)
                          : rooms_closed_recordings_json(rooms, call->params[0]);
    run(call, files, find, has_found);
}

/* --- downloads --------------------------------------------------------------------------- */

static void open_file(gpointer data)
{
    FileCall *files = data;
    files->fd = recordings_open(files->directory, files->name, &files->info, &files->error);
}

static void has_opened(gpointer data)
{
    FileCall *files = data;
    thread_assert_control();
    if (files->fd < 0) {
        http_respond(files->exchange, problem_from_error(files->error));
        return;
    }
    int fd = files->fd;
    files->fd = -1;
    http_respond(files->exchange, file_download_response(http_exchange_request(files->exchange), fd,
                                                         &files->info, files->name));
}

static gboolean has_file(RoomOutput *output, const char *name) ON_CONTROL_THREAD;
static gboolean has_file(RoomOutput *output, const char *name)
{
    size_t i;
    json_t *file;
    json_t *json = room_output_to_json(output);
    gboolean found = g_strcmp0(json_string_value(json_object_get(json, "sidecar")), name) == 0;
    json_array_foreach(json_object_get(json, "files"), i, file)
    {
        const char *is = json_string_value(json_object_get(file, "name"));
        found |= is && strcmp(is, name) == 0;
    }
    json_decref(json);
    return found;
}

/* The recording "-" stands for those of before the server's last start, and others that are not
 * listed any more: their files are known by their names alone. So are all of a closed room. */
void recordings_api_file(ApiCall *call)
{
    const char *id = call->params[1], *name = call->params[2];
    Room *room = rooms_find(call->api->rooms, call->params[0]);
    RoomOutput *output = room ? room_find_output(room, ROOM_RECORDING, id) : NULL;
    gboolean by_name = !room || strcmp(id, "-") == 0;
    if (!by_name && !output) {
        api_respond_problem(call, 404, "This room has no such recording.");
        return;
    }
    FileCall *files = file_call_new(call);
    if (by_name ? !g_str_has_prefix(name, files->prefix) : !has_file(output, name)) {
        file_call_free(files);
        api_respond_problem(call, 404, "This recording has no such file, or has it not yet.");
        return;
    }
    files->name = g_strdup(name);
    run(call, files, open_file, has_opened);
}
