/* A server on a free loopback port over the fake rooms, with a small web directory of its own. */
#pragma once

#if defined(__clang__)
#pragma clang diagnostic ignored "-Wthread-safety-analysis" /* one thread plays every role */
#endif

#include <glib/gstdio.h>

#include "api/api.h"
#include "unit/api/http_client.h"
#include "unit/api/room_fake.h"

typedef struct {
    Config *config;
    Rooms *rooms;
    Api *api;
    char *web;
    guint port;
} Fixture;

static inline void fixture_write(const char *dir, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    g_autofree char *parent = g_path_get_dirname(path);
    g_assert_cmpint(g_mkdir_with_parents(parent, 0700), ==, 0);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static inline void fixture_set(Fixture *fixture, const char *assignment)
{
    g_autoptr(GError) error = NULL;
    config_set(fixture->config, assignment, &error);
    g_assert_no_error(error);
}

/* `settings`: "a.b=c d.e=f", or "". */
static inline void fixture_start(Fixture *fixture, const char *settings)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) list = g_strsplit(settings, " ", 0);
    fixture->config = config_new();
    fixture->web = g_dir_make_tmp("tessera-web-XXXXXX", NULL);
    fixture_write(fixture->web, "index.html", "<p>lobby");
    fixture_write(fixture->web, "room.html", "<p>room");
    fixture_write(fixture->web, "js/app.js", "export {}");
    fixture_write(fixture->web, ".hidden.txt", "hidden");
    g_autofree char *web = g_strconcat("http.web_dir=", fixture->web, NULL);
    fixture_set(fixture, web);
    fixture_set(fixture, "http.listen=127.0.0.1:0");
    fixture_set(fixture, "https.listen=");
    fixture_set(fixture, "rtmp.listen=");
    for (guint i = 0; list[i] && *list[i]; i++)
        fixture_set(fixture, list[i]);
    fixture->rooms = rooms_new(NULL, fixture->config);
    fixture->api = api_new(fixture->config, fixture->rooms, NULL, &error);
    g_assert_no_error(error);
    api_listen(fixture->api, &error);
    g_assert_no_error(error);
    g_autofree char *url = api_url(fixture->api, 0);
    fixture->port = (guint)g_ascii_strtoull(strrchr(url, ':') + 1, NULL, 10);
}

static inline void fixture_stop(Fixture *fixture)
{
    static const char *const files[] = { "index.html",  "room.html", "js/app.js",
                                         ".hidden.txt", "js",        "" };
    api_stop(fixture->api);
    rooms_free(fixture->rooms);
    api_free(fixture->api);
    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(fixture->web, files[i], NULL);
        g_remove(path);
    }
    g_free(fixture->web);
    config_free(fixture->config);
}
