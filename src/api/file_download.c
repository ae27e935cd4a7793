#include "api/file_download.h"

#include <string.h>
#include <unistd.h>

#include "api/etag.h"
#include "api/http_range.h"
#include "api/problem.h"

static const struct {
    const char *suffix, *type;
} types[] = {
    { ".mp4", "video/mp4" }, { ".webm", "video/webm" },       { ".mkv", "video/x-matroska" },
    { ".m4a", "audio/mp4" }, { ".json", "application/json" },
};

const char *file_download_type(const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
        if (g_str_has_suffix(name, types[i].suffix))
            return types[i].type;
    }
    return "application/octet-stream";
}

/* (transfer full) Another one whenever the file's bytes are other ones. */
static char *file_etag(const struct stat *info)
{
    guint64 ns = (guint64)info->st_mtim.tv_sec * G_GUINT64_CONSTANT(1000000000) +
                 (guint64)info->st_mtim.tv_nsec;
    return g_strdup_printf("\"%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x\"", ns,
                           (guint64)info->st_size);
}

/* A range of an older file, or of a HEAD request, does not count. */
static HttpRange wanted_range(const HttpRequest *request, const char *etag, guint64 size,
                              guint64 *offset, guint64 *length)
{
    const char *condition = http_request_header(request, HTTP_HEADER_IF_RANGE);
    gboolean counts = request->method == HTTP_GET && (!*condition || !strcmp(condition, etag));
    return http_range_parse(counts ? http_request_header(request, HTTP_HEADER_RANGE) : "", size,
                            offset, length);
}

static HttpResponse *unsatisfiable(guint64 size)
{
    HttpResponse *response = problem_response(416, "The file has no bytes in this range.");
    g_autofree char *all = g_strdup_printf("bytes */%" G_GUINT64_FORMAT, size);
    http_response_add(response, "Content-Range", all);
    return response;
}

/* (transfer full); takes the fd. */
static HttpResponse *file_response(const HttpRequest *request, gint fd, const char *etag,
                                   guint64 size)
{
    guint64 offset, length;
    HttpRange range = wanted_range(request, etag, size, &offset, &length);
    if (range == HTTP_RANGE_NONE) {
        close(fd);
        return unsatisfiable(size);
    }
    HttpResponse *response = http_response_new(range == HTTP_RANGE_PART ? 206 : 200);
    http_response_set_file(response, fd, offset, length);
    if (range == HTTP_RANGE_PART) {
        g_autofree char *part =
            g_strdup_printf("bytes %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT,
                            offset, offset + length - 1, size);
        http_response_add(response, "Content-Range", part);
    }
    return response;
}

HttpResponse *file_download_response(const HttpRequest *request, gint fd, const struct stat *info,
                                     const char *name)
{
    g_autofree char *etag = file_etag(info);
    HttpResponse *known = etag_not_modified_response(request, etag);
    if (known) {
        close(fd);
        return known;
    }
    HttpResponse *response = file_response(request, fd, etag, (guint64)info->st_size);
    http_response_add(response, "Accept-Ranges", "bytes");
    if (response->status == 416)
        return response;
    /* Names of recordings hold nothing that would have to be quoted. */
    g_autofree char *kept_as = g_strdup_printf("attachment; filename=\"%s\"", name);
    http_response_add(response, "Content-Type", file_download_type(name));
    http_response_add(response, "Content-Disposition", kept_as);
    http_response_add(response, "ETag", etag);
    http_response_add(response, "Cache-Control", "private, no-cache");
    return response;
}
