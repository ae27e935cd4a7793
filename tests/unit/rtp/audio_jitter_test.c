#include "rtp/audio_jitter.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define TICK_NS (20 * NS_PER_MS)
#define TICK    960
#define MAX_LAG 720
#define PERIOD  400 /* what one stretch takes out or puts in */

/* A sender, a line and a listener in simulated time. */
typedef struct {
    gint64 at_ns;
    AudioJitterPacket packet; /* payload: the index of the packet */
} Arrival;

typedef struct {
    gint duration;
    gdouble rate; /* of the sender's clock */
    gdouble loss;
    gdouble duplicates;
    gboolean fec;
    gint64 delay_ns, jitter_ns;        /* uniform; may be changed while it runs */
    gint64 stall_from_ns, stall_to_ns; /* what is sent meanwhile arrives at the end ... */
    gint64 spacing_ns;                 /* ... so far apart */
    gint64 quiet_from_ns, quiet_to_ns; /* DTX */
    guint16 first_seq;
    guint32 first_ts;
} Line;

typedef struct {
    Line line;
    AudioJitter *jitter;
    GRand *rand;
    GSequence *arrivals;
    gint64 now_ns, next_send_ns, newest_arrival_ns;
    guint32 index;
    guint16 seq;
    guint32 ts;

    /* The listener. */
    gint buffered, credit;
    guint stretches;
    guint32 last_index;
    guint64 action_samples[4], wishes[4], played, out_of_order;
    gint64 delay_ns, max_delay_ns; /* capture to ear */
    GString *log;
} Sim;

static gint by_time(gconstpointer a, gconstpointer b, gpointer user)
{
    (void)user;
    gint64 x = ((const Arrival *)a)->at_ns, y = ((const Arrival *)b)->at_ns;
    return x < y ? -1 : x > y;
}

static void free_arrival(gpointer data)
{
    g_bytes_unref(((Arrival *)data)->packet.payload);
    g_free(data);
}

static Sim *sim_new(Line line)
{
    Sim *sim = g_new0(Sim, 1);
    sim->line = line;
    sim->line.duration = line.duration ? line.duration : TICK;
    sim->line.rate = line.rate > 0 ? line.rate : 1;
    sim->line.delay_ns = line.delay_ns ? line.delay_ns : 10 * NS_PER_MS;
    sim->seq = line.first_seq;
    sim->ts = line.first_ts;
    sim->jitter = audio_jitter_new();
    sim->rand = g_rand_new_with_seed(11);
    sim->arrivals = g_sequence_new(free_arrival);
    sim->now_ns = 5 * NS_PER_SEC + 7 * NS_PER_MS;
    sim->next_send_ns = sim->now_ns;
    return sim;
}

static void sim_free(Sim *sim)
{
    audio_jitter_free(sim->jitter);
    g_rand_free(sim->rand);
    g_sequence_free(sim->arrivals);
    if (sim->log)
        g_string_free(sim->log, TRUE);
    g_free(sim);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Sim, sim_free)

static gint64 sim_duration_ns(const Sim *sim)
{
    return (gint64)(sim->line.duration * 62500.0 / 3 / sim->line.rate);
}

static gint64 arrival_ns(const Sim *sim)
{
    gint64 at_ns = sim->next_send_ns + sim->line.delay_ns +
                   (gint64)(g_rand_double(sim->rand) * (gdouble)sim->line.jitter_ns);
    if (at_ns >= sim->line.stall_from_ns && at_ns < sim->line.stall_to_ns)
        at_ns = sim->line.stall_to_ns;
    return at_ns;
}

/** What waits goes through the line one after the other. */
static gint64 queued_ns(Sim *sim, gint64 at_ns)
{
    if (sim->line.spacing_ns)
        at_ns = MAX(at_ns, sim->newest_arrival_ns + sim->line.spacing_ns);
    sim->newest_arrival_ns = at_ns;
    return at_ns;
}

static void sim_put(Sim *sim, gint64 at_ns, gsize size)
{
    guint8 payload[40] = { 0 };
    memcpy(payload, &sim->index, MIN(size, sizeof sim->index));
    Arrival *arrival = g_new0(Arrival, 1);
    arrival->at_ns = at_ns;
    arrival->packet = (AudioJitterPacket){
        .seq = sim->seq,
        .rtp_timestamp = sim->ts,
        .arrival_ns = at_ns,
        .duration = sim->line.duration,
        .has_fec = sim->line.fec,
        .payload = g_bytes_new(payload, size),
    };
    g_sequence_insert_sorted(sim->arrivals, arrival, by_time, NULL);
}

