/* AMF0 values as they come in RTMP's commands: every value is asked for all it may have, and lies
 * within the limits. */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "io/amf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static guint visit(const AmfValue *value, guint depth)
{
    guint members = amf_length(value);
    g_assert_cmpuint(depth, <=, AMF_MAX_DEPTH);
    g_assert_cmpuint(members, <=, AMF_MAX_MEMBERS);
    amf_number(value, 0);
    amf_boolean(value);
    if (amf_string(value)) {
        g_assert_true(g_utf8_validate(amf_string(value), -1, NULL));
        g_assert_cmpuint(strlen(amf_string(value)), <=, 3 * AMF_MAX_STRING);
    }
    amf_get(value, "app");
    for (guint i = 0; i < amf_length(value); i++)
        members += visit(amf_at(value, i), depth + 1);
    return members;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ByteReader reader = byte_reader(data, size);
    for (;;) {
        g_autoptr(AmfValue) value = amf_read(&reader);
        if (!value)
            break;
        g_assert_cmpuint(visit(value, 0), <=, AMF_MAX_MEMBERS);
    }
    g_assert_true(reader.failed);
    return 0;
}
