#include "io/recordings.h"
#include "unit/io/recorder_support.h"

#define START_US (5 * G_USEC_PER_SEC)

static gint wanted; /* atomic: key frames asked for */

static void on_want_keyframe(Sink *sink, gpointer user)
{
    (void)sink;
    (void)user;
    g_atomic_int_inc(&wanted);
}

static Sink *recorder(const RecorderOptions *options)
{
    const SinkEvents events = { .want_keyframe = on_want_keyframe };
    g_autoptr(GError) error = NULL;
    Sink *sink = recorder_new(options, &events, &error);
    g_assert_no_error(error);
    return sink;
}

static void assert_near(gint64 a, gint64 b, gint64 tolerance)
{
    g_assert_cmpint(ABS(a - b), <=, tolerance);
}

typedef struct {
    const char *path;
    const char *video, *audio, *file;
    RecorderFormat format;
    gint64 tolerance_us; /* of the format's clock */
} FormatCase;

static const FormatCase format_cases[] = {
    { "h264-aac-mp4", "libx264", "aac", "take.mp4", RECORDER_MP4, 30 },
    { "vp9-opus-mp4", "libvpx-vp9", "libopus", "take.mp4", RECORDER_MP4, 30 },
    { "av1-opus-mp4", "libaom-av1", "libopus", "take.mp4", RECORDER_MP4, 30 },
    { "av1-opus-webm", "libaom-av1", "libopus", "take.webm", RECORDER_WEBM, 1000 },
    { "vp8-opus-webm", "libvpx", "libopus", "take.webm", RECORDER_WEBM, 1000 },
    { "h264-opus-mkv", "libx264", "libopus", "take.mkv", RECORDER_MKV, 1000 },
    { "h264-mp4", "libx264", NULL, "take.mp4", RECORDER_MP4, 30 },
    { "aac-mp4", NULL, "aac", "take.mp4", RECORDER_MP4, 30 },
    { "opus-webm", NULL, "libopus", "take.webm", RECORDER_WEBM, 1000 },
};

static void check_video(const Probe *probe, guint frames, gint64 tolerance_us)
{
    g_assert_cmpint(probe->streams[0].packets, ==, frames);
    g_assert_cmpint(probe->pictures, ==, frames);
    g_assert_cmpint(probe->streams[0].start_us, ==, 0);
    assert_near(probe->streams[0].max_step_us, FRAME_US, tolerance_us);
    assert_near(probe->streams[0].min_step_us, FRAME_US, tolerance_us);
}

/** Ten seconds of each kind: all of it is there, from 0 on, as long as it was. */
static void test_format(gconstpointer data)
{
    const FormatCase *test = data;
    g_autoptr(Media) media = media_new(test->video, test->audio, START_US, 10);
    char *directory = scratch_new();
    g_autofree char *path = in_scratch(directory, test->file);
    RecorderOptions options = { directory, "take", test->format, .max_bytes = 0 };
    Sink *sink = recorder(&options);
    media_start(media, sink);
    media_feed_all(media, sink);
    SinkStatus status = finish(sink);
    g_assert_cmpstr(status.error, ==, "");
    g_assert_cmpint(status.state, ==, SINK_FINISHED);
    g_assert_cmpuint(status.dropped, ==, 0);
    assert_near(status.duration_us, 10 * G_USEC_PER_SEC, 33000);
    Probe probe = probe_file(path, NULL);
    g_assert_cmpuint(probe.n, ==, (test->video ? 1 : 0) + (test->audio ? 1 : 0));
    assert_near(probe.duration_us, 10 * G_USEC_PER_SEC, 33000);
    if (test->video)
        check_video(&probe, 300, test->tolerance_us);
    sink_unref(sink);
    scratch_free(directory);
}

/** The time of each of the source's sounds in the file, less its own. */
static void check_step(const Media *media, GHashTable *times, gint64 from_us, gint64 shift_us,
                       guint at_least)
{
    guint found = 0;
    for (guint i = 0; i < media->packets->len; i++) {
        const MediaPacket *item = media->packets->pdata[i];
        g_autoptr(GBytes) bytes = g_bytes_new(item->packet->data, (gsize)item->packet->size);
        const gint64 *time = g_hash_table_lookup(times, bytes);
        if (!time || item->stream != AUDIO || item->packet->pts < from_us ||
            item->packet->pts > from_us + G_USEC_PER_SEC)
            continue;
        assert_near(*time - item->packet->pts, -shift_us, 1100);
        found++;
    }
    g_assert_cmpuint(found, >=, at_least);
}

