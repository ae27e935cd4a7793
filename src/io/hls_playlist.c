#include "io/hls_playlist.h"

#include <string.h>

#define PLAYLIST_CACHE_S 1
/* Another presentation of the same room has the same name for another header. */
#define INIT_CACHE_S    2
#define SEGMENT_CACHE_S 60

typedef struct {
    guint64 number;
    GBytes *bytes;
    gint64 duration_us, wall_us;
} Segment;

struct HlsPlaylist {
    guint target_s;
    guint64 next; /* number of the next segment */
    GBytes *init;
    GQueue segments; /* oldest first */
    gsize memory;
    gboolean ended;
    GBytes *text; /* of the playlist, or NULL before the first segment */
};

HlsPlaylist *hls_playlist_new(guint target_s, guint64 first, GBytes *init)
{
    HlsPlaylist *playlist = g_new0(HlsPlaylist, 1);
    playlist->target_s = target_s;
    playlist->next = first;
    playlist->init = g_bytes_ref(init);
    g_queue_init(&playlist->segments);
    return playlist;
}

static void segment_free(gpointer data)
{
    Segment *segment = data;
    g_bytes_unref(segment->bytes);
    g_free(segment);
}

void hls_playlist_free(HlsPlaylist *playlist)
{
    if (!playlist)
        return;
    g_queue_clear_full(&playlist->segments, segment_free);
    g_bytes_unref(playlist->init);
    g_clear_pointer(&playlist->text, g_bytes_unref);
    g_free(playlist);
}

static void append_segment(GString *text, const Segment *segment)
{
    g_autoptr(GDateTime) seconds = g_date_time_new_from_unix_utc(segment->wall_us / G_USEC_PER_SEC);
    g_autofree char *date = g_date_time_format(seconds, "%Y-%m-%dT%H:%M:%S");
    char duration[G_ASCII_DTOSTR_BUF_SIZE];
    g_ascii_formatd(duration, sizeof duration, "%.5f", (gdouble)segment->duration_us / 1e6);
    g_string_append_printf(text,
                           "#EXT-X-PROGRAM-DATE-TIME:%s.%03dZ\n#EXTINF:%s,\n"
                           "seg-%" G_GUINT64_FORMAT ".m4s\n",
                           date, (int)(segment->wall_us / 1000 % 1000), duration, segment->number);
}

static void write_text(HlsPlaylist *playlist)
{
    guint length = playlist->segments.length;
    GList *item =
        g_queue_peek_nth_link(&playlist->segments, length - MIN(length, HLS_LISTED_SEGMENTS));
    g_clear_pointer(&playlist->text, g_bytes_unref);
    if (!item)
        return;
    GString *text = g_string_new("#EXTM3U\n#EXT-X-VERSION:7\n");
    g_string_append_printf(text,
                           "#EXT-X-TARGETDURATION:%u\n"
                           "#EXT-X-MEDIA-SEQUENCE:%" G_GUINT64_FORMAT "\n"
                           "#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"init.mp4\"\n",
                           playlist->target_s, ((Segment *)item->data)->number);
    for (; item; item = item->next)
        append_segment(text, item->data);
    if (playlist->ended)
        g_string_append(text, "#EXT-X-ENDLIST\n");
    playlist->text = g_string_free_to_bytes(text);
}

void hls_playlist_add(HlsPlaylist *playlist, GBytes *bytes, gint64 duration_us, gint64 wall_us)
{
    Segment *segment = g_new0(Segment, 1);
    *segment = (Segment){ playlist->next++, bytes, duration_us, wall_us };
    g_queue_push_tail(&playlist->segments, segment);
    playlist->memory += g_bytes_get_size(bytes);
    if (playlist->segments.length > HLS_KEPT_SEGMENTS) {
        Segment *oldest = g_queue_pop_head(&playlist->segments);
        playlist->memory -= g_bytes_get_size(oldest->bytes);
        segment_free(oldest);
    }
    write_text(playlist);
}

void hls_playlist_end(HlsPlaylist *playlist)
{
    playlist->ended = TRUE;
    write_text(playlist);
}

/** "seg-N.m4s", as this file writes it and in no other way. */
static GBytes *find_segment(HlsPlaylist *playlist, const char *file)
{
    for (GList *item = playlist->segments.tail; item; item = item->prev) {
        const Segment *segment = item->data;
        char name[40];
        g_snprintf(name, sizeof name, "seg-%" G_GUINT64_FORMAT ".m4s", segment->number);
        if (!strcmp(name, file))
            return segment->bytes;
    }
    return NULL;
}

GBytes *hls_playlist_get(HlsPlaylist *playlist, const char *file, const char **content_type,
                         guint *cache_seconds)
{
    GBytes *bytes = NULL;
    if (!strcmp(file, "index.m3u8")) {
        bytes = playlist->text;
        *content_type = "application/vnd.apple.mpegurl";
        *cache_seconds = PLAYLIST_CACHE_S;
    } else if (!strcmp(file, "init.mp4")) {
        bytes = playlist->init;
        *content_type = "video/mp4";
        *cache_seconds = INIT_CACHE_S;
    } else {
        bytes = find_segment(playlist, file);
        *content_type = "video/iso.segment";
        *cache_seconds = SEGMENT_CACHE_S;
    }
    return bytes ? g_bytes_ref(bytes) : NULL;
}

gsize hls_playlist_memory(const HlsPlaylist *playlist)
{
    return playlist->memory;
}