/** The sender's next packet sets off, unless it is silent: then one of 1 byte each 400 ms. */
static void sim_send(Sim *sim)
{
    gboolean quiet =
        sim->next_send_ns >= sim->line.quiet_from_ns && sim->next_send_ns < sim->line.quiet_to_ns;
    gint64 since_ns = sim->next_send_ns - sim->line.quiet_from_ns;
    gboolean sent = !quiet || since_ns % (400 * NS_PER_MS) < sim_duration_ns(sim);
    gint64 at_ns = queued_ns(sim, arrival_ns(sim));
    gdouble dice = g_rand_double(sim->rand), again = g_rand_double(sim->rand);
    if (sent && dice >= sim->line.loss) {
        sim_put(sim, at_ns, quiet ? 1 : 40);
        if (again < sim->line.duplicates)
            sim_put(sim, at_ns + 3 * NS_PER_MS, quiet ? 1 : 40);
    }
    if (sent)
        sim->seq++;
    sim->ts += (guint32)sim->line.duration;
    sim->index++;
    sim->next_send_ns += sim_duration_ns(sim);
}

static void sim_deliver(Sim *sim)
{
    while (sim->next_send_ns <= sim->now_ns)
        sim_send(sim);
    for (;;) {
        GSequenceIter *first = g_sequence_get_begin_iter(sim->arrivals);
        if (g_sequence_iter_is_end(first))
            return;
        Arrival *arrival = g_sequence_get(first);
        if (arrival->at_ns > sim->now_ns)
            return;
        audio_jitter_insert(sim->jitter, &arrival->packet);
        g_sequence_remove(first);
    }
}

static void sim_stretch(Sim *sim, AudioStretchWish wish, gint max_stretch)
{
    if (sim->credit < MAX_LAG || wish == AUDIO_STRETCH_NONE)
        return;
    if (wish == AUDIO_STRETCH_FASTER && (max_stretch < PERIOD || sim->buffered < 2 * PERIOD))
        return;
    sim->buffered += wish == AUDIO_STRETCH_FASTER ? -PERIOD : PERIOD;
    sim->credit -= PERIOD;
    sim->stretches++;
}

static void sim_heard(Sim *sim, const AudioJitterPull *pull)
{
    guint32 index = 0;
    memcpy(&index, g_bytes_get_data(pull->payload, NULL),
           MIN(g_bytes_get_size(pull->payload), sizeof index));
    if (pull->action == AUDIO_JITTER_PACKET && g_bytes_get_size(pull->payload) > 1) {
        sim->out_of_order += sim->played && index <= sim->last_index;
        sim->last_index = index;
        sim->played++;
        gint64 ago = (gint64)(sim->index - index) * sim_duration_ns(sim);
        /* The first sample of the packet is heard after what is buffered. */
        sim->delay_ns = sim->now_ns - (sim->next_send_ns - ago) + sim->buffered * 62500 / 3;
        sim->max_delay_ns = MAX(sim->max_delay_ns, sim->delay_ns);
    }
}

/** One tick of the mixer: 20 ms. */
static void sim_tick(Sim *sim)
{
    sim->now_ns += TICK_NS;
    sim_deliver(sim);
    guint pulls = 0;
    while (sim->buffered < TICK) {
        AudioJitterPull pull;
        g_assert_cmpuint(++pulls, <, 64);
        audio_jitter_pull(sim->jitter, sim->now_ns, sim->buffered, &pull);
        g_assert_cmpint(pull.samples, >, 0);
        g_assert_true((pull.payload != NULL) ==
                      (pull.action == AUDIO_JITTER_PACKET || pull.action == AUDIO_JITTER_FEC));
        sim->wishes[pull.wish]++;
        if (sim->log)
            g_string_append_printf(sim->log, "%d:%u:%d ", pull.action, pull.rtp_timestamp,
                                   pull.samples);
        if (pull.payload && pull.wish != AUDIO_STRETCH_SKIP)
            sim_heard(sim, &pull);
        g_clear_pointer(&pull.payload, g_bytes_unref);
        if (pull.wish == AUDIO_STRETCH_SKIP)
            continue;
        sim->action_samples[pull.action] += (guint64)pull.samples;
        sim->buffered += pull.samples;
        sim_stretch(sim, pull.wish, pull.max_stretch);
    }
    sim->buffered -= TICK;
    sim->credit = MIN(sim->credit + TICK / 10, MAX_LAG);
}

