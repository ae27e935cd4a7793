#include "api/webhook.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "api/json_text.h"
#include "api/webhook_post.h"
#include "base/error.h"
#include "base/log.h"

#define MAX_DELAY_S   60
#define DRAIN_US      G_USEC_PER_SEC
#define LAST_DOUBLING 20 /* far beyond MAX_DELAY_S */

typedef struct {
    char *body;
    RoomEventType type;
} Webhook;

struct Webhooks {
    WebhookPost *post; /* of the thread */
    GThread *thread;
    guint max_waiting, attempts;
    guint events; /* bit per RoomEventType */

    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    GQueue queue; /* Webhook, without the one that is being posted */
    WebhookStats stats;
    guint first_delay_ms;
    gint64 end_us; /* 0: goes on */
};

static void webhook_free(gpointer data)
{
    Webhook *webhook = data;
    g_free(webhook->body);
    g_free(webhook);
}

/* --- the thread that sends --------------------------------------------------------------- */

/* (transfer full) The next one, or NULL at the end. */
static Webhook *take(Webhooks *webhooks)
{
    pthread_mutex_lock(&webhooks->lock);
    while (!webhooks->queue.length && !webhooks->end_us)
        pthread_cond_wait(&webhooks->changed, &webhooks->lock);
    gboolean late = webhooks->end_us && g_get_monotonic_time() >= webhooks->end_us;
    Webhook *webhook = late ? NULL : g_queue_pop_head(&webhooks->queue);
    pthread_mutex_unlock(&webhooks->lock);
    return webhook;
}

/* Wait before a retry; the server's stop ends it. */
static void pause_before_retry(Webhooks *webhooks, guint attempt, const WebhookAnswer *answer)
{
    pthread_mutex_lock(&webhooks->lock);
    guint64 delay_ms = webhook_delay_ms(attempt, webhooks->first_delay_ms, g_random_double(),
                                        answer->retry_after_s);
    gint64 end_us = g_get_monotonic_time() + (gint64)delay_ms * 1000;
    struct timespec end = { .tv_sec = end_us / G_USEC_PER_SEC,
                            .tv_nsec = end_us % G_USEC_PER_SEC * 1000 };
    webhooks->stats.retried++;
    while (!webhooks->end_us &&
           pthread_cond_timedwait(&webhooks->changed, &webhooks->lock, &end) != ETIMEDOUT) {
    }
    pthread_mutex_unlock(&webhooks->lock);
}

static gboolean is_ending(Webhooks *webhooks)
{
    pthread_mutex_lock(&webhooks->lock);
    gboolean ending = webhooks->end_us != 0;
    pthread_mutex_unlock(&webhooks->lock);
    return ending;
}

static void finish(Webhooks *webhooks, const Webhook *webhook, const WebhookAnswer *answer)
{
    const char *event = room_event_name(webhook->type);
    const char *target = webhook_post_target(webhooks->post);
    gboolean delivered = answer->outcome == WEBHOOK_DELIVERED;
    if (!delivered && answer->status)
        log_limited(LOG_WARNING, "webhook", "\"%s\" dropped: %s answers %u", event, target,
                    answer->status);
    else if (!delivered)
        log_limited(LOG_WARNING, "webhook", "\"%s\" dropped: %s: %s", event, target,
                    answer->problem ? answer->problem : "no answer");
    pthread_mutex_lock(&webhooks->lock);
    webhooks->stats.delivered += delivered;
    webhooks->stats.dropped += !delivered;
    pthread_mutex_unlock(&webhooks->lock);
}

static void deliver(Webhooks *webhooks, const Webhook *webhook)
{
    WebhookAnswer answer = { 0 };
    for (guint attempt = 1;; attempt++) {
        gboolean last = attempt >= webhooks->attempts || is_ending(webhooks);
        webhook_post_send(webhooks->post, webhook->body, &answer);
        if (last || answer.outcome != WEBHOOK_FAILED)
            break;
        pause_before_retry(webhooks, attempt, &answer);
    }
    finish(webhooks, webhook, &answer);
}

static gpointer run(gpointer data)
{
    Webhooks *webhooks = data;
    Webhook *webhook;
    while ((webhook = take(webhooks))) {
        deliver(webhooks, webhook);
        webhook_free(webhook);
    }
    return NULL;
}

/* --- what happens in the rooms ------------------------------------------------------------ */

/* (transfer full) RFC 3339, with milliseconds. */
static char *time_text(gint64 real_us)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(real_us / G_USEC_PER_SEC);
    g_autofree char *seconds = g_date_time_format(time, "%Y-%m-%dT%H:%M:%S");
    return g_strdup_printf("%s.%03dZ", seconds, (int)(real_us % G_USEC_PER_SEC / 1000));
}

