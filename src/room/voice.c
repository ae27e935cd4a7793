#include "room/voice.h"

#include "base/log.h"

struct Voice {
    AudioEncoder *encoder;
    AVPacket *packet;
    VoiceStats stats;
};

Voice *voice_new(const AudioEncoderConfig *config, GError **error)
{
    AudioEncoder *encoder = audio_encoder_new(&codec_opus, config, error);
    if (!encoder)
        return NULL;
    Voice *voice = g_new0(Voice, 1);
    voice->encoder = encoder;
    voice->packet = av_packet_alloc();
    return voice;
}

void voice_free(Voice *voice)
{
    if (!voice)
        return;
    audio_encoder_free(voice->encoder);
    av_packet_free(&voice->packet);
    g_free(voice);
}

GBytes *voice_encode(Voice *voice, const float *samples)
{
    g_autoptr(GError) error = NULL;
    if (!audio_encoder_encode(voice->encoder, samples, voice->packet, &error)) {
        log_limited(LOG_WARNING, "audio", "the mix could not be encoded: %s",
                    error ? error->message : "no reason given");
        return NULL;
    }
    GBytes *bytes = g_bytes_new(voice->packet->data, (gsize)voice->packet->size);
    voice->stats.encoded++;
    voice->stats.bytes += (guint64)voice->packet->size;
    av_packet_unref(voice->packet);
    return bytes;
}

void voice_stats(const Voice *voice, VoiceStats *stats)
{
    *stats = voice->stats;
}
