#include <string.h>

#include "mixer/layout_solve.h"

/* Names come from outside: never past the end, whatever the bytes are. */
static const char *layout_glob_next(const char *text)
{
    text++;
    while ((*text & 0xc0) == 0x80)
        text++;
    return text;
}

static gunichar layout_glob_char(const char *text)
{
    return (guchar)*text < 0x80 ? (gunichar)g_ascii_tolower(*text)
                                : g_unichar_tolower(g_utf8_get_char(text));
}

gboolean layout_glob(const char *pattern, const char *text)
{
    const char *star = NULL, *resume = NULL;
    while (*text) {
        const gunichar c = layout_glob_char(text);
        if (*pattern == '*') {
            star = ++pattern;
            resume = text;
        } else if (*pattern && (*pattern == '?' || layout_glob_char(pattern) == c)) {
            pattern = layout_glob_next(pattern);
            text = layout_glob_next(text);
        } else if (star) {
            /* Let the last star swallow one more. */
            resume = layout_glob_next(resume);
            text = resume;
            pattern = star;
        } else {
            return FALSE;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

/* Rank 0 means none: it comes last. */
static int layout_compare_rank(guint a, guint b)
{
    return a - 1 == b - 1 ? 0 : a - 1 < b - 1 ? -1 : 1;
}

static int layout_compare_stage(gconstpointer left, gconstpointer right, gpointer user)
{
    const LayoutSource *sources = user;
    const guint i = *(const guint *)left, k = *(const guint *)right;
    const int pinned = layout_compare_rank(sources[i].pinned, sources[k].pinned);
    const int speaker = layout_compare_rank(sources[i].speaker, sources[k].speaker);
    return pinned ? pinned : speaker ? speaker : (i > k) - (i < k);
}

/* Who was pinned takes the stage, then who speaks or spoke, then the others as they stand. */
static void layout_select_stage(LayoutCrowd *crowd)
{
    if (crowd->staged)
        return;
    crowd->staged = TRUE;
    for (guint i = 0; i < crowd->n; i++) {
        if (!crowd->sources[i].is_screen)
            crowd->stage[crowd->n_stage++] = i;
    }
    g_qsort_with_data(crowd->stage, (gint)crowd->n_stage, sizeof *crowd->stage,
                      layout_compare_stage, (gpointer)crowd->sources);
}

static gboolean layout_select_free(const LayoutCrowd *crowd, const LayoutRegion *region, guint i)
{
    return region->repeat || !(crowd->marks[i] & LAYOUT_MARK_TAKEN);
}

/* One camera: the first on the stage that is free, or exactly the n-th. */
static guint layout_select_speaker(LayoutCrowd *crowd, const LayoutRegion *region, guint number,
                                   guint *found)
{
    layout_select_stage(crowd);
    const guint from = number ? number - 1 : 0;
    const guint to = number ? MIN(number, crowd->n_stage) : crowd->n_stage;
    for (guint i = from; i < to; i++) {
        if (layout_select_free(crowd, region, crowd->stage[i])) {
            found[0] = crowd->stage[i];
            return 1;
        }
    }
    return 0;
}

static gboolean layout_select_matches(const LayoutSelector *selector, const LayoutSource *source)
{
    switch (selector->kind) {
    case LAYOUT_SELECT_PIN:
        return source->pinned > 0;
    case LAYOUT_SELECT_PERSON:
        return g_strcmp0(source->participant, selector->text) == 0;
    case LAYOUT_SELECT_SCREEN:
        return source->is_screen;
    case LAYOUT_SELECT_ROLE:
        return !source->is_screen && g_strcmp0(source->role, selector->text) == 0;
    case LAYOUT_SELECT_NAME:
        return !source->is_screen && source->name && layout_glob(selector->text, source->name);
    case LAYOUT_SELECT_JOIN:
        return !source->is_screen && source->join == selector->number;
    case LAYOUT_SELECT_SOURCE:
        return g_strcmp0(source->id, selector->text) == 0;
    case LAYOUT_SELECT_SPEAKER:
    case LAYOUT_SELECT_REST:
        break;
    }
    return TRUE;
}

static void layout_select_insert(const LayoutCrowd *crowd, guint *found, guint count, guint i)
{
    guint at = count;
    while (at > 0 && crowd->sources[found[at - 1]].pinned > crowd->sources[i].pinned) {
        found[at] = found[at - 1];
        at--;
    }
    found[at] = i;
}

static guint layout_select_all(LayoutCrowd *crowd, const LayoutRegion *region,
                               const LayoutSelector *selector, guint *found)
{
    guint count = 0, seen = 0;
    for (guint i = 0; i < crowd->n; i++) {
        if (!layout_select_matches(selector, &crowd->sources[i]))
            continue;
        const gboolean the_one = ++seen == selector->number;
        if (!layout_select_free(crowd, region, i) ||
            (selector->kind == LAYOUT_SELECT_SCREEN && selector->number && !the_one))
            continue;
        if (selector->kind == LAYOUT_SELECT_PIN)
            layout_select_insert(crowd, found, count, i);
        else
            found[count] = i;
        count++;
    }
    return count;
}

/* The screen of a participant, or else its camera. */
static guint layout_select_person(const LayoutCrowd *crowd, guint *found, guint count)
{
    for (guint i = 1; i < count; i++) {
        if (crowd->sources[found[i]].is_screen && !crowd->sources[found[0]].is_screen)
            found[0] = found[i];
    }
    return MIN(count, 1);
}

guint layout_select(LayoutCrowd *crowd, const LayoutRegion *region, guint *found)
{
    guint count = 0;
    for (guint i = 0; i < region->n_fill && count == 0; i++) {
        const LayoutSelector *selector = &region->fill[i];
        if (selector->kind == LAYOUT_SELECT_SPEAKER) {
            count = layout_select_speaker(crowd, region, selector->number, found);
            continue;
        }
        count = layout_select_all(crowd, region, selector, found);
        if (selector->kind == LAYOUT_SELECT_PERSON)
            count = layout_select_person(crowd, found, count);
        else if (selector->kind == LAYOUT_SELECT_JOIN || selector->kind == LAYOUT_SELECT_SOURCE)
            count = MIN(count, 1);
    }
    return count;
}
