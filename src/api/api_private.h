#pragma once

#include "api/api.h"
#include "api/metrics.h"
#include "api/rate_limit.h"
#include "api/routes.h"
#include "api/rtmp_door.h"
#include "api/signalling.h"
#include "api/static_files.h"
#include "api/webhook.h"
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
    RtmpDoor *rtmp;      /* NULL: not listened yet, or rtmp.listen is empty */
    Webhooks *webhooks;  /* NULL: webhook.url is empty */
    guint event_streams; /* that are open (events_api.c) */
    gboolean made_certificate;
};

/** One request on its way through its handler. */
struct ApiCall {
    Api *api;
    HttpExchange *exchange;
    const HttpRequest *request;
    char **params;     /* of the route's pattern, in order */
    AuthClaims claims; /* of the token; where auth is off: everything */
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

/** Check a token that came from `peer`: may it do `grants` in this room (NULL: in all of them)?
 *  FALSE with UNAUTHORIZED (no or bad token; wrong ones are counted, and after ten within a minute
 *  an address has to wait, with the right one too) or FORBIDDEN (a good token that does not allow
 *  this). On TRUE the claims are the caller's to clear; where auth is off they allow everything. */
gboolean api_authorize(Api *api, const char *peer, const char *token, const char *room,
                       guint grants, AuthClaims *claims, GError **error) ON_CONTROL_THREAD;

/** (transfer full) What an event's data say to somebody with these grants: of recordings and
 * broadcasts who may not look at them learns only that they are there. */
json_t *api_event_data(RoomEventType type, json_t *data, guint grants);

/** Handlers of the table in api.c. */
void rooms_api_list(ApiCall *call) ON_CONTROL_THREAD;
void rooms_api_create(ApiCall *call) ON_CONTROL_THREAD;
void rooms_api_get(ApiCall *call) ON_CONTROL_THREAD;
void rooms_api_patch(ApiCall *call) ON_CONTROL_THREAD;
void rooms_api_delete(ApiCall *call) ON_CONTROL_THREAD;
void rooms_api_stats(ApiCall *call) ON_CONTROL_THREAD;
void rooms_api_graph(ApiCall *call) ON_CONTROL_THREAD;
void rooms_api_participants(ApiCall *call) ON_CONTROL_THREAD;
void rooms_api_participant(ApiCall *call) ON_CONTROL_THREAD;
void rooms_api_participant_patch(ApiCall *call) ON_CONTROL_THREAD;
void rooms_api_kick(ApiCall *call) ON_CONTROL_THREAD;
void events_api_room(ApiCall *call) ON_CONTROL_THREAD;
void layouts_api_room_get(ApiCall *call) ON_CONTROL_THREAD;
void layouts_api_room_put(ApiCall *call) ON_CONTROL_THREAD;
void layouts_api_list(ApiCall *call) ON_CONTROL_THREAD;
void layouts_api_get(ApiCall *call) ON_CONTROL_THREAD;
void layouts_api_put(ApiCall *call) ON_CONTROL_THREAD;
void layouts_api_delete(ApiCall *call) ON_CONTROL_THREAD;
void layouts_api_preview(ApiCall *call) ON_CONTROL_THREAD;
void images_api_list(ApiCall *call) ON_CONTROL_THREAD;
void images_api_get(ApiCall *call) ON_CONTROL_THREAD;
void images_api_put(ApiCall *call) ON_CONTROL_THREAD;
void images_api_delete(ApiCall *call) ON_CONTROL_THREAD;
void snapshot_api_png(ApiCall *call) ON_CONTROL_THREAD;
void snapshot_api_jpeg(ApiCall *call) ON_CONTROL_THREAD;
void recordings_api_list(ApiCall *call) ON_CONTROL_THREAD;
void recordings_api_start(ApiCall *call) ON_CONTROL_THREAD;
void recordings_api_get(ApiCall *call) ON_CONTROL_THREAD;
void recordings_api_patch(ApiCall *call) ON_CONTROL_THREAD;
void recordings_api_stop(ApiCall *call) ON_CONTROL_THREAD;
void recordings_api_file(ApiCall *call) ON_CONTROL_THREAD;
void broadcasts_api_list(ApiCall *call) ON_CONTROL_THREAD;
void broadcasts_api_start(ApiCall *call) ON_CONTROL_THREAD;
void broadcasts_api_get(ApiCall *call) ON_CONTROL_THREAD;
void broadcasts_api_patch(ApiCall *call) ON_CONTROL_THREAD;
void broadcasts_api_stop(ApiCall *call) ON_CONTROL_THREAD;
void sources_api_list(ApiCall *call) ON_CONTROL_THREAD;
void sources_api_add(ApiCall *call) ON_CONTROL_THREAD;
void sources_api_get(ApiCall *call) ON_CONTROL_THREAD;
void sources_api_patch(ApiCall *call) ON_CONTROL_THREAD;
void sources_api_remove(ApiCall *call) ON_CONTROL_THREAD;
void hls_api_get(ApiCall *call) ON_CONTROL_THREAD;
void whip_post(ApiCall *call) ON_CONTROL_THREAD;
void whep_post(ApiCall *call) ON_CONTROL_THREAD;
void whip_patch(ApiCall *call) ON_CONTROL_THREAD;
void whip_delete(ApiCall *call) ON_CONTROL_THREAD;
void metrics_get(ApiCall *call) ON_CONTROL_THREAD;
