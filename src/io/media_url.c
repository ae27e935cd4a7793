#include "io/media_url.h"

#include <string.h>

#include "base/error.h"

typedef struct {
    const char *scheme;
    guint16 port; /* 0: has to be written */
    gboolean push, is_tls;
} MediaScheme;

static const MediaScheme media_schemes[] = {
    { "rtmp", 1935, TRUE, FALSE }, { "rtmps", 443, TRUE, TRUE }, { "srt", 0, TRUE, FALSE },
    { "rtsp", 554, FALSE, FALSE }, { "http", 80, FALSE, FALSE }, { "https", 443, FALSE, TRUE },
};

static const MediaScheme *find_scheme(const char *scheme)
{
    for (gsize i = 0; i < G_N_ELEMENTS(media_schemes); i++)
        if (!strcmp(media_schemes[i].scheme, scheme))
            return &media_schemes[i];
    return NULL;
}

static const MediaScheme *check_scheme(const char *scheme, MediaUrlUse use, GError **error)
{
    const MediaScheme *found = find_scheme(scheme);
    if (found && (found->push || use == MEDIA_URL_PULL))
        return found;
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                use == MEDIA_URL_PUSH
                    ? "A broadcast goes to an address that begins with rtmp://, rtmps:// or srt://."
                    : "A source's address begins with rtmp://, rtmps://, rtsp://, http://, "
                      "https:// or srt://.");
    return NULL;
}

/* Only printable ASCII: everything else has to be percent-encoded, so that no line break, space or
 * look-alike reaches a log, a protocol line or an option parser. */
static gboolean check_characters(const char *text, GError **error)
{
    gsize length = strlen(text);
    if (length > MEDIA_URL_MAX_LENGTH) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "The address is longer than %d characters; shorten it.", MEDIA_URL_MAX_LENGTH);
        return FALSE;
    }
    for (gsize i = 0; i < length; i++) {
        if (text[i] > 0x20 && text[i] < 0x7f)
            continue;
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "The address has a space, a control character or a letter outside ASCII at "
                    "position %" G_GSIZE_FORMAT "; write it percent-encoded.",
                    i + 1);
        return FALSE;
    }
    return TRUE;
}

static gboolean host_is_sane(const char *host)
{
    gsize length = strlen(host);
    if (!length || length > 253 || host[0] == '-')
        return FALSE;
    if (strchr(host, ':'))
        return strspn(host, "0123456789abcdef:.") == length && g_hostname_is_ip_address(host);
    return strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-._") == length;
}

static gboolean parse_port(MediaUrl *url, const char *text, guint16 fallback, GError **error)
{
    guint64 port = fallback;
    if (text && !g_ascii_string_to_unsigned(text, 10, 1, 65535, &port, NULL)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "The port in the address is not a number from 1 to 65535.");
        return FALSE;
    }
    if (!port) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "An %s:// address needs a port, such as %s://host:9000.", url->scheme,
                    url->scheme);
        return FALSE;
    }
    url->port = (guint16)port;
    return TRUE;
}

static void parse_user(MediaUrl *url, char *user)
{
    char *colon = strchr(user, ':');
    if (colon) {
        *colon = '\0';
        url->password = g_strdup(colon + 1);
    }
    url->user = g_strdup(user);
}

/* user:password@host:port; the text is taken apart in place. */
static gboolean parse_authority(MediaUrl *url, char *text, guint16 port, GError **error)
{
    char *at = strrchr(text, '@');
    if (at) {
        *at = '\0';
        parse_user(url, text);
        text = at + 1;
    }
    char *host = text, *after = NULL;
    if (*text == '[') {
        host = text + 1;
        after = strchr(host, ']');
        if (after)
            *after++ = '\0';
    } else {
        after = text + strcspn(text, ":");
    }
    char *port_text = after && *after == ':' ? after + 1 : NULL;
    gboolean ends_well = after && (port_text || !*after);
    if (port_text && *text != '[')
        *after = '\0';
    url->host = g_ascii_strdown(host, -1);
    if (!ends_well || !host_is_sane(url->host) || (*text == '[') != !!strchr(url->host, ':')) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "The address has no valid host after '://': a name, an IPv4 address, or an "
                    "IPv6 address in brackets.");
        return FALSE;
    }
    return parse_port(url, port_text, port, error);
}

static void parse_rest(MediaUrl *url, const char *rest)
{
    gsize end = strlen(rest);
    if (g_str_has_prefix(url->scheme, "http"))
        end = strcspn(rest, "#");
    gsize question = strcspn(rest, "?");
    url->path = g_strndup(rest, MIN(question, end));
    if (question < end)
        url->query = g_strndup(rest + question + 1, end - question - 1);
}

/* A listener or a rendezvous would bind a port of this machine. */
static gboolean check_srt_mode(const MediaUrl *url, GError **error)
{
    g_autofree char *mode = media_url_query_value(url, "mode");
    if (!g_str_equal(url->scheme, "srt") || !mode || !*mode || g_str_equal(mode, "caller"))
        return TRUE;
    g_set_error(
        error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
        "An srt:// address is called, never listened on; leave \"mode\" out of it, or write "
        "mode=caller.");
    return FALSE;
}

