#pragma once

#include "api/http_message.h"
#include "base/thread.h"

/* One table of routes: method, path pattern, handler. A pattern's {name} takes one path segment of
 * [A-Za-z0-9_+-]{1,64}; `{name...}` at the end takes the rest of the path. */

#define ROUTE_MAX_PARAMS 3

typedef struct ApiCall ApiCall;

typedef enum {
    ROUTE_OPEN,  /* nobody is asked */
    ROUTE_TOKEN, /* asks for a token */
    ROUTE_CORS,  /* asks for a token, and pages of http.cors_origins may use it */
} RouteAccess;

typedef struct {
    HttpMethod method;
    const char *pattern;
    void (*handler)(ApiCall *call);
    RouteAccess access;
    guint grants;   /* bits of AuthGrant that the token must have in the room of {room}, or in all
                       rooms where the pattern has no {room} */
    gsize max_body; /* bytes; 0: http.max_body */
} Route;

typedef struct {
    const Route *route; /* NULL: none */
    guint methods;      /* bit per HttpMethod that this path has, whatever was asked for */
    RouteAccess access; /* of the path, if methods is not 0 */
    char *params[ROUTE_MAX_PARAMS];
} RouteMatch;

/** Find the route of a request; HEAD takes the route of GET. */
void routes_match(const Route *table, gsize n, HttpMethod method, const char *path,
                  RouteMatch *match);
void route_match_clear(RouteMatch *match);

/** The value of {room}, if that is the pattern's first parameter; else NULL (transfer none). */
const char *route_match_room(const RouteMatch *match);

/** (transfer full) "GET, HEAD, DELETE, OPTIONS": the value of Allow. */
char *routes_allow(guint methods);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RouteMatch, route_match_clear)