static void sim_run(Sim *sim, gdouble seconds)
{
    memset(sim->action_samples, 0, sizeof sim->action_samples);
    memset(sim->wishes, 0, sizeof sim->wishes);
    sim->max_delay_ns = 0;
    for (gint i = 0; i < (gint)(seconds * 50 + 0.5); i++)
        sim_tick(sim);
}

/** Share of the time of the last run that was concealed, in percent. */
static gdouble concealed_pct(const Sim *sim)
{
    guint64 all = 0;
    for (guint i = 0; i < 4; i++)
        all += sim->action_samples[i];
    return 100.0 * (gdouble)sim->action_samples[AUDIO_JITTER_CONCEAL] / (gdouble)all;
}

static gint64 target(const Sim *sim)
{
    AudioJitterStats stats;
    audio_jitter_stats(sim->jitter, &stats);
    return stats.target_ns;
}

static gint64 level(const Sim *sim)
{
    AudioJitterStats stats;
    audio_jitter_stats(sim->jitter, &stats);
    return stats.level_ns;
}

static void report(const Sim *sim, const char *what)
{
    g_test_message(
        "%s: target %.0f ms, level %.0f ms, delay %.0f (at most %.0f) ms, "
        "concealed %.2f %%, faster %u, slower %u, skipped %u",
        what, target(sim) / 1e6, level(sim) / 1e6, sim->delay_ns / 1e6, sim->max_delay_ns / 1e6,
        concealed_pct(sim), (guint)sim->wishes[AUDIO_STRETCH_FASTER],
        (guint)sim->wishes[AUDIO_STRETCH_SLOWER], (guint)sim->wishes[AUDIO_STRETCH_SKIP]);
}

/* --- Tests ------------------------------------------------------------------------------------ */

static void test_calm(void)
{
    g_autoptr(Sim) sim = sim_new((Line){ .jitter_ns = 5 * NS_PER_MS });
    g_assert_cmpint(target(sim), ==, 40 * NS_PER_MS);
    sim_run(sim, 1);
    g_assert_cmpint(sim->action_samples[AUDIO_JITTER_CONCEAL], ==, 0);
    g_assert_cmpint(sim->max_delay_ns, <=, 80 * NS_PER_MS);
    sim_run(sim, 5);
    sim_run(sim, 60);
    report(sim, "calm");
    g_assert_cmpint(target(sim), ==, 20 * NS_PER_MS);
    g_assert_cmpint(level(sim), <=, 45 * NS_PER_MS);
    g_assert_cmpint(sim->max_delay_ns, <=, 55 * NS_PER_MS); /* 10 of which are the line's */
    g_assert_cmpuint(sim->action_samples[AUDIO_JITTER_CONCEAL], ==, 0);
    g_assert_cmpuint(sim->action_samples[AUDIO_JITTER_EMPTY], ==, 0);
    g_assert_cmpuint(sim->out_of_order, ==, 0);
}

static void test_jitter_200_ms(void)
{
    g_autoptr(Sim) sim = sim_new((Line){ .jitter_ns = 3 * NS_PER_MS });
    sim_run(sim, 10);
    sim->line.jitter_ns = 200 * NS_PER_MS;
    sim_run(sim, 3);
    report(sim, "the first 3 s of 200 ms jitter");
    g_assert_cmpint(target(sim), >=, 180 * NS_PER_MS);
    g_assert_cmpint(target(sim), <=, 240 * NS_PER_MS);
    sim_run(sim, 30);
    report(sim, "200 ms jitter");
    g_assert_cmpfloat(concealed_pct(sim), <, 1);
    g_assert_cmpint(target(sim), <=, 240 * NS_PER_MS);
    sim->line.jitter_ns = 3 * NS_PER_MS;
    sim_run(sim, 29);
    g_assert_cmpuint(sim->action_samples[AUDIO_JITTER_CONCEAL], ==, 0);
    sim_run(sim, 1);
    report(sim, "30 s later");
    g_assert_cmpint(target(sim), <, 60 * NS_PER_MS);
    g_assert_cmpint(level(sim), <, 60 * NS_PER_MS);
    g_assert_cmpuint(sim->out_of_order, ==, 0);
}

