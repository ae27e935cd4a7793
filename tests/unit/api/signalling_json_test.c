#include "api/signalling_json.h"

#include <string.h>

#include "base/error.h"

static void parse(const char *text, SignallingMessage *message)
{
    g_autoptr(GError) error = NULL;
    signalling_parse(text, strlen(text), message, &error);
    g_assert_no_error(error);
}

static void refuse(const char *text)
{
    g_auto(SignallingMessage) message = { 0 };
    g_autoptr(GError) error = NULL;
    g_assert_false(signalling_parse(text, strlen(text), &message, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID);
}

static void test_join(void)
{
    g_auto(SignallingMessage) message = { 0 };
    parse("{\"type\":\"join\",\"room\":\"r\",\"name\":\"\xc3\x84\",\"view\":false,\"id\":7,"
          "\"later\":[1]}",
          &message);
    g_assert_cmpint(message.type, ==, SIGNALLING_JOIN);
    g_assert_cmpstr(message.join.room, ==, "r");
    g_assert_cmpstr(message.join.name, ==, "\xc3\x84");
    g_assert_null(message.join.token);
    g_assert_true(message.join.publish);
    g_assert_false(message.join.view);
    g_assert_cmpint(json_integer_value(message.id), ==, 7);
}

static void test_offer(void)
{
    g_auto(SignallingMessage) message = { 0 };
    parse("{\"type\":\"offer\",\"sdp\":\"v=0\\r\\n\"}", &message);
    g_assert_cmpstr(message.sdp.sdp, ==, "v=0\r\n");
    g_assert_cmpuint(message.sdp.size, ==, 5);
}

static void test_candidate(void)
{
    g_auto(SignallingMessage) one = { 0 }, end = { 0 }, empty = { 0 };
    parse("{\"type\":\"candidate\",\"candidate\":{\"candidate\":\"candidate:1\",\"sdpMid\":\"0\"}}",
          &one);
    g_assert_cmpstr(one.candidate, ==, "candidate:1");
    parse("{\"type\":\"candidate\",\"candidate\":null}", &end);
    g_assert_null(end.candidate);
    parse("{\"type\":\"candidate\",\"candidate\":{\"candidate\":\"\"}}", &empty);
    g_assert_null(empty.candidate);
}

static void test_view(void)
{
    g_auto(SignallingMessage) join = { 0 }, own = { 0 }, rooms = { 0 }, none = { 0 };
    parse("{\"type\":\"join\",\"room\":\"r\",\"layout\":\"1+5\",\"withoutSelf\":true}", &join);
    g_assert_cmpstr(join.join.layout, ==, "1+5");
    g_assert_true(join.join.without_self);
    parse("{\"type\":\"update\",\"layout\":\"grid\",\"withoutSelf\":false}", &own);
    g_assert_true(own.update.has_layout);
    g_assert_cmpstr(own.update.layout, ==, "grid");
    g_assert_cmpint(own.update.without_self, ==, 0);
    parse("{\"type\":\"update\",\"layout\":null}", &rooms);
    g_assert_true(rooms.update.has_layout);
    g_assert_null(rooms.update.layout);
    parse("{\"type\":\"update\"}", &none);
    g_assert_false(none.update.has_layout);
    g_assert_cmpint(none.update.without_self, ==, -1);
    refuse("{\"type\":\"join\",\"room\":\"r\",\"layout\":{}}");
    refuse("{\"type\":\"update\",\"withoutSelf\":1}");
}

static void test_update(void)
{
    g_auto(SignallingMessage) message = { 0 };
    parse("{\"type\":\"update\",\"audioMuted\":true}", &message);
    g_assert_cmpint(message.update.audio_muted, ==, 1);
    g_assert_cmpint(message.update.video_muted, ==, -1);
    g_assert_null(message.update.name);
}

static void test_refused(void)
{
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "null",
        "{}",
        "{\"type\":1}",
        "{\"type\":\"dance\"}",
        "{\"type\":\"join\"}",
        "{\"type\":\"join\",\"room\":\"\"}",
        "{\"type\":\"join\",\"room\":5}",
        "{\"type\":\"join\",\"room\":\"r\",\"room\":\"s\"}",
        "{\"type\":\"join\",\"room\":\"r\",\"view\":1}",
        "{\"type\":\"join\",\"room\":\"a\\u0000b\"}",
        "{\"type\":\"join\",\"room\":\"\xff\"}",
        "{\"type\":\"offer\"}",
        "{\"type\":\"candidate\"}",
        "{\"type\":\"candidate\",\"candidate\":\"x\"}",
        "{\"type\":\"update\",\"name\":[]}",
        "{\"type\":\"ping\",\"id\":{}}",
        "{\"type\":\"ping\"} {\"type\":\"ping\"}",
    };
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        refuse(texts[i]);
}

static void test_limits(void)
{
    g_autofree char *deep = g_strnfill(17, '[');
    g_autofree char *deep_text = g_strconcat("{\"type\":\"ping\",\"x\":", deep, NULL);
    g_autofree char *name = g_strnfill(2000, 'n');
    g_autofree char *name_text = g_strconcat("{\"type\":\"update\",\"name\":\"", name, "\"}", NULL);
    g_autoptr(GString) wide = g_string_new("{\"type\":\"ping\",\"x\":[1");
    for (guint i = 0; i < 10001; i++)
        g_string_append(wide, ",1");
    g_string_append(wide, "]}");
    refuse(deep_text);
    refuse(name_text);
    refuse(wide->str);
}

static void test_error_keeps_id(void)
{
    g_auto(SignallingMessage) message = { 0 };
    g_autoptr(GError) error = NULL;
    const char *text = "{\"type\":\"dance\",\"id\":\"a1\"}";
    g_assert_false(signalling_parse(text, strlen(text), &message, &error));
    json_t *json = signalling_error_json(error, message.id);
    g_assert_cmpstr(json_string_value(json_object_get(json, "re")), ==, "a1");
    g_assert_cmpstr(json_string_value(json_object_get(json, "code")), ==, "invalid");
    g_assert_cmpstr(json_string_value(json_object_get(json, "type")), ==, "error");
    json_decref(json);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/signalling_json/join", test_join);
    g_test_add_func("/signalling_json/offer", test_offer);
    g_test_add_func("/signalling_json/candidate", test_candidate);
    g_test_add_func("/signalling_json/update", test_update);
    g_test_add_func("/signalling_json/view", test_view);
    g_test_add_func("/signalling_json/refused", test_refused);
    g_test_add_func("/signalling_json/limits", test_limits);
    g_test_add_func("/signalling_json/error_keeps_id", test_error_keeps_id);
    return g_test_run();
}
