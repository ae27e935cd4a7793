#include "room/lip_sync.h"

#include <stdlib.h>

#include "base/clock.h"

#define NTP_START (G_GINT64_CONSTANT(3900000000) * NS_PER_SEC)

/* One sender whose sound and pictures travel at different speeds. Everything is captured at
 * capture_ns on one clock. */
typedef struct {
    Timeline *audio, *video;
    LipSync sync;
    gint64 audio_path_ns, video_path_ns, mix_delay_ns;
} Sender;

static guint32 audio_ts(gint64 capture_ns)
{
    return (guint32)(capture_ns * 48 / NS_PER_MS + 777);
}

static guint32 video_ts(gint64 capture_ns)
{
    return (guint32)(capture_ns * 90 / NS_PER_MS + 123456);
}

static void sender_init(Sender *sender, gint64 audio_path_ns, gint64 video_path_ns)
{
    *sender = (Sender){ .audio = timeline_new(48000),
                        .video = timeline_new(90000),
                        .audio_path_ns = audio_path_ns,
                        .video_path_ns = video_path_ns,
                        .mix_delay_ns = 40 * NS_PER_MS };
}

static void sender_clear(Sender *sender)
{
    timeline_free(sender->audio);
    timeline_free(sender->video);
}

static void reports(Sender *sender, gint64 now_ns)
{
    guint64 ntp = clock_ns_to_ntp(NTP_START + now_ns);
    timeline_sender_report(sender->audio, ntp, audio_ts(now_ns), now_ns + sender->audio_path_ns);
    timeline_sender_report(sender->video, ntp, video_ts(now_ns), now_ns + sender->video_path_ns);
}

/* 20 ms of sound leave at capture_ns: they arrive, wait for mix_delay_ns, and are mixed. */
static gint64 sound(Sender *sender, gint64 capture_ns)
{
    gint64 arrival_ns = capture_ns + sender->audio_path_ns;
    gint64 mixed_ns = arrival_ns + sender->mix_delay_ns;
    timeline_packet(sender->audio, audio_ts(capture_ns), arrival_ns);
    lip_sync_audio(&sender->sync, sender->audio, audio_ts(capture_ns), mixed_ns);
    return mixed_ns;
}

static gint64 picture(Sender *sender, gint64 capture_ns)
{
    gint64 arrival_ns = capture_ns + sender->video_path_ns;
    timeline_packet(sender->video, video_ts(capture_ns), arrival_ns);
    return lip_sync_due(&sender->sync, sender->audio, sender->video, video_ts(capture_ns),
                        arrival_ns);
}

static void assert_near(gint64 a, gint64 b, gint64 tolerance_ns)
{
    g_assert_cmpint(llabs(a - b), <=, tolerance_ns);
}

/** A picture is due when the sound that was captured with it is mixed, however long each took. */
static void test_reports(gconstpointer data)
{
    gint64 video_path_ns = GPOINTER_TO_INT(data) * NS_PER_MS;
    Sender sender;
    sender_init(&sender, 15 * NS_PER_MS, video_path_ns);
    reports(&sender, 0);
    for (gint64 now_ns = 0; now_ns < 5 * NS_PER_SEC; now_ns += 20 * NS_PER_MS) {
        gint64 mixed_ns = sound(&sender, now_ns);
        gint64 due_ns = picture(&sender, now_ns);
        if (now_ns > NS_PER_SEC)
            assert_near(due_ns, mixed_ns, NS_PER_MS);
    }
    sender_clear(&sender);
}

/** Before the first report the arrival of both stands in. */
static void test_arrival(void)
{
    Sender sender;
    sender_init(&sender, 20 * NS_PER_MS, 20 * NS_PER_MS);
    for (gint64 now_ns = 0; now_ns < 3 * NS_PER_SEC; now_ns += 20 * NS_PER_MS) {
        gint64 mixed_ns = sound(&sender, now_ns);
        gint64 due_ns = picture(&sender, now_ns);
        if (now_ns > NS_PER_SEC)
            assert_near(due_ns, mixed_ns, NS_PER_MS);
    }
    sender_clear(&sender);
}

static void test_without_sound(void)
{
    Sender sender;
    sender_init(&sender, 0, 30 * NS_PER_MS);
    for (gint64 now_ns = 0; now_ns < NS_PER_SEC; now_ns += 33 * NS_PER_MS)
        g_assert_cmpint(picture(&sender, now_ns), ==, now_ns + 30 * NS_PER_MS);
    sender_clear(&sender);
}

/** A sender whose reports are nonsense cannot hold its pictures for ever, or far in the past. */
static void test_bounded(void)
{
    Sender sender;
    sender_init(&sender, 10 * NS_PER_MS, 10 * NS_PER_MS);
    timeline_sender_report(sender.audio, clock_ns_to_ntp(NTP_START), audio_ts(0), 0);
    timeline_sender_report(sender.video, clock_ns_to_ntp(NTP_START + 90 * NS_PER_SEC), video_ts(0),
                           0);
    for (gint64 now_ns = 0; now_ns < NS_PER_SEC; now_ns += 20 * NS_PER_MS) {
        sound(&sender, now_ns);
        gint64 hold_ns = picture(&sender, now_ns) - (now_ns + 10 * NS_PER_MS);
        g_assert_cmpint(hold_ns, ==, 300 * NS_PER_MS);
    }
    sender_clear(&sender);
}

