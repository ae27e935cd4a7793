#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

typedef struct {
    const char *section, *key;
    ConfigType type;
    const char *fallback; /* the default, as text */
    gint64 min, max;      /* CONFIG_INT */
    const char *help;     /* one sentence */
} ConfigKey;

/* The table: nothing else knows a key's type, default or range. */
static const ConfigKey config_keys[] = {
    { "http", "listen", CONFIG_STRING, "127.0.0.1:8080", 0, 0,
      "Address of pages, API and signalling; empty turns plain HTTP off." },
    { "http", "max_body", CONFIG_INT, "65536", 1024, 16777216, "Largest request body in bytes." },
    { "http", "web_dir", CONFIG_STRING, "", 0, 0,
      "Directory of the web pages; empty: found beside the program." },
    { "http", "ws_max_message", CONFIG_INT, "65536", 4096, 1048576,
      "Largest WebSocket message in bytes; larger ones close the connection with 1009." },
    { "http", "ws_messages_per_second", CONFIG_INT, "50", 1, 10000,
      "WebSocket messages a client may send per second, in bursts of twice that." },
    { "http", "max_connections", CONFIG_INT, "2000", 8, 100000,
      "Open HTTP and WebSocket connections at the same time." },
    { "http", "requests_per_second", CONFIG_INT, "100", 1, 100000,
      "Requests one address may make per second, in bursts of four times that." },
    { "http", "header_seconds", CONFIG_INT, "5", 1, 60, "Time for a request's header." },
    { "http", "request_seconds", CONFIG_INT, "10", 1, 600, "Time for a request's body." },
    { "http", "idle_seconds", CONFIG_INT, "30", 1, 600,
      "How long an idle connection is kept open for the next request." },
    { "http", "join_seconds", CONFIG_INT, "5", 1, 60,
      "Time from the opening of a WebSocket to its join message." },
    { "http", "max_event_streams", CONFIG_INT, "200", 1, 100000,
      "Clients that follow a room's events (SSE) at the same time." },
    { "http", "cors_origins", CONFIG_STRING, "", 0, 0,
      "Origins (comma separated) whose pages may use the API and /ws besides our own; * for all." },
    { "https", "listen", CONFIG_STRING, "127.0.0.1:8443", 0, 0,
      "Address of HTTPS; empty turns it off." },
    { "https", "certificate", CONFIG_STRING, "", 0, 0,
      "PEM file of the certificate chain; empty: a self-signed one is made on first start." },
    { "https", "private_key", CONFIG_STRING, "", 0, 0, "PEM file of the certificate's key." },
    { "https", "state_dir", CONFIG_STRING, "", 0, 0,
      "Where the self-signed certificate is kept; empty: $XDG_STATE_HOME/tessera." },
    { "auth", "secret", CONFIG_STRING, "", 0, 0,
      "Signs the tokens (HS256) that API, WHIP, WHEP and /ws ask for, at least 32 characters; "
      "empty: "
      "nobody is asked." },
    { "auth", "secret_file", CONFIG_STRING, "", 0, 0,
      "File that holds auth.secret, so that it stands in no command line." },
    { "auth", "max_token_hours", CONFIG_INT, "720", 1, 87600,
      "A token that is valid for longer than this is refused." },
    { "auth", "leeway_seconds", CONFIG_INT, "60", 0, 600,
      "How far the clock of whoever signs tokens may be off." },
    { "auth", "anonymous", CONFIG_BOOL, "false", 0, 0,
      "Allow an address that is not loopback without auth.secret." },
    { "ice", "port_range", CONFIG_STRING, "50000-59999", 0, 0,
      "UDP ports for media, one per connection." },
    { "ice", "public_ip", CONFIG_STRING, "", 0, 0,
      "Addresses that clients see when the server is behind 1:1 NAT, comma separated: PUBLIC or "
      "PUBLIC/LOCAL." },
    { "ice", "interfaces", CONFIG_STRING, "", 0, 0,
      "Local addresses to use for media, comma separated; empty: every usable one." },
    { "ice", "loopback", CONFIG_STRING, "auto", 0, 0,
      "Offer 127.0.0.1 as a candidate: yes, no, or auto (when HTTP listens on loopback)." },
    { "ice", "ipv6", CONFIG_BOOL, "true", 0, 0, "Use IPv6 addresses too." },
    { "ice", "tcp", CONFIG_BOOL, "false", 0, 0,
      "Let clients whose UDP is blocked connect by TCP, to a port of ice.port_range." },
    { "ice", "stun_server", CONFIG_STRING, "", 0, 0,
      "STUN server of our own side, host:port; clients are told of it too." },
    { "ice", "turn_server", CONFIG_STRING, "", 0, 0,
      "TURN server for clients and our own side, as turn:host:port?transport=udp." },
    { "ice", "turn_user", CONFIG_STRING, "", 0, 0, "User name at the TURN server." },
    { "ice", "turn_password", CONFIG_STRING, "", 0, 0, "Password at the TURN server." },
    { "video", "width", CONFIG_INT, "1280", 64, 1920, "Width of the composed picture." },
    { "video", "height", CONFIG_INT, "720", 64, 1920, "Height of the composed picture." },
    { "video", "fps", CONFIG_INT, "30", 1, 60, "Pictures per second of the composed video." },
    { "video", "bitrate", CONFIG_INT, "1200000", 30000, 20000000,
      "Bits per second of the composed video." },
    { "video", "ladder", CONFIG_STRING, "360p30=400000,180p15=120000", 0, 0,
      "Smaller encodes of it for thin lines, each only while somebody needs it: up to three of "
      "HEIGHTpFPS=BITRATE; empty: everyone gets the full picture." },
    { "video", "temporal_layers", CONFIG_INT, "2", 1, 3,
      "Temporal layers of VP8: with 2 or 3 a thin line may leave out half the frames." },
    { "video", "max_load", CONFIG_INT, "85", 1, 100,
      "Above this load of the video threads (percent) no further encode of a scene is started." },
    { "video", "start_bitrate", CONFIG_INT, "300000", 30000, 20000000,
      "What a viewer's line is taken to carry (bits per second) until it was measured." },
    { "video", "playout_delay_ms", CONFIG_INT, "400", 0, 10000,
      "The most that browsers are asked to buffer of the mix's pictures; 0: they decide." },
    { "video", "codec", CONFIG_STRING, "VP8", 0, 0,
      "Codec of the composed video where the viewer knows it: VP8, VP9 or H264; else VP8." },
    { "video", "threads", CONFIG_INT, "0", 0, 256, "Threads of the video pool; 0: one per core." },
    { "video", "max_input_pixels", CONFIG_INT, "2088960", 4096, 8912896,
      "Largest incoming picture; a larger one is refused before it is decoded." },
    { "video", "receive_max_bitrate", CONFIG_INT, "2500000", 100000, 50000000,
      "Most bits per second that a sender is asked for with one picture; fewer for a small tile." },
    { "video", "stale_ms", CONFIG_INT, "1500", 200, 60000,
      "A tile whose sender was not heard of for this long is shown as frozen." },
    { "audio", "bitrate", CONFIG_INT, "64000", 16000, 256000,
      "Bits per second of the mixed sound (Opus, stereo); 40000 or 24000 at most on thin lines." },
    { "audio", "complexity", CONFIG_INT, "5", 0, 10, "Opus encoder complexity." },
    { "layout", "default", CONFIG_STRING, "grid", 0, 0, "Layout of a new room." },
    { "layout", "dir", CONFIG_STRING, "", 0, 0,
      "Directory of the layout documents; empty: found beside the program." },
    { "layout", "state_dir", CONFIG_STRING, "", 0, 0,
      "Where layouts and images that users add are kept; empty: $XDG_STATE_HOME/tessera/layouts." },
    { "layout", "max_documents", CONFIG_INT, "200", 1, 10000, "Layouts that users may add." },
    { "layout", "max_images", CONFIG_INT, "100", 0, 10000, "Images that users may add." },
    { "layout", "max_image_bytes", CONFIG_INT, "2097152", 1024, 8388608,
      "Largest image file (PNG or JPEG) in bytes." },
    { "room", "auto_create", CONFIG_BOOL, "true", 0, 0, "A room is made when somebody joins it." },
    { "room", "max_rooms", CONFIG_INT, "100", 1, 10000, "Rooms at the same time." },
    { "room", "max_participants", CONFIG_INT, "50", 1, 1000, "Participants in one room." },
    { "room", "max_scenes", CONFIG_INT, "8", 1, 64,
      "Different pictures that one room composes at the same time." },
    { "room", "speaker_hold_ms", CONFIG_INT, "2000", 0, 60000,
      "How long somebody stays the active speaker at least." },
    { "room", "empty_seconds", CONFIG_INT, "60", 0, 86400,
      "How long a room stays after the last one left." },
    { "room", "rejoin_seconds", CONFIG_INT, "30", 0, 3600,
      "How long a participant whose connection broke keeps the place." },
    { "rtmp", "listen", CONFIG_STRING, "127.0.0.1:1935", 0, 0,
      "Address of the RTMP server (publish and play); empty turns it off." },
    { "rtmp", "tls_listen", CONFIG_STRING, "", 0, 0,
      "Address of RTMPS, with the certificate of https; empty: off." },
    { "rtmp", "max_connections", CONFIG_INT, "200", 1, 100000,
      "RTMP connections at the same time." },
    { "rtmp", "max_per_address", CONFIG_INT, "20", 1, 100000, "RTMP connections of one address." },
    { "source", "media_dir", CONFIG_STRING, "", 0, 0,
      "Directory of the files that rooms may play; empty: none." },
    { "source", "max", CONFIG_INT, "16", 0, 1000, "Files, URLs and patterns playing in one room." },
    { "source", "allowed_networks", CONFIG_STRING, "", 0, 0,
      "Networks that pulled URLs may lead to although they are private or loopback, comma "
      "separated." },
    { "broadcast", "max", CONFIG_INT, "8", 0, 1000, "Broadcasts of one room at the same time." },
    { "broadcast", "allowed_networks", CONFIG_STRING, "", 0, 0,
      "Networks that broadcasts may lead to although they are private or loopback, comma "
      "separated." },
    { "broadcast", "ca_file", CONFIG_STRING, "", 0, 0,
      "PEM certificates to trust for rtmps instead of the system's." },
    { "record", "dir", CONFIG_STRING, "", 0, 0,
      "Directory of the recordings; empty: $XDG_STATE_HOME/tessera/recordings." },
    { "record", "max", CONFIG_INT, "4", 0, 1000, "Recordings of one room at the same time." },
    { "record", "min_free_mb", CONFIG_INT, "1024", 0, 1048576,
      "A recording ends when less than this is free on its disk." },
    { "record", "max_hours", CONFIG_INT, "12", 1, 1000, "A recording ends after this time." },
    { "hls", "max", CONFIG_INT, "4", 0, 64, "HLS presentations of one room at the same time." },
    { "output", "video_bitrate", CONFIG_INT, "3000000", 100000, 50000000,
      "Bits per second of the H.264 of recordings, broadcasts, HLS and RTMP players, where it is "
      "not "
      "shared with viewers." },
    { "output", "audio_bitrate", CONFIG_INT, "128000", 32000, 512000,
      "Bits per second of their AAC." },
    { "webhook", "url", CONFIG_STRING, "", 0, 0,
      "Where events of all rooms are posted (http or https); empty turns webhooks off." },
    { "webhook", "secret", CONFIG_STRING, "", 0, 0,
      "Signs each webhook (HMAC-SHA256, header Tessera-Signature); empty: not signed." },
    { "webhook", "events", CONFIG_STRING, "opened,closed,joined,left,layout,speaker", 0, 0,
      "Events that are posted, comma separated." },
    { "webhook", "queue", CONFIG_INT, "1000", 1, 100000,
      "Webhooks that may wait; then the oldest are dropped." },
    { "webhook", "timeout_seconds", CONFIG_INT, "5", 1, 60, "Time for one attempt." },
    { "webhook", "attempts", CONFIG_INT, "6", 1, 50,
      "How often a webhook is tried, 1, 2, 4, ... seconds apart." },
    { "log", "level", CONFIG_STRING, "info", 0, 0, "error, warning, info or debug." },
    { "server", "drain_seconds", CONFIG_INT, "5", 0, 3600,
      "After SIGTERM: how long clients are given to leave before the server exits." },
};

