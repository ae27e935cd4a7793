#pragma once

#include <glib.h>

#include "base/bytes.h"

/* AMF0, the values in RTMP's commands (Adobe, "Action Message Format -- AMF 0"). What is read is
 * bounded before anything is allocated: depth, number of members, length of each string. AMF3
 * values (marker 0x11) and references to earlier objects are refused. */

#define AMF_MAX_DEPTH   8
#define AMF_MAX_MEMBERS 256   /* of one value and everything inside it */
#define AMF_MAX_NAME    1024  /* bytes of a member's name */
#define AMF_MAX_STRING  16384 /* bytes of a string */

typedef enum {
    AMF_NUMBER, /* dates too: milliseconds since 1970 */
    AMF_BOOLEAN,
    AMF_STRING, /* long strings and XML too */
    AMF_OBJECT, /* ECMA arrays and typed objects too */
    AMF_ARRAY,  /* a strict array */
    AMF_NULL,   /* undefined too */
} AmfType;

typedef struct AmfValue AmfValue;

/** The next value (transfer full), or NULL: nothing is left, or it is malformed or beyond a limit;
 *  then the reader has failed. */
AmfValue *amf_read(ByteReader *reader);
void amf_value_free(AmfValue *value);

/** All of these take NULL for a value that is not there. Text ends at the first NUL and is valid
 *  UTF-8 (transfer none). */
gboolean amf_is(const AmfValue *value, AmfType type);
gdouble amf_number(const AmfValue *value, gdouble otherwise);
gboolean amf_boolean(const AmfValue *value);
const char *amf_string(const AmfValue *value); /* NULL: not a string */

/** The member of an object (transfer none), or NULL. */
const AmfValue *amf_get(const AmfValue *object, const char *name);

/** Members of an object or an array; their values in order (transfer none). */
guint amf_length(const AmfValue *value);
const AmfValue *amf_at(const AmfValue *value, guint index);

/** Writing appends to `out`. An object: amf_write_object(), then for each member amf_write_name()
 *  and a value, then amf_write_end(). An ECMA array likewise. */
void amf_write_number(GByteArray *out, gdouble number);
void amf_write_boolean(GByteArray *out, gboolean boolean);
void amf_write_string(GByteArray *out, const char *text); /* cut after 65535 bytes */
void amf_write_null(GByteArray *out);
void amf_write_object(GByteArray *out);
void amf_write_ecma_array(GByteArray *out, guint32 n);
void amf_write_strict_array(GByteArray *out, guint32 n); /* n values follow */
void amf_write_name(GByteArray *out, const char *name);
void amf_write_end(GByteArray *out);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(AmfValue, amf_value_free)
