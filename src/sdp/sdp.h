#pragma once

#include <glib.h>

/* SDP (RFC 8866) as WebRTC uses it (RFC 9429), as plain values: sdp_parse() makes them from text,
 * sdp_write() makes text from them, negotiate.h computes one from another. Pure. */

/* More than this is refused. */
#define SDP_MAX_SIZE    (64 * 1024)
#define SDP_MAX_LINES   2000
#define SDP_MAX_LINE    2048
#define SDP_MAX_MEDIA   32
#define SDP_MAX_FORMATS 64

/* More than this in one media section is left out, without an error. */
#define SDP_MAX_CANDIDATES    64
#define SDP_MAX_EXTMAPS       64
#define SDP_MAX_SOURCES       64
#define SDP_MAX_SOURCE_GROUPS 32
#define SDP_MAX_RIDS          16
#define SDP_MAX_FEEDBACK      16 /* of one format */

typedef enum { SDP_AUDIO, SDP_VIDEO, SDP_APPLICATION, SDP_OTHER } SdpKind;
typedef enum { SDP_SENDRECV, SDP_SENDONLY, SDP_RECVONLY, SDP_INACTIVE } SdpDirection;
typedef enum { SDP_SETUP_NONE, SDP_SETUP_ACTPASS, SDP_SETUP_ACTIVE, SDP_SETUP_PASSIVE } SdpSetup;

typedef struct {
    guint payload_type;
    char *encoding; /* "VP8", "rtx", ...; static types (PCMU, G722, ...) filled in */
    gint clock_hz;
    gint channels;       /* 1 where absent */
    char *fmtp;          /* parameters after the type, or NULL */
    GPtrArray *feedback; /* of char *: "nack", "nack pli", "transport-cc", ...; "*" expanded */
} SdpFormat;

typedef struct {
    guint id;
    char *uri;
    SdpDirection direction;
} SdpExtmap;

typedef struct {
    guint32 ssrc;
    char *cname; /* or NULL */
    char *msid;  /* "stream track", or NULL */
} SdpSource;

typedef struct {
    char *semantics; /* "FID", "SIM" */
    GArray *ssrcs;   /* of guint32 */
} SdpSourceGroup;

typedef struct {
    char *id;
    gboolean send;
    char *params; /* or NULL */
} SdpRid;

typedef struct {
    SdpKind kind;
    char *kind_text; /* as written: "audio", "video", "application", ... */
    guint port;
    char *protocol;
    char *formats_text; /* for m=application and the like: what followed the protocol; else NULL */
    gboolean bundle_only;
    SdpDirection direction;
    char *mid;                             /* or NULL */
    char *msid_stream, *msid_track;        /* or NULL */
    GPtrArray *formats;                    /* of SdpFormat, in the m-line's order */
    GArray *extmaps;                       /* of SdpExtmap */
    GArray *sources;                       /* of SdpSource */
    GArray *source_groups;                 /* of SdpSourceGroup */
    GArray *rids;                          /* of SdpRid */
    char *simulcast_send, *simulcast_recv; /* "h;m;l", or NULL */
    gboolean rtcp_mux, rtcp_rsize;
    gboolean extmap_allow_mixed; /* said in this section */
    gint bandwidth_bps;          /* b=TIAS or b=AS; 0: none */
    GPtrArray *candidates;       /* of char *, "candidate:..." */
    gboolean end_of_candidates;

    /* Session level values stand in where a media section has none of its own. */
    char *ice_ufrag, *ice_pwd;
    gboolean ice_trickle;
    char *fingerprint; /* "sha-256 AB:...": the strongest one offered, well-formed */
    SdpSetup setup;
} SdpMedia;

typedef struct {
    char *origin_id; /* o= session id, and its version */
    guint64 origin_version;
    gboolean ice_lite;
    gboolean extmap_allow_mixed; /* said for the session, or in every RTP section */
    GPtrArray *bundle;           /* of char *: mids of the first BUNDLE group, in order */
    GPtrArray *media;            /* of SdpMedia */
} SdpSession;

/** Parse text (UTF-8 without control characters). Unknown attributes are ignored; order does not
 *  matter (fmtp may precede rtpmap); both CRLF and LF end lines. Errors (TESSERA_ERROR_INVALID;
 *  TESSERA_ERROR_TOO_LARGE beyond SDP_MAX_SIZE) name the line. */
SdpSession *sdp_parse(const char *text, gsize size, GError **error);
void sdp_session_free(SdpSession *session);

/** (transfer full) Text with CRLF. */
char *sdp_write(const SdpSession *session);

SdpSession *sdp_session_new(void);

/** An m-line on port 9 (RFC 9429 section 5.2.1) over DTLS-SRTP. */
SdpMedia *sdp_media_new(SdpKind kind);
void sdp_media_free(SdpMedia *media);
SdpFormat *sdp_media_add_format(SdpMedia *media, guint payload_type, const char *encoding,
                                gint clock_hz, gint channels, const char *fmtp);
void sdp_format_add_feedback(SdpFormat *format, const char *feedback);
/** `direction` as the writer of this description sees it; SDP_SENDRECV is left out of the text. */
void sdp_media_add_extmap(SdpMedia *media, guint id, const char *uri, SdpDirection direction);
void sdp_media_add_source(SdpMedia *media, guint32 ssrc, const char *cname);
void sdp_media_add_source_group(SdpMedia *media, const char *semantics, const guint32 *ssrcs,
                                guint count);
void sdp_media_add_rid(SdpMedia *media, const char *id, gboolean send, const char *params);

/** The section with that mid (transfer none), or NULL. */
const SdpMedia *sdp_session_find_mid(const SdpSession *session, const char *mid);

/** TRUE if the mid is in the session's BUNDLE group. */
gboolean sdp_session_bundles(const SdpSession *session, const char *mid);

const SdpFormat *sdp_media_format(const SdpMedia *media, guint payload_type);
gboolean sdp_format_has_feedback(const SdpFormat *format, const char *feedback);

/** Value of one fmtp parameter (transfer full), or NULL. */
char *sdp_fmtp_get(const char *fmtp, const char *name);

/** TRUE if the m-line is rejected: port 0 and not bundle-only (RFC 9143 section 6). */
gboolean sdp_media_rejected(const SdpMedia *media);

/** TRUE if the m-line carries RTP over DTLS-SRTP (RFC 5764 section 8): audio or video. */
gboolean sdp_media_is_rtp(const SdpMedia *media);

static inline gboolean sdp_direction_sends(SdpDirection direction)
{
    return direction == SDP_SENDRECV || direction == SDP_SENDONLY;
}

static inline gboolean sdp_direction_receives(SdpDirection direction)
{
    return direction == SDP_SENDRECV || direction == SDP_RECVONLY;
}

static inline SdpDirection sdp_direction(gboolean send, gboolean receive)
{
    if (send)
        return receive ? SDP_SENDRECV : SDP_SENDONLY;
    return receive ? SDP_RECVONLY : SDP_INACTIVE;
}

/** The same direction as the other side calls it. */
static inline SdpDirection sdp_direction_mirror(SdpDirection direction)
{
    return sdp_direction(sdp_direction_receives(direction), sdp_direction_sends(direction));
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SdpMedia, sdp_media_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SdpSession, sdp_session_free)
