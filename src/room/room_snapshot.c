#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "room/room_private.h"

/* Pictures of a layout for those who ask over HTTP:
 *   scene's strand: canvas -> own strand: file -> control thread: all who wait
 * A view of its own keeps the layout's scene for some seconds, so that whoever looks again need not
 * wait for the sources. */

#define FRESH_NS     NS_PER_SEC
#define KEEP_SECONDS 5

typedef struct {
    RoomSnapshotReady ready;
    gpointer user;
} Waiting;

/* One layout in one format. Counted: the room holds it, and whoever works on it. */
typedef struct {
    gint refs; /* atomic */
    Engine *engine;
    Strand *strand;
    ImageFormat format;

    /* Control thread. */
    Room *room; /* NULL: closed */
    Layout *layout;
    View *view; /* NULL: it is the room's own layout */
    GBytes *file;
    gint64 made_ns;
    GArray *waiting; /* of Waiting */
    guint forget_timer;
} Snapshot;

/* One picture on its way. */
typedef struct {
    Snapshot *snapshot;
    AVFrame *canvas;
    GBytes *file;
    gint64 made_ns;
    GError *error;
} Development;

static void snapshot_unref(Snapshot *snapshot)
{
    if (!g_atomic_int_dec_and_test(&snapshot->refs))
        return;
    strand_unref(snapshot->strand);
    layout_unref(snapshot->layout);
    g_clear_pointer(&snapshot->file, g_bytes_unref);
    g_array_unref(snapshot->waiting);
    g_free(snapshot);
}

static void development_free(gpointer data)
{
    Development *development = data;
    av_frame_free(&development->canvas);
    g_clear_pointer(&development->file, g_bytes_unref);
    g_clear_error(&development->error);
    snapshot_unref(development->snapshot);
    g_free(development);
}

static void answer_all(Snapshot *snapshot, GBytes *file, const GError *error)
{
    g_autoptr(GArray) waiting = snapshot->waiting;
    snapshot->waiting = g_array_new(FALSE, FALSE, sizeof(Waiting));
    for (guint i = 0; i < waiting->len; i++) {
        const Waiting *entry = &g_array_index(waiting, Waiting, i);
        entry->ready(file, error, entry->user);
    }
}

/* --- the picture on its way -------------------------------------------------------------- */

static void arrive(gpointer data)
{
    Development *development = data;
    Snapshot *snapshot = development->snapshot;
    thread_assert_control();
    if (development->file && snapshot->room) {
        g_clear_pointer(&snapshot->file, g_bytes_unref);
        snapshot->file = g_bytes_ref(development->file);
        snapshot->made_ns = development->made_ns;
    }
    answer_all(snapshot, development->file, development->error);
}

static void develop(gpointer data)
{
    Development *development = data;
    Snapshot *snapshot = development->snapshot;
    Development *done = g_new0(Development, 1);
    g_atomic_int_inc(&snapshot->refs);
    done->snapshot = snapshot;
    done->made_ns = engine_now_ns(snapshot->engine);
    if (development->canvas)
        done->file = image_encode(development->canvas, snapshot->format, &done->error);
    else
        done->error = g_error_new_literal(TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                                          "The picture changed meanwhile; ask again.");
    mailbox_post(engine_control_mailbox(snapshot->engine), arrive, done, development_free);
}

static void on_canvas(AVFrame *canvas, gpointer user)
{
    Snapshot *snapshot = user;
    Development *development = g_new0(Development, 1);
    development->snapshot = snapshot; /* the reference of expose() */
    development->canvas = canvas;
    strand_post(snapshot->strand, develop, development, development_free);
}

static void expose(Snapshot *snapshot) ON_CONTROL_THREAD;
static void expose(Snapshot *snapshot)
{
    View *view = snapshot->view ? snapshot->view : snapshot->room->own_view;
    g_atomic_int_inc(&snapshot->refs);
    scene_snapshot(view_scene(view), on_canvas, snapshot);
}

/* --- which there are --------------------------------------------------------------------- */

static void snapshot_close(Snapshot *snapshot) ON_CONTROL_THREAD;
static void snapshot_close(Snapshot *snapshot)
{
    view_free(g_steal_pointer(&snapshot->view));
    if (snapshot->forget_timer)
        g_source_remove(snapshot->forget_timer);
    snapshot->forget_timer = 0;
    snapshot->room = NULL;
}

static gboolean forget(gpointer data)
{
    Snapshot *snapshot = data;
    Room *room = snapshot->room;
    thread_assert_control();
    snapshot->forget_timer = 0;
    gboolean had_view = snapshot->view != NULL;
    snapshot_close(snapshot);
    g_ptr_array_remove_fast(room->snapshots, snapshot);
    snapshot_unref(snapshot);
    if (had_view)
        room_views_update(room->views);
    return G_SOURCE_REMOVE;
}

