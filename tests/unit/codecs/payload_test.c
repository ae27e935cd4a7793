#include <glib.h>

#include "codecs/payload.h"
#include "unit/codecs/video_support.h"

static const gsize payload_limits[] = { 100, 333, 1100, 1188, 1400 };

static GPtrArray *join(const GArray *fragments, gsize max_payload)
{
    GPtrArray *payloads = g_ptr_array_new_with_free_func((GDestroyNotify)g_byte_array_unref);
    gboolean open = FALSE;
    for (guint i = 0; i < fragments->len; i++) {
        const PayloadFragment *fragment = &g_array_index(fragments, PayloadFragment, i);
        if (!open)
            g_ptr_array_add(payloads, g_byte_array_new());
        GByteArray *payload = g_ptr_array_index(payloads, payloads->len - 1);
        g_byte_array_append(payload, fragment->header, fragment->header_size);
        g_byte_array_append(payload, fragment->data, (guint)fragment->size);
        g_assert_cmpuint(payload->len, <=, max_payload);
        open = fragment->continues;
    }
    g_assert_false(open);
    return payloads;
}

static GPtrArray *packetize(const PayloadFormat *format, const AVPacket *frame,
                            const PayloadTags *tags, gsize max_payload)
{
    g_autoptr(GArray) fragments = g_array_new(FALSE, FALSE, sizeof(PayloadFragment));
    g_assert_true(format->packetize(frame, tags, max_payload, fragments));
    return join(fragments, max_payload);
}

static GByteArray *assemble(const PayloadFormat *format, GPtrArray *payloads)
{
    GByteArray *frame = g_byte_array_new();
    for (guint i = 0; i < payloads->len; i++) {
        const GByteArray *payload = g_ptr_array_index(payloads, i);
        PayloadInfo info;
        /* A copy of exactly this size: a sanitizer sees what reads past it. */
        g_autofree guint8 *copy = g_memdup2(payload->data, payload->len);
        g_assert_true(format->parse(copy, payload->len, &info));
        if (i == 0)
            g_assert_true(info.start);
        g_assert_true(format->append(frame, copy, payload->len, &info));
    }
    if (format->finish)
        g_assert_true(format->finish(frame));
    return frame;
}

static void round_trip(const PayloadFormat *format, const guint8 *data, gsize size, int flags,
                       gsize max_payload)
{
    static const PayloadTags tags = { .picture_id = 12345,
                                      .tl0_pic_idx = 200,
                                      .temporal_id = 1,
                                      .layer_sync = TRUE,
                                      .temporal_layers = 2 };
    AVPacket *packet = packet_from(data, size);
    packet->flags = flags;
    g_autoptr(GPtrArray) payloads = packetize(format, packet, &tags, max_payload);
    g_autoptr(GByteArray) frame = assemble(format, payloads);
    g_assert_cmpmem(frame->data, frame->len, data, size);
    av_packet_free(&packet);
}

/* Bytes in which no start code and no zero at the end occurs. */
static void fill(guint8 *data, gsize size, GRand *random)
{
    for (gsize i = 0; i < size; i++)
        data[i] = (guint8)g_rand_int_range(random, 1, 256);
}

/* The kernel takes packets of one size together, and one shorter one behind them. */
static void check_run(const PayloadFormat *format, const GByteArray *data, gsize max_payload)
{
    static const PayloadTags tags = { .picture_id = 12345, .tl0_pic_idx = 200 };
    AVPacket *packet = packet_from(data->data, data->len);
    g_autoptr(GPtrArray) payloads = packetize(format, packet, &tags, max_payload);
    const GByteArray *first = payloads->pdata[0];
    for (guint i = 1; i + 1 < payloads->len; i++)
        g_assert_cmpuint(((GByteArray *)payloads->pdata[i])->len, ==, first->len);
    g_assert_cmpuint(((GByteArray *)payloads->pdata[payloads->len - 1])->len, <=, first->len);
    g_assert_cmpuint(payloads->len, <=, data->len / (max_payload - 6) + 1);
    av_packet_free(&packet);
}

