#include "rtp/twcc.h"

#include "base/clock.h"

#define STEP_NS (250 * NS_PER_US)

typedef struct {
    guint16 seq;
    gint64 arrival_ns;
} Report;

static void collect(guint16 seq, gint64 arrival_ns, gpointer user)
{
    Report report = { seq, arrival_ns };
    g_array_append_val((GArray *)user, report);
}

/* Everything the receiver has to say, in feedback packets of at most `size` bytes. */
static guint drain(TwccReceiver *receiver, gsize size, GArray *reports)
{
    g_autofree guint8 *fci = g_malloc(size);
    guint n = 0;
    for (gsize used; (used = twcc_receiver_feedback(receiver, fci, size)) > 0; n++) {
        g_assert_cmpuint(used, <=, size);
        g_autofree guint8 *copy = g_memdup2(fci, used);
        g_assert_true(twcc_parse(copy, used, collect, reports));
        /* One byte less cannot be whole. */
        g_assert_false(twcc_parse(copy, used - 1, collect, reports));
    }
    return n;
}

static GArray *reports_new(void)
{
    return g_array_new(FALSE, FALSE, sizeof(Report));
}

static void assert_report(GArray *reports, guint i, guint16 seq, gint64 arrival_ns)
{
    g_assert_cmpuint(i, <, reports->len);
    const Report *report = &g_array_index(reports, Report, i);
    g_assert_cmpuint(report->seq, ==, seq);
    if (arrival_ns == TWCC_NOT_ARRIVED)
        g_assert_cmpint(report->arrival_ns, ==, TWCC_NOT_ARRIVED);
    else
        g_assert_cmpint(report->arrival_ns, ==, arrival_ns / STEP_NS * STEP_NS);
}

/* The bytes of one small feedback, worked out by hand. */
static void test_bytes(void)
{
    static const guint8 expected[] = {
        0x00, 0x10,       /* base sequence number 16 */
        0x00, 0x03,       /* three packets */
        0x00, 0x00, 0x10, /* 16 * 64 ms = 1.024 s */
        0x00,             /* the first feedback */
        0xd2, 0x00,       /* two-bit vector: small, not received, large */
        0x04,             /* 1 ms behind the reference */
        0x01, 0x90,       /* 100 ms */
    };
    g_autoptr(TwccReceiver) receiver = twcc_receiver_new();
    guint8 fci[64];
    g_assert_cmpuint(twcc_receiver_feedback(receiver, fci, sizeof(fci)), ==, 0);
    twcc_receiver_arrived(receiver, 16, 1025 * NS_PER_MS);
    twcc_receiver_arrived(receiver, 18, 1125 * NS_PER_MS);
    gsize size = twcc_receiver_feedback(receiver, fci, sizeof(fci));
    g_assert_cmpmem(fci, size, expected, sizeof(expected));
    g_assert_cmpuint(twcc_receiver_feedback(receiver, fci, sizeof(fci)), ==, 0);
    twcc_receiver_arrived(receiver, 19, 1126 * NS_PER_MS);
    g_assert_cmpuint(twcc_receiver_feedback(receiver, fci, sizeof(fci)), >, 0);
    g_assert_cmpuint(fci[7], ==, 1); /* the second */
}

static void test_wrap_and_holes(void)
{
    g_autoptr(TwccReceiver) receiver = twcc_receiver_new();
    g_autoptr(GArray) reports = reports_new();
    for (guint i = 0; i < 300; i++) {
        if (i % 7 != 3)
            twcc_receiver_arrived(receiver, (guint16)(65400 + i), NS_PER_SEC + i * NS_PER_MS);
    }
    g_assert_cmpuint(drain(receiver, 1000, reports), ==, 1);
    g_assert_cmpuint(reports->len, ==, 300);
    for (guint i = 0; i < 300; i++)
        assert_report(reports, i, (guint16)(65400 + i),
                      i % 7 == 3 ? TWCC_NOT_ARRIVED : NS_PER_SEC + i * NS_PER_MS);
}

/* A packet that was overtaken has a negative delta. */
static void test_reordered(void)
{
    static const guint16 order[] = { 10, 12, 11, 13 };
    static const gint64 arrival_ms[] = { 500, 502, 501, 503 };
    g_autoptr(TwccReceiver) receiver = twcc_receiver_new();
    g_autoptr(GArray) reports = reports_new();
    for (guint i = 0; i < 4; i++)
        twcc_receiver_arrived(receiver, order[i], (500 + i) * NS_PER_MS);
    drain(receiver, 200, reports);
    g_assert_cmpuint(reports->len, ==, 4);
    for (guint i = 0; i < 4; i++)
        assert_report(reports, i, (guint16)(10 + i), arrival_ms[i] * NS_PER_MS);
}

