#include "rtp/frame_assembler.h"

#include <string.h>

#include "base/clock.h"
#include "base/seq.h"

/* A payload format of our own: a header that says everything, then the frame's number. */
enum { START = 1, KEY = 2, NON_REFERENCE = 4, SYNC = 8, HAS_PID = 16, HAS_TL0 = 32 };
#define HEADER   6 /* flags, picture id (2), tl0, tid, "good" */

#define FRAME_NS (33 * NS_PER_MS)
#define MAX_WAIT (200 * NS_PER_MS)

static gboolean mock_parse(const guint8 *payload, gsize size, PayloadInfo *info)
{
    if (size < HEADER + 4 || payload[5] != 0x55)
        return FALSE;
    gint flags = payload[0];
    *info = (PayloadInfo){
        .start = (flags & START) != 0,
        .keyframe = (flags & KEY) != 0,
        .non_reference = (flags & NON_REFERENCE) != 0,
        .layer_sync = (flags & SYNC) != 0,
        .picture_id = flags & HAS_PID ? payload[1] << 8 | payload[2] : -1,
        .picture_id_bits = flags & HAS_PID ? 15 : 0,
        .tl0_pic_idx = flags & HAS_TL0 ? payload[3] : -1,
        .temporal_id = payload[4],
        .header_size = HEADER,
    };
    return TRUE;
}

static gboolean mock_append(GByteArray *frame, const guint8 *payload, gsize size,
                            const PayloadInfo *info)
{
    g_byte_array_append(frame, payload + info->header_size, (guint)(size - info->header_size));
    return frame->len <= PAYLOAD_MAX_FRAME;
}

static const PayloadFormat mock_format = { .name = "mock",
                                           .parse = mock_parse,
                                           .append = mock_append };

/* --- A sender, and what comes out ------------------------------------------------------------- */

typedef struct {
    guint16 seq;
    guint32 ts;
    gboolean marker;
    guint8 payload[1200];
    gsize size;
    gint64 sent_ns;
} Sent;

typedef struct {
    FrameAssembler *assembler;
    GArray *frames; /* guint32 numbers, as delivered */
    GArray *keys;   /* gboolean */
    guint requests;
    guint8 rotation;
    guint packets_per_frame;
    gint64 last_span_ns;
} Fixture;

static void on_frame(const AssembledFrame *frame, gpointer user)
{
    Fixture *fixture = user;
    guint32 number;
    g_assert_cmpuint(frame->size % 4, ==, 0);
    memcpy(&number, frame->data, 4);
    for (gsize i = 0; i < frame->size; i += 4)
        g_assert_true(memcmp(frame->data + i, &number, 4) == 0);
    if (fixture->packets_per_frame)
        g_assert_cmpuint(frame->size, ==, 4 * fixture->packets_per_frame);
    g_array_append_val(fixture->frames, number);
    g_array_append_val(fixture->keys, frame->keyframe);
    fixture->rotation = frame->rotation;
    fixture->last_span_ns = frame->last_arrival_ns - frame->first_arrival_ns;
}

static void on_need_keyframe(gpointer user)
{
    ((Fixture *)user)->requests++;
}

static const FrameAssemblerEvents events = { on_frame, on_need_keyframe };

static void set_up(Fixture *fixture, gconstpointer data)
{
    (void)data;
    *fixture = (Fixture){ .frames = g_array_new(FALSE, FALSE, sizeof(guint32)),
                          .keys = g_array_new(FALSE, FALSE, sizeof(gboolean)) };
    fixture->assembler = frame_assembler_new(&mock_format, &events, fixture);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    frame_assembler_free(fixture->assembler);
    g_array_unref(fixture->frames);
    g_array_unref(fixture->keys);
}

static void give(Fixture *fixture, const Sent *sent, gint64 now_ns)
{
    frame_assembler_packet(fixture->assembler, sent->seq, sent->ts, sent->marker, sent->payload,
                           sent->size, now_ns);
}

