#include "api/signalling_json.h"

#include <string.h>

#include "api/json_text.h"
#include "api/problem.h"
#include "base/error.h"

#define MAX_ID        64
#define MAX_ROOM      64
#define MAX_NAME      1024 /* bytes; the room counts characters */
#define MAX_TOKEN     4096
#define MAX_SESSION   64
#define MAX_LAYOUT    64
#define MAX_SDP       65536
#define MAX_CANDIDATE 1024

typedef gboolean (*MessageParser)(const json_t *root, SignallingMessage *message, GError **error);

static gboolean parse_join(const json_t *root, SignallingMessage *message, GError **error)
{
    SignallingJoin *join = &message->join;
    *join = (SignallingJoin){ .publish = TRUE, .view = TRUE };
    return json_text_string(root, "room", MAX_ROOM, &join->room, error) &&
           json_text_optional_string(root, "name", MAX_NAME, &join->name, error) &&
           json_text_optional_string(root, "token", MAX_TOKEN, &join->token, error) &&
           json_text_optional_string(root, "resume", MAX_SESSION, &join->resume, error) &&
           json_text_optional_string(root, "layout", MAX_LAYOUT, &join->layout, error) &&
           json_text_optional_bool(root, "publish", &join->publish, error) &&
           json_text_optional_bool(root, "view", &join->view, error) &&
           json_text_optional_bool(root, "withoutSelf", &join->without_self, error);
}

static gboolean parse_sdp(const json_t *root, SignallingMessage *message, GError **error)
{
    message->sdp = (SignallingSdp){ 0 };
    if (!json_text_string(root, "sdp", MAX_SDP, &message->sdp.sdp, error))
        return FALSE;
    message->sdp.size = strlen(message->sdp.sdp);
    return TRUE;
}

static gboolean parse_candidate(const json_t *root, SignallingMessage *message, GError **error)
{
    const json_t *candidate = json_object_get(root, "candidate");
    message->candidate = NULL;
    if (json_is_null(candidate))
        return TRUE;
    if (!json_is_object(candidate)) {
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                            "\"candidate\" must be an object or null.");
        return FALSE;
    }
    const char *text = NULL;
    if (!json_text_optional_string(candidate, "candidate", MAX_CANDIDATE, &text, error))
        return FALSE;
    message->candidate = text && *text ? text : NULL;
    return TRUE;
}

static gboolean parse_update(const json_t *root, SignallingMessage *message, GError **error)
{
    SignallingUpdate *update = &message->update;
    *update = (SignallingUpdate){ .audio_muted = -1, .video_muted = -1, .without_self = -1 };
    update->has_layout = json_object_get(root, "layout") != NULL;
    return json_text_optional_bool(root, "audioMuted", &update->audio_muted, error) &&
           json_text_optional_bool(root, "videoMuted", &update->video_muted, error) &&
           json_text_optional_string(root, "name", MAX_NAME, &update->name, error) &&
           json_text_optional_string(root, "layout", MAX_LAYOUT, &update->layout, error) &&
           json_text_optional_bool(root, "withoutSelf", &update->without_self, error);
}

static gboolean parse_nothing(const json_t *root, SignallingMessage *message, GError **error)
{
    (void)root;
    (void)message;
    (void)error;
    return TRUE;
}

static const struct {
    const char *name;
    SignallingType type;
    MessageParser parse;
} message_types[] = {
    { "join", SIGNALLING_JOIN, parse_join },
    { "offer", SIGNALLING_OFFER, parse_sdp },
    { "offer-request", SIGNALLING_OFFER_REQUEST, parse_nothing },
    { "answer", SIGNALLING_ANSWER, parse_sdp },
    { "candidate", SIGNALLING_CANDIDATE, parse_candidate },
    { "update", SIGNALLING_UPDATE, parse_update },
    { "leave", SIGNALLING_LEAVE, parse_nothing },
    { "ping", SIGNALLING_PING, parse_nothing },
};

static gboolean parse_id(SignallingMessage *message, GError **error)
{
    json_t *id = json_object_get(message->root, "id");
    gboolean text = json_is_string(id) && json_string_length(id) <= MAX_ID;
    if (!id || text || json_is_integer(id)) {
        message->id = json_incref(id);
        return TRUE;
    }
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                "\"id\" must be a whole number or a string of at most %d bytes.", MAX_ID);
    return FALSE;
}

gboolean signalling_parse(const char *text, gsize size, SignallingMessage *message, GError **error)
{
    const char *type = NULL;
    *message = (SignallingMessage){ 0 };
    message->root = json_text_parse(text, size, error);
    if (!message->root || !parse_id(message, error) ||
        !json_text_string(message->root, "type", MAX_ID, &type, error))
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(message_types); i++) {
        if (strcmp(type, message_types[i].name) != 0)
            continue;
        message->type = message_types[i].type;
        return message_types[i].parse(message->root, message, error);
    }
    g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                        "\"type\" must be join, offer, offer-request, answer, candidate, update, "
                        "leave or ping.");
    return FALSE;
}

void signalling_message_clear(SignallingMessage *message)
{
    json_decref(message->id);
    json_decref(message->root);
    *message = (SignallingMessage){ 0 };
}

json_t *signalling_error_json(const GError *error, json_t *re)
{
    json_t *json = json_pack("{s:s, s:s, s:s}", "type", "error", "code", problem_code(error),
                             "message", error->message);
    if (json && re)
        json_object_set(json, "re", re);
    return json;
}
