#include "base/mailbox.h"

typedef struct {
    Mailbox *mailbox;
    GString *log;
    char sign;
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
    mailbox_post(note->mailbox, append_lower, note, NULL);
}

static void test_order(void)
{
    g_autoptr(Mailbox) mailbox = mailbox_new();
    g_autoptr(GString) log = g_string_new(NULL);
    Note notes[] = { { mailbox, log, 'A' }, { mailbox, log, 'B' }, { mailbox, log, 'C' } };
    g_assert_cmpuint(mailbox_run(mailbox), ==, 0);
    for (guint i = 0; i < G_N_ELEMENTS(notes); i++)
        mailbox_post(mailbox, append, &notes[i], NULL);
    g_assert_cmpstr(log->str, ==, "");
    g_assert_cmpuint(mailbox_run(mailbox), ==, 3);
    g_assert_cmpstr(log->str, ==, "ABC");
}

/** What a command posts runs the next time: a run always ends. */
static void test_post_from_command(void)
{
    g_autoptr(Mailbox) mailbox = mailbox_new();
    g_autoptr(GString) log = g_string_new(NULL);
    Note note = { mailbox, log, 'A' };
    mailbox_post(mailbox, post_again, &note, NULL);
    g_assert_cmpuint(mailbox_run(mailbox), ==, 1);
    g_assert_cmpstr(log->str, ==, "A");
    g_assert_cmpuint(mailbox_run(mailbox), ==, 1);
    g_assert_cmpstr(log->str, ==, "Aa");
}

/** The data is freed once: after its command, or with the mailbox. */
static void test_destroy(void)
{
    g_autoptr(GString) log = g_string_new(NULL);
    Mailbox *mailbox = mailbox_new();
    Note notes[] = { { mailbox, log, 'A' }, { mailbox, log, 'B' } };
    mailbox_post(mailbox, append, &notes[0], append_lower);
    mailbox_run(mailbox);
    g_assert_cmpstr(log->str, ==, "Aa");
    mailbox_post(mailbox, append, &notes[1], append_lower);
    mailbox_free(mailbox);
    g_assert_cmpstr(log->str, ==, "Aab");
}

static void test_context(void)
{
    g_autoptr(GMainContext) context = g_main_context_new();
    g_autoptr(GString) log = g_string_new(NULL);
    g_autoptr(Mailbox) mailbox = mailbox_new_for_context(context);
    Note notes[] = { { mailbox, log, 'A' }, { mailbox, log, 'B' } };
    g_assert_false(g_main_context_iteration(context, FALSE));
    mailbox_post(mailbox, append, &notes[0], NULL);
    mailbox_post(mailbox, post_again, &notes[1], NULL);
    while (g_main_context_iteration(context, FALSE))
        ;
    g_assert_cmpstr(log->str, ==, "ABb");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/mailbox/order", test_order);
    g_test_add_func("/base/mailbox/post_from_command", test_post_from_command);
    g_test_add_func("/base/mailbox/destroy", test_destroy);
    g_test_add_func("/base/mailbox/context", test_context);
    return g_test_run();
}
