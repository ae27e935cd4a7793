#pragma once

#include <glib.h>
#include <libavutil/frame.h>

/* Decoded pictures of one source on their way from its decoder's strand to the scenes that show
 * it: each waits for the moment at which its sound is mixed. Bounded; any thread. */

typedef struct PictureRing PictureRing;

typedef struct {
    AVFrame *frame;  /* (transfer full) to the caller of _newest; NULL: none yet */
    guint64 serial;  /* counts pictures; 0: none */
    guint8 rotation; /* quarter turns clockwise to apply */
    gint64 due_ns;
    gint64 arrived_ns; /* when the newest picture of all was pushed: tells a frozen sender */
} Picture;

PictureRing *picture_ring_new(void);
void picture_ring_free(PictureRing *ring);

/** Add a picture (a reference is taken). When full, it takes the place of the newest. */
void picture_ring_push(PictureRing *ring, const AVFrame *frame, guint8 rotation, gint64 due_ns,
                       gint64 now_ns);

/** The newest picture that is due. Older ones are let go. If `known_serial` is still the newest
 *  due, frame is NULL and serial says so. */
void picture_ring_newest(PictureRing *ring, gint64 now_ns, guint64 known_serial, Picture *picture);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(PictureRing, picture_ring_free)
