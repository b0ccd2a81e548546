#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/exits.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/strv.h"

/* ---- buf --------------------------------------------------------------------------------- */

static void buf__grows_and_stays_terminated(void **state)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    char *s;

    (void)state;
    assert_string_equal(b.s, "");
    for (int i = 0; i < 1000; i++) {
        pb_buf_addf(&b, "%d,", i);
        assert_int_equal(strlen(b.s), b.len);
    }
    assert_int_equal(b.len, 3890);
    pb_buf_truncate(&b, 4);
    assert_string_equal(b.s, "0,1,");
    pb_buf_truncate(&b, 100);
    assert_int_equal(b.len, 4);
    pb_buf_add_hex(&b, (const unsigned char *)"\x00\xfe", 2);
    assert_string_equal(b.s, "0,1,00fe");
    s = pb_buf_detach(&b);
    assert_string_equal(s, "0,1,00fe");
    assert_string_equal(b.s, "");
    free(s);
}

static void buf__maximum_is_exact(void **state)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    (void)state;
    b.max = 5;
    assert_int_equal(pb_buf_try_add(&b, "123", 3), 0);
    assert_int_equal(pb_buf_try_add(&b, "456", 3), -1);
    assert_string_equal(b.s, "123");
    assert_int_equal(pb_buf_try_add(&b, "45", 2), 0);
    assert_int_equal(pb_buf_try_add(&b, "", 0), 0);
    assert_int_equal(pb_buf_try_add(&b, "", SIZE_MAX), -1);
    assert_string_equal(b.s, "12345");
}

static void buf__empty_detach_is_a_string_of_its_own(void **state)
{
    struct pb_buf b = PB_BUF_INIT;
    char *s = pb_buf_detach(&b);

    (void)state;
    assert_string_equal(s, "");
    free(s); /* would crash on the static "" */
}

static void buf__joins_strings_as_printf_does(void **state)
{
    static const struct {
        const char *fmt, *is;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"%s", "one"},
        {"<%s/%s>", "<one/two>"},
        {"%s%s%s.", "onetwo(null)."},
        {"%s %%", "one %"},
        {"%5s|%-5s|", "  one|two  |"},
        {"%.2s %s", "on two"},
    };
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    const char *none = NULL;

    (void)state;
    for (size_t i = 0; i < PB_COUNT(cases); i++) {
        PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
        PB_AUTO(str) char *s = NULL;

/* Each is given more than it asks for, and by a variable. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        pb_buf_adds(&b, "x");
        pb_buf_addf(&b, cases[i].fmt, "one", "two", none);
        s = pb_asprintf(cases[i].fmt, "one", "two", none);
        assert_string_equal(pb_arena_printf(a, cases[i].fmt, "one", "two", none), cases[i].is);
#pragma GCC diagnostic pop
        assert_string_equal(b.s + 1, cases[i].is);
        assert_int_equal(b.len, strlen(b.s));
        assert_string_equal(s, cases[i].is);
    }
}

/* ---- arena ------------------------------------------------------------------------------- */

static void arena__aligned_and_zeroed(void **state)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();

    (void)state;
    for (size_t n = 1; n < 3000; n += 7) {
        unsigned char *p = pb_arena_zalloc(a, n);
        assert_int_equal((uintptr_t)p % 8, 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xaa, n);
    }
    memset(pb_arena_alloc(a, 10000000), 1, 10000000); /* larger than any block */
    assert_true(pb_arena_bytes(a) >= 10000000);
    assert_string_equal(pb_arena_printf(a, "%s-%d", "x", 7), "x-7");
    assert_string_equal(pb_arena_strndup(a, "abcdef", 3), "abc");
}

/* From 4 MiB on its blocks are others. */
static void arena__large_ones_keep_what_is_put_there(void **state)
{
    enum { N = 9000, SIZE = 1500 };
    static char *p[2][N];
    struct pb_arena *a[2] = {pb_arena_new(), pb_arena_new()};

    (void)state;
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < N; i++)
            memset(p[k][i] = pb_arena_alloc(a[k], SIZE), (i + k) % 251, SIZE);
    assert_in_range(pb_arena_bytes(a[0]), (size_t)N * SIZE, (size_t)N * SIZE + (4 << 20));
    pb_arena_join(a[0], a[1]);
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < N; i++)
            assert_true(p[k][i][0] == (char)((i + k) % 251) &&
                        memcmp(p[k][i], p[k][i] + 1, SIZE - 1) == 0);
    pb_arena_free(a[0]);
}

