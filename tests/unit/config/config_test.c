#include "config.h"

#include <glib/gstdio.h>
#include <string.h>

#include "base/error.h"

static void assert_refused(const Config *config, const char *word)
{
    g_autoptr(GError) error = NULL;
    g_assert_false(config_check(config, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID);
    g_assert_nonnull(strstr(error->message, word));
}

static void assert_accepted(const Config *config)
{
    g_autoptr(GError) error = NULL;
    config_check(config, &error);
    g_assert_no_error(error);
}

static void set(Config *config, const char *assignment)
{
    g_autoptr(GError) error = NULL;
    config_set(config, assignment, &error);
    g_assert_no_error(error);
}

/** The message of a refused --set. */
static char *refuse(const char *assignment)
{
    g_autoptr(Config) config = config_new();
    g_autoptr(Config) untouched = config_new();
    g_autoptr(GError) error = NULL;
    g_assert_false(config_set(config, assignment, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID);
    g_autofree char *before = config_print(untouched);
    g_autofree char *after = config_print(config);
    g_assert_cmpstr(before, ==, after);
    return g_strdup(error->message);
}

/** A file with this text; the caller removes it. */
static char *write_file(const char *text)
{
    g_autoptr(GError) error = NULL;
    char *path = NULL;
    gint fd = g_file_open_tmp("tessera-config-XXXXXX", &path, &error);
    g_assert_no_error(error);
    g_close(fd, NULL);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    return path;
}

static gboolean load_text(Config *config, const char *text, GError **error)
{
    g_autofree char *path = write_file(text);
    gboolean loaded = config_load_file(config, path, error);
    g_unlink(path);
    return loaded;
}

static void test_defaults(void)
{
    g_autoptr(Config) config = config_new();
    guint min, max;
    assert_accepted(config);
    g_assert_cmpstr(config_string(config, "http.listen"), ==, "127.0.0.1:8080");
    g_assert_cmpstr(config_string(config, "https.listen"), ==, "127.0.0.1:8443");
    g_assert_cmpint(config_int(config, "video.width"), ==, 1280);
    g_assert_cmpint(config_int(config, "video.height"), ==, 720);
    g_assert_true(config_bool(config, "room.auto_create"));
    g_assert_false(config_bool(config, "auth.anonymous"));
    g_assert_true(config_ports(config, &min, &max));
    g_assert_cmpuint(min, ==, 50000);
    g_assert_cmpuint(max, ==, 59999);
}

/** Every default, written out, is a value that its own key accepts. */
static void test_every_default_loads(void)
{
    g_autoptr(Config) config = config_new();
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autofree char *text = config_print(config);
    g_assert_true(g_key_file_load_from_data(file, text, strlen(text), G_KEY_FILE_NONE, NULL));
    g_auto(GStrv) groups = g_key_file_get_groups(file, NULL);
    guint count = 0;
    for (guint g = 0; groups[g]; g++) {
        g_auto(GStrv) keys = g_key_file_get_keys(file, groups[g], NULL, NULL);
        for (guint k = 0; keys[k]; k++, count++) {
            g_autofree char *value = g_key_file_get_value(file, groups[g], keys[k], NULL);
            g_autofree char *assignment = g_strdup_printf("%s.%s=%s", groups[g], keys[k], value);
            set(config, assignment);
        }
    }
    g_assert_cmpuint(count, >, 30);
    g_autofree char *again = config_print(config);
    g_assert_cmpstr(again, ==, text);
}

static void test_file(void)
{
    g_autoptr(Config) config = config_new();
    g_autoptr(GError) error = NULL;
    load_text(config,
              "# a comment\n[video]\nwidth = 640\nheight=360\n\n[auth]\nanonymous=true\n"
              "secret=a=b;c #d\n",
              &error);
    g_assert_no_error(error);
    g_assert_cmpint(config_int(config, "video.width"), ==, 640);
    g_assert_cmpint(config_int(config, "video.height"), ==, 360);
    g_assert_true(config_bool(config, "auth.anonymous"));
    g_assert_cmpstr(config_string(config, "auth.secret"), ==, "a=b;c #d");
    g_assert_cmpint(config_int(config, "video.fps"), ==, 30);
}

static void test_bad_files(void)
{
    static const struct {
        const char *text, *word;
    } cases[] = {
        { "[video]\nwitdh=640\n", "video.witdh" }, { "[vdeo]\nwidth=640\n", "vdeo.width" },
        { "[video]\nwidth=9\n", "between 64" },    { "[video]\nwidth=wide\n", "whole number" },
        { "[auth]\nanonymous=yes\n", "true or" },  { "width=640\n", "cannot be read" },
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Config) config = config_new();
        g_autoptr(GError) error = NULL;
        g_assert_false(load_text(config, cases[i].text, &error));
        g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID);
        g_assert_nonnull(strstr(error->message, cases[i].word));
        g_assert_nonnull(strstr(error->message, "tessera-config-"));
    }
    g_autoptr(Config) config = config_new();
    g_autoptr(GError) error = NULL;
    g_assert_false(config_load_file(config, "/nonexistent/tessera.conf", &error));
    g_assert_nonnull(strstr(error->message, "/nonexistent/tessera.conf"));
}

