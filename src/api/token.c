#include "api/token.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "base/error.h"

#define DIGEST       32
#define MAX_NAME     64
#define MAX_ROOM     64
#define MAX_ROLE     32
#define MAX_TIME     1e12 /* seconds; what is later is no time */
#define HEADER_HS256 "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

/* What may be wrong with a token. Nothing of the token itself may stand in a message: it ends up in
 * logs and on screens. */
static gboolean refuse(GError **error, const char *message)
{
    g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_UNAUTHORIZED, message);
    return FALSE;
}

/* --- base64url (RFC 4648 section 5, RFC 7515 section 2: no padding) ------------------------ */

static char *base64url_encode(const void *data, gsize size)
{
    char *text = g_base64_encode(data, size);
    text[strcspn(text, "=")] = '\0';
    return g_strdelimit(g_strdelimit(text, "+", '-'), "/", '_');
}

/* (transfer full) NULL: another alphabet, padding, or left-over bits that are not zero, so that one
 * value has one spelling. */
static guint8 *base64url_decode(const char *text, gsize length, gsize *size)
{
    static const char *const paddings[] = { "", "", "==", "=" };
    g_autofree char *copy = g_strndup(text, length);
    if (strpbrk(copy, "+/=") || length % 4 == 1)
        return NULL;
    g_autofree char *padded = g_strconcat(copy, paddings[length % 4], NULL);
    g_strdelimit(g_strdelimit(padded, "-", '+'), "_", '/');
    g_autofree guint8 *data = g_base64_decode(padded, size);
    g_autofree char *again = base64url_encode(data, *size);
    return strcmp(again, copy) == 0 ? g_steal_pointer(&data) : NULL;
}

/* (transfer full) NULL: not base64url of a JSON object. */
static json_t *decode_object(const char *text, gsize length)
{
    gsize size = 0;
    g_autofree guint8 *data = base64url_decode(text, length, &size);
    json_t *json = data ? json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (!json || json_is_object(json))
        return json;
    json_decref(json);
    return NULL;
}

/* --- signature --------------------------------------------------------------------------- */

static gboolean sign(const TokenRules *rules, const char *text, gsize length, guint8 *digest)
{
    unsigned int size = DIGEST;
    return HMAC(EVP_sha256(), rules->secret, (int)rules->secret_size, (const guint8 *)text, length,
                digest, &size) != NULL;
}

/* "alg" is not a choice: only what names the one algorithm passes. kid, jku, x5u and the like name
 * keys, and are not looked at; "crit" asks for what we do not know. */
static gboolean header_ok(const char *text, gsize length)
{
    json_t *header = decode_object(text, length);
    const char *algorithm = json_string_value(json_object_get(header, "alg"));
    json_t *type = json_object_get(header, "typ");
    gboolean ok = g_strcmp0(algorithm, "HS256") == 0 && !json_object_get(header, "crit") &&
                  (!type || (json_is_string(type) &&
                             g_ascii_strcasecmp(json_string_value(type), "JWT") == 0));
    json_decref(header);
    return ok;
}

static gboolean signature_ok(const TokenRules *rules, const char *token, const char *dot)
{
    guint8 digest[DIGEST];
    gsize size = 0;
    g_autofree guint8 *given = base64url_decode(dot + 1, strlen(dot + 1), &size);
    return sign(rules, token, (gsize)(dot - token), digest) && given && size == DIGEST &&
           CRYPTO_memcmp(digest, given, DIGEST) == 0;
}

/* --- claims ------------------------------------------------------------------------------ */

static gboolean is_word(const char *text, gsize max)
{
    gsize n = 0;
    while (g_ascii_isalnum(text[n]) || text[n] == '_' || text[n] == '-')
        n++;
    return n >= 1 && n <= max && !text[n];
}

static gboolean is_name(const char *text)
{
    g_autofree char *trimmed = g_strstrip(g_strdup(text));
    glong n = g_utf8_strlen(trimmed, -1);
    return n >= 1 && n <= MAX_NAME;
}

/* FALSE: it is there, but is no time. *value is unchanged where it is absent. */
static gboolean read_time(json_t *payload, const char *key, gint64 *value)
{
    json_t *json = json_object_get(payload, key);
    double seconds = json_number_value(json);
    if (!json)
        return TRUE;
    if (!json_is_number(json) || !(seconds >= 0 && seconds <= MAX_TIME))
        return FALSE;
    *value = (gint64)seconds;
    return TRUE;
}

