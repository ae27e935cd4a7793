#include "room/audio_input.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/queue.h"
#include "base/seq.h"
#include "mixer/audio_fade.h"
#include "mixer/audio_stretch.h"

#define QUEUE_PACKETS 128
/* Decoded samples that wait for their tick: one packet of 120 ms, a tick, and room to lengthen. */
#define BUFFER_SAMPLES (AUDIO_MAX_SAMPLES + MIXER_TICK_SAMPLES + AUDIO_STRETCH_MAX_LAG)
/* Pulls in one tick: packets of 2.5 ms fill one in eight; SKIP needs some more. */
#define MAX_PULLS 64
/* Quieter than this a sound is in no mix (the mixer's threshold), once it has been so for longer
 * than the mixer holds on to it; then it need not be decoded. */
#define QUIET_DBOV  71
#define QUIET_AFTER (AUDIO_RATE_HZ * 3 / 2)
/* Packets that are kept while nothing is decoded: decoded before the first loud one, they bring
 * the decoder back to where the sender's encoder is. */
#define PREROLL 4
/* A packet that is said to be mixed further away from its arrival is of another stream than what
 * was mixed last. */
#define TAP_BELIEVES_NS (2 * NS_PER_SEC)

struct AudioInput {
    gint refs; /* atomic */
    const CodecType *codec;
    BoundedQueue *packets; /* of AudioJitterPacket; one with payload NULL means: begin anew */
    SourceTap *tap;        /* or NULL */
    guint8 next_level;     /* net thread: of the packets that follow */

    /* Audio thread. */
    AudioJitter *jitter;
    AudioDecoder *decoder;
    AudioStretch stretch;
    AudioFade fade;
    float *buffer;          /* interleaved */
    gint count;             /* samples per channel in the buffer */
    guint32 head_timestamp; /* of the first one */
    gboolean silent;        /* the newest pull was empty */
    gint quiet_samples;     /* for so long the sender has been quiet */
    guint8 said_level;      /* of the newest packet that was pulled; 0: nothing was said */
    GQueue preroll;         /* of GBytes: the newest packets that were not decoded */

    pthread_mutex_t lock; /* guards everything below */
    gboolean has_position;
    guint32 position_timestamp;
    gint64 position_ns;
    gint64 min_delay_ns;
    AudioJitterStats stats;
};

static void packet_free(gpointer data)
{
    AudioJitterPacket *packet = data;
    if (packet->payload)
        g_bytes_unref(packet->payload);
    g_free(packet);
}

AudioInput *audio_input_new(const CodecType *codec, GError **error)
{
    AudioDecoder *decoder = audio_decoder_new(codec, error);
    if (!decoder)
        return NULL;
    AudioInput *input = g_new0(AudioInput, 1);
    input->refs = 1;
    input->codec = codec;
    input->decoder = decoder;
    input->packets = bounded_queue_new(QUEUE_PACKETS, packet_free);
    input->jitter = audio_jitter_new();
    g_queue_init(&input->preroll);
    input->buffer = g_new0(float, BUFFER_SAMPLES *MIXER_CHANNELS);
    pthread_mutex_init(&input->lock, NULL);
    return input;
}

AudioInput *audio_input_ref(AudioInput *input)
{
    g_atomic_int_inc(&input->refs);
    return input;
}

void audio_input_unref(AudioInput *input)
{
    if (!input || !g_atomic_int_dec_and_test(&input->refs))
        return;
    bounded_queue_free(input->packets);
    audio_jitter_free(input->jitter);
    g_queue_clear_full(&input->preroll, (GDestroyNotify)g_bytes_unref);
    audio_decoder_free(input->decoder);
    source_tap_unref(input->tap);
    g_free(input->buffer);
    pthread_mutex_destroy(&input->lock);
    g_free(input);
}

void audio_input_set_tap(AudioInput *input, SourceTap *tap)
{
    input->tap = source_tap_ref(tap);
}

/* --- net thread -------------------------------------------------------------------------- */

/* What is recorded of it gets the time at which it is mixed; before that is known, nothing is. */
ON_NET_THREAD static void give_to_tap(AudioInput *input, SourceTapOpus *opus, gint64 arrival_ns)
{
    guint32 mixed_timestamp;
    gint64 mixed_ns;
    if (!input->tap || !audio_input_position(input, &mixed_timestamp, &mixed_ns))
        return;
    opus->mixed_ns = mixed_ns + (gint64)rtp_ts_diff(opus->rtp_timestamp, mixed_timestamp) *
                                    (NS_PER_SEC / 1000) / (AUDIO_RATE_HZ / 1000);
    if (ABS(opus->mixed_ns - arrival_ns) < TAP_BELIEVES_NS)
        source_tap_opus(input->tap, opus);
}

