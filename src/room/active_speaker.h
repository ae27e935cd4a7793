#pragma once

#include <glib.h>

#include "room/speaker.h"

/* Who has the floor: one active speaker for the `speaker` regions of the layouts. Pure, simulated
 * time. Whoever has it keeps it for `hold_ns` at least, and after that until somebody else has
 * spoken for 300 ms who is clearly louder, or speaks while the present one is silent. Coughs do not
 * take it, two who speak at once do not toss it back and forth, and silence leaves it where it
 * is. */

/** One candidate's loudness over the last second or so. */
typedef struct {
    double loudness_db; /* smoothed: 0 silence .. 127 */
    gint64 spoken_ns;   /* of the present utterance, pauses not counted */
    gint64 updated_ns;
    gboolean speaking;
} SpeakerScore;

/** detector: just updated with this level (dBov, 0 loudest .. 127). Once per tick of 20 ms. */
void speaker_score_update(SpeakerScore *score, const SpeakerDetector *detector, guint8 level_dbov,
                          gint64 now_ns);

typedef struct {
    gint64 hold_ns;
    gconstpointer active; /* or NULL: nobody has spoken yet, or the one who did is gone */
    gint64 since_ns;
} ActiveSpeaker;

/** One candidate of this tick; owner is what `active` is compared with. */
typedef struct {
    gconstpointer owner;
    const SpeakerScore *score;
} SpeakerCandidate;

/** Returns TRUE if `active` changed. */
gboolean active_speaker_update(ActiveSpeaker *speaker, const SpeakerCandidate *candidates, guint n,
                               gint64 now_ns);

/** This one is gone; nobody has the floor if it was the one. */
void active_speaker_forget(ActiveSpeaker *speaker, gconstpointer owner);
