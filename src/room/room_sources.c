#include "room/room_sources.h"

static void source_clear(gpointer data)
{
    g_free(((RoomSource *)data)->id);
}

static gboolean is_seen(const Participant *participant)
{
    return participant->visible && !participant->hidden && !participant->hold;
}

/* In the order in which they stand: as they were told to, else as they joined. */
static gint compare_order(gconstpointer a, gconstpointer b)
{
    const Participant *first = *(Participant *const *)a, *second = *(Participant *const *)b;
    return (first->order > second->order) - (first->order < second->order);
}

static GPtrArray *people_in_order(const Room *room)
{
    GPtrArray *people = g_ptr_array_new();
    for (guint i = 0; i < room->participants->len; i++) {
        Participant *participant = room->participants->pdata[i];
        if (is_seen(participant))
            g_ptr_array_add(people, participant);
    }
    g_ptr_array_sort(people, compare_order); /* stable */
    return people;
}

/* How many of `people` come before this one, and 1: by when they joined, spoke, were pinned. */
static guint join_rank(const GPtrArray *people, const Participant *participant)
{
    guint rank = 1;
    for (guint i = 0; i < people->len; i++)
        rank += ((const Participant *)people->pdata[i])->number < participant->number;
    return rank;
}

static guint speaker_rank(const GPtrArray *people, const Participant *participant)
{
    guint rank = 1;
    if (!participant->spoken)
        return 0;
    for (guint i = 0; i < people->len; i++)
        rank += ((const Participant *)people->pdata[i])->spoken > participant->spoken;
    return rank;
}

static guint pin_rank(const GPtrArray *people, const Participant *participant)
{
    guint rank = 1;
    if (!participant->pinned)
        return 0;
    for (guint i = 0; i < people->len; i++) {
        guint64 pinned = ((const Participant *)people->pdata[i])->pinned;
        rank += pinned && pinned < participant->pinned;
    }
    return rank;
}

static void add_source(RoomSources *sources, const GPtrArray *people, Participant *participant,
                       gboolean screen)
{
    RoomSource source = { participant, screen,
                          g_strconcat(participant->id, screen ? "/screen" : "", NULL) };
    LayoutSource layout = { .id = source.id,
                            .participant = participant->id,
                            .name = participant->name,
                            .role = participant->role,
                            .is_screen = screen,
                            .join = join_rank(people, participant),
                            .speaker = speaker_rank(people, participant),
                            .pinned = pin_rank(people, participant) };
    g_array_append_val(sources->sources, source);
    g_array_append_val(sources->layout, layout);
}

RoomSources *room_sources_new(Room *room, const char *without)
{
    g_autoptr(GPtrArray) people = people_in_order(room);
    RoomSources *sources = g_new0(RoomSources, 1);
    sources->sources = g_array_new(FALSE, FALSE, sizeof(RoomSource));
    sources->layout = g_array_new(FALSE, FALSE, sizeof(LayoutSource));
    g_array_set_clear_func(sources->sources, source_clear);
    for (guint i = 0; i < people->len; i++) {
        Participant *participant = people->pdata[i];
        if (g_strcmp0(participant->id, without) == 0)
            continue;
        add_source(sources, people, participant, FALSE);
        if (participant->active_sources & (1u << SOURCE_SCREEN) && !participant->video_off)
            add_source(sources, people, participant, TRUE);
    }
    return sources;
}

void room_sources_free(RoomSources *sources)
{
    if (!sources)
        return;
    g_array_unref(sources->sources);
    g_array_unref(sources->layout);
    g_free(sources);
}
