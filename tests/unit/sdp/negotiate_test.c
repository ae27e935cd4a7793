#include "base/error.h"
#include "unit/sdp/fixture.h"

static const NegotiatedCodec *codec_at(const NegotiatedMedia *media, gint index)
{
    g_assert_cmpint(index, >=, 0);
    g_assert_cmpint(index, <, (gint)media->codecs->len);
    return &g_array_index(media->codecs, NegotiatedCodec, index);
}

static const NegotiatedSource *source_at(const NegotiatedMedia *media, guint index)
{
    g_assert_cmpuint(index, <, media->sources->len);
    return &g_array_index(media->sources, NegotiatedSource, index);
}

static void assert_bundle(const SdpSession *session, const char *mids)
{
    g_ptr_array_add(session->bundle, NULL);
    fixture_assert_text(g_strjoinv(" ", (char **)session->bundle->pdata), mids);
    g_ptr_array_set_size(session->bundle, (gint)session->bundle->len - 1);
}

/** What every accepted section of an answer says. */
static void assert_transport(const SdpMedia *section)
{
    g_assert_false(sdp_media_rejected(section));
    g_assert_cmpstr(section->ice_ufrag, ==, "srvufrag");
    g_assert_cmpstr(section->ice_pwd, ==, "serverpasswordserverpass");
    g_assert_true(g_str_has_prefix(section->fingerprint, "sha-256 71:0B:"));
    g_assert_cmpint(section->setup, ==, SDP_SETUP_PASSIVE);
    g_assert_true(section->rtcp_mux);
}

static void assert_sends(const SdpMedia *section, const NegotiatedMedia *media)
{
    g_assert_cmpuint(media->local_ssrc, !=, 0);
    g_assert_cmpstr(section->msid_stream, ==, "mix");
    g_assert_nonnull(section->msid_track);
    const SdpSource *source = &g_array_index(section->sources, SdpSource, 0);
    g_assert_cmpuint(source->ssrc, ==, media->local_ssrc);
    g_assert_cmpstr(source->cname, ==, "srv");
    g_assert_cmpuint(section->source_groups->len, ==, media->local_rtx_ssrc ? 1 : 0);
    if (media->local_rtx_ssrc) {
        const SdpSourceGroup *group = &g_array_index(section->source_groups, SdpSourceGroup, 0);
        g_assert_cmpstr(group->semantics, ==, "FID");
        g_assert_cmpuint(g_array_index(group->ssrcs, guint32, 0), ==, media->local_ssrc);
        g_assert_cmpuint(g_array_index(group->ssrcs, guint32, 1), ==, media->local_rtx_ssrc);
    }
}

