#include "rtp/frame_assembler.h"

#include <string.h>

#include "base/clock.h"
#include "base/seq.h"

#define MAX_PACKETS 2048 /* a power of two: the ring is indexed by sequence number */
#define MAX_FRAMES  64
#define MAX_BYTES   (4u << 20)
#define MAX_PAYLOAD 65535

/* Packets that come out of order are waited for this long even where they could be done without. */
#define REORDER_NS (50 * NS_PER_MS)
/* Without a key frame in sight, packets are only kept as long as they may still belong to one. */
#define ORPHAN_NS        (500 * NS_PER_MS)
#define FIRST_REQUEST_NS (100 * NS_PER_MS)
#define REQUEST_NS       (1 * NS_PER_SEC)

#define EARLY_PACKETS    128 /* how far before the very first packet reordered ones may come */
#define LATE_RUN         256 /* so many late ones in a row: the sender began anew */
#define NOWHERE          G_GINT64_CONSTANT(-1)
#define INTACT           G_MAXINT

typedef struct {
    gint64 seq;
    guint32 rtp_timestamp;
    gboolean marker;
    gint64 arrival_ns;
    PayloadInfo info;
    gsize size; /* 0: padding */
    guint8 payload[];
} Packet;

/** What the frames so far say about which frame may follow. */
typedef struct {
    gint picture_id, picture_id_bits; /* of the newest one; -1 where unknown */
    gint tl0_pic_idx;                 /* of the newest base layer frame; -1 where unknown */
    gint broken_tid;                  /* from this temporal layer on, references are missing */
} Chain;

struct FrameAssembler {
    const PayloadFormat *format;
    const FrameAssemblerEvents *events;
    gpointer user;

    /* The packets, by sequence number (unwrapped). */
    Packet *ring[MAX_PACKETS];
    gboolean started;
    gint64 floor;  /* everything before was delivered or dropped */
    gint64 lowest; /* of those that ever came */
    gint64 newest;
    guint packets, markers, late_run;
    gsize bytes;

    /* The frame that is next: it begins at `next` (NOWHERE: no key frame began yet) and is without
     * a hole up to `scan`. */
    gint64 next, scan;
    gboolean begun, whole;
    guint32 begun_ts;
    gint64 hole; /* the value of scan that hole_since_ns belongs to */
    gint64 hole_since_ns;

    Chain chain;
    gboolean waiting;
    gint64 waiting_since_ns, requested_ns; /* 0: not yet */

    GByteArray *frame;
    guint8 rotation;
    FrameAssemblerStats stats;
};

FrameAssembler *frame_assembler_new(const PayloadFormat *format, const FrameAssemblerEvents *events,
                                    gpointer user)
{
    FrameAssembler *assembler = g_new0(FrameAssembler, 1);
    assembler->format = format;
    assembler->events = events;
    assembler->user = user;
    assembler->next = NOWHERE;
    assembler->hole = NOWHERE;
    assembler->waiting = TRUE;
    assembler->chain = (Chain){ -1, 0, -1, INTACT };
    assembler->frame = g_byte_array_new();
    return assembler;
}

static Packet *packet_at(const FrameAssembler *assembler, gint64 seq)
{
    Packet *packet = assembler->ring[seq & (MAX_PACKETS - 1)];
    return packet && packet->seq == seq ? packet : NULL;
}

static void remove_packet(FrameAssembler *assembler, Packet *packet)
{
    assembler->packets--;
    assembler->bytes -= packet->size;
    assembler->markers -= packet->marker ? 1 : 0;
    assembler->ring[packet->seq & (MAX_PACKETS - 1)] = NULL;
    g_free(packet);
}

