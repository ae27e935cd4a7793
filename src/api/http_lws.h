#pragma once

#include <libwebsockets.h>

#include "api/http_message.h"

/* Reading a request out of libwebsockets; for http.c only. */

typedef struct {
    HttpRequest *request;
    guint64 content_length;
    gboolean has_length;
} HttpHead;

/** (transfer full) The refusal of a malformed request, or NULL with *head filled in. Framing that
 *  two parsers might read differently (RFC 9112 section 6.3) is refused: Transfer-Encoding, several
 *  or odd Content-Lengths. */
HttpResponse *http_lws_read_head(struct lws *wsi, HttpHead *head);