static void test_chromium_sendrecv(void)
{
    g_autoptr(SdpSession) offer = fixture_parse("chromium-sendrecv-dc.txt");
    NegotiateConfig config = fixture_config();
    g_autoptr(Negotiated) negotiated = fixture_negotiate(offer, &config);
    g_assert_cmpstr(negotiated->ice_ufrag, ==, "C6uc");
    g_assert_cmpint(negotiated->remote_setup, ==, SDP_SETUP_ACTPASS);
    g_assert_true(negotiated->extmap_allow_mixed && negotiated->rtcp_rsize);

    const NegotiatedMedia *audio = fixture_negotiated(negotiated, 0);
    g_assert_true(audio->accepted && audio->we_send && audio->we_receive);
    fixture_assert_text(fixture_codec_types(audio), "111");
    g_assert_cmpint(audio->red_payload_type, ==, 63);
    g_assert_true(codec_at(audio, 0)->transport_cc);
    g_assert_false(codec_at(audio, 0)->nack || codec_at(audio, 0)->remb);
    fixture_assert_text(fixture_ids(audio->extmaps), "1 2 3 4");
    g_assert_cmpuint(source_at(audio, 0)->ssrc, ==, 2607554732);
    g_assert_cmpstr(audio->cname, ==, "pb3lCll6EXHpJ+3t");

    /* H264 only with packetization-mode 1, VP9 and AV1 only with profile 0. */
    const NegotiatedMedia *video = fixture_negotiated(negotiated, 1);
    fixture_assert_text(fixture_codec_types(video), "96+97 102+103 108+109 116+117 98+99 45+46");
    g_assert_cmpint(video->send_codec, ==, 0);
    const NegotiatedCodec *vp8 = codec_at(video, 0);
    g_assert_true(vp8->nack && vp8->pli && vp8->fir && vp8->transport_cc && vp8->remb);
    fixture_assert_text(fixture_ids(video->extmaps), "2 13 3 5 4 10 11");
    g_assert_cmpuint(video->sources->len, ==, 1);
    g_assert_cmpuint(source_at(video, 0)->ssrc, ==, 1210705886);
    g_assert_cmpuint(source_at(video, 0)->rtx_ssrc, ==, 1546434713);
    g_assert_cmpstr(video->msid_stream, ==, "b0b3c94c-a992-4206-a646-7a58313bf082");
    g_assert_cmpint(video->max_frame_size, ==, 0);
    g_assert_cmpuint(video->local_ssrc, !=, audio->local_ssrc);
    g_assert_cmpuint(video->local_rtx_ssrc, !=, 0);

    const NegotiatedMedia *data = fixture_negotiated(negotiated, 2);
    g_assert_false(data->accepted);
}

static void test_chromium_answer(void)
{
    g_autoptr(SdpSession) offer = fixture_parse("chromium-sendrecv-dc.txt");
    NegotiateConfig config = fixture_config();
    g_autoptr(Negotiated) negotiated = fixture_negotiate(offer, &config);
    g_autoptr(SdpSession) answer = fixture_answer(negotiated, offer);
    g_assert_true(answer->extmap_allow_mixed);
    g_assert_cmpuint(answer->media->len, ==, 3);
    assert_bundle(answer, "0 1");

    const SdpMedia *audio = fixture_media(answer, 0), *video = fixture_media(answer, 1);
    assert_transport(audio);
    assert_sends(audio, fixture_negotiated(negotiated, 0));
    g_assert_cmpint(audio->direction, ==, SDP_SENDRECV);
    g_assert_true(audio->rtcp_rsize);
    g_assert_cmpuint(audio->candidates->len, ==, 1);
    g_assert_true(audio->end_of_candidates);
    fixture_assert_text(fixture_types(audio), "111 63");
    g_assert_cmpstr(sdp_media_format(audio, 111)->fmtp, ==,
                    "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1");
    g_assert_cmpstr(sdp_media_format(audio, 63)->fmtp, ==, "111/111");

    assert_transport(video);
    assert_sends(video, fixture_negotiated(negotiated, 1));
    g_assert_cmpuint(video->candidates->len, ==, 0);
    fixture_assert_text(fixture_types(video), "96 97 102 103 108 109 116 117 98 99 45 46");
    g_assert_cmpstr(sdp_media_format(video, 108)->fmtp, ==,
                    "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f");
    g_assert_cmpstr(sdp_media_format(video, 109)->fmtp, ==, "apt=108");
    g_assert_cmpuint(sdp_media_format(video, 96)->feedback->len, ==, 5);
    fixture_assert_text(fixture_ids(video->extmaps), "2 13 3 5 4 10 11");

    const SdpMedia *data = fixture_media(answer, 2);
    g_assert_true(sdp_media_rejected(data));
    g_assert_cmpint(data->kind, ==, SDP_APPLICATION);
    g_assert_cmpstr(data->mid, ==, "2");
    g_assert_cmpstr(data->protocol, ==, "UDP/DTLS/SCTP");
    g_assert_cmpstr(data->formats_text, ==, "webrtc-datachannel");
}

