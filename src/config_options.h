#pragma once

#include "config.h"

/* The command line's part of the configuration: --config and --set, for every command. */

typedef struct {
    char *file;
    char **settings;
} ConfigOptions;

void config_options_add(GOptionContext *context, ConfigOptions *options);
void config_options_clear(ConfigOptions *options);

/** The file, then each --set. */
gboolean config_options_load(const ConfigOptions *options, Config *config, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ConfigOptions, config_options_clear)
