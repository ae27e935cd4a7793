#include "base/bytes.h"
#include "net/srtp_link.h"
#include "net/transport.h"

#include <string.h>

#define N_PROFILES 3

static void make_pair(SrtpProfile profile, SrtpLink **a, SrtpLink **b)
{
    SrtpKeys keys = { .profile = profile };
    srtp_keys_set_sizes(&keys);
    for (gsize i = 0; i < SRTP_MAX_KEY; i++) {
        keys.local[i] = (guint8)(i * 7 + 1);
        keys.remote[i] = (guint8)(i * 5 + 3);
    }
    SrtpKeys mirrored = keys;
    memcpy(mirrored.local, keys.remote, SRTP_MAX_KEY);
    memcpy(mirrored.remote, keys.local, SRTP_MAX_KEY);
    g_autoptr(GError) error = NULL;
    *a = srtp_link_new(&keys, &error);
    g_assert_no_error(error);
    *b = srtp_link_new(&mirrored, &error);
    g_assert_no_error(error);
}

static gsize make_rtp(guint8 *packet, guint16 seq, guint32 ssrc)
{
    ByteWriter writer = byte_writer(packet, TRANSPORT_MAX_RTP);
    byte_writer_u8(&writer, 0x80);
    byte_writer_u8(&writer, 111);
    byte_writer_u16(&writer, seq);
    byte_writer_u32(&writer, 960u * seq);
    byte_writer_u32(&writer, ssrc);
    byte_writer_bytes(&writer, "sixteen payloads", 16);
    return writer.pos;
}

static gsize make_rtcp(guint8 *packet, guint32 ssrc)
{
    ByteWriter writer = byte_writer(packet, TRANSPORT_MAX_RTP);
    byte_writer_u32(&writer, 0x80c90001);
    byte_writer_u32(&writer, ssrc);
    return writer.pos;
}

static void test_round_trip(gconstpointer data)
{
    g_autoptr(SrtpLink) a = NULL;
    g_autoptr(SrtpLink) b = NULL;
    make_pair((SrtpProfile)GPOINTER_TO_INT(data), &a, &b);
    for (guint16 seq = 65500; seq != 100; seq++) { /* over the wrap */
        guint8 packet[TRANSPORT_MAX_RTP + TRANSPORT_TAG], plain[TRANSPORT_MAX_RTP];
        gsize size = make_rtp(packet, seq, 0xabcdef01),
              plain_size = make_rtp(plain, seq, 0xabcdef01);
        g_assert_true(srtp_link_protect(a, packet, &size));
        g_assert_cmpuint(size, >, plain_size);
        g_assert_cmpuint(size, <=, plain_size + TRANSPORT_TAG);
        g_assert_cmpint(memcmp(packet + 12, plain + 12, 16), !=, 0);
        g_assert_cmpint(srtp_link_unprotect(b, packet, &size), ==, SRTP_LINK_OK);
        g_assert_cmpmem(packet, size, plain, plain_size);
    }
    guint8 rtcp[64], plain[64];
    gsize size = make_rtcp(rtcp, 5), plain_size = make_rtcp(plain, 5);
    g_assert_true(srtp_link_protect_rtcp(a, rtcp, &size));
    g_assert_cmpuint(size, <=, plain_size + TRANSPORT_TAG);
    g_assert_cmpint(srtp_link_unprotect_rtcp(b, rtcp, &size), ==, SRTP_LINK_OK);
    g_assert_cmpmem(rtcp, size, plain, plain_size);
}

static void test_refused(gconstpointer data)
{
    g_autoptr(SrtpLink) a = NULL;
    g_autoptr(SrtpLink) b = NULL;
    make_pair((SrtpProfile)GPOINTER_TO_INT(data), &a, &b);
    guint8 packet[256], copy[256];
    gsize size = make_rtp(packet, 1, 9);
    g_assert_true(srtp_link_protect(a, packet, &size));
    for (gsize i = 0; i < size; i++) { /* any damaged byte, header included */
        gsize copy_size = size;
        memcpy(copy, packet, size);
        copy[i] ^= 1;
        g_assert_cmpint(srtp_link_unprotect(b, copy, &copy_size), !=, SRTP_LINK_OK);
    }
    for (gsize cut = 0; cut < size; cut++) {
        gsize copy_size = cut;
        memcpy(copy, packet, size);
        g_assert_cmpint(srtp_link_unprotect(b, copy, &copy_size), ==, SRTP_LINK_AUTH_FAILED);
        copy_size = cut;
        memcpy(copy, packet, size);
        g_assert_cmpint(srtp_link_unprotect_rtcp(b, copy, &copy_size), ==, SRTP_LINK_AUTH_FAILED);
    }
    gsize copy_size = size;
    memcpy(copy, packet, size);
    g_assert_cmpint(srtp_link_unprotect(b, copy, &copy_size), ==, SRTP_LINK_OK);
    copy_size = size;
    memcpy(copy, packet, size);
    g_assert_cmpint(srtp_link_unprotect(b, copy, &copy_size), ==, SRTP_LINK_REPLAYED);
    g_assert_cmpint(srtp_link_unprotect(a, packet, &size), ==,
                    SRTP_LINK_AUTH_FAILED); /* own echo */
}

