#pragma once

#include <glib.h>

/* Posts one webhook over HTTP and says what came of it. One thread uses it, except where noted. */

typedef struct WebhookPost WebhookPost;

/** INVALID: the URL is not http or https. `secret` "": not signed. */
WebhookPost *webhook_post_new(const char *url, const char *secret, guint timeout_seconds,
                              GError **error);
void webhook_post_free(WebhookPost *post);

/** "https://example.com": where it posts to, without credentials, path and query; for logs. */
const char *webhook_post_target(const WebhookPost *post);

typedef enum {
    WEBHOOK_DELIVERED, /* 2xx */
    WEBHOOK_REFUSED,   /* 3xx (redirects are not followed), 4xx: another try would not help */
    WEBHOOK_FAILED,    /* no answer, 5xx, 429: may be tried again */
} WebhookOutcome;

typedef struct {
    WebhookOutcome outcome;
    guint status;         /* 0: no answer */
    const char *problem;  /* of no answer; nothing of the URL stands in it (transfer none) */
    gint64 retry_after_s; /* 0: not said */
} WebhookAnswer;

/** Post this JSON, signed now. Blocks for timeout_seconds at most. */
void webhook_post_send(WebhookPost *post, const char *body, WebhookAnswer *answer);

/** What is under way, and whatever follows, ends at this monotonic time (us). Any thread. */
void webhook_post_end_at(WebhookPost *post, gint64 end_us);

/** (transfer full) "t=TIME,v1=HEX": HMAC-SHA256 of "TIME.BODY". */
char *webhook_signature(const char *secret, gint64 now_s, const char *body);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(WebhookPost, webhook_post_free)
