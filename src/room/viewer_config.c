#include "room/viewer_config.h"

#include "rtp/rtp.h"

static void fill_stream(ViewerStream *stream, const NegotiatedMedia *media)
{
    const NegotiatedCodec *codec =
        &g_array_index(media->codecs, NegotiatedCodec, (guint)media->send_codec);
    stream->active = TRUE;
    stream->ssrc = media->local_ssrc;
    stream->payload_type = (guint8)codec->payload_type;
    for (guint i = 0; i < media->extmaps->len; i++) {
        const SdpExtmap *extmap = &g_array_index(media->extmaps, SdpExtmap, i);
        rtp_ext_map_set(&stream->extensions, rtp_ext_find(extmap->uri), extmap->id);
    }
}

static void fill_sound(ViewerConfig *config, const NegotiatedMedia *media)
{
    const NegotiatedCodec *codec =
        &g_array_index(media->codecs, NegotiatedCodec, (guint)media->send_codec);
    g_autofree char *fec = codec->fmtp ? sdp_fmtp_get(codec->fmtp, "useinbandfec") : NULL;
    fill_stream(&config->audio, media);
    config->red_payload_type = media->red_payload_type;
    config->audio_fec = g_strcmp0(fec, "1") == 0;
    if (!config->video.active) /* the pictures, where there are any, decide */
        config->transport_cc =
            codec->transport_cc && config->audio.extensions.id_of[RTP_EXT_TRANSPORT_CC];
}

ViewerConfig viewer_config_of(const PeerMedia *media)
{
    ViewerConfig config = { .red_payload_type = -1,
                            .rtx_payload_type = -1,
                            .mix_epoch_ns = media->mix_epoch_ns,
                            .playout_max_10ms = media->playout_max_10ms };
    g_strlcpy(config.cname, media->cname, sizeof config.cname);
    for (guint i = 0; i < media->negotiated->media->len; i++) {
        const NegotiatedMedia *section = media->negotiated->media->pdata[i];
        if (!section->accepted || !section->we_send || section->send_codec < 0)
            continue;
        if (section->kind == SDP_AUDIO && !config.audio.active)
            fill_sound(&config, section);
        if (section->kind != SDP_VIDEO || config.video.active)
            continue;
        const NegotiatedCodec *codec =
            &g_array_index(section->codecs, NegotiatedCodec, (guint)section->send_codec);
        fill_stream(&config.video, section);
        config.rtx_ssrc = section->local_rtx_ssrc;
        config.rtx_payload_type = codec->rtx_payload_type;
        config.nack = codec->nack;
        config.transport_cc =
            codec->transport_cc && config.video.extensions.id_of[RTP_EXT_TRANSPORT_CC];
    }
    return config;
}
