#include "unit/api/rest_client.h"

#define LAYOUTS "/api/v1/layouts"
#define LAYOUT  "/api/v1/rooms/team/layout"
#define PNG     "Content-Type: image/png\r\n"

/* One grey pixel. */
static const guint8 pixel[] = { 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00,
                                0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00, 0x01,
                                0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0x3a,
                                0x7e, 0x9b, 0x55, 0x00, 0x00, 0x00, 0x0a, 0x49, 0x44, 0x41,
                                0x54, 0x78, 0x9c, 0x63, 0x68, 0x00, 0x00, 0x00, 0x82, 0x00,
                                0x81, 0x77, 0xcd, 0x72, 0xb6, 0x00, 0x00, 0x00, 0x00, 0x49,
                                0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82 };

/* --- of a room --------------------------------------------------------------------------- */

static void room_layout(gpointer data)
{
    g_autofree char *document = fake_layout_document("mine");
    (void)data;
    rooms_open(fixture.rooms, "team", NULL);
    json_t *before = rest_json("GET", LAYOUT, "", NULL, 200);
    g_assert_cmpstr(json_text_of(before, "choice"), ==, "grid");
    g_assert_cmpstr(json_text_of(before, "layout"), ==, "grid");
    g_assert_true(json_is_array(json_object_get(before, "tiles")));
    json_decref(before);
    static const char *const bodies[] = { "\"speaker\"", "{\"layout\":\"1+5\"}" };
    static const char *const names[] = { "speaker", "1+5" };
    for (guint i = 0; i < G_N_ELEMENTS(bodies); i++) {
        json_t *now = rest_json("PUT", LAYOUT, REST_JSON, bodies[i], 200);
        g_assert_cmpstr(json_text_of(now, "layout"), ==, names[i]);
        json_decref(now);
    }
    json_t *own = rest_json("PUT", LAYOUT, REST_JSON, document, 200);
    g_assert_cmpstr(json_text_of(own, "layout"), ==, "mine");
    json_decref(own);
}

static void dry_run(gpointer data)
{
    g_autofree char *document = fake_layout_document("mine");
    (void)data;
    rooms_open(fixture.rooms, "team", NULL);
    g_autofree char *before = rest_etag(LAYOUT);
    json_t *tried = rest_json("PUT", LAYOUT "?dry_run=1", REST_JSON, "\"speaker\"", 200);
    g_assert_cmpstr(json_text_of(tried, "choice"), ==, "speaker");
    g_assert_cmpstr(json_text_of(tried, "layout"), ==, "speaker");
    json_decref(tried);
    tried = rest_json("PUT", LAYOUT "?dry_run=1", REST_JSON, document, 200);
    g_assert_cmpstr(json_text_of(json_object_get(tried, "choice"), "name"), ==, "mine");
    json_decref(tried);
    g_autofree char *after = rest_etag(LAYOUT);
    g_assert_cmpstr(before, ==, after);
}

static void room_layout_refusals(gpointer data)
{
    (void)data;
    rooms_open(fixture.rooms, "team", NULL);
    rest_refused("PUT", LAYOUT, REST_JSON, "\"none\"", 404, "grid");
    rest_refused("PUT", LAYOUT, REST_JSON, "{}", 400, "document");
    rest_refused("PUT", LAYOUT, REST_JSON, "7", 400, "document");
    rest_refused("PUT", LAYOUT, REST_JSON, "{\"name\":\"x\",\"regions\":7}", 400, "regions");
    rest_refused("PUT", LAYOUT, "", "\"grid\"", 415, "JSON");
    rest_refused("PUT", "/api/v1/rooms/none/layout", REST_JSON, "\"grid\"", 404, "room");
    g_autofree char *etag = rest_etag(LAYOUT);
    g_autofree char *headers = g_strdup_printf(REST_JSON "If-Match: %s\r\n", etag);
    g_assert_cmpuint(rest_status("PUT", LAYOUT, headers, "\"speaker\""), ==, 200);
    rest_refused("PUT", LAYOUT, headers, "\"grid\"", 412, "If-Match");
}

