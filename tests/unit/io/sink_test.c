#include "io/sink.h"

typedef struct {
    Sink base;
    guint started, written, finished;
    gboolean freed, ended;
} FakeSink;

static void fake_start(Sink *sink, const SinkStream *streams, guint n)
{
    g_assert_nonnull(streams);
    ((FakeSink *)sink)->started += n;
}

static void fake_write(Sink *sink, guint stream, const AVPacket *packet)
{
    (void)packet;
    ((FakeSink *)sink)->written += stream + 1;
}

static void fake_finish(Sink *sink)
{
    ((FakeSink *)sink)->finished++;
    sink_tell_changed(sink);
}

static void fake_status(Sink *sink, SinkStatus *status)
{
    g_assert_cmpuint(status->packets, ==, 0);
    status->state = ((FakeSink *)sink)->ended ? SINK_FINISHED : SINK_RUNNING;
    status->packets = ((FakeSink *)sink)->written;
}

static void fake_free(Sink *sink)
{
    /* The user is still there while a sink ends. */
    sink_tell_want_keyframe(sink);
    ((FakeSink *)sink)->freed = TRUE;
}

static const SinkType fake_type = { .kind = "fake",
                                    .start = fake_start,
                                    .write = fake_write,
                                    .finish = fake_finish,
                                    .status = fake_status,
                                    .free = fake_free };

static guint changes, asked, users_freed;

static void on_changed(Sink *sink, gpointer user)
{
    g_assert_nonnull(sink);
    g_assert_true(user == &changes);
    changes++;
}

static void on_want_keyframe(Sink *sink, gpointer user)
{
    g_assert_nonnull(sink);
    g_assert_true(user == &changes);
    g_assert_cmpuint(users_freed, ==, 0);
    asked++;
}

static void on_user_free(gpointer user)
{
    g_assert_true(user == &changes);
    users_freed++;
}

static void test_life(void)
{
    const SinkEvents events = { on_changed, on_want_keyframe, &changes, on_user_free };
    AVCodecParameters video = { .codec_type = AVMEDIA_TYPE_VIDEO };
    const SinkStream stream = { &video, NULL };
    FakeSink fake = { 0 };
    SinkStatus status;
    sink_init(&fake.base, &fake_type, &events);
    sink_start(&fake.base, &stream, 1);
    sink_write(&fake.base, 2, NULL);
    sink_status(&fake.base, &status);
    g_assert_cmpuint(status.packets, ==, 3);
    g_assert_false(sink_pause(&fake.base, TRUE));
    sink_finish(&fake.base);
    g_assert_cmpuint(changes, ==, 1);
    g_assert_true(sink_ref(&fake.base) == &fake.base);
    sink_unref(&fake.base);
    g_assert_false(fake.freed);
    sink_unref(&fake.base);
    g_assert_true(fake.freed);
    g_assert_cmpuint(asked, ==, 1);
    g_assert_cmpuint(users_freed, ==, 1);
    g_assert_cmpuint(fake.started, ==, 1);
}

static void test_fail(void)
{
    FakeSink fake = { 0 };
    SinkStatus status;
    sink_init(&fake.base, &fake_type, NULL);
    g_assert_null(sink_failure(&fake.base));
    sink_fail(&fake.base, "There is no paper.");
    sink_fail(&fake.base, "There is no ink.");
    g_assert_cmpstr(sink_failure(&fake.base), ==, "There is no paper.");
    sink_status(&fake.base, &status);
    g_assert_cmpint(status.state, ==, SINK_RUNNING); /* it writes its end */
    fake.ended = TRUE;
    sink_status(&fake.base, &status);
    g_assert_cmpint(status.state, ==, SINK_FAILED);
    g_assert_cmpstr(status.error, ==, "There is no paper.");
    sink_unref(&fake.base);
}

static void test_fail_too_late(void)
{
    FakeSink fake = { .ended = TRUE };
    SinkStatus status;
    sink_init(&fake.base, &fake_type, NULL);
    sink_fail(&fake.base, "There is no paper.");
    sink_status(&fake.base, &status);
    g_assert_cmpint(status.state, ==, SINK_FINISHED);
    g_assert_cmpuint(fake.finished, ==, 0);
    sink_unref(&fake.base);
}

static void test_state_names(void)
{
    const char *const names[] = { "starting",  "running",  "paused", "retrying",
                                  "finishing", "finished", "failed" };
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        g_assert_cmpstr(sink_state_name((SinkState)i), ==, names[i]);
}

/** Two mixed pictures are a mistake of the caller's; isolated ones are not. */
static void test_streams(void)
{
    AVCodecParameters video = { .codec_type = AVMEDIA_TYPE_VIDEO };
    const SinkStream named[] = { { &video, NULL }, { &video, "ann" }, { &video, "bob" } };
    const SinkStream mixed[] = { { &video, NULL }, { &video, NULL } };
    FakeSink fake = { 0 };
    sink_init(&fake.base, &fake_type, NULL);
    sink_start(&fake.base, named, 3);
    g_assert_cmpuint(fake.started, ==, 3);
    g_test_expect_message("tessera", G_LOG_LEVEL_CRITICAL, "*streams_allowed*");
    sink_start(&fake.base, mixed, 2);
    g_test_assert_expected_messages();
    g_assert_cmpuint(fake.started, ==, 3);
    sink_unref(&fake.base);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/io/sink/life", test_life);
    g_test_add_func("/io/sink/state-names", test_state_names);
    g_test_add_func("/io/sink/streams", test_streams);
    g_test_add_func("/io/sink/fail", test_fail);
    g_test_add_func("/io/sink/fail-too-late", test_fail_too_late);
    return g_test_run();
}
