#pragma once

#include <glib.h>

/* What is looked at in a PNG or JPEG before a decoder sees it: its size, and which of its parts
 * belong to the picture. Everything else (texts, profiles, thumbnails, what stands behind the end)
 * is left out: that is where a small file hides gigabytes. Pure; any thread. */

typedef enum { IMAGE_SCAN_PNG, IMAGE_SCAN_JPEG } ImageScanKind;

typedef struct {
    ImageScanKind kind;
    int width, height; /* each 1..IMAGE_MAX_SIDE, together at most IMAGE_MAX_PIXELS */
    GByteArray *file;  /* (owned) what to decode, with the padding that libavcodec asks for */
    gsize size;        /* of it without the padding */
} ImageScan;

typedef struct {
    const char *type;  /* "image/png" or "image/jpeg", static */
    int width, height; /* as above */
} ImageHeader;

/** Reads `size` bytes at `offset` of a file; FALSE: it has not so many. */
typedef gboolean (*ImageRead)(gpointer user, gsize offset, guint8 *into, gsize size);

/** What a file says of itself; of its pixels nothing is read, so they may be damaged. FALSE: it is
 *  neither PNG nor JPEG, or not of a size that image_scan() takes. */
gboolean image_read_header(ImageRead read, gpointer user, ImageHeader *header);

/** The errors of image_decode(). */
gboolean image_scan(const guint8 *data, gsize size, ImageScan *scan, GError **error);