static void test_chromium_recvonly(void)
{
    g_autoptr(SdpSession) offer = fixture_parse("chromium-recvonly.txt");
    NegotiateConfig config = fixture_config();
    config.receive = FALSE;
    g_autoptr(Negotiated) negotiated = fixture_negotiate(offer, &config);
    const NegotiatedMedia *video = fixture_negotiated(negotiated, 1);
    g_assert_true(video->we_send && !video->we_receive);
    /* AV1 (45) we can only receive: it is no use here. */
    fixture_assert_text(fixture_codec_types(video), "96+97 102+103 108+109 116+117 98+99");
    g_assert_cmpuint(video->sources->len, ==, 0);

    g_autoptr(SdpSession) answer = fixture_answer(negotiated, offer);
    assert_bundle(answer, "0 1");
    g_assert_cmpint(fixture_media(answer, 0)->direction, ==, SDP_SENDONLY);
    g_assert_cmpint(fixture_media(answer, 1)->direction, ==, SDP_SENDONLY);
    assert_sends(fixture_media(answer, 1), video);
}

static void test_preferred_video(void)
{
    g_autoptr(SdpSession) offer = fixture_parse("chromium-sendrecv-dc.txt");
    NegotiateConfig config = fixture_config();
    config.preferred_video = "VP9";
    g_autoptr(Negotiated) negotiated = fixture_negotiate(offer, &config);
    const NegotiatedMedia *video = fixture_negotiated(negotiated, 1);
    g_assert_cmpuint(codec_at(video, video->send_codec)->payload_type, ==, 98);
    fixture_assert_text(fixture_codec_types(video), "96+97 102+103 108+109 116+117 98+99 45+46");
    g_autoptr(SdpSession) answer = fixture_answer(negotiated, offer);
    fixture_assert_text(fixture_types(fixture_media(answer, 1)),
                        "98 99 96 97 102 103 108 109 116 117 45 46");

    /* AV1 cannot be sent, so the order of the configuration decides. */
    config.preferred_video = "AV1";
    g_autoptr(Negotiated) other = fixture_negotiate(offer, &config);
    g_assert_cmpint(fixture_negotiated(other, 1)->send_codec, ==, 0);
}

static void test_red_not_wanted(void)
{
    g_autoptr(SdpSession) offer = fixture_parse("chromium-sendrecv-dc.txt");
    NegotiateConfig config = fixture_config();
    config.red = FALSE;
    g_autoptr(Negotiated) negotiated = fixture_negotiate(offer, &config);
    g_assert_cmpint(fixture_negotiated(negotiated, 0)->red_payload_type, ==, -1);
    g_autoptr(SdpSession) answer = fixture_answer(negotiated, offer);
    fixture_assert_text(fixture_types(fixture_media(answer, 0)), "111");
}

static void test_firefox_sendrecv(void)
{
    g_autoptr(SdpSession) offer = fixture_parse("firefox-sendrecv-dc.txt");
    NegotiateConfig config = fixture_config();
    g_autoptr(Negotiated) negotiated = fixture_negotiate(offer, &config);
    g_assert_cmpstr(negotiated->ice_ufrag, ==, "4d1d54bc");
    g_assert_true(g_str_has_prefix(negotiated->fingerprint, "sha-256 C3:C8:"));
    const NegotiatedMedia *audio = fixture_negotiated(negotiated, 0);
    fixture_assert_text(fixture_codec_types(audio), "109");
    g_assert_cmpint(audio->red_payload_type, ==, -1);
    /* csrc-audio-level: the browser only receives it, so we only send it. */
    fixture_assert_text(fixture_ids(audio->extmaps), "1 2/sendonly 3 7");
    g_assert_cmpstr(codec_at(audio, 0)->fmtp, ==, "maxplaybackrate=48000;stereo=1;useinbandfec=1");

    const NegotiatedMedia *video = fixture_negotiated(negotiated, 1);
    g_assert_true(video->accepted && video->we_send && video->we_receive);
    fixture_assert_text(fixture_codec_types(video), "120+124 121+125 99+100");
    fixture_assert_text(fixture_ids(video->extmaps), "3 4 6/sendonly 7");
    g_assert_cmpint(video->max_frame_size, ==, 12288);
    g_assert_cmpuint(source_at(video, 0)->rtx_ssrc, ==, 3918478255);

    g_autoptr(SdpSession) answer = fixture_answer(negotiated, offer);
    assert_bundle(answer, "0 1");
    const SdpMedia *section = fixture_media(answer, 1);
    assert_transport(section);
    assert_sends(section, video);
    g_assert_true(section->rtcp_rsize && section->extmap_allow_mixed);
    g_assert_false(fixture_media(answer, 0)->rtcp_rsize);
    g_assert_false(section->bundle_only);
    fixture_assert_text(fixture_ids(section->extmaps), "3 4 6/sendonly 7");
    g_assert_true(sdp_media_rejected(fixture_media(answer, 2)));
}

