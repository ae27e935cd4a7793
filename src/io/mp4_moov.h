#pragma once

#include "io/mp4_index.h"

/** (transfer full) The moov box of a plain MP4 with the index's samples: descriptions as the first
 *  moov has them, sample tables, edit lists that keep the tracks in step. Tracks without samples
 * are left out. NULL: the first moov is damaged. */
GByteArray *mp4_moov_write(const Mp4Index *index);

/** The length of the longest track. */
gint64 mp4_moov_duration_us(const Mp4Index *index);
