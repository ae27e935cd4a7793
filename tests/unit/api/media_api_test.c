#include "unit/api/rest_client.h"

#include <glib/gstdio.h>

#define TEAM       "/api/v1/rooms/team"
#define RECORDINGS TEAM "/recordings"
#define BROADCASTS TEAM "/broadcasts"
#define SOURCES    TEAM "/sources"
#define FILE_NAME  "team.20260131T120000Z-r1.mp4"
#define OLD_FILE   RECORDINGS "/-/" FILE_NAME
#define BIG        5000003

static char *directory;

static void open_room(void)
{
    rooms_open(fixture.rooms, "team", NULL);
}

static void recordings(gpointer data)
{
    g_auto(Reply) reply = { 0 };
    (void)data;
    open_room();
    rest("POST", RECORDINGS, REST_JSON, "{\"format\":\"mp4\"}", &reply);
    g_autofree char *location = reply_header(&reply, "Location");
    g_assert_cmpuint(reply.status, ==, 201);
    g_assert_true(g_str_has_prefix(location, RECORDINGS "/o"));
    json_t *list = rest_json("GET", RECORDINGS, "", NULL, 200);
    g_assert_cmpuint(json_array_size(json_object_get(list, "recordings")), ==, 1);
    json_decref(list);
    json_t *paused = rest_json("PATCH", location, REST_PATCH, "{\"paused\":true}", 200);
    g_assert_true(json_is_true(json_object_get(paused, "paused")));
    json_decref(paused);
    rest_refused("PATCH", location, REST_PATCH, "{\"paused\":1}", 400, "paused");
    json_t *ended = rest_json("DELETE", location, "", NULL, 202);
    g_assert_cmpstr(json_text_of(ended, "state"), ==, "finished");
    json_decref(ended);
    json_t *still = rest_json("GET", location, "", NULL, 200);
    g_assert_cmpstr(json_text_of(still, "state"), ==, "finished");
    json_decref(still);
    g_assert_cmpuint(rest_status("POST", RECORDINGS, "", NULL), ==, 201);
    rest_refused("POST", RECORDINGS, REST_JSON, "{\"format\":\"avi\"}", 400, "format");
    rest_refused("POST", RECORDINGS, REST_JSON, "[]", 400, "object");
    rest_refused("GET", RECORDINGS "/o99", "", NULL, 404, "recording");
    rest_refused("POST", "/api/v1/rooms/none/recordings", "", NULL, 404, "room");
}

/* What has no picture has no layout to be changed: that is a conflict, not a success. */
static void no_picture(gpointer data)
{
    g_auto(Reply) reply = { 0 }, seen = { 0 };
    (void)data;
    open_room();
    rest("POST", RECORDINGS, REST_JSON, "{\"video\":false}", &reply);
    g_autofree char *location = reply_header(&reply, "Location");
    rest_refused("PATCH", location, REST_PATCH, "{\"layout\":\"grid\"}", 409, "no picture");
    g_assert_cmpuint(rest_status("PATCH", location, REST_PATCH, "{\"paused\":true}"), ==, 200);
    rest("POST", RECORDINGS, REST_JSON, "{}", &seen);
    g_autofree char *with = reply_header(&seen, "Location");
    g_assert_cmpuint(rest_status("PATCH", with, REST_PATCH, "{\"layout\":\"grid\"}"), ==, 200);
}

static void broadcasts(gpointer data)
{
    g_auto(Reply) reply = { 0 };
    (void)data;
    open_room();
    rest("POST", BROADCASTS, REST_JSON, "{\"url\":\"rtmp://a/b/c\"}", &reply);
    g_autofree char *location = reply_header(&reply, "Location");
    g_assert_cmpuint(reply.status, ==, 201);
    json_t *list = rest_json("GET", BROADCASTS, "", NULL, 200);
    g_assert_cmpuint(json_array_size(json_object_get(list, "broadcasts")), ==, 1);
    json_decref(list);
    g_assert_cmpuint(rest_status("PATCH", location, REST_PATCH, "{}"), ==, 200);
    g_assert_cmpuint(rest_status("DELETE", location, "", NULL), ==, 202);
    g_assert_cmpuint(rest_status("GET", location, "", NULL), ==, 200);
    g_autofree char *as_recording = g_strconcat(RECORDINGS, strrchr(location, '/'), NULL);
    rest_refused("GET", as_recording, "", NULL, 404, "recording");
    rest_refused("POST", BROADCASTS, REST_JSON, "{\"url\":\"http://a\"}", 422, "rtmp://");
    rest_refused("DELETE", BROADCASTS "/o99", "", NULL, 404, "broadcast");
}