static void test_late(void)
{
    g_autoptr(TwccReceiver) receiver = twcc_receiver_new();
    g_autoptr(GArray) reports = reports_new();
    twcc_receiver_arrived(receiver, 10, 1000 * NS_PER_MS);
    twcc_receiver_arrived(receiver, 12, 1010 * NS_PER_MS);
    drain(receiver, 200, reports);
    assert_report(reports, 1, 11, TWCC_NOT_ARRIVED);
    g_array_set_size(reports, 0);
    twcc_receiver_arrived(receiver, 12, 1050 * NS_PER_MS); /* a repetition: nothing new */
    g_assert_cmpuint(drain(receiver, 200, reports), ==, 0);
    twcc_receiver_arrived(receiver, 11, 1100 * NS_PER_MS);
    drain(receiver, 200, reports);
    assert_report(reports, 0, 11, 1100 * NS_PER_MS);
    assert_report(reports, 1, 12, 1010 * NS_PER_MS);
    /* Overtaken by the very first packet. */
    g_array_set_size(reports, 0);
    twcc_receiver_arrived(receiver, 9, 1110 * NS_PER_MS);
    drain(receiver, 200, reports);
    assert_report(reports, 0, 9, 1110 * NS_PER_MS);
    /* Too late to matter. */
    twcc_receiver_arrived(receiver, 8, 1700 * NS_PER_MS);
    g_assert_cmpuint(drain(receiver, 200, reports), ==, 0);
}

/* 16 bits of 250 us end at 8.19 s: a longer silence starts another feedback. */
static void test_large_delta(void)
{
    static const gint64 at_ms[] = { 0, 8191, 16500, 16499, 60000 };
    g_autoptr(TwccReceiver) receiver = twcc_receiver_new();
    g_autoptr(GArray) reports = reports_new();
    for (guint i = 0; i < 5; i++)
        twcc_receiver_arrived(receiver, (guint16)(2 * i), at_ms[i] * NS_PER_MS);
    g_assert_cmpuint(drain(receiver, 200, reports), ==, 3);
    g_assert_cmpuint(reports->len, ==, 9);
    for (guint i = 0; i < 9; i++)
        assert_report(reports, i, (guint16)i, i % 2 ? TWCC_NOT_ARRIVED : at_ms[i / 2] * NS_PER_MS);
}

/* Whatever the pattern and however small the packets: all is told, once, in order, and exactly. */
static void check_pattern(GRand *random, gsize size, gdouble loss, gdouble pause)
{
    g_autoptr(TwccReceiver) receiver = twcc_receiver_new();
    g_autoptr(GArray) reports = reports_new();
    g_autoptr(GArray) expected = reports_new();
    gint64 now_ns = 77 * NS_PER_SEC;
    guint16 seq = 65000;
    for (guint i = 0; i < 2000; i++, seq++) {
        now_ns += g_rand_double(random) < pause ? 200 * NS_PER_MS : 1700 * NS_PER_US;
        gboolean lost = i > 0 && i < 1999 && g_rand_double(random) < loss;
        Report report = { seq, lost ? TWCC_NOT_ARRIVED : now_ns };
        g_array_append_val(expected, report);
        if (!lost)
            twcc_receiver_arrived(receiver, seq, now_ns);
    }
    drain(receiver, size, reports);
    g_assert_cmpuint(reports->len, ==, expected->len);
    for (guint i = 0; i < expected->len; i++) {
        const Report *report = &g_array_index(expected, Report, i);
        assert_report(reports, i, report->seq, report->arrival_ns);
    }
}

static void test_patterns(void)
{
    static const gsize sizes[] = { TWCC_MIN_FCI, 33, 100, 1180 };
    static const gdouble rates[] = { 0, 0.02, 0.5, 0.98, 1 };
    g_autoptr(GRand) random = g_rand_new_with_seed(4);
    for (guint s = 0; s < G_N_ELEMENTS(sizes); s++) {
        for (guint l = 0; l < G_N_ELEMENTS(rates); l++) {
            for (guint p = 0; p < G_N_ELEMENTS(rates); p++)
                check_pattern(random, sizes[s], rates[l], rates[p]);
        }
    }
}

