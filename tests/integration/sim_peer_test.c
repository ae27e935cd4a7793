#include <string.h>

#include "base/clock.h"
#include "codecs/codec.h"
#include "support/sim_world.h"

/* The simulated participants themselves: that they take what a sender with congestion control sends
 * (fewer layers, other sizes, padding), and tell it what receivers of all kinds tell. */

#define FPS         15
#define PERIOD      4 /* pictures: base, third, second, third layer */
#define MAX_PAYLOAD 400

/* --- an eye and what is sent to it ------------------------------------------------------- */

typedef struct {
    SimEye *eye;
    VideoEncoder *encoder;
    AVFrame *picture; /* the newest */
    gint width, height;
    gint64 count; /* of pictures made */
    guint16 seq;
    gint picture_id;
    guint8 tl0_pic_idx;
    gboolean keyframe_wanted;
} Sender;

static void set_size(Sender *sender, gint width, gint height)
{
    VideoEncoderConfig config = {
        .width = width, .height = height, .fps = FPS, .bitrate_bps = 300000, .temporal_layers = 3
    };
    video_encoder_free(sender->encoder);
    sender->encoder = video_encoder_new(&codec_vp8, &config, NULL);
    sender->width = width;
    sender->height = height;
}

static void open_sender(Sender *sender, gboolean decodes)
{
    *sender = (Sender){
        .eye = sim_eye_new(decodes), .seq = 65500, .picture_id = 0x7ff0, .tl0_pic_idx = 250
    };
    set_size(sender, 160, 90);
}

static void close_sender(Sender *sender)
{
    sim_eye_free(sender->eye);
    video_encoder_free(sender->encoder);
    av_frame_free(&sender->picture);
}

static gint64 sender_now_ns(const Sender *sender)
{
    return sender->count * NS_PER_SEC / FPS;
}

static void send_packet(Sender *sender, const guint8 *payload, gsize size, gboolean marker)
{
    RtpPacket packet = { .seq = sender->seq++,
                         .marker = marker,
                         .timestamp = (guint32)(sender->count * 90000 / FPS),
                         .payload = payload,
                         .payload_size = size };
    sim_eye_packet(sender->eye, &packet, FALSE, sender_now_ns(sender));
}

static void send_coded(Sender *sender, const AVPacket *coded, const VideoEncodeInfo *info,
                       gboolean lost)
{
    g_autoptr(GArray) fragments = g_array_new(FALSE, FALSE, sizeof(PayloadFragment));
    guint8 payload[MAX_PAYLOAD];
    sender->picture_id = (sender->picture_id + 1) & 0x7fff;
    sender->tl0_pic_idx += info->temporal_id == 0;
    PayloadTags tags = { .picture_id = sender->picture_id,
                         .tl0_pic_idx = sender->tl0_pic_idx,
                         .temporal_id = info->temporal_id,
                         .layer_sync = info->layer_sync,
                         .non_reference = info->non_reference };
    g_assert_true(payload_vp8.packetize(coded, &tags, MAX_PAYLOAD, fragments));
    if (lost) {
        sender->seq += fragments->len;
        return;
    }
    for (guint i = 0; i < fragments->len; i++) {
        const PayloadFragment *fragment = &g_array_index(fragments, PayloadFragment, i);
        memcpy(payload, fragment->header, fragment->header_size);
        memcpy(payload + fragment->header_size, fragment->data, fragment->size);
        send_packet(sender, payload, fragment->header_size + fragment->size,
                    i + 1 == fragments->len);
    }
}

/* One picture. Of a higher layer than `highest`: left out, and no number is used up for it. */
static void send_picture(Sender *sender, gint highest, gboolean lost)
{
    guint16 seqs[64];
    gboolean pli;
    VideoEncodeHints hints = { .force_keyframe = sender->keyframe_wanted };
    VideoEncodeInfo info;
    AVPacket *coded = av_packet_alloc();
    av_frame_free(&sender->picture);
    sender->picture = sim_camera_picture(SIM_MOVING, sim_red, sender->width, sender->height,
                                         sender_now_ns(sender));
    g_assert_true(video_encoder_encode(sender->encoder, sender->picture,
                                       sender->count * 90000 / FPS, &hints, coded, &info, NULL));
    sender->keyframe_wanted = FALSE;
    if (info.temporal_id <= highest)
        send_coded(sender, coded, &info, lost);
    sim_eye_tick(sender->eye, sender_now_ns(sender), seqs, G_N_ELEMENTS(seqs), &pli);
    sender->keyframe_wanted |= pli;
    sender->count++;
    av_packet_free(&coded);
}

