#include "io/recorder_recover.h"

#include <fcntl.h>
#include <libavformat/avformat.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "io/mp4_finalize.h"
#include "io/recorder_disk.h"
#include "io/recorder_file.h"
#include "io/recordings.h"

#define MAX_HEADER_BYTES 16384

/** Copies packets from one Matroska file into another, which gets its index. */
typedef struct {
    AVFormatContext *from, *to;
    AVPacket *packet;
    gint64 end_us;
} Remux;

static gboolean open_streams(Remux *remux)
{
    for (guint i = 0; i < remux->from->nb_streams; i++) {
        const AVStream *from = remux->from->streams[i];
        AVStream *to = avformat_new_stream(remux->to, NULL);
        if (!to || avcodec_parameters_copy(to->codecpar, from->codecpar) < 0)
            return FALSE;
        to->codecpar->codec_tag = 0;
        to->time_base = from->time_base;
        av_dict_copy(&to->metadata, from->metadata, 0);
    }
    av_dict_copy(&remux->to->metadata, remux->from->metadata, 0);
    remux->to->avoid_negative_ts = AVFMT_AVOID_NEG_TS_DISABLED;
    return TRUE;
}

static gboolean remux_open(Remux *remux, int fd, const char *muxer, const char *path)
{
    char from[64];
    (void)g_snprintf(from, sizeof from, "/proc/self/fd/%d", fd);
    remux->packet = av_packet_alloc();
    return remux->packet &&
           avformat_open_input(&remux->from, from, av_find_input_format("matroska"), NULL) >= 0 &&
           avformat_find_stream_info(remux->from, NULL) >= 0 &&
           avformat_alloc_output_context2(&remux->to, NULL, muxer, NULL) >= 0 &&
           open_streams(remux) && avio_open(&remux->to->pb, path, AVIO_FLAG_WRITE) >= 0 &&
           avformat_write_header(remux->to, NULL) >= 0;
}

/** The demuxer took CodecDelay off; the muxer does not add it (see recorder_file). */
static gint64 codec_delay(const AVStream *stream)
{
    const AVCodecParameters *parameters = stream->codecpar;
    if (parameters->initial_padding <= 0 || parameters->sample_rate <= 0)
        return 0;
    return av_rescale_q(parameters->initial_padding, (AVRational){ 1, parameters->sample_rate },
                        stream->time_base);
}

static gboolean remux_run(Remux *remux)
{
    while (av_read_frame(remux->from, remux->packet) >= 0) {
        AVPacket *packet = remux->packet;
        const AVStream *from = remux->from->streams[packet->stream_index];
        const AVStream *to = remux->to->streams[packet->stream_index];
        gint64 end = packet->pts == AV_NOPTS_VALUE ? 0 : packet->pts + packet->duration;
        remux->end_us = MAX(remux->end_us, av_rescale_q(end, from->time_base, AV_TIME_BASE_Q));
        gint64 delay = codec_delay(from);
        packet->pts += packet->pts == AV_NOPTS_VALUE ? 0 : delay;
        packet->dts += packet->dts == AV_NOPTS_VALUE ? 0 : delay;
        av_packet_rescale_ts(packet, from->time_base, to->time_base);
        if (av_interleaved_write_frame(remux->to, packet) == AVERROR(ENOSPC))
            return FALSE;
    }
    return av_write_trailer(remux->to) >= 0 && remux->to->pb->error >= 0;
}

static void remux_close(Remux *remux)
{
    if (remux->to)
        avio_closep(&remux->to->pb);
    avformat_free_context(remux->to);
    avformat_close_input(&remux->from);
    av_packet_free(&remux->packet);
}

static gboolean sync_and_rename(const char *from, const char *to)
{
    int fd = open(from, O_RDONLY | O_CLOEXEC);
    gboolean synced = fd >= 0 && fchmod(fd, 0640) == 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return synced && rename(from, to) == 0;
}

/** Replace name.part by a copy with an index. Returns its length, 0: nothing in it, -1: damaged.
 * Where the disk has no room for the copy, the file stays as it is: it plays, but seeks slowly. */
static gint64 recover_matroska(RecorderDisk *disk, const char *directory, const char *name)
{
    Remux remux = { 0 };
    const char *muxer = g_str_has_suffix(name, ".webm") ? "webm" : "matroska";
    g_autofree char *temporary = g_strdup_printf("%s/.%s.tmp", directory, name);
    g_autofree char *part = g_strdup_printf("%s/%s.part", directory, name);
    unlink(temporary);
    gboolean readable = remux_open(&remux, recorder_disk_fd(disk), muxer, temporary);
    gboolean copied = readable && remux_run(&remux);
    remux_close(&remux);
    if (!copied || remux.end_us == 0 || !sync_and_rename(temporary, part))
        unlink(temporary);
    return readable ? remux.end_us : -1;
}

