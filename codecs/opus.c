#include "codecs/codec.h"

#include <libavcodec/defs.h>
#include <libavutil/channel_layout.h>
#include <libavutil/mem.h>
#include <math.h>
#include <opus/opus.h>
#include <string.h>

#include "base/error.h"
#include "codecs/codec_ops.h"

/* Opus (RFC 6716; in RTP: RFC 7587), always 48 kHz stereo. */

#define MAX_OPUS_FRAMES    48
#define MAX_PACKET         1500 /* what we make: far above 510 kbit/s at 20 ms */
#define SHORTEST           120  /* samples of 2.5 ms: what libopus conceals in */
#define MAX_SAMPLE         8.0f /* 18 dB over full scale: no honest sound is louder */
#define DEFAULT_BITRATE    64000
#define DEFAULT_COMPLEXITY 5
#define MIN_FEC_LOSS_PCT   5 /* libopus makes no FEC at a lower expectation */

/* --- Packets --------------------------------------------------------------------------------- */

static gint opus_duration(const guint8 *data, gsize size)
{
    const unsigned char *frames[MAX_OPUS_FRAMES];
    opus_int16 sizes[MAX_OPUS_FRAMES];
    unsigned char toc;
    if (size == 0 || size > G_MAXINT16)
        return -1;
    gint count = opus_packet_parse(data, (opus_int32)size, &toc, frames, sizes, NULL);
    if (count <= 0)
        return -1;
    gint samples = count * opus_packet_get_samples_per_frame(data, AUDIO_RATE_HZ);
    return samples <= AUDIO_MAX_SAMPLES ? samples : -1;
}

/* RFC 7845 section 5.1: version 1, stereo, no pre-skip, 48 kHz, no gain. */
static const guint8 opus_head[] = { 'O', 'p', 'u',  's',  'H', 'e', 'a', 'd', 1, 2,
                                    0,   0,   0x80, 0xbb, 0,   0,   0,   0,   0 };

void codec_opus_parameters(AVCodecParameters *parameters)
{
    parameters->codec_type = AVMEDIA_TYPE_AUDIO;
    parameters->codec_id = AV_CODEC_ID_OPUS;
    parameters->sample_rate = AUDIO_RATE_HZ;
    parameters->frame_size = AUDIO_TICK_SAMPLES;
    av_channel_layout_default(&parameters->ch_layout, AUDIO_CHANNELS);
    parameters->extradata = av_mallocz(sizeof opus_head + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!parameters->extradata)
        return;
    memcpy(parameters->extradata, opus_head, sizeof opus_head);
    parameters->extradata_size = sizeof opus_head;
}

/* RFC 6716 sections 4.2.3 and 4.2.4: a SILK frame begins with one voice activity bit for each of
 * its 20 ms (one for 10 ms) and then the LBRR flag; for stereo the same again for the side. These
 * bits are equally likely, so the range coder stores them as plain bits. */
static gboolean opus_has_fec(const guint8 *data, gsize size)
{
    const unsigned char *frames[MAX_OPUS_FRAMES];
    opus_int16 sizes[MAX_OPUS_FRAMES];
    unsigned char toc;
    if (size == 0 || size > G_MAXINT16 || data[0] & 0x80) /* configurations 16..31 are CELT */
        return FALSE;
    if (opus_packet_parse(data, (opus_int32)size, &toc, frames, sizes, NULL) <= 0 || sizes[0] < 1)
        return FALSE;
    gint activity_bits =
        MAX(opus_packet_get_samples_per_frame(data, AUDIO_RATE_HZ) / AUDIO_TICK_SAMPLES, 1);
    guint8 bits = frames[0][0];
    gboolean fec = bits >> (7 - activity_bits) & 1;
    if (opus_packet_get_nb_channels(data) == 2)
        fec = fec || (bits >> (6 - 2 * activity_bits) & 1);
    return fec;
}

/* --- Decoder --------------------------------------------------------------------------------- */

/* Nearly every microphone is mono, and decoding it as such costs a fifth less: one channel until
 * the first stereo packet, two from then on. */
