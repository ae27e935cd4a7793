#include "io/sink.h"

#include <string.h>

static const char *const state_names[] = {
    [SINK_STARTING] = "starting", [SINK_RUNNING] = "running",     [SINK_PAUSED] = "paused",
    [SINK_RETRYING] = "retrying", [SINK_FINISHING] = "finishing", [SINK_FINISHED] = "finished",
    [SINK_FAILED] = "failed",
};

const char *sink_state_name(SinkState state)
{
    g_return_val_if_fail((guint)state < G_N_ELEMENTS(state_names), "failed");
    return state_names[state];
}

void sink_init(Sink *sink, const SinkType *type, const SinkEvents *events)
{
    sink->type = type;
    sink->refs = 1;
    sink->events = events ? *events : (SinkEvents){ 0 };
    sink->failure = NULL;
}

void sink_tell_changed(Sink *sink)
{
    if (sink->events.changed)
        sink->events.changed(sink, sink->events.user);
}

void sink_tell_want_keyframe(Sink *sink)
{
    if (sink->events.want_keyframe)
        sink->events.want_keyframe(sink, sink->events.user);
}

Sink *sink_ref(Sink *sink)
{
    g_atomic_int_inc(&sink->refs);
    return sink;
}

void sink_unref(Sink *sink)
{
    if (!sink || !g_atomic_int_dec_and_test(&sink->refs))
        return;
    /* Its threads may tell something until they have ended. */
    SinkEvents events = sink->events;
    char *failure = sink->failure;
    sink->type->free(sink);
    g_free(failure);
    if (events.user_free)
        events.user_free(events.user);
}

/** At most one video and one audio stream may be the mix's. */
static gboolean streams_allowed(const SinkStream *streams, guint n)
{
    guint mixed_video = 0, mixed_audio = 0;
    for (guint i = 0; i < n; i++) {
        if (!streams[i].parameters)
            return FALSE;
        if (streams[i].name)
            continue;
        if (streams[i].parameters->codec_type == AVMEDIA_TYPE_VIDEO)
            mixed_video++;
        else
            mixed_audio++;
    }
    return n > 0 && n <= SINK_MAX_STREAMS && mixed_video <= 1 && mixed_audio <= 1;
}

void sink_start(Sink *sink, const SinkStream *streams, guint n)
{
    g_return_if_fail(streams_allowed(streams, n));
    sink->type->start(sink, streams, n);
}

void sink_write(Sink *sink, guint stream, const AVPacket *packet)
{
    g_return_if_fail(stream < SINK_MAX_STREAMS);
    sink->type->write(sink, stream, packet);
}

gboolean sink_pause(Sink *sink, gboolean paused)
{
    if (!sink->type->pause)
        return FALSE;
    sink->type->pause(sink, paused);
    return TRUE;
}

void sink_finish(Sink *sink)
{
    sink->type->finish(sink);
}

static gboolean has_ended(const SinkStatus *status)
{
    return status->state == SINK_FINISHED || status->state == SINK_FAILED;
}

void sink_fail(Sink *sink, const char *reason)
{
    SinkStatus status;
    sink_status(sink, &status);
    if (has_ended(&status))
        return;
    char *failure = g_strdup(reason);
    if (!g_atomic_pointer_compare_and_exchange(&sink->failure, NULL, failure))
        g_free(failure);
    sink->type->finish(sink);
}

const char *sink_failure(Sink *sink)
{
    return g_atomic_pointer_get(&sink->failure);
}

void sink_status(Sink *sink, SinkStatus *status)
{
    memset(status, 0, sizeof *status);
    sink->type->status(sink, status);
    const char *failure = sink_failure(sink);
    if (!failure || !has_ended(status))
        return;
    status->state = SINK_FAILED;
    g_strlcpy(status->error, failure, sizeof status->error);
}
