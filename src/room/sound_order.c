#include "room/sound_order.h"

#include <string.h>

#include "base/clock.h"

#define JUMP_NS   (200 * NS_PER_MS) /* another clock, or another delay: no drift */
#define SLOPE     500               /* one in so many: 2000 ppm */
#define SAMPLE_HZ 48000

void sound_order_restart(SoundOrder *order)
{
    for (guint i = 0; i < order->count; i++)
        av_packet_free(&order->items[i].packet);
    *order = (SoundOrder){ 0 };
}

gboolean sound_order_put(SoundOrder *order, guint16 seq, guint32 rtp_timestamp, gint64 mixed_ns,
                         AVPacket *packet)
{
    gint64 number = seq_unwrap(&order->seqs, seq);
    gint64 ticks = ts_unwrap(&order->timestamps, rtp_timestamp);
    guint place = order->count;
    if (!order->started)
        order->next = number;
    order->started = TRUE;
    if (number < order->next)
        return FALSE;
    while (place > 0 && order->items[place - 1].seq > number)
        place--;
    if (place > 0 && order->items[place - 1].seq == number)
        return FALSE;
    memmove(&order->items[place + 1], &order->items[place],
            (order->count - place) * sizeof order->items[0]);
    order->items[place] =
        (SoundOrderItem){ number, ticks * (NS_PER_SEC / 1000) / (SAMPLE_HZ / 1000), mixed_ns,
                          packet };
    order->count++;
    return TRUE;
}

/* The jitter buffer's delay moves by jumps and by stretching; what is recorded follows slowly. */
static gint64 place(SoundOrder *order, const SoundOrderItem *item)
{
    gint64 said_ns = item->mixed_ns - item->media_ns;
    gint64 off_ns = said_ns - order->offset_ns;
    gint64 most_ns = MAX(item->media_ns - order->newest_ns, 0) / SLOPE;
    if (!order->placed || ABS(off_ns) > JUMP_NS)
        order->offset_ns = said_ns;
    else
        order->offset_ns += CLAMP(off_ns, -most_ns, most_ns);
    order->placed = TRUE;
    order->newest_ns = item->media_ns;
    order->correction_ns = order->offset_ns - said_ns;
    return item->media_ns + order->offset_ns;
}

AVPacket *sound_order_take(SoundOrder *order, gint64 *time_ns)
{
    if (order->count == 0 ||
        (order->items[0].seq != order->next && order->count <= SOUND_ORDER_MAX))
        return NULL;
    SoundOrderItem item = order->items[0];
    order->count--;
    memmove(&order->items[0], &order->items[1], order->count * sizeof order->items[0]);
    order->next = item.seq + 1;
    *time_ns = place(order, &item);
    return item.packet;
}
