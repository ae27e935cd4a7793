#include "io/amf.h"

#include <string.h>

enum {
    MARK_NUMBER = 0x00,
    MARK_BOOLEAN = 0x01,
    MARK_STRING = 0x02,
    MARK_OBJECT = 0x03,
    MARK_NULL = 0x05,
    MARK_UNDEFINED = 0x06,
    MARK_ECMA_ARRAY = 0x08,
    MARK_OBJECT_END = 0x09,
    MARK_STRICT_ARRAY = 0x0a,
    MARK_DATE = 0x0b,
    MARK_LONG_STRING = 0x0c,
    MARK_UNSUPPORTED = 0x0d,
    MARK_XML = 0x0f,
    MARK_TYPED_OBJECT = 0x10,
};

struct AmfValue {
    AmfType type;
    gdouble number; /* a boolean: 0 or 1 */
    char *text;
    GPtrArray *values;
    GPtrArray *names; /* of an object; as long as values */
};

/* What one value may still use, with all that is inside it. */
typedef struct {
    ByteReader *reader;
    guint members_left;
} AmfParser;

static AmfValue *amf_parse(AmfParser *parser, guint depth);

static AmfValue *amf_value_new(AmfType type)
{
    AmfValue *value = g_new0(AmfValue, 1);
    value->type = type;
    return value;
}

void amf_value_free(AmfValue *value)
{
    if (!value)
        return;
    g_free(value->text);
    g_clear_pointer(&value->values, g_ptr_array_unref);
    g_clear_pointer(&value->names, g_ptr_array_unref);
    g_free(value);
}

/* --- Reading --- */

static char *amf_parse_text(ByteReader *reader, gsize length, gsize max)
{
    if (length > max)
        reader->failed = TRUE;
    const guint8 *bytes = byte_reader_bytes(reader, length);
    if (!bytes)
        return NULL;
    g_autofree char *text = g_strndup((const char *)bytes, length);
    return g_utf8_validate(text, -1, NULL) ? g_steal_pointer(&text) : g_utf8_make_valid(text, -1);
}

static AmfValue *amf_parse_string(ByteReader *reader, gsize length)
{
    char *text = amf_parse_text(reader, length, AMF_MAX_STRING);
    if (!text)
        return NULL;
    AmfValue *value = amf_value_new(AMF_STRING);
    value->text = text;
    return value;
}

static AmfValue *amf_parse_number(ByteReader *reader)
{
    guint64 bits = byte_reader_u64(reader);
    AmfValue *value = amf_value_new(AMF_NUMBER);
    memcpy(&value->number, &bits, sizeof bits);
    return value;
}

static AmfValue *amf_parse_date(ByteReader *reader)
{
    AmfValue *value = amf_parse_number(reader);
    byte_reader_u16(reader); /* a time zone that is always 0 */
    return value;
}

static AmfValue *amf_parse_boolean(ByteReader *reader)
{
    AmfValue *value = amf_value_new(AMF_BOOLEAN);
    value->number = byte_reader_u8(reader) != 0;
    return value;
}

/* One member of a container, its name (if it has one) already read. */
static gboolean amf_parse_member(AmfParser *parser, AmfValue *container, guint depth)
{
    if (parser->members_left == 0) {
        parser->reader->failed = TRUE;
        return FALSE;
    }
    parser->members_left--;
    AmfValue *member = amf_parse(parser, depth + 1);
    if (member)
        g_ptr_array_add(container->values, member);
    return member != NULL;
}

static AmfValue *amf_container_new(AmfType type)
{
    AmfValue *value = amf_value_new(type);
    value->values = g_ptr_array_new_with_free_func((GDestroyNotify)amf_value_free);
    if (type == AMF_OBJECT)
        value->names = g_ptr_array_new_with_free_func(g_free);
    return value;
}

/* Members up to the end mark. Some writers leave that out at the end of a message: then what is
 * there counts. */
static AmfValue *amf_parse_object(AmfParser *parser, guint depth)
{
    ByteReader *reader = parser->reader;
    g_autoptr(AmfValue) object = amf_container_new(AMF_OBJECT);
    while (byte_reader_left(reader) > 0) {
        char *name = amf_parse_text(reader, byte_reader_u16(reader), AMF_MAX_NAME);
        if (!name)
            return NULL;
        gboolean is_end =
            !*name && byte_reader_left(reader) > 0 && reader->data[reader->pos] == MARK_OBJECT_END;
        g_ptr_array_add(object->names, name);
        if (is_end) {
            byte_reader_u8(reader);
            g_ptr_array_set_size(object->names, (gint)object->values->len);
            break;
        }
        if (!amf_parse_member(parser, object, depth))
            return NULL;
    }
    return reader->failed ? NULL : g_steal_pointer(&object);
}

static AmfValue *amf_parse_strict_array(AmfParser *parser, guint depth)
{
    g_autoptr(AmfValue) array = amf_container_new(AMF_ARRAY);
    guint32 n = byte_reader_u32(parser->reader);
    for (guint32 i = 0; i < n; i++)
        if (!amf_parse_member(parser, array, depth))
            return NULL;
    return g_steal_pointer(&array);
}

static AmfValue *amf_parse_typed_object(AmfParser *parser, guint depth)
{
    g_autofree char *class_name =
        amf_parse_text(parser->reader, byte_reader_u16(parser->reader), AMF_MAX_NAME);
    return class_name ? amf_parse_object(parser, depth) : NULL;
}

