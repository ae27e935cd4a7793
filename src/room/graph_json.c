#include "room/graph_json.h"

#include "base/clock.h"

/* The encodes of one mix that have takers. */
static json_t *voices_json(const VoicesStats *stats)
{
    json_t *list = json_array();
    for (guint i = 0; i < stats->running; i++) {
        const VoiceInfo *info = &stats->info[i];
        json_array_append_new(list, json_pack("{s:i, s:b, s:i}", "bitrate", info->bitrate_bps,
                                              "fec", info->fec, "listeners", (int)info->listeners));
    }
    return list;
}

json_t *graph_leg_json(const char *id, const AudioMixerInput *input, gboolean listens,
                       gboolean speaking, const VoicesStats *own)
{
    return json_pack("{s:s, s:b, s:b, s:b, s:i, s:b, s:I, s:o}", "id", id, "sounds", input != NULL,
                     "listens", listens, "contributes",
                     input && audio_mixer_input_contributes(input), "level_dbov",
                     input ? audio_mixer_input_level(input) : 127, "speaking", speaking,
                     "own_encodes", (json_int_t)own->encoded, "voices", voices_json(own));
}

static json_t *rendition_json(Rendition *rendition)
{
    const RenditionSpec *spec = rendition_spec(rendition);
    RenditionStats stats;
    rendition_stats(rendition, &stats);
    return json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I}", "codec",
                     spec->codec->name, "width", spec->width, "height", spec->height, "fps",
                     spec->fps, "bitrate", spec->bitrate_bps, "target", stats.target_bps,
                     "temporal_layers", spec->temporal_layers, "viewers", (int)stats.viewers,
                     "encoded", (json_int_t)stats.encoded, "keyframes", (json_int_t)stats.keyframes,
                     "replaced", (json_int_t)stats.replaced, "bytes", (json_int_t)stats.bytes,
                     "encode_cpu_ms", (json_int_t)(stats.encode_cpu_ns / NS_PER_MS));
}

json_t *graph_scene_json(Scene *scene)
{
    const SceneSpec *spec = scene_spec(scene);
    g_autoptr(GPtrArray) renditions = scene_renditions(scene);
    json_t *list = json_array();
    SceneStats stats;
    scene_stats(scene, &stats);
    for (guint i = 0; i < renditions->len; i++)
        json_array_append_new(list, rendition_json(renditions->pdata[i]));
    return json_pack("{s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "width",
                     spec->width, "height", spec->height, "fps", spec->fps, "tiles",
                     (int)stats.tiles, "ticks", (json_int_t)stats.ticks, "idle_ticks",
                     (json_int_t)stats.idle_ticks, "late_ticks", (json_int_t)stats.late_ticks,
                     "skipped_ticks", (json_int_t)stats.skipped_ticks, "tiles_drawn",
                     (json_int_t)stats.compositor.tiles_drawn, "tiles_kept",
                     (json_int_t)stats.compositor.tiles_kept, "compose_cpu_ms",
                     (json_int_t)(stats.compose_cpu_ns / NS_PER_MS), "renditions", list);
}

json_t *graph_submix_json(const Submix *submix)
{
    guint listeners, inputs;
    VoicesStats voices;
    submix_stats(submix, &listeners, &inputs, &voices);
    return json_pack("{s:s, s:i, s:i, s:I, s:o}", "hears", submix_key(submix), "listeners",
                     (int)listeners, "inputs", (int)inputs, "encoded", (json_int_t)voices.encoded,
                     "voices", voices_json(&voices));
}

json_t *graph_to_json(json_t *inputs, json_t *submixes, const GraphAudioStats *audio,
                      const VoicesStats *shared)
{
    return json_pack("{s:o, s:{s:I, s:I, s:i, s:i, s:I, s:o, s:I, s:o}}", "inputs", inputs, "mixer",
                     "ticks", (json_int_t)audio->ticks, "concealed", (json_int_t)audio->concealed,
                     "own_voices", (int)audio->own_voices, "shared_listeners",
                     (int)audio->shared_listeners, "shared_encodes", (json_int_t)shared->encoded,
                     "voices", voices_json(shared), "cpu_ms",
                     (json_int_t)(audio->cpu_ns / NS_PER_MS), "submixes", submixes);
}
