/* The bodies of audio and video tags: each after its length in two bytes, of which the highest bit
 * says that it is a picture, and its time in four. What comes out as H.264 or AAC is written again.
 */
#include <glib.h>
#include <libavcodec/avcodec.h>
#include <stdint.h>

#include "base/bytes.h"
#include "io/flv.h"
#include "io/flv_writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    FlvWriter *writers[2];
    gboolean known[2];
} Taker;

static void on_stream(MediaKind kind, const AVCodecParameters *parameters, gpointer user)
{
    Taker *taker = user;
    g_clear_pointer(&taker->writers[kind], flv_writer_free);
    taker->known[kind] = TRUE;
    taker->writers[kind] = flv_writer_new(kind == MEDIA_VIDEO ? parameters : NULL,
                                          kind == MEDIA_AUDIO ? parameters : NULL, NULL);
}

static void on_packet(MediaKind kind, const AVPacket *packet, gint64 arrival_ns, gpointer user)
{
    Taker *taker = user;
    g_autoptr(GByteArray) out = g_byte_array_new();
    g_assert_true(taker->known[kind]);
    g_assert_cmpint(packet->size, >, 0);
    g_assert_cmpint(arrival_ns, ==, 1);
    if (!taker->writers[kind])
        return;
    if (kind == MEDIA_VIDEO) {
        flv_writer_video_changes(taker->writers[kind], packet);
        flv_writer_video_header(taker->writers[kind], out);
        flv_writer_video(taker->writers[kind], packet, out);
    } else {
        flv_writer_audio_header(taker->writers[kind], out);
        flv_writer_audio(taker->writers[kind], packet, out);
    }
    flv_writer_metadata(taker->writers[kind], out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const MediaEvents events = { .stream = on_stream, .packet = on_packet };
    Taker taker = { 0 };
    g_autoptr(FlvReader) reader = flv_reader_new(&events, &taker);
    ByteReader bytes = byte_reader(data, size);
    while (byte_reader_left(&bytes) > 6) {
        guint16 head = byte_reader_u16(&bytes);
        guint32 ms = byte_reader_u32(&bytes);
        gsize n = MIN(head & 0x7fffu, byte_reader_left(&bytes));
        g_autofree guint8 *body = g_memdup2(byte_reader_bytes(&bytes, n), n);
        flv_reader_tag(reader, head & 0x8000 ? MEDIA_VIDEO : MEDIA_AUDIO, ms, body, n, 1);
    }
    flv_reader_unsupported(reader);
    flv_writer_free(taker.writers[0]);
    flv_writer_free(taker.writers[1]);
    return 0;
}
