#pragma once

#include <gio/gio.h>

/* URLs that users give for pushing a room to (broadcasts) or pulling media from (sources): what may
 * be in them, what of them may be shown, and where they may lead. A name is resolved once, every
 * address it has is checked, and the connection goes to a checked address, never to the name: a
 * name that answers differently the second time (DNS rebinding) changes nothing. */

typedef enum {
    MEDIA_URL_PUSH, /* rtmp, rtmps, srt */
    MEDIA_URL_PULL, /* those, and rtsp, http, https */
} MediaUrlUse;

/** A checked URL. Texts are as written, nothing is percent-decoded; host is lower case. */
typedef struct {
    char *scheme;   /* lower case */
    char *user;     /* or NULL */
    char *password; /* or NULL */
    char *host;     /* a name, or an IPv4 or IPv6 address without brackets */
    guint16 port;   /* the scheme's own if none is written; srt: always written */
    char *path;     /* "" or from the first '/' on, without the query */
    char *query;    /* without '?', or NULL */
    gboolean is_tls;
} MediaUrl;

#define MEDIA_URL_MAX_LENGTH 2048

/** (transfer full) TESSERA_ERROR_INVALID with a sentence that quotes nothing secret; the fragment
 * of an http URL is dropped, and of the modes of SRT only the caller is taken. */
MediaUrl *media_url_parse(const char *text, MediaUrlUse use, GError **error);
void media_url_free(MediaUrl *url);

/** RTMP: what `connect` is told as the application ("live2") and `publish` or `play` as the
 * stream's name, with its query ("key?x=1"). The last '/' before the query parts them. FALSE with
 *  TESSERA_ERROR_INVALID if either is empty. *app and *name: (transfer full). */
gboolean media_url_split_rtmp(const MediaUrl *url, char **app, char **name, GError **error);

/** (transfer full) The value of a query's item ("streamid"), percent-decoded, or NULL. */
char *media_url_query_value(const MediaUrl *url, const char *name);

/** (transfer full) The URL as logs and the API may show it: no user, password, stream key or query
 *  value; asterisks stand for them. Any text will do. */
char *media_url_redact(const char *text);

/** (transfer full) The same URL, leading to this address instead of the name, without user and
 *  password. */
char *media_url_at(const MediaUrl *url, GInetAddress *address);

/** Which addresses may be reached. Counted, immutable. */
typedef struct MediaUrlPolicy MediaUrlPolicy;

/** allowed_networks: "10.1.0.0/16, 192.0.2.7, fd00::/8" or NULL: reachable although they are on the
 *  deny list (loopback, private, shared, link-local, multicast, reserved, IPv4 inside IPv6, NAT64).
 *  allow_private: no deny list at all, except for multicast and the unspecified address.
 *  TESSERA_ERROR_INVALID if a network cannot be read. */
MediaUrlPolicy *media_url_policy_new(gboolean allow_private, const char *allowed_networks,
                                     GError **error);
MediaUrlPolicy *media_url_policy_ref(MediaUrlPolicy *policy);
void media_url_policy_unref(MediaUrlPolicy *policy);

/** Any thread. policy NULL: the deny list alone. */
gboolean media_url_policy_allows(const MediaUrlPolicy *policy, GInetAddress *address);

/** TRUE if every address (GInetAddress) is allowed; else TESSERA_ERROR_FORBIDDEN. */
gboolean media_url_check(const MediaUrl *url, const MediaUrlPolicy *policy, GList *addresses,
                         GError **error);

/** FALSE with TESSERA_ERROR_FORBIDDEN if the URL's host is written as an address that is not
 * allowed; names are not looked up. Never blocks. */
gboolean media_url_check_literal(const MediaUrl *url, const MediaUrlPolicy *policy, GError **error);

/** (transfer full, GInetAddress) The addresses of the host, all of them allowed. Blocks until the
 *  name is resolved or `cancellable` (may be NULL) is cancelled. TESSERA_ERROR_FORBIDDEN,
 *  TESSERA_ERROR_UNAVAILABLE (no such name). Free with g_list_free_full(list, g_object_unref). */
GList *media_url_resolve(const MediaUrl *url, const MediaUrlPolicy *policy,
                         GCancellable *cancellable, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MediaUrl, media_url_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MediaUrlPolicy, media_url_policy_unref)