/** A line that hangs for 200 ms every four seconds: what that needs is forgotten too early once or
 *  twice, then it is kept, and nothing is missed any more. */
static void test_hangs_often(void)
{
    g_autoptr(Sim) sim = sim_new((Line){ .jitter_ns = 3 * NS_PER_MS });
    guint64 concealed = 0;
    sim_run(sim, 10);
    for (gint i = 0; i < 20; i++) {
        sim->line.stall_from_ns = sim->now_ns;
        sim->line.stall_to_ns = sim->now_ns + 200 * NS_PER_MS;
        sim_run(sim, 4);
        concealed += i < 8 ? 0 : sim->action_samples[AUDIO_JITTER_CONCEAL];
        report(sim, "hang");
    }
    g_assert_cmpuint(concealed, ==, 0);
    g_assert_cmpint(sim->max_delay_ns, <=, 260 * NS_PER_MS);
}

/** Two hiccups in a minute do not make everybody wait. */
static void test_outliers(void)
{
    g_autoptr(Sim) sim = sim_new((Line){ .jitter_ns = 3 * NS_PER_MS });
    sim_run(sim, 10);
    for (gint i = 0; i < 2; i++) {
        sim->line.stall_from_ns = sim->now_ns;
        sim->line.stall_to_ns = sim->now_ns + 100 * NS_PER_MS;
        sim_run(sim, 30);
        g_assert_cmpint(target(sim), ==, 20 * NS_PER_MS);
        g_assert_cmpuint(sim->action_samples[AUDIO_JITTER_CONCEAL], <=, 4800);
        g_assert_cmpint(level(sim), <=, 40 * NS_PER_MS);
    }
}

static void test_loss(gconstpointer data)
{
    gdouble loss = GPOINTER_TO_INT(data) / 100.0;
    g_autoptr(Sim) plain = sim_new((Line){ .jitter_ns = 3 * NS_PER_MS, .loss = loss });
    g_autoptr(Sim) fec = sim_new((Line){ .jitter_ns = 3 * NS_PER_MS, .loss = loss, .fec = TRUE });
    sim_run(plain, 10);
    sim_run(plain, 120);
    report(plain, "without FEC");
    sim_run(fec, 10);
    sim_run(fec, 120);
    report(fec, "with FEC");
    g_assert_cmpfloat(concealed_pct(plain), <=, 100 * loss * 1.5);
    g_assert_cmpfloat(concealed_pct(fec), <=, 100 * loss * loss * 1.5 + 0.05);
    g_assert_cmpint(fec->max_delay_ns, <=, 90 * NS_PER_MS);
    g_assert_cmpint(plain->max_delay_ns, <=, 70 * NS_PER_MS);
    AudioJitterStats stats;
    audio_jitter_stats(fec->jitter, &stats);
    g_assert_cmpuint(stats.lost, >, (guint64)(6500 * loss * 0.8));
    g_assert_cmpuint(stats.lost, <, (guint64)(6500 * loss * 1.2));
    g_assert_cmpuint(stats.fec, >, (guint64)(6500 * loss * 0.7 * (1 - loss)));
}

static void test_drift(gconstpointer data)
{
    gdouble rate = 1 + GPOINTER_TO_INT(data) / 1e6;
    g_autoptr(Sim) sim = sim_new((Line){ .jitter_ns = 5 * NS_PER_MS, .rate = rate });
    guint64 concealed = 0;
    sim_run(sim, 5);
    sim->stretches = 0;
    for (gint i = 0; i < 3000; i++) {
        sim_run(sim, 0.1);
        concealed += sim->action_samples[AUDIO_JITTER_CONCEAL];
        g_assert_cmpint(level(sim), <=, target(sim) + 40 * NS_PER_MS);
        g_assert_cmpint(sim->max_delay_ns, <=, 100 * NS_PER_MS);
    }
    report(sim, "after 5 minutes");
    g_test_message("%d ppm: concealed %u samples, stretched %u times", GPOINTER_TO_INT(data),
                   (guint)concealed, sim->stretches);
    /* 200 ppm are 60 ms in 5 minutes: some pitch periods, nothing that is heard. */
    if (abs(GPOINTER_TO_INT(data)) <= 200) {
        g_assert_cmpuint(concealed, ==, 0);
        g_assert_cmpuint(sim->stretches, <=, 15);
    }
    g_assert_cmpuint(concealed, <, 48000 * 300 / 1000);
    g_assert_cmpuint(sim->out_of_order, ==, 0);
}