static void test_equal_sizes(void)
{
    static const guint8 head[] = { 0, 0, 0, 1, 0x41 };
    g_autoptr(GRand) random = g_rand_new_with_seed(5);
    guint8 body[6000];
    fill(body, sizeof body, random);
    for (gsize i = 0; i < G_N_ELEMENTS(payload_limits); i++)
        for (guint size = 1; size <= sizeof body; size += 13) {
            g_autoptr(GByteArray) frame = g_byte_array_new();
            g_byte_array_append(frame, head, sizeof head);
            g_byte_array_append(frame, body, size);
            check_run(&payload_vp8, frame, payload_limits[i]);
            check_run(&payload_vp9, frame, payload_limits[i]);
            check_run(&payload_h264, frame, payload_limits[i]);
        }
}

static void test_vpx_round_trip(void)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(1);
    guint8 data[6000];
    fill(data, sizeof data, random);
    for (gsize i = 0; i < G_N_ELEMENTS(payload_limits); i++)
        for (gsize size = 1; size <= sizeof data; size += i == 0 ? 1 : 7) {
            round_trip(&payload_vp8, data, size, 0, payload_limits[i]);
            round_trip(&payload_vp9, data, size, AV_PKT_FLAG_KEY, payload_limits[i]);
            round_trip(&payload_vp9, data, size, 0, payload_limits[i]);
        }
}

static void test_h264_round_trip(void)
{
    static const guint8 types[] = { 0x67, 0x68, 0x06, 0x65, 0x41 };
    g_autoptr(GRand) random = g_rand_new_with_seed(2);
    for (gsize size = 1; size <= 6000; size++) {
        g_autoptr(GByteArray) frame = g_byte_array_new();
        gint nals = g_rand_int_range(random, 1, 6);
        for (gint i = 0; i < nals; i++) {
            guint8 head[] = { 0, 0, 0, 1, types[i] };
            guint8 body[6000];
            gsize body_size = i == nals - 1 ? size : (gsize)g_rand_int_range(random, 1, 60);
            fill(body, body_size, random);
            body[0] |= i > 2 ? 0x80 : 0; /* each slice as the first of its picture */
            g_byte_array_append(frame, head, sizeof head);
            g_byte_array_append(frame, body, (guint)body_size);
        }
        round_trip(&payload_h264, frame->data, frame->len, 0,
                   payload_limits[size % G_N_ELEMENTS(payload_limits)]);
    }
}

static void append_obu(GByteArray *unit, guint8 type, gsize size, gboolean extension, GRand *random)
{
    guint8 body[6000], header[] = { (guint8)(type << 3 | (extension ? 4 : 0) | 2), 0x20 };
    fill(body, size, random);
    g_byte_array_append(unit, header, extension ? 2 : 1);
    for (gsize left = size, more = 1; more; left >>= 7) {
        more = left > 0x7f;
        guint8 byte = (guint8)((left & 0x7f) | (more ? 0x80 : 0));
        g_byte_array_append(unit, &byte, 1);
    }
    g_byte_array_append(unit, body, (guint)size);
}

static void test_av1_round_trip(void)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(3);
    for (gsize size = 1; size <= 6000; size++) {
        g_autoptr(GByteArray) unit = g_byte_array_new();
        gboolean extension = size % 3 == 0;
        gint before = g_rand_int_range(random, 0, 7);
        append_obu(unit, 1, 11, FALSE, random);
        for (gint i = 0; i < before; i++)
            append_obu(unit, 5, (gsize)g_rand_int_range(random, 0, 150), FALSE, random);
        append_obu(unit, 6, size, extension, random);
        round_trip(&payload_av1, unit->data, unit->len, AV_PKT_FLAG_KEY,
                   payload_limits[size % G_N_ELEMENTS(payload_limits)]);
    }
}

static void test_av1_strips_delimiter(void)
{
    static const guint8 unit[] = { 0x12, 0x00, 0x0a, 0x01, 0x55, 0x32, 0x02, 0xaa, 0xbb };
    static const PayloadTags tags = { .picture_id = -1, .tl0_pic_idx = -1 };
    AVPacket *packet = packet_from(unit, sizeof unit);
    g_autoptr(GPtrArray) payloads = packetize(&payload_av1, packet, &tags, 1000);
    static const guint8 expected[] = { 0x28, 0x02, 0x08, 0x55, 0x30, 0xaa, 0xbb };
    g_assert_cmpuint(payloads->len, ==, 1);
    const GByteArray *payload = g_ptr_array_index(payloads, 0);
    g_assert_cmpmem(payload->data, payload->len, expected, sizeof expected);
    g_autoptr(GByteArray) frame = assemble(&payload_av1, payloads);
    g_assert_cmpmem(frame->data, frame->len, unit + 2, sizeof unit - 2);
    PayloadInfo info;
    g_assert_true(payload_av1.parse(payload->data, payload->len, &info));
    g_assert_true(info.keyframe && info.start);
    av_packet_free(&packet);
}

