#include <pthread.h>

#include "base/mailbox.h"

#define POSTERS  4
#define COMMANDS 20000

typedef struct {
    guint poster, number;
} Command;

/* Loop thread. */
static pthread_t loop_thread;
static guint last[POSTERS], ran;

static gint freed; /* atomic */
static Mailbox *mailbox;
static GMainLoop *loop;

static void command_free(gpointer data)
{
    g_atomic_int_inc(&freed);
    g_free(data);
}

static void run(gpointer data)
{
    const Command *command = data;
    g_assert_true(pthread_equal(pthread_self(), loop_thread));
    g_assert_cmpuint(command->number, ==, last[command->poster] + 1);
    last[command->poster] = command->number;
    if (++ran == POSTERS * COMMANDS)
        g_main_loop_quit(loop);
}

static void *post_all(void *data)
{
    for (guint i = 1; i <= COMMANDS; i++) {
        Command *command = g_new(Command, 1);
        *command = (Command){ GPOINTER_TO_UINT(data), i };
        mailbox_post(mailbox, run, command, command_free);
    }
    return NULL;
}

/** Nothing is lost and no wake-up is missed: the loop sleeps whenever the mailbox is empty. */
static void test_posters(void)
{
    pthread_t threads[POSTERS];
    g_autoptr(GMainContext) context = g_main_context_new();
    loop = g_main_loop_new(context, FALSE);
    loop_thread = pthread_self();
    mailbox = mailbox_new_for_context(context);
    for (guint i = 0; i < POSTERS; i++)
        pthread_create(&threads[i], NULL, post_all, GUINT_TO_POINTER(i));
    g_main_loop_run(loop);
    for (guint i = 0; i < POSTERS; i++)
        pthread_join(threads[i], NULL);
    mailbox_free(mailbox);
    g_main_loop_unref(loop);
    g_assert_cmpint(g_atomic_int_get(&freed), ==, POSTERS * COMMANDS);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/mailbox/threaded/posters", test_posters);
    return g_test_run();
}
