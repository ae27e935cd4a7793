#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "io/player.h"
#include "room/json_patch.h"
#include "room/room_feeds.h"

/* Sources of the API: files, URLs, test patterns and pictures of the layout store. */

#define MAX_NAME_CHARS 64
#define SILENT_DB      (-60.0)
#define LOUDEST_DB     12.0
#define MAX_PATTERN    1000000
#define MAX_POSITION_S (365.0 * 24 * 3600)

typedef enum { KIND_FILE, KIND_URL, KIND_PATTERN, KIND_IMAGE, KINDS } Kind;

static const char *const kind_names[KINDS] = { "file", "url", "pattern", "image" };

struct FedSource {
    Kind kind;
    char *text; /* the file, the URL as it may be shown, or the image */
    gint pattern;
    Player *player; /* of files and URLs */
    gboolean loop, paused;
    gboolean failed;
};

/* What is asked for; texts belong to the JSON. */
typedef struct {
    Kind kind;
    const char *text, *name, *role;
    gint pattern;
    gboolean loop, paused;
    double volume_db;
} Wanted;

/* --- ending ------------------------------------------------------------------------------ */

static gpointer stop_player(gpointer player)
{
    player_stop(player);
    return NULL;
}

/* It may take a second. */
static void stop_elsewhere(Player *player)
{
    g_autoptr(GError) error = NULL;
    GThread *thread = g_thread_try_new("player-stop", stop_player, player, &error);
    if (thread)
        g_thread_unref(thread);
    else
        player_stop(player);
}

void fed_source_free(FedSource *source)
{
    if (!source)
        return;
    if (source->player)
        stop_elsewhere(source->player);
    g_free(source->text);
    g_free(source);
}

static void on_active(guint sources, gpointer user)
{
    Participant *participant = user;
    thread_assert_control();
    if (!participant->feed->source->failed)
        room_feed_active(participant, sources);
}

/* What failed stays to be looked at, for as long as a connection that was lost. */
static void on_ended(const GError *error, gpointer user)
{
    Participant *participant = user;
    thread_assert_control();
    if (!error) {
        participant_leave(participant, "it has been played to its end");
        return;
    }
    log_info("room", "source %s of room %s failed: %s", participant->id, participant->room->id,
             error->message);
    participant->feed->source->failed = TRUE;
    participant->state = TRANSPORT_FAILED;
    participant_watch(participant, &participant->fail_timer, TRUE, "the source failed");
    room_emit(participant->room, ROOM_EVENT_STATE, participant,
              json_pack("{s:s, s:s}", "id", participant->id, "state",
                        participant_state_name(participant->state)));
    room_feed_active(participant, 0);
}

/* --- reading ----------------------------------------------------------------------------- */

static gboolean read_kind(json_t *options, Wanted *wanted, GError **error)
{
    guint given = 0;
    for (guint kind = 0; kind < KINDS; kind++) {
        if (!json_object_get(options, kind_names[kind]))
            continue;
        wanted->kind = (Kind)kind;
        given++;
    }
    if (given != 1) {
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                            "Name exactly one of \"file\", \"url\", \"pattern\" and \"image\".");
        return FALSE;
    }
    if (wanted->kind == KIND_PATTERN)
        return json_patch_int(options, "pattern", 0, MAX_PATTERN, &wanted->pattern, error);
    const char *key = kind_names[wanted->kind];
    wanted->text = json_string_value(json_object_get(options, key));
    if (wanted->text && *wanted->text)
        return TRUE;
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID, "%s: write a text.", key);
    return FALSE;
}

static gboolean read_wanted(json_t *options, Wanted *wanted, GError **error)
{
    static const char *const keys[] = { "file", "url",  "pattern", "image",  "name",
                                        "role", "loop", "paused",  "volume", NULL };
    gboolean given;
    return json_patch_check(options, keys, error) && read_kind(options, wanted, error) &&
           json_patch_text(options, "name", &given, &wanted->name, error) &&
           json_patch_text(options, "role", &given, &wanted->role, error) &&
           json_patch_bool(options, "loop", &wanted->loop, error) &&
           json_patch_bool(options, "paused", &wanted->paused, error) &&
           json_patch_number(options, "volume", SILENT_DB, LOUDEST_DB, &wanted->volume_db, error);
}

static guint count_sources(const Room *room)
{
    guint n = 0;
    for (guint i = 0; i < room->participants->len; i++) {
        const Participant *participant = room->participants->pdata[i];
        n += participant->feed && participant->feed->source;
    }
    return n;
}

static gboolean has_place(const Room *room, GError **error)
{
    gint64 max = config_int(room->rooms->config, "source.max");
    if (count_sources(room) < max)
        return TRUE;
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                "Room %s plays all the sources it may (%" G_GINT64_FORMAT
                ", source.max); remove one first.",
                room->id, max);
    return FALSE;
}