/** Forget what is before `seq`; returns how many frames (as far as their ends are known) went. */
static guint remove_before(FrameAssembler *assembler, gint64 seq)
{
    guint frames = assembler->markers;
    gint64 end = MIN(seq, assembler->floor + MAX_PACKETS);
    for (gint64 i = assembler->floor; i < end && assembler->packets; i++) {
        Packet *packet = packet_at(assembler, i);
        if (packet)
            remove_packet(assembler, packet);
    }
    assembler->floor = MAX(assembler->floor, seq);
    return frames - assembler->markers;
}

void frame_assembler_free(FrameAssembler *assembler)
{
    if (!assembler)
        return;
    for (guint i = 0; i < MAX_PACKETS; i++)
        g_free(assembler->ring[i]);
    g_byte_array_unref(assembler->frame);
    g_free(assembler);
}

/* --- The frame that is next ------------------------------------------------------------------ */

static void set_cursor(FrameAssembler *assembler, gint64 seq)
{
    assembler->next = seq;
    assembler->scan = seq;
    assembler->begun = FALSE;
    assembler->whole = FALSE;
}

static gboolean starts_keyframe(const Packet *packet)
{
    return packet->size && packet->info.start && packet->info.keyframe;
}

/** Whether the packet before the one at `seq` is here and belongs to the same frame. */
static gboolean continues_frame(const FrameAssembler *assembler, gint64 seq)
{
    const Packet *packet = packet_at(assembler, seq);
    const Packet *before = seq > assembler->floor ? packet_at(assembler, seq - 1) : NULL;
    return before && before->size && !before->marker &&
           before->rtp_timestamp == packet->rtp_timestamp;
}

/** The first packet of the frame that the packet at `seq` belongs to, as far as it came. */
static gint64 frame_begin(const FrameAssembler *assembler, gint64 seq)
{
    while (continues_frame(assembler, seq))
        seq--;
    return seq;
}

/** The first key frame after the frame that is next. */
static gint64 find_keyframe(const FrameAssembler *assembler)
{
    gint64 seq = MAX(assembler->next, assembler->floor);
    for (; assembler->packets && seq <= assembler->newest; seq++) {
        const Packet *packet = packet_at(assembler, seq);
        gboolean same = assembler->begun && packet && packet->rtp_timestamp == assembler->begun_ts;
        if (packet && !same && starts_keyframe(packet))
            return frame_begin(assembler, seq);
    }
    return NOWHERE;
}

/** Go over what came since the last time; TRUE if the frame is whole: [next, scan). Each packet is
 *  looked at once. */
static gboolean scan_frame(FrameAssembler *assembler)
{
    const Packet *packet;
    while (!assembler->whole && (packet = packet_at(assembler, assembler->scan))) {
        if (assembler->begun && packet->size && packet->rtp_timestamp != assembler->begun_ts) {
            assembler->whole = TRUE; /* a sender that sets no marker bits */
            break;
        }
        assembler->scan++;
        if (packet->size && !assembler->begun) {
            assembler->begun = TRUE;
            assembler->begun_ts = packet->rtp_timestamp;
        }
        if (!assembler->begun) { /* padding between two frames */
            assembler->next = assembler->scan;
            remove_before(assembler, assembler->next);
            continue;
        }
        assembler->whole = packet->marker;
    }
    return assembler->whole;
}

/* --- Key frames ------------------------------------------------------------------------------ */

static void request_keyframe(FrameAssembler *assembler, gint64 now_ns)
{
    assembler->requested_ns = now_ns;
    assembler->events->need_keyframe(assembler->user);
}

/** The frame that is next cannot be had: go on with a key frame, one that is here already or one
 *  that we ask for. */
static void give_up(FrameAssembler *assembler, gint64 now_ns)
{
    gint64 failed = assembler->next == NOWHERE ? assembler->floor : assembler->scan;
    gint64 keyframe = find_keyframe(assembler);
    if (!assembler->waiting)
        assembler->waiting_since_ns = now_ns;
    assembler->waiting = TRUE;
    assembler->stats.dropped_frames +=
        remove_before(assembler, keyframe == NOWHERE ? failed : keyframe);
    set_cursor(assembler, keyframe);
    if (keyframe == NOWHERE)
        request_keyframe(assembler, now_ns);
}