static void test_firefox_recvonly(void)
{
    g_autoptr(SdpSession) offer = fixture_parse("firefox-recvonly.txt");
    NegotiateConfig config = fixture_config();
    g_autoptr(Negotiated) negotiated = fixture_negotiate(offer, &config);
    const NegotiatedMedia *audio = fixture_negotiated(negotiated, 0);
    const NegotiatedMedia *video = fixture_negotiated(negotiated, 1);
    g_assert_true(audio->we_send && !audio->we_receive);
    g_assert_cmpuint(codec_at(video, video->send_codec)->payload_type, ==, 120);
    /* Its a=ssrc is that of its receiver reports: nothing will be sent on it. */
    g_assert_cmpuint(audio->sources->len, ==, 0);
    g_autoptr(SdpSession) answer = fixture_answer(negotiated, offer);
    g_assert_cmpint(fixture_media(answer, 1)->direction, ==, SDP_SENDONLY);
}

static void test_local_after(void)
{
    g_autoptr(SdpSession) offer = fixture_parse("firefox-local-after.txt");
    NegotiateConfig config = fixture_config();
    g_autoptr(Negotiated) negotiated = fixture_negotiate(offer, &config);
    g_assert_cmpuint(negotiated->candidates->len, ==, 8);
    g_assert_true(negotiated->end_of_candidates);
    g_autoptr(SdpSession) chromium = fixture_parse("chromium-local-after.txt");
    g_autoptr(Negotiated) other = fixture_negotiate(chromium, &config);
    g_assert_cmpuint(other->candidates->len, ==, 4);
    g_assert_false(other->end_of_candidates);
}

static void test_sender_only(void)
{
    g_autofree char *text = fixture_text("chromium-sendrecv-dc.txt");
    g_autofree char *changed = fixture_replace(text, "a=sendrecv", "a=sendonly");
    g_autoptr(SdpSession) offer = fixture_parse_text(changed);
    NegotiateConfig config = fixture_config();
    g_autoptr(Negotiated) negotiated = fixture_negotiate(offer, &config);
    g_autoptr(SdpSession) answer = fixture_answer(negotiated, offer);
    const SdpMedia *audio = fixture_media(answer, 0);
    g_assert_cmpint(audio->direction, ==, SDP_RECVONLY);
    g_assert_cmpstr(sdp_media_format(audio, 111)->fmtp, ==, "minptime=10;useinbandfec=1;stereo=1");
    g_assert_cmpuint(audio->sources->len, ==, 0);
    g_assert_cmpuint(fixture_negotiated(negotiated, 0)->local_ssrc, ==, 0);
}

