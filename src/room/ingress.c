#include "room/ingress.h"

#include <string.h>

#include "base/clock.h"
#include "room/lip_sync.h"
#include "room/receive_rate.h"
#include "room/video_layers.h"
#include "rtp/red.h"
#include "rtp/rtx.h"
#include "rtp/twcc.h"

#define MAX_STREAMS      16
#define STREAM_IDLE_NS   (5 * NS_PER_SEC) /* then its place in the table may be taken */
#define ACTIVE_NS        (2 * NS_PER_SEC)
#define TWCC_INTERVAL_NS (100 * NS_PER_MS)
#define SYNC_INTERVAL_NS (500 * NS_PER_MS)
#define REMB_INTERVAL_NS NS_PER_SEC

/* What one payload type of a section means. */
typedef struct {
    const CodecType *codec; /* NULL: this payload type is not of this section */
    gint apt;               /* RTX: payload type of the original; -1: no RTX */
    gboolean red;
} PayloadType;

/* One m-line that we receive. */
typedef struct {
    gboolean used;
    char mid[33];
    SourceKind kind;
    PayloadType types[128];
    RtpExtMap extensions;
    gboolean nack, pli, fir, transport_cc, remb;
    GArray *announced; /* of NegotiatedSource */
} Section;

/* An SSRC that was seen. */
typedef struct {
    guint32 ssrc;
    guint section;
    gint64 last_ns;
} Stream;

typedef struct {
    guint32 ssrc; /* 0: none yet */
    RtpReceiveStats stats;
    Timeline *timeline;
} AudioReceive;

struct Ingress {
    Engine *engine;
    IngressSinks sinks;
    guint32 local_ssrc;
    Section sections[SOURCE_KINDS];
    Stream streams[MAX_STREAMS];
    guint stream_count;
    AudioReceive audio;
    VideoLayers *video[SOURCE_KINDS]; /* by kind; NULL: sound, or nothing negotiated yet */
    gint64 last_packet_ns[SOURCE_KINDS];
    TwccReceiver *twcc;
    guint32 twcc_ssrc;
    guint8 fir_seq;
    LipSync sync;
    gint64 next_twcc_ns, next_sync_ns, next_remb_ns;
    gint max_picture_bps;
    IngressStats stats;
};

Ingress *ingress_new(Engine *engine, const IngressSinks *sinks, guint32 local_ssrc)
{
    Ingress *ingress = g_new0(Ingress, 1);
    ingress->engine = engine;
    ingress->local_ssrc = local_ssrc;
    ingress->sinks = *sinks;
    if (sinks->audio)
        audio_input_ref(sinks->audio);
    if (sinks->camera)
        video_input_ref(sinks->camera);
    if (sinks->screen)
        video_input_ref(sinks->screen);
    ingress->max_picture_bps = (gint)config_int(engine_config(engine), "video.receive_max_bitrate");
    ingress->twcc = twcc_receiver_new();
    ingress->audio.timeline = timeline_new(48000);
    return ingress;
}

static void section_clear(Section *section)
{
    g_clear_pointer(&section->announced, g_array_unref);
    memset(section, 0, sizeof *section);
}

void ingress_free(Ingress *ingress)
{
    if (!ingress)
        return;
    for (guint i = 0; i < SOURCE_KINDS; i++) {
        video_layers_free(ingress->video[i]);
        section_clear(&ingress->sections[i]);
    }
    timeline_free(ingress->audio.timeline);
    twcc_receiver_free(ingress->twcc);
    audio_input_unref(ingress->sinks.audio);
    video_input_unref(ingress->sinks.camera);
    video_input_unref(ingress->sinks.screen);
    g_free(ingress);
}

/* --- what was negotiated ----------------------------------------------------------------- */