static void send_periods(Sender *sender, guint periods, gint highest)
{
    for (guint i = 0; i < periods * PERIOD; i++)
        send_picture(sender, highest, FALSE);
}

/* What the eye sees is what was sent last, all over: the bar moves along the upper quarter. */
static void assert_sees(const Sender *sender)
{
    for (gint x = 0; x + 16 <= sender->width; x += 16) {
        VideoRect part = { x, 0, 16, sender->height / 4 };
        SimColour sent = sim_picture_colour(sender->picture, &part);
        SimColour seen = sim_eye_colour(sender->eye, &part);
        g_assert_cmpint(ABS(sent.y - seen.y), <=, 12);
        g_assert_cmpint(ABS(sent.u - seen.u), <=, 12);
        g_assert_cmpint(ABS(sent.v - seen.v), <=, 12);
    }
}

static SimEyeStats eye_stats(const Sender *sender)
{
    SimEyeStats stats;
    sim_eye_stats(sender->eye, &stats);
    return stats;
}

/* The sender leaves the upper layers out for a while: nothing is missed, nothing is asked for. */
static void test_layers_left_out(void)
{
    static const gint highest[] = { 2, 0, 2, 1, 0, 1, 2 };
    static const guint per_period[] = { 1, 2, 4 };
    Sender sender;
    guint sent = 0;
    open_sender(&sender, TRUE);
    for (guint i = 0; i < G_N_ELEMENTS(highest); i++) {
        send_periods(&sender, 5, highest[i]);
        sent += 5 * per_period[highest[i]];
        if (highest[i] == 2)
            assert_sees(&sender);
    }
    SimEyeStats stats = eye_stats(&sender);
    g_assert_cmpuint(sim_eye_frames(sender.eye)->len, ==, sent);
    g_assert_cmpuint(stats.dropped, ==, 0);
    g_assert_cmpuint(stats.decode_errors, ==, 0);
    g_assert_cmpuint(stats.plis, ==, 0);
    g_assert_cmpuint(stats.nacks, ==, 0);
    close_sender(&sender);
}

/* A picture of an upper layer is lost: the others go on, also without that layer. */
static void test_upper_layer_lost(gconstpointer data)
{
    guint place = GPOINTER_TO_UINT(data);
    Sender sender;
    open_sender(&sender, TRUE);
    send_periods(&sender, 2, 2);
    for (guint i = 0; i < PERIOD; i++)
        send_picture(&sender, 2, i == place);
    send_periods(&sender, 2, 0);
    send_periods(&sender, 2, 2);
    SimEyeStats stats = eye_stats(&sender);
    guint sent = 5 * PERIOD + 2;
    g_test_message("%u pictures of %u, %u dropped", sim_eye_frames(sender.eye)->len, sent,
                   (guint)stats.dropped);
    g_assert_cmpuint(sim_eye_frames(sender.eye)->len, >=, sent - 3);
    g_assert_cmpuint(stats.dropped, <=, 2);
    g_assert_cmpuint(stats.decode_errors, ==, 0);
    g_assert_cmpuint(stats.plis, ==, 0);
    assert_sees(&sender);
    close_sender(&sender);
}

/* One of the base layer is lost, while only that is sent: a key frame is needed and mends it. */
static void test_base_layer_lost(void)
{
    Sender sender;
    open_sender(&sender, TRUE);
    send_periods(&sender, 2, 0);
    send_picture(&sender, 0, TRUE);
    for (guint i = 1; i < 4 * FPS; i++) /* the eye waits for 3 s, as libwebrtc does */
        send_picture(&sender, 0, FALSE);
    send_periods(&sender, 1, 2);
    SimEyeStats stats = eye_stats(&sender);
    g_assert_cmpuint(stats.plis, ==, 1);
    g_assert_cmpuint(stats.nacks, >, 0);
    g_assert_cmpuint(stats.dropped, >, 0);
    g_assert_cmpuint(stats.decode_errors, ==, 0);
    assert_sees(&sender);
    close_sender(&sender);
}

