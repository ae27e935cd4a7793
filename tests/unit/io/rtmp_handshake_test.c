#include "io/rtmp_handshake.h"

#include <string.h>

#define SIZE RTMP_HANDSHAKE_SIZE

static void fill_c1(guint8 *c0c1)
{
    c0c1[0] = 3;
    for (guint i = 0; i < SIZE; i++)
        c0c1[1 + i] = (guint8)(i * 7 + 1);
    c0c1[5] = 9; /* FFmpeg's version: 9.0.124.2 */
}

static void check_answer(const GByteArray *out, const guint8 *c0c1)
{
    static const guint8 zero[4];
    g_assert_cmpuint(out->len, ==, 1 + 2 * SIZE);
    g_assert_cmpuint(out->data[0], ==, 3);
    g_assert_cmpmem(out->data + 1 + 4, 4, zero, 4); /* version 0: FFmpeg wants no digest then */
    g_assert_cmpmem(out->data + 1 + SIZE, SIZE, c0c1 + 1, SIZE);
}

/* In pieces of every size: the answer comes with the last byte of C1, and what follows C2 is left.
 */
static void test_pieces(void)
{
    guint8 input[1 + 2 * SIZE + 5] = { 0 };
    fill_c1(input);
    for (gsize piece = 1; piece <= sizeof input; piece += piece < 8 ? 1 : 97) {
        g_autoptr(RtmpHandshake) handshake = rtmp_handshake_new(1);
        g_autoptr(GByteArray) out = g_byte_array_new();
        RtmpHandshakeState state = RTMP_HANDSHAKE_MORE;
        gsize pos = 0;
        while (state == RTMP_HANDSHAKE_MORE) {
            gsize used, n = MIN(piece, sizeof input - pos);
            g_assert_cmpuint(out->len > 0, ==, pos >= 1 + SIZE);
            state = rtmp_handshake_feed(handshake, input + pos, n, &used, out);
            g_assert_cmpuint(used, <=, n);
            pos += used;
        }
        g_assert_cmpint(state, ==, RTMP_HANDSHAKE_DONE);
        g_assert_cmpuint(pos, ==, 1 + 2 * SIZE);
        check_answer(out, input);
    }
}

static void test_refused(void)
{
    const guint8 firsts[] = { 6, 0, 'G', 0x16, 0xff }; /* RTMPE, HTTP, TLS */
    for (guint i = 0; i < G_N_ELEMENTS(firsts); i++) {
        g_autoptr(RtmpHandshake) handshake = rtmp_handshake_new(1);
        g_autoptr(GByteArray) out = g_byte_array_new();
        gsize used;
        g_assert_cmpint(rtmp_handshake_feed(handshake, &firsts[i], 1, &used, out), ==,
                        RTMP_HANDSHAKE_FAILED);
        g_assert_cmpuint(out->len, ==, 0);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rtmp_handshake/pieces", test_pieces);
    g_test_add_func("/rtmp_handshake/refused", test_refused);
    return g_test_run();
}
