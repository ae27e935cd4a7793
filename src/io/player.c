#include "io/player.h"

#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "io/player_input.h"
#include "io/player_order.h"
#include "io/player_pace.h"
#include "io/player_streams.h"

#define READ_AHEAD_US  1500000
#define STOP_NS        (900 * NS_PER_MS)
#define LONGEST_WAIT_S 30
#define HEALTHY_NS     (10 * NS_PER_SEC) /* a connection that lasted so long resets the backoff */
#define MAX_KEYLESS    300 /* pictures without a key frame: some encoders never send another */
#define NO_SEEK        G_MININT64

struct Player {
    gint refs; /* atomic: the owner's and the thread's */
    MediaEvents events;
    gpointer user;
    GDestroyNotify user_free;
    PlayerClock clock;
    GThread *thread;
    PlayerInput *input;

    /* Guarded by the lock: what is wanted, and what there is to tell. */
    pthread_mutex_t lock;
    pthread_cond_t wake; /* by CLOCK_MONOTONIC */
    gboolean stopping, paused, loop;
    gint64 seek_us;
    gboolean in_event, finished;
    PlayerStatus status;

    /* The thread's own. */
    PlayerOrder *order;
    PlayerPace pace;
    AVPacket *packet;
    AVCodecParameters *told[2]; /* by kind: of the last stream event */
    gboolean awaits_keyframe;
    guint keyless;
    guint attempts; /* since it last was healthy */
    gint64 opened_ns;
    gboolean handed_out; /* something, since it was opened */
};

/* --- the clock --------------------------------------------------------------------------- */

static gint64 real_now_ns(gpointer user)
{
    (void)user;
    return clock_now_ns();
}

/** FALSE: it is later than due_ns. */
static gboolean timed_wait(pthread_cond_t *cond, pthread_mutex_t *lock, gint64 due_ns)
{
    struct timespec due = { due_ns / NS_PER_SEC, due_ns % NS_PER_SEC };
    return pthread_cond_timedwait(cond, lock, &due) == 0;
}

static void real_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, gint64 due_ns,
                            gpointer user)
{
    (void)user;
    if (due_ns == G_MAXINT64)
        pthread_cond_wait(cond, lock);
    else
        timed_wait(cond, lock, due_ns);
}

static const PlayerClock real_clock = { real_now_ns, real_wait_until, NULL };

static gint64 now_ns(const Player *player)
{
    return player->clock.now_ns(player->clock.user);
}

/* Under the lock. */
static void wait_until(Player *player, gint64 due_ns)
{
    player->clock.wait_until(&player->wake, &player->lock, due_ns, player->clock.user);
}

/* --- life -------------------------------------------------------------------------------- */

const char *player_state_name(PlayerState state)
{
    static const char *const names[] = { "opening",  "playing", "paused",
                                         "retrying", "ended",   "failed" };
    return names[state];
}

static void player_unref(Player *player)
{
    if (!g_atomic_int_dec_and_test(&player->refs))
        return;
    player_input_free(player->input);
    player_order_free(player->order);
    av_packet_free(&player->packet);
    for (guint kind = 0; kind < G_N_ELEMENTS(player->told); kind++)
        avcodec_parameters_free(&player->told[kind]);
    pthread_mutex_destroy(&player->lock);
    pthread_cond_destroy(&player->wake);
    g_free(player);
}

static void set_state(Player *player, PlayerState state, const GError *why)
{
    pthread_mutex_lock(&player->lock);
    player->status.state = state;
    g_strlcpy(player->status.error, why ? why->message : "", sizeof player->status.error);
    pthread_mutex_unlock(&player->lock);
}

static gboolean is_stopping(Player *player)
{
    pthread_mutex_lock(&player->lock);
    gboolean stopping = player->stopping;
    pthread_mutex_unlock(&player->lock);
    return stopping;
}

/* --- events: none after player_stop() ---------------------------------------------------- */

static gboolean begin_event(Player *player)
{
    pthread_mutex_lock(&player->lock);
    player->in_event = !player->stopping;
    gboolean begun = player->in_event;
    pthread_mutex_unlock(&player->lock);
    return begun;
}

static void end_event(Player *player)
{
    pthread_mutex_lock(&player->lock);
    player->in_event = FALSE;
    pthread_cond_broadcast(&player->wake);
    pthread_mutex_unlock(&player->lock);
}

static void tell_stream(Player *player, MediaKind kind)
{
    const AVCodecParameters *now = player_input_parameters(player->input, kind);
    if (player->told[kind] && player_streams_same(player->told[kind], now))
        return;
    if (!player->told[kind])
        player->told[kind] = avcodec_parameters_alloc();
    if (!player->told[kind] || avcodec_parameters_copy(player->told[kind], now) < 0 ||
        !begin_event(player))
        return;
    player->events.stream(kind, now, player->user);
    end_event(player);
}

