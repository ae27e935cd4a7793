#include "room/picture_ring.h"

#include "base/clock.h"

/** A picture that is known by its width. */
static void push(PictureRing *ring, gint width, gint64 due_ns, gint64 now_ns)
{
    AVFrame *frame = av_frame_alloc();
    frame->format = AV_PIX_FMT_YUV420P;
    frame->width = width;
    frame->height = 16;
    g_assert_cmpint(av_frame_get_buffer(frame, 0), ==, 0);
    picture_ring_push(ring, frame, (guint8)(width % 4), due_ns, now_ns);
    av_frame_free(&frame);
}

static void assert_newest(PictureRing *ring, gint64 now_ns, guint64 known, gint width)
{
    Picture picture;
    picture_ring_newest(ring, now_ns, known, &picture);
    if (!width) {
        g_assert_null(picture.frame);
        return;
    }
    g_assert_nonnull(picture.frame);
    g_assert_cmpint(picture.frame->width, ==, width);
    g_assert_cmpuint(picture.rotation, ==, width % 4);
    av_frame_free(&picture.frame);
}

static void test_waits_until_due(void)
{
    g_autoptr(PictureRing) ring = picture_ring_new();
    Picture picture;
    assert_newest(ring, 0, 0, 0);
    push(ring, 32, 100, 10);
    picture_ring_newest(ring, 99, 0, &picture);
    g_assert_null(picture.frame);
    g_assert_cmpuint(picture.serial, ==, 0);
    g_assert_cmpint(picture.arrived_ns, ==, 10);
    assert_newest(ring, 100, 0, 32);
}

static void test_newest_of_those_due(void)
{
    g_autoptr(PictureRing) ring = picture_ring_new();
    for (gint i = 0; i < 5; i++)
        push(ring, 32 + i, 100 + i * 10, i);
    assert_newest(ring, 125, 0, 34);
    /* Nobody goes back in time: the older ones are gone. */
    assert_newest(ring, 0, 0, 0);
    assert_newest(ring, 1000, 0, 36);
}

static void test_known_is_not_given_again(void)
{
    g_autoptr(PictureRing) ring = picture_ring_new();
    Picture picture;
    push(ring, 32, 0, 7);
    picture_ring_newest(ring, 1, 0, &picture);
    guint64 serial = picture.serial;
    g_assert_cmpuint(serial, !=, 0);
    av_frame_free(&picture.frame);
    picture_ring_newest(ring, 1, serial, &picture);
    g_assert_null(picture.frame);
    g_assert_cmpuint(picture.serial, ==, serial);
    g_assert_cmpint(picture.arrived_ns, ==, 7);
    /* Another scene, which knows nothing of it, still gets it. */
    assert_newest(ring, 1, 0, 32);
    push(ring, 33, 2, 8);
    picture_ring_newest(ring, 2, serial, &picture);
    g_assert_nonnull(picture.frame);
    g_assert_cmpuint(picture.serial, ==, serial + 1);
    av_frame_free(&picture.frame);
}

/** Pictures that nobody takes do not pile up: the newest is always there, and so are the oldest,
 *  which are due first. */
static void test_bounded(void)
{
    g_autoptr(PictureRing) ring = picture_ring_new();
    for (gint i = 0; i < 1000; i++)
        push(ring, 16 + i, 100 + i, i);
    assert_newest(ring, 99, 0, 0);
    assert_newest(ring, 100, 0, 16);
    assert_newest(ring, 105, 0, 16 + 5);
    assert_newest(ring, 1098, 0, 16 + 18);
    assert_newest(ring, 1099, 0, 16 + 999);
}

static void test_holds_the_pixels(void)
{
    PictureRing *ring = picture_ring_new();
    Picture picture;
    push(ring, 32, 0, 0);
    picture_ring_newest(ring, 0, 0, &picture);
    picture_ring_free(ring);
    picture.frame->data[0][0] = 1; /* a reference outlives its ring */
    av_frame_free(&picture.frame);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/room/picture_ring/waits", test_waits_until_due);
    g_test_add_func("/room/picture_ring/newest", test_newest_of_those_due);
    g_test_add_func("/room/picture_ring/known", test_known_is_not_given_again);
    g_test_add_func("/room/picture_ring/bounded", test_bounded);
    g_test_add_func("/room/picture_ring/reference", test_holds_the_pixels);
    return g_test_run();
}
