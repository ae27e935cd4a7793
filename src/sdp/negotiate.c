#include "sdp/negotiate.h"

#include "base/error.h"
#include "sdp/negotiate_media.h"

#define MAX_RECEIVED_AUDIO 1
#define MAX_RECEIVED_VIDEO 2 /* camera and screen */

/* What earlier m-lines have taken, by kind (SDP_AUDIO, SDP_VIDEO). */
typedef struct {
    guint received[2];
    gboolean sent[2];
} Slots;

static gboolean invalid(GError **error, const char *message)
{
    g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_INVALID, message);
    return FALSE;
}

static Negotiated *negotiated_new(void)
{
    Negotiated *negotiated = g_new0(Negotiated, 1);
    negotiated->media = g_ptr_array_new_with_free_func((GDestroyNotify)negotiated_media_free);
    negotiated->candidates = g_ptr_array_new_with_free_func(g_free);
    return negotiated;
}

void negotiated_free(Negotiated *negotiated)
{
    if (!negotiated)
        return;
    g_ptr_array_unref(negotiated->media);
    g_ptr_array_unref(negotiated->candidates);
    g_free(negotiated->ice_ufrag);
    g_free(negotiated->ice_pwd);
    g_free(negotiated->fingerprint);
    g_free(negotiated);
}

/** A single m-line needs no BUNDLE to share a transport. */
static gboolean is_bundled(const SdpSession *session, const SdpMedia *media)
{
    if (!session->bundle->len && session->media->len == 1)
        return TRUE;
    return sdp_session_bundles(session, media->mid);
}

static gboolean check_bundle(const SdpSession *session, GError **error)
{
    if (session->bundle->len || session->media->len <= 1)
        return TRUE;
    return invalid(error, "The SDP has no a=group:BUNDLE; set bundlePolicy to \"max-bundle\".");
}

/** The accepted section whose transport attributes count: the first of the BUNDLE that has them
 *  (RFC 9143 section 7.2.1; those of bundle-only sections may be left out). */
static const SdpMedia *find_transport(const Negotiated *negotiated, const SdpSession *peer)
{
    for (guint i = 0; i < peer->bundle->len; i++) {
        const SdpMedia *media = sdp_session_find_mid(peer, peer->bundle->pdata[i]);
        guint index = 0;
        if (!media || !media->ice_ufrag || !g_ptr_array_find(peer->media, media, &index) ||
            !((NegotiatedMedia *)negotiated->media->pdata[index])->accepted)
            continue;
        return media;
    }
    for (guint i = 0; i < peer->media->len; i++) {
        if (((NegotiatedMedia *)negotiated->media->pdata[i])->accepted)
            return peer->media->pdata[i];
    }
    return NULL;
}

static gboolean is_strong(const char *fingerprint)
{
    return g_str_has_prefix(fingerprint, "sha-256 ") || g_str_has_prefix(fingerprint, "sha-384 ") ||
           g_str_has_prefix(fingerprint, "sha-512 ");
}

static gboolean check_transport(const SdpMedia *media, GError **error)
{
    if (!media->rtcp_mux)
        return invalid(error, "The SDP has no a=rtcp-mux; set rtcpMuxPolicy to \"require\".");
    if (!media->ice_ufrag || !media->ice_pwd)
        return invalid(error,
                       "The SDP has no a=ice-ufrag and a=ice-pwd; send a WebRTC description.");
    if (!media->fingerprint)
        return invalid(error, "The SDP has no a=fingerprint; send a WebRTC description.");
    if (!is_strong(media->fingerprint))
        return invalid(error, "The SDP's a=fingerprint is weak; use sha-256 or stronger.");
    return TRUE;
}

static gboolean fill_transport(Negotiated *negotiated, const SdpSession *peer, GError **error)
{
    const SdpMedia *media = find_transport(negotiated, peer);
    if (!media) {
        g_set_error_literal(
            error, TESSERA_ERROR, TESSERA_ERROR_UNSUPPORTED,
            "The SDP has no m-line that this server can use; offer Opus and VP8 over "
            "UDP/TLS/RTP/SAVPF.");
        return FALSE;
    }
    if (!check_transport(media, error))
        return FALSE;
    negotiated->ice_ufrag = g_strdup(media->ice_ufrag);
    negotiated->ice_pwd = g_strdup(media->ice_pwd);
    negotiated->fingerprint = g_strdup(media->fingerprint);
    negotiated->remote_setup = media->setup;
    negotiated->remote_ice_lite = peer->ice_lite;
    negotiated->extmap_allow_mixed = peer->extmap_allow_mixed;
    negotiated->end_of_candidates = media->end_of_candidates;
    for (guint i = 0; i < media->candidates->len; i++)
        g_ptr_array_add(negotiated->candidates, g_strdup(media->candidates->pdata[i]));
    for (guint i = 0; i < peer->media->len; i++) {
        const NegotiatedMedia *accepted = negotiated->media->pdata[i];
        if (accepted->accepted && ((SdpMedia *)peer->media->pdata[i])->rtcp_rsize)
            negotiated->rtcp_rsize = TRUE;
    }
    return TRUE;
}