static void enqueue(Webhooks *webhooks, Webhook *webhook)
{
    pthread_mutex_lock(&webhooks->lock);
    if (webhooks->queue.length >= webhooks->max_waiting) {
        webhook_free(g_queue_pop_head(&webhooks->queue));
        webhooks->stats.dropped++;
        log_limited(LOG_WARNING, "webhook", "%u wait for %s (webhook.queue): the oldest is dropped",
                    webhooks->max_waiting, webhook_post_target(webhooks->post));
    }
    g_queue_push_tail(&webhooks->queue, webhook);
    pthread_cond_signal(&webhooks->changed);
    pthread_mutex_unlock(&webhooks->lock);
}

static void on_event(Room *room, RoomEventType type, Participant *participant, json_t *data,
                     gpointer user)
{
    Webhooks *webhooks = user;
    (void)participant;
    if (!(webhooks->events & (1u << type)))
        return;
    g_autofree char *id = g_uuid_string_random();
    g_autofree char *time = time_text(g_get_real_time());
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:O}", "id", id, "event", room_event_name(type),
                             "room", room_id(room), "time", time, "data", data);
    Webhook *webhook = g_new0(Webhook, 1);
    webhook->type = type;
    webhook->body = json_text_dump(json);
    json_decref(json);
    enqueue(webhooks, webhook);
}

/* --- start and stop ---------------------------------------------------------------------- */

static gboolean parse_event(const char *name, guint *events, GError **error)
{
    g_autoptr(GString) known = g_string_new(NULL);
    for (guint i = 0; i <= ROOM_EVENT_BROADCAST; i++) {
        if (strcmp(room_event_name((RoomEventType)i), name) == 0) {
            *events |= 1u << i;
            return TRUE;
        }
        g_string_append_printf(known, "%s%s", i ? ", " : "", room_event_name((RoomEventType)i));
    }
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                "webhook.events: there is no event \"%s\"; there are %s.", name, known->str);
    return FALSE;
}

static gboolean parse_events(const char *text, guint *events, GError **error)
{
    g_auto(GStrv) names = g_strsplit(text, ",", 0);
    for (guint i = 0; names[i]; i++) {
        if (*g_strstrip(names[i]) && !parse_event(names[i], events, error))
            return FALSE;
    }
    return TRUE;
}

static void init_lock(Webhooks *webhooks)
{
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_mutex_init(&webhooks->lock, NULL);
    pthread_cond_init(&webhooks->changed, &clock);
    pthread_condattr_destroy(&clock);
}

Webhooks *webhooks_new(const Config *config, Rooms *rooms, GError **error)
{
    const char *url = config_string(config, "webhook.url");
    guint events = 0;
    if (!*url || !parse_events(config_string(config, "webhook.events"), &events, error))
        return NULL;
    WebhookPost *post =
        webhook_post_new(url, config_string(config, "webhook.secret"),
                         (guint)config_int(config, "webhook.timeout_seconds"), error);
    if (!post)
        return NULL;
    Webhooks *webhooks = g_new0(Webhooks, 1);
    webhooks->post = post;
    webhooks->events = events;
    webhooks->max_waiting = (guint)config_int(config, "webhook.queue");
    webhooks->attempts = (guint)config_int(config, "webhook.attempts");
    webhooks->first_delay_ms = 1000;
    init_lock(webhooks);
    g_queue_init(&webhooks->queue);
    webhooks->thread = g_thread_new("webhook", run, webhooks);
    rooms_listen(rooms, on_event, webhooks);
    return webhooks;
}

void webhooks_free(Webhooks *webhooks)
{
    if (!webhooks)
        return;
    gint64 end_us = g_get_monotonic_time() + DRAIN_US;
    pthread_mutex_lock(&webhooks->lock);
    webhooks->end_us = end_us;
    pthread_cond_signal(&webhooks->changed);
    pthread_mutex_unlock(&webhooks->lock);
    webhook_post_end_at(webhooks->post, end_us);
    g_thread_join(webhooks->thread);
    if (webhooks->queue.length)
        log_warning("webhook", "the server stops: %u were not posted", webhooks->queue.length);
    g_queue_clear_full(&webhooks->queue, webhook_free);
    webhook_post_free(webhooks->post);
    pthread_mutex_destroy(&webhooks->lock);
    pthread_cond_destroy(&webhooks->changed);
    g_free(webhooks);
}

void webhooks_set_first_delay_ms(Webhooks *webhooks, guint ms)
{
    pthread_mutex_lock(&webhooks->lock);
    webhooks->first_delay_ms = ms;
    pthread_mutex_unlock(&webhooks->lock);
}

guint64 webhook_delay_ms(guint attempt, guint first_ms, double random, gint64 retry_after_s)
{
    guint64 doubled = (guint64)first_ms << MIN(attempt - 1, LAST_DOUBLING);
    double delay_ms = (double)MIN(doubled, MAX_DELAY_S * 1000) * (0.75 + random / 2);
    return MAX((guint64)delay_ms, (guint64)CLAMP(retry_after_s, 0, MAX_DELAY_S) * 1000);
}

void webhooks_stats(Webhooks *webhooks, WebhookStats *stats)
{
    pthread_mutex_lock(&webhooks->lock);
    *stats = webhooks->stats;
    stats->waiting = webhooks->queue.length;
    pthread_mutex_unlock(&webhooks->lock);
}