MediaUrl *media_url_parse(const char *text, MediaUrlUse use, GError **error)
{
    if (!check_characters(text, error))
        return NULL;
    gsize mark = strcspn(text, ":");
    gboolean marked = g_str_has_prefix(text + mark, "://");
    g_autofree char *scheme = g_ascii_strdown(text, marked ? (gssize)mark : 0);
    const MediaScheme *known = check_scheme(scheme, use, error);
    if (!known)
        return NULL;

    g_autoptr(MediaUrl) url = g_new0(MediaUrl, 1);
    url->scheme = g_steal_pointer(&scheme);
    url->is_tls = known->is_tls;
    const char *authority = text + mark + 3;
    gsize length = strcspn(authority, "/?#");
    g_autofree char *copy = g_strndup(authority, length);
    if (!parse_authority(url, copy, known->port, error))
        return NULL;
    parse_rest(url, authority + length);
    return check_srt_mode(url, error) ? g_steal_pointer(&url) : NULL;
}

void media_url_free(MediaUrl *url)
{
    if (!url)
        return;
    g_free(url->scheme);
    g_free(url->user);
    g_free(url->password);
    g_free(url->host);
    g_free(url->path);
    g_free(url->query);
    g_free(url);
}

gboolean media_url_split_rtmp(const MediaUrl *url, char **app, char **name, GError **error)
{
    const char *path = url->path + (url->path[0] == '/');
    g_autofree char *whole =
        url->query ? g_strdup_printf("%s?%s", path, url->query) : g_strdup(path);
    char *slash = strrchr(path, '/');
    gsize at = slash ? (gsize)(slash - path) : strlen(whole);
    if (!slash && url->query) {
        /* "app?token=x/name": the application carries the query. */
        char *late = strrchr(whole, '/');
        at = late ? (gsize)(late - whole) : at;
    }
    if (!at || !whole[at] || !whole[at + 1]) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "An RTMP address needs an application and a stream key: "
                    "%s://host/application/key.",
                    url->scheme);
        return FALSE;
    }
    *app = g_strndup(whole, at);
    *name = g_strdup(whole + at + 1);
    return TRUE;
}

char *media_url_query_value(const MediaUrl *url, const char *name)
{
    gsize length = strlen(name);
    g_auto(GStrv) items = g_strsplit(url->query ? url->query : "", "&", -1);
    for (char **item = items; *item; item++)
        if (!strncmp(*item, name, length) && (*item)[length] == '=')
            return g_uri_unescape_string(*item + length + 1, NULL);
    return NULL;
}

/* "a=1&b=2" with the values hidden; what has no '=' may be a secret as a whole. */
static void append_hidden_query(GString *shown, const char *query)
{
    g_auto(GStrv) items = g_strsplit(query, "&", -1);
    for (char **item = items; *item; item++) {
        gsize name = strcspn(*item, "=");
        g_string_append_c(shown, item == items ? '?' : '&');
        if ((*item)[name])
            g_string_append_len(shown, *item, (gssize)name + 1);
        g_string_append(shown, "****");
    }
}

static void append_authority(GString *shown, const char *host, guint16 port)
{
    g_string_append_printf(shown, strchr(host, ':') ? "[%s]" : "%s", host);
    g_string_append_printf(shown, ":%u", port);
}

char *media_url_redact(const char *text)
{
    g_autoptr(MediaUrl) url = media_url_parse(text, MEDIA_URL_PULL, NULL);
    if (!url)
        return g_strdup("(an invalid address)");
    GString *shown = g_string_new(NULL);
    g_string_append_printf(shown, "%s://%s", url->scheme, url->user ? "****@" : "");
    if (url->port == find_scheme(url->scheme)->port)
        g_string_append_printf(shown, strchr(url->host, ':') ? "[%s]" : "%s", url->host);
    else
        append_authority(shown, url->host, url->port);
    if (g_str_has_prefix(url->scheme, "rtmp")) {
        /* Only the first step of the path is surely no key. */
        const char *second = url->path[0] ? strchr(url->path + 1, '/') : NULL;
        if (second)
            g_string_append_len(shown, url->path, second - url->path);
        if (url->path[0] || url->query)
            g_string_append(shown, "/****");
    } else {
        g_string_append(shown, url->path);
        if (url->query)
            append_hidden_query(shown, url->query);
    }
    return g_string_free(shown, FALSE);
}

char *media_url_at(const MediaUrl *url, GInetAddress *address)
{
    g_autofree char *host = g_inet_address_to_string(address);
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "%s://", url->scheme);
    append_authority(text, host, url->port);
    g_string_append(text, url->path);
    if (url->query)
        g_string_append_printf(text, "?%s", url->query);
    return g_string_free(text, FALSE);
}
