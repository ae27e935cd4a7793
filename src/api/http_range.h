#pragma once

#include <glib.h>

/* The Range header (RFC 9110 section 14) of a body whose size is known. */

typedef enum {
    HTTP_RANGE_ALL,  /* none, several, or not understood: the whole body, as the RFC allows */
    HTTP_RANGE_PART, /* these bytes: 206 */
    HTTP_RANGE_NONE, /* none of the body's bytes: 416 */
} HttpRange;

/** value: of the header, or "". *offset and *length are always set: the whole, the part, or 0. */
HttpRange http_range_parse(const char *value, guint64 size, guint64 *offset, guint64 *length);
