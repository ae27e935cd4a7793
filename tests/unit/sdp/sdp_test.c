#include "base/error.h"
#include "unit/sdp/fixture.h"

#define HEAD "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"

static void assert_fails(const char *text, int code, const char *part)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SdpSession) session = sdp_parse(text, strlen(text), &error);
    g_assert_null(session);
    g_assert_error(error, TESSERA_ERROR, code);
    g_assert_nonnull(strstr(error->message, part));
}

static void test_chromium_offer(void)
{
    g_autoptr(SdpSession) session = fixture_parse("chromium-sendrecv-dc.txt");
    g_assert_cmpstr(session->origin_id, ==, "7624880123893247990");
    g_assert_cmpuint(session->origin_version, ==, 2);
    g_assert_true(session->extmap_allow_mixed);
    g_assert_false(session->ice_lite);
    g_assert_cmpuint(session->bundle->len, ==, 3);
    g_assert_cmpuint(session->media->len, ==, 3);

    const SdpMedia *audio = fixture_media(session, 0);
    g_assert_cmpint(audio->kind, ==, SDP_AUDIO);
    g_assert_cmpstr(audio->mid, ==, "0");
    g_assert_cmpstr(audio->ice_ufrag, ==, "C6uc");
    g_assert_cmpstr(audio->ice_pwd, ==, "v8zVuR/YnYTakM+0TvlbFzrr");
    g_assert_true(g_str_has_prefix(audio->fingerprint, "sha-256 5B:20:7F:"));
    g_assert_cmpint(audio->setup, ==, SDP_SETUP_ACTPASS);
    g_assert_true(audio->rtcp_mux && audio->rtcp_rsize && audio->ice_trickle);
    fixture_assert_text(fixture_types(audio), "111 63 9 0 8 13 110 126");
    fixture_assert_text(fixture_ids(audio->extmaps), "1 2 3 4");
    const SdpFormat *opus = sdp_media_format(audio, 111);
    g_assert_cmpstr(opus->encoding, ==, "opus");
    g_assert_cmpint(opus->clock_hz, ==, 48000);
    g_assert_cmpint(opus->channels, ==, 2);
    g_assert_cmpstr(opus->fmtp, ==, "minptime=10;useinbandfec=1");
    g_assert_true(sdp_format_has_feedback(opus, "transport-cc"));
    g_assert_false(sdp_format_has_feedback(opus, "nack"));

    const SdpMedia *video = fixture_media(session, 1);
    g_assert_cmpuint(video->formats->len, ==, 23);
    g_assert_cmpuint(video->sources->len, ==, 2);
    g_assert_cmpuint(g_array_index(video->sources, SdpSource, 1).ssrc, ==, 1546434713);
    g_assert_cmpstr(g_array_index(video->sources, SdpSource, 0).cname, ==, "pb3lCll6EXHpJ+3t");
    g_assert_cmpuint(video->source_groups->len, ==, 1);
    g_assert_cmpstr(video->msid_track, ==, "77ae5c9c-842e-4e72-b3f8-31bfeb764152");

    const SdpMedia *data = fixture_media(session, 2);
    g_assert_cmpint(data->kind, ==, SDP_APPLICATION);
    g_assert_cmpstr(data->formats_text, ==, "webrtc-datachannel");
    g_assert_false(sdp_media_is_rtp(data));
}

static void test_firefox_offer(void)
{
    g_autoptr(SdpSession) session = fixture_parse("firefox-sendrecv-dc.txt");
    g_assert_true(session->extmap_allow_mixed);
    const SdpMedia *audio = fixture_media(session, 0);
    const SdpMedia *video = fixture_media(session, 1);

    /* The fingerprint stands at the session level, fmtp before rtpmap. */
    g_assert_true(g_str_has_prefix(video->fingerprint, "sha-256 C3:C8:DC:"));
    g_assert_true(video->ice_trickle);
    g_assert_cmpstr(sdp_media_format(video, 120)->encoding, ==, "VP8");
    g_assert_cmpstr(sdp_media_format(video, 120)->fmtp, ==, "max-fs=12288;max-fr=60");
    g_assert_cmpstr(sdp_media_format(video, 124)->fmtp, ==, "apt=120");
    g_assert_cmpstr(sdp_media_format(audio, 9)->encoding, ==, "G722");
    g_assert_cmpint(sdp_media_format(audio, 9)->channels, ==, 1);

    /* Port 0 with bundle-only is not a refusal. */
    g_assert_cmpuint(video->port, ==, 0);
    g_assert_false(sdp_media_rejected(video));
    fixture_assert_text(fixture_ids(audio->extmaps), "1 2/recvonly 3 7");
    fixture_assert_text(fixture_ids(video->extmaps), "3 4 5 6/recvonly 7");
    g_assert_cmpuint(strlen(video->ice_pwd), ==, 32);
}

