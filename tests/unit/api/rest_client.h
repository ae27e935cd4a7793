/* Requests and JSON replies of the REST API for tests. */
#pragma once

#include <jansson.h>

#include "unit/api/token_fixture.h"

#define REST_JSON  "Content-Type: application/json\r\n"
#define REST_PATCH "Content-Type: application/merge-patch+json\r\n"

static Fixture fixture;

/* A server of its own for each test; the client runs in `function`. */
static inline void rest_run(const char *settings, void (*function)(gpointer data))
{
    fixture = (Fixture){ 0 };
    fixture_start(&fixture, settings);
    client_run(function, NULL);
    client_settle();
    fixture_stop(&fixture);
}

/* One request on a connection of its own. */
static inline void rest(const char *method, const char *path, const char *headers, const char *body,
                        Reply *reply)
{
    Client client;
    reply_clear(reply);
    client_open(&client, fixture.port);
    g_assert_true(client_request(&client, method, path, headers, body, reply));
    client_close(&client);
}

static inline guint rest_status(const char *method, const char *path, const char *headers,
                                const char *body)
{
    return client_status(fixture.port, method, path, headers, body);
}

/* (transfer full) The JSON of a reply that must have this status. */
static inline json_t *rest_json(const char *method, const char *path, const char *headers,
                                const char *body, guint status)
{
    g_auto(Reply) reply = { 0 };
    rest(method, path, headers, body, &reply);
    g_assert_cmpuint(reply.status, ==, status);
    json_t *json = json_loads(reply.body, JSON_DECODE_ANY, NULL);
    g_assert_nonnull(json);
    return json;
}

/* The request is refused with this status and one sentence that holds this text. */
static inline void rest_refused(const char *method, const char *path, const char *headers,
                                const char *body, guint status, const char *part)
{
    g_auto(Reply) reply = { 0 };
    rest(method, path, headers, body, &reply);
    g_autofree char *type = reply_header(&reply, "Content-Type");
    g_assert_cmpuint(reply.status, ==, status);
    g_assert_cmpstr(type, ==, "application/problem+json");
    if (!strstr(reply.body, part))
        g_error("\"%s\" is not in %s", part, reply.body);
}

/* (transfer full) */
static inline char *rest_etag(const char *path)
{
    g_auto(Reply) reply = { 0 };
    rest("GET", path, "", NULL, &reply);
    g_assert_cmpuint(reply.status, ==, 200);
    char *etag = reply_header(&reply, "ETag");
    g_assert_nonnull(etag);
    return etag;
}

static inline const char *json_text_of(const json_t *json, const char *key)
{
    return json_string_value(json_object_get(json, key));
}

/* Sanitizers make everything some times slower. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define REST_QUICK_US 250000
#endif
#endif
#ifndef REST_QUICK_US
#define REST_QUICK_US 50000
#endif

/* Runs it up to twenty times; one must take less than 50 ms (the machine may have other work). */
static inline void rest_assert_quick(void (*function)(gconstpointer data), gconstpointer data)
{
    gint64 best = G_MAXINT64;
    for (guint i = 0; i < 20 && best >= REST_QUICK_US; i++) {
        gint64 began = g_get_monotonic_time();
        function(data);
        best = MIN(best, g_get_monotonic_time() - began);
        if (best >= REST_QUICK_US)
            g_usleep(20000);
    }
    g_assert_cmpint(best, <, REST_QUICK_US);
}
