#include "codecs/openh264_encoder.h"

#include <string.h>
#include <wels/codec_api.h>

#include "base/error.h"
#include "codecs/codec_ops.h"
#include "codecs/h264_nal.h"

typedef struct {
    VideoEncoder base;
    ISVCEncoder *library;
    gboolean open;
} OpenH264;

static void openh264_free(VideoEncoder *encoder)
{
    OpenH264 *self = (OpenH264 *)encoder;
    if (self->open)
        (*self->library)->Uninitialize(self->library);
    if (self->library)
        WelsDestroySVCEncoder(self->library);
    g_free(self);
}

static void openh264_set_rate(VideoEncoder *encoder, gint bitrate_bps, gint fps)
{
    OpenH264 *self = (OpenH264 *)encoder;
    SBitrateInfo rate = { .iLayer = SPATIAL_LAYER_ALL, .iBitrate = bitrate_bps };
    float frame_rate = (float)fps;
    if (bitrate_bps != encoder->config.bitrate_bps)
        (*self->library)->SetOption(self->library, ENCODER_OPTION_BITRATE, &rate);
    if (fps != encoder->config.fps)
        (*self->library)->SetOption(self->library, ENCODER_OPTION_FRAME_RATE, &frame_rate);
    encoder->config.bitrate_bps = bitrate_bps;
    encoder->config.fps = fps;
}

static gsize layer_size(const SLayerBSInfo *layer)
{
    gsize size = 0;
    for (gint i = 0; i < layer->iNalCount; i++)
        size += (gsize)layer->pNalLengthInByte[i];
    return size;
}

/* Every slice of a frame has the same nal_ref_idc; parameter sets always have one. */
static gboolean is_referred(const guint8 *data, gsize size)
{
    NalIterator nals = { .data = data, .size = size };
    while (nal_iterator_next(&nals))
        if (nal_type(nals.nal[0]) >= H264_SLICE && nal_type(nals.nal[0]) <= H264_IDR)
            return nal_ref_idc(nals.nal[0]) > 0;
    return TRUE;
}

/* The layers of an access unit (parameter sets, slices), one after the other. */
static gboolean join_layers(const SFrameBSInfo *frame, AVPacket *out, GError **error)
{
    gsize size = 0;
    for (gint i = 0; i < frame->iLayerNum; i++)
        size += layer_size(&frame->sLayerInfo[i]);
    if (size == 0)
        return FALSE;
    if (av_new_packet(out, (int)size) < 0) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                    "no memory for an encoded frame of %zu bytes; free some", size);
        return FALSE;
    }
    guint8 *at = out->data;
    for (gint i = 0; i < frame->iLayerNum; i++) {
        gsize layer = layer_size(&frame->sLayerInfo[i]);
        memcpy(at, frame->sLayerInfo[i].pBsBuf, layer);
        at += layer;
    }
    return TRUE;
}

static gboolean openh264_encode(VideoEncoder *encoder, const AVFrame *picture, gint64 pts,
                                const VideoEncodeHints *hints, AVPacket *out, VideoEncodeInfo *info,
                                GError **error)
{
    OpenH264 *self = (OpenH264 *)encoder;
    SSourcePicture source = { .iColorFormat = videoFormatI420,
                              .iPicWidth = picture->width,
                              .iPicHeight = picture->height,
                              .uiTimeStamp = pts / 90 };
    for (gint i = 0; i < 3; i++) {
        source.pData[i] = picture->data[i];
        source.iStride[i] = picture->linesize[i];
    }
    SFrameBSInfo frame = { 0 };
    if (codec_keyframe_due(encoder, hints))
        (*self->library)->ForceIntraFrame(self->library, true);
    if ((*self->library)->EncodeFrame(self->library, &source, &frame) != cmResultSuccess) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INTERNAL,
                    "OpenH264 could not encode a picture of %dx%d; use another codec",
                    picture->width, picture->height);
        return FALSE;
    }
    if (frame.eFrameType == videoFrameTypeSkip || !join_layers(&frame, out, error))
        return FALSE;
    info->keyframe = frame.eFrameType == videoFrameTypeIDR;
    info->non_reference = !is_referred(out->data, (gsize)out->size);
    return TRUE;
}

static const VideoEncoderOps openh264_ops = {
    .free = openh264_free,
    .encode = openh264_encode,
    .set_rate = openh264_set_rate,
};

/* Players take HD for BT.709 unless it says what it is. */
static void fill_colours(SSpatialLayerConfig *layer)
{
    layer->bVideoSignalTypePresent = true;
    layer->uiVideoFormat = VF_UNDEF;
    layer->bFullRange = false;
    layer->bColorDescriptionPresent = true;
    layer->uiColorPrimaries = CP_BT709;
    layer->uiTransferCharacteristics = TRC_BT709;
    layer->uiColorMatrix = CM_SMPTE170M;
}

static void fill_settings(SEncParamExt *settings, const VideoEncoderConfig *config)
{
    settings->iUsageType = CAMERA_VIDEO_REAL_TIME;
    settings->iPicWidth = config->width;
    settings->iPicHeight = config->height;
    settings->iTargetBitrate = config->bitrate_bps;
    settings->iMaxBitrate = UNSPECIFIED_BIT_RATE;
    settings->iRCMode = RC_BITRATE_MODE;
    settings->fMaxFrameRate = (float)config->fps;
    settings->iTemporalLayerNum = 1;
    settings->iSpatialLayerNum = 1;
    settings->iComplexityMode = (ECOMPLEXITY_MODE)CLAMP(config->speed - 1, 0, 2);
    settings->uiIntraPeriod = 0; /* key frames are ours to ask for */
    settings->eSpsPpsIdStrategy = CONSTANT_ID;
    settings->bEnableFrameSkip = false; /* a mix must not skip */
    settings->bEnableSceneChangeDetect = false;
    settings->bEnableDenoise = false;
    settings->iMultipleThreadIdc = 1;
    SSpatialLayerConfig *layer = &settings->sSpatialLayers[0];
    layer->iVideoWidth = config->width;
    layer->iVideoHeight = config->height;
    layer->fFrameRate = (float)config->fps;
    layer->iSpatialBitrate = config->bitrate_bps;
    layer->iMaxSpatialBitrate = UNSPECIFIED_BIT_RATE;
    layer->uiProfileIdc = PRO_BASELINE;
    layer->sSliceArgument.uiSliceMode = SM_SINGLE_SLICE;
    fill_colours(layer);
}

static gboolean open_library(OpenH264 *self)
{
    if (WelsCreateSVCEncoder(&self->library) != 0)
        return FALSE;
    gint silent = WELS_LOG_QUIET;
    (*self->library)->SetOption(self->library, ENCODER_OPTION_TRACE_LEVEL, &silent);
    SEncParamExt settings;
    (*self->library)->GetDefaultParams(self->library, &settings);
    fill_settings(&settings, &self->base.config);
    self->open = (*self->library)->InitializeExt(self->library, &settings) == cmResultSuccess;
    return self->open;
}

VideoEncoder *openh264_encoder_new(const CodecType *type, const VideoEncoderConfig *config,
                                   GError **error)
{
    if (!codec_check_video_config(config, error))
        return NULL;
    OpenH264 *self = g_new0(OpenH264, 1);
    self->base.ops = &openh264_ops;
    self->base.config = *config;
    self->base.frames_since_keyframe = -1;
    if (open_library(self))
        return &self->base;
    openh264_free(&self->base);
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNSUPPORTED,
                "OpenH264 cannot encode %s at %dx%d; use another size or codec", type->name,
                config->width, config->height);
    return NULL;
}
