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

/* What is sent, and to where. */
typedef struct {
    const char *url; /* (transfer none) */
    gboolean video, audio;
    json_t *hears; /* (owned) or NULL: everybody */
} BroadcastWish;

static void broadcast_wish_clear(BroadcastWish *wish)
{
    json_decref(wish->hears);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BroadcastWish, broadcast_wish_clear)

static gboolean is_possible(const BroadcastWish *wish, GError **error)
{
    const char *problem = NULL;
    if (!wish->video && !wish->audio)
        problem = "video, audio: a broadcast without both has nothing to send; leave one of them "
                  "true.";
    else if (!wish->audio && wish->hears)
        problem = "hears: this broadcast has no sound; leave it out, or audio true.";
    if (problem)
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_INVALID, problem);
    return !problem;
}

static gboolean read_broadcast(json_t *options, BroadcastWish *wish, GError **error)
{
    static const char *const keys[] = { "url", "layout", "video", "audio", "hears", NULL };
    gboolean given;
    wish->video = wish->audio = TRUE;
    return json_patch_check(options, keys, error) &&
           json_patch_text(options, "url", &given, &wish->url, error) &&
           json_patch_bool(options, "video", &wish->video, error) &&
           json_patch_bool(options, "audio", &wish->audio, error) &&
           room_hears_read(options, &wish->hears, error) && is_possible(wish, error);
}

RoomOutput *room_start_broadcast(Room *room, json_t *options, GError **error)
{
    g_auto(BroadcastWish) wish = { 0 };
    GError *problem = NULL;
    if (!read_broadcast(options, &wish, error) ||
        !room_output_may_start(room, OUTPUT_BROADCAST, "broadcast.max", error))
        return NULL;
    g_autoptr(Layout) layout = room_output_layout(room, options, &problem);
    if (problem) {
        g_propagate_error(error, problem);
        return NULL;
    }
    RoomOutput *output = room_output_new(room, OUTPUT_BROADCAST);
    output->video = wish.video;
    output->audio = wish.audio;
    output->hears = g_steal_pointer(&wish.hears);
    if (!(output->sink = make_broadcaster(output, wish.url ? wish.url : "", error)) ||
        (output->video && !room_output_open_view(output, layout, error))) {
        room_output_free(output);
        return NULL;
    }
    output->url = g_strdup(broadcaster_shown_url(output->sink));
    room_output_connect(output, &codec_h264, GRAPH_TAP_AAC);
    log_info("room", "room %s: broadcast %s to %s", room->id, output->id, output->url);
    return output;
}
