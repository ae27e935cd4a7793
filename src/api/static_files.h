#pragma once

#include "api/http_message.h"

/* The files of the web directory. Only names of [A-Za-z0-9_][A-Za-z0-9._-]* can be asked for, in at
 * most four folders: nothing outside of the directory, and nothing hidden, has such a path. */

typedef struct StaticFiles StaticFiles;

StaticFiles *static_files_new(const char *directory);
void static_files_free(StaticFiles *files);

/** (transfer full) The file at this relative path as a response, 304 if the client has it, or NULL
 *  if there is none. */
HttpResponse *static_files_get(StaticFiles *files, const char *path, const HttpRequest *request);

/** (transfer full) The directory of web pages: http.web_dir, or "web" beside the program or above
 *  it, or the installed one. Errors: NOT_FOUND. */
char *static_files_find(const char *configured, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StaticFiles, static_files_free)
