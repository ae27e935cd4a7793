#include "sdp/negotiate_media.h"

#include <string.h>

#include "sdp/negotiate_rid.h"

static void codec_clear(gpointer data)
{
    NegotiatedCodec *codec = data;
    g_free(codec->fmtp);
    g_free(codec->local_fmtp);
}

static void extmap_clear(gpointer data)
{
    g_free(((SdpExtmap *)data)->uri);
}

NegotiatedMedia *negotiated_media_new(const SdpMedia *peer)
{
    NegotiatedMedia *media = g_new0(NegotiatedMedia, 1);
    media->kind = peer->kind;
    g_strlcpy(media->mid, peer->mid ? peer->mid : "", sizeof media->mid);
    media->codecs = g_array_new(FALSE, TRUE, sizeof(NegotiatedCodec));
    g_array_set_clear_func(media->codecs, codec_clear);
    media->send_codec = -1;
    media->red_payload_type = -1;
    media->extmaps = g_array_new(FALSE, TRUE, sizeof(SdpExtmap));
    g_array_set_clear_func(media->extmaps, extmap_clear);
    media->sources = g_array_new(FALSE, TRUE, sizeof(NegotiatedSource));
    return media;
}

void negotiated_media_free(NegotiatedMedia *media)
{
    if (!media)
        return;
    g_array_unref(media->codecs);
    g_array_unref(media->extmaps);
    g_array_unref(media->sources);
    g_free(media->msid_stream);
    g_free(media->msid_track);
    g_free(media->cname);
    g_free(media);
}

/** TRUE if the format is that codec, and was in our offer where we made it. */
static gboolean format_matches(const NegotiateSection *section, const SdpFormat *format,
                               const NegotiateCodec *codec)
{
    if (codec->kind != section->peer->kind || codec->clock_hz != format->clock_hz ||
        g_ascii_strcasecmp(codec->encoding, format->encoding) != 0)
        return FALSE;
    if (codec->kind == SDP_AUDIO && codec->channels != format->channels)
        return FALSE;
    if (section->own) {
        const SdpFormat *own = sdp_media_format(section->own, format->payload_type);
        if (!own || g_ascii_strcasecmp(own->encoding, format->encoding) != 0)
            return FALSE;
    }
    return !codec->fmtp_accept || codec->fmtp_accept(format->fmtp);
}

gboolean negotiate_section_has_codec(const NegotiateSection *section, gboolean sending)
{
    for (guint i = 0; i < section->config->codec_count; i++) {
        const NegotiateCodec *codec = &section->config->codecs[i];
        if (!(sending ? codec->can_send : codec->can_receive))
            continue;
        for (guint j = 0; j < section->peer->formats->len; j++) {
            if (format_matches(section, section->peer->formats->pdata[j], codec))
                return TRUE;
        }
    }
    return FALSE;
}

/** The payload type that `name` (RTX, RED) has for the codec with `payload_type`; or -1. The
 *  parameters are "apt=96" (RFC 4588 section 8.1) or "111/111" (RFC 2198 section 5). */
static gint find_companion(const NegotiateSection *section, const char *name, guint payload_type)
{
    g_autofree char *apt = g_strdup_printf("%u", payload_type);
    g_autofree char *red = g_strdup_printf("%u/", payload_type);
    for (guint i = 0; i < section->peer->formats->len; i++) {
        const SdpFormat *format = section->peer->formats->pdata[i];
        if (!format->fmtp || g_ascii_strcasecmp(format->encoding, name) != 0)
            continue;
        if (section->own && !sdp_media_format(section->own, format->payload_type))
            continue;
        g_autofree char *value = sdp_fmtp_get(format->fmtp, "apt");
        if (g_strcmp0(value, apt) == 0 || g_str_has_prefix(format->fmtp, red))
            return (gint)format->payload_type;
    }
    return -1;
}