/* Another size in mid-stream, seen and, by one who does not decode, known. */
static void test_sizes(gconstpointer data)
{
    static const gint sizes[][2] = { { 160, 90 }, { 320, 180 }, { 320, 180 }, { 80, 46 } };
    gboolean decodes = GPOINTER_TO_INT(data);
    Sender sender;
    open_sender(&sender, decodes);
    g_assert_cmpint(eye_stats(&sender).width, ==, 0);
    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
        set_size(&sender, sizes[i][0], sizes[i][1]);
        send_periods(&sender, 3, 2);
        g_assert_cmpint(eye_stats(&sender).width, ==, sizes[i][0]);
        g_assert_cmpint(eye_stats(&sender).height, ==, sizes[i][1]);
        if (!decodes)
            continue;
        g_assert_cmpint(sim_eye_picture(sender.eye)->width, ==, sizes[i][0]);
        g_assert_cmpint(sim_eye_picture(sender.eye)->height, ==, sizes[i][1]);
        assert_sees(&sender);
    }
    SimEyeStats stats = eye_stats(&sender);
    g_assert_cmpuint(stats.size_changes, ==, 2);
    g_assert_cmpuint(stats.decode_errors, ==, 0);
    g_assert_cmpuint(sim_eye_frames(sender.eye)->len, ==, 4 * 3 * PERIOD);
    close_sender(&sender);
}

/* Padding between the pictures, in the numbers of their own stream. */
static void test_padding_among_pictures(void)
{
    Sender sender;
    open_sender(&sender, TRUE);
    for (guint i = 0; i < 5 * PERIOD; i++) {
        send_picture(&sender, 2, FALSE);
        send_packet(&sender, NULL, 0, FALSE);
        send_packet(&sender, NULL, 0, TRUE);
    }
    SimEyeStats stats = eye_stats(&sender);
    g_assert_cmpuint(sim_eye_frames(sender.eye)->len, ==, 5 * PERIOD);
    g_assert_cmpuint(stats.nacks, ==, 0);
    g_assert_cmpuint(stats.decode_errors, ==, 0);
    assert_sees(&sender);
    close_sender(&sender);
}

/* --- what is told to the server ---------------------------------------------------------- */

static const SimPeerConfig speaker = {
    .name = "Ada", .number = 1, .tone_hz = 500, .video = SIM_MOVING, .paint = { 82, 90, 240 }
};

/* Large enough for a ladder of sizes. */
static const char *const settings[] = { "video.width=640", "video.height=360",
                                        "video.bitrate=800000", NULL };

static SimWorld *open_world(void)
{
    SimWorldOptions options = { .project_dir = PROJECT_DIR, .settings = settings };
    SimWorld *world = sim_world_new(&options);
    sim_world_join(world, &speaker);
    return world;
}

static const SimPeerConfig watcher = { .name = "Bob",
                                       .number = 2,
                                       .view_only = TRUE,
                                       .up = { .delay_ns = 20 * NS_PER_MS },
                                       .down = { .delay_ns = 20 * NS_PER_MS } };

/* The server measures the line by what is told, with padding that nobody sees: in the stream of
 * what is sent again or, where there is none, among the pictures. It measures a line that was thin
 * again while pictures come. */
static void test_tells_arrivals(gconstpointer data)
{
    SimWorld *world = open_world();
    SimPeerConfig config = watcher;
    SimLinkConfig thin = { .delay_ns = 20 * NS_PER_MS, .rate_bps = 300000 };
    SimPeerStats stats;
    SimEyeStats before, after;
    config.no_rtx = GPOINTER_TO_INT(data);
    config.down = thin;
    SimPeer *bob = sim_world_join(world, &config);
    sim_world_run(world, 8 * NS_PER_SEC);
    sim_peer_set_down(bob, &watcher.down);
    sim_world_run(world, NS_PER_SEC); /* what waited or was lost has come */
    sim_peer_stats(bob, &stats);
    guint64 padding = stats.padding;
    sim_eye_stats(sim_peer_eye(bob), &before);
    sim_world_run(world, 8 * NS_PER_SEC);
    sim_peer_stats(bob, &stats);
    sim_eye_stats(sim_peer_eye(bob), &after);
    g_test_message("%u and %u packets of padding", (guint)padding,
                   (guint)(stats.padding - padding));
    g_assert_cmpfloat(sim_world_peer_number(world, bob, "sent.line.acknowledged"), >, 0);
    g_assert_cmpuint(padding, >, 0);
    g_assert_cmpuint(stats.padding, >, padding);
    g_assert_cmpuint(after.decode_errors, ==, 0);
    g_assert_cmpuint(after.plis, ==, before.plis);
    g_assert_cmpuint(after.nacks, ==, before.nacks);
    g_assert_cmpfloat(sim_world_peer_number(world, bob, "sent.fraction_lost"), ==, 0);
    sim_world_free(world);
}

