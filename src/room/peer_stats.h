#pragma once

#include <jansson.h>

#include "room/ingress.h"
#include "room/viewer.h"

/** (transfer full) The counters of one connection; transport and ingress may be NULL. */
json_t *peer_stats_to_json(Transport *transport, const Ingress *ingress, const Viewer *viewer,
                           const IngressSinks *sinks) ON_NET_THREAD;
