#include "room/engine.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define AUDIO_TICK_NS (20 * NS_PER_MS)
#define NET_TICK_NS   (10 * NS_PER_MS)
#define LATE_NS       (10 * NS_PER_MS)
/* A standstill longer than this (a suspended machine) is not made up for by a burst of ticks. */
#define SKIP_AFTER_NS (200 * NS_PER_MS)

#define DISK_THREADS  4
#define DISK_END_US   (2 * G_USEC_PER_SEC)

typedef struct {
    EngineTick tick;
    gpointer user;
} Ticker;

struct Engine {
    const Config *config;
    const TransportFactory *transports;
    Mailbox *control_mailbox, *net_mailbox, *audio_mailbox;
    StrandPool *strands;
    DiskPool *disks;

    /* Net thread. */
    GMainContext *net_context;
    GMainLoop *net_loop;
    GThread *net_thread;
    GArray *net_tickers; /* of Ticker */
    GSource *net_timer;

    /* Audio thread. */
    GThread *audio_thread;
    GArray *audio_tickers;           /* of Ticker */
    gint64 load_at_ns, load_busy_ns; /* where the load is counted from */
    gint stopping;                   /* atomic */

    /* Simulated time. */
    gboolean simulated;
    gint64 sim_now_ns, sim_next_audio_ns, sim_next_net_ns;

    pthread_mutex_t stats_lock; /* guards stats */
    EngineStats stats;
};

static void run_tickers(GArray *tickers, gint64 now_ns)
{
    /* A ticker may remove itself or others: walk backwards. */
    for (guint i = tickers->len; i-- > 0;) {
        if (i >= tickers->len)
            continue;
        Ticker ticker = g_array_index(tickers, Ticker, i);
        ticker.tick(now_ns, ticker.user);
    }
}

static void remove_ticker(GArray *tickers, EngineTick tick, gpointer user)
{
    for (guint i = 0; i < tickers->len; i++) {
        const Ticker *ticker = &g_array_index(tickers, Ticker, i);
        if (ticker->tick == tick && ticker->user == user) {
            g_array_remove_index(tickers, i);
            return;
        }
    }
}

/* --- the net thread ---------------------------------------------------------------------- */

static gpointer net_thread_run(gpointer data)
{
    Engine *engine = data;
    thread_set_roles(THREAD_NET);
    g_main_context_push_thread_default(engine->net_context);
    g_main_loop_run(engine->net_loop);
    g_main_context_pop_thread_default(engine->net_context);
    return NULL;
}

static gboolean net_timer_tick(gpointer data)
{
    Engine *engine = data;
    thread_assert_net();
    run_tickers(engine->net_tickers, clock_now_ns());
    return G_SOURCE_CONTINUE;
}

static void start_net_timer(Engine *engine)
{
    engine->net_timer = g_timeout_source_new(NET_TICK_NS / NS_PER_MS);
    g_source_set_callback(engine->net_timer, net_timer_tick, engine, NULL);
    g_source_attach(engine->net_timer, engine->net_context);
}

static void stop_net_timer(Engine *engine)
{
    if (!engine->net_timer)
        return;
    g_source_destroy(engine->net_timer);
    g_clear_pointer(&engine->net_timer, g_source_unref);
}

void engine_add_net_tick(Engine *engine, EngineTick tick, gpointer user)
{
    Ticker ticker = { tick, user };
    g_array_append_val(engine->net_tickers, ticker);
    if (!engine->simulated && !engine->net_timer)
        start_net_timer(engine);
}

void engine_remove_net_tick(Engine *engine, EngineTick tick, gpointer user)
{
    remove_ticker(engine->net_tickers, tick, user);
    if (engine->net_tickers->len == 0)
        stop_net_timer(engine);
}

/* --- the audio thread -------------------------------------------------------------------- */

static void raise_priority(void)
{
    /* Needs CAP_SYS_NICE; without it the default priority has to do. */
    if (setpriority(PRIO_PROCESS, (id_t)gettid(), -15) != 0)
        log_debug("audio", "the audio thread keeps its default priority: %s", g_strerror(errno));
}

static void sleep_until(gint64 due_ns)
{
    struct timespec ts = { due_ns / NS_PER_SEC, due_ns % NS_PER_SEC };
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
        ;
}

static void note_tick(Engine *engine, gint64 late_ns)
{
    pthread_mutex_lock(&engine->stats_lock);
    engine->stats.audio_ticks++;
    engine->stats.audio_late_ticks += late_ns > LATE_NS;
    engine->stats.audio_worst_late_ns = MAX(engine->stats.audio_worst_late_ns, late_ns);
    pthread_mutex_unlock(&engine->stats_lock);
}