static void sources(gpointer data)
{
    g_auto(Reply) reply = { 0 };
    (void)data;
    open_room();
    rest("POST", SOURCES, REST_JSON, "{\"file\":\"clip.mp4\"}", &reply);
    g_autofree char *location = reply_header(&reply, "Location");
    g_assert_cmpuint(reply.status, ==, 201);
    g_assert_cmpstr(location, ==, SOURCES "/p1");
    json_t *list = rest_json("GET", SOURCES, "", NULL, 200);
    g_assert_cmpuint(json_array_size(json_object_get(list, "sources")), ==, 1);
    json_decref(list);
    json_t *paused = rest_json("PATCH", location, REST_PATCH, "{\"paused\":true}", 200);
    g_assert_true(json_is_true(json_object_get(paused, "paused")));
    json_decref(paused);
    rest_refused("PATCH", location, REST_PATCH, "{\"paused\":1}", 400, "paused");
    rest_refused("PATCH", location, "", "{}", 415, "application/json");
    rest_refused("POST", SOURCES, REST_JSON, "{}", 400, "pattern");
    g_assert_cmpuint(
        rest_status("POST", "/whip/team?name=Cam", "Content-Type: application/sdp\r\n", "v=0"), ==,
        201);
    rest_refused("GET", SOURCES "/p2", "", NULL, 404, "source"); /* is a person */
    g_assert_cmpuint(rest_status("GET", location, "", NULL), ==, 200);
    g_assert_cmpuint(rest_status("DELETE", location, "", NULL), ==, 204);
    g_assert_cmpuint(rest_status("DELETE", location, "", NULL), ==, 404);
}

/* --- files ------------------------------------------------------------------------------- */

static char byte_at(gsize i)
{
    return (char)('a' + i * 7919 / 13 % 26);
}

static void make_file(void)
{
    g_autofree char *bytes = g_malloc(BIG);
    for (gsize i = 0; i < BIG; i++)
        bytes[i] = byte_at(i);
    g_autofree char *path = g_build_filename(directory, FILE_NAME, NULL);
    g_assert_true(g_file_set_contents(path, bytes, BIG, NULL));
    fake_media.directory = directory;
    fake_media.file = FILE_NAME;
}

static void expect_part(const char *range, guint status, gsize offset, gsize size,
                        const char *content_range)
{
    g_auto(Reply) reply = { 0 };
    g_autofree char *headers = g_strconcat("Range: ", range, "\r\n", NULL);
    rest("GET", OLD_FILE, headers, NULL, &reply);
    g_autofree char *got = reply_header(&reply, "Content-Range");
    g_assert_cmpuint(reply.status, ==, status);
    g_assert_cmpstr(got, ==, content_range);
    g_assert_cmpuint(reply.size, ==, size);
    for (gsize i = 0; i < size; i += 997)
        g_assert_cmpint(reply.body[i], ==, byte_at(offset + i));
    g_assert_cmpint(reply.body[size - 1], ==, byte_at(offset + size - 1));
}

static void download(gpointer data)
{
    g_auto(Reply) reply = { 0 }, head = { 0 };
    (void)data;
    open_room();
    make_file();
    expect_part("none", 200, 0, BIG, NULL);
    expect_part("bytes=0-0", 206, 0, 1, "bytes 0-0/5000003");
    expect_part("bytes=1000-2999999", 206, 1000, 2999000, "bytes 1000-2999999/5000003");
    expect_part("bytes=-3", 206, BIG - 3, 3, "bytes 5000000-5000002/5000003");
    expect_part("bytes=0-1,5-6", 200, 0, BIG, NULL);
    rest("GET", OLD_FILE, "Range: bytes=5000003-\r\n", NULL, &reply);
    g_autofree char *none = reply_header(&reply, "Content-Range");
    g_assert_cmpuint(reply.status, ==, 416);
    g_assert_cmpstr(none, ==, "bytes */5000003");
    rest("HEAD", OLD_FILE, "Range: bytes=0-9\r\n", NULL, &head);
    g_autofree char *length = reply_header(&head, "Content-Length");
    g_autofree char *type = reply_header(&head, "Content-Type");
    g_autofree char *ranges = reply_header(&head, "Accept-Ranges");
    g_autofree char *kept_as = reply_header(&head, "Content-Disposition");
    g_assert_cmpuint(head.status, ==, 200);
    g_assert_cmpstr(length, ==, "5000003");
    g_assert_cmpstr(type, ==, "video/mp4");
    g_assert_cmpstr(ranges, ==, "bytes");
    g_assert_cmpstr(kept_as, ==, "attachment; filename=\"" FILE_NAME "\"");
}