/** Decide whether and in which directions an m-line of an offer is used. */
static void claim_slots(const NegotiateSection *section, Slots *slots, NegotiatedMedia *media)
{
    SdpKind kind = section->peer->kind;
    guint max_received = kind == SDP_AUDIO ? MAX_RECEIVED_AUDIO : MAX_RECEIVED_VIDEO;
    gboolean wanted_receive = sdp_direction_sends(section->peer->direction) &&
                              section->config->receive &&
                              negotiate_section_has_codec(section, FALSE);
    media->we_receive = wanted_receive && slots->received[kind] < max_received;
    media->we_send = sdp_direction_receives(section->peer->direction) && section->config->send &&
                     !slots->sent[kind] && negotiate_section_has_codec(section, TRUE);
    media->accepted = media->we_receive || media->we_send || !wanted_receive;
}

static NegotiatedMedia *negotiate_offered(const NegotiateSection *section, const SdpSession *offer,
                                          Slots *slots)
{
    const SdpMedia *peer = section->peer;
    NegotiatedMedia *media = negotiated_media_new(peer);
    gboolean known = sdp_media_is_rtp(peer) && !sdp_media_rejected(peer) && is_bundled(offer, peer);
    if (!known || !(negotiate_section_has_codec(section, FALSE) ||
                    negotiate_section_has_codec(section, TRUE)))
        return media;
    claim_slots(section, slots, media);
    if (media->accepted) {
        negotiate_section_fill(section, media);
        slots->received[media->kind] += media->we_receive;
        slots->sent[media->kind] |= media->we_send;
    }
    return media;
}

static guint32 draw_ssrc(GRand *random, GHashTable *taken)
{
    guint32 ssrc;
    do
        ssrc = g_rand_int(random);
    while (ssrc == 0 || !g_hash_table_add(taken, GUINT_TO_POINTER(ssrc)));
    return ssrc;
}

static GHashTable *announced_ssrcs(const SdpSession *session)
{
    GHashTable *taken = g_hash_table_new(NULL, NULL);
    for (guint i = 0; i < session->media->len; i++) {
        const SdpMedia *media = session->media->pdata[i];
        for (guint j = 0; j < media->sources->len; j++) {
            guint32 ssrc = g_array_index(media->sources, SdpSource, j).ssrc;
            g_hash_table_add(taken, GUINT_TO_POINTER(ssrc));
        }
    }
    return taken;
}

static gboolean sends_rtx(const NegotiatedMedia *media)
{
    return media->we_send &&
           g_array_index(media->codecs, NegotiatedCodec, media->send_codec).rtx_payload_type >= 0;
}

static void draw_ssrcs(Negotiated *negotiated, const SdpSession *offer, GRand *random)
{
    g_autoptr(GHashTable) taken = announced_ssrcs(offer);
    for (guint i = 0; i < negotiated->media->len; i++) {
        NegotiatedMedia *media = negotiated->media->pdata[i];
        if (media->we_send)
            media->local_ssrc = draw_ssrc(random, taken);
        if (sends_rtx(media))
            media->local_rtx_ssrc = draw_ssrc(random, taken);
    }
}

Negotiated *negotiate_offer(const SdpSession *offer, const NegotiateConfig *config,
                            GRand *ssrc_random, GError **error)
{
    if (!check_bundle(offer, error))
        return NULL;
    g_autoptr(Negotiated) negotiated = negotiated_new();
    g_autoptr(GHashTable) uri_of_id = g_hash_table_new(NULL, NULL);
    Slots slots = { 0 };
    for (guint i = 0; i < offer->media->len; i++) {
        NegotiateSection section = { .config = config,
                                     .peer = offer->media->pdata[i],
                                     .two_byte_ids = offer->extmap_allow_mixed,
                                     .uri_of_id = uri_of_id,
                                     .mutual_simulcast = config->simulcast };
        g_ptr_array_add(negotiated->media, negotiate_offered(&section, offer, &slots));
    }
    if (!fill_transport(negotiated, offer, error))
        return NULL;
    if (negotiated->remote_setup == SDP_SETUP_NONE)
        negotiated->remote_setup = SDP_SETUP_ACTPASS;
    draw_ssrcs(negotiated, offer, ssrc_random);
    return g_steal_pointer(&negotiated);
}

