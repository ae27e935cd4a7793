#include "impair/impair_rules.h"

#include "base/clock.h"

#include <jansson.h>
#include <sys/stat.h>

struct ImpairRules {
    char *path;
    json_t *root;
    struct timespec changed;
    ino_t inode;
};

ImpairRules *impair_rules_new(const char *path)
{
    ImpairRules *rules = g_new0(ImpairRules, 1);
    rules->path = g_strdup(path);
    impair_rules_refresh(rules);
    return rules;
}

void impair_rules_free(ImpairRules *rules)
{
    json_decref(rules->root);
    g_free(rules->path);
    g_free(rules);
}

gboolean impair_rules_refresh(ImpairRules *rules)
{
    struct stat status;
    json_error_t error;
    if (stat(rules->path, &status) != 0)
        return FALSE;
    if (status.st_ino == rules->inode && status.st_mtim.tv_sec == rules->changed.tv_sec &&
        status.st_mtim.tv_nsec == rules->changed.tv_nsec)
        return FALSE;
    json_decref(rules->root);
    rules->root = json_load_file(rules->path, 0, &error);
    if (!rules->root)
        g_error("%s:%d: %s", rules->path, error.line, error.text);
    rules->changed = status.st_mtim;
    rules->inode = status.st_ino;
    return TRUE;
}

guint32 impair_rules_seed(const ImpairRules *rules)
{
    json_t *seed = json_object_get(rules->root, "seed");
    return seed ? (guint32)json_integer_value(seed) : 1;
}

int impair_rules_serial(const ImpairRules *rules)
{
    return (int)json_integer_value(json_object_get(rules->root, "serial"));
}

static gint64 impair_ms(double ms)
{
    return (gint64)(ms * (double)NS_PER_MS);
}

static void impair_parse(json_t *json, ImpairRule *rule)
{
    double rate = 0, queue = 0, delay = 0, jitter = 0;
    int burst_len = 0, dtls = 0, stun = 0;
    SimLinkConfig link = { 0 };
    json_error_t error;
    *rule = (ImpairRule){ 0 };
    if (!json || json_is_null(json))
        return;
    if (json_unpack_ex(json, &error, JSON_STRICT,
                       "{s?F, s?F, s?F, s?F, s?F, s?F, s?i, s?F, s?F, s?b, s?b}", "rate", &rate,
                       "queue", &queue, "delay", &delay, "jitter", &jitter, "loss", &link.loss,
                       "burst", &link.burst, "burstLen", &burst_len, "reorder", &link.reorder,
                       "duplicate", &link.duplicate, "dtls", &dtls, "stun", &stun) != 0)
        g_error("an impairment is wrong: %s", error.text);
    link.rate_bps = (gint64)rate;
    link.queue_ns = impair_ms(queue);
    link.delay_ns = impair_ms(delay);
    link.jitter_ns = impair_ms(jitter);
    link.burst_len = (guint)burst_len;
    *rule = (ImpairRule){ TRUE, dtls != 0, stun != 0, link };
}

void impair_rules_find(const ImpairRules *rules, const char *const *names, gsize n_names,
                       ImpairRule *down, ImpairRule *up)
{
    json_t *all = json_object_get(rules->root, "rules"), *found = NULL;
    for (gsize i = 0; i < n_names && !found; i++)
        found = names[i] ? json_object_get(all, names[i]) : NULL;
    if (!found)
        found = json_object_get(all, "*");
    impair_parse(json_object_get(found, "down"), down);
    impair_parse(json_object_get(found, "up"), up);
}