/** The line hangs for 5 s, then everything comes at once. */
static void test_stall(void)
{
    g_autoptr(Sim) sim = sim_new((Line){ .jitter_ns = 3 * NS_PER_MS });
    sim_run(sim, 10);
    sim->line.stall_from_ns = sim->now_ns;
    sim->line.stall_to_ns = sim->now_ns + 5 * NS_PER_SEC;
    sim_run(sim, 4.9);
    g_assert_cmpuint(sim->action_samples[AUDIO_JITTER_CONCEAL], >, 20000);
    g_assert_cmpuint(sim->action_samples[AUDIO_JITTER_CONCEAL], <, 30000);
    sim_run(sim, 0.3);
    sim_run(sim, 0.2);
    report(sim, "after the stall");
    g_assert_cmpint(level(sim), <=, target(sim) + 40 * NS_PER_MS);
    g_assert_cmpint(sim->max_delay_ns, <=, 90 * NS_PER_MS);
    sim_run(sim, 60);
    g_assert_cmpuint(sim->action_samples[AUDIO_JITTER_CONCEAL], ==, 0);
    g_assert_cmpint(target(sim), ==, 20 * NS_PER_MS);
}

typedef struct {
    const char *name;
    gdouble after_s, stall_s;
    gint64 spacing_ns;
    guint stalls;   /* this many, two seconds apart */
    gint within_ms; /* of the delay before, after three seconds */
    gdouble rate;   /* of the sender's clock; 0: right */
} StallCase;

static const StallCase stall_cases[] = {
    { "early", 3, 1, 0, 1, 25, 0 },
    { "late", 40, 1, 0, 1, 25, 0 },
    { "short", 40, 0.4, 0, 1, 25, 0 },
    { "drained_early", 3, 1, 8 * NS_PER_MS, 1, 25, 0 },
    { "drained", 40, 1, 8 * NS_PER_MS, 1, 25, 0 },
    { "drained_slowly", 40, 1, 14 * NS_PER_MS, 1, 25, 0 },
    { "drained_long", 40, 2.5, 8 * NS_PER_MS, 1, 25, 0 },
    { "thrice", 40, 1, 0, 3, 25, 0 },
    { "fast_clock", 40, 5, 0, 1, 25, 1.025 },
    { "slow_clock", 40, 5, 0, 1, 25, 0.975 },
    { "thrice_drained", 40, 0.7, 8 * NS_PER_MS, 3, 70, 0 },
};

/** When the line has been good again for three seconds, sound is heard as soon as before; where it
 *  keeps stalling, what that needs is kept for some seconds more. */
static void test_delay_comes_back(gconstpointer data)
{
    const StallCase *stall = data;
    g_autoptr(Sim) sim = sim_new((Line){ .jitter_ns = 3 * NS_PER_MS, .rate = stall->rate });
    sim_run(sim, stall->after_s);
    sim_run(sim, 1);
    gint64 before_ns = sim->max_delay_ns;
    for (guint i = 0; i < stall->stalls; i++) {
        sim->line.spacing_ns = stall->spacing_ns;
        sim->line.stall_from_ns = sim->now_ns;
        sim->line.stall_to_ns = sim->now_ns + (gint64)(stall->stall_s * NS_PER_SEC);
        sim_run(sim, stall->stall_s + (i + 1 < stall->stalls ? 2 : 0));
    }
    while (sim->newest_arrival_ns > sim->next_send_ns + 20 * NS_PER_MS)
        sim_run(sim, 0.02);
    sim->line.spacing_ns = 0;
    sim_run(sim, 3);
    report(sim, "three seconds later");
    sim_run(sim, 0.1);
    g_assert_cmpint(sim->max_delay_ns, <=, before_ns + stall->within_ms * NS_PER_MS);
    sim_run(sim, 10);
    sim_run(sim, 20);
    g_assert_cmpuint(sim->action_samples[AUDIO_JITTER_CONCEAL], ==, 0);
    g_assert_cmpint(sim->max_delay_ns, <=, before_ns + 25 * NS_PER_MS);
}