void audio_input_packet(AudioInput *input, guint16 seq, guint32 rtp_timestamp,
                        const guint8 *payload, gsize size, gint64 arrival_ns)
{
    gint duration = audio_packet_duration(input->codec, payload, size);
    if (duration <= 0 || duration > AUDIO_MAX_SAMPLES)
        return;
    SourceTapOpus opus = { seq, rtp_timestamp, payload, size, duration, 0 };
    give_to_tap(input, &opus, arrival_ns);
    AudioJitterPacket *packet = g_new(AudioJitterPacket, 1);
    *packet = (AudioJitterPacket){ .seq = seq,
                                   .rtp_timestamp = rtp_timestamp,
                                   .arrival_ns = arrival_ns,
                                   .duration = duration,
                                   .has_fec = audio_packet_has_fec(input->codec, payload, size),
                                   .level_dbov = input->next_level,
                                   .payload = g_bytes_new(payload, size) };
    bounded_queue_push(input->packets, packet);
}

void audio_input_level(AudioInput *input, guint8 level_dbov)
{
    input->next_level = level_dbov;
}

void audio_input_restart(AudioInput *input)
{
    bounded_queue_push(input->packets, g_new0(AudioJitterPacket, 1));
    if (input->tap)
        source_tap_restart(input->tap);
}

/* --- audio thread ------------------------------------------------------------------------ */

static void begin_anew(AudioInput *input)
{
    audio_jitter_reset(input->jitter);
    g_queue_clear_full(&input->preroll, (GDestroyNotify)g_bytes_unref);
    input->quiet_samples = 0;
    input->said_level = 0;
}

static void take_packets(AudioInput *input)
{
    AudioJitterPacket *packet;
    while ((packet = bounded_queue_pop(input->packets))) {
        if (packet->payload)
            audio_jitter_insert(input->jitter, packet);
        else
            begin_anew(input);
        packet_free(packet);
    }
    pthread_mutex_lock(&input->lock);
    gint64 min_delay_ns = input->min_delay_ns;
    pthread_mutex_unlock(&input->lock);
    audio_jitter_set_min_delay(input->jitter, min_delay_ns);
}

/* TRUE if the sender is quiet for so long that this pull need not be decoded; its packet is kept.
 */
static gboolean pass_over(AudioInput *input, const AudioJitterPull *pull)
{
    if (pull->action != AUDIO_JITTER_PACKET)
        return input->quiet_samples >= QUIET_AFTER;
    input->said_level = pull->level_dbov;
    if (pull->level_dbov < QUIET_DBOV)
        input->quiet_samples = 0;
    else if (input->quiet_samples < QUIET_AFTER)
        input->quiet_samples += pull->samples;
    if (input->quiet_samples < QUIET_AFTER)
        return FALSE;
    g_queue_push_tail(&input->preroll, g_bytes_ref(pull->payload));
    if (input->preroll.length > PREROLL)
        g_bytes_unref(g_queue_pop_head(&input->preroll));
    return TRUE;
}

/* What was passed over last, for the decoder's sake alone: `scratch` is written over. */
static void decode_preroll(AudioInput *input, float *scratch)
{
    GBytes *payload;
    while ((payload = g_queue_pop_head(&input->preroll))) {
        gsize size = 0;
        gconstpointer data = g_bytes_get_data(payload, &size);
        audio_decoder_decode(input->decoder, data, size, scratch);
        g_bytes_unref(payload);
    }
}

/* Decode, conceal or silence, as the jitter buffer says, at the end of the buffer, without a seam.
 * Returns samples. */
static gint decode_pull(AudioInput *input, const AudioJitterPull *pull)
{
    float *end = input->buffer + input->count * MIXER_CHANNELS;
    gsize size = 0;
    const guint8 *data = pull->payload ? g_bytes_get_data(pull->payload, &size) : NULL;
    gint wanted = CLAMP(pull->samples, 120, AUDIO_MAX_SAMPLES);
    gint samples = -1;
    if (pass_over(input, pull) || pull->action == AUDIO_JITTER_EMPTY) {
        audio_fade_silence(&input->fade, end, wanted);
        return wanted;
    }
    decode_preroll(input, end);
    if (pull->action == AUDIO_JITTER_PACKET)
        samples = audio_decoder_decode(input->decoder, data, size, end);
    else if (pull->action == AUDIO_JITTER_FEC)
        samples = audio_decoder_decode_fec(input->decoder, data, size, end, wanted);
    if (samples > 0) {
        audio_fade_decoded(&input->fade, end, samples);
        return samples;
    }
    audio_decoder_conceal(input->decoder, end, wanted);
    audio_fade_concealed(&input->fade, end, wanted);
    return wanted;
}