static void tell_packet(Player *player, MediaKind kind, gint64 arrival_ns)
{
    if (!begin_event(player))
        return;
    player->events.packet(kind, player->packet, arrival_ns, player->user);
    end_event(player);
}

static void tell_ended(Player *player, const GError *error)
{
    if (!begin_event(player))
        return;
    player->events.ended(error, player->user);
    end_event(player);
}

/* --- handing out ------------------------------------------------------------------------- */

/* Wait until the packet is due, or something else is wanted: FALSE. */
static gboolean wait_for_due(Player *player, gint64 *due_ns)
{
    *due_ns = player_pace_due_ns(&player->pace, player->packet, now_ns(player));
    pthread_mutex_lock(&player->lock);
    while (!player->stopping && !player->paused && player->seek_us == NO_SEEK &&
           *due_ns > now_ns(player))
        wait_until(player, *due_ns);
    gboolean due = !player->stopping && !player->paused && player->seek_us == NO_SEEK;
    pthread_mutex_unlock(&player->lock);
    return due;
}

/* Decoders begin at a key frame. */
static gboolean begins_here(Player *player, MediaKind kind)
{
    if (kind == MEDIA_AUDIO || !player->awaits_keyframe)
        return TRUE;
    if (!(player->packet->flags & AV_PKT_FLAG_KEY) && ++player->keyless < MAX_KEYLESS)
        return FALSE;
    player->awaits_keyframe = FALSE;
    return TRUE;
}

/* Under the lock. What libavformat learns while it reads, too. */
static void note_length(Player *player)
{
    player->status.duration_us = player_input_duration_us(player->input);
    player->status.seekable = player_input_is_seekable(player->input);
}

static void count_packet(Player *player, gint64 position_us)
{
    pthread_mutex_lock(&player->lock);
    player->status.position_us = MAX(position_us, 0);
    note_length(player);
    player->status.packets++;
    player->status.bytes += (guint64)player->packet->size;
    pthread_mutex_unlock(&player->lock);
}

static void hand_out(Player *player, MediaKind kind, gint64 arrival_ns)
{
    gint64 position_us = player->packet->dts - player_input_start_us(player->input);
    if (!begins_here(player, kind) || !player_pace_stamp(&player->pace, kind, player->packet))
        return;
    player->handed_out = TRUE;
    tell_stream(player, kind);
    count_packet(player, position_us);
    tell_packet(player, kind, arrival_ns);
}

/* --- what is wanted ---------------------------------------------------------------------- */

static void begin_place(Player *player)
{
    player_order_clear(player->order);
    player_pace_begin(&player->pace);
    av_packet_unref(player->packet);
    player->awaits_keyframe = TRUE;
    player->keyless = 0;
}

/* Back to the beginning; FALSE with an error if it cannot be opened any more. */
static gboolean rewind_input(Player *player, GError **error)
{
    return player_input_seek(player->input, 0) || player_input_open(player->input, error);
}

static gboolean go_to(Player *player, gint64 position_us, GError **error)
{
    gboolean gone = player_input_seek(player->input, position_us);
    begin_place(player);
    return gone || rewind_input(player, error);
}

typedef enum { GO_ON, GO_TO, GO_AWAY } Wish;

/* A file waits while it is paused; what comes in real time goes by unheard. */
static Wish next_wish(Player *player, gint64 *position_us)
{
    gboolean live = player_input_is_live(player->input);
    pthread_mutex_lock(&player->lock);
    note_length(player);
    player->status.state = player->paused ? PLAYER_PAUSED : PLAYER_PLAYING;
    while (player->paused && !live && !player->stopping && player->seek_us == NO_SEEK)
        wait_until(player, G_MAXINT64);
    player->status.state = player->paused ? PLAYER_PAUSED : PLAYER_PLAYING;
    *position_us = player->seek_us;
    Wish wish = player->stopping ? GO_AWAY : player->seek_us != NO_SEEK ? GO_TO : GO_ON;
    player->seek_us = NO_SEEK;
    if (wish == GO_TO)
        player->status.position_us = *position_us;
    pthread_mutex_unlock(&player->lock);
    return wish;
}

static gboolean is_paused(Player *player)
{
    pthread_mutex_lock(&player->lock);
    gboolean paused = player->paused;
    pthread_mutex_unlock(&player->lock);
    return paused;
}

static gboolean wants_loop(Player *player)
{
    pthread_mutex_lock(&player->lock);
    gboolean loop = player->loop;
    pthread_mutex_unlock(&player->lock);
    return loop && player->handed_out && player_input_has_end(player->input);
}