static void test_bitrate(void)
{
    g_autoptr(SdpSession) offer = fixture_parse("chromium-sendrecv-dc.txt");
    NegotiateConfig config = fixture_config();
    NegotiateLocal local = fixture_local();
    local.video_bitrate_bps = 1500500;
    g_autoptr(Negotiated) negotiated = fixture_negotiate(offer, &config);
    g_autofree char *text = negotiate_answer(negotiated, offer, &local);
    g_assert_nonnull(strstr(text, "b=AS:1501\r\nb=TIAS:1500500\r\n"));
    g_autoptr(SdpSession) answer = fixture_parse_text(text);
    g_assert_cmpint(fixture_media(answer, 0)->bandwidth_bps, ==, 0);
    g_assert_cmpint(fixture_media(answer, 1)->bandwidth_bps, ==, 1500500);
}

/* An offer with these video sections: "sendrecv", "sendonly", ... */
static char *offer_with(const char *const *directions)
{
    GString *text = g_string_new("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
                                 "a=group:BUNDLE");
    for (guint i = 0; directions[i]; i++)
        g_string_append_printf(text, " v%u", i);
    g_string_append(text, "\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"
                          "a=setup:actpass\r\na=fingerprint:sha-256 ");
    for (guint i = 0; i < 32; i++)
        g_string_append_printf(text, "%s%02X", i ? ":" : "", i);
    g_string_append(text, "\r\n");
    for (guint i = 0; directions[i]; i++) {
        g_string_append_printf(text,
                               "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:v%u\r\na=%s\r\n"
                               "a=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n",
                               i, directions[i]);
    }
    return g_string_free(text, FALSE);
}

/** (transfer full) "send+receive receive refused ...". */
static char *outcome(const char *const *directions)
{
    g_autofree char *text = offer_with(directions);
    g_autoptr(SdpSession) offer = fixture_parse_text(text);
    NegotiateConfig config = fixture_config();
    g_autoptr(Negotiated) negotiated = fixture_negotiate(offer, &config);
    g_autoptr(SdpSession) answer = fixture_answer(negotiated, offer);
    GString *result = g_string_new(NULL);
    for (guint i = 0; i < negotiated->media->len; i++) {
        const NegotiatedMedia *media = fixture_negotiated(negotiated, i);
        g_assert_true(sdp_media_rejected(fixture_media(answer, i)) == !media->accepted);
        const char *word = media->we_send ? (media->we_receive ? "both" : "send")
                                          : (media->we_receive ? "receive" : "inactive");
        g_string_append_printf(result, "%s%s", i ? " " : "", media->accepted ? word : "refused");
    }
    return g_string_free(result, FALSE);
}

static void test_video_sections(void)
{
    fixture_assert_text(
        outcome((const char *[]){ "sendrecv", "sendrecv", "sendrecv", "sendonly", NULL }),
        "both receive refused refused");
    fixture_assert_text(outcome((const char *[]){ "sendonly", "recvonly", "recvonly", NULL }),
                        "receive send inactive");
    fixture_assert_text(outcome((const char *[]){ "sendrecv", "inactive", "recvonly", "sendrecv",
                                                  "sendonly", NULL }),
                        "both inactive inactive receive refused");
}

static void test_refused_in_place(void)
{
    g_autofree char *text =
        offer_with((const char *[]){ "sendrecv", "sendrecv", "sendrecv", NULL });
    g_autofree char *changed = fixture_replace(text, "BUNDLE v0 v1 v2", "BUNDLE v2 v1");
    g_autoptr(SdpSession) offer = fixture_parse_text(changed);
    ((SdpMedia *)offer->media->pdata[1])->port = 0;
    NegotiateConfig config = fixture_config();
    g_autoptr(Negotiated) negotiated = fixture_negotiate(offer, &config);
    g_autoptr(SdpSession) answer = fixture_answer(negotiated, offer);
    /* The first is not in the BUNDLE, the second was stopped by the peer. */
    g_assert_true(sdp_media_rejected(fixture_media(answer, 0)));
    g_assert_true(sdp_media_rejected(fixture_media(answer, 1)));
    assert_bundle(answer, "v2");
    g_assert_cmpuint(fixture_media(answer, 2)->candidates->len, ==, 1);
    g_assert_true(fixture_negotiated(negotiated, 2)->we_send);
}

