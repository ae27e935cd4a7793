#include <string.h>

#include "rtp/rtp.h"

#define ONE_BYTE_PROFILE 0xbede /* RFC 8285 section 4.2 */
#define TWO_BYTE_PROFILE 0x1000 /* section 4.3; the low four bits are the application's */
#define ONE_BYTE_MAX     16     /* bytes of one element */
#define TWO_BYTE_MAX     255

static const char *const uris[RTP_EXT_COUNT] = {
    [RTP_EXT_AUDIO_LEVEL] = "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    [RTP_EXT_CSRC_AUDIO_LEVEL] = "urn:ietf:params:rtp-hdrext:csrc-audio-level",
    [RTP_EXT_ABS_SEND_TIME] = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    [RTP_EXT_TRANSPORT_CC] =
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    [RTP_EXT_MID] = "urn:ietf:params:rtp-hdrext:sdes:mid",
    [RTP_EXT_RID] = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    [RTP_EXT_REPAIRED_RID] = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    [RTP_EXT_VIDEO_ORIENTATION] = "urn:3gpp:video-orientation",
    [RTP_EXT_PLAYOUT_DELAY] = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
    [RTP_EXT_TOFFSET] = "urn:ietf:params:rtp-hdrext:toffset",
};

const char *rtp_ext_uri(RtpExtType type)
{
    return (guint)type < RTP_EXT_COUNT ? uris[type] : NULL;
}

RtpExtType rtp_ext_find(const char *uri)
{
    for (guint type = RTP_EXT_NONE + 1; type < RTP_EXT_COUNT; type++) {
        if (g_strcmp0(uri, uris[type]) == 0)
            return (RtpExtType)type;
    }
    return RTP_EXT_NONE;
}

void rtp_ext_map_set(RtpExtMap *map, RtpExtType type, guint id)
{
    if (type == RTP_EXT_NONE || (guint)type >= RTP_EXT_COUNT || id > 255)
        return;
    map->type_of[map->id_of[type]] = RTP_EXT_NONE;
    map->id_of[type] = 0;
    if (id == 0)
        return;
    map->id_of[map->type_of[id]] = 0;
    map->type_of[id] = (guint8)type;
    map->id_of[type] = (guint8)id;
}

/* ---- reading ---- */

static gboolean read_id(char out[17], const guint8 *data, gsize size)
{
    if (size == 0 || size > 16)
        return FALSE;
    for (gsize i = 0; i < size; i++) {
        if (!g_ascii_isgraph((char)data[i]))
            return FALSE;
    }
    memcpy(out, data, size);
    out[size] = '\0';
    return TRUE;
}

static gboolean read_audio_level(RtpExtensions *out, const guint8 *data, gsize size)
{
    if (size < 1)
        return FALSE;
    out->voice_activity = data[0] >> 7;
    out->audio_level_dbov = data[0] & 0x7f;
    return TRUE;
}

/* 3GPP TS 26.114 section 7.4.5: 0 0 0 0 C F R1 R0 */
static gboolean read_orientation(RtpExtensions *out, const guint8 *data, gsize size)
{
    if (size < 1)
        return FALSE;
    out->rotation = data[0] & 3;
    out->flipped = (data[0] >> 2) & 1;
    return TRUE;
}

static gboolean read_element(RtpExtensions *out, RtpExtType type, ByteReader element)
{
    const guint8 *data = element.data;
    gsize size = element.size;
    switch (type) {
    case RTP_EXT_AUDIO_LEVEL:
        return read_audio_level(out, data, size);
    case RTP_EXT_ABS_SEND_TIME:
        out->abs_send_time = byte_reader_u24(&element);
        return size == 3;
    case RTP_EXT_TRANSPORT_CC:
        out->transport_seq = byte_reader_u16(&element);
        return size >= 2; /* the second version of the draft has two more bytes */
    case RTP_EXT_MID:
        return read_id(out->mid, data, size);
    case RTP_EXT_RID:
        return read_id(out->rid, data, size);
    case RTP_EXT_REPAIRED_RID:
        return read_id(out->repaired_rid, data, size);
    case RTP_EXT_VIDEO_ORIENTATION:
        return read_orientation(out, data, size);
    case RTP_EXT_PLAYOUT_DELAY:
    case RTP_EXT_TOFFSET:
        return size == 3;
    case RTP_EXT_CSRC_AUDIO_LEVEL:
        return size >= 1;
    case RTP_EXT_NONE:
    case RTP_EXT_COUNT:
        break;
    }
    return FALSE;
}

typedef struct {
    guint id;
    ByteReader value;
} Element;

/* The next element that is not padding. FALSE: the end, or the rest cannot be read. */
static gboolean next_element(ByteReader *reader, gboolean two_byte, Element *element)
{
    while (byte_reader_left(reader) > 0) {
        guint8 first = byte_reader_u8(reader);
        if (first == 0)
            continue;
        gsize size = two_byte ? byte_reader_u8(reader) : (gsize)(first & 0x0f) + 1;
        element->id = two_byte ? first : first >> 4;
        /* Section 4.2: id 15, and id 0 with a length, end the one-byte form. */
        if (!two_byte && (element->id == 0 || element->id == 15))
            return FALSE;
        element->value = byte_reader(byte_reader_bytes(reader, size), size);
        return !reader->failed;
    }
    return FALSE;
}

