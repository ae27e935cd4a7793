#include "codecs/vpx_encoder.h"

#include <string.h>
#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

#include "base/error.h"
#include "codecs/codec_ops.h"

#define CLOCK_HZ          90000
#define VP8_DEFAULT_SPEED -12 /* 720p: 5.5 ms a frame; -8: 6.3 ms for 0.26 dB more */
#define VP9_DEFAULT_SPEED 8
#define MAX_INTRA_PCT     400 /* of a mean frame: a key frame may cost four, not a second's worth */
#define STATIC_THRESHOLD  1
#define NEVER             G_MAXINT16

typedef struct {
    VideoEncoder base;
    gboolean vp9;
    gboolean open;
    vpx_codec_ctx_t context;
    vpx_codec_enc_cfg_t settings;
    gint64 last_pts;
    guint position; /* in the pattern of temporal layers */

    /* Blocks that changed since the last base layer frame: what only a higher layer has shown is
     * not in the base layer's reference yet, so it stays active until a base layer frame has it. */
    guint columns, rows;
    guint8 *pending;
    guint8 *active;
    gboolean map_in_use;
} VpxEncoder;

/* --- Temporal layers ------------------------------------------------------------------------- */

/* LAST holds the newest frame of layer 0, GOLDEN (of three layers) the newest of layer 1; frames of
 * the highest layer are never referred to. ALTREF is not used. */

#define KEEP_ALTREF   (VP8_EFLAG_NO_REF_ARF | VP8_EFLAG_NO_UPD_ARF)
#define FROM_LAST     (KEEP_ALTREF | VP8_EFLAG_NO_REF_GF)
#define UPDATE_LAST   (VP8_EFLAG_NO_UPD_GF)
#define UPDATE_GOLDEN (VP8_EFLAG_NO_UPD_LAST | VP8_EFLAG_NO_UPD_ENTROPY)
#define UPDATE_NONE   (VP8_EFLAG_NO_UPD_LAST | VP8_EFLAG_NO_UPD_GF | VP8_EFLAG_NO_UPD_ENTROPY)

typedef struct {
    vpx_enc_frame_flags_t flags;
    gint temporal_id;
    gboolean layer_sync; /* refers to layer 0 only */
    gboolean non_reference;
} PatternStep;

typedef struct {
    guint layers;
    guint period;
    guint rate_pct[3]; /* of the whole rate: this layer and those below it */
    guint decimator[3];
    PatternStep steps[4];
} Pattern;

static const Pattern patterns[] = {
    { .layers = 1, .period = 1, .rate_pct = { 100 }, .decimator = { 1 } },
    { .layers = 2,
      .period = 2,
      .rate_pct = { 60, 100 },
      .decimator = { 2, 1 },
      .steps = { { FROM_LAST | UPDATE_LAST, 0, FALSE, FALSE },
                 { FROM_LAST | UPDATE_NONE, 1, TRUE, TRUE } } },
    { .layers = 3,
      .period = 4,
      .rate_pct = { 40, 60, 100 },
      .decimator = { 4, 2, 1 },
      .steps = { { FROM_LAST | UPDATE_LAST, 0, FALSE, FALSE },
                 { FROM_LAST | UPDATE_NONE, 2, TRUE, TRUE },
                 { FROM_LAST | UPDATE_GOLDEN, 1, TRUE, FALSE },
                 { KEEP_ALTREF | UPDATE_NONE, 2, FALSE, TRUE } } },
};

static const Pattern *pattern_of(const VpxEncoder *vpx)
{
    return &patterns[CLAMP(vpx->base.config.temporal_layers, 1, 3) - 1];
}

/* --- Settings -------------------------------------------------------------------------------- */

static void fill_rates(VpxEncoder *vpx)
{
    const Pattern *pattern = pattern_of(vpx);
    guint kbps = (guint)MAX(vpx->base.config.bitrate_bps / 1000, 1);
    vpx->settings.rc_target_bitrate = kbps;
    for (guint i = 0; i < pattern->layers; i++) {
        guint rate = MAX(kbps * pattern->rate_pct[i] / 100, 1);
        vpx->settings.ts_target_bitrate[i] = rate;
        vpx->settings.layer_target_bitrate[i] = rate;
    }
}