/** The server itself stood still: nobody pulled, and everything arrives when it goes on. */
static void test_suspended(gconstpointer data)
{
    gint64 pause_ns = GPOINTER_TO_INT(data) * NS_PER_SEC;
    g_autoptr(Sim) sim = sim_new((Line){ .jitter_ns = 3 * NS_PER_MS });
    sim_run(sim, 10);
    sim->line.stall_from_ns = sim->now_ns;
    sim->line.stall_to_ns = sim->now_ns + pause_ns;
    sim->now_ns += pause_ns;
    sim_run(sim, 0.2);
    /* The decoder gets two packets before the one that it goes on with. */
    g_assert_cmpuint(sim->wishes[AUDIO_STRETCH_SKIP], ==, pause_ns < 3 * NS_PER_SEC ? 2 : 0);
    sim_run(sim, 0.2);
    report(sim, "after the pause");
    g_assert_cmpint(level(sim), <=, target(sim) + 40 * NS_PER_MS);
    g_assert_cmpint(sim->max_delay_ns, <=, 90 * NS_PER_MS);
}

static void test_dtx(void)
{
    g_autoptr(Sim) sim = sim_new((Line){ .jitter_ns = 3 * NS_PER_MS });
    sim_run(sim, 5);
    for (gint i = 0; i < 5; i++) {
        sim->line.quiet_from_ns = sim->next_send_ns;
        sim->line.quiet_to_ns = sim->next_send_ns + 4 * NS_PER_SEC;
        sim_run(sim, 6);
        g_assert_cmpuint(sim->action_samples[AUDIO_JITTER_CONCEAL], ==, 0);
        g_assert_cmpuint(sim->action_samples[AUDIO_JITTER_EMPTY], >, 48000 * 3);
        g_assert_cmpuint(sim->action_samples[AUDIO_JITTER_EMPTY], <, 48000 * 4);
        g_assert_cmpint(sim->max_delay_ns, <=, 70 * NS_PER_MS);
    }
    AudioJitterStats stats;
    audio_jitter_stats(sim->jitter, &stats);
    g_assert_cmpuint(stats.lost, ==, 0);
    g_assert_cmpuint(stats.skipped, ==, 0);
}

/** A sender that stops without a word: concealed for half a second, then empty; it comes back with
 *  timestamps that went on, or that did not. */
static void test_muted(void)
{
    for (gint kind = 0; kind < 2; kind++) {
        g_autoptr(Sim) sim = sim_new((Line){ .jitter_ns = 3 * NS_PER_MS });
        sim_run(sim, 5);
        guint32 ts = sim->ts;
        sim->next_send_ns += 10 * NS_PER_SEC;
        sim_run(sim, 9.9);
        g_assert_cmpuint(sim->action_samples[AUDIO_JITTER_CONCEAL], ==, 24000);
        sim->ts = kind ? ts : ts + 480000;
        sim_run(sim, 1);
        sim_run(sim, 1);
        g_assert_cmpuint(sim->action_samples[AUDIO_JITTER_PACKET], ==, 48000);
        g_assert_cmpint(sim->max_delay_ns, <=, 60 * NS_PER_MS);
        AudioJitterStats stats;
        audio_jitter_stats(sim->jitter, &stats);
        g_assert_cmpuint(stats.lost, ==, 0);
    }
}