/** One packet of frame `number`: packet `i` of `n`. */
static Sent make(guint16 seq, guint32 number, guint i, guint n, gint flags)
{
    Sent sent = { .seq = seq, .ts = 3000 * number, .marker = i == n - 1, .size = HEADER + 4 };
    sent.payload[0] = (guint8)((flags & ~START) | (i == 0 ? START : 0));
    sent.payload[1] = (number >> 8) & 0x7f;
    sent.payload[2] = number & 0xff;
    sent.payload[5] = 0x55;
    memcpy(sent.payload + HEADER, &number, 4);
    return sent;
}

static void assert_frames(const Fixture *fixture, const char *expected)
{
    g_autoptr(GString) text = g_string_new("");
    for (guint i = 0; i < fixture->frames->len; i++)
        g_string_append_printf(text, "%s%u", i ? " " : "",
                               g_array_index(fixture->frames, guint32, i));
    g_assert_cmpstr(text->str, ==, expected);
}

/** Frames `first` to `last` of n packets each, the first one a key frame if `key`; a packet whose
 *  index (counted from 0 over all) is in `lost` is left out. */
static void send_frames(Fixture *fixture, guint first, guint last, guint n, gboolean key,
                        const char *lost)
{
    guint index = 0;
    for (guint number = first; number <= last; number++)
        for (guint i = 0; i < n; i++, index++) {
            g_autofree char *name = g_strdup_printf(",%u,", index);
            if (lost && strstr(lost, name))
                continue;
            Sent sent =
                make((guint16)(number * n + i), number, i, n, key && number == first ? KEY : 0);
            give(fixture, &sent, number * FRAME_NS + i * NS_PER_MS);
        }
}

/* --- Tests ------------------------------------------------------------------------------------ */

static void test_in_order(Fixture *fixture, gconstpointer data)
{
    (void)data;
    fixture->packets_per_frame = 3;
    frame_assembler_set_rotation(fixture->assembler, 3);
    send_frames(fixture, 0, 5, 3, TRUE, NULL);
    assert_frames(fixture, "0 1 2 3 4 5");
    g_assert_true(g_array_index(fixture->keys, gboolean, 0));
    g_assert_false(g_array_index(fixture->keys, gboolean, 1));
    g_assert_cmpuint(fixture->requests, ==, 0);
    g_assert_cmpuint(fixture->rotation, ==, 3);
    g_assert_cmpint(fixture->last_span_ns, ==, 2 * NS_PER_MS);
    FrameAssemblerStats stats;
    frame_assembler_stats(fixture->assembler, &stats);
    g_assert_cmpuint(stats.frames, ==, 6);
    g_assert_cmpuint(stats.keyframes, ==, 1);
    g_assert_cmpuint(stats.buffered_packets, ==, 0);
    g_assert_cmpuint(stats.buffered_bytes, ==, 0);
    g_assert_false(stats.waiting_for_keyframe);
}

/** Every order of the packets of three frames, each one twice. */
static void test_reorder_and_duplicates(Fixture *fixture, gconstpointer data)
{
    (void)data;
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    for (guint round = 0; round < 200; round++) {
        Sent sent[18];
        for (guint i = 0; i < 18; i++)
            sent[i] = make((guint16)(i % 9), i % 9 / 3, i % 3, 3, i % 9 < 3 ? KEY : 0);
        for (guint i = 17; i > 0; i--) {
            guint j = (guint)g_rand_int_range(rand, 0, (gint)i + 1);
            Sent swap = sent[i];
            sent[i] = sent[j], sent[j] = swap;
        }
        for (guint i = 0; i < 18; i++)
            give(fixture, &sent[i], (gint)i * NS_PER_MS);
        /* A key frame whose neighbourhood is unknown is let out by the clock at the latest. */
        frame_assembler_tick(fixture->assembler, 90 * NS_PER_MS, MAX_WAIT);
        assert_frames(fixture, "0 1 2");
        g_assert_cmpuint(fixture->requests, ==, 0);
        tear_down(fixture, NULL);
        set_up(fixture, NULL);
        fixture->packets_per_frame = 3;
    }
}

