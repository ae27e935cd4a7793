#include "base/strand.h"

typedef struct {
    Strand *strand;
    GString *log;
    char sign;
    gint64 due_ns; /* for post_again: when the next one is due */
} Note;

static void append(gpointer data)
{
    const Note *note = data;
    g_string_append_c(note->log, note->sign);
}

static void append_lower(gpointer data)
{
    const Note *note = data;
    g_string_append_c(note->log, g_ascii_tolower(note->sign));
}

static void post_again(gpointer data)
{
    Note *note = data;
    append(note);
    note->due_ns += 10;
    strand_post_at(note->strand, note->due_ns, post_again, note, NULL);
}

static void test_order(void)
{
    g_autoptr(StrandPool) pool = strand_pool_new(0);
    g_autoptr(Strand) strand = strand_new(pool);
    g_autoptr(GString) log = g_string_new(NULL);
    Note notes[] = { { strand, log, 'A', 0 }, { strand, log, 'B', 0 }, { strand, log, 'C', 0 } };
    for (guint i = 0; i < G_N_ELEMENTS(notes); i++)
        strand_post(strand, append, &notes[i], append_lower);
    g_assert_cmpuint(strand_pending(strand), ==, 3);
    g_assert_cmpstr(log->str, ==, "");
    g_assert_cmpuint(strand_pool_run(pool, 0), ==, 3);
    g_assert_cmpstr(log->str, ==, "AaBbCc");
    g_assert_cmpuint(strand_pending(strand), ==, 0);
    g_assert_cmpuint(strand_pool_run(pool, 0), ==, 0);
}

/** A strand with much to do does not keep the others from running. */
static void test_strands_take_turns(void)
{
    g_autoptr(StrandPool) pool = strand_pool_new(0);
    g_autoptr(Strand) one = strand_new(pool);
    g_autoptr(Strand) other = strand_new(pool);
    g_autoptr(GString) log = g_string_new(NULL);
    Note notes[] = { { one, log, 'A', 0 }, { other, log, 'B', 0 } };
    for (gint i = 0; i < 3; i++)
        strand_post(one, append, &notes[0], NULL);
    strand_post(other, append, &notes[1], NULL);
    g_assert_cmpuint(strand_pool_run(pool, 0), ==, 4);
    g_assert_cmpstr(log->str, ==, "ABAA");
}

static void test_delays(void)
{
    static const gint64 due_ns[] = { 50, 20, 90, 20, 10, 70, 20 };
    g_autoptr(StrandPool) pool = strand_pool_new(0);
    g_autoptr(Strand) strand = strand_new(pool);
    g_autoptr(GString) log = g_string_new(NULL);
    Note notes[G_N_ELEMENTS(due_ns)];
    g_assert_cmpint(strand_pool_next_due(pool), ==, G_MAXINT64);
    for (guint i = 0; i < G_N_ELEMENTS(due_ns); i++) {
        notes[i] = (Note){ strand, log, (char)('A' + i), 0 };
        strand_post_at(strand, due_ns[i], append, &notes[i], NULL);
    }
    g_assert_cmpint(strand_pool_next_due(pool), ==, 10);
    g_assert_cmpuint(strand_pool_run(pool, 9), ==, 0);
    g_assert_cmpuint(strand_pool_run(pool, 20), ==, 4);
    g_assert_cmpstr(log->str, ==, "EBDG"); /* by time; what is due at once in order of posting */
    g_assert_cmpint(strand_pool_next_due(pool), ==, 50);
    g_assert_cmpuint(strand_pool_run(pool, 1000), ==, 3);
    g_assert_cmpstr(log->str, ==, "EBDGAFC");
}

static void test_many_delays(void)
{
    g_autoptr(StrandPool) pool = strand_pool_new(0);
    g_autoptr(Strand) strand = strand_new(pool);
    g_autoptr(GString) log = g_string_new(NULL);
    g_autoptr(GRand) random = g_rand_new_with_seed(1);
    g_autofree Note *notes = g_new0(Note, 1000);
    for (guint i = 0; i < 1000; i++) {
        gint due = g_rand_int_range(random, 0, 26);
        notes[i] = (Note){ strand, log, (char)('a' + due), 0 };
        strand_post_at(strand, due, append, &notes[i], NULL);
    }
    g_assert_cmpuint(strand_pool_run(pool, 26), ==, 1000);
    for (gsize i = 1; i < log->len; i++)
        g_assert_cmpint(log->str[i - 1], <=, log->str[i]);
}

/** A task that posts its successor, as a scene's tick does. */
static void test_ticking(void)
{
    StrandPool *pool = strand_pool_new(0);
    g_autoptr(Strand) strand = strand_new(pool);
    g_autoptr(GString) log = g_string_new(NULL);
    Note note = { strand, log, 'A', 10 };
    strand_post_at(strand, 10, post_again, &note, NULL);
    g_assert_cmpuint(strand_pool_run(pool, 35), ==, 3);
    g_assert_cmpint(strand_pool_next_due(pool), ==, 40);
    strand_pool_free(pool);
}

/** What did not run is freed when the pool stops, and what is posted afterwards at once. */
static void test_stop_destroys(void)
{
    StrandPool *pool = strand_pool_new(0);
    Strand *strand = strand_new(pool);
    Strand *unposted = strand_new(pool);
    g_autoptr(GString) log = g_string_new(NULL);
    Note notes[] = { { strand, log, 'A', 0 }, { strand, log, 'B', 0 }, { strand, log, 'C', 0 } };
    strand_post(strand, append, &notes[0], append_lower);
    strand_post(strand, append, &notes[1], append_lower);
    strand_post_at(strand, 100, append, &notes[2], append_lower);
    strand_pool_free(pool);
    g_assert_cmpstr(log->str, ==, "abc");
    strand_unref(strand);
    strand_unref(unposted);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/strand/order", test_order);
    g_test_add_func("/base/strand/turns", test_strands_take_turns);
    g_test_add_func("/base/strand/delays", test_delays);
    g_test_add_func("/base/strand/many_delays", test_many_delays);
    g_test_add_func("/base/strand/ticking", test_ticking);
    g_test_add_func("/base/strand/stop", test_stop_destroys);
    return g_test_run();
}
