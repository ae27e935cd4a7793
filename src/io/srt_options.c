#include "io/srt_options.h"

#define LATENCY_MIN_MS     20
#define LATENCY_MAX_MS     8000
#define LATENCY_DEFAULT_MS 120

static void set_from_query(AVDictionary **options, const MediaUrl *url, const char *item)
{
    g_autofree char *value = media_url_query_value(url, item);
    if (value && *value)
        av_dict_set(options, item, value, 0);
}

void srt_options_set(AVDictionary **options, const MediaUrl *url)
{
    g_autofree char *latency_ms = media_url_query_value(url, "latency");
    guint64 latency = LATENCY_DEFAULT_MS;
    if (latency_ms)
        g_ascii_string_to_unsigned(latency_ms, 10, LATENCY_MIN_MS, LATENCY_MAX_MS, &latency, NULL);
    set_from_query(options, url, "streamid");
    set_from_query(options, url, "passphrase");
    av_dict_set(options, "mode", "caller", 0);
    av_dict_set(options, "transtype", "live", 0);
    av_dict_set_int(options, "latency", (gint64)latency * 1000, 0);
}
