#pragma once

#include <glib.h>

/* Bilinear kernels for 8-bit planes at any ratio up to 2:1 down: rows are blended with 7-bit
 * weights first, then columns. Pure; any thread. Every set of kernels (AVX2, SSSE3, plain C) yields
 * the same bytes. */

/** Where the columns of a scaled row come from: made once per pair of widths. */
typedef struct ScaleTable ScaleTable;

/** source <= 2 * target; both 1..16384. */
ScaleTable *scale_table_new(int source, int target);
void scale_table_free(ScaleTable *table);
int scale_table_source(const ScaleTable *table);
int scale_table_target(const ScaleTable *table);

/** A source position with 7 fraction bits (0..127): `at` and its successor are blended. */
typedef struct {
    int at;
    int weight; /* of the successor */
} ScalePoint;

/** Where target index `i` of `target` comes from in `source`: centres are aligned, edges held. */
ScalePoint scale_point(int i, int source, int target);

/** Bytes that a source row of the columns kernel must have, however narrow its picture. */
#define SCALE_ROW_MIN 16

typedef struct {
    const char *name;
    gboolean (*usable)(void);
    /** out[i] = (a[i] * (128 - weight) + b[i] * weight + 64) >> 7; weight 0..128. */
    void (*rows)(guint8 *out, const guint8 *a, const guint8 *b, int weight, gsize n);
    /** Scale one row of the table's widths; `row` has at least SCALE_ROW_MIN readable bytes.
     *  Writes exactly the target's bytes. */
    void (*columns)(guint8 *out, const guint8 *row, const ScaleTable *table);
} ScaleOps;

/** All sets, the fastest first; ends with NULL. */
extern const ScaleOps *const scale_ops_list[];

/** The fastest set that this machine has. */
const ScaleOps *scale_ops_best(void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScaleTable, scale_table_free)
