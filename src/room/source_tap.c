#include "room/source_tap.h"

#include <libavcodec/avcodec.h>
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "io/track_parameters.h"
#include "io/track_recorder.h"
#include "room/sound_order.h"

#define STEP_NS NS_PER_MS /* between pictures whose times would go back */

typedef struct {
    SourceTapPart part;
    Sink *sink; /* a reference */
    gint64 mix_epoch_ns;
} Taker;

struct SourceTap {
    gint refs;                             /* atomic */
    gint taken[SOURCE_TAP_PARTS];          /* atomic: takers */
    gint wants_keyframe[SOURCE_TAP_PARTS]; /* atomic flags */

    /* The sender's thread: net, or the feed's. */
    SoundOrder order;
    gboolean taken_before; /* what waits in the order belongs to what comes */
    AVBufferRef *sound;    /* what the packets say of themselves, or NULL */
    AVBufferRef *pictures[SOURCE_TAP_PARTS];
    gint64 newest_ns[SOURCE_TAP_PARTS]; /* of the pictures */

    pthread_mutex_t lock;
    GArray *takers; /* of Taker, guarded by lock */
};

SourceTap *source_tap_new(void)
{
    SourceTap *tap = g_new0(SourceTap, 1);
    tap->refs = 1;
    tap->takers = g_array_new(FALSE, FALSE, sizeof(Taker));
    pthread_mutex_init(&tap->lock, NULL);
    return tap;
}

SourceTap *source_tap_ref(SourceTap *tap)
{
    g_atomic_int_inc(&tap->refs);
    return tap;
}

void source_tap_unref(SourceTap *tap)
{
    if (!tap || !g_atomic_int_dec_and_test(&tap->refs))
        return;
    for (guint i = 0; i < tap->takers->len; i++)
        sink_unref(g_array_index(tap->takers, Taker, i).sink);
    g_array_unref(tap->takers);
    sound_order_restart(&tap->order);
    av_buffer_unref(&tap->sound);
    for (guint i = 0; i < SOURCE_TAP_PARTS; i++)
        av_buffer_unref(&tap->pictures[i]);
    pthread_mutex_destroy(&tap->lock);
    g_free(tap);
}

/* --- who takes it ------------------------------------------------------------------------ */

void source_tap_add(SourceTap *tap, SourceTapPart part, Sink *sink, gint64 mix_epoch_ns)
{
    Taker taker = { part, sink_ref(sink), mix_epoch_ns };
    pthread_mutex_lock(&tap->lock);
    g_array_append_val(tap->takers, taker);
    pthread_mutex_unlock(&tap->lock);
    g_atomic_int_inc(&tap->taken[part]);
    source_tap_want_keyframe(tap, part);
}

void source_tap_remove(SourceTap *tap, const Sink *sink)
{
    Sink *removed = NULL;
    pthread_mutex_lock(&tap->lock);
    for (guint i = 0; i < tap->takers->len && !removed; i++) {
        if (g_array_index(tap->takers, Taker, i).sink != sink)
            continue;
        removed = g_array_index(tap->takers, Taker, i).sink;
        g_atomic_int_add(&tap->taken[g_array_index(tap->takers, Taker, i).part], -1);
        g_array_remove_index(tap->takers, i);
    }
    pthread_mutex_unlock(&tap->lock);
    sink_unref(removed);
}

gboolean source_tap_is_taken(SourceTap *tap, SourceTapPart part)
{
    return g_atomic_int_get(&tap->taken[part]) > 0;
}

void source_tap_want_keyframe(SourceTap *tap, SourceTapPart part)
{
    g_atomic_int_set(&tap->wants_keyframe[part], 1);
}

gboolean source_tap_take_want_keyframe(SourceTap *tap, SourceTapPart part)
{
    return source_tap_is_taken(tap, part) &&
           g_atomic_int_compare_and_exchange(&tap->wants_keyframe[part], 1, 0);
}

/* To whoever takes this part. The times of the packet: nanoseconds of the mix's clock. */
static void give(SourceTap *tap, SourceTapPart part, guint stream, const AVPacket *packet)
{
    g_autoptr(GArray) takers = NULL;
    pthread_mutex_lock(&tap->lock);
    takers = g_array_copy(tap->takers);
    for (guint i = 0; i < takers->len; i++)
        sink_ref(g_array_index(takers, Taker, i).sink);
    pthread_mutex_unlock(&tap->lock);
    for (guint i = 0; i < takers->len; i++) {
        const Taker *taker = &g_array_index(takers, Taker, i);
        AVPacket *copy = taker->part == part ? av_packet_clone(packet) : NULL;
        if (copy) {
            copy->pts = (packet->pts - taker->mix_epoch_ns) / NS_PER_US;
            copy->dts = (packet->dts - taker->mix_epoch_ns) / NS_PER_US;
            sink_write(taker->sink, stream, copy);
        }
        av_packet_free(&copy);
        sink_unref(taker->sink);
    }
}

/* (transfer full) A packet with these bytes, or NULL: memory is short. */
static AVPacket *packet_new(const AVBufferRef *parameters, const guint8 *data, gsize size)
{
    AVPacket *packet = parameters ? av_packet_alloc() : NULL;
    if (!packet || av_new_packet(packet, (int)size) < 0 ||
        !(packet->opaque_ref = av_buffer_ref(parameters)))
        av_packet_free(&packet);
    else
        memcpy(packet->data, data, size);
    return packet;
}

