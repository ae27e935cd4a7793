#include "base/error.h"
#include "base/log.h"
#include "io/broadcaster.h"
#include "room/json_patch.h"
#include "room/room_outputs_private.h"

/* Broadcasts of a room to other servers. */

static Sink *make_broadcaster(RoomOutput *output, const char *url,
                              GError **error) ON_CONTROL_THREAD;
static Sink *make_broadcaster(RoomOutput *output, const char *url, GError **error)
{
    const Config *config = output->room->rooms->config;
    const char *networks = config_string(config, "broadcast.allowed_networks");
    const char *ca_file = config_string(config, "broadcast.ca_file");
    MediaUrlPolicy *policy = media_url_policy_new(FALSE, *networks ? networks : NULL, error);
    if (!policy)
        return NULL;
    SinkEvents events = room_output_events(output);
    BroadcasterOptions options = { .policy = policy, .ca_file = *ca_file ? ca_file : NULL };
    Sink *sink = broadcaster_new(url, &options, &events, error);
    if (!sink)
        room_output_unused(&events);
    media_url_policy_unref(policy);
    return sink;
}

RoomOutput *room_start_broadcast(Room *room, json_t *options, GError **error)
{
    static const char *const keys[] = { "url", "layout", NULL };
    const char *url;
    gboolean given;
    GError *problem = NULL;
    if (!json_patch_check(options, keys, error) ||
        !json_patch_text(options, "url", &given, &url, error) ||
        !room_output_may_start(room, OUTPUT_BROADCAST, "broadcast.max", error))
        return NULL;
    g_autoptr(Layout) layout = room_output_layout(room, options, &problem);
    if (problem) {
        g_propagate_error(error, problem);
        return NULL;
    }
    RoomOutput *output = room_output_new(room, OUTPUT_BROADCAST);
    if (!(output->sink = make_broadcaster(output, url ? url : "", error)) ||
        !room_output_open_view(output, layout, error)) {
        room_output_free(output);
        return NULL;
    }
    output->url = g_strdup(broadcaster_shown_url(output->sink));
    room_output_connect(output, &codec_h264, GRAPH_TAP_AAC);
    log_info("room", "room %s: broadcast %s to %s", room->id, output->id, output->url);
    return output;
}
