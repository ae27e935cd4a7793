#pragma once

#include <glib.h>
#include <libavcodec/codec_par.h>
#include <libavcodec/packet.h>

#include "io/player_file.h"

/* A still picture (PNG, JPEG) as a stream without end: the same packet, time after time. */

typedef struct PlayerStill PlayerStill;

/** How often it comes. */
#define PLAYER_STILL_INTERVAL_US (2 * G_GINT64_CONSTANT(1000000))

/** TRUE if the file begins as a PNG or a JPEG does. */
gboolean player_still_is_picture(PlayerFile *file);

/** TESSERA_ERROR_TOO_LARGE, _INVALID (damaged). */
PlayerStill *player_still_new(PlayerFile *file, GError **error);
void player_still_free(PlayerStill *still);

const AVCodecParameters *player_still_parameters(const PlayerStill *still);

/** A reference of the picture; pts, dts and duration in microseconds. FALSE: no memory. */
gboolean player_still_next(PlayerStill *still, AVPacket *packet);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(PlayerStill, player_still_free)
