#include "io/recorder_file.h"

#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "io/mp4_box.h"
#include "io/mp4_finalize.h"
#include "io/recorder_disk.h"
#include "io/recordings.h"

#define FRAGMENT_US       1000000
#define FRAGMENT_MIN_US   500000
#define FRAGMENT_BYTES    (8u << 20)
#define AVIO_BUFFER_BYTES 65536
#define ENDING_BYTES      (32u << 10)
#define ENDING_STREAM     (4u << 10)
#define ENDING_SAMPLE     20 /* an entry in each table of moov */
#define ENDING_CLUSTERS   (128u << 10)
#define VIDEO_TIMESCALE   90000

struct RecorderFile {
    char *directory, *name;
    RecorderFormat format;
    guint64 max_bytes, min_free_bytes;
    RecorderDisk *disk;
    AVFormatContext *muxer;
    AVIOContext *avio;
    gboolean header_written;
    GError *stopped; /* why nothing more is written */

    guint64 end;     /* of what is in the file */
    guint64 samples; /* in all streams */
    gint64 duration_us;

    /* MP4: the fragment that is being made. */
    GByteArray *pending;
    gint64 fragment_us;
    guint64 fragment_bytes;
    guint fragment_samples;

    /* Matroska: where the muxer writes, and the longest it wrote at once. */
    guint64 at, largest;
};

static const char *const suffixes[] = {
    [RECORDER_MP4] = ".mp4", [RECORDER_WEBM] = ".webm", [RECORDER_MKV] = ".mkv"
};

static const char *const muxer_names[] = {
    [RECORDER_MP4] = "mp4", [RECORDER_WEBM] = "webm", [RECORDER_MKV] = "matroska"
};

const char *recorder_format_suffix(RecorderFormat format)
{
    return suffixes[format];
}

static const enum AVCodecID mp4_codecs[] = { AV_CODEC_ID_H264, AV_CODEC_ID_HEVC, AV_CODEC_ID_VP9,
                                             AV_CODEC_ID_AV1,  AV_CODEC_ID_AAC,  AV_CODEC_ID_OPUS,
                                             AV_CODEC_ID_MP3,  AV_CODEC_ID_NONE };
static const enum AVCodecID webm_codecs[] = { AV_CODEC_ID_VP8, AV_CODEC_ID_VP9, AV_CODEC_ID_AV1,
                                              AV_CODEC_ID_OPUS, AV_CODEC_ID_NONE };
static const enum AVCodecID mkv_codecs[] = { AV_CODEC_ID_H264, AV_CODEC_ID_HEVC, AV_CODEC_ID_VP8,
                                             AV_CODEC_ID_VP9,  AV_CODEC_ID_AV1,  AV_CODEC_ID_AAC,
                                             AV_CODEC_ID_OPUS, AV_CODEC_ID_MP3,  AV_CODEC_ID_NONE };
static const enum AVCodecID *const format_codecs[] = { mp4_codecs, webm_codecs, mkv_codecs };

/** Codecs whose files need what only the extradata says. */
static gboolean needs_extradata(enum AVCodecID id)
{
    return id == AV_CODEC_ID_H264 || id == AV_CODEC_ID_HEVC || id == AV_CODEC_ID_AV1 ||
           id == AV_CODEC_ID_AAC || id == AV_CODEC_ID_OPUS;
}

gboolean recorder_format_check(RecorderFormat format, const AVCodecParameters *parameters,
                               GError **error)
{
    const enum AVCodecID *id = format_codecs[format];
    while (*id != AV_CODEC_ID_NONE && *id != parameters->codec_id)
        id++;
    if (*id == AV_CODEC_ID_NONE) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNSUPPORTED,
                    "A %s file cannot hold %s: choose another format.", suffixes[format] + 1,
                    avcodec_get_name(parameters->codec_id));
        return FALSE;
    }
    return TRUE;
}

static gboolean stream_is_complete(const AVCodecParameters *parameters, GError **error)
{
    if (!needs_extradata(parameters->codec_id) || parameters->extradata_size > 0)
        return TRUE;
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                "The %s stream came without its parameter sets.",
                avcodec_get_name(parameters->codec_id));
    return FALSE;
}

static guint64 ending_bytes(const RecorderFile *file)
{
    guint64 bytes = ENDING_BYTES + (guint64)file->muxer->nb_streams * ENDING_STREAM;
    if (file->format == RECORDER_MP4)
        return bytes + file->samples * ENDING_SAMPLE;
    return bytes + ENDING_CLUSTERS + 2 * file->largest + file->samples;
}