static void add_codec(Section *section, const NegotiatedCodec *codec)
{
    enum AVMediaType kind = section->kind == SOURCE_AUDIO ? AVMEDIA_TYPE_AUDIO : AVMEDIA_TYPE_VIDEO;
    const CodecType *type = codec_find(kind, codec->encoding);
    if (!type || codec->payload_type > 127)
        return;
    section->types[codec->payload_type] = (PayloadType){ .codec = type, .apt = -1 };
    if (codec->rtx_payload_type >= 0 && codec->rtx_payload_type < 128)
        section->types[codec->rtx_payload_type] =
            (PayloadType){ .codec = type, .apt = (gint)codec->payload_type };
    section->nack |= codec->nack;
    section->pli |= codec->pli;
    section->fir |= codec->fir;
    section->transport_cc |= codec->transport_cc;
    section->remb |= codec->remb;
}

static void fill_section(Section *section, SourceKind kind, const NegotiatedMedia *media)
{
    section_clear(section);
    section->used = TRUE;
    section->kind = kind;
    g_strlcpy(section->mid, media->mid, sizeof section->mid);
    for (guint i = 0; i < media->codecs->len; i++)
        add_codec(section, &g_array_index(media->codecs, NegotiatedCodec, i));
    if (media->red_payload_type >= 0 && media->red_payload_type < 128)
        section->types[media->red_payload_type] =
            (PayloadType){ .codec = &codec_opus, .apt = -1, .red = TRUE };
    for (guint i = 0; i < media->extmaps->len; i++) {
        const SdpExtmap *extmap = &g_array_index(media->extmaps, SdpExtmap, i);
        rtp_ext_map_set(&section->extensions, rtp_ext_find(extmap->uri), extmap->id);
    }
    section->announced = g_array_ref(media->sources);
}

static gboolean has_sink(const Ingress *ingress, SourceKind kind)
{
    switch (kind) {
    case SOURCE_AUDIO:
        return ingress->sinks.audio != NULL;
    case SOURCE_CAMERA:
        return ingress->sinks.camera != NULL;
    default:
        return ingress->sinks.screen != NULL;
    }
}

static gint64 picture_due(VideoReceive *receive, const AssembledFrame *frame, gpointer user);

ON_NET_THREAD static void configure_video(Ingress *ingress, SourceKind kind,
                                          const NegotiatedMedia *media)
{
    VideoInput *input = kind == SOURCE_CAMERA ? ingress->sinks.camera : ingress->sinks.screen;
    if (!has_sink(ingress, kind))
        return;
    if (!ingress->video[kind])
        ingress->video[kind] = video_layers_new(input, picture_due, ingress);
    video_layers_configure(ingress->video[kind], media);
}

static gint section_by_announcement(const Ingress *ingress, guint32 ssrc);

/* Senders stop telling a stream's MID once they know that we know it: what was learnt stays true,
 * unless its section is another one now. */
static void keep_streams(Ingress *ingress, const char before[SOURCE_KINDS][33])
{
    guint kept = 0;
    for (guint i = 0; i < ingress->stream_count; i++) {
        Stream stream = ingress->streams[i];
        const Section *section = &ingress->sections[stream.section];
        gint announced = section_by_announcement(ingress, stream.ssrc);
        if (section->used && strcmp(section->mid, before[stream.section]) == 0 &&
            (announced < 0 || announced == (gint)stream.section))
            ingress->streams[kept++] = stream;
    }
    ingress->stream_count = kept;
}

void ingress_configure(Ingress *ingress, const Negotiated *negotiated)
{
    char mids[SOURCE_KINDS][33];
    guint videos = 0;
    for (guint i = 0; i < SOURCE_KINDS; i++) {
        memcpy(mids[i], ingress->sections[i].mid, sizeof mids[i]);
        section_clear(&ingress->sections[i]);
    }
    for (guint i = 0; i < negotiated->media->len; i++) {
        const NegotiatedMedia *media = negotiated->media->pdata[i];
        if (media->kind != SDP_AUDIO && media->kind != SDP_VIDEO)
            continue;
        SourceKind kind = SOURCE_AUDIO;
        if (media->kind == SDP_VIDEO)
            kind = videos++ == 0 ? SOURCE_CAMERA : SOURCE_SCREEN;
        if (!media->accepted || !media->we_receive || videos > 2 || ingress->sections[kind].used)
            continue;
        fill_section(&ingress->sections[kind], kind, media);
        if (kind != SOURCE_AUDIO)
            configure_video(ingress, kind, media);
    }
    keep_streams(ingress, mids);
}

