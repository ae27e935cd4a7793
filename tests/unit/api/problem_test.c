#include "api/problem.h"

#include <jansson.h>
#include <string.h>

#include "base/error.h"

static void test_every_error(void)
{
    static const struct {
        TesseraError code;
        guint status;
        const char *word;
    } expected[] = {
        { TESSERA_ERROR_INVALID, 400, "invalid" },
        { TESSERA_ERROR_UNAUTHORIZED, 401, "unauthorized" },
        { TESSERA_ERROR_FORBIDDEN, 403, "forbidden" },
        { TESSERA_ERROR_NOT_FOUND, 404, "not-found" },
        { TESSERA_ERROR_CONFLICT, 409, "conflict" },
        { TESSERA_ERROR_TOO_LARGE, 413, "too-large" },
        { TESSERA_ERROR_UNSUPPORTED, 422, "unsupported" },
        { TESSERA_ERROR_UNAVAILABLE, 503, "unavailable" },
        { TESSERA_ERROR_INTERNAL, 500, "internal" },
    };
    for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
        g_autoptr(GError) error =
            g_error_new_literal(TESSERA_ERROR, (gint)expected[i].code, "The cat is out.");
        g_assert_cmpuint(problem_status(error), ==, expected[i].status);
        g_assert_cmpstr(problem_code(error), ==, expected[i].word);
    }
}

static json_t *body_of(const HttpResponse *response)
{
    gsize size;
    const char *data = g_bytes_get_data(response->body, &size);
    return json_loadb(data, size, 0, NULL);
}

static void test_document(void)
{
    g_autoptr(GError) error =
        g_error_new_literal(TESSERA_ERROR, TESSERA_ERROR_NOT_FOUND, "There is no \"x\".");
    g_autoptr(HttpResponse) response = problem_from_error(error);
    json_t *json = body_of(response);
    g_assert_nonnull(strstr(response->headers->str, "Content-Type: application/problem+json\r\n"));
    g_assert_cmpint(json_integer_value(json_object_get(json, "status")), ==, 404);
    g_assert_cmpstr(json_string_value(json_object_get(json, "code")), ==, "not-found");
    g_assert_cmpstr(json_string_value(json_object_get(json, "detail")), ==, "There is no \"x\".");
    g_assert_cmpstr(json_string_value(json_object_get(json, "type")), ==, "about:blank");
    g_assert_nonnull(json_object_get(json, "title"));
    json_decref(json);
}

static void test_internal_is_not_told(void)
{
    g_autoptr(GError) error =
        g_error_new_literal(G_FILE_ERROR, G_FILE_ERROR_NOENT, "/secret/path is missing");
    g_autoptr(HttpResponse) response = problem_from_error(error);
    json_t *json = body_of(response);
    g_assert_cmpuint(response->status, ==, 500);
    g_assert_null(strstr(json_string_value(json_object_get(json, "detail")), "secret"));
    json_decref(json);
}

static void test_headers(void)
{
    g_autoptr(HttpResponse) unauthorized = problem_response(401, "x");
    g_autoptr(HttpResponse) busy = problem_response(503, "x");
    g_assert_nonnull(strstr(unauthorized->headers->str, "WWW-Authenticate: Bearer"));
    g_assert_nonnull(strstr(busy->headers->str, "Retry-After:"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/problem/every_error", test_every_error);
    g_test_add_func("/problem/document", test_document);
    g_test_add_func("/problem/internal", test_internal_is_not_told);
    g_test_add_func("/problem/headers", test_headers);
    return g_test_run();
}