/** Give up, and forget everything that came before now. */
static void give_up_all(FrameAssembler *assembler, gint64 now_ns)
{
    assembler->stats.dropped_frames += remove_before(assembler, assembler->newest + 1);
    set_cursor(assembler, NOWHERE);
    give_up(assembler, now_ns);
}

/** Some formats cannot tell the first packet of a key frame from a later one (H.264: parameter
 *  sets may precede it): a hole just before it gets the time that reordering takes. */
static gboolean keyframe_begins_here(FrameAssembler *assembler, gint64 now_ns)
{
    gint64 begin = frame_begin(assembler, assembler->next);
    assembler->next = begin;
    if (begin <= assembler->lowest || begin <= assembler->floor || packet_at(assembler, begin - 1))
        return TRUE;
    return now_ns - packet_at(assembler, begin)->arrival_ns > REORDER_NS;
}

/* --- Which frame may follow which ------------------------------------------------------------ */

static gint next_picture_id(gint picture_id, gint bits)
{
    return (picture_id + 1) & ((1 << bits) - 1);
}

static gboolean follows_picture(const PayloadInfo *info, gint picture_id, gint bits)
{
    return picture_id >= 0 && info->picture_id >= 0 && bits > 0 && info->picture_id_bits == bits &&
           info->picture_id == next_picture_id(picture_id, bits);
}

/** RFC 7741 section 4.2: with a running base layer index, only frames of higher layers are missing
 *  before the next base layer frame, and before a layer switch upon the newest one. */
static gboolean follows_base_layer(const Chain *chain, const PayloadInfo *info)
{
    if (chain->tl0_pic_idx < 0 || info->tl0_pic_idx < 0)
        return FALSE;
    if (info->temporal_id == 0)
        return info->tl0_pic_idx == ((chain->tl0_pic_idx + 1) & 0xff);
    return info->layer_sync && info->tl0_pic_idx == chain->tl0_pic_idx;
}

static gboolean is_droppable(const PayloadInfo *info)
{
    return info->non_reference || (info->temporal_id > 0 && info->tl0_pic_idx >= 0);
}

static gboolean is_decodable(const FrameAssembler *assembler, const PayloadInfo *info,
                             gboolean keyframe)
{
    if (keyframe)
        return TRUE;
    if (assembler->waiting)
        return FALSE;
    return info->temporal_id < assembler->chain.broken_tid || info->layer_sync;
}

static void chain_append(Chain *chain, const PayloadInfo *info, gboolean keyframe,
                         gboolean delivered)
{
    chain->picture_id = info->picture_id;
    chain->picture_id_bits = info->picture_id_bits;
    if (!delivered)
        return;
    if (info->temporal_id == 0 || keyframe)
        chain->tl0_pic_idx = info->tl0_pic_idx;
    if (keyframe)
        chain->broken_tid = INTACT;
    else if (info->layer_sync && info->temporal_id == chain->broken_tid)
        chain->broken_tid++;
}

/* --- Delivery -------------------------------------------------------------------------------- */

/** Put the packets of [next, scan) together. FALSE: they make no frame. */
static gboolean build_frame(FrameAssembler *assembler, AssembledFrame *out)
{
    const Packet *first = packet_at(assembler, assembler->next);
    gboolean good = first->info.start;
    out->rtp_timestamp = first->rtp_timestamp;
    out->rotation = assembler->rotation;
    out->first_arrival_ns = out->last_arrival_ns = first->arrival_ns;
    g_byte_array_set_size(assembler->frame, 0);
    for (gint64 seq = assembler->next; seq < assembler->scan; seq++) {
        const Packet *packet = packet_at(assembler, seq);
        if (!packet->size)
            continue;
        out->keyframe |= starts_keyframe(packet);
        out->first_arrival_ns = MIN(out->first_arrival_ns, packet->arrival_ns);
        out->last_arrival_ns = MAX(out->last_arrival_ns, packet->arrival_ns);
        good = good && assembler->format->append(assembler->frame, packet->payload, packet->size,
                                                 &packet->info);
    }
    if (good && assembler->format->finish)
        good = assembler->format->finish(assembler->frame);
    out->data = assembler->frame->data;
    out->size = assembler->frame->len;
    return good && out->size > 0;
}

