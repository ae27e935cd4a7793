#include <string.h>

#include "base/error.h"
#include "room/room_private.h"
#include "rtp/rtp.h"

/* A participant's offers and answers. */

#define MAX_FRAGMENT_LINES 256

/* --- what this server can do ------------------------------------------------------------- */

static const char *const audio_extensions[] = {
    "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "urn:ietf:params:rtp-hdrext:sdes:mid",
    NULL,
};

static const char *const video_extensions[] = {
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "urn:ietf:params:rtp-hdrext:sdes:mid",
    "urn:3gpp:video-orientation",
    "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
    NULL,
};

/* The codecs as negotiation sees them, made once of codec_list. */
static const GArray *negotiable_codecs(void)
{
    static gsize once;
    static GArray *codecs;
    if (g_once_init_enter(&once)) {
        codecs = g_array_new(FALSE, TRUE, sizeof(NegotiateCodec));
        for (guint i = 0; codec_list[i]; i++) {
            const CodecType *type = codec_list[i];
            gboolean audio = type->kind == AVMEDIA_TYPE_AUDIO;
            NegotiateCodec codec = {
                .kind = audio ? SDP_AUDIO : SDP_VIDEO,
                .encoding = type->name,
                .clock_hz = type->clock_hz,
                .channels = audio ? type->channels : 1,
                .can_send =
                    audio ? type->audio_encoder_new != NULL : type->video_encoder_new != NULL,
                .can_receive =
                    audio ? type->audio_decoder_new != NULL : type->video_decoder_new != NULL,
                .fmtp = type->id == AV_CODEC_ID_H264 ? "=" : type->fmtp,
                .offer_fmtp = type->fmtp,
                .fmtp_accept = type->fmtp_accept,
            };
            g_array_append_val(codecs, codec);
        }
        g_once_init_leave(&once, 1);
    }
    return codecs;
}

static NegotiateConfig negotiate_config(const Participant *participant)
{
    const GArray *codecs = negotiable_codecs();
    const Config *config = participant->room->rooms->config;
    return (NegotiateConfig){ .codecs = (const NegotiateCodec *)(gpointer)codecs->data,
                              .codec_count = codecs->len,
                              .extensions = { audio_extensions, video_extensions },
                              .send = participant->view,
                              .receive = participant->publish,
                              .simulcast = TRUE,
                              .red = TRUE,
                              .preferred_video = config_string(config, "video.codec") };
}

/* --- the answer -------------------------------------------------------------------------- */

void participant_fail_offer(Participant *participant, GError *error)
{
    PendingAnswer pending = participant->pending;
    participant->pending = (PendingAnswer){ 0 };
    if (pending.done)
        pending.done(NULL, error, pending.user);
    if (pending.offer)
        sdp_session_free(pending.offer);
    negotiated_free(pending.negotiated);
    g_error_free(error);
}

/* Our side as SDP says it; session_id is the caller's to keep until the text is written. */
static NegotiateLocal local_side(Participant *participant, const PeerLocal *local,
                                 const char *session_id)
{
    const Config *config = participant->room->rooms->config;
    return (NegotiateLocal){
        .ice_ufrag = local->ice_ufrag,
        .ice_pwd = local->ice_pwd,
        .fingerprint = local->fingerprint,
        .ice_lite = local->ice_lite,
        .candidates = (const char *const *)local->candidates,
        .end_of_candidates = TRUE,
        .cname = "tessera",
        .stream_id = "mix",
        .setup = SDP_SETUP_PASSIVE,
        .session_id = session_id,
        .session_version = ++participant->sdp_version,
        /* The smaller layers come on top of the largest. */
        .video_bitrate_bps = (gint)config_int(config, "video.receive_max_bitrate") / 2 * 3,
    };
}

static char *make_session_id(const Participant *participant)
{
    return g_strdup_printf("%" G_GUINT64_FORMAT, 1 + (guint64)participant->joined_ns / 1000);
}

static char *write_answer(Participant *participant, const PeerLocal *local)
{
    const PendingAnswer *pending = &participant->pending;
    g_autofree char *session_id = make_session_id(participant);
    NegotiateLocal side = local_side(participant, local, session_id);
    return negotiate_answer(pending->negotiated, pending->offer, &side);
}

