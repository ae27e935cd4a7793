#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "io/media_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was taken has a sane host and port, and is shown without what may be secret. */
static void check_taken(const MediaUrl *url, const char *text)
{
    g_autofree char *shown = media_url_redact(text);
    g_autofree char *app = NULL, *name = NULL;
    g_assert_true(url->host[0] && url->port);
    if (url->password && strlen(url->password) > 8)
        g_assert_null(strstr(shown, url->password));
    if (media_url_split_rtmp(url, &app, &name, NULL)) {
        g_assert_true(app[0] && name[0]);
        g_autofree char *end = g_strdup_printf("/%s", name);
        if (g_str_has_prefix(url->scheme, "rtmp"))
            g_assert_true(!g_str_has_suffix(shown, end) || g_str_has_prefix(name, "****"));
    }
    g_free(media_url_query_value(url, "streamid"));
    g_autoptr(GInetAddress) address = g_inet_address_new_from_string("192.0.2.1");
    g_autofree char *at = media_url_at(url, address);
    g_autoptr(MediaUrl) again = media_url_parse(at, MEDIA_URL_PULL, NULL);
    g_assert_true(again || strlen(at) > MEDIA_URL_MAX_LENGTH);
    media_url_check_literal(url, NULL, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(MediaUrl) push = media_url_parse(text, MEDIA_URL_PUSH, NULL);
    g_autoptr(MediaUrl) pull = media_url_parse(text, MEDIA_URL_PULL, NULL);
    if (pull)
        check_taken(pull, text);
    else
        g_assert_null(push);
    MediaUrlPolicy *policy = media_url_policy_new(FALSE, text, NULL);
    if (policy)
        media_url_policy_unref(policy);
    return 0;
}
