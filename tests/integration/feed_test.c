#include <libavcodec/avcodec.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "codecs/aac_encoder.h"
#include "codecs/codec.h"
#include "room/feed.h"
#include "room/room_media.h"
#include "support/sim_world.h"

/* What comes by other doors than WebRTC is seen and heard like everybody else, in step, whatever
 * the sender's clock does. */

#define BEEP_HZ  1000
#define LIMIT_MS 45
#define FPS      30
#define WIDTH    160
#define HEIGHT   90

static char studio_id[32]; /* of the publisher that came last */

/* --- an encoder such as people publish with ---------------------------------------------- */

typedef struct {
    const MediaEvents *events;
    gpointer user;
    GDestroyNotify user_free;
    AacEncoder *sound;
    VideoEncoder *pictures;
    gboolean beeps, no_pictures;
    gboolean dark; /* one picture in a second: nobody looks */
    SimPaint paint;
    gint key_every; /* pictures; 0: a second */
    gdouble ppm;
    gint64 start_ns, epoch_us; /* epoch: of its clock, at the start */
    gint64 delay_ns;
    gint64 ticks, frames; /* that were sent */
    gboolean stopped;
    guint gone;
    char reason[80];
} Publisher;

static void on_gone(const char *reason, gpointer user)
{
    Publisher *publisher = user;
    publisher->gone++;
    publisher->stopped = TRUE;
    g_strlcpy(publisher->reason, reason, sizeof publisher->reason);
}

static void tell_streams(Publisher *publisher)
{
    AVCodecParameters *parameters = avcodec_parameters_alloc();
    g_assert_true(aac_encoder_parameters(publisher->sound, parameters));
    publisher->events->stream(MEDIA_AUDIO, parameters, publisher->user);
    avcodec_parameters_free(&parameters);
    parameters = avcodec_parameters_alloc();
    parameters->codec_type = AVMEDIA_TYPE_VIDEO;
    parameters->codec_id = AV_CODEC_ID_VP8;
    publisher->events->stream(MEDIA_VIDEO, parameters, publisher->user);
    avcodec_parameters_free(&parameters);
}

static void publisher_init(Publisher *publisher, Room *room, gint64 now_ns)
{
    VideoEncoderConfig config = { .width = WIDTH,
                                  .height = HEIGHT,
                                  .fps = FPS,
                                  .bitrate_bps = 300000,
                                  .temporal_layers = 1,
                                  .keyframe_interval = MAX(publisher->key_every, FPS) };
    RoomFeedOptions options = {
        .name = "Studio", .client = "rtmp", .gone = on_gone, .user = publisher
    };
    g_autoptr(GError) error = NULL;
    thread_assert_control();
    publisher->start_ns = now_ns;
    publisher->sound = aac_encoder_new(0, &error);
    g_assert_no_error(error);
    publisher->pictures = video_encoder_new(&codec_vp8, &config, &error);
    g_assert_no_error(error);
    const Participant *participant = room_join_feed(
        room, &options, &publisher->events, &publisher->user, &publisher->user_free, &error);
    g_assert_no_error(error);
    g_strlcpy(studio_id, participant_id(participant), sizeof studio_id);
    tell_streams(publisher);
}

static void publisher_clear(Publisher *publisher)
{
    aac_encoder_free(publisher->sound);
    video_encoder_free(publisher->pictures);
    publisher->user_free(publisher->user);
}

/* How long its clock has run at this moment. */
static gint64 own_time_ns(const Publisher *publisher, gint64 now_ns)
{
    gint64 since_ns = now_ns - publisher->start_ns - publisher->delay_ns;
    return since_ns + (gint64)((gdouble)since_ns * publisher->ppm * 1e-6);
}

static void send_sound(Publisher *publisher, gint64 now_ns)
{
    float tick[AUDIO_TICK_SAMPLES * AUDIO_CHANNELS];
    gint64 sample = publisher->ticks++ * AUDIO_TICK_SAMPLES;
    AVPacket *packet = av_packet_alloc();
    sim_microphone(tick, sample, BEEP_HZ, 0.4, publisher->beeps);
    aac_encoder_send(publisher->sound, tick, sample * 1000 / 48);
    while (aac_encoder_receive(publisher->sound, packet)) {
        packet->pts += publisher->epoch_us;
        packet->dts += publisher->epoch_us;
        publisher->events->packet(MEDIA_AUDIO, packet, now_ns, publisher->user);
    }
    av_packet_free(&packet);
}

