#include "sdp/negotiate_rid.h"

#include <string.h>

#include "sdp/negotiate_media.h"

/* --- restrictions ------------------------------------------------------------------------ */

static const SdpRid *find_send_rid(const SdpMedia *peer, const char *id)
{
    for (guint i = 0; i < peer->rids->len; i++) {
        const SdpRid *rid = &g_array_index(peer->rids, SdpRid, i);
        if (rid->send && strcmp(rid->id, id) == 0)
            return rid;
    }
    return NULL;
}

static gboolean is_accepted_type(const NegotiatedMedia *media, const char *text)
{
    for (guint i = 0; i < media->codecs->len; i++) {
        const NegotiatedCodec *codec = &g_array_index(media->codecs, NegotiatedCodec, i);
        guint64 type = 0;
        if (g_ascii_string_to_unsigned(text, 10, 0, 127, &type, NULL) &&
            codec->payload_type == (guint)type)
            return TRUE;
    }
    return FALSE;
}

/** (transfer full) "pt=" with those of its payload types that are accepted; NULL: none is. */
static char *accepted_types(const NegotiatedMedia *media, const char *list)
{
    g_auto(GStrv) types = g_strsplit(list, ",", 128);
    g_autoptr(GString) kept = g_string_new(NULL);
    for (guint i = 0; types[i]; i++) {
        if (is_accepted_type(media, types[i]))
            g_string_append_printf(kept, "%s%s", kept->len ? "," : "pt=", types[i]);
    }
    return kept->len ? g_strdup(kept->str) : NULL;
}

/** What a layer may be restricted by (RFC 8851 section 5). "depend" is not among them: a layer that
 *  cannot be decoded alone is none that we can take. */
static gboolean is_known_limit(const char *limit)
{
    static const char *const names[] = { "max-width", "max-height", "max-fps", "max-fs",
                                         "max-br",    "max-pps",    "max-bpp", NULL };
    g_auto(GStrv) pair = g_strsplit(limit, "=", 2);
    if (!pair[0] || !g_strv_contains(names, pair[0]))
        return FALSE;
    return !pair[1] || g_ascii_strtod(pair[1], NULL) > 0;
}

/** (transfer full) The restrictions as they stand for what was negotiated, "" where there are none;
 *  NULL: one of them is unknown, or leaves no codec (section 6.3: the layer is refused). */
static char *hold_to(const NegotiatedMedia *media, const char *params)
{
    g_auto(GStrv) limits = g_strsplit(params ? params : "", ";", 32);
    g_autoptr(GString) kept = g_string_new(NULL);
    for (guint i = 0; limits[i]; i++) {
        const char *limit = g_strstrip(limits[i]);
        gboolean types = g_str_has_prefix(limit, "pt=");
        g_autofree char *held =
            types ? accepted_types(media, limit + strlen("pt=")) : g_strdup(limit);
        if (!*limit)
            continue;
        if (!held || !(types || is_known_limit(limit)))
            return NULL;
        g_string_append_printf(kept, "%s%s", kept->len ? ";" : "", held);
    }
    return g_strdup(kept->str);
}

char *negotiate_rid_answer(const SdpMedia *offered, const char *rid, const NegotiatedMedia *media)
{
    const SdpRid *found = find_send_rid(offered, rid);
    g_autofree char *params = found ? hold_to(media, found->params) : NULL;
    return params && *params ? g_steal_pointer(&params) : NULL;
}

/* --- layers ------------------------------------------------------------------------------ */

static gboolean has_layer(const GArray *layers, const char *rid)
{
    for (guint i = 0; i < layers->len; i++) {
        if (strcmp(g_array_index(layers, NegotiatedSource, i).rid, rid) == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean can_take(const SdpMedia *peer, const NegotiatedMedia *media, const char *id)
{
    const SdpRid *rid = find_send_rid(peer, id);
    g_autofree char *params = rid ? hold_to(media, rid->params) : NULL;
    return params != NULL;
}

/** The layers of a=simulcast: of alternatives the first that we can take, paused ones too (RFC 8853
 *  section 5.1). */
static void add_rids(GArray *layers, const SdpMedia *peer, const NegotiatedMedia *media)
{
    g_auto(GStrv) streams = g_strsplit(peer->simulcast_send, ";", SDP_MAX_RIDS + 1);
    for (guint i = 0; i < SDP_MAX_RIDS && streams[i]; i++) {
        g_auto(GStrv) choices = g_strsplit(streams[i], ",", SDP_MAX_RIDS + 1);
        for (guint j = 0; choices[j]; j++) {
            const char *id = choices[j] + (choices[j][0] == '~');
            NegotiatedSource layer = { 0 };
            if (!can_take(peer, media, id) || has_layer(layers, id))
                continue;
            g_strlcpy(layer.rid, id, sizeof layer.rid);
            g_array_append_val(layers, layer);
            break;
        }
    }
}

/** Firefox announces the SSRCs too, in the layers' order. */
static void add_announced(GArray *layers, const GArray *announced)
{
    for (guint i = 0; i < layers->len && layers->len == announced->len; i++) {
        const NegotiatedSource *source = &g_array_index(announced, NegotiatedSource, i);
        NegotiatedSource *layer = &g_array_index(layers, NegotiatedSource, i);
        layer->ssrc = source->ssrc;
        layer->rtx_ssrc = source->rtx_ssrc;
    }
}

static void add_source(GArray *layers, const GArray *announced, guint32 ssrc)
{
    for (guint i = 0; i < announced->len; i++) {
        const NegotiatedSource *source = &g_array_index(announced, NegotiatedSource, i);
        if (source->ssrc == ssrc)
            g_array_append_val(layers, *source);
    }
}

/** a=ssrc-group:SIM: the layers by their SSRCs, the smallest first. */
static void add_sim_group(GArray *layers, const SdpMedia *peer, const GArray *announced)
{
    for (guint i = 0; i < peer->source_groups->len && layers->len == 0; i++) {
        const SdpSourceGroup *group = &g_array_index(peer->source_groups, SdpSourceGroup, i);
        for (guint j = 0; strcmp(group->semantics, "SIM") == 0 && j < group->ssrcs->len; j++)
            add_source(layers, announced, g_array_index(group->ssrcs, guint32, j));
    }
}

static gboolean has_rid_extension(const NegotiatedMedia *media)
{
    for (guint i = 0; i < media->extmaps->len; i++) {
        if (strcmp(g_array_index(media->extmaps, SdpExtmap, i).uri, NEGOTIATE_URI_RID) == 0)
            return TRUE;
    }
    return FALSE;
}

GArray *negotiate_rid_layers(const SdpMedia *peer, const NegotiatedMedia *media)
{
    GArray *layers = g_array_new(FALSE, TRUE, sizeof(NegotiatedSource));
    if (peer->simulcast_send && has_rid_extension(media)) {
        add_rids(layers, peer, media);
        add_announced(layers, media->sources);
    } else if (!peer->simulcast_send) {
        add_sim_group(layers, peer, media->sources);
    }
    g_array_set_size(layers, MIN(layers->len, NEGOTIATE_MAX_LAYERS));
    if (layers->len < 2)
        g_array_set_size(layers, 0);
    return layers;
}
