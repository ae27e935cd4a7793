#include "config_options.h"

void config_options_add(GOptionContext *context, ConfigOptions *options)
{
    const GOptionEntry entries[] = {
        { "config", 'c', 0, G_OPTION_ARG_FILENAME, &options->file, "Read this configuration file",
          "FILE" },
        { "set", 's', 0, G_OPTION_ARG_STRING_ARRAY, &options->settings,
          "Set one key, after the file; may be repeated", "SECTION.KEY=VALUE" },
        { 0 },
    };
    g_option_context_add_main_entries(context, entries, NULL);
}

void config_options_clear(ConfigOptions *options)
{
    g_clear_pointer(&options->file, g_free);
    g_clear_pointer(&options->settings, g_strfreev);
}

gboolean config_options_load(const ConfigOptions *options, Config *config, GError **error)
{
    if (options->file && !config_load_file(config, options->file, error))
        return FALSE;
    for (guint i = 0; options->settings && options->settings[i]; i++) {
        if (!config_set(config, options->settings[i], error))
            return FALSE;
    }
    return TRUE;
}
