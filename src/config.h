#pragma once

#include <glib.h>

/* The configuration: one table (config_keys in config.c) of section, key, type, default, range and
 * sentence. The table checks values, prints itself and documents itself; nothing else parses
 * configuration. Precedence: defaults, then the file, then --set. */

typedef enum { CONFIG_BOOL, CONFIG_INT, CONFIG_STRING } ConfigType;

typedef struct Config Config;

/** The configuration that every key's default makes. */
Config *config_new(void);
void config_free(Config *config);

/** Read a GKeyFile. Unknown sections or keys and values out of range are errors
 *  (TESSERA_ERROR_INVALID) that name the file, the key and the remedy. */
gboolean config_load_file(Config *config, const char *path, GError **error);

/** Apply "section.key=value". */
gboolean config_set(Config *config, const char *assignment, GError **error);

/** Checks that concern several keys (an open address without a secret, ...). */
gboolean config_check(const Config *config, GError **error);

/** Typed reading by "section.key". The key must be in the table (a programming error else). */
gint64 config_int(const Config *config, const char *key);
gboolean config_bool(const Config *config, const char *key);
const char *config_string(const Config *config, const char *key);

/** Every key with its sentence, range and present value, as a file that config_load_file reads. */
char *config_print(const Config *config);

/** Split "host:port", "[v6]:port" or ":port" (all addresses). FALSE: malformed. */
gboolean config_split_address(const char *text, char **host, guint *port);

/** One rung of video.ladder below the full picture. */
typedef struct {
    gint side_px; /* the shorter side */
    gint fps, bitrate_bps;
} ConfigRung;

#define CONFIG_MAX_RUNGS 3

/** The rungs of video.ladder, the largest first; returns how many. Of a text that config_check()
 *  refuses: those before the mistake. */
guint config_ladder(const Config *config, ConfigRung rungs[CONFIG_MAX_RUNGS]);

/** The two ends of ice.port_range. FALSE: malformed (config_check says so to the user). */
gboolean config_ports(const Config *config, guint *min, guint *max);

/** TRUE for 127.0.0.0/8, ::1 and "localhost". */
gboolean config_is_loopback(const char *host);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Config, config_free)
