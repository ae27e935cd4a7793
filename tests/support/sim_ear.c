#include "support/sim_ear.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/seq.h"
#include "codecs/codec.h"

#define TICK        960
#define WINDOW      (4 * TICK)
#define MAX_SAMPLES (48000 * 400)
#define FINE        48 /* onsets are told to the millisecond */

struct SimEar {
    gboolean decode;
    AudioDecoder *decoder;
    gboolean started;
    gint64 first_arrival_ns, last_arrival_ns;
    guint32 first_ts, last_ts;
    guint16 last_seq;
    GArray *samples;  /* of float: the left channel */
    GByteArray *have; /* one for each tick since the first: whether there is sound of it */
    SimEarStats stats;
};

SimEar *sim_ear_new(gboolean decode)
{
    SimEar *ear = g_new0(SimEar, 1);
    ear->decode = decode;
    ear->decoder = decode ? audio_decoder_new(&codec_opus, NULL) : NULL;
    ear->samples = g_array_new(FALSE, TRUE, sizeof(float));
    ear->have = g_byte_array_new();
    return ear;
}

void sim_ear_free(SimEar *ear)
{
    if (!ear)
        return;
    audio_decoder_free(ear->decoder);
    g_array_unref(ear->samples);
    g_byte_array_unref(ear->have);
    g_free(ear);
}

static void note_arrival(SimEar *ear, const RtpPacket *packet, gint64 arrival_ns)
{
    gint steps = seq16_diff(packet->seq, ear->last_seq);
    ear->stats.packets++;
    if (ear->started && steps > 0) {
        ear->stats.missing += (guint64)(steps - 1);
        ear->stats.bad_steps += packet->timestamp != ear->last_ts + (guint32)steps * TICK;
    } else if (ear->started && steps < 0) {
        ear->stats.missing--; /* it came after all */
    }
    if (ear->last_arrival_ns)
        ear->stats.longest_gap_ns =
            MAX(ear->stats.longest_gap_ns, arrival_ns - ear->last_arrival_ns);
    ear->last_arrival_ns = arrival_ns;
    if (!ear->started) {
        ear->first_arrival_ns = arrival_ns;
        ear->first_ts = packet->timestamp;
    }
    if (!ear->started || steps > 0) {
        ear->last_seq = packet->seq;
        ear->last_ts = packet->timestamp;
    }
    ear->started = TRUE;
}

/* Which tick a timestamp is of; -1: none that is kept. */
static gint tick_of(const SimEar *ear, guint32 timestamp)
{
    gint32 at = rtp_ts_diff(timestamp, ear->first_ts);
    return at < 0 || at > MAX_SAMPLES ? -1 : at / TICK;
}

static gboolean has_tick(const SimEar *ear, gint tick)
{
    return tick >= 0 && tick < (gint)ear->have->len && ear->have->data[tick];
}

static void put(SimEar *ear, guint32 timestamp, const float *pcm, gint n)
{
    static const guint8 nothing[64] = { 0 };
    gint32 at = rtp_ts_diff(timestamp, ear->first_ts);
    gint tick = tick_of(ear, timestamp);
    if (tick < 0)
        return;
    if (ear->samples->len < (guint)(at + n))
        g_array_set_size(ear->samples, (guint)(at + n));
    for (gint i = 0; i < n; i++)
        g_array_index(ear->samples, float, at + i) = pcm[i * AUDIO_CHANNELS];
    while ((gint)ear->have->len <= tick)
        g_byte_array_append(ear->have, nothing, sizeof nothing);
    ear->have->data[tick] = TRUE;
}

/* FEC makes up for the packet before. */
static void take_fec(SimEar *ear, const RtpPacket *packet)
{
    float pcm[AUDIO_MAX_SAMPLES * AUDIO_CHANNELS];
    gint tick = tick_of(ear, packet->timestamp);
    if (tick <= 0 || has_tick(ear, tick - 1))
        return;
    gint n =
        audio_decoder_decode_fec(ear->decoder, packet->payload, packet->payload_size, pcm, TICK);
    if (n < 0)
        return;
    put(ear, packet->timestamp - TICK, pcm, n);
    ear->stats.by_fec++;
}

static void take(SimEar *ear, const RtpPacket *packet)
{
    float pcm[AUDIO_MAX_SAMPLES * AUDIO_CHANNELS];
    gint n = audio_decoder_decode(ear->decoder, packet->payload, packet->payload_size, pcm);
    if (n < 0)
        ear->stats.undecoded++;
    else
        put(ear, packet->timestamp, pcm, n);
}

