#include "room/feed.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "room/feed_clock.h"
#include "room/feed_lane.h"
#include "room/feed_sound.h"
#include "room/ingress.h"

/* Pictures are decoded this long before they are due: encoded ones take less memory, and no more
 * decoded ones wait than a picture ring holds. */
#define DECODE_AHEAD_NS (150 * NS_PER_MS)
#define MAX_HOLD_NS     (500 * NS_PER_MS)
/* Sound or pictures that did not come for so long have ceased; stills come every 2 s. */
#define ACTIVE_NS (3 * NS_PER_SEC)
/* A picture that is shown for long is handed out again, or it would seem to be frozen. */
#define STILL_NS  NS_PER_SEC
#define REPEAT_NS (500 * NS_PER_MS)
/* While a decoder catches up with what was kept, one picture in so long is shown. */
#define SHOW_NS (150 * NS_PER_MS)
#define MAX_US  (G_MAXINT64 / 4000)

struct Feed {
    gint refs; /* atomic */
    Engine *engine;
    VideoInput *video;
    SourceTap *tap;
    FeedLane *lanes[2]; /* by MediaKind */
    FeedSound *sound;

    /* Control thread. */
    FeedOwner owner;
    gpointer owner_user;

    gboolean wanted; /* audio thread: whether the pictures were, a tick ago */

    pthread_mutex_t lock; /* guards everything below; nothing else is locked under it but the
                             sound's */
    gboolean closed;
    FeedClock clock;
    guint sounding_generation; /* of the clock, that the sound belongs to */
    gint64 came_ns[2];         /* the newest packet; 0: none */
    guint active;              /* as the owner was told */
    gboolean ended, told_end;
    gint64 end_ns; /* everything has been played then */
    GError *error;
    AVFrame *still; /* to be repeated, or NULL */
    gint64 still_until_ns, repeat_ns;
    gint64 shown_ns; /* the last picture */
    FeedStats stats;
};

/* --- life -------------------------------------------------------------------------------- */

/* What is of before a new beginning holds nothing up. */
static gint64 packet_ready(const AVPacket *packet, gint64 arrival_ns, gpointer user)
{
    Feed *feed = user;
    pthread_mutex_lock(&feed->lock);
    gint64 due_ns = feed_clock_due(&feed->clock, packet->dts * NS_PER_US);
    pthread_mutex_unlock(&feed->lock);
    if (due_ns - arrival_ns > NS_PER_SEC)
        return arrival_ns;
    return MIN(due_ns - DECODE_AHEAD_NS, arrival_ns + MAX_HOLD_NS);
}

static gint64 at_once(const AVPacket *packet, gint64 arrival_ns, gpointer user)
{
    (void)packet;
    (void)user;
    return arrival_ns;
}

static gboolean pictures_wanted(gpointer user)
{
    return video_input_wanted(((Feed *)user)->video);
}

/* A new beginning of the clock is one of the sound too. */
static void take_sound(float *samples, guint n, gint64 time_ns, gpointer user)
{
    Feed *feed = user;
    pthread_mutex_lock(&feed->lock);
    gboolean begins = feed->sounding_generation != feed->clock.generation;
    feed->sounding_generation = feed->clock.generation;
    if (begins)
        feed_sound_restart(feed->sound);
    pthread_mutex_unlock(&feed->lock);
    feed_sound_write(feed->sound, samples, n, time_ns);
}

static void keep_still(Feed *feed, const AVFrame *picture, gint64 duration_ns, gint64 now_ns)
{
    av_frame_free(&feed->still);
    if (duration_ns < STILL_NS)
        return;
    feed->still = av_frame_clone(picture);
    feed->still_until_ns = now_ns + 2 * duration_ns;
    feed->repeat_ns = now_ns + REPEAT_NS;
}

/* After a new beginning a decoder may still give what belongs to the old times: at once. One that
 * is late for a reason says nothing of the sender. */
static gint64 note_picture(Feed *feed, const AVFrame *picture, gint64 due_ns, gint64 now_ns,
                           FeedPace pace)
{
    if (ABS(due_ns - now_ns) > NS_PER_SEC || (pace != FEED_IN_TIME && due_ns < now_ns))
        due_ns = now_ns;
    feed->stats.pictures++;
    feed->stats.late_pictures += due_ns < now_ns;
    feed->stats.width = picture->width;
    feed->stats.height = picture->height;
    if (due_ns < now_ns)
        feed_clock_late(&feed->clock, now_ns - due_ns, now_ns);
    feed->shown_ns = now_ns;
    return due_ns;
}

static void take_picture(AVFrame *picture, gint64 time_ns, gint64 duration_ns, FeedPace pace,
                         gpointer user)
{
    Feed *feed = user;
    gint64 now_ns = engine_now_ns(feed->engine);
    pthread_mutex_lock(&feed->lock);
    gint64 due_ns = feed_clock_due(&feed->clock, time_ns);
    gboolean show = pace != FEED_SKIMMING || now_ns >= feed->shown_ns + SHOW_NS;
    if (show) {
        due_ns = note_picture(feed, picture, due_ns, now_ns, pace);
        keep_still(feed, picture, duration_ns, now_ns);
    }
    pthread_mutex_unlock(&feed->lock);
    if (show)
        video_input_picture(feed->video, picture, due_ns, now_ns);
}

