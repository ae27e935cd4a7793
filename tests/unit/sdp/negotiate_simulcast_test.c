#include "unit/sdp/fixture.h"

/* Simulcast: what is taken of offers, and what the answers say. */

static const NegotiatedSource *source_at(const NegotiatedMedia *media, guint index)
{
    g_assert_cmpuint(index, <, media->sources->len);
    return &g_array_index(media->sources, NegotiatedSource, index);
}

static void assert_layers(const NegotiatedMedia *video, guint first_ssrc, guint first_rtx_ssrc)
{
    g_assert_cmpuint(video->sources->len, ==, 3);
    g_assert_cmpstr(source_at(video, 0)->rid, ==, "l");
    g_assert_cmpstr(source_at(video, 1)->rid, ==, "m");
    g_assert_cmpstr(source_at(video, 2)->rid, ==, "h");
    g_assert_cmpuint(source_at(video, 0)->ssrc, ==, first_ssrc);
    g_assert_cmpuint(source_at(video, 0)->rtx_ssrc, ==, first_rtx_ssrc);
}

static void test_simulcast(void)
{
    static const struct {
        const char *file;
        guint ssrc, rtx_ssrc;
        const char *ids;
    } cases[] = {
        { "chromium-simulcast.txt", 0, 0, "2 3 4 5 9 10 11" },
        { "firefox-simulcast.txt", 956454141, 529862124, "3 4 7 9/recvonly 10/recvonly" },
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(SdpSession) offer = fixture_parse(cases[i].file);
        NegotiateConfig config = fixture_config();
        config.simulcast = TRUE;
        g_autoptr(Negotiated) negotiated = fixture_negotiate(offer, &config);
        const NegotiatedMedia *video = fixture_negotiated(negotiated, 0);
        g_assert_true(video->we_receive && !video->we_send);
        g_assert_cmpint(video->send_codec, ==, -1);
        g_assert_true(video->simulcast);
        assert_layers(video, cases[i].ssrc, cases[i].rtx_ssrc);
        fixture_assert_text(fixture_ids(video->extmaps), cases[i].ids);

        g_autoptr(SdpSession) answer = fixture_answer(negotiated, offer);
        const SdpMedia *section = fixture_media(answer, 0);
        g_assert_cmpint(section->direction, ==, SDP_RECVONLY);
        g_assert_cmpstr(section->simulcast_recv, ==, "l;m;h");
        g_assert_null(section->simulcast_send);
        g_assert_cmpuint(section->rids->len, ==, 3);
        g_assert_false(g_array_index(section->rids, SdpRid, 0).send);
        fixture_assert_text(fixture_ids(section->extmaps), cases[i].ids);
        g_assert_null(section->msid_stream);
        g_assert_cmpuint(section->sources->len, ==, 0);
    }
}

static void test_simulcast_not_wanted(void)
{
    g_autoptr(SdpSession) offer = fixture_parse("chromium-simulcast.txt");
    NegotiateConfig config = fixture_config();
    g_autoptr(Negotiated) negotiated = fixture_negotiate(offer, &config);
    g_assert_cmpuint(fixture_negotiated(negotiated, 0)->sources->len, ==, 0);
    g_autoptr(SdpSession) answer = fixture_answer(negotiated, offer);
    g_assert_cmpuint(fixture_media(answer, 0)->rids->len, ==, 0);
    g_assert_null(fixture_media(answer, 0)->simulcast_recv);
}

/* Alternatives, paused layers, and layers that have no a=rid line (RFC 8853 section 5.1). */
static void test_simulcast_alternatives(void)
{
    g_autofree char *text = fixture_text("chromium-simulcast.txt");
    g_autofree char *changed = fixture_replace(text, "send l;m;h", "send m,l;~h;x;h recv q");
    g_autoptr(SdpSession) offer = fixture_parse_text(changed);
    NegotiateConfig config = fixture_config();
    config.simulcast = TRUE;
    g_autoptr(Negotiated) negotiated = fixture_negotiate(offer, &config);
    g_autoptr(SdpSession) answer = fixture_answer(negotiated, offer);
    g_assert_cmpstr(fixture_media(answer, 0)->simulcast_recv, ==, "m;h");
}

/* A layer that is restricted by what we do not know, or to codecs that we have not, is refused;
 * what we know is repeated (RFC 8851 section 6.3). */
