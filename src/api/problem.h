#pragma once

#include "api/http_message.h"

/* Errors as application/problem+json (RFC 9457): {"type":"about:blank","title","status","detail",
 * "code"}; `code` is the same word that signalling errors carry. */

/** The HTTP status of an error in the domain TESSERA_ERROR; 500 for any other. */
guint problem_status(const GError *error);

/** "invalid", "unauthorized", "forbidden", "not-found", "conflict", "too-large", "unsupported",
 *  "unavailable" or "internal". */
const char *problem_code(const GError *error);

/** (transfer full) A response with this status and detail. */
HttpResponse *problem_response(guint status, const char *detail);

/** (transfer full) 503, and when to ask again. */
HttpResponse *problem_response_later(const char *detail, guint seconds);

/** (transfer full) The response to an error. What is internal is not told to the outside. */
HttpResponse *problem_from_error(const GError *error);
