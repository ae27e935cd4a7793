#include "api/json_body.h"

#include <string.h>

#include "api/api_private.h"
#include "api/json_text.h"

#define MAX_STRING 4096

static gboolean strings_are_short(const json_t *json)
{
    size_t i;
    json_t *value;
    const char *key;
    if (json_is_string(json))
        return json_string_length(json) <= MAX_STRING;
    if (json_is_array(json)) {
        json_array_foreach(json, i, value)
        {
            if (!strings_are_short(value))
                return FALSE;
        }
    }
    if (json_is_object(json)) {
        json_object_foreach((json_t *)json, key, value)
        {
            if (strlen(key) > MAX_STRING || !strings_are_short(value))
                return FALSE;
        }
    }
    return TRUE;
}

json_t *json_body_read(ApiCall *call)
{
    g_autoptr(GError) error = NULL;
    const HttpRequest *request = call->request;
    if (!http_request_has_type(request, "application/json") &&
        !http_request_has_type(request, "application/merge-patch+json")) {
        api_respond_problem(call, 415,
                            "The body must be JSON, of type application/json or "
                            "application/merge-patch+json.");
        return NULL;
    }
    json_t *json = json_text_load((const char *)request->body->data, request->body->len, &error);
    if (!json) {
        api_respond_error(call, error);
        return NULL;
    }
    if (strings_are_short(json))
        return json;
    api_respond_problem(call, 400, "A string in the JSON text is longer than 4096 bytes.");
    json_decref(json);
    return NULL;
}

json_t *json_body_read_object(ApiCall *call)
{
    json_t *json = json_body_read(call);
    if (!json || json_is_object(json))
        return json;
    api_respond_problem(call, 400, "The JSON text must be an object.");
    json_decref(json);
    return NULL;
}

gboolean json_body_arg_uint(ApiCall *call, const char *name, guint max, guint *value)
{
    const char *text = http_request_arg(call->request, name);
    guint64 number = 0;
    if (!text)
        return TRUE;
    if (g_ascii_string_to_unsigned(text, 10, 0, max, &number, NULL)) {
        *value = (guint)number;
        return TRUE;
    }
    g_autofree char *detail =
        g_strdup_printf("\"%s\" in the query must be a whole number from 0 to %u.", name, max);
    api_respond_problem(call, 400, detail);
    return FALSE;
}

gboolean json_body_arg_flag(ApiCall *call, const char *name)
{
    const char *text = http_request_arg(call->request, name);
    return text && (strcmp(text, "1") == 0 || strcmp(text, "true") == 0);
}
