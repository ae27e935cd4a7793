#include <glib.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_options.h"
#include "server.h"
#include "token_command.h"

/* Configuration, ports, certificate: what the person who starts it can cure. */
#define EXIT_USAGE 2

typedef struct {
    ConfigOptions config;
    gboolean print_config, check_config, demo, version;
} Options;

static gboolean parse_options(int *argc, char ***argv, Options *options, GError **error)
{
    const GOptionEntry entries[] = {
        { "print-config", 0, 0, G_OPTION_ARG_NONE, &options->print_config,
          "Print every key with its sentence and value, and exit", NULL },
        { "check-config", 0, 0, G_OPTION_ARG_NONE, &options->check_config,
          "Check the configuration, and exit", NULL },
        { "demo", 0, 0, G_OPTION_ARG_NONE, &options->demo,
          "Open the room \"demo\" with four test sources", NULL },
        { "version", 0, 0, G_OPTION_ARG_NONE, &options->version, "Print the version, and exit",
          NULL },
        { 0 },
    };
    g_autoptr(GOptionContext) context = g_option_context_new("- video rooms as one mixed stream");
    g_option_context_set_description(context,
                                     "Commands:\n  tessera token --help  makes a token that lets "
                                     "somebody in, where auth.secret is set\n");
    config_options_add(context, &options->config);
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, argc, argv, error))
        return FALSE;
    if (*argc == 1)
        return TRUE;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION,
                "\"%s\" is not an option; --help lists them.", (*argv)[1]);
    return FALSE;
}

static gboolean run(const Options *options, GError **error)
{
    g_autoptr(Config) config = config_new();
    if (options->version) {
        printf("tessera %s\n", TESSERA_VERSION);
        return TRUE;
    }
    if (!config_options_load(&options->config, config, error))
        return FALSE;
    if (options->print_config) {
        g_autofree char *text = config_print(config);
        fputs(text, stdout);
        return TRUE;
    }
    if (!config_check(config, error))
        return FALSE;
    if (options->check_config) {
        puts("The configuration is good.");
        return TRUE;
    }
    return server_run(config, options->demo, error);
}

int main(int argc, char **argv)
{
    Options options = { 0 };
    g_autoptr(GError) error = NULL;
    setlocale(LC_CTYPE, "");
    gboolean ok;
    if (argc > 1 && strcmp(argv[1], "token") == 0)
        ok = token_command(argc - 1, argv + 1, &error);
    else
        ok = parse_options(&argc, &argv, &options, &error) && run(&options, &error);
    if (!ok)
        fprintf(stderr, "tessera: %s\n", error->message);
    config_options_clear(&options.config);
    return ok ? EXIT_SUCCESS : EXIT_USAGE;
}
