#include "base/clock.h"
#include "room/viewer_private.h"

/* What the line carries, and which rung of the ladder fits into it. */

#define CHOOSE_GAP_NS (100 * NS_PER_MS)
/* Before the first picture the line is measured, but nobody waits for longer. */
#define FIRST_CHOICE_NS (400 * NS_PER_MS)
#define MIN_FEEDBACKS   2
#define FULL_NS         (30 * NS_PER_MS)
#define ASK_GAP_NS      (200 * NS_PER_MS)
#define MIN_BPS         20000
#define MAX_BPS         20000000
/* Of the estimate: room for what is sent again, and for its error. */
#define USABLE_PCT 90
#define RESEND_PCT 95
/* Sound gets a quarter of a thin line; its packets have this much around them. */
#define SOUND_PART         4
#define SOUND_OVERHEAD_BPS 10000

void viewer_rate_configure(Viewer *viewer, gboolean transport_cc)
{
    ViewerRate *rate = &viewer->rate;
    const Config *config = engine_config(viewer->engine);
    if (rate->bwe && rate->transport_cc == transport_cc)
        return;
    rate->transport_cc = transport_cc;
    rate->fixed = !*config_string(config, "video.ladder");
    /* Whoever cannot tell what it gets is believed to get it, until it says otherwise. */
    BweConfig settings = { .start_bps = transport_cc
                                            ? (gint)config_int(config, "video.start_bitrate")
                                            : MAX_BPS,
                           .min_bps = MIN_BPS,
                           .max_bps = MAX_BPS };
    rate->start_bps = settings.start_bps;
    bwe_free(rate->bwe);
    rate->bwe = bwe_new(&settings, engine_now_ns(viewer->engine));
}

void viewer_rate_begin(Viewer *viewer)
{
    ViewerRate *rate = &viewer->rate;
    rate->decided = FALSE;
    rate->decide_at_ns = engine_now_ns(viewer->engine) + FIRST_CHOICE_NS;
    rate->next_ns = 0;
    rung_choice_restart(&rate->choice);
}

/* --- what there is to choose of ---------------------------------------------------------- */

ON_NET_THREAD static guint offers_of(const Viewer *viewer, RungOffer offers[LADDER_MAX_RUNGS])
{
    guint n = ladder_size(viewer->ladder);
    gboolean overloaded = engine_is_overloaded(viewer->engine), encoded = FALSE;
    for (guint i = 0; i < n; i++) {
        Rendition *rendition = ladder_rendition(viewer->ladder, i);
        gboolean taking = rendition == viewer->rendition || rendition == viewer->next;
        gboolean taken = rendition_has_takers(rendition);
        offers[i].available = !overloaded || taken;
        encoded |= taken;
        rendition_price(rendition, taking, &offers[i].price_bps, &offers[i].base_price_bps);
    }
    /* Where nothing of a scene is encoded yet, the full picture may be. */
    if (!encoded)
        offers[0].available = TRUE;
    return n;
}

/* What the sound takes of the line, as it is now. */
static gint sound_bps(const Viewer *viewer)
{
    return viewer->audio.config.active ? viewer_sound_bps(viewer) + SOUND_OVERHEAD_BPS : 0;
}

static gint pictures_bps(const Viewer *viewer, gint estimate_bps)
{
    gint64 usable_bps = (gint64)estimate_bps * USABLE_PCT / 100 - sound_bps(viewer);
    return (gint)MAX(usable_bps * RESEND_PCT / 100, 0);
}

/* The reverse: a line on which pictures may cost so much. */
static gint line_bps(const Viewer *viewer, gint pictures)
{
    gint64 usable_bps = (gint64)pictures * 100 / RESEND_PCT;
    return (gint)MIN((usable_bps + sound_bps(viewer)) * 100 / USABLE_PCT, MAX_BPS);
}

/* --- the choice -------------------------------------------------------------------------- */

ON_NET_THREAD static void tell_estimator(Viewer *viewer, const RungOffer *offers, guint n)
{
    ViewerRate *rate = &viewer->rate;
    RungPick pick = rate->choice.pick;
    gint used_bps = 0, wanted_bps = rung_wanted_bps(&rate->choice, offers, n);
    if (pick.rung != RUNG_NONE)
        used_bps = pick.base_only ? offers[pick.rung].base_price_bps : offers[pick.rung].price_bps;
    bwe_set_allocated(rate->bwe, line_bps(viewer, used_bps),
                      wanted_bps ? line_bps(viewer, wanted_bps) : 0);
}

/* What is sent waits somewhere on its way. */
ON_NET_THREAD static gboolean is_full(const Viewer *viewer)
{
    BweStats stats;
    bwe_stats(viewer->rate.bwe, &stats);
    return stats.standing_ns > FULL_NS || pacer_queue_ns(viewer->pacer) > FULL_NS || viewer->stuck;
}

ON_NET_THREAD static void choose(Viewer *viewer, gint64 now_ns)
{
    ViewerRate *rate = &viewer->rate;
    RungOffer offers[LADDER_MAX_RUNGS];
    rate->has_chosen = TRUE;
    if (rate->fixed) {
        viewer_take(viewer, ladder_rendition(viewer->ladder, 0));
        return;
    }
    guint n = offers_of(viewer, offers);
    RungLine line = { rate->budget_bps, is_full(viewer) };
    RungPick pick = rung_choose(&rate->choice, offers, n, &line, now_ns);
    viewer_take(viewer,
                pick.rung == RUNG_NONE ? NULL : ladder_rendition(viewer->ladder, (guint)pick.rung));
    tell_estimator(viewer, offers, n);
}