/* One who cannot tell says so in its offer, and the server sends nothing to measure by. */
static void test_no_transport_cc(void)
{
    SimWorld *world = open_world();
    SimPeerConfig plain = watcher;
    plain.no_transport_cc = TRUE;
    SimPeer *bob = sim_world_join(world, &plain);
    g_autofree char *offer = sim_peer_offer(bob);
    g_assert_null(strstr(offer, "transport-"));
    g_assert_nonnull(strstr(offer, "goog-remb"));
    sim_world_run(world, 5 * NS_PER_SEC);
    SimPeerStats stats;
    sim_peer_stats(bob, &stats);
    g_assert_cmpuint(stats.padding, ==, 0);
    g_assert_cmpfloat(sim_world_peer_number(world, bob, "sent.line.acknowledged"), <=, 0);
    g_assert_cmpfloat(sim_world_peer_number(world, bob, "sent.rtt_ms"), >, 35);
    sim_world_free(world);
}

/* The server sends a smaller picture to who says so, whether that is all that it is told or not. */
static void test_remb(gconstpointer data)
{
    SimWorld *world = open_world();
    SimPeerConfig plain = watcher, limited = watcher;
    plain.no_transport_cc = limited.no_transport_cc = GPOINTER_TO_INT(data);
    limited.name = "Cyd";
    limited.number = 3;
    limited.remb_bps = 250000;
    SimPeer *bob = sim_world_join(world, &plain);
    SimPeer *cyd = sim_world_join(world, &limited);
    sim_world_run(world, 10 * NS_PER_SEC);
    SimEyeStats whole, small;
    sim_eye_stats(sim_peer_eye(bob), &whole);
    sim_eye_stats(sim_peer_eye(cyd), &small);
    g_test_message("%dx%d without, %dx%d with REMB", whole.width, whole.height, small.width,
                   small.height);
    g_assert_cmpint(whole.width, ==, 640);
    g_assert_cmpint(small.width, >, 0);
    g_assert_cmpint(small.width, <, 640);
    sim_world_free(world);
}

/* Nothing comes from it, whatever it misses; what can be shown without help, it shows. */
static void test_silent(void)
{
    SimWorld *world = open_world();
    SimPeerConfig silent = watcher;
    silent.no_transport_cc = TRUE; /* so that it is sent pictures all the same */
    silent.silent_rtcp = TRUE;
    silent.remb_bps = 150000;
    silent.down.loss = 0.05;
    SimPeer *bob = sim_world_join(world, &silent);
    sim_world_run(world, 10 * NS_PER_SEC);
    sim_peer_send_pli(bob, sim_world_now_ns(world));
    sim_world_run(world, NS_PER_SEC);
    SimEyeStats seen;
    sim_eye_stats(sim_peer_eye(bob), &seen);
    g_assert_cmpuint(seen.nacks + seen.plis, >, 0); /* it would have asked */
    g_assert_cmpuint(seen.recovered, ==, 0);
    g_assert_cmpfloat(sim_world_peer_number(world, bob, "sent.nacked"), ==, 0);
    g_assert_cmpfloat(sim_world_peer_number(world, bob, "sent.plis"), ==, 0);
    g_assert_cmpfloat(sim_world_peer_number(world, bob, "sent.line.acknowledged"), <=, 0);
    g_assert_cmpfloat(sim_world_peer_number(world, bob, "sent.rtt_ms"), <, 0);
    sim_world_free(world);
}

