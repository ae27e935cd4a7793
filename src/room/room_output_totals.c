#include <string.h>

#include "room/room_outputs_private.h"

/* What the outputs of all rooms came to: what is still listed is asked, what is not was added up.
 */

static void add(RoomOutputTotals *totals, const RoomOutput *output) ON_CONTROL_THREAD;
static void add(RoomOutputTotals *totals, const RoomOutput *output)
{
    SinkStatus status;
    room_output_status(output, &status);
    totals->failed += status.state == SINK_FAILED;
    totals->bytes += status.bytes;
    totals->dropped += status.dropped;
    totals->reconnects += status.reconnects;
    if (status.state < G_N_ELEMENTS(totals->states))
        totals->states[status.state]++;
}

void room_output_count_start(const RoomOutput *output)
{
    output->rooms->output_totals[output->kind].started++;
}

void room_output_count_end(const RoomOutput *output)
{
    RoomOutputTotals *totals = &output->rooms->output_totals[output->kind];
    add(totals, output);
    memset(totals->states, 0, sizeof totals->states); /* it is there no longer */
}

void rooms_output_totals(Rooms *rooms, RoomOutputTotals *totals)
{
    static const char *const kinds[ROOM_OUTPUT_TOTALS] = { [OUTPUT_RECORDING] = "recording",
                                                           [OUTPUT_BROADCAST] = "broadcast",
                                                           [OUTPUT_PLAY] = "rtmp",
                                                           [OUTPUT_HLS] = "hls" };
    GHashTableIter iter;
    gpointer value;
    memcpy(totals, rooms->output_totals, sizeof rooms->output_totals);
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
        totals[i].kind = kinds[i];
    for (guint i = 0; i < rooms->ending->len; i++) {
        const RoomOutput *output = rooms->ending->pdata[i];
        add(&totals[output->kind], output);
    }
    g_hash_table_iter_init(&iter, rooms->by_id);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Room *room = value;
        for (guint i = 0; i < room->outputs->len; i++) {
            const RoomOutput *output = room->outputs->pdata[i];
            add(&totals[output->kind], output);
        }
    }
}
