#include "base/error.h"
#include "unit/sdp/fixture.h"

/* Offers of our own, and what answers to them mean. */

static SdpSession *make_offer(const NegotiateConfig *config, guint video_sections)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(3);
    NegotiateLocal local = fixture_local();
    g_autofree char *text = negotiate_make_offer(config, &local, video_sections, random);
    return fixture_parse_text(text);
}

static Negotiated *accept(const SdpSession *offer, const SdpSession *answer,
                          const NegotiateConfig *config)
{
    GError *error = NULL;
    Negotiated *negotiated = negotiate_accept_answer(offer, answer, config, &error);
    g_assert_no_error(error);
    return negotiated;
}

static void test_offer(void)
{
    NegotiateConfig config = fixture_config();
    g_autoptr(SdpSession) offer = make_offer(&config, 2);
    g_assert_cmpuint(offer->media->len, ==, 3);
    g_assert_cmpuint(offer->bundle->len, ==, 3);
    g_assert_true(offer->extmap_allow_mixed);
    const SdpMedia *audio = fixture_media(offer, 0);
    fixture_assert_text(fixture_types(audio), "111 63");
    fixture_assert_text(fixture_ids(audio->extmaps), "1 2 3 4 5");
    g_assert_cmpint(audio->setup, ==, SDP_SETUP_ACTPASS);
    g_assert_cmpint(audio->direction, ==, SDP_SENDRECV);
    g_assert_cmpuint(audio->candidates->len, ==, 1);
    g_assert_cmpuint(audio->sources->len, ==, 1);
    g_assert_true(audio->rtcp_mux && audio->rtcp_rsize);

    const SdpMedia *camera = fixture_media(offer, 1), *screen = fixture_media(offer, 2);
    fixture_assert_text(fixture_types(camera), "96 97 98 99 100 101 102 103");
    fixture_assert_text(fixture_types(screen), "96 97 98 99 100 101 102 103");
    g_assert_cmpstr(sdp_media_format(camera, 98)->encoding, ==, "H264");
    g_assert_nonnull(strstr(sdp_media_format(camera, 98)->fmtp, "profile-level-id=42e01f"));
    g_assert_cmpstr(sdp_media_format(camera, 99)->fmtp, ==, "apt=98");
    /* AV1's parameters are echoed in answers; here there is nothing to echo. */
    g_assert_cmpstr(sdp_media_format(camera, 102)->encoding, ==, "AV1");
    g_assert_null(sdp_media_format(camera, 102)->fmtp);
    /* One id for one URI: abs-send-time 3, transport-cc 4, mid 5 as in the audio section. */
    fixture_assert_text(fixture_ids(camera->extmaps), "3 4 5 6 7 8 9");
    g_assert_cmpint(camera->direction, ==, SDP_SENDRECV);
    g_assert_cmpuint(camera->source_groups->len, ==, 1);
    g_assert_null(camera->simulcast_recv);
    g_assert_cmpint(screen->direction, ==, SDP_RECVONLY);
    g_assert_cmpuint(screen->sources->len, ==, 0);
    g_assert_null(screen->msid_stream);
    g_assert_cmpuint(screen->candidates->len, ==, 0);
}

static void test_offer_variants(void)
{
    NegotiateConfig config = fixture_config();
    config.preferred_video = "VP9";
    config.simulcast = TRUE;
    config.red = FALSE;
    g_autoptr(SdpSession) offer = make_offer(&config, 1);
    const SdpFormat *first = fixture_media(offer, 1)->formats->pdata[0];
    g_assert_cmpstr(first->encoding, ==, "VP9");
    g_assert_cmpstr(fixture_media(offer, 1)->simulcast_recv, ==, "q;h;f");
    fixture_assert_text(fixture_types(fixture_media(offer, 0)), "111");

    g_autoptr(SdpSession) with_screen = make_offer(&config, 2);
    g_assert_nonnull(fixture_media(with_screen, 1)->simulcast_recv);
    g_assert_null(fixture_media(with_screen, 2)->simulcast_recv);

    config.receive = FALSE;
    g_autoptr(SdpSession) send_only = make_offer(&config, 1);
    g_assert_cmpint(fixture_media(send_only, 1)->direction, ==, SDP_SENDONLY);
    g_assert_null(fixture_media(send_only, 1)->simulcast_recv);

    g_autoptr(SdpSession) audio_only = make_offer(&config, 0);
    g_assert_cmpuint(audio_only->media->len, ==, 1);
}

