#include "api/auth.h"

#include <string.h>

#define DIGEST    32
#define MAX_TOKEN 4096

struct Auth {
    gboolean on;
    guint8 secret[DIGEST]; /* SHA-256: all tokens compare in the same time, whatever their size */
    char **origins;        /* of http.cors_origins */
};

static void digest_of(const char *text, guint8 *digest)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    gsize size = DIGEST;
    g_checksum_update(sum, (const guchar *)text, -1);
    g_checksum_get_digest(sum, digest, &size);
}

Auth *auth_new(const Config *config)
{
    Auth *auth = g_new0(Auth, 1);
    const char *secret = config_string(config, "auth.secret");
    auth->on = *secret != '\0';
    digest_of(secret, auth->secret);
    auth->origins = g_strsplit(config_string(config, "http.cors_origins"), ",", 0);
    for (guint i = 0; auth->origins[i]; i++)
        g_strstrip(auth->origins[i]);
    return auth;
}

void auth_free(Auth *auth)
{
    if (!auth)
        return;
    g_strfreev(auth->origins);
    g_free(auth);
}

gboolean auth_is_on(const Auth *auth)
{
    return auth->on;
}

gboolean auth_token_ok(const Auth *auth, const char *token)
{
    if (!auth->on)
        return TRUE;
    if (!token || strlen(token) > MAX_TOKEN)
        return FALSE;
    guint8 digest[DIGEST];
    guint8 different = 0;
    digest_of(token, digest);
    for (guint i = 0; i < DIGEST; i++)
        different |= digest[i] ^ auth->secret[i];
    return different == 0;
}

gboolean auth_request_ok(const Auth *auth, const HttpRequest *request)
{
    const char *value = http_request_header(request, HTTP_HEADER_AUTHORIZATION);
    gboolean bearer = g_ascii_strncasecmp(value, "Bearer ", 7) == 0;
    return auth_token_ok(auth, bearer ? value + 7 : NULL);
}

static gboolean is_listed(const Auth *auth, const char *origin)
{
    for (guint i = 0; auth->origins[i]; i++) {
        if (strcmp(auth->origins[i], "*") == 0 || g_ascii_strcasecmp(auth->origins[i], origin) == 0)
            return TRUE;
    }
    return FALSE;
}

gboolean auth_websocket_ok(const Auth *auth, const HttpRequest *request)
{
    const char *origin = http_request_header(request, HTTP_HEADER_ORIGIN);
    const char *host = http_request_header(request, HTTP_HEADER_HOST);
    if (!*origin)
        return TRUE;
    const char *authority = strstr(origin, "://");
    if (authority && *host && g_ascii_strcasecmp(authority + 3, host) == 0)
        return TRUE;
    return is_listed(auth, origin);
}

const char *auth_cors_origin(const Auth *auth, const HttpRequest *request)
{
    const char *origin = http_request_header(request, HTTP_HEADER_ORIGIN);
    return *origin && is_listed(auth, origin) ? origin : NULL;
}
