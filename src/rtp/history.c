#include "rtp/history.h"

#include "base/seq.h"

typedef struct {
    RtpHistoryPacket packet; /* empty where payload is NULL */
    gint64 ext_seq;
    gint64 sent_ns;
    gint64 resent_ns; /* G_MININT64: not yet */
} Slot;

struct RtpHistory {
    guint capacity;
    gint64 max_age_ns;
    SeqUnwrap unwrap;
    gint64 oldest; /* nothing before it is kept */
    Slot *slots;
};

RtpHistory *rtp_history_new(guint capacity, gint64 max_age_ns)
{
    g_return_val_if_fail(capacity > 0 && (capacity & (capacity - 1)) == 0, NULL);
    RtpHistory *history = g_new0(RtpHistory, 1);
    history->capacity = capacity;
    history->max_age_ns = max_age_ns;
    history->slots = g_new0(Slot, capacity);
    return history;
}

static void slot_clear(Slot *slot)
{
    g_clear_pointer(&slot->packet.payload, g_bytes_unref);
}

void rtp_history_free(RtpHistory *history)
{
    if (!history)
        return;
    for (guint i = 0; i < history->capacity; i++)
        slot_clear(&history->slots[i]);
    g_free(history->slots);
    g_free(history);
}

static Slot *slot_of(const RtpHistory *history, gint64 ext_seq)
{
    return &history->slots[ext_seq & (history->capacity - 1)];
}

static gboolean holds(const Slot *slot, gint64 ext_seq)
{
    return slot->packet.payload && slot->ext_seq == ext_seq;
}

/* Let go of what the new packet pushes out, and of what became too old. */
static void drop_old(RtpHistory *history, gint64 ext_seq, gint64 now_ns)
{
    if (ext_seq - history->oldest >= 2 * (gint64)history->capacity) {
        for (guint i = 0; i < history->capacity; i++)
            slot_clear(&history->slots[i]);
        history->oldest = ext_seq;
    }
    for (; history->oldest < ext_seq; history->oldest++) {
        Slot *slot = slot_of(history, history->oldest);
        gboolean pushed_out = ext_seq - history->oldest >= history->capacity;
        if (!holds(slot, history->oldest))
            continue;
        if (!pushed_out && now_ns - slot->sent_ns <= history->max_age_ns)
            break;
        slot_clear(slot);
    }
}

void rtp_history_add(RtpHistory *history, const RtpHistoryPacket *packet, gint64 now_ns)
{
    gint64 ext_seq = seq_unwrap(&history->unwrap, packet->seq);
    drop_old(history, ext_seq, now_ns);
    if (ext_seq < history->oldest)
        return;
    Slot *slot = slot_of(history, ext_seq);
    GBytes *payload = g_bytes_ref(packet->payload);
    slot_clear(slot);
    *slot = (Slot){ *packet, ext_seq, now_ns, G_MININT64 };
    slot->packet.payload = payload;
}

static gint64 ext_seq_of(const RtpHistory *history, guint16 seq)
{
    gint64 newest = history->unwrap.last;
    return newest + seq16_diff(seq, (guint16)newest);
}

gboolean rtp_history_is_gone(const RtpHistory *history, guint16 seq, gint64 now_ns)
{
    gint64 ext_seq = ext_seq_of(history, seq);
    const Slot *slot = slot_of(history, ext_seq);
    return ext_seq < history->oldest ||
           (holds(slot, ext_seq) && now_ns - slot->sent_ns > history->max_age_ns);
}

const RtpHistoryPacket *rtp_history_resend(RtpHistory *history, guint16 seq, gint64 now_ns,
                                           gint64 min_interval_ns)
{
    gint64 ext_seq = ext_seq_of(history, seq);
    Slot *slot = slot_of(history, ext_seq);
    if (!holds(slot, ext_seq) || now_ns - slot->sent_ns > history->max_age_ns)
        return NULL;
    if (slot->resent_ns != G_MININT64 && now_ns - slot->resent_ns < min_interval_ns)
        return NULL;
    slot->resent_ns = now_ns;
    return &slot->packet;
}