static void test_wraps(Fixture *fixture, gconstpointer data)
{
    (void)data;
    guint32 ts = 0xffffffff - 6000;
    for (guint number = 0; number < 40; number++) {
        Sent sent = make((guint16)(65516 + number), number, 0, 1, number ? 0 : KEY);
        sent.ts = ts + number * 3000;
        give(fixture, &sent, number * FRAME_NS);
    }
    g_assert_cmpuint(fixture->frames->len, ==, 40);
}

static void test_retransmission_fills_a_hole(Fixture *fixture, gconstpointer data)
{
    (void)data;
    guint16 wanted;
    send_frames(fixture, 0, 5, 3, TRUE, ",7,");
    assert_frames(fixture, "0 1");
    g_assert_true(frame_assembler_oldest_wanted(fixture->assembler, &wanted));
    g_assert_cmpuint(wanted, ==, 6);
    frame_assembler_tick(fixture->assembler, 6 * FRAME_NS, MAX_WAIT);
    Sent late = make(7, 2, 1, 3, 0);
    give(fixture, &late, 6 * FRAME_NS);
    assert_frames(fixture, "0 1 2 3 4 5");
    g_assert_cmpuint(fixture->requests, ==, 0);
}

static void test_hole_is_given_up(Fixture *fixture, gconstpointer data)
{
    (void)data;
    send_frames(fixture, 0, 9, 3, TRUE, ",7,");
    /* The hole showed when packet 8 came, 68 ms after the start. */
    frame_assembler_tick(fixture->assembler, 68 * NS_PER_MS + MAX_WAIT, MAX_WAIT);
    g_assert_cmpuint(fixture->requests, ==, 0);
    frame_assembler_tick(fixture->assembler, 69 * NS_PER_MS + MAX_WAIT, MAX_WAIT);
    g_assert_cmpuint(fixture->requests, ==, 1);
    send_frames(fixture, 10, 12, 3, FALSE, NULL);
    assert_frames(fixture, "0 1");
    send_frames(fixture, 13, 15, 3, TRUE, NULL);
    assert_frames(fixture, "0 1 13 14 15");
    FrameAssemblerStats stats;
    frame_assembler_stats(fixture->assembler, &stats);
    g_assert_cmpuint(stats.dropped_frames, ==, 11);
    g_assert_cmpuint(stats.buffered_packets, ==, 0);
}

/** A key frame behind the hole makes the hole unimportant. */
static void test_keyframe_behind_a_hole(Fixture *fixture, gconstpointer data)
{
    (void)data;
    send_frames(fixture, 0, 3, 2, TRUE, ",5,");
    send_frames(fixture, 4, 6, 2, TRUE, NULL);
    assert_frames(fixture, "0 1");
    frame_assembler_tick(fixture->assembler, 6 * FRAME_NS, MAX_WAIT);
    assert_frames(fixture, "0 1 4 5 6");
    g_assert_cmpuint(fixture->requests, ==, 0);
}

static void test_asks_for_the_first_keyframe(Fixture *fixture, gconstpointer data)
{
    (void)data;
    for (guint number = 0; number < 75; number++) {
        send_frames(fixture, number, number, 2, FALSE, NULL);
        frame_assembler_tick(fixture->assembler, number * FRAME_NS, MAX_WAIT);
    }
    g_assert_cmpuint(fixture->frames->len, ==, 0);
    g_assert_cmpuint(fixture->requests, ==, 3); /* at 0.1, 1.1 and 2.1 s */
    FrameAssemblerStats stats;
    frame_assembler_stats(fixture->assembler, &stats);
    g_assert_cmpuint(stats.buffered_packets, <, 40);
    g_assert_true(stats.waiting_for_keyframe);
    send_frames(fixture, 75, 76, 2, TRUE, NULL);
    assert_frames(fixture, "75 76");
}

/** A sequence like that of libvpx with two temporal layers: 0 1 0 1 ..., every fourth upper frame
 *  a place to switch up. */
static Sent make_layered(guint number)
{
    gint flags = HAS_PID | HAS_TL0 | (number == 0 ? KEY : 0) | (number % 8 == 1 ? SYNC : 0);
    Sent sent = make((guint16)number, number, 0, 1, flags);
    sent.payload[3] = (guint8)(number / 2 + 200); /* wraps */
    sent.payload[4] = number % 2;
    return sent;
}

