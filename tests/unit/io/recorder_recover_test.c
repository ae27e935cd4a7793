#include "io/recorder_recover.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/error.h"
#include "base/log.h"
#include "io/mp4_finalize.h"
#include "io/mp4_moov.h"
#include "io/recorder_disk.h"
#include "io/recordings.h"
#include "unit/io/recorder_support.h"

#define START_US (7 * G_USEC_PER_SEC)
#define SECONDS  12
#define FILLER   700000 /* of the small disk: so the test need not be long */

typedef struct {
    const char *path, *video, *audio, *file;
    RecorderFormat format;
} KillCase;

static const KillCase kill_cases[] = {
    { "h264-aac-mp4", "libx264", "aac", "take.mp4", RECORDER_MP4 },
    { "vp9-opus-mp4", "libvpx-vp9", "libopus", "take.mp4", RECORDER_MP4 },
    { "opus-mp4", NULL, "libopus", "take.mp4", RECORDER_MP4 },
    { "vp8-opus-webm", "libvpx", "libopus", "take.webm", RECORDER_WEBM },
    { "h264-opus-mkv", "libx264", "libopus", "take.mkv", RECORDER_MKV },
};

static Sink *start_recorder(const Media *media, const char *directory, RecorderFormat format)
{
    RecorderOptions options = { directory, "take", format, .max_bytes = 0 };
    Sink *sink = recorder_new(&options, NULL, NULL);
    media_start(media, sink);
    return sink;
}

/** Records, and tells after each tenth of a second how much the recorder has taken. */
static void G_GNUC_NORETURN child_records(const Media *media, const char *directory,
                                          RecorderFormat format, int pipe_fd)
{
    Sink *sink = start_recorder(media, directory, format);
    for (gint64 at = START_US - 100000;; at += 100000) {
        media_feed(media, sink, at, at + 100000);
        g_usleep(3000);
        gint64 duration_us = status_of(sink).duration_us;
        if (write(pipe_fd, &duration_us, sizeof duration_us) < 0)
            _exit(1);
    }
}

/** Kill it when it says that it has taken this much; how much it said at last. */
static gint64 record_and_kill(const Media *media, const char *directory, RecorderFormat format,
                              gint64 kill_us)
{
    int fds[2];
    gint64 duration_us = 0, told_us;
    g_assert_cmpint(pipe(fds), ==, 0);
    pid_t pid = fork();
    if (pid == 0)
        child_records(media, directory, format, fds[1]);
    close(fds[1]);
    while (duration_us < kill_us && read(fds[0], &told_us, sizeof told_us) == sizeof told_us)
        duration_us = told_us;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    while (read(fds[0], &told_us, sizeof told_us) == sizeof told_us)
        duration_us = told_us;
    close(fds[0]);
    return duration_us;
}

/** Killed at some point: at most two seconds are lost, and the rest plays to its end. */
static void test_kill(gconstpointer data)
{
    const KillCase *test = data;
    g_autoptr(Media) media = media_new(test->video, test->audio, START_US, SECONDS);
    for (guint i = 0; i < 4; i++) {
        char *directory = scratch_new();
        g_autofree char *path = in_scratch(directory, test->file);
        gint64 kill_us = g_test_rand_int_range(200000, (SECONDS - 1) * 1000000);
        gint64 taken_us = record_and_kill(media, directory, test->format, kill_us);
        g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
        g_autoptr(GPtrArray) list = recorder_recover(directory, NULL);
        gint64 kept_us = 0;
        if (list->len) {
            Probe probe = probe_file(path, NULL);
            kept_us = probe.duration_us;
            g_assert_true(((const Recording *)list->pdata[0])->recovered);
            g_assert_cmpint(ABS(((const Recording *)list->pdata[0])->duration_us - kept_us), <,
                            30000);
            if (test->video)
                g_assert_cmpuint(probe.pictures, ==, probe.streams[0].packets);
        }
        g_test_message("killed at %.3f s, kept %.3f s, lost %.3f s", (double)taken_us / 1e6,
                       (double)kept_us / 1e6, (double)(taken_us - kept_us) / 1e6);
        g_assert_cmpint(taken_us - kept_us, <=, 2 * G_USEC_PER_SEC);
        g_autoptr(GPtrArray) listed = recordings_list(directory, NULL);
        g_assert_cmpuint(listed->len, ==, list->len);
        if (listed->len)
            g_assert_true(((const Recording *)listed->pdata[0])->recovered);
        scratch_free(directory);
    }
}

static void allow_mounts(void)
{
    uid_t uid = getuid();
    if (unshare(CLONE_NEWNS) == 0)
        return;
    g_autofree char *map = g_strdup_printf("0 %u 1", uid);
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0)
        g_file_set_contents("/proc/self/uid_map", map, -1, NULL);
}

