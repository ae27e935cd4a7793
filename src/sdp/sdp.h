#pragma once

#include <glib.h>

/* SDP (RFC 8866) as WebRTC uses it (RFC 9429), as plain values: sdp_parse() makes them from text,
 * sdp_write() makes text from them, negotiate.h computes one from another. Pure. */

#define SDP_MAX_SIZE       (64 * 1024)
#define SDP_MAX_LINES      2000
#define SDP_MAX_LINE       2048
#define SDP_MAX_MEDIA      32
#define SDP_MAX_FORMATS    64
#define SDP_MAX_CANDIDATES 64

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
    char *formats_text; /* for m=application and the like: what followed the protocol */
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
    GPtrArray *candidates; /* of char *, "candidate:..." */
    gboolean end_of_candidates;

    /* Session level values stand in where a media section has none of its own. */
    char *ice_ufrag, *ice_pwd;
    char *fingerprint; /* "sha-256 AB:..." : the strongest one offered */
    SdpSetup setup;
} SdpMedia;

typedef struct {
    char *origin_id; /* o= session id, and its version */
    guint64 origin_version;
    gboolean ice_lite;
    gboolean extmap_allow_mixed;
    GPtrArray *bundle; /* of char *: mids of the first BUNDLE group, in order */
    GPtrArray *media;  /* of SdpMedia */
} SdpSession;

/** Parse text. Unknown attributes are ignored; order does not matter (fmtp may precede rtpmap);
 *  both CRLF and LF end lines. Errors (TESSERA_ERROR_INVALID) name the line. */
SdpSession *sdp_parse(const char *text, gsize size, GError **error);
void sdp_session_free(SdpSession *session);

/** (transfer full) Text with CRLF. */
char *sdp_write(const SdpSession *session);

SdpSession *sdp_session_new(void);
SdpMedia *sdp_media_new(SdpKind kind);
SdpFormat *sdp_media_add_format(SdpMedia *media, guint payload_type, const char *encoding,
                                gint clock_hz, gint channels, const char *fmtp);
void sdp_format_add_feedback(SdpFormat *format, const char *feedback);
void sdp_media_add_extmap(SdpMedia *media, guint id, const char *uri);

const SdpFormat *sdp_media_format(const SdpMedia *media, guint payload_type);
gboolean sdp_format_has_feedback(const SdpFormat *format, const char *feedback);

/** Value of one fmtp parameter (transfer full), or NULL. */
char *sdp_fmtp_get(const char *fmtp, const char *name);

/** TRUE if the m-line is rejected: port 0 and not bundle-only (RFC 9143 section 6). */
gboolean sdp_media_rejected(const SdpMedia *media);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SdpSession, sdp_session_free)