static void send_picture(Publisher *publisher, gint64 now_ns)
{
    gint64 media_ns = publisher->frames * NS_PER_SEC / FPS;
    AVFrame *picture = sim_camera_picture(publisher->beeps ? SIM_FLASH : SIM_SOLID,
                                          publisher->paint, WIDTH, HEIGHT, media_ns);
    gint key_every = publisher->key_every ? publisher->key_every : FPS;
    VideoEncodeHints hints = { .force_keyframe = publisher->frames % key_every == 0 };
    VideoEncodeInfo info;
    AVPacket *packet = av_packet_alloc();
    if (video_encoder_encode(publisher->pictures, picture, publisher->frames * 90000 / FPS, &hints,
                             packet, &info, NULL)) {
        packet->pts = packet->dts = publisher->epoch_us + media_ns / 1000;
        publisher->events->packet(MEDIA_VIDEO, packet, now_ns, publisher->user);
    }
    publisher->frames++;
    av_packet_free(&packet);
    av_frame_free(&picture);
}

static void publisher_step(SimWorld *world, gint64 now_ns, gpointer user)
{
    Publisher *publisher = user;
    gint64 own_ns = own_time_ns(publisher, now_ns);
    (void)world;
    while (!publisher->stopped && (publisher->ticks + 1) * 20 * NS_PER_MS <= own_ns)
        send_sound(publisher, now_ns);
    while (!publisher->stopped && !publisher->no_pictures &&
           publisher->frames * NS_PER_SEC / FPS <= own_ns) {
        if (publisher->dark && publisher->frames % FPS != 0)
            publisher->frames++;
        else
            send_picture(publisher, now_ns);
    }
}

/* --- what is seen and heard -------------------------------------------------------------- */

static SimWorld *world_new(void)
{
    static const char *const fine[] = { "video.fps=30", NULL };
    SimWorldOptions options = { .project_dir = PROJECT_DIR, .settings = fine };
    return sim_world_new(&options);
}

static SimPeer *join_watcher(SimWorld *world, guint number)
{
    SimPeerConfig config = { .name = "Watcher", .number = number, .view_only = TRUE };
    SimPeer *watcher = sim_world_join(world, &config);
    VideoRect middle = { 152, 82, 16, 16 };
    sim_eye_probe(sim_peer_eye(watcher), &middle);
    return watcher;
}

typedef struct {
    guint pairs;
    gdouble worst_ms; /* positive: the beep comes after the flash */
    gdouble delay_ms; /* of the beeps: from the sender's second to the mix, an arbitrary zero */
} Skew;

static GArray *flashes(SimPeer *watcher, gint64 from_ns)
{
    const GArray *frames = sim_eye_frames(sim_peer_eye(watcher));
    GArray *times = g_array_new(FALSE, FALSE, sizeof(gint64));
    gint before = 255;
    for (guint i = 0; i < frames->len; i++) {
        const SimFrame *frame = &g_array_index(frames, SimFrame, i);
        gint64 at_ns;
        if (frame->arrival_ns >= from_ns && frame->probe_luma > 120 && before <= 120 &&
            sim_peer_mix_time(watcher, TRUE, frame->rtp_timestamp, &at_ns))
            g_array_append_val(times, at_ns);
        before = frame->probe_luma;
    }
    return times;
}

static gint64 nearest(const GArray *times, gint64 to_ns)
{
    gint64 least_ns = G_MAXINT64;
    for (guint i = 0; i < times->len; i++) {
        gint64 apart_ns = to_ns - g_array_index(times, gint64, i);
        least_ns = ABS(apart_ns) < ABS(least_ns) ? apart_ns : least_ns;
    }
    return least_ns;
}

/* When the sender's second begins that is nearest to this moment of ours. */
static gdouble since_second_ms(const Publisher *publisher, gint64 mix_ns)
{
    gint64 now_ns = mix_ns - clock_ntp_to_ns(clock_ntp(0));
    gdouble own_s = (gdouble)own_time_ns(publisher, now_ns) / NS_PER_SEC;
    return (own_s - floor(own_s)) * 1000;
}