/* Steady traffic costs little: 100 packets with small deltas are one run and a byte each. */
static void test_size(void)
{
    g_autoptr(TwccReceiver) receiver = twcc_receiver_new();
    guint8 fci[1180];
    for (guint i = 0; i < 100; i++)
        twcc_receiver_arrived(receiver, (guint16)i, i * NS_PER_MS);
    g_assert_cmpuint(twcc_receiver_feedback(receiver, fci, sizeof(fci)), ==, 8 + 2 + 100);
    g_assert_cmpuint(twcc_receiver_feedback(receiver, fci, TWCC_MIN_FCI - 1), ==, 0);
}

/* A peer whose numbers jump about gets bounded memory and valid feedback. */
static void test_hostile_numbers(void)
{
    g_autoptr(TwccReceiver) receiver = twcc_receiver_new();
    g_autoptr(GArray) reports = reports_new();
    g_autoptr(GRand) random = g_rand_new_with_seed(9);
    for (guint i = 0; i < 20000; i++) {
        twcc_receiver_arrived(receiver, (guint16)g_rand_int(random), i * NS_PER_MS);
        if (i % 50 == 0) {
            g_array_set_size(reports, 0);
            drain(receiver, 1180, reports);
            g_assert_cmpuint(reports->len, <=, 4096);
        }
    }
}

static gboolean parses(const guint8 *fci, gsize size)
{
    g_autoptr(GArray) reports = reports_new();
    gboolean whole = twcc_parse(fci, size, collect, reports);
    if (!whole)
        g_assert_cmpuint(reports->len, ==, 0);
    return whole;
}

static void test_parse_refuses(void)
{
    static const guint8 reserved[] = { 0, 1, 0, 1, 0, 0, 0, 0, 0xf0, 0 };
    static const guint8 reserved_run[] = { 0, 1, 0, 1, 0, 0, 0, 0, 0x60, 1, 0, 0 };
    static const guint8 no_chunk[] = { 0, 1, 0, 1, 0, 0, 0, 0, 0 };
    static const guint8 no_delta[] = { 0, 1, 0, 1, 0, 0, 0, 0, 0x20, 1 };
    static const guint8 empty_runs[] = { 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
    static const guint8 too_many[] = { 0, 1, 0x20, 1, 0, 0, 0, 0, 0x1f, 0xff, 0x1f, 0xff };
    static const guint8 most[] = { 0, 1, 0x20, 0, 0, 0, 0, 0, 0x1f, 0xff, 0x1f, 0xff };
    g_assert_false(parses(reserved, sizeof(reserved)));
    g_assert_false(parses(reserved_run, sizeof(reserved_run)));
    g_assert_false(parses(no_chunk, sizeof(no_chunk)));
    g_assert_false(parses(no_delta, sizeof(no_delta)));
    g_assert_false(parses(empty_runs, sizeof(empty_runs)));
    g_assert_false(parses(too_many, sizeof(too_many)));
    g_assert_false(parses(most, 7));
    g_assert_true(parses(most, sizeof(most)));
}

/* The reference time of the wire starts again after 2^24 * 64 ms. */
static void test_clock_wrap(void)
{
    g_autoptr(TwccReceiver) receiver = twcc_receiver_new();
    g_autoptr(GArray) reports = reports_new();
    twcc_receiver_arrived(receiver, 1, TWCC_CLOCK_WRAP_NS - NS_PER_MS);
    twcc_receiver_arrived(receiver, 2, TWCC_CLOCK_WRAP_NS + NS_PER_MS);
    drain(receiver, 100, reports);
    twcc_receiver_arrived(receiver, 3, TWCC_CLOCK_WRAP_NS + 2 * NS_PER_MS);
    drain(receiver, 100, reports);
    assert_report(reports, 1, 2, TWCC_CLOCK_WRAP_NS + NS_PER_MS);
    assert_report(reports, 2, 3, 2 * NS_PER_MS);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/twcc/bytes", test_bytes);
    g_test_add_func("/twcc/wrap-and-holes", test_wrap_and_holes);
    g_test_add_func("/twcc/reordered", test_reordered);
    g_test_add_func("/twcc/late", test_late);
    g_test_add_func("/twcc/large-delta", test_large_delta);
    g_test_add_func("/twcc/patterns", test_patterns);
    g_test_add_func("/twcc/size", test_size);
    g_test_add_func("/twcc/hostile-numbers", test_hostile_numbers);
    g_test_add_func("/twcc/parse-refuses", test_parse_refuses);
    g_test_add_func("/twcc/clock-wrap", test_clock_wrap);
    return g_test_run();
}
