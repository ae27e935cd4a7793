#include "io/player.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "codecs/media_decoder.h"
#include "unit/io/player_support.h"

#define SECOND_US 1000000

typedef struct {
    const char *name;
    MediaFile file;
    enum AVCodecID video, audio;
} Case;

static const MediaFile plain_mp4 = {
    .format = "mp4", .video = "libx264", .audio = "aac", .seconds = 5, .b_frames = 2
};

static void write_file(const char *dir, const char *name, const MediaFile *file)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    media_file_write(path, file);
}

/* What every sequence of packets must be: rising in each kind, at their times or, where a loop
 * closes (its pictures' dts begin before their pts), a moment later. */
static void assert_in_order(const Listener *listener, gint64 start_ns, gint64 latest_ns)
{
    gint64 last_us[2] = { G_MININT64, G_MININT64 };
    for (guint i = 0; i < listener->handed->len; i++) {
        const Handed *handed = &g_array_index(listener->handed, Handed, i);
        g_assert_cmpint(handed->dts_us, >, last_us[handed->kind]);
        last_us[handed->kind] = handed->dts_us;
        gint64 off_ns = handed->arrival_ns - start_ns - handed->dts_us * NS_PER_US;
        g_assert_cmpint(off_ns, >=, -2 * NS_PER_US);
        g_assert_cmpint(off_ns, <=, latest_ns);
    }
}

/* --- files ------------------------------------------------------------------------------- */

typedef struct {
    MediaDecoder *decoder[2];
    guint pictures;
    GArray *samples;
} Decoded;

static void decode(Listener *listener, MediaKind kind, const AVPacket *packet)
{
    Decoded *decoded = (Decoded *)listener->player; /* set by the test below */
    AVFrame *frame = av_frame_alloc();
    gint64 pts_us = 0;
    if (!decoded->decoder[kind])
        decoded->decoder[kind] = media_decoder_new(listener->parameters[kind], NULL, NULL);
    g_assert_true(media_decoder_send(decoded->decoder[kind], packet));
    while (media_decoder_receive_video(decoded->decoder[kind], frame))
        decoded->pictures++;
    while (media_decoder_receive_audio(decoded->decoder[kind], decoded->samples, &pts_us))
        ;
    av_frame_free(&frame);
}

static void drain(Decoded *decoded)
{
    AVFrame *frame = av_frame_alloc();
    gint64 pts_us = 0;
    for (guint kind = 0; kind < 2; kind++) {
        if (!decoded->decoder[kind])
            continue;
        media_decoder_drain(decoded->decoder[kind]);
        while (media_decoder_receive_video(decoded->decoder[kind], frame))
            decoded->pictures++;
        while (media_decoder_receive_audio(decoded->decoder[kind], decoded->samples, &pts_us))
            ;
        media_decoder_free(decoded->decoder[kind]);
    }
    av_frame_free(&frame);
}

/* Every format: all of it comes, in step with the clock, and can be decoded. */
static void test_format(gconstpointer data)
{
    const Case *c = data;
    char *dir = media_dir_new();
    Listener listener;
    PlayerClock clock;
    PlayerStatus status;
    Decoded decoded = { .samples = g_array_new(FALSE, FALSE, sizeof(float)) };
    write_file(dir, c->name, &c->file);
    listener_init(&listener);
    gint64 start_ns = listener.now_ns;
    PlayerOptions options = { .media_dir = dir, .file = c->name, .paused = TRUE };
    Player *player = listener_play(&listener, options, TRUE, &clock);
    listener.player = (Player *)&decoded;
    listener.on_packet = decode;
    player_pause(player, FALSE);
    listener_wait_ended(&listener);
    g_assert_no_error(listener.error);
    assert_in_order(&listener, start_ns, 2 * NS_PER_US);
    drain(&decoded);
    guint pictures = c->file.video ? (guint)c->file.seconds * MEDIA_FILE_FPS : 0;
    g_assert_cmpuint(decoded.pictures, ==, pictures);
    if (c->file.audio)
        g_assert_cmpint(ABS((gint)decoded.samples->len / 2 - c->file.seconds * 48000), <, 4800);
    gint64 took_ns = listener.now_ns - start_ns;
    g_assert_cmpint(took_ns, >, (c->file.seconds - 1) * NS_PER_SEC + 900 * NS_PER_MS);
    g_assert_cmpint(took_ns, <, c->file.seconds * NS_PER_SEC + 200 * NS_PER_MS);
    player_status(player, &status);
    g_assert_cmpstr(player_state_name(status.state), ==, "ended");
    g_assert_cmpstr(status.error, ==, "");
    g_assert_cmpuint(status.packets, ==, listener.handed->len);
    g_assert_cmpint(ABS(status.duration_us - (gint64)c->file.seconds * SECOND_US), <, 150000);
    g_assert_true(!c->file.video || listener.parameters[MEDIA_VIDEO]->codec_id == c->video);
    g_assert_true(!c->file.audio || listener.parameters[MEDIA_AUDIO]->codec_id == c->audio);
    player_stop(player);
    g_assert_cmpint(g_atomic_int_get(&listener.freed), ==, 1);
    g_array_unref(decoded.samples);
    listener_clear(&listener);
    media_dir_free(dir);
}