/* A download that goes on after a break does not mix two files. */
static void conditions(gpointer data)
{
    g_auto(Reply) reply = { 0 };
    (void)data;
    open_room();
    make_file();
    g_autofree char *etag = rest_etag(OLD_FILE);
    g_autofree char *same = g_strdup_printf("Range: bytes=5-9\r\nIf-Range: %s\r\n", etag);
    g_autofree char *known = g_strdup_printf("If-None-Match: %s\r\n", etag);
    rest("GET", OLD_FILE, same, NULL, &reply);
    g_assert_cmpuint(reply.status, ==, 206);
    rest("GET", OLD_FILE, "Range: bytes=5-9\r\nIf-Range: \"other\"\r\n", NULL, &reply);
    g_assert_cmpuint(reply.status, ==, 200);
    g_assert_cmpuint(reply.size, ==, BIG);
    g_assert_cmpuint(rest_status("GET", OLD_FILE, known, NULL), ==, 304);
}

static void which_file(gpointer data)
{
    (void)data;
    open_room();
    make_file();
    json_t *recording = rest_json("POST", RECORDINGS, "", NULL, 201);
    g_autofree char *its = g_strconcat(RECORDINGS "/", json_text_of(recording, "id"), NULL);
    g_autofree char *file = g_strconcat(its, "/" FILE_NAME, NULL);
    g_autofree char *other = g_strconcat(its, "/team.20260131T120000Z-r2.mp4", NULL);
    json_decref(recording);
    json_t *list = rest_json("GET", RECORDINGS, "", NULL, 200);
    const json_t *kept = json_array_get(json_object_get(list, "files"), 0);
    g_assert_cmpstr(json_text_of(kept, "name"), ==, FILE_NAME);
    g_assert_cmpint(json_integer_value(json_object_get(kept, "bytes")), ==, BIG);
    json_decref(list);
    g_assert_cmpuint(rest_status("GET", file, "Range: bytes=0-9\r\n", NULL), ==, 206);
    rest_refused("GET", other, "", NULL, 404, "not yet");
    rest_refused("GET", RECORDINGS "/o99/" FILE_NAME, "", NULL, 404, "recording");
    /* Of another room whose name begins alike, or out of the directory. */
    rooms_open(fixture.rooms, "te", NULL);
    rooms_open(fixture.rooms, "team-20260131T120000Z-r1", NULL);
    rest_refused("GET", "/api/v1/rooms/te/recordings/-/" FILE_NAME, "", NULL, 404, "no such file");
    rest_refused("GET", RECORDINGS "/-/team-20260131T120000Z-r1.20260131T120000Z-r1.mp4", "", NULL,
                 404, "no such file");
    /* When the room is closed they are there still, and of what never was nothing is. */
    g_assert_cmpuint(rest_status("DELETE", TEAM, "", NULL), ==, 204);
    list = rest_json("GET", RECORDINGS, "", NULL, 200);
    g_assert_cmpuint(json_array_size(json_object_get(list, "recordings")), ==, 0);
    g_assert_cmpuint(json_array_size(json_object_get(list, "files")), ==, 1);
    json_decref(list);
    g_assert_cmpuint(rest_status("GET", file, "Range: bytes=0-9\r\n", NULL), ==, 206);
    rest_refused("GET", "/api/v1/rooms/never/recordings", "", NULL, 404, "no recording");
    rest_refused("GET", "/api/v1/rooms/never/recordings/-/" FILE_NAME, "", NULL, 404, "no such");
    open_room();
    rest_refused("GET", RECORDINGS "/-/..%2F..%2Fetc%2Fpasswd", "", NULL, 404, "no such");
    rest_refused("GET", RECORDINGS "/-/team.20260131T120000Z-r9.mp4", "", NULL, 404, "recording");
}

/* Many downloads at once, some by clients that go in the middle, do not hold the server up. */
static void many(gpointer data)
{
    static const char text[] = "GET " OLD_FILE " HTTP/1.1\r\nHost: a\r\n\r\n";
    Client clients[20];
    (void)data;
    open_room();
    make_file();
    for (guint i = 0; i < G_N_ELEMENTS(clients); i++) {
        client_open(&clients[i], fixture.port);
        client_send(&clients[i], text, strlen(text));
    }
    g_assert_cmpuint(rest_status("GET", TEAM, "", NULL), ==, 200);
    for (guint i = 0; i < G_N_ELEMENTS(clients); i++) {
        g_auto(Reply) reply = { 0 };
        if (i % 2)
            g_assert_true(client_more(&clients[i]));
        else
            g_assert_true(client_read(&clients[i], FALSE, &reply));
        g_assert_cmpuint(reply.size, ==, i % 2 ? 0 : BIG);
        client_close(&clients[i]);
    }
}