static gboolean read_times(const TokenRules *rules, json_t *payload, gint64 now_s,
                           AuthClaims *claims, GError **error)
{
    gint64 not_before = 0, issued = 0;
    claims->expires_s = -1;
    if (!read_time(payload, "exp", &claims->expires_s) || !read_time(payload, "nbf", &not_before) ||
        !read_time(payload, "iat", &issued))
        return refuse(error, "The token's exp, nbf or iat is not a number of seconds since 1970.");
    if (claims->expires_s < 0)
        return refuse(error, "The token has no exp (when it expires); this server takes none that "
                             "are valid for ever.");
    if (now_s >= claims->expires_s)
        return refuse(error, "The token has expired; ask for a new one.");
    if (claims->expires_s - now_s > rules->max_seconds + rules->leeway_seconds)
        return refuse(error, "The token is valid for longer than auth.max_token_hours allows.");
    if (MAX(not_before, issued) > now_s + rules->leeway_seconds)
        return refuse(error, "The token is not valid yet; are the clocks right?");
    return TRUE;
}

/* A text that may be absent. FALSE: it is there, but is no text. */
static gboolean read_text(json_t *payload, const char *key, char **text)
{
    json_t *json = json_object_get(payload, key);
    *text = g_strdup(json_string_value(json));
    return !json || json_is_string(json);
}

static gboolean read_texts(json_t *payload, AuthClaims *claims, GError **error)
{
    if (!read_text(payload, "room", &claims->room) || !claims->room ||
        (strcmp(claims->room, "*") != 0 && !is_word(claims->room, MAX_ROOM)))
        return refuse(error,
                      "The token's room must be a room's name of up to 64 letters, digits, _ "
                      "and -, or * for all rooms.");
    if (!read_text(payload, "role", &claims->role) ||
        (claims->role && !is_word(claims->role, MAX_ROLE)))
        return refuse(error, "The token's role must have 1 to 32 letters, digits, _ or -.");
    if (!read_text(payload, "name", &claims->name) || (claims->name && !is_name(claims->name)))
        return refuse(error, "The token's name must have 1 to 64 characters.");
    return TRUE;
}

static gboolean read_grants(json_t *payload, AuthClaims *claims, GError **error)
{
    json_t *grants = json_object_get(payload, "grants"), *grant;
    size_t i;
    claims->grants = 0;
    json_array_foreach(grants, i, grant)
    {
        const char *name = json_string_value(grant);
        guint bit = name ? auth_grant_from_string(name) : 0;
        if (!bit)
            return refuse(error,
                          "The token has an unknown grant; there are publish, view, control, "
                          "record and admin.");
        claims->grants |= bit;
    }
    if (!claims->grants)
        return refuse(error, "The token's grants must be a list of publish, view, control, record "
                             "or admin.");
    return TRUE;
}

gboolean token_verify(const TokenRules *rules, const char *token, gint64 now_s, AuthClaims *claims,
                      GError **error)
{
    *claims = (AuthClaims){ 0 };
    if (!token || !*token)
        return refuse(error, "A token is needed.");
    if (strnlen(token, TOKEN_MAX_SIZE + 1) > TOKEN_MAX_SIZE)
        return refuse(error, "The token is too long.");
    const char *first = strchr(token, '.');
    const char *second = first ? strchr(first + 1, '.') : NULL;
    if (!second || strchr(second + 1, '.'))
        return refuse(error, "This is not a token: it must have three parts.");
    if (!header_ok(token, (gsize)(first - token)))
        return refuse(error, "The token must be signed with HS256.");
    if (!signature_ok(rules, token, second))
        return refuse(error, "The token's signature is wrong.");
    json_t *payload = decode_object(first + 1, (gsize)(second - first - 1));
    gboolean ok = payload ? read_times(rules, payload, now_s, claims, error) &&
                                read_texts(payload, claims, error) &&
                                read_grants(payload, claims, error)
                          : refuse(error, "The token's claims are not a JSON object.");
    json_decref(payload);
    if (!ok)
        auth_claims_clear(claims);
    return ok;
}

/* --- making one -------------------------------------------------------------------------- */

static json_t *grants_json(guint grants)
{
    g_auto(GStrv) names = auth_grant_names(grants);
    json_t *list = json_array();
    for (guint i = 0; names[i]; i++)
        json_array_append_new(list, json_string(names[i]));
    return list;
}

char *token_sign(const TokenRules *rules, const AuthClaims *claims, gint64 now_s)
{
    guint8 digest[DIGEST];
    json_t *payload =
        json_pack("{s:s, s:o, s:s*, s:s*, s:I, s:I}", "room", claims->room, "grants",
                  grants_json(claims->grants), "role", claims->role, "name", claims->name, "iat",
                  (json_int_t)now_s, "exp", (json_int_t)claims->expires_s);
    char *json = payload ? json_dumps(payload, JSON_COMPACT) : NULL;
    json_decref(payload);
    if (!json)
        return NULL;
    g_autofree char *head = base64url_encode(HEADER_HS256, strlen(HEADER_HS256));
    g_autofree char *body = base64url_encode(json, strlen(json));
    g_autofree char *text = g_strconcat(head, ".", body, NULL);
    free(json);
    if (!sign(rules, text, strlen(text), digest))
        return NULL;
    g_autofree char *signature = base64url_encode(digest, DIGEST);
    return g_strconcat(text, ".", signature, NULL);
}
