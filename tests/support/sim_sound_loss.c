#include "support/sim_sound_loss.h"

#include "base/clock.h"
#include "support/sim_world.h"

#define WARM_UP_S 15

SimSoundLoss sim_sound_loss(const char *project_dir, const SimLinkConfig *line, gint seconds)
{
    static const char *const still[] = { "video.fps=1",
                                         "video.ladder=", NULL }; /* pictures are of no matter */
    SimWorldOptions options = { .project_dir = project_dir, .settings = still };
    SimWorld *world = sim_world_new(&options);
    SimPeerConfig speaker = { .name = "Ada",
                              .number = 1,
                              .tone_hz = 500,
                              .speaks = TRUE,
                              .fec_loss_pct = (gint)(line->loss * 100 + 0.5),
                              .blind = TRUE,
                              .publish_only = TRUE,
                              .up = *line };
    SimPeerConfig listener = { .name = "Bob",
                               .number = 2,
                               .blind = TRUE,
                               .view_only = TRUE,
                               .up = { .delay_ns = line->delay_ns },
                               .down = *line };
    SimPeerConfig other = listener;
    other.name = "Cem";
    other.number = 3;
    other.no_red = TRUE;
    SimPeer *ada = sim_world_join(world, &speaker);
    SimPeer *bob = sim_world_join(world, &listener);
    SimPeer *cem = sim_world_join(world, &other);
    sim_world_run(world, WARM_UP_S * NS_PER_SEC);
    gint64 from_ns = sim_world_now_ns(world);
    gdouble before = sim_world_peer_number(world, ada, "received.audio.concealed_samples");
    sim_world_run(world, seconds * NS_PER_SEC);
    gint64 to_ns = sim_world_now_ns(world) - line->delay_ns - line->jitter_ns;
    gdouble after = sim_world_peer_number(world, ada, "received.audio.concealed_samples");
    SimSoundLoss result = {
        .up = (after - before) / (48000.0 * seconds),
        .down_red = sim_ear_missed(sim_peer_ear(bob), from_ns, to_ns),
        .down_fec = sim_ear_missed(sim_peer_ear(cem), from_ns, to_ns),
        .reported = sim_world_peer_number(world, bob, "sent.audio.loss"),
        .rate_bps = (gint)sim_world_peer_number(world, bob, "sent.audio.bitrate"),
    };
    sim_world_free(world);
    return result;
}
