#include "support/fed_room.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "room/room_private.h"
#include "support/clip_player.h"
#include "support/memory_transport.h"

#define AUDIO_TYPE       111
#define VIDEO_TYPE       96
#define RTX_TYPE         97
#define ID_TRANSPORT_CC  3
#define ID_AUDIO_LEVEL   4
#define CONNECT_LIMIT_NS (5 * NS_PER_SEC)
#define STEP_NS          (10 * NS_PER_MS)

typedef struct {
    FedRoom *fed;
    FedPeer spec;
    char ufrag[16];
    MemoryPort *port;
    Participant *participant;
    ClipPlayer audio, video, smaller[2];
    guint16 transport_seq;
} Client;

struct FedRoom {
    gboolean simulated;
    Config *config;
    Engine *engine;
    MemoryNetwork *network;
    Rooms *rooms;
    Room *room;
    gint ticking; /* atomic */

    GMutex lock; /* guards everything below: it is filled here and played on the net thread */
    GPtrArray *clients; /* of Client */
    RtpExtMap extensions;
    gboolean playing;
    guint64 fed_packets, packets, bytes, frames;
};

/* --- playing the clips (net thread) ------------------------------------------------------ */

static void send_to_room(guint8 *data, gsize size, gpointer user)
{
    Client *client = user;
    memory_port_send(client->port, data, size, engine_now_ns(client->fed->engine));
}

/* A marker on a packet that is not sound ends a picture. */
static void drain(FedRoom *fed, Client *client, gint64 now_ns)
{
    gint64 arrival_ns;
    GBytes *bytes;
    while ((bytes = memory_port_receive(client->port, now_ns, &arrival_ns))) {
        gsize size = 0;
        const guint8 *data = g_bytes_get_data(bytes, &size);
        fed->packets++;
        fed->bytes += size;
        fed->frames += size > 1 && data[1] == (0x80 | VIDEO_TYPE);
        g_bytes_unref(bytes);
    }
}

static void net_tick(gint64 now_ns, gpointer user)
{
    FedRoom *fed = user;
    thread_assert_net();
    g_mutex_lock(&fed->lock);
    for (guint i = 0; i < fed->clients->len; i++) {
        Client *client = fed->clients->pdata[i];
        if (fed->playing) {
            fed->fed_packets += clip_player_run(&client->audio, now_ns);
            for (guint j = 0; j < G_N_ELEMENTS(client->smaller); j++)
                fed->fed_packets += clip_player_run(&client->smaller[j], now_ns);
            fed->fed_packets += clip_player_run(&client->video, now_ns);
        }
        drain(fed, client, now_ns);
    }
    g_mutex_unlock(&fed->lock);
    memory_network_deliver(fed->network, now_ns);
}

static void start_ticking(gpointer data)
{
    FedRoom *fed = data;
    thread_assert_net();
    engine_add_net_tick(fed->engine, net_tick, fed);
}

static void stop_ticking(gpointer data)
{
    FedRoom *fed = data;
    thread_assert_net();
    engine_remove_net_tick(fed->engine, net_tick, fed);
    g_atomic_int_set(&fed->ticking, FALSE);
}

/* --- offers ------------------------------------------------------------------------------ */

static const char *direction(gboolean send, gboolean receive)
{
    if (send)
        return receive ? "sendrecv" : "sendonly";
    return receive ? "recvonly" : "inactive";
}

/* Nobody here tells what arrives; a viewer that promises to and is silent is sent little. */
static void add_feedback(GString *sdp, const Client *client, gint type)
{
    if (!client->spec.view_audio && !client->spec.view_video)
        g_string_append_printf(sdp, "a=rtcp-fb:%d transport-cc\r\n", type);
}

