#pragma once

#include "codecs/aac_encoder.h"
#include "room/active_speaker.h"
#include "room/graph.h"
#include "room/graph_json.h"
#include "room/speaker.h"
#include "room/submix.h"
#include "room/voices.h"

/* What graph.c (the ticks) and graph_commands.c (what the control thread changes) share. */

struct GraphLeg {
    char *id;
    AudioPullFunc pull;
    gpointer pull_user;
    GDestroyNotify pull_destroy;
    gint (*said_level)(gpointer pull_user);
    Viewer *viewer; /* set before the leg is attached, then the audio thread's */

    /* Audio thread. */
    AudioMixerInput *input; /* NULL: says nothing */
    Voices *own;            /* its mix-minus, made when it first contributes */
    guint64 own_tick;       /* the newest one that `own` encoded */
    Voices *heard;          /* what it heard in the tick before ... */
    VoiceWish heard_wish;   /* ... and which encode of it */
    Submix *submix;         /* NULL: hears everybody */
    float gain, duck;
    SpeakerDetector speaker;
    SpeakerScore score;
};

/* A mix that sinks take. Audio thread. */
struct GraphMix {
    Submix *submix;  /* (of the graph's list) or NULL: the full mix */
    AacEncoder *aac; /* NULL: nobody takes it */
};

/* Somebody who takes a mix as packets. */
typedef struct {
    GraphMix *mix;
    GraphTapCodec codec;
    GraphTap tap;
    gpointer user;
    GDestroyNotify user_free;
} GraphTapEntry;

struct Graph {
    gint refs; /* atomic: the control thread's, and one for each message on its way */
    Engine *engine;
    GraphSpec spec;
    gint64 mix_epoch_ns;
    Presence *presence;

    /* Control thread. */
    gboolean closed;

    /* Audio thread. */
    AudioMixer *mixer;
    GPtrArray *legs;     /* of GraphLeg (owned) */
    Voices *shared;      /* the full mix */
    GPtrArray *submixes; /* of Submix (owned) */
    GPtrArray *mixes;    /* of GraphMix (owned): the full one, and those of sinks */
    GArray *taps;        /* of GraphTapEntry */
    AVPacket *tap_packet;
    GArray *outbox; /* of Heard: what this tick's listeners get */
    ActiveSpeaker active;
    gboolean ducking;
    GraphAudioStats stats;
};

Graph *graph_ref(Graph *graph);
void graph_unref(gpointer graph);
void graph_leg_free(gpointer leg);

GraphMix *graph_mix_new(void);
void graph_mix_free(gpointer mix);

/** TRUE if somebody takes this mix as packets of this codec. */
gboolean graph_mix_has_tap(const Graph *graph, const GraphMix *mix, GraphTapCodec codec);

/** How the mixes of this room are encoded. */
VoicesConfig graph_voices_config(const Graph *graph);

/** One listener's packet of one tick. */
typedef struct {
    Viewer *viewer;
    GBytes *packet;
} Heard;

/** (transfer full) Of Heard. */
GArray *graph_outbox_new(void);

/** The tick: EngineTick. */
void graph_audio_tick(gint64 now_ns, gpointer graph);
