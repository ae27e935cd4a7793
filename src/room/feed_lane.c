#include "room/feed_lane.h"

#include <libavcodec/avcodec.h>
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

/* That may wait: some seconds of what anybody sends. */
#define MAX_ITEMS 512
#define MAX_BYTES (24u << 20)
/* What is kept of pictures that nobody wants: the seconds since a key frame, as encoders make them.
 */
#define MAX_KEPT       900
#define MAX_KEPT_BYTES (8u << 20)
/* So long pictures may be late because those before them had to be decoded first. */
#define CATCH_UP_NS (2 * NS_PER_SEC)

/* One of: a packet, a stream's description, or neither: the end. */
typedef struct {
    AVPacket *packet;
    AVCodecParameters *parameters;
    gint64 arrival_ns;
} Item;

struct FeedLane {
    MediaKind kind;
    Engine *engine;
    Strand *strand;
    const FeedLaneEvents *events;
    gpointer user;

    /* The strand. */
    MediaDecoder *decoder;
    AVCodecParameters *parameters; /* of the decoder */
    GQueue kept; /* of Item: what the decoder has not had since it was last wanted, or since a key
                    frame; all of it is needed for what follows */
    gsize kept_bytes;
    gboolean from_key;      /* the kept begin with a key frame: nothing before it matters */
    gboolean lost;          /* up to the next key frame: something before it is missing */
    gint64 behind_until_ns; /* it catches up with what was kept; 0: it does not */
    GArray *samples;        /* of float */
    AVFrame *picture;

    pthread_mutex_t lock; /* guards everything below; ready() is called under it */
    gboolean closed;
    GQueue items; /* of Item */
    gsize bytes;
    gboolean posted;      /* a task is on its way */
    gboolean skip_to_key; /* of what comes in */
    FeedLaneStats stats;
};

static void run(gpointer data);

static void item_free(gpointer data)
{
    Item *item = data;
    av_packet_free(&item->packet);
    avcodec_parameters_free(&item->parameters);
    g_free(item);
}

FeedLane *feed_lane_new(Engine *engine, MediaKind kind, const FeedLaneEvents *events, gpointer user)
{
    FeedLane *lane = g_new0(FeedLane, 1);
    lane->kind = kind;
    lane->engine = engine;
    lane->strand = strand_new(engine_strand_pool(engine));
    lane->events = events;
    lane->user = user;
    lane->samples = g_array_new(FALSE, FALSE, sizeof(float));
    lane->picture = av_frame_alloc();
    g_queue_init(&lane->items);
    g_queue_init(&lane->kept);
    pthread_mutex_init(&lane->lock, NULL);
    return lane;
}

void feed_lane_free(FeedLane *lane)
{
    g_queue_clear_full(&lane->items, item_free);
    g_queue_clear_full(&lane->kept, item_free);
    media_decoder_free(lane->decoder);
    avcodec_parameters_free(&lane->parameters);
    av_frame_free(&lane->picture);
    g_array_unref(lane->samples);
    strand_unref(lane->strand);
    pthread_mutex_destroy(&lane->lock);
    g_free(lane);
}

static void release(gpointer data)
{
    const FeedLane *lane = data;
    lane->events->unref(lane->user);
}

/* Under the lock: once it is closed nothing is posted any more. */
static void post_at(FeedLane *lane, gint64 due_ns)
{
    lane->events->ref(lane->user);
    lane->posted = TRUE;
    strand_post_at(lane->strand, due_ns, run, lane, release);
}

/* --- the queue --------------------------------------------------------------------------- */

static gsize item_bytes(const Item *item)
{
    return item->packet ? (gsize)MAX(item->packet->size, 0) : 0;
}

/* All packets go; of the descriptions the newest stays. */
static void drop_waiting(FeedLane *lane)
{
    Item *last = NULL, *item;
    while ((item = g_queue_pop_head(&lane->items))) {
        lane->stats.dropped += item->packet != NULL;
        if (item->parameters) {
            g_clear_pointer(&last, item_free);
            last = item;
        } else {
            item_free(item);
        }
    }
    lane->bytes = 0;
    if (last)
        g_queue_push_tail(&lane->items, last);
}

static gboolean is_full(const FeedLane *lane, const Item *item)
{
    return lane->items.length >= MAX_ITEMS || lane->bytes + item_bytes(item) > MAX_BYTES;
}

static gboolean is_key(const FeedLane *lane, const Item *item)
{
    return lane->kind == MEDIA_AUDIO || item->packet->flags & AV_PKT_FLAG_KEY;
}