static void test_setup(void)
{
    g_autofree char *text = fixture_text("chromium-sendrecv-dc.txt");
    NegotiateConfig config = fixture_config();
    g_autofree char *passive = fixture_replace(text, "a=setup:actpass", "a=setup:passive");
    g_autoptr(SdpSession) offer = fixture_parse_text(passive);
    g_autoptr(Negotiated) negotiated = fixture_negotiate(offer, &config);
    g_assert_cmpint(negotiated->remote_setup, ==, SDP_SETUP_PASSIVE);
    g_autoptr(SdpSession) answer = fixture_answer(negotiated, offer);
    g_assert_cmpint(fixture_media(answer, 0)->setup, ==, SDP_SETUP_ACTIVE);
}

/* aiortc gives one id two meanings: only the first section keeps it. */
static void test_colliding_ids(void)
{
    g_autofree char *text = fixture_text("firefox-sendrecv-dc.txt");
    g_autofree char *changed = fixture_replace(text, "a=extmap:4 http://www.webrtc.org",
                                               "a=extmap:1 http://www.webrtc.org");
    g_autoptr(SdpSession) offer = fixture_parse_text(changed);
    NegotiateConfig config = fixture_config();
    g_autoptr(Negotiated) negotiated = fixture_negotiate(offer, &config);
    fixture_assert_text(fixture_ids(fixture_negotiated(negotiated, 0)->extmaps),
                        "1 2/sendonly 3 7");
    fixture_assert_text(fixture_ids(fixture_negotiated(negotiated, 1)->extmaps), "3 6/sendonly 7");
}

/* Ids above 14 need the two-byte form, and that extmap-allow-mixed. */
static void test_two_byte_ids(void)
{
    g_autofree char *text = fixture_text("chromium-sendrecv-dc.txt");
    g_autofree char *high = fixture_replace(text, "a=extmap:13 ", "a=extmap:200 ");
    g_autofree char *unmixed = fixture_replace(high, "a=extmap-allow-mixed\r\n", "");
    NegotiateConfig config = fixture_config();
    g_autoptr(SdpSession) with = fixture_parse_text(high);
    g_autoptr(Negotiated) negotiated = fixture_negotiate(with, &config);
    fixture_assert_text(fixture_ids(fixture_negotiated(negotiated, 1)->extmaps),
                        "2 200 3 5 4 10 11");
    g_autoptr(SdpSession) without = fixture_parse_text(unmixed);
    g_autoptr(Negotiated) other = fixture_negotiate(without, &config);
    fixture_assert_text(fixture_ids(fixture_negotiated(other, 1)->extmaps), "2 3 5 4 10 11");
    g_autoptr(SdpSession) answer = fixture_answer(other, without);
    g_assert_false(answer->extmap_allow_mixed);
}

static void test_no_transport_cc(void)
{
    g_autofree char *text = fixture_text("chromium-sendrecv-dc.txt");
    g_autofree char *changed = fixture_replace(text, FIXTURE_TRANSPORT_CC, "urn:nothing");
    g_autoptr(SdpSession) offer = fixture_parse_text(changed);
    NegotiateConfig config = fixture_config();
    g_autoptr(Negotiated) negotiated = fixture_negotiate(offer, &config);
    g_assert_false(codec_at(fixture_negotiated(negotiated, 1), 0)->transport_cc);
}

static void assert_refused(const char *from, const char *to, int code, const char *part)
{
    g_autofree char *text = fixture_text("chromium-sendrecv-dc.txt");
    g_autofree char *changed = fixture_replace(text, from, to);
    g_autoptr(SdpSession) offer = fixture_parse_text(changed);
    NegotiateConfig config = fixture_config();
    g_autoptr(GRand) random = g_rand_new_with_seed(1);
    g_autoptr(GError) error = NULL;
    g_autoptr(Negotiated) negotiated = negotiate_offer(offer, &config, random, &error);
    g_assert_null(negotiated);
    g_assert_error(error, TESSERA_ERROR, code);
    g_assert_nonnull(strstr(error->message, part));
}

