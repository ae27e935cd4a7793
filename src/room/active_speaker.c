#include "room/active_speaker.h"

#include "base/clock.h"

#define ATTACK_NS    (300 * NS_PER_MS)
#define LOUDER_DB    6.0
#define SILENCE_DBOV 127
#define MAX_TICK_NS  (100 * NS_PER_MS)
#define SMOOTH       0.04 /* of each 20 ms tick: a time constant of half a second */

void speaker_score_update(SpeakerScore *score, const SpeakerDetector *detector, guint8 level_dbov,
                          gint64 now_ns)
{
    double loudness = SILENCE_DBOV - MIN(level_dbov, SILENCE_DBOV);
    gint64 elapsed_ns = MIN(now_ns - score->updated_ns, MAX_TICK_NS);
    score->loudness_db += (loudness - score->loudness_db) * SMOOTH;
    score->updated_ns = now_ns;
    if (!detector->speaking)
        score->spoken_ns = 0;
    else if (detector->loud_since_ns)
        score->spoken_ns += elapsed_ns;
    score->speaking = detector->speaking;
}

static const SpeakerScore *score_of(const SpeakerCandidate *candidates, guint n,
                                    gconstpointer owner)
{
    for (guint i = 0; i < n; i++) {
        if (candidates[i].owner == owner)
            return candidates[i].score;
    }
    return NULL;
}

static gboolean has_spoken_up(const SpeakerScore *score)
{
    return score->spoken_ns >= ATTACK_NS;
}

/* Who would take the floor if it were free: the loudest who speaks. */
static const SpeakerCandidate *best_candidate(const SpeakerCandidate *candidates, guint n,
                                              gconstpointer except)
{
    const SpeakerCandidate *best = NULL;
    for (guint i = 0; i < n; i++) {
        if (candidates[i].owner == except || !has_spoken_up(candidates[i].score))
            continue;
        if (!best || candidates[i].score->loudness_db > best->score->loudness_db)
            best = &candidates[i];
    }
    return best;
}

gboolean active_speaker_update(ActiveSpeaker *speaker, const SpeakerCandidate *candidates, guint n,
                               gint64 now_ns)
{
    const SpeakerScore *present = speaker->active ? score_of(candidates, n, speaker->active) : NULL;
    const SpeakerCandidate *best = best_candidate(candidates, n, speaker->active);
    if (!best)
        return FALSE;
    if (present && now_ns - speaker->since_ns < speaker->hold_ns)
        return FALSE;
    if (present && present->speaking && best->score->loudness_db < present->loudness_db + LOUDER_DB)
        return FALSE;
    speaker->active = best->owner;
    speaker->since_ns = now_ns;
    return TRUE;
}

void active_speaker_forget(ActiveSpeaker *speaker, gconstpointer owner)
{
    if (speaker->active == owner)
        speaker->active = NULL;
}
