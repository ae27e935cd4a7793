#pragma once

#include <glib.h>

/* Which thread may call what. A declaration says it with ON_NET_THREAD, ON_AUDIO_THREAD, ...:
 * clang checks the calls (-Wthread-safety), gcc sees nothing. Where a call arrives through a
 * function pointer (a mailbox, a GSource, a strand), the callback's first line is
 * thread_assert_net() and the like: clang believes it from there on, and a debug build checks it.
 * docs/threads.md tells what each thread owns. */

typedef enum {
    THREAD_CONTROL = 1 << 0, /* GLib main loop: rooms, HTTP, signalling, SDP */
    THREAD_NET = 1 << 1,     /* ICE, DTLS, SRTP, RTP, RTCP */
    THREAD_AUDIO = 1 << 2,   /* the 20 ms tick: audio decoders, mixers, audio encoders */
    THREAD_STRAND = 1 << 3,  /* a task of the video pool: decoders, scenes, renditions */
    THREAD_ALL = 0xf,        /* simulated time: one thread plays every role */
} ThreadRole;

#if defined(__clang__)
#define THREAD_CAPABILITY     __attribute__((capability("thread")))
#define THREAD_REQUIRES(role) __attribute__((requires_capability(role)))
#define THREAD_ASSERTS(role)  __attribute__((assert_capability(role)))
#define THREAD_UNCHECKED      __attribute__((no_thread_safety_analysis))
#else
#define THREAD_CAPABILITY
#define THREAD_REQUIRES(role)
#define THREAD_ASSERTS(role)
#define THREAD_UNCHECKED
#endif

typedef struct THREAD_CAPABILITY ThreadCapability {
    ThreadRole role;
} ThreadCapability;

extern ThreadCapability thread_control, thread_net, thread_audio, thread_strand;

#define ON_CONTROL_THREAD THREAD_REQUIRES(thread_control)
#define ON_NET_THREAD     THREAD_REQUIRES(thread_net)
#define ON_AUDIO_THREAD   THREAD_REQUIRES(thread_audio)
#define ON_STRAND         THREAD_REQUIRES(thread_strand)

/** Say which roles the calling thread plays (a mask of ThreadRole), from now on. */
void thread_set_roles(guint roles);

/** The roles of the calling thread; 0 if none were set. */
guint thread_roles(void);

/** First line of a callback: aborts in a debug build if the thread has not the role. */
void thread_assert_control(void) THREAD_ASSERTS(thread_control);
void thread_assert_net(void) THREAD_ASSERTS(thread_net);
void thread_assert_audio(void) THREAD_ASSERTS(thread_audio);
void thread_assert_strand(void) THREAD_ASSERTS(thread_strand);
