#include "sdp/sdp_attribute.h"

#include <string.h>

#define MID_MAX_LENGTH 32
#define RID_MAX_LENGTH 16

/* RFC 8839 section 5.4. */
#define ICE_UFRAG_MIN 4
#define ICE_PWD_MIN   22
#define ICE_TEXT_MAX  256

typedef struct {
    SdpSession *session;
    SdpMedia *media;
    gboolean in_session;
} Section;

gboolean sdp_parse_number(const char *text, guint64 max, guint64 *value)
{
    return g_ascii_string_to_unsigned(text, 10, 0, max, value, NULL);
}

static void set_text(char **target, const char *value)
{
    g_free(*target);
    *target = g_strdup(value);
}

static SdpFormat *find_format(const Section *section, const char *payload_type)
{
    guint64 type;
    if (!sdp_parse_number(payload_type, 127, &type))
        return NULL;
    return (SdpFormat *)sdp_media_format(section->media, (guint)type);
}

/** Split off the first word: cuts `text` at the space and returns what follows it, or NULL. */
static char *split_word(char *text)
{
    char *space = strchr(text, ' ');
    if (!space)
        return NULL;
    *space = '\0';
    return g_strstrip(space + 1);
}

/* a=rtpmap:111 opus/48000/2 */
static gboolean parse_rtpmap(const Section *section, char *value)
{
    char *rest = split_word(value);
    if (!rest)
        return FALSE;
    g_auto(GStrv) parts = g_strsplit(rest, "/", 4);
    guint64 clock_hz, channels = 1;
    if (!parts[0] || !*parts[0] || !parts[1] || !sdp_parse_number(parts[1], 1000000, &clock_hz))
        return FALSE;
    if (parts[2] && !sdp_parse_number(parts[2], 255, &channels))
        return FALSE;
    SdpFormat *format = find_format(section, value);
    if (format && clock_hz) {
        set_text(&format->encoding, parts[0]);
        format->clock_hz = (gint)clock_hz;
        format->channels = MAX((gint)channels, 1);
    }
    return TRUE;
}

static gboolean parse_fmtp(const Section *section, char *value)
{
    char *rest = split_word(value);
    SdpFormat *format = find_format(section, value);
    if (!format || !rest || !*rest)
        return TRUE;
    char *joined = format->fmtp ? g_strconcat(format->fmtp, ";", rest, NULL) : g_strdup(rest);
    g_free(format->fmtp);
    format->fmtp = joined;
    return TRUE;
}

static gboolean parse_rtcp_fb(const Section *section, char *value)
{
    char *rest = split_word(value);
    if (!rest || !*rest)
        return FALSE;
    gboolean all = g_str_equal(value, "*");
    SdpFormat *one = all ? NULL : find_format(section, value);
    for (guint i = 0; i < section->media->formats->len; i++) {
        SdpFormat *format = section->media->formats->pdata[i];
        if (all || format == one)
            sdp_format_add_feedback(format, rest);
    }
    return TRUE;
}

static gboolean direction_from_string(const char *text, SdpDirection *direction)
{
    static const char *const names[] = { "sendrecv", "sendonly", "recvonly", "inactive" };
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        if (g_str_equal(text, names[i])) {
            *direction = (SdpDirection)i;
            return TRUE;
        }
    }
    return FALSE;
}

/* a=extmap:6/recvonly URI attributes (RFC 8285 section 5) */
static gboolean parse_extmap(const Section *section, char *value)
{
    char *uri = split_word(value);
    if (!uri || !*uri)
        return FALSE;
    split_word(uri);
    SdpDirection direction = SDP_SENDRECV;
    char *slash = strchr(value, '/');
    if (slash) {
        *slash = '\0';
        if (!direction_from_string(slash + 1, &direction))
            return FALSE;
    }
    guint64 id;
    if (!sdp_parse_number(value, 4351, &id))
        return FALSE;
    if (id > 0 && section->media->extmaps->len < SDP_MAX_EXTMAPS)
        sdp_media_add_extmap(section->media, (guint)id, uri, direction);
    return TRUE;
}

