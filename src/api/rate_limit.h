#pragma once

#include <glib.h>

/* Token buckets: how often somebody may do something. */

typedef struct {
    double per_second, burst;
    double tokens;
    gint64 last_ns; /* 0: not used yet, full */
} RateBucket;

/** Take one token; FALSE if there is none. */
gboolean rate_bucket_take(RateBucket *bucket, gint64 now_ns);

/** One bucket per address, of IPv6 per /64. At most RATE_TABLE_MAX are remembered: when there are
 *  more, those whose buckets are full again are forgotten, or else all. */
typedef struct RateTable RateTable;

#define RATE_TABLE_MAX 4096

RateTable *rate_table_new(double per_second, double burst);
void rate_table_free(RateTable *table);
gboolean rate_table_take(RateTable *table, const char *address, gint64 now_ns);

/** TRUE if there is a token to take; takes none. */
gboolean rate_table_has(RateTable *table, const char *address, gint64 now_ns);
guint rate_table_size(const RateTable *table);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RateTable, rate_table_free)