static void add_audio(GString *sdp, const Client *client)
{
    gboolean sends = client->spec.audio != NULL;
    g_string_append_printf(sdp,
                           "m=audio 9 UDP/TLS/RTP/SAVPF %d\r\nc=IN IP4 0.0.0.0\r\na=mid:a\r\n"
                           "a=rtcp-mux\r\na=rtcp-rsize\r\na=%s\r\na=rtpmap:%d opus/48000/2\r\n"
                           "a=fmtp:%d minptime=10;useinbandfec=1\r\n",
                           AUDIO_TYPE, direction(sends, client->spec.view_audio), AUDIO_TYPE,
                           AUDIO_TYPE);
    add_feedback(sdp, client, AUDIO_TYPE);
    g_string_append_printf(sdp, "a=extmap:%d %s\r\na=extmap:%d %s\r\na=ssrc:%u cname:fed\r\n",
                           ID_TRANSPORT_CC, rtp_ext_uri(RTP_EXT_TRANSPORT_CC), ID_AUDIO_LEVEL,
                           rtp_ext_uri(RTP_EXT_AUDIO_LEVEL), client->audio.ssrc);
}

static void add_video(GString *sdp, const Client *client)
{
    /* Who sends plays VP8; who only takes the mix takes what the room makes. */
    gboolean h264 = !client->spec.video &&
                    strcmp(config_string(client->fed->config, "video.codec"), "H264") == 0;
    const char *codec = h264 ? "H264/90000\r\na=fmtp:96 packetization-mode=1;"
                               "level-asymmetry-allowed=1;profile-level-id=42e01f"
                             : "VP8/90000";
    g_string_append_printf(
        sdp,
        "m=video 9 UDP/TLS/RTP/SAVPF %d %d\r\nc=IN IP4 0.0.0.0\r\na=mid:v\r\na=rtcp-mux\r\n"
        "a=rtcp-rsize\r\na=%s\r\na=rtpmap:%d %s\r\na=rtcp-fb:%d nack\r\n"
        "a=rtcp-fb:%d nack pli\r\na=rtpmap:%d rtx/90000\r\n"
        "a=fmtp:%d apt=%d\r\na=extmap:%d %s\r\na=ssrc:%u cname:fed\r\n",
        VIDEO_TYPE, RTX_TYPE, direction(client->spec.video != NULL, client->spec.view_video),
        VIDEO_TYPE, codec, VIDEO_TYPE, VIDEO_TYPE, RTX_TYPE, RTX_TYPE, VIDEO_TYPE, ID_TRANSPORT_CC,
        rtp_ext_uri(RTP_EXT_TRANSPORT_CC), client->video.ssrc);
    add_feedback(sdp, client, VIDEO_TYPE);
    if (client->spec.smaller[0])
        g_string_append_printf(sdp,
                               "a=ssrc-group:SIM %u %u %u\r\na=ssrc:%u cname:fed\r\n"
                               "a=ssrc:%u cname:fed\r\n",
                               client->smaller[0].ssrc, client->smaller[1].ssrc, client->video.ssrc,
                               client->smaller[0].ssrc, client->smaller[1].ssrc);
}

static char *make_offer(const Client *client)
{
    gboolean audio = client->spec.audio || client->spec.view_audio;
    gboolean video = client->spec.video || client->spec.view_video;
    GString *sdp = g_string_new("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n");
    g_string_append_printf(sdp, "a=group:BUNDLE%s%s\r\na=ice-ufrag:%s\r\n", audio ? " a" : "",
                           video ? " v" : "", client->ufrag);
    g_string_append(sdp, "a=ice-pwd:0123456789abcdef0123456789abcdef\r\na=setup:actpass\r\n"
                         "a=fingerprint:sha-256 "
                         "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:"
                         "10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\r\n");
    if (audio)
        add_audio(sdp, client);
    if (video)
        add_video(sdp, client);
    return g_string_free(sdp, FALSE);
}

static void on_answer(const char *answer, const GError *error, gpointer user)
{
    GError **failure = user;
    if (!answer && !*failure)
        *failure = g_error_copy(error);
}

/* --- life -------------------------------------------------------------------------------- */

static void client_free(gpointer data)
{
    Client *client = data;
    memory_port_free(client->port);
    g_free(client);
}