typedef struct {
    AudioDecoder base;
    OpusDecoder *library;
    gint channels;
} Decoder;

static void decoder_free(AudioDecoder *base)
{
    Decoder *decoder = (Decoder *)base;
    if (decoder->library)
        opus_decoder_destroy(decoder->library);
    g_free(decoder);
}

/* One sender's wild or undefined samples must not spoil everybody's sum. */
static void tame(float *samples, gint n)
{
    for (gint i = 0; i < n; i++) {
        float value = isnan(samples[i]) ? 0.0f : samples[i];
        samples[i] = CLAMP(value, -MAX_SAMPLE, MAX_SAMPLE);
    }
}

static void expect_stereo(Decoder *decoder)
{
    int status = OPUS_OK;
    OpusDecoder *stereo = opus_decoder_create(AUDIO_RATE_HZ, AUDIO_CHANNELS, &status);
    if (!stereo)
        return;
    opus_decoder_destroy(decoder->library);
    decoder->library = stereo;
    decoder->channels = AUDIO_CHANNELS;
}

/* Decode into `out`, which has room for `wanted` stereo samples. Returns samples per channel. */
static gint run_library(Decoder *decoder, const guint8 *data, gsize size, float *out, gint wanted,
                        gboolean fec)
{
    gint samples = opus_decode_float(decoder->library, data, (opus_int32)size, out, wanted, fec);
    if (samples <= 0)
        return -1;
    tame(out, samples * decoder->channels);
    for (gint i = samples; decoder->channels == 1 && i-- > 0;)
        out[2 * i] = out[2 * i + 1] = out[i];
    return samples;
}

static gint decoder_decode(AudioDecoder *base, const guint8 *data, gsize size, float *out)
{
    Decoder *decoder = (Decoder *)base;
    if (opus_duration(data, size) < 0)
        return -1;
    if (decoder->channels == 1 && opus_packet_get_nb_channels(data) == AUDIO_CHANNELS)
        expect_stereo(decoder);
    return run_library(decoder, data, size, out, AUDIO_MAX_SAMPLES, FALSE);
}

static gint decoder_decode_fec(AudioDecoder *base, const guint8 *data, gsize size, float *out,
                               gint wanted)
{
    Decoder *decoder = (Decoder *)base;
    if (wanted <= 0 || wanted > AUDIO_MAX_SAMPLES || wanted % SHORTEST != 0 ||
        opus_duration(data, size) < 0 || !opus_has_fec(data, size))
        return -1;
    return run_library(decoder, data, size, out, wanted, TRUE);
}

static void decoder_conceal(AudioDecoder *base, float *out, gint wanted)
{
    Decoder *decoder = (Decoder *)base;
    gint made = 0;
    while (wanted - made >= SHORTEST) {
        gint step = MIN(wanted - made, AUDIO_MAX_SAMPLES);
        gint samples = run_library(decoder, NULL, 0, out + made * AUDIO_CHANNELS,
                                   step - step % SHORTEST, FALSE);
        if (samples <= 0)
            break;
        made += samples;
    }
    if (wanted > made)
        memset(out + made * AUDIO_CHANNELS, 0,
               (gsize)(wanted - made) * AUDIO_CHANNELS * sizeof *out);
}

static const AudioDecoderOps decoder_ops = {
    .free = decoder_free,
    .decode = decoder_decode,
    .decode_fec = decoder_decode_fec,
    .conceal = decoder_conceal,
};

static AudioDecoder *decoder_new(const CodecType *type, GError **error)
{
    int status = OPUS_OK;
    Decoder *decoder = g_new0(Decoder, 1);
    decoder->base.ops = &decoder_ops;
    decoder->channels = 1;
    decoder->library = opus_decoder_create(AUDIO_RATE_HZ, decoder->channels, &status);
    if (decoder->library)
        return &decoder->base;
    decoder_free(&decoder->base);
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INTERNAL, "the %s decoder cannot start: %s",
                type->name, opus_strerror(status));
    return NULL;
}

/* --- Encoder --------------------------------------------------------------------------------- */

