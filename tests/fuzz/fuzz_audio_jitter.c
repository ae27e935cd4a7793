/* A sequence of packets and pulls through the audio jitter buffer: records of 6 bytes: operation,
 * sequence step, timestamp step in 2.5 ms, duration in 2.5 ms, milliseconds, payload size. */
#include <stdint.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "rtp/audio_jitter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INSERT = 1, PULL = 2, FEC = 4, JUMP = 8, MIN_DELAY = 16, RESET = 32, LATE = 64 };

/** Pull one tick, as the mixer does. */
static void pull_tick(AudioJitter *jitter, gint64 now_ns, gint *buffered)
{
    for (guint pulls = 0; *buffered < 960; pulls++) {
        AudioJitterPull pull;
        g_assert_cmpuint(pulls, <, 1000);
        audio_jitter_pull(jitter, now_ns, *buffered, &pull);
        g_assert_cmpint(pull.samples, >, 0);
        g_assert_cmpint(pull.samples, <=, 5760);
        g_assert_true((pull.payload != NULL) ==
                      (pull.action == AUDIO_JITTER_PACKET || pull.action == AUDIO_JITTER_FEC));
        g_clear_pointer(&pull.payload, g_bytes_unref);
        if (pull.wish != AUDIO_STRETCH_SKIP)
            *buffered += pull.samples;
    }
    *buffered -= 960;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(AudioJitter) jitter = audio_jitter_new();
    ByteReader reader = byte_reader(data, size);
    guint16 seq = 65530;
    guint32 ts = 0xffffff00u;
    gint64 now_ns = NS_PER_SEC;
    gint buffered = 0;
    while (byte_reader_left(&reader) >= 6) {
        guint operation = byte_reader_u8(&reader);
        gint step = (gint8)byte_reader_u8(&reader);
        gint ts_step = (gint8)byte_reader_u8(&reader) * 120;
        gint duration = (gint8)byte_reader_u8(&reader) * 120;
        now_ns += byte_reader_u8(&reader) * NS_PER_MS;
        guint8 payload_size = byte_reader_u8(&reader);
        if (operation & INSERT) {
            static const guint8 zeros[256];
            gint scale = operation & JUMP ? 300 : 1;
            g_autoptr(GBytes) payload = g_bytes_new_static(zeros, payload_size);
            seq = (guint16)(seq + step * scale);
            ts += (guint32)(ts_step * scale);
            AudioJitterPacket packet = {
                .seq = seq,
                .rtp_timestamp = ts,
                .arrival_ns = operation & LATE ? now_ns - 60 * NS_PER_MS : now_ns,
                .duration = duration,
                .has_fec = (operation & FEC) != 0,
                .payload = payload,
            };
            audio_jitter_insert(jitter, &packet);
        }
        if (operation & MIN_DELAY)
            audio_jitter_set_min_delay(jitter, payload_size * 10 * NS_PER_MS);
        if (operation & RESET && operation & LATE)
            audio_jitter_reset(jitter);
        if (operation & PULL)
            pull_tick(jitter, now_ns, &buffered);
        AudioJitterStats stats;
        audio_jitter_stats(jitter, &stats);
        g_assert_cmpint(stats.target_ns, >=, 20 * NS_PER_MS);
        g_assert_cmpint(stats.target_ns, <=, 500 * NS_PER_MS);
    }
    return 0;
}
