#pragma once

#include "room/room.h"

/* Events of all rooms, posted to webhook.url as JSON: {"id": uuid, "event", "room", "time" (RFC
 * 3339), "data": as in room.h}, signed by webhook.secret, one after the other in their order. A
 * thread of its own ("webhook") sends; nothing here blocks the control thread.
 *
 *   rooms_listen() -> queue (webhook.queue; the oldest are dropped) -> WebhookPost -> webhook.url
 */

typedef struct Webhooks Webhooks;

typedef struct {
    guint64 delivered; /* answered with 2xx */
    guint64 retried;   /* attempts after the first */
    guint64 dropped;   /* queue full, refused, out of attempts, or server stop */
    guint waiting;
} WebhookStats;

/** NULL without an error: webhook.url is empty. INVALID: webhook.url or webhook.events. Listens
 * until `rooms` is freed, so that the last events are posted too: rooms_free() comes before
 *  webhooks_free(). */
Webhooks *webhooks_new(const Config *config, Rooms *rooms, GError **error) ON_CONTROL_THREAD;

/** Posts what waits, each once, for at most a second. */
void webhooks_free(Webhooks *webhooks) ON_CONTROL_THREAD;

/** The delay before the first retry, instead of one second. */
void webhooks_set_first_delay_ms(Webhooks *webhooks, guint ms);

/** How long to wait after this failed attempt (1, ...): first_ms * 2^(attempt - 1), at most a
 *  minute, a quarter more or less by `random` (0 to 1); at least retry_after_s (at most a minute;
 * 0: none). */
guint64 webhook_delay_ms(guint attempt, guint first_ms, double random, gint64 retry_after_s);

void webhooks_stats(Webhooks *webhooks, WebhookStats *stats);
