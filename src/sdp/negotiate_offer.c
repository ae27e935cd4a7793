#include "sdp/negotiate_media.h"
#include "sdp/negotiate_text.h"

#define OPUS_PAYLOAD_TYPE 111 /* what Chromium uses, and so what most logs and tools expect */
#define RED_PAYLOAD_TYPE  63
#define FIRST_DYNAMIC_TYPE                                                \
    96 /* 96..127, then 35..63 (RFC 5761 section 4 keeps 64..95 for RTCP) \
        */

/* What every section of one offer shares: payload types and extension ids. */
typedef struct {
    const NegotiateConfig *config;
    const NegotiateLocal *local;
    gboolean used[128];
    GArray *codecs[2]; /* of NegotiatedCodec, by kind */
    GPtrArray *uris;   /* the extensions of both kinds; their ids count in this order */
    GRand *ssrc_random;
    GHashTable *ssrcs;
} Offer;

/** A payload type not used yet, or -1. */
static gint take_payload_type(Offer *offer, guint wanted)
{
    for (guint i = 0; i < 61; i++) {
        guint type = i == 0 ? wanted : FIRST_DYNAMIC_TYPE + i - 1;
        if (type > 127)
            type = 35 + (type - 128);
        if (!offer->used[type]) {
            offer->used[type] = TRUE;
            return (gint)type;
        }
    }
    return -1;
}

static void codec_clear(gpointer data)
{
    g_free(((NegotiatedCodec *)data)->local_fmtp);
}

static const char *offer_fmtp(const NegotiateCodec *codec)
{
    if (codec->offer_fmtp)
        return codec->offer_fmtp;
    return g_strcmp0(codec->fmtp, "=") == 0 ? NULL : codec->fmtp;
}

static gboolean offers_transport_cc(const NegotiateConfig *config, SdpKind kind)
{
    const char *const *uris = config->extensions[kind];
    return uris && g_strv_contains(uris, NEGOTIATE_URI_TRANSPORT_CC);
}

static void plan_codec(Offer *offer, const NegotiateCodec *codec)
{
    gboolean video = codec->kind == SDP_VIDEO;
    gint type = take_payload_type(offer, video ? FIRST_DYNAMIC_TYPE : OPUS_PAYLOAD_TYPE);
    if (type < 0)
        return;
    NegotiatedCodec planned = {
        .payload_type = (guint)type,
        .rtx_payload_type = video ? take_payload_type(offer, (guint)type) : -1,
        .clock_hz = codec->clock_hz,
        .channels = codec->channels,
        .nack = TRUE,
        .pli = video,
        .fir = video,
        .remb = video,
        .transport_cc = offers_transport_cc(offer->config, codec->kind),
        .local_fmtp = g_strdup(offer_fmtp(codec)),
    };
    g_strlcpy(planned.encoding, codec->encoding, sizeof planned.encoding);
    GArray *codecs = offer->codecs[codec->kind];
    const char *preferred = offer->config->preferred_video;
    if (video && preferred && g_ascii_strcasecmp(codec->encoding, preferred) == 0)
        g_array_prepend_val(codecs, planned);
    else
        g_array_append_val(codecs, planned);
}

static void plan_extensions(Offer *offer)
{
    for (guint kind = SDP_AUDIO; kind <= SDP_VIDEO; kind++) {
        const char *const *uris = offer->config->extensions[kind];
        for (guint i = 0; uris && uris[i]; i++) {
            if (!g_ptr_array_find_with_equal_func(offer->uris, uris[i], g_str_equal, NULL))
                g_ptr_array_add(offer->uris, (gpointer)uris[i]);
        }
    }
}

static void add_extensions(const Offer *offer, SdpMedia *section)
{
    const char *const *uris = offer->config->extensions[section->kind];
    for (guint i = 0; uris && uris[i]; i++) {
        guint place = 0;
        g_ptr_array_find_with_equal_func(offer->uris, uris[i], g_str_equal, &place);
        /* Id 15 is reserved (RFC 8285 section 4.2). */
        sdp_media_add_extmap(section, place < 14 ? place + 1 : place + 2, uris[i], SDP_SENDRECV);
    }
}

