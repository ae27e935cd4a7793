#include "room/viewer.h"

#include "base/clock.h"
#include "room/viewer_private.h"

/* A hole is noticed with the next packet, and its answer may jitter. */
#define RESEND_SLACK_NS (80 * NS_PER_MS)
#define PLAYOUT_RISE    125 /* a second to the second: 8 ms. The sound follows no faster. */
#define PLAYOUT_FALL    100
#define RTT_RISE        32 /* reports until a longer round trip is believed to be the least one */
#define VOICE_WISH_FEC  VOICE_RATES /* added to the rate */

/* --- which encode of the mix it wants ---------------------------------------------------- */

void viewer_publish_voice_wish(Viewer *viewer)
{
    VoiceWish wish = viewer_sound_wish(&viewer->sound);
    g_atomic_int_set(&viewer->voice_wish, (gint)wish.rate + (wish.fec ? VOICE_WISH_FEC : 0));
}

VoiceWish viewer_voice_wish(const Viewer *viewer)
{
    gint wish = g_atomic_int_get(&viewer->voice_wish);
    return (VoiceWish){ .rate = (VoiceRate)(wish % VOICE_WISH_FEC), .fec = wish >= VOICE_WISH_FEC };
}

void viewer_set_audio_budget(Viewer *viewer, gint bps)
{
    viewer_sound_budget(&viewer->sound, bps, engine_now_ns(viewer->engine));
    viewer_publish_voice_wish(viewer);
}

/* --- life -------------------------------------------------------------------------------- */

Viewer *viewer_new(Engine *engine)
{
    Viewer *viewer = g_new0(Viewer, 1);
    viewer->refs = 1;
    viewer->engine = engine;
    viewer->stats.rtt_ns = -1;
    viewer->audio.next_seq = (guint16)g_random_int_range(0, 32768);
    viewer->video.next_seq = (guint16)g_random_int_range(0, 32768);
    viewer->rtx_seq = (guint16)g_random_int_range(0, 32768);
    viewer->audio.ts_offset = g_random_int();
    viewer->video.ts_offset = g_random_int();
    viewer_sound_init(&viewer->sound, (gint)config_int(engine_config(engine), "audio.bitrate"));
    viewer_publish_voice_wish(viewer);
    viewer_send_clear(viewer);
    return viewer;
}

Viewer *viewer_ref(Viewer *viewer)
{
    g_atomic_int_inc(&viewer->refs);
    return viewer;
}

void viewer_unref(Viewer *viewer)
{
    if (!viewer || !g_atomic_int_dec_and_test(&viewer->refs))
        return;
    g_clear_pointer(&viewer->history, rtp_history_free);
    viewer_sound_clear(&viewer->sound);
    pacer_free(viewer->pacer);
    bwe_free(viewer->rate.bwe);
    ladder_unref(viewer->ladder);
    g_free(viewer);
}

/* A stream that keeps its SSRC keeps its counts. */
static void configure_stream(OutStream *stream, const ViewerStream *config, gint clock_hz)
{
    if (config->ssrc != stream->config.ssrc) {
        rtp_send_stats_init(&stream->sent, config->ssrc, clock_hz);
        stream->reported = 0;
    }
    stream->config = *config;
}

void viewer_configure(Viewer *viewer, const ViewerConfig *config)
{
    /* What was sent as another codec cannot be sent again as this one. */
    if (config->video.payload_type != viewer->video.config.payload_type)
        viewer_send_clear(viewer);
    viewer->config = *config;
    ViewerSoundConfig sound = viewer->sound.config;
    sound.payload_type = config->audio.payload_type;
    sound.red_payload_type = config->red_payload_type;
    sound.fec = config->audio_fec;
    viewer_sound_configure(&viewer->sound, &sound);
    viewer_publish_voice_wish(viewer);
    configure_stream(&viewer->audio, &config->audio, 48000);
    configure_stream(&viewer->video, &config->video, 90000);
    viewer_rate_configure(viewer, config->transport_cc);
}

void viewer_attach(Viewer *viewer, Transport *transport)
{
    viewer->transport = transport;
    viewer_rate_begin(viewer);
    if (viewer->rendition)
        rendition_request_keyframe(viewer->rendition, TRUE);
}

void viewer_detach(Viewer *viewer)
{
    viewer->transport = NULL;
    viewer_set_ladder(viewer, NULL);
    viewer_send_clear(viewer);
}

gboolean viewer_sends_video(const Viewer *viewer)
{
    return viewer->video.config.active;
}

/* Who receives only does not know its round trip: where packets are lost, its pictures are told to
 * wait for those that are sent again. */
static void move_playout(Viewer *viewer, gint64 now_ns)
{
    gboolean waits = viewer->config.nack && viewer->sound.lossy && viewer->least_rtt_ns;
    gint64 wanted_ns = waits ? viewer->least_rtt_ns + RESEND_SLACK_NS : 0;
    gint64 passed_ns = viewer->playout_moved_ns ? now_ns - viewer->playout_moved_ns : 0;
    gint64 min_ns = viewer->playout_min_ns;
    viewer->playout_min_ns =
        CLAMP(wanted_ns, min_ns - passed_ns / PLAYOUT_FALL, min_ns + passed_ns / PLAYOUT_RISE);
    viewer->playout_moved_ns = now_ns;
}

void viewer_tick(Viewer *viewer, gint64 now_ns)
{
    move_playout(viewer, now_ns);
    if (!viewer->transport)
        return;
    viewer_rate_tick(viewer, now_ns);
    viewer_pump(viewer, now_ns);
}

/* --- feedback ---------------------------------------------------------------------------- */

