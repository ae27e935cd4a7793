#pragma once

#include <glib.h>
#include <libavcodec/codec_par.h>

/* What the sequence headers of FLV say: decoder configurations, checked, as AVCodecParameters.
 * Pure. */

/** The configuration of an H.264 (avcC, ISO/IEC 14496-15 5.3.3), HEVC (hvcC, 8.3.3), AV1 (av1C),
 *  AAC (AudioSpecificConfig, ISO/IEC 14496-3 1.6.2) or Opus (OpusHead, RFC 7845 5.1) stream.
 *  (transfer full) with codec id, extradata and, as far as it tells, size, rate and channels; NULL:
 *  malformed, or nothing that can be decoded. VP8 and VP9 have none: data is not looked at. */
AVCodecParameters *flv_config_parse(enum AVCodecID codec, const guint8 *data, gsize size);

/** From the header of a frame of MP3 (ISO/IEC 11172-3 2.4.2.3), likewise. */
AVCodecParameters *flv_config_from_mp3(const guint8 *frame, gsize size);

/** How many bytes the length of each NAL unit has, by a checked avcC or hvcC. */
guint flv_config_length_size(const AVCodecParameters *parameters);

/** TRUE if NAL units with lengths of so many bytes fill the frame exactly. */
gboolean flv_config_frame_fits(guint length_size, const guint8 *data, gsize size);

/** (transfer full) An avcC with one SPS and one PPS (without start codes). */
GBytes *flv_config_write_avcc(GBytes *sps, GBytes *pps);
