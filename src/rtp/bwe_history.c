#include "rtp/bwe_history.h"

#include "base/clock.h"
#include "base/seq.h"

#define FIRST_CAPACITY 256
#define GROW_FOR_NS    (5 * NS_PER_SEC) /* the ring grows to hold what went unreported for less */

struct BweHistory {
    SeqUnwrap unwrap;
    gint64 begin, end; /* extended numbers; end - begin <= capacity */
    guint capacity;    /* a power of two; grows while reports are outstanding */
    BweSentPacket *ring;
};

BweHistory *bwe_history_new(void)
{
    BweHistory *history = g_new0(BweHistory, 1);
    history->capacity = FIRST_CAPACITY;
    history->ring = g_new0(BweSentPacket, history->capacity);
    return history;
}

void bwe_history_free(BweHistory *history)
{
    if (!history)
        return;
    g_free(history->ring);
    g_free(history);
}

static BweSentPacket *slot(BweHistory *history, gint64 seq)
{
    return &history->ring[seq & (history->capacity - 1)];
}

static gboolean is_needed(const BweSentPacket *packet, gint64 now_ns)
{
    return packet->used && packet->fate != BWE_ARRIVED && now_ns - packet->sent_ns <= GROW_FOR_NS;
}

static void grow(BweHistory *history)
{
    guint capacity = history->capacity * 2;
    BweSentPacket *ring = g_new0(BweSentPacket, capacity);
    for (gint64 seq = history->begin; seq < history->end; seq++)
        ring[seq & (capacity - 1)] = *slot(history, seq);
    g_free(history->ring);
    history->ring = ring;
    history->capacity = capacity;
}

/* Room for one more at the end. */
static void make_room(BweHistory *history, gint64 now_ns)
{
    if (history->end - history->begin < history->capacity)
        return;
    if (is_needed(slot(history, history->begin), now_ns) &&
        history->capacity < BWE_HISTORY_MAX_PACKETS)
        grow(history);
    else
        history->begin++;
}

void bwe_history_add(BweHistory *history, guint16 seq, gsize size, gint cluster, gint64 now_ns)
{
    gint64 extended = seq_unwrap(&history->unwrap, seq);
    if (extended < history->end)
        return;
    if (history->end == 0 || extended - history->end >= FIRST_CAPACITY)
        history->begin = history->end = extended;
    while (history->end <= extended) {
        make_room(history, now_ns);
        *slot(history, history->end++) = (BweSentPacket){ 0 };
    }
    *slot(history, extended) = (BweSentPacket){
        .sent_ns = now_ns,
        .cluster = cluster,
        .size = (guint16)MIN(size, G_MAXUINT16),
        .fate = BWE_PENDING,
        .used = TRUE,
    };
}

BweSentPacket *bwe_history_find(BweHistory *history, guint16 seq, gint64 now_ns)
{
    gint64 newest = history->end - 1;
    gint64 extended = newest + seq16_diff(seq, (guint16)newest);
    if (extended < history->begin || extended >= history->end)
        return NULL;
    BweSentPacket *packet = slot(history, extended);
    return packet->used && now_ns - packet->sent_ns <= BWE_HISTORY_MAX_AGE_NS ? packet : NULL;
}
