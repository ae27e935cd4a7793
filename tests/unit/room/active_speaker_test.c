#include "room/active_speaker.h"

#include "base/clock.h"
#include "room/speaker.h"

#define TICK_NS (20 * NS_PER_MS)
#define PEOPLE  4
#define SILENT  127

/* Some people and who of them has the floor. */
typedef struct {
    SpeakerDetector detectors[PEOPLE];
    SpeakerScore scores[PEOPLE];
    ActiveSpeaker floor;
    gint64 now_ns;
    guint changes;
} Talk;

static Talk begin(void)
{
    return (Talk){ .floor.hold_ns = 2 * NS_PER_SEC, .now_ns = NS_PER_SEC };
}

/* One tick with these levels; the index of who has the floor is its address. */
static void tick(Talk *talk, const guint8 *levels)
{
    SpeakerCandidate candidates[PEOPLE];
    talk->now_ns += TICK_NS;
    for (guint i = 0; i < PEOPLE; i++) {
        speaker_update(&talk->detectors[i], levels[i], talk->now_ns);
        speaker_score_update(&talk->scores[i], &talk->detectors[i], levels[i], talk->now_ns);
        candidates[i] = (SpeakerCandidate){ &talk->scores[i], &talk->scores[i] };
    }
    talk->changes += active_speaker_update(&talk->floor, candidates, PEOPLE, talk->now_ns);
}

static void talk_for(Talk *talk, const guint8 *levels, gint64 duration_ns)
{
    for (gint64 t = 0; t < duration_ns; t += TICK_NS)
        tick(talk, levels);
}

static gint active(const Talk *talk)
{
    for (gint i = 0; i < PEOPLE; i++) {
        if (talk->floor.active == &talk->scores[i])
            return i;
    }
    return -1;
}

static const guint8 nobody[PEOPLE] = { SILENT, SILENT, SILENT, SILENT };
static const guint8 first[PEOPLE] = { 30, SILENT, SILENT, SILENT };
static const guint8 second[PEOPLE] = { SILENT, 30, SILENT, SILENT };

static void test_first_who_speaks(void)
{
    Talk talk = begin();
    talk_for(&talk, nobody, NS_PER_SEC);
    g_assert_cmpint(active(&talk), ==, -1);
    talk_for(&talk, first, 300 * NS_PER_MS);
    g_assert_cmpint(active(&talk), ==, -1);
    talk_for(&talk, first, 120 * NS_PER_MS);
    g_assert_cmpint(active(&talk), ==, 0);
    /* Silence leaves it where it is. */
    talk_for(&talk, nobody, 60 * NS_PER_SEC);
    g_assert_cmpint(active(&talk), ==, 0);
    g_assert_cmpuint(talk.changes, ==, 1);
}

static void test_hold(void)
{
    Talk talk = begin();
    talk_for(&talk, first, 500 * NS_PER_MS);
    gint64 since_ns = talk.floor.since_ns;
    talk_for(&talk, second, 1500 * NS_PER_MS);
    g_assert_cmpint(active(&talk), ==, 0);
    talk_for(&talk, second, 1500 * NS_PER_MS);
    g_assert_cmpint(active(&talk), ==, 1);
    g_assert_cmpint(talk.floor.since_ns - since_ns, >=, 2 * NS_PER_SEC);
}

static void test_cough_does_not_take_it(void)
{
    Talk talk = begin();
    talk_for(&talk, first, 3 * NS_PER_SEC);
    for (guint i = 0; i < 20; i++) {
        const guint8 cough[PEOPLE] = { SILENT, SILENT, 5, SILENT };
        talk_for(&talk, cough, 200 * NS_PER_MS);
        talk_for(&talk, nobody, 2 * NS_PER_SEC);
    }
    g_assert_cmpint(active(&talk), ==, 0);
}

/* Two who speak at once, equally loud on average, with the usual ups and downs. */
static void test_two_at_once_do_not_flap(void)
{
    Talk talk = begin();
    GRand *random = g_rand_new_with_seed(5);
    talk_for(&talk, first, 3 * NS_PER_SEC);
    for (guint i = 0; i < 3000; i++) {
        const guint8 both[PEOPLE] = { (guint8)g_rand_int_range(random, 20, 44),
                                      (guint8)g_rand_int_range(random, 20, 44), SILENT, SILENT };
        tick(&talk, both);
    }
    g_assert_cmpuint(talk.changes, ==, 1);
    g_rand_free(random);
}

static void test_clearly_louder_takes_over(void)
{
    Talk talk = begin();
    const guint8 quiet_first[PEOPLE] = { 40, SILENT, SILENT, SILENT };
    const guint8 louder[PEOPLE] = { 40, SILENT, SILENT, 20 };
    talk_for(&talk, quiet_first, 3 * NS_PER_SEC);
    talk_for(&talk, louder, 3 * NS_PER_SEC);
    g_assert_cmpint(active(&talk), ==, 3);
}

static void test_whoever_leaves_is_forgotten(void)
{
    Talk talk = begin();
    talk_for(&talk, first, NS_PER_SEC);
    active_speaker_forget(&talk.floor, &talk.scores[1]);
    g_assert_cmpint(active(&talk), ==, 0);
    active_speaker_forget(&talk.floor, &talk.scores[0]);
    g_assert_null(talk.floor.active);
    talk.detectors[0] = (SpeakerDetector){ 0 };
    talk.scores[0] = (SpeakerScore){ 0 };
    talk_for(&talk, second, NS_PER_SEC); /* no hold for nobody */
    g_assert_cmpint(active(&talk), ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/active-speaker/first", test_first_who_speaks);
    g_test_add_func("/active-speaker/hold", test_hold);
    g_test_add_func("/active-speaker/cough", test_cough_does_not_take_it);
    g_test_add_func("/active-speaker/two-at-once", test_two_at_once_do_not_flap);
    g_test_add_func("/active-speaker/louder", test_clearly_louder_takes_over);
    g_test_add_func("/active-speaker/leaves", test_whoever_leaves_is_forgotten);
    return g_test_run();
}