/* --- HLS --------------------------------------------------------------------------------- */

static void hls(gpointer data)
{
    g_auto(Reply) reply = { 0 };
    (void)data;
    open_room();
    rest("GET", "/hls/team/-/index.m3u8", "", NULL, &reply);
    g_autofree char *again = reply_header(&reply, "Retry-After");
    g_assert_cmpuint(reply.status, ==, 503);
    g_assert_cmpstr(again, ==, "1");
    g_assert_cmpstr(fake_media.hls_layout, ==, "");
    fake_media.hls_ready = TRUE;
    rest("GET", "/hls/team/1+5/seg-1.m4s", "", NULL, &reply);
    g_autofree char *cache = reply_header(&reply, "Cache-Control");
    g_assert_cmpstr(reply.body, ==, "segment");
    g_assert_cmpstr(cache, ==, "public, max-age=60");
    g_assert_cmpstr(fake_media.hls_layout, ==, "1+5");
    rest("GET", "/hls/team/room/index.m3u8", "", NULL, &reply);
    g_autofree char *type = reply_header(&reply, "Content-Type");
    g_assert_cmpstr(type, ==, "application/vnd.apple.mpegurl");
    g_assert_null(strstr(reply.body, "access_token"));
    g_assert_cmpstr(fake_media.hls_layout, ==, "");
    rest_refused("GET", "/hls/team/none/index.m3u8", "", NULL, 404, "none");
    rest_refused("GET", "/hls/team/-/other", "", NULL, 404, "no such file");
    rest_refused("GET", "/hls/nobody/-/index.m3u8", "", NULL, 404, "room");
}

/* --- who may ----------------------------------------------------------------------------- */

static void expect_grants(guint bits, guint records, guint controls, guint views)
{
    g_autofree char *headers = fixture_bearer(&fixture, "team", bits);
    g_assert_cmpuint(rest_status("GET", RECORDINGS, headers, NULL), ==, records);
    g_assert_cmpuint(rest_status("GET", BROADCASTS, headers, NULL), ==, records);
    g_assert_cmpuint(rest_status("GET", SOURCES, headers, NULL), ==, controls);
    g_assert_cmpuint(rest_status("GET", "/hls/team/-/index.m3u8", headers, NULL), ==, views);
}

static void grants(gpointer data)
{
    g_auto(Reply) reply = { 0 };
    (void)data;
    open_room();
    fake_media.hls_ready = TRUE;
    expect_grants(AUTH_RECORD, 200, 403, 403);
    expect_grants(AUTH_CONTROL, 403, 200, 403);
    expect_grants(AUTH_VIEW, 403, 403, 200);
    g_assert_cmpuint(rest_status("GET", RECORDINGS, "", NULL), ==, 401);
    g_autofree char *token = fixture_token(&fixture, "team", AUTH_VIEW, NULL, NULL);
    g_autofree char *path = g_strconcat("/hls/team/-/index.m3u8?access_token=", token, NULL);
    g_autofree char *map = g_strdup_printf("URI=\"init.mp4?access_token=%s\"\n", token);
    g_autofree char *segment = g_strdup_printf(",\nseg-1.m4s?access_token=%s\n", token);
    rest("GET", path, "", NULL, &reply);
    g_assert_nonnull(strstr(reply.body, map));
    g_assert_nonnull(strstr(reply.body, segment));
}

/* ----------------------------------------------------------------------------------------- */

typedef struct {
    const char *settings;
    void (*function)(gpointer data);
} Test;

static void run(gconstpointer data)
{
    const Test *test = data;
    memset(&fake_media, 0, sizeof fake_media);
    rest_run(test->settings, test->function);
}

int main(int argc, char **argv)
{
    static const Test tests[] = {
        { "", recordings }, { "", broadcasts }, { "", sources },
        { "", download },   { "", conditions }, { "", which_file },
        { "", many },       { "", hls },        { FIXTURE_SECRET_SET, grants },
        { "", no_picture },
    };
    static const char *const names[] = {
        "recordings", "broadcasts", "sources", "download", "conditions",
        "which_file", "many",       "hls",     "grants",   "no_picture",
    };
    g_test_init(&argc, &argv, NULL);
    directory = g_dir_make_tmp("tessera-recordings-XXXXXX", NULL);
    for (guint i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strconcat("/media_api/", names[i], NULL);
        g_test_add_data_func(path, &tests[i], run);
    }
    int status = g_test_run();
    g_autofree char *path = g_build_filename(directory, FILE_NAME, NULL);
    g_remove(path);
    g_rmdir(directory);
    g_free(directory);
    return status;
}