/* Far more codecs and extensions than there are numbers for: no number is used twice. */
static void test_offer_runs_out(void)
{
    NegotiateCodec codecs[64];
    char names[64][8];
    const char *uris[41] = { NULL };
    for (guint i = 0; i < 64; i++) {
        g_snprintf(names[i], sizeof names[i], "X%u", i);
        codecs[i] = (NegotiateCodec){ .kind = i < 4 ? SDP_AUDIO : SDP_VIDEO,
                                      .encoding = names[i],
                                      .clock_hz = 90000,
                                      .channels = 1,
                                      .can_send = TRUE,
                                      .can_receive = TRUE };
        if (i < 40)
            uris[i] = names[i];
    }
    NegotiateConfig config = fixture_config();
    config.codecs = codecs;
    config.codec_count = G_N_ELEMENTS(codecs);
    config.extensions[SDP_VIDEO] = uris;
    g_autoptr(SdpSession) offer = make_offer(&config, 1);
    gboolean used[128] = { FALSE };
    for (guint i = 0; i < 2; i++) {
        const SdpMedia *media = fixture_media(offer, i);
        for (guint j = 0; j < media->formats->len; j++) {
            const SdpFormat *format = media->formats->pdata[j];
            g_assert_true(format->payload_type >= 35 && format->payload_type <= 127);
            g_assert_true(format->payload_type <= 63 || format->payload_type >= 96);
            g_assert_false(used[format->payload_type]);
            used[format->payload_type] = TRUE;
        }
        for (guint j = 0; j < media->extmaps->len; j++)
            g_assert_cmpuint(g_array_index(media->extmaps, SdpExtmap, j).id, !=, 15);
    }
    g_assert_false(used[63]);
    g_assert_cmpuint(g_array_index(fixture_media(offer, 1)->extmaps, SdpExtmap, 39).id, ==, 46);
}

static void test_chromium_answer(void)
{
    g_autoptr(SdpSession) offer = fixture_parse("server-offer.sdp");
    g_autoptr(SdpSession) answer = fixture_parse("chromium-answer.txt");
    NegotiateConfig config = fixture_config();
    config.simulcast = TRUE;
    g_autoptr(Negotiated) negotiated = accept(offer, answer, &config);
    g_assert_cmpstr(negotiated->ice_ufrag, ==, "SJOq");
    g_assert_cmpint(negotiated->remote_setup, ==, SDP_SETUP_ACTIVE);
    const NegotiatedMedia *audio = fixture_negotiated(negotiated, 0);
    g_assert_true(audio->accepted && audio->we_send && audio->we_receive);
    g_assert_cmpint(audio->red_payload_type, ==, 63);
    g_assert_cmpuint(audio->local_ssrc, ==, 1000);
    fixture_assert_text(fixture_ids(audio->extmaps), "1 2 3 4");
    const NegotiatedMedia *video = fixture_negotiated(negotiated, 1);
    fixture_assert_text(fixture_codec_types(video), "96+97 102+103 98+99");
    g_assert_cmpint(video->send_codec, ==, 0);
    g_assert_cmpuint(video->local_ssrc, ==, 2000);
    g_assert_cmpuint(video->local_rtx_ssrc, ==, 2001);
    const NegotiatedCodec *vp9 = &g_array_index(video->codecs, NegotiatedCodec, 2);
    g_assert_true(vp9->nack && vp9->pli && !vp9->transport_cc && !vp9->remb);
    fixture_assert_text(fixture_ids(video->extmaps), "2 5 3 6 4 10 11");
    g_assert_cmpuint(video->sources->len, ==, 3);
    g_assert_cmpstr(g_array_index(video->sources, NegotiatedSource, 0).rid, ==, "h");
    g_assert_cmpuint(g_array_index(video->sources, NegotiatedSource, 0).ssrc, ==, 0);
}

static void test_firefox_answer(void)
{
    g_autoptr(SdpSession) offer = fixture_parse("server-offer.sdp");
    g_autoptr(SdpSession) answer = fixture_parse("firefox-answer.txt");
    NegotiateConfig config = fixture_config();
    config.simulcast = TRUE;
    config.preferred_video = "H264";
    g_autoptr(Negotiated) negotiated = accept(offer, answer, &config);
    const NegotiatedMedia *audio = fixture_negotiated(negotiated, 0);
    g_assert_cmpint(audio->red_payload_type, ==, -1);
    fixture_assert_text(fixture_ids(audio->extmaps), "1 3 4");
    const NegotiatedMedia *video = fixture_negotiated(negotiated, 1);
    fixture_assert_text(fixture_codec_types(video), "96+97 98+99");
    g_assert_cmpint(video->send_codec, ==, 0); /* no H264: its first choice */
    fixture_assert_text(fixture_ids(video->extmaps), "2 3 4 6/sendonly 10/recvonly 11/recvonly");
    g_assert_cmpint(video->max_frame_size, ==, 12288);
    const NegotiatedSource *first = &g_array_index(video->sources, NegotiatedSource, 0);
    g_assert_cmpstr(first->rid, ==, "h");
    g_assert_cmpuint(first->ssrc, ==, 3507395799);
    g_assert_cmpuint(first->rtx_ssrc, ==, 1770515946);
    g_assert_cmpuint(video->sources->len, ==, 3);
}

