#include "room/demo.h"

#include "base/clock.h"
#include "io/test_source.h"
#include "room/room_private.h"

#define WIDTH  640
#define HEIGHT 360
#define FPS    30

/* One test source: its sound is pulled by the mixer, its pictures are drawn on a strand while
 * somebody wants them. Counted: the mixer and the strand's next task hold it. */
typedef struct {
    gint refs; /* atomic */
    Engine *engine;
    TestSource *source;
    VideoInput *video;
    Strand *strand;
    gint64 epoch_ns;
    gint stopped; /* atomic */

    /* The strand. */
    gint64 next_frame;
} DemoSource;

static void demo_unref(gpointer data)
{
    DemoSource *demo = data;
    if (!g_atomic_int_dec_and_test(&demo->refs))
        return;
    test_source_free(demo->source);
    video_input_unref(demo->video);
    strand_unref(demo->strand);
    g_free(demo);
}

/* The leg is gone: the pictures end too. */
static void demo_leg_gone(gpointer data)
{
    DemoSource *demo = data;
    g_atomic_int_set(&demo->stopped, 1);
    demo_unref(demo);
}

static AudioPull demo_pull(gpointer data, gint64 now_ns, float *out)
{
    DemoSource *demo = data;
    gboolean sounds =
        test_source_sound(demo->source, now_ns - demo->epoch_ns, out, MIXER_TICK_SAMPLES);
    return sounds ? AUDIO_PULL_SOUND : AUDIO_PULL_SILENT;
}

static gint64 frame_time_ns(const DemoSource *demo)
{
    return demo->epoch_ns + demo->next_frame * NS_PER_SEC / FPS;
}

static void draw_task(gpointer data)
{
    DemoSource *demo = data;
    thread_assert_strand();
    if (g_atomic_int_get(&demo->stopped))
        return;
    gint64 now_ns = engine_now_ns(demo->engine);
    gint64 due_ns = frame_time_ns(demo);
    if (video_input_wanted(demo->video)) {
        AVFrame *picture = test_source_picture(demo->source, due_ns - demo->epoch_ns);
        if (picture)
            video_input_picture(demo->video, picture, due_ns, now_ns);
        av_frame_free(&picture);
    }
    gint64 now_frame = (now_ns - demo->epoch_ns) * FPS / NS_PER_SEC;
    demo->next_frame = MAX(demo->next_frame + 1, now_frame);
    g_atomic_int_inc(&demo->refs);
    strand_post_at(demo->strand, frame_time_ns(demo), draw_task, demo, demo_unref);
}

static DemoSource *demo_source_new(Engine *engine, VideoInput *video, guint number)
{
    DemoSource *demo = g_new0(DemoSource, 1);
    demo->refs = 2; /* the mixer's leg and the first task */
    demo->engine = engine;
    demo->source = test_source_new(number, WIDTH, HEIGHT);
    demo->video = video_input_ref(video);
    demo->strand = strand_new(engine_strand_pool(engine));
    demo->epoch_ns = engine_now_ns(engine);
    strand_post(demo->strand, draw_task, demo, demo_unref);
    return demo;
}

Participant *demo_add_source(Room *room, const char *name, guint number, GError **error)
{
    ParticipantOptions options = { .name = name, .client = "demo", .visible = TRUE };
    Participant *participant = room_join(room, &options, error);
    if (!participant)
        return NULL;
    participant->sinks.camera = video_input_new(room->rooms->engine);
    participant->state = TRANSPORT_CONNECTED;
    participant->active_sources = 1u << SOURCE_AUDIO | 1u << SOURCE_CAMERA;
    DemoSource *demo = demo_source_new(room->rooms->engine, participant->sinks.camera, number);
    GraphLegSpec spec = {
        .id = participant->id, .pull = demo_pull, .pull_user = demo, .pull_destroy = demo_leg_gone
    };
    graph_remove_leg(room->graph, participant->leg);
    participant->leg = graph_add_leg(room->graph, &spec);
    room_update_layout(room);
    return participant;
}

gboolean demo_start(Rooms *rooms, GError **error)
{
    static const char *const names[] = { "Ada", "Grace", "Edsger", "Barbara" };
    Room *room = rooms_open(rooms, "demo", error);
    if (!room)
        return FALSE;
    room->keep = TRUE;
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        if (!demo_add_source(room, names[i], i, error))
            return FALSE;
    }
    return TRUE;
}
