#include "token_command.h"

#include <stdio.h>

#include "api/auth.h"
#include "base/error.h"
#include "config_options.h"

#define DEFAULT_GRANTS "publish,view"
#define DEFAULT_HOURS  8

typedef struct {
    ConfigOptions config;
    char *room, *grants, *role, *name;
    gint hours;
} TokenOptions;

static void token_options_clear(TokenOptions *options)
{
    config_options_clear(&options->config);
    g_free(options->room);
    g_free(options->grants);
    g_free(options->role);
    g_free(options->name);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TokenOptions, token_options_clear)

static gboolean fail(GError **error, const char *message)
{
    g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_INVALID, message);
    return FALSE;
}

static GOptionContext *make_context(TokenOptions *options)
{
    const GOptionEntry entries[] = {
        { "room", 'r', 0, G_OPTION_ARG_STRING, &options->room,
          "The room's name, or * for all rooms", "ROOM" },
        { "grant", 'g', 0, G_OPTION_ARG_STRING, &options->grants,
          "What it allows: publish, view, control, record, admin; comma separated (" DEFAULT_GRANTS
          ")",
          "LIST" },
        { "role", 0, 0, G_OPTION_ARG_STRING, &options->role,
          "The role of who joins with it, for layouts", "ROLE" },
        { "name", 'n', 0, G_OPTION_ARG_FILENAME, &options->name, "The name of who joins with it",
          "NAME" },
        { "hours", 0, 0, G_OPTION_ARG_INT, &options->hours,
          "How long it is valid (" G_STRINGIFY(DEFAULT_HOURS) ")", "HOURS" },
        { 0 },
    };
    GOptionContext *context = g_option_context_new("- print a token that lets somebody in");
    g_option_context_set_summary(context, "Signs a token (JWT, HS256) with auth.secret of the "
                                          "configuration and prints it on standard output.");
    g_option_context_set_description(
        context, "Example:\n  tessera token --config /etc/tessera.conf --room demo "
                 "--grant publish,view,control --role teacher --name Ada --hours 2\n");
    g_option_context_add_main_entries(context, entries, NULL);
    config_options_add(context, &options->config);
    return context;
}

static gboolean parse_options(int argc, char **argv, TokenOptions *options, GError **error)
{
    g_autoptr(GOptionContext) context = make_context(options);
    g_set_prgname("tessera token");
    options->hours =
        DEFAULT_HOURS; /* the name is bytes, so that it does not depend on the locale */
    if (!g_option_context_parse(context, &argc, &argv, error))
        return FALSE;
    if (argc > 1) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "\"%s\" is not an option; tessera token --help lists them.", argv[1]);
        return FALSE;
    }
    if (options->name && !g_utf8_validate(options->name, -1, NULL))
        return fail(error, "--name must be UTF-8 text.");
    return options->room ||
           fail(error, "Name the room that the token is for with --room; --room '*' for all.");
}

static gboolean parse_grants(const char *text, guint *grants, GError **error)
{
    g_auto(GStrv) names = g_strsplit(text, ",", 0);
    for (guint i = 0; names[i]; i++) {
        guint grant = auth_grant_from_string(g_strstrip(names[i]));
        if (!grant) {
            g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                        "There is no grant \"%s\"; there are publish, view, control, record and "
                        "admin.",
                        names[i]);
            return FALSE;
        }
        *grants |= grant;
    }
    return TRUE;
}

/* (transfer full) A token that the server will take: it is checked as the server would. */
static char *make_token(const Auth *auth, const TokenOptions *options, GError **error)
{
    gint64 now_s = g_get_real_time() / G_USEC_PER_SEC;
    AuthClaims wanted = { .room = options->room,
                          .role = options->role,
                          .name = options->name,
                          .expires_s = now_s + options->hours * G_GINT64_CONSTANT(3600) };
    g_auto(AuthClaims) claims = { 0 };
    if (!parse_grants(options->grants ? options->grants : DEFAULT_GRANTS, &wanted.grants, error))
        return NULL;
    g_autofree char *token = auth_sign(auth, &wanted, now_s);
    return auth_check(auth, token, now_s, &claims, error) ? g_steal_pointer(&token) : NULL;
}

gboolean token_command(int argc, char **argv, GError **error)
{
    g_auto(TokenOptions) options = { 0 };
    g_autoptr(Config) config = config_new();
    if (!parse_options(argc, argv, &options, error) ||
        !config_options_load(&options.config, config, error))
        return FALSE;
    g_autoptr(Auth) auth = auth_new(config, error);
    if (!auth)
        return FALSE;
    if (!auth_is_on(auth))
        return fail(error, "There is no secret to sign with: set auth.secret or auth.secret_file, "
                           "as the server has it; openssl rand -hex 32 makes one.");
    if (options.hours < 1)
        return fail(error, "--hours must be 1 or more.");
    g_autofree char *token = make_token(auth, &options, error);
    if (token)
        puts(token);
    return token != NULL;
}
