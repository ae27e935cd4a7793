#include "api/auth.h"

#include <openssl/crypto.h>
#include <string.h>
#include <sys/stat.h>

#include "api/token.h"
#include "base/error.h"
#include "base/log.h"

#define MIN_SECRET 32 /* bytes: as many as HMAC-SHA256 makes (RFC 7518 section 3.2) */
#define HOUR       G_GINT64_CONSTANT(3600)

struct Auth {
    char *secret; /* NULL: nobody is asked */
    TokenRules rules;
    char **origins; /* of http.cors_origins */
};

static const struct {
    AuthGrant grant;
    const char *name;
} grant_names[] = {
    { AUTH_PUBLISH, "publish" }, { AUTH_VIEW, "view" },   { AUTH_CONTROL, "control" },
    { AUTH_RECORD, "record" },   { AUTH_ADMIN, "admin" },
};

/* --- the secret -------------------------------------------------------------------------- */

/* (transfer full) NULL with an error. */
static char *read_secret_file(const char *path, gsize *size, GError **error)
{
    struct stat info;
    char *text = NULL;
    g_autoptr(GError) problem = NULL;
    if (!g_file_get_contents(path, &text, size, &problem)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "auth.secret_file cannot be read: %s.", problem->message);
        return NULL;
    }
    if (stat(path, &info) == 0 && (info.st_mode & (S_IROTH | S_IWOTH)))
        log_warning("auth", "auth.secret_file %s is open to every user of this machine; chmod 600",
                    path);
    while (*size && strchr("\r\n", text[*size - 1]))
        text[--*size] = '\0';
    return text;
}

static gboolean load_secret(Auth *auth, const Config *config, GError **error)
{
    const char *value = config_string(config, "auth.secret");
    const char *file = config_string(config, "auth.secret_file");
    gsize size = strlen(value);
    if (!*value && !*file)
        return TRUE;
    if (*value && *file) {
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                            "auth.secret and auth.secret_file exclude each other: set one.");
        return FALSE;
    }
    auth->secret = *value ? g_strdup(value) : read_secret_file(file, &size, error);
    if (!auth->secret)
        return FALSE;
    auth->rules.secret = (const guint8 *)auth->secret;
    auth->rules.secret_size = size;
    if (size >= MIN_SECRET)
        return TRUE;
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                "%s must have at least %d characters so that nobody can guess it; make one with: "
                "openssl rand -hex 32",
                *value ? "auth.secret" : "The secret in auth.secret_file", MIN_SECRET);
    return FALSE;
}

Auth *auth_new(const Config *config, GError **error)
{
    Auth *auth = g_new0(Auth, 1);
    auth->rules.max_seconds = config_int(config, "auth.max_token_hours") * HOUR;
    auth->rules.leeway_seconds = config_int(config, "auth.leeway_seconds");
    auth->origins = g_strsplit(config_string(config, "http.cors_origins"), ",", 0);
    for (guint i = 0; auth->origins[i]; i++)
        g_strstrip(auth->origins[i]);
    if (!load_secret(auth, config, error))
        g_clear_pointer(&auth, auth_free);
    return auth;
}

void auth_free(Auth *auth)
{
    if (!auth)
        return;
    if (auth->secret)
        OPENSSL_cleanse(auth->secret, auth->rules.secret_size);
    g_free(auth->secret);
    g_strfreev(auth->origins);
    g_free(auth);
}

gboolean auth_is_on(const Auth *auth)
{
    return auth->secret != NULL;
}

/* --- claims ------------------------------------------------------------------------------ */

void auth_claims_clear(AuthClaims *claims)
{
    g_clear_pointer(&claims->room, g_free);
    g_clear_pointer(&claims->role, g_free);
    g_clear_pointer(&claims->name, g_free);
    claims->grants = 0;
    claims->expires_s = 0;
}

gboolean auth_claims_allow(const AuthClaims *claims, const char *room, guint grants)
{
    guint have = claims->grants & AUTH_ADMIN ? AUTH_ALL : claims->grants;
    gboolean everywhere = g_strcmp0(claims->room, "*") == 0;
    gboolean here = everywhere || (room && g_strcmp0(claims->room, room) == 0);
    return here && !(grants & ~have);
}

guint auth_grant_from_string(const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(grant_names); i++) {
        if (strcmp(grant_names[i].name, name) == 0)
            return grant_names[i].grant;
    }
    return 0;
}

char **auth_grant_names(guint grants)
{
    char **names = g_new0(char *, G_N_ELEMENTS(grant_names) + 1);
    for (guint i = 0, n = 0; i < G_N_ELEMENTS(grant_names); i++) {
        if (grants & grant_names[i].grant)
            names[n++] = g_strdup(grant_names[i].name);
    }
    return names;
}

gboolean auth_check(const Auth *auth, const char *token, gint64 now_s, AuthClaims *claims,
                    GError **error)
{
    if (auth->secret)
        return token_verify(&auth->rules, token, now_s, claims, error);
    *claims = (AuthClaims){ .room = g_strdup("*"), .grants = AUTH_ALL, .expires_s = G_MAXINT64 };
    return TRUE;
}

char *auth_sign(const Auth *auth, const AuthClaims *claims, gint64 now_s)
{
    return auth->secret ? token_sign(&auth->rules, claims, now_s) : NULL;
}

/* --- requests ---------------------------------------------------------------------------- */

const char *auth_request_token(const HttpRequest *request)
{
    const char *value = http_request_header(request, HTTP_HEADER_AUTHORIZATION);
    if (g_ascii_strncasecmp(value, "Bearer ", 7) == 0)
        return value + 7 + strspn(value + 7, " ");
    return request->method == HTTP_GET ? http_request_arg(request, "access_token") : NULL;
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