#define KEY_COUNT G_N_ELEMENTS(config_keys)

typedef struct {
    char *text;
    gint64 number; /* CONFIG_INT, CONFIG_BOOL */
} ConfigValue;

struct Config {
    ConfigValue values[KEY_COUNT];
};

static gint find_key(const char *section, gsize section_len, const char *key)
{
    for (guint i = 0; i < KEY_COUNT; i++) {
        if (strlen(config_keys[i].section) == section_len &&
            strncmp(config_keys[i].section, section, section_len) == 0 &&
            strcmp(config_keys[i].key, key) == 0)
            return (gint)i;
    }
    return -1;
}

static gint index_of(const char *name)
{
    const char *dot = strchr(name, '.');
    return dot ? find_key(name, (gsize)(dot - name), dot + 1) : -1;
}

static gboolean parse_number(const ConfigKey *key, const char *text, gint64 *number, GError **error)
{
    char *end = NULL;
    errno = 0;
    *number = g_ascii_strtoll(text, &end, 10);
    if (errno || end == text || *end) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "%s.%s must be a whole number, not \"%s\".", key->section, key->key, text);
        return FALSE;
    }
    if (*number < key->min || *number > key->max) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "%s.%s must be between %" G_GINT64_FORMAT " and %" G_GINT64_FORMAT ", not %s.",
                    key->section, key->key, key->min, key->max, text);
        return FALSE;
    }
    return TRUE;
}

