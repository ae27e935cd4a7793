#include "rtp/audio_jitter.h"

#include "base/clock.h"
#include "base/seq.h"
#include "rtp/delay_meter.h"

#define SLOTS           256 /* a power of two, more than MAX_PACKETS */
#define MAX_PACKETS     200
#define MAX_SPAN        (2 * 48000)
#define MAX_DURATION    5760 /* RFC 6716 section 2.1.4 */
#define TICK            960
#define MIN_LAG         240 /* shorter pitch periods are not worth a splice */
#define MAX_LAG         720 /* the longest pitch period that a stretch takes out */
#define PLC_UNIT        120 /* 2.5 ms, the least that a decoder conceals */
#define DTX_BYTES       2   /* RFC 7587 section 3.1.3: such a packet says that silence follows */

#define START_TARGET_NS (40 * NS_PER_MS)
#define MIN_TARGET_NS   (20 * NS_PER_MS)
#define MAX_TARGET_NS   (500 * NS_PER_MS)
/* How far below and above the target nothing is done; together one tick, since a stretch may cost
 * or spare one pull. */
#define SLACK_NS       (10 * NS_PER_MS)
#define URGENT_NS      (100 * NS_PER_MS)
#define SKIP_NS        (200 * NS_PER_MS)
#define WARM_UP        2     /* packets that the decoder gets before the one that is played */
#define MAX_CONCEALED  24000 /* 500 ms; faded to silence long before */

#define MAX_SEQ_JUMP   1000
#define MAX_TRANSIT_NS (3 * NS_PER_SEC)
#define EARLY_PACKETS  64 /* how far before the very first packet reordered ones may come */
#define MAX_LATE_RUN   25 /* late ones in a row: it is we who are ahead, led on by a stray packet */

/* Two losses within ten seconds, and none for fifteen. */
#define LOSS_WEIGHT (1.0 / 512)
#define LOSS_HIGH   0.003
#define LOSS_LOW    0.0008

typedef struct {
    gint64 seq, ts; /* unwrapped */
    gint duration;
    gboolean has_fec;
    guint8 level_dbov;
    gboolean received; /* stays set when the payload is gone: tells duplicates from late ones */
    GBytes *payload;
} Slot;

struct AudioJitter {
    Slot slots[SLOTS]; /* by sequence number */
    guint count;
    gboolean started;
    gint64 newest_seq, newest_ts;
    gint64 next_seq; /* the first that was not played yet */
    gboolean suspected;
    guint16 suspect_seq;
    gint64 late_seq; /* the newest late one */
    guint late_run;  /* late ones, each the successor of the one before */

    gboolean playing;
    gboolean quiet;    /* the last packet said that silence follows */
    gint64 play_ts;    /* where the last packet ended */
    gint64 owed;       /* samples that were made up since */
    gint64 skip_until; /* packets before this timestamp are only decoded */
    gint duration;     /* of the last packet */
    gboolean played;   /* anything at all */

    DelayMeter meter;
    gdouble loss;
    gboolean fec_seen, wait_for_fec;
    gint64 min_delay_ns;
    AudioJitterStats stats;
};

/* --- Delay ----------------------------------------------------------------------------------- */

static gint64 samples_to_ns(gint64 samples)
{
    return samples * 62500 / 3;
}

static gint64 target_ns(const AudioJitter *jitter)
{
    gint64 target = START_TARGET_NS;
    if (jitter->meter.intervals)
        target = jitter->meter.quantile_ns + SLACK_NS;
    /* FEC comes with the packet after the lost one: that one must be here in time. */
    if (jitter->wait_for_fec)
        target += samples_to_ns(jitter->duration);
    target = MAX(target, jitter->min_delay_ns);
    return CLAMP(target, MIN_TARGET_NS, MAX_TARGET_NS);
}

/** How long ago a sample with this timestamp could have been played at the earliest. */
static gint64 delay_ns(const AudioJitter *jitter, gint64 ts, gint64 now_ns)
{
    return now_ns - jitter->meter.base_ns - samples_to_ns(ts);
}

