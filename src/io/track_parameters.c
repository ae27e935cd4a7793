#include "io/track_parameters.h"

#include <libavcodec/avcodec.h>
#include <string.h>

static void free_parameters(void *user, uint8_t *data)
{
    AVCodecParameters *parameters = (AVCodecParameters *)(void *)data;
    (void)user;
    avcodec_parameters_free(&parameters);
}

AVBufferRef *track_parameters_new(const AVCodecParameters *parameters)
{
    AVCodecParameters *copy = avcodec_parameters_alloc();
    AVBufferRef *buffer = NULL;
    if (copy && avcodec_parameters_copy(copy, parameters) >= 0)
        buffer = av_buffer_create((uint8_t *)copy, sizeof *copy, free_parameters, NULL,
                                  AV_BUFFER_FLAG_READONLY);
    if (!buffer)
        avcodec_parameters_free(&copy);
    return buffer;
}

const AVCodecParameters *track_parameters_of(const AVBufferRef *buffer)
{
    return (const AVCodecParameters *)(const void *)buffer->data;
}

gboolean track_parameters_go_on(const AVBufferRef *have, const AVBufferRef *come)
{
    if (!have || have->data == come->data)
        return have != NULL;
    const AVCodecParameters *a = track_parameters_of(have), *b = track_parameters_of(come);
    return a->codec_id == b->codec_id && a->sample_rate == b->sample_rate &&
           a->ch_layout.nb_channels == b->ch_layout.nb_channels &&
           a->extradata_size == b->extradata_size &&
           (a->extradata_size == 0 ||
            memcmp(a->extradata, b->extradata, (gsize)a->extradata_size) == 0);
}

gboolean track_parameters_need_more(const AVCodecParameters *parameters)
{
    enum AVCodecID id = parameters->codec_id;
    return parameters->extradata_size == 0 && (id == AV_CODEC_ID_H264 || id == AV_CODEC_ID_HEVC ||
                                               id == AV_CODEC_ID_AV1 || id == AV_CODEC_ID_AAC);
}
