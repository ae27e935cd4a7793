#include "io/media_url.h"

#include <string.h>

#include "base/error.h"

static MediaUrl *parse(const char *text, MediaUrlUse use)
{
    g_autoptr(GError) error = NULL;
    MediaUrl *url = media_url_parse(text, use, &error);
    g_assert_no_error(error);
    g_assert_nonnull(url);
    return url;
}

static void test_parts(void)
{
    g_autoptr(MediaUrl) url =
        parse("RTMPS://user:p%40ss@Live.Example:8443/app/key?a=b", MEDIA_URL_PUSH);
    g_assert_cmpstr(url->scheme, ==, "rtmps");
    g_assert_cmpstr(url->user, ==, "user");
    g_assert_cmpstr(url->password, ==, "p%40ss");
    g_assert_cmpstr(url->host, ==, "live.example");
    g_assert_cmpuint(url->port, ==, 8443);
    g_assert_cmpstr(url->path, ==, "/app/key");
    g_assert_cmpstr(url->query, ==, "a=b");
    g_assert_true(url->is_tls);
}

static void test_default_ports(void)
{
    static const struct {
        const char *text;
        guint16 port;
    } cases[] = { { "rtmp://h/a/b", 1935 },
                  { "rtmps://h/a/b", 443 },
                  { "rtsp://h/a", 554 },
                  { "http://h", 80 },
                  { "https://h/x.m3u8", 443 },
                  { "srt://h:9000", 9000 },
                  { "rtmp://[2001:db8::1]/a/b", 1935 },
                  { "http://[::1]:81/a", 81 } };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(MediaUrl) url = parse(cases[i].text, MEDIA_URL_PULL);
        g_assert_cmpuint(url->port, ==, cases[i].port);
    }
}

static void test_refused(void)
{
    static const char *const texts[] = {
        "",
        "rtmp",
        "rtmp:/h/a/b",
        "://h/a",
        "rtmp:///a/b",
        "file:///etc/passwd",
        "http://h/a",
        "tcp://h:1",
        "concat:a|b",
        "rtmp://h:0/a/b",
        "rtmp://h:65536/a/b",
        "rtmp://h:x/a/b",
        "rtmp://h:/a/b",
        "rtmp://h /a/b",
        "rtmp://h/a/b c",
        "rtmp://h/a/b\r\nX: y",
        "rtmp://h/a/\x7f",
        "rtmp://h\xc3\xa4/a/b",
        "rtmp://-h/a/b",
        "rtmp://[::1/a/b",
        "rtmp://[h]/a/b",
        "rtmp://[::1]x/a/b",
        "rtmp://::1/a/b",
        "rtmp://[fe80::1%25eth0]/a/b",
        "srt://h",
        "srt://h/x",
        "srt://h:1?mode=listener",
        "srt://h:1/x?latency=100&mode=rendezvous",
        "srt://h:1?mode=%6cistener",
        "rtmp://h%41/a/b",
        "rtmp://a@b@/c/d",
        "rtmp://h\\x/a/b",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MediaUrl) url = media_url_parse(texts[i], MEDIA_URL_PUSH, &error);
        if (url)
            g_test_message("taken: %s", texts[i]);
        g_assert_null(url);
        g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID);
    }
}

/* Neither for pushing nor for pulling does the server open a port. */
static void test_srt_mode(void)
{
    static const MediaUrlUse uses[] = { MEDIA_URL_PUSH, MEDIA_URL_PULL };
    for (gsize i = 0; i < G_N_ELEMENTS(uses); i++) {
        g_autoptr(GError) error = NULL;
        media_url_free(parse("srt://h:1?mode=caller", uses[i]));
        g_assert_null(media_url_parse("srt://h:1?mode=listener", uses[i], &error));
        g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID);
        g_assert_nonnull(strstr(error->message, "mode=caller"));
    }
    media_url_free(parse("http://h/a?mode=listener", MEDIA_URL_PULL));
}

