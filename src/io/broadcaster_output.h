#pragma once

#include <gio/gio.h>
#include <libavcodec/codec_par.h>
#include <libavcodec/packet.h>
#include <libavformat/avio.h>

#include "io/media_url.h"

/* How a broadcast reaches its destination: one connection, from open to close, on the broadcast's
 * own thread. Calls may block; each asks `interrupt` at least every 100 ms and gives up when it
 * says so, and gives up by itself when nothing moves for timeout_ms. */

typedef struct {
    const MediaUrl *url;
    GList *addresses;    /* GInetAddress: checked; tried in order */
    const char *ca_file; /* certificates to trust instead of the system's, or NULL */
    guint timeout_ms;
    AVIOInterruptCB interrupt;
} BroadcasterTarget;

#define BROADCASTER_MAX_STREAMS 2

typedef struct {
    const AVCodecParameters *parameters[BROADCASTER_MAX_STREAMS];
    guint n;
} BroadcasterStreams;

/** Errors: TESSERA_ERROR_UNAVAILABLE (network), _UNAUTHORIZED (the destination refuses the key),
 *  _FORBIDDEN (a certificate), _UNSUPPORTED (codecs). No message holds a key. */
typedef struct {
    /** Connect, agree, and send what comes before the packets. NULL: error. */
    gpointer (*open)(const BroadcasterTarget *target, const BroadcasterStreams *streams,
                     GError **error);

    /** Send one packet; times in microseconds since this connection's first packet. */
    gboolean (*write)(gpointer output, guint stream, AVPacket *packet, GError **error);

    /** Take what the peer says meanwhile, without waiting. FALSE: it has closed or refuses. */
    gboolean (*poll)(gpointer output, GError **error);

    /** Bytes that the network took. */
    guint64 (*bytes)(gpointer output);

    /** Say goodbye if polite, and free it. */
    void (*close)(gpointer output, gboolean polite);
} BroadcasterOutput;

extern const BroadcasterOutput broadcaster_rtmp;
extern const BroadcasterOutput broadcaster_srt;
