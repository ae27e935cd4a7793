#include "api/auth.h"

#include <string.h>

#include "api/rate_limit.h"
#include "base/clock.h"

static Auth *make(const char *secret, const char *origins)
{
    g_autoptr(Config) config = config_new();
    g_autofree char *a = g_strconcat("auth.secret=", secret, NULL);
    g_autofree char *b = g_strconcat("http.cors_origins=", origins, NULL);
    g_assert_true(config_set(config, a, NULL));
    g_assert_true(config_set(config, b, NULL));
    return auth_new(config);
}

static HttpRequest *request_with(HttpHeader header, const char *value)
{
    HttpRequest *request = http_request_new();
    request->headers[HTTP_HEADER_HOST] = g_strdup("rooms.example:8443");
    request->headers[header] = g_strdup(value);
    return request;
}

static void test_token(void)
{
    g_autoptr(Auth) open = make("", "");
    g_autoptr(Auth) closed = make("sesame", "");
    g_autofree char *huge = g_strnfill(5000, 's');
    g_assert_true(auth_token_ok(open, NULL));
    g_assert_true(auth_token_ok(open, "anything"));
    g_assert_true(auth_token_ok(closed, "sesame"));
    g_assert_false(auth_token_ok(closed, NULL));
    g_assert_false(auth_token_ok(closed, ""));
    g_assert_false(auth_token_ok(closed, "sesam"));
    g_assert_false(auth_token_ok(closed, "sesame "));
    g_assert_false(auth_token_ok(closed, huge));
}

static void expect_header(const char *value, gboolean expected)
{
    g_autoptr(Auth) auth = make("sesame", "");
    g_autoptr(HttpRequest) request = request_with(HTTP_HEADER_AUTHORIZATION, value);
    g_assert_cmpint(auth_request_ok(auth, request), ==, expected);
}

static void test_header(void)
{
    expect_header("Bearer sesame", TRUE);
    expect_header("bearer sesame", TRUE);
    expect_header("Basic sesame", FALSE);
    expect_header("sesame", FALSE);
    expect_header("", FALSE);
}

static void expect_origin(const char *listed, const char *origin, gboolean websocket, gboolean cors)
{
    g_autoptr(Auth) auth = make("", listed);
    g_autoptr(HttpRequest) request = request_with(HTTP_HEADER_ORIGIN, origin);
    g_assert_cmpint(auth_websocket_ok(auth, request), ==, websocket);
    g_assert_cmpint(auth_cors_origin(auth, request) != NULL, ==, cors);
}

static void test_origin(void)
{
    expect_origin("", "", TRUE, FALSE);
    expect_origin("", "https://rooms.example:8443", TRUE, FALSE);
    expect_origin("", "https://rooms.example", FALSE, FALSE);
    expect_origin("", "https://evil.example", FALSE, FALSE);
    expect_origin("", "null", FALSE, FALSE);
    expect_origin("https://a.example, https://b.example", "https://b.example", TRUE, TRUE);
    expect_origin("https://a.example", "https://a.example.evil", FALSE, FALSE);
    expect_origin("*", "https://evil.example", TRUE, TRUE);
}

static void test_bucket(void)
{
    RateBucket bucket = { .per_second = 10, .burst = 3 };
    gint64 now = NS_PER_SEC;
    for (guint i = 0; i < 3; i++)
        g_assert_true(rate_bucket_take(&bucket, now));
    g_assert_false(rate_bucket_take(&bucket, now));
    g_assert_false(rate_bucket_take(&bucket, now + 90 * NS_PER_MS));
    g_assert_true(rate_bucket_take(&bucket, now + 101 * NS_PER_MS));
    g_assert_false(rate_bucket_take(&bucket, now)); /* a clock that goes back gives nothing */
}

static void test_table_is_bounded(void)
{
    g_autoptr(RateTable) table = rate_table_new(1, 2);
    for (guint i = 0; i < 3 * RATE_TABLE_MAX; i++) {
        g_autofree char *key = g_strdup_printf("10.%u", i);
        g_assert_true(rate_table_take(table, key, NS_PER_SEC));
        g_assert_cmpuint(rate_table_size(table), <=, RATE_TABLE_MAX);
    }
    g_assert_true(rate_table_take(table, "a", 2 * NS_PER_SEC));
    g_assert_true(rate_table_take(table, "a", 2 * NS_PER_SEC));
    g_assert_false(rate_table_take(table, "a", 2 * NS_PER_SEC));
    g_assert_false(rate_table_has(table, "a", 2 * NS_PER_SEC));
    g_assert_true(rate_table_has(table, "b", 2 * NS_PER_SEC));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/auth/token", test_token);
    g_test_add_func("/auth/header", test_header);
    g_test_add_func("/auth/origin", test_origin);
    g_test_add_func("/rate_limit/bucket", test_bucket);
    g_test_add_func("/rate_limit/table", test_table_is_bounded);
    return g_test_run();
}
