#include "api/auth.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "api/rate_limit.h"
#include "api/token.h"
#include "base/clock.h"
#include "base/error.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define NOW    G_GINT64_CONSTANT(1800000000)
#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

static Auth *make(const char *secret, const char *origins)
{
    g_autoptr(Config) config = config_new();
    g_autofree char *a = g_strconcat("auth.secret=", secret, NULL);
    g_autofree char *b = g_strconcat("http.cors_origins=", origins, NULL);
    g_assert_true(config_set(config, a, NULL));
    g_assert_true(config_set(config, b, NULL));
    return auth_new(config, NULL);
}

/* --- tokens made by hand ----------------------------------------------------------------- */

static char *base64url(const void *data, gsize size)
{
    g_autofree char *text = g_base64_encode(data, size);
    GString *out = g_string_new(NULL);
    for (const char *p = text; *p && *p != '='; p++)
        g_string_append_c(out, *p == '+' ? '-' : *p == '/' ? '_' : *p);
    return g_string_free(out, FALSE);
}

static char *sign_with(const char *secret, GChecksumType type, const char *header,
                       const char *payload)
{
    guint8 digest[64];
    gsize size = sizeof digest;
    g_autofree char *a = base64url(header, strlen(header));
    g_autofree char *b = base64url(payload, strlen(payload));
    g_autofree char *text = g_strconcat(a, ".", b, NULL);
    GHmac *hmac = g_hmac_new(type, (const guchar *)secret, strlen(secret));
    g_hmac_update(hmac, (const guchar *)text, -1);
    g_hmac_get_digest(hmac, digest, &size);
    g_hmac_unref(hmac);
    g_autofree char *c = base64url(digest, size);
    return g_strconcat(text, ".", c, NULL);
}

static char *claims_json(gint64 expires_s, const char *more)
{
    return g_strdup_printf(
        "{\"room\":\"demo\",\"grants\":[\"publish\",\"view\"],\"exp\":%" G_GINT64_FORMAT "%s}",
        expires_s, more);
}