static gboolean parse_bool(const ConfigKey *key, const char *text, gint64 *number, GError **error)
{
    *number = strcmp(text, "true") == 0;
    if (*number || strcmp(text, "false") == 0)
        return TRUE;
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                "%s.%s must be true or false, not \"%s\".", key->section, key->key, text);
    return FALSE;
}

static gboolean set_value(Config *config, guint i, const char *text, GError **error)
{
    const ConfigKey *key = &config_keys[i];
    g_autofree char *trimmed = g_strstrip(g_strdup(text));
    gint64 number = 0;
    if (key->type == CONFIG_INT && !parse_number(key, trimmed, &number, error))
        return FALSE;
    if (key->type == CONFIG_BOOL && !parse_bool(key, trimmed, &number, error))
        return FALSE;
    g_free(config->values[i].text);
    config->values[i].text = g_steal_pointer(&trimmed);
    config->values[i].number = number;
    return TRUE;
}

Config *config_new(void)
{
    Config *config = g_new0(Config, 1);
    for (guint i = 0; i < KEY_COUNT; i++) {
        g_autoptr(GError) error = NULL;
        if (!set_value(config, i, config_keys[i].fallback, &error))
            g_error("default of the configuration table: %s", error->message);
    }
    return config;
}

void config_free(Config *config)
{
    if (!config)
        return;
    for (guint i = 0; i < KEY_COUNT; i++)
        g_free(config->values[i].text);
    g_free(config);
}