/** Whether losses are so many that it pays to wait for the FEC of the next packet. */
static void note_loss(AudioJitter *jitter, gint64 lost)
{
    for (gint64 i = 0; i < MIN(lost, MAX_PACKETS); i++)
        jitter->loss += (1 - jitter->loss) * LOSS_WEIGHT;
    jitter->loss -= jitter->loss * LOSS_WEIGHT;
    if (jitter->loss > LOSS_HIGH)
        jitter->wait_for_fec = jitter->fec_seen;
    else if (jitter->loss < LOSS_LOW)
        jitter->wait_for_fec = FALSE;
}

/* --- The queue ------------------------------------------------------------------------------- */

static Slot *slot_of(AudioJitter *jitter, gint64 seq)
{
    return &jitter->slots[seq & (SLOTS - 1)];
}

static Slot *queued(AudioJitter *jitter, gint64 seq)
{
    Slot *slot = slot_of(jitter, seq);
    return slot->payload && slot->seq == seq ? slot : NULL;
}

/** The oldest packet from `seq` on, or NULL. */
static Slot *first_from(AudioJitter *jitter, gint64 seq)
{
    if (!jitter->count)
        return NULL;
    for (; seq <= jitter->newest_seq; seq++) {
        Slot *slot = queued(jitter, seq);
        if (slot)
            return slot;
    }
    return NULL;
}

static Slot *head(AudioJitter *jitter)
{
    return first_from(jitter, jitter->next_seq);
}

static GBytes *take_payload(AudioJitter *jitter, Slot *slot)
{
    jitter->count--;
    return g_steal_pointer(&slot->payload);
}

/** Drop everything before `seq` unplayed; returns how many packets that were. */
static guint drop_before(AudioJitter *jitter, gint64 seq)
{
    guint dropped = 0;
    Slot *slot;
    while ((slot = head(jitter)) && slot->seq < seq) {
        g_bytes_unref(take_payload(jitter, slot));
        jitter->next_seq = slot->seq + 1;
        dropped++;
    }
    jitter->next_seq = MAX(jitter->next_seq, seq);
    return dropped;
}

static void flush(AudioJitter *jitter)
{
    for (guint i = 0; i < SLOTS; i++) {
        g_clear_pointer(&jitter->slots[i].payload, g_bytes_unref);
        jitter->slots[i].received = FALSE;
    }
    jitter->count = 0;
    jitter->started = FALSE;
    jitter->suspected = FALSE;
    jitter->playing = FALSE;
    jitter->played = FALSE;
    jitter->quiet = FALSE;
    jitter->owed = 0;
    jitter->late_run = 0;
    jitter->skip_until = G_MININT64;
    delay_meter_reset(&jitter->meter);
}

AudioJitter *audio_jitter_new(void)
{
    AudioJitter *jitter = g_new0(AudioJitter, 1);
    audio_jitter_reset(jitter);
    return jitter;
}

void audio_jitter_free(AudioJitter *jitter)
{
    if (!jitter)
        return;
    flush(jitter);
    g_free(jitter);
}

void audio_jitter_reset(AudioJitter *jitter)
{
    flush(jitter);
    jitter->duration = TICK;
    jitter->loss = 0;
    jitter->fec_seen = jitter->wait_for_fec = FALSE;
}

void audio_jitter_set_min_delay(AudioJitter *jitter, gint64 min_delay_ns)
{
    jitter->min_delay_ns = CLAMP(min_delay_ns, 0, MAX_TARGET_NS);
}

/* --- Packets --------------------------------------------------------------------------------- */

/** Begin with this packet. */
static void start(AudioJitter *jitter, const AudioJitterPacket *packet)
{
    jitter->started = TRUE;
    jitter->newest_seq = jitter->next_seq = 65536 + packet->seq;
    jitter->newest_ts = ((gint64)1 << 32) | packet->rtp_timestamp;
}

static gboolean is_out_of_line(const AudioJitter *jitter, gint64 seq, gint64 ts, gint64 arrival_ns)
{
    gint64 transit_ns = arrival_ns - samples_to_ns(ts);
    return ABS(seq - jitter->newest_seq) > MAX_SEQ_JUMP ||
           ABS(transit_ns - jitter->meter.base_ns) > MAX_TRANSIT_NS;
}

