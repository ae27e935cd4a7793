#pragma once

#include <glib.h>
#include <pthread.h>

#include "base/clock.h"
#include "io/player.h"
#include "unit/io/media_file.h"

/* A player in simulated time, and all that it handed out. */

typedef struct {
    MediaKind kind;
    gint64 pts_us, dts_us, arrival_ns;
    gboolean key;
} Handed;

typedef struct Listener Listener;
struct Listener {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    gint64 now_ns; /* simulated */
    GArray *waits; /* gint64: the longest waits asked for, in ns */

    GArray *handed;
    gboolean ended;
    GError *error;
    AVCodecParameters *parameters[2];
    guint streams[2]; /* events */
    gint freed;       /* atomic */

    /** Called on the player's thread for each packet, before it is counted; may be NULL. */
    void (*on_packet)(Listener *listener, MediaKind kind, const AVPacket *packet);
    Player *player;
    guint step; /* on_packet's own */
};

static inline gint64 listener_now_ns(gpointer user)
{
    Listener *listener = user;
    pthread_mutex_lock(&listener->lock);
    gint64 now_ns = listener->now_ns;
    pthread_mutex_unlock(&listener->lock);
    return now_ns;
}

static inline void listener_advance_to(Listener *listener, gint64 now_ns)
{
    pthread_mutex_lock(&listener->lock);
    listener->now_ns = MAX(listener->now_ns, now_ns);
    pthread_mutex_unlock(&listener->lock);
}

/* Nobody waits in simulated time: it passes. */
static inline void listener_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, gint64 due_ns,
                                       gpointer user)
{
    Listener *listener = user;
    if (due_ns == G_MAXINT64) {
        pthread_cond_wait(cond, lock);
        return;
    }
    gint64 wait_ns = due_ns - listener_now_ns(listener);
    listener_advance_to(listener, due_ns);
    pthread_mutex_lock(&listener->lock);
    if (wait_ns >= NS_PER_SEC)
        g_array_append_val(listener->waits, wait_ns);
    pthread_mutex_unlock(&listener->lock);
}

static inline void on_stream(MediaKind kind, const AVCodecParameters *parameters, gpointer user)
{
    Listener *listener = user;
    pthread_mutex_lock(&listener->lock);
    avcodec_parameters_copy(listener->parameters[kind], parameters);
    listener->streams[kind]++;
    pthread_mutex_unlock(&listener->lock);
}

static inline void on_packet(MediaKind kind, const AVPacket *packet, gint64 arrival_ns,
                             gpointer user)
{
    Listener *listener = user;
    Handed handed = { kind, packet->pts, packet->dts, arrival_ns,
                      (packet->flags & AV_PKT_FLAG_KEY) != 0 };
    g_assert_cmpuint(listener->streams[kind], >, 0);
    if (listener->on_packet)
        listener->on_packet(listener, kind, packet);
    pthread_mutex_lock(&listener->lock);
    g_array_append_val(listener->handed, handed);
    pthread_cond_broadcast(&listener->changed);
    pthread_mutex_unlock(&listener->lock);
}

static inline void on_ended(const GError *error, gpointer user)
{
    Listener *listener = user;
    pthread_mutex_lock(&listener->lock);
    g_assert_false(listener->ended);
    listener->ended = TRUE;
    listener->error = error ? g_error_copy(error) : NULL;
    pthread_cond_broadcast(&listener->changed);
    pthread_mutex_unlock(&listener->lock);
}

static inline void on_freed(gpointer user)
{
    g_atomic_int_inc(&((Listener *)user)->freed);
}

static inline void listener_init(Listener *listener)
{
    *listener = (Listener){ .now_ns = 1000 * NS_PER_SEC };
    pthread_mutex_init(&listener->lock, NULL);
    pthread_cond_init(&listener->changed, NULL);
    listener->handed = g_array_new(FALSE, FALSE, sizeof(Handed));
    listener->waits = g_array_new(FALSE, FALSE, sizeof(gint64));
    for (guint kind = 0; kind < 2; kind++)
        listener->parameters[kind] = avcodec_parameters_alloc();
}

static inline void listener_clear(Listener *listener)
{
    g_array_unref(listener->handed);
    g_array_unref(listener->waits);
    g_clear_error(&listener->error);
    for (guint kind = 0; kind < 2; kind++)
        avcodec_parameters_free(&listener->parameters[kind]);
    pthread_mutex_destroy(&listener->lock);
    pthread_cond_destroy(&listener->changed);
}

/** Make the player that `options` describe, in the listener's time if `simulated`. */
static inline Player *listener_play(Listener *listener, PlayerOptions options, gboolean simulated,
                                    PlayerClock *clock)
{
    static const MediaEvents events = { on_stream, on_packet, on_ended };
    g_autoptr(GError) error = NULL;
    *clock = (PlayerClock){ listener_now_ns, listener_wait_until, listener };
    options.clock = simulated ? clock : NULL;
    gboolean paused = options.paused;
    options.paused = TRUE; /* so that on_packet finds its player */
    Player *player = player_new(&options, &events, listener, on_freed, &error);
    g_assert_no_error(error);
    listener->player = player;
    player_pause(player, paused);
    return player;
}

static inline void listener_wait_ended(Listener *listener)
{
    pthread_mutex_lock(&listener->lock);
    while (!listener->ended)
        pthread_cond_wait(&listener->changed, &listener->lock);
    pthread_mutex_unlock(&listener->lock);
}

static inline void listener_wait_packets(Listener *listener, guint n)
{
    pthread_mutex_lock(&listener->lock);
    while (listener->handed->len < n)
        pthread_cond_wait(&listener->changed, &listener->lock);
    pthread_mutex_unlock(&listener->lock);
}

static inline guint listener_count(const Listener *listener, MediaKind kind)
{
    guint n = 0;
    for (guint i = 0; i < listener->handed->len; i++)
        n += g_array_index(listener->handed, Handed, i).kind == kind;
    return n;
}
