#include "rtp/bwe_acked.h"

#include "base/clock.h"

#define MIN_PACKETS    10
#define WINDOW_PACKETS 20
#define MIN_WINDOW_NS  NS_PER_SEC
#define MAX_WINDOW_NS  (5 * NS_PER_SEC)

static const BweAckedPacket *at(const BweAcked *acked, guint i)
{
    return &acked->ring[(acked->begin + i) % BWE_ACKED_MAX];
}

static void drop_first(BweAcked *acked)
{
    acked->discarded_sent_ns = MAX(acked->discarded_sent_ns, at(acked, 0)->sent_ns);
    acked->begin = (acked->begin + 1) % BWE_ACKED_MAX;
    acked->count--;
}

static gboolean first_is_too_old(const BweAcked *acked)
{
    gint64 span_ns = at(acked, acked->count - 1)->arrival_ns - at(acked, 0)->arrival_ns;
    return span_ns > MAX_WINDOW_NS || (acked->count > WINDOW_PACKETS && span_ns > MIN_WINDOW_NS);
}

void bwe_acked_packet(BweAcked *acked, gint64 sent_ns, gint64 arrival_ns, gsize size)
{
    if (acked->count == BWE_ACKED_MAX)
        drop_first(acked);
    guint place = acked->count++;
    for (; place > 0 && at(acked, place - 1)->arrival_ns > arrival_ns; place--)
        acked->ring[(acked->begin + place) % BWE_ACKED_MAX] = *at(acked, place - 1);
    acked->ring[(acked->begin + place) % BWE_ACKED_MAX] =
        (BweAckedPacket){ sent_ns, arrival_ns, size };
    while (first_is_too_old(acked))
        drop_first(acked);
}

static gint rate(gsize size, gint64 duration_ns)
{
    gdouble bps = (gdouble)size * 8 * NS_PER_SEC / (gdouble)MAX(duration_ns, NS_PER_MS);
    return (gint)MIN(bps, G_MAXINT / 4);
}

/* Without its longest pause, which may be the feedback's or the application's. */
static gint arrival_rate(const BweAcked *acked)
{
    gint64 longest_ns = 0, second_ns = 0;
    gsize size = 0;
    for (guint i = 1; i < acked->count; i++) {
        gint64 gap_ns = at(acked, i)->arrival_ns - at(acked, i - 1)->arrival_ns;
        size += at(acked, i)->size;
        if (gap_ns > longest_ns) {
            second_ns = longest_ns;
            longest_ns = gap_ns;
        } else {
            second_ns = MAX(second_ns, gap_ns);
        }
    }
    gint64 span_ns = at(acked, acked->count - 1)->arrival_ns - at(acked, 0)->arrival_ns;
    return rate(size, span_ns - longest_ns + second_ns);
}

/* Of the same packets; G_MAXINT if too few of them were sent within the window. */
static gint sending_rate(const BweAcked *acked)
{
    gint64 first_ns = G_MAXINT64, last_ns = G_MININT64;
    gsize size = 0, last_size = 0;
    guint count = 0;
    for (guint i = 0; i < acked->count; i++) {
        const BweAckedPacket *packet = at(acked, i);
        if (packet->sent_ns < acked->discarded_sent_ns)
            continue;
        if (packet->sent_ns >= last_ns) {
            last_ns = packet->sent_ns;
            last_size = packet->size;
        }
        first_ns = MIN(first_ns, packet->sent_ns);
        size += packet->size;
        count++;
    }
    return count < MIN_PACKETS ? G_MAXINT : rate(size - last_size, last_ns - first_ns);
}

gint bwe_acked_bps(const BweAcked *acked)
{
    if (acked->count < MIN_PACKETS)
        return 0;
    return MIN(arrival_rate(acked), sending_rate(acked));
}