/* item: (transfer full) */
static void push(FeedLane *lane, Item *item)
{
    gboolean taken = FALSE;
    pthread_mutex_lock(&lane->lock);
    if (!lane->closed && is_full(lane, item)) {
        drop_waiting(lane);
        lane->skip_to_key = TRUE;
    }
    if (!lane->closed && !(item->packet && lane->skip_to_key && !is_key(lane, item))) {
        lane->skip_to_key = lane->skip_to_key && !item->packet;
        lane->stats.packets += item->packet != NULL;
        lane->bytes += item_bytes(item);
        g_queue_push_tail(&lane->items, item);
        taken = TRUE;
        if (!lane->posted)
            post_at(lane, G_MININT64);
    }
    pthread_mutex_unlock(&lane->lock);
    if (!taken)
        item_free(item);
}

void feed_lane_stream(FeedLane *lane, const AVCodecParameters *parameters)
{
    Item *item = g_new0(Item, 1);
    item->parameters = avcodec_parameters_alloc();
    if (item->parameters && avcodec_parameters_copy(item->parameters, parameters) >= 0)
        push(lane, item);
    else
        item_free(item);
}

void feed_lane_packet(FeedLane *lane, AVPacket *packet, gint64 arrival_ns)
{
    Item *item = g_new0(Item, 1);
    item->arrival_ns = arrival_ns;
    item->packet = packet;
    push(lane, item);
}

void feed_lane_drain(FeedLane *lane)
{
    push(lane, g_new0(Item, 1));
}

void feed_lane_wake(FeedLane *lane)
{
    pthread_mutex_lock(&lane->lock);
    if (!lane->closed && !lane->posted)
        post_at(lane, G_MININT64);
    pthread_mutex_unlock(&lane->lock);
}

void feed_lane_close(FeedLane *lane)
{
    pthread_mutex_lock(&lane->lock);
    lane->closed = TRUE;
    g_queue_clear_full(&lane->items, item_free);
    lane->bytes = 0;
    pthread_mutex_unlock(&lane->lock);
}

void feed_lane_stats(FeedLane *lane, FeedLaneStats *stats)
{
    pthread_mutex_lock(&lane->lock);
    *stats = lane->stats;
    pthread_mutex_unlock(&lane->lock);
}

/* --- what nobody wants (the strand) ------------------------------------------------------ */

static void forget_kept(FeedLane *lane)
{
    g_queue_clear_full(&lane->kept, item_free);
    lane->kept_bytes = 0;
    lane->from_key = FALSE;
}

/* item: (transfer full) */
static void keep(FeedLane *lane, Item *item)
{
    if (is_key(lane, item)) {
        forget_kept(lane);
        lane->from_key = TRUE;
        lane->lost = FALSE;
    } else if (lane->kept.length >= MAX_KEPT ||
               lane->kept_bytes + item_bytes(item) > MAX_KEPT_BYTES) {
        forget_kept(lane);
        lane->lost = TRUE;
    }
    if (lane->lost) {
        item_free(item);
        return;
    }
    lane->kept_bytes += item_bytes(item);
    g_queue_push_tail(&lane->kept, item);
}

/* (transfer full) The next of those kept. */
static Item *take_kept(FeedLane *lane)
{
    Item *item = g_queue_pop_head(&lane->kept);
    lane->kept_bytes -= item_bytes(item);
    if (lane->from_key)
        media_decoder_flush(lane->decoder);
    lane->from_key = FALSE;
    return item;
}

/* --- the strand -------------------------------------------------------------------------- */

static gboolean same_stream(const AVCodecParameters *a, const AVCodecParameters *b)
{
    return a && a->codec_id == b->codec_id && a->extradata_size == b->extradata_size &&
           a->sample_rate == b->sample_rate &&
           a->ch_layout.nb_channels == b->ch_layout.nb_channels &&
           (b->extradata_size <= 0 ||
            memcmp(a->extradata, b->extradata, (gsize)b->extradata_size) == 0);
}

static void make_decoder(FeedLane *lane, AVCodecParameters *parameters)
{
    g_autoptr(GError) error = NULL;
    MediaDecoderLimits limits = { .video.max_pixels = config_int(engine_config(lane->engine),
                                                                 "video.max_input_pixels") };
    media_decoder_free(lane->decoder);
    lane->decoder = media_decoder_new(parameters, &limits, &error);
    forget_kept(lane);
    lane->lost = lane->kind == MEDIA_VIDEO;
    if (!lane->decoder)
        log_limited(LOG_WARNING, "feed", "a stream cannot be decoded: %s", error->message);
    pthread_mutex_lock(&lane->lock);
    g_strlcpy(lane->stats.codec, avcodec_get_name(parameters->codec_id), sizeof lane->stats.codec);
    pthread_mutex_unlock(&lane->lock);
}

static void take_parameters(FeedLane *lane, Item *item)
{
    if (same_stream(lane->parameters, item->parameters))
        return;
    make_decoder(lane, item->parameters);
    avcodec_parameters_free(&lane->parameters);
    lane->parameters = g_steal_pointer(&item->parameters);
}

