/* Many WebRTC clients of one server in one process, over real ICE, DTLS and SRTP, for
 * tests/bench/demo_room.py: it carries the offers to WHEP and WHIP. Lines on standard input:
 *   view                   one more viewer; answers with {"peer": N, "offer": "..."}
 *   watch                  one that tells ten times a second when each packet came, as browsers do
 *   send CLIP.ivf CLIP.ogg one more sender, the same
 *   answer N "..."         the server's answer, as a JSON string; then {"peer": N, "connected":
 * true} count                  {"audio_packets": ..., "audio_bytes": ..., "video_packets": ...} and
 * the end of the input ends it. */

#include <gio/gio.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "net/webrtc.h"
#include "rtp/rtcp.h"
#include "rtp/twcc.h"
#include "sdp/sdp.h"
#include "support/clip_player.h"

#define AUDIO_TYPE      111
#define VIDEO_TYPE      96
#define ID_TRANSPORT_CC 3
#define TICK_MS         10
/* The clients look so often whether something came. Over loopback who sends also wakes who waits,
 * which costs more than the sending and which no server does whose viewers are elsewhere. */
#define LOOK_US        2000
#define REPORT_TICKS   100
#define FEEDBACK_TICKS 10
#define MAX_CLIENTS    600

typedef struct {
    guint number;
    Transport *transport;
    gboolean sends, connected;
    TwccReceiver *arrivals; /* of who tells of them, or NULL */
    ClipPlayer audio, video;
    guint16 transport_seq;
} Client;

static Client clients[MAX_CLIENTS];
static guint n_clients;
static MediaFile *picture_clip, *sound_clip;
static RtpExtMap extensions;
static WebrtcFactory *factory;
static gboolean over;
static guint64 packets[2], bytes[2]; /* 0: sound, 1: pictures */

static void say(json_t *object)
{
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    json_decref(object);
}

/* --- one client -------------------------------------------------------------------------- */

static char *make_offer(const Client *client, const TransportLocal *local)
{
    const char *way = client->sends ? "sendonly" : "recvonly";
    GString *sdp = g_string_new("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
                                "a=group:BUNDLE a v\r\na=setup:actpass\r\n");
    g_string_append_printf(sdp, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:%s\r\n",
                           local->ice_ufrag, local->ice_pwd, local->fingerprint);
    for (guint video = 0; video < 2; video++) {
        guint type = video ? VIDEO_TYPE : AUDIO_TYPE;
        g_string_append_printf(sdp,
                               "m=%s 9 UDP/TLS/RTP/SAVPF %u\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\n"
                               "a=rtcp-mux\r\na=rtcp-rsize\r\na=%s\r\na=rtpmap:%u %s\r\n",
                               video ? "video" : "audio", type, video ? "v" : "a", way, type,
                               video ? "VP8/90000" : "opus/48000/2");
        /* Who promises to tell what arrives and is silent is sent little. */
        if (client->sends || client->arrivals)
            g_string_append_printf(sdp, "a=rtcp-fb:%u transport-cc\r\na=extmap:%d %s\r\n", type,
                                   ID_TRANSPORT_CC, rtp_ext_uri(RTP_EXT_TRANSPORT_CC));
        if (video)
            g_string_append_printf(sdp, "a=rtcp-fb:%u nack\r\na=rtcp-fb:%u nack pli\r\n", type,
                                   type);
        if (client->sends)
            g_string_append_printf(sdp, "a=ssrc:%u cname:bench\r\n",
                                   video ? client->video.ssrc : client->audio.ssrc);
        for (guint i = 0; !video && local->candidates[i]; i++)
            g_string_append_printf(sdp, "a=%s\r\n", local->candidates[i]);
    }
    return g_string_free(sdp, FALSE);
}

static void on_gathered(gpointer user)
{
    Client *client = user;
    thread_assert_net();
    g_autofree char *offer = make_offer(client, transport_local(client->transport));
    say(json_pack("{s:i, s:s}", "peer", (int)client->number, "offer", offer));
}

