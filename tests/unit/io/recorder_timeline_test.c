#include "io/recorder_timeline.h"

#define VIDEO    0
#define AUDIO    1
#define FRAME_US 40000
#define SOUND_US 20000

static void put(RecorderTimeline *timeline, guint stream, gint64 dts, gboolean key)
{
    AVPacket *packet = av_packet_alloc();
    g_assert_cmpint(av_new_packet(packet, 10), ==, 0);
    packet->dts = packet->pts = dts;
    packet->duration = stream == AUDIO ? SOUND_US : FRAME_US;
    packet->flags = key ? AV_PKT_FLAG_KEY : 0;
    recorder_timeline_put(timeline, stream, packet);
    av_packet_free(&packet);
}

/** The time of the next packet, which must be of this stream; -1: none. */
static gint64 take(RecorderTimeline *timeline, guint wanted)
{
    AVPacket *packet = av_packet_alloc();
    guint stream = wanted;
    gint64 dts = recorder_timeline_take(timeline, packet, &stream) ? packet->dts : -1;
    g_assert_cmpuint(stream, ==, wanted);
    av_packet_free(&packet);
    return dts;
}

static RecorderTimeline *mix_timeline(void)
{
    const gboolean is_video[] = { TRUE, FALSE };
    return recorder_timeline_new(is_video, 2, VIDEO);
}

/** Sound that came before the key frame but belongs behind it is kept, what is older is not. */
static void test_begins_at_key_frame(void)
{
    g_autoptr(RecorderTimeline) timeline = mix_timeline();
    put(timeline, VIDEO, 960000, FALSE);
    put(timeline, AUDIO, 990000, TRUE);
    put(timeline, AUDIO, 1010000, TRUE);
    g_assert_true(recorder_timeline_waits(timeline));
    g_assert_cmpint(take(timeline, AUDIO), ==, -1);
    put(timeline, VIDEO, 1000000, TRUE);
    g_assert_false(recorder_timeline_waits(timeline));
    g_assert_true(recorder_timeline_leads(timeline, VIDEO));
    g_assert_cmpint(take(timeline, AUDIO), ==, 10000);
    g_assert_cmpint(take(timeline, VIDEO), ==, 0);
    g_assert_cmpint(take(timeline, VIDEO), ==, -1);
    g_assert_cmpint(recorder_timeline_end(timeline), ==, 40000);
}

/** Without a picture for two seconds sound goes on alone; the picture joins in step. */
static void test_sound_alone(void)
{
    g_autoptr(RecorderTimeline) timeline = mix_timeline();
    gint64 expected = 0, at, taken;
    for (at = 5000000; at <= 7000000; at += SOUND_US)
        put(timeline, AUDIO, at, TRUE);
    g_assert_true(recorder_timeline_waits(timeline));
    for (; at < 7100000; at += SOUND_US)
        put(timeline, AUDIO, at, TRUE);
    g_assert_true(recorder_timeline_leads(timeline, AUDIO));
    while ((taken = take(timeline, AUDIO)) >= 0) {
        g_assert_cmpint(taken, ==, expected);
        expected += SOUND_US;
    }
    g_assert_cmpint(expected, ==, 2100000);
    put(timeline, VIDEO, 8000000, FALSE);
    g_assert_cmpint(take(timeline, VIDEO), ==, -1);
    put(timeline, VIDEO, 8040000, TRUE);
    g_assert_cmpint(take(timeline, VIDEO), ==, 3040000);
    g_assert_true(recorder_timeline_leads(timeline, VIDEO));
}

/** After a pause: the key frame follows the last picture, sound neither overlaps nor slips. */
static void test_pause(void)
{
    g_autoptr(RecorderTimeline) timeline = mix_timeline();
    put(timeline, VIDEO, 1000000, TRUE);
    put(timeline, AUDIO, 1000000, TRUE);
    put(timeline, VIDEO, 1040000, FALSE);
    put(timeline, AUDIO, 1065000, TRUE);
    g_assert_cmpint(take(timeline, VIDEO), ==, 0);
    g_assert_cmpint(take(timeline, AUDIO), ==, 0);
    g_assert_cmpint(take(timeline, VIDEO), ==, 40000);
    g_assert_cmpint(take(timeline, AUDIO), ==, 65000); /* until 85000, the pictures until 80000 */
    recorder_timeline_hold(timeline);
    put(timeline, VIDEO, 9000000, FALSE);
    put(timeline, AUDIO, 9035000, TRUE);
    put(timeline, VIDEO, 9040000, TRUE);
    put(timeline, AUDIO, 9055000, TRUE);
    g_assert_cmpint(take(timeline, VIDEO), ==, 80000);
    g_assert_cmpint(take(timeline, AUDIO), ==, 95000);
    g_assert_cmpint(take(timeline, AUDIO), ==, -1);
}

/** Time that stands still or goes back has no place in a file; the picture begins anew after it. */
static void test_time_goes_back(void)
{
    g_autoptr(RecorderTimeline) timeline = mix_timeline();
    put(timeline, VIDEO, 1000000, TRUE);
    put(timeline, VIDEO, 1040000, FALSE);
    put(timeline, VIDEO, 1040000, FALSE);
    put(timeline, VIDEO, 1080000, FALSE);
    put(timeline, VIDEO, 1120000, TRUE);
    g_assert_cmpint(take(timeline, VIDEO), ==, 0);
    g_assert_cmpint(take(timeline, VIDEO), ==, 40000);
    g_assert_cmpint(take(timeline, VIDEO), ==, 120000);
    g_assert_cmpint(take(timeline, VIDEO), ==, -1);
}

/** Isolated tracks without the mix: whichever picture comes first begins, the others at theirs. */
static void test_isolated(void)
{
    const gboolean is_video[] = { TRUE, FALSE, TRUE };
    g_autoptr(RecorderTimeline) timeline = recorder_timeline_new(is_video, 3, -1);
    put(timeline, VIDEO, 1000000, FALSE);
    put(timeline, 2, 1000000, TRUE);
    put(timeline, VIDEO, 1040000, FALSE);
    put(timeline, VIDEO, 1080000, TRUE);
    g_assert_cmpint(take(timeline, 2), ==, 0);
    g_assert_cmpint(take(timeline, VIDEO), ==, 80000);
    g_assert_true(recorder_timeline_leads(timeline, 2));
}

/** What waits is bounded, whatever comes. */
static void test_bounded(void)
{
    g_autoptr(RecorderTimeline) timeline = mix_timeline();
    gint64 first;
    for (gint64 i = 0; i < 20000; i++)
        put(timeline, VIDEO, i, FALSE);
    put(timeline, AUDIO, 19999, TRUE);
    put(timeline, VIDEO, 20000, TRUE);
    first = take(timeline, VIDEO);
    g_assert_cmpint(first, ==, 0);
    g_assert_cmpint(take(timeline, VIDEO), ==, -1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/io/recorder-timeline/key-frame", test_begins_at_key_frame);
    g_test_add_func("/io/recorder-timeline/sound-alone", test_sound_alone);
    g_test_add_func("/io/recorder-timeline/pause", test_pause);
    g_test_add_func("/io/recorder-timeline/time-goes-back", test_time_goes_back);
    g_test_add_func("/io/recorder-timeline/isolated", test_isolated);
    g_test_add_func("/io/recorder-timeline/bounded", test_bounded);
    return g_test_run();
}