static void fill_layers(VpxEncoder *vpx)
{
    const Pattern *pattern = pattern_of(vpx);
    vpx->settings.ts_number_layers = pattern->layers;
    vpx->settings.ts_periodicity = pattern->period;
    for (guint i = 0; i < pattern->layers; i++)
        vpx->settings.ts_rate_decimator[i] = pattern->decimator[i];
    for (guint i = 0; i < pattern->period; i++)
        vpx->settings.ts_layer_id[i] = (guint)pattern->steps[i].temporal_id;
    vpx->settings.temporal_layering_mode = VP9E_TEMPORAL_LAYERING_MODE_BYPASS;
    /* Dropping a layer must not change how the next frame is read. */
    vpx->settings.g_error_resilient = pattern->layers > 1 ? VPX_ERROR_RESILIENT_DEFAULT : 0;
}

static void fill_settings(VpxEncoder *vpx)
{
    const VideoEncoderConfig *config = &vpx->base.config;
    vpx_codec_enc_cfg_t *settings = &vpx->settings;
    settings->g_w = (guint)config->width;
    settings->g_h = (guint)config->height;
    settings->g_threads = 1;
    settings->g_profile = 0;
    settings->g_timebase = (struct vpx_rational){ 1, CLOCK_HZ };
    settings->g_lag_in_frames = 0;
    settings->g_pass = VPX_RC_ONE_PASS;
    settings->rc_end_usage = VPX_CBR;
    settings->rc_resize_allowed = 0;
    settings->rc_dropframe_thresh = 0; /* a mix must not skip */
    settings->rc_min_quantizer = 2;
    settings->rc_max_quantizer = 63; /* where no frame is dropped, the quantizer needs its range */
    settings->rc_undershoot_pct = vpx->vp9 ? 50 : 100;
    settings->rc_overshoot_pct = vpx->vp9 ? 50 : 15;
    settings->rc_buf_initial_sz = 500;
    settings->rc_buf_optimal_sz = 600;
    settings->rc_buf_sz = 1000;
    settings->kf_mode = VPX_KF_DISABLED; /* key frames are ours to ask for */
    settings->kf_min_dist = 0;
    settings->kf_max_dist = NEVER;
    fill_layers(vpx);
    fill_rates(vpx);
}

static gboolean set_controls(VpxEncoder *vpx)
{
    vpx_codec_ctx_t *context = &vpx->context;
    gint speed = vpx->base.config.speed;
    if (speed == 0)
        speed = vpx->vp9 ? VP9_DEFAULT_SPEED : VP8_DEFAULT_SPEED;
    gboolean good =
        vpx_codec_control(context, VP8E_SET_CPUUSED, speed) == VPX_CODEC_OK &&
        vpx_codec_control(context, VP8E_SET_STATIC_THRESHOLD, STATIC_THRESHOLD) == VPX_CODEC_OK &&
        vpx_codec_control(context, VP8E_SET_MAX_INTRA_BITRATE_PCT, MAX_INTRA_PCT) == VPX_CODEC_OK;
    if (!vpx->vp9)
        return good && vpx_codec_control(context, VP8E_SET_NOISE_SENSITIVITY, 0) == VPX_CODEC_OK &&
               vpx_codec_control(context, VP8E_SET_TOKEN_PARTITIONS, 0) == VPX_CODEC_OK &&
               vpx_codec_control(context, VP8E_SET_SCREEN_CONTENT_MODE, 0) == VPX_CODEC_OK;
    return good && vpx_codec_control(context, VP9E_SET_NOISE_SENSITIVITY, 0) == VPX_CODEC_OK &&
           vpx_codec_control(context, VP9E_SET_AQ_MODE, 3) == VPX_CODEC_OK &&
           vpx_codec_control(context, VP9E_SET_TILE_COLUMNS, 0) == VPX_CODEC_OK &&
           vpx_codec_control(context, VP9E_SET_ROW_MT, 0) == VPX_CODEC_OK &&
           vpx_codec_control(context, VP9E_SET_FRAME_PARALLEL_DECODING, 0) == VPX_CODEC_OK &&
           vpx_codec_control(context, VP9E_SET_COLOR_SPACE, VPX_CS_SMPTE_170) == VPX_CODEC_OK &&
           (pattern_of(vpx)->layers == 1 ||
            vpx_codec_control(context, VP9E_SET_SVC, 1) == VPX_CODEC_OK);
}