/** A disk of one megabyte: a tmpfs of our own. */
static gboolean mount_small(const char *directory)
{
    allow_mounts();
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", directory, "tmpfs", 0, "size=1m") == 0;
}

static void limit_file_size(rlim_t bytes)
{
    struct rlimit limit = { bytes, RLIM_INFINITY };
    signal(SIGXFSZ, SIG_IGN);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
}

/* What is fed faster than it is written would be left out. */
static void await_written(Sink *sink, gint64 until_us)
{
    for (guint i = 0; i < 5000; i++) {
        SinkStatus status = status_of(sink);
        if (status.state == SINK_FAILED || status.duration_us >= until_us)
            return;
        g_usleep(1000);
    }
}

static void check_full(const Media *media, const char *directory, const KillCase *test)
{
    g_autofree char *path = in_scratch(directory, test->file);
    Sink *sink = start_recorder(media, directory, test->format);
    for (guint i = 0; i < 40 && status_of(sink).state != SINK_FAILED; i++) {
        media_feed(media, sink, START_US + i * 1000000, START_US + (i + 1) * 1000000);
        await_written(sink, (gint64)i * G_USEC_PER_SEC - 4 * G_USEC_PER_SEC);
    }
    SinkStatus status = finish(sink);
    g_assert_cmpint(status.state, ==, SINK_FAILED);
    g_assert_nonnull(strstr(status.error, "The disk is full"));
    sink_unref(sink);
    /* Where nothing can be reserved the ending may have to wait until there is room. */
    limit_file_size(RLIM_INFINITY);
    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        g_ptr_array_unref(recorder_recover(directory, NULL));
    Probe probe = probe_file(path, NULL);
    g_assert_cmpuint(probe.pictures, ==, probe.streams[0].packets);
    g_assert_cmpint(ABS(probe.streams[0].max_step_us - FRAME_US), <=, 1000);
    g_assert_cmpint(status.duration_us - probe.duration_us, <=, 2 * G_USEC_PER_SEC);
    g_print("# full at %.3f s, kept %.3f s\n", (double)status.duration_us / 1e6,
            (double)probe.duration_us / 1e6);
}

static void put(const char *directory, const char *name, const char *contents, gssize size)
{
    g_autofree char *path = in_scratch(directory, name);
    g_assert_true(g_file_set_contents(path, contents, size, NULL));
}

/** In a process of its own, which may mount and limit itself. */
static void run_full(const KillCase *test, gboolean small_disk)
{
    g_autoptr(Media) media = media_new(test->video, test->audio, START_US, 40);
    char *directory = scratch_new();
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        if (small_disk && mount_small(directory)) {
            g_autofree char *filler = g_malloc0(FILLER);
            put(directory, "filler", filler, FILLER);
        } else {
            limit_file_size(200000);
        }
        check_full(media, directory, test);
        fflush(stdout);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    g_assert_cmpint(status, ==, 0);
    scratch_free(directory);
}

static void test_disk_full(gconstpointer data)
{
    run_full(data, TRUE);
}

static void test_file_limit(gconstpointer data)
{
    run_full(data, FALSE);
}

/** What a recording looks like that nobody finished. */
static GBytes *part_of(const Media *media, RecorderFormat format)
{
    char *directory = scratch_new();
    g_autofree char *path = in_scratch(directory, "part.part");
    const SinkStream streams[] = { { media->parameters[VIDEO], NULL },
                                   { media->parameters[AUDIO], NULL } };
    RecorderFileOptions options = { directory, "part", format, streams, 2, 0, 0 };
    RecorderFile *file = recorder_file_new(&options, NULL);
    AVPacket *packet = av_packet_alloc();
    for (guint i = 0; i < media->packets->len; i++) {
        const MediaPacket *item = media->packets->pdata[i];
        av_packet_ref(packet, item->packet);
        packet->pts -= START_US - 40000;
        packet->dts -= START_US - 40000;
        g_assert_true(recorder_file_write(file, item->stream, packet, NULL));
        av_packet_unref(packet);
    }
    g_assert_true(recorder_file_flush(file, NULL));
    recorder_file_free(file);
    char *contents;
    gsize size;
    g_assert_true(g_file_get_contents(path, &contents, &size, NULL));
    av_packet_free(&packet);
    scratch_free(directory);
    return g_bytes_new_take(contents, size);
}