/* --- playing ----------------------------------------------------------------------------- */

/* Fill the read-ahead as far as it needs to know what is next. */
static PlayerInputResult read_ahead(Player *player, GError **error)
{
    PlayerInputResult result = PLAYER_INPUT_PACKET;
    while (result == PLAYER_INPUT_PACKET && player_order_wants_more(player->order)) {
        MediaKind kind;
        result = player_input_read(player->input, player->packet, &kind, error);
        if (result == PLAYER_INPUT_PACKET)
            player_order_push(player->order, kind, player->packet);
        if (is_stopping(player))
            return PLAYER_INPUT_END;
    }
    return result;
}

/* The next packet, in player->packet: of the read-ahead first, also behind the end. */
static PlayerInputResult next_packet(Player *player, MediaKind *kind, GError **error)
{
    g_autoptr(GError) problem = NULL;
    PlayerInputResult result = read_ahead(player, &problem);
    if (player_order_pop(player->order, kind, player->packet))
        return PLAYER_INPUT_PACKET;
    if (problem)
        g_propagate_error(error, g_steal_pointer(&problem));
    return result == PLAYER_INPUT_PACKET ? PLAYER_INPUT_END : result;
}

static gboolean hand_out_when_due(Player *player, MediaKind kind)
{
    gint64 due_ns = 0;
    if (player_input_is_live(player->input) && is_paused(player)) {
        player->awaits_keyframe = TRUE;
        player->keyless = 0;
        return TRUE;
    }
    if (!wait_for_due(player, &due_ns))
        return FALSE;
    hand_out(player, kind, due_ns);
    return TRUE;
}

/* Until the end (TRUE), an error (FALSE), or player_stop() (either). */
static gboolean play(Player *player, GError **error)
{
    gboolean held = FALSE; /* a packet that is not due yet */
    MediaKind kind = MEDIA_VIDEO;
    for (;;) {
        gint64 position_us = 0;
        Wish wish = next_wish(player, &position_us);
        if (wish == GO_AWAY)
            return TRUE;
        if (wish == GO_TO) {
            held = FALSE;
            if (!go_to(player, position_us, error))
                return FALSE;
        }
        PlayerInputResult result = held ? PLAYER_INPUT_PACKET : next_packet(player, &kind, error);
        if (result == PLAYER_INPUT_PACKET) {
            held = !hand_out_when_due(player, kind);
        } else if (result == PLAYER_INPUT_ERROR || !wants_loop(player)) {
            return result == PLAYER_INPUT_END;
        } else {
            player_pace_loop(&player->pace);
            if (!rewind_input(player, error))
                return FALSE;
        }
    }
}

/* --- again and again --------------------------------------------------------------------- */

static void back_off(Player *player, const GError *why)
{
    if (player->handed_out && now_ns(player) - player->opened_ns >= HEALTHY_NS)
        player->attempts = 0;
    gint64 seconds = MIN(1 << MIN(player->attempts, 5), LONGEST_WAIT_S);
    player->attempts++;
    log_limited(LOG_INFO, "player", "%s; next try in %d s", why->message, (gint)seconds);
    set_state(player, PLAYER_RETRYING, why);
    gint64 due_ns = now_ns(player) + seconds * NS_PER_SEC;
    pthread_mutex_lock(&player->lock);
    player->status.reconnects++;
    while (!player->stopping && now_ns(player) < due_ns)
        wait_until(player, due_ns);
    pthread_mutex_unlock(&player->lock);
}

/* A URL that could be played once, or that only cannot be reached, is tried again. */
static gboolean may_retry(Player *player, const GError *error)
{
    return player_input_is_pull(player->input) && !is_stopping(player) &&
           (player->status.packets > 0 ||
            g_error_matches(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE));
}

/* A stream without an end that has come to one. */
static gboolean ended_too_early(Player *player)
{
    return !player_input_has_end(player->input) && !is_stopping(player);
}

/* Open it, back where it broke off, and play it. TRUE: to its end. */
static gboolean play_once(Player *player, GError **error)
{
    gint64 position_us =
        player->status.position_us; /* only this thread writes it while it is open */
    player->handed_out = FALSE;
    if (!player_input_open(player->input, error))
        return FALSE;
    player->opened_ns = now_ns(player);
    begin_place(player);
    if (position_us > 0 && player_input_is_seekable(player->input) &&
        !player_input_seek(player->input, position_us) && !rewind_input(player, error))
        return FALSE;
    set_state(player, is_paused(player) ? PLAYER_PAUSED : PLAYER_PLAYING, NULL);
    if (!play(player, error))
        return FALSE;
    if (!player->handed_out && !is_stopping(player)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                    "%s holds no picture and no sound; choose another file or stream",
                    player_input_name(player->input));
        return FALSE;
    }
    if (ended_too_early(player)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                    "%s ended; it goes on when its sender does", player_input_name(player->input));
        return FALSE;
    }
    return TRUE;
}