static void test_set(void)
{
    g_autoptr(Config) config = config_new();
    set(config, "video.fps=25");
    set(config, "auth.secret= with=equals ");
    set(config, "https.listen=");
    g_assert_cmpint(config_int(config, "video.fps"), ==, 25);
    g_assert_cmpstr(config_string(config, "auth.secret"), ==, "with=equals");
    g_assert_cmpstr(config_string(config, "https.listen"), ==, "");
    assert_accepted(config);
    set(config, "video.fps=24");
    g_assert_cmpint(config_int(config, "video.fps"), ==, 24);
}

static void test_bad_set(void)
{
    static const struct {
        const char *assignment, *word;
    } cases[] = {
        { "video.fps=0", "between 1 and 60" },
        { "video.fps=61", "between 1 and 60" },
        { "video.fps=", "whole number" },
        { "video.fps=12.5", "whole number" },
        { "video.fps=99999999999999999999", "whole number" },
        { "auth.anonymous=1", "true or false" },
        { "video.speed=5", "--print-config" },
        { "no.such=5", "no.such" },
        { "video=5", "section.key=value" },
        { "video.fps", "section.key=value" },
        { "=", "section.key=value" },
        { "", "section.key=value" },
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *message = refuse(cases[i].assignment);
        if (!strstr(message, cases[i].word))
            g_error("\"%s\" was refused with: %s", cases[i].assignment, message);
    }
}

static void test_print_then_load(void)
{
    g_autoptr(Config) config = config_new();
    g_autoptr(Config) copy = config_new();
    g_autoptr(GError) error = NULL;
    set(config, "video.fps=24");
    set(config, "auth.secret=x y=z");
    set(config, "http.listen=[::1]:9");
    set(config, "ice.ipv6=false");
    g_autofree char *printed = config_print(config);
    load_text(copy, printed, &error);
    g_assert_no_error(error);
    g_autofree char *again = config_print(copy);
    g_assert_cmpstr(again, ==, printed);
    g_assert_nonnull(strstr(printed, "[video]\n"));
    g_assert_nonnull(strstr(printed, "1..60. Default: 30\nfps=24\n"));
}