/** Find the place of a packet in the stream. FALSE: it is out of line, and nothing confirms it. */
static gboolean place_packet(AudioJitter *jitter, const AudioJitterPacket *packet, gint64 *seq,
                             gint64 *ts)
{
    if (!jitter->started)
        start(jitter, packet);
    *seq = jitter->newest_seq + seq16_diff(packet->seq, (guint16)jitter->newest_seq);
    *ts = jitter->newest_ts + rtp_ts_diff(packet->rtp_timestamp, (guint32)jitter->newest_ts);
    if (!jitter->meter.known || !is_out_of_line(jitter, *seq, *ts, packet->arrival_ns)) {
        jitter->suspected = FALSE;
        return TRUE;
    }
    gboolean idle = !jitter->playing && !jitter->count;
    if (!idle && (!jitter->suspected || packet->seq != (guint16)(jitter->suspect_seq + 1))) {
        jitter->suspected = TRUE;
        jitter->suspect_seq = packet->seq;
        return FALSE;
    }
    flush(jitter);
    start(jitter, packet);
    jitter->stats.restarts++;
    *seq = jitter->newest_seq;
    *ts = jitter->newest_ts;
    return TRUE;
}

static gboolean is_duplicate(AudioJitter *jitter, gint64 seq)
{
    const Slot *slot = slot_of(jitter, seq);
    return slot->received && slot->seq == seq;
}

/** TRUE if the packet comes after its place was played. */
static gboolean is_late(AudioJitter *jitter, gint64 seq)
{
    if (seq >= jitter->next_seq)
        return FALSE;
    if (!jitter->played && jitter->newest_seq - seq < EARLY_PACKETS) {
        jitter->next_seq = seq;
        return FALSE;
    }
    return TRUE;
}

/** A packet was late. Where nothing else comes any more, begin anew with the next one. */
static void note_late(AudioJitter *jitter, gint64 seq)
{
    jitter->stats.late++;
    jitter->late_run = seq == jitter->late_seq + 1 ? jitter->late_run + 1 : 1;
    jitter->late_seq = seq;
    if (jitter->late_run < MAX_LATE_RUN)
        return;
    flush(jitter);
    jitter->stats.restarts++;
}

static void keep_limits(AudioJitter *jitter, gint64 seq, gint64 end_ts)
{
    jitter->stats.skipped += drop_before(jitter, MAX(jitter->next_seq, seq - MAX_PACKETS + 1));
    Slot *slot;
    while ((slot = head(jitter)) && end_ts - slot->ts > MAX_SPAN)
        jitter->stats.skipped += drop_before(jitter, slot->seq + 1);
}

void audio_jitter_insert(AudioJitter *jitter, const AudioJitterPacket *packet)
{
    gint64 seq, ts;
    if (packet->duration <= 0 || packet->duration > MAX_DURATION ||
        !place_packet(jitter, packet, &seq, &ts)) {
        jitter->stats.absurd++;
        return;
    }
    if (is_duplicate(jitter, seq)) {
        jitter->stats.duplicates++;
        return;
    }
    delay_meter_packet(&jitter->meter, packet->arrival_ns - samples_to_ns(ts), packet->arrival_ns);
    if (is_late(jitter, seq)) {
        note_late(jitter, seq);
        return;
    }
    jitter->late_run = 0;

    keep_limits(jitter, seq, ts + packet->duration);
    Slot *slot = slot_of(jitter, seq);
    *slot = (Slot){ .seq = seq,
                    .ts = ts,
                    .duration = packet->duration,
                    .received = TRUE,
                    .has_fec = packet->has_fec,
                    .level_dbov = packet->level_dbov,
                    .payload = g_bytes_ref(packet->payload) };
    jitter->count++;
    jitter->stats.packets++;
    jitter->fec_seen |= packet->has_fec;
    if (seq > jitter->newest_seq) {
        jitter->newest_seq = seq;
        jitter->newest_ts = ts;
    }
}

/* --- Playing --------------------------------------------------------------------------------- */

static void pull_empty(AudioJitter *jitter, AudioJitterPull *pull)
{
    pull->action = AUDIO_JITTER_EMPTY;
    pull->samples = TICK;
    pull->rtp_timestamp = (guint32)(jitter->play_ts + jitter->owed);
    jitter->owed += TICK;
}

