#include "api/http_message.h"

#include <string.h>
#include <unistd.h>

static const char *const method_names[HTTP_METHODS] = { "GET",   "HEAD",   "POST",   "PUT",
                                                        "PATCH", "DELETE", "OPTIONS" };

const char *http_method_name(HttpMethod method)
{
    return method_names[method];
}

HttpRequest *http_request_new(void)
{
    HttpRequest *request = g_new0(HttpRequest, 1);
    request->body = g_byte_array_new();
    return request;
}

void http_request_free(HttpRequest *request)
{
    if (!request)
        return;
    g_free(request->path);
    g_strfreev(request->args);
    for (guint i = 0; i < HTTP_HEADERS; i++)
        g_free(request->headers[i]);
    g_byte_array_unref(request->body);
    g_free(request->peer);
    g_free(request);
}

const char *http_request_header(const HttpRequest *request, HttpHeader header)
{
    return request->headers[header] ? request->headers[header] : "";
}

const char *http_request_arg(const HttpRequest *request, const char *name)
{
    gsize length = strlen(name);
    for (guint i = 0; request->args && request->args[i]; i++) {
        if (strncmp(request->args[i], name, length) == 0 && request->args[i][length] == '=')
            return request->args[i] + length + 1;
    }
    return NULL;
}

gboolean http_request_has_type(const HttpRequest *request, const char *type)
{
    const char *value = http_request_header(request, HTTP_HEADER_CONTENT_TYPE);
    gsize length = strlen(type);
    if (g_ascii_strncasecmp(value, type, length) != 0)
        return FALSE;
    return strchr(" ;\t", value[length]) != NULL; /* also at the end of the string */
}

HttpResponse *http_response_new(guint status)
{
    HttpResponse *response = g_new0(HttpResponse, 1);
    response->status = status;
    response->headers = g_string_new(NULL);
    response->fd = -1;
    return response;
}

void http_response_free(HttpResponse *response)
{
    if (!response)
        return;
    g_string_free(response->headers, TRUE);
    g_clear_pointer(&response->body, g_bytes_unref);
    if (response->fd >= 0)
        close(response->fd);
    g_free(response);
}

void http_response_add(HttpResponse *response, const char *name, const char *value)
{
    g_string_append_printf(response->headers, "%s: ", name);
    for (const char *p = value; *p; p++) {
        guchar c = (guchar)*p;
        g_string_append_c(response->headers, c < 0x20 || c == 0x7f ? ' ' : *p);
    }
    g_string_append(response->headers, "\r\n");
}

void http_response_set_body(HttpResponse *response, const char *type, const void *data, gsize size)
{
    g_clear_pointer(&response->body, g_bytes_unref);
    response->body = g_bytes_new(data, size);
    http_response_add(response, "Content-Type", type);
}

void http_response_set_file(HttpResponse *response, gint fd, guint64 offset, guint64 size)
{
    if (response->fd >= 0)
        close(response->fd);
    response->fd = fd;
    response->file_offset = offset;
    response->file_size = size;
}

static const char *status_text(guint status)
{
    static const struct {
        guint status;
        const char *text;
    } texts[] = {
        { 200, "OK" },
        { 201, "Created" },
        { 202, "Accepted" },
        { 204, "No Content" },
        { 206, "Partial Content" },
        { 304, "Not Modified" },
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 406, "Not Acceptable" },
        { 408, "Request Timeout" },
        { 409, "Conflict" },
        { 411, "Length Required" },
        { 412, "Precondition Failed" },
        { 413, "Content Too Large" },
        { 415, "Unsupported Media Type" },
        { 416, "Range Not Satisfiable" },
        { 422, "Unprocessable Content" },
        { 426, "Upgrade Required" },
        { 428, "Precondition Required" },
        { 429, "Too Many Requests" },
        { 500, "Internal Server Error" },
        { 501, "Not Implemented" },
        { 503, "Service Unavailable" },
    };
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        if (texts[i].status == status)
            return texts[i].text;
    }
    return "Status";
}

static gboolean has_length(guint status)
{
    return status >= 200 && status != 204 && status != 304;
}

static GString *begin_head(const HttpResponse *response)
{
    GString *head = g_string_new(NULL);
    g_string_append_printf(head, "HTTP/1.1 %u %s\r\n%s", response->status,
                           status_text(response->status), response->headers->str);
    g_string_append(head, "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n");
    if (!strstr(response->headers->str, "Cache-Control:"))
        g_string_append(head, "Cache-Control: no-store\r\n");
    return head;
}

static GByteArray *end_head(GString *head, gsize room, gsize body)
{
    g_string_append(head, "\r\n");
    GByteArray *out = g_byte_array_sized_new((guint)(room + head->len + body));
    g_byte_array_set_size(out, (guint)room);
    memset(out->data, 0, room);
    g_byte_array_append(out, (const guint8 *)head->str, (guint)head->len);
    return out;
}

GByteArray *http_response_serialize(const HttpResponse *response, HttpMethod method, gsize room)
{
    gsize size = response->body ? g_bytes_get_size(response->body) : 0;
    guint64 length = response->fd >= 0 ? response->file_size : size;
    g_autoptr(GString) head = begin_head(response);
    if (has_length(response->status))
        g_string_append_printf(head, "Content-Length: %" G_GUINT64_FORMAT "\r\n", length);
    if (response->close)
        g_string_append(head, "Connection: close\r\n");
    GByteArray *out = end_head(head, room, size);
    if (size && method != HTTP_HEAD && has_length(response->status))
        g_byte_array_append(out, g_bytes_get_data(response->body, NULL), (guint)size);
    return out;
}

GByteArray *http_response_serialize_stream(const HttpResponse *response, gsize room)
{
    g_autoptr(GString) head = begin_head(response);
    g_string_append(head, "Transfer-Encoding: chunked\r\nConnection: close\r\n");
    return end_head(head, room, 0);
}
