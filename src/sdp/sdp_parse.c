#include <string.h>

#include "base/error.h"
#include "sdp/sdp_attribute.h"

typedef struct {
    SdpSession *session;
    SdpMedia *defaults; /* what the session level says for every section */
    SdpMedia *media;    /* the section being read; before the first m-line `defaults` */
    gboolean bandwidth_is_tias;
} Parser;

static SdpKind kind_from_string(const char *text)
{
    if (g_str_equal(text, "audio"))
        return SDP_AUDIO;
    if (g_str_equal(text, "video"))
        return SDP_VIDEO;
    return g_str_equal(text, "application") ? SDP_APPLICATION : SDP_OTHER;
}

static gboolean parse_formats(SdpMedia *media, char *const *words)
{
    for (guint i = 0; words[i]; i++) {
        guint64 type;
        if (!sdp_parse_number(words[i], 127, &type) || media->formats->len >= SDP_MAX_FORMATS)
            return FALSE;
        if (!sdp_media_format(media, (guint)type))
            sdp_media_add_format(media, (guint)type, "", 0, 1, NULL);
    }
    return TRUE;
}

/* m=video 9 UDP/TLS/RTP/SAVPF 96 97 */
static gboolean parse_m_line(Parser *parser, const char *value)
{
    g_auto(GStrv) words = g_strsplit(value, " ", 4);
    if (g_strv_length(words) != 4 || !*words[0] || !*words[2] || !*words[3])
        return FALSE;
    words[1][strcspn(words[1], "/")] = '\0'; /* port/number of ports */
    guint64 port;
    if (!sdp_parse_number(words[1], 65535, &port))
        return FALSE;
    if (parser->session->media->len >= SDP_MAX_MEDIA)
        return FALSE;

    SdpMedia *media = sdp_media_new(kind_from_string(words[0]));
    g_ptr_array_add(parser->session->media, media);
    parser->media = media;
    parser->bandwidth_is_tias = FALSE;
    media->direction = parser->defaults->direction;
    media->port = (guint)port;
    g_free(media->kind_text);
    media->kind_text = g_strdup(words[0]);
    g_free(media->protocol);
    media->protocol = g_strdup(words[2]);
    if (!sdp_media_is_rtp(media)) {
        media->formats_text = g_strdup(words[3]);
        return TRUE;
    }
    g_auto(GStrv) formats = g_strsplit(g_strchomp(words[3]), " ", SDP_MAX_FORMATS + 2);
    return parse_formats(media, formats);
}

/* o=- 4611 2 IN IP4 127.0.0.1 */
static gboolean parse_origin(Parser *parser, const char *value)
{
    g_auto(GStrv) words = g_strsplit(value, " ", 4);
    if (g_strv_length(words) < 3 || !*words[1])
        return FALSE;
    g_free(parser->session->origin_id);
    parser->session->origin_id = g_strdup(words[1]);
    return sdp_parse_number(words[2], G_MAXUINT64, &parser->session->origin_version);
}

/* b=AS:1200 (kbit/s), b=TIAS:1200000 (bit/s), which wins (RFC 3890 section 6.3) */
static void parse_bandwidth(Parser *parser, const char *value)
{
    guint64 number;
    gboolean tias = g_str_has_prefix(value, "TIAS:");
    if (!tias && (!g_str_has_prefix(value, "AS:") || parser->bandwidth_is_tias))
        return;
    guint64 max = tias ? G_MAXINT : G_MAXINT / 1000;
    if (!sdp_parse_number(strchr(value, ':') + 1, max, &number))
        return;
    parser->bandwidth_is_tias = tias;
    parser->media->bandwidth_bps = (gint)(tias ? number : number * 1000);
}

static gboolean parse_line(Parser *parser, const char *line)
{
    if (line[0] == '\0')
        return TRUE;
    if (!g_ascii_islower(line[0]) || line[1] != '=')
        return FALSE;
    const char *value = line + 2;
    switch (line[0]) {
    case 'v':
        return g_str_equal(value, "0");
    case 'o':
        return parse_origin(parser, value);
    case 'm':
        return parse_m_line(parser, value);
    case 'b':
        parse_bandwidth(parser, value);
        return TRUE;
    case 'a':
        return sdp_attribute_parse(parser->session, parser->media,
                                   parser->media == parser->defaults, value);
    default:
        return TRUE;
    }
}

static gboolean fail(guint line, const char *what, GError **error)
{
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID, "Line %u of the SDP %s.", line, what);
    return FALSE;
}