static void mem__maps_whole_huge_pages(void **state)
{
    char *p = pb_mem_map(2 * PB_MEM_HUGE);

    (void)state;
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % PB_MEM_HUGE, 0);
    memset(p, 1, 2 * PB_MEM_HUGE);
    pb_mem_unmap(p, 2 * PB_MEM_HUGE);
    pb_mem_prepare();
    pb_mem_prepare();
    p = pb_malloc(24 << 20);
    memset(p, 1, 24 << 20);
    free(p);
}

static void arena__intern_shares_equal_strings(void **state)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    const char *kept[5000];
    char text[32];

    (void)state;
    for (int i = 0; i < 5000; i++) {
        int n = snprintf(text, sizeof(text), "key-%d", i);
        kept[i] = pb_arena_intern(a, text, (size_t)n);
    }
    for (int i = 0; i < 5000; i++) {
        int n = snprintf(text, sizeof(text), "key-%d", i);
        assert_ptr_equal(pb_arena_intern(a, text, (size_t)n), kept[i]);
        assert_string_equal(kept[i], text);
    }
    assert_ptr_equal(pb_arena_intern(a, "key-12345", 6), kept[12]);
    assert_ptr_not_equal(pb_arena_intern(a, "a\0b", 3), pb_arena_intern(a, "a\0c", 3));
    assert_ptr_equal(pb_arena_intern(a, "", 0), pb_arena_intern(a, "x", 0));
}

/* ---- map --------------------------------------------------------------------------------- */

static void map__keeps_the_order_of_insertion(void **state)
{
    PB_AUTO(map) struct pb_map m = PB_MAP_INIT;
    int values[2000];
    char key[32];

    (void)state;
    assert_null(pb_map_get(&m, "none"));
    for (int i = 0; i < 2000; i++) {
        snprintf(key, sizeof(key), "k%d", i * 7919);
        assert_null(pb_map_put(&m, key, &values[i]));
    }
    assert_ptr_equal(pb_map_put(&m, "k0", &values[1]), &values[0]);
    assert_int_equal(m.n, 2000);
    for (int i = 1; i < 2000; i++) {
        snprintf(key, sizeof(key), "k%d", i * 7919);
        assert_ptr_equal(pb_map_get(&m, key), &values[i]);
        assert_string_equal(m.e[i].key, key);
    }
    assert_ptr_equal(pb_map_get(&m, "k0"), &values[1]);
    assert_false(pb_map_has(&m, "k1"));
    assert_null(pb_map_put(&m, "null", NULL));
    assert_true(pb_map_has(&m, "null"));
}

/* ---- strv -------------------------------------------------------------------------------- */

static void strv__list_and_environment(void **state)
{
    PB_AUTO(strv) struct pb_strv v = PB_STRV_INIT;

    (void)state;
    pb_strv_sort(&v);
    pb_strv_setenv(&v, "PATH", "/bin");
    pb_strv_setenv(&v, "PATHS", "x");
    pb_strv_setenv(&v, "PATH", "/usr/bin");
    pb_strv_addf(&v, "%s=%d", "N", 5);
    assert_int_equal(v.n, 3);
    assert_string_equal(v.v[0], "PATH=/usr/bin");
    assert_null(v.v[3]);
    assert_true(pb_strv_has(&v, "PATHS=x"));
    assert_false(pb_strv_has(&v, "PATHS"));
    pb_strv_sort(&v);
    assert_string_equal(v.v[0], "N=5");
}

/* ---- digest ------------------------------------------------------------------------------ */

