#include "room/feed_sound.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"

#define RATE_HZ    48000
#define TICK_NS    (20 * NS_PER_MS)
#define TONE_HZ    1000.0
#define AMPLITUDE  0.5
#define MAX_STEP   0.072 /* between two samples: the tone itself makes 0.0654 */
#define ONE_SAMPLE 0.066 /* of time, as an error of the tone */
#define FIRST_NS   (77 * NS_PER_SEC)

typedef struct {
    FeedSound *sound;
    gint64 sample; /* that is written next */
    float out[MIXER_TICK_FLOATS];
    AudioPull result;
    gboolean missing;
    float last;
    double worst_step;
} Desk;

static void desk_init(Desk *desk)
{
    memset(desk, 0, sizeof *desk);
    desk->sound = feed_sound_new();
}

static double tone(double sample)
{
    return AMPLITUDE * sin(2 * G_PI * TONE_HZ * sample / RATE_HZ);
}

static gint64 time_at(gint64 sample)
{
    return FIRST_NS + sample * 1000 / 48 * 1000;
}

/* 1024 samples, as AAC has them. */
static void write_block(Desk *desk)
{
    float block[1024 * MIXER_CHANNELS];
    for (gint i = 0; i < 1024; i++)
        block[2 * i] = block[2 * i + 1] = (float)tone((double)(desk->sample + i));
    feed_sound_write(desk->sound, block, 1024, time_at(desk->sample));
    desk->sample += 1024;
}

static void write_until(Desk *desk, gint64 time_ns)
{
    while (time_at(desk->sample) < time_ns)
        write_block(desk);
}

static void read_tick(Desk *desk, gint64 time_ns)
{
    desk->result = feed_sound_read(desk->sound, time_ns, desk->out, &desk->missing);
    if (desk->result == AUDIO_PULL_SILENT)
        memset(desk->out, 0, sizeof desk->out);
    for (gint i = 0; i < MIXER_TICK_SAMPLES; i++) {
        desk->worst_step = MAX(desk->worst_step, fabs(desk->out[2 * i] - desk->last));
        desk->last = desk->out[2 * i];
    }
}

/* How far the tick is from what it should be, where the sample of time_ns stands first. */
static double error_of(const Desk *desk, gint64 time_ns)
{
    double first = (double)(time_ns - FIRST_NS) * RATE_HZ / NS_PER_SEC, worst = 0;
    for (gint i = 0; i < MIXER_TICK_SAMPLES; i++)
        worst = MAX(worst, fabs(desk->out[2 * i] - tone(first + i)));
    return worst;
}

static void desk_clear(Desk *desk)
{
    feed_sound_free(desk->sound);
}

static void test_exact(void)
{
    Desk desk;
    double worst = 0;
    desk_init(&desk);
    for (gint64 i = 0; i < 100; i++) {
        gint64 time_ns = FIRST_NS + i * TICK_NS;
        write_until(&desk, time_ns + 60 * NS_PER_MS);
        read_tick(&desk, time_ns);
        g_assert_cmpint(desk.result, ==, AUDIO_PULL_SOUND);
        g_assert_false(desk.missing);
        if (i > 0)
            worst = MAX(worst, error_of(&desk, time_ns));
    }
    g_test_message("worst error %.6f", worst);
    g_assert_cmpfloat(worst, <, 0.001);
    g_assert_cmpfloat(desk.worst_step, <, MAX_STEP);
    desk_clear(&desk);
}

/* A clock that is 200 ppm off is followed to a fraction of a millisecond, without a step. */
static void test_drift(void)
{
    Desk desk;
    double worst = 0;
    desk_init(&desk);
    for (gint64 i = 0; i < 3000; i++) {
        gint64 time_ns = FIRST_NS + 5 * NS_PER_MS + (gint64)((double)(i * TICK_NS) * 1.0002);
        write_until(&desk, time_ns + 60 * NS_PER_MS);
        read_tick(&desk, time_ns);
        g_assert_false(desk.missing);
        if (i > 50)
            worst = MAX(worst, error_of(&desk, time_ns));
    }
    g_test_message("worst error %.4f: %.3f ms", worst,
                   worst / (AMPLITUDE * 2 * G_PI * TONE_HZ) * 1000);
    g_assert_cmpfloat(worst / (AMPLITUDE * 2 * G_PI * TONE_HZ) * 1000, <, 0.1);
    g_assert_cmpfloat(desk.worst_step, <, MAX_STEP);
    desk_clear(&desk);
}

static void test_waits_and_ends_softly(void)
{
    Desk desk;
    desk_init(&desk);
    read_tick(&desk, FIRST_NS);
    g_assert_cmpint(desk.result, ==, AUDIO_PULL_SILENT);
    write_until(&desk, FIRST_NS + 90 * NS_PER_MS);
    read_tick(&desk, FIRST_NS - 50 * NS_PER_MS);
    g_assert_cmpint(desk.result, ==, AUDIO_PULL_SILENT);
    for (gint64 i = 0; i < 8; i++) {
        read_tick(&desk, FIRST_NS - 10 * NS_PER_MS + i * TICK_NS);
        g_assert_cmpint(desk.result, ==, i < 7 ? AUDIO_PULL_SOUND : AUDIO_PULL_SILENT);
        g_assert_cmpint(desk.missing, ==, i >= 5);
    }
    g_assert_cmpfloat(desk.worst_step, <, MAX_STEP);
    desk_clear(&desk);
}