static void test_candidates(void)
{
    g_autoptr(SdpSession) chromium = fixture_parse("chromium-local-after.txt");
    g_assert_cmpuint(fixture_media(chromium, 0)->candidates->len, ==, 4);
    g_assert_cmpstr(fixture_media(chromium, 0)->candidates->pdata[0], ==,
                    "candidate:519954147 1 udp 2122194687 192.0.2.2 50889 typ host generation 0 "
                    "network-id 1");
    g_assert_false(fixture_media(chromium, 0)->end_of_candidates);
    g_autoptr(SdpSession) firefox = fixture_parse("firefox-local-after.txt");
    g_assert_cmpuint(fixture_media(firefox, 0)->candidates->len, ==, 8);
    g_assert_true(fixture_media(firefox, 0)->end_of_candidates);
    g_assert_cmpuint(fixture_media(firefox, 1)->candidates->len, ==, 0);
}

static void test_simulcast(void)
{
    g_autoptr(SdpSession) chromium = fixture_parse("chromium-simulcast.txt");
    const SdpMedia *video = fixture_media(chromium, 0);
    g_assert_cmpstr(video->simulcast_send, ==, "l;m;h");
    g_assert_null(video->simulcast_recv);
    g_assert_cmpuint(video->rids->len, ==, 3);
    g_assert_true(g_array_index(video->rids, SdpRid, 0).send);
    g_assert_cmpuint(video->sources->len, ==, 0);
    g_autoptr(SdpSession) firefox = fixture_parse("firefox-simulcast.txt");
    video = fixture_media(firefox, 0);
    g_assert_cmpuint(video->sources->len, ==, 6);
    g_assert_cmpuint(video->source_groups->len, ==, 3);
    fixture_assert_text(fixture_ids(video->extmaps),
                        "3 4 5 6/recvonly 7 8/sendonly 9/sendonly 10/sendonly");
}

/* Whatever is parsed and written again says the same. */
static void test_round_trip(void)
{
    static const char *const names[] = {
        "chromium-answer.txt",      "chromium-local-after.txt", "chromium-recvonly.txt",
        "chromium-sendrecv-dc.txt", "chromium-simulcast.txt",   "firefox-answer.txt",
        "firefox-local-after.txt",  "firefox-recvonly.txt",     "firefox-sendrecv-dc.txt",
        "firefox-simulcast.txt",    "server-offer.sdp",
    };
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(SdpSession) session = fixture_parse(names[i]);
        g_autofree char *written = sdp_write(session);
        g_autoptr(SdpSession) again = fixture_parse_text(written);
        g_autofree char *rewritten = sdp_write(again);
        g_assert_cmpstr(written, ==, rewritten);
        g_assert_cmpuint(again->media->len, ==, session->media->len);
        for (guint j = 0; j < session->media->len; j++) {
            const SdpMedia *before = fixture_media(session, j), *after = fixture_media(again, j);
            g_autofree char *types = fixture_types(before);
            fixture_assert_text(fixture_types(after), types);
            g_assert_cmpstr(after->fingerprint, ==, before->fingerprint);
            g_assert_cmpuint(after->candidates->len, ==, before->candidates->len);
            g_assert_cmpuint(after->extmaps->len, ==, before->extmaps->len);
        }
    }
}

