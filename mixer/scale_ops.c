#include "mixer/scale_ops.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Columns are handled in groups of GROUP. At 2:1 the GROUP pairs of a group lie within 16 bytes of
 * the source: one load, one byte shuffle that puts each pair side by side, one multiply-add. */
#define GROUP      8
#define GROUPS_PER 4 /* groups in the widest step, AVX2: the table is padded to it */

struct ScaleTable {
    int source, target;
    int n_groups;
    gint32 *base;    /* per group: first source byte of its 16 */
    guint8 *pair;    /* per group 16: offsets of left and right from base */
    guint8 *weights; /* per group 16: weights of left and right, together 128 */
};

ScalePoint scale_point(int i, int source, int target)
{
    /* (i + 1/2) * source / target - 1/2 in 1/128, rounded. */
    const gint64 at = ((gint64)(2 * i + 1) * source * 128 / target - 127) >> 1;
    const gint64 held = CLAMP(at, 0, (gint64)(source - 1) * 128);
    return (ScalePoint){ (int)(held >> 7), (int)(held & 127) };
}

static void scale_table_fill_group(ScaleTable *table, int group)
{
    const int first = group * GROUP;
    const int start = scale_point(MIN(first, table->target - 1), table->source, table->target).at;
    const int base = CLAMP(start, 0, MAX(table->source - SCALE_ROW_MIN, 0));
    table->base[group] = base;
    for (int i = 0; i < GROUP; i++) {
        const int index = MIN(first + i, table->target - 1);
        const ScalePoint point = scale_point(index, table->source, table->target);
        const int left = point.at - base;
        const gsize slot = (gsize)group * 2 * GROUP + 2 * (gsize)i;
        table->pair[slot] = (guint8)left;
        table->pair[slot + 1] = (guint8)(point.weight ? left + 1 : left);
        table->weights[slot] = (guint8)(128 - point.weight);
        table->weights[slot + 1] = (guint8)point.weight;
    }
}

ScaleTable *scale_table_new(int source, int target)
{
    g_return_val_if_fail(source > 0 && target > 0 && source <= 2 * target, NULL);
    const int step = GROUP * GROUPS_PER;
    ScaleTable *table = g_new0(ScaleTable, 1);
    table->source = source;
    table->target = target;
    table->n_groups = (target + step - 1) / step * GROUPS_PER;
    table->base = g_new(gint32, table->n_groups);
    table->pair = g_malloc((gsize)table->n_groups * 2 * GROUP);
    table->weights = g_malloc((gsize)table->n_groups * 2 * GROUP);
    for (int group = 0; group < table->n_groups; group++)
        scale_table_fill_group(table, group);
    return table;
}

void scale_table_free(ScaleTable *table)
{
    if (!table)
        return;
    g_free(table->base);
    g_free(table->pair);
    g_free(table->weights);
    g_free(table);
}

int scale_table_source(const ScaleTable *table)
{
    return table->source;
}

int scale_table_target(const ScaleTable *table)
{
    return table->target;
}

static void scale_rows_plain(guint8 *out, const guint8 *a, const guint8 *b, int weight, gsize n)
{
    for (gsize i = 0; i < n; i++)
        out[i] = (guint8)((a[i] * (128 - weight) + b[i] * weight + 64) >> 7);
}

static void scale_columns_plain(guint8 *out, const guint8 *row, const ScaleTable *table)
{
    for (int i = 0; i < table->target; i++) {
        const guint8 *from = row + table->base[i / GROUP];
        const guint8 *pair = table->pair + 2 * i, *weights = table->weights + 2 * i;
        out[i] = (guint8)((from[pair[0]] * weights[0] + from[pair[1]] * weights[1] + 64) >> 7);
    }
}

static gboolean scale_usable_always(void)
{
    return TRUE;
}

static const ScaleOps scale_ops_plain = {
    .name = "plain",
    .usable = scale_usable_always,
    .rows = scale_rows_plain,
    .columns = scale_columns_plain,
};

#if defined(__x86_64__)

/* The multiply-add takes one unsigned and one signed operand. Weights go up to 128, so they are the
 * unsigned one, and pixels are moved to -128..127 for it: as the weights' sum is always 128 that
 * moves the result by the same 128, exactly. */

__attribute__((target("ssse3"))) static inline __m128i scale_blend_ssse3(__m128i weights,
                                                                         __m128i pairs)
{
    /* mulhrs by 256 is (x + 64) >> 7. */
    return _mm_mulhrs_epi16(_mm_maddubs_epi16(weights, pairs), _mm_set1_epi16(256));
}

__attribute__((target("ssse3"))) static void scale_rows_ssse3(guint8 *out, const guint8 *a,
                                                              const guint8 *b, int weight, gsize n)
{
    const __m128i weights = _mm_set1_epi16((gint16)((128 - weight) | weight << 8));
    const __m128i flip = _mm_set1_epi8(-128);
    gsize i = 0;
    for (; i + 16 <= n; i += 16) {
        const __m128i va = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(a + i)), flip);
        const __m128i vb = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(b + i)), flip);
        const __m128i low = scale_blend_ssse3(weights, _mm_unpacklo_epi8(va, vb));
        const __m128i high = scale_blend_ssse3(weights, _mm_unpackhi_epi8(va, vb));
        const __m128i both = _mm_xor_si128(_mm_packs_epi16(low, high), flip);
        _mm_storeu_si128((__m128i *)(out + i), both);
    }
    scale_rows_plain(out + i, a + i, b + i, weight, n - i);
}

