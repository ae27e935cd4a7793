#include <string.h>

#include "base/error.h"
#include "io/hls.h"
#include "room/room_outputs_private.h"

/* Who takes a room without WebRTC: RTMP players, and HLS for whoever asks. */

#define HLS_KEEP_S  30
#define MAX_PLAYERS 100

gboolean room_play(Room *room, Layout *layout, RoomSinkMake make, gpointer user, GError **error)
{
    if (room_outputs_count(room, OUTPUT_PLAY) >= MAX_PLAYERS) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                    "Room %s has %d players already.", room->id, MAX_PLAYERS);
        return FALSE;
    }
    RoomOutput *output = room_output_new(room, OUTPUT_PLAY);
    if (!room_output_open_view(output, layout, error)) {
        room_output_free(output);
        return FALSE;
    }
    SinkEvents events = room_output_events(output);
    output->sink = make(&events, user);
    if (!output->sink) {
        room_output_unused(&events);
        room_output_free(output);
        return TRUE;
    }
    room_output_connect(output, &codec_h264, GRAPH_TAP_AAC);
    return TRUE;
}

static gboolean nobody_asks(gpointer data)
{
    RoomOutput *output = data;
    thread_assert_control();
    output->hls_timer = 0;
    if (output->tap) {
        room_output_stop(output); /* it is freed when it says that it has finished */
    } else {
        g_ptr_array_remove(output->room->outputs, output);
        room_output_free(output);
    }
    return G_SOURCE_REMOVE;
}

static RoomOutput *find_hls(const Room *room, const Layout *layout)
{
    for (guint i = 0; i < room->outputs->len; i++) {
        RoomOutput *output = room->outputs->pdata[i];
        if (output->kind == OUTPUT_HLS && output->view && view_layout(output->view) == layout)
            return output;
    }
    return NULL;
}

static RoomOutput *start_hls(Room *room, Layout *layout, GError **error) ON_CONTROL_THREAD;
static RoomOutput *start_hls(Room *room, Layout *layout, GError **error)
{
    if (!room_output_may_start(room, OUTPUT_HLS, "hls.max", error))
        return NULL;
    RoomOutput *output = room_output_new(room, OUTPUT_HLS);
    if (!room_output_open_view(output, layout, error)) {
        room_output_free(output);
        return NULL;
    }
    SinkEvents events = room_output_events(output);
    output->sink = hls_new(&events);
    room_output_connect(output, &codec_h264, GRAPH_TAP_AAC);
    return output;
}

/* One that failed is not tried again before half a minute has gone by. */
static gboolean keep_hls(RoomOutput *output, GError **error) ON_CONTROL_THREAD;
static gboolean keep_hls(RoomOutput *output, GError **error)
{
    SinkStatus status;
    sink_status(output->sink, &status);
    if (status.state == SINK_FAILED) {
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE, status.error);
        return FALSE;
    }
    if (output->hls_timer)
        g_source_remove(output->hls_timer);
    output->hls_timer = g_timeout_add_seconds(HLS_KEEP_S, nobody_asks, output);
    return TRUE;
}

GBytes *room_hls(Room *room, Layout *layout, const char *file, const char **content_type,
                 guint *cache_seconds, GError **error)
{
    RoomOutput *output = find_hls(room, layout);
    gboolean playlist = strcmp(file, "index.m3u8") == 0;
    if (!output && playlist)
        output = start_hls(room, layout, error);
    if (!output) {
        if (!playlist)
            g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_NOT_FOUND,
                                "There is no such file; begin with index.m3u8.");
        return NULL;
    }
    if (!keep_hls(output, error))
        return NULL;
    GBytes *bytes = hls_get(output->sink, file, content_type, cache_seconds);
    if (!bytes && playlist)
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                            "The presentation is being started; ask again in a second.");
    else if (!bytes)
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_NOT_FOUND,
                            "There is no such file, or not any more.");
    return bytes;
}
