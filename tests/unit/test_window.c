#include "base/clock.h"
#include "policy/window.h"
#include "tests/support/values.h"

static time_t at(const char *s)
{
    time_t t;

    if (pb_clock_parse_rfc3339(&t, s) < 0)
        fail_msg("%s", s);
    return t;
}

static struct pb_window window(const char *days, const char *from, const char *to, const char *zone)
{
    struct pb_window w = {0};

    for (; *days; days += 3) {
        char day[4] = {days[0], days[1], days[2], 0};
        unsigned bit;

        assert_int_equal(pb_window_parse_day(&bit, day), 0);
        w.days |= bit;
    }
    assert_int_equal(pb_window_parse_time(&w.from, from), 0);
    assert_int_equal(pb_window_parse_time(&w.to, to), 0);
    assert_int_equal(pb_window_parse_zone(&w.offset, zone), 0);
    return w;
}

static const char working[] = "montuewedthufri";

/* 2026-11-21 is a Saturday. */
static const struct {
    const char *days, *from, *to, *zone, *now, *next; /* NULL: open */
} rows[] = {
    {working, "09:00", "17:00", "UTC", "2026-11-20T08:59:59Z", "2026-11-20T09:00:00Z"},
    {working, "09:00", "17:00", "UTC", "2026-11-20T09:00:00Z", NULL},
    {working, "09:00", "17:00", "UTC", "2026-11-20T16:59:59Z", NULL},
    {working, "09:00", "17:00", "UTC", "2026-11-20T17:00:00Z", "2026-11-23T09:00:00Z"},
    {working, "09:00", "17:00", "UTC", "2026-11-21T12:00:00Z", "2026-11-23T09:00:00Z"},
    {working, "09:00", "17:00", "+01:00", "2026-11-20T08:00:00Z", NULL},
    {working, "09:00", "17:00", "+01:00", "2026-11-20T16:00:00Z", "2026-11-23T08:00:00Z"},
    {working, "09:00", "17:00", "-05:00", "2026-11-20T13:59:00Z", "2026-11-20T14:00:00Z"},
    /* Sunday by the clocks of the zone, Saturday still in UTC. */
    {"sun", "00:00", "24:00", "+14:00", "2026-11-21T12:00:00Z", NULL},
    {"sun", "00:00", "24:00", "-12:00", "2026-11-22T11:59:00Z", "2026-11-22T12:00:00Z"},
    /* Through the night, that of Friday is open on Saturday morning. */
    {"fri", "22:00", "04:00", "UTC", "2026-11-21T03:59:00Z", NULL},
    {"fri", "22:00", "04:00", "UTC", "2026-11-21T04:00:00Z", "2026-11-27T22:00:00Z"},
    {"fri", "22:00", "04:00", "UTC", "2026-11-20T03:59:00Z", "2026-11-20T22:00:00Z"},
    {"", "00:00", "00:00", "UTC", "2026-11-20T03:59:00Z", NULL},
    {"", "10:00", "11:00", "UTC", "2026-02-28T11:00:00Z", "2026-03-01T10:00:00Z"},
    {"thu", "00:00", "24:00", "UTC", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z"},
};

static void window__open_and_next(void **state)
{
    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        struct pb_window w = window(rows[i].days, rows[i].from, rows[i].to, rows[i].zone);
        struct pb_windows all = {.v = &w, .n = 1};
        const struct pb_freeze *freeze;
        time_t now = at(rows[i].now);

        if (pb_windows_open(&freeze, &all, now) != !rows[i].next)
            fail_msg("row %zu", i);
        if (pb_windows_next(&all, now) != (rows[i].next ? at(rows[i].next) : now))
            fail_msg("row %zu: the next is another", i);
    }
}

static void window__any_of_several(void **state)
{
    struct pb_window v[] = {window("mon", "09:00", "10:00", "UTC"),
                            window("sat", "12:00", "13:00", "UTC")};
    struct pb_windows all = {.v = v, .n = 2};
    const struct pb_freeze *freeze;

    (void)state;
    assert_true(pb_windows_open(&freeze, &all, at("2026-11-21T12:30:00Z")));
    assert_true(pb_windows_next(&all, at("2026-11-21T13:00:00Z")) == at("2026-11-23T09:00:00Z"));
}

static void window__freezes_close_whatever_is_open(void **state)
{
    struct pb_window w = window(working, "09:00", "17:00", "UTC");
    struct pb_freeze f[2] = {{.reason = "holidays"}, {.reason = "sale"}};
    struct pb_windows all = {.v = &w, .n = 1, .freezes = f, .nfreezes = 2};
    const struct pb_freeze *why;

    (void)state;
    assert_int_equal(pb_window_parse_date(&f[0].from, "2026-12-20", 0, false), 0);
    assert_int_equal(pb_window_parse_date(&f[0].until, "2027-01-04", 0, true), 0);
    assert_int_equal(pb_window_parse_date(&f[1].from, "2027-01-05T08:00:00+00:00", 0, false), 0);
    assert_int_equal(pb_window_parse_date(&f[1].until, "2027-01-05T12:00:00Z", 0, true), 0);
    assert_true(pb_windows_open(&why, &all, at("2026-12-18T16:00:00Z")));
    assert_false(pb_windows_open(&why, &all, at("2026-12-21T12:00:00Z")));
    assert_string_equal(why->reason, "holidays");
    /* The last day is part of it, and then comes the next. */
    assert_false(pb_windows_open(&why, &all, at("2027-01-04T12:00:00Z")));
    assert_true(pb_windows_next(&all, at("2027-01-04T12:00:00Z")) == at("2027-01-05T12:00:00Z"));
    all.n = 0;
    assert_true(pb_windows_next(&all, at("2027-01-04T12:00:00Z")) == at("2027-01-05T00:00:00Z"));
    f[0].until = at("2036-01-01T00:00:00Z");
    all.n = 1;
    assert_true(pb_windows_next(&all, at("2026-12-21T00:00:00Z")) < 0 ||
                pb_windows_next(&all, at("2026-12-21T00:00:00Z")) >= f[0].until);
}

static void window__what_is_no_time(void **state)
{
    static const char *const times[] = {"9:00", "24:01", "12:60", "12-00", "", "12:000", "1a:00"};
    static const char *const zones[] = {"Europe/Berlin", "+1", "+15:00", "", "CET", "+01:0"};
    static const char *const dates[] = {"2026-13-01", "tomorrow", "", "2026-12-2O", "20261220"};
    unsigned bit;
    time_t t;
    int n;

    (void)state;
    for (size_t i = 0; i < PB_COUNT(times); i++)
        assert_int_equal(pb_window_parse_time(&n, times[i]), -1);
    for (size_t i = 0; i < PB_COUNT(zones); i++)
        assert_int_equal(pb_window_parse_zone(&n, zones[i]), -1);
    for (size_t i = 0; i < PB_COUNT(dates); i++)
        assert_int_equal(pb_window_parse_date(&t, dates[i], 0, false), -1);
    assert_int_equal(pb_window_parse_day(&bit, "monday"), -1);
    assert_int_equal(pb_window_parse_date(&t, "2026-12-20", 60, false), 0);
    assert_true(t == at("2026-12-19T23:00:00Z"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(window__open_and_next),
        cmocka_unit_test(window__any_of_several),
        cmocka_unit_test(window__freezes_close_whatever_is_open),
        cmocka_unit_test(window__what_is_no_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