static guint32 draw_ssrc(Offer *offer)
{
    guint32 ssrc;
    do
        ssrc = g_rand_int(offer->ssrc_random);
    while (ssrc == 0 || !g_hash_table_add(offer->ssrcs, GUINT_TO_POINTER(ssrc)));
    return ssrc;
}

static void add_red(const Offer *offer, SdpMedia *section)
{
    const SdpFormat *opus = section->formats->len ? section->formats->pdata[0] : NULL;
    if (!offer->config->red || !opus || g_ascii_strcasecmp(opus->encoding, "opus") != 0)
        return;
    g_autofree char *fmtp = g_strdup_printf("%u/%u", opus->payload_type, opus->payload_type);
    sdp_media_add_format(section, RED_PAYLOAD_TYPE, "red", opus->clock_hz, opus->channels, fmtp);
}

/** Of the camera: a screen is wanted as it is. Browsers make the first the smallest. */
static void add_simulcast(SdpMedia *section)
{
    static const char *const layers[] = { "q", "h", "f" };
    for (guint i = 0; i < G_N_ELEMENTS(layers); i++)
        sdp_media_add_rid(section, layers[i], FALSE, NULL);
    section->simulcast_recv = g_strdup("q;h;f");
}

static void add_section(Offer *offer, SdpSession *session, SdpKind kind, gboolean first)
{
    const NegotiateConfig *config = offer->config;
    SdpMedia *section = sdp_media_new(kind);
    gboolean tagged = session->media->len == 0;
    section->mid = g_strdup_printf("%u", session->media->len);
    g_ptr_array_add(session->bundle, g_strdup(section->mid));
    g_ptr_array_add(session->media, section);
    negotiate_text_transport(section, offer->local, SDP_SETUP_ACTPASS, tagged);
    section->rtcp_rsize = TRUE;
    section->extmap_allow_mixed = TRUE;

    gboolean sends = config->send && first;
    section->direction = sdp_direction(sends, config->receive);
    add_extensions(offer, section);
    for (guint i = 0; i < offer->codecs[kind]->len; i++) {
        negotiate_text_codec(section, &g_array_index(offer->codecs[kind], NegotiatedCodec, i));
    }
    if (kind == SDP_AUDIO)
        add_red(offer, section);
    if (kind == SDP_VIDEO && config->receive) {
        section->bandwidth_bps = offer->local->video_bitrate_bps;
        if (config->simulcast && first)
            add_simulcast(section);
    }
    if (sends) {
        guint32 ssrc = draw_ssrc(offer);
        negotiate_text_sources(section, offer->local, ssrc,
                               kind == SDP_VIDEO ? draw_ssrc(offer) : 0);
    }
}

static void plan(Offer *offer)
{
    offer->used[RED_PAYLOAD_TYPE] = TRUE;
    for (guint kind = SDP_AUDIO; kind <= SDP_VIDEO; kind++) {
        offer->codecs[kind] = g_array_new(FALSE, TRUE, sizeof(NegotiatedCodec));
        g_array_set_clear_func(offer->codecs[kind], codec_clear);
        for (guint i = 0; i < offer->config->codec_count; i++) {
            if ((guint)offer->config->codecs[i].kind == kind)
                plan_codec(offer, &offer->config->codecs[i]);
        }
    }
    plan_extensions(offer);
}

char *negotiate_make_offer(const NegotiateConfig *config, const NegotiateLocal *local,
                           guint video_sections, GRand *ssrc_random)
{
    g_autoptr(GPtrArray) uris = g_ptr_array_new();
    g_autoptr(GHashTable) ssrcs = g_hash_table_new(NULL, NULL);
    Offer offer = {
        .config = config, .local = local, .uris = uris, .ssrc_random = ssrc_random, .ssrcs = ssrcs
    };
    plan(&offer);

    g_autoptr(SdpSession) session = negotiate_text_session(local);
    session->extmap_allow_mixed = TRUE;
    add_section(&offer, session, SDP_AUDIO, TRUE);
    for (guint i = 0; i < video_sections; i++)
        add_section(&offer, session, SDP_VIDEO, i == 0);
    g_array_unref(offer.codecs[SDP_AUDIO]);
    g_array_unref(offer.codecs[SDP_VIDEO]);
    return sdp_write(session);
}