/* Our own offer, which is kept for the answer that is to come. */
static char *write_offer(Participant *participant, const PeerLocal *local)
{
    g_autofree char *session_id = make_session_id(participant);
    NegotiateLocal side = local_side(participant, local, session_id);
    NegotiateConfig config = negotiate_config(participant);
    GRand *random = g_rand_new();
    /* Clients that can only answer do not fit their layers to their camera: libwebrtc would send a
     * small one at half its size. */
    config.simulcast = FALSE;
    char *text = negotiate_make_offer(&config, &side, participant->publish ? 2 : 1, random);
    g_rand_free(random);
    participant->own_offer = sdp_parse(text, strlen(text), NULL);
    return text;
}

/* RFC 8840 section 9, RFC 9725 section 4.3: our new credentials and candidates. */
static char *write_fragment(Participant *participant, const PeerLocal *local)
{
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\n", local->ice_ufrag,
                           local->ice_pwd);
    g_string_append_printf(text, "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:%s\r\n",
                           participant->mid ? participant->mid : "0");
    for (guint i = 0; local->candidates && local->candidates[i]; i++)
        g_string_append_printf(text, "a=%s\r\n", local->candidates[i]);
    g_string_append(text, "a=end-of-candidates\r\n");
    return g_string_free(text, FALSE);
}

static char *write_side(Participant *participant, const PeerLocal *local)
{
    if (participant->pending.ours)
        return write_offer(participant, local);
    if (participant->pending.offer)
        return write_answer(participant, local);
    return write_fragment(participant, local);
}

void participant_local_ready(Participant *participant, const PeerLocal *local, const GError *error)
{
    PendingAnswer *pending = &participant->pending;
    if (!local) {
        /* A connection that never began cannot be changed: the next offer makes another. */
        if (participant->state == TRANSPORT_NEW)
            g_clear_pointer(&participant->fingerprint, g_free);
        /* Whether the peer's credentials were taken is not known: the next ones restart ICE. */
        g_clear_pointer(&participant->ice_ufrag, g_free);
        participant_fail_offer(participant, g_error_copy(error));
        return;
    }
    if (!pending->done)
        return;
    g_autofree char *text = write_side(participant, local);
    PendingAnswer done = *pending;
    *pending = (PendingAnswer){ 0 };
    if (done.negotiated) {
        negotiated_free(participant->negotiated);
        participant->negotiated = done.negotiated;
    }
    if (done.offer)
        sdp_session_free(done.offer);
    done.done(text, NULL, done.user);
}

/* --- the offer --------------------------------------------------------------------------- */

/* The codec of the video that we send to this peer, or NULL. */
static const CodecType *video_codec_of(const Negotiated *negotiated)
{
    for (guint i = 0; i < negotiated->media->len; i++) {
        const NegotiatedMedia *media = negotiated->media->pdata[i];
        if (media->kind != SDP_VIDEO || !media->accepted || !media->we_send ||
            media->send_codec < 0)
            continue;
        const NegotiatedCodec *codec =
            &g_array_index(media->codecs, NegotiatedCodec, (guint)media->send_codec);
        const CodecType *type = codec_find(AVMEDIA_TYPE_VIDEO, codec->encoding);
        if (type)
            return type;
    }
    return NULL;
}

/* (transfer full) The shared renditions of what this participant sees, or NULL: no video. */
static Ladder *ladder_of(const Participant *participant)
{
    if (!participant->video_codec || !participant->watches || !view_scene(participant->watches))
        return NULL;
    return scene_ladder(view_scene(participant->watches), participant->video_codec);
}

void participant_follow_view(Participant *participant)
{
    g_autoptr(Ladder) ladder = participant->peer ? ladder_of(participant) : NULL;
    if (ladder)
        peer_set_ladder(participant->peer, ladder);
}

static PeerMedia *make_media(Participant *participant, Negotiated *negotiated)
{
    participant->video_codec = video_codec_of(negotiated);
    g_autoptr(Ladder) ladder = ladder_of(participant);
    PeerMedia *media = peer_media_new(negotiated, ladder);
    g_strlcpy(media->cname, "tessera", sizeof media->cname);
    media->mix_epoch_ns = graph_mix_epoch_ns(participant->room->graph);
    media->playout_max_10ms =
        (guint16)(config_int(participant->room->rooms->config, "video.playout_delay_ms") / 10);
    return media;
}