static gboolean has_feedback(const NegotiateSection *section, const SdpFormat *format,
                             const char *feedback)
{
    if (!sdp_format_has_feedback(format, feedback))
        return FALSE;
    const SdpFormat *own =
        section->own ? sdp_media_format(section->own, format->payload_type) : format;
    return own && sdp_format_has_feedback(own, feedback);
}

static gboolean has_extension(const NegotiatedMedia *media, const char *uri)
{
    for (guint i = 0; i < media->extmaps->len; i++) {
        if (g_str_equal(g_array_index(media->extmaps, SdpExtmap, i).uri, uri))
            return TRUE;
    }
    return FALSE;
}

/** (transfer full) The parameters of our answer; those that describe what we send ("sprop-...")
 *  are left out where we do not send. */
static char *local_fmtp(const NegotiateCodec *codec, const SdpFormat *format, gboolean we_send)
{
    if (!codec->fmtp)
        return NULL;
    if (g_str_equal(codec->fmtp, "="))
        return g_strdup(format->fmtp);
    if (we_send)
        return g_strdup(codec->fmtp);
    g_auto(GStrv) parameters = g_strsplit(codec->fmtp, ";", 0);
    g_autoptr(GString) kept = g_string_new(NULL);
    for (guint i = 0; parameters[i]; i++) {
        if (!g_str_has_prefix(g_strstrip(parameters[i]), "sprop-"))
            g_string_append_printf(kept, "%s%s", kept->len ? ";" : "", parameters[i]);
    }
    return kept->len ? g_strdup(kept->str) : NULL;
}

static void add_codec(const NegotiateSection *section, NegotiatedMedia *media,
                      const NegotiateCodec *codec, const SdpFormat *format)
{
    NegotiatedCodec added = {
        .payload_type = format->payload_type,
        .rtx_payload_type = -1,
        .clock_hz = format->clock_hz,
        .channels = format->channels,
        .nack = has_feedback(section, format, "nack"),
        .pli = has_feedback(section, format, "nack pli"),
        .fir = has_feedback(section, format, "ccm fir"),
        .remb = has_feedback(section, format, "goog-remb"),
        .fmtp = g_strdup(format->fmtp),
        .local_fmtp = local_fmtp(codec, format, media->we_send),
    };
    g_strlcpy(added.encoding, codec->encoding, sizeof added.encoding);
    added.transport_cc = has_feedback(section, format, "transport-cc") &&
                         has_extension(media, NEGOTIATE_URI_TRANSPORT_CC);
    if (media->kind == SDP_VIDEO && added.nack)
        added.rtx_payload_type = find_companion(section, "rtx", format->payload_type);
    g_array_append_val(media->codecs, added);
}

/** What is listed: all that the peer may send us; where it sends nothing, what we may send. */
static gboolean is_listed(const NegotiatedMedia *media, const NegotiateCodec *codec)
{
    if (media->we_receive)
        return codec->can_receive;
    return media->we_send ? codec->can_send : TRUE;
}

/** What we send: the preferred encoding; else, in an answer to us, the peer's first choice; else
 *  our own first. */
static gint choose_send_codec(const NegotiateSection *section, const NegotiatedMedia *media,
                              const GArray *sendable)
{
    const char *preferred = section->config->preferred_video;
    gint chosen = -1, chosen_rank = G_MAXINT;
    for (guint i = 0; i < media->codecs->len; i++) {
        if (!g_array_index(sendable, gboolean, i))
            continue;
        const NegotiatedCodec *codec = &g_array_index(media->codecs, NegotiatedCodec, i);
        if (media->kind == SDP_VIDEO && preferred &&
            g_ascii_strcasecmp(codec->encoding, preferred) == 0)
            return (gint)i;
        gint rank = (gint)i;
        for (guint j = 0; section->own && j < section->peer->formats->len; j++) {
            const SdpFormat *format = section->peer->formats->pdata[j];
            if (format->payload_type == codec->payload_type)
                rank = (gint)j;
        }
        if (rank < chosen_rank) {
            chosen = (gint)i;
            chosen_rank = rank;
        }
    }
    return chosen;
}