/* --- which stream a packet belongs to ---------------------------------------------------- */

static gint section_by_announcement(const Ingress *ingress, guint32 ssrc)
{
    for (guint s = 0; s < SOURCE_KINDS; s++) {
        const GArray *announced = ingress->sections[s].announced;
        for (guint i = 0; announced && i < announced->len; i++) {
            const NegotiatedSource *source = &g_array_index(announced, NegotiatedSource, i);
            if (source->ssrc == ssrc || source->rtx_ssrc == ssrc)
                return (gint)s;
        }
    }
    return -1;
}

/* Ids are the same across the BUNDLE, but a section may lack one: any section's map will do. */
static gint section_by_mid(const Ingress *ingress, const RtpPacket *packet)
{
    for (guint s = 0; s < SOURCE_KINDS; s++) {
        const Section *section = &ingress->sections[s];
        RtpExtensions extensions;
        if (!section->used || !section->extensions.id_of[RTP_EXT_MID])
            continue;
        rtp_ext_parse(packet, &section->extensions, &extensions);
        if (extensions.mid[0] && strcmp(extensions.mid, section->mid) == 0)
            return (gint)s;
    }
    return -1;
}

static gint section_by_payload_type(const Ingress *ingress, guint8 payload_type)
{
    gint found = -1;
    for (guint s = 0; s < SOURCE_KINDS; s++) {
        if (!ingress->sections[s].used || !ingress->sections[s].types[payload_type].codec)
            continue;
        if (found >= 0)
            return -1; /* two sections know it: it tells nothing */
        found = (gint)s;
    }
    return found;
}

/* A place for a new stream: a free one, or that of one that fell silent. NULL: too many at once. */
static Stream *stream_place(Ingress *ingress, gint64 now_ns)
{
    if (ingress->stream_count < MAX_STREAMS)
        return &ingress->streams[ingress->stream_count++];
    Stream *oldest = &ingress->streams[0];
    for (guint i = 1; i < MAX_STREAMS; i++) {
        if (ingress->streams[i].last_ns < oldest->last_ns)
            oldest = &ingress->streams[i];
    }
    return now_ns - oldest->last_ns > STREAM_IDLE_NS ? oldest : NULL;
}

static Stream *find_stream(Ingress *ingress, const RtpPacket *packet, gint64 now_ns)
{
    for (guint i = 0; i < ingress->stream_count; i++) {
        if (ingress->streams[i].ssrc == packet->ssrc)
            return &ingress->streams[i];
    }
    gint section = section_by_announcement(ingress, packet->ssrc);
    if (section < 0)
        section = section_by_mid(ingress, packet);
    if (section < 0)
        section = section_by_payload_type(ingress, packet->payload_type);
    Stream *stream = section < 0 ? NULL : stream_place(ingress, now_ns);
    if (stream)
        *stream = (Stream){ .ssrc = packet->ssrc, .section = (guint)section };
    return stream;
}

/* --- sound ------------------------------------------------------------------------------- */

ON_NET_THREAD static void audio_payload(Ingress *ingress, const RtpPacket *packet,
                                        gint64 arrival_ns)
{
    audio_input_packet(ingress->sinks.audio, packet->seq, packet->timestamp, packet->payload,
                       packet->payload_size, arrival_ns);
}

/* Redundant blocks stand in for lost packets; those that arrived are dropped as duplicates. */
ON_NET_THREAD static void audio_red(Ingress *ingress, const RtpPacket *packet, gint64 arrival_ns)
{
    RedBlock blocks[RED_MAX_BLOCKS];
    guint n = red_parse(packet->payload, packet->payload_size, blocks);
    for (guint i = 0; i < n; i++) {
        if (!blocks[i].size)
            continue;
        audio_input_packet(ingress->sinks.audio, (guint16)(packet->seq - (n - 1 - i)),
                           packet->timestamp - blocks[i].timestamp_offset, blocks[i].data,
                           blocks[i].size, arrival_ns);
    }
}

