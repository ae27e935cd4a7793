/* RTCP as it comes from a peer: every sub-packet, what NACK and transport-cc say in detail, and
 * what was read written again: it must read the same. The same bytes also play the arrivals of a
 * transport-cc receiver, whose feedback must always be valid. */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "rtp/rtcp.h"
#include "rtp/twcc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_SEQS (RTCP_MAX_PACKET / 4 * 17)

typedef struct {
    guint n;
    guint16 seqs[MAX_SEQS];
} SeqList;

static void add_seq(guint16 seq, gpointer user)
{
    SeqList *list = user;
    if (list->n < MAX_SEQS)
        list->seqs[list->n++] = seq;
}

static void count_status(guint16 seq, gint64 arrival_ns, gpointer user)
{
    (void)seq;
    (void)arrival_ns;
    (*(guint *)user)++;
}

/* What comes back must name the same packets. */
static void check_nack_again(const RtcpPacket *nack, const RtcpPacket *again)
{
    static SeqList before, after;
    static guint16 asked[65536];
    before.n = after.n = 0;
    rtcp_nack_each(nack, add_seq, &before);
    rtcp_nack_each(again, add_seq, &after);
    for (guint i = 0; i < before.n; i++)
        asked[before.seqs[i]] = 1;
    for (guint i = 0; i < after.n; i++)
        g_assert_cmpuint(asked[after.seqs[i]]++, >=, 1);
    for (guint i = 0; i < before.n; i++)
        g_assert_cmpuint(asked[before.seqs[i]], >=, 2);
    for (guint i = 0; i < before.n; i++)
        asked[before.seqs[i]] = 0;
}

static gboolean write_nack_again(RtcpWriter *writer, const RtcpPacket *nack)
{
    static SeqList list;
    list.n = 0;
    rtcp_nack_each(nack, add_seq, &list);
    return rtcp_write_nack(writer, nack->sender_ssrc, nack->media_ssrc, list.seqs, list.n);
}

static gboolean write_again(RtcpWriter *writer, const RtcpPacket *packet)
{
    switch (packet->type) {
    case RTCP_SENDER_REPORT:
        return rtcp_write_sr(writer, packet);
    case RTCP_RECEIVER_REPORT:
        return rtcp_write_rr(writer, packet->sender_ssrc, packet->reports, packet->report_count);
    case RTCP_BYE:
        return packet->bye_count == 1 && rtcp_write_bye(writer, packet->bye[0]);
    case RTCP_NACK:
        return write_nack_again(writer, packet);
    case RTCP_PLI:
        return rtcp_write_pli(writer, packet->sender_ssrc, packet->media_ssrc);
    case RTCP_FIR:
        return packet->fir_count == 1 &&
               rtcp_write_fir(writer, packet->sender_ssrc, packet->fir[0].ssrc, packet->fir[0].seq);
    case RTCP_REMB:
        return rtcp_write_remb(writer, packet->sender_ssrc, NULL, 0, packet->remb_bps);
    case RTCP_TRANSPORT_CC:
        return rtcp_write_transport_cc(writer, packet->sender_ssrc, packet->media_ssrc, packet->fci,
                                       packet->fci_size);
    case RTCP_SDES:
    case RTCP_OTHER:
        break;
    }
    return FALSE;
}

static void check_same(const RtcpPacket *packet, const RtcpPacket *again)
{
    g_assert_cmpint(again->type, ==, packet->type);
    g_assert_cmpuint(again->sender_ssrc, ==, packet->sender_ssrc);
    g_assert_cmpuint(again->ntp, ==, packet->ntp);
    g_assert_cmpuint(again->report_count, ==, packet->report_count);
    g_assert_true(memcmp(again->reports, packet->reports, sizeof(packet->reports)) == 0);
    g_assert_cmpuint(again->fir_count, ==, packet->fir_count);
    if (packet->type == RTCP_REMB)
        g_assert_cmpuint(packet->remb_bps - again->remb_bps, <=, packet->remb_bps >> 17);
    if (packet->type == RTCP_NACK)
        check_nack_again(packet, again);
    if (packet->type == RTCP_TRANSPORT_CC)
        g_assert_cmpmem(again->fci, again->fci_size, packet->fci, packet->fci_size);
}

static void check_packet(const RtcpPacket *packet)
{
    RtcpWriter writer;
    RtcpPacket again;
    guint statuses = 0;
    if (packet->type == RTCP_TRANSPORT_CC &&
        !twcc_parse(packet->fci, packet->fci_size, count_status, &statuses))
        g_assert_cmpuint(statuses, ==, 0);
    g_assert_cmpuint(statuses, <=, TWCC_MAX_STATUSES);
    rtcp_writer_init(&writer);
    if (!write_again(&writer, packet))
        return;
    g_assert_cmpuint(writer.size, <=, RTCP_MAX_PACKET);
    RtcpReader reader = rtcp_reader(writer.data, writer.size);
    g_assert_true(rtcp_reader_next(&reader, &again));
    check_same(packet, &again);
    g_assert_false(rtcp_reader_next(&reader, &again));
}

/* Each four bytes are one arrival: a step of the sequence number and a step of time. */
static void check_receiver(const guint8 *data, gsize size)
{
    g_autoptr(TwccReceiver) receiver = twcc_receiver_new();
    gint64 now_ns = 0;
    guint16 seq = 0;
    gsize room = size > 0 ? TWCC_MIN_FCI + data[0] : TWCC_MIN_FCI;
    for (gsize i = 0; i + 4 <= size; i += 4) {
        seq = (guint16)(seq + (data[i] << 8 | data[i + 1]));
        now_ns += (data[i + 2] << 8 | data[i + 3]) * NS_PER_MS / 4;
        twcc_receiver_arrived(receiver, seq, now_ns);
    }
    guint8 fci[TWCC_MIN_FCI + 255];
    guint statuses = 0;
    for (gsize used; (used = twcc_receiver_feedback(receiver, fci, room)) > 0;) {
        guint before = statuses;
        g_assert_cmpuint(used, <=, room);
        g_assert_true(twcc_parse(fci, used, count_status, &statuses));
        g_assert_cmpuint(statuses, >, before);
    }
    g_assert_cmpuint(statuses, <=, 4096);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    RtcpReader reader = rtcp_reader(data, size);
    RtcpPacket packet;
    guint statuses = 0;
    while (rtcp_reader_next(&reader, &packet))
        check_packet(&packet);
    twcc_parse(data, size, count_status, &statuses);
    check_receiver(data, size);
    return 0;
}
