#include "support/clip_player.h"

#include <string.h>

#include "base/clock.h"
#include "net/transport.h"
#include "rtp/rtcp.h"

#define REPORT_NS   NS_PER_SEC
#define SILENT_DBOV 70

void clip_player_start(ClipPlayer *player, gint64 offset_ns, gint64 now_ns)
{
    if (!player->file)
        return;
    const GArray *payloads = player->file->payloads;
    offset_ns %= player->file->duration_ns;
    player->epoch_ns = player->next_report_ns = now_ns;
    player->base_ns = now_ns - offset_ns;
    player->next = 0;
    while (player->next < payloads->len &&
           g_array_index(payloads, MediaPayload, player->next).time_ns < offset_ns)
        player->next++;
}

static guint32 timestamp_at(const ClipPlayer *player, gint64 at_ns)
{
    gint64 since_us = (at_ns - player->epoch_ns) / 1000;
    return player->ssrc * 7919 +
           (guint32)(since_us * (player->file->codec->clock_hz / 1000) / 1000);
}

static void send_payload(ClipPlayer *player, const MediaPayload *payload)
{
    guint8 data[RTP_MAX_PACKET + TRANSPORT_TAG];
    gsize size = 0;
    gconstpointer bytes = g_bytes_get_data(payload->payload, &size);
    RtpPacket header = { .payload_type = player->payload_type,
                         .marker = payload->marker,
                         .seq = player->seq++,
                         .timestamp = timestamp_at(player, player->base_ns + payload->time_ns),
                         .ssrc = player->ssrc };
    RtpExtValues values = { .has_transport_seq = TRUE,
                            .transport_seq = (*player->transport_seq)++,
                            .has_audio_level = player->file->codec->kind == AVMEDIA_TYPE_AUDIO,
                            .audio_level_dbov = player->level_dbov,
                            .voice_activity = player->level_dbov < SILENT_DBOV };
    gsize head = rtp_write_header(data, RTP_MAX_PACKET, &header, player->extensions, &values);
    memcpy(data + head, bytes, size);
    player->packets++;
    player->octets += (guint32)size;
    player->send(data, head + size, player->user);
}

static void send_report(ClipPlayer *player, gint64 now_ns)
{
    RtcpWriter writer;
    RtcpPacket report = { .sender_ssrc = player->ssrc,
                          .ntp = clock_ntp(now_ns),
                          .rtp_timestamp = timestamp_at(player, now_ns),
                          .packet_count = player->packets,
                          .octet_count = player->octets };
    if (now_ns < player->next_report_ns)
        return;
    player->next_report_ns = now_ns + REPORT_NS;
    rtcp_writer_init(&writer);
    rtcp_write_sr(&writer, &report);
    rtcp_write_sdes(&writer, player->ssrc, "clip");
    player->send(writer.data, writer.size, player->user);
}

guint clip_player_run(ClipPlayer *player, gint64 now_ns)
{
    guint32 before = player->packets;
    if (!player->file)
        return 0;
    const GArray *payloads = player->file->payloads;
    for (;;) {
        if (player->next == payloads->len) {
            player->next = 0;
            player->base_ns += player->file->duration_ns;
        }
        const MediaPayload *payload = &g_array_index(payloads, MediaPayload, player->next);
        if (player->base_ns + payload->time_ns > now_ns)
            break;
        send_payload(player, payload);
        player->next++;
    }
    send_report(player, now_ns);
    return player->packets - before;
}
