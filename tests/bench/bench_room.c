/* The server's whole graph over in-memory transports, its senders playing clips. One line of JSON
 * on standard output; scripts/bench runs it beside the peers.
 *   bench_room [options]
 * Without --realtime time is simulated: one thread, as fast as the machine goes. */

#include <stdio.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/log.h"
#include "room/room_media.h"
#include "support/fed_room.h"

/* Until the scene has told the inputs that it wants their pictures. */
#define SETTLE_NS (100 * NS_PER_MS)
/* What the senders say of their loudness. */
#define TALKING_DBOV 25
#define QUIET_DBOV   75

typedef struct {
    GPtrArray *audio, *video; /* of MediaFile */
    MediaFile *quiet;
} Clips;

static int senders = 4, talking = -1, viewers = 1, seconds = 20, warm_up;
static gboolean realtime, everyone_views, no_sound, no_pictures, simulcast;
static char **clip_names, **settings;
static char *quiet_name, *broadcast_url;
static gboolean recorded, hls;

static const GOptionEntry options[] = {
    { "senders", 0, 0, G_OPTION_ARG_INT, &senders, "who send", "N" },
    { "talking", 0, 0, G_OPTION_ARG_INT, &talking, "of them, who talk; the others send --quiet",
      "N" },
    { "viewers", 0, 0, G_OPTION_ARG_INT, &viewers, "who only take the mix", "N" },
    { "everyone-views", 0, 0, G_OPTION_ARG_NONE, &everyone_views, "senders take the mix too",
      NULL },
    { "no-sound", 0, 0, G_OPTION_ARG_NONE, &no_sound, "pictures alone", NULL },
    { "simulcast", 0, 0, G_OPTION_ARG_NONE, &simulcast,
      "each sender sends three video clips in a row, the smallest first", NULL },
    { "no-pictures", 0, 0, G_OPTION_ARG_NONE, &no_pictures, "sound alone", NULL },
    { "seconds", 0, 0, G_OPTION_ARG_INT, &seconds, "of media", "S" },
    { "warm-up", 0, 0, G_OPTION_ARG_INT, &warm_up, "seconds that are not counted", "S" },
    { "realtime", 0, 0, G_OPTION_ARG_NONE, &realtime, "the server's own threads and clock", NULL },
    { "quiet", 0, 0, G_OPTION_ARG_FILENAME, &quiet_name, "sound of who does not talk", "FILE" },
    { "broadcast", 0, 0, G_OPTION_ARG_STRING, &broadcast_url, "of the room, in real time", "URL" },
    { "record", 0, 0, G_OPTION_ARG_NONE, &recorded, "the room to record.dir, in real time", NULL },
    { "hls", 0, 0, G_OPTION_ARG_NONE, &hls, "of the room, in real time", NULL },
    { "set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &settings, "configuration", "KEY=VALUE" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &clip_names, NULL, "CLIP..." },
    { 0 },
};

static gint64 cpu_ns(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * NS_PER_SEC +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * NS_PER_US;
}

static gboolean load_clips(Clips *clips, GError **error)
{
    clips->audio = g_ptr_array_new_with_free_func((GDestroyNotify)media_file_free);
    clips->video = g_ptr_array_new_with_free_func((GDestroyNotify)media_file_free);
    for (guint i = 0; clip_names && clip_names[i]; i++) {
        MediaFile *file = media_file_load(clip_names[i], error);
        if (!file)
            return FALSE;
        gboolean sound = file->codec->kind == AVMEDIA_TYPE_AUDIO;
        g_ptr_array_add(sound ? clips->audio : clips->video, file);
    }
    if (quiet_name && !(clips->quiet = media_file_load(quiet_name, error)))
        return FALSE;
    return TRUE;
}

static void clips_clear(Clips *clips)
{
    g_clear_pointer(&clips->audio, g_ptr_array_unref);
    g_clear_pointer(&clips->video, g_ptr_array_unref);
    g_clear_pointer(&clips->quiet, media_file_free);
}

static const MediaFile *nth(const GPtrArray *files, guint i)
{
    return files->len ? files->pdata[i % files->len] : NULL;
}

static gboolean add_sender(FedRoom *fed, const Clips *clips, guint i, GError **error)
{
    g_autofree char *name = g_strdup_printf("Sender %u", i + 1);
    gboolean talks = talking < 0 || (int)i < talking;
    FedPeer sender = { .name = name,
                       .offset_ns = i * 997 * NS_PER_MS,
                       .level_dbov = talks ? TALKING_DBOV : QUIET_DBOV,
                       .view_audio = everyone_views && !no_sound,
                       .view_video = everyone_views && !no_pictures,
                       .visible = !no_pictures };
    if (!no_sound)
        sender.audio = talks ? nth(clips->audio, i) : clips->quiet;
    if (!no_pictures)
        sender.video = nth(clips->video, simulcast ? 3 * i + 2 : i);
    for (guint j = 0; simulcast && !no_pictures && j < G_N_ELEMENTS(sender.smaller); j++)
        sender.smaller[j] = nth(clips->video, 3 * i + j);
    return fed_room_add(fed, &sender, error);
}

/* The viewers last: nothing is composed before. */
static gboolean add_people(FedRoom *fed, const Clips *clips, GError **error)
{
    for (int i = 0; i < senders; i++) {
        if (!add_sender(fed, clips, (guint)i, error))
            return FALSE;
    }
    for (int i = 0; i < viewers; i++) {
        FedPeer viewer = { .name = "Viewer", .view_audio = !no_sound, .view_video = !no_pictures };
        if (!fed_room_add(fed, &viewer, error))
            return FALSE;
    }
    fed_room_run(fed, SETTLE_NS);
    return TRUE;
}

static gboolean add_outputs(FedRoom *fed, GError **error)
{
    Room *room = fed_room_room(fed);
    json_t *none = json_object();
    json_t *target = json_pack("{s:s*}", "url", broadcast_url);
    const char *type = NULL;
    guint cache_seconds;
    thread_assert_control();
    gboolean good = (!broadcast_url || room_start_broadcast(room, target, error)) &&
                    (!recorded || room_start_recording(room, none, error));
    json_decref(target);
    json_decref(none);
    /* It goes on for half a minute after this; there is no first segment yet. */
    if (good && hls)
        g_bytes_unref(room_hls(room, NULL, "index.m3u8", &type, &cache_seconds, NULL));
    return good;
}

/* What all outputs together wrote, and left out. */
static void print_outputs(FedRoom *fed)
{
    RoomOutputTotals totals[ROOM_OUTPUT_TOTALS];
    guint64 dropped = 0, bytes[ROOM_OUTPUT_TOTALS] = { 0 };
    thread_assert_control();
    rooms_output_totals(fed_room_rooms(fed), totals);
    for (guint i = 0; i < G_N_ELEMENTS(totals); i++) {
        bytes[i] = totals[i].bytes;
        dropped += totals[i].dropped;
    }
    printf(", \"recorded\": %" G_GUINT64_FORMAT ", \"broadcast\": %" G_GUINT64_FORMAT
           ", \"hls\": %" G_GUINT64_FORMAT ", \"left_out\": %" G_GUINT64_FORMAT "}\n",
           bytes[0], bytes[1], bytes[3], dropped);
}

static double ms(gint64 ns)
{
    return (double)ns / NS_PER_MS;
}

static void print_result(const FedRoomStats *from, const FedRoomStats *to, gint64 used_ns)
{
    printf("{\"media_s\": %d, \"cpu_ms\": %.1f, \"frames\": %" G_GUINT64_FORMAT
           ", \"packets\": %" G_GUINT64_FORMAT ", \"bytes\": %" G_GUINT64_FORMAT
           ", \"decoded\": %" G_GUINT64_FORMAT ", \"dropped\": %" G_GUINT64_FORMAT,
           seconds, ms(used_ns), to->frames - from->frames, to->packets - from->packets,
           to->bytes - from->bytes, to->decoded - from->decoded,
           to->decode_dropped - from->decode_dropped);
    printf(", \"decode_ms\": %.1f, \"compose_ms\": %.1f, \"encode_ms\": %.1f",
           ms(to->decode_cpu_ns - from->decode_cpu_ns),
           ms(to->compose_cpu_ns - from->compose_cpu_ns),
           ms(to->encode_cpu_ns - from->encode_cpu_ns));
    printf(", \"audio_ticks\": %" G_GUINT64_FORMAT ", \"audio_late\": %" G_GUINT64_FORMAT
           ", \"audio_skipped\": %" G_GUINT64_FORMAT ", \"audio_worst_late_ms\": %.2f",
           to->engine.audio_ticks - from->engine.audio_ticks,
           to->engine.audio_late_ticks - from->engine.audio_late_ticks,
           to->engine.audio_skipped_ticks - from->engine.audio_skipped_ticks,
           ms(to->engine.audio_worst_late_ns));
    printf(", \"scene_ticks\": %" G_GUINT64_FORMAT ", \"scene_late\": %" G_GUINT64_FORMAT
           ", \"scene_skipped\": %" G_GUINT64_FORMAT ", \"replaced\": %" G_GUINT64_FORMAT
           ", \"concealed_samples\": %" G_GUINT64_FORMAT ", \"encoded\": %" G_GUINT64_FORMAT,
           to->scene_ticks - from->scene_ticks, to->scene_late - from->scene_late,
           to->scene_skipped - from->scene_skipped, to->replaced - from->replaced,
           to->concealed - from->concealed, to->encoded - from->encoded);
}

static gboolean run(const Clips *clips, GError **error)
{
    FedRoomStats from, to;
    g_autoptr(FedRoom) fed = fed_room_new(!realtime, (const char *const *)settings, error);
    if (!fed || !add_people(fed, clips, error))
        return FALSE;
    if (!add_outputs(fed, error))
        return FALSE;
    fed_room_play(fed);
    fed_room_run(fed, MAX(warm_up * NS_PER_SEC, 10 * NS_PER_MS));
    fed_room_stats(fed, &from);
    gint64 before_ns = cpu_ns();
    fed_room_run(fed, seconds * NS_PER_SEC);
    gint64 used_ns = cpu_ns() - before_ns;
    fed_room_stats(fed, &to);
    print_result(&from, &to, used_ns);
    print_outputs(fed);
    return TRUE;
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GOptionContext) context = g_option_context_new("- the graph, fed from files");
    Clips clips = { 0 };
    log_set_level(LOG_WARNING);
    g_option_context_add_main_entries(context, options, NULL);
    gboolean good = g_option_context_parse(context, &argc, &argv, &error) &&
                    load_clips(&clips, &error) && run(&clips, &error);
    clips_clear(&clips);
    if (!good)
        fprintf(stderr, "bench_room: %s\n", error->message);
    return good ? 0 : 1;
}
