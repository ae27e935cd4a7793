#pragma once

#include "mixer/layout.h"

/* What a layout document says, checked: the parser fills it in, the solver reads it. */

#define LAYOUT_MAX_SELECTORS 8

/** A length or position: pixels, or a fraction of the canvas. */
typedef struct {
    int numerator;
    int denominator; /* 0: `numerator` is pixels */
} LayoutLength;

/** width / height. */
typedef struct {
    int width, height;
} LayoutAspect;

typedef enum {
    LAYOUT_SELECT_PIN,     /* whoever was pinned */
    LAYOUT_SELECT_PERSON,  /* "pin:p3": the participant's screen, or else its camera */
    LAYOUT_SELECT_SPEAKER, /* the camera of who speaks */
    LAYOUT_SELECT_SCREEN,
    LAYOUT_SELECT_ROLE,
    LAYOUT_SELECT_NAME,
    LAYOUT_SELECT_JOIN,
    LAYOUT_SELECT_SOURCE,
    LAYOUT_SELECT_REST, /* whoever has no place yet */
} LayoutSelectorKind;

typedef struct {
    LayoutSelectorKind kind;
    guint number;     /* of "speaker:2", "screen:2", "join:2"; 0: the bare word */
    const char *text; /* an id, a role, a pattern in lower case; or NULL */
} LayoutSelector;

typedef enum { LAYOUT_FLOW_GRID, LAYOUT_FLOW_ROW, LAYOUT_FLOW_COLUMN } LayoutFlow;
typedef enum { LAYOUT_EMPTY_KEEP, LAYOUT_EMPTY_COLLAPSE, LAYOUT_EMPTY_PLACEHOLDER } LayoutEmpty;

typedef struct {
    LayoutSelector fill[LAYOUT_MAX_SELECTORS]; /* the first that finds somebody */
    guint n_fill;
    gboolean takes_rest;              /* one of them is "rest": filled after all that are not */
    LayoutLength x, y, width, height; /* fractions: of the canvas's width or height */
    LayoutLength gap;                 /* fractions of this and the next two: of the shorter side */
    gboolean has_gap;                 /* otherwise the scheme's */
    LayoutLength radius, border;
    guint32 border_rgb;
    LayoutAspect narrowest, widest; /* of one tile */
    LayoutFit fit;
    gboolean has_fit; /* otherwise screens are contained */
    int z;
    guint max; /* tiles */
    LayoutFlow flow;
    LayoutAlign align;
    LayoutEmpty empty;
    gboolean count_more; /* the last tile tells how many found no place */
    gboolean repeat;
    guint show;       /* bits of LayoutShow */
    const char *logo; /* or NULL */
} LayoutRegion;

typedef struct {
    LayoutOverlay overlay; /* without its rectangle */
    LayoutLength x, y, width, height;
} LayoutSticker;

/** All that is drawn in one case; the arrays belong to the layout. */
typedef struct {
    guint32 background_rgb;
    const char *background_image; /* or NULL */
    LayoutLength gap;
    guint transition_ms;
    const LayoutRegion *regions; /* of equal z the later ones stand above */
    guint n_regions;             /* 0: every variant has its own, or leaves to another layout */
    const LayoutSticker *overlays;
    guint n_overlays;
} LayoutScheme;

typedef struct {
    guint min_people, max_people;
    gboolean needs_screen, needs_no_screen;
    gboolean always;
    const char *use; /* another layout's name, or NULL: the scheme */
    LayoutScheme scheme;
} LayoutVariant;

struct Layout {
    gatomicrefcount refs;
    char *json;
    GStringChunk *strings; /* all other text below */
    GPtrArray *arrays;     /* what the schemes point to */
    GPtrArray *images;     /* names, each once */
    const char *name, *description;
    LayoutAspect aspect; /* width 0: the room's */
    LayoutScheme scheme;
    LayoutVariant variants[LAYOUT_MAX_VARIANTS];
    guint n_variants;
};

/** Resolve a length against the `whole` that its fractions mean. */
int layout_length_px(LayoutLength length, int whole);

/** The first variant that applies to such a room, or NULL. */
const LayoutVariant *layout_variant_of(const Layout *layout, const LayoutSource *sources, guint n);