/* --- loop, seek, pause ------------------------------------------------------------------- */

static void end_third_loop(Listener *listener, MediaKind kind, const AVPacket *packet)
{
    if (kind == MEDIA_VIDEO && packet->dts > 12 * SECOND_US)
        player_set_loop(listener->player, FALSE);
}

/* Over its end the times go on, at the pace of before. */
static void test_loop(gconstpointer data)
{
    const Case *c = data;
    char *dir = media_dir_new();
    Listener listener;
    PlayerClock clock;
    write_file(dir, c->name, &c->file);
    listener_init(&listener);
    gint64 start_ns = listener.now_ns, last_us[2] = { -1, -1 };
    listener.on_packet = end_third_loop;
    PlayerOptions options = { .media_dir = dir, .file = c->name, .loop = TRUE };
    Player *player = listener_play(&listener, options, TRUE, &clock);
    listener_wait_ended(&listener);
    assert_in_order(&listener, start_ns, 100 * NS_PER_MS);
    for (guint i = 0; i < listener.handed->len; i++) {
        const Handed *handed = &g_array_index(listener.handed, Handed, i);
        if (last_us[handed->kind] >= 0)
            g_assert_cmpint(handed->dts_us - last_us[handed->kind], <=, 200000);
        last_us[handed->kind] = handed->dts_us;
    }
    g_assert_cmpuint(listener_count(&listener, MEDIA_VIDEO), ==, 3 * 5 * MEDIA_FILE_FPS);
    g_assert_cmpint(ABS(last_us[MEDIA_VIDEO] - 15 * SECOND_US), <, 350000);
    g_assert_cmpuint(listener.streams[MEDIA_VIDEO], ==, 1);
    player_stop(player);
    listener_clear(&listener);
    media_dir_free(dir);
}

static void seek_at_one_second(Listener *listener, MediaKind kind, const AVPacket *packet)
{
    g_autoptr(GError) error = NULL;
    PlayerStatus status;
    player_status(listener->player, &status);
    if (listener->step == 0 && packet->dts >= SECOND_US) {
        listener->step = 1;
        g_assert_true(player_seek(listener->player, 3300000, &error));
        g_assert_no_error(error);
    } else if (listener->step == 1 && kind == MEDIA_VIDEO) {
        listener->step = 2;
        g_assert_true(packet->flags & AV_PKT_FLAG_KEY);
        g_assert_cmpint(ABS(status.position_us - 3 * SECOND_US), <, 100000);
    }
}

/* From 1 s to the key frame at 3 s, without a gap in the times. */
static void test_seek(gconstpointer data)
{
    const Case *c = data;
    char *dir = media_dir_new();
    Listener listener;
    PlayerClock clock;
    write_file(dir, c->name, &c->file);
    listener_init(&listener);
    gint64 start_ns = listener.now_ns;
    listener.on_packet = seek_at_one_second;
    PlayerOptions options = { .media_dir = dir, .file = c->name };
    Player *player = listener_play(&listener, options, TRUE, &clock);
    listener_wait_ended(&listener);
    g_assert_no_error(listener.error);
    g_assert_cmpuint(listener.step, ==, 2);
    assert_in_order(&listener, start_ns, 2 * NS_PER_US);
    g_assert_cmpint(ABS(listener.now_ns - start_ns - 3 * NS_PER_SEC), <, 250 * NS_PER_MS);
    player_stop(player);
    listener_clear(&listener);
    media_dir_free(dir);
}

static void pause_at_one_second(Listener *listener, MediaKind kind, const AVPacket *packet)
{
    (void)kind;
    if (listener->step == 0 && packet->dts >= SECOND_US) {
        listener->step = 1;
        player_pause(listener->player, TRUE);
    }
}

