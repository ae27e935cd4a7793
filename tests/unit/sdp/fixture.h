#pragma once

#include <string.h>

#include "sdp/negotiate.h"

/* What the tests of src/sdp/ share: the captured descriptions, a configuration like the server's,
 * and short ways to ask what came out. */

static inline char *fixture_text(const char *name)
{
    g_autofree char *path = g_build_filename(TEST_DATA_DIR, "browser-sdp", name, NULL);
    char *text = NULL;
    GError *error = NULL;
    g_file_get_contents(path, &text, NULL, &error);
    g_assert_no_error(error);
    return text;
}

static inline SdpSession *fixture_parse_text(const char *text)
{
    GError *error = NULL;
    SdpSession *session = sdp_parse(text, strlen(text), &error);
    g_assert_no_error(error);
    return session;
}

static inline SdpSession *fixture_parse(const char *name)
{
    g_autofree char *text = fixture_text(name);
    return fixture_parse_text(text);
}

static inline gboolean fixture_accept_h264(const char *fmtp)
{
    g_autofree char *mode = sdp_fmtp_get(fmtp, "packetization-mode");
    g_autofree char *profile = sdp_fmtp_get(fmtp, "profile-level-id");
    return g_strcmp0(mode, "1") == 0 && profile && !g_str_has_prefix(profile, "f4");
}

static inline gboolean fixture_accept_vp9(const char *fmtp)
{
    g_autofree char *profile = sdp_fmtp_get(fmtp, "profile-id");
    return !profile || g_str_equal(profile, "0");
}

static inline gboolean fixture_accept_av1(const char *fmtp)
{
    g_autofree char *profile = sdp_fmtp_get(fmtp, "profile");
    return !profile || g_str_equal(profile, "0");
}

#define FIXTURE_AUDIO_LEVEL   "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
#define FIXTURE_CSRC_LEVEL    "urn:ietf:params:rtp-hdrext:csrc-audio-level"
#define FIXTURE_ABS_SEND_TIME "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
#define FIXTURE_TRANSPORT_CC \
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
#define FIXTURE_MID           "urn:ietf:params:rtp-hdrext:sdes:mid"
#define FIXTURE_RID           "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
#define FIXTURE_REPAIRED_RID  "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
#define FIXTURE_ORIENTATION   "urn:3gpp:video-orientation"
#define FIXTURE_PLAYOUT_DELAY "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"

static const NegotiateCodec fixture_codecs[] = {
    { .kind = SDP_AUDIO,
      .encoding = "opus",
      .clock_hz = 48000,
      .channels = 2,
      .can_send = TRUE,
      .can_receive = TRUE,
      .fmtp = "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1" },
    { .kind = SDP_VIDEO,
      .encoding = "VP8",
      .clock_hz = 90000,
      .can_send = TRUE,
      .can_receive = TRUE },
    { .kind = SDP_VIDEO,
      .encoding = "H264",
      .clock_hz = 90000,
      .can_send = TRUE,
      .can_receive = TRUE,
      .fmtp = "=",
      .fmtp_accept = fixture_accept_h264,
      .offer_fmtp = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f" },
    { .kind = SDP_VIDEO,
      .encoding = "VP9",
      .clock_hz = 90000,
      .can_send = TRUE,
      .can_receive = TRUE,
      .fmtp = "profile-id=0",
      .fmtp_accept = fixture_accept_vp9 },
    { .kind = SDP_VIDEO,
      .encoding = "AV1",
      .clock_hz = 90000,
      .can_receive = TRUE,
      .fmtp = "=",
      .fmtp_accept = fixture_accept_av1 },
};

static const char *const fixture_audio_extensions[] = { FIXTURE_AUDIO_LEVEL,   FIXTURE_CSRC_LEVEL,
                                                        FIXTURE_ABS_SEND_TIME, FIXTURE_TRANSPORT_CC,
                                                        FIXTURE_MID,           NULL };
static const char *const fixture_video_extensions[] = { FIXTURE_ABS_SEND_TIME, FIXTURE_TRANSPORT_CC,
                                                        FIXTURE_MID,           FIXTURE_ORIENTATION,
                                                        FIXTURE_PLAYOUT_DELAY, FIXTURE_RID,
                                                        FIXTURE_REPAIRED_RID,  NULL };

static inline NegotiateConfig fixture_config(void)
{
    return (NegotiateConfig){ .codecs = fixture_codecs,
                              .codec_count = G_N_ELEMENTS(fixture_codecs),
                              .extensions = { fixture_audio_extensions, fixture_video_extensions },
                              .send = TRUE,
                              .receive = TRUE,
                              .preferred_video = "VP8",
                              .red = TRUE };
}

static const char *const fixture_candidates[] = {
    "candidate:1 1 udp 2130706431 192.0.2.9 40000 typ host", NULL
};

static inline NegotiateLocal fixture_local(void)
{
    return (NegotiateLocal){
        .ice_ufrag = "srvufrag",
        .ice_pwd = "serverpasswordserverpass",
        .fingerprint = "sha-256 71:0B:E2:9B:E7:25:B5:53:E4:91:C4:07:6B:80:8A:D8:21:C2:3C:65:41:15:"
                       "16:1C:2A:42:05:30:9A:D9:CA:E9",
        .candidates = fixture_candidates,
        .end_of_candidates = TRUE,
        .cname = "srv",
        .stream_id = "mix",
        .setup = SDP_SETUP_PASSIVE,
        .session_id = "4611",
        .session_version = 2,
    };
}

static inline Negotiated *fixture_negotiate(const SdpSession *offer, const NegotiateConfig *config)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(7);
    GError *error = NULL;
    Negotiated *negotiated = negotiate_offer(offer, config, random, &error);
    g_assert_no_error(error);
    return negotiated;
}