static void test_session_level(void)
{
    g_autoptr(SdpSession) session = fixture_parse_text(
        HEAD "a=ice-ufrag:abcd\na=ice-pwd:0123456789012345678901\na=setup:passive\na=recvonly\n"
             "a=extmap:5 urn:x\na=ice-lite\nb=AS:900\n"
             "a=fingerprint:sha-1 00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f:10:11:12:13\n"
             "m=audio 9 RTP/SAVPF 0 8\na=rtcp-fb:* nack\n"
             "m=video 9 UDP/TLS/RTP/SAVPF 26\na=sendonly\na=setup:active\nb=AS:700\n"
             "b=TIAS:640000\nb=AS:800\n");
    const SdpMedia *audio = fixture_media(session, 0), *video = fixture_media(session, 1);
    g_assert_true(session->ice_lite);
    g_assert_cmpstr(audio->ice_ufrag, ==, "abcd");
    g_assert_cmpint(audio->direction, ==, SDP_RECVONLY);
    g_assert_cmpint(audio->setup, ==, SDP_SETUP_PASSIVE);
    g_assert_cmpstr(audio->fingerprint, ==,
                    "sha-1 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13");
    g_assert_cmpstr(sdp_media_format(audio, 0)->encoding, ==, "PCMU");
    g_assert_true(sdp_format_has_feedback(sdp_media_format(audio, 8), "nack"));
    g_assert_cmpint(video->direction, ==, SDP_SENDONLY);
    g_assert_cmpint(video->setup, ==, SDP_SETUP_ACTIVE);
    g_assert_cmpint(video->bandwidth_bps, ==, 640000);
    fixture_assert_text(fixture_ids(video->extmaps), "5");
}