/* A pause is a gap in the times, and nothing is lost. */
static void test_pause(void)
{
    char *dir = media_dir_new();
    Listener listener;
    PlayerClock clock;
    PlayerStatus status = { 0 };
    gint64 last_us = 0, widest_us = 0;
    write_file(dir, "a.mp4", &plain_mp4);
    listener_init(&listener);
    gint64 start_ns = listener.now_ns;
    listener.on_packet = pause_at_one_second;
    PlayerOptions options = { .media_dir = dir, .file = "a.mp4" };
    Player *player = listener_play(&listener, options, TRUE, &clock);
    listener_wait_packets(&listener, 1);
    while (status.state != PLAYER_PAUSED || status.position_us < SECOND_US / 2) {
        player_status(player, &status);
        g_thread_yield();
    }
    g_assert_cmpint(ABS(status.position_us - SECOND_US), <, 150000);
    listener_advance_to(&listener, start_ns + 11 * NS_PER_SEC);
    player_pause(player, FALSE);
    listener_wait_ended(&listener);
    assert_in_order(&listener, start_ns, 2 * NS_PER_US);
    for (guint i = 0; i < listener.handed->len; i++) {
        const Handed *handed = &g_array_index(listener.handed, Handed, i);
        if (handed->kind != MEDIA_VIDEO)
            continue;
        widest_us = MAX(widest_us, handed->dts_us - last_us);
        last_us = handed->dts_us;
    }
    g_assert_cmpint(ABS(widest_us - 10 * SECOND_US), <, 100000);
    g_assert_cmpuint(listener_count(&listener, MEDIA_VIDEO), ==, 5 * MEDIA_FILE_FPS);
    g_assert_cmpint(ABS(listener.now_ns - start_ns - 15 * NS_PER_SEC), <, 250 * NS_PER_MS);
    player_stop(player);
    listener_clear(&listener);
    media_dir_free(dir);
}

/* In real time: a second takes a second, and stopping an instant. */
static void test_real_time(void)
{
    char *dir = media_dir_new();
    Listener listener;
    PlayerClock clock;
    write_file(dir, "a.mp4", &plain_mp4);
    listener_init(&listener);
    gint64 start_ns = clock_now_ns();
    PlayerOptions options = { .media_dir = dir, .file = "a.mp4" };
    Player *player = listener_play(&listener, options, FALSE, &clock);
    listener_wait_packets(&listener, 60);
    gint64 dts_us = g_array_index(listener.handed, Handed, 59).dts_us;
    g_assert_cmpint(clock_now_ns() - start_ns, >=, dts_us * NS_PER_US);
    player_stop(player);
    g_assert_cmpint(g_atomic_int_get(&listener.freed), ==, 1);
    g_assert_false(listener.ended);
    listener_clear(&listener);
    media_dir_free(dir);
}

/* --- still pictures ---------------------------------------------------------------------- */

static const guint8 tiny_png[] = { 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00,
                                   0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00, 0x01,
                                   0x00, 0x00, 0x00, 0x01, 0x08, 0x06, 0x00, 0x00, 0x00, 0x1f,
                                   0x15, 0xc4, 0x89, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x44, 0x41,
                                   0x54, 0x78, 0x9c, 0x63, 0xf8, 0xcf, 0xc0, 0xf0, 0x1f, 0x00,
                                   0x05, 0x00, 0x01, 0xff, 0x56, 0xc7, 0x2f, 0x0d, 0x00, 0x00,
                                   0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82 };

static void write_bytes(const char *dir, const char *name, gconstpointer data, gsize size)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    g_autoptr(GError) error = NULL;
    g_file_set_contents(path, data, (gssize)size, &error);
    g_assert_no_error(error);
}

static void test_still(void)
{
    char *dir = media_dir_new();
    Listener listener;
    PlayerClock clock;
    PlayerStatus status;
    write_bytes(dir, "logo.png", tiny_png, sizeof tiny_png);
    listener_init(&listener);
    PlayerOptions options = { .media_dir = dir, .file = "logo.png" };
    Player *player = listener_play(&listener, options, TRUE, &clock);
    listener_wait_packets(&listener, 5);
    player_status(player, &status);
    g_assert_false(status.seekable);
    g_assert_false(player_seek(player, 0, NULL));
    player_stop(player);
    for (guint i = 1; i < 5; i++)
        g_assert_cmpint(g_array_index(listener.handed, Handed, i).pts_us -
                            g_array_index(listener.handed, Handed, i - 1).pts_us,
                        ==, 2 * SECOND_US);
    g_assert_cmpint(listener.parameters[MEDIA_VIDEO]->codec_id, ==, AV_CODEC_ID_PNG);
    g_assert_cmpint(listener.parameters[MEDIA_VIDEO]->width, ==, 1);
    listener_clear(&listener);
    media_dir_free(dir);
}

