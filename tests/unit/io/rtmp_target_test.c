#include "io/rtmp_target.h"

#include <string.h>

typedef struct {
    const char *app, *name;
    const char *room, *stream, *token; /* room NULL: refused */
} Case;

static const Case cases[] = {
    { "room", "alice?token=t", "room", "alice", "t" },
    { "", "room/alice?token=t", "room", "alice", "t" },
    { "live/room", "alice", "room", "alice", NULL },
    { "room/alice", "", "room", "alice", NULL },
    { "room/", "/alice", "room", "alice", NULL },
    { "room?token=t", "alice", "room", "alice", "t" },
    { "room?token=of-app", "alice?token=of-name", "room", "alice", "of-name" },
    { "room/_definst_", "alice", "room", "alice", NULL },
    { "a//room", "alice//", "room", "alice", NULL },
    { "room", "al%20ice?token=a%2Bb&x", "room", "al ice", "a+b" },
    { "room", "al%zz", "room", "al%zz", NULL },
    { "room", "100%FF", "room", "100%FF", NULL },
    { "room", "", NULL, NULL, NULL },
    { "", "alice", NULL, NULL, NULL },
    { "", "", NULL, NULL, NULL },
    { "/", "?token=t", NULL, NULL, NULL },
};

static void test_split(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(RtmpTarget) target = rtmp_target_new(cases[i].app, cases[i].name);
        g_assert_cmpint(target != NULL, ==, cases[i].room != NULL);
        if (!target)
            continue;
        g_assert_cmpstr(rtmp_target_room(target), ==, cases[i].room);
        g_assert_cmpstr(rtmp_target_name(target), ==, cases[i].stream);
        g_assert_cmpstr(rtmp_target_arg(target, "token"), ==, cases[i].token);
    }
}

static void test_bounds(void)
{
    g_autofree char *longest = g_strnfill(RTMP_TARGET_MAX_TEXT, 'x');
    g_autofree char *longer = g_strnfill(RTMP_TARGET_MAX_TEXT + 1, 'x');
    g_autoptr(RtmpTarget) good = rtmp_target_new(longest, longest);
    g_assert_nonnull(good);
    g_assert_null(rtmp_target_new(longer, "alice"));
    g_assert_null(rtmp_target_new("room", longer));

    g_autoptr(GString) name = g_string_new("alice?");
    for (guint i = 0; i < 1000; i++)
        g_string_append_printf(name, "k%u=v&", i);
    g_autoptr(RtmpTarget) many = rtmp_target_new("room", name->str);
    g_assert_cmpstr(rtmp_target_arg(many, "k31"), ==, "v");
    g_assert_null(rtmp_target_arg(many, "k32"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rtmp_target/split", test_split);
    g_test_add_func("/rtmp_target/bounds", test_bounds);
    return g_test_run();
}