static Skew measure(const Publisher *publisher, SimPeer *watcher, gint64 from_ns, gint64 to_ns)
{
    g_autoptr(GArray) lights = flashes(watcher, from_ns);
    g_autoptr(GArray) beeps = sim_ear_onsets(sim_peer_ear(watcher), BEEP_HZ, from_ns, to_ns);
    Skew skew = { 0 };
    for (guint i = 0; i < beeps->len; i++) {
        gint64 beep_ns;
        g_assert_true(
            sim_peer_mix_time(watcher, FALSE, g_array_index(beeps, guint32, i), &beep_ns));
        gint64 apart_ns = nearest(lights, beep_ns);
        if (ABS(apart_ns) > 500 * NS_PER_MS)
            continue; /* its flash lies outside the time that is looked at */
        gdouble apart_ms = (gdouble)apart_ns / NS_PER_MS;
        skew.pairs++;
        skew.delay_ms += since_second_ms(publisher, beep_ns);
        if (fabs(apart_ms) > fabs(skew.worst_ms))
            skew.worst_ms = apart_ms;
    }
    skew.delay_ms /= MAX(skew.pairs, 1);
    g_test_message("%u pairs, worst %.1f ms apart, the mix %.1f ms behind", skew.pairs,
                   skew.worst_ms, skew.delay_ms);
    return skew;
}

static Skew watch(SimWorld *world, const Publisher *publisher, SimPeer *watcher, guint seconds)
{
    gint64 from_ns = sim_world_now_ns(world);
    sim_world_run(world, seconds * NS_PER_SEC);
    return measure(publisher, watcher, from_ns, sim_world_now_ns(world));
}

/* --- the tests --------------------------------------------------------------------------- */

static void check_colour(SimPeer *watcher, SimPaint paint)
{
    VideoRect middle = { 152, 82, 16, 16 };
    SimColour colour = sim_eye_colour(sim_peer_eye(watcher), &middle);
    g_assert_cmpint(ABS(colour.y - paint.y), <, 22);
    g_assert_cmpint(ABS(colour.u - paint.u), <, 22);
    g_assert_cmpint(ABS(colour.v - paint.v), <, 22);
}

static Participant *find_studio(Room *room) ON_CONTROL_THREAD;
static Participant *find_studio(Room *room)
{
    return room_find(room, studio_id);
}

static gboolean is_active(Room *room, const char *medium)
{
    thread_assert_control();
    Participant *participant = find_studio(room);
    json_t *json = participant_to_json(participant);
    gboolean active = json_is_true(json_object_get(json_object_get(json, medium), "sending"));
    json_decref(json);
    return active;
}

static void test_seen_and_heard(void)
{
    SimWorld *world = world_new();
    Room *room = sim_world_room(world);
    Publisher publisher = { .paint = sim_green, .epoch_us = 77000000 };
    publisher_init(&publisher, room, sim_world_now_ns(world));
    sim_world_set_step(world, publisher_step, &publisher);
    SimPeer *watcher = join_watcher(world, 2);
    sim_world_run(world, 6 * NS_PER_SEC);
    check_colour(watcher, sim_green);
    gint64 now_ns = sim_world_now_ns(world);
    SimTone tone = sim_ear_watch_tone(sim_peer_ear(watcher), BEEP_HZ, now_ns - 3 * NS_PER_SEC,
                                      now_ns - NS_PER_SEC / 2);
    g_test_message("tone %.1f dB, dip %.2f dB, step %.3f rad", tone.level_db, tone.worst_dip_db,
                   tone.worst_step_rad);
    g_assert_cmpfloat(fabs(tone.level_db - 20 * log10(0.4)), <, 3);
    g_assert_cmpfloat(tone.worst_dip_db, >, -1);
    g_assert_true(is_active(room, "audio") && is_active(room, "video"));

    publisher.no_pictures = TRUE;
    sim_world_run(world, 4 * NS_PER_SEC);
    g_assert_true(is_active(room, "audio") && !is_active(room, "video"));
    sim_world_free(world);
    g_assert_cmpuint(publisher.gone, ==, 1);
    publisher_clear(&publisher);
}

