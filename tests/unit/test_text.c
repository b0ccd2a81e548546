#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/text.h"

static void text__prefix_suffix_equality(void **state)
{
    (void)state;
    assert_true(pb_starts_with("abc", "ab"));
    assert_true(pb_starts_with("abc", ""));
    assert_false(pb_starts_with("ab", "abc"));
    assert_true(pb_ends_with("abc", "bc"));
    assert_false(pb_ends_with("bc", "abc"));
    assert_true(pb_streq(NULL, NULL));
    assert_false(pb_streq(NULL, ""));
    assert_true(pb_streq("a", "a"));
}

static void text__safe(void **state)
{
    static const struct {
        const char *in;
        const char *out;
    } rows[] = {
        {"plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
         "plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"a\nb\tc\r", "a\\nb\\tc\\x0d"},
        {"\033[31mred\007\177", "\\x1b[31mred\\x07\\x7f"},
        {"\xc2\x9b"
         "31m",
         "\\u009b31m"},
        {"\xe2\x80\xae"
         "x\xe2\x81\xa6",
         "\\u202ex\\u2066"},
        {"\xff\xc3", "\\xff\\xc3"},
        {"\xc0\xaf \xed\xa0\x80", "\\xc0\\xaf \\xed\\xa0\\x80"},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
        pb_text_add_safe(&b, rows[i].in, strlen(rows[i].in));
        assert_string_equal(b.s, rows[i].out);
    }
}

static void text__safe_takes_nul(void **state)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    (void)state;
    pb_text_add_safe(&b, "a\0b", 3);
    assert_string_equal(b.s, "a\\x00b");
}

static void text__width(void **state)
{
    (void)state;
    assert_int_equal(pb_text_width("abc"), 3);
    assert_int_equal(pb_text_width("\xc3\xa9"), 1);
    assert_int_equal(pb_text_width("e\xcc\x81"), 1);                /* combining accent */
    assert_int_equal(pb_text_width("\xe4\xb8\xad\xe6\x96\x87"), 4); /* two ideographs */
    assert_int_equal(pb_text_width("\xf0\x9f\x98\x80"), 2);
    assert_int_equal(pb_text_width("\xe2\x94\x80\xe2\x9c\x93"), 2); /* box line, check mark */
}

static void text__nearest(void **state)
{
    static const char *const words[] = {"audit", "apply", "plan", "log", "explain"};

    (void)state;
    assert_string_equal(pb_text_nearest("adit", words, 5), "audit");
    assert_string_equal(pb_text_nearest("aplpy", words, 5), "apply");
    assert_string_equal(pb_text_nearest("expain", words, 5), "explain");
    assert_string_equal(pb_text_nearest("expl", words, 5), "explain");
    assert_null(pb_text_nearest("pl", words, 5)); /* too short to tell */
    assert_null(pb_text_nearest("yaml", (const char *const[]){"html"}, 1));
    assert_null(pb_text_nearest("pos", (const char *const[]){"post-to", "post-url"}, 2));
    assert_null(pb_text_nearest("zebra", words, 5));
    assert_null(pb_text_nearest("", words, 5));
    assert_null(pb_text_nearest("x", words, 5));
}

static void text__utf8(void **state)
{
    (void)state;
    assert_true(pb_utf8_valid("", 0));
    assert_true(pb_utf8_valid("a\0b", 3));
    assert_true(pb_utf8_valid("\xf4\x8f\xbf\xbf", 4));
    assert_false(pb_utf8_valid("\xf4\x90\x80\x80", 4)); /* above U+10FFFF */
    assert_false(pb_utf8_valid("\xe0\x80\xaf", 3));     /* overlong */
    assert_false(pb_utf8_valid("\xc3", 1));
    assert_false(pb_utf8_valid("\x80", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text__prefix_suffix_equality),
        cmocka_unit_test(text__safe),
        cmocka_unit_test(text__safe_takes_nul),
        cmocka_unit_test(text__width),
        cmocka_unit_test(text__nearest),
        cmocka_unit_test(text__utf8),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