/* The first probes have found more than was assumed. */
static gboolean is_measured(const ViewerRate *rate)
{
    BweStats stats;
    bwe_stats(rate->bwe, &stats);
    return stats.feedbacks >= MIN_FEEDBACKS && stats.estimate_bps > rate->start_bps * 3 / 2;
}

/* Before it is measured, there is nothing to choose by. */
static gboolean may_choose(ViewerRate *rate, gint64 now_ns)
{
    if (rate->away)
        return FALSE;
    rate->decided =
        rate->decided || !rate->transport_cc || is_measured(rate) || now_ns >= rate->decide_at_ns;
    return rate->decided;
}

/* Whose network is away is sent no pictures, which would be encoded for nobody; when it is back,
 * the line is measured as at first. */
ON_NET_THREAD static void look_for_network(Viewer *viewer, gint64 now_ns)
{
    ViewerRate *rate = &viewer->rate;
    gboolean away = bwe_is_away(rate->bwe);
    if (away && !rate->away) {
        viewer_take(viewer, NULL);
        viewer_send_clear(viewer);
        viewer->stuck = FALSE;
    } else if (!away && rate->away) {
        viewer_rate_begin(viewer);
    }
    rate->away = away;
    if (away && now_ns >= rate->next_ask_ns) {
        rate->next_ask_ns = now_ns + ASK_GAP_NS;
        viewer_send_ask(viewer, now_ns);
    }
}

/* Where there are no pictures all of the line is the sound's. */
ON_NET_THREAD static void follow_sound_alone(Viewer *viewer, gint64 now_ns)
{
    ViewerRate *rate = &viewer->rate;
    if (rate->fixed || now_ns < rate->next_ns)
        return;
    rate->next_ns = now_ns + CHOOSE_GAP_NS;
    gint64 usable_bps = (gint64)bwe_estimate_bps(rate->bwe) * USABLE_PCT / 100;
    viewer_set_audio_budget(viewer, (gint)MAX(usable_bps - SOUND_OVERHEAD_BPS, 0));
}

void viewer_rate_tick(Viewer *viewer, gint64 now_ns)
{
    ViewerRate *rate = &viewer->rate;
    if (!rate->bwe)
        return;
    bwe_tick(rate->bwe, now_ns);
    look_for_network(viewer, now_ns);
    pacer_set_rate(viewer->pacer, bwe_estimate_bps(rate->bwe));
    gboolean first = !rate->decided;
    if (!viewer->ladder)
        follow_sound_alone(viewer, now_ns);
    if (!viewer->ladder || !may_choose(rate, now_ns) || (!first && now_ns < rate->next_ns))
        return;
    gint estimate_bps = bwe_estimate_bps(rate->bwe);
    rate->next_ns = now_ns + CHOOSE_GAP_NS;
    if (!rate->fixed)
        viewer_set_audio_budget(viewer, estimate_bps / SOUND_PART);
    rate->budget_bps = pictures_bps(viewer, estimate_bps);
    choose(viewer, now_ns);
}

void viewer_set_ladder(Viewer *viewer, Ladder *ladder)
{
    if (ladder_equal(viewer->ladder, ladder))
        return;
    gboolean same_sizes =
        viewer->ladder && ladder && ladder_size(viewer->ladder) == ladder_size(ladder);
    Ladder *before = viewer->ladder;
    viewer->ladder = ladder ? ladder_ref(ladder) : NULL;
    ladder_unref(before);
    if (!same_sizes)
        rung_choice_restart(&viewer->rate.choice);
    if (!ladder)
        viewer_take(viewer, NULL);
    else if (viewer->transport && may_choose(&viewer->rate, engine_now_ns(viewer->engine)))
        choose(viewer, engine_now_ns(viewer->engine));
}

void viewer_rate_rtcp(Viewer *viewer, const RtcpPacket *packet, gint64 now_ns)
{
    Bwe *bwe = viewer->rate.bwe;
    if (!bwe)
        return;
    if (packet->type == RTCP_TRANSPORT_CC && viewer->rate.transport_cc)
        bwe_feedback(bwe, packet->fci, packet->fci_size, now_ns);
    else if (packet->type == RTCP_REMB)
        bwe_remb(bwe, packet->remb_bps, now_ns);
}

void viewer_rate_report(Viewer *viewer, const RtcpReportBlock *block, gboolean advanced,
                        gint64 rtt_ns, gint64 now_ns)
{
    Bwe *bwe = viewer->rate.bwe;
    if (!bwe)
        return;
    if (advanced)
        bwe_heard(bwe, rtt_ns, now_ns);
    bwe_report(bwe, block->fraction_lost, rtt_ns, now_ns);
}

gint viewer_video_budget(const Viewer *viewer)
{
    const ViewerRate *rate = &viewer->rate;
    /* Whoever takes the lower layers only could take that much more of all of it. */
    return rate->choice.pick.base_only ? rate->budget_bps * 100 / RENDITION_BASE_PCT
                                       : rate->budget_bps;
}

ViewerQuality viewer_quality(const Viewer *viewer)
{
    RungPick pick = viewer->rate.choice.pick;
    if (!viewer->ladder || !viewer->rate.has_chosen)
        return VIEWER_FULL;
    if (pick.rung == RUNG_NONE)
        return VIEWER_SOUND;
    return pick.rung > 0 || pick.base_only ? VIEWER_REDUCED : VIEWER_FULL;
}