ON_NET_THREAD static void note_level(Ingress *ingress, const Section *section,
                                     const RtpPacket *packet)
{
    RtpExtensions extensions;
    if (!section->extensions.id_of[RTP_EXT_AUDIO_LEVEL]) {
        audio_input_level(ingress->sinks.audio, 0); /* not what was said before, elsewhere */
        return;
    }
    rtp_ext_parse(packet, &section->extensions, &extensions);
    gboolean known = extensions.present & (1u << RTP_EXT_AUDIO_LEVEL);
    audio_input_level(ingress->sinks.audio, known ? extensions.audio_level_dbov : 0);
}

ON_NET_THREAD static void audio_packet(Ingress *ingress, const Section *section,
                                       const RtpPacket *packet, gint64 arrival_ns)
{
    AudioReceive *audio = &ingress->audio;
    gboolean restarted = FALSE;
    if (audio->ssrc != packet->ssrc) {
        audio->ssrc = packet->ssrc;
        rtp_receive_stats_init(&audio->stats, packet->ssrc, 48000);
        timeline_free(audio->timeline);
        audio->timeline = timeline_new(48000);
        audio_input_restart(ingress->sinks.audio);
    }
    if (!rtp_receive_stats_packet(&audio->stats, packet->seq, packet->timestamp,
                                  packet->payload_size, arrival_ns, &restarted))
        return;
    if (restarted)
        audio_input_restart(ingress->sinks.audio);
    timeline_packet(audio->timeline, packet->timestamp, arrival_ns);
    note_level(ingress, section, packet);
    if (section->types[packet->payload_type].red)
        audio_red(ingress, packet, arrival_ns);
    else if (packet->payload_size)
        audio_payload(ingress, packet, arrival_ns);
}

/* --- pictures ---------------------------------------------------------------------------- */

static gint64 picture_due(VideoReceive *receive, const AssembledFrame *frame, gpointer user)
{
    Ingress *ingress = user;
    return lip_sync_due(&ingress->sync, ingress->audio.timeline, video_receive_timeline(receive),
                        frame->rtp_timestamp, frame->last_arrival_ns);
}

ON_NET_THREAD static void video_packet(Ingress *ingress, const Section *section,
                                       const RtpPacket *packet, gint64 arrival_ns)
{
    const PayloadType *type = &section->types[packet->payload_type];
    RtpExtensions extensions;
    rtp_ext_parse(packet, &section->extensions, &extensions);
    video_layers_packet(ingress->video[section->kind], type->codec, type->apt, packet, &extensions,
                        arrival_ns);
}

static void note_transport_seq(Ingress *ingress, const Section *section, const RtpPacket *packet,
                               gint64 arrival_ns)
{
    RtpExtensions extensions;
    if (!section->extensions.id_of[RTP_EXT_TRANSPORT_CC])
        return;
    rtp_ext_parse(packet, &section->extensions, &extensions);
    if (!(extensions.present & (1u << RTP_EXT_TRANSPORT_CC)))
        return;
    ingress->twcc_ssrc = packet->ssrc;
    twcc_receiver_arrived(ingress->twcc, extensions.transport_seq, arrival_ns);
}

void ingress_rtp(Ingress *ingress, guint8 *data, gsize size, gint64 arrival_ns)
{
    RtpPacket packet;
    if (!rtp_parse(data, size, &packet)) {
        ingress->stats.malformed++;
        return;
    }
    Stream *stream = find_stream(ingress, &packet, arrival_ns);
    if (!stream) {
        ingress->stats.unknown_ssrc++;
        return;
    }
    stream->last_ns = arrival_ns;
    const Section *section = &ingress->sections[stream->section];
    ingress->stats.packets++;
    ingress->stats.bytes += size;
    if (!section->used || !has_sink(ingress, section->kind))
        return;
    note_transport_seq(ingress, section, &packet, arrival_ns);
    if (!section->types[packet.payload_type].codec)
        return;
    if (packet.payload_size)
        ingress->last_packet_ns[section->kind] = arrival_ns;
    if (section->kind == SOURCE_AUDIO)
        audio_packet(ingress, section, &packet, arrival_ns);
    else
        video_packet(ingress, section, &packet, arrival_ns);
}

