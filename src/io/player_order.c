#include "io/player_order.h"

#define KINDS       2
#define MAX_PACKETS 4096
#define MAX_BYTES   (24u << 20)

struct PlayerOrder {
    gint64 span_us;
    GQueue waiting[KINDS]; /* AVPacket */
    gsize bytes;
};

PlayerOrder *player_order_new(gint64 span_us)
{
    PlayerOrder *order = g_new0(PlayerOrder, 1);
    order->span_us = span_us;
    return order;
}

static void packet_free(gpointer data)
{
    AVPacket *packet = data;
    av_packet_free(&packet);
}

void player_order_clear(PlayerOrder *order)
{
    for (guint kind = 0; kind < KINDS; kind++)
        g_queue_clear_full(&order->waiting[kind], packet_free);
    order->bytes = 0;
}

void player_order_free(PlayerOrder *order)
{
    if (!order)
        return;
    player_order_clear(order);
    g_free(order);
}

void player_order_push(PlayerOrder *order, MediaKind kind, AVPacket *packet)
{
    AVPacket *mine = av_packet_alloc();
    if (!mine) {
        av_packet_unref(packet);
        return;
    }
    av_packet_move_ref(mine, packet);
    order->bytes += (gsize)mine->size;
    g_queue_push_tail(&order->waiting[kind], mine);
}

static gint64 span_of(const GQueue *queue)
{
    const AVPacket *first = g_queue_peek_head((GQueue *)queue);
    const AVPacket *last = g_queue_peek_tail((GQueue *)queue);
    return first ? last->dts - first->dts : 0;
}

gboolean player_order_wants_more(const PlayerOrder *order)
{
    const GQueue *video = &order->waiting[MEDIA_VIDEO], *audio = &order->waiting[MEDIA_AUDIO];
    guint count = video->length + audio->length;
    if (count == 0)
        return TRUE;
    if (order->span_us == 0 || (video->length && audio->length) || count >= MAX_PACKETS ||
        order->bytes >= MAX_BYTES)
        return FALSE;
    return MAX(span_of(video), span_of(audio)) < order->span_us;
}

gboolean player_order_pop(PlayerOrder *order, MediaKind *kind, AVPacket *packet)
{
    const AVPacket *video = g_queue_peek_head(&order->waiting[MEDIA_VIDEO]);
    const AVPacket *audio = g_queue_peek_head(&order->waiting[MEDIA_AUDIO]);
    if (!video && !audio)
        return FALSE;
    *kind = !audio || (video && video->dts <= audio->dts) ? MEDIA_VIDEO : MEDIA_AUDIO;
    AVPacket *first = g_queue_pop_head(&order->waiting[*kind]);
    order->bytes -= (gsize)first->size;
    av_packet_unref(packet);
    av_packet_move_ref(packet, first);
    av_packet_free(&first);
    return TRUE;
}