ON_CONTROL_THREAD static void open_peer(Participant *participant)
{
    peer_close(participant->peer);
    participant->peer = peer_new(participant->room->rooms->engine, &participant->sinks,
                                 &participant_peer_events, participant);
    participant->state = TRANSPORT_NEW;
    participant->quality = VIEWER_FULL;
    /* The new connection tells what changes from nothing. */
    if (participant->active_sources)
        participant_peer_events.sources(0, participant);
    graph_leg_set_viewer(participant->room->graph, participant->leg,
                         participant->view ? peer_viewer(participant->peer) : NULL);
}

static void remember_remote(Participant *participant, const Negotiated *negotiated)
{
    const NegotiatedMedia *first = negotiated->media->pdata[0];
    g_free(participant->fingerprint);
    g_free(participant->ice_ufrag);
    g_free(participant->mid);
    participant->fingerprint = g_strdup(negotiated->fingerprint);
    participant->ice_ufrag = g_strdup(negotiated->ice_ufrag);
    participant->mid = g_strdup(first->mid);
}

/* Twice the same: one for the peer on the net thread, one for the answer here. */
static Negotiated *negotiate(Participant *participant, const SdpSession *offer, guint32 seed,
                             gboolean keep, GError **error)
{
    NegotiateConfig config = negotiate_config(participant);
    GRand *random = g_rand_new_with_seed(seed);
    Negotiated *negotiated = negotiate_offer(offer, &config, random, error);
    g_rand_free(random);
    if (negotiated && keep && participant->negotiated)
        negotiated_keep_ssrcs(negotiated, participant->negotiated);
    return negotiated;
}

ON_CONTROL_THREAD static gboolean accept_offer(Participant *participant, const char *sdp,
                                               gsize size, GError **error)
{
    PendingAnswer *pending = &participant->pending;
    pending->offer = sdp_parse(sdp, size, error);
    if (!pending->offer)
        return FALSE;
    guint32 seed = g_random_int();
    g_autoptr(Negotiated) first = negotiate(participant, pending->offer, seed, FALSE, error);
    if (!first)
        return FALSE;
    gboolean same = participant->peer && participant->state != TRANSPORT_FAILED &&
                    participant->state != TRANSPORT_CLOSED &&
                    g_strcmp0(first->fingerprint, participant->fingerprint) == 0;
    gboolean restart = same && g_strcmp0(first->ice_ufrag, participant->ice_ufrag) != 0;
    pending->negotiated = negotiate(participant, pending->offer, seed, same, NULL);
    Negotiated *for_peer = negotiate(participant, pending->offer, seed, same, NULL);
    remember_remote(participant, for_peer);
    PeerMedia *media = make_media(participant, for_peer);
    /* An answer to an offer of ours would be one for the connection before. */
    g_clear_pointer(&participant->own_offer, sdp_session_free);
    if (same) {
        peer_renegotiate(participant->peer, media, restart);
    } else {
        open_peer(participant);
        peer_connect(participant->peer, media);
    }
    return TRUE;
}

static gboolean refuse_second(Participant *participant, ParticipantAnswer answer, gpointer user)
{
    if (!participant->pending.done)
        return FALSE;
    g_autoptr(GError) error = g_error_new_literal(
        TESSERA_ERROR, TESSERA_ERROR_CONFLICT,
        "An earlier offer is still waiting for its answer; offer again after it.");
    answer(NULL, error, user);
    return TRUE;
}

void participant_offer(Participant *participant, const char *sdp, gsize size,
                       ParticipantAnswer answer, gpointer user)
{
    GError *error = NULL;
    if (refuse_second(participant, answer, user))
        return;
    participant->pending = (PendingAnswer){ .done = answer, .user = user };
    if (!accept_offer(participant, sdp, size, &error))
        participant_fail_offer(participant, error);
}

/* --- the other way round ----------------------------------------------------------------- */

void participant_make_offer(Participant *participant, ParticipantAnswer offer, gpointer user)
{
    if (refuse_second(participant, offer, user))
        return;
    if (participant->peer) {
        g_autoptr(GError) error = g_error_new_literal(
            TESSERA_ERROR, TESSERA_ERROR_CONFLICT,
            "The server offers once, before any other offer; renegotiate with one of yours.");
        offer(NULL, error, user);
        return;
    }
    participant->pending = (PendingAnswer){ .done = offer, .user = user, .ours = TRUE };
    open_peer(participant);
    peer_prepare(participant->peer);
}