/** Room for `bytes` more and for the ending, under every limit. */
static gboolean make_room(RecorderFile *file, guint64 at, guint64 bytes, GError **error)
{
    guint64 end = MAX(file->end, at + bytes) + ending_bytes(file);
    if (file->max_bytes && end > file->max_bytes) {
        g_autofree char *limit = g_format_size(file->max_bytes);
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_TOO_LARGE,
                    "The recording reached its limit of %s and ended here.", limit);
        return FALSE;
    }
    return recorder_disk_reserve(file->disk, end, file->min_free_bytes, error);
}

static int write_fragmented(void *user, uint8_t *data, int size)
{
    RecorderFile *file = user;
    g_byte_array_append(file->pending, data, (guint)size);
    return size;
}

static int write_in_place(void *user, uint8_t *data, int size)
{
    RecorderFile *file = user;
    file->largest = MAX(file->largest, (guint64)size);
    /* Beyond the limit there is still the room that was kept for the ending. */
    if (!file->stopped)
        make_room(file, file->at, (guint64)size, &file->stopped);
    if (!recorder_disk_write(file->disk, file->at, data, (gsize)size,
                             file->stopped ? NULL : &file->stopped))
        return AVERROR(ENOSPC);
    file->at += (guint64)size;
    file->end = MAX(file->end, file->at);
    return size;
}

static int64_t seek_in_place(void *user, int64_t offset, int whence)
{
    RecorderFile *file = user;
    if (whence == AVSEEK_SIZE)
        return (int64_t)file->end;
    if (whence != SEEK_SET || offset < 0)
        return AVERROR(EINVAL);
    file->at = (guint64)offset;
    return offset;
}

static gboolean open_avio(RecorderFile *file)
{
    gboolean fragmented = file->format == RECORDER_MP4;
    guint8 *buffer = av_malloc(AVIO_BUFFER_BYTES);
    file->avio = avio_alloc_context(buffer, AVIO_BUFFER_BYTES, 1, file, NULL,
                                    fragmented ? write_fragmented : write_in_place,
                                    fragmented ? NULL : seek_in_place);
    if (!file->avio) {
        av_free(buffer);
        return FALSE;
    }
    file->avio->seekable = fragmented ? 0 : AVIO_SEEKABLE_NORMAL;
    file->muxer->pb = file->avio;
    return TRUE;
}

static gboolean add_stream(RecorderFile *file, const SinkStream *from)
{
    AVStream *stream = avformat_new_stream(file->muxer, NULL);
    if (!stream || avcodec_parameters_copy(stream->codecpar, from->parameters) < 0)
        return FALSE;
    AVCodecParameters *parameters = stream->codecpar;
    gboolean video = parameters->codec_type == AVMEDIA_TYPE_VIDEO;
    parameters->codec_tag = 0;
    if (parameters->format < 0)
        parameters->format = video ? (int)AV_PIX_FMT_YUV420P : (int)AV_SAMPLE_FMT_FLTP;
    stream->time_base =
        (AVRational){ 1, video ? VIDEO_TIMESCALE : MAX(parameters->sample_rate, 1) };
    if (from->name)
        av_dict_set(&stream->metadata, file->format == RECORDER_MP4 ? "handler_name" : "title",
                    from->name, 0);
    return TRUE;
}

static gboolean open_muxer(RecorderFile *file, const RecorderFileOptions *options)
{
    if (avformat_alloc_output_context2(&file->muxer, NULL, muxer_names[file->format], NULL) < 0 ||
        !open_avio(file))
        return FALSE;
    file->muxer->flags |= AVFMT_FLAG_CUSTOM_IO;
    file->muxer->avoid_negative_ts = AVFMT_AVOID_NEG_TS_DISABLED;
    file->muxer->flush_packets = 1;
    for (guint i = 0; i < options->n; i++) {
        if (!add_stream(file, &options->streams[i]))
            return FALSE;
    }
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *created = g_date_time_format_iso8601(now);
    av_dict_set(&file->muxer->metadata, "creation_time", created, 0);
    return TRUE;
}