static void test_simulcast_restrictions(void)
{
    static const struct {
        const char *params, *recv, *answered;
    } cases[] = {
        { "pt=96;max-width=1280;max-height=720;max-fps=30", "l;m;h",
          "pt=96;max-width=1280;max-height=720;max-fps=30" },
        { "pt=9,96,102", "l;m;h", "pt=96,102" },
        { "max-br=500000; max-bpp=0.5", "l;m;h", "max-br=500000;max-bpp=0.5" },
        { "pt=45678", "l;h", NULL },
        { "max-width=0", "l;h", NULL },
        { "max-width=-3", "l;h", NULL },
        { "max-colours=3", "l;h", NULL },
        { "depend=l", "l;h", NULL },
    };
    g_autofree char *text = fixture_text("chromium-simulcast.txt");
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *line = g_strconcat("a=rid:m send ", cases[i].params, NULL);
        g_autofree char *changed = fixture_replace(text, "a=rid:m send", line);
        g_autoptr(SdpSession) offer = fixture_parse_text(changed);
        NegotiateConfig config = fixture_config();
        config.simulcast = TRUE;
        g_autoptr(Negotiated) negotiated = fixture_negotiate(offer, &config);
        g_autoptr(SdpSession) answer = fixture_answer(negotiated, offer);
        const SdpMedia *section = fixture_media(answer, 0);
        g_assert_cmpstr(section->simulcast_recv, ==, cases[i].recv);
        if (cases[i].answered)
            g_assert_cmpstr(g_array_index(section->rids, SdpRid, 1).params, ==, cases[i].answered);
    }
}

/* Three layers are taken, however many are offered; one is none. */
static void test_simulcast_count(void)
{
    g_autofree char *text = fixture_text("chromium-simulcast.txt");
    g_autofree char *more =
        fixture_replace(text, "a=rid:h send", "a=rid:h send\r\na=rid:x send\r\na=rid:y send");
    g_autofree char *five = fixture_replace(more, "send l;m;h", "send l;m;h;x;y");
    g_autofree char *one = fixture_replace(text, "send l;m;h", "send l");
    NegotiateConfig config = fixture_config();
    config.simulcast = TRUE;
    g_autoptr(SdpSession) offer = fixture_parse_text(five);
    g_autoptr(Negotiated) negotiated = fixture_negotiate(offer, &config);
    g_autoptr(SdpSession) answer = fixture_answer(negotiated, offer);
    g_assert_cmpstr(fixture_media(answer, 0)->simulcast_recv, ==, "l;m;h");
    g_autoptr(SdpSession) single = fixture_parse_text(one);
    g_autoptr(Negotiated) plain = fixture_negotiate(single, &config);
    g_assert_false(fixture_negotiated(plain, 0)->simulcast);
    g_autoptr(SdpSession) plainly = fixture_answer(plain, single);
    g_assert_null(fixture_media(plainly, 0)->simulcast_recv);
}

/* Simulcast as Chromium's offers of before 2019 tell of it, and munged ones still do. */
static void test_simulcast_by_ssrc(void)
{
    g_autofree char *text = fixture_text("chromium-local-after.txt");
    g_autofree char *changed =
        fixture_replace(text, "a=ssrc-group:FID 1210705886 1546434713",
                        "a=ssrc-group:SIM 1210705886 3000000001 3000000002\r\n"
                        "a=ssrc-group:FID 1210705886 1546434713\r\n"
                        "a=ssrc-group:FID 3000000001 4000000001\r\n"
                        "a=ssrc-group:FID 3000000002 4000000002\r\n"
                        "a=ssrc:3000000001 cname:pb3lCll6EXHpJ+3t\r\n"
                        "a=ssrc:3000000002 cname:pb3lCll6EXHpJ+3t\r\n"
                        "a=ssrc:4000000001 cname:pb3lCll6EXHpJ+3t\r\n"
                        "a=ssrc:4000000002 cname:pb3lCll6EXHpJ+3t");
    g_autoptr(SdpSession) offer = fixture_parse_text(changed);
    NegotiateConfig config = fixture_config();
    config.simulcast = TRUE;
    g_autoptr(Negotiated) negotiated = fixture_negotiate(offer, &config);
    const NegotiatedMedia *video = fixture_negotiated(negotiated, 1);
    g_assert_true(video->simulcast);
    g_assert_cmpuint(video->sources->len, ==, 3);
    g_assert_cmpuint(source_at(video, 0)->ssrc, ==, 1210705886);
    g_assert_cmpuint(source_at(video, 0)->rtx_ssrc, ==, 1546434713);
    g_assert_cmpuint(source_at(video, 2)->ssrc, ==, 3000000002);
    g_assert_cmpuint(source_at(video, 2)->rtx_ssrc, ==, 4000000002);
    g_autoptr(SdpSession) answer = fixture_answer(negotiated, offer);
    g_assert_null(fixture_media(answer, 1)->simulcast_recv);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/negotiate-simulcast/offer", test_simulcast);
    g_test_add_func("/negotiate-simulcast/not-wanted", test_simulcast_not_wanted);
    g_test_add_func("/negotiate-simulcast/alternatives", test_simulcast_alternatives);
    g_test_add_func("/negotiate-simulcast/restrictions", test_simulcast_restrictions);
    g_test_add_func("/negotiate-simulcast/count", test_simulcast_count);
    g_test_add_func("/negotiate-simulcast/by-ssrc", test_simulcast_by_ssrc);
    return g_test_run();
}