static void vpx_encoder_set_rate(VideoEncoder *encoder, gint bitrate_bps, gint fps)
{
    VpxEncoder *vpx = (VpxEncoder *)encoder;
    encoder->config.fps = fps;
    if (encoder->config.bitrate_bps == bitrate_bps)
        return;
    encoder->config.bitrate_bps = bitrate_bps;
    fill_rates(vpx);
    vpx_codec_enc_config_set(&vpx->context, &vpx->settings);
}

/* --- One picture ----------------------------------------------------------------------------- */

/* VP8's partial copy and VP9's segments both take the map of the present frame only. */
static void set_active_map(VpxEncoder *vpx, const guint8 *map, gboolean base_layer)
{
    gsize blocks = (gsize)vpx->columns * vpx->rows;
    if (map) {
        for (gsize i = 0; i < blocks; i++)
            vpx->active[i] = vpx->pending[i] = map[i] || vpx->pending[i];
    } else {
        memset(vpx->pending, 1, blocks);
    }
    if (base_layer)
        memset(vpx->pending, 0, blocks);
    if (!map && !vpx->map_in_use)
        return;
    vpx_active_map_t control = { map ? vpx->active : NULL, vpx->rows, vpx->columns };
    vpx_codec_control(&vpx->context, VP8E_SET_ACTIVEMAP, &control);
    vpx->map_in_use = map != NULL;
}

static void wrap_picture(vpx_image_t *image, const AVFrame *picture)
{
    vpx_img_wrap(image, VPX_IMG_FMT_I420, (guint)picture->width, (guint)picture->height, 1,
                 picture->data[0]);
    for (gint i = 0; i < 3; i++) {
        image->planes[i] = picture->data[i];
        image->stride[i] = picture->linesize[i];
    }
}

static gboolean set_error(VpxEncoder *vpx, const char *what, GError **error)
{
    const char *detail = vpx_codec_error_detail(&vpx->context);
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INTERNAL, "libvpx could not %s: %s%s%s", what,
                vpx_codec_error(&vpx->context), detail ? ", " : "", detail ? detail : "");
    return FALSE;
}

static void set_temporal_id(VpxEncoder *vpx, gint temporal_id)
{
    if (!vpx->vp9) {
        vpx_codec_control(&vpx->context, VP8E_SET_TEMPORAL_LAYER_ID, temporal_id);
        return;
    }
    vpx_svc_layer_id_t id = { .temporal_layer_id = temporal_id };
    id.temporal_layer_id_per_spatial[0] = temporal_id;
    vpx_codec_control(&vpx->context, VP9E_SET_SVC_LAYER_ID, &id);
}

/* Copy the frame that the library made into `out`. FALSE without error: it made none. */
static gboolean take_packet(VpxEncoder *vpx, AVPacket *out, VideoEncodeInfo *info, GError **error)
{
    vpx_codec_iter_t iterator = NULL;
    const vpx_codec_cx_pkt_t *packet;
    while ((packet = vpx_codec_get_cx_data(&vpx->context, &iterator)))
        if (packet->kind == VPX_CODEC_CX_FRAME_PKT)
            break;
    if (!packet || packet->data.frame.sz == 0)
        return FALSE;
    if (av_new_packet(out, (int)packet->data.frame.sz) < 0) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                    "no memory for an encoded frame of %zu bytes; free some",
                    packet->data.frame.sz);
        return FALSE;
    }
    memcpy(out->data, packet->data.frame.buf, packet->data.frame.sz);
    info->keyframe = (packet->data.frame.flags & VPX_FRAME_IS_KEY) != 0;
    return TRUE;
}

