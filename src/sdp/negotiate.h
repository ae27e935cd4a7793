#pragma once

#include "sdp/sdp.h"

/* Offer and answer (RFC 9429, 9143, 3264): what both sides can do, and the text that says so.
 * Pure. Payload types and extension ids are the offerer's. */

/** A codec that we can take or give, most preferred first. */
typedef struct {
    SdpKind kind;
    const char *encoding;
    gint clock_hz, channels;
    gboolean can_send, can_receive;
    const char *fmtp; /* of our answer; NULL: none; "=" : echo the offer's */
    gboolean (*fmtp_accept)(const char *fmtp); /* NULL: any */
    const char *offer_fmtp; /* of our offer; NULL: `fmtp`, or none where that is "=" */
} NegotiateCodec;

typedef struct {
    const NegotiateCodec *codecs;
    guint codec_count;
    const char *const *extensions[2]; /* URIs by kind (SDP_AUDIO, SDP_VIDEO), NULL-ended */
    gboolean send, receive;           /* what this peer may do at all */
    const char *preferred_video;      /* encoding to send where offered, or NULL */
    gboolean simulcast;               /* receive the layers offered; FALSE: the peer sends one */
    gboolean red;                     /* take RED of Opus (RFC 2198) where offered, and offer it */
} NegotiateConfig;

/** One codec that both sides know. */
typedef struct {
    char encoding[16];
    guint payload_type;
    gint rtx_payload_type; /* or -1 */
    gint clock_hz, channels;
    gboolean nack, pli, fir, transport_cc, remb;
    char *fmtp;       /* the peer's, or NULL */
    char *local_fmtp; /* of our answer, or NULL */
} NegotiatedCodec;

typedef struct {
    guint ssrc;     /* announced by the peer; 0 where it did not */
    guint rtx_ssrc; /* 0: none */
    char rid[17];   /* "" where not simulcast, or told apart by SSRC alone */
} NegotiatedSource;

/** Layers of one picture that are taken; further ones are left out of the answer. */
#define NEGOTIATE_MAX_LAYERS 3

typedef struct {
    SdpKind kind;
    gboolean accepted;
    char mid[33];
    gboolean we_send, we_receive;
    /** Of NegotiatedCodec: what the peer may send us (where we only send: what we may send), in
     *  our order. */
    GArray *codecs;
    gint send_codec;       /* index into codecs of what we send, or -1 */
    gint red_payload_type; /* audio: RED of Opus, or -1 */
    /** Of SdpExtmap: accepted ones with the offer's ids, direction as we see it. Across all
     *  sections one id means one URI. */
    GArray *extmaps;
    /** Of NegotiatedSource: what the peer will send, as far as it said so. With simulcast one per
     *  layer in the peer's order; a packet's RID overrides the SSRC given here. */
    GArray *sources;
    gboolean simulcast;             /* `sources` are the layers of one picture */
    char *msid_stream, *msid_track; /* the peer's, or NULL */
    char *cname;                    /* the peer's, or NULL */
    gint max_frame_size; /* the peer's max-fs in macroblocks for what we send; 0: no limit */
    guint32 local_ssrc, local_rtx_ssrc; /* ours; 0 where we do not send */
} NegotiatedMedia;

typedef struct {
    GPtrArray *media; /* of NegotiatedMedia, one per m-line of the offer, in order */
    gboolean extmap_allow_mixed;
    gboolean rtcp_rsize;
    gboolean remote_ice_lite;
    char *ice_ufrag, *ice_pwd, *fingerprint; /* the peer's (the BUNDLE's first section) */
    SdpSetup remote_setup;                   /* never NONE; ACTPASS: the answerer chooses */
    GPtrArray *candidates;                   /* of char *: the peer's */
    gboolean end_of_candidates;              /* the peer will not trickle more */
} Negotiated;

/** Our side, for writing. */
typedef struct {
    const char *ice_ufrag, *ice_pwd, *fingerprint;
    gboolean ice_lite;
    const char *const *candidates; /* NULL-ended */
    gboolean end_of_candidates;
    const char *cname;
    const char *stream_id; /* msid of the mix */
    SdpSetup setup;        /* of our answer: SDP_SETUP_PASSIVE normally; turned round where the
                              peer insists on the same role. Our offers say actpass */
    const char *session_id;
    guint64 session_version;
    gint video_bitrate_bps; /* b=AS hint; 0: none */
} NegotiateLocal;

/** Work out what an offer allows. We receive on the first audio m-line and the first two video
 *  m-lines (camera, screen) that the peer sends on; we send on the first audio and the first video
 *  m-line that it is willing to receive on. An m-line that the peer wants to send on and that gets
 *  neither is refused, in place, as is one without a codec that we know or outside the BUNDLE; one
 *  that only asks to receive what another m-line already does, or is inactive, stays inactive.
 *  Errors: TESSERA_ERROR_INVALID with what is missing (no BUNDLE, no rtcp-mux, no fingerprint of
 *  sha-256 or better, no ICE credentials); TESSERA_ERROR_UNSUPPORTED if no m-line is left.
 *  Local SSRCs are taken from `ssrc_random` (never 0, distinct). */
Negotiated *negotiate_offer(const SdpSession *offer, const NegotiateConfig *config,
                            GRand *ssrc_random, GError **error);

/** After a renegotiation: go on with the local SSRCs of `previous` where both send. */
void negotiated_keep_ssrcs(Negotiated *negotiated, const Negotiated *previous);

/** (transfer full) The answer to that offer. What we send comes first in each m-line, because
 *  browsers send with the first codec of the answer. */
char *negotiate_answer(const Negotiated *negotiated, const SdpSession *offer,
                       const NegotiateLocal *local);

/** (transfer full) An offer of our own: one audio and `video_sections` video sections (the first
 *  of them carries what we send), every codec, one extension id per URI across the BUNDLE. */
char *negotiate_make_offer(const NegotiateConfig *config, const NegotiateLocal *local,
                           guint video_sections, GRand *ssrc_random);

/** Work out what an answer to our offer says; `offer` is sdp_parse() of negotiate_make_offer().
 *  Errors: TESSERA_ERROR_INVALID as above, or if the answer is not one to this offer;
 *  TESSERA_ERROR_UNSUPPORTED if it refuses every m-line. */
Negotiated *negotiate_accept_answer(const SdpSession *offer, const SdpSession *answer,
                                    const NegotiateConfig *config, GError **error);

void negotiated_free(Negotiated *negotiated);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Negotiated, negotiated_free)