static Snapshot *find_snapshot(const Room *room, const Layout *layout, ImageFormat format)
{
    for (guint i = 0; i < room->snapshots->len; i++) {
        Snapshot *snapshot = room->snapshots->pdata[i];
        if (snapshot->layout == layout && snapshot->format == format)
            return snapshot;
    }
    return NULL;
}

/* A view of this layout, unless it is the room's own. */
static gboolean open_view(Snapshot *snapshot, GError **error) ON_CONTROL_THREAD;
static gboolean open_view(Snapshot *snapshot, GError **error)
{
    Room *room = snapshot->room;
    ViewChoice choice = { .layout = snapshot->layout };
    ViewOwner owner = { NULL, NULL, NULL };
    if (!snapshot->layout || snapshot->view)
        return TRUE;
    if (!room_views_have_room(room->views, &choice, NULL, error))
        return FALSE;
    snapshot->view = view_new(room->views, &choice, &owner);
    room_views_update(room->views);
    if (view_scene(snapshot->view) && !view_is_fallback(snapshot->view))
        return TRUE;
    view_free(g_steal_pointer(&snapshot->view));
    g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                        "The room is changing; ask again.");
    return FALSE;
}

static Snapshot *make_snapshot(Room *room, Layout *layout, ImageFormat format)
{
    Snapshot *snapshot = g_new0(Snapshot, 1);
    snapshot->refs = 1;
    snapshot->engine = room->rooms->engine;
    snapshot->strand = strand_new(engine_strand_pool(snapshot->engine));
    snapshot->format = format;
    snapshot->room = room;
    snapshot->layout = layout ? layout_ref(layout) : NULL;
    snapshot->waiting = g_array_new(FALSE, FALSE, sizeof(Waiting));
    g_ptr_array_add(room->snapshots, snapshot);
    return snapshot;
}

/* An answer that is there already comes later all the same. */
static void answer_later(Snapshot *snapshot)
{
    Development *again = g_new0(Development, 1);
    g_atomic_int_inc(&snapshot->refs);
    again->snapshot = snapshot;
    again->file = g_bytes_ref(snapshot->file);
    again->made_ns = snapshot->made_ns;
    mailbox_post(engine_control_mailbox(snapshot->engine), arrive, again, development_free);
}

static void keep_for_a_while(Snapshot *snapshot)
{
    if (snapshot->forget_timer)
        g_source_remove(snapshot->forget_timer);
    snapshot->forget_timer = g_timeout_add_seconds(KEEP_SECONDS, forget, snapshot);
}

typedef struct {
    RoomSnapshotReady ready;
    gpointer user;
    GError *error;
} Refusal;

static void refusal_free(gpointer data)
{
    Refusal *refusal = data;
    g_error_free(refusal->error);
    g_free(refusal);
}

static void refuse(gpointer data)
{
    Refusal *refusal = data;
    refusal->ready(NULL, refusal->error, refusal->user);
}

void room_snapshot(Room *room, Layout *layout, ImageFormat format, RoomSnapshotReady ready,
                   gpointer user)
{
    GError *error = NULL;
    Layout *other = layout == view_layout(room->own_view) ? NULL : layout;
    Snapshot *snapshot = find_snapshot(room, other, format);
    if (!snapshot)
        snapshot = make_snapshot(room, other, format);
    keep_for_a_while(snapshot);
    gint64 age_ns = engine_now_ns(snapshot->engine) - snapshot->made_ns;
    gboolean fresh = snapshot->file && age_ns < FRESH_NS;
    if (!fresh && !open_view(snapshot, &error)) {
        Refusal *refusal = g_new(Refusal, 1);
        *refusal = (Refusal){ ready, user, error };
        mailbox_post(engine_control_mailbox(room->rooms->engine), refuse, refusal, refusal_free);
        return;
    }
    Waiting entry = { ready, user };
    gboolean asked = snapshot->waiting->len > 0;
    g_array_append_val(snapshot->waiting, entry);
    if (asked)
        return;
    if (fresh)
        answer_later(snapshot);
    else
        expose(snapshot);
}

void room_release_snapshots(Room *room)
{
    for (guint i = 0; i < room->snapshots->len; i++) {
        Snapshot *snapshot = room->snapshots->pdata[i];
        if (snapshot->waiting->len == 0)
            view_free(g_steal_pointer(&snapshot->view));
    }
}

void room_drop_snapshots(Room *room)
{
    g_autoptr(GError) error =
        g_error_new_literal(TESSERA_ERROR, TESSERA_ERROR_NOT_FOUND, "The room was closed.");
    for (guint i = 0; i < room->snapshots->len; i++) {
        Snapshot *snapshot = room->snapshots->pdata[i];
        snapshot_close(snapshot);
        answer_all(snapshot, NULL, error);
        snapshot_unref(snapshot);
    }
    g_ptr_array_set_size(room->snapshots, 0);
}
