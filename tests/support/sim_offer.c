#include "support/sim_offer.h"

#include <stdlib.h>
#include <string.h>

#include "sdp/sdp.h"

#define FINGERPRINT                                                                              \
    "5B:20:7F:B0:C3:B8:79:AD:69:9D:A7:20:DD:B5:F4:3F:0F:15:7C:31:0B:38:64:9C:66:8C:4C:F7:BA:3A:" \
    "4E:66"

#define TRANSPORT                               \
    "c=IN IP4 0.0.0.0\r\n"                      \
    "a=rtcp:9 IN IP4 0.0.0.0\r\n"               \
    "a=ice-ufrag:@UFRAG@\r\n"                   \
    "a=ice-pwd:v8zVuR/YnYTakM+0TvlbFzrr\r\n"    \
    "a=ice-options:trickle\r\n"                 \
    "a=fingerprint:sha-256 " FINGERPRINT "\r\n" \
    "a=setup:actpass\r\n"

static const char session_part[] = "v=0\r\n"
                                   "o=- 7624880123893247990 2 IN IP4 127.0.0.1\r\n"
                                   "s=-\r\n"
                                   "t=0 0\r\n"
                                   "a=group:BUNDLE 0 1\r\n"
                                   "a=extmap-allow-mixed\r\n"
                                   "a=msid-semantic: WMS @STREAM@\r\n";

static const char audio_part[] =
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\n" TRANSPORT "a=mid:0\r\n"
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
    "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n"
    "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
    "a=@DIRECTION@\r\n"
    "a=rtcp-mux\r\n"
    "a=rtcp-rsize\r\n"
    "a=rtpmap:111 opus/48000/2\r\n"
    "a=rtcp-fb:111 transport-cc\r\n"
    "a=fmtp:111 minptime=10;useinbandfec=1\r\n"
    "a=rtpmap:63 red/48000/2\r\n"
    "a=fmtp:63 111/111\r\n"
    "a=rtpmap:9 G722/8000\r\n"
    "a=rtpmap:0 PCMU/8000\r\n"
    "a=rtpmap:8 PCMA/8000\r\n"
    "a=rtpmap:13 CN/8000\r\n"
    "a=rtpmap:110 telephone-event/48000\r\n"
    "a=rtpmap:126 telephone-event/8000\r\n";

static const char audio_source_part[] = "a=msid:@STREAM@ audio@STREAM@\r\n"
                                        "a=ssrc:@SSRC0@ cname:pb3lCll6EXHpJ+3t\r\n"
                                        "a=ssrc:@SSRC0@ msid:@STREAM@ audio@STREAM@\r\n";

static const char video_part[] =
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97 102 103 98 99\r\n" TRANSPORT "a=mid:1\r\n"
    "a=extmap:14 urn:ietf:params:rtp-hdrext:toffset\r\n"
    "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n"
    "a=extmap:13 urn:3gpp:video-orientation\r\n"
    "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
    "a=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\r\n"
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
    "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"
    "a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n"
    "a=@DIRECTION@\r\n"
    "a=rtcp-mux\r\n"
    "a=rtcp-rsize\r\n"
    "a=rtpmap:96 VP8/90000\r\n"
    "a=rtcp-fb:96 goog-remb\r\n"
    "a=rtcp-fb:96 transport-cc\r\n"
    "a=rtcp-fb:96 ccm fir\r\n"
    "a=rtcp-fb:96 nack\r\n"
    "a=rtcp-fb:96 nack pli\r\n"
    "a=rtpmap:97 rtx/90000\r\n"
    "a=fmtp:97 apt=96\r\n"
    "a=rtpmap:102 H264/90000\r\n"
    "a=rtcp-fb:102 nack\r\n"
    "a=rtcp-fb:102 nack pli\r\n"
    "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f\r\n"
    "a=rtpmap:103 rtx/90000\r\n"
    "a=fmtp:103 apt=102\r\n"
    "a=rtpmap:98 VP9/90000\r\n"
    "a=rtcp-fb:98 nack\r\n"
    "a=rtcp-fb:98 nack pli\r\n"
    "a=fmtp:98 profile-id=0\r\n"
    "a=rtpmap:99 rtx/90000\r\n"
    "a=fmtp:99 apt=98\r\n";