/* What we offer, answered by our own answerer. */
static void test_own_answer(void)
{
    NegotiateConfig config = fixture_config();
    g_autoptr(SdpSession) offer = make_offer(&config, 1);
    g_autoptr(Negotiated) theirs = fixture_negotiate(offer, &config);
    g_autoptr(SdpSession) answer = fixture_answer(theirs, offer);
    g_autoptr(Negotiated) ours = accept(offer, answer, &config);
    const NegotiatedMedia *video = fixture_negotiated(ours, 1);
    fixture_assert_text(fixture_codec_types(video), "96+97 98+99 100+101 102+103");
    g_assert_cmpuint(g_array_index(video->sources, NegotiatedSource, 0).ssrc, ==,
                     fixture_negotiated(theirs, 1)->local_ssrc);
    g_assert_cmpuint(
        g_array_index(fixture_negotiated(theirs, 1)->sources, NegotiatedSource, 0).ssrc, ==,
        video->local_ssrc);
    g_assert_true(video->we_send && video->we_receive);
}

/* Only what we offered counts, whatever the answer claims. */
static void test_answer_claims_more(void)
{
    g_autoptr(SdpSession) offer = fixture_parse("server-offer.sdp");
    g_autofree char *text = fixture_text("chromium-answer.txt");
    g_autofree char *typed = fixture_replace(text, "SAVPF 96 97 102", "SAVPF 45 96 97 102");
    g_autofree char *mapped = fixture_replace(
        typed, "a=rtpmap:96 ",
        "a=rtpmap:45 AV1/90000\r\na=extmap:9 " FIXTURE_CSRC_LEVEL "\r\na=rtpmap:96 ");
    g_autoptr(SdpSession) answer = fixture_parse_text(mapped);
    NegotiateConfig config = fixture_config();
    config.extensions[SDP_VIDEO] = (const char *const[]){ FIXTURE_MID, FIXTURE_CSRC_LEVEL, NULL };
    g_autoptr(Negotiated) negotiated = accept(offer, answer, &config);
    const NegotiatedMedia *video = fixture_negotiated(negotiated, 1);
    fixture_assert_text(fixture_codec_types(video), "96+97 102+103 98+99");
    fixture_assert_text(fixture_ids(video->extmaps), "4");
}

static void test_refused_section(void)
{
    g_autoptr(SdpSession) offer = fixture_parse("server-offer.sdp");
    g_autofree char *text = fixture_text("chromium-answer.txt");
    g_autofree char *changed = fixture_replace(text, "m=video 9", "m=video 0");
    g_autoptr(SdpSession) answer = fixture_parse_text(changed);
    NegotiateConfig config = fixture_config();
    g_autoptr(Negotiated) negotiated = accept(offer, answer, &config);
    g_assert_true(fixture_negotiated(negotiated, 0)->accepted);
    const NegotiatedMedia *video = fixture_negotiated(negotiated, 1);
    g_assert_false(video->accepted || video->we_send || video->we_receive);
    g_assert_cmpuint(video->local_ssrc, ==, 0);
}

static void assert_refused(const char *from, const char *to, const char *part)
{
    g_autoptr(SdpSession) offer = fixture_parse("server-offer.sdp");
    g_autofree char *text = fixture_text("chromium-answer.txt");
    g_autofree char *changed = fixture_replace(text, from, to);
    g_autoptr(SdpSession) answer = fixture_parse_text(changed);
    NegotiateConfig config = fixture_config();
    g_autoptr(GError) error = NULL;
    g_autoptr(Negotiated) negotiated = negotiate_accept_answer(offer, answer, &config, &error);
    g_assert_null(negotiated);
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID);
    g_assert_nonnull(strstr(error->message, part));
}

static void test_not_an_answer(void)
{
    assert_refused("m=video 9", "m=audio 9", "m-lines");
    assert_refused("a=mid:1", "a=mid:7", "m-lines");
    assert_refused("m=audio 9", "m=audio 0 X 0\r\nm=audio 9", "number of m-lines");
    assert_refused("a=setup:active", "a=setup:actpass", "actpass");
    assert_refused("a=fingerprint:", "a=x:", "a=fingerprint");
    assert_refused("a=group:BUNDLE", "a=x:", "BUNDLE");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/negotiate/offer", test_offer);
    g_test_add_func("/negotiate/offer-variants", test_offer_variants);
    g_test_add_func("/negotiate/offer-runs-out", test_offer_runs_out);
    g_test_add_func("/negotiate/answer/chromium", test_chromium_answer);
    g_test_add_func("/negotiate/answer/firefox", test_firefox_answer);
    g_test_add_func("/negotiate/answer/own", test_own_answer);
    g_test_add_func("/negotiate/answer/claims-more", test_answer_claims_more);
    g_test_add_func("/negotiate/answer/refused-section", test_refused_section);
    g_test_add_func("/negotiate/answer/not-one", test_not_an_answer);
    return g_test_run();
}