static gboolean parse_extmap_allow_mixed(const Section *section, char *value G_GNUC_UNUSED)
{
    if (section->in_session)
        section->session->extmap_allow_mixed = TRUE;
    else
        section->media->extmap_allow_mixed = TRUE;
    return TRUE;
}

static SdpSource *source_get(SdpMedia *media, guint32 ssrc)
{
    for (guint i = 0; i < media->sources->len; i++) {
        SdpSource *source = &g_array_index(media->sources, SdpSource, i);
        if (source->ssrc == ssrc)
            return source;
    }
    if (media->sources->len >= SDP_MAX_SOURCES)
        return NULL;
    sdp_media_add_source(media, ssrc, NULL);
    return &g_array_index(media->sources, SdpSource, media->sources->len - 1);
}

/* a=ssrc:1234 cname:text (RFC 5576 section 4.1) */
static gboolean parse_ssrc(const Section *section, char *value)
{
    char *rest = split_word(value);
    guint64 ssrc;
    if (!sdp_parse_number(value, G_MAXUINT32, &ssrc))
        return FALSE;
    SdpSource *source = ssrc ? source_get(section->media, (guint32)ssrc) : NULL;
    if (!source || !rest)
        return TRUE;
    if (g_str_has_prefix(rest, "cname:"))
        set_text(&source->cname, rest + strlen("cname:"));
    else if (g_str_has_prefix(rest, "msid:"))
        set_text(&source->msid, rest + strlen("msid:"));
    return TRUE;
}

static gboolean parse_ssrc_group(const Section *section, char *value)
{
    g_auto(GStrv) words = g_strsplit(value, " ", 1 + SDP_MAX_SOURCES);
    g_autoptr(GArray) ssrcs = g_array_new(FALSE, FALSE, sizeof(guint32));
    for (guint i = 1; words[0] && words[i]; i++) {
        guint64 ssrc = 0;
        if (*words[i] && !sdp_parse_number(words[i], G_MAXUINT32, &ssrc))
            return FALSE;
        guint32 narrow = (guint32)ssrc;
        if (narrow)
            g_array_append_val(ssrcs, narrow);
    }
    if (!ssrcs->len || section->media->source_groups->len >= SDP_MAX_SOURCE_GROUPS)
        return TRUE;
    sdp_media_add_source_group(section->media, words[0], (const guint32 *)(gpointer)ssrcs->data,
                               ssrcs->len);
    return TRUE;
}

/** RFC 8851 section 10, as a MID or RID extension can carry it. */
static gboolean is_token(const char *text, gsize max_length)
{
    gsize length = strlen(text);
    return length > 0 && length <= max_length && !strpbrk(text, " ;,~=\"");
}

/* a=rid:h send params */
static gboolean parse_rid(const Section *section, char *value)
{
    char *direction = split_word(value);
    if (!direction)
        return FALSE;
    char *params = split_word(direction);
    gboolean send = g_str_equal(direction, "send");
    if (!send && !g_str_equal(direction, "recv"))
        return FALSE;
    if (is_token(value, RID_MAX_LENGTH) && section->media->rids->len < SDP_MAX_RIDS)
        sdp_media_add_rid(section->media, value, send, params && *params ? params : NULL);
    return TRUE;
}

/* a=simulcast:send h;m;l recv x (RFC 8853 section 5.1) */
static gboolean parse_simulcast(const Section *section, char *value)
{
    g_auto(GStrv) words = g_strsplit(g_strstrip(value), " ", 5);
    for (guint i = 0; words[i] && words[i + 1]; i += 2) {
        if (g_str_equal(words[i], "send"))
            set_text(&section->media->simulcast_send, words[i + 1]);
        else if (g_str_equal(words[i], "recv"))
            set_text(&section->media->simulcast_recv, words[i + 1]);
    }
    return TRUE;
}

static gboolean parse_mid(const Section *section, char *value)
{
    if (!is_token(value, MID_MAX_LENGTH) || sdp_session_find_mid(section->session, value))
        return FALSE;
    set_text(&section->media->mid, value);
    return TRUE;
}

