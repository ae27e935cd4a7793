#include "net/srtp_link.h"

#include "base/bytes.h"
#include "base/error.h"

#include <srtp2/srtp.h>

#define RTP_SSRC_OFFSET  8
#define RTCP_SSRC_OFFSET 4
#define MIN_PACKET       12

struct SrtpLink {
    srtp_t send, receive;
    guint32 ssrcs[SRTP_LINK_MAX_SSRC]; /* that the receiving context knows */
    guint n_ssrcs;
};

static const struct {
    const char *name;
    srtp_profile_t profile;
    gsize key_size, salt_size;
} srtp_profiles[] = {
    [SRTP_PROFILE_GCM_128] = { "AEAD_AES_128_GCM", srtp_profile_aead_aes_128_gcm, 16, 12 },
    [SRTP_PROFILE_CM_80] = { "AES128_CM_SHA1_80", srtp_profile_aes128_cm_sha1_80, 16, 14 },
    [SRTP_PROFILE_GCM_256] = { "AEAD_AES_256_GCM", srtp_profile_aead_aes_256_gcm, 32, 12 },
};

const char *srtp_profile_name(SrtpProfile profile)
{
    return srtp_profiles[profile].name;
}

void srtp_keys_set_sizes(SrtpKeys *keys)
{
    keys->key_size = srtp_profiles[keys->profile].key_size;
    keys->salt_size = srtp_profiles[keys->profile].salt_size;
}

static gboolean srtp_init_once(void)
{
    static gsize result;
    if (g_once_init_enter(&result))
        g_once_init_leave(&result, srtp_init() == srtp_err_status_ok ? 1 : 2);
    return result == 1;
}

static srtp_t srtp_session_new(SrtpProfile profile, const guint8 *key, srtp_ssrc_type_t direction)
{
    guint8 key_copy[SRTP_MAX_KEY];
    memcpy(key_copy, key, sizeof key_copy);
    srtp_policy_t policy = {
        .ssrc = { .type = direction },
        .key = key_copy,
        .window_size = SRTP_LINK_REPLAY_WINDOW,
        .allow_repeat_tx = direction == ssrc_any_outbound,
    };
    srtp_t session = NULL;
    srtp_profile_t libsrtp_profile = srtp_profiles[profile].profile;
    if (srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, libsrtp_profile) ||
        srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, libsrtp_profile) ||
        srtp_create(&session, &policy))
        return NULL;
    return session;
}

SrtpLink *srtp_link_new(const SrtpKeys *keys, GError **error)
{
    g_autoptr(SrtpLink) link = g_new0(SrtpLink, 1);
    if (srtp_init_once()) {
        link->send = srtp_session_new(keys->profile, keys->local, ssrc_any_outbound);
        link->receive = srtp_session_new(keys->profile, keys->remote, ssrc_any_inbound);
    }
    if (link->send && link->receive)
        return g_steal_pointer(&link);
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INTERNAL,
                "libsrtp2 could not start %s; install a libsrtp2 that was built with it.",
                srtp_profile_name(keys->profile));
    return NULL;
}

void srtp_link_free(SrtpLink *link)
{
    if (!link)
        return;
    if (link->send)
        srtp_dealloc(link->send);
    if (link->receive)
        srtp_dealloc(link->receive);
    g_free(link);
}

typedef srtp_err_status_t (*SrtpCall)(srtp_t session, void *packet, int *size);

static gboolean srtp_link_protect_by(SrtpLink *link, SrtpCall call, guint8 *packet, gsize *size)
{
    int length = (int)*size;
    if (*size < 8 || call(link->send, packet, &length) != srtp_err_status_ok)
        return FALSE;
    *size = (gsize)length;
    return TRUE;
}

gboolean srtp_link_protect(SrtpLink *link, guint8 *packet, gsize *size)
{
    return srtp_link_protect_by(link, srtp_protect, packet, size);
}

gboolean srtp_link_protect_rtcp(SrtpLink *link, guint8 *packet, gsize *size)
{
    return srtp_link_protect_by(link, srtp_protect_rtcp, packet, size);
}

static gboolean srtp_link_knows(const SrtpLink *link, guint32 ssrc)
{
    for (guint i = 0; i < link->n_ssrcs; i++)
        if (link->ssrcs[i] == ssrc)
            return TRUE;
    return FALSE;
}

/* An SSRC takes a place only when a packet of it was authenticated. */
static SrtpLinkResult srtp_link_unprotect_by(SrtpLink *link, SrtpCall call, guint8 *packet,
                                             gsize *size, gsize ssrc_offset)
{
    if (*size < MIN_PACKET)
        return SRTP_LINK_AUTH_FAILED;
    ByteReader reader = byte_reader(packet + ssrc_offset, 4);
    guint32 ssrc = byte_reader_u32(&reader);
    gboolean known = srtp_link_knows(link, ssrc);
    if (!known && link->n_ssrcs == SRTP_LINK_MAX_SSRC)
        return SRTP_LINK_TOO_MANY;
    int length = (int)*size;
    srtp_err_status_t status = call(link->receive, packet, &length);
    if (status == srtp_err_status_replay_fail || status == srtp_err_status_replay_old)
        return SRTP_LINK_REPLAYED;
    if (status != srtp_err_status_ok || length < 0)
        return SRTP_LINK_AUTH_FAILED;
    if (!known)
        link->ssrcs[link->n_ssrcs++] = ssrc;
    *size = (gsize)length;
    return SRTP_LINK_OK;
}

SrtpLinkResult srtp_link_unprotect(SrtpLink *link, guint8 *packet, gsize *size)
{
    return srtp_link_unprotect_by(link, srtp_unprotect, packet, size, RTP_SSRC_OFFSET);
}

SrtpLinkResult srtp_link_unprotect_rtcp(SrtpLink *link, guint8 *packet, gsize *size)
{
    return srtp_link_unprotect_by(link, srtp_unprotect_rtcp, packet, size, RTCP_SSRC_OFFSET);
}
