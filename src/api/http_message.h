#pragma once

#include <glib.h>

/* HTTP requests and responses as values: nothing here knows a socket. */

typedef enum {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_METHODS, /* how many */
} HttpMethod;

const char *http_method_name(HttpMethod method);

/** The header fields that anything here reads. */
typedef enum {
    HTTP_HEADER_HOST,
    HTTP_HEADER_ORIGIN,
    HTTP_HEADER_AUTHORIZATION,
    HTTP_HEADER_CONTENT_TYPE,
    HTTP_HEADER_IF_MATCH,
    HTTP_HEADER_IF_NONE_MATCH,
    HTTP_HEADER_RANGE,
    HTTP_HEADER_IF_RANGE,
    HTTP_HEADERS, /* how many */
} HttpHeader;

typedef struct {
    HttpMethod method;
    char *path;                  /* percent-decoded, begins with "/", no "." or ".." segments */
    char **args;                 /* NULL-ended "name=value", percent-decoded; may be NULL */
    char *headers[HTTP_HEADERS]; /* NULL where absent */
    GByteArray *body;            /* never NULL */
    gboolean too_large;          /* its body was not read: it is larger than body_limit() said */
    char *peer;                  /* address without port */
    gboolean secure;             /* came over TLS */
} HttpRequest;

HttpRequest *http_request_new(void);
void http_request_free(HttpRequest *request);

/** The header's value, or "" where absent. */
const char *http_request_header(const HttpRequest *request, HttpHeader header);

/** The value of a query argument, or NULL. */
const char *http_request_arg(const HttpRequest *request, const char *name);

/** TRUE if Content-Type is this media type (parameters and case do not matter). */
gboolean http_request_has_type(const HttpRequest *request, const char *type);

typedef struct {
    guint status;
    GString *headers; /* "Name: value\r\n"... */
    GBytes *body;     /* or NULL */
    gint fd;          /* of the file that is the body instead, or -1 */
    guint64 file_offset, file_size;
    gboolean close; /* end the connection after it */
} HttpResponse;

HttpResponse *http_response_new(guint status);
void http_response_free(HttpResponse *response);

/** Add a header field. Control characters in the value become spaces. */
void http_response_add(HttpResponse *response, const char *name, const char *value);

/** Set body and Content-Type; `data` is copied. */
void http_response_set_body(HttpResponse *response, const char *type, const void *data, gsize size);

/** The body is these bytes of a file, which are read while they are sent; `fd` (transfer full) is a
 *  plain file's. */
void http_response_set_file(HttpResponse *response, gint fd, guint64 offset, guint64 size);

/** (transfer full) The response as bytes on the wire, with Content-Length and the headers that
 *  every response has. A HEAD request gets no body; a file's bytes follow by other ways. `room`
 *  bytes are left free in front. */
GByteArray *http_response_serialize(const HttpResponse *response, HttpMethod method, gsize room);

/** (transfer full) The same of a response whose body follows in chunks (RFC 9112 section 7.1),
 * after which the connection ends. */
GByteArray *http_response_serialize_stream(const HttpResponse *response, gsize room);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpRequest, http_request_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpResponse, http_response_free)
