#include "io/packet_queue.h"

#include <libavcodec/packet.h>
#include <pthread.h>
#include <time.h>

#include "base/clock.h"
#include "io/sink.h"

/* What a packet costs beside its data: empty packets must not come in without end. */
#define ITEM_OVERHEAD_BYTES 256
#define MAX_WAIT_US         (G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC)

typedef struct {
    AVPacket *packet;
    guint stream;
    gboolean is_video;
} Item;

struct PacketQueue {
    gint64 max_span_us;
    gsize max_bytes;
    pthread_cond_t changed; /* waits on lock */

    /* Guarded by lock. */
    pthread_mutex_t lock;
    GQueue items;
    gsize bytes;
    gint64 newest_us;
    gboolean skipping[SINK_MAX_STREAMS]; /* this video stream waits for its next key frame */
    gboolean closed, woken;
    guint64 dropped;
};

PacketQueue *packet_queue_new(gint64 max_span_us, gsize max_bytes)
{
    pthread_condattr_t attributes;
    PacketQueue *queue = g_new0(PacketQueue, 1);
    queue->max_span_us = max_span_us;
    queue->max_bytes = max_bytes;
    pthread_mutex_init(&queue->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&queue->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    g_queue_init(&queue->items);
    return queue;
}

static void item_free(Item *item)
{
    av_packet_free(&item->packet);
    g_free(item);
}

void packet_queue_free(PacketQueue *queue)
{
    if (!queue)
        return;
    g_queue_clear_full(&queue->items, (GDestroyNotify)item_free);
    pthread_cond_destroy(&queue->changed);
    pthread_mutex_destroy(&queue->lock);
    g_free(queue);
}

static gsize packet_cost(const AVPacket *packet)
{
    return (gsize)MAX(packet->size, 0) + ITEM_OVERHEAD_BYTES;
}

static gint64 packet_time(const AVPacket *packet)
{
    return packet->dts != AV_NOPTS_VALUE ? packet->dts : packet->pts;
}

static gboolean is_key(const AVPacket *packet)
{
    return (packet->flags & AV_PKT_FLAG_KEY) != 0;
}

/** A clock that began anew must not look like a queue that is too long. */
static gboolean begins_anew(const PacketQueue *queue, gint64 time_us)
{
    return time_us < queue->newest_us - queue->max_span_us;
}

/** Whether `packet` finds no room behind what waits. */
static gboolean is_full(const PacketQueue *queue, const AVPacket *packet)
{
    const Item *oldest = g_queue_peek_head((GQueue *)&queue->items);
    if (queue->bytes + packet_cost(packet) > queue->max_bytes)
        return TRUE;
    gint64 first = oldest ? packet_time(oldest->packet) : AV_NOPTS_VALUE;
    gint64 last = packet_time(packet);
    if (first == AV_NOPTS_VALUE || last == AV_NOPTS_VALUE)
        return FALSE;
    gint64 newest = begins_anew(queue, last) ? last : MAX(queue->newest_us, last);
    return newest - first > queue->max_span_us;
}

/** Move an item out of the queue into `removed`, which is freed outside the lock. */
static void take_out(PacketQueue *queue, GList *link, GQueue *removed)
{
    const Item *item = link->data;
    queue->bytes -= packet_cost(item->packet);
    g_queue_unlink(&queue->items, link);
    g_queue_push_tail_link(removed, link);
}

/** Take out a picture and what depends on it: all of its stream up to the next key frame. */
static void take_out_pictures(PacketQueue *queue, GList *link, GQueue *removed)
{
    guint stream = ((const Item *)link->data)->stream;
    gboolean first = TRUE;
    while (link) {
        GList *next = link->next;
        const Item *item = link->data;
        if (item->is_video && item->stream == stream) {
            if (!first && is_key(item->packet))
                return;
            take_out(queue, link, removed);
            first = FALSE;
        }
        link = next;
    }
    queue->skipping[stream] = TRUE;
}

static GList *oldest_picture(PacketQueue *queue)
{
    GList *link = queue->items.head;
    while (link && !((const Item *)link->data)->is_video)
        link = link->next;
    return link;
}

/** Make room for sound: pictures give way first, the oldest sound only when none is left. */
static void make_room(PacketQueue *queue, const AVPacket *packet, GQueue *removed)
{
    while (queue->items.head && is_full(queue, packet)) {
        GList *picture = oldest_picture(queue);
        gboolean by_bytes = queue->bytes + packet_cost(packet) > queue->max_bytes;
        if (picture && (by_bytes || picture == queue->items.head))
            take_out_pictures(queue, picture, removed);
        else
            take_out(queue, queue->items.head, removed);
    }
}

/** Whether this packet is to be left out; makes room for it otherwise. */
static gboolean must_drop(PacketQueue *queue, guint stream, gboolean is_video,
                          const AVPacket *packet, GQueue *removed)
{
    if (queue->closed || packet_cost(packet) > queue->max_bytes)
        return TRUE;
    if (!is_video) {
        make_room(queue, packet, removed);
        return FALSE;
    }
    if (queue->skipping[stream] && !is_key(packet))
        return TRUE;
    queue->skipping[stream] = is_full(queue, packet);
    return queue->skipping[stream];
}

static void append(PacketQueue *queue, Item *item)
{
    gint64 time_us = packet_time(item->packet);
    gboolean was_empty = g_queue_is_empty(&queue->items);
    g_queue_push_tail(&queue->items, item);
    queue->bytes += packet_cost(item->packet);
    if (was_empty || time_us > queue->newest_us || begins_anew(queue, time_us))
        queue->newest_us = time_us;
    pthread_cond_signal(&queue->changed);
}

gboolean packet_queue_push(PacketQueue *queue, guint stream, gboolean is_video,
                           const AVPacket *packet)
{
    g_return_val_if_fail(stream < SINK_MAX_STREAMS, FALSE);
    GQueue removed = G_QUEUE_INIT;
    Item *item = g_new(Item, 1);
    *item = (Item){ av_packet_clone(packet), stream, is_video };
    pthread_mutex_lock(&queue->lock);
    gboolean drop = !item->packet || must_drop(queue, stream, is_video, packet, &removed);
    if (!drop)
        append(queue, item);
    else
        g_queue_push_tail(&removed, item);
    gboolean complete = removed.length == 0;
    queue->dropped += removed.length;
    pthread_mutex_unlock(&queue->lock);
    g_queue_clear_full(&removed, (GDestroyNotify)item_free);
    return complete;
}

static struct timespec deadline_after(gint64 timeout_us)
{
    gint64 due_ns = clock_now_ns() + CLAMP(timeout_us, 0, MAX_WAIT_US) * NS_PER_US;
    return (struct timespec){ due_ns / NS_PER_SEC, due_ns % NS_PER_SEC };
}

gboolean packet_queue_pop(PacketQueue *queue, AVPacket *packet, guint *stream, gint64 timeout_us)
{
    struct timespec due = deadline_after(timeout_us);
    pthread_mutex_lock(&queue->lock);
    int waited = 0;
    while (!queue->items.head && !queue->closed && !queue->woken && waited == 0)
        waited = pthread_cond_timedwait(&queue->changed, &queue->lock, &due);
    Item *item = g_queue_pop_head(&queue->items);
    if (item)
        queue->bytes -= packet_cost(item->packet);
    else
        queue->woken = FALSE;
    pthread_mutex_unlock(&queue->lock);
    if (!item)
        return FALSE;
    av_packet_unref(packet);
    av_packet_move_ref(packet, item->packet);
    *stream = item->stream;
    item_free(item);
    return TRUE;
}

void packet_queue_close(PacketQueue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->closed = TRUE;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

gboolean packet_queue_is_closed(PacketQueue *queue)
{
    pthread_mutex_lock(&queue->lock);
    gboolean closed = queue->closed;
    pthread_mutex_unlock(&queue->lock);
    return closed;
}

void packet_queue_wake(PacketQueue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->woken = TRUE;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

void packet_queue_flush(PacketQueue *queue)
{
    GQueue removed = G_QUEUE_INIT;
    pthread_mutex_lock(&queue->lock);
    while (queue->items.head)
        take_out(queue, queue->items.head, &removed);
    for (guint i = 0; i < SINK_MAX_STREAMS; i++)
        queue->skipping[i] = TRUE;
    queue->dropped += removed.length;
    pthread_mutex_unlock(&queue->lock);
    g_queue_clear_full(&removed, (GDestroyNotify)item_free);
}

guint64 packet_queue_dropped(PacketQueue *queue)
{
    pthread_mutex_lock(&queue->lock);
    guint64 dropped = queue->dropped;
    pthread_mutex_unlock(&queue->lock);
    return dropped;
}