/* --- documents --------------------------------------------------------------------------- */

static void documents(gpointer data)
{
    g_auto(Reply) reply = { 0 }, again = { 0 };
    g_autofree char *document = fake_layout_document("mine");
    (void)data;
    json_t *list = rest_json("GET", LAYOUTS, "", NULL, 200);
    g_assert_cmpuint(json_array_size(json_object_get(list, "layouts")), ==, 3);
    json_decref(list);
    rest("PUT", LAYOUTS "/mine", REST_JSON "If-None-Match: *\r\n", document, &reply);
    g_autofree char *location = reply_header(&reply, "Location");
    g_assert_cmpuint(reply.status, ==, 201);
    g_assert_cmpstr(location, ==, LAYOUTS "/mine");
    rest_refused("PUT", LAYOUTS "/mine", REST_JSON "If-None-Match: *\r\n", document, 412, "exists");
    g_autofree char *etag = rest_etag(LAYOUTS "/mine");
    g_autofree char *match = g_strdup_printf(REST_JSON "If-Match: %s\r\n", etag);
    g_autofree char *none = g_strdup_printf("If-None-Match: %s\r\n", etag);
    g_assert_cmpuint(rest_status("GET", LAYOUTS "/mine", none, NULL), ==, 304);
    g_assert_cmpuint(rest_status("PUT", LAYOUTS "/mine", match, document), ==, 200);
    g_assert_cmpuint(rest_status("PUT", LAYOUTS "/mine", match, document), ==, 412);
    g_assert_cmpuint(rest_status("GET", LAYOUTS "/mine", none, NULL), ==, 200);
    rest("GET", LAYOUTS "/mine", "", NULL, &again);
    g_assert_cmpstr(again.body, ==, document);
    g_assert_cmpuint(rest_status("DELETE", LAYOUTS "/mine", "If-Match: \"x\"\r\n", NULL), ==, 412);
    g_assert_cmpuint(rest_status("DELETE", LAYOUTS "/mine", "", NULL), ==, 204);
    rest_refused("DELETE", LAYOUTS "/mine", "", NULL, 404, "mine");
    rest_refused("DELETE", LAYOUTS "/grid", "", NULL, 409, "shipped");
    rest_refused("GET", LAYOUTS "/mine", "", NULL, 404, "mine");
    rest_refused("PUT", LAYOUTS "/mine", "", document, 415, "application/json");
    rest_refused("PUT", LAYOUTS "/mine", REST_JSON, "", 400, "empty");
    rest_refused("PUT", LAYOUTS "/schema", REST_JSON,
                 "{\"name\":\"schema\",\"regions\":[{\"fill\":\"rest\"}]}", 400,
                 "\"schema\\\" is reserved: choose another name");
}

static gsize count_tiles(const char *method, const char *path, const char *body)
{
    json_t *plan = rest_json(method, path, body ? REST_JSON : "", body, 200);
    gsize tiles = json_array_size(json_object_get(plan, "tiles"));
    json_decref(plan);
    return tiles;
}

static void previews(gpointer data)
{
    g_autofree char *document = fake_layout_document("mine");
    (void)data;
    g_assert_cmpuint(count_tiles("GET", LAYOUTS "/grid/preview", NULL), ==, 5);
    g_assert_cmpuint(count_tiles("GET", LAYOUTS "/grid/preview?people=0", NULL), ==, 0);
    g_assert_cmpuint(count_tiles("GET", LAYOUTS "/1+5/preview?people=7&screens=1", NULL), ==, 8);
    g_assert_cmpuint(count_tiles("GET", LAYOUTS "/1%2B5/preview?people=2&screens=9", NULL), ==, 4);
    g_assert_cmpuint(count_tiles("PUT", LAYOUTS "/mine?dry_run=1&people=3&screens=1", document), ==,
                     4);
    rest_refused("GET", LAYOUTS "/mine/preview", "", NULL, 404, "mine");
    rest_refused("GET", LAYOUTS "/grid/preview?people=-1", "", NULL, 400, "people");
    rest_refused("GET", LAYOUTS "/grid/preview?people=101", "", NULL, 400, "people");
    rest_refused("GET", LAYOUTS "/grid/preview?screens=x", "", NULL, 400, "screens");
    rest_refused("PUT", LAYOUTS "/mine?dry_run=1", REST_JSON, "{}", 400, "");
}

