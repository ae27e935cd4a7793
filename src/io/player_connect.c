#include "io/player_connect.h"

#include <string.h>

#include "io/srt_options.h"

#define CALL_TIMEOUT_US "10000000" /* one read or connect of libavformat's protocols */
#define MAX_PLACES      32

/* libavformat resolves the relative URLs of a playlist against where it opened it, which has an
 * address in place of the name. */
typedef struct {
    char *at;   /* "192.0.2.1:80/live/": address, port and directory */
    char *name; /* "a.example:80" */
} Place;

struct PlayerConnect {
    MediaUrlPolicy *policy;
    GCancellable *cancellable;
    GPtrArray *places; /* Place, the oldest first */
};

/* --- names of addresses ------------------------------------------------------------------ */

static void place_free(gpointer data)
{
    Place *place = data;
    g_free(place->at);
    g_free(place->name);
    g_free(place);
}

static char *authority(const char *host, guint16 port)
{
    return g_strdup_printf(strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
}

static char *place_of(const MediaUrl *url, GInetAddress *address)
{
    g_autofree char *host = g_inet_address_to_string(address);
    g_autofree char *where = authority(host, url->port);
    const char *slash = strrchr(url->path, '/');
    int length = slash ? (int)(slash - url->path) : 0;
    return g_strdup_printf("%s%.*s/", where, length, url->path);
}

static gsize common_length(const char *a, const char *b)
{
    gsize length = 0;
    while (a[length] && a[length] == b[length])
        length++;
    return length;
}

/* Several names may have one address: the one whose directory is nearest. NULL: none has it. */
static const char *name_at(const PlayerConnect *connect, const char *at)
{
    const char *name = NULL;
    gsize best = strcspn(at, "/") + 1;
    for (guint i = 0; i < connect->places->len; i++) {
        const Place *place = connect->places->pdata[i];
        gsize length = common_length(place->at, at);
        if (length < best)
            continue;
        best = length;
        name = place->name;
    }
    return name;
}

static void note_name(PlayerConnect *connect, const char *at, const char *name)
{
    for (guint i = 0; i < connect->places->len; i++) {
        const Place *place = connect->places->pdata[i];
        if (!g_strcmp0(place->at, at) && !g_strcmp0(place->name, name))
            return;
    }
    if (connect->places->len == MAX_PLACES) /* but not where it all began */
        g_ptr_array_remove_index(connect->places, 1);
    Place *place = g_new0(Place, 1);
    place->at = g_strdup(at);
    place->name = g_strdup(name);
    g_ptr_array_add(connect->places, place);
}

/* (transfer full) What to call the server at this address in "Host:". */
static char *server_name(PlayerConnect *connect, const MediaUrl *url, GInetAddress *address)
{
    g_autofree char *at = place_of(url, address);
    const char *known = g_hostname_is_ip_address(url->host) ? name_at(connect, at) : NULL;
    if (known)
        return g_strdup(known);
    char *name = authority(url->host, url->port);
    note_name(connect, at, name);
    return name;
}

/* --- what protocols are told ------------------------------------------------------------- */

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

static void tell_rtmp(const MediaUrl *url, AVDictionary **options)
{
    g_autofree char *app = NULL, *name = NULL;
    g_autofree char *host = authority(url->host, url->port);
    if (!media_url_split_rtmp(url, &app, &name, NULL))
        return;
    g_autofree char *tc_url = g_strdup_printf("%s://%s/%s", url->scheme, host, app);
    av_dict_set(options, "rtmp_tcurl", tc_url, 0);
    av_dict_set(options, "rtmp_app", app, 0);
    av_dict_set(options, "rtmp_playpath", name, 0);
}

static void tell_http(PlayerConnect *connect, const MediaUrl *url, GInetAddress *address,
                      AVDictionary **options)
{
    /* HLS hands on the headers of its first playlist, which may be another server's. */
    av_dict_set(options, "headers", NULL, 0);
    if (!url->is_tls) {
        g_autofree char *name = server_name(connect, url, address);
        g_autofree char *headers = g_strdup_printf("Host: %s\r\n", name);
        av_dict_set(options, "headers", headers, 0);
    }
    /* Where a redirect leads, nobody has checked. */
    av_dict_set(options, "max_redirects", "0", 0);
}

/* "timeout" means other things to other protocols: to rtmp, to listen. */
static void tell_protocol(PlayerConnect *connect, const MediaUrl *url, GInetAddress *address,
                          AVDictionary **options)
{
    av_dict_set(options, "rw_timeout", CALL_TIMEOUT_US, 0);
    if (url->is_tls)
        av_dict_set(options, "tls_verify", "1", 0);
    if (g_str_has_prefix(url->scheme, "rtmp")) {
        tell_rtmp(url, options);
    } else if (g_str_has_prefix(url->scheme, "http")) {
        tell_http(connect, url, address, options);
    } else if (g_str_equal(url->scheme, "srt")) {
        srt_options_set(options, url);
    } else if (g_str_has_prefix(url->scheme, "rtsp")) {
        av_dict_set(options, "timeout", CALL_TIMEOUT_US, 0);
        av_dict_set(options, "rtsp_transport", "tcp", 0);
    }
}

/* --- connecting -------------------------------------------------------------------------- */

gboolean player_connect_is_live(const MediaUrl *url)
{
    return g_str_has_prefix(url->scheme, "rtmp") || g_str_has_prefix(url->scheme, "rtsp") ||
           g_str_equal(url->scheme, "srt");
}

PlayerConnect *player_connect_new(MediaUrlPolicy *policy)
{
    PlayerConnect *connect = g_new0(PlayerConnect, 1);
    connect->policy = media_url_policy_ref(policy);
    connect->cancellable = g_cancellable_new();
    connect->places = g_ptr_array_new_with_free_func(place_free);
    return connect;
}

void player_connect_free(PlayerConnect *connect)
{
    if (!connect)
        return;
    media_url_policy_unref(connect->policy);
    g_object_unref(connect->cancellable);
    g_ptr_array_unref(connect->places);
    g_free(connect);
}

void player_connect_forget(PlayerConnect *connect)
{
    g_ptr_array_set_size(connect->places, 0);
}

void player_connect_cancel(PlayerConnect *connect)
{
    g_cancellable_cancel(connect->cancellable);
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

char *player_connect_url(PlayerConnect *connect, const char *text, AVDictionary **options,
                         GError **error)
{
    gsize wrapper = wrapper_length(text);
    g_autoptr(MediaUrl) url = media_url_parse(text + wrapper, MEDIA_URL_PULL, error);
    if (!url)
        return NULL;
    GList *addresses = media_url_resolve(url, connect->policy, connect->cancellable, error);
    if (!addresses)
        return NULL;
    tell_protocol(connect, url, addresses->data, options);
    if (g_str_equal(url->scheme, "srt")) /* told by options; libsrt obeys all that it finds here */
        g_clear_pointer(&url->query, g_free);
    g_autofree char *leads =
        url->is_tls ? g_strdup(text + wrapper) : with_user(url, media_url_at(url, addresses->data));
    free_addresses(addresses);
    return wrapper ? g_strdup_printf("%.*s%s", (int)wrapper, text, leads) : g_steal_pointer(&leads);
}
