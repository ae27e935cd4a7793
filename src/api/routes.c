#include "api/routes.h"

#include <string.h>

#define MAX_PARAM 64

static gsize segment_length(const char *text)
{
    gsize n = 0;
    while (g_ascii_isalnum(text[n]) || (text[n] && strchr("_-+", text[n])))
        n++;
    return n;
}

/* *pattern stands on '{': take the parameter from *path and pass over both. */
static gboolean take_param(const char **pattern, const char **path, char **param)
{
    const char *end = strchr(*pattern, '}');
    gboolean rest = end - *pattern > 3 && strncmp(end - 3, "...", 3) == 0;
    gsize length = rest ? strlen(*path) : segment_length(*path);
    if (!length || (!rest && length > MAX_PARAM))
        return FALSE;
    *param = g_strndup(*path, length);
    *pattern = end + 1;
    *path += length;
    return TRUE;
}

static gboolean match_pattern(const char *pattern, const char *path, char **params)
{
    guint n = 0;
    while (*pattern) {
        if (*pattern == '{') {
            if (n == ROUTE_MAX_PARAMS || !take_param(&pattern, &path, &params[n++]))
                return FALSE;
        } else if (*pattern++ != *path++) {
            return FALSE;
        }
    }
    return !*path;
}

void routes_match(const Route *table, gsize n, HttpMethod method, const char *path,
                  RouteMatch *match)
{
    *match = (RouteMatch){ 0 };
    HttpMethod wanted = method == HTTP_HEAD ? HTTP_GET : method;
    for (gsize i = 0; i < n; i++) {
        char *params[ROUTE_MAX_PARAMS] = { NULL };
        if (match_pattern(table[i].pattern, path, params)) {
            match->methods |= 1u << table[i].method;
            match->access = table[i].access;
            if (table[i].method == wanted && !match->route) {
                match->route = &table[i];
                memcpy(match->params, params, sizeof params);
                memset(params, 0, sizeof params);
            }
        }
        for (guint k = 0; k < ROUTE_MAX_PARAMS; k++)
            g_free(params[k]);
    }
}

const char *route_match_room(const RouteMatch *match)
{
    const char *first = match->route ? strchr(match->route->pattern, '{') : NULL;
    return first && g_str_has_prefix(first, "{room}") ? match->params[0] : NULL;
}

void route_match_clear(RouteMatch *match)
{
    for (guint k = 0; k < ROUTE_MAX_PARAMS; k++)
        g_clear_pointer(&match->params[k], g_free);
}

char *routes_allow(guint methods)
{
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < HTTP_METHODS; i++) {
        gboolean head = i == HTTP_HEAD && (methods & (1u << HTTP_GET));
        if ((methods & (1u << i)) || head)
            g_string_append_printf(out, "%s, ", http_method_name((HttpMethod)i));
    }
    g_string_append(out, "OPTIONS");
    return g_string_free(out, FALSE);
}
