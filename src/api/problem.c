#include "api/problem.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

typedef struct {
    guint status;
    const char *code;
    const char *title;
} ProblemKind;

static const ProblemKind kinds[] = {
    [0] = { 500, "internal", "Internal error" },
    [TESSERA_ERROR_INVALID] = { 400, "invalid", "Invalid request" },
    [TESSERA_ERROR_UNAUTHORIZED] = { 401, "unauthorized", "Authentication needed" },
    [TESSERA_ERROR_FORBIDDEN] = { 403, "forbidden", "Not allowed" },
    [TESSERA_ERROR_NOT_FOUND] = { 404, "not-found", "Not found" },
    [TESSERA_ERROR_CONFLICT] = { 409, "conflict", "Conflict" },
    [TESSERA_ERROR_TOO_LARGE] = { 413, "too-large", "Too large" },
    [TESSERA_ERROR_UNSUPPORTED] = { 422, "unsupported", "Not supported" },
    [TESSERA_ERROR_UNAVAILABLE] = { 503, "unavailable", "Not available now" },
    [TESSERA_ERROR_INTERNAL] = { 500, "internal", "Internal error" },
};

/* Statuses that HTTP itself asks for and no TesseraError has. */
static const ProblemKind http_kinds[] = {
    { 405, "invalid", "Method not allowed" },         { 411, "invalid", "Length required" },
    { 412, "conflict", "Precondition failed" },       { 416, "invalid", "Range not satisfiable" },
    { 415, "unsupported", "Unsupported media type" }, { 426, "invalid", "Upgrade required" },
    { 428, "invalid", "Precondition required" },      { 429, "unavailable", "Too many requests" },
    { 501, "unsupported", "Not implemented" },
};

static const ProblemKind *kind_of_error(const GError *error)
{
    if (error->domain == TESSERA_ERROR && error->code > 0 &&
        (guint)error->code < G_N_ELEMENTS(kinds))
        return &kinds[error->code];
    return &kinds[0];
}

static const ProblemKind *kind_of_status(guint status)
{
    for (guint i = 0; i < G_N_ELEMENTS(http_kinds); i++) {
        if (http_kinds[i].status == status)
            return &http_kinds[i];
    }
    for (guint i = 1; i < G_N_ELEMENTS(kinds); i++) {
        if (kinds[i].status == status)
            return &kinds[i];
    }
    return &kinds[0];
}

guint problem_status(const GError *error)
{
    return kind_of_error(error)->status;
}

const char *problem_code(const GError *error)
{
    return kind_of_error(error)->code;
}

static HttpResponse *make_response(guint status, const char *detail, const char *retry)
{
    const ProblemKind *kind = kind_of_status(status);
    json_t *json =
        json_pack("{s:s, s:s, s:i, s:s, s:s%}", "type", "about:blank", "title", kind->title,
                  "status", (int)status, "code", kind->code, "detail", detail, strlen(detail));
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    HttpResponse *response = http_response_new(status);
    http_response_set_body(response, "application/problem+json", text ? text : "{}",
                           text ? strlen(text) : 2);
    if (status == 401)
        http_response_add(response, "WWW-Authenticate", "Bearer realm=\"tessera\"");
    if (retry)
        http_response_add(response, "Retry-After", retry);
    free(text);
    json_decref(json);
    return response;
}

HttpResponse *problem_response(guint status, const char *detail)
{
    return make_response(status, detail, status == 429 ? "1" : status == 503 ? "5" : NULL);
}

HttpResponse *problem_response_later(const char *detail, guint seconds)
{
    g_autofree char *retry = g_strdup_printf("%u", seconds);
    return make_response(503, detail, retry);
}

HttpResponse *problem_from_error(const GError *error)
{
    guint status = problem_status(error);
    return problem_response(
        status, status == 500 ? "The server failed to do this; its log says why." : error->message);
}
