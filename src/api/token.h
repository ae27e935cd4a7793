#pragma once

#include "api/auth.h"

/* Signed tokens: JWT (RFC 7519) in compact form with HMAC-SHA256 and nothing else. */

#define TOKEN_MAX_SIZE 4096

typedef struct {
    const guint8 *secret;
    gsize secret_size;
    gint64 max_seconds;    /* exp may not be further ahead */
    gint64 leeway_seconds; /* of nbf and iat */
} TokenRules;

/** Check the signature, then the claims. What `claims` holds on TRUE is the caller's to clear.
 * FALSE with UNAUTHORIZED: a sentence that holds nothing of the token. */
gboolean token_verify(const TokenRules *rules, const char *token, gint64 now_s, AuthClaims *claims,
                      GError **error);

/** (transfer full) The token that says this; NULL if a text is not UTF-8. */
char *token_sign(const TokenRules *rules, const AuthClaims *claims, gint64 now_s);