/** The directory is made with the first file, on the recorder's thread; where that cannot be, the
 *  recording says so. */
static void test_directory(void)
{
    g_autoptr(Media) media = media_new("libx264", NULL, START_US, 1);
    char *directory = scratch_new();
    g_autofree char *outer = in_scratch(directory, "a"), *inner = in_scratch(outer, "b");
    g_autofree char *path = in_scratch(inner, "take.mp4"), *none = in_scratch(path, "c");
    const char *const cases[] = { inner, none };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        RecorderOptions options = { cases[i], "take", RECORDER_MP4, .max_bytes = 0 };
        Sink *sink = recorder(&options);
        media_start(media, sink);
        media_feed(media, sink, 0, G_MAXINT64);
        SinkStatus status = finish(sink);
        g_assert_cmpint(status.state, ==, i == 0 ? SINK_FINISHED : SINK_FAILED);
        g_assert_cmpint(strstr(status.error, "record.dir") != NULL, ==, i == 1);
        sink_unref(sink);
    }
    g_assert_true(recordings_delete(inner, "take.mp4", NULL));
    g_assert_cmpint(g_rmdir(inner), ==, 0);
    g_assert_cmpint(g_rmdir(outer), ==, 0);
    scratch_free(directory);
}

/** Three pauses, each ended in the middle of a GOP: no gap, no overlap, sound and picture in step,
 *  and the length is that of the frames that were written. */
static void test_pauses(gconstpointer data)
{
    const FormatCase *test = data;
    g_autoptr(Media) media = media_new(test->video, test->audio, START_US, 20);
    g_autoptr(GHashTable) times =
        g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, g_free);
    char *directory = scratch_new();
    g_autofree char *path = in_scratch(directory, test->file);
    RecorderOptions options = { directory, "take", test->format, .max_bytes = 0 };
    Sink *sink = recorder(&options);
    const gint64 s = G_USEC_PER_SEC;
    media_start(media, sink);
    media_feed(media, sink, START_US + s / 2, START_US + 5 * s); /* key frames: 2, 4, 6 ... */
    for (gint64 piece = 0; piece < 3; piece++) {
        gint64 at = START_US + 5 * s + piece * 5 * s;
        gint before = g_atomic_int_get(&wanted);
        g_assert_true(sink_pause(sink, TRUE));
        media_feed(media, sink, at, at + 2 * s);
        g_assert_true(sink_pause(sink, FALSE));
        media_feed(media, sink, at + 2 * s, at + 5 * s);
        for (guint i = 0; g_atomic_int_get(&wanted) == before; i++) {
            g_assert_cmpuint(i, <, 5000);
            g_usleep(2000);
        }
    }
    g_assert_cmpint(finish(sink).state, ==, SINK_FINISHED);
    /* 2..5, then from 8, 12 (or 13+1=14) and 18 on to the next pause: 3 + 2 + 3 + 2 seconds. */
    Probe probe = probe_file(path, times);
    gint64 written_us = (gint64)probe.streams[0].packets * s / 30;
    check_video(&probe, probe.streams[0].packets, test->tolerance_us);
    assert_near(written_us, 3 * s + 2 * s + 3 * s + 2 * s, FRAME_US);
    assert_near(probe.duration_us, written_us, FRAME_US);
    assert_near(status_of(sink).duration_us, written_us, FRAME_US);
    check_step(media, times, START_US + 2 * s, START_US + 2 * s, 40);
    check_step(media, times, START_US + 8 * s, START_US + 5 * s, 40);
    check_step(media, times, START_US + 12 * s, START_US + 7 * s, 40);
    check_step(media, times, START_US + 18 * s, START_US + 10 * s, 40);
    sink_unref(sink);
    scratch_free(directory);
}

