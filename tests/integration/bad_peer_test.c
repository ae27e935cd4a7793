#include <string.h>

#include "base/clock.h"
#include "rtp/rtcp.h"
#include "rtp/twcc.h"
#include "support/sim_world.h"

/* One participant misbehaves in every way that its keys allow: the two others hear each other
 * without a seam and see each other without a stutter. */

#define ADA_HZ          512.5
#define BOB_HZ          837.5
#define EVE_HZ          1312.5
#define FORGED_ARRIVALS 64 /* in one feedback */
/* Of the picture that all three share, and its rate. */
#define FULL_BPS 400000

typedef struct {
    SimWorld *world;
    SimPeer *ada, *bob, *eve;
    GRand *random;
    guint step;
} Scene;

static Scene begin(void)
{
    static const SimPeerConfig ada = {
        .name = "Ada", .number = 1, .tone_hz = ADA_HZ, .video = SIM_MOVING, .paint = { 82, 90, 240 }
    };
    static const SimPeerConfig bob = {
        .name = "Bob", .number = 2, .tone_hz = BOB_HZ, .video = SIM_MOVING, .paint = { 145, 54, 34 }
    };
    static const SimPeerConfig eve = {
        .name = "Eve", .number = 3, .tone_hz = EVE_HZ, .video = SIM_SOLID, .paint = { 41, 240, 110 }
    };
    static const char *const settings[] = { "video.ladder=90p15=100000", NULL };
    SimWorldOptions options = { .project_dir = PROJECT_DIR, .settings = settings };
    Scene scene = { .world = sim_world_new(&options), .random = g_rand_new_with_seed(99) };
    scene.ada = sim_world_join(scene.world, &ada);
    scene.bob = sim_world_join(scene.world, &bob);
    scene.eve = sim_world_join(scene.world, &eve);
    sim_world_run(scene.world, 2 * NS_PER_SEC);
    return scene;
}

static void end(Scene *scene)
{
    sim_world_free(scene->world);
    g_rand_free(scene->random);
}

/* --- what the two others notice ---------------------------------------------------------- */

static void check_sound(SimPeer *listener, gdouble hz, gint64 from_ns, gint64 to_ns)
{
    SimTone tone = sim_ear_watch_tone(sim_peer_ear(listener), hz, from_ns, to_ns);
    SimEarStats stats;
    sim_ear_stats(sim_peer_ear(listener), &stats);
    g_test_message("%s: level %.1f dB, dip %.2f dB, step %.3f rad, gap %d ms",
                   sim_peer_config(listener)->name, tone.level_db, tone.worst_dip_db,
                   tone.worst_step_rad, (int)(stats.longest_gap_ns / NS_PER_MS));
    g_assert_cmpfloat(tone.level_db, >, -24);
    g_assert_cmpfloat(tone.worst_dip_db, >, -2);
    g_assert_cmpfloat(tone.worst_step_rad, <, 0.2);
    g_assert_cmpuint(stats.missing, ==, 0);
    g_assert_cmpuint(stats.bad_steps, ==, 0);
    g_assert_cmpuint(stats.undecoded, ==, 0);
    g_assert_cmpint(stats.longest_gap_ns, <=, 22 * NS_PER_MS);
}

static void check_pictures(SimPeer *watcher, gint64 from_ns, gint64 to_ns)
{
    SimCadence cadence = sim_eye_cadence(sim_peer_eye(watcher), from_ns, to_ns);
    g_test_message("%s: %u pictures, longest step %u", sim_peer_config(watcher)->name,
                   cadence.frames, cadence.longest_step);
    g_assert_cmpuint(cadence.longest_step, <=, 6001);
    g_assert_cmpint(cadence.longest_gap_ns, <, 80 * NS_PER_MS);
    g_assert_cmpuint(cadence.backwards, ==, 0);
}