static void test_too_long(void)
{
    g_autofree char *key = g_strnfill(MEDIA_URL_MAX_LENGTH, 'k');
    g_autofree char *text = g_strdup_printf("rtmp://h/a/%s", key);
    g_autoptr(GError) error = NULL;
    g_assert_null(media_url_parse(text, MEDIA_URL_PUSH, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID);
    g_assert_null(strstr(error->message, "kkk"));
}

static void test_rtmp_split(void)
{
    static const struct {
        const char *text, *app, *name;
    } cases[] = {
        { "rtmp://h/a/b", "a", "b" },
        { "rtmp://h/a/b/c", "a/b", "c" },
        { "rtmp://h/live2/k?x=1&y=a/b", "live2", "k?x=1&y=a/b" },
        { "rtmp://h/app?t=1/name", "app?t=1", "name" },
        { "rtmps://h:443/rtmp/FB-1-0-Ab?s_bl=1", "rtmp", "FB-1-0-Ab?s_bl=1" },
        { "rtmp://h/a", NULL, NULL },
        { "rtmp://h/a/", NULL, NULL },
        { "rtmp://h//b", NULL, NULL },
        { "rtmp://h", NULL, NULL },
        { "rtmp://h?x=1", NULL, NULL },
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(MediaUrl) url = parse(cases[i].text, MEDIA_URL_PUSH);
        g_autofree char *app = NULL, *name = NULL;
        g_autoptr(GError) error = NULL;
        g_assert_cmpint(media_url_split_rtmp(url, &app, &name, &error), ==, cases[i].app != NULL);
        g_assert_cmpint(error != NULL, ==, cases[i].app == NULL);
        g_assert_cmpstr(app, ==, cases[i].app);
        g_assert_cmpstr(name, ==, cases[i].name);
    }
}

static void test_query_value(void)
{
    g_autoptr(MediaUrl) url =
        parse("srt://h:1?mode=caller&streamid=#!::r=live%2Fa,m=publish", MEDIA_URL_PUSH);
    g_autofree char *id = media_url_query_value(url, "streamid");
    g_assert_cmpstr(id, ==, "#!::r=live/a,m=publish");
    g_assert_null(media_url_query_value(url, "stream"));
    g_assert_null(media_url_query_value(url, "passphrase"));
}

static void test_redact(void)
{
    static const struct {
        const char *text, *shown;
    } cases[] = {
        { "rtmp://a.example/live/s3cret", "rtmp://a.example/live/****" },
        { "rtmp://a.example:1936/live/s3cret?t=s3cret", "rtmp://a.example:1936/live/****" },
        { "rtmp://s3cret:s3cret@a.example/live/s3cret", "rtmp://****@a.example/live/****" },
        { "rtmps://a.example/app/s3cret/s3cret", "rtmps://a.example/app/****" },
        { "rtmp://a.example/s3cret", "rtmp://a.example/****" },
        { "rtmp://a.example?s3cret", "rtmp://a.example/****" },
        { "srt://a.example:9?streamid=s3cret&passphrase=s3cret",
          "srt://a.example:9?streamid=****&passphrase=****" },
        { "https://u:s3cret@a.example/v/x.m3u8?sig=s3cret&s3cret",
          "https://****@a.example/v/x.m3u8?sig=****&****" },
        { "http://[2001:db8::1]:81/a", "http://[2001:db8::1]:81/a" },
        { "s3cret", "(an invalid address)" },
        { "rtmp://a.example/live/s3cret with space", "(an invalid address)" },
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *shown = media_url_redact(cases[i].text);
        g_assert_cmpstr(shown, ==, cases[i].shown);
    }
}

static gboolean allows(const MediaUrlPolicy *policy, const char *text)
{
    g_autoptr(GInetAddress) address = g_inet_address_new_from_string(text);
    g_assert_nonnull(address);
    return media_url_policy_allows(policy, address);
}

static void test_deny_list(void)
{
    static const char *const denied[] = {
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::1",
        "2001::1",
        "fc00::1",
        "fd12::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    };
    static const char *const allowed[] = { "8.8.8.8",         "1.1.1.1",      "172.15.0.1",
                                           "172.32.0.1",      "100.63.0.1",   "223.255.255.1",
                                           "2606:4700::1111", "2a00:1450::1", "2003::1" };
    for (gsize i = 0; i < G_N_ELEMENTS(denied); i++) {
        if (allows(NULL, denied[i]))
            g_test_message("allowed: %s", denied[i]);
        g_assert_false(allows(NULL, denied[i]));
    }
    for (gsize i = 0; i < G_N_ELEMENTS(allowed); i++)
        g_assert_true(allows(NULL, allowed[i]));
}

static void test_policies(void)
{
    g_autoptr(MediaUrlPolicy) all = media_url_policy_new(TRUE, NULL, NULL);
    g_assert_true(allows(all, "127.0.0.1"));
    g_assert_true(allows(all, "fd00::1"));
    g_assert_false(allows(all, "224.0.0.1"));
    g_assert_false(allows(all, "::"));

    g_autoptr(MediaUrlPolicy) some =
        media_url_policy_new(FALSE, "10.1.0.0/16, 192.168.7.7 fd00::/8", NULL);
    g_assert_true(allows(some, "10.1.255.1"));
    g_assert_false(allows(some, "10.2.0.1"));
    g_assert_true(allows(some, "192.168.7.7"));
    g_assert_false(allows(some, "192.168.7.8"));
    g_assert_true(allows(some, "fd00::5"));
    g_assert_false(allows(some, "::ffff:10.1.0.1"));

    g_autoptr(GError) error = NULL;
    g_assert_null(media_url_policy_new(FALSE, "10.1.0.0/99", &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID);
}

/* One bad address among good ones is enough: which one would be used is the name's choice. */
static void test_every_address_counts(void)
{
    g_autoptr(MediaUrl) url = parse("rtmp://both.example/a/b", MEDIA_URL_PUSH);
    g_autoptr(GInetAddress) good = g_inet_address_new_from_string("8.8.8.8");
    g_autoptr(GInetAddress) bad = g_inet_address_new_from_string("169.254.169.254");
    g_autoptr(GError) error = NULL;
    g_autoptr(GList) list = g_list_append(NULL, good);
    g_assert_true(media_url_check(url, NULL, list, &error));
    list = g_list_append(list, bad);
    g_assert_false(media_url_check(url, NULL, list, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_FORBIDDEN);
    g_assert_null(strstr(error->message, "169.254"));
}

static void test_literals(void)
{
    static const char *const denied[] = { "rtmp://127.0.0.1/a/b", "rtmp://[::1]/a/b",
                                          "rtmp://[::ffff:10.0.0.1]/a/b", "rtmp://0.0.0.0/a/b" };
    for (gsize i = 0; i < G_N_ELEMENTS(denied); i++) {
        g_autoptr(MediaUrl) url = parse(denied[i], MEDIA_URL_PUSH);
        g_autoptr(GError) error = NULL;
        g_assert_false(media_url_check_literal(url, NULL, &error));
        g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_FORBIDDEN);
    }
    g_autoptr(MediaUrl) name = parse("rtmp://localhost/a/b", MEDIA_URL_PUSH);
    g_assert_true(media_url_check_literal(name, NULL, NULL));
}

static gint resolve_code(const char *text)
{
    g_autoptr(MediaUrl) url = parse(text, MEDIA_URL_PUSH);
    g_autoptr(GError) error = NULL;
    g_assert_null(media_url_resolve(url, NULL, NULL, &error));
    g_assert_cmpint(error->domain, ==, TESSERA_ERROR);
    return error->code;
}

static void test_resolve(void)
{
    g_autoptr(MediaUrlPolicy) all = media_url_policy_new(TRUE, NULL, NULL);
    g_autoptr(MediaUrl) url = parse("rtmp://localhost:1936/a/b?c", MEDIA_URL_PUSH);
    g_autoptr(GError) error = NULL;
    GList *addresses = media_url_resolve(url, all, NULL, &error);
    g_assert_no_error(error);
    g_assert_nonnull(addresses);
    g_assert_true(g_inet_address_get_is_loopback(addresses->data));
    g_list_free_full(addresses, g_object_unref);

    g_assert_cmpint(resolve_code("rtmp://localhost/a/b"), ==, TESSERA_ERROR_FORBIDDEN);
    g_assert_cmpint(resolve_code("rtmp://127.0.0.1/a/b"), ==, TESSERA_ERROR_FORBIDDEN);
    /* inet_aton()'s other ways of writing 127.0.0.1: never reached, whoever reads them. */
    static const char *const odd[] = { "rtmp://127.1/a/b", "rtmp://2130706433/a/b",
                                       "rtmp://0x7f.0.0.1/a/b", "rtmp://0177.0.0.1/a/b" };
    for (gsize i = 0; i < G_N_ELEMENTS(odd); i++)
        resolve_code(odd[i]);
}

static void test_at_address(void)
{
    g_autoptr(MediaUrl) url = parse("rtmp://u:p@a.example:1936/a/b?c=d", MEDIA_URL_PUSH);
    g_autoptr(GInetAddress) v4 = g_inet_address_new_from_string("192.0.2.1");
    g_autoptr(GInetAddress) v6 = g_inet_address_new_from_string("2001:db8::1");
    g_autofree char *at_v4 = media_url_at(url, v4);
    g_autofree char *at_v6 = media_url_at(url, v6);
    g_assert_cmpstr(at_v4, ==, "rtmp://192.0.2.1:1936/a/b?c=d");
    g_assert_cmpstr(at_v6, ==, "rtmp://[2001:db8::1]:1936/a/b?c=d");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/media_url/parts", test_parts);
    g_test_add_func("/media_url/default_ports", test_default_ports);
    g_test_add_func("/media_url/refused", test_refused);
    g_test_add_func("/media_url/srt_mode", test_srt_mode);
    g_test_add_func("/media_url/too_long", test_too_long);
    g_test_add_func("/media_url/rtmp_split", test_rtmp_split);
    g_test_add_func("/media_url/query_value", test_query_value);
    g_test_add_func("/media_url/redact", test_redact);
    g_test_add_func("/media_url/deny_list", test_deny_list);
    g_test_add_func("/media_url/policies", test_policies);
    g_test_add_func("/media_url/every_address_counts", test_every_address_counts);
    g_test_add_func("/media_url/literals", test_literals);
    g_test_add_func("/media_url/resolve", test_resolve);
    g_test_add_func("/media_url/at_address", test_at_address);
    return g_test_run();
}
