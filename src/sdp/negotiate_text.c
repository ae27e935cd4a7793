#include "sdp/negotiate_text.h"

SdpSession *negotiate_text_session(const NegotiateLocal *local)
{
    SdpSession *session = sdp_session_new();
    session->origin_id = g_strdup(local->session_id);
    session->origin_version = local->session_version;
    session->ice_lite = local->ice_lite;
    return session;
}

void negotiate_text_transport(SdpMedia *section, const NegotiateLocal *local, SdpSetup setup,
                              gboolean tagged)
{
    section->ice_ufrag = g_strdup(local->ice_ufrag);
    section->ice_pwd = g_strdup(local->ice_pwd);
    section->ice_trickle = TRUE;
    section->fingerprint = g_strdup(local->fingerprint);
    section->setup = setup;
    section->rtcp_mux = TRUE;
    if (!tagged)
        return;
    for (guint i = 0; local->candidates && local->candidates[i]; i++)
        g_ptr_array_add(section->candidates, g_strdup(local->candidates[i]));
    section->end_of_candidates = local->end_of_candidates;
}

void negotiate_text_sources(SdpMedia *section, const NegotiateLocal *local, guint32 ssrc,
                            guint32 rtx_ssrc)
{
    const char *stream = local->stream_id ? local->stream_id : "-";
    section->msid_stream = g_strdup(stream);
    section->msid_track = g_strdup_printf("%s-%s", local->stream_id ? stream : "mix",
                                          section->kind == SDP_AUDIO ? "audio" : "video");
    sdp_media_add_source(section, ssrc, local->cname);
    if (rtx_ssrc) {
        guint32 pair[2] = { ssrc, rtx_ssrc };
        sdp_media_add_source(section, rtx_ssrc, local->cname);
        sdp_media_add_source_group(section, "FID", pair, G_N_ELEMENTS(pair));
    }
}

SdpFormat *negotiate_text_codec(SdpMedia *section, const NegotiatedCodec *codec)
{
    SdpFormat *format = sdp_media_add_format(section, codec->payload_type, codec->encoding,
                                             codec->clock_hz, codec->channels, codec->local_fmtp);
    const struct {
        gboolean wanted;
        const char *feedback;
    } feedback[] = {
        { codec->remb, "goog-remb" }, { codec->transport_cc, "transport-cc" },
        { codec->fir, "ccm fir" },    { codec->nack, "nack" },
        { codec->pli, "nack pli" },
    };
    for (guint i = 0; i < G_N_ELEMENTS(feedback); i++) {
        if (feedback[i].wanted)
            sdp_format_add_feedback(format, feedback[i].feedback);
    }
    if (codec->rtx_payload_type >= 0) {
        g_autofree char *apt = g_strdup_printf("apt=%u", codec->payload_type);
        sdp_media_add_format(section, (guint)codec->rtx_payload_type, "rtx", codec->clock_hz, 1,
                             apt);
    }
    return format;
}