/* --- RTCP -------------------------------------------------------------------------------- */

void ingress_rtcp(Ingress *ingress, const RtcpPacket *packet, gint64 arrival_ns)
{
    if (packet->type != RTCP_SENDER_REPORT)
        return;
    if (ingress->audio.ssrc && packet->sender_ssrc == ingress->audio.ssrc) {
        rtp_receive_stats_sr(&ingress->audio.stats, packet->ntp, arrival_ns);
        timeline_sender_report(ingress->audio.timeline, packet->ntp, packet->rtp_timestamp,
                               arrival_ns);
    }
    for (guint i = SOURCE_CAMERA; i < SOURCE_KINDS; i++) {
        if (ingress->video[i])
            video_layers_sender_report(ingress->video[i], packet, arrival_ns);
    }
}

ON_NET_THREAD static void send_writer(Transport *transport, RtcpWriter *writer)
{
    TransportPacket packet = { writer->data, writer->size };
    transport_send_rtcp(transport, &packet);
}

static void begin(Ingress *ingress, RtcpWriter *writer)
{
    rtcp_writer_init(writer);
    rtcp_write_rr(writer, ingress->local_ssrc, NULL, 0);
}

static void keyframe_feedback(Ingress *ingress, const Section *section, guint32 ssrc,
                              RtcpWriter *writer)
{
    if (section->pli || !section->fir)
        rtcp_write_pli(writer, ingress->local_ssrc, ssrc);
    else
        rtcp_write_fir(writer, ingress->local_ssrc, ssrc, ++ingress->fir_seq);
}

ON_NET_THREAD static void video_feedback(Ingress *ingress, SourceKind kind, Transport *transport,
                                         gint64 now_ns, gint64 rtt_ns)
{
    const Section *section = &ingress->sections[kind];
    VideoFeedback feedback[LAYERS_MAX];
    guint count = ingress->video[kind] ? video_layers_tick(ingress->video[kind], now_ns, rtt_ns,
                                                           section->nack, feedback)
                                       : 0;
    for (guint i = 0; i < count; i++) {
        guint n = feedback[i].n;
        RtcpWriter writer;
        begin(ingress, &writer);
        if (n)
            rtcp_write_nack(&writer, ingress->local_ssrc, feedback[i].ssrc, feedback[i].seqs, n);
        if (feedback[i].pli)
            keyframe_feedback(ingress, section, feedback[i].ssrc, &writer);
        if (n || feedback[i].pli)
            send_writer(transport, &writer);
    }
}

ON_NET_THREAD static void transport_feedback(Ingress *ingress, Transport *transport)
{
    guint8 fci[900];
    gsize size;
    for (guint i = 0; i < 4 && (size = twcc_receiver_feedback(ingress->twcc, fci, sizeof fci));
         i++) {
        RtcpWriter writer;
        begin(ingress, &writer);
        rtcp_write_transport_cc(&writer, ingress->local_ssrc, ingress->twcc_ssrc, fci, size);
        send_writer(transport, &writer);
    }
}

/* What both pictures may take, and the sound. */
ON_NET_THREAD static gint granted_bps(Ingress *ingress, gint64 now_ns, GArray *ssrcs)
{
    gint sum_bps = 0;
    for (guint i = SOURCE_CAMERA; i < SOURCE_KINDS; i++) {
        if (ingress->video[i] && ingress->sections[i].remb)
            sum_bps +=
                video_layers_rate_bps(ingress->video[i], ingress->max_picture_bps, now_ns, ssrcs);
    }
    return sum_bps ? sum_bps + RECEIVE_RATE_SOUND_BPS : 0;
}

/* Senders are asked for no more than is shown. Those that know REMB alone would also stay at their
 * first rate without it. More than before is granted at once. */