/* --- lines that change ------------------------------------------------------------------- */

static gdouble rtt_after(SimWorld *world, SimPeer *peer)
{
    sim_world_run(world, 4 * NS_PER_SEC);
    gdouble rtt_ms = sim_world_peer_number(world, peer, "sent.rtt_ms");
    g_test_message("round trip %.1f ms", rtt_ms);
    return rtt_ms;
}

/* Each direction by itself; the other stays as it is. */
static void test_links_change(void)
{
    SimWorld *world = open_world();
    SimPeer *bob = sim_world_join(world, &watcher);
    SimLinkConfig dead = { .loss = 1 }, near = { .delay_ns = 20 * NS_PER_MS },
                  far = { .delay_ns = 200 * NS_PER_MS };
    g_assert_cmpfloat(rtt_after(world, bob), <, 60);
    sim_peer_set_down(bob, &far);
    g_assert_cmpfloat(rtt_after(world, bob), >, 200);
    sim_peer_set_up(bob, &far);
    g_assert_cmpfloat(rtt_after(world, bob), >, 380);
    sim_peer_set_down(bob, &near);
    sim_peer_set_up(bob, &near);
    g_assert_cmpfloat(rtt_after(world, bob), <, 60);

    sim_peer_set_down(bob, &dead);
    sim_world_run(world, 100 * NS_PER_MS);
    guint before = sim_eye_frames(sim_peer_eye(bob))->len;
    sim_world_run(world, NS_PER_SEC);
    g_assert_cmpuint(sim_eye_frames(sim_peer_eye(bob))->len, ==, before);
    sim_peer_set_down(bob, &near);
    sim_world_run(world, 3 * NS_PER_SEC);
    g_assert_cmpuint(sim_eye_frames(sim_peer_eye(bob))->len, >=, before + 20);
    sim_world_free(world);
}

/* In the middle of a run of losses: what comes after belongs to the new line. */
static void test_link_forgets_its_burst(void)
{
    SimLink *link = sim_link_new(1);
    SimLinkConfig bad = { .burst = 1, .burst_len = 100 }, good = { 0 };
    SimLinkStats stats;
    guint8 data[10] = { 0 };
    sim_link_configure(link, &bad);
    sim_link_send(link, data, sizeof data, 0);
    sim_link_configure(link, &good);
    sim_link_send(link, data, sizeof data, NS_PER_MS);
    sim_link_stats(link, &stats);
    g_assert_cmpuint(stats.lost, ==, 1);
    sim_link_free(link);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sim_peer/layers_left_out", test_layers_left_out);
    g_test_add_data_func("/sim_peer/third_layer_lost", GUINT_TO_POINTER(1), test_upper_layer_lost);
    g_test_add_data_func("/sim_peer/second_layer_lost", GUINT_TO_POINTER(2), test_upper_layer_lost);
    g_test_add_data_func("/sim_peer/last_picture_lost", GUINT_TO_POINTER(3), test_upper_layer_lost);
    g_test_add_func("/sim_peer/base_layer_lost", test_base_layer_lost);
    g_test_add_data_func("/sim_peer/sizes_seen", GINT_TO_POINTER(TRUE), test_sizes);
    g_test_add_data_func("/sim_peer/sizes_known", GINT_TO_POINTER(FALSE), test_sizes);
    g_test_add_func("/sim_peer/padding_among_pictures", test_padding_among_pictures);
    g_test_add_data_func("/sim_peer/tells_arrivals", GINT_TO_POINTER(FALSE), test_tells_arrivals);
    g_test_add_data_func("/sim_peer/tells_arrivals_no_rtx", GINT_TO_POINTER(TRUE),
                         test_tells_arrivals);
    g_test_add_func("/sim_peer/no_transport_cc", test_no_transport_cc);
    g_test_add_data_func("/sim_peer/remb_alone", GINT_TO_POINTER(TRUE), test_remb);
    g_test_add_data_func("/sim_peer/remb_as_well", GINT_TO_POINTER(FALSE), test_remb);
    g_test_add_func("/sim_peer/silent", test_silent);
    g_test_add_func("/sim_peer/links_change", test_links_change);
    g_test_add_func("/sim_peer/link_forgets_its_burst", test_link_forgets_its_burst);
    return g_test_run();
}
