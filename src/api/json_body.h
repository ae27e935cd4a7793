#pragma once

#include <jansson.h>

#include "api/routes.h"

/* What requests bring: JSON bodies and numbers in the query. */

/** (transfer full) The body as JSON, of type application/json or application/merge-patch+json,
 * within the limits of json_text.h and with no string above 4 KiB. NULL: 400 or 415 was answered.
 */
json_t *json_body_read(ApiCall *call) ON_CONTROL_THREAD;

/** The same for a body that must be an object. */
json_t *json_body_read_object(ApiCall *call) ON_CONTROL_THREAD;

/** The whole number of a query argument, `value` unchanged where it is absent. FALSE: 400 was
 *  answered. */
gboolean json_body_arg_uint(ApiCall *call, const char *name, guint max,
                            guint *value) ON_CONTROL_THREAD;

/** A query argument that is 1 (or true): TRUE; 0, false, or absent: FALSE. */
gboolean json_body_arg_flag(ApiCall *call, const char *name);
