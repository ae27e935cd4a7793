#include "net/nested_loop.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <unistd.h>

/* What many connections do at once, with pipes for sockets. */

typedef struct {
    GMainContext *outer;
    NestedLoops *loops;
} World;

typedef struct {
    World *world;
    NestedLoop *loop;
    int ends[2];
    GSource *source;
    guint heard;
} Line;

static void open_world(World *world)
{
    g_autoptr(GError) error = NULL;
    world->outer = g_main_context_new();
    world->loops = nested_loops_new(world->outer, &error);
    g_assert_no_error(error);
}

static void close_world(World *world)
{
    nested_loops_free(world->loops);
    g_main_context_unref(world->outer);
}

/* Until nothing happens any more; returns how often the outer loop turned. */
static guint run_until_quiet(const World *world)
{
    guint turns = 0;
    while (turns < 1000 && g_main_context_iteration(world->outer, FALSE))
        turns++;
    return turns;
}

static void run_for(const World *world, guint ms)
{
    gint64 until_us = g_get_monotonic_time() + ms * 1000;
    while (g_get_monotonic_time() < until_us)
        if (!g_main_context_iteration(world->outer, FALSE))
            g_usleep(500);
}

static gboolean on_byte(gint fd, GIOCondition condition, gpointer data)
{
    Line *line = data;
    char byte;
    (void)condition;
    if (read(fd, &byte, 1) == 1)
        line->heard++;
    return G_SOURCE_CONTINUE;
}

static void listen_to(Line *line)
{
    line->source = g_unix_fd_source_new(line->ends[0], G_IO_IN);
    g_source_set_callback(line->source, G_SOURCE_FUNC(on_byte), line, NULL);
    g_source_attach(line->source, nested_loop_context(line->loop));
}

static void open_line(Line *line, World *world)
{
    thread_assert_net();
    line->world = world;
    line->heard = 0;
    line->loop = nested_loop_new(world->loops);
    g_assert_cmpint(pipe(line->ends), ==, 0);
    listen_to(line);
}

static void stop_listening(Line *line)
{
    g_source_destroy(line->source);
    g_clear_pointer(&line->source, g_source_unref);
    close(line->ends[0]);
    close(line->ends[1]);
}

static void close_line(Line *line)
{
    thread_assert_net();
    stop_listening(line);
    nested_loop_free(line->loop);
}

static void say(const Line *line)
{
    g_assert_cmpint(write(line->ends[1], "x", 1), ==, 1);
}

/* Everybody hears his own, and a quiet loop does not turn. */
static void test_many(void)
{
    World world;
    Line lines[200];
    open_world(&world);
    for (guint i = 0; i < G_N_ELEMENTS(lines); i++)
        open_line(&lines[i], &world);
    run_until_quiet(&world);
    for (guint round = 1; round <= 3; round++) {
        for (guint i = round; i < G_N_ELEMENTS(lines); i += round)
            say(&lines[i]);
        run_until_quiet(&world);
    }
    for (guint i = 0; i < G_N_ELEMENTS(lines); i++)
        g_assert_cmpuint(lines[i].heard, ==,
                         (i >= 1) + (i >= 2 && i % 2 == 0) + (i >= 3 && i % 3 == 0));
    g_assert_cmpuint(run_until_quiet(&world), ==, 0);
    for (guint i = 0; i < G_N_ELEMENTS(lines); i++)
        close_line(&lines[i]);
    close_world(&world);
}

/* A new pipe whose reading end has this number. */
static void open_pipe_as(Line *line, int number)
{
    int ends[2];
    g_assert_cmpint(pipe(ends), ==, 0);
    line->ends[1] = fcntl(ends[1], F_DUPFD, number + 1);
    close(ends[1]);
    line->ends[0] = dup2(ends[0], number);
    g_assert_cmpint(line->ends[0], ==, number);
    if (ends[0] != number)
        close(ends[0]);
}

/* The number of a descriptor that one loop closed is another one's next. */
static void test_same_number(void)
{
    World world;
    Line first, second;
    thread_assert_net();
    open_world(&world);
    open_line(&first, &world);
    second = (Line){ .world = &world, .loop = nested_loop_new(world.loops) };
    run_until_quiet(&world);
    int was = first.ends[0];
    stop_listening(&first);
    open_pipe_as(&second, was);
    listen_to(&second);
    run_until_quiet(&world); /* the first one's turn comes after the second one listens */
    say(&second);
    run_until_quiet(&world);
    g_assert_cmpuint(second.heard, ==, 1);
    nested_loop_free(first.loop);
    say(&second);
    run_until_quiet(&world);
    g_assert_cmpuint(second.heard, ==, 2);

    /* And within one loop: closed, opened and listened to without a turn between. */
    stop_listening(&second);
    open_pipe_as(&second, was);
    listen_to(&second);
    say(&second);
    run_until_quiet(&world);
    g_assert_cmpuint(second.heard, ==, 3);
    close_line(&second);
    close_world(&world);
}

static gboolean note_time(gpointer data)
{
    *(gint64 *)data = g_get_monotonic_time();
    return G_SOURCE_REMOVE;
}

static void attach_timeout(NestedLoop *loop, guint ms, gint64 *at_us)
{
    GSource *source = g_timeout_source_new(ms);
    g_source_set_callback(source, note_time, at_us, NULL);
    g_source_attach(source, nested_loop_context(loop));
    g_source_unref(source);
}

