#pragma once

#include "base/thread.h"

/* WHIP (RFC 9725) publishes into a room, WHEP (draft-ietf-wish-whep) takes the mix. A session is
 * the resource /whip/{room}/{session} or /whep/{room}/{session}; its id is the participant's
 * session: 128 random bits. */

typedef struct WhipSessions WhipSessions;
struct Api;

#define WHIP_MAX_PATCHES  20   /* per session */
#define WHIP_MAX_FRAGMENT 8192 /* bytes of one PATCH */

WhipSessions *whip_sessions_new(struct Api *api);
void whip_sessions_free(WhipSessions *sessions);

/** How many sessions have their participant still. */
guint whip_sessions_count(WhipSessions *sessions) ON_CONTROL_THREAD;
