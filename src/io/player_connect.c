#include "io/player_connect.h"

#include <string.h>

#define CALL_TIMEOUT_US "10000000" /* one read or connect of libavformat's protocols */

gboolean player_connect_is_live(const MediaUrl *url)
{
    return g_str_has_prefix(url->scheme, "rtmp") || g_str_has_prefix(url->scheme, "rtsp") ||
           g_str_equal(url->scheme, "srt");
}

/* media_url_at() leaves the user out; cameras ask for one. */
static char *with_user(const MediaUrl *url, char *at)
{
    char *rest = strstr(at, "://");
    if (!url->user || !rest)
        return at;
    char *whole = url->password ? g_strdup_printf("%s://%s:%s@%s", url->scheme, url->user,
                                                  url->password, rest + 3)
                                : g_strdup_printf("%s://%s@%s", url->scheme, url->user, rest + 3);
    g_free(at);
    return whole;
}

static char *host_and_port(const MediaUrl *url)
{
    return strchr(url->host, ':') ? g_strdup_printf("[%s]:%u", url->host, url->port)
                                  : g_strdup_printf("%s:%u", url->host, url->port);
}

static void tell_rtmp(const MediaUrl *url, AVDictionary **options)
{
    g_autofree char *app = NULL, *name = NULL;
    g_autofree char *host = host_and_port(url);
    if (!media_url_split_rtmp(url, &app, &name, NULL))
        return;
    g_autofree char *tc_url = g_strdup_printf("%s://%s/%s", url->scheme, host, app);
    av_dict_set(options, "rtmp_tcurl", tc_url, 0);
    av_dict_set(options, "rtmp_app", app, 0);
    av_dict_set(options, "rtmp_playpath", name, 0);
}

static void tell_http(const MediaUrl *url, AVDictionary **options)
{
    g_autofree char *host = host_and_port(url);
    g_autofree char *headers = g_strdup_printf("Host: %s\r\n", host);
    if (!url->is_tls)
        av_dict_set(options, "headers", headers, 0);
    /* Where a redirect leads, nobody has checked. */
    av_dict_set(options, "max_redirects", "0", 0);
}

/* "timeout" means other things to other protocols: to rtmp, to listen. */
static void tell_protocol(const MediaUrl *url, AVDictionary **options)
{
    av_dict_set(options, "rw_timeout", CALL_TIMEOUT_US, 0);
    if (url->is_tls)
        av_dict_set(options, "tls_verify", "1", 0);
    if (g_str_has_prefix(url->scheme, "rtmp")) {
        tell_rtmp(url, options);
    } else if (g_str_has_prefix(url->scheme, "http")) {
        tell_http(url, options);
    } else if (g_str_has_prefix(url->scheme, "rtsp")) {
        av_dict_set(options, "timeout", CALL_TIMEOUT_US, 0);
        av_dict_set(options, "rtsp_transport", "tcp", 0);
    }
}

/* The length of "crypto+" or "crypto:" at its beginning. */
static gsize wrapper_length(const char *text)
{
    return g_str_has_prefix(text, "crypto+") || g_str_has_prefix(text, "crypto:") ? 7 : 0;
}

static void free_addresses(GList *addresses)
{
    g_list_free_full(addresses, g_object_unref);
}

char *player_connect_url(const char *text, const MediaUrlPolicy *policy, GCancellable *cancellable,
                         AVDictionary **options, GError **error)
{
    gsize wrapper = wrapper_length(text);
    g_autoptr(MediaUrl) url = media_url_parse(text + wrapper, MEDIA_URL_PULL, error);
    if (!url)
        return NULL;
    GList *addresses = media_url_resolve(url, policy, cancellable, error);
    if (!addresses)
        return NULL;
    tell_protocol(url, options);
    g_autofree char *leads =
        url->is_tls ? g_strdup(text + wrapper) : with_user(url, media_url_at(url, addresses->data));
    free_addresses(addresses);
    return wrapper ? g_strdup_printf("%.*s%s", (int)wrapper, text, leads) : g_steal_pointer(&leads);
}