static void on_state(TransportState state, gpointer user)
{
    Client *client = user;
    if (state == TRANSPORT_FAILED || state == TRANSPORT_CLOSED)
        fprintf(stderr, "bench_viewers: client %u lost its connection\n", client->number);
    if (state != TRANSPORT_CONNECTED || client->connected)
        return;
    client->connected = TRUE;
    clip_player_start(&client->audio, client->number * NS_PER_SEC, clock_now_ns());
    clip_player_start(&client->video, 0, clock_now_ns());
    say(json_pack("{s:i, s:b}", "peer", (int)client->number, "connected", TRUE));
}

static void note_arrival(Client *client, const guint8 *data, gsize size, gint64 arrival_ns)
{
    RtpPacket packet;
    RtpExtensions found;
    if (!rtp_parse(data, size, &packet))
        return;
    rtp_ext_parse(&packet, &extensions, &found);
    if (found.present & 1u << RTP_EXT_TRANSPORT_CC)
        twcc_receiver_arrived(client->arrivals, found.transport_seq, arrival_ns);
}

static void on_rtp(guint8 *packet, gsize size, gint64 arrival_ns, gpointer user)
{
    Client *client = user;
    guint video = (packet[1] & 0x7f) == VIDEO_TYPE;
    if (client->arrivals)
        note_arrival(client, packet, size, arrival_ns);
    packets[video]++;
    bytes[video] += size;
}

static void on_rtcp(guint8 *packet, gsize size, gint64 arrival_ns, gpointer user)
{
    (void)packet, (void)size, (void)arrival_ns, (void)user;
}

static const TransportEvents events = {
    .state = on_state, .gathered = on_gathered, .rtp = on_rtp, .rtcp = on_rtcp
};

static void send_packet(guint8 *data, gsize size, gpointer user)
{
    Client *client = user;
    TransportPacket packet = { data, size };
    thread_assert_net();
    if (rtp_is_rtcp(data, size))
        transport_send_rtcp(client->transport, &packet);
    else
        transport_send_rtp(client->transport, &packet, 1);
}

static void add_client(const char *picture, const char *sound, gboolean tells)
{
    g_autoptr(GError) error = NULL;
    const TransportFactory *transports = webrtc_factory_transports(factory);
    Client *client = &clients[n_clients];
    ClipPlayer player = { .extensions = &extensions,
                          .transport_seq = &client->transport_seq,
                          .level_dbov = 25,
                          .send = send_packet,
                          .user = client };
    thread_assert_net();
    if (picture && !picture_clip)
        picture_clip = media_file_load(picture, &error);
    if (sound && !sound_clip && !error)
        sound_clip = media_file_load(sound, &error);
    client->number = n_clients++;
    client->sends = picture != NULL;
    client->arrivals = tells ? twcc_receiver_new() : NULL;
    client->audio = client->video = player;
    client->audio.file = client->sends ? sound_clip : NULL;
    client->audio.ssrc = 1000 + 2 * client->number;
    client->audio.payload_type = AUDIO_TYPE;
    client->video.file = client->sends ? picture_clip : NULL;
    client->video.ssrc = 1001 + 2 * client->number;
    client->video.payload_type = VIDEO_TYPE;
    if (!error)
        client->transport =
            transports->transport_new(transports->factory_data, &events, client, &error);
    if (error || !transport_start(client->transport, &error))
        g_error("%s", error->message);
}

static void take_answer(guint number, const char *text)
{
    g_autoptr(GError) error = NULL;
    thread_assert_net();
    g_autoptr(SdpSession) answer = sdp_parse(text, strlen(text), &error);
    if (!answer || number >= n_clients)
        g_error("no answer to a client of ours: %s", error ? error->message : "");
    const SdpMedia *media = answer->media->pdata[0];
    TransportRemote remote = { .ice_ufrag = media->ice_ufrag,
                               .ice_pwd = media->ice_pwd,
                               .ice_lite = answer->ice_lite,
                               .fingerprint = media->fingerprint,
                               .peer_role = DTLS_ROLE_SERVER };
    if (!transport_set_remote(clients[number].transport, &remote, &error))
        g_error("%s", error->message);
    for (guint i = 0; i < media->candidates->len; i++)
        transport_add_candidate(clients[number].transport, media->candidates->pdata[i], NULL);
}

/* --- all of them ------------------------------------------------------------------------- */

/* An empty receiver report each second, as clients send: the server notes that somebody is there.
 */
static void send_report(Client *client)
{
    RtcpWriter writer;
    rtcp_writer_init(&writer);
    rtcp_write_rr(&writer, client->audio.ssrc, NULL, 0);
    send_packet(writer.data, writer.size, client);
}

