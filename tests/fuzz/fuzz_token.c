/* Tokens: the input as a token, and as the payload of a well signed one. */
#include <string.h>

#include "api/token.h"
#include "base/error.h"

#define NOW G_GINT64_CONSTANT(1800000000)

static const guint8 secret[] = "0123456789abcdef0123456789abcdef";
static const TokenRules rules = { secret, sizeof secret - 1, 720 * 3600, 60 };

static char *base64url(const void *data, gsize size)
{
    char *text = g_base64_encode(data, size);
    text[strcspn(text, "=")] = '\0';
    return g_strdelimit(g_strdelimit(text, "+", '-'), "/", '_');
}

static char *sign(const guint8 *payload, gsize payload_size)
{
    guint8 digest[32];
    gsize size = sizeof digest;
    g_autofree char *body = base64url(payload, payload_size);
    g_autofree char *text = g_strconcat("eyJhbGciOiJIUzI1NiJ9.", body, NULL);
    GHmac *hmac = g_hmac_new(G_CHECKSUM_SHA256, secret, sizeof secret - 1);
    g_hmac_update(hmac, (const guchar *)text, -1);
    g_hmac_get_digest(hmac, digest, &size);
    g_hmac_unref(hmac);
    g_autofree char *signature = base64url(digest, size);
    return g_strconcat(text, ".", signature, NULL);
}

static void check(const char *token)
{
    g_autoptr(GError) error = NULL;
    g_auto(AuthClaims) claims = { 0 };
    gboolean ok = token_verify(&rules, token, NOW, &claims, &error);
    g_assert_true(ok != (error != NULL));
    g_assert_true(ok == (claims.room != NULL));
    if (!ok)
        return;
    g_assert_true(claims.grants && !(claims.grants & ~AUTH_ALL));
    g_assert_cmpint(claims.expires_s, >, NOW);

    /* What we would sign from it is good and says the same. */
    g_auto(AuthClaims) again = { 0 };
    g_autofree char *own = token_sign(&rules, &claims, NOW);
    if (!own || strlen(own) > TOKEN_MAX_SIZE)
        return;
    g_assert_true(token_verify(&rules, own, NOW, &again, NULL));
    g_assert_cmpstr(again.room, ==, claims.room);
    g_assert_cmpstr(again.name, ==, claims.name);
    g_assert_cmpstr(again.role, ==, claims.role);
    g_assert_cmpuint(again.grants, ==, claims.grants);
}

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);
int LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
    g_autofree char *token = g_strndup((const char *)data, size);
    g_autofree char *made = sign(data, size);
    check(token);
    check(made);
    return 0;
}