static void pull_concealed(AudioJitter *jitter, gint64 wanted, AudioJitterPull *pull)
{
    gint64 samples = MIN(wanted, TICK);
    samples = (samples + PLC_UNIT - 1) / PLC_UNIT * PLC_UNIT;
    pull->action = AUDIO_JITTER_CONCEAL;
    pull->samples = (gint)samples;
    pull->rtp_timestamp = (guint32)(jitter->play_ts + jitter->owed);
    jitter->owed += samples;
    jitter->stats.concealed_samples += (guint64)samples;
}

/** What the caller may do about the delay, now that the packet at `slot` is played. */
static void wish(AudioJitter *jitter, const Slot *slot, gint64 now_ns, gint buffered_samples,
                 AudioJitterPull *pull)
{
    gint64 delay = delay_ns(jitter, slot->ts, now_ns);
    gint64 target = target_ns(jitter);
    gboolean enough = buffered_samples + slot->duration >= TICK;
    /* Samples that the caller keeps over the tick are delay, too: to take some of them out never
     * costs another pull. */
    gint left = MIN(buffered_samples, buffered_samples + slot->duration - TICK);
    gboolean much = delay > target + SLACK_NS;
    if (slot->ts < jitter->skip_until) {
        pull->wish = AUDIO_STRETCH_SKIP;
        jitter->stats.skipped++;
        return;
    }
    jitter->skip_until = G_MININT64;
    if (enough && delay < target - SLACK_NS) {
        pull->wish = AUDIO_STRETCH_SLOWER;
        jitter->stats.slower++;
    } else if (enough && (much || left >= MIN_LAG)) {
        pull->wish = AUDIO_STRETCH_FASTER;
        pull->max_stretch = much ? MAX_LAG : MIN(left, MAX_LAG);
        pull->urgent = delay > target + URGENT_NS;
        jitter->stats.faster++;
    }
}

/** Everything before `seq` that did not come is lost now. */
static void go_on_with(AudioJitter *jitter, gint64 seq)
{
    gint64 lost = jitter->played ? seq - jitter->next_seq : 0;
    jitter->stats.lost += (guint64)lost;
    note_loss(jitter, lost);
    jitter->next_seq = seq;
}

static void pull_packet(AudioJitter *jitter, Slot *slot, AudioJitterPull *pull)
{
    go_on_with(jitter, slot->seq);
    pull->action = AUDIO_JITTER_PACKET;
    pull->samples = slot->duration;
    pull->rtp_timestamp = (guint32)slot->ts;
    pull->level_dbov = slot->level_dbov;
    pull->payload = take_payload(jitter, slot);
    jitter->quiet = g_bytes_get_size(pull->payload) <= DTX_BYTES;
    jitter->duration = slot->duration;
    jitter->next_seq = slot->seq + 1;
    jitter->play_ts = slot->ts + slot->duration;
    jitter->owed = 0;
    jitter->playing = jitter->played = TRUE;
}

/** The packet before the queue's first is lost, but that one tells about it. */
static void pull_fec(AudioJitter *jitter, const Slot *next, AudioJitterPull *pull)
{
    pull->action = AUDIO_JITTER_FEC;
    pull->samples = next->duration;
    pull->rtp_timestamp = (guint32)(next->ts - next->duration);
    pull->payload = g_bytes_ref(next->payload);
    jitter->stats.fec++;
    go_on_with(jitter, next->seq);
    jitter->play_ts = next->ts;
    jitter->owed = 0;
}

/** Nothing is here. */
static void pull_starved(AudioJitter *jitter, AudioJitterPull *pull)
{
    if (jitter->owed >= MAX_CONCEALED)
        jitter->playing = FALSE;
    if (!jitter->playing || jitter->quiet)
        pull_empty(jitter, pull);
    else
        pull_concealed(jitter, jitter->duration, pull);
}

/** The newest packet that has the delay that is asked for; what is before it is only
 *  delay. */
static Slot *newest_due(AudioJitter *jitter, Slot *slot, gint64 now_ns)
{
    gint64 least = target_ns(jitter) - SLACK_NS;
    Slot *next;
    while ((next = first_from(jitter, slot->seq + 1)) &&
           delay_ns(jitter, next->ts, now_ns) >= least)
        slot = next;
    return slot;
}

