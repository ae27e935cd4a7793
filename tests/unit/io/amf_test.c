#include "io/amf.h"

#include <string.h>

static AmfValue *read_all(const GByteArray *bytes)
{
    ByteReader reader = byte_reader(bytes->data, bytes->len);
    return amf_read(&reader);
}

static void test_round_trip(void)
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    amf_write_string(out, "connect");
    amf_write_number(out, 1);
    amf_write_object(out);
    amf_write_name(out, "app");
    amf_write_string(out, "room");
    amf_write_name(out, "fpad");
    amf_write_boolean(out, TRUE);
    amf_write_name(out, "inner");
    amf_write_ecma_array(out, 77); /* a count that lies */
    amf_write_name(out, "n");
    amf_write_number(out, -2.5);
    amf_write_end(out);
    amf_write_name(out, "list");
    amf_write_strict_array(out, 2);
    amf_write_string(out, "a");
    amf_write_null(out);
    amf_write_end(out);

    ByteReader reader = byte_reader(out->data, out->len);
    g_autoptr(AmfValue) command = amf_read(&reader);
    g_autoptr(AmfValue) transaction = amf_read(&reader);
    g_autoptr(AmfValue) object = amf_read(&reader);
    g_assert_cmpuint(byte_reader_left(&reader), ==, 0);
    g_assert_null(amf_read(&reader));
    g_assert_cmpstr(amf_string(command), ==, "connect");
    g_assert_cmpfloat(amf_number(transaction, 0), ==, 1);
    g_assert_cmpuint(amf_length(object), ==, 4);
    g_assert_cmpstr(amf_string(amf_get(object, "app")), ==, "room");
    g_assert_true(amf_boolean(amf_get(object, "fpad")));
    g_assert_cmpfloat(amf_number(amf_get(amf_get(object, "inner"), "n"), 0), ==, -2.5);
    const AmfValue *list = amf_get(object, "list");
    g_assert_true(amf_is(list, AMF_ARRAY));
    g_assert_cmpuint(amf_length(list), ==, 2);
    g_assert_cmpstr(amf_string(amf_at(list, 0)), ==, "a");
    g_assert_true(amf_is(amf_at(list, 1), AMF_NULL));
    g_assert_null(amf_at(list, 2));
    g_assert_null(amf_get(object, "nothing"));
    g_assert_cmpfloat(amf_number(NULL, 7), ==, 7);
}

/* Every way to cut a message short is refused, and reads nothing outside it. An object whose end
 * mark is missing counts as it is. */
static void test_truncated(void)
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    amf_write_strict_array(out, 3);
    amf_write_string(out, "text");
    amf_write_number(out, 5);
    amf_write_boolean(out, TRUE);
    for (guint n = 0; n < out->len; n++) {
        g_autofree guint8 *copy = g_memdup2(out->data, n);
        ByteReader reader = byte_reader(copy, n);
        g_assert_null(amf_read(&reader));
        g_assert_true(reader.failed);
    }
    const guint8 open_object[] = { 0x03, 0, 1, 'a', 0x01, 1 };
    ByteReader reader = byte_reader(open_object, sizeof open_object);
    g_autoptr(AmfValue) object = amf_read(&reader);
    g_assert_true(amf_boolean(amf_get(object, "a")));
}

static AmfValue *read_nested(guint depth, guint8 marker)
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    for (guint i = 0; i < depth; i++) {
        if (marker == 0x0a) {
            amf_write_strict_array(out, 1);
        } else {
            amf_write_object(out);
            amf_write_name(out, "a");
        }
    }
    amf_write_null(out);
    for (guint i = 0; i < depth && marker != 0x0a; i++)
        amf_write_end(out);
    return read_all(out);
}

static void test_depth(void)
{
    static const guint8 markers[] = { 0x03, 0x0a };
    for (guint i = 0; i < G_N_ELEMENTS(markers); i++) {
        g_autoptr(AmfValue) deep = read_nested(AMF_MAX_DEPTH, markers[i]);
        g_assert_nonnull(deep);
        g_assert_null(read_nested(AMF_MAX_DEPTH + 1, markers[i]));
        g_assert_null(read_nested(10000, markers[i]));
    }
}

static void test_members(void)
{
    const guint counts[] = { AMF_MAX_MEMBERS, AMF_MAX_MEMBERS + 1, G_MAXUINT32 };
    for (guint i = 0; i < G_N_ELEMENTS(counts); i++) {
        g_autoptr(GByteArray) out = g_byte_array_new();
        amf_write_strict_array(out, counts[i]);
        for (guint k = 0; k < MIN(counts[i], 100000); k++)
            amf_write_null(out);
        g_autoptr(AmfValue) value = read_all(out);
        g_assert_cmpint(value != NULL, ==, counts[i] <= AMF_MAX_MEMBERS);
    }
}

static AmfValue *read_string_of(gsize size)
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    const guint8 head[] = { 0x0c, (guint8)(size >> 24), (guint8)(size >> 16), (guint8)(size >> 8),
                            (guint8)size };
    g_byte_array_append(out, head, sizeof head);
    g_autofree char *text = g_strnfill(size, 'x');
    g_byte_array_append(out, (const guint8 *)text, (guint)size);
    return read_all(out);
}

static void test_strings(void)
{
    g_autoptr(AmfValue) longest = read_string_of(AMF_MAX_STRING);
    g_assert_cmpuint(strlen(amf_string(longest)), ==, AMF_MAX_STRING);
    g_assert_null(read_string_of(AMF_MAX_STRING + 1));

    const guint8 not_utf8[] = { 0x02, 0, 3, 'a', 0xff, 'b' };
    ByteReader reader = byte_reader(not_utf8, sizeof not_utf8);
    g_autoptr(AmfValue) repaired = amf_read(&reader);
    g_assert_true(g_utf8_validate(amf_string(repaired), -1, NULL));
}

/* What else there is: undefined, dates, typed objects; AMF3 and references are refused. */
static void test_other_markers(void)
{
    const guint8 date[] = { 0x0b, 0x40, 0x10, 0, 0, 0, 0, 0, 0, 0, 0 };
    const guint8 undefined[] = { 0x06 };
    const guint8 typed[] = { 0x10, 0, 1, 'C', 0, 1, 'a', 0x05, 0, 0, 9 };
    const guint8 amf3[] = { 0x11, 0x0a }, reference[] = { 0x07, 0, 0 };
    ByteReader reader = byte_reader(date, sizeof date);
    g_autoptr(AmfValue) when = amf_read(&reader);
    g_assert_cmpfloat(amf_number(when, 0), ==, 4);
    reader = byte_reader(undefined, sizeof undefined);
    g_autoptr(AmfValue) nothing = amf_read(&reader);
    g_assert_true(amf_is(nothing, AMF_NULL));
    reader = byte_reader(typed, sizeof typed);
    g_autoptr(AmfValue) object = amf_read(&reader);
    g_assert_true(amf_is(amf_get(object, "a"), AMF_NULL));
    reader = byte_reader(amf3, sizeof amf3);
    g_assert_null(amf_read(&reader));
    reader = byte_reader(reference, sizeof reference);
    g_assert_null(amf_read(&reader));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/amf/round_trip", test_round_trip);
    g_test_add_func("/amf/truncated", test_truncated);
    g_test_add_func("/amf/depth", test_depth);
    g_test_add_func("/amf/members", test_members);
    g_test_add_func("/amf/strings", test_strings);
    g_test_add_func("/amf/other_markers", test_other_markers);
    return g_test_run();
}
