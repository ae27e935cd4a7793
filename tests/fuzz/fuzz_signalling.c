/* The JSON messages of /ws: whatever comes in, the parser answers with a message or an error. */
#include <stdint.h>
#include <string.h>

#include "api/json_text.h"
#include "api/signalling_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static gsize touch(const char *text)
{
    return text ? strlen(text) : 0;
}

static void read_all(const SignallingMessage *message)
{
    gsize sum = 0;
    if (message->type == SIGNALLING_JOIN)
        sum = touch(message->join.room) + touch(message->join.name) + touch(message->join.token) +
              touch(message->join.resume);
    else if (message->type == SIGNALLING_OFFER || message->type == SIGNALLING_ANSWER)
        sum = message->sdp.size - touch(message->sdp.sdp);
    else if (message->type == SIGNALLING_CANDIDATE)
        sum = touch(message->candidate);
    else if (message->type == SIGNALLING_UPDATE)
        sum = touch(message->update.name);
    g_assert_cmpuint(sum, <, 1 << 20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_auto(SignallingMessage) message = { 0 };
    g_autoptr(GError) error = NULL;
    if (signalling_parse((const char *)data, size, &message, &error)) {
        g_assert_no_error(error);
        read_all(&message);
        return 0;
    }
    g_assert_nonnull(error);
    json_t *json = signalling_error_json(error, message.id);
    g_autofree char *text = json_text_dump(json);
    g_assert_nonnull(text);
    json_decref(json);
    return 0;
}
