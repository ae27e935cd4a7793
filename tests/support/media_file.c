#include "support/media_file.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"

#define IVF_HEADER       32
#define IVF_FRAME_HEADER 12
#define OGG_PAGE_HEADER  27
#define MAX_PAYLOAD      1100
#define TICK_NS          (20 * NS_PER_MS)

static void payload_clear(gpointer data)
{
    g_bytes_unref(((MediaPayload *)data)->payload);
}

void media_file_free(MediaFile *file)
{
    if (!file)
        return;
    g_array_unref(file->payloads);
    g_free(file);
}

static guint32 le32(const guint8 *p)
{
    return (guint32)p[0] | (guint32)p[1] << 8 | (guint32)p[2] << 16 | (guint32)p[3] << 24;
}

static gboolean malformed(const char *path, const char *what, GError **error)
{
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID, "%s is not %s that can be read.", path,
                what);
    return FALSE;
}

/* --- IVF --------------------------------------------------------------------------------- */

static GBytes *join(const PayloadFragment *fragment)
{
    GByteArray *bytes = g_byte_array_new();
    g_byte_array_append(bytes, fragment->header, fragment->header_size);
    g_byte_array_append(bytes, fragment->data, (guint)fragment->size);
    return g_byte_array_free_to_bytes(bytes);
}

static gboolean add_picture(MediaFile *file, const guint8 *data, gsize size, gint64 time_ns)
{
    g_autoptr(GArray) fragments = g_array_new(FALSE, FALSE, sizeof(PayloadFragment));
    PayloadTags tags = { .picture_id = (gint)(file->frames & 0x7fff), .tl0_pic_idx = -1 };
    AVPacket *packet = av_packet_alloc();
    gboolean good = packet && av_new_packet(packet, (int)size) == 0;
    if (good) {
        memcpy(packet->data, data, size);
        good = file->codec->payload->packetize(packet, &tags, MAX_PAYLOAD, fragments);
    }
    for (guint i = 0; good && i < fragments->len; i++) {
        MediaPayload payload = { join(&g_array_index(fragments, PayloadFragment, i)), time_ns,
                                 i + 1 == fragments->len };
        g_array_append_val(file->payloads, payload);
    }
    av_packet_free(&packet);
    file->frames++;
    return good;
}

static gboolean load_ivf(MediaFile *file, const guint8 *data, gsize size, const char *path,
                         GError **error)
{
    if (size < IVF_HEADER || memcmp(data, "DKIF", 4) != 0)
        return malformed(path, "an IVF file", error);
    file->codec = memcmp(data + 8, "VP90", 4) == 0 ? &codec_vp9 : &codec_vp8;
    gint64 rate = MAX(le32(data + 16), 1), scale = MAX(le32(data + 20), 1);
    for (gsize at = IVF_HEADER; at + IVF_FRAME_HEADER <= size;) {
        gsize length = le32(data + at);
        gint64 time_ns = (gint64)le32(data + at + 4) * scale * NS_PER_SEC / rate;
        at += IVF_FRAME_HEADER;
        if (length > size - at || !add_picture(file, data + at, length, time_ns))
            return malformed(path, "an IVF file", error);
        at += length;
        file->duration_ns = time_ns + scale * NS_PER_SEC / rate;
    }
    return TRUE;
}

/* --- Ogg --------------------------------------------------------------------------------- */

static void add_sound(MediaFile *file, GByteArray *open, guint number)
{
    /* The first two are headers. Every packet holds 20 ms. */
    if (number >= 2) {
        MediaPayload payload = { g_bytes_new(open->data, open->len), file->duration_ns,
                                 number == 2 };
        g_array_append_val(file->payloads, payload);
        file->duration_ns += TICK_NS;
        file->frames++;
    }
    g_byte_array_set_size(open, 0);
}

static gboolean load_ogg(MediaFile *file, const guint8 *data, gsize size, const char *path,
                         GError **error)
{
    g_autoptr(GByteArray) open = g_byte_array_new();
    guint number = 0;
    file->codec = &codec_opus;
    for (gsize at = 0; at < size;) {
        if (size - at < OGG_PAGE_HEADER || memcmp(data + at, "OggS", 4) != 0)
            return malformed(path, "an Ogg file", error);
        guint segments = data[at + 26];
        const guint8 *lengths = data + at + OGG_PAGE_HEADER;
        at += OGG_PAGE_HEADER + segments;
        for (guint i = 0; i < segments; i++) {
            if (at > size || lengths[i] > size - at)
                return malformed(path, "an Ogg file", error);
            g_byte_array_append(open, data + at, lengths[i]);
            at += lengths[i];
            if (lengths[i] < 255)
                add_sound(file, open, number++);
        }
    }
    return TRUE;
}

MediaFile *media_file_load(const char *path, GError **error)
{
    g_autofree char *data = NULL;
    gsize size;
    if (!g_file_get_contents(path, &data, &size, error))
        return NULL;
    g_autoptr(MediaFile) file = g_new0(MediaFile, 1);
    file->payloads = g_array_new(FALSE, FALSE, sizeof(MediaPayload));
    g_array_set_clear_func(file->payloads, payload_clear);
    gboolean good = g_str_has_suffix(path, ".ivf")
                        ? load_ivf(file, (const guint8 *)data, size, path, error)
                        : load_ogg(file, (const guint8 *)data, size, path, error);
    if (good && file->payloads->len == 0)
        good = malformed(path, "a clip", error);
    return good ? g_steal_pointer(&file) : NULL;
}
