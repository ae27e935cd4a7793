#include "room/viewer_sound.h"

#include "base/clock.h"
#include "room/viewer.h"
#include "rtp/red.h"

#define FULL_BPS 64000
#define OPUS     111
#define RED      63

typedef struct {
    ViewerSound sound;
    gint64 now_ns;
    guint32 highest_seq, timestamp;
    gboolean red; /* the newest packet was */
} Line;

static Line *line_new(gboolean red, gboolean fec)
{
    Line *line = g_new0(Line, 1);
    ViewerSoundConfig config = {
        .full_bps = FULL_BPS, .payload_type = OPUS, .red_payload_type = red ? RED : -1, .fec = fec
    };
    viewer_sound_init(&line->sound, FULL_BPS);
    viewer_sound_configure(&line->sound, &config);
    line->now_ns = 1000 * NS_PER_SEC;
    line->timestamp = 0xfffff000u;
    return line;
}

static void line_free(Line *line)
{
    viewer_sound_clear(&line->sound);
    g_free(line);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Line, line_free)

static void send_packet(Line *line)
{
    guint8 out[1400];
    g_autoptr(GBytes) packet = g_bytes_new(&line->timestamp, sizeof line->timestamp);
    gsize size =
        viewer_sound_packet(&line->sound, packet, line->timestamp, line->now_ns, out, sizeof out);
    RedBlock blocks[RED_MAX_BLOCKS];
    line->red = size > 0;
    if (size) {
        guint32 before = line->timestamp - 960;
        g_assert_cmpuint(red_parse(out, size, blocks), ==, 2);
        g_assert_cmpuint(blocks[0].payload_type, ==, OPUS);
        g_assert_cmpuint(blocks[0].timestamp_offset, ==, 960);
        g_assert_cmpmem(blocks[0].data, blocks[0].size, &before, sizeof before);
        g_assert_cmpmem(blocks[1].data, blocks[1].size, &line->timestamp, sizeof line->timestamp);
    }
    line->timestamp += 960;
    line->highest_seq++;
    line->now_ns += 20 * NS_PER_MS;
}

/* Packets with a report every second that tells of this loss. */
static void run(Line *line, guint seconds, gdouble loss)
{
    for (guint i = 0; i < seconds; i++) {
        for (guint k = 0; k < 50; k++)
            send_packet(line);
        RtcpReportBlock block = { .highest_seq = line->highest_seq,
                                  .fraction_lost = (guint8)(loss * 256) };
        viewer_sound_report(&line->sound, &block, line->now_ns);
    }
}

static void test_calm(void)
{
    g_autoptr(Line) line = line_new(TRUE, TRUE);
    run(line, 60, 0);
    /* A packet now and then is no reason. */
    for (guint i = 0; i < 10; i++) {
        run(line, 1, 0.02);
        run(line, 9, 0);
    }
    VoiceWish wish = viewer_sound_wish(&line->sound);
    g_assert_cmpint(wish.rate, ==, VOICE_FULL);
    g_assert_false(wish.fec);
    g_assert_false(line->red);
}

/* RED where it was negotiated, FEC where it was not, neither where the peer knows neither; and an
 * end of it when the line has been clean for some time. */
static void test_loss(gconstpointer data)
{
    guint kind = GPOINTER_TO_UINT(data);
    gboolean red = kind & 1, fec = kind & 2;
    g_autoptr(Line) line = line_new(red, fec);
    run(line, 2, 0);
    run(line, 3, 0.1);
    g_assert_cmpint(viewer_sound_wish(&line->sound).fec, ==, fec && !red);
    run(line, 5, 0.1);
    g_assert_cmpint(line->red, ==, red);
    run(line, 15, 0);
    g_assert_cmpint(viewer_sound_wish(&line->sound).fec, ==, fec && !red);
    run(line, 20, 0);
    g_assert_false(viewer_sound_wish(&line->sound).fec);
    g_assert_false(line->red);
}

/* Reports that come every five seconds tell as much as those of every second. */
static void test_rare_reports(void)
{
    g_autoptr(Line) line = line_new(FALSE, TRUE);
    run(line, 1, 0);
    for (guint k = 0; k < 250; k++)
        send_packet(line);
    RtcpReportBlock block = { .highest_seq = line->highest_seq, .fraction_lost = 6 };
    viewer_sound_report(&line->sound, &block, line->now_ns);
    g_assert_true(viewer_sound_wish(&line->sound).fec);
}

