#include <string.h>

#include "sdp/sdp.h"

static const char *const direction_names[] = { "sendrecv", "sendonly", "recvonly", "inactive" };
static const char *const setup_names[] = { "", "actpass", "active", "passive" };

static void write_session(GString *out, const SdpSession *session)
{
    g_string_append_printf(out, "v=0\r\no=- %s %" G_GUINT64_FORMAT " IN IP4 127.0.0.1\r\n",
                           session->origin_id ? session->origin_id : "0", session->origin_version);
    g_string_append(out, "s=-\r\nt=0 0\r\n");
    if (session->bundle->len) {
        g_string_append(out, "a=group:BUNDLE");
        for (guint i = 0; i < session->bundle->len; i++)
            g_string_append_printf(out, " %s", (char *)session->bundle->pdata[i]);
        g_string_append(out, "\r\n");
    }
    if (session->ice_lite)
        g_string_append(out, "a=ice-lite\r\n");
    if (session->extmap_allow_mixed)
        g_string_append(out, "a=extmap-allow-mixed\r\n");
    g_string_append(out, "a=msid-semantic: WMS *\r\n");
}

static void write_m_line(GString *out, const SdpMedia *media)
{
    g_string_append_printf(out, "m=%s %u %s", media->kind_text, media->port, media->protocol);
    if (media->formats_text)
        g_string_append_printf(out, " %s", media->formats_text);
    for (guint i = 0; !media->formats_text && i < media->formats->len; i++) {
        const SdpFormat *format = media->formats->pdata[i];
        g_string_append_printf(out, " %u", format->payload_type);
    }
    g_string_append(out, "\r\nc=IN IP4 0.0.0.0\r\n");
    if (media->bandwidth_bps > 0) {
        /* Chromium reads AS (kbit/s, RFC 8866), Firefox TIAS (bit/s, RFC 3890). */
        g_string_append_printf(out, "b=AS:%d\r\nb=TIAS:%d\r\n",
                               media->bandwidth_bps / 1000 + (media->bandwidth_bps % 1000 != 0),
                               media->bandwidth_bps);
    }
}

static void write_text(GString *out, const char *name, const char *value)
{
    if (value)
        g_string_append_printf(out, "a=%s:%s\r\n", name, value);
}

static void write_flag(GString *out, const char *name, gboolean value)
{
    if (value)
        g_string_append_printf(out, "a=%s\r\n", name);
}

static void write_transport(GString *out, const SdpMedia *media)
{
    write_text(out, "ice-ufrag", media->ice_ufrag);
    write_text(out, "ice-pwd", media->ice_pwd);
    write_flag(out, "ice-options:trickle", media->ice_trickle);
    write_text(out, "fingerprint", media->fingerprint);
    if (media->setup != SDP_SETUP_NONE)
        write_text(out, "setup", setup_names[media->setup]);
    for (guint i = 0; i < media->candidates->len; i++)
        g_string_append_printf(out, "a=%s\r\n", (char *)media->candidates->pdata[i]);
    write_flag(out, "end-of-candidates", media->end_of_candidates);
}

static void write_extmaps(GString *out, const SdpMedia *media)
{
    write_flag(out, "extmap-allow-mixed", media->extmap_allow_mixed);
    for (guint i = 0; i < media->extmaps->len; i++) {
        const SdpExtmap *extmap = &g_array_index(media->extmaps, SdpExtmap, i);
        g_string_append_printf(out, "a=extmap:%u", extmap->id);
        if (extmap->direction != SDP_SENDRECV)
            g_string_append_printf(out, "/%s", direction_names[extmap->direction]);
        g_string_append_printf(out, " %s\r\n", extmap->uri);
    }
}

static void write_format(GString *out, const SdpFormat *format)
{
    guint type = format->payload_type;
    if (format->encoding && *format->encoding) {
        g_string_append_printf(out, "a=rtpmap:%u %s/%d", type, format->encoding, format->clock_hz);
        if (format->channels > 1)
            g_string_append_printf(out, "/%d", format->channels);
        g_string_append(out, "\r\n");
    }
    for (guint i = 0; i < format->feedback->len; i++) {
        g_string_append_printf(out, "a=rtcp-fb:%u %s\r\n", type,
                               (char *)format->feedback->pdata[i]);
    }
    if (format->fmtp)
        g_string_append_printf(out, "a=fmtp:%u %s\r\n", type, format->fmtp);
}

static void write_simulcast(GString *out, const SdpMedia *media)
{
    for (guint i = 0; i < media->rids->len; i++) {
        const SdpRid *rid = &g_array_index(media->rids, SdpRid, i);
        g_string_append_printf(out, "a=rid:%s %s%s%s\r\n", rid->id, rid->send ? "send" : "recv",
                               rid->params ? " " : "", rid->params ? rid->params : "");
    }
    if (!media->simulcast_send && !media->simulcast_recv)
        return;
    g_string_append(out, "a=simulcast:");
    if (media->simulcast_send)
        g_string_append_printf(out, "send %s", media->simulcast_send);
    if (media->simulcast_recv) {
        g_string_append_printf(out, "%srecv %s", media->simulcast_send ? " " : "",
                               media->simulcast_recv);
    }
    g_string_append(out, "\r\n");
}

static void write_sources(GString *out, const SdpMedia *media)
{
    for (guint i = 0; i < media->source_groups->len; i++) {
        const SdpSourceGroup *group = &g_array_index(media->source_groups, SdpSourceGroup, i);
        g_string_append_printf(out, "a=ssrc-group:%s", group->semantics);
        for (guint j = 0; j < group->ssrcs->len; j++)
            g_string_append_printf(out, " %u", g_array_index(group->ssrcs, guint32, j));
        g_string_append(out, "\r\n");
    }
    for (guint i = 0; i < media->sources->len; i++) {
        const SdpSource *source = &g_array_index(media->sources, SdpSource, i);
        if (source->cname)
            g_string_append_printf(out, "a=ssrc:%u cname:%s\r\n", source->ssrc, source->cname);
        if (source->msid)
            g_string_append_printf(out, "a=ssrc:%u msid:%s\r\n", source->ssrc, source->msid);
    }
}

static void write_media(GString *out, const SdpMedia *media)
{
    write_m_line(out, media);
    write_text(out, "mid", media->mid);
    write_flag(out, "bundle-only", media->bundle_only);
    write_transport(out, media);
    write_extmaps(out, media);
    write_flag(out, direction_names[media->direction], TRUE);
    if (media->msid_stream) {
        g_string_append_printf(out, "a=msid:%s%s%s\r\n", media->msid_stream,
                               media->msid_track ? " " : "",
                               media->msid_track ? media->msid_track : "");
    }
    write_flag(out, "rtcp-mux", media->rtcp_mux);
    write_flag(out, "rtcp-rsize", media->rtcp_rsize);
    for (guint i = 0; i < media->formats->len; i++)
        write_format(out, media->formats->pdata[i]);
    write_simulcast(out, media);
    write_sources(out, media);
}

char *sdp_write(const SdpSession *session)
{
    GString *out = g_string_sized_new(4096);
    write_session(out, session);
    for (guint i = 0; i < session->media->len; i++)
        write_media(out, session->media->pdata[i]);
    return g_string_free(out, FALSE);
}