/* Most mixes are mono: every microphone in them is. Encoding such a tick as mono costs a quarter
 * less, by an encoder of its own, for which the switch is no seam: it hears the last ticks first
 * (its packets of them are thrown away) and predicts nothing from what the decoder has not seen. */
/* Ticks for which both channels must be the same before the stereo encoder is left. */
#define MONO_AFTER 50

typedef struct {
    AudioEncoder base;
    OpusEncoder *library[AUDIO_CHANNELS]; /* by channels - 1 */
    gint channels;                        /* of the encoder in use; 0: none yet */
    guint mono_ticks;
    gboolean recent_known;
    float recent[AUDIO_JOIN_TICKS][AUDIO_TICK_SAMPLES * AUDIO_CHANNELS]; /* the oldest first */
} Encoder;

static void encoder_free(AudioEncoder *base)
{
    Encoder *encoder = (Encoder *)base;
    for (gint i = 0; i < AUDIO_CHANNELS; i++) {
        if (encoder->library[i])
            opus_encoder_destroy(encoder->library[i]);
    }
    g_free(encoder);
}

static gboolean is_mono(const float *samples)
{
    guint different = 0;
    for (gint i = 0; i < AUDIO_TICK_SAMPLES; i++)
        different |= samples[2 * i] != samples[2 * i + 1];
    return !different;
}

static gint encode_tick(Encoder *encoder, const float *samples, guint8 *packet)
{
    float mono[AUDIO_TICK_SAMPLES];
    for (gint i = 0; encoder->channels == 1 && i < AUDIO_TICK_SAMPLES; i++)
        mono[i] = samples[2 * i];
    return opus_encode_float(encoder->library[encoder->channels - 1],
                             encoder->channels == 1 ? mono : samples, AUDIO_TICK_SAMPLES, packet,
                             MAX_PACKET);
}

static void switch_to(Encoder *encoder, gint channels)
{
    guint8 thrown_away[MAX_PACKET];
    OpusEncoder *library = encoder->library[channels - 1];
    encoder->channels = channels;
    if (!encoder->recent_known)
        return;
    opus_encoder_ctl(library, OPUS_RESET_STATE);
    for (gint i = 0; i < AUDIO_JOIN_TICKS; i++)
        encode_tick(encoder, encoder->recent[i], thrown_away);
    opus_encoder_ctl(library, OPUS_SET_PREDICTION_DISABLED(1));
}

static void choose_channels(Encoder *encoder, const float *samples)
{
    encoder->mono_ticks = is_mono(samples) ? encoder->mono_ticks + 1 : 0;
    gboolean keep_stereo = encoder->channels == 2 && encoder->mono_ticks < MONO_AFTER;
    gint channels = encoder->mono_ticks > 0 && !keep_stereo ? 1 : 2;
    if (channels != encoder->channels)
        switch_to(encoder, channels);
}

static void remember_tick(Encoder *encoder, const float *samples)
{
    memmove(encoder->recent[0], encoder->recent[1],
            sizeof encoder->recent - sizeof encoder->recent[0]);
    memcpy(encoder->recent[AUDIO_JOIN_TICKS - 1], samples, sizeof encoder->recent[0]);
    encoder->recent_known = TRUE;
    opus_encoder_ctl(encoder->library[encoder->channels - 1], OPUS_SET_PREDICTION_DISABLED(0));
}

static gboolean encoder_encode(AudioEncoder *base, const float *samples, AVPacket *out,
                               GError **error)
{
    Encoder *encoder = (Encoder *)base;
    guint8 packet[MAX_PACKET];
    choose_channels(encoder, samples);
    gint size = encode_tick(encoder, samples, packet);
    remember_tick(encoder, samples);
    if (size <= 0 || av_new_packet(out, size) < 0) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INTERNAL,
                    "libopus could not encode a tick of sound: %s",
                    size <= 0 ? opus_strerror(size) : "no memory");
        return FALSE;
    }
    memcpy(out->data, packet, (gsize)size);
    out->duration = AUDIO_TICK_SAMPLES;
    out->flags |= AV_PKT_FLAG_KEY;
    return TRUE;
}

