/* A sequence of packets and ticks through the frame assembler, with the real payload formats.
 * Byte 0 chooses the format; then records of 5 bytes (sequence step, timestamp step in units of
 * 1000, flags, milliseconds, payload size) and the payload. */
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "rtp/frame_assembler.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MARKER = 1, TICK = 2, BIG = 4, JUMP = 8 };

typedef struct {
    gboolean had_keyframe;
    guint64 frames;
} Seen;

static void on_frame(const AssembledFrame *frame, gpointer user)
{
    Seen *seen = user;
    seen->had_keyframe |= frame->keyframe;
    g_assert_true(seen->had_keyframe);
    g_assert_cmpuint(frame->size, >, 0);
    g_assert_cmpuint(frame->size, <=, PAYLOAD_MAX_FRAME);
    seen->frames += frame->data[0] | 1;
}

static void on_need_keyframe(gpointer user)
{
    ((Seen *)user)->had_keyframe = FALSE;
}

static const FrameAssemblerEvents events = { on_frame, on_need_keyframe };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const PayloadFormat *const formats[] = { &payload_vp8, &payload_h264, &payload_vp9,
                                                    &payload_av1 };
    ByteReader reader = byte_reader(data, size);
    Seen seen = { FALSE, 0 };
    const PayloadFormat *format = formats[byte_reader_u8(&reader) % G_N_ELEMENTS(formats)];
    g_autoptr(FrameAssembler) assembler = frame_assembler_new(format, &events, &seen);
    g_autofree guint8 *big = g_malloc0(60000);
    guint16 seq = 65530;
    guint32 ts = 0xfffff000u;
    gint64 now_ns = NS_PER_SEC;
    while (byte_reader_left(&reader) >= 5) {
        gint step = (gint8)byte_reader_u8(&reader);
        ts += 1000u * (guint32)(gint8)byte_reader_u8(&reader);
        guint flags = byte_reader_u8(&reader);
        now_ns += byte_reader_u8(&reader) * NS_PER_MS;
        gsize n = byte_reader_u8(&reader);
        n = MIN(n, byte_reader_left(&reader));
        const guint8 *payload = byte_reader_bytes(&reader, n);
        seq = (guint16)(seq + (flags & JUMP ? step * 200 : step));
        if (flags & BIG && n) {
            memcpy(big, payload, n);
            payload = big;
            n = 60000;
        }
        frame_assembler_packet(assembler, seq, ts, flags & MARKER, payload, n, now_ns);
        if (flags & TICK)
            frame_assembler_tick(assembler, now_ns, 200 * NS_PER_MS);
        FrameAssemblerStats stats;
        frame_assembler_stats(assembler, &stats);
        g_assert_cmpuint(stats.buffered_packets, <=, 2048);
        g_assert_cmpuint(stats.buffered_bytes, <=, 4u << 20);
        guint16 wanted;
        frame_assembler_oldest_wanted(assembler, &wanted);
    }
    return 0;
}
