#include "base/error.h"

/* Errors happen on every thread: G_DEFINE_QUARK() would remember it without a lock. */
GQuark tessera_error_quark(void)
{
    return g_quark_from_static_string("tessera-error-quark");
}