/* (transfer full) A document with so many regions. */
static char *regions(guint count)
{
    GString *text = g_string_new("{\"name\":\"x\",\"regions\":[{\"fill\":\"rest\"}");
    for (guint i = 1; i < count; i++)
        g_string_append(text, ",{\"fill\":\"rest\"}");
    g_string_append(text, "]}");
    return g_string_free(text, FALSE);
}

static void refuse_everywhere(gconstpointer data)
{
    static const char *const paths[] = { LAYOUTS "/x", LAYOUTS "/x?dry_run=1", LAYOUT };
    for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_auto(Reply) reply = { 0 };
        rest("PUT", paths[i], REST_JSON, data, &reply);
        g_autofree char *type = reply_header(&reply, "Content-Type");
        g_assert_true(reply.status == 400 || reply.status == 413);
        g_assert_cmpstr(type, ==, "application/problem+json");
    }
}

static void hostile(gpointer data)
{
    (void)data;
    rooms_open(fixture.rooms, "team", NULL);
    g_autofree char *nest = g_strnfill(100, '[');
    g_autofree char *deep = g_strconcat("{\"name\":\"x\",\"regions\":", nest, NULL);
    g_autofree char *many = regions(10000);
    g_autofree char *large = regions(20000);
    const char *const bodies[] = {
        deep,
        many,
        large,
        "{\"name\":\"x\",\"regions\":[{\"fill\":\"rest\",\"x\":NaN}]}",
        "{\"name\":\"x\",\"regions\":[{\"fill\":\"rest\",\"width\":1e999}]}",
    };
    for (guint i = 0; i < G_N_ELEMENTS(bodies); i++)
        rest_assert_quick(refuse_everywhere, bodies[i]);
}

/* --- images and snapshots ---------------------------------------------------------------- */

static guint put_image(const char *path, const char *type, const void *bytes, gsize size,
                       gsize claimed)
{
    Client client;
    g_auto(Reply) reply = { 0 };
    g_autofree char *head = g_strdup_printf(
        "PUT %s HTTP/1.1\r\nHost: a\r\n%sContent-Length: %" G_GSIZE_FORMAT "\r\n\r\n", path, type,
        claimed);
    client_open(&client, fixture.port);
    g_assert_true(client_send(&client, head, strlen(head)));
    g_assert_true(client_send(&client, bytes, size));
    g_assert_true(client_read(&client, FALSE, &reply));
    client_close(&client);
    return reply.status;
}

static void images(gpointer data)
{
    g_auto(Reply) reply = { 0 };
    const char *path = "/api/v1/images/logo";
    (void)data;
    g_assert_cmpuint(put_image(path, PNG, pixel, sizeof pixel, sizeof pixel), ==, 201);
    g_assert_cmpuint(put_image(path, PNG, pixel, sizeof pixel, sizeof pixel), ==, 200);
    json_t *list = rest_json("GET", "/api/v1/images", "", NULL, 200);
    const json_t *entry = json_array_get(json_object_get(list, "images"), 0);
    g_assert_cmpint(json_integer_value(json_object_get(entry, "width")), ==, 1);
    g_assert_cmpint(json_integer_value(json_object_get(entry, "bytes")), ==, sizeof pixel);
    json_decref(list);
    rest("GET", path, "", NULL, &reply);
    g_autofree char *type = reply_header(&reply, "Content-Type");
    g_assert_cmpstr(type, ==, "image/png");
    g_assert_cmpuint(reply.size, ==, sizeof pixel);
    g_assert_cmpuint(put_image(path, "", pixel, sizeof pixel, sizeof pixel), ==, 415);
    g_assert_cmpuint(put_image(path, PNG, "GIF89a..", 8, 8), ==, 422);
    g_assert_cmpuint(put_image(path, PNG, pixel, 40, 40), ==, 400);
    g_assert_cmpuint(put_image(path, PNG, "", 0, 0), ==, 400);
    g_assert_cmpuint(put_image("/api/v1/images/a+b", PNG, pixel, sizeof pixel, sizeof pixel), ==,
                     400);
    g_assert_cmpuint(rest_status("DELETE", path, "", NULL), ==, 204);
    g_assert_cmpuint(rest_status("DELETE", path, "", NULL), ==, 404);
    g_assert_cmpuint(rest_status("GET", path, "", NULL), ==, 404);
}