static void hand_out(FrameAssembler *assembler, const AssembledFrame *frame)
{
    assembler->stats.frames++;
    assembler->stats.keyframes += frame->keyframe ? 1 : 0;
    if (frame->keyframe)
        assembler->waiting = FALSE;
    assembler->events->frame(frame, assembler->user);
}

/** The frame [next, scan) is whole: out with it, if its references were. */
static void deliver(FrameAssembler *assembler, gint64 now_ns)
{
    assembler->stats.dropped_frames += remove_before(assembler, assembler->next);
    AssembledFrame frame = { 0 };
    PayloadInfo info = packet_at(assembler, assembler->next)->info;
    gboolean good = build_frame(assembler, &frame);
    gboolean delivered = good && is_decodable(assembler, &info, frame.keyframe);
    if (delivered)
        hand_out(assembler, &frame);
    else
        assembler->stats.dropped_frames++;
    chain_append(&assembler->chain, &info, frame.keyframe, delivered);
    remove_before(assembler, assembler->scan);
    set_cursor(assembler, assembler->scan);

    if (delivered || (good && !assembler->waiting))
        return;
    if (!assembler->waiting && is_droppable(&info)) {
        if (!info.non_reference)
            assembler->chain.broken_tid =
                MIN(assembler->chain.broken_tid, MAX(info.temporal_id, 1));
        return;
    }
    set_cursor(assembler, NOWHERE);
    give_up(assembler, now_ns);
}

static void deliver_what_is_whole(FrameAssembler *assembler, gint64 now_ns)
{
    while (assembler->next != NOWHERE && scan_frame(assembler)) {
        if (assembler->waiting && !keyframe_begins_here(assembler, now_ns))
            return;
        deliver(assembler, now_ns);
    }
}

/* --- Packets --------------------------------------------------------------------------------- */

/** The unwrapped number of a packet, or NOWHERE if it comes too late. */
static gint64 place_packet(FrameAssembler *assembler, guint16 seq, gint64 now_ns)
{
    if (!assembler->started) {
        assembler->started = TRUE;
        assembler->waiting_since_ns = now_ns;
        assembler->newest = assembler->lowest = 65536 + seq;
        assembler->floor = assembler->lowest - EARLY_PACKETS;
        return assembler->newest;
    }
    gint64 place = assembler->newest + seq16_diff(seq, (guint16)assembler->newest);
    if (place < assembler->floor) {
        assembler->stats.late_packets++;
        if (++assembler->late_run < LATE_RUN)
            return NOWHERE;
        assembler->late_run = 0;
        assembler->newest += 65536;
        give_up_all(assembler, now_ns);
        place = assembler->newest + 1 + (guint16)(seq - (guint16)(assembler->newest + 1));
    }
    assembler->late_run = 0;
    if (place - assembler->floor >= MAX_PACKETS) {
        give_up_all(assembler, now_ns);
        assembler->stats.dropped_frames += remove_before(assembler, place - EARLY_PACKETS);
        assembler->lowest = place;
    }
    assembler->lowest = MIN(assembler->lowest, place);
    assembler->newest = MAX(assembler->newest, place);
    return place;
}

static gboolean has_room(const FrameAssembler *assembler, gsize size)
{
    return assembler->markers < MAX_FRAMES && assembler->bytes + size <= MAX_BYTES;
}