static void report(const char *name, const GError *error)
{
    log_warning("recorder", "The recording %s cannot be recovered: %s", name, error->message);
}

/** What nobody can read is kept, but not tried again. */
static void set_aside(const char *directory, const char *name)
{
    g_autofree char *part = g_strdup_printf("%s/%s.part", directory, name);
    g_autofree char *damaged = g_strdup_printf("%s/%s.damaged", directory, name);
    if (rename(part, damaged) < 0)
        log_warning("recorder", "%s cannot be renamed.", part);
}

/** A file that got no further than its header, if as far as that. */
static gboolean is_header_only(int fd)
{
    static const guint8 ebml[] = { 0x1a, 0x45, 0xdf, 0xa3 };
    static const guint8 cluster[] = { 0x1f, 0x43, 0xb6, 0x75 };
    guint8 head[MAX_HEADER_BYTES];
    gssize size = pread(fd, head, sizeof head, 0);
    if (size <= 0)
        return size == 0;
    return size < (gssize)sizeof head && size >= (gssize)sizeof ebml &&
           memcmp(head, ebml, sizeof ebml) == 0 &&
           memmem(head, (gsize)size, cluster, sizeof cluster) == NULL;
}

static gint64 make_whole(RecorderDisk *disk, const char *directory, const char *name,
                         GError **error)
{
    if (is_header_only(recorder_disk_fd(disk)))
        return 0;
    if (g_str_has_suffix(name, ".mp4"))
        return mp4_finalize(recorder_disk_fd(disk), error);
    gint64 duration_us = recover_matroska(disk, directory, name);
    if (duration_us < 0)
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID, "It is not a Matroska file.");
    return duration_us;
}

/** TRUE: the file has its name now. */
static gboolean recover_file(const char *directory, const char *name, gint64 *duration_us)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(RecorderDisk) disk = recorder_disk_open(directory, name, &error);
    *duration_us = disk ? make_whole(disk, directory, name, &error) : -1;
    if (*duration_us > 0)
        recordings_note(directory, name, *duration_us, TRUE);
    if (*duration_us > 0 && recorder_disk_publish(disk, &error))
        return TRUE;
    if (!error) {
        recorder_disk_discard(disk);
        return FALSE;
    }
    if (!g_error_matches(error, TESSERA_ERROR, TESSERA_ERROR_CONFLICT))
        report(name, error);
    if (disk && g_error_matches(error, TESSERA_ERROR, TESSERA_ERROR_INVALID))
        set_aside(directory, name);
    return FALSE;
}

static Recording *recovered_new(const char *directory, const char *name, gint64 duration_us)
{
    struct stat info = { 0 };
    g_autofree char *path = g_build_filename(directory, name, NULL);
    Recording *recording = g_new0(Recording, 1);
    if (stat(path, &info) == 0) {
        recording->bytes = (guint64)info.st_size;
        recording->created_s = (gint64)info.st_mtime - duration_us / G_USEC_PER_SEC;
    }
    recording->name = g_strdup(name);
    recording->duration_us = duration_us;
    recording->recovered = TRUE;
    return recording;
}

GPtrArray *recorder_recover(const char *directory, GError **error)
{
    g_autoptr(GDir) names = g_dir_open(directory, 0, NULL);
    if (!names) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                    "The recordings' directory %s cannot be opened.", directory);
        return NULL;
    }
    g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)recording_free);
    const char *entry;
    while ((entry = g_dir_read_name(names))) {
        g_autofree char *name = g_strdup(entry);
        if (!g_str_has_suffix(name, ".part"))
            continue;
        name[strlen(name) - strlen(".part")] = '\0';
        if (recording_name_valid(name) && !g_str_has_suffix(name, ".json"))
            g_ptr_array_add(parts, g_steal_pointer(&name));
    }
    for (guint i = 0; i < parts->len; i++) {
        gint64 duration_us = 0;
        const char *name = parts->pdata[i];
        if (!recover_file(directory, name, &duration_us))
            continue;
        g_ptr_array_add(list, recovered_new(directory, name, duration_us));
        log_info("recorder", "The recording %s was recovered.", name);
    }
    return g_steal_pointer(&list);
}