/* Timers fire in their order although nothing arrives, and those attached last may be first. */
static void test_timers(void)
{
    World world;
    gint64 at_us[3] = { 0 };
    thread_assert_net();
    open_world(&world);
    NestedLoop *one = nested_loop_new(world.loops), *other = nested_loop_new(world.loops);
    gint64 begun_us = g_get_monotonic_time();
    attach_timeout(one, 600, &at_us[2]);
    run_until_quiet(&world);
    attach_timeout(other, 400, &at_us[1]);
    attach_timeout(one, 200, &at_us[0]);
    run_for(&world, 1500);
    g_assert_cmpint(at_us[0] - begun_us, >=, 200 * 1000);
    g_assert_cmpint(at_us[1], >=, at_us[0]);
    g_assert_cmpint(at_us[2], >=, at_us[1]);
    nested_loop_free(one);
    nested_loop_free(other);
    close_world(&world);
}

typedef struct {
    Line *line;
    guint taken;
    gboolean leaves; /* what comes is for the context */
} First;

static gboolean read_first(gpointer user)
{
    First *first = user;
    char letter;
    if (first->leaves)
        return FALSE;
    g_assert_cmpint(read(first->line->ends[0], &letter, 1), ==, 1);
    first->taken++;
    return TRUE;
}

/* Who reads first is asked before the context; what it leaves is the context's. */
static void test_read_first(void)
{
    World world;
    Line line;
    thread_assert_net();
    open_world(&world);
    open_line(&line, &world);
    run_until_quiet(&world);
    First first = { .line = &line };
    nested_loop_read_first(line.loop, line.ends[0], read_first, &first);
    say(&line);
    run_until_quiet(&world);
    g_assert_cmpuint(first.taken, ==, 1);
    g_assert_cmpuint(line.heard, ==, 0);
    first.leaves = TRUE;
    say(&line);
    run_until_quiet(&world);
    g_assert_cmpuint(first.taken, ==, 1);
    g_assert_cmpuint(line.heard, ==, 1);
    first.leaves = FALSE;
    nested_loop_read_first(line.loop, -1, NULL, NULL);
    say(&line);
    run_until_quiet(&world);
    g_assert_cmpuint(first.taken, ==, 1);
    g_assert_cmpuint(line.heard, ==, 2);
    close_line(&line);
    close_world(&world);
}

static gboolean end_loops(gpointer data)
{
    Line *lines = data;
    close_line(&lines[0]);
    close_line(&lines[1]);
    return G_SOURCE_REMOVE;
}

/* A loop ends from its own source and takes another one along that has something to do. */
static void test_end_inside(void)
{
    World world;
    Line lines[3];
    open_world(&world);
    for (guint i = 0; i < G_N_ELEMENTS(lines); i++)
        open_line(&lines[i], &world);
    GSource *source = g_idle_source_new();
    g_source_set_callback(source, end_loops, lines, NULL);
    g_source_set_priority(source, G_PRIORITY_HIGH);
    g_source_attach(source, nested_loop_context(lines[0].loop));
    g_source_unref(source);
    for (guint i = 0; i < G_N_ELEMENTS(lines); i++)
        say(&lines[i]);
    run_until_quiet(&world);
    g_assert_cmpuint(lines[0].heard + lines[1].heard, ==, 0);
    g_assert_cmpuint(lines[2].heard, ==, 1);
    close_line(&lines[2]);
    close_world(&world);
}

static gboolean again(gpointer data)
{
    ++*(guint *)data;
    return G_SOURCE_CONTINUE;
}

/* A loop that always has something to do keeps nobody waiting. */
static void test_busy_neighbour(void)
{
    World world;
    Line line;
    guint turns = 0;
    thread_assert_net();
    open_world(&world);
    NestedLoop *busy = nested_loop_new(world.loops);
    GSource *source = g_idle_source_new();
    g_source_set_callback(source, again, &turns, NULL);
    g_source_attach(source, nested_loop_context(busy));
    open_line(&line, &world);
    say(&line);
    for (guint i = 0; i < 10; i++)
        g_main_context_iteration(world.outer, FALSE);
    g_assert_cmpuint(line.heard, ==, 1);
    g_assert_cmpuint(turns, >=, 5);
    g_source_destroy(source);
    g_source_unref(source);
    nested_loop_free(busy);
    close_line(&line);
    close_world(&world);
}

static gpointer attach_elsewhere(gpointer data)
{
    Line *line = data;
    listen_to(line);
    return NULL;
}

/* What another thread attaches is waited for although the net thread sleeps in its poll(). */
static void test_other_thread(void)
{
    World world;
    Line line = { 0 };
    thread_assert_net();
    open_world(&world);
    line.world = &world;
    line.loop = nested_loop_new(world.loops);
    g_assert_cmpint(pipe(line.ends), ==, 0);
    run_until_quiet(&world);
    g_thread_join(g_thread_new("other", attach_elsewhere, &line));
    say(&line);
    run_until_quiet(&world);
    g_assert_cmpuint(line.heard, ==, 1);
    close_line(&line);
    close_world(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    thread_set_roles(THREAD_ALL);
    g_test_add_func("/nested-loop/many", test_many);
    g_test_add_func("/nested-loop/same-number", test_same_number);
    g_test_add_func("/nested-loop/timers", test_timers);
    g_test_add_func("/nested-loop/read_first", test_read_first);
    g_test_add_func("/nested-loop/end-inside", test_end_inside);
    g_test_add_func("/nested-loop/busy-neighbour", test_busy_neighbour);
    g_test_add_func("/nested-loop/other-thread", test_other_thread);
    return g_test_run();
}