/** An isolated sender may send B-frames: they are shown when they were to be shown. */
static void test_reordered(void)
{
    g_autoptr(Media) media = media_new("libx264-b", "aac", START_US, 6);
    char *directory = scratch_new();
    g_autofree char *path = in_scratch(directory, "take.mp4");
    RecorderOptions options = { directory, "take", RECORDER_MP4, .max_bytes = 0 };
    Sink *sink = recorder(&options);
    media_start(media, sink);
    media_feed_all(media, sink);
    g_assert_cmpint(finish(sink).state, ==, SINK_FINISHED);
    Probe probe = probe_file(path, NULL);
    g_assert_cmpuint(probe.pictures, ==, 180);
    g_assert_cmpint(probe.streams[VIDEO].min_step_us, <, 0);
    /* The first picture is decoded two frames before it is shown; sound keeps its distance. */
    assert_near(probe.streams[VIDEO].start_us, 66667, 1000);
    assert_near(probe.duration_us, 6066667, FRAME_US);
    sink_unref(sink);
    scratch_free(directory);
}

/** Files of four seconds: cut at key frames, each from 0 on, nothing lost between them. */
static void test_split(void)
{
    g_autoptr(Media) media = media_new("libx264", "libopus", START_US, 11);
    char *directory = scratch_new();
    RecorderOptions options = {
        .directory = directory, .name = "show", .format = RECORDER_MP4, .split_seconds = 4
    };
    Sink *sink = recorder(&options);
    media_start(media, sink);
    media_feed_all(media, sink);
    g_assert_cmpint(finish(sink).state, ==, SINK_FINISHED);
    const char *const names[] = { "show-001.mp4", "show-002.mp4", "show-003.mp4" };
    const guint frames[] = { 120, 120, 90 };
    guint sounds = 0, expected = 0;
    for (guint i = 0; i < 3; i++) {
        g_autofree char *path = in_scratch(directory, names[i]);
        Probe probe = probe_file(path, NULL);
        check_video(&probe, frames[i], 30);
        g_assert_cmpint(probe.streams[AUDIO].start_us, <, 20000);
        assert_near(probe.duration_us, (gint64)frames[i] * G_USEC_PER_SEC / 30, 33000);
        sounds += probe.streams[AUDIO].packets;
    }
    for (guint i = 0; i < media->packets->len; i++) {
        const MediaPacket *item = media->packets->pdata[i];
        expected += item->stream == AUDIO && item->packet->dts >= START_US;
    }
    g_assert_cmpuint(sounds, ==, expected);
    sink_unref(sink);
    scratch_free(directory);
}

static void test_split_by_bytes(void)
{
    g_autoptr(Media) media = media_new("libvpx", "libopus", START_US, 9);
    char *directory = scratch_new();
    RecorderOptions options = { directory, "show", RECORDER_WEBM, .split_bytes = 20000 };
    Sink *sink = recorder(&options);
    media_start(media, sink);
    media_feed_all(media, sink);
    g_assert_cmpint(finish(sink).state, ==, SINK_FINISHED);
    g_autoptr(GPtrArray) list = recordings_list(directory, NULL);
    gint64 duration_us = 0;
    g_assert_cmpuint(list->len, >=, 3);
    for (guint i = 0; i < list->len; i++)
        duration_us += ((const Recording *)list->pdata[i])->duration_us;
    assert_near(duration_us, 9 * G_USEC_PER_SEC, 33000);
    sink_unref(sink);
    scratch_free(directory);
}