static void send_layered(Fixture *fixture, guint from, guint to, guint lost)
{
    for (guint number = from; number <= to; number++) {
        Sent sent = make_layered(number);
        if (number != lost)
            give(fixture, &sent, number * FRAME_NS);
        frame_assembler_tick(fixture->assembler, number * FRAME_NS, MAX_WAIT);
    }
}

static void test_lost_upper_layer(Fixture *fixture, gconstpointer data)
{
    (void)data;
    send_layered(fixture, 0, 6, 3);
    /* 66 ms after the loss showed: the base layer goes on, the upper one not yet. */
    assert_frames(fixture, "0 1 2 4 6");
    send_layered(fixture, 7, 11, G_MAXUINT);
    assert_frames(fixture, "0 1 2 4 6 8 9 10 11");
    g_assert_cmpuint(fixture->requests, ==, 0);
}

static void test_lost_base_layer(Fixture *fixture, gconstpointer data)
{
    (void)data;
    send_layered(fixture, 0, 12, 4);
    assert_frames(fixture, "0 1 2 3");
    g_assert_cmpuint(fixture->requests, ==, 1);
}

/** The lost one said, in its first packet, that nobody needs it. */
static void test_lost_part_of_non_reference(Fixture *fixture, gconstpointer data)
{
    (void)data;
    for (guint number = 0; number < 6; number++)
        for (guint i = 0; i < 3; i++) {
            gint flags = (number == 0 ? KEY : 0) | (number % 2 ? NON_REFERENCE : 0);
            Sent sent = make((guint16)(number * 3 + i), number, i, 3, flags);
            if (number * 3 + i != 10)
                give(fixture, &sent, number * FRAME_NS);
        }
    assert_frames(fixture, "0 1 2");
    frame_assembler_tick(fixture->assembler, 3 * FRAME_NS + 60 * NS_PER_MS, MAX_WAIT);
    assert_frames(fixture, "0 1 2 4 5");
    g_assert_cmpuint(fixture->requests, ==, 0);
}

/** What was lost was no frame (probing, padding): the picture ids tell. */
static void test_lost_padding(Fixture *fixture, gconstpointer data)
{
    (void)data;
    for (guint number = 0; number < 5; number++) {
        Sent sent =
            make((guint16)(number + (number > 2)), number, 0, 1, HAS_PID | (number ? 0 : KEY));
        give(fixture, &sent, number * FRAME_NS);
    }
    frame_assembler_tick(fixture->assembler, 5 * FRAME_NS, MAX_WAIT);
    assert_frames(fixture, "0 1 2 3 4");
}

static void test_padding(Fixture *fixture, gconstpointer data)
{
    (void)data;
    guint16 seq = 65530;
    for (guint number = 0; number < 6; number++) {
        for (guint i = 0; i < 2; i++) {
            Sent sent = make(seq++, number, i, 2, number ? 0 : KEY);
            give(fixture, &sent, number * FRAME_NS);
        }
        for (guint i = 0; i < 3; i++) /* with the timestamp of the frame before it */
            frame_assembler_packet(fixture->assembler, seq++, number * 3000, TRUE, NULL, 0,
                                   number * FRAME_NS);
    }
    assert_frames(fixture, "0 1 2 3 4 5");
    FrameAssemblerStats stats;
    frame_assembler_stats(fixture->assembler, &stats);
    g_assert_cmpuint(stats.buffered_packets, ==, 0);
}

static void test_no_markers(Fixture *fixture, gconstpointer data)
{
    (void)data;
    for (guint number = 0; number < 5; number++)
        for (guint i = 0; i < 2; i++) {
            Sent sent = make((guint16)(number * 2 + i), number, i, 2, number ? 0 : KEY);
            sent.marker = FALSE;
            give(fixture, &sent, number * FRAME_NS);
        }
    assert_frames(fixture, "0 1 2 3");
}

/** As H.264: the parameter sets are packets of their own before the key frame's slices, and every
 *  one of them looks like a start. */