static void fill_codecs(const NegotiateSection *section, NegotiatedMedia *media)
{
    g_autoptr(GArray) sendable = g_array_new(FALSE, FALSE, sizeof(gboolean));
    for (guint i = 0; i < section->config->codec_count; i++) {
        const NegotiateCodec *codec = &section->config->codecs[i];
        for (guint j = 0; is_listed(media, codec) && j < section->peer->formats->len; j++) {
            const SdpFormat *format = section->peer->formats->pdata[j];
            if (!format_matches(section, format, codec))
                continue;
            add_codec(section, media, codec, format);
            g_array_append_val(sendable, codec->can_send);
        }
    }
    if (media->we_send)
        media->send_codec = choose_send_codec(section, media, sendable);
    media->we_send = media->send_codec >= 0;
}

static void fill_red(const NegotiateSection *section, NegotiatedMedia *media)
{
    for (guint i = 0; section->config->red && media->kind == SDP_AUDIO && i < media->codecs->len &&
                      media->red_payload_type < 0;
         i++) {
        const NegotiatedCodec *codec = &g_array_index(media->codecs, NegotiatedCodec, i);
        if (g_ascii_strcasecmp(codec->encoding, "opus") == 0)
            media->red_payload_type = find_companion(section, "red", codec->payload_type);
    }
}

static gboolean in_list(const char *const *list, const char *text)
{
    for (guint i = 0; list && list[i]; i++) {
        if (g_str_equal(list[i], text))
            return TRUE;
    }
    return FALSE;
}

static gboolean was_offered(const SdpMedia *own, const SdpExtmap *extmap)
{
    for (guint i = 0; i < own->extmaps->len; i++) {
        const SdpExtmap *offered = &g_array_index(own->extmaps, SdpExtmap, i);
        if (offered->id == extmap->id && g_str_equal(offered->uri, extmap->uri))
            return TRUE;
    }
    return FALSE;
}

/** Ids that our packets can carry: RFC 8285 sections 4.2 and 4.3. */
static gboolean is_usable_id(const NegotiateSection *section, guint id)
{
    return (id >= 1 && id <= 14) || (section->two_byte_ids && id >= 16 && id <= 255);
}

/** Take the extensions that both know, mirrored. An id that means another URI in another section
 *  of the BUNDLE is left out (RFC 9143 section 12.3 forbids it; aiortc does it). */
static void fill_extmaps(const NegotiateSection *section, NegotiatedMedia *media)
{
    const char *const *known = section->config->extensions[media->kind];
    for (guint i = 0; i < section->peer->extmaps->len; i++) {
        const SdpExtmap *offered = &g_array_index(section->peer->extmaps, SdpExtmap, i);
        if (!is_usable_id(section, offered->id) || !in_list(known, offered->uri) ||
            has_extension(media, offered->uri))
            continue;
        if (section->own && !was_offered(section->own, offered))
            continue;
        SdpDirection direction = sdp_direction_mirror(offered->direction);
        if (!(media->we_send && sdp_direction_sends(direction)) &&
            !(media->we_receive && sdp_direction_receives(direction)))
            continue;
        const char *taken = g_hash_table_lookup(section->uri_of_id, GUINT_TO_POINTER(offered->id));
        if (taken && !g_str_equal(taken, offered->uri))
            continue;
        g_hash_table_insert(section->uri_of_id, GUINT_TO_POINTER(offered->id), offered->uri);
        SdpExtmap accepted = { offered->id, g_strdup(offered->uri), direction };
        g_array_append_val(media->extmaps, accepted);
    }
}

