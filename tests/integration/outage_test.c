#include "base/clock.h"
#include "support/sim_world.h"

/* A viewer whose network goes away and comes back: it sees pictures again at once, as good as
 * before, and nobody else notices. */

#define OUTAGES_MS                   \
    {                                \
        300, 1000, 2000, 5000, 20000 \
    }

static const char *const ladder[] = { "video.ladder=90p15=100000", NULL };

typedef struct {
    SimWorld *world;
    SimPeer *ada, *bob, *cyd; /* who sends, whose network goes away, who watches */
} Meeting;

static Meeting meet(const char *const *settings, const SimLinkConfig *line)
{
    SimWorldOptions options = { .project_dir = PROJECT_DIR, .settings = settings };
    SimPeerConfig ada = { .name = "Ada", .number = 1, .tone_hz = 500, .video = SIM_MOVING };
    SimPeerConfig bob = {
        .name = "Bob", .number = 2, .view_only = TRUE, .up = *line, .down = *line
    };
    SimPeerConfig cyd = { .name = "Cyd", .number = 3, .view_only = TRUE };
    Meeting meeting = { .world = sim_world_new(&options) };
    meeting.ada = sim_world_join(meeting.world, &ada);
    meeting.bob = sim_world_join(meeting.world, &bob);
    meeting.cyd = sim_world_join(meeting.world, &cyd);
    sim_world_run(meeting.world, 12 * NS_PER_SEC);
    return meeting;
}

/* From then to the first picture that could be shown. */
static gint pictures_after_ms(const Meeting *meeting, gint64 from_ns)
{
    const GArray *frames = sim_eye_frames(sim_peer_eye(meeting->bob));
    for (guint i = 0; i < frames->len; i++) {
        const SimFrame *frame = &g_array_index(frames, SimFrame, i);
        if (frame->whole_ns > from_ns)
            return (gint)((frame->whole_ns - from_ns) / NS_PER_MS);
    }
    return G_MAXINT;
}

static void be_away(const Meeting *meeting, const SimLinkConfig *line, gint outage_ms)
{
    SimLinkConfig cut = { .loss = 1 };
    sim_peer_set_links(meeting->bob, &cut, &cut);
    sim_world_run(meeting->world, outage_ms * NS_PER_MS);
    sim_peer_set_links(meeting->bob, line, line);
}

static gint rung_of(const Meeting *meeting)
{
    return (gint)sim_world_peer_number(meeting->world, meeting->bob, "sent.line.rung");
}

typedef struct {
    const char *const *settings;
    SimLinkConfig line;
    gint rung;      /* that the line carries */
    gint latest_ms; /* after the outage pictures are there */
} Case;

static void check(const Case *one, gint outage_ms)
{
    Meeting meeting = meet(one->settings, &one->line);
    g_assert_cmpint(rung_of(&meeting), ==, one->rung);
    gint64 from_ns = sim_world_now_ns(meeting.world);
    gdouble before = sim_world_peer_number(meeting.world, meeting.bob, "sent.line.budget");
    be_away(&meeting, &one->line, outage_ms);
    gint64 back_ns = sim_world_now_ns(meeting.world);
    sim_world_run(meeting.world, 3 * NS_PER_SEC);
    gint64 now_ns = sim_world_now_ns(meeting.world);
    SimCadence cyd = sim_eye_cadence(sim_peer_eye(meeting.cyd), from_ns, now_ns);
    SimCadence bob = sim_eye_cadence(sim_peer_eye(meeting.bob), back_ns + NS_PER_SEC, now_ns);
    gdouble after = sim_world_peer_number(meeting.world, meeting.bob, "sent.line.budget");
    gint pictures_ms = pictures_after_ms(&meeting, back_ns);
    g_test_message("%d ms away: pictures after %d ms, then a longest gap of %d ms; %.0f of %.0f "
                   "kbit/s; Cyd got %u key frames, her longest gap is %d ms",
                   outage_ms, pictures_ms, (gint)(bob.longest_gap_ns / NS_PER_MS), after / 1000,
                   before / 1000, cyd.keyframes, (gint)(cyd.longest_gap_ns / NS_PER_MS));
    g_assert_cmpint(pictures_ms, <, one->latest_ms);
    g_assert_cmpint(bob.longest_gap_ns, <, 300 * NS_PER_MS);
    g_assert_cmpfloat(after, >, before * 0.5);
    g_assert_cmpint(rung_of(&meeting), ==, one->rung);
    g_assert_cmpuint(cyd.keyframes, <=, 2);
    g_assert_cmpint(cyd.longest_gap_ns, <, 200 * NS_PER_MS);
    sim_world_free(meeting.world);
}

static void check_outages(const Case *one)
{
    static const gint outages_ms[] = OUTAGES_MS;
    for (guint i = 0; i < G_N_ELEMENTS(outages_ms); i++)
        check(one, outages_ms[i]);
}

static void test_full_picture(void)
{
    static const char *const none[] = { "video.ladder=", NULL };
    SimLinkConfig line = { .rate_bps = 5000000, .delay_ns = 20 * NS_PER_MS };
    check_outages(&(Case){ none, line, 0, 800 });
}

static void test_ladder(void)
{
    SimLinkConfig line = { .rate_bps = 1000000, .delay_ns = 50 * NS_PER_MS };
    check_outages(&(Case){ ladder, line, 0, 800 });
}

static void test_lower_rung(void)
{
    SimLinkConfig line = { .rate_bps = 250000, .delay_ns = 50 * NS_PER_MS };
    check_outages(&(Case){ ladder, line, 1, 1200 });
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/outage/full_picture", test_full_picture);
    g_test_add_func("/outage/ladder", test_ladder);
    g_test_add_func("/outage/lower_rung", test_lower_rung);
    return g_test_run();
}
