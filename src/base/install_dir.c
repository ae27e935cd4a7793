#include "base/install_dir.h"

char *install_dir_find(const char *name)
{
    static const char *const places[] = { ".", "..", "../..", "../share/tessera" };
    g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *directory = program ? g_path_get_dirname(program) : NULL;
    for (guint i = 0; directory && i < G_N_ELEMENTS(places); i++) {
        g_autofree char *found = g_build_filename(directory, places[i], name, NULL);
        if (g_file_test(found, G_FILE_TEST_IS_DIR))
            return g_canonicalize_filename(found, NULL);
    }
    return NULL;
}
