#pragma once

#include <glib.h>

/* SRTP and SRTCP of one transport (RFC 3711, RFC 7714), over libsrtp2. One thread at a time. */

typedef enum { SRTP_PROFILE_GCM_128, SRTP_PROFILE_CM_80, SRTP_PROFILE_GCM_256 } SrtpProfile;

#define SRTP_MAX_KEY 46 /* master key and salt */

/** The master keys that DTLS-SRTP yields (RFC 5764 section 4.2): key, then salt. */
typedef struct {
    SrtpProfile profile;
    gsize key_size, salt_size;
    guint8 local[SRTP_MAX_KEY];  /* protects what we send */
    guint8 remote[SRTP_MAX_KEY]; /* protects what the peer sends */
} SrtpKeys;

/** Distinct SSRCs that one peer may send; libsrtp keeps a context for each. */
#define SRTP_LINK_MAX_SSRC      64
#define SRTP_LINK_REPLAY_WINDOW 1024 /* packets */

typedef struct SrtpLink SrtpLink;

typedef enum {
    SRTP_LINK_OK,
    SRTP_LINK_AUTH_FAILED, /* forged, damaged or malformed */
    SRTP_LINK_REPLAYED,    /* seen before, or too old to tell */
    SRTP_LINK_TOO_MANY,    /* more than SRTP_LINK_MAX_SSRC sources */
} SrtpLinkResult;

/** "AEAD_AES_128_GCM", ... */
const char *srtp_profile_name(SrtpProfile profile);

/** Sets key_size and salt_size of `keys` by its profile. */
void srtp_keys_set_sizes(SrtpKeys *keys);

SrtpLink *srtp_link_new(const SrtpKeys *keys, GError **error);
void srtp_link_free(SrtpLink *link);

/** Encrypt and authenticate in place. *size grows; the buffer must have room for TRANSPORT_TAG
 *  more. The same sequence number may be sent twice (a plain retransmission). FALSE: malformed. */
gboolean srtp_link_protect(SrtpLink *link, guint8 *packet, gsize *size);
gboolean srtp_link_protect_rtcp(SrtpLink *link, guint8 *packet, gsize *size);

/** Authenticate and decrypt in place; *size shrinks. What fails must be dropped silently. */
SrtpLinkResult srtp_link_unprotect(SrtpLink *link, guint8 *packet, gsize *size);
SrtpLinkResult srtp_link_unprotect_rtcp(SrtpLink *link, guint8 *packet, gsize *size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SrtpLink, srtp_link_free)