/* Once in 100 ms: the picture that all share is as good as before. */
static void run_and_sample(Scene *scene, gint64 duration_ns)
{
    for (gint64 done_ns = 0; done_ns < duration_ns; done_ns += 100 * NS_PER_MS) {
        sim_world_run(scene->world, 100 * NS_PER_MS);
        g_assert_cmpfloat(sim_world_graph_number(scene->world, "scenes.0.renditions.0.target"), ==,
                          FULL_BPS);
        g_assert_cmpfloat(sim_world_peer_number(scene->world, scene->ada, "sent.line.rung"), ==, 0);
        g_assert_cmpfloat(sim_world_peer_number(scene->world, scene->bob, "sent.line.rung"), ==, 0);
    }
}

static void watch_others(Scene *scene, SimWorldStep step, gint64 duration_ns)
{
    gint64 from_ns = sim_world_now_ns(scene->world);
    sim_ear_mark(sim_peer_ear(scene->ada));
    sim_ear_mark(sim_peer_ear(scene->bob));
    sim_world_set_step(scene->world, step, scene);
    run_and_sample(scene, duration_ns);
    sim_world_set_step(scene->world, NULL, NULL);
    gint64 to_ns = sim_world_now_ns(scene->world);
    check_sound(scene->ada, BOB_HZ, from_ns, to_ns);
    check_sound(scene->bob, ADA_HZ, from_ns, to_ns);
    check_pictures(scene->ada, from_ns, to_ns);
    check_pictures(scene->bob, from_ns, to_ns);
    g_assert_cmpfloat(
        sim_world_peer_number(scene->world, scene->ada, "received.audio.concealed_samples"), ==, 0);
    g_assert_cmpfloat(
        sim_world_peer_number(scene->world, scene->bob, "received.audio.concealed_samples"), ==, 0);
    g_assert_true(sim_world_shows(scene->world, scene->ada, scene->bob, sim_green));
    g_assert_true(sim_world_shows(scene->world, scene->bob, scene->ada, sim_red));
}

/* --- the misdeeds ------------------------------------------------------------------------ */

static void fill_random(Scene *scene, guint8 *data, gsize size)
{
    for (gsize i = 0; i < size; i++)
        data[i] = (guint8)g_rand_int(scene->random);
}

static void random_bytes(SimWorld *world, gint64 now_ns, gpointer user)
{
    Scene *scene = user;
    guint8 data[1400];
    (void)world;
    for (guint i = 0; i < 5; i++) {
        gsize size = (gsize)g_rand_int_range(scene->random, 1, sizeof data);
        fill_random(scene, data, size);
        if (i & 1)
            data[0] = (guint8)(0x80 | (data[0] & 0x3f));
        sim_peer_send_raw(scene->eve, data, size, now_ns);
    }
}

/* A packet of Eve's own stream. Its pictures are noise, its sound is silence: noise that a
 * participant says is rightly heard by the others. */
static void send_forged(Scene *scene, gboolean video, guint16 seq, guint32 timestamp, guint32 ssrc,
                        gboolean extension, gint64 now_ns)
{
    static const guint8 silence[] = { 0xf8, 0xff, 0xfe };
    guint8 data[300];
    SimStreamId id = video ? sim_peer_video_id(scene->eve) : sim_peer_audio_id(scene->eve);
    RtpPacket header = { .payload_type = id.payload_type,
                         .marker = TRUE,
                         .seq = seq,
                         .timestamp = timestamp,
                         .ssrc = ssrc ? ssrc : id.ssrc };
    RtpExtMap none = { 0 };
    RtpExtValues values = { 0 };
    gsize used = rtp_write_header(data, sizeof data, &header, &none, &values);
    fill_random(scene, data + used, sizeof data - used);
    if (extension) {
        static const guint16 profiles[] = { 0xbede, 0x1000, 0x100f, 0xffff };
        guint16 profile = profiles[scene->step % 4];
        data[0] |= 0x10;
        data[used] = (guint8)(profile >> 8);
        data[used + 1] = (guint8)profile;
        data[used + 2] = 0;
        data[used + 3] = (guint8)(scene->step % 80);
    }
    gsize size = (gsize)g_rand_int_range(scene->random, (gint32)used, sizeof data);
    if (!video) {
        gsize at = extension ? MIN(used + 4 + 4 * (gsize)(scene->step % 80), 280) : used;
        memcpy(data + at, silence, sizeof silence);
        size = at + sizeof silence;
    }
    sim_peer_send_raw(scene->eve, data, size, now_ns);
}