static gpointer hold(gpointer feed)
{
    return feed_ref(feed);
}

static void release(gpointer feed)
{
    feed_unref(feed);
}

Feed *feed_new(Engine *engine, VideoInput *video)
{
    static const FeedLaneEvents events[] = {
        [MEDIA_VIDEO] = { hold, release, packet_ready, pictures_wanted, take_sound, take_picture },
        [MEDIA_AUDIO] = { hold, release, at_once, pictures_wanted, take_sound, take_picture },
    };
    Feed *feed = g_new0(Feed, 1);
    feed->refs = 1;
    feed->engine = engine;
    feed->video = video_input_ref(video);
    feed->tap = source_tap_new();
    feed->sound = feed_sound_new();
    pthread_mutex_init(&feed->lock, NULL);
    for (guint kind = 0; kind < G_N_ELEMENTS(events); kind++)
        feed->lanes[kind] = feed_lane_new(engine, (MediaKind)kind, &events[kind], feed);
    return feed;
}

Feed *feed_ref(Feed *feed)
{
    g_atomic_int_inc(&feed->refs);
    return feed;
}

void feed_unref(Feed *feed)
{
    if (!feed || !g_atomic_int_dec_and_test(&feed->refs))
        return;
    for (guint kind = 0; kind < G_N_ELEMENTS(feed->lanes); kind++)
        feed_lane_free(feed->lanes[kind]);
    av_frame_free(&feed->still);
    g_clear_error(&feed->error);
    video_input_unref(feed->video);
    source_tap_unref(feed->tap);
    feed_sound_free(feed->sound);
    pthread_mutex_destroy(&feed->lock);
    g_free(feed);
}

SourceTap *feed_tap(Feed *feed)
{
    return feed->tap;
}

void feed_set_owner(Feed *feed, const FeedOwner *owner, gpointer user)
{
    feed->owner = *owner;
    feed->owner_user = user;
}

void feed_close(Feed *feed)
{
    feed->owner = (FeedOwner){ NULL, NULL };
    pthread_mutex_lock(&feed->lock);
    feed->closed = TRUE;
    pthread_mutex_unlock(&feed->lock);
    for (guint kind = 0; kind < G_N_ELEMENTS(feed->lanes); kind++)
        feed_lane_close(feed->lanes[kind]);
}

/* --- the source's thread ----------------------------------------------------------------- */

static void on_stream(MediaKind kind, const AVCodecParameters *parameters, gpointer user)
{
    Feed *feed = user;
    source_tap_stream(feed->tap, kind, parameters);
    feed_lane_stream(feed->lanes[kind], parameters);
}

/* FALSE: it belongs to times that are over. */
static gboolean place(Feed *feed, MediaKind kind, gint64 dts_us, gint64 arrival_ns, gint64 *due_ns)
{
    pthread_mutex_lock(&feed->lock);
    guint before = feed->clock.generation;
    FeedClockResult result = feed_clock_packet(&feed->clock, kind, dts_us * NS_PER_US, arrival_ns);
    feed->came_ns[kind] = arrival_ns;
    feed->stats.rebased += before > 0 && feed->clock.generation != before;
    *due_ns = feed_clock_due(&feed->clock, dts_us * NS_PER_US);
    gboolean passes = result != FEED_CLOCK_STALE && !feed->closed;
    pthread_mutex_unlock(&feed->lock);
    return passes;
}

static void on_packet(MediaKind kind, const AVPacket *packet, gint64 arrival_ns, gpointer user)
{
    Feed *feed = user;
    gint64 dts_us = packet->dts != AV_NOPTS_VALUE ? packet->dts : packet->pts;
    gint64 pts_us = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
    if (dts_us < -MAX_US || dts_us > MAX_US || pts_us < -MAX_US || pts_us > MAX_US)
        return; /* that of packets without any time too */
    gint64 due_ns;
    if (!place(feed, kind, dts_us, arrival_ns, &due_ns))
        return;
    AVPacket *timed = av_packet_clone(packet);
    if (!timed)
        return;
    timed->dts = dts_us;
    timed->pts = pts_us;
    source_tap_packet(feed->tap, kind, timed, due_ns);
    feed_lane_packet(feed->lanes[kind], timed, arrival_ns);
}

static void on_ended(const GError *error, gpointer user)
{
    Feed *feed = user;
    for (guint kind = 0; kind < G_N_ELEMENTS(feed->lanes); kind++)
        feed_lane_drain(feed->lanes[kind]);
    pthread_mutex_lock(&feed->lock);
    if (!feed->ended) {
        feed->ended = TRUE;
        feed->error = error ? g_error_copy(error) : NULL;
        /* What came last is still to be heard. */
        gint64 came_ns = MAX(feed->came_ns[MEDIA_AUDIO], feed->came_ns[MEDIA_VIDEO]);
        feed->end_ns = came_ns + feed_clock_delay_ns(&feed->clock) + MAX_HOLD_NS / 2;
    }
    pthread_mutex_unlock(&feed->lock);
}

