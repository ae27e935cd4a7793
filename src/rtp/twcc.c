#include "rtp/twcc.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/seq.h"

/* How arrivals are remembered: a ring of the newest CAPACITY sequence numbers.
 *
 *    oldest ........ begin ........ end      (end - oldest <= CAPACITY)
 *      reported already | not yet    | one past the newest that arrived
 */
#define CAPACITY     4096 /* 500 ms at the packet rate that a transport is allowed */
#define WINDOW_NS    (500 * NS_PER_MS)
#define TICK_NS      (250 * NS_PER_US)
#define BASE_TICKS   256 /* the reference time counts 64 ms */
#define HEADER_SIZE  8
#define MAX_RUN      8191 /* 13 bits */
#define ONE_BIT_SIZE 14
#define TWO_BIT_SIZE 7
#define MAX_CHUNKS   (CAPACITY / TWO_BIT_SIZE + 1)

typedef enum { NOT_ARRIVED, SMALL_DELTA, LARGE_DELTA, RESERVED } Status;

struct TwccReceiver {
    SeqUnwrap unwrap;
    gint64 oldest, begin, end;
    guint8 feedback_count;
    gint64 arrivals[CAPACITY];
};

TwccReceiver *twcc_receiver_new(void)
{
    return g_new0(TwccReceiver, 1);
}

void twcc_receiver_free(TwccReceiver *receiver)
{
    g_free(receiver);
}

static gint64 *slot(TwccReceiver *receiver, gint64 seq)
{
    return &receiver->arrivals[seq & (CAPACITY - 1)];
}

/* The whole ring counts as holes, so that one that was overtaken by the first is not lost. */
static void start_at(TwccReceiver *receiver, gint64 seq)
{
    for (guint i = 0; i < CAPACITY; i++)
        receiver->arrivals[i] = TWCC_NOT_ARRIVED;
    receiver->oldest = seq - CAPACITY;
    receiver->begin = receiver->end = seq;
}

static void advance_to(TwccReceiver *receiver, gint64 seq)
{
    if (receiver->end == 0 || seq - receiver->end >= CAPACITY)
        start_at(receiver, seq);
    for (gint64 hole = receiver->end; hole < seq; hole++)
        *slot(receiver, hole) = TWCC_NOT_ARRIVED;
    receiver->end = seq + 1;
    receiver->oldest = MAX(receiver->oldest, receiver->end - CAPACITY);
    receiver->begin = MAX(receiver->begin, receiver->oldest);
}

/* Whether a late packet came soon enough after the one that overtook it. */
static gboolean worth_reporting(TwccReceiver *receiver, gint64 seq, gint64 arrival_ns)
{
    gint64 next = seq + 1;
    while (next < receiver->end && *slot(receiver, next) == TWCC_NOT_ARRIVED)
        next++;
    return next < receiver->end && arrival_ns - *slot(receiver, next) <= WINDOW_NS;
}

void twcc_receiver_arrived(TwccReceiver *receiver, guint16 transport_seq, gint64 arrival_ns)
{
    gint64 seq = seq_unwrap(&receiver->unwrap, transport_seq);
    if (seq >= receiver->end)
        advance_to(receiver, seq);
    else if (seq < receiver->oldest || *slot(receiver, seq) != TWCC_NOT_ARRIVED)
        return;
    *slot(receiver, seq) = MAX(arrival_ns, 0);
    if (seq < receiver->begin && worth_reporting(receiver, seq, arrival_ns))
        receiver->begin = seq;
}

/* ---- writing ---- */

/* What one feedback says, before it is coded. */
typedef struct {
    guint count;
    gint64 reference; /* units of 64 ms */
    guint8 status[CAPACITY];
    gint16 delta[CAPACITY]; /* 250 us since the packet before that arrived */
    guint chunk_count;
    guint16 chunks[MAX_CHUNKS];
} Feedback;

/* Up to the newest packet, or to the last before a delta that 16 bits do not hold. */
static void collect(TwccReceiver *receiver, Feedback *feedback)
{
    gint64 last_ticks = -1;
    feedback->count = 0;
    feedback->reference = 0;
    for (gint64 seq = receiver->begin; seq < receiver->end; seq++) {
        guint i = (guint)(seq - receiver->begin);
        feedback->status[i] = NOT_ARRIVED;
        feedback->delta[i] = 0;
        if (*slot(receiver, seq) == TWCC_NOT_ARRIVED)
            continue;
        gint64 ticks = *slot(receiver, seq) / TICK_NS;
        if (last_ticks < 0) {
            feedback->reference = ticks / BASE_TICKS;
            last_ticks = feedback->reference * BASE_TICKS;
        }
        gint64 delta = ticks - last_ticks;
        if (delta < G_MININT16 || delta > G_MAXINT16)
            break;
        feedback->status[i] = delta >= 0 && delta <= 255 ? SMALL_DELTA : LARGE_DELTA;
        feedback->delta[i] = (gint16)delta;
        feedback->count = i + 1;
        last_ticks = ticks;
    }
}

static guint run_length(const guint8 *status, guint left)
{
    guint n = 1;
    while (n < left && n < MAX_RUN && status[n] == status[0])
        n++;
    return n;
}

/* The chunk that says most of what comes next; *covered tells how much. */
static guint16 next_chunk(const guint8 *status, guint left, guint *covered)
{
    guint run = run_length(status, left);
    guint ones = 0, twos = MIN(left, TWO_BIT_SIZE);
    guint16 one_bit = 0x8000, two_bit = 0xc000;
    while (ones < left && ones < ONE_BIT_SIZE && status[ones] != LARGE_DELTA) {
        one_bit |= (guint16)(status[ones] << (ONE_BIT_SIZE - 1 - ones));
        ones++;
    }
    if (ones < left && ones < ONE_BIT_SIZE)
        ones = 0; /* a large one stands in its way */
    for (guint i = 0; i < twos; i++)
        two_bit |= (guint16)(status[i] << (2 * (TWO_BIT_SIZE - 1 - i)));

    *covered = MAX(run, MAX(ones, twos));
    if (run == *covered)
        return (guint16)(status[0] << 13 | run);
    return ones == *covered ? one_bit : two_bit;
}

