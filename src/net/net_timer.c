#include "net/net_timer.h"

struct NetTimer {
    GSource source;
    NetTimerFunc func;
    gpointer user;
};

static gboolean net_timer_dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
    (void)callback;
    (void)data;
    NetTimer *timer = (NetTimer *)source;
    g_source_set_ready_time(source, -1);
    timer->func(timer->user);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs net_timer_funcs = { .dispatch = net_timer_dispatch };

NetTimer *net_timer_new(GMainContext *context, NetTimerFunc func, gpointer user)
{
    NetTimer *timer = (NetTimer *)g_source_new(&net_timer_funcs, sizeof(NetTimer));
    timer->func = func;
    timer->user = user;
    g_source_set_static_name(&timer->source, "net timer");
    g_source_attach(&timer->source, context);
    return timer;
}

void net_timer_set(NetTimer *timer, guint delay_ms)
{
    g_source_set_ready_time(&timer->source, g_get_monotonic_time() + (gint64)delay_ms * 1000);
}

void net_timer_stop(NetTimer *timer)
{
    g_source_set_ready_time(&timer->source, -1);
}

void net_timer_free(NetTimer *timer)
{
    if (!timer)
        return;
    g_source_destroy(&timer->source);
    g_source_unref(&timer->source);
}
