#include <string.h>

#include "mixer/layout_parse.h"

#define MAX_NUMBER 1000
#define MAX_TEXT   128

/* What may stand behind the colon. */
typedef enum { FILL_NOTHING, FILL_NUMBER, FILL_TEXT } FillArgument;

typedef struct {
    const char *word;
    FillArgument argument;
    gboolean alone; /* the word may stand without an argument */
    LayoutSelectorKind bare, with;
} FillWord;

static const FillWord fill_words[] = {
    { "pin", FILL_TEXT, TRUE, LAYOUT_SELECT_PIN, LAYOUT_SELECT_PERSON },
    { "speaker", FILL_NUMBER, TRUE, LAYOUT_SELECT_SPEAKER, LAYOUT_SELECT_SPEAKER },
    { "screen", FILL_NUMBER, TRUE, LAYOUT_SELECT_SCREEN, LAYOUT_SELECT_SCREEN },
    { "role", FILL_TEXT, FALSE, LAYOUT_SELECT_ROLE, LAYOUT_SELECT_ROLE },
    { "name", FILL_TEXT, FALSE, LAYOUT_SELECT_NAME, LAYOUT_SELECT_NAME },
    { "join", FILL_NUMBER, FALSE, LAYOUT_SELECT_JOIN, LAYOUT_SELECT_JOIN },
    { "source", FILL_TEXT, FALSE, LAYOUT_SELECT_SOURCE, LAYOUT_SELECT_SOURCE },
    { "rest", FILL_NOTHING, TRUE, LAYOUT_SELECT_REST, LAYOUT_SELECT_REST },
};

static gboolean layout_fill_number(const char *text, guint *number)
{
    guint64 value = 0;
    if (!g_ascii_string_to_unsigned(text, 10, 1, MAX_NUMBER, &value, NULL))
        return FALSE;
    *number = (guint)value;
    return TRUE;
}

static gboolean layout_fill_argument(const FillWord *word, const char *text,
                                     LayoutSelector *selector, GStringChunk *strings)
{
    const gsize length = strlen(text);
    selector->kind = word->with;
    if (word->argument == FILL_NUMBER)
        return layout_fill_number(text, &selector->number);
    if (word->argument == FILL_NOTHING || length < 1 || length > MAX_TEXT)
        return FALSE;
    if (word->with == LAYOUT_SELECT_NAME) {
        g_autofree char *lower = g_utf8_strdown(text, (gssize)length);
        selector->text = g_string_chunk_insert_const(strings, lower);
    } else {
        selector->text = g_string_chunk_insert_const(strings, text);
    }
    return TRUE;
}

static gboolean layout_fill_selector(const char *text, LayoutSelector *selector,
                                     GStringChunk *strings)
{
    const gsize length = strcspn(text, ":");
    for (guint i = 0; i < G_N_ELEMENTS(fill_words); i++) {
        const FillWord *word = &fill_words[i];
        if (strlen(word->word) != length || strncmp(word->word, text, length) != 0)
            continue;
        *selector = (LayoutSelector){ .kind = word->bare };
        if (text[length] == '\0')
            return word->alone;
        return layout_fill_argument(word, text + length + 1, selector, strings);
    }
    return FALSE;
}

static gboolean layout_fill_refuse(const LayoutPlace *at, const char *key, const char *problem)
{
    return layout_refuse(at, key,
                         "%s: write \"rest\" (whoever has no place yet, as an auto-grid), "
                         "\"speaker\", \"speaker:2\", \"screen\", \"screen:2\", \"pin\", "
                         "\"pin:p3\", \"role:teacher\", \"name:guest*\", \"join:1\" or "
                         "\"source:p3/screen\"",
                         problem);
}

gboolean layout_parse_fill(json_t *object, LayoutRegion *region, const LayoutPlace *at)
{
    json_t *member = json_object_get(object, "fill");
    const gboolean list = json_is_array(member);
    const gsize n = list ? json_array_size(member) : 1;
    if (!member)
        return layout_fill_refuse(at, "fill", "is missing");
    if (n < 1 || n > LAYOUT_MAX_SELECTORS)
        return layout_refuse(at, "fill", "has too few or too many members: write 1 to %d",
                             LAYOUT_MAX_SELECTORS);
    for (guint i = 0; i < n; i++) {
        const char *text = json_string_value(list ? json_array_get(member, i) : member);
        if (!text || !layout_fill_selector(text, &region->fill[i], at->layout->strings)) {
            g_autofree char *key = list ? g_strdup_printf("fill[%u]", i) : g_strdup("fill");
            return layout_fill_refuse(at, key, "names nobody that is known");
        }
        region->takes_rest |= region->fill[i].kind == LAYOUT_SELECT_REST;
    }
    region->n_fill = (guint)n;
    return TRUE;
}