static AmfValue *amf_parse_marked(AmfParser *parser, guint8 marker, guint depth)
{
    ByteReader *reader = parser->reader;
    switch (marker) {
    case MARK_NUMBER:
        return amf_parse_number(reader);
    case MARK_BOOLEAN:
        return amf_parse_boolean(reader);
    case MARK_STRING:
        return amf_parse_string(reader, byte_reader_u16(reader));
    case MARK_OBJECT:
        return amf_parse_object(parser, depth);
    case MARK_NULL:
    case MARK_UNDEFINED:
    case MARK_UNSUPPORTED:
        return amf_value_new(AMF_NULL);
    case MARK_ECMA_ARRAY:
        byte_reader_u32(reader); /* a hint that is often wrong */
        return amf_parse_object(parser, depth);
    case MARK_STRICT_ARRAY:
        return amf_parse_strict_array(parser, depth);
    case MARK_DATE:
        return amf_parse_date(reader);
    case MARK_LONG_STRING:
    case MARK_XML:
        return amf_parse_string(reader, byte_reader_u32(reader));
    case MARK_TYPED_OBJECT:
        return amf_parse_typed_object(parser, depth);
    default:
        return NULL;
    }
}

/* depth: how many containers are around this value. */
static AmfValue *amf_parse(AmfParser *parser, guint depth)
{
    ByteReader *reader = parser->reader;
    guint8 marker = byte_reader_u8(reader);
    g_autoptr(AmfValue) value = NULL;
    if (!reader->failed && depth <= AMF_MAX_DEPTH)
        value = amf_parse_marked(parser, marker, depth);
    if (!value || reader->failed) {
        reader->failed = TRUE;
        return NULL;
    }
    return g_steal_pointer(&value);
}

AmfValue *amf_read(ByteReader *reader)
{
    AmfParser parser = { .reader = reader, .members_left = AMF_MAX_MEMBERS };
    return amf_parse(&parser, 0);
}

/* --- Asking --- */

gboolean amf_is(const AmfValue *value, AmfType type)
{
    return value && value->type == type;
}

gdouble amf_number(const AmfValue *value, gdouble otherwise)
{
    return amf_is(value, AMF_NUMBER) ? value->number : otherwise;
}

gboolean amf_boolean(const AmfValue *value)
{
    return amf_is(value, AMF_BOOLEAN) && value->number != 0;
}

const char *amf_string(const AmfValue *value)
{
    return amf_is(value, AMF_STRING) ? value->text : NULL;
}

const AmfValue *amf_get(const AmfValue *object, const char *name)
{
    for (guint i = 0; amf_is(object, AMF_OBJECT) && i < object->values->len; i++)
        if (strcmp(g_ptr_array_index(object->names, i), name) == 0)
            return g_ptr_array_index(object->values, i);
    return NULL;
}

guint amf_length(const AmfValue *value)
{
    return value && value->values ? value->values->len : 0;
}

const AmfValue *amf_at(const AmfValue *value, guint index)
{
    return index < amf_length(value) ? g_ptr_array_index(value->values, index) : NULL;
}

/* --- Writing --- */

static void amf_write_byte(GByteArray *out, guint8 byte)
{
    g_byte_array_append(out, &byte, 1);
}

static void amf_write_u32(GByteArray *out, guint32 value)
{
    guint32 wire = GUINT32_TO_BE(value);
    g_byte_array_append(out, (const guint8 *)&wire, sizeof wire);
}

void amf_write_number(GByteArray *out, gdouble number)
{
    guint64 bits;
    memcpy(&bits, &number, sizeof bits);
    bits = GUINT64_TO_BE(bits);
    amf_write_byte(out, MARK_NUMBER);
    g_byte_array_append(out, (const guint8 *)&bits, sizeof bits);
}

void amf_write_boolean(GByteArray *out, gboolean boolean)
{
    amf_write_byte(out, MARK_BOOLEAN);
    amf_write_byte(out, boolean ? 1 : 0);
}

void amf_write_name(GByteArray *out, const char *name)
{
    guint16 length = (guint16)MIN(strlen(name), (gsize)G_MAXUINT16);
    guint16 wire = GUINT16_TO_BE(length);
    g_byte_array_append(out, (const guint8 *)&wire, sizeof wire);
    g_byte_array_append(out, (const guint8 *)name, length);
}

void amf_write_string(GByteArray *out, const char *text)
{
    amf_write_byte(out, MARK_STRING);
    amf_write_name(out, text);
}

void amf_write_null(GByteArray *out)
{
    amf_write_byte(out, MARK_NULL);
}

void amf_write_object(GByteArray *out)
{
    amf_write_byte(out, MARK_OBJECT);
}

void amf_write_ecma_array(GByteArray *out, guint32 n)
{
    amf_write_byte(out, MARK_ECMA_ARRAY);
    amf_write_u32(out, n);
}

void amf_write_strict_array(GByteArray *out, guint32 n)
{
    amf_write_byte(out, MARK_STRICT_ARRAY);
    amf_write_u32(out, n);
}

void amf_write_end(GByteArray *out)
{
    amf_write_name(out, "");
    amf_write_byte(out, MARK_OBJECT_END);
}
