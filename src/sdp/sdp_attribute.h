#pragma once

#include "sdp/sdp.h"

/* The a= lines, for sdp_parse.c: one function per attribute, found by name in a table. */

/** Read one attribute ("name:value" or "name") of a section into `media`. Before the first m-line
 *  `media` is the section of defaults, and `in_session` is TRUE. FALSE: malformed. Unknown
 *  attributes, and values that we could not use anyway, are left out and succeed. */
gboolean sdp_attribute_parse(SdpSession *session, SdpMedia *media, gboolean in_session,
                             const char *text);

/** Unsigned decimal number up to `max`, nothing before or behind it. */
gboolean sdp_parse_number(const char *text, guint64 max, guint64 *value);

/** Give the formats without rtpmap the encoding of their static type (RFC 3551 section 6). */
void sdp_attribute_fill_static_types(SdpMedia *media);
