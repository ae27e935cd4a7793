#pragma once

#include <glib.h>
#include <libavcodec/codec_par.h>
#include <libavcodec/packet.h>

/* A mix's packets to the bodies of FLV's tags (Adobe FLV 10.1, annex E): H.264 and AAC. Pure. */

typedef struct FlvWriter FlvWriter;

/** video, audio (copied): H.264 (extradata, if any, and packets as avcC or both as Annex B) and AAC
 *  with its AudioSpecificConfig; either may be NULL. NULL with TESSERA_ERROR_UNSUPPORTED for other
 *  codecs. */
FlvWriter *flv_writer_new(const AVCodecParameters *video, const AVCodecParameters *audio,
                          GError **error);
void flv_writer_free(FlvWriter *writer);

/** All of these append one body to `out`. Metadata: onMetaData, for a data message. */
void flv_writer_metadata(const FlvWriter *writer, GByteArray *out);

/** FALSE: there is no such stream, or its parameter sets have not been seen yet. */
gboolean flv_writer_video_header(const FlvWriter *writer, GByteArray *out);
gboolean flv_writer_audio_header(const FlvWriter *writer, GByteArray *out);

/** Look at a picture before it is written: TRUE if it brings other parameter sets than the last
 *  header told (in band, or as new extradata), so that a header must be written first. */
gboolean flv_writer_video_changes(FlvWriter *writer, const AVPacket *packet);

/** pts and dts in microseconds; flv_writer_ms(dts) is the message's timestamp. FALSE: nothing to
 *  write. */
gboolean flv_writer_video(const FlvWriter *writer, const AVPacket *packet, GByteArray *out);
gboolean flv_writer_audio(const FlvWriter *writer, const AVPacket *packet, GByteArray *out);
gint64 flv_writer_ms(gint64 time_us);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FlvWriter, flv_writer_free)