/* (transfer full) What it is called where it has no name: never what is secret of a URL. */
static char *default_name(const Wanted *wanted)
{
    g_autofree char *text = NULL;
    if (wanted->kind == KIND_PATTERN) {
        text = g_strdup_printf("Pattern %d", wanted->pattern);
    } else if (wanted->kind == KIND_URL) {
        g_autoptr(MediaUrl) url = media_url_parse(wanted->text, MEDIA_URL_PULL, NULL);
        text = g_strdup(url ? url->host : "URL");
    } else {
        text = g_path_get_basename(wanted->text);
    }
    gboolean is_long = g_utf8_validate(text, -1, NULL) && g_utf8_strlen(text, -1) > MAX_NAME_CHARS;
    return is_long ? g_utf8_substring(text, 0, MAX_NAME_CHARS) : g_steal_pointer(&text);
}

/* --- making ------------------------------------------------------------------------------ */

static MediaUrlPolicy *make_policy(const Room *room, GError **error)
{
    const char *networks = config_string(room->rooms->config, "source.allowed_networks");
    return media_url_policy_new(FALSE, *networks ? networks : NULL, error);
}

static gboolean url_is_good(const char *text, const MediaUrlPolicy *policy, GError **error)
{
    g_autoptr(MediaUrl) url = media_url_parse(text, MEDIA_URL_PULL, error);
    return url && media_url_check_literal(url, policy, error);
}

static void unref_feed(gpointer feed)
{
    feed_unref(feed);
}

ON_CONTROL_THREAD static gboolean open_player(Room *room, const Wanted *wanted, RoomFeed *feed,
                                              VideoInput *video, GError **error)
{
    const char *media_dir = config_string(room->rooms->config, "source.media_dir");
    g_autoptr(MediaUrlPolicy) policy = make_policy(room, error);
    PlayerOptions options = { .media_dir = media_dir,
                              .file = wanted->kind == KIND_FILE ? wanted->text : NULL,
                              .url = wanted->kind == KIND_URL ? wanted->text : NULL,
                              .policy = policy,
                              .loop = wanted->loop,
                              .paused = wanted->paused };
    if (!policy || (options.url && !url_is_good(options.url, policy, error)))
        return FALSE;
    if (options.file && !*media_dir) {
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_UNSUPPORTED,
                            "This server plays no files; set source.media_dir to their directory.");
        return FALSE;
    }
    feed->feed = feed_new(room->rooms->engine, video);
    feed->source->player =
        player_new(&options, &feed_events, feed_ref(feed->feed), unref_feed, error);
    if (!feed->source->player)
        feed_unref(feed->feed); /* the player's */
    return feed->source->player != NULL;
}

ON_CONTROL_THREAD static gboolean open_image(Room *room, const Wanted *wanted, RoomFeed *feed,
                                             VideoInput *video, GError **error)
{
    const Image *image = layout_store_image(room->rooms->layouts, wanted->text);
    if (image)
        feed->generated =
            generated_source_new_still(room->rooms->engine, video, image_frame(image));
    if (!feed->generated)
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "There is no image \"%s\" that can be shown; put it under /images first.",
                    wanted->text);
    return feed->generated != NULL;
}

ON_CONTROL_THREAD static gboolean open_media(Room *room, const Wanted *wanted, RoomFeed *feed,
                                             VideoInput *video, GError **error)
{
    if (wanted->kind == KIND_IMAGE)
        return open_image(room, wanted, feed, video, error);
    if (wanted->kind != KIND_PATTERN)
        return open_player(room, wanted, feed, video, error);
    feed->generated =
        generated_source_new_pattern(room->rooms->engine, video, (guint)wanted->pattern);
    generated_source_pause(feed->generated, wanted->paused);
    return TRUE;
}

/* (transfer full), or NULL. */
ON_CONTROL_THREAD static RoomFeed *open_source(Room *room, const Wanted *wanted, VideoInput *video,
                                               GError **error)
{
    RoomFeed *feed = g_new0(RoomFeed, 1);
    FedSource *source = feed->source = g_new0(FedSource, 1);
    gboolean is_url = wanted->kind == KIND_URL;
    source->kind = wanted->kind;
    source->text = is_url ? media_url_redact(wanted->text) : g_strdup(wanted->text);
    source->pattern = wanted->pattern;
    source->loop = wanted->loop;
    source->paused = wanted->paused;
    if (!open_media(room, wanted, feed, video, error))
        g_clear_pointer(&feed, room_feed_free);
    return feed;
}

ON_CONTROL_THREAD static void begin(Participant *participant, const Wanted *wanted)
{
    static const FeedOwner owner = { on_active, on_ended };
    participant->volume_db = wanted->volume_db;
    participant_update_gain(participant);
    if (participant->feed->feed)
        feed_set_owner(participant->feed->feed, &owner, participant);
    else if (wanted->kind == KIND_IMAGE)
        room_feed_active(participant, 1u << SOURCE_CAMERA);
    else
        room_feed_active(participant, 1u << SOURCE_AUDIO | 1u << SOURCE_CAMERA);
}