static void note_rtt(Viewer *viewer, gint64 rtt_ns)
{
    gint64 least_ns = viewer->least_rtt_ns;
    viewer->stats.rtt_ns = rtt_ns;
    if (!least_ns || rtt_ns < least_ns)
        viewer->least_rtt_ns = rtt_ns;
    else
        viewer->least_rtt_ns += (rtt_ns - least_ns) / RTT_RISE;
}

ON_NET_THREAD static void on_reports(Viewer *viewer, const RtcpPacket *packet, gint64 now_ns)
{
    for (guint i = 0; i < packet->report_count; i++) {
        const RtcpReportBlock *block = &packet->reports[i];
        gboolean video = block->ssrc == viewer->video.config.ssrc;
        if (!video && block->ssrc != viewer->audio.config.ssrc)
            continue;
        gint64 rtt_ns = rtp_rtt_ns(block, clock_ntp(now_ns));
        if (rtt_ns >= 0)
            note_rtt(viewer, rtt_ns);
        if (video)
            viewer->stats.fraction_lost = block->fraction_lost;
        else
            viewer_sound_report(&viewer->sound, block, now_ns);
        OutStream *stream = video ? &viewer->video : &viewer->audio;
        gboolean advanced = block->highest_seq != stream->arrived;
        stream->arrived = block->highest_seq;
        viewer_rate_report(viewer, block, advanced, rtt_ns, now_ns);
    }
    viewer_publish_voice_wish(viewer);
}

static gboolean fir_is_ours(const Viewer *viewer, const RtcpPacket *packet)
{
    for (guint i = 0; i < packet->fir_count; i++) {
        if (packet->fir[i].ssrc == viewer->video.config.ssrc)
            return TRUE;
    }
    return FALSE;
}

void viewer_rtcp(Viewer *viewer, const RtcpPacket *packet, gint64 now_ns)
{
    if (!viewer->transport)
        return;
    gboolean about_video = packet->media_ssrc == viewer->video.config.ssrc;
    gboolean keyframe = (packet->type == RTCP_PLI && about_video) ||
                        (packet->type == RTCP_FIR && fir_is_ours(viewer, packet));
    if (keyframe) {
        viewer->stats.plis++;
        viewer_want_keyframe(viewer, now_ns);
    } else if (packet->type == RTCP_NACK && about_video) {
        viewer_nack(viewer, packet, now_ns);
    } else if (packet->type == RTCP_RECEIVER_REPORT || packet->type == RTCP_SENDER_REPORT) {
        on_reports(viewer, packet, now_ns);
    }
    viewer_rate_rtcp(viewer, packet, now_ns);
}

/* --- reports ----------------------------------------------------------------------------- */

static gboolean write_report(Viewer *viewer, OutStream *stream, RtcpWriter *writer, gint64 now_ns)
{
    RtcpPacket report;
    if (!stream->config.active || stream->sent.packets == stream->reported ||
        !rtp_send_stats_report(&stream->sent, now_ns, clock_ntp(now_ns), &report))
        return FALSE;
    stream->reported = stream->sent.packets;
    return rtcp_write_sr(writer, &report) &&
           rtcp_write_sdes(writer, stream->config.ssrc, viewer->config.cname);
}

gboolean viewer_write_reports(Viewer *viewer, RtcpWriter *writer, gint64 now_ns)
{
    if (!viewer->transport || now_ns < viewer->next_report_ns)
        return FALSE;
    /* Early ones at first: the receiver needs both clocks before it can bring them together. */
    const OutStream *first = viewer->audio.config.active ? &viewer->audio : &viewer->video;
    gboolean early = first->sent.packets < 100;
    viewer->next_report_ns = now_ns + (early ? 200 * NS_PER_MS : NS_PER_SEC);
    gboolean wrote = write_report(viewer, &viewer->audio, writer, now_ns);
    return write_report(viewer, &viewer->video, writer, now_ns) || wrote;
}

gint viewer_sound_bps(const Viewer *viewer)
{
    VoiceWish wish = viewer_sound_wish(&viewer->sound);
    gint bps = voice_rate_bps(wish.rate, viewer->sound.config.full_bps);
    return viewer_sound_red(&viewer->sound) ? 2 * bps : bps;
}

static void line_stats(const Bwe *bwe, ViewerStats *stats)
{
    BweStats line;
    bwe_stats(bwe, &line);
    stats->estimate_bps = line.estimate_bps;
    stats->acked_bps = line.acked_bps;
    stats->delay_bps = line.delay_bps;
    stats->loss_bps = line.loss_bps;
    stats->queue_state = (gint)line.state;
    stats->queue_trend = line.trend;
    stats->queue_threshold = line.threshold_ms;
}

void viewer_stats(const Viewer *viewer, ViewerStats *stats)
{
    const ViewerRate *rate = &viewer->rate;
    *stats = viewer->stats;
    stats->audio_fec = viewer_sound_wish(&viewer->sound).fec;
    stats->audio_red = viewer_sound_red(&viewer->sound);
    stats->audio_loss = viewer->sound.loss;
    stats->audio_bps = viewer_sound_bps(viewer);
    if (rate->bwe && rate->transport_cc)
        line_stats(rate->bwe, stats);
    stats->budget_bps = rate->transport_cc ? rate->budget_bps : 0;
    stats->rung = viewer->ladder && rate->decided ? rate->choice.pick.rung : RUNG_NONE;
    stats->base_only = rate->choice.pick.base_only;
    stats->playout_ns = viewer->playout_min_ns;
    stats->queue_ns = viewer->pacer ? pacer_queue_ns(viewer->pacer) : 0;
}

gint64 viewer_rtt_ns(const Viewer *viewer)
{
    return viewer->stats.rtt_ns;
}