static Negotiated *negotiate_answer_of(Participant *participant, const char *sdp, gsize size,
                                       GError **error)
{
    NegotiateConfig config = negotiate_config(participant);
    g_autoptr(SdpSession) answer = sdp_parse(sdp, size, error);
    return answer ? negotiate_accept_answer(participant->own_offer, answer, &config, error) : NULL;
}

gboolean participant_accept_answer(Participant *participant, const char *sdp, gsize size,
                                   GError **error)
{
    if (!participant->own_offer) {
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_CONFLICT,
                            "An answer came, but there is no offer that waits for one.");
        return FALSE;
    }
    Negotiated *for_peer = negotiate_answer_of(participant, sdp, size, error);
    if (!for_peer)
        return FALSE;
    negotiated_free(participant->negotiated);
    participant->negotiated = negotiate_answer_of(participant, sdp, size, NULL);
    g_clear_pointer(&participant->own_offer, sdp_session_free);
    remember_remote(participant, for_peer);
    peer_accept(participant->peer, make_media(participant, for_peer));
    return TRUE;
}

gboolean participant_add_candidate(Participant *participant, const char *candidate, GError **error)
{
    if (!participant->peer) {
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_CONFLICT,
                            "A candidate came before the offer that it belongs to.");
        return FALSE;
    }
    if (!candidate || !*candidate)
        return TRUE;
    if (strlen(candidate) > SDP_MAX_LINE) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "A candidate has at most %d characters.", SDP_MAX_LINE);
        return FALSE;
    }
    peer_add_candidate(participant->peer, candidate);
    return TRUE;
}

/* --- SDP fragments (WHIP, WHEP) ---------------------------------------------------------- */

static char *fragment_value(char **lines, const char *prefix)
{
    for (guint i = 0; lines[i]; i++) {
        if (g_str_has_prefix(lines[i], prefix))
            return g_strstrip(g_strdup(lines[i] + strlen(prefix)));
    }
    return NULL;
}

ON_CONTROL_THREAD static gboolean fragment_candidates(Participant *participant, char **lines,
                                                      GError **error)
{
    guint count = 0;
    for (guint i = 0; lines[i]; i++) {
        if (!g_str_has_prefix(lines[i], "a=candidate:"))
            continue;
        if (++count > SDP_MAX_CANDIDATES) {
            g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                        "An SDP fragment has at most %d candidates.", SDP_MAX_CANDIDATES);
            return FALSE;
        }
        g_autofree char *candidate = g_strstrip(g_strdup(lines[i] + 2));
        if (!participant_add_candidate(participant, candidate, error))
            return FALSE;
    }
    return TRUE;
}

ON_CONTROL_THREAD static gboolean accept_fragment(Participant *participant, char **lines,
                                                  gboolean *restarted, GError **error)
{
    g_autofree char *ufrag = fragment_value(lines, "a=ice-ufrag:");
    g_autofree char *pwd = fragment_value(lines, "a=ice-pwd:");
    if (!participant->peer) {
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_CONFLICT,
                            "There is no connection that the SDP fragment could belong to.");
        return FALSE;
    }
    *restarted = ufrag && pwd && g_strcmp0(ufrag, participant->ice_ufrag) != 0;
    if (*restarted) {
        if (strlen(ufrag) < 4 || strlen(ufrag) > 256 || strlen(pwd) < 22 || strlen(pwd) > 256) {
            g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                                "ice-ufrag has 4 to 256 characters and ice-pwd 22 to 256.");
            return FALSE;
        }
        peer_restart_ice(participant->peer, ufrag, pwd);
        g_free(participant->ice_ufrag);
        participant->ice_ufrag = g_steal_pointer(&ufrag);
    }
    return fragment_candidates(participant, lines, error);
}

void participant_ice_fragment(Participant *participant, const char *fragment, gsize size,
                              ParticipantAnswer answer, gpointer user)
{
    GError *error = NULL;
    gboolean restarted = FALSE;
    if (refuse_second(participant, answer, user))
        return;
    g_autofree char *text = g_strndup(fragment ? fragment : "", size);
    g_auto(GStrv) lines = g_strsplit(text, "\n", MAX_FRAGMENT_LINES);
    participant->pending = (PendingAnswer){ .done = answer, .user = user };
    if (!accept_fragment(participant, lines, &restarted, &error)) {
        participant_fail_offer(participant, error);
    } else if (!restarted) {
        participant->pending = (PendingAnswer){ 0 };
        answer("", NULL, user);
    }
}
