#pragma once

#include "api/http_message.h"
#include "config.h"

/* Who may do what: the bearer token auth.secret, and which pages may use us. */

typedef struct Auth Auth;

Auth *auth_new(const Config *config);
void auth_free(Auth *auth);

/** TRUE if a token is asked for at all. */
gboolean auth_is_on(const Auth *auth);

/** TRUE if no secret is set, or the token is it (compared in constant time). NULL: no token. */
gboolean auth_token_ok(const Auth *auth, const char *token);

/** The same with "Authorization: Bearer TOKEN" (RFC 6750). */
gboolean auth_request_ok(const Auth *auth, const HttpRequest *request);

/** May a page with this request's Origin open a WebSocket: one of our own host, one of
 *  http.cors_origins, or no page at all (no Origin). */
gboolean auth_websocket_ok(const Auth *auth, const HttpRequest *request);

/** The value of Access-Control-Allow-Origin for this request, or NULL (transfer none). */
const char *auth_cors_origin(const Auth *auth, const HttpRequest *request);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Auth, auth_free)
