#include "api/webhook_post.h"

#include <curl/curl.h>
#include <pthread.h>
#include <string.h>

#include "base/error.h"

#define MAX_ANSWER 65536 /* bytes of an answer's body, which nobody reads */
#define POLL_MS    1000

struct WebhookPost {
    char *secret, *target;
    CURL *easy;
    CURLM *multi;
    gsize received;
    pthread_mutex_t lock;
    gint64 end_us; /* 0: none; under lock */
};

static size_t discard(char *data, size_t size, size_t count, void *user)
{
    WebhookPost *post = user;
    (void)data;
    post->received += size * count;
    return post->received > MAX_ANSWER ? 0 : size * count;
}

/* (transfer full) "https://host:port", or NULL. */
static char *target_of(const char *url)
{
    CURLU *parts = curl_url();
    char *scheme = NULL, *host = NULL, *port = NULL, *target = NULL;
    gboolean ok = curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
                  curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                  curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                  curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK;
    if (ok && (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0))
        target = g_strdup_printf("%s://%s:%s", scheme, host, port);
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(parts);
    return target;
}

static void configure(WebhookPost *post, const char *url, guint timeout_seconds)
{
    CURL *easy = post->easy;
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)timeout_seconds);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* does not wait for a name server */
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "tessera/" TESSERA_VERSION);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, post);
}

WebhookPost *webhook_post_new(const char *url, const char *secret, guint timeout_seconds,
                              GError **error)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
    g_autofree char *target = target_of(url);
    if (!target) {
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                            "webhook.url must be an http or https address such as "
                            "https://example.com/hook.");
        return NULL;
    }
    WebhookPost *post = g_new0(WebhookPost, 1);
    post->target = g_steal_pointer(&target);
    post->secret = g_strdup(secret);
    post->easy = curl_easy_init();
    post->multi = curl_multi_init();
    pthread_mutex_init(&post->lock, NULL);
    configure(post, url, timeout_seconds);
    return post;
}

void webhook_post_free(WebhookPost *post)
{
    if (!post)
        return;
    curl_easy_cleanup(post->easy);
    curl_multi_cleanup(post->multi);
    pthread_mutex_destroy(&post->lock);
    g_free(post->secret);
    g_free(post->target);
    g_free(post);
}

const char *webhook_post_target(const WebhookPost *post)
{
    return post->target;
}

char *webhook_signature(const char *secret, gint64 now_s, const char *body)
{
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT ".%s", now_s, body);
    g_autofree char *mac = g_compute_hmac_for_string(G_CHECKSUM_SHA256, (const guchar *)secret,
                                                     strlen(secret), text, (gssize)strlen(text));
    return g_strdup_printf("t=%" G_GINT64_FORMAT ",v1=%s", now_s, mac);
}

static struct curl_slist *make_headers(const WebhookPost *post, const char *body)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Expect:");
    if (!*post->secret)
        return headers;
    gint64 now_s = g_get_real_time() / G_USEC_PER_SEC;
    g_autofree char *signature = webhook_signature(post->secret, now_s, body);
    g_autofree char *line = g_strconcat("Tessera-Signature: ", signature, NULL);
    return curl_slist_append(headers, line);
}

/* How long may still be waited: 0 when it is over. */
static int time_left_ms(WebhookPost *post)
{
    pthread_mutex_lock(&post->lock);
    gint64 end_us = post->end_us;
    pthread_mutex_unlock(&post->lock);
    if (!end_us)
        return POLL_MS;
    return (int)CLAMP((end_us - g_get_monotonic_time() + 999) / 1000, 0, POLL_MS);
}

/* NULL: it went well, as far as the network goes. */
static const char *transfer(WebhookPost *post)
{
    int running = 1, left_ms = time_left_ms(post), messages = 0;
    while (running && left_ms) {
        if (curl_multi_perform(post->multi, &running) != CURLM_OK)
            return "the transfer failed";
        if (running)
            curl_multi_poll(post->multi, NULL, 0, left_ms, NULL);
        left_ms = time_left_ms(post);
    }
    const CURLMsg *message = curl_multi_info_read(post->multi, &messages);
    if (!message)
        return "the server stops";
    return message->data.result == CURLE_OK ? NULL : curl_easy_strerror(message->data.result);
}

static WebhookOutcome outcome_of(guint status)
{
    if (status >= 200 && status <= 299)
        return WEBHOOK_DELIVERED;
    return status < 300 || status >= 500 || status == 429 ? WEBHOOK_FAILED : WEBHOOK_REFUSED;
}

void webhook_post_send(WebhookPost *post, const char *body, WebhookAnswer *answer)
{
    struct curl_slist *headers = make_headers(post, body);
    long status = 0;
    curl_off_t retry_after = 0;
    *answer = (WebhookAnswer){ 0 };
    post->received = 0;
    curl_easy_setopt(post->easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(post->easy, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
    curl_easy_setopt(post->easy, CURLOPT_POSTFIELDS, body);
    curl_multi_add_handle(post->multi, post->easy);
    answer->problem = transfer(post);
    /* Of an answer that broke off in its body we know what it says. */
    curl_easy_getinfo(post->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(post->easy, CURLINFO_RETRY_AFTER, &retry_after);
    curl_multi_remove_handle(post->multi, post->easy);
    curl_slist_free_all(headers);
    answer->status = (guint)status;
    answer->outcome = outcome_of(answer->status);
    answer->retry_after_s = MAX((gint64)retry_after, 0);
}

void webhook_post_end_at(WebhookPost *post, gint64 end_us)
{
    pthread_mutex_lock(&post->lock);
    post->end_us = end_us;
    pthread_mutex_unlock(&post->lock);
    curl_multi_wakeup(post->multi);
}
