#pragma once

#include "base/disk_pool.h"
#include "base/mailbox.h"
#include "base/strand.h"
#include "base/thread.h"
#include "config.h"
#include "net/transport.h"

/* The threads that carry media, shared by all rooms: one net thread, one audio thread that ticks
 * every 20 ms, the video pool. Rooms attach their graphs to it. In simulated time there are no
 * threads: engine_simulate() plays all of them. */

typedef struct Engine Engine;

/** Start the threads. */
Engine *engine_new(const Config *config);

/** No threads: the caller plays all roles, starting at now_ns. */
Engine *engine_new_simulated(const Config *config, gint64 now_ns);

/** Stop the threads and free. All graphs must be detached. */
void engine_free(Engine *engine);

/** What makes the peers' transports; set once before the first room. */
void engine_set_transports(Engine *engine, const TransportFactory *factory);
const TransportFactory *engine_transports(Engine *engine);

/** Simulated time: run everything that is due up to until_ns, in order (mailboxes, audio ticks,
 *  strands, net timers). */
void engine_simulate(Engine *engine, gint64 until_ns);

/** Simulated time: how busy the video pool is from now on, in percent; at first 0. */
void engine_simulate_load(Engine *engine, guint pct);

/** The time: CLOCK_MONOTONIC, or the simulated one. */
gint64 engine_now_ns(Engine *engine);

const Config *engine_config(Engine *engine);

GMainContext *engine_net_context(Engine *engine); /* for libnice; NULL in simulated time */
Mailbox *engine_control_mailbox(Engine *engine);
Mailbox *engine_net_mailbox(Engine *engine);
Mailbox *engine_audio_mailbox(Engine *engine);
StrandPool *engine_strand_pool(Engine *engine);

/** For files that the control thread must not wait for; it is told in its mailbox. */
DiskPool *engine_disk_pool(Engine *engine);

/** What the audio thread calls every 20 ms, in the order of addition. */
typedef void (*EngineTick)(gint64 now_ns, gpointer user);
void engine_add_audio_tick(Engine *engine, EngineTick tick, gpointer user) ON_AUDIO_THREAD;
void engine_remove_audio_tick(Engine *engine, EngineTick tick, gpointer user) ON_AUDIO_THREAD;

/** What the net thread calls every 10 ms while there is at least one. */
void engine_add_net_tick(Engine *engine, EngineTick tick, gpointer user) ON_NET_THREAD;
void engine_remove_net_tick(Engine *engine, EngineTick tick, gpointer user) ON_NET_THREAD;

typedef struct {
    guint64 audio_ticks, audio_late_ticks; /* late: began more than 10 ms after its time */
    guint64 audio_skipped_ticks;           /* left out after a standstill of the machine */
    gint64 audio_worst_late_ns;
    guint video_load_pct; /* of the video pool, lately */
} EngineStats;

/** TRUE if the video pool was busier than video.max_load in the last second or two: nothing is
 * begun that can be done without. Any thread. */
gboolean engine_is_overloaded(Engine *engine);

/** Any thread. */
void engine_stats(Engine *engine, EngineStats *stats);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Engine, engine_free)