static void test_parameter_sets(Fixture *fixture, gconstpointer data)
{
    (void)data;
    static const guint order[] = { 0, 2, 3, 1, 4 }; /* 1 and 2 are parameter sets, 3 and 4 slices */
    for (guint i = 0; i < G_N_ELEMENTS(order); i++) {
        guint seq = order[i];
        Sent sent =
            make((guint16)seq, seq ? 1 : 0, 0, seq == 4 || seq == 0 ? 1 : 2, seq >= 3 ? KEY : 0);
        sent.size = HEADER + 4;
        give(fixture, &sent, i * NS_PER_MS);
    }
    assert_frames(fixture, "1");
    Sent sent = make(5, 2, 0, 1, 0);
    give(fixture, &sent, FRAME_NS);
    assert_frames(fixture, "1 2");
}

static void test_malformed(Fixture *fixture, gconstpointer data)
{
    (void)data;
    guint8 garbage[3] = { 1, 2, 3 };
    static const guint8 huge[70000];
    frame_assembler_packet(fixture->assembler, 1, 0, TRUE, garbage, sizeof garbage, 0);
    frame_assembler_packet(fixture->assembler, 2, 0, TRUE, huge, sizeof huge, 0);
    FrameAssemblerStats stats;
    frame_assembler_stats(fixture->assembler, &stats);
    g_assert_cmpuint(stats.malformed_packets, ==, 2);
    /* A frame that begins in the middle. */
    send_frames(fixture, 0, 1, 2, TRUE, NULL);
    Sent sent = make(4, 2, 1, 2, 0);
    give(fixture, &sent, 3 * FRAME_NS);
    assert_frames(fixture, "0 1");
    g_assert_cmpuint(fixture->requests, ==, 1);
}

static void assert_within_limits(const Fixture *fixture)
{
    FrameAssemblerStats stats;
    frame_assembler_stats(fixture->assembler, &stats);
    g_assert_cmpuint(stats.buffered_packets, <=, 2048);
    g_assert_cmpuint(stats.buffered_bytes, <=, 4u << 20);
}

/** A frame that never ends, frames behind a hole that never closes, big packets. */
static void test_limits(Fixture *fixture, gconstpointer data)
{
    (void)data;
    g_autofree guint8 *big = g_malloc0(60002);
    for (guint kind = 0; kind < 3; kind++) {
        tear_down(fixture, NULL);
        set_up(fixture, NULL);
        for (guint i = 0; i < 5000; i++) {
            Sent sent =
                make((guint16)(i ? i + 1 : 0), kind == 0 ? 0 : i, i ? 1 : 0, 2, i ? 0 : KEY);
            sent.marker = i == 0 || kind == 1;
            memcpy(big, sent.payload, sent.size);
            frame_assembler_packet(fixture->assembler, sent.seq, sent.ts, sent.marker, big,
                                   kind == 2 ? 60002 : sent.size, 0);
            assert_within_limits(fixture);
        }
        g_assert_cmpuint(fixture->requests, >, 0);
        g_assert_cmpuint(fixture->frames->len, ==, 1);
    }
}

/** The same SSRC, but the sequence begins elsewhere: it goes on with the next key frame. */
static void test_jumps(Fixture *fixture, gconstpointer data)
{
    (void)data;
    static const guint16 starts[] = { 30000, 60002, 20000, 19000 };
    guint number = 0;
    for (guint k = 0; k < G_N_ELEMENTS(starts); k++)
        for (guint i = 0; i < 400; i++, number++) {
            Sent sent = make((guint16)(starts[k] + i), number, 0, 1, i % 300 == 0 ? KEY : 0);
            give(fixture, &sent, number * FRAME_NS);
            frame_assembler_tick(fixture->assembler, number * FRAME_NS, MAX_WAIT);
        }
    guint32 last = g_array_index(fixture->frames, guint32, fixture->frames->len - 1);
    g_assert_cmpuint(last, ==, number - 1);
    g_assert_cmpuint(fixture->frames->len, >, 1200);
}

/* --- A network -------------------------------------------------------------------------------- */

typedef struct {
    gint64 at_ns;
    Sent sent;
} Arrival;

static gint by_time(gconstpointer a, gconstpointer b)
{
    gint64 x = ((const Arrival *)a)->at_ns, y = ((const Arrival *)b)->at_ns;
    return x < y ? -1 : x > y;
}