void sim_ear_packet(SimEar *ear, const RtpPacket *packet, gint64 arrival_ns)
{
    note_arrival(ear, packet, arrival_ns);
    if (!ear->decode)
        return;
    take_fec(ear, packet);
    take(ear, packet);
}

void sim_ear_again(SimEar *ear, const RtpPacket *packet)
{
    if (!ear->decode || !ear->started || has_tick(ear, tick_of(ear, packet->timestamp)))
        return;
    take(ear, packet);
    ear->stats.by_red++;
}

/* --- listening --------------------------------------------------------------------------- */

static guint index_at(const SimEar *ear, gint64 now_ns)
{
    gint64 samples = (now_ns - ear->first_arrival_ns) * 6 / 125000;
    return (guint)CLAMP(samples, 0, (gint64)ear->samples->len);
}

gdouble sim_ear_missed(const SimEar *ear, gint64 from_ns, gint64 to_ns)
{
    guint from = index_at(ear, from_ns) / TICK, to = index_at(ear, to_ns) / TICK, missed = 0;
    for (guint tick = from; tick < to; tick++)
        missed += !has_tick(ear, (gint)tick);
    return to > from ? (gdouble)missed / (to - from) : 1;
}

typedef struct {
    gdouble re, im; /* amplitude: 1 is a full-scale sine */
} Phasor;

static Phasor correlate(const SimEar *ear, gdouble hz, guint from, guint n)
{
    Phasor sum = { 0, 0 };
    for (guint i = from; i < from + n; i++) {
        gdouble angle = fmod(2 * G_PI * hz / AUDIO_RATE_HZ * i, 2 * G_PI);
        gdouble sample = (gdouble)g_array_index(ear->samples, float, i);
        sum.re += sample * cos(angle);
        sum.im -= sample * sin(angle);
    }
    return (Phasor){ sum.re * 2 / n, sum.im * 2 / n };
}

static gdouble magnitude(Phasor phasor)
{
    return hypot(phasor.re, phasor.im);
}

static gdouble to_db(gdouble amplitude)
{
    return 20 * log10(MAX(amplitude, 1e-9));
}

gdouble sim_ear_tone_db(const SimEar *ear, gdouble hz, gint64 from_ns, gint64 to_ns)
{
    guint from = index_at(ear, from_ns), to = index_at(ear, to_ns), windows = 0;
    gdouble power = 0;
    for (guint at = from; at + WINDOW <= to; at += WINDOW, windows++) {
        gdouble amplitude = magnitude(correlate(ear, hz, at, WINDOW));
        power += amplitude * amplitude;
    }
    return windows ? to_db(sqrt(power / windows)) : -180;
}

SimTone sim_ear_watch_tone(const SimEar *ear, gdouble hz, gint64 from_ns, gint64 to_ns)
{
    guint from = index_at(ear, from_ns), to = index_at(ear, to_ns);
    SimTone tone = { .level_db = sim_ear_tone_db(ear, hz, from_ns, to_ns) };
    Phasor before = { 0, 0 };
    for (guint at = from; at + WINDOW <= to; at += WINDOW) {
        Phasor now = correlate(ear, hz, at, WINDOW);
        gdouble step = atan2(now.im, now.re) - atan2(before.im, before.re);
        step = fabs(remainder(step, 2 * G_PI));
        if (tone.windows++ > 0)
            tone.worst_step_rad = MAX(tone.worst_step_rad, step);
        tone.worst_dip_db = MIN(tone.worst_dip_db, to_db(magnitude(now)) - tone.level_db);
        before = now;
    }
    return tone;
}

/* The tone's level in the 5 ms before a sample. */
static gdouble short_level(const SimEar *ear, gdouble hz, guint at)
{
    return at < 240 ? 0 : magnitude(correlate(ear, hz, at - 240, 240));
}

GArray *sim_ear_onsets(const SimEar *ear, gdouble hz, gint64 from_ns, gint64 to_ns)
{
    GArray *onsets = g_array_new(FALSE, FALSE, sizeof(guint32));
    guint from = index_at(ear, from_ns), to = index_at(ear, to_ns);
    guint quiet = 0;
    for (guint at = from; at < to; at += FINE) {
        gboolean loud = short_level(ear, hz, at) > 0.05;
        if (loud && quiet * FINE >= 40 * 48) {
            /* Half of the window is full where the level passes the middle. */
            guint32 ts = ear->first_ts + at - 120;
            g_array_append_val(onsets, ts);
        }
        quiet = loud ? 0 : quiet + 1;
    }
    return onsets;
}

void sim_ear_stats(const SimEar *ear, SimEarStats *stats)
{
    *stats = ear->stats;
}

void sim_ear_mark(SimEar *ear)
{
    ear->stats = (SimEarStats){ 0 };
}
