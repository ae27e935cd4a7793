#include "net/nested_loop.h"

#include "base/error.h"
#include "base/log.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define MAX_EVENTS 64

/* A connection has a socket or two, of TCP a few more, and its context's own wake-up. */
#define FIRST_FDS 4

struct NestedLoop {
    NestedLoops *loops;
    GMainContext *context;
    GPollFD *fds; /* what the context waits for, as of the last time it was asked */
    guint n_fds, max_fds;
    GArray *watched; /* of int: the descriptors of `fds` that the epoll knows */
    gint priority;
    gint64 wake_us; /* G_MAXINT64: never */
    gboolean due, dead;
    NestedLoopRead read; /* NULL: the context reads all of them */
    gpointer read_user;
    int read_fd;
};

struct NestedLoops {
    GSource source;
    int epoll;
    GPtrArray *all;    /* of NestedLoop * */
    GPtrArray *owners; /* by descriptor: the loop that waits for it, or NULL */
    gboolean running;
};

/* --- Which descriptors ------------------------------------------------------------------ */

static NestedLoop *owner_of(NestedLoops *loops, int fd)
{
    return fd >= 0 && (guint)fd < loops->owners->len ? loops->owners->pdata[fd] : NULL;
}

/* A descriptor that was closed has left the epoll by itself, and its number may be another loop's
 * by now. */
static void forget_fd(NestedLoop *loop, int fd)
{
    NestedLoops *loops = loop->loops;
    if (owner_of(loops, fd) != loop)
        return;
    loops->owners->pdata[fd] = NULL;
    epoll_ctl(loops->epoll, EPOLL_CTL_DEL, fd, NULL);
}

static guint32 events_of(const NestedLoop *loop, int fd)
{
    guint32 events = 0;
    for (guint i = 0; i < loop->n_fds; i++)
        if (loop->fds[i].fd == fd)
            events |= loop->fds[i].events;
    return events;
}