/* With W = 0 every element has a length; one that was cut goes on in the next payload. */
static void test_av1_lengths_everywhere(void)
{
    static const guint8 first[] = { 0x40, 0x02, 0x08, 0x55, 0x02, 0x30, 0xaa };
    static const guint8 second[] = { 0x80, 0x01, 0xbb };
    static const guint8 expected[] = { 0x0a, 0x01, 0x55, 0x32, 0x02, 0xaa, 0xbb };
    g_autoptr(GByteArray) frame = g_byte_array_new();
    PayloadInfo info;
    g_assert_true(payload_av1.parse(first, sizeof first, &info));
    g_assert_true(payload_av1.append(frame, first, sizeof first, &info));
    g_assert_true(payload_av1.parse(second, sizeof second, &info));
    g_assert_false(info.start);
    g_assert_true(payload_av1.append(frame, second, sizeof second, &info));
    g_assert_true(payload_av1.finish(frame));
    g_assert_cmpmem(frame->data, frame->len, expected, sizeof expected);

    g_byte_array_set_size(frame, 0);
    g_assert_true(payload_av1.append(frame, first, sizeof first, &info));
    g_assert_false(payload_av1.finish(frame)); /* its second half never came */
    g_byte_array_set_size(frame, 0);
    g_assert_false(payload_av1.append(frame, second, sizeof second, &info)); /* nor its first */
}

static void test_vp8_descriptor(void)
{
    static const PayloadTags tags = { .picture_id = 0x1234,
                                      .tl0_pic_idx = 0x56,
                                      .temporal_id = 2,
                                      .layer_sync = TRUE,
                                      .non_reference = TRUE };
    static const guint8 data[] = { 0x01, 0x02, 0x03 }; /* not a key frame */
    static const guint8 expected[] = { 0xb0, 0xe0, 0x92, 0x34, 0x56, 0xa0, 0x01, 0x02, 0x03 };
    AVPacket *packet = packet_from(data, sizeof data);
    g_autoptr(GPtrArray) payloads = packetize(&payload_vp8, packet, &tags, 100);
    const GByteArray *payload = g_ptr_array_index(payloads, 0);
    g_assert_cmpmem(payload->data, payload->len, expected, sizeof expected);
    PayloadInfo info;
    g_assert_true(payload_vp8.parse(payload->data, payload->len, &info));
    g_assert_true(info.start && !info.keyframe && info.layer_sync && info.non_reference);
    g_assert_cmpint(info.picture_id, ==, 0x1234);
    g_assert_cmpint(info.picture_id_bits, ==, 15);
    g_assert_cmpint(info.tl0_pic_idx, ==, 0x56);
    g_assert_cmpint(info.temporal_id, ==, 2);
    g_assert_cmpuint(info.header_size, ==, 6);
    for (gsize cut = 0; cut < sizeof expected - 2; cut++) {
        g_autofree guint8 *copy = g_memdup2(expected, cut);
        g_assert_cmpint(payload_vp8.parse(copy, cut, &info), ==, cut > 6);
    }
    av_packet_free(&packet);
}

static void test_vp8_short_picture_id(void)
{
    static const guint8 payload[] = { 0x90, 0x80, 0x25, 0x10, 0x00 };
    PayloadInfo info;
    g_assert_true(payload_vp8.parse(payload, sizeof payload, &info));
    g_assert_true(info.start && info.keyframe);
    g_assert_cmpint(info.picture_id, ==, 0x25);
    g_assert_cmpint(info.picture_id_bits, ==, 7);
    g_assert_cmpint(info.tl0_pic_idx, ==, -1);
}

