#include "room/viewer_sound.h"

#include "base/clock.h"
#include "rtp/red.h"

#define RISE_NS      (5 * NS_PER_SEC)
#define LOSS_PACKETS 200.0 /* reports on so many packets make up what is known of the loss */
#define LOSS_ON      0.01
#define LOSS_OFF     0.004
#define CLEAN_NS     (15 * NS_PER_SEC)

void viewer_sound_init(ViewerSound *sound, gint full_bps)
{
    *sound = (ViewerSound){ .config = { .full_bps = full_bps, .red_payload_type = -1 },
                            .budget_bps = full_bps,
                            .rate = VOICE_FULL };
}

void viewer_sound_clear(ViewerSound *sound)
{
    g_clear_pointer(&sound->previous, g_bytes_unref);
}

void viewer_sound_configure(ViewerSound *sound, const ViewerSoundConfig *config)
{
    sound->config = *config;
    viewer_sound_clear(sound);
}

/* --- the rate ---------------------------------------------------------------------------- */

/** The highest rate that fits; the lowest where none does. */
static VoiceRate fitting_rate(const ViewerSound *sound)
{
    VoiceRate rate = VOICE_FULL;
    while (rate > VOICE_LOW && voice_rate_bps(rate, sound->config.full_bps) > sound->budget_bps)
        rate--;
    return rate;
}

static void follow_budget(ViewerSound *sound, gint64 now_ns)
{
    VoiceRate fits = fitting_rate(sound);
    if (fits <= sound->rate) {
        sound->rate = fits;
        sound->room_since_ns = 0;
        return;
    }
    if (!sound->room_since_ns)
        sound->room_since_ns = now_ns;
    if (now_ns - sound->room_since_ns < RISE_NS)
        return;
    sound->rate = fits;
    sound->room_since_ns = 0;
}

void viewer_sound_budget(ViewerSound *sound, gint bps, gint64 now_ns)
{
    sound->budget_bps = bps;
    follow_budget(sound, now_ns);
}

/* --- loss -------------------------------------------------------------------------------- */

/** Believe a report as far as the number of packets that it is about. */
static void note_loss(ViewerSound *sound, const RtcpReportBlock *block)
{
    gint32 packets = (gint32)(block->highest_seq - sound->highest_seq);
    gboolean first = !sound->reported;
    sound->reported = TRUE;
    if (!first && packets <= 0)
        return;
    gdouble weight = first ? 1 / LOSS_PACKETS : MIN(packets / LOSS_PACKETS, 1.0);
    sound->highest_seq = block->highest_seq;
    sound->loss += (block->fraction_lost / 256.0 - sound->loss) * weight;
}

static void judge_loss(ViewerSound *sound, gint64 now_ns)
{
    if (sound->loss >= LOSS_ON)
        sound->lossy = TRUE;
    if (sound->loss >= LOSS_OFF)
        sound->clean_since_ns = 0;
    else if (sound->lossy && !sound->clean_since_ns)
        sound->clean_since_ns = now_ns;
}

void viewer_sound_report(ViewerSound *sound, const RtcpReportBlock *block, gint64 now_ns)
{
    note_loss(sound, block);
    judge_loss(sound, now_ns);
}

static void end_protection(ViewerSound *sound, gint64 now_ns)
{
    if (!sound->clean_since_ns || now_ns - sound->clean_since_ns < CLEAN_NS)
        return;
    sound->lossy = FALSE;
    sound->clean_since_ns = 0;
}

/* --- what comes of it -------------------------------------------------------------------- */

static gboolean has_room_for_red(const ViewerSound *sound)
{
    const ViewerSoundConfig *config = &sound->config;
    gint twice_bps = 2 * voice_rate_bps(sound->rate, config->full_bps);
    return sound->budget_bps >= config->full_bps ||
           (!config->fec && sound->budget_bps >= twice_bps);
}

gboolean viewer_sound_red(const ViewerSound *sound)
{
    return sound->lossy && sound->config.red_payload_type >= 0 && has_room_for_red(sound);
}

VoiceWish viewer_sound_wish(const ViewerSound *sound)
{
    return (VoiceWish){ .rate = sound->rate,
                        .fec = sound->lossy && sound->config.fec && !viewer_sound_red(sound) };
}

static RedBlock block_of(const ViewerSound *sound, GBytes *packet, guint32 timestamp_offset)
{
    RedBlock block = { .payload_type = sound->config.payload_type,
                       .timestamp_offset = timestamp_offset };
    block.data = g_bytes_get_data(packet, &block.size);
    return block;
}

static gsize write_red(const ViewerSound *sound, GBytes *packet, guint32 timestamp, guint8 *out,
                       gsize capacity)
{
    if (!sound->previous || !viewer_sound_red(sound))
        return 0;
    RedBlock blocks[] = { block_of(sound, sound->previous, timestamp - sound->previous_timestamp),
                          block_of(sound, packet, 0) };
    return red_write(out, capacity, blocks, G_N_ELEMENTS(blocks));
}

gsize viewer_sound_packet(ViewerSound *sound, GBytes *packet, guint32 timestamp, gint64 now_ns,
                          guint8 *out, gsize capacity)
{
    follow_budget(sound, now_ns);
    end_protection(sound, now_ns);
    gsize size = write_red(sound, packet, timestamp, out, capacity);
    viewer_sound_clear(sound);
    if (viewer_sound_red(sound)) {
        sound->previous = g_bytes_ref(packet);
        sound->previous_timestamp = timestamp;
    }
    return size;
}