static void test_strongest_fingerprint(void)
{
    GString *text = g_string_new(HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 0\na=fingerprint:sha-512 ");
    for (guint i = 0; i < 64; i++)
        g_string_append_printf(text, "%s%02x", i ? ":" : "", i + 160);
    g_string_append(text, "\na=fingerprint:SHA-256 ");
    for (guint i = 0; i < 32; i++)
        g_string_append_printf(text, "%s%02x", i ? ":" : "", i);
    g_string_append(text, "\na=fingerprint:md5 00:01\n");
    g_autofree char *owned = g_string_free(text, FALSE);
    g_autoptr(SdpSession) session = fixture_parse_text(owned);
    g_assert_true(g_str_has_prefix(fixture_media(session, 0)->fingerprint, "sha-512 A0:A1:"));
}

static void test_fmtp_get(void)
{
    const char *fmtp = "level-asymmetry-allowed=1; Packetization-Mode=1 ;profile-level-id=42e01f";
    fixture_assert_text(sdp_fmtp_get(fmtp, "packetization-mode"), "1");
    fixture_assert_text(sdp_fmtp_get(fmtp, "profile-level-id"), "42e01f");
    fixture_assert_text(sdp_fmtp_get("apt=96", "apt"), "96");
    g_assert_null(sdp_fmtp_get(fmtp, "profile"));
    g_assert_null(sdp_fmtp_get(NULL, "apt"));
    g_assert_null(sdp_fmtp_get("", "apt"));
    fixture_assert_text(sdp_fmtp_get("apt=", "apt"), "");
}

static void test_malformed(void)
{
    assert_fails("", TESSERA_ERROR_INVALID, "empty");
    assert_fails("hello", TESSERA_ERROR_INVALID, "Line 1");
    assert_fails("v=1\n", TESSERA_ERROR_INVALID, "Line 1");
    assert_fails(HEAD "nonsense\n", TESSERA_ERROR_INVALID, "Line 5");
    assert_fails(HEAD "m=audio\n", TESSERA_ERROR_INVALID, "Line 5");
    assert_fails(HEAD "m=audio 65536 UDP/TLS/RTP/SAVPF 0\n", TESSERA_ERROR_INVALID, "Line 5");
    assert_fails(HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 128\n", TESSERA_ERROR_INVALID, "Line 5");
    assert_fails(HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 0\na=rtpmap:0\n", TESSERA_ERROR_INVALID,
                 "Line 6");
    assert_fails(HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 0\na=ssrc:x cname:y\n", TESSERA_ERROR_INVALID,
                 "Line 6");
    assert_fails(HEAD "a=ice-ufrag:abc\n", TESSERA_ERROR_INVALID, "Line 5");
    assert_fails(HEAD "a=fingerprint:sha-256 AB:CD\n", TESSERA_ERROR_INVALID, "Line 5");
    assert_fails(HEAD "s=a\tb\n", TESSERA_ERROR_INVALID, "control character");
    assert_fails(HEAD "s=\xff\xfe\n", TESSERA_ERROR_INVALID, "UTF-8");
    assert_fails(HEAD "m=audio 9 A 0\na=mid:0\nm=audio 9 A 0\na=mid:0\n", TESSERA_ERROR_INVALID,
                 "Line 8");
    GError *error = NULL;
    g_assert_null(sdp_parse("v=0\0\n", 5, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID);
    g_clear_error(&error);
}

static char *repeat(const char *head, const char *line, guint count)
{
    GString *text = g_string_new(head);
    for (guint i = 0; i < count; i++)
        g_string_append(text, line);
    return g_string_free(text, FALSE);
}

static void test_limits(void)
{
    g_autofree char *lines = repeat(HEAD, "a=x\n", SDP_MAX_LINES - 4);
    g_autoptr(SdpSession) just_enough = fixture_parse_text(lines);
    g_assert_nonnull(just_enough);
    g_autofree char *too_many = g_strconcat(lines, "a=x\n", NULL);
    assert_fails(too_many, TESSERA_ERROR_INVALID, "Line 2001");

    g_autofree char *padding = g_strnfill(SDP_MAX_LINE - 1, 'x');
    g_autofree char *long_line = g_strconcat(HEAD "s=", padding, "\n", NULL);
    assert_fails(long_line, TESSERA_ERROR_INVALID, "2048");

    g_autofree char *big = repeat(HEAD, "s=0123456789012345678901234567890123456789\n", 1600);
    assert_fails(big, TESSERA_ERROR_TOO_LARGE, "65536");

    g_autofree char *sections = repeat(HEAD, "m=audio 9 X 0\n", SDP_MAX_MEDIA);
    g_autoptr(SdpSession) full = fixture_parse_text(sections);
    g_assert_cmpuint(full->media->len, ==, SDP_MAX_MEDIA);
    g_autofree char *sections_more = g_strconcat(sections, "m=audio 9 X 0\n", NULL);
    assert_fails(sections_more, TESSERA_ERROR_INVALID, "Line 37");

    GString *types = g_string_new(HEAD "m=audio 9 UDP/TLS/RTP/SAVPF");
    for (guint i = 0; i <= SDP_MAX_FORMATS; i++)
        g_string_append_printf(types, " %u", i);
    g_autofree char *formats = g_string_free(types, FALSE);
    assert_fails(formats, TESSERA_ERROR_INVALID, "Line 5");
}

/* What is too many but harmless is left out. */
static void test_surplus(void)
{
    GString *text = g_string_new(HEAD "m=video 9 UDP/TLS/RTP/SAVPF 96\n");
    for (guint i = 1; i <= 100; i++) {
        g_string_append_printf(text, "a=candidate:%u 1 udp 1 192.0.2.1 5000 typ host\n", i);
        g_string_append_printf(text, "a=ssrc:%u cname:x\na=ssrc-group:FID %u %u\n", i, i, i + 200);
        g_string_append_printf(text, "a=rid:r%u send\na=extmap:%u urn:%u\n", i, i, i);
        g_string_append_printf(text, "a=rtcp-fb:96 x%u\n", i);
    }
    g_autofree char *owned = g_string_free(text, FALSE);
    g_autoptr(SdpSession) session = fixture_parse_text(owned);
    const SdpMedia *media = fixture_media(session, 0);
    g_assert_cmpuint(media->candidates->len, ==, SDP_MAX_CANDIDATES);
    g_assert_cmpuint(media->sources->len, ==, SDP_MAX_SOURCES);
    g_assert_cmpuint(media->source_groups->len, ==, SDP_MAX_SOURCE_GROUPS);
    g_assert_cmpuint(media->rids->len, ==, SDP_MAX_RIDS);
    g_assert_cmpuint(media->extmaps->len, ==, SDP_MAX_EXTMAPS);
    g_assert_cmpuint(sdp_media_format(media, 96)->feedback->len, ==, SDP_MAX_FEEDBACK);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sdp/parse/chromium-offer", test_chromium_offer);
    g_test_add_func("/sdp/parse/firefox-offer", test_firefox_offer);
    g_test_add_func("/sdp/parse/candidates", test_candidates);
    g_test_add_func("/sdp/parse/simulcast", test_simulcast);
    g_test_add_func("/sdp/parse/session-level", test_session_level);
    g_test_add_func("/sdp/parse/strongest-fingerprint", test_strongest_fingerprint);
    g_test_add_func("/sdp/parse/malformed", test_malformed);
    g_test_add_func("/sdp/parse/limits", test_limits);
    g_test_add_func("/sdp/parse/surplus", test_surplus);
    g_test_add_func("/sdp/round-trip", test_round_trip);
    g_test_add_func("/sdp/fmtp-get", test_fmtp_get);
    return g_test_run();
}