static void test_vp9_descriptors(void)
{
    /* I, F, P, B, E; two references */
    static const guint8 flexible[] = { 0xdc, 0x81, 0x02, 0x03, 0x04, 0xff };
    /* I, L, B, V; TID 1, U; a structure with two layers' sizes and a group of two pictures */
    static const guint8 structure[] = { 0xaa, 0x05, 0x30, 0x77, 0x38, 0,    1, 0,    1,
                                        0,    2,    0,    2,    2,    0x04, 1, 0x10, 0xff };
    PayloadInfo info;
    g_assert_true(payload_vp9.parse(flexible, sizeof flexible, &info));
    g_assert_true(info.start && info.end && !info.keyframe);
    g_assert_cmpint(info.picture_id, ==, 0x102);
    g_assert_cmpuint(info.header_size, ==, 5);
    g_assert_true(payload_vp9.parse(structure, sizeof structure, &info));
    g_assert_true(info.start && info.keyframe && info.layer_sync && !info.end);
    g_assert_cmpint(info.temporal_id, ==, 1);
    g_assert_cmpint(info.tl0_pic_idx, ==, 0x77);
    g_assert_cmpuint(info.header_size, ==, sizeof structure - 1);
    static const guint8 too_many[] = { 0x50, 0x03, 0x03, 0x03, 0x02, 0xff };
    g_assert_false(payload_vp9.parse(too_many, sizeof too_many, &info));
}

static void test_vp9_temporal_structure(void)
{
    static const guint8 data[100] = { 0x82 };
    for (gint layers = 2; layers <= 3; layers++) {
        PayloadTags tags = { .picture_id = 7, .tl0_pic_idx = 9, .temporal_layers = layers };
        AVPacket *packet = packet_from(data, sizeof data);
        packet->flags = AV_PKT_FLAG_KEY;
        g_autoptr(GPtrArray) payloads = packetize(&payload_vp9, packet, &tags, 1000);
        const GByteArray *payload = g_ptr_array_index(payloads, 0);
        PayloadInfo info;
        g_assert_true(payload_vp9.parse(payload->data, payload->len, &info));
        g_assert_cmpuint(info.header_size, ==, layers == 2 ? 11 : 16);
        g_assert_cmpuint(payload->len - info.header_size, ==, sizeof data);
        g_assert_cmpint(info.tl0_pic_idx, ==, 9);
        av_packet_free(&packet);
    }
}

static void test_h264_flags(void)
{
    static const guint8 stap[] = { 0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xce };
    static const guint8 fu_middle[] = { 0x7c, 0x05, 0x11 };
    static const guint8 second_slice[] = { 0x61, 0x40, 0x11 };
    static const guint8 unreferred[] = { 0x01, 0x9a, 0x11 };
    PayloadInfo info;
    g_assert_true(payload_h264.parse(stap, sizeof stap, &info));
    g_assert_true(info.start && info.keyframe);
    g_assert_true(payload_h264.parse(fu_middle, sizeof fu_middle, &info));
    g_assert_false(info.start);
    g_assert_true(payload_h264.parse(second_slice, sizeof second_slice, &info));
    g_assert_false(info.start || info.non_reference);
    g_assert_true(payload_h264.parse(unreferred, sizeof unreferred, &info));
    g_assert_true(info.start && info.non_reference && !info.keyframe);
}

static void test_h264_open_fragment(void)
{
    static const guint8 start[] = { 0x7c, 0x85, 0x88 }, middle[] = { 0x7c, 0x05, 0x11 };
    static const guint8 single[] = { 0x65, 0x88, 0x11 };
    static const guint8 types[] = { 0x79, 0x7a, 0x7b, 0x7d, 0x7e, 0x7f, 0x60 };
    g_autoptr(GByteArray) frame = g_byte_array_new();
    PayloadInfo info;
    payload_h264.parse(start, sizeof start, &info);
    g_assert_true(payload_h264.append(frame, start, sizeof start, &info));
    g_assert_false(payload_h264.append(frame, single, sizeof single, &info));
    g_byte_array_set_size(frame, 0);
    g_assert_true(payload_h264.append(frame, start, sizeof start, &info));
    g_assert_false(payload_h264.finish(frame));
    g_byte_array_set_size(frame, 0);
    g_assert_false(payload_h264.append(frame, middle, sizeof middle, &info));
    for (gsize i = 0; i < sizeof types; i++) {
        const guint8 other[] = { types[i], 0x80, 0x01, 0x02 };
        g_assert_false(payload_h264.parse(other, sizeof other, &info));
    }
}