static void note_skipped(Engine *engine, guint64 ticks)
{
    pthread_mutex_lock(&engine->stats_lock);
    engine->stats.audio_skipped_ticks += ticks;
    pthread_mutex_unlock(&engine->stats_lock);
    log_limited(LOG_WARNING, "audio", "the machine stood still: %u ticks of sound left out",
                (guint)ticks);
}

static void set_load(Engine *engine, gint64 pct)
{
    pthread_mutex_lock(&engine->stats_lock);
    engine->stats.video_load_pct = (guint)CLAMP(pct, 0, 100);
    pthread_mutex_unlock(&engine->stats_lock);
}

/* Over a second or more; what was before has half the weight. */
ON_AUDIO_THREAD static void measure_load(Engine *engine, gint64 now_ns)
{
    gint64 elapsed_ns = now_ns - engine->load_at_ns;
    if (elapsed_ns < NS_PER_SEC)
        return;
    gint64 busy_ns = strand_pool_busy_ns(engine->strands);
    gint64 pct = (busy_ns - engine->load_busy_ns) * 100 /
                 (elapsed_ns * strand_pool_threads(engine->strands));
    EngineStats before;
    engine_stats(engine, &before);
    set_load(engine, (before.video_load_pct + MIN(pct, 100)) / 2);
    engine->load_at_ns = now_ns;
    engine->load_busy_ns = busy_ns;
}

static gpointer audio_thread_run(gpointer data)
{
    Engine *engine = data;
    thread_set_roles(THREAD_AUDIO);
    raise_priority();
    gint64 due_ns = clock_now_ns() + AUDIO_TICK_NS;
    while (!g_atomic_int_get(&engine->stopping)) {
        sleep_until(due_ns);
        gint64 late_ns = clock_now_ns() - due_ns;
        if (late_ns > SKIP_AFTER_NS) {
            gint64 skip = late_ns / AUDIO_TICK_NS;
            due_ns += skip * AUDIO_TICK_NS;
            note_skipped(engine, (guint64)skip);
        }
        mailbox_run(engine->audio_mailbox);
        thread_assert_audio();
        measure_load(engine, clock_now_ns());
        if (engine->audio_tickers->len > 0) {
            note_tick(engine, late_ns);
            run_tickers(engine->audio_tickers, due_ns);
        }
        due_ns += AUDIO_TICK_NS;
    }
    mailbox_run(engine->audio_mailbox);
    return NULL;
}

void engine_add_audio_tick(Engine *engine, EngineTick tick, gpointer user)
{
    Ticker ticker = { tick, user };
    g_array_append_val(engine->audio_tickers, ticker);
}

void engine_remove_audio_tick(Engine *engine, EngineTick tick, gpointer user)
{
    remove_ticker(engine->audio_tickers, tick, user);
}

/* --- simulated time ---------------------------------------------------------------------- */

static void simulate_moment(Engine *engine) THREAD_UNCHECKED
{
    gboolean busy = TRUE;
    gboolean audio_due = engine->sim_now_ns >= engine->sim_next_audio_ns;
    gboolean net_due = engine->sim_now_ns >= engine->sim_next_net_ns;
    if (net_due) {
        engine->sim_next_net_ns += NET_TICK_NS;
        mailbox_run(engine->net_mailbox);
        run_tickers(engine->net_tickers, engine->sim_now_ns);
    }
    if (audio_due) {
        engine->sim_next_audio_ns += AUDIO_TICK_NS;
        mailbox_run(engine->audio_mailbox);
        note_tick(engine, 0);
        run_tickers(engine->audio_tickers, engine->sim_now_ns);
    }
    while (busy) {
        busy = mailbox_run(engine->control_mailbox) > 0;
        busy |= mailbox_run(engine->net_mailbox) > 0;
        busy |= mailbox_run(engine->audio_mailbox) > 0;
        busy |= strand_pool_run(engine->strands, engine->sim_now_ns) > 0;
    }
}

void engine_simulate(Engine *engine, gint64 until_ns)
{
    g_return_if_fail(engine->simulated);
    simulate_moment(engine);
    for (;;) {
        gint64 next_ns = MIN(engine->sim_next_audio_ns, engine->sim_next_net_ns);
        next_ns = MIN(next_ns, strand_pool_next_due(engine->strands));
        if (next_ns > until_ns)
            break;
        engine->sim_now_ns = MAX(engine->sim_now_ns, next_ns);
        simulate_moment(engine);
    }
    engine->sim_now_ns = MAX(engine->sim_now_ns, until_ns);
}

void engine_simulate_load(Engine *engine, guint pct)
{
    g_return_if_fail(engine->simulated);
    set_load(engine, pct);
}