static void check_skew(const Publisher *settings)
{
    SimWorld *world = world_new();
    Publisher publisher = *settings;
    publisher.beeps = TRUE;
    publisher_init(&publisher, sim_world_room(world), sim_world_now_ns(world));
    sim_world_set_step(world, publisher_step, &publisher);
    SimPeer *watcher = join_watcher(world, 2);
    sim_world_run(world, 4 * NS_PER_SEC);
    Skew skew = watch(world, &publisher, watcher, 12);
    json_t *stats = sim_world_stats(world);
    g_assert_cmpuint(skew.pairs, >=, 10);
    g_assert_cmpfloat(fabs(skew.worst_ms), <=, LIMIT_MS);
    g_assert_cmpfloat(sim_json_number(stats, "participants.p1.feed.audio.underruns"), ==, 0);
    g_assert_cmpfloat(sim_json_number(stats, "participants.p1.feed.video.late"), ==, 0);
    g_assert_cmpfloat(sim_json_number(stats, "participants.p1.feed.damaged"), ==, 0);
    json_decref(stats);
    sim_world_free(world);
    publisher_clear(&publisher);
}

static void test_in_step(void)
{
    Publisher calm = { .delay_ns = 30 * NS_PER_MS };
    Publisher fast = { .ppm = 200, .epoch_us = -5 * G_GINT64_CONSTANT(3600000000) };
    check_skew(&calm);
    check_skew(&fast);
}

/* Watched in the beginning and in the end. */
static void test_ten_minutes(void)
{
    SimWorld *world = world_new();
    Publisher publisher = { .beeps = TRUE, .ppm = 200, .delay_ns = 20 * NS_PER_MS };
    publisher_init(&publisher, sim_world_room(world), sim_world_now_ns(world));
    sim_world_set_step(world, publisher_step, &publisher);
    sim_world_run(world, 75 * NS_PER_SEC);
    SimPeer *first = join_watcher(world, 2);
    sim_world_run(world, 5 * NS_PER_SEC);
    Skew before = watch(world, &publisher, first, 10);
    sim_world_leave(world, first);
    publisher.dark = TRUE;
    sim_world_run(world, 595 * NS_PER_SEC);
    publisher.dark = FALSE;
    sim_world_run(world, 5 * NS_PER_SEC);
    SimPeer *second = join_watcher(world, 3);
    sim_world_run(world, 5 * NS_PER_SEC);
    Skew after = watch(world, &publisher, second, 10);
    g_assert_cmpuint(before.pairs, >=, 8);
    g_assert_cmpuint(after.pairs, >=, 8);
    g_assert_cmpfloat(fabs(after.delay_ms - before.delay_ms), <=, 10);
    g_assert_cmpfloat(fabs(after.worst_ms), <=, LIMIT_MS);
    sim_world_free(world);
    publisher_clear(&publisher);
}

/* How long the first thing that somebody sees is not what the sender shows now. */
static gdouble first_picture_ms(SimWorld *world, guint number, SimPaint paint)
{
    SimPeer *watcher = join_watcher(world, number);
    sim_world_run(world, NS_PER_SEC);
    const GArray *frames = sim_eye_frames(sim_peer_eye(watcher));
    g_assert_cmpuint(frames->len, >, 0);
    gint64 first_ns = g_array_index(frames, SimFrame, 0).arrival_ns, seen_ns = G_MAXINT64;
    for (guint i = 0; i < frames->len; i++) {
        const SimFrame *frame = &g_array_index(frames, SimFrame, i);
        if (ABS(frame->probe_luma - paint.y) < 8)
            seen_ns = MIN(seen_ns, frame->arrival_ns);
    }
    check_colour(watcher, paint);
    sim_world_leave(world, watcher);
    gdouble wait_ms = (gdouble)(seen_ns - first_ns) / NS_PER_MS;
    g_test_message("the right picture %.0f ms after the first", wait_ms);
    return wait_ms;
}

/* A key frame in ten seconds, and nobody looks at first: who comes sees what is sent now, not only
 * after the next key frame; also where somebody looked since the last one. */