static gboolean unknown_key(const char *section, const char *key, GError **error)
{
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                "There is no setting %s.%s; --print-config lists all of them.", section, key);
    return FALSE;
}

static gboolean load_group(Config *config, GKeyFile *file, const char *group, GError **error)
{
    g_auto(GStrv) keys = g_key_file_get_keys(file, group, NULL, NULL);
    for (guint i = 0; keys && keys[i]; i++) {
        gint found = find_key(group, strlen(group), keys[i]);
        if (found < 0)
            return unknown_key(group, keys[i], error);
        g_autofree char *text = g_key_file_get_value(file, group, keys[i], NULL);
        if (!set_value(config, (guint)found, text ? text : "", error))
            return FALSE;
    }
    return TRUE;
}

gboolean config_load_file(Config *config, const char *path, GError **error)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) problem = NULL;
    if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, &problem)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "The configuration file %s cannot be read: %s.", path, problem->message);
        return FALSE;
    }
    g_auto(GStrv) groups = g_key_file_get_groups(file, NULL);
    for (guint i = 0; groups[i]; i++) {
        if (!load_group(config, file, groups[i], error)) {
            g_prefix_error(error, "%s: ", path);
            return FALSE;
        }
    }
    return TRUE;
}

gboolean config_set(Config *config, const char *assignment, GError **error)
{
    const char *equals = strchr(assignment, '=');
    g_autofree char *name = equals ? g_strndup(assignment, (gsize)(equals - assignment)) : NULL;
    const char *dot = name ? strchr(name, '.') : NULL;
    if (!dot) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "--set takes section.key=value, not \"%s\".", assignment);
        return FALSE;
    }
    gint i = index_of(name);
    if (i < 0) {
        g_autofree char *section = g_strndup(name, (gsize)(dot - name));
        return unknown_key(section, dot + 1, error);
    }
    return set_value(config, (guint)i, equals + 1, error);
}

