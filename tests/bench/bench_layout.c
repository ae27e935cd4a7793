/* What layouts cost: solving every shipped one for 25 people, and parsing the largest documents
 * that somebody hostile may hand in. CPU time, the median of many runs. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "mixer/layout.h"

#define PEOPLE 25
#define RUNS   301
#define BATCH  20

static int compare_ns(const void *a, const void *b)
{
    const gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;
    return x < y ? -1 : x > y;
}

static double median_us(gint64 *runs, guint n)
{
    qsort(runs, n, sizeof *runs, compare_ns);
    return (double)runs[n / 2] / 1000;
}

static double bench_solve(const Layout *layout, gboolean screen)
{
    static LayoutPlan plan;
    LayoutSource sources[PEOPLE] = { 0 };
    gint64 runs[RUNS];
    for (guint i = 0; i < PEOPLE; i++)
        sources[i] = (LayoutSource){ .id = "p1",
                                     .participant = "p1",
                                     .name = "Ada Lovelace",
                                     .join = i + 1,
                                     .speaker = (i * 7) % 9,
                                     .is_screen = screen && i == 3 };
    for (guint run = 0; run < RUNS; run++) {
        const gint64 start = clock_thread_cpu_ns();
        for (guint i = 0; i < BATCH; i++)
            layout_solve(layout, sources, PEOPLE, 1280, 720, &plan);
        runs[run] = (clock_thread_cpu_ns() - start) / BATCH;
    }
    return median_us(runs, RUNS);
}

static int bench_shipped(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autoptr(GError) error = NULL;
        g_autofree char *path = g_build_filename(folder, name, NULL);
        if (!g_str_has_suffix(name, ".json") || strcmp(name, "schema.json") == 0)
            continue;
        g_autoptr(Layout) layout = layout_load(path, &error);
        if (!layout) {
            fprintf(stderr, "%s\n", error->message);
            return 1;
        }
        printf("solve %-18s %6.2f us, with a screen %6.2f us\n", layout_name(layout),
               bench_solve(layout, FALSE), bench_solve(layout, TRUE));
    }
    return dir ? 0 : 1;
}

/* `head`, then `part` again and again up to the limit or `count`, then `tail`. */
static void bench_parse(const char *what, const char *head, const char *part, guint count,
                        const char *tail)
{
    g_autoptr(GString) json = g_string_new(head);
    gint64 runs[11];
    gboolean accepted = FALSE;
    for (guint i = 0; i < count && json->len + strlen(part) + strlen(tail) < LAYOUT_MAX_SIZE; i++) {
        g_string_append(json, i && part[0] != '[' && strchr("{\"", part[0]) ? "," : "");
        g_string_append(json, part);
    }
    g_string_append(json, tail);
    for (guint run = 0; run < G_N_ELEMENTS(runs); run++) {
        const gint64 start = clock_thread_cpu_ns();
        Layout *layout = layout_parse(json->str, json->len, NULL);
        accepted = layout != NULL;
        layout_unref(layout);
        runs[run] = clock_thread_cpu_ns() - start;
    }
    printf("parse %-28s %7zu bytes %9.1f us %s\n", what, json->len,
           median_us(runs, G_N_ELEMENTS(runs)), accepted ? "taken" : "refused");
}

/* The largest that is accepted: every variant has all regions, on a board of eight by eight. */
static char *bench_variant(void)
{
    g_autoptr(GString) json = g_string_new("{\"when\":{\"people\":3},\"regions\":[");
    for (guint i = 0; i < LAYOUT_MAX_REGIONS; i++)
        g_string_append_printf(json,
                               "%s{\"fill\":[\"name:*a*\",\"speaker\",\"rest\"],\"x\":\"%u/8\","
                               "\"y\":\"%u/8\",\"width\":\"1/8\",\"height\":\"1/8\","
                               "\"empty\":\"collapse\",\"flow\":\"row\",\"radius\":\"1/90\"}",
                               i ? "," : "", i % 8, i / 8);
    g_string_append(json, "]}");
    return g_string_free(g_steal_pointer(&json), FALSE);
}

int main(void)
{
    static const char region[] = "{\"fill\":\"rest\"}";
    static const char stage[] = "{\"name\":\"a\",\"regions\":[";
    g_autoptr(GString) keys = g_string_new("{\"name\":\"a\",");
    for (guint i = 0; keys->len < LAYOUT_MAX_SIZE - 32; i++)
        g_string_append_printf(keys, "\"k%u\":1,", i);
    const int failed = bench_shipped(PROJECT_DIR "/layouts");
    bench_parse("10,000 regions", stage, region, 10000, "]}");
    bench_parse("regions up to the limit", stage, region, G_MAXUINT, "]}");
    bench_parse("64 regions", stage, "{\"fill\":\"rest\",\"width\":2,\"z\":1}", 64, "]}");
    g_autofree char *variant = bench_variant();
    bench_parse("16 variants of 64 regions",
                "{\"name\":\"a\",\"regions\":[{\"fill\":\"rest\"}],\"variants\":[", variant,
                LAYOUT_MAX_VARIANTS, "]}");
    bench_parse("one long name", "{\"name\":\"", "aaaaaaaaaaaaaaaa", G_MAXUINT, "\"}");
    bench_parse("depth", "", "[", G_MAXUINT, "");
    bench_parse("many keys", keys->str, "", 0, "\"z\":1}");
    bench_parse("many selectors", "{\"name\":\"a\",\"regions\":[{\"fill\":[", "\"speaker\"",
                G_MAXUINT, "]}]}");
    bench_parse("white space", "{", "                ", G_MAXUINT, "}");
    return failed;
}