static const char video_source_part[] = "a=msid:@STREAM@ video@STREAM@\r\n"
                                        "a=ssrc-group:FID @SSRC1@ @SSRC2@\r\n"
                                        "a=ssrc:@SSRC1@ cname:pb3lCll6EXHpJ+3t\r\n"
                                        "a=ssrc:@SSRC1@ msid:@STREAM@ video@STREAM@\r\n"
                                        "a=ssrc:@SSRC2@ cname:pb3lCll6EXHpJ+3t\r\n"
                                        "a=ssrc:@SSRC2@ msid:@STREAM@ video@STREAM@\r\n";

static const char simulcast_part[] = "a=msid:@STREAM@ video@STREAM@\r\n"
                                     "a=rid:q send\r\n"
                                     "a=rid:h send\r\n"
                                     "a=rid:f send\r\n"
                                     "a=simulcast:send q;h;f\r\n";

static const char sim_group_part[] = "a=msid:@STREAM@ video@STREAM@\r\n"
                                     "a=ssrc-group:SIM @SSRC5@ @SSRC3@ @SSRC1@\r\n"
                                     "a=ssrc-group:FID @SSRC1@ @SSRC2@\r\n"
                                     "a=ssrc-group:FID @SSRC3@ @SSRC4@\r\n"
                                     "a=ssrc-group:FID @SSRC5@ @SSRC6@\r\n"
                                     "a=ssrc:@SSRC1@ cname:pb3lCll6EXHpJ+3t\r\n"
                                     "a=ssrc:@SSRC2@ cname:pb3lCll6EXHpJ+3t\r\n"
                                     "a=ssrc:@SSRC3@ cname:pb3lCll6EXHpJ+3t\r\n"
                                     "a=ssrc:@SSRC4@ cname:pb3lCll6EXHpJ+3t\r\n"
                                     "a=ssrc:@SSRC5@ cname:pb3lCll6EXHpJ+3t\r\n"
                                     "a=ssrc:@SSRC6@ cname:pb3lCll6EXHpJ+3t\r\n";

char *sim_offer_ufrag(guint number)
{
    return g_strdup_printf("sim%05u", number);
}

guint32 sim_offer_ssrc(guint number, guint which)
{
    return 0xa0000000u + number * 16 + which;
}

static void replace_number(GString *text, const char *mark, guint32 number)
{
    g_autofree char *value = g_strdup_printf("%u", number);
    g_string_replace(text, mark, value, 0);
}

char *sim_offer_text(guint number, gboolean sends, SimSimulcast simulcast)
{
    static const char *const sources[] = { video_source_part, simulcast_part, sim_group_part };
    GString *text = g_string_new(session_part);
    g_autofree char *ufrag = sim_offer_ufrag(number);
    g_string_append(text, audio_part);
    g_string_append(text, sends ? audio_source_part : "");
    g_string_append(text, video_part);
    if (sends)
        g_string_append(text, sources[simulcast]);
    g_string_replace(text, "@UFRAG@", ufrag, 0);
    g_string_replace(text, "@STREAM@", ufrag, 0);
    g_string_replace(text, "@DIRECTION@", sends ? "sendrecv" : "recvonly", 0);
    for (guint which = 0; which <= 6; which++) {
        char mark[] = "@SSRC0@";
        mark[5] = (char)('0' + which);
        replace_number(text, mark, sim_offer_ssrc(number, which));
    }
    return g_string_free(text, FALSE);
}

static void remove_text(GString *text, const char *part)
{
    g_string_replace(text, part, "", 0);
}

char *sim_offer_without_red(const char *offer)
{
    GString *text = g_string_new(offer);
    g_string_replace(text, "SAVPF 111 63 ", "SAVPF 111 ", 0);
    remove_text(text, "a=rtpmap:63 red/48000/2\r\n");
    remove_text(text, "a=fmtp:63 111/111\r\n");
    return g_string_free(text, FALSE);
}

