#pragma once

#include <glib.h>

/* What an RTMP URL names. Our URLs are rtmp://host/{room}/{name}?token=...; clients split them into
 * an app and a stream name in their own ways, and leave the arguments in either. Pure.
 *
 *   app "room"       name "alice?token=t"
 *   app ""           name "room/alice?token=t"     server rtmp://host/, key room/alice in OBS
 *   app "live/room"  name "alice"                  the last part counts
 *   app "room/alice" name ""                       a URL with a slash at its end
 *   app "room?token=t" name "alice" */

#define RTMP_TARGET_MAX_TEXT 512 /* bytes of a room's or a stream's name */
#define RTMP_TARGET_MAX_ARGS 32

typedef struct RtmpTarget RtmpTarget;

/** (transfer full) Counted, never changed: any thread. Percent-encoding is undone. NULL: room or
 * name are missing or too long. */
RtmpTarget *rtmp_target_new(const char *app, const char *name);
RtmpTarget *rtmp_target_ref(RtmpTarget *target);
void rtmp_target_unref(RtmpTarget *target);

const char *rtmp_target_room(const RtmpTarget *target);
const char *rtmp_target_name(const RtmpTarget *target);

/** An argument of the URL, or NULL. Those of the name come before those of the app. */
const char *rtmp_target_arg(const RtmpTarget *target, const char *key);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RtmpTarget, rtmp_target_unref)