/* --- what cannot be played --------------------------------------------------------------- */

/* Play to its end; the error's sentence, or "". */
static char *outcome(const char *dir, const char *name, guint *packets)
{
    Listener listener;
    PlayerClock clock;
    PlayerStatus status;
    listener_init(&listener);
    PlayerOptions options = { .media_dir = dir, .file = name };
    Player *player = listener_play(&listener, options, TRUE, &clock);
    listener_wait_ended(&listener);
    player_status(player, &status);
    char *message = g_strdup(listener.error ? listener.error->message : "");
    g_assert_cmpint(status.state, ==, listener.error ? PLAYER_FAILED : PLAYER_ENDED);
    g_assert_cmpstr(status.error, ==, message);
    *packets = listener.handed->len;
    player_stop(player);
    listener_clear(&listener);
    return message;
}

static void assert_outcome(const char *dir, const char *name, const char *part)
{
    guint packets = 0;
    g_autofree char *message = outcome(dir, name, &packets);
    g_test_message("%s: %s", name, message);
    g_assert_nonnull(strstr(message, part));
}

static void test_names(void)
{
    static const char *const names[] = {
        "", ".", "..", ".hidden", "../a.mp4", "a/b.mp4", "/a.mp4"
    };
    static const MediaEvents events = { on_stream, on_packet, on_ended };
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GError) error = NULL;
        PlayerOptions options = { .media_dir = "/tmp", .file = names[i] };
        g_assert_null(player_new(&options, &events, NULL, NULL, &error));
        g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID);
    }
    g_autoptr(GError) error = NULL;
    PlayerOptions options = { .url = "file:///etc/passwd" };
    g_assert_null(player_new(&options, &events, NULL, NULL, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID);
}

static void test_unplayable(void)
{
    char *dir = media_dir_new();
    g_autofree char *link = g_build_filename(dir, "link.mp4", NULL);
    g_autofree char *folder = g_build_filename(dir, "folder.mp4", NULL);
    MediaFile wide = plain_mp4, many = plain_mp4;
    guint8 huge_png[sizeof tiny_png];
    wide.width = 5000;
    wide.seconds = many.seconds = 1;
    many.format = "matroska";
    many.extra_streams = 60;
    write_file(dir, "a.mp4", &plain_mp4);
    write_file(dir, "wide.mp4", &wide);
    write_file(dir, "many.mkv", &many);
    write_bytes(dir, "text.mp4", "hello\n", 6);
    write_bytes(dir, "empty.mp4", "", 0);
    write_bytes(dir, "list.m3u8", "#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", 32);
    memcpy(huge_png, tiny_png, sizeof huge_png);
    huge_png[16] = huge_png[20] = 0x7f;
    write_bytes(dir, "huge.png", huge_png, sizeof huge_png);
    g_assert_cmpint(symlink("a.mp4", link), ==, 0);
    g_assert_cmpint(g_mkdir(folder, 0700), ==, 0);
    assert_outcome(dir, "missing.mp4", "no readable file \"missing.mp4\"");
    assert_outcome(dir, "link.mp4", "no readable file");
    assert_outcome(dir, "folder.mp4", "no readable file");
    assert_outcome(dir, "text.mp4", "cannot be played");
    assert_outcome(dir, "empty.mp4", "cannot be played");
    assert_outcome(dir, "list.m3u8", "cannot be played");
    assert_outcome(dir, "wide.mp4", "5000x96");
    assert_outcome(dir, "many.mkv", "too many streams");
    assert_outcome(dir, "huge.png", "pixels");
    media_dir_free(dir);
}

