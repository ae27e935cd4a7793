#include "io/player_still.h"

#include <string.h>

#include "base/error.h"
#include "mixer/image.h"
#include "mixer/image_scan.h"

struct PlayerStill {
    AVCodecParameters *parameters;
    AVPacket *packet;
    gint64 next_us;
};

gboolean player_still_is_picture(PlayerFile *file)
{
    static const guint8 png[] = { 0x89, 'P', 'N', 'G' }, jpeg[] = { 0xff, 0xd8, 0xff };
    AVIOContext *io = player_file_io(file);
    guint8 start[sizeof png] = { 0 };
    int n = avio_read(io, start, sizeof start);
    avio_seek(io, 0, SEEK_SET);
    return n == (int)sizeof start &&
           (!memcmp(start, png, sizeof png) || !memcmp(start, jpeg, sizeof jpeg));
}

static gboolean fill(PlayerStill *still, const ImageScan *scan)
{
    still->parameters = avcodec_parameters_alloc();
    still->packet = av_packet_alloc();
    if (!still->parameters || !still->packet || av_new_packet(still->packet, (int)scan->size) < 0)
        return FALSE;
    memcpy(still->packet->data, scan->file->data, scan->size);
    still->packet->flags |= AV_PKT_FLAG_KEY;
    still->parameters->codec_type = AVMEDIA_TYPE_VIDEO;
    still->parameters->codec_id =
        scan->kind == IMAGE_SCAN_PNG ? AV_CODEC_ID_PNG : AV_CODEC_ID_MJPEG;
    still->parameters->width = scan->width;
    still->parameters->height = scan->height;
    return TRUE;
}

PlayerStill *player_still_new(PlayerFile *file, GError **error)
{
    g_autoptr(PlayerStill) still = g_new0(PlayerStill, 1);
    g_autoptr(GBytes) bytes = player_file_read_all(file, IMAGE_MAX_BYTES);
    ImageScan scan = { 0 };
    gsize size = 0;
    if (!bytes) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_TOO_LARGE,
                    "the picture is larger than %u MiB; make it smaller", IMAGE_MAX_BYTES >> 20);
        return NULL;
    }
    const guint8 *data = g_bytes_get_data(bytes, &size);
    if (!image_scan(data, size, &scan, error))
        return NULL;
    gboolean filled = fill(still, &scan);
    g_byte_array_unref(scan.file);
    if (filled)
        return g_steal_pointer(&still);
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INTERNAL,
                "there is no memory for the picture; try a smaller one");
    return NULL;
}

void player_still_free(PlayerStill *still)
{
    if (!still)
        return;
    avcodec_parameters_free(&still->parameters);
    av_packet_free(&still->packet);
    g_free(still);
}

const AVCodecParameters *player_still_parameters(const PlayerStill *still)
{
    return still->parameters;
}

gboolean player_still_next(PlayerStill *still, AVPacket *packet)
{
    if (av_packet_ref(packet, still->packet) < 0)
        return FALSE;
    packet->pts = packet->dts = still->next_us;
    packet->duration = PLAYER_STILL_INTERVAL_US;
    still->next_us += PLAYER_STILL_INTERVAL_US;
    return TRUE;
}
