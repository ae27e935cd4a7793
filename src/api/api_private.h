#pragma once

#include "api/api.h"
#include "api/metrics.h"
#include "api/rate_limit.h"
#include "api/routes.h"
#include "api/signalling.h"
#include "api/static_files.h"
#include "api/whip_whep.h"

/* What the handlers share; for the files of src/api/ that handle requests. */

struct Api {
    const Config *config;
    Rooms *rooms;
    Engine *engine; /* or NULL */
    HttpServer *http;
    Auth *auth;
    StaticFiles *files;
    RateTable *requests, *failures; /* per address */
    Metrics metrics;
    Signalling *signalling;
    WhipSessions *whip;
    gboolean made_certificate;
};

/** One request on its way through its handler. */
struct ApiCall {
    Api *api;
    HttpExchange *exchange;
    const HttpRequest *request;
    char **params; /* of the route's pattern, in order */
};

/** Answers: each ends the call. */
void api_respond(ApiCall *call, HttpResponse *response) ON_CONTROL_THREAD;
void api_respond_json(ApiCall *call, guint status,
                      json_t *json /* (transfer full) */) ON_CONTROL_THREAD;
void api_respond_problem(ApiCall *call, guint status, const char *detail) ON_CONTROL_THREAD;
void api_respond_error(ApiCall *call, const GError *error) ON_CONTROL_THREAD;

/** (transfer full) A response with this JSON (transfer full). */
HttpResponse *api_json_response(guint status, json_t *json);

/** The room of the first parameter; NULL: 404 was answered. */
Room *api_call_room(ApiCall *call) ON_CONTROL_THREAD;

/** A token was shown; `ok`: the right one. TRUE: come in. After ten wrong ones within a minute an
 *  address has to wait. */
gboolean api_auth_attempt(Api *api, const char *peer, gboolean ok);

/** Handlers of the table in api.c. */
void rooms_api_list(ApiCall *call) ON_CONTROL_THREAD;
void rooms_api_get(ApiCall *call) ON_CONTROL_THREAD;
void rooms_api_delete(ApiCall *call) ON_CONTROL_THREAD;
void rooms_api_stats(ApiCall *call) ON_CONTROL_THREAD;
void rooms_api_graph(ApiCall *call) ON_CONTROL_THREAD;
void rooms_api_participants(ApiCall *call) ON_CONTROL_THREAD;
void rooms_api_participant(ApiCall *call) ON_CONTROL_THREAD;
void rooms_api_kick(ApiCall *call) ON_CONTROL_THREAD;
void whip_post(ApiCall *call) ON_CONTROL_THREAD;
void whep_post(ApiCall *call) ON_CONTROL_THREAD;
void whip_patch(ApiCall *call) ON_CONTROL_THREAD;
void whip_delete(ApiCall *call) ON_CONTROL_THREAD;
void metrics_get(ApiCall *call) ON_CONTROL_THREAD;