ON_NET_THREAD static void remb_feedback(Ingress *ingress, Transport *transport, gint64 now_ns)
{
    g_autoptr(GArray) ssrcs = g_array_new(FALSE, FALSE, sizeof(guint32));
    gint bps = granted_bps(ingress, now_ns, ssrcs);
    RtcpWriter writer;
    if (!bps || (bps <= ingress->stats.granted_bps && now_ns < ingress->next_remb_ns))
        return;
    ingress->next_remb_ns = now_ns + REMB_INTERVAL_NS;
    ingress->stats.granted_bps = bps;
    begin(ingress, &writer);
    rtcp_write_remb(&writer, ingress->local_ssrc, (const guint32 *)(gpointer)ssrcs->data,
                    ssrcs->len, (guint64)bps);
    send_writer(transport, &writer);
}

static void update_sync(Ingress *ingress)
{
    if (!ingress->sinks.audio)
        return;
    guint32 rtp_timestamp;
    gint64 mixed_ns;
    if (audio_input_position(ingress->sinks.audio, &rtp_timestamp, &mixed_ns))
        lip_sync_audio(&ingress->sync, ingress->audio.timeline, rtp_timestamp, mixed_ns);
}

ON_NET_THREAD static void adjust_delay(Ingress *ingress, gint64 now_ns)
{
    if (!ingress->sinks.audio || !ingress->sinks.camera)
        return;
    AudioJitterStats jitter;
    LipSyncLateness late = { .mean_ns = video_input_lateness_ns(ingress->sinks.camera) };
    gint64 delay_ns = 0; /* without pictures the sound waits for nothing */
    audio_input_stats(ingress->sinks.audio, &jitter);
    if (ingress_active(ingress, SOURCE_CAMERA, now_ns)) {
        if (!video_input_take_latest_ns(ingress->sinks.camera, &late.latest_ns))
            return; /* what was acted upon already says nothing new */
        late.lossy =
            ingress->video[SOURCE_CAMERA] && video_layers_is_lossy(ingress->video[SOURCE_CAMERA]);
        delay_ns = lip_sync_adjust(&ingress->sync, jitter.target_ns, &late);
    } else {
        lip_sync_release(&ingress->sync);
    }
    audio_input_set_min_delay(ingress->sinks.audio, delay_ns);
}

static gboolean hears_nothing(const Ingress *ingress)
{
    for (guint kind = 0; kind < SOURCE_KINDS; kind++)
        if (has_sink(ingress, (SourceKind)kind))
            return FALSE;
    return TRUE;
}

void ingress_tick(Ingress *ingress, Transport *transport, gint64 now_ns, gint64 rtt_ns)
{
    if (hears_nothing(ingress)) /* who only looks on */
        return;
    for (guint i = SOURCE_CAMERA; i < SOURCE_KINDS; i++)
        video_feedback(ingress, (SourceKind)i, transport, now_ns, rtt_ns);
    update_sync(ingress);
    if (now_ns >= ingress->next_twcc_ns) {
        ingress->next_twcc_ns = now_ns + TWCC_INTERVAL_NS;
        transport_feedback(ingress, transport);
    }
    if (now_ns >= ingress->next_sync_ns) {
        ingress->next_sync_ns = now_ns + SYNC_INTERVAL_NS;
        adjust_delay(ingress, now_ns);
    }
    remb_feedback(ingress, transport, now_ns);
}

guint ingress_reports(Ingress *ingress, gint64 now_ns, RtcpReportBlock *blocks, guint max)
{
    guint n = 0;
    if (ingress->audio.ssrc && n < max)
        rtp_receive_stats_report(&ingress->audio.stats, now_ns, &blocks[n++]);
    for (guint i = SOURCE_CAMERA; i < SOURCE_KINDS; i++) {
        if (ingress->video[i])
            n += video_layers_reports(ingress->video[i], now_ns, blocks + n, max - n);
    }
    return n;
}

gboolean ingress_active(const Ingress *ingress, SourceKind kind, gint64 now_ns)
{
    gint64 last_ns = ingress->last_packet_ns[kind];
    return last_ns && now_ns - last_ns < ACTIVE_NS;
}

VideoLayers *ingress_video(const Ingress *ingress, SourceKind kind)
{
    return ingress->video[kind];
}

void ingress_stats(const Ingress *ingress, IngressStats *stats)
{
    *stats = ingress->stats;
    stats->extra_delay_ns = ingress->sync.extra_delay_ns;
}
