#pragma once

#include <glib.h>

#include "base/bytes.h"

/* RTP packets (RFC 3550 section 5): reading, writing, and the header extensions of RFC 8285. */

#define RTP_MIN_HEADER    12
#define RTP_MAX_PACKET    1500
#define RTP_MAX_CSRC      15
#define RTP_EXT_MAX_ID    14 /* one-byte form; the two-byte form may use up to 255 */
#define RTP_EXT_MAX_COUNT 16 /* elements that are read of one packet */

typedef struct {
    guint8 payload_type;
    gboolean marker;
    guint16 seq;
    guint32 timestamp; /* in the codec's clock */
    guint32 ssrc;
    guint8 csrc_count;
    guint32 csrc[RTP_MAX_CSRC];

    const guint8 *extension; /* (transfer none) the extension words, or NULL */
    gsize extension_size;
    guint16 extension_profile; /* 0xBEDE, 0x100X */

    const guint8 *payload; /* (transfer none), padding taken off */
    gsize payload_size;
    gsize padding_size;
} RtpPacket;

/** Parse a packet in place; the result points into `data`. FALSE: malformed (drop it). A packet of
 *  padding alone is valid and has payload_size 0. */
gboolean rtp_parse(const guint8 *data, gsize size, RtpPacket *packet);

/** TRUE if the datagram is RTCP rather than RTP, by RFC 5761 section 4 (types 192..223). */
gboolean rtp_is_rtcp(const guint8 *data, gsize size);

/* The header extensions that we know; rtp_ext_uri() has their URIs. */
typedef enum {
    RTP_EXT_NONE,
    RTP_EXT_AUDIO_LEVEL,      /* RFC 6464 */
    RTP_EXT_CSRC_AUDIO_LEVEL, /* RFC 6465 */
    RTP_EXT_ABS_SEND_TIME,
    RTP_EXT_TRANSPORT_CC, /* draft-holmer-rmcat-transport-wide-cc-extensions-01 */
    RTP_EXT_MID,          /* RFC 9143 */
    RTP_EXT_RID,          /* RFC 8852 */
    RTP_EXT_REPAIRED_RID,
    RTP_EXT_VIDEO_ORIENTATION, /* 3GPP TS 26.114 */
    RTP_EXT_PLAYOUT_DELAY,
    RTP_EXT_TOFFSET, /* RFC 5450 */
    RTP_EXT_COUNT,
} RtpExtType;

const char *rtp_ext_uri(RtpExtType type);
RtpExtType rtp_ext_find(const char *uri); /* RTP_EXT_NONE if not known */

/** Which id carries which extension, as negotiated: type by id, and id by type (0: absent). */
typedef struct {
    guint8 type_of[256];         /* RtpExtType by id */
    guint8 id_of[RTP_EXT_COUNT]; /* id by type */
} RtpExtMap;

/** Type and id find each other from now on; what either had before is undone. Id 0 takes the type
 *  out. RTP_EXT_NONE, ids above 255 and unknown types are ignored. */
void rtp_ext_map_set(RtpExtMap *map, RtpExtType type, guint id);

/** What a packet's extensions say. */
typedef struct {
    guint32 present;         /* bit (1 << RtpExtType) */
    guint8 audio_level_dbov; /* 0 (loudest) .. 127 */
    gboolean voice_activity;
    guint32 abs_send_time; /* 24 bits, 6.18 fixed point seconds */
    guint16 transport_seq;
    char mid[17], rid[17],
        repaired_rid[17]; /* "" where absent; ignored if longer or not visible ASCII */
    guint8 rotation;      /* 0..3 quarter turns clockwise to apply for upright display */
    gboolean flipped;
} RtpExtensions;

/** Read the extensions of a parsed packet by the map; unknown ids are skipped, and a malformed tail
 *  ends the reading without an error (RFC 8285 section 4.2). */
void rtp_ext_parse(const RtpPacket *packet, const RtpExtMap *map, RtpExtensions *out);

/** What we write into outgoing packets. */
typedef struct {
    const char *mid, *rid, *repaired_rid; /* or NULL */
    gboolean has_transport_seq;
    guint16 transport_seq;
    gboolean has_abs_send_time;
    guint32 abs_send_time;
    gboolean has_audio_level;
    guint8 audio_level_dbov;
    gboolean voice_activity;
    guint8 csrc_levels_count; /* RFC 6465, one per CSRC; needs the extension negotiated */
    guint8 csrc_levels[RTP_MAX_CSRC];
    gboolean has_playout_delay;
    guint16 playout_min_10ms, playout_max_10ms;
} RtpExtValues;

/** Write header, CSRCs and extensions (those of `values` that `map` has an id for; one-byte form,
 *  two-byte form where an id or length needs it). `packet`: payload_type, marker, seq, timestamp,
 *  ssrc, csrc are used. Returns the header's size, 0 if `size` is too small. */
gsize rtp_write_header(guint8 *data, gsize size, const RtpPacket *packet, const RtpExtMap *map,
                       const RtpExtValues *values);

/** A whole packet of nothing but `padding` bytes (1..255), RFC 3550 section 5.1. Returns its size,
 * 0 if `size` is too small. */
gsize rtp_write_padding(guint8 *data, gsize size, const RtpPacket *packet, const RtpExtMap *map,
                        const RtpExtValues *values, guint8 padding);

/** The extension block alone, behind the CSRCs: profile, length, elements, padding. FALSE: there is
 *  nothing to write and nothing was written. Where the room ends, the writer fails. */
gboolean rtp_ext_write(ByteWriter *writer, const RtpExtMap *map, const RtpExtValues *values);

/** A moment as the abs-send-time extension counts it: 6.18 fixed-point seconds, 24 bits. */
guint32 rtp_abs_send_time(gint64 now_ns);
