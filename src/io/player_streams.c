#include "io/player_streams.h"

#include <libavcodec/avcodec.h>
#include <string.h>

#include "base/error.h"
#include "codecs/codec.h"

#define KINDS 2

/* Of several variants of a stream (HLS) the best one up to this rate. */
#define MAX_VARIANT_BPS 8000000
#define MAX_EXTRADATA   65536

void player_streams_clear(PlayerStreams *streams)
{
    for (guint kind = 0; kind < KINDS; kind++) {
        avcodec_parameters_free(&streams->parameters[kind]);
        streams->chosen[kind] = -1;
    }
}

static gboolean kind_of(const AVStream *stream, MediaKind *kind)
{
    enum AVMediaType type = stream->codecpar->codec_type;
    if (stream->disposition & AV_DISPOSITION_ATTACHED_PIC) /* the cover of an album */
        return FALSE;
    *kind = type == AVMEDIA_TYPE_AUDIO ? MEDIA_AUDIO : MEDIA_VIDEO;
    return type == AVMEDIA_TYPE_VIDEO || type == AVMEDIA_TYPE_AUDIO;
}

static gint64 rate_of(const AVProgram *program)
{
    const AVDictionaryEntry *entry = av_dict_get(program->metadata, "variant_bitrate", NULL, 0);
    return entry ? g_ascii_strtoll(entry->value, NULL, 10) : 0;
}

/* The largest rate within the limit, else the smallest. */
static gboolean is_better(gint64 rate, gint64 than)
{
    if ((rate <= MAX_VARIANT_BPS) != (than <= MAX_VARIANT_BPS))
        return rate <= MAX_VARIANT_BPS;
    return rate <= MAX_VARIANT_BPS ? rate > than : rate < than;
}

static void choose_variant(AVFormatContext *context)
{
    const AVProgram *best = NULL;
    for (guint i = 0; i < context->nb_programs; i++)
        if (!best || is_better(rate_of(context->programs[i]), rate_of(best)))
            best = context->programs[i];
    if (!best)
        return;
    for (guint i = 0; i < context->nb_streams; i++)
        context->streams[i]->discard = AVDISCARD_ALL;
    for (guint i = 0; i < best->nb_stream_indexes; i++)
        context->streams[best->stream_index[i]]->discard = AVDISCARD_DEFAULT;
}

static gboolean fits(const AVCodecParameters *parameters, GError **error)
{
    if (parameters->codec_type != AVMEDIA_TYPE_VIDEO ||
        (parameters->width <= VIDEO_MAX_SIDE && parameters->height <= VIDEO_MAX_SIDE &&
         (gint64)parameters->width * parameters->height <= VIDEO_MAX_PIXELS))
        return TRUE;
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_TOO_LARGE,
                "its pictures are %dx%d; at most %d on a side and %d pixels can be played, so make "
                "them smaller",
                parameters->width, parameters->height, VIDEO_MAX_SIDE, VIDEO_MAX_PIXELS);
    return FALSE;
}

static void choose_stream(PlayerStreams *streams, AVFormatContext *context, MediaKind wanted)
{
    int best = -1;
    for (guint i = 0; i < context->nb_streams; i++) {
        const AVStream *stream = context->streams[i];
        MediaKind kind;
        if (!kind_of(stream, &kind) || kind != wanted || stream->discard >= AVDISCARD_ALL)
            continue;
        if (best < 0 || (stream->disposition & AV_DISPOSITION_DEFAULT &&
                         !(context->streams[best]->disposition & AV_DISPOSITION_DEFAULT)))
            best = (int)i;
    }
    streams->chosen[wanted] = best;
}

gboolean player_streams_choose(PlayerStreams *streams, AVFormatContext *context, GError **error)
{
    choose_variant(context);
    choose_stream(streams, context, MEDIA_VIDEO);
    choose_stream(streams, context, MEDIA_AUDIO);
    gboolean any = FALSE;
    for (guint i = 0; i < context->nb_streams; i++) {
        AVStream *stream = context->streams[i];
        gboolean chosen =
            (int)i == streams->chosen[MEDIA_VIDEO] || (int)i == streams->chosen[MEDIA_AUDIO];
        any = any || chosen;
        if (chosen && !fits(stream->codecpar, error))
            return FALSE;
        if (!chosen)
            stream->discard = AVDISCARD_ALL;
    }
    if (any || context->ctx_flags & AVFMTCTX_NOHEADER)
        return TRUE;
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNSUPPORTED,
                "there is neither picture nor sound in it; choose another file or stream");
    return FALSE;
}

gboolean player_streams_wants(PlayerStreams *streams, AVFormatContext *context, int index,
                              MediaKind *kind)
{
    AVStream *stream = context->streams[index];
    if (stream->discard >= AVDISCARD_ALL || !kind_of(stream, kind))
        return FALSE;
    if (streams->chosen[*kind] < 0)
        streams->chosen[*kind] = index;
    if (streams->chosen[*kind] == index)
        return TRUE;
    stream->discard = AVDISCARD_ALL;
    return FALSE;
}

gboolean player_streams_same(const AVCodecParameters *a, const AVCodecParameters *b)
{
    return a->codec_id == b->codec_id && a->width == b->width && a->height == b->height &&
           a->sample_rate == b->sample_rate &&
           a->ch_layout.nb_channels == b->ch_layout.nb_channels &&
           a->extradata_size == b->extradata_size &&
           (!a->extradata_size || !memcmp(a->extradata, b->extradata, (gsize)a->extradata_size));
}

/* A stream that begins to be encoded otherwise sends its new description along. */
static void take_extradata(AVStream *stream, const AVPacket *packet)
{
    gsize size = 0;
    const guint8 *data = av_packet_get_side_data(packet, AV_PKT_DATA_NEW_EXTRADATA, &size);
    if (!data || size == 0 || size > MAX_EXTRADATA)
        return;
    guint8 *copy = av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!copy)
        return;
    memcpy(copy, data, size);
    av_freep(&stream->codecpar->extradata);
    stream->codecpar->extradata = copy;
    stream->codecpar->extradata_size = (int)size;
}

gboolean player_streams_update(PlayerStreams *streams, AVFormatContext *context, MediaKind kind,
                               const AVPacket *packet, GError **error)
{
    AVStream *stream = context->streams[packet->stream_index];
    AVCodecParameters **known = &streams->parameters[kind];
    take_extradata(stream, packet);
    if (!fits(stream->codecpar, error))
        return FALSE;
    if (*known && player_streams_same(*known, stream->codecpar))
        return TRUE;
    if (!*known)
        *known = avcodec_parameters_alloc();
    if (*known && avcodec_parameters_copy(*known, stream->codecpar) >= 0)
        return TRUE;
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INTERNAL,
                "there is no memory for the stream's description; try again later");
    return FALSE;
}

int player_streams_index(const PlayerStreams *streams, MediaKind kind)
{
    return streams->chosen[kind];
}

const AVCodecParameters *player_streams_parameters(const PlayerStreams *streams, MediaKind kind)
{
    return streams->parameters[kind];
}