static void malformed_extensions(SimWorld *world, gint64 now_ns, gpointer user)
{
    Scene *scene = user;
    (void)world;
    scene->step++;
    for (guint video = 0; video < 2; video++)
        send_forged(scene, video != 0, (guint16)scene->step, scene->step * 960, 0, TRUE, now_ns);
}

static void jumps(SimWorld *world, gint64 now_ns, gpointer user)
{
    Scene *scene = user;
    (void)world;
    for (guint i = 0; i < 4; i++) {
        guint16 seq = (guint16)g_rand_int(scene->random);
        guint32 timestamp = g_rand_int(scene->random);
        send_forged(scene, i & 1, seq, timestamp, 0, FALSE, now_ns);
        send_forged(scene, i & 1, (guint16)(seq + 1), timestamp, 0, FALSE, now_ns);
    }
}

static void ssrc_flood(SimWorld *world, gint64 now_ns, gpointer user)
{
    Scene *scene = user;
    (void)world;
    scene->step++;
    for (guint i = 0; i < 4; i++)
        send_forged(scene, i & 1, (guint16)scene->step, 0, g_rand_int(scene->random), FALSE,
                    now_ns);
}

static void garbage_reports(SimWorld *world, gint64 now_ns, gpointer user)
{
    Scene *scene = user;
    guint8 data[600];
    (void)world;
    for (guint i = 0; i < 3; i++) {
        gsize size = (gsize)g_rand_int_range(scene->random, 8, sizeof data) & ~(gsize)3;
        guint words = (guint)size / 4 - 1;
        fill_random(scene, data, size);
        data[0] = (guint8)(0x80 | (data[0] & 0x3f));
        data[1] = (guint8)g_rand_int_range(scene->random, 200, 208);
        data[2] = (guint8)(words >> 8);
        data[3] = (guint8)words;
        sim_peer_send_raw(scene->eve, data, size, now_ns);
    }
}

/* Sender reports with wild clocks, for streams that are really hers. */
static void lying_reports(SimWorld *world, gint64 now_ns, gpointer user)
{
    Scene *scene = user;
    RtcpWriter writer;
    (void)world;
    for (guint i = 0; i < 2; i++) {
        RtcpPacket report = {
            .sender_ssrc = (i ? sim_peer_video_id(scene->eve) : sim_peer_audio_id(scene->eve)).ssrc,
            .ntp = (guint64)g_rand_int(scene->random) << 32 | g_rand_int(scene->random),
            .rtp_timestamp = g_rand_int(scene->random)
        };
        rtcp_writer_init(&writer);
        rtcp_write_sr(&writer, &report);
        sim_peer_send_raw(scene->eve, writer.data, writer.size, now_ns);
    }
}

static gsize key_frame(guint8 *data, gsize size, gint width, gint height)
{
    memset(data, 0, size);
    data[0] = 0x10; /* key frame, shown, version 0; an empty first partition */
    data[3] = 0x9d, data[4] = 0x01, data[5] = 0x2a;
    data[6] = (guint8)width, data[7] = (guint8)(width >> 8);
    data[8] = (guint8)height, data[9] = (guint8)(height >> 8);
    return size;
}

static void giant_pictures(SimWorld *world, gint64 now_ns, gpointer user)
{
    Scene *scene = user;
    guint8 data[200];
    (void)world;
    if (scene->step++ % 20)
        return;
    gsize size = key_frame(data, sizeof data, 16383, 16383);
    sim_peer_send_frame(scene->eve, data, size, TRUE, now_ns);
}