/* --- sound ------------------------------------------------------------------------------- */

static const AVBufferRef *opus_parameters(SourceTap *tap)
{
    AVCodecParameters *parameters = tap->sound ? NULL : avcodec_parameters_alloc();
    if (parameters) {
        codec_opus_parameters(parameters);
        tap->sound = track_parameters_new(parameters);
    }
    avcodec_parameters_free(&parameters);
    return tap->sound;
}

void source_tap_opus(SourceTap *tap, const SourceTapOpus *opus)
{
    gint64 time_ns;
    if (!source_tap_is_taken(tap, SOURCE_TAP_PERSON)) {
        if (tap->taken_before)
            source_tap_restart(tap);
        return;
    }
    tap->taken_before = TRUE;
    AVPacket *packet = packet_new(opus_parameters(tap), opus->payload, opus->size);
    if (!packet)
        return;
    packet->flags |= AV_PKT_FLAG_KEY;
    packet->duration = (gint64)opus->samples * G_USEC_PER_SEC / AUDIO_RATE_HZ;
    if (!sound_order_put(&tap->order, opus->seq, opus->rtp_timestamp, opus->mixed_ns, packet))
        av_packet_free(&packet);
    while ((packet = sound_order_take(&tap->order, &time_ns))) {
        packet->pts = packet->dts = time_ns;
        give(tap, SOURCE_TAP_PERSON, TRACK_SOUND, packet);
        av_packet_free(&packet);
    }
}

void source_tap_restart(SourceTap *tap)
{
    sound_order_restart(&tap->order);
    tap->taken_before = FALSE;
}

/* --- pictures ---------------------------------------------------------------------------- */

/* What key frames of this codec and size are. */
static void describe(SourceTap *tap, SourceTapPart part, const CodecType *codec,
                     const AssembledFrame *frame)
{
    VideoFrameHeader header = { 0 };
    const AVBufferRef *had = tap->pictures[part];
    if (!codec->peek(frame->data, frame->size, &header) || !header.has_size)
        return;
    const AVCodecParameters *before = had ? track_parameters_of(had) : NULL;
    if (before && before->codec_id == codec->id && before->width == header.width &&
        before->height == header.height)
        return;
    AVCodecParameters *parameters = avcodec_parameters_alloc();
    if (parameters) {
        parameters->codec_type = AVMEDIA_TYPE_VIDEO;
        parameters->codec_id = codec->id;
        parameters->width = header.width;
        parameters->height = header.height;
        parameters->format = AV_PIX_FMT_YUV420P;
        av_buffer_unref(&tap->pictures[part]);
        tap->pictures[part] = track_parameters_new(parameters);
    }
    avcodec_parameters_free(&parameters);
}

void source_tap_frame(SourceTap *tap, SourceTapPart part, const CodecType *codec,
                      const AssembledFrame *frame, gint64 due_ns)
{
    if (!source_tap_is_taken(tap, part))
        return;
    if (frame->keyframe)
        describe(tap, part, codec, frame);
    const AVBufferRef *parameters = tap->pictures[part];
    if (!parameters || track_parameters_of(parameters)->codec_id != codec->id) {
        source_tap_want_keyframe(tap, part); /* to begin with; what asked for one may be lost */
        return;
    }
    AVPacket *packet = packet_new(parameters, frame->data, frame->size);
    if (!packet)
        return;
    if (frame->keyframe)
        packet->flags |= AV_PKT_FLAG_KEY;
    packet->pts = packet->dts =
        MAX(due_ns + tap->order.correction_ns, tap->newest_ns[part] + STEP_NS);
    tap->newest_ns[part] = packet->dts;
    give(tap, part, TRACK_PICTURES, packet);
    av_packet_free(&packet);
}

/* --- feeds ------------------------------------------------------------------------------- */

void source_tap_stream(SourceTap *tap, MediaKind kind, const AVCodecParameters *parameters)
{
    AVBufferRef **place = kind == MEDIA_AUDIO ? &tap->sound : &tap->pictures[SOURCE_TAP_PERSON];
    av_buffer_unref(place);
    *place = track_parameters_new(parameters);
}

void source_tap_packet(SourceTap *tap, MediaKind kind, const AVPacket *packet, gint64 due_ns)
{
    const AVBufferRef *parameters =
        kind == MEDIA_AUDIO ? tap->sound : tap->pictures[SOURCE_TAP_PERSON];
    AVPacket *copy =
        parameters && source_tap_is_taken(tap, SOURCE_TAP_PERSON) ? av_packet_clone(packet) : NULL;
    if (!copy)
        return;
    if (av_buffer_replace(&copy->opaque_ref, parameters) >= 0) {
        copy->pts = due_ns + (packet->pts - packet->dts) * NS_PER_US;
        copy->dts = due_ns;
        give(tap, SOURCE_TAP_PERSON, kind == MEDIA_AUDIO ? TRACK_SOUND : TRACK_PICTURES, copy);
    }
    av_packet_free(&copy);
}
