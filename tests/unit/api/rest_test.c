#include "unit/api/rest_client.h"

#define ROOMS "/api/v1/rooms"
#define TEAM  "/api/v1/rooms/team"
#define WHIP  "Content-Type: application/sdp\r\n"

static void create(gpointer data)
{
    g_auto(Reply) reply = { 0 };
    (void)data;
    rest("POST", ROOMS, REST_JSON, "{\"id\":\"team\",\"locked\":true}", &reply);
    g_autofree char *location = reply_header(&reply, "Location");
    g_autofree char *etag = reply_header(&reply, "ETag");
    g_assert_cmpuint(reply.status, ==, 201);
    g_assert_cmpstr(location, ==, TEAM);
    g_assert_nonnull(etag);
    g_assert_nonnull(strstr(reply.body, "\"locked\":true"));
    rest_refused("POST", ROOMS, REST_JSON, "{\"id\":\"team\"}", 409, "conflict");
    rest_refused("POST", ROOMS, REST_JSON, "{\"id\":7}", 400, "\\\"id\\\"");
    rest_refused("POST", ROOMS, REST_JSON, "{\"id\":\"no room\"}", 400, "no room");
    g_assert_cmpuint(rest_status("POST", ROOMS, "", ""), ==, 201);
    g_assert_cmpuint(rest_status("POST", ROOMS, REST_JSON, "{}"), ==, 201);
    g_assert_cmpuint(rooms_count(fixture.rooms), ==, 3);
}

/* A room whose settings are refused is not there afterwards. */
static void create_with_errors(gpointer data)
{
    (void)data;
    rest_refused("POST", ROOMS, REST_JSON, "{\"id\":\"team\",\"locked\":1}", 400, "locked");
    rest_refused("POST", ROOMS, REST_JSON, "{\"id\":\"team\",\"layout\":\"none\"}", 404, "grid");
    rest_refused("POST", ROOMS, "Content-Type: text/plain\r\n", "{}", 415, "merge-patch");
    g_assert_cmpuint(rooms_count(fixture.rooms), ==, 0);
}

static void patch(gpointer data)
{
    (void)data;
    rooms_open(fixture.rooms, "team", NULL);
    json_t *room =
        rest_json("PATCH", TEAM, REST_PATCH, "{\"locked\":true,\"layout\":\"1+5\"}", 200);
    g_assert_true(json_is_true(json_object_get(room, "locked")));
    g_assert_cmpstr(json_text_of(room, "layout"), ==, "1+5");
    json_decref(room);
    g_assert_cmpuint(rest_status("PATCH", TEAM, REST_JSON, "{\"locked\":false}"), ==, 200);
    rest_refused("PATCH", TEAM, REST_PATCH, "{\"locked\":1}", 400, "locked");
    rest_refused("PATCH", TEAM, REST_PATCH, "[]", 400, "object");
    rest_refused("PATCH", TEAM, "", "{}", 415, "application/json");
    rest_refused("PATCH", "/api/v1/rooms/none", REST_PATCH, "{}", 404, "room");
    g_assert_cmpuint(rest_status("DELETE", TEAM, "", NULL), ==, 204);
    g_assert_cmpuint(rest_status("DELETE", TEAM, "", NULL), ==, 404);
}

/* (transfer full) */
static char *if_match(const char *etag)
{
    return g_strdup_printf(REST_PATCH "If-Match: %s\r\n", etag);
}

static void preconditions(gpointer data)
{
    g_auto(Reply) reply = { 0 };
    (void)data;
    rooms_open(fixture.rooms, "team", NULL);
    g_autofree char *first = rest_etag(TEAM);
    g_autofree char *headers = if_match(first);
    g_assert_cmpuint(rest_status("PATCH", TEAM, headers, "{\"locked\":true}"), ==, 200);
    rest("PATCH", TEAM, headers, "{\"locked\":false}", &reply);
    g_autofree char *told = reply_header(&reply, "ETag");
    g_autofree char *now = rest_etag(TEAM);
    g_assert_cmpuint(reply.status, ==, 412);
    g_assert_nonnull(strstr(reply.body, "If-Match"));
    g_assert_cmpstr(told, ==, now);
    g_assert_cmpstr(now, !=, first);
    g_autofree char *weak = g_strconcat("W/", now, NULL), *weak_headers = if_match(weak);
    g_assert_cmpuint(rest_status("PATCH", TEAM, weak_headers, "{}"), ==, 412);
    g_assert_cmpuint(rest_status("DELETE", TEAM, "If-Match: \"old\"\r\n", NULL), ==, 412);
    g_autofree char *any = if_match("*");
    g_assert_cmpuint(rest_status("PATCH", TEAM, any, "{}"), ==, 200);
}