gint64 engine_now_ns(Engine *engine)
{
    return engine->simulated ? engine->sim_now_ns : clock_now_ns();
}

/* --- both -------------------------------------------------------------------------------- */

static Engine *engine_alloc(const Config *config)
{
    Engine *engine = g_new0(Engine, 1);
    engine->config = config;
    engine->net_tickers = g_array_new(FALSE, FALSE, sizeof(Ticker));
    engine->audio_tickers = g_array_new(FALSE, FALSE, sizeof(Ticker));
    engine->audio_mailbox = mailbox_new();
    pthread_mutex_init(&engine->stats_lock, NULL);
    return engine;
}

Engine *engine_new(const Config *config)
{
    Engine *engine = engine_alloc(config);
    gint64 threads = config_int(config, "video.threads");
    engine->control_mailbox = mailbox_new_for_context(NULL);
    engine->disks = disk_pool_new(DISK_THREADS, engine->control_mailbox);
    engine->net_context = g_main_context_new();
    engine->net_loop = g_main_loop_new(engine->net_context, FALSE);
    engine->net_mailbox = mailbox_new_for_context(engine->net_context);
    engine->strands = strand_pool_new(threads ? (guint)threads : g_get_num_processors());
    engine->net_thread = g_thread_new("net", net_thread_run, engine);
    engine->audio_thread = g_thread_new("audio", audio_thread_run, engine);
    return engine;
}

Engine *engine_new_simulated(const Config *config, gint64 now_ns)
{
    Engine *engine = engine_alloc(config);
    engine->simulated = TRUE;
    engine->sim_now_ns = now_ns;
    engine->sim_next_audio_ns = now_ns + AUDIO_TICK_NS;
    engine->sim_next_net_ns = now_ns + NET_TICK_NS;
    engine->control_mailbox = mailbox_new();
    engine->net_mailbox = mailbox_new();
    engine->strands = strand_pool_new(0);
    engine->disks = disk_pool_new(0, engine->control_mailbox);
    thread_set_roles(THREAD_ALL);
    return engine;
}

static void quit_net_loop(gpointer data)
{
    Engine *engine = data;
    g_main_loop_quit(engine->net_loop);
}

static void stop_threads(Engine *engine)
{
    g_atomic_int_set(&engine->stopping, 1);
    g_thread_join(engine->audio_thread);
    mailbox_post(engine->net_mailbox, quit_net_loop, engine, NULL);
    g_thread_join(engine->net_thread);
}

void engine_free(Engine *engine)
{
    if (!engine)
        return;
    if (!engine->simulated)
        stop_threads(engine);
    stop_net_timer(engine);
    /* Strand tasks may still post to the mailboxes, never the other way round. */
    strand_pool_free(engine->strands);
    mailbox_free(engine->audio_mailbox);
    mailbox_free(engine->net_mailbox);
    /* A thread that hangs in a disk may still post there. */
    if (disk_pool_free(engine->disks, DISK_END_US))
        mailbox_free(engine->control_mailbox);
    g_clear_pointer(&engine->net_loop, g_main_loop_unref);
    g_clear_pointer(&engine->net_context, g_main_context_unref);
    g_array_unref(engine->net_tickers);
    g_array_unref(engine->audio_tickers);
    pthread_mutex_destroy(&engine->stats_lock);
    g_free(engine);
}

void engine_set_transports(Engine *engine, const TransportFactory *factory)
{
    engine->transports = factory;
}

const TransportFactory *engine_transports(Engine *engine)
{
    return engine->transports;
}

const Config *engine_config(Engine *engine)
{
    return engine->config;
}

GMainContext *engine_net_context(Engine *engine)
{
    return engine->net_context;
}

Mailbox *engine_control_mailbox(Engine *engine)
{
    return engine->control_mailbox;
}

Mailbox *engine_net_mailbox(Engine *engine)
{
    return engine->net_mailbox;
}

Mailbox *engine_audio_mailbox(Engine *engine)
{
    return engine->audio_mailbox;
}

StrandPool *engine_strand_pool(Engine *engine)
{
    return engine->strands;
}

gboolean engine_is_overloaded(Engine *engine)
{
    EngineStats stats;
    engine_stats(engine, &stats);
    return stats.video_load_pct > config_int(engine->config, "video.max_load");
}

DiskPool *engine_disk_pool(Engine *engine)
{
    return engine->disks;
}

void engine_stats(Engine *engine, EngineStats *stats)
{
    pthread_mutex_lock(&engine->stats_lock);
    *stats = engine->stats;
    pthread_mutex_unlock(&engine->stats_lock);
}