static void test_open_address(void)
{
    static const char *const open[] = { "0.0.0.0:8080", ":8080", "[::]:8080", "192.0.2.1:80" };
    static const char *const closed[] = { "127.0.0.1:0", "localhost:8080", "[::1]:8080",
                                          "127.4.5.6:80", "" };
    for (guint i = 0; i < G_N_ELEMENTS(open) * 2; i++) {
        g_autofree char *assignment =
            g_strdup_printf("%s.listen=%s", i % 2 ? "https" : "http", open[i / 2]);
        g_autoptr(Config) config = config_new();
        set(config, assignment);
        assert_refused(config, "auth.secret");
        assert_refused(config, "auth.anonymous=true");
        g_autoptr(Config) secret = config_new();
        set(secret, assignment);
        set(secret, "auth.secret=s3cret");
        assert_accepted(secret);
        set(config, "auth.anonymous=true");
        assert_accepted(config);
    }
    for (guint i = 0; i < G_N_ELEMENTS(closed); i++) {
        g_autofree char *assignment = g_strdup_printf("http.listen=%s", closed[i]);
        g_autoptr(Config) config = config_new();
        set(config, assignment);
        assert_accepted(config);
    }
}

static void test_refused_together(void)
{
    static const struct {
        const char *assignment, *word;
    } cases[] = {
        { "http.listen=8080", "such as 127.0.0.1:8080" },
        { "http.listen=127.0.0.1:", "such as" },
        { "http.listen=127.0.0.1:70000", "such as" },
        { "http.listen=127.0.0.1:80x", "such as" },
        { "video.width=641", "even" },
        { "video.height=1920", "1920x1088" },
        { "video.codec=AV1", "VP8 VP9 H264" },
        { "ice.loopback=maybe", "auto yes no" },
        { "log.level=loud", "error warning info debug" },
        { "https.certificate=/etc/cert.pem", "https.private_key is empty" },
        { "https.private_key=/etc/key.pem", "https.certificate is empty" },
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Config) config = config_new();
        set(config, cases[i].assignment);
        assert_refused(config, cases[i].word);
    }
    g_autoptr(Config) both = config_new();
    set(both, "https.certificate=/etc/cert.pem");
    set(both, "https.private_key=/etc/key.pem");
    assert_accepted(both);
}

static void test_port_range(void)
{
    static const char *const bad[] = { "",       "50000",   "50000-",       "-50000", "60000-50000",
                                       "0-1000", "1-65536", "50000-60000x", "a-b",    "-5-10" };
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *assignment = g_strdup_printf("ice.port_range=%s", bad[i]);
        g_autoptr(Config) config = config_new();
        set(config, assignment);
        assert_refused(config, "ice.port_range");
    }
    g_autoptr(Config) config = config_new();
    guint min, max;
    set(config, "ice.port_range=7000-7000");
    assert_accepted(config);
    g_assert_true(config_ports(config, &min, &max));
    g_assert_cmpuint(min, ==, 7000);
    g_assert_cmpuint(max, ==, 7000);
}

static void test_split_address(void)
{
    static const struct {
        const char *text, *host;
        guint port;
    } good[] = { { "127.0.0.1:8080", "127.0.0.1", 8080 },
                 { "[::1]:443", "::1", 443 },
                 { ":80", "", 80 },
                 { "example.org:0", "example.org", 0 } };
    static const char *const bad[] = { "", ":", "host", "host:", "host:x", "host:65536" };
    for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autofree char *host = NULL;
        guint port = 0;
        g_assert_true(config_split_address(good[i].text, &host, &port));
        g_assert_cmpstr(host, ==, good[i].host);
        g_assert_cmpuint(port, ==, good[i].port);
    }
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *host = NULL;
        guint port = 0;
        g_assert_false(config_split_address(bad[i], &host, &port));
        g_assert_null(host);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config/defaults", test_defaults);
    g_test_add_func("/config/every_default", test_every_default_loads);
    g_test_add_func("/config/file", test_file);
    g_test_add_func("/config/bad_files", test_bad_files);
    g_test_add_func("/config/set", test_set);
    g_test_add_func("/config/bad_set", test_bad_set);
    g_test_add_func("/config/print_then_load", test_print_then_load);
    g_test_add_func("/config/open_address", test_open_address);
    g_test_add_func("/config/together", test_refused_together);
    g_test_add_func("/config/port_range", test_port_range);
    g_test_add_func("/config/split_address", test_split_address);
    return g_test_run();
}