static void test_largest_frame(void)
{
    static const PayloadFormat *const formats[] = { &payload_vp8, &payload_h264, &payload_av1 };
    static const guint8 begin[][2] = { { 0x10, 0x00 }, { 0x7c, 0x85 }, { 0x50, 0x30 } };
    static const guint8 more[][2] = { { 0x00, 0x00 }, { 0x7c, 0x05 }, { 0xd0, 0x30 } };
    for (gsize f = 0; f < G_N_ELEMENTS(formats); f++) {
        g_autoptr(GByteArray) frame = g_byte_array_new();
        g_autofree guint8 *payload = g_malloc0(60000);
        PayloadInfo info;
        gboolean good = TRUE;
        for (gint i = 0; i < 100 && good; i++) {
            memcpy(payload, i == 0 ? begin[f] : more[f], 2);
            g_assert_true(formats[f]->parse(payload, 60000, &info));
            good = formats[f]->append(frame, payload, 60000, &info);
        }
        g_assert_false(good);
        g_assert_cmpuint(frame->len, <=, PAYLOAD_MAX_FRAME + 8);
    }
}

static void test_opus_is_one_packet(void)
{
    static const guint8 data[200] = { 0xfc, 1 };
    static const PayloadTags tags = { 0 };
    round_trip(&payload_opus, data, sizeof data, 0, 1000);
    AVPacket *packet = packet_from(data, sizeof data);
    g_autoptr(GArray) fragments = g_array_new(FALSE, FALSE, sizeof(PayloadFragment));
    g_assert_false(payload_opus.packetize(packet, &tags, 100, fragments));
    av_packet_free(&packet);
}

/* What our own files hold comes through the payload formats and decodes. */
static void test_real_streams(void)
{
    static const struct {
        const char *file;
        const PayloadFormat *format;
        const CodecType *codec;
    } streams[] = { { "vp8.ivf", &payload_vp8, &codec_vp8 },
                    { "vp9.ivf", &payload_vp9, &codec_vp9 },
                    { "h264_high.h264", &payload_h264, &codec_h264 },
                    { "av1.ivf", &payload_av1, &codec_av1 } };
    static const PayloadTags tags = { .picture_id = 1, .tl0_pic_idx = -1 };
    for (gsize s = 0; s < G_N_ELEMENTS(streams); s++) {
        VideoDecoderConfig config = { 640, 480, 640 * 480 };
        g_autoptr(VideoDecoder) decoder = video_decoder_new(streams[s].codec, &config, NULL);
        g_autoptr(GPtrArray) packets = read_video(streams[s].file);
        AVFrame *picture = av_frame_alloc();
        guint pictures = 0;
        for (guint i = 0; i < packets->len; i++) {
            g_autoptr(GPtrArray) payloads =
                packetize(streams[s].format, g_ptr_array_index(packets, i), &tags, 300);
            g_autoptr(GByteArray) frame = assemble(streams[s].format, payloads);
            AVPacket *whole = packet_from(frame->data, frame->len);
            DecodeResult result = video_decoder_decode(decoder, whole, picture);
            g_assert_cmpint(result, !=, DECODE_ERROR);
            pictures += result == DECODE_FRAME;
            av_packet_free(&whole);
        }
        g_assert_cmpuint(pictures, >=, 4);
        g_assert_cmpint(picture->width, ==, 176);
        g_assert_cmpint(picture->height, ==, 144);
        av_frame_free(&picture);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/payload/vpx/round-trip", test_vpx_round_trip);
    g_test_add_func("/payload/vpx/equal-sizes", test_equal_sizes);
    g_test_add_func("/payload/h264/round-trip", test_h264_round_trip);
    g_test_add_func("/payload/av1/round-trip", test_av1_round_trip);
    g_test_add_func("/payload/av1/strips-delimiter", test_av1_strips_delimiter);
    g_test_add_func("/payload/av1/lengths-everywhere", test_av1_lengths_everywhere);
    g_test_add_func("/payload/vp8/descriptor", test_vp8_descriptor);
    g_test_add_func("/payload/vp8/short-picture-id", test_vp8_short_picture_id);
    g_test_add_func("/payload/vp9/descriptors", test_vp9_descriptors);
    g_test_add_func("/payload/vp9/temporal-structure", test_vp9_temporal_structure);
    g_test_add_func("/payload/h264/flags", test_h264_flags);
    g_test_add_func("/payload/h264/open-fragment", test_h264_open_fragment);
    g_test_add_func("/payload/largest-frame", test_largest_frame);
    g_test_add_func("/payload/opus/one-packet", test_opus_is_one_packet);
    g_test_add_func("/payload/real-streams", test_real_streams);
    return g_test_run();
}
