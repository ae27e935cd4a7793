#include "base/address_block.h"

static void test_blocks(void)
{
    static const char *const cases[][2] = {
        { "192.0.2.7", "192.0.2.7" },
        { "::ffff:192.0.2.7", "192.0.2.7" },
        { "2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64" },
        { "2001:db8:0:1::", "2001:db8:0:1::/64" },
        { "2001:db8:0:2::5", "2001:db8:0:2::/64" },
        { "::1", "::/64" },
        { "fe80::1%eth0", "fe80::1%eth0" },
        { "nowhere", "nowhere" },
        { "", "" },
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *block = address_block(cases[i][0]);
        g_assert_cmpstr(block, ==, cases[i][1]);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/address_block/blocks", test_blocks);
    return g_test_run();
}
