#pragma once

#include "mixer/layout.h"

/* What a layout document says, checked: layout.c fills it in, layout_solve.c reads it. */

/** A length or position: pixels, or a fraction of the canvas. */
typedef struct {
    int numerator;
    int denominator; /* 0: `numerator` is pixels */
} LayoutLength;

/** width / height. */
typedef struct {
    int width, height;
} LayoutAspect;

/** Who fills a region. */
typedef enum {
    LAYOUT_SELECT_REST, /* whoever has no place yet, as an auto-grid */
} LayoutSelector;

typedef struct {
    LayoutSelector fill;
    LayoutLength x, y, width, height; /* fractions: of the canvas's width or height */
    LayoutLength gap, radius;         /* fractions: of the canvas's shorter side */
    LayoutAspect narrowest, widest;   /* of one tile */
    LayoutFit fit;
    guint max; /* tiles */
} LayoutRegion;

struct Layout {
    char *name;
    guint32 background;
    LayoutRegion *regions; /* the later ones stand above */
    guint n_regions;
};

/** Resolve a length against the `whole` that its fractions mean. */
int layout_length_px(LayoutLength length, int whole);