static inline SdpSession *fixture_answer(const Negotiated *negotiated, const SdpSession *offer)
{
    NegotiateLocal local = fixture_local();
    g_autofree char *text = negotiate_answer(negotiated, offer, &local);
    return fixture_parse_text(text);
}

static inline const SdpMedia *fixture_media(const SdpSession *session, guint index)
{
    g_assert_cmpuint(index, <, session->media->len);
    return session->media->pdata[index];
}

static inline const NegotiatedMedia *fixture_negotiated(const Negotiated *negotiated, guint index)
{
    g_assert_cmpuint(index, <, negotiated->media->len);
    return negotiated->media->pdata[index];
}

/** (transfer full) "96 97 ...": the payload types of an m-line. */
static inline char *fixture_types(const SdpMedia *media)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < media->formats->len; i++) {
        const SdpFormat *format = media->formats->pdata[i];
        g_string_append_printf(text, "%s%u", i ? " " : "", format->payload_type);
    }
    return g_strdup(text->str);
}

/** (transfer full) "96+97 98": payload types of the negotiated codecs, with those of their RTX. */
static inline char *fixture_codec_types(const NegotiatedMedia *media)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < media->codecs->len; i++) {
        const NegotiatedCodec *codec = &g_array_index(media->codecs, NegotiatedCodec, i);
        g_string_append_printf(text, "%s%u", i ? " " : "", codec->payload_type);
        if (codec->rtx_payload_type >= 0)
            g_string_append_printf(text, "+%d", codec->rtx_payload_type);
    }
    return g_strdup(text->str);
}

/** (transfer full) "1 2/recvonly ...": the extension ids in order. */
static inline char *fixture_ids(const GArray *extmaps)
{
    static const char *const directions[] = { "", "/sendonly", "/recvonly", "/inactive" };
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < extmaps->len; i++) {
        const SdpExtmap *extmap = &g_array_index(extmaps, SdpExtmap, i);
        g_string_append_printf(text, "%s%u%s", i ? " " : "", extmap->id,
                               directions[extmap->direction]);
    }
    return g_strdup(text->str);
}

static inline void fixture_assert_text(char *got, const char *want)
{
    g_assert_cmpstr(got, ==, want);
    g_free(got);
}

/** (transfer full) The text with every `from` replaced by `to`; `from` must be there. */
static inline char *fixture_replace(const char *text, const char *from, const char *to)
{
    g_assert_nonnull(strstr(text, from));
    g_auto(GStrv) parts = g_strsplit(text, from, 0);
    return g_strjoinv(to, parts);
}
