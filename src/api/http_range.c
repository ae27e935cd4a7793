#include "api/http_range.h"

#include <string.h>

/* Digits at *text, passed over; FALSE: there are none. What is beyond all files stays so. */
static gboolean take_number(const char **text, guint64 *number)
{
    const char *begin = *text;
    *number = 0;
    for (; g_ascii_isdigit(**text); (*text)++) {
        guint64 digit = (guint64)(**text - '0');
        *number = *number > (G_MAXINT64 - digit) / 10 ? G_MAXINT64 : *number * 10 + digit;
    }
    return *text != begin;
}

/* "-N": the last N bytes. */
static HttpRange parse_suffix(const char *text, guint64 size, guint64 *offset, guint64 *length)
{
    guint64 wanted;
    if (!take_number(&text, &wanted) || *text)
        return HTTP_RANGE_ALL;
    *length = MIN(wanted, size);
    *offset = size - *length;
    return *length ? HTTP_RANGE_PART : HTTP_RANGE_NONE;
}

/* "A-B" or "A-". */
static HttpRange parse_from(const char *text, guint64 size, guint64 *offset, guint64 *length)
{
    guint64 first, last = G_MAXINT64;
    if (!take_number(&text, &first) || *text++ != '-' ||
        (*text && (!take_number(&text, &last) || *text)) || last < first)
        return HTTP_RANGE_ALL;
    *offset = first < size ? first : 0;
    *length = first < size ? MIN(last, size - 1) - first + 1 : 0;
    return first < size ? HTTP_RANGE_PART : HTTP_RANGE_NONE;
}

HttpRange http_range_parse(const char *value, guint64 size, guint64 *offset, guint64 *length)
{
    HttpRange range = HTTP_RANGE_ALL;
    if (g_ascii_strncasecmp(value, "bytes=", 6) == 0) {
        const char *text = value + 6 + strspn(value + 6, " \t");
        range = *text == '-' ? parse_suffix(text + 1, size, offset, length)
                             : parse_from(text, size, offset, length);
    }
    if (range == HTTP_RANGE_ALL) {
        *offset = 0;
        *length = size;
    } else if (range == HTTP_RANGE_NONE) {
        *offset = *length = 0;
    }
    return range;
}
