#pragma once

#include <glib.h>

/* Errors that a person will read: the message is one sentence that names the thing and the
 * remedy. The code says what kind of error it is; the API maps it to an HTTP status. */

#define TESSERA_ERROR (tessera_error_quark())
GQuark tessera_error_quark(void);

typedef enum {
    TESSERA_ERROR_INVALID = 1,  /* the request is malformed or out of range: 400 */
    TESSERA_ERROR_UNAUTHORIZED, /* 401 */
    TESSERA_ERROR_FORBIDDEN,    /* 403 */
    TESSERA_ERROR_NOT_FOUND,    /* 404 */
    TESSERA_ERROR_CONFLICT,     /* 409 */
    TESSERA_ERROR_TOO_LARGE,    /* 413 */
    TESSERA_ERROR_UNSUPPORTED,  /* 415, 422: understood, but not what this server does */
    TESSERA_ERROR_UNAVAILABLE,  /* 503: full, draining, overloaded */
    TESSERA_ERROR_INTERNAL,     /* 500 */
} TesseraError;
