#pragma once

#include <glib.h>
#include <jansson.h>

/* The messages of /ws as structs: docs/signalling.md, docs/signalling.schema.json. Pure. */

typedef enum {
    SIGNALLING_JOIN,
    SIGNALLING_OFFER,
    SIGNALLING_OFFER_REQUEST, /* the server is to offer */
    SIGNALLING_ANSWER,        /* to that offer */
    SIGNALLING_CANDIDATE,
    SIGNALLING_UPDATE,
    SIGNALLING_LEAVE,
    SIGNALLING_PING,
} SignallingType;

typedef struct {
    const char *room;
    const char *name, *token, *resume; /* or NULL */
    const char *layout;                /* of its own, or NULL */
    gboolean publish, view, without_self;
} SignallingJoin;

typedef struct {
    const char *sdp;
    gsize size;
} SignallingSdp;

typedef struct {
    gint audio_muted, video_muted; /* 0, 1, or -1: unchanged */
    const char *name;              /* or NULL: unchanged */
    gboolean has_layout;           /* `layout` is the wish: a name, or NULL: the room's */
    const char *layout;
    gint without_self; /* 0, 1, or -1: unchanged */
} SignallingUpdate;

typedef struct {
    SignallingType type;
    json_t *id; /* what "re" of the reply is, or NULL */
    union {
        SignallingJoin join;
        SignallingSdp sdp;     /* OFFER, ANSWER */
        const char *candidate; /* "candidate:...", or NULL: the end of candidates */
        SignallingUpdate update;
    };
    json_t *root; /* owns all strings */
} SignallingMessage;

/** Parse one client message. On an error (TESSERA_ERROR_INVALID) `id` is set if the message had a
 *  usable one. Clear the message in any case. */
gboolean signalling_parse(const char *text, gsize size, SignallingMessage *message, GError **error);
void signalling_message_clear(SignallingMessage *message);

/** (transfer full) {"type":"error","code","message","re"?} */
json_t *signalling_error_json(const GError *error, json_t *re);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SignallingMessage, signalling_message_clear)