/** Keep 16 bytes between ftyp and moov, which mp4_finalize() makes the header of one mdat. */
static gboolean reserve_header(GByteArray *head)
{
    guint32 type;
    ByteReader inside, reader = byte_reader(head->data, head->len);
    if (!mp4_next_box(&reader, &type, &inside))
        return FALSE;
    g_autoptr(GByteArray) out = g_byte_array_new();
    g_byte_array_append(out, head->data, (guint)reader.pos);
    mp4_put_u32(out, 16);
    mp4_put_u32(out, MP4_TYPE('f', 'r', 'e', 'e'));
    mp4_put_u64(out, 0);
    g_byte_array_append(out, head->data + reader.pos, head->len - (guint)reader.pos);
    g_byte_array_set_size(head, 0);
    g_byte_array_append(head, out->data, out->len);
    return TRUE;
}

/** Put what the muxer made at the end of the file. */
static gboolean commit(RecorderFile *file, GError **error)
{
    gboolean done =
        make_room(file, file->end, file->pending->len, error) &&
        recorder_disk_write(file->disk, file->end, file->pending->data, file->pending->len, error);
    if (done)
        file->end += file->pending->len;
    g_byte_array_set_size(file->pending, 0);
    return done;
}

static gboolean write_header(RecorderFile *file, GError **error)
{
    AVDictionary *options = NULL;
    if (file->format == RECORDER_MP4) {
        av_dict_set(&options, "movflags", "empty_moov+default_base_moof+frag_custom+skip_trailer",
                    0);
        av_dict_set(&options, "use_editlist", "0", 0);
        av_dict_set_int(&options, "video_track_timescale", VIDEO_TIMESCALE, 0);
    } else {
        av_dict_set_int(&options, "cluster_time_limit", FRAGMENT_US / 1000, 0);
    }
    int result = avformat_write_header(file->muxer, &options);
    av_dict_free(&options);
    file->header_written = result >= 0;
    avio_flush(file->avio);
    if (result >= 0 && file->format == RECORDER_MP4 && reserve_header(file->pending))
        return commit(file, error);
    if (result >= 0 && file->format != RECORDER_MP4 && !file->stopped)
        return TRUE;
    if (file->stopped)
        g_propagate_error(error, g_error_copy(file->stopped));
    else
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "These streams cannot be recorded as %s: %s.", suffixes[file->format] + 1,
                    av_err2str(result));
    return FALSE;
}

RecorderFile *recorder_file_new(const RecorderFileOptions *options, GError **error)
{
    g_autoptr(RecorderFile) file = g_new0(RecorderFile, 1);
    for (guint i = 0; i < options->n; i++) {
        if (!recorder_format_check(options->format, options->streams[i].parameters, error) ||
            !stream_is_complete(options->streams[i].parameters, error))
            return NULL;
    }
    file->directory = g_strdup(options->directory);
    file->name = g_strdup(options->name);
    file->format = options->format;
    file->max_bytes = options->max_bytes;
    file->min_free_bytes = options->min_free_bytes;
    file->pending = g_byte_array_new();
    if (!open_muxer(file, options)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INTERNAL, "Memory is short.");
        return NULL;
    }
    file->disk = recorder_disk_new(options->directory, options->name, error);
    if (!file->disk)
        return NULL;
    if (!write_header(file, error)) {
        recorder_disk_discard(file->disk);
        return NULL;
    }
    return g_steal_pointer(&file);
}

static void close_muxer(RecorderFile *file)
{
    avformat_free_context(file->muxer);
    file->muxer = NULL;
    if (file->avio)
        av_freep(&file->avio->buffer);
    avio_context_free(&file->avio);
}

void recorder_file_free(RecorderFile *file)
{
    if (!file)
        return;
    close_muxer(file);
    recorder_disk_free(file->disk);
    if (file->pending)
        g_byte_array_unref(file->pending);
    g_clear_error(&file->stopped);
    g_free(file->directory);
    g_free(file->name);
    g_free(file);
}

static gboolean report_stop(const RecorderFile *file, GError **error)
{
    if (file->stopped)
        g_propagate_error(error, g_error_copy(file->stopped));
    return !file->stopped;
}

gboolean recorder_file_flush(RecorderFile *file, GError **error)
{
    if (file->fragment_samples == 0 || file->stopped)
        return report_stop(file, error);
    av_write_frame(file->muxer, NULL);
    avio_flush(file->avio);
    if (file->format == RECORDER_MP4)
        commit(file, &file->stopped);
    file->fragment_samples = 0;
    file->fragment_bytes = 0;
    return report_stop(file, error);
}