static void send_feedback(Client *client)
{
    guint8 fci[900];
    RtcpWriter writer;
    gsize size = twcc_receiver_feedback(client->arrivals, fci, sizeof fci);
    if (!size)
        return;
    rtcp_writer_init(&writer);
    rtcp_write_transport_cc(&writer, client->audio.ssrc, 0, fci, size);
    send_packet(writer.data, writer.size, client);
}

static gboolean tick(gpointer data)
{
    static guint ticks;
    (void)data;
    gint64 now_ns = clock_now_ns();
    ticks++;
    for (guint i = 0; i < n_clients; i++) {
        Client *client = &clients[i];
        if (!client->connected)
            continue;
        clip_player_run(&client->audio, now_ns);
        clip_player_run(&client->video, now_ns);
        if (!client->sends && ticks % REPORT_TICKS == i % REPORT_TICKS)
            send_report(client);
        if (client->arrivals && ticks % FEEDBACK_TICKS == i % FEEDBACK_TICKS)
            send_feedback(client);
    }
    return G_SOURCE_CONTINUE;
}

static void run_line(char *line)
{
    g_auto(GStrv) words = g_strsplit(g_strstrip(line), " ", 3);
    guint count = g_strv_length(words);
    if (count == 0)
        return;
    if (strcmp(words[0], "view") == 0 && n_clients < MAX_CLIENTS) {
        add_client(NULL, NULL, FALSE);
    } else if (strcmp(words[0], "watch") == 0 && n_clients < MAX_CLIENTS) {
        add_client(NULL, NULL, TRUE);
    } else if (strcmp(words[0], "send") == 0 && count == 3 && n_clients < MAX_CLIENTS) {
        add_client(words[1], words[2], FALSE);
    } else if (strcmp(words[0], "answer") == 0 && count == 3) {
        json_t *text = json_loads(words[2], JSON_DECODE_ANY, NULL);
        take_answer((guint)g_ascii_strtoull(words[1], NULL, 10), json_string_value(text));
        json_decref(text);
    } else if (strcmp(words[0], "count") == 0) {
        say(json_pack("{s:I, s:I, s:I, s:I}", "audio_packets", (json_int_t)packets[0],
                      "audio_bytes", (json_int_t)bytes[0], "video_packets", (json_int_t)packets[1],
                      "video_bytes", (json_int_t)bytes[1]));
    } else {
        fprintf(stderr, "bench_viewers: what is \"%s\"?\n", words[0]);
    }
}

static gboolean on_input(GIOChannel *channel, GIOCondition condition, gpointer data)
{
    g_autofree char *line = NULL;
    (void)condition, (void)data;
    if (g_io_channel_read_line(channel, &line, NULL, NULL, NULL) != G_IO_STATUS_NORMAL) {
        over = TRUE;
        return G_SOURCE_REMOVE;
    }
    run_line(line);
    return G_SOURCE_CONTINUE;
}

int main(void)
{
    static const char *const loopback[] = { "127.0.0.1", NULL };
    WebrtcConfig config = { .bind_addresses = loopback, .include_loopback = TRUE };
    g_autoptr(GError) error = NULL;
    thread_set_roles(THREAD_ALL);
    thread_assert_net();
    rtp_ext_map_set(&extensions, RTP_EXT_TRANSPORT_CC, ID_TRANSPORT_CC);
    factory = webrtc_factory_new(&config, g_main_context_default(), &error);
    if (!factory) {
        fprintf(stderr, "bench_viewers: %s\n", error->message);
        return 1;
    }
    GIOChannel *input = g_io_channel_unix_new(0);
    g_io_add_watch(input, G_IO_IN | G_IO_HUP, on_input, NULL);
    g_timeout_add(TICK_MS, tick, NULL);
    while (!over) {
        while (g_main_context_iteration(NULL, FALSE))
            ;
        g_usleep(LOOK_US);
    }
    for (guint i = 0; i < n_clients; i++) {
        transport_close(clients[i].transport);
        twcc_receiver_free(clients[i].arrivals);
    }
    webrtc_factory_free(factory);
    media_file_free(picture_clip);
    media_file_free(sound_clip);
    g_io_channel_unref(input);
    return 0;
}
