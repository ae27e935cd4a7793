#pragma once

#include "api/routes.h"

/* Conditional requests (RFC 9110 section 13): who read an older state than the present one does not
 * overwrite what came between. ETags are written with their quotes. */

/** (transfer full) "\"...\"" of a counter that grows with each change. */
char *etag_of_version(guint64 version);

/** TRUE if the value of If-Match or If-None-Match, a list or "*", names this. etag NULL: there is
 * no such thing yet. `weak` compares without regard to W/; else a weak one names nothing. */
gboolean etag_list_has(const char *list, const char *etag, gboolean weak);

/** May this call change what has this ETag (NULL: does not exist)? FALSE: 412 was answered, with
 * the present ETag. */
gboolean etag_allows_change(ApiCall *call, const char *etag) ON_CONTROL_THREAD;

/** TRUE if the reader of this call has exactly this already: 304 was answered. */
gboolean etag_not_modified(ApiCall *call, const char *etag) ON_CONTROL_THREAD;

/** (transfer full) The 304 that answers this request, or NULL: its reader has not got this. */
HttpResponse *etag_not_modified_response(const HttpRequest *request, const char *etag);
