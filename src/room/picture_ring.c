#include "room/picture_ring.h"

#include <pthread.h>
#include <string.h>

/* 300 ms, the longest that lip-sync holds a picture, at 60 pictures a second, and some more. */
#define CAPACITY 20

typedef struct {
    AVFrame *frame;
    guint64 serial;
    guint8 rotation;
    gint64 due_ns;
} Slot;

struct PictureRing {
    pthread_mutex_t lock; /* guards everything below */
    Slot slots[CAPACITY]; /* oldest first */
    guint count;
    guint64 last_serial;
    gint64 arrived_ns;
};

PictureRing *picture_ring_new(void)
{
    PictureRing *ring = g_new0(PictureRing, 1);
    pthread_mutex_init(&ring->lock, NULL);
    return ring;
}

static void drop_oldest(PictureRing *ring, guint n)
{
    for (guint i = 0; i < n; i++)
        av_frame_free(&ring->slots[i].frame);
    ring->count -= n;
    memmove(ring->slots, ring->slots + n, ring->count * sizeof(Slot));
}

void picture_ring_free(PictureRing *ring)
{
    if (!ring)
        return;
    drop_oldest(ring, ring->count);
    pthread_mutex_destroy(&ring->lock);
    g_free(ring);
}

void picture_ring_push(PictureRing *ring, const AVFrame *frame, guint8 rotation, gint64 due_ns,
                       gint64 now_ns)
{
    AVFrame *copy = av_frame_clone(frame);
    if (!copy)
        return;
    pthread_mutex_lock(&ring->lock);
    /* The older ones are due first: were they to go, none would ever stay until it is due. */
    if (ring->count == CAPACITY)
        av_frame_free(&ring->slots[--ring->count].frame);
    ring->slots[ring->count++] = (Slot){ copy, ++ring->last_serial, rotation, due_ns };
    ring->arrived_ns = now_ns;
    pthread_mutex_unlock(&ring->lock);
}

void picture_ring_newest(PictureRing *ring, gint64 now_ns, guint64 known_serial, Picture *picture)
{
    *picture = (Picture){ 0 };
    pthread_mutex_lock(&ring->lock);
    guint due = 0;
    while (due < ring->count && ring->slots[due].due_ns <= now_ns)
        due++;
    if (due > 1)
        drop_oldest(ring, due - 1);
    if (due > 0) {
        const Slot *slot = &ring->slots[0];
        picture->serial = slot->serial;
        picture->rotation = slot->rotation;
        picture->due_ns = slot->due_ns;
        if (slot->serial != known_serial)
            picture->frame = av_frame_clone(slot->frame);
    }
    picture->arrived_ns = ring->arrived_ns;
    pthread_mutex_unlock(&ring->lock);
}