__attribute__((target("ssse3"))) static inline __m128i
scale_group_ssse3(const guint8 *row, const ScaleTable *table, int group, __m128i flip)
{
    const __m128i pair = _mm_loadu_si128((const __m128i *)(table->pair + 2 * GROUP * group));
    const __m128i weights = _mm_loadu_si128((const __m128i *)(table->weights + 2 * GROUP * group));
    const __m128i from = _mm_loadu_si128((const __m128i *)(row + table->base[group]));
    return scale_blend_ssse3(weights, _mm_shuffle_epi8(_mm_xor_si128(from, flip), pair));
}

__attribute__((target("ssse3"))) static void scale_columns_ssse3(guint8 *out, const guint8 *row,
                                                                 const ScaleTable *table)
{
    const __m128i flip = _mm_set1_epi8(-128);
    for (int i = 0, group = 0; i < table->target; i += 2 * GROUP, group += 2) {
        const __m128i low = scale_group_ssse3(row, table, group, flip);
        const __m128i high = scale_group_ssse3(row, table, group + 1, flip);
        const __m128i both = _mm_xor_si128(_mm_packs_epi16(low, high), flip);
        if (i + 2 * GROUP <= table->target) {
            _mm_storeu_si128((__m128i *)(out + i), both);
        } else {
            guint8 rest[2 * GROUP];
            _mm_storeu_si128((__m128i *)rest, both);
            memcpy(out + i, rest, (gsize)(table->target - i));
        }
    }
}

static gboolean scale_usable_ssse3(void)
{
    return __builtin_cpu_supports("ssse3");
}

static const ScaleOps scale_ops_ssse3 = {
    .name = "ssse3",
    .usable = scale_usable_ssse3,
    .rows = scale_rows_ssse3,
    .columns = scale_columns_ssse3,
};

__attribute__((target("avx2"))) static inline __m256i scale_blend_avx2(__m256i weights,
                                                                       __m256i pairs)
{
    return _mm256_mulhrs_epi16(_mm256_maddubs_epi16(weights, pairs), _mm256_set1_epi16(256));
}

__attribute__((target("avx2"))) static void scale_rows_avx2(guint8 *out, const guint8 *a,
                                                            const guint8 *b, int weight, gsize n)
{
    const __m256i weights = _mm256_set1_epi16((gint16)((128 - weight) | weight << 8));
    const __m256i flip = _mm256_set1_epi8(-128);
    gsize i = 0;
    for (; i + 32 <= n; i += 32) {
        const __m256i va = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(a + i)), flip);
        const __m256i vb = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(b + i)), flip);
        const __m256i low = scale_blend_avx2(weights, _mm256_unpacklo_epi8(va, vb));
        const __m256i high = scale_blend_avx2(weights, _mm256_unpackhi_epi8(va, vb));
        const __m256i both = _mm256_xor_si256(_mm256_packs_epi16(low, high), flip);
        _mm256_storeu_si256((__m256i *)(out + i), both);
    }
    scale_rows_plain(out + i, a + i, b + i, weight, n - i);
}

__attribute__((target("avx2"))) static inline __m256i
scale_groups_avx2(const guint8 *row, const ScaleTable *table, int group, __m256i flip)
{
    const __m256i pair = _mm256_loadu_si256((const __m256i *)(table->pair + 2 * GROUP * group));
    const __m256i weights =
        _mm256_loadu_si256((const __m256i *)(table->weights + 2 * GROUP * group));
    const __m128i *first = (const __m128i *)(row + table->base[group]);
    const __m128i *second = (const __m128i *)(row + table->base[group + 1]);
    const __m256i from = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(first)),
                                                 _mm_loadu_si128(second), 1);
    return scale_blend_avx2(weights, _mm256_shuffle_epi8(_mm256_xor_si256(from, flip), pair));
}

__attribute__((target("avx2"))) static void scale_columns_avx2(guint8 *out, const guint8 *row,
                                                               const ScaleTable *table)
{
    const __m256i flip = _mm256_set1_epi8(-128);
    for (int i = 0, group = 0; i < table->target; i += 4 * GROUP, group += 4) {
        const __m256i low = scale_groups_avx2(row, table, group, flip);
        const __m256i high = scale_groups_avx2(row, table, group + 2, flip);
        /* Packing works per half: groups come out as 0 2 1 3. */
        const __m256i packed = _mm256_permute4x64_epi64(_mm256_packs_epi16(low, high), 0xd8);
        const __m256i both = _mm256_xor_si256(packed, flip);
        if (i + 4 * GROUP <= table->target) {
            _mm256_storeu_si256((__m256i *)(out + i), both);
        } else {
            guint8 rest[4 * GROUP];
            _mm256_storeu_si256((__m256i *)rest, both);
            memcpy(out + i, rest, (gsize)(table->target - i));
        }
    }
}

static gboolean scale_usable_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

static const ScaleOps scale_ops_avx2 = {
    .name = "avx2",
    .usable = scale_usable_avx2,
    .rows = scale_rows_avx2,
    .columns = scale_columns_avx2,
};

#endif

const ScaleOps *const scale_ops_list[] = {
#if defined(__x86_64__)
    &scale_ops_avx2,
    &scale_ops_ssse3,
#endif
    &scale_ops_plain,
    NULL,
};

const ScaleOps *scale_ops_best(void)
{
    for (guint i = 0; scale_ops_list[i]; i++) {
        if (scale_ops_list[i]->usable())
            return scale_ops_list[i];
    }
    return &scale_ops_plain;
}