const MediaEvents feed_events = { .stream = on_stream, .packet = on_packet, .ended = on_ended };

/* --- telling the owner ------------------------------------------------------------------- */

typedef struct {
    Feed *feed; /* a reference */
    guint active;
    gboolean ended;
} News;

static void news_free(gpointer data)
{
    News *news = data;
    feed_unref(news->feed);
    g_free(news);
}

/* Either may call feed_close(). */
static void tell_owner(gpointer data)
{
    News *news = data;
    Feed *feed = news->feed;
    thread_assert_control();
    if (news->ended && feed->owner.ended)
        feed->owner.ended(feed->error, feed->owner_user);
    else if (!news->ended && feed->owner.active)
        feed->owner.active(news->active, feed->owner_user);
}

static void post_news(Feed *feed, guint active, gboolean ended)
{
    News *news = g_new(News, 1);
    *news = (News){ feed_ref(feed), active, ended };
    mailbox_post(engine_control_mailbox(feed->engine), tell_owner, news, news_free);
}

static guint active_now(const Feed *feed, gint64 now_ns)
{
    gboolean sound = feed->came_ns[MEDIA_AUDIO] && now_ns < feed->came_ns[MEDIA_AUDIO] + ACTIVE_NS;
    gboolean video = feed->came_ns[MEDIA_VIDEO] && now_ns < feed->came_ns[MEDIA_VIDEO] + ACTIVE_NS;
    return (guint)sound << SOURCE_AUDIO | (guint)video << SOURCE_CAMERA;
}

/* What the audio tick has to see to, under the lock. *again: (transfer full) a still picture. */
static void look_after(Feed *feed, gint64 now_ns, AVFrame **again)
{
    guint active = active_now(feed, now_ns);
    feed_clock_advance(&feed->clock, now_ns);
    if (active != feed->active)
        post_news(feed, active, FALSE);
    feed->active = active;
    if (feed->ended && !feed->told_end && (feed->error || now_ns >= feed->end_ns)) {
        feed->told_end = TRUE;
        post_news(feed, 0, TRUE);
    }
    if (feed->still && now_ns >= feed->still_until_ns)
        av_frame_free(&feed->still);
    if (feed->still && now_ns >= feed->repeat_ns) {
        feed->repeat_ns = now_ns + REPEAT_NS;
        *again = av_frame_clone(feed->still);
    }
}

/* --- the audio thread -------------------------------------------------------------------- */

/* Senders of few pictures would let who looks wait for the next one. */
static void look_who_looks(Feed *feed)
{
    gboolean wanted = video_input_wanted(feed->video);
    if (wanted && !feed->wanted)
        feed_lane_wake(feed->lanes[MEDIA_VIDEO]);
    feed->wanted = wanted;
}

AudioPull feed_pull(gpointer user, gint64 now_ns, float *out)
{
    Feed *feed = user;
    AVFrame *again = NULL;
    gboolean missing;
    thread_assert_audio();
    look_who_looks(feed);
    pthread_mutex_lock(&feed->lock);
    if (!feed->closed)
        look_after(feed, now_ns, &again);
    gint64 time_ns = feed_clock_playing(&feed->clock, now_ns);
    gboolean current = feed->sounding_generation == feed->clock.generation;
    gboolean comes = feed->active & 1u << SOURCE_AUDIO && !feed->ended;
    pthread_mutex_unlock(&feed->lock);
    if (again)
        video_input_picture(feed->video, again, now_ns, now_ns);
    av_frame_free(&again);
    /* Sound of before a new beginning has no place in the new times. */
    if (!current)
        feed_sound_restart(feed->sound);
    AudioPull result = feed_sound_read(feed->sound, time_ns, out, &missing);
    if (comes && missing) {
        pthread_mutex_lock(&feed->lock);
        feed->stats.underruns++;
        pthread_mutex_unlock(&feed->lock);
    }
    return result;
}

/* --- any thread -------------------------------------------------------------------------- */

void feed_stats(Feed *feed, FeedStats *stats)
{
    FeedLaneStats video, audio;
    feed_lane_stats(feed->lanes[MEDIA_VIDEO], &video);
    feed_lane_stats(feed->lanes[MEDIA_AUDIO], &audio);
    pthread_mutex_lock(&feed->lock);
    *stats = feed->stats;
    stats->delay_ns = feed_clock_delay_ns(&feed->clock);
    stats->drift_ppm = feed_clock_drift_ppm(&feed->clock);
    pthread_mutex_unlock(&feed->lock);
    g_strlcpy(stats->video_codec, video.codec, sizeof stats->video_codec);
    g_strlcpy(stats->audio_codec, audio.codec, sizeof stats->audio_codec);
    stats->video_packets = video.packets;
    stats->audio_packets = audio.packets;
    stats->damaged = video.damaged + audio.damaged;
}
