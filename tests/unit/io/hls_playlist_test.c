#include "io/hls_playlist.h"

#include <string.h>

#define SECOND G_USEC_PER_SEC

static void add(HlsPlaylist *playlist, gint64 duration_us, gint64 wall_us)
{
    hls_playlist_add(playlist, g_bytes_new("0123456789", 10), duration_us, wall_us);
}

static char *text_of(HlsPlaylist *playlist)
{
    const char *type = NULL;
    guint cache_seconds = 0;
    g_autoptr(GBytes) bytes = hls_playlist_get(playlist, "index.m3u8", &type, &cache_seconds);
    if (!bytes)
        return NULL;
    g_assert_cmpstr(type, ==, "application/vnd.apple.mpegurl");
    g_assert_cmpuint(cache_seconds, <=, 1);
    gsize size = 0;
    const char *text = g_bytes_get_data(bytes, &size);
    return g_strndup(text, size);
}

static gboolean has(HlsPlaylist *playlist, const char *file)
{
    const char *type = NULL;
    guint cache_seconds = 0;
    g_autoptr(GBytes) bytes = hls_playlist_get(playlist, file, &type, &cache_seconds);
    return bytes != NULL;
}

static void test_text(void)
{
    g_autoptr(GBytes) init = g_bytes_new("init", 4);
    g_autoptr(HlsPlaylist) playlist = hls_playlist_new(3, 100, init);
    g_assert_null(text_of(playlist));
    g_assert_true(has(playlist, "init.mp4"));
    add(playlist, 2 * SECOND, 0);
    add(playlist, 1999999, 2 * SECOND + 250000);
    g_autofree char *text = text_of(playlist);
    g_assert_cmpstr(text, ==,
                    "#EXTM3U\n"
                    "#EXT-X-VERSION:7\n"
                    "#EXT-X-TARGETDURATION:3\n"
                    "#EXT-X-MEDIA-SEQUENCE:100\n"
                    "#EXT-X-INDEPENDENT-SEGMENTS\n"
                    "#EXT-X-MAP:URI=\"init.mp4\"\n"
                    "#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:00.000Z\n"
                    "#EXTINF:2.00000,\n"
                    "seg-100.m4s\n"
                    "#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:02.250Z\n"
                    "#EXTINF:2.00000,\n"
                    "seg-101.m4s\n");
    hls_playlist_end(playlist);
    g_autofree char *ended = text_of(playlist);
    g_assert_true(g_str_has_suffix(ended, "seg-101.m4s\n#EXT-X-ENDLIST\n"));
}

static void test_window(void)
{
    g_autoptr(GBytes) init = g_bytes_new("init", 4);
    g_autoptr(HlsPlaylist) playlist = hls_playlist_new(3, 0, init);
    for (guint i = 0; i < 100; i++)
        add(playlist, 2 * SECOND, 2 * SECOND * i);
    g_autofree char *text = text_of(playlist);
    g_assert_nonnull(strstr(text, "#EXT-X-MEDIA-SEQUENCE:94\n"));
    g_assert_null(strstr(text, "seg-93.m4s"));
    g_assert_nonnull(strstr(text, "seg-94.m4s"));
    g_assert_nonnull(strstr(text, "seg-99.m4s"));
    g_assert_cmpuint(hls_playlist_memory(playlist), ==, 10 * HLS_KEPT_SEGMENTS);
    g_assert_true(has(playlist, "seg-87.m4s"));
    g_assert_false(has(playlist, "seg-86.m4s"));
}

static void test_other_names(void)
{
    g_autoptr(GBytes) init = g_bytes_new("init", 4);
    g_autoptr(HlsPlaylist) playlist = hls_playlist_new(3, 0, init);
    add(playlist, 2 * SECOND, 0);
    static const char *const files[] = { "",
                                         "seg-.m4s",
                                         "seg-00.m4s",
                                         "seg-1.m4s",
                                         "seg-0.m4s/",
                                         "../init.mp4",
                                         "seg-18446744073709551616.m4s",
                                         "INDEX.M3U8" };
    g_assert_true(has(playlist, "seg-0.m4s"));
    for (gsize i = 0; i < G_N_ELEMENTS(files); i++)
        g_assert_false(has(playlist, files[i]));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hls_playlist/text", test_text);
    g_test_add_func("/hls_playlist/window", test_window);
    g_test_add_func("/hls_playlist/other_names", test_other_names);
    return g_test_run();
}
