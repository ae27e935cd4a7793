#include "api/http_lws.h"

#include <string.h>

#include "api/problem.h"

#define MAX_ARGS     32
#define MAX_ARG_SIZE 4352 /* access_token= and a token of TOKEN_MAX_SIZE */

static const struct {
    enum lws_token_indexes token;
    HttpMethod method;
} method_tokens[] = {
    { WSI_TOKEN_GET_URI, HTTP_GET },         { WSI_TOKEN_HEAD_URI, HTTP_HEAD },
    { WSI_TOKEN_POST_URI, HTTP_POST },       { WSI_TOKEN_PUT_URI, HTTP_PUT },
    { WSI_TOKEN_PATCH_URI, HTTP_PATCH },     { WSI_TOKEN_DELETE_URI, HTTP_DELETE },
    { WSI_TOKEN_OPTIONS_URI, HTTP_OPTIONS },
};

static const enum lws_token_indexes header_tokens[HTTP_HEADERS] = {
    [HTTP_HEADER_HOST] = WSI_TOKEN_HOST,
    [HTTP_HEADER_ORIGIN] = WSI_TOKEN_ORIGIN,
    [HTTP_HEADER_AUTHORIZATION] = WSI_TOKEN_HTTP_AUTHORIZATION,
    [HTTP_HEADER_CONTENT_TYPE] = WSI_TOKEN_HTTP_CONTENT_TYPE,
    [HTTP_HEADER_IF_MATCH] = WSI_TOKEN_HTTP_IF_MATCH,
    [HTTP_HEADER_IF_NONE_MATCH] = WSI_TOKEN_HTTP_IF_NONE_MATCH,
    [HTTP_HEADER_RANGE] = WSI_TOKEN_HTTP_RANGE,
    [HTTP_HEADER_IF_RANGE] = WSI_TOKEN_HTTP_IF_RANGE,
};

/* The header's value, or NULL where absent or with a byte that may not stand in one. */
static char *copy_header(struct lws *wsi, enum lws_token_indexes token)
{
    int size = lws_hdr_total_length(wsi, token);
    if (size <= 0)
        return NULL;
    g_autofree char *value = g_malloc0((gsize)size + 2);
    int copied = lws_hdr_copy(wsi, value, size + 1, token);
    if (copied < 0 || memchr(value, 0, (gsize)copied))
        return NULL;
    return g_strstrip(g_steal_pointer(&value));
}

static char **copy_args(struct lws *wsi)
{
    g_autoptr(GPtrArray) args = g_ptr_array_new_with_free_func(g_free);
    char arg[MAX_ARG_SIZE];
    int size;
    for (int i = 0; i < MAX_ARGS; i++) {
        size = lws_hdr_copy_fragment(wsi, arg, sizeof arg, WSI_TOKEN_HTTP_URI_ARGS, i);
        if (size < 0)
            break;
        if (g_utf8_validate(arg, size, NULL))
            g_ptr_array_add(args, g_strndup(arg, (gsize)size));
    }
    g_ptr_array_add(args, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&args), FALSE);
}

static gboolean read_target(struct lws *wsi, HttpRequest *request)
{
    for (guint i = 0; i < G_N_ELEMENTS(method_tokens); i++) {
        if (!lws_hdr_total_length(wsi, method_tokens[i].token))
            continue;
        request->method = method_tokens[i].method;
        request->path = copy_header(wsi, method_tokens[i].token);
        /* lws takes a plus for a space, which is right for arguments only; no path of ours holds a
         * space. */
        if (request->path)
            g_strdelimit(request->path, " ", '+');
    }
    /* libwebsockets makes a space of "+" in a path too, where only a query means one by it. */
    if (request->path)
        g_strdelimit(request->path, " ", '+');
    request->args = copy_args(wsi);
    return request->path && request->path[0] == '/' && g_utf8_validate(request->path, -1, NULL);
}

static gboolean read_length(struct lws *wsi, HttpHead *head)
{
    g_autofree char *text = copy_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);
    head->has_length = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0;
    if (!head->has_length)
        return TRUE;
    return text && g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT32, &head->content_length, NULL);
}

HttpResponse *http_lws_read_head(struct lws *wsi, HttpHead *head)
{
    HttpRequest *request = head->request;
    if (!read_target(wsi, request))
        return problem_response(400, "The request's path is malformed.");
    for (guint i = 0; i < HTTP_HEADERS; i++)
        request->headers[i] = copy_header(wsi, header_tokens[i]);
    if (!read_length(wsi, head))
        return problem_response(400, "Content-Length must be one number.");
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING))
        return head->has_length
                   ? problem_response(400, "Content-Length and Transfer-Encoding exclude each "
                                           "other.")
                   : problem_response(411, "This server takes no Transfer-Encoding; send the body "
                                           "with a Content-Length.");
    return NULL;
}
