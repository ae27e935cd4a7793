#include "sdp/sdp.h"

#include <string.h>

static const char *const kind_names[] = { "audio", "video", "application", "other" };

static void format_free(SdpFormat *format)
{
    g_free(format->encoding);
    g_free(format->fmtp);
    g_ptr_array_unref(format->feedback);
    g_free(format);
}

static void extmap_clear(gpointer data)
{
    g_free(((SdpExtmap *)data)->uri);
}

static void source_clear(gpointer data)
{
    SdpSource *source = data;
    g_free(source->cname);
    g_free(source->msid);
}

static void source_group_clear(gpointer data)
{
    SdpSourceGroup *group = data;
    g_free(group->semantics);
    g_array_unref(group->ssrcs);
}

static void rid_clear(gpointer data)
{
    SdpRid *rid = data;
    g_free(rid->id);
    g_free(rid->params);
}

static GArray *array_new(guint element_size, GDestroyNotify clear)
{
    GArray *array = g_array_new(FALSE, TRUE, element_size);
    g_array_set_clear_func(array, clear);
    return array;
}

SdpMedia *sdp_media_new(SdpKind kind)
{
    SdpMedia *media = g_new0(SdpMedia, 1);
    media->kind = kind;
    media->kind_text = g_strdup(kind_names[kind]);
    media->port = 9;
    media->protocol = g_strdup("UDP/TLS/RTP/SAVPF");
    media->formats = g_ptr_array_new_with_free_func((GDestroyNotify)format_free);
    media->extmaps = array_new(sizeof(SdpExtmap), extmap_clear);
    media->sources = array_new(sizeof(SdpSource), source_clear);
    media->source_groups = array_new(sizeof(SdpSourceGroup), source_group_clear);
    media->rids = array_new(sizeof(SdpRid), rid_clear);
    media->candidates = g_ptr_array_new_with_free_func(g_free);
    return media;
}

void sdp_media_free(SdpMedia *media)
{
    if (!media)
        return;
    g_free(media->kind_text);
    g_free(media->protocol);
    g_free(media->formats_text);
    g_free(media->mid);
    g_free(media->msid_stream);
    g_free(media->msid_track);
    g_ptr_array_unref(media->formats);
    g_array_unref(media->extmaps);
    g_array_unref(media->sources);
    g_array_unref(media->source_groups);
    g_array_unref(media->rids);
    g_free(media->simulcast_send);
    g_free(media->simulcast_recv);
    g_ptr_array_unref(media->candidates);
    g_free(media->ice_ufrag);
    g_free(media->ice_pwd);
    g_free(media->fingerprint);
    g_free(media);
}

SdpSession *sdp_session_new(void)
{
    SdpSession *session = g_new0(SdpSession, 1);
    session->bundle = g_ptr_array_new_with_free_func(g_free);
    session->media = g_ptr_array_new_with_free_func((GDestroyNotify)sdp_media_free);
    return session;
}

void sdp_session_free(SdpSession *session)
{
    if (!session)
        return;
    g_free(session->origin_id);
    g_ptr_array_unref(session->bundle);
    g_ptr_array_unref(session->media);
    g_free(session);
}

SdpFormat *sdp_media_add_format(SdpMedia *media, guint payload_type, const char *encoding,
                                gint clock_hz, gint channels, const char *fmtp)
{
    SdpFormat *format = g_new0(SdpFormat, 1);
    format->payload_type = payload_type;
    format->encoding = g_strdup(encoding);
    format->clock_hz = clock_hz;
    format->channels = MAX(channels, 1);
    format->fmtp = g_strdup(fmtp);
    format->feedback = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(media->formats, format);
    return format;
}

void sdp_format_add_feedback(SdpFormat *format, const char *feedback)
{
    if (format->feedback->len < SDP_MAX_FEEDBACK && !sdp_format_has_feedback(format, feedback))
        g_ptr_array_add(format->feedback, g_strdup(feedback));
}

void sdp_media_add_extmap(SdpMedia *media, guint id, const char *uri, SdpDirection direction)
{
    SdpExtmap extmap = { .id = id, .uri = g_strdup(uri), .direction = direction };
    g_array_append_val(media->extmaps, extmap);
}

void sdp_media_add_source(SdpMedia *media, guint32 ssrc, const char *cname)
{
    SdpSource source = { .ssrc = ssrc, .cname = g_strdup(cname) };
    g_array_append_val(media->sources, source);
}

void sdp_media_add_source_group(SdpMedia *media, const char *semantics, const guint32 *ssrcs,
                                guint count)
{
    SdpSourceGroup group = { .semantics = g_strdup(semantics),
                             .ssrcs = g_array_new(FALSE, FALSE, sizeof(guint32)) };
    g_array_append_vals(group.ssrcs, ssrcs, count);
    g_array_append_val(media->source_groups, group);
}

void sdp_media_add_rid(SdpMedia *media, const char *id, gboolean send, const char *params)
{
    SdpRid rid = { .id = g_strdup(id), .send = send, .params = g_strdup(params) };
    g_array_append_val(media->rids, rid);
}

const SdpMedia *sdp_session_find_mid(const SdpSession *session, const char *mid)
{
    for (guint i = 0; i < session->media->len; i++) {
        const SdpMedia *media = session->media->pdata[i];
        if (media->mid && g_str_equal(media->mid, mid))
            return media;
    }
    return NULL;
}

gboolean sdp_session_bundles(const SdpSession *session, const char *mid)
{
    return mid && g_ptr_array_find_with_equal_func(session->bundle, mid, g_str_equal, NULL);
}

const SdpFormat *sdp_media_format(const SdpMedia *media, guint payload_type)
{
    for (guint i = 0; i < media->formats->len; i++) {
        const SdpFormat *format = media->formats->pdata[i];
        if (format->payload_type == payload_type)
            return format;
    }
    return NULL;
}

gboolean sdp_format_has_feedback(const SdpFormat *format, const char *feedback)
{
    return g_ptr_array_find_with_equal_func(format->feedback, feedback, g_str_equal, NULL);
}

char *sdp_fmtp_get(const char *fmtp, const char *name)
{
    if (!fmtp)
        return NULL;
    gsize name_length = strlen(name);
    for (const char *parameter = fmtp; parameter;) {
        parameter += strspn(parameter, "; ");
        gsize length = strcspn(parameter, ";");
        if (length > name_length && parameter[name_length] == '=' &&
            g_ascii_strncasecmp(parameter, name, name_length) == 0) {
            const char *value = parameter + name_length + 1;
            return g_strchomp(g_strndup(value, length - name_length - 1));
        }
        parameter = parameter[length] ? parameter + length + 1 : NULL;
    }
    return NULL;
}

gboolean sdp_media_rejected(const SdpMedia *media)
{
    return media->port == 0 && !media->bundle_only;
}

gboolean sdp_media_is_rtp(const SdpMedia *media)
{
    return (media->kind == SDP_AUDIO || media->kind == SDP_VIDEO) &&
           g_str_has_suffix(media->protocol, "RTP/SAVPF");
}