/** The sender's sound starts anew on another clock: followed at once, not crept to. */
static void test_jump(void)
{
    Sender sender;
    gint64 mixed_ns = 0, due_ns = 0;
    sender_init(&sender, 10 * NS_PER_MS, 10 * NS_PER_MS);
    reports(&sender, 0);
    for (gint64 now_ns = 0; now_ns < NS_PER_SEC; now_ns += 20 * NS_PER_MS)
        sound(&sender, now_ns);
    sender.mix_delay_ns = 290 * NS_PER_MS;
    mixed_ns = sound(&sender, NS_PER_SEC);
    due_ns = picture(&sender, NS_PER_SEC);
    assert_near(due_ns, mixed_ns, NS_PER_MS);
    sender_clear(&sender);
}

/* Half a second in which the pictures needed so much. Returns how long the sound waits then. */
static gint64 half_second(LipSync *sync, gint64 audio_delay_ns, gint64 needed_ns)
{
    LipSyncLateness late = { .mean_ns = needed_ns - audio_delay_ns,
                             .latest_ns = needed_ns - audio_delay_ns };
    sync->by_arrival.offset_ns = audio_delay_ns;
    return MAX(40 * NS_PER_MS, lip_sync_adjust(sync, audio_delay_ns, &late));
}

/** Pictures that come too late for their sound make it wait longer until they are in time. */
static void test_sound_waits(void)
{
    LipSync sync = { .by_arrival = { TRUE, 0 } };
    gint64 needed_ns = 120 * NS_PER_MS, audio_delay_ns = 40 * NS_PER_MS;
    for (gint i = 0; i < 40; i++)
        audio_delay_ns = half_second(&sync, audio_delay_ns, needed_ns);
    g_assert_cmpint(audio_delay_ns, >=, needed_ns - 10 * NS_PER_MS);
    g_assert_cmpint(audio_delay_ns, <=, needed_ns + 20 * NS_PER_MS);
    /* The pictures become fast again: the sound does not wait for ever. */
    for (gint i = 0; i < 60; i++)
        audio_delay_ns = half_second(&sync, audio_delay_ns, 30 * NS_PER_MS);
    g_assert_cmpint(audio_delay_ns, <=, 60 * NS_PER_MS);
}

static void test_sound_waits_at_most(void)
{
    LipSync sync = { 0 };
    LipSyncLateness late = { NS_PER_SEC, NS_PER_SEC, TRUE }, early = { -NS_PER_SEC, 0, FALSE };
    /* Nothing is known of the sound: there is nothing to hold. */
    g_assert_cmpint(lip_sync_adjust(&sync, 40 * NS_PER_MS, &late), ==, 0);
    sync.by_arrival.known = TRUE;
    late.mean_ns = 5 * NS_PER_SEC;
    for (gint i = 0; i < 100; i++)
        g_assert_cmpint(lip_sync_adjust(&sync, 300 * NS_PER_MS, &late), <=, 200 * NS_PER_MS);
    for (gint i = 0; i < 100; i++)
        g_assert_cmpint(lip_sync_adjust(&sync, 0, &early), >=, 0);
    g_assert_cmpint(sync.extra_delay_ns, ==, 0);
    /* The latest of pictures that were sent again. */
    late = (LipSyncLateness){ 0, 500 * NS_PER_MS, TRUE };
    for (gint i = 0; i < 100; i++)
        lip_sync_adjust(&sync, 0, &late);
    g_assert_cmpint(sync.extra_delay_ns, ==, 300 * NS_PER_MS);
}

/** One picture in many comes late, because it had to be sent again: the sound waits for such ones
 *  where they come again and again, and on a line that loses packets only. */
static void test_latest(gconstpointer data)
{
    gboolean lossy = GPOINTER_TO_INT(data);
    LipSync sync = { .by_arrival = { TRUE, 30 * NS_PER_MS } };
    LipSyncLateness fine = { -30 * NS_PER_MS, -10 * NS_PER_MS, lossy };
    LipSyncLateness late = { -30 * NS_PER_MS, 150 * NS_PER_MS, lossy };
    gint64 extra_ns = lip_sync_adjust(&sync, 30 * NS_PER_MS, &late);
    g_assert_cmpint(extra_ns, <=, 20 * NS_PER_MS); /* once is rare */
    for (gint i = 0; i < 60; i++)
        extra_ns = lip_sync_adjust(&sync, 30 * NS_PER_MS, i % 8 ? &fine : &late);
    g_assert_cmpint(extra_ns, >=, lossy ? 170 * NS_PER_MS : 0);
    g_assert_cmpint(extra_ns, <=, lossy ? 200 * NS_PER_MS : 20 * NS_PER_MS);
    /* A stall is none of them, and what was is forgotten. */
    late.latest_ns = NS_PER_SEC;
    for (gint i = 0; i < 90; i++)
        extra_ns = lip_sync_adjust(&sync, 30 * NS_PER_MS, i % 8 ? &fine : &late);
    g_assert_cmpint(extra_ns, <=, 20 * NS_PER_MS);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/room/lip_sync/reports/0", GINT_TO_POINTER(0), test_reports);
    g_test_add_data_func("/room/lip_sync/reports/40", GINT_TO_POINTER(40), test_reports);
    g_test_add_data_func("/room/lip_sync/reports/150", GINT_TO_POINTER(150), test_reports);
    g_test_add_func("/room/lip_sync/arrival", test_arrival);
    g_test_add_func("/room/lip_sync/without_sound", test_without_sound);
    g_test_add_func("/room/lip_sync/bounded", test_bounded);
    g_test_add_func("/room/lip_sync/jump", test_jump);
    g_test_add_func("/room/lip_sync/sound_waits", test_sound_waits);
    g_test_add_func("/room/lip_sync/at_most", test_sound_waits_at_most);
    g_test_add_data_func("/room/lip_sync/latest/lossy", GINT_TO_POINTER(TRUE), test_latest);
    g_test_add_data_func("/room/lip_sync/latest/clean", GINT_TO_POINTER(FALSE), test_latest);
    return g_test_run();
}