/** Whether the packet belongs into a new fragment. */
static gboolean fragment_ends(const RecorderFile *file, guint stream, const AVPacket *packet)
{
    if (file->fragment_samples == 0)
        return FALSE;
    gboolean video = file->muxer->streams[stream]->codecpar->codec_type == AVMEDIA_TYPE_VIDEO;
    gboolean key = video && packet->flags & AV_PKT_FLAG_KEY;
    gint64 length = packet->dts - file->fragment_us;
    return length >= FRAGMENT_US || (key && length >= FRAGMENT_MIN_US) ||
           file->fragment_bytes + (guint64)packet->size > FRAGMENT_BYTES;
}

static void begin_fragment(RecorderFile *file, const AVPacket *packet)
{
    /* Each fragment says at what time it begins, whatever the durations before it add up to. */
    av_opt_set(file->muxer->priv_data, "movflags", "+frag_discont", 0);
    file->fragment_us = packet->dts;
}

/** Matroska's players take CodecDelay off a sound's time, and its muxer does not add it. */
static void delay_in_matroska(const RecorderFile *file, guint stream, AVPacket *packet)
{
    const AVCodecParameters *parameters = file->muxer->streams[stream]->codecpar;
    if (file->format == RECORDER_MP4 || parameters->initial_padding <= 0 ||
        parameters->sample_rate <= 0)
        return;
    gint64 delay_us =
        av_rescale(parameters->initial_padding, G_USEC_PER_SEC, parameters->sample_rate);
    packet->pts += delay_us;
    packet->dts += delay_us;
}

gboolean recorder_file_write(RecorderFile *file, guint stream, AVPacket *packet, GError **error)
{
    gint64 end_us = packet->dts + packet->duration;
    gboolean fragmented = file->format == RECORDER_MP4;
    if (fragmented && fragment_ends(file, stream, packet))
        recorder_file_flush(file, NULL);
    if (!report_stop(file, error))
        return FALSE;
    if (fragmented && file->fragment_samples == 0)
        begin_fragment(file, packet);
    packet->stream_index = (int)stream;
    packet->pos = -1;
    guint bytes = (guint)packet->size;
    delay_in_matroska(file, stream, packet);
    av_packet_rescale_ts(packet, AV_TIME_BASE_Q, file->muxer->streams[stream]->time_base);
    int result = av_write_frame(file->muxer, packet);
    if (result < 0 && !file->stopped) {
        /* One packet that the muxer does not like is no reason to lose the recording. */
        file->avio->error = 0;
        log_limited(LOG_WARNING, "recorder", "A packet is missing in %s: %s.", file->name,
                    av_err2str(result));
        return TRUE;
    }
    file->samples++;
    file->fragment_samples++;
    file->fragment_bytes += bytes;
    file->duration_us = MAX(file->duration_us, end_us);
    return report_stop(file, error);
}

void recorder_file_sync(RecorderFile *file, gint64 now_ns)
{
    recorder_disk_sync(file->disk, now_ns);
}

guint64 recorder_file_bytes(const RecorderFile *file)
{
    return file->end;
}

static gint64 end_fragmented(RecorderFile *file, GError **error)
{
    recorder_file_flush(file, NULL);
    close_muxer(file);
    return mp4_finalize(recorder_disk_fd(file->disk), error);
}

static gint64 end_in_place(RecorderFile *file, GError **error)
{
    if (file->samples == 0)
        return 0;
    /* From here on the room that was kept for the ending is used. */
    if (!file->stopped)
        file->stopped = g_error_new(TESSERA_ERROR, TESSERA_ERROR_CONFLICT, "It has ended.");
    file->avio->error = 0;
    int result = av_write_trailer(file->muxer);
    avio_flush(file->avio);
    result = result < 0 ? result : file->avio->error;
    close_muxer(file);
    if (result >= 0)
        return MAX(file->duration_us, 1);
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                "The end of %s cannot be written (%s): make room on the disk and start the server "
                "again.",
                file->name, av_err2str(result));
    return -1;
}

gint64 recorder_file_finish(RecorderFile *file, GError **error)
{
    gint64 duration_us =
        file->format == RECORDER_MP4 ? end_fragmented(file, error) : end_in_place(file, error);
    if (duration_us < 0)
        return -1;
    if (duration_us == 0) {
        recorder_disk_discard(file->disk);
        return 0;
    }
    recordings_note(file->directory, file->name, duration_us, FALSE);
    if (!recorder_disk_publish(file->disk, error))
        return -1;
    file->end = (guint64)MAX(lseek(recorder_disk_fd(file->disk), 0, SEEK_END), 0);
    return duration_us;
}