static Client *client_new(FedRoom *fed, const FedPeer *spec)
{
    Client *client = g_new0(Client, 1);
    guint number = fed->clients->len;
    client->fed = fed;
    client->spec = *spec;
    g_snprintf(client->ufrag, sizeof client->ufrag, "fed%05u", number);
    client->port = memory_port_new(fed->network, client->ufrag);
    ClipPlayer player = { .level_dbov = spec->level_dbov,
                          .extensions = &fed->extensions,
                          .transport_seq = &client->transport_seq,
                          .send = send_to_room,
                          .user = client };
    client->audio = client->video = player;
    client->audio.file = spec->audio;
    client->audio.ssrc = 1000 + 4 * number;
    client->audio.payload_type = AUDIO_TYPE;
    client->video.file = spec->video;
    client->video.ssrc = 1001 + 4 * number;
    client->video.payload_type = VIDEO_TYPE;
    for (guint i = 0; i < G_N_ELEMENTS(client->smaller); i++) {
        client->smaller[i] = client->video;
        client->smaller[i].file = spec->smaller[i];
        client->smaller[i].ssrc = 1002 + 4 * number + i;
    }
    return client;
}

gboolean fed_room_add(FedRoom *fed, const FedPeer *spec, GError **error)
{
    ParticipantOptions options = { .name = spec->name,
                                   .client = "bench",
                                   .publish = spec->audio || spec->video,
                                   .view = spec->view_audio || spec->view_video,
                                   .visible = spec->visible };
    GError *failure = NULL;
    thread_assert_control();
    Participant *participant = room_join(fed->room, &options, error);
    if (!participant)
        return FALSE;
    Client *client = client_new(fed, spec);
    client->participant = participant;
    g_mutex_lock(&fed->lock);
    g_ptr_array_add(fed->clients, client);
    g_mutex_unlock(&fed->lock);
    g_autofree char *offer = make_offer(client);
    participant_offer(participant, offer, strlen(offer), on_answer, &failure);
    for (gint64 waited_ns = 0; waited_ns < CONNECT_LIMIT_NS; waited_ns += STEP_NS) {
        if (failure || memory_port_connected(client->port))
            break;
        fed_room_run(fed, STEP_NS);
    }
    if (!failure && !memory_port_connected(client->port))
        failure = g_error_new(TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE, "%s did not connect.",
                              spec->name);
    if (failure)
        g_propagate_error(error, failure);
    return failure == NULL;
}

static gboolean configure(FedRoom *fed, const char *const *settings, GError **error)
{
    fed->config = config_new();
    for (guint i = 0; settings && settings[i]; i++) {
        if (!config_set(fed->config, settings[i], error))
            return FALSE;
    }
    return TRUE;
}

FedRoom *fed_room_new(gboolean simulated, const char *const *settings, GError **error)
{
    g_autoptr(FedRoom) fed = g_new0(FedRoom, 1);
    fed->simulated = simulated;
    fed->clients = g_ptr_array_new_with_free_func(client_free);
    g_mutex_init(&fed->lock);
    rtp_ext_map_set(&fed->extensions, RTP_EXT_TRANSPORT_CC, ID_TRANSPORT_CC);
    rtp_ext_map_set(&fed->extensions, RTP_EXT_AUDIO_LEVEL, ID_AUDIO_LEVEL);
    if (!configure(fed, settings, error))
        return NULL;
    thread_set_roles(simulated ? THREAD_ALL : THREAD_CONTROL);
    thread_assert_control();
    fed->engine =
        simulated ? engine_new_simulated(fed->config, clock_now_ns()) : engine_new(fed->config);
    fed->network = memory_network_new(fed->engine, FALSE, 1);
    memory_network_set_connect_delay(fed->network, NS_PER_MS);
    engine_set_transports(fed->engine, memory_network_factory(fed->network));
    fed->rooms = rooms_new(fed->engine, fed->config);
    const char *layouts = config_string(fed->config, "layout.dir");
    if (!rooms_load_layouts(fed->rooms, *layouts ? layouts : "layouts", error))
        return NULL;
    fed->room = rooms_open(fed->rooms, "bench", error);
    fed->ticking = TRUE;
    mailbox_post(engine_net_mailbox(fed->engine), start_ticking, fed, NULL);
    return fed->room ? g_steal_pointer(&fed) : NULL;
}