void frame_assembler_packet(FrameAssembler *assembler, guint16 seq, guint32 rtp_timestamp,
                            gboolean marker, const guint8 *payload, gsize size, gint64 arrival_ns)
{
    PayloadInfo info = { .picture_id = -1, .tl0_pic_idx = -1 };
    if (size > MAX_PAYLOAD || (size && !assembler->format->parse(payload, size, &info))) {
        assembler->stats.malformed_packets++;
        return;
    }
    gint64 place = place_packet(assembler, seq, arrival_ns);
    if (place == NOWHERE)
        return;
    if (packet_at(assembler, place)) {
        assembler->stats.duplicate_packets++;
        return;
    }
    if (!has_room(assembler, size)) {
        give_up(assembler, arrival_ns);
        if (!has_room(assembler, size))
            give_up_all(assembler, arrival_ns);
        if (place < assembler->floor)
            return;
    }

    Packet *packet = g_malloc(sizeof *packet + size);
    *packet = (Packet){ .seq = place,
                        .rtp_timestamp = rtp_timestamp,
                        .arrival_ns = arrival_ns,
                        .marker = marker && size,
                        .info = info,
                        .size = size };
    if (size)
        memcpy(packet->payload, payload, size);
    assembler->ring[place & (MAX_PACKETS - 1)] = packet;
    assembler->packets++;
    assembler->markers += packet->marker ? 1 : 0;
    assembler->bytes += size;

    if (assembler->next == NOWHERE && starts_keyframe(packet))
        set_cursor(assembler, frame_begin(assembler, place));
    deliver_what_is_whole(assembler, arrival_ns);
}

void frame_assembler_set_rotation(FrameAssembler *assembler, guint8 rotation)
{
    assembler->rotation = rotation & 3;
}

/* --- Time ------------------------------------------------------------------------------------ */

/** Since when the frame that is next has a hole: since something behind the hole came. */
static gboolean has_hole(FrameAssembler *assembler, gint64 *since_ns)
{
    if (assembler->next == NOWHERE || assembler->whole || assembler->scan > assembler->newest)
        return FALSE;
    if (assembler->hole != assembler->scan) {
        gint64 seq = assembler->scan;
        while (seq < assembler->newest && !packet_at(assembler, seq))
            seq++;
        const Packet *packet = packet_at(assembler, seq);
        if (!packet)
            return FALSE;
        assembler->hole = assembler->scan;
        assembler->hole_since_ns = packet->arrival_ns;
    }
    *since_ns = assembler->hole_since_ns;
    return TRUE;
}

/** Whether the frame that begins at `begin` is whole. */
static gboolean is_whole(const FrameAssembler *assembler, gint64 begin, gboolean *keyframe)
{
    const Packet *first = packet_at(assembler, begin);
    const Packet *packet;
    *keyframe = FALSE;
    for (gint64 seq = begin; (packet = packet_at(assembler, seq)); seq++) {
        if (packet->size && packet->rtp_timestamp != first->rtp_timestamp)
            return TRUE;
        *keyframe |= starts_keyframe(packet);
        if (packet->marker)
            return TRUE;
    }
    return FALSE;
}

/** The start of the frame that has the hole came, and says that no later frame needs it. */
static const Packet *droppable_start(const FrameAssembler *assembler)
{
    const Packet *packet = packet_at(assembler, assembler->next);
    return packet && packet->info.start && packet->info.non_reference ? packet : NULL;
}

/** Whether the frame that begins at `begin` can be decoded although the packets from the hole up to
 *  there are missing. *intact: so can every frame after it. */
