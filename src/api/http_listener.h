#pragma once

#include <glib.h>

/* Listening sockets on the default GMainContext. */

typedef struct HttpListener HttpListener;

/** A new connection: `fd` (transfer full, non-blocking) and the peer's address without port. */
typedef void (*HttpAccept)(gint fd, const char *peer, gpointer user);

/** Listen on "host:port", "[v6]:port" or ":port" (every address); port 0 takes a free one. `key`
 *  is the setting that the address came from: errors (TESSERA_ERROR_UNAVAILABLE) name it, the
 *  address and the remedy. */
HttpListener *http_listener_new(const char *key, const char *address, HttpAccept accept,
                                gpointer user, GError **error);
void http_listener_free(HttpListener *listener);

/** (transfer full) "127.0.0.1:8080": the address as a URL says it, with the port that was taken.
 *  For every address: "localhost". */
char *http_listener_authority(const HttpListener *listener);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpListener, http_listener_free)