Participant *room_add_source(Room *room, json_t *options, GError **error)
{
    Wanted wanted = { 0 };
    if (!read_wanted(options, &wanted, error) || !has_place(room, error))
        return NULL;
    g_autofree char *name = wanted.name ? g_strdup(wanted.name) : default_name(&wanted);
    g_autoptr(VideoInput) video = video_input_new(room->rooms->engine);
    RoomFeed *feed = open_source(room, &wanted, video, error);
    if (!feed)
        return NULL;
    /* Whoever may add sources may do so in a locked room. */
    RoomFeedOptions join = {
        .name = name, .role = wanted.role, .client = kind_names[wanted.kind], .overrides_lock = TRUE
    };
    Participant *participant = room_feed_join(room, &join, feed, video, error);
    if (participant)
        begin(participant, &wanted);
    return participant;
}

/* --- telling ----------------------------------------------------------------------------- */

static json_t *seconds(gint64 us)
{
    return json_real((double)us / 1e6);
}

static void add_player(json_t *json, Player *player)
{
    PlayerStatus status;
    player_status(player, &status);
    json_object_set_new(json, "state", json_string(player_state_name(status.state)));
    json_object_set_new(json, "error", *status.error ? json_string(status.error) : json_null());
    json_object_set_new(json, "position", seconds(status.position_us));
    json_object_set_new(json, "duration",
                        status.duration_us > 0 ? seconds(status.duration_us) : json_null());
    json_object_set_new(json, "reconnects", json_integer(status.reconnects));
    json_object_set_new(json, "live", json_boolean(status.live));
    json_object_set_new(json, "seekable", json_boolean(status.seekable));
}

json_t *room_source_to_json(Participant *participant)
{
    const FedSource *source = participant->feed ? participant->feed->source : NULL;
    if (!source)
        return NULL;
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:s, s:n, s:n, s:n, s:b, s:b, s:i, s:b, s:b, s:f}", "id",
                  participant->id, "name", participant->name, "kind", kind_names[source->kind],
                  "state", source->paused ? "paused" : "playing", "error", "position", "duration",
                  "loop", source->loop, "paused", source->paused, "reconnects", 0, "live", FALSE,
                  "seekable", FALSE, "volume", participant->volume_db);
    json_object_set_new(json, kind_names[source->kind],
                        source->kind == KIND_PATTERN ? json_integer(source->pattern)
                                                     : json_string(source->text));
    if (source->player)
        add_player(json, source->player);
    return json;
}

json_t *room_sources_json(Room *room)
{
    json_t *list = json_array();
    for (guint i = 0; i < room->participants->len; i++) {
        json_t *source = room_source_to_json(room->participants->pdata[i]);
        if (source)
            json_array_append_new(list, source);
    }
    return list;
}

/* --- steering ---------------------------------------------------------------------------- */

static gboolean seek(FedSource *source, double position_s, GError **error)
{
    if (position_s < 0)
        return TRUE; /* not asked for */
    if (source->player)
        return player_seek(source->player, (gint64)(position_s * 1e6), error);
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNSUPPORTED,
                "position: a source of kind %s has no places to go to.", kind_names[source->kind]);
    return FALSE;
}

ON_CONTROL_THREAD static void steer(Participant *participant)
{
    const RoomFeed *feed = participant->feed;
    const FedSource *source = feed->source;
    if (source->player) {
        player_set_loop(source->player, source->loop);
        player_pause(source->player, source->paused);
    } else if (source->kind == KIND_PATTERN) {
        generated_source_pause(feed->generated, source->paused);
    }
    participant_update_gain(participant);
    participant_note_update(participant);
}

gboolean room_source_patch(Participant *participant, json_t *patch, GError **error)
{
    static const char *const keys[] = { "paused", "loop", "position", "volume", NULL };
    FedSource *source = participant->feed ? participant->feed->source : NULL;
    if (!source) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_NOT_FOUND, "%s is no source.",
                    participant->id);
        return FALSE;
    }
    gboolean paused = source->paused, loop = source->loop;
    double position_s = -1, volume_db = participant->volume_db;
    if (!json_patch_check(patch, keys, error) ||
        !json_patch_bool(patch, "paused", &paused, error) ||
        !json_patch_bool(patch, "loop", &loop, error) ||
        !json_patch_number(patch, "position", 0, MAX_POSITION_S, &position_s, error) ||
        !json_patch_number(patch, "volume", SILENT_DB, LOUDEST_DB, &volume_db, error) ||
        !seek(source, position_s, error))
        return FALSE;
    source->paused = paused;
    source->loop = loop;
    participant->volume_db = volume_db;
    steer(participant);
    return TRUE;
}
