#include "io/rtmp_hub.h"

RtmpHub *rtmp_hub_new(const RtmpServerConfig *config, RtmpRequestFunc request, gpointer user)
{
    RtmpHub *hub = g_new0(RtmpHub, 1);
    hub->refs = 1;
    hub->config = *config;
    hub->config.listen = hub->config.tls_listen = NULL;
    hub->config.certificate_file = hub->config.key_file = NULL;
    hub->context = g_main_context_new();
    hub->request = request;
    hub->user = user;
    hub->connections = g_ptr_array_new();
    hub->buffer = g_malloc(RTMP_READ_SIZE);
    pthread_mutex_init(&hub->lock, NULL);
    hub->mailbox = mailbox_new_for_context(hub->context);
    return hub;
}

RtmpHub *rtmp_hub_ref(RtmpHub *hub)
{
    g_atomic_int_inc(&hub->refs);
    return hub;
}

void rtmp_hub_unref(RtmpHub *hub)
{
    if (!hub || !g_atomic_int_dec_and_test(&hub->refs))
        return;
    mailbox_free(hub->mailbox);
    rtmp_tls_context_free(hub->tls);
    g_ptr_array_unref(hub->connections);
    g_main_context_unref(hub->context);
    g_free(hub->buffer);
    pthread_mutex_destroy(&hub->lock);
    g_free(hub);
}

void rtmp_hub_post(RtmpHub *hub, MailboxCommand command, gpointer data, GDestroyNotify destroy)
{
    pthread_mutex_lock(&hub->lock);
    gboolean stopped = hub->stopped;
    if (!stopped)
        mailbox_post(hub->mailbox, command, data, destroy);
    pthread_mutex_unlock(&hub->lock);
    if (!stopped)
        return;
    command(data);
    if (destroy)
        destroy(data);
}

void rtmp_hub_stop(RtmpHub *hub)
{
    pthread_mutex_lock(&hub->lock);
    hub->stopped = TRUE;
    pthread_mutex_unlock(&hub->lock);
    mailbox_run(hub->mailbox);
}

void rtmp_hub_count(RtmpHub *hub, gint connections, gint publishers, gint players)
{
    pthread_mutex_lock(&hub->lock);
    hub->stats.connections += (guint)connections;
    hub->stats.publishers += (guint)publishers;
    hub->stats.players += (guint)players;
    if (connections > 0)
        hub->stats.accepted += (guint)connections;
    pthread_mutex_unlock(&hub->lock);
}

void rtmp_hub_count_traffic(RtmpHub *hub, gsize received, gsize sent, guint64 dropped)
{
    pthread_mutex_lock(&hub->lock);
    hub->stats.received += received;
    hub->stats.sent += sent;
    hub->stats.dropped += dropped;
    pthread_mutex_unlock(&hub->lock);
}
