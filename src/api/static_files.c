#include "api/static_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/install_dir.h"

#define MAX_DEPTH 4
#define MAX_FILE  (8 << 20)

struct StaticFiles {
    char *directory;
};

static const struct {
    const char *suffix;
    const char *type;
} content_types[] = {
    { ".html", "text/html; charset=utf-8" },
    { ".js", "text/javascript; charset=utf-8" },
    { ".css", "text/css; charset=utf-8" },
    { ".svg", "image/svg+xml" },
    { ".png", "image/png" },
    { ".jpg", "image/jpeg" },
    { ".webp", "image/webp" },
    { ".ico", "image/x-icon" },
    { ".json", "application/json" },
    { ".yaml", "application/yaml" },
    { ".woff2", "font/woff2" },
    { ".txt", "text/plain; charset=utf-8" },
    { ".wasm", "application/wasm" },
    { ".webmanifest", "application/manifest+json" },
};

StaticFiles *static_files_new(const char *directory)
{
    StaticFiles *files = g_new0(StaticFiles, 1);
    files->directory = g_strdup(directory);
    return files;
}

void static_files_free(StaticFiles *files)
{
    if (!files)
        return;
    g_free(files->directory);
    g_free(files);
}

static const char *type_of(const char *path)
{
    for (guint i = 0; i < G_N_ELEMENTS(content_types); i++) {
        if (g_str_has_suffix(path, content_types[i].suffix))
            return content_types[i].type;
    }
    return NULL;
}

static gboolean is_plain(const char *path)
{
    guint depth = 0;
    gboolean first = TRUE;
    for (const char *p = path; *p; p++) {
        gboolean plain = g_ascii_isalnum(*p) || *p == '_';
        if (*p == '/' && (first || ++depth > MAX_DEPTH))
            return FALSE;
        if (*p != '/' && !plain && (first || !strchr(".-", *p)))
            return FALSE;
        first = *p == '/';
    }
    return !first;
}

/* The file's bytes, or NULL. A link out of the directory is not followed. */
static GBytes *read_file(const char *path, struct stat *info)
{
    gint fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    GBytes *bytes = NULL;
    if (fd < 0)
        return NULL;
    if (fstat(fd, info) == 0 && S_ISREG(info->st_mode) && info->st_size <= MAX_FILE) {
        gsize size = (gsize)info->st_size;
        g_autofree char *data = g_malloc(size + 1);
        if (read(fd, data, size) == (gssize)size)
            bytes = g_bytes_new_take(g_steal_pointer(&data), size);
    }
    close(fd);
    return bytes;
}

static void add_page_headers(HttpResponse *response, const HttpRequest *request)
{
    const char *host = http_request_header(request, HTTP_HEADER_HOST);
    gboolean plain = strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789.-:[]") == strlen(host);
    /* Not every browser counts ws: of the same host as 'self'. */
    g_autofree char *policy = g_strdup_printf(
        "default-src 'self'; connect-src 'self' ws://%s wss://%s; img-src 'self' data: blob:; "
        "media-src 'self' blob: mediastream:; style-src 'self' 'unsafe-inline'; object-src 'none'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        plain ? host : "", plain ? host : "");
    http_response_add(response, "Content-Security-Policy", policy);
    http_response_add(response, "Permissions-Policy",
                      "camera=(self), microphone=(self), display-capture=(self), geolocation=()");
}

HttpResponse *static_files_get(StaticFiles *files, const char *path, const HttpRequest *request)
{
    const char *type = type_of(path);
    if (!is_plain(path) || !type)
        return NULL;
    struct stat info;
    g_autofree char *full = g_build_filename(files->directory, path, NULL);
    g_autoptr(GBytes) bytes = read_file(full, &info);
    if (!bytes)
        return NULL;
    g_autofree char *etag =
        g_strdup_printf("\"%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x\"", (gint64)info.st_size,
                        (gint64)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec);
    gboolean known = strstr(http_request_header(request, HTTP_HEADER_IF_NONE_MATCH), etag) != NULL;
    HttpResponse *response = http_response_new(known ? 304 : 200);
    http_response_add(response, "ETag", etag);
    http_response_add(response, "Cache-Control", "no-cache");
    if (g_str_has_prefix(type, "text/html"))
        add_page_headers(response, request);
    if (!known)
        http_response_set_body(response, type, g_bytes_get_data(bytes, NULL),
                               g_bytes_get_size(bytes));
    return response;
}

char *static_files_find(const char *configured, GError **error)
{
    char *found = *configured ? NULL : install_dir_find("web");
    if (*configured && g_file_test(configured, G_FILE_TEST_IS_DIR))
        found = g_canonicalize_filename(configured, NULL);
    if (!found)
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_NOT_FOUND,
                    *configured ? "http.web_dir: %s is not a directory; name the one that holds "
                                  "index.html."
                                : "The web pages were not found beside the program%s; name their "
                                  "directory with --set http.web_dir=DIRECTORY.",
                    configured);
    return found;
}