/* How many of the next `count` fit into room bytes; *size tells what their deltas take. */
static guint deltas_that_fit(const guint8 *status, guint count, gsize room, gsize *size)
{
    guint n = 0;
    *size = 0;
    while (n < count && *size + status[n] <= room) /* a status is its delta's size */
        *size += status[n++];
    return n;
}

/* Choose chunks for as much as `room` bytes hold, and cut the feedback there. */
static void choose_chunks(Feedback *feedback, gsize room)
{
    guint done = 0;
    feedback->chunk_count = 0;
    while (done < feedback->count && room >= 2) {
        const guint8 *status = feedback->status + done;
        guint covered;
        gsize size;
        guint16 chunk = next_chunk(status, feedback->count - done, &covered);
        guint fitting = deltas_that_fit(status, covered, room - 2, &size);
        if (fitting < covered) {
            feedback->count = done + fitting;
            continue;
        }
        feedback->chunks[feedback->chunk_count++] = chunk;
        done += covered;
        room -= 2 + size;
    }
    feedback->count = done;
}

static void write_deltas(ByteWriter *writer, const Feedback *feedback)
{
    for (guint i = 0; i < feedback->count; i++) {
        if (feedback->status[i] == SMALL_DELTA)
            byte_writer_u8(writer, (guint8)feedback->delta[i]);
        else if (feedback->status[i] == LARGE_DELTA)
            byte_writer_u16(writer, (guint16)feedback->delta[i]);
    }
}

gsize twcc_receiver_feedback(TwccReceiver *receiver, guint8 *out, gsize size)
{
    if (size < TWCC_MIN_FCI || receiver->begin >= receiver->end)
        return 0;
    Feedback feedback;
    collect(receiver, &feedback);
    choose_chunks(&feedback, size - HEADER_SIZE);

    ByteWriter writer = byte_writer(out, size);
    byte_writer_u16(&writer, (guint16)receiver->begin);
    byte_writer_u16(&writer, (guint16)feedback.count);
    byte_writer_u24(&writer, (guint32)(feedback.reference & 0xffffff));
    byte_writer_u8(&writer, receiver->feedback_count++);
    for (guint i = 0; i < feedback.chunk_count; i++)
        byte_writer_u16(&writer, feedback.chunks[i]);
    write_deltas(&writer, &feedback);
    receiver->begin += feedback.count;
    return writer.pos;
}

/* ---- reading ---- */

/* Walks the statuses through their chunks. */
typedef struct {
    ByteReader chunks;
    guint16 chunk;
    guint at, length;
} StatusWalk;

static guint chunk_length(guint16 chunk)
{
    if (!(chunk & 0x8000))
        return chunk & 0x1fff;
    return chunk & 0x4000 ? TWO_BIT_SIZE : ONE_BIT_SIZE;
}

static Status chunk_status(guint16 chunk, guint at)
{
    if (!(chunk & 0x8000))
        return (Status)(chunk >> 13 & 3);
    if (chunk & 0x4000)
        return (Status)(chunk >> (2 * (TWO_BIT_SIZE - 1 - at)) & 3);
    return (Status)(chunk >> (ONE_BIT_SIZE - 1 - at) & 1);
}

/* RESERVED also where the chunks end too soon. */
static Status walk_next(StatusWalk *walk)
{
    while (walk->at == walk->length && !walk->chunks.failed) {
        walk->chunk = byte_reader_u16(&walk->chunks);
        walk->length = chunk_length(walk->chunk);
        walk->at = 0;
    }
    return walk->chunks.failed ? RESERVED : chunk_status(walk->chunk, walk->at++);
}

/* Check everything before anything is told; *deltas is left at the first delta. */
static gboolean check_statuses(ByteReader chunks, guint count, ByteReader *deltas)
{
    StatusWalk walk = { .chunks = chunks };
    gsize size = 0;
    for (guint i = 0; i < count; i++) {
        Status status = walk_next(&walk);
        if (status == RESERVED)
            return FALSE;
        size += status; /* a status is its delta's size */
    }
    *deltas = walk.chunks;
    return size <= byte_reader_left(deltas);
}

gboolean twcc_parse(const guint8 *fci, gsize size, TwccEach each, gpointer user)
{
    ByteReader chunks = byte_reader(fci, size);
    ByteReader deltas;
    guint16 seq = byte_reader_u16(&chunks);
    guint count = byte_reader_u16(&chunks);
    gint64 ticks = (gint64)byte_reader_u24(&chunks) * BASE_TICKS;
    byte_reader_u8(&chunks); /* the feedback's own number: gaps in seq tell the same */
    if (chunks.failed || count > TWCC_MAX_STATUSES || !check_statuses(chunks, count, &deltas))
        return FALSE;

    StatusWalk walk = { .chunks = chunks };
    for (guint i = 0; i < count; i++, seq++) {
        Status status = walk_next(&walk);
        if (status == SMALL_DELTA)
            ticks += byte_reader_u8(&deltas);
        else if (status == LARGE_DELTA)
            ticks += (gint16)byte_reader_u16(&deltas);
        each(seq, status == NOT_ARRIVED ? TWCC_NOT_ARRIVED : ticks * TICK_NS, user);
    }
    return TRUE;
}