static void participants(gpointer data)
{
    (void)data;
    g_assert_cmpuint(rest_status("POST", "/whip/team?name=Cam", WHIP, "v=0"), ==, 201);
    json_t *list = rest_json("GET", TEAM "/participants", "", NULL, 200);
    g_assert_cmpuint(json_array_size(json_object_get(list, "participants")), ==, 1);
    json_decref(list);
    g_autofree char *etag = rest_etag(TEAM "/participants/p1");
    g_autofree char *headers = if_match(etag);
    json_t *person = rest_json("PATCH", TEAM "/participants/p1", headers,
                               "{\"muted\":true,\"name\":\"Eve\"}", 200);
    g_assert_true(json_is_true(json_object_get(person, "muted")));
    g_assert_cmpstr(json_text_of(person, "name"), ==, "Eve");
    json_decref(person);
    rest_refused("PATCH", TEAM "/participants/p1", headers, "{}", 412, "If-Match");
    rest_refused("PATCH", TEAM "/participants/p1", REST_PATCH, "{\"muted\":2}", 400, "muted");
    rest_refused("PATCH", TEAM "/participants/p9", REST_PATCH, "{}", 404, "participant");
    rest_refused("PATCH", TEAM "/participants/p1", REST_PATCH, "{\"layout\":\"x\"}", 404, "grid");
    g_assert_cmpuint(rest_status("DELETE", TEAM "/participants/p1", "", NULL), ==, 204);
    g_assert_cmpuint(rest_status("DELETE", TEAM "/participants/p1", "", NULL), ==, 404);
}

/* --- what is no JSON --------------------------------------------------------------------- */

/* (transfer full) `count` times `part`, between `head` and `tail`. */
static char *repeated(const char *head, const char *part, guint count, const char *tail)
{
    GString *text = g_string_new(head);
    for (guint i = 0; i < count; i++)
        g_string_append(text, part);
    g_string_append(text, tail);
    return g_string_free(text, FALSE);
}

typedef struct {
    const char *body, *part;
} HostileCase;

static void refuse_hostile(gconstpointer data)
{
    const HostileCase *hostile_case = data;
    rest_refused("PATCH", TEAM, REST_PATCH, hostile_case->body, 400, hostile_case->part);
}

static void hostile(gpointer data)
{
    (void)data;
    rooms_open(fixture.rooms, "team", NULL);
    g_autofree char *deep = repeated("{\"a\":", "[", 100, "");
    g_autofree char *wide = repeated("{\"a\":[0", ",0", 10001, "]}");
    g_autofree char *filler = g_strnfill(4097, 'x');
    g_autofree char *length = g_strdup_printf("{\"name\":\"%s\"}", filler);
    g_autofree char *key = g_strdup_printf("{\"%s\":1}", filler);
    const HostileCase cases[] = {
        { deep, "nested" },
        { wide, "values" },
        { length, "4096" },
        { key, "4096" },
        { "{\"locked\":true,\"locked\":false}", "malformed" },
        { "{\"max_participants\":NaN}", "malformed" },
        { "{\"max_participants\":1e999}", "malformed" },
        { "{\"max_participants\":99999999999999999999}", "malformed" },
        { "{\"background\":\"\\u0000\"}", "malformed" },
        { "{\"background\":\"\xff\"}", "malformed" },
        { "{} {}", "malformed" },
        { "", "empty" },
        { "\"text\"", "object" },
        { "null", "object" },
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
        rest_assert_quick(refuse_hostile, &cases[i]);
}

/* --- tokens ------------------------------------------------------------------------------ */

static guint with_token(const char *method, const char *path, const char *room, guint grants)
{
    g_autofree char *bearer = fixture_bearer(&fixture, room, grants);
    g_autofree char *headers = g_strconcat(bearer, REST_JSON, NULL);
    return rest_status(method, path, headers, strcmp(method, "GET") == 0 ? NULL : "{}");
}

static void tokens(gpointer data)
{
    (void)data;
    rooms_open(fixture.rooms, "team", NULL);
    g_assert_cmpuint(rest_status("GET", TEAM, "", NULL), ==, 401);
    g_assert_cmpuint(with_token("GET", TEAM, "team", AUTH_VIEW), ==, 200);
    g_assert_cmpuint(with_token("GET", TEAM, "other", AUTH_VIEW), ==, 403);
    g_assert_cmpuint(with_token("PATCH", TEAM, "team", AUTH_VIEW), ==, 403);
    g_assert_cmpuint(with_token("PATCH", TEAM, "team", AUTH_CONTROL), ==, 200);
    g_assert_cmpuint(with_token("GET", ROOMS, "team", AUTH_CONTROL), ==, 403);
    g_assert_cmpuint(with_token("POST", ROOMS, "*", AUTH_ADMIN), ==, 201);
    g_assert_cmpuint(with_token("GET", "/api/v1/layouts", "team", AUTH_VIEW), ==, 200);
    g_assert_cmpuint(with_token("PUT", "/api/v1/layouts/x", "team", AUTH_CONTROL), ==, 403);
}

#define TEST(name, settings)      \
    static void test_##name(void) \
    {                             \
        rest_run(settings, name); \
    }

TEST(create, "")
TEST(create_with_errors, "")
TEST(patch, "")
TEST(preconditions, "")
TEST(participants, "")
TEST(hostile, "")
TEST(tokens, FIXTURE_SECRET_SET)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rest/create", test_create);
    g_test_add_func("/rest/create_with_errors", test_create_with_errors);
    g_test_add_func("/rest/patch", test_patch);
    g_test_add_func("/rest/preconditions", test_preconditions);
    g_test_add_func("/rest/participants", test_participants);
    g_test_add_func("/rest/hostile", test_hostile);
    g_test_add_func("/rest/tokens", test_tokens);
    return g_test_run();
}
