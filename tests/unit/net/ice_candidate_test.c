#include "base/error.h"
#include "net/ice_candidate.h"

#include <string.h>

static void test_usable(void)
{
    static const char *const texts[] = {
        "a=candidate:2 1 udp 2113937151 192.168.1.4 51000 typ host generation 0 network-id 1",
        "candidate:0 1 UDP 2122252543 192.168.1.4 40000 typ host",
        "candidate:4 1 udp 1677729535 203.0.113.5 51000 typ srflx raddr 192.168.1.4 rport 51000",
        "candidate:5 1 udp 41885439 203.0.113.9 3500 typ relay raddr 0.0.0.0 rport 0",
        "candidate:6 1 udp 2113937151 2001:db8::5 51000 typ host",
        "candidate:7 1 udp 2113937151 127.0.0.1 51000 typ host",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        NiceCandidate *candidate = NULL;
        g_assert_cmpint(ice_candidate_parse(texts[i], TRUE, &candidate), ==, ICE_CANDIDATE_USABLE);
        g_assert_cmpuint(candidate->component_id, ==, 1);
        g_assert_cmpuint(nice_address_get_port(&candidate->addr), >, 0);
        nice_candidate_free(candidate);
    }
}

static void test_unusable(void)
{
    static const char *const texts[] = {
        "",
        "a=end-of-candidates",
        "candidate:",
        "candidate:1 1 tcp 1518280447 192.168.1.4 9 typ host tcptype active",
        "candidate:1 2 udp 2113937150 192.168.1.4 51001 typ host",
        "candidate:1 1 udp 2113937151 0f3c1b2a-1111-4222-8333-444455556666.local 51000 typ host",
        "candidate:1 1 udp 0 192.168.1.4 51000 typ host",
        "candidate:1 1 udp 2113937151 192.168.1.4 0 typ host",
        "candidate:1 1 udp 2113937151 192.168.1.4 65536 typ host",
        "candidate:1 1 udp 2113937151 192.168.1.4 -1 typ host",
        "candidate:1 1 udp 2113937151 0.0.0.0 51000 typ host",
        "candidate:1 1 udp 2113937151 224.0.0.251 5353 typ host",
        "candidate:1 1 udp 2113937151 255.255.255.255 5353 typ host",
        "candidate:1 1 udp 2113937151 ff02::fb 5353 typ host",
        "candidate:1 1 udp 2113937151 fe80::1 5353 typ host",
        "candidate:1 1 udp 2113937151 ::ffff:10.0.0.1 5353 typ host",
        "candidate:1 1 udp 2113937151 :: 5353 typ host",
        "candidate:1 1 udp 2113937151 127.0.0.1 51000 typ host", /* not allowed below */
        "candidate:1 1 udp 2113937151 ::1 51000 typ host",
        "candidate:1 1 udp 2113937151 192.168.1.4 51000 typ prflx",
        "candidate:1 1 udp 2113937151 example.org 51000 typ host",
        "candidate:0123456789012345678901234567890123456789 1 udp 1 192.168.1.4 51000 typ host",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        NiceCandidate *candidate = NULL;
        g_assert_cmpint(ice_candidate_parse(texts[i], FALSE, &candidate), ==,
                        ICE_CANDIDATE_UNUSABLE);
        g_assert_null(candidate);
    }
}

static void test_malformed(void)
{
    static const char *const texts[] = {
        "x",
        "candidate",
        "candidate:1",
        "candidate:1 1 udp 2113937151 192.168.1.4 51000 typ",
        "candidate:1 1 udp 2113937151 192.168.1.4 51000 type host",
        "candidate:1 one udp 2113937151 192.168.1.4 51000 typ host",
        "candidate:1 1 udp 99999999999 192.168.1.4 51000 typ host",
        "candidate:1 1 udp 1 192.168.1.4 51000 typ host\r\na=evil",
        "candidate:1 1 udp 1 192.168.1.4 51000 typ host \xff",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        NiceCandidate *candidate = NULL;
        g_assert_cmpint(ice_candidate_parse(texts[i], TRUE, &candidate), ==,
                        ICE_CANDIDATE_MALFORMED);
    }
    g_autofree char *long_text = g_strnfill(ICE_CANDIDATE_MAX_TEXT + 100, 'x');
    memcpy(long_text, "candidate:", 10);
    NiceCandidate *candidate = NULL;
    g_assert_cmpint(ice_candidate_parse(long_text, TRUE, &candidate), ==, ICE_CANDIDATE_MALFORMED);
}

static void test_format(void)
{
    static const char *const texts[] = {
        "candidate:2 1 UDP 2113937151 192.168.1.4 51000 typ host",
        "candidate:2 1 UDP 2113937151 2001:db8::5 51000 typ host",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        NiceCandidate *candidate = NULL;
        g_assert_cmpint(ice_candidate_parse(texts[i], FALSE, &candidate), ==, ICE_CANDIDATE_USABLE);
        g_autofree char *again = ice_candidate_format(candidate, &candidate->addr);
        g_assert_cmpstr(again, ==, texts[i]);
        nice_candidate_free(candidate);
    }
}

static NiceAddress address(const char *text)
{
    NiceAddress result;
    nice_address_init(&result);
    g_assert_true(nice_address_set_from_string(&result, text));
    return result;
}

static void test_nat(void)
{
    IceNat any, one;
    g_assert_true(ice_nat_parse("203.0.113.7", &any, NULL));
    g_assert_true(ice_nat_parse("203.0.113.7/10.0.0.5", &one, NULL));
    NiceAddress inside = address("10.0.0.5"), other = address("10.0.0.6"),
                loopback = address("127.0.0.1"), v6 = address("2001:db8::1");
    g_assert_true(ice_nat_matches(&any, &inside));
    g_assert_true(ice_nat_matches(&any, &other));
    g_assert_false(ice_nat_matches(&any, &loopback));
    g_assert_false(ice_nat_matches(&any, &v6));
    g_assert_true(ice_nat_matches(&one, &inside));
    g_assert_false(ice_nat_matches(&one, &other));

    static const char *const bad[] = { "",
                                       "example.org",
                                       "203.0.113.7/",
                                       "/10.0.0.5",
                                       "203.0.113.7/10.0.0.5/1",
                                       "203.0.113.7/2001:db8::1" };
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(ice_nat_parse(bad[i], &any, &error));
        g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ice-candidate/usable", test_usable);
    g_test_add_func("/ice-candidate/unusable", test_unusable);
    g_test_add_func("/ice-candidate/malformed", test_malformed);
    g_test_add_func("/ice-candidate/format", test_format);
    g_test_add_func("/ice-candidate/nat", test_nat);
    return g_test_run();
}