static void apply_wish(AudioInput *input, const AudioJitterPull *pull)
{
    if (pull->wish == AUDIO_STRETCH_FASTER) {
        gint before = input->count;
        input->count = audio_stretch_shorten(&input->stretch, input->buffer, input->count,
                                             pull->max_stretch, pull->urgent);
        input->head_timestamp += (guint32)(before - input->count);
    } else if (pull->wish == AUDIO_STRETCH_SLOWER) {
        input->count =
            audio_stretch_lengthen(&input->stretch, input->buffer, input->count, BUFFER_SAMPLES);
    }
}

/* One step towards a full tick. Returns FALSE when there is nothing to be had. */
static gboolean fill_step(AudioInput *input, gint64 now_ns, gboolean *concealed)
{
    AudioJitterPull pull = { 0 };
    audio_jitter_pull(input->jitter, now_ns, input->count, &pull);
    input->silent = pull.action == AUDIO_JITTER_EMPTY;
    if (input->silent) {
        if (!input->fade.sounding && input->count == 0)
            return FALSE;
        pull.samples = MIXER_TICK_SAMPLES - input->count;
    } else {
        input->head_timestamp = pull.rtp_timestamp - (guint32)input->count;
        *concealed |= pull.action == AUDIO_JITTER_CONCEAL;
    }
    gint samples = decode_pull(input, &pull);
    g_clear_pointer(&pull.payload, g_bytes_unref);
    if (pull.wish == AUDIO_STRETCH_SKIP)
        audio_fade_cut(&input->fade);
    else
        input->count += samples;
    apply_wish(input, &pull);
    return TRUE;
}

static void publish(AudioInput *input, gint64 now_ns)
{
    pthread_mutex_lock(&input->lock);
    if (input->count > 0 && !input->silent) {
        input->has_position = TRUE;
        input->position_timestamp = input->head_timestamp;
        input->position_ns = now_ns;
    }
    audio_jitter_stats(input->jitter, &input->stats);
    pthread_mutex_unlock(&input->lock);
}

/* The first tick's worth of the buffer, with silence where it is short. */
static void take_tick(AudioInput *input, float *out)
{
    gint n = MIN(input->count, MIXER_TICK_SAMPLES);
    gint rest = input->count - n;
    memcpy(out, input->buffer, (gsize)n * MIXER_CHANNELS * sizeof(float));
    memset(out + n * MIXER_CHANNELS, 0,
           (gsize)(MIXER_TICK_SAMPLES - n) * MIXER_CHANNELS * sizeof(float));
    memmove(input->buffer, input->buffer + n * MIXER_CHANNELS,
            (gsize)rest * MIXER_CHANNELS * sizeof(float));
    input->count = rest;
    input->head_timestamp += (guint32)n;
    audio_stretch_played(&input->stretch, n);
}

gint audio_input_said_level(gpointer data)
{
    const AudioInput *input = data;
    return input->said_level ? input->said_level : -1;
}

AudioPull audio_input_pull(gpointer data, gint64 now_ns, float *out)
{
    AudioInput *input = data;
    gboolean concealed = FALSE;
    thread_assert_audio();
    take_packets(input);
    for (guint i = 0; i < MAX_PULLS && input->count < MIXER_TICK_SAMPLES; i++) {
        if (!fill_step(input, now_ns, &concealed))
            break;
    }
    publish(input, now_ns);
    if (input->count == 0)
        return AUDIO_PULL_SILENT;
    take_tick(input, out);
    return concealed ? AUDIO_PULL_CONCEALED : AUDIO_PULL_SOUND;
}

/* --- any thread -------------------------------------------------------------------------- */

gboolean audio_input_position(AudioInput *input, guint32 *rtp_timestamp, gint64 *mixed_ns)
{
    pthread_mutex_lock(&input->lock);
    gboolean known = input->has_position;
    *rtp_timestamp = input->position_timestamp;
    *mixed_ns = input->position_ns;
    pthread_mutex_unlock(&input->lock);
    return known;
}

void audio_input_set_min_delay(AudioInput *input, gint64 min_delay_ns)
{
    pthread_mutex_lock(&input->lock);
    input->min_delay_ns = min_delay_ns;
    pthread_mutex_unlock(&input->lock);
}

void audio_input_stats(AudioInput *input, AudioJitterStats *stats)
{
    pthread_mutex_lock(&input->lock);
    *stats = input->stats;
    pthread_mutex_unlock(&input->lock);
}