static void claim_gigabyte(gconstpointer data)
{
    (void)data;
    g_assert_cmpuint(put_image("/api/v1/images/x", PNG, "", 0, 1000000000), ==, 413);
}

/* What claims to be a gigabyte is refused before it comes. */
static void large_images(gpointer data)
{
    gsize above = 5000;
    g_autofree char *bytes = g_malloc0(above);
    (void)data;
    rest_assert_quick(claim_gigabyte, NULL);
    g_assert_cmpuint(put_image("/api/v1/images/x", PNG, bytes, above, above), ==, 413);
}

static void snapshots(gpointer data)
{
    g_auto(Reply) png = { 0 }, jpg = { 0 };
    const char *path = "/api/v1/rooms/team/snapshot";
    (void)data;
    rooms_open(fixture.rooms, "team", NULL);
    rest("GET", "/api/v1/rooms/team/snapshot.png", "", NULL, &png);
    g_autofree char *type = reply_header(&png, "Content-Type");
    g_autofree char *cache = reply_header(&png, "Cache-Control");
    g_assert_cmpstr(type, ==, "image/png");
    g_assert_nonnull(strstr(cache, "max-age=1"));
    g_assert_cmpstr(png.body, ==, "png of grid");
    rest("GET", "/api/v1/rooms/team/snapshot.jpg?layout=1%2B5", "", NULL, &jpg);
    g_autofree char *jpeg = reply_header(&jpg, "Content-Type");
    g_assert_cmpstr(jpeg, ==, "image/jpeg");
    g_assert_cmpstr(jpg.body, ==, "jpg of 1+5");
    rest_refused("GET", "/api/v1/rooms/team/snapshot.png?layout=none", "", NULL, 404, "grid");
    rest_refused("GET", "/api/v1/rooms/team/snapshot.png?layout=speaker", "", NULL, 503, "scenes");
    rest_refused("GET", "/api/v1/rooms/none/snapshot.png", "", NULL, 404, "room");
    g_assert_cmpuint(rest_status("GET", path, "", NULL), ==, 404);
}

#define TEST(name, settings)      \
    static void test_##name(void) \
    {                             \
        rest_run(settings, name); \
    }

TEST(room_layout, "")
TEST(dry_run, "")
TEST(room_layout_refusals, "")
TEST(documents, "")
TEST(previews, "")
TEST(hostile, "")
TEST(images, "")
TEST(large_images, "layout.max_image_bytes=4096")
TEST(snapshots, "")

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/layouts_api/room_layout", test_room_layout);
    g_test_add_func("/layouts_api/dry_run", test_dry_run);
    g_test_add_func("/layouts_api/room_layout_refusals", test_room_layout_refusals);
    g_test_add_func("/layouts_api/documents", test_documents);
    g_test_add_func("/layouts_api/previews", test_previews);
    g_test_add_func("/layouts_api/hostile", test_hostile);
    g_test_add_func("/layouts_api/images", test_images);
    g_test_add_func("/layouts_api/large_images", test_large_images);
    g_test_add_func("/layouts_api/snapshots", test_snapshots);
    return g_test_run();
}
