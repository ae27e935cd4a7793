#include "api/rate_limit.h"

#include "base/address_block.h"
#include "base/clock.h"

struct RateTable {
    RateBucket fresh;
    GHashTable *buckets; /* block of addresses -> RateBucket */
};

static void refill(RateBucket *bucket, gint64 now_ns)
{
    if (!bucket->last_ns) {
        bucket->tokens = bucket->burst;
    } else if (now_ns > bucket->last_ns) {
        double seconds = (double)(now_ns - bucket->last_ns) / (double)NS_PER_SEC;
        bucket->tokens = MIN(bucket->burst, bucket->tokens + seconds * bucket->per_second);
    }
    bucket->last_ns = now_ns;
}

gboolean rate_bucket_take(RateBucket *bucket, gint64 now_ns)
{
    refill(bucket, now_ns);
    if (bucket->tokens < 1)
        return FALSE;
    bucket->tokens -= 1;
    return TRUE;
}

RateTable *rate_table_new(double per_second, double burst)
{
    RateTable *table = g_new0(RateTable, 1);
    table->fresh.per_second = per_second;
    table->fresh.burst = burst;
    table->buckets = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return table;
}

void rate_table_free(RateTable *table)
{
    if (!table)
        return;
    g_hash_table_destroy(table->buckets);
    g_free(table);
}

static gboolean is_full(gpointer key, gpointer value, gpointer now_ns)
{
    RateBucket *bucket = value;
    (void)key;
    refill(bucket, *(const gint64 *)now_ns);
    return bucket->tokens >= bucket->burst;
}

static void make_room(RateTable *table, gint64 now_ns)
{
    if (g_hash_table_size(table->buckets) < RATE_TABLE_MAX)
        return;
    g_hash_table_foreach_remove(table->buckets, is_full, &now_ns);
    if (g_hash_table_size(table->buckets) >= RATE_TABLE_MAX)
        g_hash_table_remove_all(table->buckets);
}

gboolean rate_table_take(RateTable *table, const char *address, gint64 now_ns)
{
    g_autofree char *block = address_block(address);
    RateBucket *bucket = g_hash_table_lookup(table->buckets, block);
    if (!bucket) {
        make_room(table, now_ns);
        bucket = g_memdup2(&table->fresh, sizeof table->fresh);
        g_hash_table_insert(table->buckets, g_steal_pointer(&block), bucket);
    }
    return rate_bucket_take(bucket, now_ns);
}

gboolean rate_table_has(RateTable *table, const char *address, gint64 now_ns)
{
    g_autofree char *block = address_block(address);
    RateBucket *bucket = g_hash_table_lookup(table->buckets, block);
    if (!bucket)
        return TRUE;
    refill(bucket, now_ns);
    return bucket->tokens >= 1;
}

guint rate_table_size(const RateTable *table)
{
    return g_hash_table_size(table->buckets);
}