static gboolean may_follow_hole(const FrameAssembler *assembler, gint64 begin, gboolean *intact)
{
    const PayloadInfo *info = &packet_at(assembler, begin)->info;
    const Chain *chain = &assembler->chain;
    const Packet *dropped = droppable_start(assembler);
    const Packet *before = packet_at(assembler, begin - 1);
    *intact = follows_picture(info, chain->picture_id, chain->picture_id_bits);
    if (dropped && !*intact)
        *intact = follows_picture(info, dropped->info.picture_id, dropped->info.picture_id_bits) ||
                  (before && before->marker && before->rtp_timestamp == dropped->rtp_timestamp);
    return *intact || follows_base_layer(chain, info);
}

/** Skip a hole that only concerns frames which no other frame needs. */
static void skip_droppable(FrameAssembler *assembler)
{
    for (gint64 seq = assembler->scan + 1; seq <= assembler->newest; seq++) {
        const Packet *packet = packet_at(assembler, seq);
        gboolean intact = FALSE, keyframe;
        if (!packet || !packet->size || !packet->info.start || continues_frame(assembler, seq))
            continue;
        if (!is_whole(assembler, seq, &keyframe) ||
            !(may_follow_hole(assembler, seq, &intact) || keyframe))
            continue;
        /* The frame with the hole may have lost its end: count it at least. */
        guint dropped_frames = remove_before(assembler, seq);
        assembler->stats.dropped_frames += MAX(dropped_frames, 1);
        set_cursor(assembler, seq);
        if (!intact)
            assembler->chain.broken_tid = 1;
        return;
    }
}

/** No key frame is in sight: drop what is too old to belong to one. */
static void drop_orphans(FrameAssembler *assembler, gint64 now_ns)
{
    gint64 cut = assembler->floor;
    for (gint64 seq = cut; assembler->packets && seq <= assembler->newest; seq++) {
        const Packet *packet = packet_at(assembler, seq);
        if (packet && now_ns - packet->arrival_ns < ORPHAN_NS)
            break;
        if (packet)
            cut = seq + 1;
    }
    assembler->stats.dropped_frames += remove_before(assembler, cut);
}

static void tick_waiting(FrameAssembler *assembler, gint64 now_ns)
{
    if (assembler->next == NOWHERE)
        drop_orphans(assembler, now_ns);
    gint64 due_ns = assembler->requested_ns ? assembler->requested_ns + REQUEST_NS
                                            : assembler->waiting_since_ns + FIRST_REQUEST_NS;
    /* A key frame that is on its way is not asked for. */
    if (assembler->next != NOWHERE)
        due_ns = MAX(due_ns, assembler->waiting_since_ns + REQUEST_NS);
    if (now_ns >= due_ns)
        request_keyframe(assembler, now_ns);
}

void frame_assembler_tick(FrameAssembler *assembler, gint64 now_ns, gint64 max_wait_ns)
{
    gint64 since_ns;
    if (!assembler->started)
        return;
    deliver_what_is_whole(assembler, now_ns);
    if (has_hole(assembler, &since_ns)) {
        if (!assembler->waiting && now_ns - since_ns > MIN(REORDER_NS, max_wait_ns))
            skip_droppable(assembler);
        if (has_hole(assembler, &since_ns) && now_ns - since_ns > max_wait_ns)
            give_up(assembler, now_ns);
        deliver_what_is_whole(assembler, now_ns);
    }
    if (assembler->waiting)
        tick_waiting(assembler, now_ns);
}

gboolean frame_assembler_oldest_wanted(const FrameAssembler *assembler, guint16 *seq)
{
    if (!assembler->started)
        return FALSE;
    gint64 oldest = assembler->next;
    if (oldest == NOWHERE)
        oldest = MAX(assembler->floor, assembler->lowest);
    *seq = (guint16)oldest;
    return TRUE;
}

void frame_assembler_stats(const FrameAssembler *assembler, FrameAssemblerStats *stats)
{
    *stats = assembler->stats;
    stats->buffered_packets = assembler->packets;
    stats->buffered_bytes = assembler->bytes;
    stats->waiting_for_keyframe = assembler->waiting;
}
