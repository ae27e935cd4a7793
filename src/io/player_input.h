#pragma once

#include <glib.h>

#include "io/media_source.h"
#include "io/media_url.h"

/* What a player reads: a file of the media directory or a URL, through libavformat, with limits on
 * everything that whoever made it may choose. One thread, besides player_input_interrupt(). */

typedef struct PlayerInput PlayerInput;

typedef struct {
    const char *media_dir, *file; /* or */
    const char *url;
    MediaUrlPolicy *policy; /* or NULL */
} PlayerInputSource;

#define PLAYER_INPUT_MAX_STREAMS 8
#define PLAYER_INPUT_MAX_PACKET  (8u << 20)

typedef enum { PLAYER_INPUT_PACKET, PLAYER_INPUT_END, PLAYER_INPUT_ERROR } PlayerInputResult;

/** Looks at the name or URL, opens nothing. TESSERA_ERROR_INVALID. */
PlayerInput *player_input_new(const PlayerInputSource *source, GError **error);
void player_input_free(PlayerInput *input);

/** Blocks, 20 s at most. TESSERA_ERROR_UNAVAILABLE: it may go better later; all others stay. */
gboolean player_input_open(PlayerInput *input, GError **error);
void player_input_close(PlayerInput *input);

/** The next packet of the chosen streams: pts, dts and duration in microseconds, all set, at most
 *  PLAYER_INPUT_MAX_PACKET. Blocks until there is one, its time is over or the input is
 *  interrupted. */
PlayerInputResult player_input_read(PlayerInput *input, AVPacket *packet, MediaKind *kind,
                                    GError **error);

/** The parameters (transfer none) of a kind of which a packet has been read. */
const AVCodecParameters *player_input_parameters(const PlayerInput *input, MediaKind kind);

/** To the key frame at or before this time after the start; blocks. FALSE: it cannot, or failed. */
gboolean player_input_seek(PlayerInput *input, gint64 position_us);

/** Of the open input. Duration 0: unknown, or without end. */
gint64 player_input_start_us(const PlayerInput *input);
gint64 player_input_duration_us(const PlayerInput *input);
gboolean player_input_is_seekable(const PlayerInput *input);

/** What has been read to its end is over; otherwise its sender may come back. */
gboolean player_input_has_end(const PlayerInput *input);

/** It is a URL whose packets come in real time. */
gboolean player_input_is_live(const PlayerInput *input);
/** It is a URL. */
gboolean player_input_is_pull(const PlayerInput *input);
/** (transfer none) What to call it in a log: the file's name, or the URL without secrets. */
const char *player_input_name(const PlayerInput *input);

/** For good: whatever blocks returns with an error, now and from now on. Any thread. */
void player_input_interrupt(PlayerInput *input);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(PlayerInput, player_input_free)
