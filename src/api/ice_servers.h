#pragma once

#include <jansson.h>

#include "api/http_message.h"
#include "config.h"

/* What clients are told of STUN and TURN servers (ice.stun_server, ice.turn_server, ...). */

/** (transfer full) An array of RTCIceServer. */
json_t *ice_servers_json(const Config *config);

/** Link headers with rel="ice-server" (RFC 9725 section 4.5). */
void ice_servers_add_links(const Config *config, HttpResponse *response);
