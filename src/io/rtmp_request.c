#include "io/rtmp_request.h"

struct RtmpRequest {
    gint refs; /* atomic */
    RtmpConnection *connection;
    RtmpRequestKind kind;
    RtmpTarget *target;
    gint answered; /* atomic */
};

/* What is to be done on the rtmp thread. */
typedef struct {
    RtmpConnection *connection;
    MediaEvents events;
    gpointer user;
    GDestroyNotify user_free;
    RtmpPlay *play;
    char *reason;
} RtmpAnswer;

RtmpRequest *rtmp_request_new(RtmpConnection *connection, RtmpRequestKind kind, RtmpTarget *target)
{
    RtmpRequest *request = g_new0(RtmpRequest, 1);
    request->refs = 1;
    request->connection = rtmp_connection_ref(connection);
    request->kind = kind;
    request->target = rtmp_target_ref(target);
    return request;
}

RtmpRequest *rtmp_request_ref(RtmpRequest *request)
{
    g_atomic_int_inc(&request->refs);
    return request;
}

void rtmp_request_unref(RtmpRequest *request)
{
    if (!request || !g_atomic_int_dec_and_test(&request->refs))
        return;
    rtmp_request_refuse(request, "The server has no place for this stream.");
    rtmp_connection_unref(request->connection);
    rtmp_target_unref(request->target);
    g_free(request);
}

RtmpRequestKind rtmp_request_kind(const RtmpRequest *request)
{
    return request->kind;
}

const char *rtmp_request_room(const RtmpRequest *request)
{
    return rtmp_target_room(request->target);
}

const char *rtmp_request_name(const RtmpRequest *request)
{
    return rtmp_target_name(request->target);
}

const char *rtmp_request_token(const RtmpRequest *request)
{
    return rtmp_target_arg(request->target, "token");
}

const char *rtmp_request_arg(const RtmpRequest *request, const char *key)
{
    return rtmp_target_arg(request->target, key);
}

const char *rtmp_request_peer(const RtmpRequest *request)
{
    return rtmp_connection_peer(request->connection);
}

gboolean rtmp_request_is_secure(const RtmpRequest *request)
{
    return rtmp_connection_is_secure(request->connection);
}

/* --- Answers --- */

static RtmpAnswer *answer_new(const RtmpRequest *request, const char *reason)
{
    RtmpAnswer *answer = g_new0(RtmpAnswer, 1);
    answer->connection = rtmp_connection_ref(request->connection);
    answer->reason = g_strdup(reason);
    return answer;
}

static void answer_free(gpointer data)
{
    RtmpAnswer *answer = data;
    rtmp_connection_unref(answer->connection);
    rtmp_play_unref(answer->play);
    g_free(answer->reason);
    g_free(answer);
}

static gboolean request_take_answer(RtmpRequest *request)
{
    return g_atomic_int_compare_and_exchange(&request->answered, FALSE, TRUE);
}

static void request_post(const RtmpRequest *request, MailboxCommand command, RtmpAnswer *answer)
{
    rtmp_hub_post(rtmp_connection_hub(request->connection), command, answer, answer_free);
}

static void answer_accept_publish(gpointer data)
{
    RtmpAnswer *answer = data;
    rtmp_connection_accept_publish(answer->connection, &answer->events, answer->user,
                                   answer->user_free);
}

void rtmp_request_accept_publish(RtmpRequest *request, const MediaEvents *events, gpointer user,
                                 GDestroyNotify user_free)
{
    if (request->kind != RTMP_PUBLISH || !request_take_answer(request)) {
        events->ended(NULL, user);
        if (user_free)
            user_free(user);
        return;
    }
    RtmpAnswer *answer = answer_new(request, NULL);
    answer->events = *events;
    answer->user = user;
    answer->user_free = user_free;
    request_post(request, answer_accept_publish, answer);
}

static void answer_accept_play(gpointer data)
{
    RtmpAnswer *answer = data;
    rtmp_connection_accept_play(answer->connection, answer->play);
}

Sink *rtmp_request_accept_play(RtmpRequest *request, const SinkEvents *events)
{
    if (request->kind != RTMP_PLAY || !request_take_answer(request))
        return NULL;
    RtmpAnswer *answer = answer_new(request, NULL);
    Sink *sink = rtmp_play_new(request->connection, events, &answer->play);
    request_post(request, answer_accept_play, answer);
    return sink;
}

static void answer_refuse(gpointer data)
{
    RtmpAnswer *answer = data;
    rtmp_connection_refuse(answer->connection, answer->reason);
}

void rtmp_request_refuse(RtmpRequest *request, const char *reason)
{
    if (request_take_answer(request))
        request_post(request, answer_refuse, answer_new(request, reason));
}

static void answer_finish(gpointer data)
{
    RtmpAnswer *answer = data;
    rtmp_connection_finish(answer->connection, answer->reason);
}

void rtmp_publisher_close(RtmpRequest *publisher, const char *reason)
{
    request_post(publisher, answer_finish, answer_new(publisher, reason));
}