void negotiated_keep_ssrcs(Negotiated *negotiated, const Negotiated *previous)
{
    for (guint i = 0; i < MIN(negotiated->media->len, previous->media->len); i++) {
        NegotiatedMedia *media = negotiated->media->pdata[i];
        const NegotiatedMedia *before = previous->media->pdata[i];
        if (media->kind != before->kind)
            continue;
        if (media->local_ssrc && before->local_ssrc)
            media->local_ssrc = before->local_ssrc;
        if (media->local_rtx_ssrc && before->local_rtx_ssrc)
            media->local_rtx_ssrc = before->local_rtx_ssrc;
    }
}

/** Our SSRCs as our offer announced them. */
static void fill_own_ssrcs(const SdpMedia *own, NegotiatedMedia *media)
{
    if (!media->we_send)
        return;
    if (own->sources->len > 0)
        media->local_ssrc = g_array_index(own->sources, SdpSource, 0).ssrc;
    if (own->sources->len > 1 && sends_rtx(media))
        media->local_rtx_ssrc = g_array_index(own->sources, SdpSource, 1).ssrc;
}

static NegotiatedMedia *negotiate_answered(const NegotiateSection *section,
                                           const SdpSession *answer)
{
    const SdpMedia *peer = section->peer, *own = section->own;
    NegotiatedMedia *media = negotiated_media_new(peer);
    if (!sdp_media_is_rtp(peer) || sdp_media_rejected(peer) || !is_bundled(answer, peer))
        return media;
    gboolean can_receive = negotiate_section_has_codec(section, FALSE);
    gboolean can_send = negotiate_section_has_codec(section, TRUE);
    media->accepted = can_receive || can_send;
    media->we_receive = can_receive && sdp_direction_receives(own->direction) &&
                        sdp_direction_sends(peer->direction);
    media->we_send =
        can_send && sdp_direction_sends(own->direction) && sdp_direction_receives(peer->direction);
    if (media->accepted)
        negotiate_section_fill(section, media);
    fill_own_ssrcs(own, media);
    return media;
}

/** RFC 3264 section 6: the same m-lines in the same order. */
static gboolean check_is_answer(const SdpSession *offer, const SdpSession *answer, GError **error)
{
    if (offer->media->len != answer->media->len)
        return invalid(error, "The answer has another number of m-lines than the offer; answer the "
                              "newest offer.");
    for (guint i = 0; i < offer->media->len; i++) {
        const SdpMedia *own = offer->media->pdata[i], *peer = answer->media->pdata[i];
        gboolean same_mid = !own->mid || !peer->mid || g_str_equal(own->mid, peer->mid);
        if (own->kind != peer->kind || (!sdp_media_rejected(peer) && !same_mid))
            return invalid(error, "The answer's m-lines are not the offer's; answer the newest "
                                  "offer.");
        if (!sdp_media_rejected(peer) && peer->setup == SDP_SETUP_ACTPASS)
            return invalid(error, "The answer says a=setup:actpass; it must choose active or "
                                  "passive.");
    }
    return TRUE;
}

Negotiated *negotiate_accept_answer(const SdpSession *offer, const SdpSession *answer,
                                    const NegotiateConfig *config, GError **error)
{
    if (!check_is_answer(offer, answer, error) || !check_bundle(answer, error))
        return NULL;
    g_autoptr(Negotiated) negotiated = negotiated_new();
    g_autoptr(GHashTable) uri_of_id = g_hash_table_new(NULL, NULL);
    for (guint i = 0; i < answer->media->len; i++) {
        const SdpMedia *own = offer->media->pdata[i];
        NegotiateSection section = { .config = config,
                                     .peer = answer->media->pdata[i],
                                     .own = own,
                                     .two_byte_ids = answer->extmap_allow_mixed,
                                     .uri_of_id = uri_of_id,
                                     .mutual_simulcast = config->simulcast && own->simulcast_recv };
        g_ptr_array_add(negotiated->media, negotiate_answered(&section, answer));
    }
    if (!fill_transport(negotiated, answer, error))
        return NULL;
    if (negotiated->remote_setup == SDP_SETUP_NONE)
        negotiated->remote_setup = SDP_SETUP_ACTIVE; /* RFC 4145 section 4 */
    return g_steal_pointer(&negotiated);
}