static void changing_garbage_pictures(SimWorld *world, gint64 now_ns, gpointer user)
{
    Scene *scene = user;
    guint8 data[900];
    (void)world;
    if (scene->step++ % 10)
        return;
    key_frame(data, sizeof data, 16 + (gint)(scene->step % 37) * 16,
              16 + (gint)(scene->step % 29) * 16);
    fill_random(scene, data + 10, sizeof data - 10);
    data[0] = 0x10, data[1] = 0x20; /* a first partition of 256 bytes */
    sim_peer_send_frame(scene->eve, data, sizeof data, TRUE, now_ns);
}

/* Asks for everything again, all the time, and for a key frame a thousand times a second. */
static void greedy_feedback(SimWorld *world, gint64 now_ns, gpointer user)
{
    Scene *scene = user;
    (void)world;
    sim_peer_send_nack(scene->eve, RTCP_MAX_NACKS, now_ns);
    sim_peer_send_pli(scene->eve, now_ns);
}

/* --- feedback about a stream that she really shares -------------------------------------- */

static void ignore_arrival(guint16 seq, gint64 arrival_ns, gpointer user)
{
    (void)seq;
    (void)arrival_ns;
    (void)user;
}

/* A second of ours is a thousandth or a thousand of hers. */
static void absurd_arrivals(SimWorld *world, gint64 now_ns, gpointer user)
{
    Scene *scene = user;
    guint8 fci[FORGED_ARRIVALS * 2 + 10];
    RtcpWriter writer;
    (void)world;
    guint16 base = (guint16)(scene->step++ * 16 % 1024);
    fill_random(scene, fci, sizeof fci);
    fci[0] = (guint8)(base >> 8), fci[1] = (guint8)base;
    fci[2] = 0, fci[3] = FORGED_ARRIVALS;
    fci[7] = (guint8)scene->step;
    fci[8] = 0x40, fci[9] = FORGED_ARRIVALS; /* so many times: it came, two bytes tell when */
    g_assert_true(twcc_parse(fci, sizeof fci, ignore_arrival, NULL));
    rtcp_writer_init(&writer);
    rtcp_write_rr(&writer, sim_peer_audio_id(scene->eve).ssrc, NULL, 0);
    rtcp_write_transport_cc(&writer, sim_peer_audio_id(scene->eve).ssrc,
                            sim_peer_answer(scene->eve)->video.ssrc, fci, sizeof fci);
    sim_peer_send_raw(scene->eve, writer.data, writer.size, now_ns);
}

static void absurd_limits(SimWorld *world, gint64 now_ns, gpointer user)
{
    static const guint64 limits[] = { 0, G_GUINT64_CONSTANT(1) << 63 };
    Scene *scene = user;
    RtcpWriter writer;
    (void)world;
    guint64 bps = limits[scene->step++ / 20 % 2];
    rtcp_writer_init(&writer);
    rtcp_write_rr(&writer, sim_peer_audio_id(scene->eve).ssrc, NULL, 0);
    rtcp_write_remb(&writer, sim_peer_audio_id(scene->eve).ssrc,
                    &sim_peer_answer(scene->eve)->video.ssrc, 1, bps);
    sim_peer_send_raw(scene->eve, writer.data, writer.size, now_ns);
}

/* She lost everything, and her round trip is anything. */
static void forged_losses(SimWorld *world, gint64 now_ns, gpointer user)
{
    Scene *scene = user;
    const SimAnswer *answer = sim_peer_answer(scene->eve);
    RtcpReportBlock blocks[] = { { .ssrc = answer->audio.ssrc }, { .ssrc = answer->video.ssrc } };
    RtcpWriter writer;
    (void)world;
    for (guint i = 0; i < G_N_ELEMENTS(blocks); i++) {
        blocks[i].fraction_lost = 255;
        blocks[i].cumulative_lost = 0x7fffff;
        blocks[i].highest_seq = g_rand_int(scene->random);
        blocks[i].jitter = g_rand_int(scene->random);
        blocks[i].last_sr = g_rand_int(scene->random);
        blocks[i].delay_since_last_sr = scene->step++ % 3 ? g_rand_int(scene->random) : 0;
    }
    rtcp_writer_init(&writer);
    rtcp_write_rr(&writer, sim_peer_audio_id(scene->eve).ssrc, blocks, 2);
    sim_peer_send_raw(scene->eve, writer.data, writer.size, now_ns);
}