/** Isolated tracks in one file, two people and the mix; one of them comes three seconds late. */
static void test_isolated_tracks(void)
{
    g_autoptr(Media) mix = media_new("libx264", "aac", START_US, 8);
    g_autoptr(Media) ann = media_new("libvpx-vp9", "libopus", START_US, 8);
    g_autoptr(Media) bob = media_new("libvpx-vp9", "libopus", START_US + 3000000, 5);
    const Media *const all[] = { mix, ann, bob };
    char *directory = scratch_new();
    g_autofree char *path = in_scratch(directory, "tracks.mp4");
    RecorderOptions options = { directory, "tracks", RECORDER_MP4, .max_bytes = 0 };
    SinkStream streams[6];
    for (guint i = 0; i < 6; i++)
        streams[i] =
            (SinkStream){ all[i / 2]->parameters[i % 2], i < 2 ? NULL : (i < 4 ? "ann" : "bob") };
    Sink *sink = recorder(&options);
    sink_start(sink, streams, 6);
    for (gint64 at = START_US; at < START_US + 8 * G_USEC_PER_SEC; at += 10000) {
        for (guint m = 0; m < 3; m++) {
            for (guint i = 0; i < all[m]->packets->len; i++) {
                const MediaPacket *item = all[m]->packets->pdata[i];
                if (item->packet->dts >= at && item->packet->dts < at + 10000)
                    sink_write(sink, m * 2 + item->stream, item->packet);
            }
        }
        if (at % 1000000 == 0)
            g_usleep(5000);
    }
    g_assert_cmpint(finish(sink).state, ==, SINK_FINISHED);
    Probe probe = probe_file(path, NULL);
    g_assert_cmpuint(probe.n, ==, 6);
    for (guint i = 0; i < 6; i++) {
        gint64 start_us = i < 4 ? 0 : 3000000;
        assert_near(probe.streams[i].start_us, start_us, 22000);
        /* An encoder that is not flushed keeps two frames of 1024 samples. */
        assert_near(probe.streams[i].end_us, 8 * G_USEC_PER_SEC, 45000);
        if (i % 2 == 0)
            g_assert_cmpuint(probe.streams[i].packets, ==, i < 4 ? 240 : 150);
    }
    sink_unref(sink);
    scratch_free(directory);
}

static gint blocked; /* atomic: the recording's thread is to stand still */

static void on_changed_blocks(Sink *sink, gpointer user)
{
    (void)sink;
    (void)user;
    while (g_atomic_int_get(&blocked))
        g_usleep(1000);
}

/** A disk that stands still for longer than the queue: nobody waits for it, pictures are left out
 * up to a key frame, and every picture in the file can be decoded. */
static void test_slow_disk(void)
{
    g_autoptr(Media) media = media_new("libx264", "libopus", START_US, 20);
    const SinkEvents events = { on_changed_blocks, on_want_keyframe, NULL, NULL };
    char *directory = scratch_new();
    g_autofree char *path = in_scratch(directory, "take.mp4");
    RecorderOptions options = { directory, "take", RECORDER_MP4, .max_bytes = 0 };
    Sink *sink = recorder_new(&options, &events, NULL);
    g_atomic_int_set(&blocked, TRUE);
    media_start(media, sink);
    media_feed(media, sink, START_US, START_US + 1000);
    while (status_of(sink).packets == 0)
        g_usleep(1000);
    for (guint i = 0; i < media->packets->len; i++) {
        const MediaPacket *item = media->packets->pdata[i];
        if (item->packet->dts >= START_US + 1000 && item->packet->dts < START_US + 15 * 1000000)
            sink_write(sink, item->stream, item->packet);
    }
    gint before = g_atomic_int_get(&wanted);
    guint64 dropped = status_of(sink).dropped;
    g_assert_cmpuint(dropped, >, 100);
    g_atomic_int_set(&blocked, FALSE);
    wait_written(sink, 200, TAKES_ALL_MS); /* of the ten seconds that are queued */
    media_feed(media, sink, START_US + 15 * 1000000, G_MAXINT64);
    SinkStatus status = finish(sink);
    g_assert_cmpint(status.state, ==, SINK_FINISHED);
    g_assert_cmpint(g_atomic_int_get(&wanted), ==, before + 1);
    Probe probe = probe_file(path, NULL);
    g_assert_cmpuint(probe.pictures, ==, probe.streams[VIDEO].packets);
    assert_near(probe.duration_us, 20 * G_USEC_PER_SEC, 33000);
    sink_unref(sink);
    scratch_free(directory);
}

/** A quota ends the recording with a sentence, and what there is plays. */
static void test_quota(void)
{
    g_autoptr(Media) media = media_new("libx264", "aac", START_US, 20);
    char *directory = scratch_new();
    g_autofree char *path = in_scratch(directory, "take.mp4");
    RecorderOptions options = { directory, "take", RECORDER_MP4, .max_bytes = 150000 };
    Sink *sink = recorder(&options);
    media_start(media, sink);
    media_feed(media, sink, 0, G_MAXINT64);
    SinkStatus status = finish(sink);
    g_assert_cmpint(status.state, ==, SINK_FAILED);
    g_assert_nonnull(strstr(status.error, "limit"));
    Probe probe = probe_file(path, NULL);
    g_assert_cmpint(probe.duration_us, >, 3 * G_USEC_PER_SEC);
    g_autoptr(GPtrArray) list = recordings_list(directory, NULL);
    g_assert_cmpuint(list->len, ==, 1);
    g_assert_cmpuint(((const Recording *)list->pdata[0])->bytes, <=, 150000);
    sink_unref(sink);
    scratch_free(directory);
}