static void encoder_set_bitrate(AudioEncoder *base, gint bitrate_bps)
{
    Encoder *encoder = (Encoder *)base;
    for (gint i = 0; i < AUDIO_CHANNELS; i++)
        opus_encoder_ctl(encoder->library[i], OPUS_SET_BITRATE(bitrate_bps));
}

static void encoder_join(AudioEncoder *base, const float *before)
{
    Encoder *encoder = (Encoder *)base;
    for (gint i = 0; i < AUDIO_CHANNELS; i++)
        opus_encoder_ctl(encoder->library[i], OPUS_SET_PREDICTION_DISABLED(1));
    if (!before)
        return;
    memcpy(encoder->recent, before, sizeof encoder->recent);
    encoder->recent_known = TRUE;
    encoder->channels = 0; /* whichever it will be begins with these */
}

static const AudioEncoderOps encoder_ops = {
    .free = encoder_free,
    .encode = encoder_encode,
    .set_bitrate = encoder_set_bitrate,
    .join = encoder_join,
};

static gboolean encoder_configure(OpusEncoder *library, const AudioEncoderConfig *config)
{
    gint bitrate = config->bitrate_bps > 0 ? config->bitrate_bps : DEFAULT_BITRATE;
    gint complexity = config->complexity >= 0 ? MIN(config->complexity, 10) : DEFAULT_COMPLEXITY;
    gint loss = CLAMP(config->expected_loss_pct, MIN_FEC_LOSS_PCT, 100);
    return opus_encoder_ctl(library, OPUS_SET_BITRATE(bitrate)) == OPUS_OK &&
           opus_encoder_ctl(library, OPUS_SET_COMPLEXITY(complexity)) == OPUS_OK &&
           opus_encoder_ctl(library, OPUS_SET_VBR(1)) == OPUS_OK &&
           opus_encoder_ctl(library, OPUS_SET_VBR_CONSTRAINT(1)) == OPUS_OK &&
           opus_encoder_ctl(library, OPUS_SET_DTX(0)) == OPUS_OK &&
           opus_encoder_ctl(library, OPUS_SET_INBAND_FEC(config->inband_fec)) == OPUS_OK &&
           (!config->inband_fec ||
            opus_encoder_ctl(library, OPUS_SET_PACKET_LOSS_PERC(loss)) == OPUS_OK);
}

/* In-band FEC exists only in SILK, which VOIP prefers; all others get CELT, 3-8 times cheaper. */
static AudioEncoder *encoder_new(const CodecType *type, const AudioEncoderConfig *config,
                                 GError **error)
{
    int status = OPUS_OK;
    gint application =
        config->inband_fec ? OPUS_APPLICATION_VOIP : OPUS_APPLICATION_RESTRICTED_LOWDELAY;
    gboolean good = TRUE;
    Encoder *encoder = g_new0(Encoder, 1);
    encoder->base.ops = &encoder_ops;
    for (gint i = 0; good && i < AUDIO_CHANNELS; i++) {
        encoder->library[i] = opus_encoder_create(AUDIO_RATE_HZ, i + 1, application, &status);
        good = encoder->library[i] && encoder_configure(encoder->library[i], config);
    }
    if (good)
        return &encoder->base;
    encoder_free(&encoder->base);
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INTERNAL,
                "the %s encoder cannot start at %d bit/s: %s", type->name, config->bitrate_bps,
                opus_strerror(status));
    return NULL;
}

/* stereo=1 would ask every sender for a dearer stereo stream (RFC 7587 section 6.1), so it is not
 * there; sprop-stereo says that the mix is one. */
const CodecType codec_opus = {
    .name = "opus",
    .kind = AVMEDIA_TYPE_AUDIO,
    .id = AV_CODEC_ID_OPUS,
    .clock_hz = 48000,
    .channels = 2,
    .fmtp = "minptime=10;useinbandfec=1;sprop-stereo=1",
    .payload = &payload_opus,
    .audio_decoder_new = decoder_new,
    .audio_encoder_new = encoder_new,
    .packet_duration = opus_duration,
    .packet_has_fec = opus_has_fec,
};