char *sim_offer_without_transport_cc(const char *offer)
{
    GString *text = g_string_new(offer);
    remove_text(text, "a=extmap:3 http://www.ietf.org/id/"
                      "draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n");
    remove_text(text, "a=rtcp-fb:111 transport-cc\r\n");
    remove_text(text, "a=rtcp-fb:96 transport-cc\r\n");
    return g_string_free(text, FALSE);
}

char *sim_offer_without_rtx(const char *offer)
{
    GString *text = g_string_new(offer);
    g_string_replace(text, "SAVPF 96 97 ", "SAVPF 96 ", 0);
    remove_text(text, "a=rtpmap:97 rtx/90000\r\n");
    remove_text(text, "a=fmtp:97 apt=96\r\n");
    return g_string_free(text, FALSE);
}

char *sim_offer_without_pictures(const char *offer)
{
    g_auto(GStrv) parts = g_strsplit(offer, "m=video", 2);
    GString *video = g_string_new(parts[1]);
    g_string_replace(video, "a=recvonly", "a=inactive", 0);
    char *text = g_strconcat(parts[0], "m=video", video->str, NULL);
    g_string_free(video, TRUE);
    return text;
}

/* --- answers ----------------------------------------------------------------------------- */

static gint find_rtx(const SdpMedia *media, guint payload_type)
{
    for (guint i = 0; i < media->formats->len; i++) {
        const SdpFormat *format = media->formats->pdata[i];
        g_autofree char *apt = sdp_fmtp_get(format->fmtp, "apt");
        if (g_ascii_strcasecmp(format->encoding, "rtx") == 0 && apt &&
            (guint)atoi(apt) == payload_type)
            return (gint)format->payload_type;
    }
    return -1;
}

static void read_sources(const SdpMedia *media, SimAnswerMedia *out)
{
    if (media->sources->len > 0)
        out->ssrc = g_array_index(media->sources, SdpSource, 0).ssrc;
    for (guint i = 0; i < media->source_groups->len; i++) {
        const SdpSourceGroup *group = &g_array_index(media->source_groups, SdpSourceGroup, i);
        if (strcmp(group->semantics, "FID") != 0 || group->ssrcs->len != 2)
            continue;
        out->ssrc = g_array_index(group->ssrcs, guint32, 0);
        out->rtx_ssrc = g_array_index(group->ssrcs, guint32, 1);
    }
}

static void read_media(const SdpMedia *media, const char *encoding, SimAnswerMedia *out)
{
    *out = (SimAnswerMedia){ .rtx_payload_type = -1, .red_payload_type = -1 };
    if (sdp_media_rejected(media))
        g_error("the answer refuses a section");
    const SdpFormat *first = media->formats->pdata[0];
    if (g_ascii_strcasecmp(first->encoding, encoding) != 0)
        g_error("the answer begins with %s, not %s", first->encoding, encoding);
    g_strlcpy(out->mid, media->mid, sizeof out->mid);
    out->payload_type = (guint8)first->payload_type;
    out->rtx_payload_type = find_rtx(media, first->payload_type);
    for (guint i = 0; i < media->formats->len; i++) {
        const SdpFormat *format = media->formats->pdata[i];
        if (g_ascii_strcasecmp(format->encoding, "red") == 0)
            out->red_payload_type = (gint)format->payload_type;
    }
    for (guint i = 0; i < media->extmaps->len; i++) {
        const SdpExtmap *extmap = &g_array_index(media->extmaps, SdpExtmap, i);
        rtp_ext_map_set(&out->extensions, rtp_ext_find(extmap->uri), extmap->id);
    }
    read_sources(media, out);
    out->simulcast = media->simulcast_recv != NULL;
}

void sim_answer_read(const char *text, SimAnswer *answer)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SdpSession) session = sdp_parse(text, strlen(text), &error);
    if (!session)
        g_error("the answer is malformed: %s", error->message);
    g_assert_cmpuint(session->media->len, ==, 2);
    read_media(session->media->pdata[0], "opus", &answer->audio);
    read_media(session->media->pdata[1], "VP8", &answer->video);
}