static gpointer player_run(gpointer data)
{
    Player *player = data;
    g_autoptr(GError) error = NULL;
    while (!play_once(player, &error) && error && may_retry(player, error)) {
        player_input_close(player->input);
        back_off(player, error);
        if (is_stopping(player))
            break;
        g_clear_error(&error);
    }
    player_input_close(player->input);
    set_state(player, error ? PLAYER_FAILED : PLAYER_ENDED, error);
    tell_ended(player, error);
    if (player->user_free)
        player->user_free(player->user);
    pthread_mutex_lock(&player->lock);
    player->finished = TRUE;
    pthread_cond_broadcast(&player->wake);
    pthread_mutex_unlock(&player->lock);
    player_unref(player);
    return NULL;
}

static void init_wake(pthread_cond_t *wake)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(wake, &attributes);
    pthread_condattr_destroy(&attributes);
}

Player *player_new(const PlayerOptions *options, const MediaEvents *events, gpointer user,
                   GDestroyNotify user_free, GError **error)
{
    PlayerInputSource source = { options->media_dir, options->file, options->url, options->policy };
    g_autoptr(PlayerInput) input = player_input_new(&source, error);
    if (!input)
        return NULL;
    gboolean live = player_input_is_live(input);
    Player *player = g_new0(Player, 1);
    player->refs = 2;
    player->events = *events;
    player->user = user;
    player->user_free = user_free;
    player->clock = options->clock ? *options->clock : real_clock;
    player->input = g_steal_pointer(&input);
    pthread_mutex_init(&player->lock, NULL);
    init_wake(&player->wake);
    player->paused = options->paused;
    player->loop = options->loop;
    player->seek_us = NO_SEEK;
    player->status.live = live;
    player->order = player_order_new(live ? 0 : READ_AHEAD_US);
    player->packet = av_packet_alloc();
    player_pace_init(&player->pace, now_ns(player), live);
    player->thread = g_thread_try_new("player", player_run, player, NULL);
    if (player->thread)
        return player;
    g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                        "The source cannot start: the system has no more threads.");
    player->refs = 1; /* there is no thread to have one */
    player_unref(player);
    return NULL;
}

/* --- from outside ------------------------------------------------------------------------ */

void player_stop(Player *player)
{
    if (!player)
        return;
    gint64 patience_ns = clock_now_ns() + STOP_NS;
    pthread_mutex_lock(&player->lock);
    player->stopping = TRUE;
    pthread_cond_broadcast(&player->wake);
    pthread_mutex_unlock(&player->lock);
    player_input_interrupt(player->input);
    pthread_mutex_lock(&player->lock);
    while (player->in_event)
        pthread_cond_wait(&player->wake, &player->lock);
    while (!player->finished && timed_wait(&player->wake, &player->lock, patience_ns))
        ;
    gboolean finished = player->finished;
    pthread_mutex_unlock(&player->lock);
    if (finished)
        g_thread_join(player->thread);
    else
        g_thread_unref(player->thread); /* it hangs in a system call, and ends by itself */
    player_unref(player);
}

void player_pause(Player *player, gboolean paused)
{
    pthread_mutex_lock(&player->lock);
    player->paused = paused;
    pthread_cond_broadcast(&player->wake);
    pthread_mutex_unlock(&player->lock);
}

gboolean player_seek(Player *player, gint64 position_us, GError **error)
{
    pthread_mutex_lock(&player->lock);
    gboolean can = player->status.seekable && (player->status.state == PLAYER_PLAYING ||
                                               player->status.state == PLAYER_PAUSED);
    if (can)
        player->seek_us = CLAMP(position_us, 0, player->status.duration_us);
    pthread_cond_broadcast(&player->wake);
    pthread_mutex_unlock(&player->lock);
    if (!can)
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNSUPPORTED,
                    "this cannot be moved to another place: it has none, or is not open yet");
    return can;
}

void player_set_loop(Player *player, gboolean loop)
{
    pthread_mutex_lock(&player->lock);
    player->loop = loop;
    pthread_mutex_unlock(&player->lock);
}

void player_status(Player *player, PlayerStatus *status)
{
    pthread_mutex_lock(&player->lock);
    *status = player->status;
    status->loop = player->loop;
    pthread_mutex_unlock(&player->lock);
}
