#include "sdp/negotiate_rid.h"
#include "sdp/negotiate_text.h"

/** A refused m-line stays in its place, with port 0 (RFC 3264 section 6). */
static void refuse(SdpMedia *section, const SdpMedia *offered)
{
    section->port = 0;
    section->direction = SDP_INACTIVE;
    section->formats_text = g_strdup(offered->formats_text);
    for (guint i = 0; !section->formats_text && i < offered->formats->len; i++) {
        const SdpFormat *format = offered->formats->pdata[i];
        sdp_media_add_format(section, format->payload_type, format->encoding, format->clock_hz,
                             format->channels, NULL);
    }
}

/** What we send comes first: browsers send with the first codec of the answer. */
static void add_codecs(SdpMedia *section, const NegotiatedMedia *media)
{
    if (media->send_codec >= 0) {
        negotiate_text_codec(section,
                             &g_array_index(media->codecs, NegotiatedCodec, media->send_codec));
    }
    for (guint i = 0; i < media->codecs->len; i++) {
        if ((gint)i != media->send_codec)
            negotiate_text_codec(section, &g_array_index(media->codecs, NegotiatedCodec, i));
    }
}

static void add_red(SdpMedia *section, const NegotiatedMedia *media, const SdpMedia *offered)
{
    if (media->red_payload_type < 0)
        return;
    const SdpFormat *red = sdp_media_format(offered, (guint)media->red_payload_type);
    sdp_media_add_format(section, red->payload_type, red->encoding, red->clock_hz, red->channels,
                         red->fmtp);
}

static void add_simulcast(SdpMedia *section, const NegotiatedMedia *media, const SdpMedia *offered)
{
    g_autoptr(GString) layers = g_string_new(NULL);
    for (guint i = 0; i < media->sources->len; i++) {
        const NegotiatedSource *source = &g_array_index(media->sources, NegotiatedSource, i);
        if (!*source->rid)
            continue;
        g_autofree char *params = negotiate_rid_answer(offered, source->rid, media);
        sdp_media_add_rid(section, source->rid, FALSE, params);
        g_string_append_printf(layers, "%s%s", layers->len ? ";" : "", source->rid);
    }
    if (layers->len)
        section->simulcast_recv = g_strdup(layers->str);
}

/** The DTLS role of an answer must not be the peer's own (RFC 8842 section 5.3). */
static SdpSetup answer_setup(const Negotiated *negotiated, const NegotiateLocal *local)
{
    if (negotiated->remote_setup == SDP_SETUP_PASSIVE)
        return SDP_SETUP_ACTIVE;
    if (negotiated->remote_setup == SDP_SETUP_ACTIVE)
        return SDP_SETUP_PASSIVE;
    return local->setup == SDP_SETUP_ACTIVE ? SDP_SETUP_ACTIVE : SDP_SETUP_PASSIVE;
}

static void accept(SdpMedia *section, const NegotiatedMedia *media, const SdpMedia *offered,
                   const NegotiateLocal *local)
{
    section->direction = sdp_direction(media->we_send, media->we_receive);
    section->rtcp_rsize = offered->rtcp_rsize;
    section->extmap_allow_mixed = offered->extmap_allow_mixed;
    if (media->kind == SDP_VIDEO && media->we_receive)
        section->bandwidth_bps = local->video_bitrate_bps;
    for (guint i = 0; i < media->extmaps->len; i++) {
        const SdpExtmap *extmap = &g_array_index(media->extmaps, SdpExtmap, i);
        sdp_media_add_extmap(section, extmap->id, extmap->uri, extmap->direction);
    }
    add_codecs(section, media);
    add_red(section, media, offered);
    add_simulcast(section, media, offered);
    if (media->we_send)
        negotiate_text_sources(section, local, media->local_ssrc, media->local_rtx_ssrc);
}

/** Our group: the accepted mids in the offer's order (RFC 9143 section 7.3). */
static void fill_bundle(SdpSession *answer, const SdpSession *offer, const Negotiated *negotiated)
{
    for (guint i = 0; i < offer->bundle->len; i++) {
        const char *mid = offer->bundle->pdata[i];
        for (guint j = 0; j < negotiated->media->len; j++) {
            const NegotiatedMedia *media = negotiated->media->pdata[j];
            if (media->accepted && g_str_equal(media->mid, mid))
                g_ptr_array_add(answer->bundle, g_strdup(mid));
        }
    }
}

static gboolean is_tagged(const SdpSession *answer, const SdpMedia *section)
{
    return !answer->bundle->len || g_str_equal(answer->bundle->pdata[0], section->mid);
}

char *negotiate_answer(const Negotiated *negotiated, const SdpSession *offer,
                       const NegotiateLocal *local)
{
    g_autoptr(SdpSession) answer = negotiate_text_session(local);
    answer->extmap_allow_mixed = negotiated->extmap_allow_mixed;
    fill_bundle(answer, offer, negotiated);
    for (guint i = 0; i < negotiated->media->len; i++) {
        const NegotiatedMedia *media = negotiated->media->pdata[i];
        const SdpMedia *offered = offer->media->pdata[i];
        SdpMedia *section = sdp_media_new(offered->kind);
        g_ptr_array_add(answer->media, section);
        g_free(section->kind_text);
        section->kind_text = g_strdup(offered->kind_text);
        g_free(section->protocol);
        section->protocol = g_strdup(offered->protocol);
        section->mid = g_strdup(offered->mid);
        if (media->accepted) {
            negotiate_text_transport(section, local, answer_setup(negotiated, local),
                                     is_tagged(answer, section));
            accept(section, media, offered, local);
        } else {
            refuse(section, offered);
        }
    }
    return sdp_write(answer);
}