/** The RTX SSRC that an FID group pairs with `ssrc`; 0: none. */
static guint32 find_rtx_ssrc(const SdpMedia *peer, guint32 ssrc)
{
    for (guint i = 0; i < peer->source_groups->len; i++) {
        const SdpSourceGroup *group = &g_array_index(peer->source_groups, SdpSourceGroup, i);
        if (g_str_equal(group->semantics, "FID") && group->ssrcs->len == 2 &&
            g_array_index(group->ssrcs, guint32, 0) == ssrc)
            return g_array_index(group->ssrcs, guint32, 1);
    }
    return 0;
}

static gboolean is_rtx_ssrc(const SdpMedia *peer, guint32 ssrc)
{
    for (guint i = 0; i < peer->source_groups->len; i++) {
        const SdpSourceGroup *group = &g_array_index(peer->source_groups, SdpSourceGroup, i);
        if (g_str_equal(group->semantics, "FID") && group->ssrcs->len == 2 &&
            g_array_index(group->ssrcs, guint32, 1) == ssrc)
            return TRUE;
    }
    return FALSE;
}

static void fill_announced_sources(const SdpMedia *peer, NegotiatedMedia *media)
{
    for (guint i = 0; i < peer->sources->len; i++) {
        const SdpSource *source = &g_array_index(peer->sources, SdpSource, i);
        if (!media->cname && source->cname)
            media->cname = g_strdup(source->cname);
        if (is_rtx_ssrc(peer, source->ssrc))
            continue;
        NegotiatedSource added = { .ssrc = source->ssrc,
                                   .rtx_ssrc = find_rtx_ssrc(peer, source->ssrc) };
        g_array_append_val(media->sources, added);
    }
}

/** With simulcast: one source per layer. */
static void fill_simulcast(const NegotiateSection *section, NegotiatedMedia *media)
{
    if (!section->mutual_simulcast)
        return;
    g_autoptr(GArray) layers = negotiate_rid_layers(section->peer, media);
    if (layers->len == 0)
        return;
    media->simulcast = TRUE;
    g_array_set_size(media->sources, 0);
    g_array_append_vals(media->sources, layers->data, layers->len);
}

/** a=msid of the section, or else of its first a=ssrc that has one. */
static void fill_msid(const SdpMedia *peer, NegotiatedMedia *media)
{
    media->msid_stream = g_strdup(peer->msid_stream);
    media->msid_track = g_strdup(peer->msid_track);
    for (guint i = 0; i < peer->sources->len && !media->msid_stream; i++) {
        const SdpSource *source = &g_array_index(peer->sources, SdpSource, i);
        if (!source->msid)
            continue;
        g_auto(GStrv) words = g_strsplit(source->msid, " ", 2);
        media->msid_stream = g_strdup(words[0]);
        media->msid_track = words[0] ? g_strdup(words[1]) : NULL;
    }
}

/** The largest picture, in macroblocks, that the peer takes of what we send (RFC 7741 section 6.1,
 *  RFC 6184 section 8.1). */
static gint max_frame_size(const NegotiatedMedia *media)
{
    if (media->kind != SDP_VIDEO || media->send_codec < 0)
        return 0;
    const NegotiatedCodec *codec =
        &g_array_index(media->codecs, NegotiatedCodec, media->send_codec);
    g_autofree char *text = sdp_fmtp_get(codec->fmtp, "max-fs");
    guint64 value = 0;
    if (!text || !g_ascii_string_to_unsigned(text, 10, 1, G_MAXINT, &value, NULL))
        return 0;
    return (gint)value;
}

void negotiate_section_fill(const NegotiateSection *section, NegotiatedMedia *media)
{
    fill_extmaps(section, media);
    fill_codecs(section, media);
    fill_red(section, media);
    if (media->we_receive) {
        fill_announced_sources(section->peer, media);
        fill_simulcast(section, media);
        fill_msid(section->peer, media);
    }
    media->max_frame_size = max_frame_size(media);
}