static void test_first_picture(void)
{
    SimWorld *world = world_new();
    Publisher publisher = { .paint = sim_blue, .key_every = 10 * FPS };
    publisher_init(&publisher, sim_world_room(world), sim_world_now_ns(world));
    sim_world_set_step(world, publisher_step, &publisher);
    sim_world_run(world, 4 * NS_PER_SEC);
    publisher.paint = sim_green;
    sim_world_run(world, NS_PER_SEC);
    g_assert_cmpfloat(first_picture_ms(world, 2, sim_green), <=, 100);
    publisher.paint = sim_red;
    sim_world_run(world, NS_PER_SEC);
    g_assert_cmpfloat(first_picture_ms(world, 3, sim_red), <=, 100);
    sim_world_run(world, 5 * NS_PER_SEC);
    publisher.paint = sim_blue;
    sim_world_run(world, NS_PER_SEC / 2);
    publisher.no_pictures = TRUE; /* one that stands still */
    sim_world_run(world, NS_PER_SEC / 2);
    g_assert_cmpfloat(first_picture_ms(world, 4, sim_blue), <=, 100);
    json_t *stats = sim_world_stats(world);
    g_assert_cmpfloat(sim_json_number(stats, "participants.p1.feed.video.late"), ==, 0);
    g_assert_cmpfloat(sim_json_number(stats, "participants.p1.feed.damaged"), ==, 0);
    json_decref(stats);
    sim_world_free(world);
    publisher_clear(&publisher);
}

static void check_jump(gint64 jump_us)
{
    SimWorld *world = world_new();
    Publisher publisher = { .beeps = TRUE, .epoch_us = G_GINT64_CONSTANT(1000000000) };
    publisher_init(&publisher, sim_world_room(world), sim_world_now_ns(world));
    sim_world_set_step(world, publisher_step, &publisher);
    SimPeer *watcher = join_watcher(world, 2);
    sim_world_run(world, 10 * NS_PER_SEC);
    publisher.epoch_us += jump_us;
    sim_world_run(world, 2 * NS_PER_SEC);
    Skew skew = watch(world, &publisher, watcher, 8);
    g_assert_cmpuint(skew.pairs, >=, 6);
    g_assert_cmpfloat(fabs(skew.worst_ms), <=, LIMIT_MS);
    sim_world_free(world);
    publisher_clear(&publisher);
}

static void test_jumps(void)
{
    check_jump(50000000);
    check_jump(-900000000);
}

static void test_kicked(void)
{
    SimWorld *world = world_new();
    Room *room = sim_world_room(world);
    Publisher publisher = { .paint = sim_blue };
    thread_assert_control();
    publisher_init(&publisher, room, sim_world_now_ns(world));
    sim_world_set_step(world, publisher_step, &publisher);
    sim_world_run(world, 2 * NS_PER_SEC);
    participant_leave(find_studio(room), "kicked");
    g_assert_cmpuint(publisher.gone, ==, 1);
    g_assert_cmpstr(publisher.reason, ==, "kicked");
    publisher.stopped = FALSE; /* it does not listen */
    sim_world_run(world, 2 * NS_PER_SEC);
    g_assert_null(find_studio(room));
    publisher.events->ended(NULL, publisher.user);
    sim_world_free(world);
    g_assert_cmpuint(publisher.gone, ==, 1);
    publisher_clear(&publisher);
}

static void test_ends(void)
{
    SimWorld *world = world_new();
    Room *room = sim_world_room(world);
    Publisher first = { .paint = sim_blue }, second = first;
    thread_assert_control();
    publisher_init(&first, room, sim_world_now_ns(world));
    sim_world_set_step(world, publisher_step, &first);
    sim_world_run(world, 2 * NS_PER_SEC);
    first.stopped = TRUE;
    first.events->ended(NULL, first.user);
    sim_world_run(world, NS_PER_SEC);
    g_assert_null(find_studio(room));
    g_assert_cmpuint(first.gone, ==, 1);

    publisher_init(&second, room, sim_world_now_ns(world));
    room_end_feed(find_studio(room), "it went home");
    g_assert_cmpuint(second.gone, ==, 0);
    sim_world_free(world);
    publisher_clear(&first);
    publisher_clear(&second);
}

/* --- sources of the API ------------------------------------------------------------------ */

