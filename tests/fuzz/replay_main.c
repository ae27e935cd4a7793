/* Runs a fuzz target over the files that are named on the command line, so that seeds and crash
 * files are replayed in every build, without libFuzzer. */
#include <glib.h>
#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        g_autofree char *contents = NULL;
        g_autoptr(GError) error = NULL;
        gsize size = 0;
        if (!g_file_get_contents(argv[i], &contents, &size, &error)) {
            fprintf(stderr, "%s\n", error->message);
            return 1;
        }
        /* An exact copy, so that a sanitizer sees a read past the end. */
        g_autofree uint8_t *input = g_memdup2(contents, size);
        LLVMFuzzerTestOneInput(input, size);
    }
    printf("%d inputs replayed\n", argc - 1);
    return 0;
}