/** Far behind: go to where the target is; the last packets before it are decoded for the decoder's
 *  sake, the others are dropped. */
static void skip_to_target(AudioJitter *jitter, gint64 now_ns)
{
    Slot *first = head(jitter);
    if (delay_ns(jitter, first->ts, now_ns) <= target_ns(jitter) + SKIP_NS)
        return;
    Slot *due = newest_due(jitter, first, now_ns);
    if (due->seq - WARM_UP > first->seq) {
        jitter->stats.skipped += drop_before(jitter, due->seq - WARM_UP);
        first = head(jitter);
    }
    jitter->skip_until = due->ts;
    jitter->play_ts = MAX(jitter->play_ts, first->ts);
}

/** Packets that came while they were being concealed: play them only as far as the delay that they
 *  bring is needed. */
static void drop_what_was_concealed(AudioJitter *jitter, gint64 now_ns)
{
    Slot *slot;
    while ((slot = head(jitter)) && slot->ts <= jitter->play_ts && jitter->owed >= slot->duration) {
        gint64 end = slot->ts + slot->duration;
        if (!queued(jitter, slot->seq + 1) ||
            delay_ns(jitter, end, now_ns) < target_ns(jitter) + SLACK_NS)
            break;
        jitter->owed -= slot->duration;
        jitter->play_ts = end;
        jitter->stats.late += drop_before(jitter, slot->seq + 1);
    }
}

/** Silence, or the very beginning: sound begins again as soon as the target delay is reached. */
static gboolean resume(AudioJitter *jitter, Slot **slot, gint64 now_ns)
{
    if (delay_ns(jitter, (*slot)->ts, now_ns) < target_ns(jitter) - SLACK_NS)
        return FALSE;
    *slot = newest_due(jitter, *slot, now_ns);
    jitter->stats.skipped += drop_before(jitter, (*slot)->seq);
    return TRUE;
}

/** Part of the time before the queue's first packet is missing for good. */
static void pull_lost(AudioJitter *jitter, const Slot *next, AudioJitterPull *pull)
{
    gint64 missing = next->ts - jitter->play_ts - jitter->owed;
    if (!next->has_fec)
        pull_concealed(jitter, missing, pull);
    else if (missing <= next->duration)
        pull_fec(jitter, next, pull);
    else
        pull_concealed(jitter, missing - next->duration, pull);
}

static void pull_next(AudioJitter *jitter, Slot *slot, gint64 now_ns, gint buffered_samples,
                      AudioJitterPull *pull)
{
    gint64 gap = slot->ts - jitter->play_ts;
    /* Consecutive numbers with a gap in time: the sender left silence out. */
    gboolean silence = !jitter->playing || gap > MAX_CONCEALED ||
                       (gap > 0 && (jitter->quiet || slot->seq == jitter->next_seq));
    if (silence && !resume(jitter, &slot, now_ns)) {
        pull_empty(jitter, pull);
    } else if (silence || gap <= jitter->owed) {
        wish(jitter, slot, now_ns, buffered_samples, pull);
        pull_packet(jitter, slot, pull);
    } else {
        pull_lost(jitter, slot, pull);
    }
}

void audio_jitter_pull(AudioJitter *jitter, gint64 now_ns, gint buffered_samples,
                       AudioJitterPull *pull)
{
    *pull = (AudioJitterPull){ .wish = AUDIO_STRETCH_NONE };
    if (jitter->playing && head(jitter)) {
        drop_what_was_concealed(jitter, now_ns);
        skip_to_target(jitter, now_ns);
    }
    Slot *slot = head(jitter);
    if (slot)
        pull_next(jitter, slot, now_ns, buffered_samples, pull);
    else
        pull_starved(jitter, pull);
    if (pull->action != AUDIO_JITTER_EMPTY && jitter->meter.known) {
        gint64 ts =
            jitter->newest_ts + rtp_ts_diff(pull->rtp_timestamp, (guint32)jitter->newest_ts);
        jitter->stats.level_ns = delay_ns(jitter, ts - buffered_samples, now_ns);
    }
}

void audio_jitter_stats(const AudioJitter *jitter, AudioJitterStats *stats)
{
    *stats = jitter->stats;
    stats->target_ns = target_ns(jitter);
}