static void test_replay_window(void)
{
    g_autoptr(SrtpLink) a = NULL;
    g_autoptr(SrtpLink) b = NULL;
    make_pair(SRTP_PROFILE_GCM_128, &a, &b);
    guint8 late[256], too_late[256], packet[256];
    gsize too_late_size = make_rtp(too_late, 1000, 9), late_size = make_rtp(late, 1100, 9);
    g_assert_true(srtp_link_protect(a, too_late, &too_late_size));
    g_assert_true(srtp_link_protect(a, late, &late_size));
    gsize size = make_rtp(packet, 1000 + SRTP_LINK_REPLAY_WINDOW, 9);
    g_assert_true(srtp_link_protect(a, packet, &size));
    g_assert_cmpint(srtp_link_unprotect(b, packet, &size), ==, SRTP_LINK_OK);
    g_assert_cmpint(srtp_link_unprotect(b, late, &late_size), ==, SRTP_LINK_OK);
    g_assert_cmpint(srtp_link_unprotect(b, too_late, &too_late_size), ==, SRTP_LINK_REPLAYED);
}

/* A plain retransmission protects the same packet again, and yields the same bytes. */
static void test_resend(void)
{
    g_autoptr(SrtpLink) a = NULL;
    g_autoptr(SrtpLink) b = NULL;
    make_pair(SRTP_PROFILE_CM_80, &a, &b);
    guint8 first[256], again[256];
    gsize first_size = make_rtp(first, 1, 9), again_size = make_rtp(again, 1, 9);
    g_assert_true(srtp_link_protect(a, first, &first_size));
    g_assert_true(srtp_link_protect(a, again, &again_size));
    g_assert_cmpmem(first, first_size, again, again_size);
    g_assert_cmpint(srtp_link_unprotect(b, again, &again_size), ==, SRTP_LINK_OK);
}

static void test_too_many_sources(void)
{
    g_autoptr(SrtpLink) a = NULL;
    g_autoptr(SrtpLink) b = NULL;
    make_pair(SRTP_PROFILE_GCM_128, &a, &b);
    for (guint32 ssrc = 1; ssrc <= 2 * SRTP_LINK_MAX_SSRC; ssrc++) {
        guint8 packet[256];
        gsize size = make_rtp(packet, 1, ssrc);
        g_assert_true(srtp_link_protect(a, packet, &size));
        guint8 forged[256];
        gsize forged_size = size;
        memcpy(forged, packet, size);
        forged[size - 1] ^= 1;
        if (ssrc <= SRTP_LINK_MAX_SSRC) /* a forged one takes no place */
            g_assert_cmpint(srtp_link_unprotect(b, forged, &forged_size), ==,
                            SRTP_LINK_AUTH_FAILED);
        g_assert_cmpint(srtp_link_unprotect(b, packet, &size), ==,
                        ssrc <= SRTP_LINK_MAX_SSRC ? SRTP_LINK_OK : SRTP_LINK_TOO_MANY);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (int profile = 0; profile < N_PROFILES; profile++) {
        const char *name = srtp_profile_name((SrtpProfile)profile);
        g_autofree char *round_trip = g_strdup_printf("/srtp-link/round-trip/%s", name);
        g_autofree char *refused = g_strdup_printf("/srtp-link/refused/%s", name);
        g_test_add_data_func(round_trip, GINT_TO_POINTER(profile), test_round_trip);
        g_test_add_data_func(refused, GINT_TO_POINTER(profile), test_refused);
    }
    g_test_add_func("/srtp-link/replay-window", test_replay_window);
    g_test_add_func("/srtp-link/resend", test_resend);
    g_test_add_func("/srtp-link/too-many-sources", test_too_many_sources);
    return g_test_run();
}