/* a=msid:stream track (RFC 8830) */
static gboolean parse_msid(const Section *section, char *value)
{
    char *track = split_word(value);
    set_text(&section->media->msid_stream, value);
    set_text(&section->media->msid_track, track && *track ? track : NULL);
    return TRUE;
}

static gboolean parse_group(const Section *section, char *value)
{
    SdpSession *session = section->session;
    if (!g_str_has_prefix(value, "BUNDLE ") || session->bundle->len)
        return TRUE;
    g_auto(GStrv) words = g_strsplit(value, " ", 2 + SDP_MAX_MEDIA);
    for (guint i = 1; words[i]; i++) {
        if (is_token(words[i], MID_MAX_LENGTH) && !sdp_session_bundles(session, words[i]))
            g_ptr_array_add(session->bundle, g_strdup(words[i]));
    }
    return TRUE;
}

static gboolean parse_ice_ufrag(const Section *section, char *value)
{
    gsize length = strlen(value);
    if (length < ICE_UFRAG_MIN || length > ICE_TEXT_MAX || strchr(value, ' '))
        return FALSE;
    set_text(&section->media->ice_ufrag, value);
    return TRUE;
}

static gboolean parse_ice_pwd(const Section *section, char *value)
{
    gsize length = strlen(value);
    if (length < ICE_PWD_MIN || length > ICE_TEXT_MAX || strchr(value, ' '))
        return FALSE;
    set_text(&section->media->ice_pwd, value);
    return TRUE;
}

static gboolean parse_ice_options(const Section *section, char *value)
{
    g_auto(GStrv) words = g_strsplit(value, " ", 0);
    if (g_strv_contains((const char *const *)words, "trickle"))
        section->media->ice_trickle = TRUE;
    return TRUE;
}

static const struct {
    const char *name;
    gsize size;
} hashes[] = {
    { "sha-1", 20 }, { "sha-224", 28 }, { "sha-256", 32 }, { "sha-384", 48 }, { "sha-512", 64 }
};

/** How strong the hash of "NAME ..." is: its place in `hashes` counted from 1; 0: unknown. */
static guint hash_rank(const char *fingerprint)
{
    for (guint i = 0; fingerprint && i < G_N_ELEMENTS(hashes); i++) {
        gsize length = strlen(hashes[i].name);
        if (g_ascii_strncasecmp(fingerprint, hashes[i].name, length) == 0 &&
            fingerprint[length] == ' ')
            return i + 1;
    }
    return 0;
}

static gboolean is_colon_hex(const char *text, gsize bytes)
{
    if (strlen(text) != bytes * 3 - 1)
        return FALSE;
    for (gsize i = 0; text[i]; i++) {
        if (i % 3 == 2 ? text[i] != ':' : !g_ascii_isxdigit(text[i]))
            return FALSE;
    }
    return TRUE;
}

/* a=fingerprint:sha-256 AB:CD:... (RFC 8122 section 5); several: the strongest counts. */
static gboolean parse_fingerprint(const Section *section, char *value)
{
    guint rank = hash_rank(value);
    if (!rank)
        return TRUE;
    const char *digest = split_word(value);
    if (!digest || !is_colon_hex(digest, hashes[rank - 1].size))
        return FALSE;
    if (rank > hash_rank(section->media->fingerprint)) {
        g_autofree char *upper = g_ascii_strup(digest, -1);
        g_free(section->media->fingerprint);
        section->media->fingerprint = g_strconcat(hashes[rank - 1].name, " ", upper, NULL);
    }
    return TRUE;
}

static gboolean parse_setup(const Section *section, char *value)
{
    static const struct {
        const char *name;
        SdpSetup setup;
    } names[] = { { "actpass", SDP_SETUP_ACTPASS },
                  { "active", SDP_SETUP_ACTIVE },
                  { "passive", SDP_SETUP_PASSIVE } };
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        if (g_str_equal(value, names[i].name))
            section->media->setup = names[i].setup;
    }
    return TRUE;
}

static gboolean parse_candidate(const Section *section, char *value)
{
    GPtrArray *candidates = section->media->candidates;
    if (candidates->len < SDP_MAX_CANDIDATES)
        g_ptr_array_add(candidates, g_strconcat("candidate:", value, NULL));
    return TRUE;
}