/* Cut anywhere, or with bytes that lie: it ends, and soon. */
static void test_damaged(gconstpointer data)
{
    const Case *c = data;
    char *dir = media_dir_new();
    g_autofree char *path = g_build_filename(dir, c->name, NULL), *whole = NULL;
    MediaFile shorter = c->file;
    gsize size = 0;
    GRand *random = g_rand_new_with_seed(7);
    shorter.seconds = 2;
    media_file_write(path, &shorter);
    g_assert_true(g_file_get_contents(path, &whole, &size, NULL));
    gint64 begun_ns = clock_now_ns();
    for (guint i = 0; i < 60; i++) {
        g_autofree guint8 *copy = g_memdup2(whole, size);
        gsize length = i % 3 ? size : (gsize)g_rand_int_range(random, 1, (gint32)size);
        for (guint k = 0; k < i; k++) {
            gsize at = (gsize)g_rand_int_range(random, 0, (gint32)(k % 2 ? size : MIN(size, 1500)));
            copy[at] = k % 3 ? (guint8)g_rand_int(random) : k % 2 ? 0 : 0xff;
        }
        guint packets = 0;
        write_bytes(dir, c->name, copy, length);
        g_autofree char *message = outcome(dir, c->name, &packets);
        g_assert_true(packets > 0 || *message);
    }
    g_test_message("60 damaged files in %" G_GINT64_FORMAT " ms",
                   (clock_now_ns() - begun_ns) / NS_PER_MS);
    g_assert_cmpint(clock_now_ns() - begun_ns, <, 60 * NS_PER_SEC);
    g_rand_free(random);
    media_dir_free(dir);
}

int main(int argc, char **argv)
{
    static const Case cases[] = {
        { "b.mp4",
          { "mp4", "libx264", "aac", 5, 2, 44100, 0, 0, "movflags=+faststart" },
          AV_CODEC_ID_H264,
          AV_CODEC_ID_AAC },
        { "f.mp4",
          { "mp4", "libx264", "aac", 5, 2, 0, 0, 0,
            "movflags=+frag_keyframe+empty_moov+default_base_moof" },
          AV_CODEC_ID_H264,
          AV_CODEC_ID_AAC },
        { "a.flv",
          { "flv", "libx264", "aac", 5, 2, 44100, 0, 0, "flvflags=+add_keyframe_index" },
          AV_CODEC_ID_H264,
          AV_CODEC_ID_AAC },
        { "a.mkv",
          { "matroska", "libx264", "libmp3lame", 5, 2, 44100, 0, 0, NULL },
          AV_CODEC_ID_H264,
          AV_CODEC_ID_MP3 },
        { "a.webm",
          { "webm", "libvpx", "libopus", 5, 0, 0, 0, 0, NULL },
          AV_CODEC_ID_VP8,
          AV_CODEC_ID_OPUS },
        { "a.ogg",
          { "ogg", NULL, "libvorbis", 5, 0, 44100, 0, 0, NULL },
          AV_CODEC_ID_NONE,
          AV_CODEC_ID_VORBIS },
        { "a.opus",
          { "ogg", NULL, "libopus", 5, 0, 0, 0, 0, NULL },
          AV_CODEC_ID_NONE,
          AV_CODEC_ID_OPUS },
        { "a.mp3",
          { "mp3", NULL, "libmp3lame", 5, 0, 44100, 0, 0, NULL },
          AV_CODEC_ID_NONE,
          AV_CODEC_ID_MP3 },
        { "a.wav",
          { "wav", NULL, "pcm_s16le", 5, 0, 44100, 0, 0, NULL },
          AV_CODEC_ID_NONE,
          AV_CODEC_ID_PCM_S16LE },
    };
    av_log_set_level(AV_LOG_QUIET);
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *plays = g_strconcat("/player/format/", cases[i].name, NULL);
        g_autofree char *loops = g_strconcat("/player/loop/", cases[i].name, NULL);
        g_autofree char *seeks = g_strconcat("/player/seek/", cases[i].name, NULL);
        g_autofree char *damaged = g_strconcat("/player/damaged/", cases[i].name, NULL);
        g_test_add_data_func(plays, &cases[i], test_format);
        g_test_add_data_func(damaged, &cases[i], test_damaged);
        if (!cases[i].file.video)
            continue;
        g_test_add_data_func(loops, &cases[i], test_loop);
        g_test_add_data_func(seeks, &cases[i], test_seek);
    }
    g_test_add_func("/player/pause", test_pause);
    g_test_add_func("/player/real-time", test_real_time);
    g_test_add_func("/player/still", test_still);
    g_test_add_func("/player/names", test_names);
    g_test_add_func("/player/unplayable", test_unplayable);
    return g_test_run();
}