/* Said every time: the same number may be another file than before. */
static void watch_fd(NestedLoop *loop, int fd)
{
    NestedLoops *loops = loop->loops;
    struct epoll_event event = { .events = events_of(loop, fd), .data.fd = fd };
    if (fd < 0)
        return;
    if ((guint)fd >= loops->owners->len)
        g_ptr_array_set_size(loops->owners, fd + 1);
    loops->owners->pdata[fd] = loop;
    g_array_append_val(loop->watched, fd);
    if (epoll_ctl(loops->epoll, EPOLL_CTL_MOD, fd, &event) != 0 &&
        epoll_ctl(loops->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        log_limited(LOG_WARNING, "net",
                    "a connection's descriptor cannot be watched (%s): it hears nothing; raise "
                    "fs.epoll.max_user_watches",
                    g_strerror(errno));
}

/* What the context waits for is handed to the epoll. */
static void watch(NestedLoop *loop)
{
    for (guint i = 0; i < loop->watched->len; i++) {
        int fd = g_array_index(loop->watched, int, i);
        if (events_of(loop, fd) == 0)
            forget_fd(loop, fd);
    }
    g_array_set_size(loop->watched, 0);
    for (guint i = 0; i < loop->n_fds; i++)
        watch_fd(loop, loop->fds[i].fd);
}

/* --- One loop --------------------------------------------------------------------------- */

/* Asks the context what it waits for, and for how long. */
static void settle(NestedLoop *loop)
{
    gint timeout_ms, n;
    g_main_context_prepare(loop->context, &loop->priority);
    while ((n = g_main_context_query(loop->context, loop->priority, &timeout_ms, loop->fds,
                                     (gint)loop->max_fds)) > (gint)loop->max_fds) {
        loop->max_fds = (guint)n;
        loop->fds = g_renew(GPollFD, loop->fds, n);
    }
    loop->n_fds = (guint)n;
    for (guint i = 0; i < loop->n_fds; i++)
        loop->fds[i].revents = 0;
    loop->wake_us =
        timeout_ms < 0 ? G_MAXINT64 : g_get_monotonic_time() + (gint64)timeout_ms * 1000;
    watch(loop);
}

/* One turn: what is due is dispatched, and what then has become ready by itself comes at the next
 * turn, so that one loop cannot keep the others waiting. */
static void run(NestedLoop *loop)
{
    loop->due = FALSE;
    if (!g_main_context_acquire(loop->context))
        return;
    if (g_main_context_check(loop->context, loop->priority, loop->fds, (gint)loop->n_fds))
        g_main_context_dispatch(loop->context);
    if (!loop->dead)
        settle(loop);
    g_main_context_release(loop->context);
}

NestedLoop *nested_loop_new(NestedLoops *loops)
{
    NestedLoop *loop = g_new0(NestedLoop, 1);
    loop->loops = loops;
    /* Also what is attached from its own thread shall wake it: nobody is in its poll(). */
    loop->context = g_main_context_new_with_flags(G_MAIN_CONTEXT_FLAGS_OWNERLESS_POLLING);
    loop->max_fds = FIRST_FDS;
    loop->fds = g_new0(GPollFD, FIRST_FDS);
    loop->watched = g_array_sized_new(FALSE, FALSE, sizeof(int), FIRST_FDS);
    g_ptr_array_add(loops->all, loop);
    g_main_context_acquire(loop->context);
    settle(loop);
    g_main_context_release(loop->context);
    return loop;
}

GMainContext *nested_loop_context(NestedLoop *loop)
{
    return loop->context;
}

void nested_loop_read_first(NestedLoop *loop, int fd, NestedLoopRead read, gpointer user)
{
    loop->read = read;
    loop->read_fd = fd;
    loop->read_user = user;
}

static void loop_end(NestedLoop *loop)
{
    for (guint i = 0; i < loop->watched->len; i++)
        forget_fd(loop, g_array_index(loop->watched, int, i));
    g_array_unref(loop->watched);
    g_ptr_array_remove_fast(loop->loops->all, loop);
    g_main_context_unref(loop->context);
    g_free(loop->fds);
    g_free(loop);
}

void nested_loop_free(NestedLoop *loop)
{
    loop->dead = TRUE;
    if (!loop->loops->running)
        loop_end(loop);
}

/* --- All of them ------------------------------------------------------------------------ */

static gboolean was_read(NestedLoop *loop, const struct epoll_event *event)
{
    return loop->read && loop->read_fd == event->data.fd && event->events == EPOLLIN &&
           loop->read(loop->read_user);
}

static void take_events(NestedLoops *loops)
{
    struct epoll_event events[MAX_EVENTS];
    int n = epoll_wait(loops->epoll, events, MAX_EVENTS, 0);
    for (int i = 0; i < n; i++) {
        NestedLoop *loop = owner_of(loops, events[i].data.fd);
        if (!loop || loop->dead || was_read(loop, &events[i]))
            continue;
        for (guint j = 0; j < loop->n_fds; j++)
            if (loop->fds[j].fd == events[i].data.fd)
                loop->fds[j].revents |= (gushort)events[i].events;
        loop->due = TRUE;
    }
}

static gint64 next_wake_us(const NestedLoops *loops)
{
    gint64 next_us = G_MAXINT64;
    for (guint i = 0; i < loops->all->len; i++)
        next_us = MIN(next_us, ((const NestedLoop *)loops->all->pdata[i])->wake_us);
    return next_us == G_MAXINT64 ? -1 : next_us;
}

/* Loops that begin meanwhile stand behind the last one; none leaves `all` before the end. */
static gboolean loops_dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
    NestedLoops *loops = (NestedLoops *)source;
    (void)callback, (void)data;
    gint64 now_us = g_source_get_time(source);
    loops->running = TRUE;
    take_events(loops);
    for (guint i = 0, n = loops->all->len; i < n; i++) {
        NestedLoop *loop = loops->all->pdata[i];
        if (!loop->dead && (loop->due || loop->wake_us <= now_us))
            run(loop);
    }
    loops->running = FALSE;
    for (guint i = loops->all->len; i-- > 0;)
        if (((NestedLoop *)loops->all->pdata[i])->dead)
            loop_end(loops->all->pdata[i]);
    g_source_set_ready_time(source, next_wake_us(loops));
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs loops_funcs = { .dispatch = loops_dispatch };

NestedLoops *nested_loops_new(GMainContext *outer, GError **error)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                    "No file descriptor is free (%s); raise the limit of open files (ulimit -n).",
                    g_strerror(errno));
        return NULL;
    }
    NestedLoops *loops = (NestedLoops *)g_source_new(&loops_funcs, sizeof(NestedLoops));
    loops->epoll = epoll;
    loops->all = g_ptr_array_new();
    loops->owners = g_ptr_array_new();
    g_source_set_static_name(&loops->source, "connections");
    g_source_add_unix_fd(&loops->source, epoll, G_IO_IN);
    g_source_attach(&loops->source, outer);
    return loops;
}

void nested_loops_free(NestedLoops *loops)
{
    if (!loops)
        return;
    close(loops->epoll);
    g_ptr_array_unref(loops->all);
    g_ptr_array_unref(loops->owners);
    g_source_destroy(&loops->source);
    g_source_unref(&loops->source);
}
