#include <string.h>

#include "api/api_private.h"
#include "api/problem.h"
#include "base/error.h"
#include "room/room_media.h"

/* A room for audiences beyond WebRTC: playlists and segments (RFC 8216). */

#define RETRY_SECONDS 1 /* until there is a first segment */

/* (transfer full) in *layout the one that the path names; NULL: the room's own. FALSE: answered. */
static gboolean call_layout(ApiCall *call, Layout **layout) ON_CONTROL_THREAD;
static gboolean call_layout(ApiCall *call, Layout **layout)
{
    g_autoptr(GError) error = NULL;
    const char *name = call->params[1];
    if (strcmp(name, "-") == 0 || strcmp(name, "room") == 0)
        return TRUE;
    json_t *choice = json_string(name);
    *layout = rooms_layout_from_json(call->api->rooms, choice, &error);
    json_decref(choice);
    if (!*layout)
        api_respond_error(call, error);
    return *layout != NULL;
}

/* (transfer full) Who may ask by a token in the URL asks for what the playlist names with the same
 * token: a player repeats none by itself. */
static char *playlist_with_token(const char *text, gsize size, const char *token)
{
    g_autofree char *whole = g_strndup(text, size);
    g_autofree char *escaped = g_uri_escape_string(token, NULL, FALSE);
    g_auto(GStrv) lines = g_strsplit(whole, "\n", 0);
    GString *out = g_string_sized_new(size + 1024);
    for (guint i = 0; lines[i]; i++) {
        const char *uri =
            g_str_has_prefix(lines[i], "#EXT-X-MAP:") ? strstr(lines[i], "URI=\"") : NULL;
        const char *end = uri ? strchr(uri + 5, '"') : NULL;
        if (end)
            g_string_append_printf(out, "%.*s?access_token=%s%s", (int)(end - lines[i]), lines[i],
                                   escaped, end);
        else if (*lines[i] && *lines[i] != '#')
            g_string_append_printf(out, "%s?access_token=%s", lines[i], escaped);
        else
            g_string_append(out, lines[i]);
        if (lines[i + 1])
            g_string_append_c(out, '\n');
    }
    return g_string_free(out, FALSE);
}

static HttpResponse *file_response(ApiCall *call, GBytes *file, const char *type,
                                   guint cache_seconds)
{
    gsize size;
    const char *data = g_bytes_get_data(file, &size);
    const char *token = http_request_arg(call->request, "access_token");
    HttpResponse *response = http_response_new(200);
    if (token && *token && g_str_has_suffix(call->params[2], ".m3u8")) {
        g_autofree char *text = playlist_with_token(data, size, token);
        http_response_set_body(response, type, text, strlen(text));
    } else {
        http_response_set_body(response, type, data, size);
    }
    g_autofree char *cache =
        cache_seconds
            ? g_strdup_printf("%s, max-age=%u", auth_is_on(call->api->auth) ? "private" : "public",
                              cache_seconds)
            : g_strdup("no-cache");
    http_response_add(response, "Cache-Control", cache);
    return response;
}

void hls_api_get(ApiCall *call)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Layout) layout = NULL;
    const char *type = NULL;
    guint cache_seconds = 0;
    Room *room = api_call_room(call);
    if (!room || !call_layout(call, &layout))
        return;
    g_autoptr(GBytes) file = room_hls(room, layout, call->params[2], &type, &cache_seconds, &error);
    if (file) {
        gboolean playlist = g_str_has_suffix(call->params[2], ".m3u8");
        call->api->metrics.hls_playlists += playlist;
        call->api->metrics.hls_segments += !playlist;
        api_respond(call, file_response(call, file, type, cache_seconds));
    } else if (error->code == TESSERA_ERROR_UNAVAILABLE)
        api_respond(call, problem_response_later(error->message, RETRY_SECONDS));
    else
        api_respond_error(call, error);
}