static void digest__published_vectors(void **state)
{
    char hex[PB_SHA256_HEX];
    unsigned char mac[PB_SHA256_LEN], key[20], longest[131];

    (void)state;
    pb_sha256_hex_of(hex, "", 0);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    pb_sha256_hex_of(hex, "abc", 3);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    memset(key, 0x0b, sizeof(key)); /* RFC 4231, case 1 and 2 */
    pb_hmac_sha256(mac, key, sizeof(key), "Hi There", 8);
    pb_hex(hex, mac, sizeof(mac));
    assert_string_equal(hex, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    pb_hmac_sha256(mac, "Jefe", 4, "what do ya want for nothing?", 28);
    pb_hex(hex, mac, sizeof(mac));
    assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(longest, 0xaa, sizeof(longest)); /* case 6: a key longer than a block */
    pb_hmac_sha256(mac, longest, sizeof(longest),
                   "Test Using Larger Than Block-Size Key - Hash Key First", 54);
    pb_hex(hex, mac, sizeof(mac));
    assert_string_equal(hex, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void two_fields(char out[PB_SHA256_HEX], const char *a, const char *b)
{
    struct pb_sha256 *d = pb_sha256_new();

    pb_sha256_add_str(d, a);
    pb_sha256_add_str(d, b);
    pb_sha256_end_hex(d, out);
}

static void digest__fields_do_not_run_together(void **state)
{
    char one[PB_SHA256_HEX], two[PB_SHA256_HEX];

    (void)state;
    two_fields(one, "ab", "c");
    two_fields(two, "a", "bc");
    assert_string_not_equal(one, two);
    two_fields(one, NULL, "");
    two_fields(two, "", NULL);
    assert_string_not_equal(one, two);
}

/* ---- clock ------------------------------------------------------------------------------- */

static void clock__when_people_say(void **state)
{
    static const struct {
        const char *text;
        time_t t;
    } good[] = {
        {"2026-03-01T12:00:00Z", 1772366400},
        {"2026-03-01T13:30:00+01:30", 1772366400},
        {"2026-03-01 12:00", 1772366400},
        {"2026-03-01T12:00Z", 1772366400},
        {"2026-03-01 12:00:00", 1772366400},
        {"2026-03-01", 1772323200},
        {"12:30", 1772368200},
        {"90m", 1772366400 + 3600 - 5400},
        {"2h", 1772366400 - 3600},
        {"7d", 1772366400 + 3600 - 604800},
        {"0s", 1772366400 + 3600},
    };
    static const char *const bad[] = {
        "", "yesterday", "h", "2 h", "2hh", "-2h", "2026-13-01", "25:00", "2026-03-01 12:00 x"};
    time_t t, now = 1772366400 + 3600;

    (void)state;
    setenv("TZ", "UTC", 1);
    for (size_t i = 0; i < PB_COUNT(good); i++) {
        assert_int_equal(pb_clock_parse_when(&t, good[i].text, now), 0);
        assert_int_equal(t, good[i].t);
    }
    for (size_t i = 0; i < PB_COUNT(bad); i++)
        if (pb_clock_parse_when(&t, bad[i], now) == 0)
            fail_msg("'%s' is no time", bad[i]);
    setenv("TZ", "CET-1", 1);
    assert_int_equal(pb_clock_parse_when(&t, "2026-03-01 12:00", now), 0);
    assert_int_equal(t, 1772366400 - 3600);
    assert_int_equal(pb_clock_parse_when(&t, "12:30", now), 0); /* it is 14:00 there */
    assert_int_equal(t, 1772366400 - 1800);
    unsetenv("TZ");
}

static void clock__rfc3339(void **state)
{
    static const char *const bad[] = {"",
                                      "2026-03-01",
                                      "2026-03-01T12:00:00",
                                      "yesterday",
                                      "2026-03-01T12:00:00Zx",
                                      "2026-03-01T12:00:00+1:00"};
    char text[PB_CLOCK_RFC3339];
    time_t t;

    (void)state;
    pb_clock_rfc3339(text, 1772366400);
    assert_string_equal(text, "2026-03-01T12:00:00Z");
    assert_int_equal(pb_clock_parse_rfc3339(&t, "2026-03-01T12:00:00.25Z"), 0);
    assert_int_equal(t, 1772366400);
    assert_int_equal(pb_clock_parse_rfc3339(&t, "2026-03-01T13:30:00+01:30"), 0);
    assert_int_equal(t, 1772366400);
    assert_int_equal(pb_clock_parse_rfc3339(&t, "2026-03-01T07:00:00-05:00"), 0);
    assert_int_equal(t, 1772366400);
    for (size_t i = 0; i < PB_COUNT(bad); i++)
        assert_int_equal(pb_clock_parse_rfc3339(&t, bad[i]), -1);
    setenv("PLUMB_NOW", "2026-03-01T12:00:00Z", 1);
    assert_int_equal(pb_clock_wall(), 1772366400);
    unsetenv("PLUMB_NOW");
    assert_true(pb_clock_wall() != 1772366400);
}

/* ---- err --------------------------------------------------------------------------------- */

static int wrapped(struct pb_err *err)
{
    errno = ENOENT;
    pb_fail_errno(err, PB_E_IO, "cannot open '%s'", "x");
    return pb_err_wrap(err, "unit '%s'", "net");
}

static void err__carries_class_errno_and_context(void **state)
{
    struct pb_err err = PB_ERR_INIT;
    PB_AUTO(str) char *longer = pb_malloc(5000);

    (void)state;
    assert_int_equal(wrapped(&err), -1);
    assert_int_equal(err.cls, PB_E_IO);
    assert_int_equal(err.sys, ENOENT);
    assert_string_equal(err.msg, "unit 'net': cannot open 'x': No such file or directory");
    assert_int_equal(wrapped(NULL), -1);
    memset(longer, 'x', 4999);
    longer[4999] = '\0';
    pb_fail(&err, PB_E_INPUT, "%s", longer);
    assert_int_equal(strlen(err.msg), PB_ERR_MAX - 1);
    assert_int_equal(err.sys, 0);
    errno = ENOENT;
    pb_fail_errno(&err, PB_E_INPUT, "%s", longer);
    pb_err_wrap(&err, "%s", longer);
    assert_int_equal(strlen(err.msg), PB_ERR_MAX - 1);
    pb_err_clear(&err);
    assert_string_equal(err.msg, "");
}

static void exits__every_class_has_a_listed_code(void **state)
{
    (void)state;
    for (int c = PB_E_NONE; c <= PB_E_INTERRUPTED; c++) {
        bool listed = false;
        for (size_t i = 0; i < pb_exits_count; i++)
            listed = listed || pb_exits[i].code == pb_exit_of((enum pb_err_class)c);
        assert_true(listed);
        assert_int_equal(pb_exit_of((enum pb_err_class)c) == PB_EXIT_PLUMB, c == PB_E_NONE);
    }
    assert_int_equal(pb_exit_of(PB_E_REFUSED), PB_EXIT_REFUSED);
    assert_int_equal(pb_exit_of(PB_E_USAGE), PB_EXIT_USAGE);
    assert_int_equal(pb_exit_of(PB_E_INTERRUPTED), PB_EXIT_INTERRUPTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buf__grows_and_stays_terminated),
        cmocka_unit_test(buf__maximum_is_exact),
        cmocka_unit_test(buf__joins_strings_as_printf_does),
        cmocka_unit_test(buf__empty_detach_is_a_string_of_its_own),
        cmocka_unit_test(arena__aligned_and_zeroed),
        cmocka_unit_test(arena__large_ones_keep_what_is_put_there),
        cmocka_unit_test(mem__maps_whole_huge_pages),
        cmocka_unit_test(arena__intern_shares_equal_strings),
        cmocka_unit_test(map__keeps_the_order_of_insertion),
        cmocka_unit_test(strv__list_and_environment),
        cmocka_unit_test(digest__published_vectors),
        cmocka_unit_test(digest__fields_do_not_run_together),
        cmocka_unit_test(clock__when_people_say),
        cmocka_unit_test(clock__rfc3339),
        cmocka_unit_test(err__carries_class_errno_and_context),
        cmocka_unit_test(exits__every_class_has_a_listed_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