static gboolean parse_end_of_candidates(const Section *section, char *value G_GNUC_UNUSED)
{
    section->media->end_of_candidates = TRUE;
    return TRUE;
}

static gboolean parse_ice_lite(const Section *section, char *value G_GNUC_UNUSED)
{
    if (section->in_session)
        section->session->ice_lite = TRUE;
    return TRUE;
}

static gboolean parse_rtcp_mux(const Section *section, char *value G_GNUC_UNUSED)
{
    section->media->rtcp_mux = TRUE;
    return TRUE;
}

static gboolean parse_rtcp_rsize(const Section *section, char *value G_GNUC_UNUSED)
{
    section->media->rtcp_rsize = TRUE;
    return TRUE;
}

static gboolean parse_bundle_only(const Section *section, char *value G_GNUC_UNUSED)
{
    section->media->bundle_only = TRUE;
    return TRUE;
}

static const struct {
    const char *name;
    gboolean (*parse)(const Section *section, char *value);
} attributes[] = {
    { "rtpmap", parse_rtpmap },
    { "fmtp", parse_fmtp },
    { "rtcp-fb", parse_rtcp_fb },
    { "extmap", parse_extmap },
    { "extmap-allow-mixed", parse_extmap_allow_mixed },
    { "ssrc", parse_ssrc },
    { "ssrc-group", parse_ssrc_group },
    { "rid", parse_rid },
    { "simulcast", parse_simulcast },
    { "mid", parse_mid },
    { "msid", parse_msid },
    { "group", parse_group },
    { "ice-ufrag", parse_ice_ufrag },
    { "ice-pwd", parse_ice_pwd },
    { "ice-options", parse_ice_options },
    { "ice-lite", parse_ice_lite },
    { "fingerprint", parse_fingerprint },
    { "setup", parse_setup },
    { "candidate", parse_candidate },
    { "end-of-candidates", parse_end_of_candidates },
    { "rtcp-mux", parse_rtcp_mux },
    { "rtcp-rsize", parse_rtcp_rsize },
    { "bundle-only", parse_bundle_only },
};

gboolean sdp_attribute_parse(SdpSession *session, SdpMedia *media, gboolean in_session,
                             const char *text)
{
    Section section = { session, media, in_session };
    if (direction_from_string(text, &media->direction))
        return TRUE;
    gsize name_length = strcspn(text, ":");
    g_autofree char *value = g_strdup(text[name_length] ? text + name_length + 1 : "");
    for (guint i = 0; i < G_N_ELEMENTS(attributes); i++) {
        if (strlen(attributes[i].name) == name_length &&
            strncmp(attributes[i].name, text, name_length) == 0)
            return attributes[i].parse(&section, g_strstrip(value));
    }
    return TRUE;
}

void sdp_attribute_fill_static_types(SdpMedia *media)
{
    static const struct {
        guint payload_type;
        const char *encoding;
        gint clock_hz, channels;
    } types[] = {
        { 0, "PCMU", 8000, 1 },  { 3, "GSM", 8000, 1 },    { 4, "G723", 8000, 1 },
        { 5, "DVI4", 8000, 1 },  { 6, "DVI4", 16000, 1 },  { 8, "PCMA", 8000, 1 },
        { 9, "G722", 8000, 1 },  { 10, "L16", 44100, 2 },  { 11, "L16", 44100, 1 },
        { 13, "CN", 8000, 1 },   { 14, "MPA", 90000, 1 },  { 15, "G728", 8000, 1 },
        { 18, "G729", 8000, 1 }, { 26, "JPEG", 90000, 1 }, { 31, "H261", 90000, 1 },
        { 32, "MPV", 90000, 1 }, { 34, "H263", 90000, 1 },
    };
    for (guint i = 0; i < media->formats->len; i++) {
        SdpFormat *format = media->formats->pdata[i];
        for (guint j = 0; j < G_N_ELEMENTS(types) && !*format->encoding; j++) {
            if (types[j].payload_type == format->payload_type) {
                set_text(&format->encoding, types[j].encoding);
                format->clock_hz = types[j].clock_hz;
                format->channels = types[j].channels;
            }
        }
    }
}
