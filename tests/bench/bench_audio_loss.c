/* How much of the sound is concealed over how much of it is lost, both ways, as CSV: the curve in
 * docs/networks.md. Simulated time: every run prints the same. */

#include "base/clock.h"
#include "support/sim_sound_loss.h"

#define SECONDS 120

int main(void)
{
    static const gint losses[] = { 0, 1, 2, 3, 5, 7, 10, 15, 20, 25, 30 };
    g_print(
        "lost,unprotected,from a sender with FEC,to a listener with RED,to a listener with FEC\n");
    for (guint i = 0; i < G_N_ELEMENTS(losses); i++) {
        SimLinkConfig line = { .delay_ns = 50 * NS_PER_MS,
                               .jitter_ns = 30 * NS_PER_MS,
                               .loss = losses[i] / 100.0 };
        SimSoundLoss found = sim_sound_loss(PROJECT_DIR, &line, SECONDS);
        g_print("%d,%d,%.3f,%.3f,%.3f\n", losses[i], losses[i], 100 * found.up,
                100 * found.down_red, 100 * found.down_fec);
    }
    return 0;
}