/* The check fails with these words and says nothing of what is in the token. */
static void expect_refused(const char *token, const char *words)
{
    g_autoptr(Auth) auth = make(SECRET, "");
    g_autoptr(GError) error = NULL;
    AuthClaims claims;
    g_assert_false(auth_check(auth, token, NOW, &claims, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAUTHORIZED);
    if (!strstr(error->message, words))
        g_error("\"%s\" has not \"%s\"", error->message, words);
    g_assert_null(strstr(error->message, "demo"));
    g_assert_null(strstr(error->message, "Eve"));
    g_assert_null(claims.room);
    g_assert_null(claims.role);
    g_assert_null(claims.name);
    g_assert_cmpuint(claims.grants, ==, 0);
}

static void expect_payload_refused(const char *payload, const char *words)
{
    g_autofree char *token = sign_with(SECRET, G_CHECKSUM_SHA256, HEADER, payload);
    expect_refused(token, words);
}

static gboolean is_good(const char *token)
{
    g_autoptr(Auth) auth = make(SECRET, "");
    g_auto(AuthClaims) claims = { 0 };
    return auth_check(auth, token, NOW, &claims, NULL);
}

static gboolean is_good_payload(const char *payload)
{
    g_autofree char *token = sign_with(SECRET, G_CHECKSUM_SHA256, HEADER, payload);
    return is_good(token);
}

static void test_good(void)
{
    g_autoptr(Auth) auth = make(SECRET, "");
    g_autoptr(GError) error = NULL;
    g_auto(AuthClaims) claims = { 0 };
    g_autofree char *payload =
        claims_json(NOW + 60, ",\"role\":\"teacher\",\"name\":\"Ada \xc3\x9f\",\"nbf\":1,\"x\":[]");
    g_autofree char *token = sign_with(SECRET, G_CHECKSUM_SHA256, HEADER, payload);
    auth_check(auth, token, NOW, &claims, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(claims.room, ==, "demo");
    g_assert_cmpstr(claims.role, ==, "teacher");
    g_assert_cmpstr(claims.name, ==, "Ada \xc3\x9f");
    g_assert_cmpuint(claims.grants, ==, AUTH_PUBLISH | AUTH_VIEW);
    g_assert_cmpint(claims.expires_s, ==, NOW + 60);
}

/* The example of RFC 7515 appendix A.1 passes the signature, and has no room. */
static void test_rfc_vector(void)
{
    gsize size;
    g_autofree guint8 *key = g_base64_decode(
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ+EstJQLr/T+1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow==",
        &size);
    TokenRules rules = { key, size, 3600, 60 };
    const char *token =
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
        "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    g_autoptr(GError) error = NULL, late = NULL;
    AuthClaims claims;
    g_assert_false(token_verify(&rules, token, 1300819000, &claims, &error));
    g_assert_nonnull(strstr(error->message, "The token's room"));
    g_assert_false(token_verify(&rules, token, 1300819380, &claims, &late));
    g_assert_nonnull(strstr(late->message, "expired"));
}

static void test_algorithm(void)
{
    static const char *const headers[] = {
        "{\"alg\":\"none\"}",
        "{\"alg\":\"None\"}",
        "{\"alg\":\"\"}",
        "{\"alg\":\"hs256\"}",
        "{\"alg\":\"HS512\"}",
        "{\"alg\":\"RS256\"}",
        "{\"alg\":[\"HS256\"]}",
        "{\"alg\":\"HS256\\u0000\"}",
        "{\"alg\":\"HS256\",\"alg\":\"none\"}",
        "{\"alg\":null}",
        "{}",
        "[]",
        "\"HS256\"",
        "",
        "{\"alg\":\"HS256\",\"typ\":\"JWE\"}",
        "{\"alg\":\"HS256\",\"typ\":1}",
        "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}",
    };
    g_autofree char *payload = claims_json(NOW + 60, "");
    for (guint i = 0; i < G_N_ELEMENTS(headers); i++) {
        g_autofree char *token = sign_with(SECRET, G_CHECKSUM_SHA256, headers[i], payload);
        expect_refused(token, "must be signed with HS256");
    }
    g_autofree char *sha512 = sign_with(SECRET, G_CHECKSUM_SHA512, HEADER, payload);
    expect_refused(sha512, "signature is wrong");
    /* What names a key is not looked at. */
    g_autofree char *keys =
        sign_with(SECRET, G_CHECKSUM_SHA256,
                  "{\"kid\":\"../../dev/null\",\"jku\":\"http://evil/\",\"x5u\":1,\"jwk\":{},"
                  "\"alg\":\"HS256\"}",
                  payload);
    g_assert_true(is_good(keys));
}

static void test_unsigned(void)
{
    g_autofree char *payload = claims_json(NOW + 60, "");
    g_autofree char *good = sign_with(SECRET, G_CHECKSUM_SHA256, HEADER, payload);
    g_autofree char *cut = g_strndup(good, (gsize)(strrchr(good, '.') - good));
    g_autofree char *empty = g_strconcat(cut, ".", NULL);
    g_autofree char *other = sign_with(SECRET "x", G_CHECKSUM_SHA256, HEADER, payload);
    g_autofree char *no_key = sign_with("", G_CHECKSUM_SHA256, HEADER, payload);
    g_autofree char *four = g_strconcat(good, ".x", NULL);
    g_assert_true(is_good(good));
    expect_refused(NULL, "A token is needed");
    expect_refused("", "A token is needed");
    expect_refused(SECRET, "three parts");
    expect_refused(cut, "three parts");
    expect_refused(four, "three parts");
    expect_refused(empty, "signature is wrong");
    expect_refused(other, "signature is wrong");
    expect_refused(no_key, "signature is wrong");
    expect_refused("..", "HS256");
}

/* Every prefix, and every change of a byte, is refused; so is every other spelling. */
static void test_tampered(void)
{
    g_autofree char *payload = claims_json(NOW + 60, "");
    g_autofree char *good = sign_with(SECRET, G_CHECKSUM_SHA256, HEADER, payload);
    gsize length = strlen(good);
    for (gsize i = 0; i < length; i++) {
        g_autofree char *prefix = g_strndup(good, i);
        g_autofree char *changed = g_strdup(good);
        changed[i] = good[i] == 'A' ? 'B' : 'A';
        g_assert_false(is_good(prefix));
        g_assert_false(is_good(changed));
    }
    static const char *const tails[] = { "=", "A", " ", "\n", "%3D" };
    for (guint i = 0; i < G_N_ELEMENTS(tails); i++) {
        g_autofree char *longer = g_strconcat(good, tails[i], NULL);
        g_assert_false(is_good(longer));
    }
    /* The last of 43 characters has two bits that say nothing: one spelling only. */
    g_autofree char *spelled = g_strdup(good);
    spelled[length - 1]++;
    g_assert_false(is_good(spelled));
}

static void test_too_long(void)
{
    g_autofree char *filler = g_strnfill(TOKEN_MAX_SIZE, 'x');
    g_autofree char *more = g_strconcat(",\"x\":\"", filler, "\"", NULL);
    g_autofree char *payload = claims_json(NOW + 60, more);
    expect_payload_refused(payload, "too long");
}

static void expect_times(gint64 expires_s, const char *more, const char *words)
{
    g_autofree char *payload = claims_json(expires_s, more);
    if (words)
        expect_payload_refused(payload, words);
    else
        g_assert_true(is_good_payload(payload));
}

static void test_times(void)
{
    const gint64 most = 720 * 3600;
    expect_times(NOW + 1, "", NULL);
    expect_times(NOW, "", "expired");
    expect_times(NOW - 1, "", "expired");
    expect_times(0, "", "expired");
    expect_times(-5, "", "not a number");
    expect_times(NOW + most, "", NULL);
    expect_times(NOW + most + 61, "", "auth.max_token_hours");
    expect_times(G_MAXINT64, "", "not a number");
    expect_times(NOW + 9, ",\"nbf\":1800000060,\"iat\":1800000060.5", NULL);
    expect_times(NOW + 9, ",\"nbf\":1800000061", "not valid yet");
    expect_times(NOW + 9, ",\"iat\":1800000061", "not valid yet");
    expect_times(NOW + 9, ",\"nbf\":\"1\"", "not a number");
    expect_payload_refused("{\"room\":\"demo\",\"grants\":[\"view\"]}", "no exp");
    expect_payload_refused("{\"room\":\"demo\",\"grants\":[\"view\"],\"exp\":\"1800000009\"}",
                           "not a number");
    expect_payload_refused("{\"room\":\"demo\",\"grants\":[\"view\"],\"exp\":null}",
                           "not a number");
    expect_payload_refused("{\"room\":\"demo\",\"grants\":[\"view\"],\"exp\":1e300}",
                           "not a number");
}

static void test_claims_shape(void)
{
    static const struct {
        const char *payload, *words;
    } cases[] = {
        { "", "JSON object" },
        { "[]", "JSON object" },
        { "{\"exp\":1800000009,\"exp\":1800000008}", "JSON object" },
        { "{\"exp\":1800000009,\"room\":\"demo\"}", "grants" },
        { "{\"exp\":1800000009,\"room\":\"demo\",\"grants\":[]}", "grants" },
        { "{\"exp\":1800000009,\"room\":\"demo\",\"grants\":\"admin\"}", "grants" },
        { "{\"exp\":1800000009,\"room\":\"demo\",\"grants\":[\"root\"]}", "unknown grant" },
        { "{\"exp\":1800000009,\"room\":\"demo\",\"grants\":[\"view\",1]}", "unknown grant" },
        { "{\"exp\":1800000009,\"grants\":[\"view\"]}", "room" },
        { "{\"exp\":1800000009,\"room\":\"\",\"grants\":[\"view\"]}", "room" },
        { "{\"exp\":1800000009,\"room\":\"a/b\",\"grants\":[\"view\"]}", "room" },
        { "{\"exp\":1800000009,\"room\":\"**\",\"grants\":[\"view\"]}", "room" },
        { "{\"exp\":1800000009,\"room\":[\"demo\"],\"grants\":[\"view\"]}", "room" },
        { "{\"exp\":1800000009,\"room\":\"demo\",\"role\":\"a b\",\"grants\":[\"view\"]}", "role" },
        { "{\"exp\":1800000009,\"room\":\"demo\",\"role\":7,\"grants\":[\"view\"]}", "role" },
        { "{\"exp\":1800000009,\"room\":\"demo\",\"name\":\"  \",\"grants\":[\"view\"]}", "name" },
        { "{\"exp\":1800000009,\"room\":\"demo\",\"name\":{},\"grants\":[\"view\"]}", "name" },
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
        expect_payload_refused(cases[i].payload, cases[i].words);
    g_autofree char *name = g_strnfill(65, 'E');
    g_autofree char *more = g_strconcat(",\"name\":\"", name, "\"", NULL);
    g_autofree char *payload = claims_json(NOW + 9, more);
    expect_payload_refused(payload, "name");
}

static void test_sign(void)
{
    static const AuthGrant grants[] = { AUTH_PUBLISH, AUTH_VIEW, AUTH_CONTROL, AUTH_RECORD,
                                        AUTH_ADMIN };
    g_autoptr(Auth) auth = make(SECRET, "");
    for (guint i = 0; i < G_N_ELEMENTS(grants); i++) {
        AuthClaims wanted = { .room = (char *)"*", .grants = grants[i], .expires_s = NOW + 3600 };
        g_auto(AuthClaims) claims = { 0 };
        g_auto(GStrv) names = auth_grant_names(grants[i]);
        g_autofree char *token = auth_sign(auth, &wanted, NOW);
        g_assert_true(auth_check(auth, token, NOW, &claims, NULL));
        g_assert_cmpuint(claims.grants, ==, grants[i]);
        g_assert_cmpstr(claims.room, ==, "*");
        g_assert_cmpuint(g_strv_length(names), ==, 1);
        g_assert_cmpuint(auth_grant_from_string(names[0]), ==, grants[i]);
    }
    AuthClaims broken = { .room = (char *)"a", .name = (char *)"\xff", .expires_s = NOW + 9 };
    g_assert_null(auth_sign(auth, &broken, NOW));
    g_assert_cmpuint(auth_grant_from_string("everything"), ==, 0);
}

/* --- what claims allow ------------------------------------------------------------------- */

static void test_allow(void)
{
    AuthClaims one = { .room = (char *)"demo", .grants = AUTH_VIEW | AUTH_CONTROL };
    AuthClaims all = { .room = (char *)"*", .grants = AUTH_VIEW };
    AuthClaims chief = { .room = (char *)"demo", .grants = AUTH_ADMIN };
    AuthClaims nobody = { 0 };
    g_assert_true(auth_claims_allow(&one, "demo", AUTH_VIEW));
    g_assert_true(auth_claims_allow(&one, "demo", AUTH_VIEW | AUTH_CONTROL));
    g_assert_true(auth_claims_allow(&one, "demo", 0));
    g_assert_false(auth_claims_allow(&one, "demo", AUTH_PUBLISH));
    g_assert_false(auth_claims_allow(&one, "demo", AUTH_VIEW | AUTH_PUBLISH));
    g_assert_false(auth_claims_allow(&one, "demo2", AUTH_VIEW));
    g_assert_false(auth_claims_allow(&one, "Demo", AUTH_VIEW));
    g_assert_false(auth_claims_allow(&one, "*", AUTH_VIEW));
    g_assert_false(auth_claims_allow(&one, NULL, AUTH_VIEW));
    g_assert_true(auth_claims_allow(&all, "demo", AUTH_VIEW));
    g_assert_true(auth_claims_allow(&all, NULL, AUTH_VIEW));
    g_assert_false(auth_claims_allow(&all, NULL, AUTH_ADMIN));
    g_assert_true(auth_claims_allow(&chief, "demo", AUTH_ALL));
    g_assert_false(auth_claims_allow(&chief, NULL, AUTH_ADMIN));
    g_assert_false(auth_claims_allow(&nobody, "demo", 0));
}

static void test_off(void)
{
    g_autoptr(Auth) auth = make("", "");
    g_auto(AuthClaims) claims = { 0 };
    g_assert_false(auth_is_on(auth));
    g_assert_true(auth_check(auth, "anything", NOW, &claims, NULL));
    g_assert_true(auth_claims_allow(&claims, "demo", AUTH_ALL));
    g_assert_true(auth_claims_allow(&claims, NULL, AUTH_ALL));
    g_assert_null(auth_sign(auth, &claims, NOW));
}

/* --- the secret -------------------------------------------------------------------------- */

static void expect_secret(const char *value, const char *file, const char *words)
{
    g_autoptr(Config) config = config_new();
    g_autoptr(GError) error = NULL;
    g_autofree char *a = g_strconcat("auth.secret=", value, NULL);
    g_autofree char *b = g_strconcat("auth.secret_file=", file, NULL);
    g_assert_true(config_set(config, a, NULL));
    g_assert_true(config_set(config, b, NULL));
    g_autoptr(Auth) auth = auth_new(config, &error);
    g_assert_cmpint(auth == NULL, ==, words != NULL);
    if (!words)
        return;
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID);
    g_assert_nonnull(strstr(error->message, words));
    g_assert_null(strstr(error->message, "short secret"));
}

static void test_secret(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = NULL;
    g_autofree char *payload = claims_json(NOW + 60, "");
    g_autofree char *token = sign_with(SECRET, G_CHECKSUM_SHA256, HEADER, payload);
    close(g_file_open_tmp("tessera-secret-XXXXXX", &path, &error));
    g_assert_no_error(error);
    g_assert_true(g_file_set_contents(path, SECRET "\r\n\n", -1, NULL));
    expect_secret("", "", NULL);
    expect_secret(SECRET, "", NULL);
    expect_secret("", path, NULL);
    expect_secret(SECRET, path, "exclude each other");
    expect_secret("short secret", "", "openssl rand -hex 32");
    expect_secret("", "/nowhere/at/all", "auth.secret_file cannot be read");

    g_autoptr(Config) config = config_new();
    g_autofree char *setting = g_strconcat("auth.secret_file=", path, NULL);
    g_auto(AuthClaims) claims = { 0 };
    g_assert_true(config_set(config, setting, NULL));
    g_autoptr(Auth) auth = auth_new(config, NULL);
    g_assert_true(auth_check(auth, token, NOW, &claims, NULL));

    g_assert_true(g_file_set_contents(path, "short secret\n", -1, NULL));
    expect_secret("", path, "at least 32 characters");
    g_assert_true(g_file_set_contents(path, "\n", -1, NULL));
    expect_secret("", path, "at least 32 characters");
    g_unlink(path);
}

/* --- requests ---------------------------------------------------------------------------- */

static HttpRequest *request_with(HttpHeader header, const char *value)
{
    HttpRequest *request = http_request_new();
    request->headers[HTTP_HEADER_HOST] = g_strdup("rooms.example:8443");
    request->headers[header] = g_strdup(value);
    return request;
}

static void expect_token(const char *value, HttpMethod method, const char *arg,
                         const char *expected)
{
    g_autoptr(HttpRequest) request = request_with(HTTP_HEADER_AUTHORIZATION, value);
    request->method = method;
    request->args = g_new0(char *, 2);
    request->args[0] = g_strdup(arg);
    g_assert_cmpstr(auth_request_token(request), ==, expected);
}

static void test_request_token(void)
{
    expect_token("Bearer sesame", HTTP_POST, NULL, "sesame");
    expect_token("bearer  sesame", HTTP_GET, NULL, "sesame");
    expect_token("Basic sesame", HTTP_POST, NULL, NULL);
    expect_token("sesame", HTTP_POST, NULL, NULL);
    expect_token("", HTTP_GET, "access_token=sesame", "sesame");
    expect_token("", HTTP_POST, "access_token=sesame", NULL);
    expect_token("Bearer open", HTTP_GET, "access_token=sesame", "open");
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

/* Who has a network of IPv6 has as many addresses as they like. */
static void test_table_of_networks(void)
{
    g_autoptr(RateTable) table = rate_table_new(1, 1);
    g_assert_true(rate_table_take(table, "2001:db8:0:1::1", NS_PER_SEC));
    g_assert_false(rate_table_has(table, "2001:db8:0:1::2", NS_PER_SEC));
    g_assert_false(rate_table_take(table, "2001:db8:0:1:2:3:4:5", NS_PER_SEC));
    g_assert_true(rate_table_take(table, "2001:db8:0:2::1", NS_PER_SEC));
    g_assert_true(rate_table_take(table, "192.0.2.1", NS_PER_SEC));
    g_assert_true(rate_table_take(table, "192.0.2.2", NS_PER_SEC));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/token/good", test_good);
    g_test_add_func("/token/rfc_vector", test_rfc_vector);
    g_test_add_func("/token/algorithm", test_algorithm);
    g_test_add_func("/token/unsigned", test_unsigned);
    g_test_add_func("/token/tampered", test_tampered);
    g_test_add_func("/token/too_long", test_too_long);
    g_test_add_func("/token/times", test_times);
    g_test_add_func("/token/claims_shape", test_claims_shape);
    g_test_add_func("/token/sign", test_sign);
    g_test_add_func("/auth/allow", test_allow);
    g_test_add_func("/auth/off", test_off);
    g_test_add_func("/auth/secret", test_secret);
    g_test_add_func("/auth/request_token", test_request_token);
    g_test_add_func("/auth/origin", test_origin);
    g_test_add_func("/rate_limit/bucket", test_bucket);
    g_test_add_func("/rate_limit/table", test_table_is_bounded);
    g_test_add_func("/rate_limit/networks", test_table_of_networks);
    return g_test_run();
}
