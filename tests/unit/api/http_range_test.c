#include "api/http_range.h"

typedef struct {
    const char *value;
    HttpRange range;
    guint64 offset, length;
} Case;

/* Of a body of 1000 bytes. */
static const Case cases[] = {
    { "", HTTP_RANGE_ALL, 0, 1000 },
    { "bytes=0-0", HTTP_RANGE_PART, 0, 1 },
    { "bytes=0-", HTTP_RANGE_PART, 0, 1000 },
    { "Bytes= 100-199", HTTP_RANGE_PART, 100, 100 },
    { "bytes=999-5000", HTTP_RANGE_PART, 999, 1 },
    { "bytes=1000-", HTTP_RANGE_NONE, 0, 0 },
    { "bytes=-1", HTTP_RANGE_PART, 999, 1 },
    { "bytes=-5000", HTTP_RANGE_PART, 0, 1000 },
    { "bytes=-0", HTTP_RANGE_NONE, 0, 0 },
    { "bytes=99999999999999999999999-", HTTP_RANGE_NONE, 0, 0 },
    { "bytes=5-99999999999999999999999", HTTP_RANGE_PART, 5, 995 },
    { "bytes=200-100", HTTP_RANGE_ALL, 0, 1000 },
    { "bytes=0-1,5-6", HTTP_RANGE_ALL, 0, 1000 },
    { "bytes=", HTTP_RANGE_ALL, 0, 1000 },
    { "bytes=-", HTTP_RANGE_ALL, 0, 1000 },
    { "bytes=a-b", HTTP_RANGE_ALL, 0, 1000 },
    { "bytes=1-2x", HTTP_RANGE_ALL, 0, 1000 },
    { "bytes=--5", HTTP_RANGE_ALL, 0, 1000 },
    { "lines=0-5", HTTP_RANGE_ALL, 0, 1000 },
};

static void test_parse(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        guint64 offset = 7, length = 7;
        g_test_message("%s", cases[i].value);
        g_assert_cmpint(http_range_parse(cases[i].value, 1000, &offset, &length), ==,
                        cases[i].range);
        g_assert_cmpuint(offset, ==, cases[i].offset);
        g_assert_cmpuint(length, ==, cases[i].length);
    }
}

static void test_empty(void)
{
    guint64 offset, length;
    g_assert_cmpint(http_range_parse("bytes=0-", 0, &offset, &length), ==, HTTP_RANGE_NONE);
    g_assert_cmpint(http_range_parse("bytes=-5", 0, &offset, &length), ==, HTTP_RANGE_NONE);
    g_assert_cmpint(http_range_parse("", 0, &offset, &length), ==, HTTP_RANGE_ALL);
    g_assert_cmpuint(length, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http_range/parse", test_parse);
    g_test_add_func("/http_range/empty", test_empty);
    return g_test_run();
}