static void key_frames_for_nothing(SimWorld *world, gint64 now_ns, gpointer user)
{
    Scene *scene = user;
    RtcpWriter writer;
    (void)world;
    rtcp_writer_init(&writer);
    rtcp_write_fir(&writer, sim_peer_video_id(scene->eve).ssrc,
                   sim_peer_answer(scene->eve)->video.ssrc, (guint8)scene->step++);
    sim_peer_send_raw(scene->eve, writer.data, writer.size, now_ns);
    sim_peer_send_pli(scene->eve, now_ns);
}

static void all_lies(SimWorld *world, gint64 now_ns, gpointer user)
{
    absurd_arrivals(world, now_ns, user);
    absurd_limits(world, now_ns, user);
    forged_losses(world, now_ns, user);
    key_frames_for_nothing(world, now_ns, user);
}

static void run_lies(gconstpointer step)
{
    Scene scene = begin();
    sim_peer_set_sending(scene.eve, FALSE, FALSE);
    sim_world_run(scene.world, NS_PER_SEC);
    g_assert_cmpfloat(sim_world_graph_number(scene.world, "scenes.0.renditions.0.viewers"), ==, 3);
    g_assert_cmpfloat(sim_world_peer_number(scene.world, scene.eve, "sent.line.rung"), ==, 0);
    gint64 from_ns = sim_world_now_ns(scene.world);
    watch_others(&scene, *(const SimWorldStep *)step, 6 * NS_PER_SEC);
    SimCadence cadence =
        sim_eye_cadence(sim_peer_eye(scene.ada), from_ns, sim_world_now_ns(scene.world));
    g_test_message("%u key frames; her rung is %.0f, her estimate %.0f kbit/s", cadence.keyframes,
                   sim_world_peer_number(scene.world, scene.eve, "sent.line.rung"),
                   sim_world_peer_number(scene.world, scene.eve, "sent.line.estimate") / 1000);
    g_assert_cmpuint(cadence.keyframes, <=, 7);
    /* When she tells the truth again, she has pictures. */
    sim_world_run(scene.world, 20 * NS_PER_SEC);
    from_ns = sim_world_now_ns(scene.world);
    watch_others(&scene, NULL, 2 * NS_PER_SEC);
    cadence = sim_eye_cadence(sim_peer_eye(scene.eve), from_ns, sim_world_now_ns(scene.world));
    g_test_message("afterwards she has %u pictures in 2 s", cadence.frames);
    g_assert_cmpuint(cadence.frames, >=, 14);
    end(&scene);
}

static void run_misdeed(gconstpointer step)
{
    Scene scene = begin();
    /* Only her misdeeds are to be measured, not how an encoder takes the end of a tone. */
    sim_peer_set_sending(scene.eve, FALSE, FALSE);
    sim_world_run(scene.world, NS_PER_SEC);
    watch_others(&scene, *(const SimWorldStep *)step, 3 * NS_PER_SEC);
    end(&scene);
}

/* --- misfortunes ------------------------------------------------------------------------- */

