#include "base/thread.h"

static void test_roles(void) THREAD_UNCHECKED
{
    g_assert_cmpuint(thread_roles(), ==, 0);
    /* A thread that never said what it is passes everywhere. */
    thread_assert_control();
    thread_assert_audio();
    thread_set_roles(THREAD_NET | THREAD_CONTROL);
    g_assert_cmpuint(thread_roles(), ==, THREAD_NET | THREAD_CONTROL);
    thread_assert_net();
    thread_assert_control();
    thread_set_roles(THREAD_ALL);
    thread_assert_net();
    thread_assert_control();
    thread_assert_audio();
    thread_assert_strand();
    thread_set_roles(0);
}

static void test_wrong_thread_child(void)
{
    thread_set_roles(THREAD_NET);
    thread_assert_audio();
}

/** A debug build stops at the first call on a wrong thread; a release build does not ask. */
static void test_wrong_thread(void)
{
    g_test_trap_subprocess("/base/thread/wrong/subprocess", 0, 0);
#ifdef NDEBUG
    g_test_trap_assert_passed();
#else
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr("*called on the wrong thread*");
#endif
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/thread/roles", test_roles);
    g_test_add_func("/base/thread/wrong/subprocess", test_wrong_thread_child);
    g_test_add_func("/base/thread/wrong", test_wrong_thread);
    return g_test_run();
}
