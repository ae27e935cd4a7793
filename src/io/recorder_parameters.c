#include "io/recorder_parameters.h"

#include <glib.h>
#include <libavcodec/bsf.h>
#include <libavcodec/defs.h>
#include <libavutil/mem.h>
#include <string.h>

static gboolean can_learn(const AVCodecParameters *parameters, const AVPacket *packet)
{
    enum AVCodecID id = parameters->codec_id;
    return parameters->extradata_size == 0 && packet->flags & AV_PKT_FLAG_KEY &&
           (id == AV_CODEC_ID_H264 || id == AV_CODEC_ID_HEVC || id == AV_CODEC_ID_AV1);
}

static void take_over(AVCodecParameters *parameters, const AVPacket *packet)
{
    size_t size = 0;
    const guint8 *found = av_packet_get_side_data(packet, AV_PKT_DATA_NEW_EXTRADATA, &size);
    guint8 *copy = NULL;
    if (found && size > 0 && size < G_MAXINT32 / 2)
        copy = av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!copy)
        return;
    memcpy(copy, found, size);
    parameters->extradata = copy;
    parameters->extradata_size = (int)size;
}

void recorder_learn_parameters(AVCodecParameters *parameters, const AVPacket *packet)
{
    AVBSFContext *filter = NULL;
    const AVBitStreamFilter *type = av_bsf_get_by_name("extract_extradata");
    if (!type || !can_learn(parameters, packet))
        return;
    AVPacket *copy = av_packet_clone(packet);
    if (copy && av_bsf_alloc(type, &filter) >= 0 &&
        avcodec_parameters_copy(filter->par_in, parameters) >= 0 && av_bsf_init(filter) >= 0 &&
        av_bsf_send_packet(filter, copy) >= 0 && av_bsf_receive_packet(filter, copy) >= 0)
        take_over(parameters, copy);
    av_bsf_free(&filter);
    av_packet_free(&copy);
}