/** Find the next line's end, check the line's length and characters, cut it out. */
static char *take_line(const char **cursor, const char *end, const char **fault)
{
    const char *start = *cursor;
    const char *newline = memchr(start, '\n', (gsize)(end - start));
    const char *stop = newline ? newline : end;
    *cursor = newline ? newline + 1 : end;
    if (stop > start && stop[-1] == '\r')
        stop--;
    gsize length = (gsize)(stop - start);
    if (length > SDP_MAX_LINE) {
        *fault = "is longer than " G_STRINGIFY(SDP_MAX_LINE) " bytes; shorten it";
        return NULL;
    }
    for (gsize i = 0; i < length; i++) {
        if (g_ascii_iscntrl(start[i])) {
            *fault = "has a control character in it; send plain text";
            return NULL;
        }
    }
    if (!g_utf8_validate(start, (gssize)length, NULL)) {
        *fault = "is not UTF-8; send it as UTF-8";
        return NULL;
    }
    return g_strndup(start, length);
}

static gboolean parse_text(Parser *parser, const char *text, gsize size, GError **error)
{
    const char *end = text + size;
    guint line_number = 0;
    for (const char *cursor = text; cursor < end;) {
        const char *fault = NULL;
        if (++line_number > SDP_MAX_LINES) {
            return fail(line_number,
                        "is one too many: at most " G_STRINGIFY(
                            SDP_MAX_LINES) " are read; offer fewer m-lines",
                        error);
        }
        g_autofree char *line = take_line(&cursor, end, &fault);
        if (!line)
            return fail(line_number, fault, error);
        if (line_number == 1 && line[0] != 'v')
            return fail(line_number, "must be v=0; send a whole session description", error);
        if (!parse_line(parser, line)) {
            g_autofree char *start = g_utf8_substring(line, 0, MIN(40, g_utf8_strlen(line, -1)));
            g_autofree char *what =
                g_strdup_printf("(%s) is malformed or beyond a limit; correct it", start);
            return fail(line_number, what, error);
        }
    }
    return TRUE;
}

static void inherit_text(char **own, const char *inherited)
{
    if (!*own)
        *own = g_strdup(inherited);
}

static gboolean has_extension(const SdpMedia *media, const SdpExtmap *wanted)
{
    for (guint i = 0; i < media->extmaps->len; i++) {
        const SdpExtmap *extmap = &g_array_index(media->extmaps, SdpExtmap, i);
        if (extmap->id == wanted->id || g_str_equal(extmap->uri, wanted->uri))
            return TRUE;
    }
    return FALSE;
}

static void inherit_extmaps(SdpMedia *media, const SdpMedia *defaults)
{
    for (guint i = 0; i < defaults->extmaps->len; i++) {
        const SdpExtmap *extmap = &g_array_index(defaults->extmaps, SdpExtmap, i);
        if (media->extmaps->len < SDP_MAX_EXTMAPS && !has_extension(media, extmap))
            sdp_media_add_extmap(media, extmap->id, extmap->uri, extmap->direction);
    }
}

/** Session level values stand in where a section has none of its own. */
static void inherit(SdpMedia *media, const SdpMedia *defaults)
{
    if (!media->ice_ufrag && !media->ice_pwd) {
        inherit_text(&media->ice_ufrag, defaults->ice_ufrag);
        inherit_text(&media->ice_pwd, defaults->ice_pwd);
    }
    inherit_text(&media->fingerprint, defaults->fingerprint);
    if (media->setup == SDP_SETUP_NONE)
        media->setup = defaults->setup;
    media->ice_trickle |= defaults->ice_trickle;
    media->end_of_candidates |= defaults->end_of_candidates;
    if (sdp_media_is_rtp(media)) {
        inherit_extmaps(media, defaults);
        sdp_attribute_fill_static_types(media);
    }
}

static void finish(Parser *parser)
{
    guint rtp_sections = 0, mixed_sections = 0;
    for (guint i = 0; i < parser->session->media->len; i++) {
        SdpMedia *media = parser->session->media->pdata[i];
        inherit(media, parser->defaults);
        rtp_sections += sdp_media_is_rtp(media);
        mixed_sections += sdp_media_is_rtp(media) && media->extmap_allow_mixed;
    }
    if (rtp_sections && mixed_sections == rtp_sections)
        parser->session->extmap_allow_mixed = TRUE;
}

SdpSession *sdp_parse(const char *text, gsize size, GError **error)
{
    if (size > SDP_MAX_SIZE) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_TOO_LARGE,
                    "The SDP is larger than %d bytes; offer fewer m-lines.", SDP_MAX_SIZE);
        return NULL;
    }
    if (!size) {
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                            "The SDP is empty; send a session description.");
        return NULL;
    }
    g_autoptr(SdpSession) session = sdp_session_new();
    g_autoptr(SdpMedia) defaults = sdp_media_new(SDP_OTHER);
    Parser parser = { .session = session, .defaults = defaults, .media = defaults };
    if (!parse_text(&parser, text, size, error))
        return NULL;
    finish(&parser);
    return g_steal_pointer(&session);
}