static void test_errors(void)
{
    assert_refused("a=group:BUNDLE", "a=group:LS", TESSERA_ERROR_INVALID, "BUNDLE");
    assert_refused("a=rtcp-mux\r\n", "", TESSERA_ERROR_INVALID, "a=rtcp-mux");
    assert_refused("a=ice-ufrag:", "a=x:", TESSERA_ERROR_INVALID, "a=ice-ufrag");
    assert_refused("a=fingerprint:", "a=x:", TESSERA_ERROR_INVALID, "a=fingerprint");
    assert_refused("UDP/TLS/RTP/SAVPF", "RTP/AVP", TESSERA_ERROR_UNSUPPORTED, "Opus");
    assert_refused("a=rtpmap:", "a=x:", TESSERA_ERROR_UNSUPPORTED, "Opus");
    g_autoptr(SdpSession) empty = fixture_parse_text("v=0\n");
    NegotiateConfig config = fixture_config();
    g_autoptr(GError) error = NULL;
    g_assert_null(negotiate_offer(empty, &config, NULL, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_UNSUPPORTED);
}

static void test_keep_ssrcs(void)
{
    g_autoptr(SdpSession) offer = fixture_parse("chromium-sendrecv-dc.txt");
    NegotiateConfig config = fixture_config();
    g_autoptr(Negotiated) before = fixture_negotiate(offer, &config);
    g_autoptr(GRand) random = g_rand_new_with_seed(99);
    g_autoptr(Negotiated) after = negotiate_offer(offer, &config, random, NULL);
    g_assert_cmpuint(fixture_negotiated(after, 1)->local_ssrc, !=,
                     fixture_negotiated(before, 1)->local_ssrc);
    negotiated_keep_ssrcs(after, before);
    for (guint i = 0; i < 2; i++) {
        g_assert_cmpuint(fixture_negotiated(after, i)->local_ssrc, ==,
                         fixture_negotiated(before, i)->local_ssrc);
        g_assert_cmpuint(fixture_negotiated(after, i)->local_rtx_ssrc, ==,
                         fixture_negotiated(before, i)->local_rtx_ssrc);
    }
    g_assert_cmpuint(fixture_negotiated(after, 2)->local_ssrc, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/negotiate/chromium/sendrecv", test_chromium_sendrecv);
    g_test_add_func("/negotiate/chromium/answer", test_chromium_answer);
    g_test_add_func("/negotiate/chromium/recvonly", test_chromium_recvonly);
    g_test_add_func("/negotiate/firefox/sendrecv", test_firefox_sendrecv);
    g_test_add_func("/negotiate/firefox/recvonly", test_firefox_recvonly);
    g_test_add_func("/negotiate/local-after", test_local_after);
    g_test_add_func("/negotiate/sender-only", test_sender_only);
    g_test_add_func("/negotiate/preferred-video", test_preferred_video);
    g_test_add_func("/negotiate/red-not-wanted", test_red_not_wanted);
    g_test_add_func("/negotiate/bitrate", test_bitrate);
    g_test_add_func("/negotiate/video-sections", test_video_sections);
    g_test_add_func("/negotiate/refused-in-place", test_refused_in_place);
    g_test_add_func("/negotiate/setup", test_setup);
    g_test_add_func("/negotiate/colliding-ids", test_colliding_ids);
    g_test_add_func("/negotiate/two-byte-ids", test_two_byte_ids);
    g_test_add_func("/negotiate/no-transport-cc", test_no_transport_cc);
    g_test_add_func("/negotiate/errors", test_errors);
    g_test_add_func("/negotiate/keep-ssrcs", test_keep_ssrcs);
    return g_test_run();
}
