#include "io/rtmp_target.h"

#include <string.h>

struct RtmpTarget {
    gint refs; /* atomic */
    char *room, *name;
    GHashTable *args;
};

/* (transfer full) As it is, where it is not valid percent-encoding. */
static char *target_unescape(const char *text)
{
    char *plain = g_uri_unescape_string(text, NULL);
    return plain && g_utf8_validate(plain, -1, NULL) ? plain : (g_free(plain), g_strdup(text));
}

static void target_add_args(RtmpTarget *target, const char *query)
{
    g_auto(GStrv) pairs = g_strsplit(query, "&", RTMP_TARGET_MAX_ARGS + 1);
    for (guint i = 0; i < RTMP_TARGET_MAX_ARGS && pairs[i]; i++) {
        char *equals = strchr(pairs[i], '=');
        if (equals)
            *equals = '\0';
        g_autofree char *key = target_unescape(pairs[i]);
        if (*key && !g_hash_table_contains(target->args, key))
            g_hash_table_insert(target->args, g_steal_pointer(&key),
                                target_unescape(equals ? equals + 1 : ""));
    }
}

/* (transfer full) The path of "path?query", without slashes around it; the query's arguments are
 * kept. */
static char *target_take_path(RtmpTarget *target, const char *text)
{
    g_autofree char *copy = g_strdup(text);
    char *query = strchr(copy, '?');
    if (query) {
        *query = '\0';
        target_add_args(target, query + 1);
    }
    char *path = copy;
    while (*path == '/')
        path++;
    for (gsize n = strlen(path); n > 0 && path[n - 1] == '/'; n--)
        path[n - 1] = '\0';
    return g_strdup(path);
}

/* The last two parts of the path; the stream's may not be missing. */
static void target_split(RtmpTarget *target, char *path)
{
    char *slash = strrchr(path, '/');
    if (!slash)
        return;
    *slash = '\0';
    target->name = target_unescape(slash + 1);
    while (slash > path && slash[-1] == '/')
        *--slash = '\0';
    slash = strrchr(path, '/');
    target->room = target_unescape(slash ? slash + 1 : path);
}

static gboolean target_is_usable(const char *text)
{
    return text && *text && strlen(text) <= RTMP_TARGET_MAX_TEXT;
}

RtmpTarget *rtmp_target_new(const char *app, const char *name)
{
    static const char instance[] = "/_definst_";
    g_autoptr(RtmpTarget) target = g_new0(RtmpTarget, 1);
    target->refs = 1;
    target->args = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autofree char *name_path = target_take_path(target, name);
    g_autofree char *app_path = target_take_path(target, app);
    if (g_str_has_suffix(app_path, instance))
        app_path[strlen(app_path) - strlen(instance)] = '\0';
    g_autofree char *path = *name_path && *app_path ? g_strconcat(app_path, "/", name_path, NULL)
                                                    : g_strconcat(app_path, name_path, NULL);
    target_split(target, path);
    if (!target_is_usable(target->room) || !target_is_usable(target->name))
        return NULL;
    return g_steal_pointer(&target);
}

RtmpTarget *rtmp_target_ref(RtmpTarget *target)
{
    g_atomic_int_inc(&target->refs);
    return target;
}

void rtmp_target_unref(RtmpTarget *target)
{
    if (!target || !g_atomic_int_dec_and_test(&target->refs))
        return;
    g_free(target->room);
    g_free(target->name);
    g_hash_table_unref(target->args);
    g_free(target);
}

const char *rtmp_target_room(const RtmpTarget *target)
{
    return target->room;
}

const char *rtmp_target_name(const RtmpTarget *target)
{
    return target->name;
}

const char *rtmp_target_arg(const RtmpTarget *target, const char *key)
{
    return g_hash_table_lookup(target->args, key);
}
