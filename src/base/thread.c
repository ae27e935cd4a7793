#include "base/thread.h"

ThreadCapability thread_control = { THREAD_CONTROL };
ThreadCapability thread_net = { THREAD_NET };
ThreadCapability thread_audio = { THREAD_AUDIO };
ThreadCapability thread_strand = { THREAD_STRAND };

static _Thread_local guint current_roles;

void thread_set_roles(guint roles)
{
    current_roles = roles;
}

guint thread_roles(void)
{
    return current_roles;
}

static void assert_role(ThreadRole role)
{
#ifdef NDEBUG
    (void)role;
#else
    /* A thread that never said a role (a unit test of one part) is not checked. */
    if (current_roles && !(current_roles & role))
        g_error("called on the wrong thread: it plays %#x, %#x is needed", current_roles, role);
#endif
}

void thread_assert_control(void) THREAD_UNCHECKED
{
    assert_role(THREAD_CONTROL);
}

void thread_assert_net(void) THREAD_UNCHECKED
{
    assert_role(THREAD_NET);
}

void thread_assert_audio(void) THREAD_UNCHECKED
{
    assert_role(THREAD_AUDIO);
}

void thread_assert_strand(void) THREAD_UNCHECKED
{
    assert_role(THREAD_STRAND);
}