static void receive_sound(FeedLane *lane)
{
    gint64 pts_us;
    for (;;) {
        g_array_set_size(lane->samples, 0);
        if (!media_decoder_receive_audio(lane->decoder, lane->samples, &pts_us))
            return;
        lane->events->sound((float *)lane->samples->data, lane->samples->len / AUDIO_CHANNELS,
                            pts_us * NS_PER_US, lane->user);
    }
}

static void receive_pictures(FeedLane *lane, const AVPacket *packet)
{
    gboolean behind = engine_now_ns(lane->engine) < lane->behind_until_ns;
    FeedPace pace = lane->kept.length ? FEED_SKIMMING : behind ? FEED_BEHIND : FEED_IN_TIME;
    gint64 duration_ns = packet && packet->duration > 0 && packet->duration < G_MAXINT / 2
                             ? packet->duration * NS_PER_US
                             : 0;
    while (media_decoder_receive_video(lane->decoder, lane->picture)) {
        gint64 pts_us = lane->picture->pts;
        if (pts_us == AV_NOPTS_VALUE && packet)
            pts_us = packet->pts;
        if (pts_us != AV_NOPTS_VALUE)
            lane->events->picture(lane->picture, pts_us * NS_PER_US, duration_ns, pace, lane->user);
        av_frame_unref(lane->picture);
    }
}

static void receive(FeedLane *lane, const AVPacket *packet)
{
    if (lane->kind == MEDIA_AUDIO)
        receive_sound(lane);
    else
        receive_pictures(lane, packet);
    pthread_mutex_lock(&lane->lock);
    lane->stats.damaged = media_decoder_damaged(lane->decoder);
    pthread_mutex_unlock(&lane->lock);
}

static void decode(FeedLane *lane, const Item *item)
{
    media_decoder_send(lane->decoder, item->packet);
    receive(lane, item->packet);
}

/* Pictures: nothing that is not a key frame means anything after it. */
static void take_end(FeedLane *lane)
{
    forget_kept(lane);
    lane->lost = lane->kind == MEDIA_VIDEO;
    media_decoder_drain(lane->decoder);
    receive(lane, NULL);
    media_decoder_flush(lane->decoder);
}

/* item: (transfer full) */
static void take_packet(FeedLane *lane, Item *item, gboolean wanted)
{
    if (!wanted) {
        keep(lane, item);
        return;
    }
    if (lane->lost && is_key(lane, item)) {
        media_decoder_flush(lane->decoder);
        lane->lost = FALSE;
    }
    if (!lane->lost)
        decode(lane, item);
    item_free(item);
}

/* item: (transfer full) */
static void take_in(FeedLane *lane, Item *item, gboolean wanted)
{
    if (item->packet && lane->decoder) {
        take_packet(lane, item, wanted);
        return;
    }
    if (item->parameters)
        take_parameters(lane, item);
    else if (lane->decoder)
        take_end(lane);
    item_free(item);
}

/* TRUE: one of those kept was decoded, and the task comes back at once. */
static gboolean catch_up(FeedLane *lane)
{
    if (!lane->kept.length)
        return FALSE;
    if (!lane->behind_until_ns)
        lane->behind_until_ns = engine_now_ns(lane->engine) + CATCH_UP_NS;
    Item *item = take_kept(lane);
    decode(lane, item);
    item_free(item);
    pthread_mutex_lock(&lane->lock);
    lane->posted = FALSE;
    if (!lane->closed)
        post_at(lane, G_MININT64);
    pthread_mutex_unlock(&lane->lock);
    return TRUE;
}

/* The next item if its time has come (transfer full); else the task comes back then. */
static Item *take(FeedLane *lane)
{
    Item *item = NULL;
    pthread_mutex_lock(&lane->lock);
    const Item *head = g_queue_peek_head(&lane->items);
    gint64 now_ns = engine_now_ns(lane->engine), ready_ns = now_ns;
    lane->posted = FALSE;
    if (head && head->packet)
        ready_ns = lane->events->ready(head->packet, head->arrival_ns, lane->user);
    if (head && ready_ns > now_ns) {
        post_at(lane, ready_ns);
    } else if (head) {
        item = g_queue_pop_head(&lane->items);
        lane->bytes -= item_bytes(item);
        /* One at a time: other strands are to have their turn. */
        if (lane->items.length)
            post_at(lane, G_MININT64);
    }
    pthread_mutex_unlock(&lane->lock);
    if (!item)
        lane->behind_until_ns = 0;
    return item;
}

static void run(gpointer data)
{
    FeedLane *lane = data;
    thread_assert_strand();
    gboolean wanted = lane->kind == MEDIA_AUDIO || lane->events->wanted(lane->user);
    if (wanted && catch_up(lane))
        return;
    Item *item = take(lane);
    if (item)
        take_in(lane, item, wanted);
}