/** 60 s of video over a line that loses, delays, reorders and repeats; lost packets come again
 *  after a round trip, mostly. Key frames every 90 frames stand in for those that are asked for. */
static void test_network(Fixture *fixture, gconstpointer data)
{
    gdouble loss = GPOINTER_TO_INT(data) / 100.0;
    g_autoptr(GRand) rand = g_rand_new_with_seed(42);
    g_autoptr(GArray) arrivals = g_array_new(FALSE, FALSE, sizeof(Arrival));
    guint16 seq = 65000;
    fixture->packets_per_frame = 4;
    for (guint number = 0; number < 1800; number++)
        for (guint i = 0; i < 4; i++) {
            Arrival arrival = { .sent = make(seq++, number, i, 4, number % 90 ? 0 : KEY) };
            gint64 trips = 0;
            while (trips < 4 && g_rand_double(rand) < loss)
                trips++;
            if (trips == 4)
                continue;
            arrival.at_ns = number * FRAME_NS + (i + 20 + 50 * trips) * NS_PER_MS +
                            (gint64)(g_rand_double(rand) * 20 * NS_PER_MS);
            g_array_append_val(arrivals, arrival);
            if (g_rand_double(rand) < 0.1)
                g_array_append_val(arrivals, arrival);
        }
    g_array_sort(arrivals, by_time);
    gint64 tick_ns = 0;
    for (guint i = 0; i < arrivals->len; i++) {
        const Arrival *arrival = &g_array_index(arrivals, Arrival, i);
        for (; tick_ns < arrival->at_ns; tick_ns += 20 * NS_PER_MS)
            frame_assembler_tick(fixture->assembler, tick_ns, MAX_WAIT);
        give(fixture, &arrival->sent, arrival->at_ns);
    }
    for (guint i = 1; i < fixture->frames->len; i++) {
        guint32 number = g_array_index(fixture->frames, guint32, i);
        guint32 before = g_array_index(fixture->frames, guint32, i - 1);
        g_assert_cmpuint(number, >, before);
        g_assert_true(number == before + 1 || g_array_index(fixture->keys, gboolean, i));
    }
    g_test_message("loss %.0f %%: %u of 1800 frames, %u key frames asked for", loss * 100,
                   fixture->frames->len, fixture->requests);
    /* At 20 % about twelve packets are lost for good, each until the next key frame. */
    g_assert_cmpuint(fixture->frames->len, >=, loss < 0.15 ? 1790 : 1000);
    g_assert_cmpuint(fixture->requests, <=, loss < 0.15 ? 2 : 40);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, data, test) \
    g_test_add("/rtp/frame_assembler/" path, Fixture, data, set_up, test, tear_down)
    ADD("in_order", NULL, test_in_order);
    ADD("reorder_and_duplicates", NULL, test_reorder_and_duplicates);
    ADD("wraps", NULL, test_wraps);
    ADD("retransmission", NULL, test_retransmission_fills_a_hole);
    ADD("hole_is_given_up", NULL, test_hole_is_given_up);
    ADD("keyframe_behind_a_hole", NULL, test_keyframe_behind_a_hole);
    ADD("asks_for_the_first_keyframe", NULL, test_asks_for_the_first_keyframe);
    ADD("lost_upper_layer", NULL, test_lost_upper_layer);
    ADD("lost_base_layer", NULL, test_lost_base_layer);
    ADD("lost_part_of_non_reference", NULL, test_lost_part_of_non_reference);
    ADD("lost_padding", NULL, test_lost_padding);
    ADD("padding", NULL, test_padding);
    ADD("no_markers", NULL, test_no_markers);
    ADD("parameter_sets", NULL, test_parameter_sets);
    ADD("malformed", NULL, test_malformed);
    ADD("limits", NULL, test_limits);
    ADD("jumps", NULL, test_jumps);
    ADD("network/calm", GINT_TO_POINTER(0), test_network);
    ADD("network/loss_5", GINT_TO_POINTER(5), test_network);
    ADD("network/loss_20", GINT_TO_POINTER(20), test_network);
    return g_test_run();
}