static void test_frozen_picture_is_dimmed(void)
{
    Scene scene = begin();
    SimColour before = sim_world_colour(scene.world, scene.ada, scene.eve);
    sim_peer_set_sending(scene.eve, TRUE, FALSE);
    watch_others(&scene, NULL, 4 * NS_PER_SEC);
    SimColour after = sim_world_colour(scene.world, scene.ada, scene.eve);
    g_test_message("her tile went from %d %d %d to %d %d %d", before.y, before.u, before.v, after.y,
                   after.u, after.v);
    g_assert_cmpint(ABS(before.u - sim_blue.u), <, 20);
    g_assert_cmpint(ABS(after.u - 128), <, ABS(before.u - 128) * 3 / 4);
    sim_peer_set_sending(scene.eve, TRUE, TRUE);
    watch_others(&scene, NULL, 2 * NS_PER_SEC);
    g_assert_true(sim_world_shows(scene.world, scene.ada, scene.eve, sim_blue));
    end(&scene);
}

static void test_standstill_and_burst(void)
{
    Scene scene = begin();
    gint64 now_ns = sim_world_now_ns(scene.world);
    memory_port_hold_up(sim_peer_port(scene.eve), now_ns + 5 * NS_PER_SEC);
    watch_others(&scene, NULL, 7 * NS_PER_SEC);
    now_ns = sim_world_now_ns(scene.world);
    gdouble level =
        sim_ear_tone_db(sim_peer_ear(scene.ada), EVE_HZ, now_ns - NS_PER_SEC, now_ns - 1);
    gdouble delay_ms = sim_world_peer_number(scene.world, scene.eve, "received.audio.level_ms");
    g_test_message("2 s after the burst: %.1f dB, delay %.0f ms", level, delay_ms);
    g_assert_cmpfloat(level, >, -25);
    g_assert_cmpfloat(delay_ms, <, 200);
    g_assert_true(sim_world_shows(scene.world, scene.ada, scene.eve, sim_blue));
    end(&scene);
}

static void test_key_frame_storm(void)
{
    Scene scene = begin();
    gint64 from_ns = sim_world_now_ns(scene.world);
    watch_others(&scene, greedy_feedback, 5 * NS_PER_SEC);
    SimCadence cadence =
        sim_eye_cadence(sim_peer_eye(scene.ada), from_ns, sim_world_now_ns(scene.world));
    g_test_message("%u key frames in 5 s", cadence.keyframes);
    g_assert_cmpuint(cadence.keyframes, <=, 6);
    gdouble sent = sim_world_peer_number(scene.world, scene.eve, "sent.video_packets");
    gdouble resent = sim_world_peer_number(scene.world, scene.eve, "sent.resent");
    g_test_message("%.0f packets were sent to her, %.0f of them again", sent + resent, resent);
    g_assert_cmpfloat(resent, <=, sent + 256);
    end(&scene);
}

#define ADD(name, misdeed, run)                              \
    do {                                                     \
        static const SimWorldStep step = misdeed;            \
        g_test_add_data_func("/bad_peer/" name, &step, run); \
    } while (0)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("random_bytes", random_bytes, run_misdeed);
    ADD("malformed_extensions", malformed_extensions, run_misdeed);
    ADD("jumps", jumps, run_misdeed);
    ADD("ssrc_flood", ssrc_flood, run_misdeed);
    ADD("garbage_reports", garbage_reports, run_misdeed);
    ADD("lying_reports", lying_reports, run_misdeed);
    ADD("giant_pictures", giant_pictures, run_misdeed);
    ADD("changing_garbage_pictures", changing_garbage_pictures, run_misdeed);
    ADD("absurd_arrivals", absurd_arrivals, run_lies);
    ADD("absurd_limits", absurd_limits, run_lies);
    ADD("forged_losses", forged_losses, run_lies);
    ADD("key_frames_for_nothing", key_frames_for_nothing, run_lies);
    ADD("all_lies", all_lies, run_lies);
    g_test_add_func("/bad_peer/frozen", test_frozen_picture_is_dimmed);
    g_test_add_func("/bad_peer/standstill_and_burst", test_standstill_and_burst);
    g_test_add_func("/bad_peer/key_frame_storm", test_key_frame_storm);
    return g_test_run();
}