static gboolean vpx_encoder_encode(VideoEncoder *encoder, const AVFrame *picture, gint64 pts,
                                   const VideoEncodeHints *hints, AVPacket *out,
                                   VideoEncodeInfo *info, GError **error)
{
    VpxEncoder *vpx = (VpxEncoder *)encoder;
    const Pattern *pattern = pattern_of(vpx);
    gboolean force = codec_keyframe_due(encoder, hints);
    if (force)
        vpx->position = 0;
    const PatternStep *step = &pattern->steps[vpx->position];
    vpx_enc_frame_flags_t flags = force ? VPX_EFLAG_FORCE_KF : step->flags;
    if (pattern->layers > 1)
        set_temporal_id(vpx, step->temporal_id);
    set_active_map(vpx, force ? NULL : hints->active_map, step->temporal_id == 0);

    vpx_image_t image;
    wrap_picture(&image, picture);
    vpx->last_pts = MAX(pts, vpx->last_pts + 1); /* the library refuses time that stands still */
    gulong duration = (gulong)MAX(CLOCK_HZ / encoder->config.fps, 1);
    if (vpx_codec_encode(&vpx->context, &image, vpx->last_pts, duration, flags, VPX_DL_REALTIME) !=
        VPX_CODEC_OK)
        return set_error(vpx, "encode a picture", error);
    if (!take_packet(vpx, out, info, error))
        return FALSE;
    info->temporal_id = step->temporal_id;
    info->layer_sync = step->layer_sync;
    info->non_reference = step->non_reference;
    vpx->position = (vpx->position + 1) % pattern->period;
    return TRUE;
}

/* --- Life ------------------------------------------------------------------------------------ */

static void vpx_encoder_free(VideoEncoder *encoder)
{
    VpxEncoder *vpx = (VpxEncoder *)encoder;
    if (vpx->open)
        vpx_codec_destroy(&vpx->context);
    g_free(vpx->pending);
    g_free(vpx->active);
    g_free(vpx);
}

static const VideoEncoderOps vpx_encoder_ops = {
    .free = vpx_encoder_free,
    .encode = vpx_encoder_encode,
    .set_rate = vpx_encoder_set_rate,
};

static gboolean open_library(VpxEncoder *vpx, GError **error)
{
    vpx_codec_iface_t *iface = vpx->vp9 ? vpx_codec_vp9_cx() : vpx_codec_vp8_cx();
    if (vpx_codec_enc_config_default(iface, &vpx->settings, 0) != VPX_CODEC_OK)
        return set_error(vpx, "tell its defaults", error);
    fill_settings(vpx);
    if (vpx_codec_enc_init(&vpx->context, iface, &vpx->settings, 0) != VPX_CODEC_OK)
        return set_error(vpx, "start", error);
    vpx->open = TRUE;
    return set_controls(vpx) || set_error(vpx, "take its settings", error);
}

VideoEncoder *vpx_encoder_new(const CodecType *type, const VideoEncoderConfig *config,
                              GError **error)
{
    if (!codec_check_video_config(config, error))
        return NULL;
    VpxEncoder *vpx = g_new0(VpxEncoder, 1);
    vpx->base.ops = &vpx_encoder_ops;
    vpx->base.config = *config;
    vpx->base.frames_since_keyframe = -1;
    vpx->vp9 = type->id == AV_CODEC_ID_VP9;
    vpx->last_pts = G_MININT32;
    vpx->columns = (guint)(config->width + 15) / 16;
    vpx->rows = (guint)(config->height + 15) / 16;
    vpx->pending = g_new0(guint8, (gsize)vpx->columns * vpx->rows);
    vpx->active = g_new0(guint8, (gsize)vpx->columns * vpx->rows);
    if (open_library(vpx, error))
        return &vpx->base;
    vpx_encoder_free(&vpx->base);
    return NULL;
}