void rtp_ext_parse(const RtpPacket *packet, const RtpExtMap *map, RtpExtensions *out)
{
    *out = (RtpExtensions){ 0 };
    gboolean two_byte = (packet->extension_profile & 0xfff0) == TWO_BYTE_PROFILE;
    if (!packet->extension || (!two_byte && packet->extension_profile != ONE_BYTE_PROFILE))
        return;
    ByteReader reader = byte_reader(packet->extension, packet->extension_size);
    Element element;
    for (guint n = 0; n < RTP_EXT_MAX_COUNT && next_element(&reader, two_byte, &element); n++) {
        RtpExtType type = (RtpExtType)map->type_of[element.id];
        if (type != RTP_EXT_NONE && read_element(out, type, element.value))
            out->present |= 1u << type;
    }
}

/* ---- writing ---- */

/* Elements of either form, gathered first: one that is too long for the short form decides the
 * form of all. */
typedef struct {
    guint8 short_form[RTP_EXT_COUNT * (1 + ONE_BYTE_MAX)];
    guint8 long_form[RTP_EXT_COUNT * (2 + TWO_BYTE_MAX)];
    ByteWriter short_writer, long_writer;
    const RtpExtMap *map;
} ElementList;

static void add_element(ElementList *list, RtpExtType type, const void *data, gsize size)
{
    guint8 id = list->map->id_of[type];
    if (id == 0 || size == 0 || size > TWO_BYTE_MAX)
        return;
    byte_writer_u8(&list->long_writer, id);
    byte_writer_u8(&list->long_writer, (guint8)size);
    byte_writer_bytes(&list->long_writer, data, size);
    if (id > RTP_EXT_MAX_ID || size > ONE_BYTE_MAX) {
        list->short_writer.failed = TRUE;
        return;
    }
    byte_writer_u8(&list->short_writer, (guint8)(id << 4 | (size - 1)));
    byte_writer_bytes(&list->short_writer, data, size);
}

static void add_number(ElementList *list, RtpExtType type, guint32 value, gsize size)
{
    guint8 bytes[4];
    ByteWriter writer = byte_writer(bytes, sizeof(bytes));
    byte_writer_uint(&writer, value, size);
    add_element(list, type, bytes, size);
}

static void add_audio_levels(ElementList *list, const RtpExtValues *values)
{
    if (values->has_audio_level)
        add_number(list, RTP_EXT_AUDIO_LEVEL,
                   (values->voice_activity ? 0x80u : 0) | (values->audio_level_dbov & 0x7fu), 1);
    guint8 levels[RTP_MAX_CSRC];
    guint n = MIN(values->csrc_levels_count, RTP_MAX_CSRC);
    for (guint i = 0; i < n; i++)
        levels[i] = values->csrc_levels[i] & 0x7f; /* the high bit is reserved */
    add_element(list, RTP_EXT_CSRC_AUDIO_LEVEL, levels, n);
}

static void add_all(ElementList *list, const RtpExtValues *values)
{
    if (values->mid)
        add_element(list, RTP_EXT_MID, values->mid, strlen(values->mid));
    if (values->rid)
        add_element(list, RTP_EXT_RID, values->rid, strlen(values->rid));
    if (values->repaired_rid)
        add_element(list, RTP_EXT_REPAIRED_RID, values->repaired_rid, strlen(values->repaired_rid));
    if (values->has_transport_seq)
        add_number(list, RTP_EXT_TRANSPORT_CC, values->transport_seq, 2);
    if (values->has_abs_send_time)
        add_number(list, RTP_EXT_ABS_SEND_TIME, values->abs_send_time & 0xffffff, 3);
    if (values->has_playout_delay)
        add_number(
            list, RTP_EXT_PLAYOUT_DELAY,
            MIN(values->playout_min_10ms, 0xfffu) << 12 | MIN(values->playout_max_10ms, 0xfffu), 3);
    add_audio_levels(list, values);
}

gboolean rtp_ext_write(ByteWriter *writer, const RtpExtMap *map, const RtpExtValues *values)
{
    ElementList list;
    list.map = map;
    list.short_writer = byte_writer(list.short_form, sizeof(list.short_form));
    list.long_writer = byte_writer(list.long_form, sizeof(list.long_form));
    add_all(&list, values);
    if (list.long_writer.pos == 0)
        return FALSE;

    gboolean two_byte = list.short_writer.failed;
    const ByteWriter *elements = two_byte ? &list.long_writer : &list.short_writer;
    gsize words = (elements->pos + 3) / 4;
    byte_writer_u16(writer, two_byte ? TWO_BYTE_PROFILE : ONE_BYTE_PROFILE);
    byte_writer_u16(writer, (guint16)words);
    byte_writer_bytes(writer, elements->data, elements->pos);
    byte_writer_uint(writer, 0, words * 4 - elements->pos);
    return TRUE;
}
