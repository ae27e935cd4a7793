#pragma once

#include "api/http_message.h"
#include "api/websocket.h"
#include "base/thread.h"

/* /ws: one participant of one room per WebSocket (docs/signalling.md). */

typedef struct Signalling Signalling;
struct Api;

#define SIGNALLING_REPLACED 4001 /* the same participant came back by another connection */
#define SIGNALLING_REMOVED  4002 /* the participant is not in the room any more */

Signalling *signalling_new(struct Api *api);
void signalling_free(Signalling *signalling);

/** A WebSocket that was let in. */
void signalling_open(Signalling *signalling, WebSocket *socket) ON_CONTROL_THREAD;

/** Connections of this address that have not joined yet. */
guint signalling_strangers(const Signalling *signalling, const char *peer);

/** Send everyone away. */
void signalling_close_all(Signalling *signalling, guint code, const char *reason) ON_CONTROL_THREAD;