static void test_restart(void)
{
    g_autoptr(Sim) sim = sim_new((Line){ .jitter_ns = 3 * NS_PER_MS });
    sim_run(sim, 5);
    for (gint i = 0; i < 4; i++) {
        sim->seq = (guint16)g_rand_int(sim->rand);
        sim->ts = g_rand_int(sim->rand);
        sim_run(sim, 1);
        g_assert_cmpuint(sim->action_samples[AUDIO_JITTER_CONCEAL], <=, 2 * 960);
        sim_run(sim, 1);
        g_assert_cmpuint(sim->action_samples[AUDIO_JITTER_PACKET], ==, 48000);
        g_assert_cmpint(sim->max_delay_ns, <=, 70 * NS_PER_MS);
    }
    /* One packet from somewhere else changes nothing. */
    AudioJitterStats before, after;
    audio_jitter_stats(sim->jitter, &before);
    g_autoptr(GBytes) payload = g_bytes_new("0123456789", 10);
    AudioJitterPacket stray = { .seq = (guint16)(sim->seq + 20000),
                                .rtp_timestamp = sim->ts,
                                .arrival_ns = sim->now_ns,
                                .duration = 960,
                                .payload = payload };
    audio_jitter_insert(sim->jitter, &stray);
    sim_run(sim, 1);
    g_assert_cmpuint(sim->action_samples[AUDIO_JITTER_PACKET], ==, 48000);
    audio_jitter_stats(sim->jitter, &after);
    g_assert_cmpuint(after.restarts, ==, before.restarts);
    g_assert_cmpuint(after.absurd, ==, before.absurd + 1);
}

static void test_wraps(void)
{
    g_autoptr(Sim) sim = sim_new((Line){
        .jitter_ns = 30 * NS_PER_MS, .first_seq = 65400, .first_ts = 0xffffffffu - 48000 * 2 });
    sim_run(sim, 1);
    sim_run(sim, 10);
    g_assert_cmpfloat(concealed_pct(sim), <, 1.5);
    g_assert_cmpuint(sim->action_samples[AUDIO_JITTER_EMPTY], ==, 0);
    g_assert_cmpuint(sim->out_of_order, ==, 0);
}

static void test_durations(gconstpointer data)
{
    gint duration = GPOINTER_TO_INT(data);
    g_autoptr(Sim) sim = sim_new((Line){ .jitter_ns = 8 * NS_PER_MS, .duration = duration });
    sim_run(sim, 5);
    sim_run(sim, 30);
    report(sim, "packets of this length");
    g_assert_cmpuint(sim->action_samples[AUDIO_JITTER_CONCEAL], ==, 0);
    g_assert_cmpuint(sim->action_samples[AUDIO_JITTER_EMPTY], ==, 0);
    g_assert_cmpint(sim->max_delay_ns, <=, 80 * NS_PER_MS);
    g_assert_cmpuint(sim->out_of_order, ==, 0);
    sim->line.loss = 0.05;
    sim_run(sim, 60);
    report(sim, "with 5 % loss");
    g_assert_cmpfloat(concealed_pct(sim), <, 8.5);
}

/** Whether a packet comes once or twice makes no difference to what is played. */
static void test_duplicates(void)
{
    g_autoptr(Sim) once = sim_new((Line){ .jitter_ns = 40 * NS_PER_MS, .loss = 0.02 });
    g_autoptr(Sim) twice =
        sim_new((Line){ .jitter_ns = 40 * NS_PER_MS, .loss = 0.02, .duplicates = 0.5 });
    once->log = g_string_new("");
    twice->log = g_string_new("");
    sim_run(once, 60);
    sim_run(twice, 60);
    g_assert_cmpstr(once->log->str, ==, twice->log->str);
    AudioJitterStats stats;
    audio_jitter_stats(twice->jitter, &stats);
    g_assert_cmpuint(stats.duplicates, >, 1300);
}

static void test_min_delay(void)
{
    g_autoptr(Sim) sim = sim_new((Line){ .jitter_ns = 3 * NS_PER_MS });
    sim_run(sim, 5);
    audio_jitter_set_min_delay(sim->jitter, 150 * NS_PER_MS);
    sim_run(sim, 3);
    g_assert_cmpuint(sim->action_samples[AUDIO_JITTER_CONCEAL], ==, 0);
    g_assert_cmpint(level(sim), >=, 140 * NS_PER_MS);
    g_assert_cmpint(level(sim), <=, 180 * NS_PER_MS);
    audio_jitter_set_min_delay(sim->jitter, 0);
    sim_run(sim, 3);
    g_assert_cmpint(level(sim), <=, 60 * NS_PER_MS);
}