/* What comes after an underrun is heard in its own place, what came too late is not. */
static void test_underrun(void)
{
    Desk desk;
    desk_init(&desk);
    write_until(&desk, FIRST_NS + 100 * NS_PER_MS);
    for (gint64 i = 0; i < 10; i++)
        read_tick(&desk, FIRST_NS + i * TICK_NS);
    g_assert_cmpint(desk.result, ==, AUDIO_PULL_SILENT);
    write_until(&desk, FIRST_NS + 400 * NS_PER_MS);
    for (gint64 i = 10; i < 15; i++) {
        read_tick(&desk, FIRST_NS + i * TICK_NS);
        g_assert_cmpint(desk.result, ==, AUDIO_PULL_SOUND);
        g_assert_false(desk.missing);
    }
    g_assert_cmpfloat(error_of(&desk, FIRST_NS + 14 * TICK_NS), <, 0.001);
    g_assert_cmpfloat(desk.worst_step, <, MAX_STEP);
    desk_clear(&desk);
}

static void test_gap(void)
{
    Desk desk;
    desk_init(&desk);
    write_until(&desk, FIRST_NS + 100 * NS_PER_MS);
    desk.sample += RATE_HZ / 5;
    write_until(&desk, FIRST_NS + 600 * NS_PER_MS);
    for (gint64 i = 0; i < 25; i++) {
        read_tick(&desk, FIRST_NS + i * TICK_NS);
        g_assert_false(desk.missing);
    }
    g_assert_cmpfloat(error_of(&desk, FIRST_NS + 24 * TICK_NS), <, 0.001);
    g_assert_cmpfloat(desk.worst_step, <, MAX_STEP);
    desk_clear(&desk);
}

static void test_again(void)
{
    Desk desk;
    desk_init(&desk);
    write_until(&desk, FIRST_NS + 300 * NS_PER_MS);
    desk.sample -= RATE_HZ / 10; /* sent again */
    write_until(&desk, FIRST_NS + 500 * NS_PER_MS);
    for (gint64 i = 0; i < 24; i++) {
        read_tick(&desk, FIRST_NS + i * TICK_NS);
        g_assert_false(desk.missing);
    }
    g_assert_cmpfloat(error_of(&desk, FIRST_NS + 23 * TICK_NS), <, 0.001);
    desk_clear(&desk);
}

/* Other times: the old sound is forgotten, also if nobody said so. */
static void check_other_times(gboolean told)
{
    Desk desk;
    desk_init(&desk);
    write_until(&desk, FIRST_NS + 300 * NS_PER_MS);
    for (gint64 i = 0; i < 5; i++)
        read_tick(&desk, FIRST_NS + i * TICK_NS);
    if (told)
        feed_sound_restart(desk.sound);
    desk.sample += 100 * RATE_HZ;
    write_until(&desk, FIRST_NS + 100500 * NS_PER_MS);
    for (gint64 i = 0; i < 10; i++)
        read_tick(&desk, FIRST_NS + 100300 * NS_PER_MS + i * TICK_NS);
    g_assert_false(desk.missing);
    g_assert_cmpfloat(error_of(&desk, FIRST_NS + 100300 * NS_PER_MS + 9 * TICK_NS), <, ONE_SAMPLE);
    g_assert_cmpfloat(desk.worst_step, <, MAX_STEP);
    desk_clear(&desk);
}

static void test_other_times(void)
{
    check_other_times(TRUE);
    check_other_times(FALSE);
}

/* More than there is room for: the newest stays. */
static void test_too_much(void)
{
    Desk desk;
    desk_init(&desk);
    write_until(&desk, FIRST_NS + 10 * NS_PER_SEC);
    read_tick(&desk, FIRST_NS);
    g_assert_cmpint(desk.result, ==, AUDIO_PULL_SILENT);
    read_tick(&desk, FIRST_NS + 9 * NS_PER_SEC);
    read_tick(&desk, FIRST_NS + 9 * NS_PER_SEC + TICK_NS);
    g_assert_cmpfloat(error_of(&desk, FIRST_NS + 9 * NS_PER_SEC + TICK_NS), <, 0.001);
    desk_clear(&desk);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/feed_sound/exact", test_exact);
    g_test_add_func("/feed_sound/drift", test_drift);
    g_test_add_func("/feed_sound/waits_and_ends_softly", test_waits_and_ends_softly);
    g_test_add_func("/feed_sound/underrun", test_underrun);
    g_test_add_func("/feed_sound/gap", test_gap);
    g_test_add_func("/feed_sound/again", test_again);
    g_test_add_func("/feed_sound/other_times", test_other_times);
    g_test_add_func("/feed_sound/too_much", test_too_much);
    return g_test_run();
}