/** Cut anywhere: either nothing is there yet, or what is there plays. */
static void test_cut(gconstpointer data)
{
    const KillCase *test = data;
    g_autoptr(Media) media = media_new(test->video, test->audio, START_US, 3);
    g_autoptr(GBytes) part = part_of(media, test->format);
    gsize size;
    const char *bytes = g_bytes_get_data(part, &size);
    gint64 last_us = 0;
    for (gsize i = 0; i <= 50; i++) {
        gsize cut = size * i / 50;
        char *directory = scratch_new();
        g_autofree char *name = g_strconcat(test->file, ".part", NULL);
        g_autofree char *part_path = in_scratch(directory, name);
        g_autofree char *path = in_scratch(directory, test->file);
        g_assert_true(g_file_set_contents(part_path, bytes, (gssize)cut, NULL));
        g_autoptr(GPtrArray) list = recorder_recover(directory, NULL);
        g_assert_false(g_file_test(part_path, G_FILE_TEST_EXISTS));
        if (list->len) {
            Probe probe = probe_file(path, NULL);
            g_assert_cmpint(probe.duration_us, >=, last_us);
            last_us = probe.duration_us;
        }
        scratch_free(directory);
    }
    g_assert_cmpint(last_us, >, 2500000);
}

/** Broken off while the ending was written, at any step: done again, with the same result. */
static void test_again(void)
{
    g_autoptr(Media) media = media_new("libx264", "aac", START_US, 3);
    g_autoptr(GBytes) part = part_of(media, RECORDER_MP4);
    char *directory = scratch_new();
    g_autofree char *path = in_scratch(directory, "again.mp4");
    gsize size, whole_size;
    const char *bytes = g_bytes_get_data(part, &size);
    g_assert_true(g_file_set_contents(path, bytes, (gssize)size, NULL));
    gint64 durations[3];
    for (guint i = 0; i < 3; i++) {
        g_autofree char *whole = NULL;
        int fd = g_open(path, O_RDWR, 0);
        durations[i] = mp4_finalize(fd, NULL);
        close(fd);
        g_assert_cmpint(durations[i], ==, durations[0]);
        g_assert_true(g_file_get_contents(path, &whole, &whole_size, NULL));
        /* The second time with half of the ending cut off again. */
        if (i == 0)
            g_assert_cmpint(truncate(path, (off_t)(size + (whole_size - size) / 2)), ==, 0);
    }
    g_assert_cmpint(durations[0], >, 2500000);
    probe_file(path, NULL);
    scratch_free(directory);
}

/** Beyond 4 GiB the offsets of the chunks are wide. */
static void test_large_file(void)
{
    g_autoptr(Media) media = media_new("libx264", "aac", START_US, 2);
    g_autoptr(GBytes) part = part_of(media, RECORDER_MP4);
    char *directory = scratch_new();
    g_autofree char *path = in_scratch(directory, "large");
    gsize size;
    const char *bytes = g_bytes_get_data(part, &size);
    g_assert_true(g_file_set_contents(path, bytes, (gssize)size, NULL));
    int fd = g_open(path, O_RDWR, 0);
    g_autoptr(Mp4Index) index = mp4_index_read(fd, NULL);
    close(fd);
    g_assert_cmpuint(index->fragments, >=, 2);
    g_assert_cmpuint(index->tracks->len, ==, 2);
    g_autoptr(GByteArray) narrow = mp4_moov_write(index);
    g_assert_nonnull(memmem(narrow->data, narrow->len, "stco", 4));
    index->end += (guint64)5 << 30;
    g_autoptr(GByteArray) wide = mp4_moov_write(index);
    g_assert_nonnull(memmem(wide->data, wide->len, "co64", 4));
    g_assert_null(memmem(wide->data, wide->len, "stco", 4));
    scratch_free(directory);
}

static gboolean exists(const char *directory, const char *name)
{
    g_autofree char *path = in_scratch(directory, name);
    return g_file_test(path, G_FILE_TEST_EXISTS);
}

