#pragma once

#include "api/http_message.h"
#include "config.h"

/* Who may do what: signed tokens (JWT, HS256, key auth.secret), and which pages may use us. */

typedef struct Auth Auth;

/** What a token allows, as bits. */
typedef enum {
    AUTH_PUBLISH = 1 << 0, /* send into the room */
    AUTH_VIEW = 1 << 1,    /* take the mix, read the room */
    AUTH_CONTROL = 1 << 2, /* change the room and the people in it */
    AUTH_RECORD = 1 << 3,  /* recordings and broadcasts */
    AUTH_ADMIN = 1 << 4,   /* all rooms, layouts, metrics; implies all others */
} AuthGrant;
#define AUTH_ALL 0x1fu

/** What a good token says: {"room": name or "*", "grants": ["publish", ...], "exp": seconds,
 * "role"?, "name"?, "iat"?, "nbf"?}. */
typedef struct {
    char *room; /* "*": all */
    char *role; /* or NULL */
    char *name; /* or NULL */
    guint grants;
    gint64 expires_s; /* since 1970 */
} AuthClaims;

void auth_claims_clear(AuthClaims *claims);

/** TRUE if the claims allow all of `grants` in this room (NULL: anywhere, which takes room "*"). */
gboolean auth_claims_allow(const AuthClaims *claims, const char *room, guint grants);

/** Reads auth.secret or auth.secret_file. INVALID: too short, not readable. */
Auth *auth_new(const Config *config, GError **error);
void auth_free(Auth *auth);

/** TRUE if a token is asked for at all. */
gboolean auth_is_on(const Auth *auth);

/** Check a token at this time (seconds since 1970): signature (in constant time), algorithm, exp
 *  (required), nbf, auth.max_token_hours. Where auth is off: room "*" and AUTH_ALL, whatever the
 *  token is. FALSE with UNAUTHORIZED: one sentence that says what is wrong with it, but nothing
 * that stands in it. */
gboolean auth_check(const Auth *auth, const char *token, gint64 now_s, AuthClaims *claims,
                    GError **error);

/** (transfer full) A token with these claims, for `tessera token`. NULL: auth is off, or a text is
 * not UTF-8. */
char *auth_sign(const Auth *auth, const AuthClaims *claims, gint64 now_s);

/** AUTH_PUBLISH, ... of "publish", "view", "control", "record", "admin"; 0: no such grant. */
guint auth_grant_from_string(const char *name);
/** (transfer full) NULL-ended names of the bits. */
char **auth_grant_names(guint grants);

/** The token of "Authorization: Bearer TOKEN" (RFC 6750) or, for GET only, of the argument
 *  access_token; NULL: none (transfer none). */
const char *auth_request_token(const HttpRequest *request);

/** May a page with this request's Origin open a WebSocket: one of our own host, one of
 *  http.cors_origins, or no page at all (no Origin). */
gboolean auth_websocket_ok(const Auth *auth, const HttpRequest *request);

/** The value of Access-Control-Allow-Origin for this request, or NULL (transfer none). */
const char *auth_cors_origin(const Auth *auth, const HttpRequest *request);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Auth, auth_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AuthClaims, auth_claims_clear)
