#include "api/metrics.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/api_private.h"
#include "base/clock.h"

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
                   "Connections refused because of http.max_connections.", (double)stats.refused);
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

static void append_rooms(GString *out, const Api *api) ON_CONTROL_THREAD;
static void append_rooms(GString *out, const Api *api)
{
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
    append_engine(out, call->api);
    append_process(out);
    HttpResponse *response = http_response_new(200);
    http_response_set_body(response, "text/plain; version=0.0.4; charset=utf-8", out->str,
                           out->len);
    api_respond(call, response);
}