static const ConfigValue *value_of(const Config *config, const char *name, ConfigType type)
{
    gint i = index_of(name);
    if (i < 0 || config_keys[i].type != type)
        g_error("the configuration table has no %s of this type", name);
    return &config->values[i];
}

gint64 config_int(const Config *config, const char *key)
{
    return value_of(config, key, CONFIG_INT)->number;
}

gboolean config_bool(const Config *config, const char *key)
{
    return value_of(config, key, CONFIG_BOOL)->number != 0;
}

const char *config_string(const Config *config, const char *key)
{
    return value_of(config, key, CONFIG_STRING)->text;
}

static void print_range(GString *out, const ConfigKey *key)
{
    if (key->type == CONFIG_INT)
        g_string_append_printf(out, " %" G_GINT64_FORMAT "..%" G_GINT64_FORMAT ".", key->min,
                               key->max);
    else if (key->type == CONFIG_BOOL)
        g_string_append(out, " true or false.");
    g_string_append_printf(out, " Default: %s\n", *key->fallback ? key->fallback : "(empty)");
}

char *config_print(const Config *config)
{
    GString *out = g_string_new("# Tessera configuration: every key, with its value now.\n");
    const char *section = "";
    for (guint i = 0; i < KEY_COUNT; i++) {
        const ConfigKey *key = &config_keys[i];
        if (strcmp(section, key->section) != 0)
            g_string_append_printf(out, "\n[%s]\n", key->section);
        section = key->section;
        g_string_append_printf(out, "# %s", key->help);
        print_range(out, key);
        g_string_append_printf(out, "%s=%s\n", key->key, config->values[i].text);
    }
    return g_string_free(out, FALSE);
}

gboolean config_split_address(const char *text, char **host, guint *port)
{
    const char *colon = strrchr(text, ':');
    char *end = NULL;
    guint64 number = colon ? g_ascii_strtoull(colon + 1, &end, 10) : 0;
    if (!colon || end == colon + 1 || *end || number > 65535)
        return FALSE;
    gsize length = (gsize)(colon - text);
    if (length >= 2 && text[0] == '[' && text[length - 1] == ']')
        *host = g_strndup(text + 1, length - 2);
    else
        *host = g_strndup(text, length);
    *port = (guint)number;
    return TRUE;
}

gboolean config_is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           g_str_has_prefix(host, "127.");
}

static gboolean check_address(const Config *config, const char *key, GError **error)
{
    const char *text = config_string(config, key);
    g_autofree char *host = NULL;
    guint port = 0;
    if (!*text)
        return TRUE;
    if (!config_split_address(text, &host, &port)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "%s must be an address and a port such as 127.0.0.1:8080, not \"%s\".", key,
                    text);
        return FALSE;
    }
    if (config_is_loopback(host) || *config_string(config, "auth.secret") ||
        *config_string(config, "auth.secret_file") || config_bool(config, "auth.anonymous"))
        return TRUE;
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                "%s=%s is open to other machines but nobody is asked who they are: set "
                "auth.secret, or auth.anonymous=true if everyone may come in.",
                key, text);
    return FALSE;
}