/** Nobody pulls: 200 packets, 2 s are kept. */
static void test_limits(void)
{
    static const gint durations[] = { 120, 960, 5760 };
    g_autoptr(GBytes) payload = g_bytes_new("0123456789", 10);
    for (guint k = 0; k < G_N_ELEMENTS(durations); k++) {
        g_autoptr(AudioJitter) jitter = audio_jitter_new();
        guint kept = 0;
        for (guint i = 0; i < 1000; i++) {
            AudioJitterPacket packet = { .seq = (guint16)i,
                                         .rtp_timestamp = i * (guint)durations[k],
                                         .arrival_ns = i * NS_PER_MS,
                                         .duration = durations[k],
                                         .payload = payload };
            audio_jitter_insert(jitter, &packet);
        }
        AudioJitterStats stats;
        audio_jitter_stats(jitter, &stats);
        kept = (guint)(stats.packets - stats.skipped);
        g_assert_cmpuint(kept, <=, 200);
        g_assert_cmpuint(kept * (guint)durations[k], <=, 2 * 48000);
        g_assert_cmpuint(kept, >=, k == 2 ? 15 : 100);
    }
}

static void test_garbage(void)
{
    g_autoptr(AudioJitter) jitter = audio_jitter_new();
    g_autoptr(GRand) rand = g_rand_new_with_seed(5);
    g_autoptr(GBytes) payload = g_bytes_new("0123456789", 10);
    for (guint i = 0; i < 200000; i++) {
        AudioJitterPacket packet = {
            .seq = (guint16)g_rand_int_range(rand, 0, i % 3 ? 300 : 65536),
            .rtp_timestamp = i % 5 ? g_rand_int(rand) % 100000 : g_rand_int(rand),
            .arrival_ns = i * NS_PER_MS,
            .duration = g_rand_int_range(rand, -100, 7000),
            .has_fec = i % 2,
            .payload = payload,
        };
        AudioJitterPull pull;
        audio_jitter_insert(jitter, &packet);
        audio_jitter_pull(jitter, i * NS_PER_MS, 0, &pull);
        g_assert_cmpint(pull.samples, >, 0);
        g_assert_cmpint(pull.samples, <=, 5760);
        g_clear_pointer(&pull.payload, g_bytes_unref);
        if (i % 5000 == 0)
            audio_jitter_reset(jitter);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, test) g_test_add_func("/rtp/audio_jitter/" path, test)
#define ADD_DATA(path, value, test) \
    g_test_add_data_func("/rtp/audio_jitter/" path, GINT_TO_POINTER(value), test)
    ADD("calm", test_calm);
    ADD("jitter_200_ms", test_jitter_200_ms);
    ADD("hangs_often", test_hangs_often);
    ADD("outliers", test_outliers);
    ADD_DATA("loss/1", 1, test_loss);
    ADD_DATA("loss/5", 5, test_loss);
    ADD_DATA("loss/10", 10, test_loss);
    ADD_DATA("loss/20", 20, test_loss);
    ADD_DATA("drift/200ppm", 200, test_drift);
    ADD_DATA("drift/-200ppm", -200, test_drift);
    ADD_DATA("drift/2.5%", 25000, test_drift);
    ADD_DATA("drift/-2.5%", -25000, test_drift);
    ADD("stall", test_stall);
    for (guint i = 0; i < G_N_ELEMENTS(stall_cases); i++) {
        g_autofree char *path =
            g_strdup_printf("/rtp/audio_jitter/delay_comes_back/%s", stall_cases[i].name);
        g_test_add_data_func(path, &stall_cases[i], test_delay_comes_back);
    }
    ADD_DATA("suspended/1s", 1, test_suspended);
    ADD_DATA("suspended/5s", 5, test_suspended);
    ADD("dtx", test_dtx);
    ADD("muted", test_muted);
    ADD("restart", test_restart);
    ADD("wraps", test_wraps);
    ADD_DATA("duration/2.5ms", 120, test_durations);
    ADD_DATA("duration/5ms", 240, test_durations);
    ADD_DATA("duration/10ms", 480, test_durations);
    ADD_DATA("duration/40ms", 1920, test_durations);
    ADD_DATA("duration/60ms", 2880, test_durations);
    ADD_DATA("duration/120ms", 5760, test_durations);
    ADD("duplicates", test_duplicates);
    ADD("min_delay", test_min_delay);
    ADD("limits", test_limits);
    ADD("garbage", test_garbage);
    return g_test_run();
}
