#include "api/metrics.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/api_private.h"
#include "base/clock.h"
#include "room/room_media.h"

static void append_value(GString *out, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append_printf(out, " %s\n", g_ascii_formatd(text, sizeof text, "%.15g", value));
}

static void append_head(GString *out, const char *name, const char *type, const char *help)
{
    g_string_append_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_append(GString *out, const char *name, const char *type, const char *help,
                    double value)
{
    append_head(out, name, type, help);
    g_string_append(out, name);
    append_value(out, value);
}

static guint count_fds(void)
{
    guint n = 0;
    GDir *dir = g_dir_open("/proc/self/fd", 0, NULL);
    while (dir && g_dir_read_name(dir))
        n++;
    if (dir)
        g_dir_close(dir);
    return n ? n - 1 : 0; /* not the one that reads the directory */
}

static guint64 resident_bytes(void)
{
    g_autofree char *text = NULL;
    unsigned long size = 0, resident = 0;
    if (!g_file_get_contents("/proc/self/statm", &text, NULL, NULL) ||
        sscanf(text, "%lu %lu", &size, &resident) != 2)
        return 0;
    return (guint64)resident * (guint64)sysconf(_SC_PAGESIZE);
}

static void append_process(GString *out)
{
    struct rusage usage = { 0 };
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    metrics_append(out, "process_cpu_seconds_total", "counter", "CPU time used.", cpu);
    metrics_append(out, "process_resident_memory_bytes", "gauge", "Resident memory.",
                   (double)resident_bytes());
    metrics_append(out, "process_open_fds", "gauge", "Open file descriptors.", count_fds());
}

static void append_http(GString *out, const Api *api)
{
    HttpStats stats;
    http_server_stats(api->http, &stats);
    metrics_append(out, "tessera_http_connections", "gauge", "Open HTTP and WebSocket connections.",
                   stats.connections);
    metrics_append(out, "tessera_http_connections_accepted_total", "counter",
                   "Connections accepted.", (double)stats.accepted);
    metrics_append(out, "tessera_http_connections_refused_total", "counter",
                   "Connections refused because of http.max_connections, or of open files.",
                   (double)stats.refused);
    metrics_append(out, "tessera_http_rate_limited_total", "counter", "Requests answered with 429.",
                   (double)api->metrics.rate_limited);
    metrics_append(out, "tessera_http_auth_failures_total", "counter",
                   "Requests and joins without the right token.",
                   (double)api->metrics.auth_failures);
    metrics_append(out, "tessera_http_sent_bytes_total", "counter", "Bytes of HTTP responses.",
                   (double)stats.bytes_out);
    append_head(out, "tessera_http_requests_total", "counter", "HTTP requests by status.");
    for (guint i = 0; i < METRICS_STATUSES; i++) {
        if (!api->metrics.http_requests[i])
            continue;
        g_string_append_printf(out, "tessera_http_requests_total{status=\"%u\"}", i);
        append_value(out, (double)api->metrics.http_requests[i]);
    }
    metrics_append(out, "tessera_ws_connections", "gauge", "Open WebSockets.", stats.websockets);
    metrics_append(out, "tessera_ws_messages_received_total", "counter",
                   "WebSocket messages received.", (double)stats.messages_in);
    metrics_append(out, "tessera_ws_messages_sent_total", "counter", "WebSocket messages sent.",
                   (double)api->metrics.ws_sent);
    metrics_append(out, "tessera_ws_rate_limited_total", "counter",
                   "WebSockets closed for too many messages.",
                   (double)api->metrics.ws_rate_limited);
    metrics_append(out, "tessera_ws_invalid_total", "counter", "Malformed WebSocket messages.",
                   (double)api->metrics.ws_invalid);
}

static void append_webhooks(GString *out, const Api *api)
{
    WebhookStats stats;
    if (!api->webhooks)
        return;
    webhooks_stats(api->webhooks, &stats);
    metrics_append(out, "tessera_webhooks_delivered_total", "counter",
                   "Webhooks answered with 2xx.", (double)stats.delivered);
    metrics_append(out, "tessera_webhooks_retried_total", "counter",
                   "Attempts after a webhook's first.", (double)stats.retried);
    metrics_append(out, "tessera_webhooks_dropped_total", "counter",
                   "Webhooks given up: refused, out of attempts, or the queue was full.",
                   (double)stats.dropped);
    metrics_append(out, "tessera_webhooks_waiting", "gauge", "Webhooks in the queue.",
                   stats.waiting);
}

static void append_rooms(GString *out, const Api *api) ON_CONTROL_THREAD;
static void append_rooms(GString *out, const Api *api)
{
    g_string_append(out, "# HELP tessera_build_info The version of the server.\n"
                         "# TYPE tessera_build_info gauge\n"
                         "tessera_build_info{version=\"" TESSERA_VERSION "\"} 1\n");
    metrics_append(out, "tessera_rooms", "gauge", "Open rooms.", rooms_count(api->rooms));
    metrics_append(out, "tessera_participants", "gauge", "Participants of all rooms.",
                   rooms_participants(api->rooms));
    metrics_append(out, "tessera_draining", "gauge", "1 while the server is shutting down.",
                   rooms_draining(api->rooms));
    metrics_append(out, "tessera_whip_sessions_total", "counter", "WHIP sessions made.",
                   (double)api->metrics.whip_sessions);
    metrics_append(out, "tessera_whep_sessions_total", "counter", "WHEP sessions made.",
                   (double)api->metrics.whep_sessions);
}

static void append_rtmp(GString *out, const Api *api)
{
    RtmpServerStats stats;
    if (!rtmp_door_stats(api->rtmp, &stats))
        return;
    metrics_append(out, "tessera_rtmp_connections", "gauge", "Open RTMP connections.",
                   stats.connections);
    metrics_append(out, "tessera_rtmp_publishers", "gauge", "RTMP connections that publish.",
                   stats.publishers);
    metrics_append(out, "tessera_rtmp_players", "gauge", "RTMP connections that play.",
                   stats.players);
    metrics_append(out, "tessera_rtmp_connections_accepted_total", "counter",
                   "RTMP connections accepted.", (double)stats.accepted);
    metrics_append(out, "tessera_rtmp_connections_refused_total", "counter",
                   "RTMP connections refused because of a limit.", (double)stats.refused);
    metrics_append(out, "tessera_rtmp_received_bytes_total", "counter", "Bytes from RTMP clients.",
                   (double)stats.received);
    metrics_append(out, "tessera_rtmp_sent_bytes_total", "counter", "Bytes to RTMP clients.",
                   (double)stats.sent);
    metrics_append(out, "tessera_rtmp_dropped_packets_total", "counter",
                   "Packets left out because an RTMP player did not take them in time.",
                   (double)stats.dropped);
}

static void append_hls(GString *out, const Api *api)
{
    append_head(out, "tessera_hls_responses_total", "counter", "HLS files handed out.");
    g_string_append(out, "tessera_hls_responses_total{file=\"playlist\"}");
    append_value(out, (double)api->metrics.hls_playlists);
    g_string_append(out, "tessera_hls_responses_total{file=\"segment\"}");
    append_value(out, (double)api->metrics.hls_segments);
}

/* --- recordings, broadcasts, RTMP players, HLS presentations ----------------------------- */

static void append_output_states(GString *out, const RoomOutputTotals *totals)
{
    append_head(out, "tessera_outputs", "gauge", "Outputs of rooms that have not ended.");
    for (guint kind = 0; kind < ROOM_OUTPUT_TOTALS; kind++) {
        for (SinkState state = SINK_STARTING; state < SINK_FINISHED; state++) {
            g_string_append_printf(out, "tessera_outputs{kind=\"%s\",state=\"%s\"}",
                                   totals[kind].kind, sink_state_name(state));
            append_value(out, totals[kind].states[state]);
        }
    }
}

static void append_outputs(GString *out, const Api *api) ON_CONTROL_THREAD;
static void append_outputs(GString *out, const Api *api)
{
    static const struct {
        const char *name, *help;
        gsize offset; /* in RoomOutputTotals */
    } counters[] = {
        { "tessera_outputs_started_total", "Outputs started.",
          G_STRUCT_OFFSET(RoomOutputTotals, started) },
        { "tessera_outputs_failed_total", "Outputs that gave up.",
          G_STRUCT_OFFSET(RoomOutputTotals, failed) },
        { "tessera_output_bytes_total", "Bytes that reached their file, peer or playlist.",
          G_STRUCT_OFFSET(RoomOutputTotals, bytes) },
        { "tessera_output_dropped_packets_total",
          "Packets left out because an output could not follow.",
          G_STRUCT_OFFSET(RoomOutputTotals, dropped) },
        { "tessera_output_reconnects_total", "Times an output was connected again.",
          G_STRUCT_OFFSET(RoomOutputTotals, reconnects) },
    };
    RoomOutputTotals totals[ROOM_OUTPUT_TOTALS];
    rooms_output_totals(api->rooms, totals);
    append_output_states(out, totals);
    for (guint i = 0; i < G_N_ELEMENTS(counters); i++) {
        append_head(out, counters[i].name, "counter", counters[i].help);
        for (guint kind = 0; kind < ROOM_OUTPUT_TOTALS; kind++) {
            g_string_append_printf(out, "%s{kind=\"%s\"}", counters[i].name, totals[kind].kind);
            append_value(out, (double)G_STRUCT_MEMBER(guint64, &totals[kind], counters[i].offset));
        }
    }
}

static void append_engine(GString *out, const Api *api)
{
    EngineStats stats = { 0 };
    if (!api->engine)
        return;
    engine_stats(api->engine, &stats);
    metrics_append(out, "tessera_audio_ticks_total", "counter", "Audio ticks (20 ms each).",
                   (double)stats.audio_ticks);
    metrics_append(out, "tessera_audio_late_ticks_total", "counter",
                   "Audio ticks that began more than 10 ms late.", (double)stats.audio_late_ticks);
    metrics_append(out, "tessera_video_load_percent", "gauge",
                   "How busy the threads of video were in the last seconds.", stats.video_load_pct);
    metrics_append(out, "tessera_audio_skipped_ticks_total", "counter",
                   "Audio ticks left out after a standstill.", (double)stats.audio_skipped_ticks);
    metrics_append(out, "tessera_audio_worst_late_seconds", "gauge",
                   "The latest an audio tick ever was.",
                   (double)stats.audio_worst_late_ns / (double)NS_PER_SEC);
}

void metrics_get(ApiCall *call)
{
    g_autoptr(GString) out = g_string_new(NULL);
    append_rooms(out, call->api);
    append_http(out, call->api);
    append_rtmp(out, call->api);
    append_hls(out, call->api);
    append_outputs(out, call->api);
    append_webhooks(out, call->api);
    append_engine(out, call->api);
    append_process(out);
    HttpResponse *response = http_response_new(200);
    http_response_set_body(response, "text/plain; version=0.0.4; charset=utf-8", out->str,
                           out->len);
    api_respond(call, response);
}
