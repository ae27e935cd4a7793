#include "net/descriptors.h"

#include "base/error.h"

#include <sys/eventfd.h>
#include <unistd.h>

/* A connection has two contexts, ours and libnice's, and a socket for each address, transport and
 * TURN server; and other threads open files meanwhile. */
#define SPARE 32

gboolean descriptors_are_left(GError **error)
{
    int spare[SPARE];
    gboolean enough = TRUE;
    for (guint i = 0; i < SPARE; i++) {
        spare[i] = eventfd(0, EFD_CLOEXEC);
        enough = enough && spare[i] >= 0;
    }
    for (guint i = 0; i < SPARE; i++)
        if (spare[i] >= 0)
            close(spare[i]);
    if (!enough)
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                            "The server has no file descriptor left for another connection; raise "
                            "the limit of open files (ulimit -n).");
    return enough;
}