static gboolean check_one_of(const Config *config, const char *key, const char *choices,
                             GError **error)
{
    g_auto(GStrv) list = g_strsplit(choices, " ", 0);
    if (g_strv_contains((const char *const *)list, config_string(config, key)))
        return TRUE;
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID, "%s must be one of: %s; not \"%s\".",
                key, choices, config_string(config, key));
    return FALSE;
}

gboolean config_ports(const Config *config, guint *min, guint *max)
{
    char extra;
    return sscanf(config_string(config, "ice.port_range"), "%u-%u%c", min, max, &extra) == 2 &&
           *min >= 1 && *min <= *max && *max <= 65535;
}

static gboolean parse_rung(const char *text, ConfigRung *rung)
{
    char extra;
    return sscanf(text, "%dp%d=%d%c", &rung->side_px, &rung->fps, &rung->bitrate_bps, &extra) ==
               3 &&
           rung->side_px >= 32 && rung->side_px <= 1920 && rung->fps >= 1 && rung->fps <= 60 &&
           rung->bitrate_bps >= 30000 && rung->bitrate_bps <= 20000000;
}

guint config_ladder(const Config *config, ConfigRung rungs[CONFIG_MAX_RUNGS])
{
    g_auto(GStrv) parts = g_strsplit(config_string(config, "video.ladder"), ",", -1);
    guint n = 0;
    while (n < CONFIG_MAX_RUNGS && parts[n] && parse_rung(g_strstrip(parts[n]), &rungs[n]))
        n++;
    return n;
}

static gboolean check_ladder(const Config *config, GError **error)
{
    const char *text = config_string(config, "video.ladder");
    ConfigRung rungs[CONFIG_MAX_RUNGS];
    guint n = config_ladder(config, rungs);
    guint written = 1;
    for (const char *c = text; *c; c++)
        written += *c == ',';
    gboolean good = !*text || n == written;
    for (guint i = 1; i < n && good; i++)
        good = rungs[i].side_px < rungs[i - 1].side_px &&
               rungs[i].bitrate_bps < rungs[i - 1].bitrate_bps;
    if (!good)
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "video.ladder must be at most %d rungs such as 360p30=400000,180p15=120000, "
                    "each smaller than the one before, not \"%s\".",
                    CONFIG_MAX_RUNGS, text);
    return good;
}

static gboolean check_numbers(const Config *config, GError **error)
{
    guint min, max;
    if (!config_ports(config, &min, &max)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "ice.port_range must be two UDP ports such as 50000-59999, not \"%s\".",
                    config_string(config, "ice.port_range"));
        return FALSE;
    }
    if (config_int(config, "video.width") % 2 || config_int(config, "video.height") % 2) {
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                            "video.width and video.height must be even numbers.");
        return FALSE;
    }
    if (config_int(config, "video.width") * config_int(config, "video.height") > 1920 * 1088) {
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                            "video.width x video.height must not be larger than 1920x1088.");
        return FALSE;
    }
    return TRUE;
}

static gboolean check_files(const Config *config, GError **error)
{
    gboolean certificate = *config_string(config, "https.certificate") != '\0';
    gboolean key = *config_string(config, "https.private_key") != '\0';
    if (certificate == key)
        return TRUE;
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                "https.certificate and https.private_key belong together: %s is empty.",
                key ? "https.certificate" : "https.private_key");
    return FALSE;
}

gboolean config_check(const Config *config, GError **error)
{
    return check_address(config, "http.listen", error) &&
           check_address(config, "https.listen", error) &&
           check_address(config, "rtmp.listen", error) &&
           check_address(config, "rtmp.tls_listen", error) && check_numbers(config, error) &&
           check_ladder(config, error) && check_files(config, error) &&
           check_one_of(config, "video.codec", "VP8 VP9 H264", error) &&
           check_one_of(config, "ice.loopback", "auto yes no", error) &&
           check_one_of(config, "log.level", "error warning info debug", error);
}
