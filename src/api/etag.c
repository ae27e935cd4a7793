#include "api/etag.h"

#include <string.h>

#include "api/api_private.h"
#include "api/problem.h"

char *etag_of_version(guint64 version)
{
    return g_strdup_printf("\"%" G_GINT64_MODIFIER "x\"", version);
}

/* The next member of the list, with its quotes; NULL: there is no further one, or it is malformed.
 */
static const char *next_tag(const char **list, gsize *size, gboolean *is_weak)
{
    const char *begin = *list + strspn(*list, " \t,");
    *is_weak = g_str_has_prefix(begin, "W/");
    if (*is_weak)
        begin += 2;
    const char *end = *begin == '"' ? strchr(begin + 1, '"') : NULL;
    if (!end)
        return NULL;
    *list = end + 1;
    *size = (gsize)(end + 1 - begin);
    return begin;
}

gboolean etag_list_has(const char *list, const char *etag, gboolean weak)
{
    const char *tag;
    gsize size;
    gboolean is_weak;
    if (!etag)
        return FALSE;
    if (strcmp(list, "*") == 0)
        return TRUE;
    while ((tag = next_tag(&list, &size, &is_weak))) {
        if ((weak || !is_weak) && strlen(etag) == size && memcmp(tag, etag, size) == 0)
            return TRUE;
    }
    return FALSE;
}

gboolean etag_allows_change(ApiCall *call, const char *etag)
{
    const char *match = http_request_header(call->request, HTTP_HEADER_IF_MATCH);
    const char *none = http_request_header(call->request, HTTP_HEADER_IF_NONE_MATCH);
    const char *detail;
    if (*match && !etag_list_has(match, etag, FALSE))
        detail = "This was changed meanwhile: If-Match names another state than the present one; "
                 "read it again.";
    else if (*none && etag_list_has(none, etag, TRUE))
        detail = "This exists already, and If-None-Match asks for a new one.";
    else
        return TRUE;
    HttpResponse *response = problem_response(412, detail);
    if (etag)
        http_response_add(response, "ETag", etag);
    api_respond(call, response);
    return FALSE;
}

HttpResponse *etag_not_modified_response(const HttpRequest *request, const char *etag)
{
    const char *none = http_request_header(request, HTTP_HEADER_IF_NONE_MATCH);
    if (!*none || !etag_list_has(none, etag, TRUE))
        return NULL;
    HttpResponse *response = http_response_new(304);
    http_response_add(response, "ETag", etag);
    return response;
}

gboolean etag_not_modified(ApiCall *call, const char *etag)
{
    HttpResponse *response = etag_not_modified_response(call->request, etag);
    if (response)
        api_respond(call, response);
    return response != NULL;
}