static void check_refused(Room *room, const char *text, TesseraError code)
{
    json_t *options = json_loads(text, 0, NULL);
    g_autoptr(GError) error = NULL;
    thread_assert_control();
    g_assert_null(room_add_source(room, options, &error));
    g_test_message("%s", error->message);
    g_assert_cmpint(error->code, ==, code);
    json_decref(options);
}

static void test_pattern(void)
{
    SimWorld *world = world_new();
    Room *room = sim_world_room(world);
    g_autoptr(GError) error = NULL;
    thread_assert_control();
    check_refused(room, "{}", TESSERA_ERROR_INVALID);
    check_refused(room, "{\"pattern\": 1, \"file\": \"a.mp4\"}", TESSERA_ERROR_INVALID);
    check_refused(room, "{\"pattern\": -1}", TESSERA_ERROR_INVALID);
    check_refused(room, "{\"file\": \"a.mp4\"}", TESSERA_ERROR_UNSUPPORTED);
    check_refused(room, "{\"image\": \"none\"}", TESSERA_ERROR_INVALID);
    check_refused(room, "{\"url\": \"ftp://example.org/x\"}", TESSERA_ERROR_INVALID);
    check_refused(room, "{\"url\": \"http://127.0.0.1/x.mp4\"}", TESSERA_ERROR_FORBIDDEN);
    json_t *options = json_pack("{s:i, s:s, s:f}", "pattern", 2, "name", "Bars", "volume", -6.0);
    Participant *source = room_add_source(room, options, &error);
    g_assert_no_error(error);
    json_decref(options);
    SimPeer *watcher = join_watcher(world, 2);
    sim_world_run(world, 3 * NS_PER_SEC);
    g_assert_nonnull(sim_eye_picture(sim_peer_eye(watcher)));
    json_t *patch = json_pack("{s:b, s:f}", "paused", TRUE, "volume", -20.0);
    g_assert_true(room_source_patch(source, patch, &error));
    json_decref(patch);
    patch = json_pack("{s:f}", "position", 3.0);
    g_assert_false(room_source_patch(source, patch, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_UNSUPPORTED);
    json_decref(patch);
    json_t *list = room_sources_json(room);
    json_t *told = json_array_get(list, 0);
    g_assert_cmpuint(json_array_size(list), ==, 1);
    g_assert_cmpstr(json_string_value(json_object_get(told, "state")), ==, "paused");
    g_assert_cmpfloat(json_number_value(json_object_get(told, "volume")), ==, -20);
    json_decref(list);
    participant_leave(source, "no longer wanted");
    sim_world_run(world, NS_PER_SEC);
    sim_world_free(world);
}

/* An image of the store is a picture without end. */
static void test_image(void)
{
    SimWorld *world = world_new();
    LayoutStore *store = rooms_layouts(sim_world_rooms(world));
    AVFrame *red = sim_camera_picture(SIM_SOLID, sim_red, WIDTH, HEIGHT, 0);
    g_autoptr(GError) error = NULL;
    gboolean made;
    thread_assert_control();
    GBytes *file = image_encode(red, IMAGE_PNG, &error);
    g_assert_no_error(error);
    g_assert_true(layout_store_put_image(store, "card", file, &made, &error));
    json_t *options = json_pack("{s:s}", "image", "card");
    g_assert_nonnull(room_add_source(sim_world_room(world), options, &error));
    SimPeer *watcher = join_watcher(world, 2);
    sim_world_run(world, 5 * NS_PER_SEC);
    check_colour(watcher, sim_red);
    g_assert_true(layout_store_delete_image(store, "card", &error));
    sim_world_free(world);
    json_decref(options);
    g_bytes_unref(file);
    av_frame_free(&red);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/feed/seen_and_heard", test_seen_and_heard);
    g_test_add_func("/feed/in_step", test_in_step);
    g_test_add_func("/feed/first_picture", test_first_picture);
    g_test_add_func("/feed/jumps", test_jumps);
    g_test_add_func("/feed/kicked", test_kicked);
    g_test_add_func("/feed/ends", test_ends);
    g_test_add_func("/feed/pattern", test_pattern);
    g_test_add_func("/feed/image", test_image);
    g_test_add_func("/feed/ten_minutes", test_ten_minutes);
    return g_test_run();
}