static void test_min_free(void)
{
    g_autoptr(Media) media = media_new("libx264", NULL, START_US, 2);
    char *directory = scratch_new();
    RecorderOptions options = { directory, "take", RECORDER_MP4, .min_free_bytes = G_MAXINT64 };
    Sink *sink = recorder(&options);
    media_start(media, sink);
    media_feed(media, sink, 0, G_MAXINT64);
    SinkStatus status = finish(sink);
    g_assert_cmpint(status.state, ==, SINK_FAILED);
    g_assert_nonnull(strstr(status.error, "are free on the disk"));
    sink_unref(sink);
    scratch_free(directory);
}

/** What the format cannot hold, a name that leads elsewhere, nothing to record, a name twice. */
static void test_refusals(void)
{
    g_autoptr(Media) media = media_new("libvpx", "libopus", START_US, 1);
    g_autoptr(GError) error = NULL;
    char *directory = scratch_new();
    RecorderOptions options = { directory, "../take", RECORDER_MP4, .max_bytes = 0 };
    g_assert_null(recorder_new(&options, NULL, &error));
    g_assert_nonnull(error);

    options.name = "take";
    Sink *sink = recorder(&options);
    media_start(media, sink);
    SinkStatus status = finish(sink);
    g_assert_cmpint(status.state, ==, SINK_FAILED);
    g_assert_cmpstr(status.error, ==, "A mp4 file cannot hold vp8: choose another format.");
    sink_unref(sink);

    options.format = RECORDER_WEBM;
    sink = recorder(&options);
    media_start(media, sink);
    status = finish(sink);
    g_assert_nonnull(strstr(status.error, "is empty"));
    sink_unref(sink);

    for (guint i = 0; i < 2; i++) {
        sink = recorder(&options);
        media_start(media, sink);
        media_feed(media, sink, 0, G_MAXINT64);
        status = finish(sink);
        g_assert_cmpint(status.state, ==, i == 0 ? SINK_FINISHED : SINK_FAILED);
        sink_unref(sink);
    }
    g_assert_nonnull(strstr(status.error, "choose another name"));
    scratch_free(directory);
}

/** The last reference may go while it is recorded: the file is finished all the same. */
static void test_dropped_reference(void)
{
    g_autoptr(Media) media = media_new("libx264", "aac", START_US, 3);
    char *directory = scratch_new();
    g_autofree char *path = in_scratch(directory, "take.mp4");
    RecorderOptions options = { directory, "take", RECORDER_MP4, .max_bytes = 0 };
    Sink *sink = recorder(&options);
    media_start(media, sink);
    media_feed(media, sink, 0, G_MAXINT64);
    sink_unref(sink);
    Probe probe = probe_file(path, NULL);
    check_video(&probe, 90, 30);
    scratch_free(directory);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    av_log_set_level(AV_LOG_FATAL);
    for (guint i = 0; i < G_N_ELEMENTS(format_cases); i++) {
        g_autofree char *path = g_strconcat("/io/recorder/format/", format_cases[i].path, NULL);
        g_test_add_data_func(path, &format_cases[i], test_format);
    }
    g_test_add_data_func("/io/recorder/pauses/mp4", &format_cases[1], test_pauses);
    g_test_add_data_func("/io/recorder/pauses/webm", &format_cases[4], test_pauses);
    g_test_add_func("/io/recorder/directory", test_directory);
    g_test_add_func("/io/recorder/reordered", test_reordered);
    g_test_add_func("/io/recorder/split", test_split);
    g_test_add_func("/io/recorder/split-bytes", test_split_by_bytes);
    g_test_add_func("/io/recorder/isolated-tracks", test_isolated_tracks);
    g_test_add_func("/io/recorder/slow-disk", test_slow_disk);
    g_test_add_func("/io/recorder/quota", test_quota);
    g_test_add_func("/io/recorder/min-free", test_min_free);
    g_test_add_func("/io/recorder/refusals", test_refusals);
    g_test_add_func("/io/recorder/dropped-reference", test_dropped_reference);
    return g_test_run();
}
