#include "api/ice_servers.h"

#include <string.h>

/* (transfer full) "stun:host:port", or NULL if there is none. */
static char *server_url(const Config *config, const char *key, const char *scheme)
{
    const char *text = config_string(config, key);
    gboolean complete = g_str_has_prefix(text, scheme) || g_str_has_prefix(text, "turns:");
    if (!*text)
        return NULL;
    return complete ? g_strdup(text) : g_strconcat(scheme, text, NULL);
}

json_t *ice_servers_json(const Config *config)
{
    g_autofree char *stun = server_url(config, "ice.stun_server", "stun:");
    g_autofree char *turn = server_url(config, "ice.turn_server", "turn:");
    json_t *servers = json_array();
    if (stun)
        json_array_append_new(servers, json_pack("{s:s}", "urls", stun));
    if (turn)
        json_array_append_new(servers,
                              json_pack("{s:s, s:s, s:s}", "urls", turn, "username",
                                        config_string(config, "ice.turn_user"), "credential",
                                        config_string(config, "ice.turn_password")));
    return servers;
}

static void append_quoted(GString *out, const char *name, const char *value)
{
    g_string_append_printf(out, "; %s=\"", name);
    for (const char *p = value; *p; p++) {
        if (*p == '"' || *p == '\\')
            g_string_append_c(out, '\\');
        g_string_append_c(out, *p);
    }
    g_string_append_c(out, '"');
}

void ice_servers_add_links(const Config *config, HttpResponse *response)
{
    g_autofree char *stun = server_url(config, "ice.stun_server", "stun:");
    g_autofree char *turn = server_url(config, "ice.turn_server", "turn:");
    g_autoptr(GString) link = g_string_new(NULL);
    if (stun) {
        g_string_printf(link, "<%s>; rel=\"ice-server\"", stun);
        http_response_add(response, "Link", link->str);
    }
    if (turn) {
        g_string_printf(link, "<%s>; rel=\"ice-server\"", turn);
        append_quoted(link, "username", config_string(config, "ice.turn_user"));
        append_quoted(link, "credential", config_string(config, "ice.turn_password"));
        g_string_append(link, "; credential-type=\"password\"");
        http_response_add(response, "Link", link->str);
    }
}
