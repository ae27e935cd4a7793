#pragma once

#include "room/rendition.h"

/* The renditions of one scene, found by what they are. Any thread. */

typedef struct RenditionSet RenditionSet;

RenditionSet *rendition_set_new(Engine *engine);
void rendition_set_free(RenditionSet *set);

/** (transfer full) The one of this codec, size and frame rate, made if there is none yet. */
Rendition *rendition_set_get(RenditionSet *set, const RenditionSpec *spec);

/** (transfer full) GPtrArray of Rendition references. */
GPtrArray *rendition_set_list(RenditionSet *set);

/** How many viewers take one of them. */
guint rendition_set_viewers(RenditionSet *set);