void fed_room_free(FedRoom *fed)
{
    if (!fed)
        return;
    thread_assert_control();
    rooms_free(fed->rooms);
    if (fed->network) {
        while (memory_network_transports(fed->network) > 0)
            fed_room_run(fed, STEP_NS);
        if (g_atomic_int_get(&fed->ticking))
            mailbox_post(engine_net_mailbox(fed->engine), stop_ticking, fed, NULL);
        while (g_atomic_int_get(&fed->ticking))
            fed_room_run(fed, STEP_NS);
    }
    g_ptr_array_unref(fed->clients);
    memory_network_free(fed->network);
    engine_free(fed->engine);
    config_free(fed->config);
    g_mutex_clear(&fed->lock);
    g_free(fed);
}

void fed_room_play(FedRoom *fed)
{
    g_mutex_lock(&fed->lock);
    gint64 now_ns = engine_now_ns(fed->engine);
    for (guint i = 0; i < fed->clients->len; i++) {
        Client *client = fed->clients->pdata[i];
        clip_player_start(&client->audio, client->spec.offset_ns, now_ns);
        clip_player_start(&client->video, 0, now_ns);
        for (guint j = 0; j < G_N_ELEMENTS(client->smaller); j++)
            clip_player_start(&client->smaller[j], 0, now_ns);
    }
    fed->playing = TRUE;
    g_mutex_unlock(&fed->lock);
}

static gboolean time_is_up(gpointer data)
{
    *(gboolean *)data = TRUE;
    return G_SOURCE_REMOVE;
}

void fed_room_run(FedRoom *fed, gint64 duration_ns)
{
    gboolean over = FALSE;
    if (fed->simulated) {
        engine_simulate(fed->engine, engine_now_ns(fed->engine) + duration_ns);
        return;
    }
    g_timeout_add((guint)(duration_ns / NS_PER_MS), time_is_up, &over);
    while (!over)
        g_main_context_iteration(NULL, TRUE);
}

/* --- what it came to --------------------------------------------------------------------- */

static void add_inputs(FedRoom *fed, FedRoomStats *stats)
{
    for (guint i = 0; i < fed->clients->len; i++) {
        const Participant *participant = ((Client *)fed->clients->pdata[i])->participant;
        VideoInputStats video;
        AudioJitterStats audio;
        if (participant->sinks.camera) {
            video_input_stats(participant->sinks.camera, &video);
            stats->decoded += video.decoded;
            stats->decode_dropped += video.dropped;
            stats->decode_cpu_ns += video.decode_cpu_ns;
        }
        if (participant->sinks.audio) {
            audio_input_stats(participant->sinks.audio, &audio);
            stats->concealed += audio.concealed_samples;
        }
    }
}

static void add_scene(FedRoom *fed, FedRoomStats *stats)
{
    SceneStats scene;
    thread_assert_control();
    RenditionStats rendition;
    g_autoptr(GPtrArray) renditions = scene_renditions(room_own_scene(fed->room));
    scene_stats(room_own_scene(fed->room), &scene);
    stats->scene_ticks = scene.ticks;
    stats->scene_late = scene.late_ticks;
    stats->scene_skipped = scene.skipped_ticks;
    stats->compose_cpu_ns = scene.compose_cpu_ns;
    for (guint i = 0; i < renditions->len; i++) {
        rendition_stats(renditions->pdata[i], &rendition);
        stats->encoded += rendition.encoded;
        stats->replaced += rendition.replaced;
        stats->encode_cpu_ns += rendition.encode_cpu_ns;
    }
}

void fed_room_stats(FedRoom *fed, FedRoomStats *stats)
{
    memset(stats, 0, sizeof *stats);
    g_mutex_lock(&fed->lock);
    stats->fed_packets = fed->fed_packets;
    stats->packets = fed->packets;
    stats->bytes = fed->bytes;
    stats->frames = fed->frames;
    g_mutex_unlock(&fed->lock);
    engine_stats(fed->engine, &stats->engine);
    add_inputs(fed, stats);
    add_scene(fed, stats);
}

Engine *fed_room_engine(FedRoom *fed)
{
    return fed->engine;
}

Room *fed_room_room(FedRoom *fed)
{
    return fed->room;
}

Rooms *fed_room_rooms(FedRoom *fed)
{
    return fed->rooms;
}
