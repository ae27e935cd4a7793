#pragma once

#include <sys/stat.h>

#include "api/http_message.h"

/* Files for download, whole or in part (RFC 9110 section 14), for players and for browsers that go
 * on where they stopped. */

/** (transfer full) The answer to this request: this open file (transfer full), of which `info` was
 *  told; `name` says its type, and what it is kept as. */
HttpResponse *file_download_response(const HttpRequest *request, gint fd, const struct stat *info,
                                     const char *name);

/** The media type of a file of this name. */
const char *file_download_type(const char *name);