/* A report that says again what was said changes nothing; one from nowhere little. */
static void test_repeated_reports(void)
{
    g_autoptr(Line) line = line_new(FALSE, TRUE);
    RtcpReportBlock block = { .highest_seq = 77, .fraction_lost = 255 };
    run(line, 1, 0);
    for (guint i = 0; i < 1000; i++)
        viewer_sound_report(&line->sound, &block, line->now_ns);
    run(line, 1, 0);
    gdouble before = line->sound.loss;
    block.highest_seq = line->highest_seq;
    for (guint i = 0; i < 1000; i++)
        viewer_sound_report(&line->sound, &block, line->now_ns);
    g_assert_cmpfloat(line->sound.loss, ==, before);
}

static VoiceRate rate_at(Line *line, gint bps, gdouble seconds)
{
    viewer_sound_budget(&line->sound, bps, line->now_ns);
    for (guint i = 0; i < seconds * 50; i++)
        send_packet(line);
    return viewer_sound_wish(&line->sound).rate;
}

static void test_budget(void)
{
    g_autoptr(Line) line = line_new(TRUE, TRUE);
    g_assert_cmpint(rate_at(line, FULL_BPS, 1), ==, VOICE_FULL);
    g_assert_cmpint(rate_at(line, 63000, 0), ==, VOICE_MIDDLE);
    g_assert_cmpint(rate_at(line, 30000, 0), ==, VOICE_LOW);
    g_assert_cmpint(rate_at(line, 5000, 0), ==, VOICE_LOW);
    g_assert_cmpint(rate_at(line, 100000, 4.8), ==, VOICE_LOW);
    g_assert_cmpint(rate_at(line, 100000, 0.4), ==, VOICE_FULL);
    /* A budget that wavers does not make the rate waver. */
    for (guint i = 0; i < 50; i++) {
        rate_at(line, 42000, 0.5);
        g_assert_cmpint(rate_at(line, 39000, 0.5), ==, VOICE_LOW);
    }
}

/* Where the line is short, FEC instead of RED; and RED only if twice the rate fits. */
static void test_loss_on_a_narrow_line(void)
{
    g_autoptr(Line) both = line_new(TRUE, TRUE);
    g_autoptr(Line) red = line_new(TRUE, FALSE);
    run(both, 10, 0.1);
    g_assert_true(both->red);
    rate_at(both, 50000, 1);
    g_assert_false(both->red);
    g_assert_true(viewer_sound_wish(&both->sound).fec);
    g_assert_cmpint(viewer_sound_wish(&both->sound).rate, ==, VOICE_MIDDLE);
    run(red, 10, 0.1);
    rate_at(red, 30000, 1);
    g_assert_false(red->red);
    g_assert_false(viewer_sound_wish(&red->sound).fec);
}

/* What the net thread decides is what the audio thread reads. */
static void test_wish_of_a_viewer(void)
{
    g_autoptr(Config) config = config_new();
    thread_assert_net();
    Engine *engine = engine_new_simulated(config, NS_PER_SEC);
    Viewer *viewer = viewer_new(engine);
    g_assert_cmpint(viewer_voice_wish(viewer).rate, ==, VOICE_FULL);
    g_assert_false(viewer_voice_wish(viewer).fec);
    viewer_set_audio_budget(viewer, 30000);
    g_assert_cmpint(viewer_voice_wish(viewer).rate, ==, VOICE_LOW);
    viewer_set_audio_budget(viewer, FULL_BPS);
    g_assert_cmpint(viewer_voice_wish(viewer).rate, ==, VOICE_LOW);
    engine_simulate(engine, 7 * NS_PER_SEC);
    viewer_set_audio_budget(viewer, FULL_BPS);
    g_assert_cmpint(viewer_voice_wish(viewer).rate, ==, VOICE_FULL);
    viewer_unref(viewer);
    engine_free(engine);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/viewer_sound/calm", test_calm);
    g_test_add_data_func("/viewer_sound/loss/neither", GUINT_TO_POINTER(0), test_loss);
    g_test_add_data_func("/viewer_sound/loss/red", GUINT_TO_POINTER(1), test_loss);
    g_test_add_data_func("/viewer_sound/loss/fec", GUINT_TO_POINTER(2), test_loss);
    g_test_add_data_func("/viewer_sound/loss/both", GUINT_TO_POINTER(3), test_loss);
    g_test_add_func("/viewer_sound/rare_reports", test_rare_reports);
    g_test_add_func("/viewer_sound/repeated_reports", test_repeated_reports);
    g_test_add_func("/viewer_sound/budget", test_budget);
    g_test_add_func("/viewer_sound/loss_on_a_narrow_line", test_loss_on_a_narrow_line);
    g_test_add_func("/viewer_sound/wish_of_a_viewer", test_wish_of_a_viewer);
    return g_test_run();
}