/** Garbage is set aside, links and pipes are not followed, what is being written is left alone. */
static void test_hostile(void)
{
    g_autoptr(Media) media = media_new("libx264", "aac", START_US, 2);
    char *directory = scratch_new(), noise[5000];
    g_autofree char *link_path = in_scratch(directory, "link.mp4.part");
    g_autofree char *pipe_path = in_scratch(directory, "pipe.mp4.part");
    for (guint i = 0; i < sizeof noise; i++)
        noise[i] = (char)g_test_rand_int();
    put(directory, "noise.mp4.part", noise, sizeof noise);
    put(directory, "noise.webm.part", noise, sizeof noise);
    put(directory, "empty.mp4.part", "", 0);
    put(directory, "other.txt.part", "mine", -1);
    put(directory, "secret", "secret", -1);
    g_assert_cmpint(symlink("secret", link_path), ==, 0);
    g_assert_cmpint(mkfifo(pipe_path, 0600), ==, 0);
    Sink *sink = start_recorder(media, directory, RECORDER_MP4);
    media_feed(media, sink, 0, G_MAXINT64);
    wait_written(sink, 100, TAKES_SOME_MS);
    g_autoptr(GPtrArray) list = recorder_recover(directory, NULL);
    g_assert_cmpuint(list->len, ==, 0);
    g_assert_true(exists(directory, "noise.mp4.damaged"));
    g_assert_true(exists(directory, "noise.webm.damaged"));
    g_assert_false(exists(directory, "empty.mp4.part"));
    g_assert_false(exists(directory, "empty.mp4"));
    g_assert_true(exists(directory, "pipe.mp4.part"));
    g_assert_true(exists(directory, "other.txt.part"));
    g_assert_true(exists(directory, "secret"));
    g_assert_false(exists(directory, "link.mp4"));
    g_assert_true(exists(directory, "take.mp4.part"));
    g_assert_cmpint(finish(sink).state, ==, SINK_FINISHED);
    sink_unref(sink);
    scratch_free(directory);
}

/** Every byte of the head and of the first fragment changed: nothing crashes, nothing hangs. */
static void test_damage(void)
{
    g_autoptr(Media) media = media_new("libx264", "aac", START_US, 2);
    g_autoptr(GBytes) part = part_of(media, RECORDER_MP4);
    char *directory = scratch_new();
    g_autofree char *path = in_scratch(directory, "damaged");
    gsize size;
    const guint8 *bytes = g_bytes_get_data(part, &size);
    g_autofree guint8 *copy = g_memdup2(bytes, size);
    for (gsize i = 0; i < MIN(size, 2600); i++) {
        copy[i] ^= (guint8)g_test_rand_int_range(1, 256);
        g_assert_true(g_file_set_contents_full(path, (const char *)copy, (gssize)size,
                                               G_FILE_SET_CONTENTS_NONE, 0600, NULL));
        copy[i] = bytes[i];
        int fd = g_open(path, O_RDWR, 0);
        g_autoptr(Mp4Index) index = mp4_index_read(fd, NULL);
        g_autoptr(GByteArray) moov = index ? mp4_moov_write(index) : NULL;
        g_assert_true(!moov || moov->len < 4 * size);
        close(fd);
    }
    scratch_free(directory);
}

typedef struct {
    char *directory;
    gint stop; /* atomic */
} Recovery;

static gpointer recover_always(gpointer data)
{
    Recovery *recovery = data;
    while (!g_atomic_int_get(&recovery->stop)) {
        g_autoptr(RecorderDisk) disk = recorder_disk_open(recovery->directory, "a.mkv", NULL);
        if (disk)
            recorder_disk_discard(disk);
    }
    return NULL;
}

/* A recording that begins while the server still recovers what an earlier one left keeps its file,
 * though it is empty for a moment. */
static void test_begins_meanwhile(void)
{
    Recovery recovery = { .directory = scratch_new() };
    g_autofree char *part = in_scratch(recovery.directory, "a.mkv.part");
    GThread *thread = g_thread_new("recovery", recover_always, &recovery);
    for (guint i = 0; i < 3000; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(RecorderDisk) disk = recorder_disk_new(recovery.directory, "a.mkv", &error);
        g_assert_no_error(error);
        g_assert_cmpint(access(part, F_OK), ==, 0);
        recorder_disk_discard(disk);
    }
    g_atomic_int_set(&recovery.stop, 1);
    g_thread_join(thread);
    scratch_free(recovery.directory);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    av_log_set_level(AV_LOG_QUIET);
    log_set_level(LOG_WARNING);
    for (guint i = 0; i < G_N_ELEMENTS(kill_cases); i++) {
        g_autofree char *path = g_strconcat("/io/recover/kill/", kill_cases[i].path, NULL);
        g_test_add_data_func(path, &kill_cases[i], test_kill);
    }
    g_test_add_data_func("/io/recover/cut/mp4", &kill_cases[0], test_cut);
    g_test_add_data_func("/io/recover/cut/webm", &kill_cases[3], test_cut);
    g_test_add_data_func("/io/recover/disk-full/mp4", &kill_cases[0], test_disk_full);
    g_test_add_data_func("/io/recover/disk-full/webm", &kill_cases[3], test_disk_full);
    g_test_add_data_func("/io/recover/file-limit/mp4", &kill_cases[0], test_file_limit);
    g_test_add_func("/io/recover/again", test_again);
    g_test_add_func("/io/recover/large-file", test_large_file);
    g_test_add_func("/io/recover/hostile", test_hostile);
    g_test_add_func("/io/recover/begins-meanwhile", test_begins_meanwhile);
    g_test_add_func("/io/recover/damage", test_damage);
    return g_test_run();
}
