#pragma once

#include <glib.h>
#include <pthread.h>

#include "io/media_source.h"
#include "io/media_url.h"

/* Plays a file from the media directory, or pulls a URL, into MediaEvents from a thread of its own.
 *
 *   OPENING -> PLAYING <-> PAUSED -> ENDED          a file: to its end, once or in a loop
 *      |  ^       |
 *      |  +-- RETRYING (1, 2, 4 .. 30 s)            a URL that cannot be reached, or ended
 *      +--------> FAILED                            nothing that can be played
 *
 * Files and http(s) are paced: a packet is handed out when its dts is due. Streams that come in
 * real time (rtmp, rtmps, rtsp, srt) are handed out as they come. Times count from the player's
 * start, go on rising over loops, seeks and reconnects, and keep a fixed distance to
 * CLOCK_MONOTONIC: where nothing was played (a pause, a lost connection) there is a gap in them. */

typedef struct Player Player;

typedef enum {
    PLAYER_OPENING,
    PLAYER_PLAYING,
    PLAYER_PAUSED,
    PLAYER_RETRYING,
    PLAYER_ENDED,
    PLAYER_FAILED,
} PlayerState;

/** "opening", "playing", "paused", "retrying", "ended", "failed". */
const char *player_state_name(PlayerState state);

/** For tests: another clock than CLOCK_MONOTONIC, for pacing, pauses and retries. */
typedef struct {
    gint64 (*now_ns)(gpointer user);
    /** Wait for `cond` until due_ns (G_MAXINT64: without end) by this clock; may return earlier.
     *  Called with `lock` held. */
    void (*wait_until)(pthread_cond_t *cond, pthread_mutex_t *lock, gint64 due_ns, gpointer user);
    gpointer user;
} PlayerClock;

/** Texts and policy are copied; exactly one of file and url is set. */
typedef struct {
    const char *media_dir;
    const char *file;         /* a name in media_dir: MP4, FLV, MKV, WebM, Ogg, MP3, WAV, or a still
                               * picture (PNG, JPEG), which lasts for ever */
    const char *url;          /* what media_url_parse() takes for MEDIA_URL_PULL */
    MediaUrlPolicy *policy;   /* where the URL, and the URLs that it names, may lead; NULL: the deny
                               * list alone */
    gboolean loop;            /* of files, and of URLs that have an end */
    gboolean paused;          /* begin so */
    const PlayerClock *clock; /* NULL: CLOCK_MONOTONIC; must outlive the player */
} PlayerOptions;

typedef struct {
    PlayerState state;
    char error[256];    /* why it is RETRYING or FAILED, one sentence, no secrets; or "" */
    gint64 position_us; /* in the file or stream */
    gint64 duration_us; /* 0: unknown, or without end */
    gboolean seekable;
    gboolean live; /* comes in real time */
    gboolean loop;
    guint reconnects;
    guint64 packets, bytes; /* handed out */
} PlayerStatus;

/** Starts its thread. Events are called on that thread, under no lock; `user` is freed with
 *  user_free when the thread has ended; on an error it stays the caller's. TESSERA_ERROR_INVALID
 *  (the name or URL), _UNAVAILABLE (no more threads). Whether it can be opened shows in the status
 *  and in events->ended. */
Player *player_new(const PlayerOptions *options, const MediaEvents *events, gpointer user,
                   GDestroyNotify user_free, GError **error);

/** Stop and free; joins the thread. No event is called any more when it returns, which takes at
 * most a second besides an event that is running: a thread that hangs in a library call by then is
 * left to end by itself. Not from an event. */
void player_stop(Player *player);

/** All of these: any thread, also from events. */
void player_pause(Player *player, gboolean paused);

/** To the key frame at or before this position. FALSE with TESSERA_ERROR_UNSUPPORTED: what is
 * played has no places to go to, or is not open. */
gboolean player_seek(Player *player, gint64 position_us, GError **error);
void player_set_loop(Player *player, gboolean loop);
void player_status(Player *player, PlayerStatus *status);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Player, player_stop)
