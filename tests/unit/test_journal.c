#include "base/fs.h"
#include "base/mem.h"
#include "run/area.h"
#include "run/journal.h"
#include "tests/support/folder.h"
#include "tests/support/values.h"

#include <stdlib.h>
#include <unistd.h>

static const struct pb_ledger_origin origin = {.user = "ops", .host = "h1"};

static struct pb_journal *begin(const char *area)
{
    struct pb_err err = PB_ERR_INIT;
    struct pb_journal *j = NULL;

    if (pb_journal_begin(&j, area, &origin, &err) < 0)
        fail_msg("%s", err.msg);
    return j;
}

static struct pb_journal_read read_back(struct pb_arena *a, const char *area)
{
    struct pb_journal_read r;
    struct pb_err err = PB_ERR_INIT;

    if (pb_journal_read(&r, a, area, &err) < 0)
        fail_msg("%s", err.msg);
    return r;
}

static void event(struct pb_journal *j, enum pb_apply_step step, enum pb_action action,
                  const char *id)
{
    struct pb_apply_event e = {
        .step = step, .address = "sim_server.web[0]", .action = action, .id = id};

    assert_int_equal(pb_journal_event(j, &e, NULL), 0);
}

static void journal__an_area_without_one_has_taken_no_step(void **state)
{
    PB_AUTO(str) char *area = test_folder();

    assert_int_equal(read_back(*state, area).step, PB_JS_NONE);
}

static void journal__tells_each_step_and_what_became_of_each_object(void **state)
{
    struct pb_arena *a = *state;
    PB_AUTO(str) char *area = test_folder();
    struct pb_journal *j = begin(area);
    struct pb_journal_read r;

    assert_int_equal(pb_journal_add(j, PB_JS_PREPARED, json(a, "{\"unit\":\"shop\"}"), NULL), 0);
    assert_int_equal(read_back(a, area).step, PB_JS_PREPARED);
    assert_int_equal(pb_journal_add(j, PB_JS_LOCKED, NULL, NULL), 0);
    assert_int_equal(pb_journal_add(j, PB_JS_STARTED, NULL, NULL), 0);
    event(j, PB_APPLY_STARTED, PB_ACT_DELETE, "srv-1");
    event(j, PB_APPLY_DONE, PB_ACT_DELETE, NULL);
    event(j, PB_APPLY_STARTED, PB_ACT_CREATE, NULL);
    event(j, PB_APPLY_DONE, PB_ACT_CREATE, "srv-2");
    r = read_back(a, area);
    assert_int_equal(r.step, PB_JS_STARTED);
    assert_string_equal(pb_get_str(r.body[PB_JS_PREPARED], "unit"), "shop");
    assert_int_equal(r.nchanges, 2); /* a replacement has two halves */
    assert_int_equal(r.changes[0].action, PB_ACT_DELETE);
    assert_int_equal(r.changes[0].step, PB_APPLY_DONE);
    assert_string_equal(r.changes[0].id, "srv-1");
    assert_int_equal(r.changes[1].step, PB_APPLY_DONE);
    assert_string_equal(r.changes[1].id, "srv-2");
    assert_false(r.torn);
    pb_journal_end(j);
    assert_int_equal(pb_journal_begin(&j, area, &origin, NULL), -1); /* never over another */
    assert_int_equal(pb_journal_resume(&j, area, &origin, NULL), 0);
    assert_int_equal(pb_journal_add(j, PB_JS_EXITED, NULL, NULL), 0);
    pb_journal_end(j);
    assert_int_equal(read_back(a, area).step, PB_JS_EXITED);
}

/* A step that was not written whole was not taken. */
static void journal__a_torn_step_is_none(void **state)
{
    struct pb_arena *a = *state;
    PB_AUTO(str) char *area = test_folder();
    PB_AUTO(str) char *log = pb_fs_join(area, "journal/log");
    PB_AUTO(buf) struct pb_buf whole = PB_BUF_INIT;
    struct pb_journal *j = begin(area);
    size_t after_one;
    struct pb_journal_read r;

    assert_int_equal(pb_journal_add(j, PB_JS_PREPARED, NULL, NULL), 0);
    assert_int_equal(pb_fs_read(&whole, log, 1 << 20, NULL), 0);
    after_one = whole.len;
    assert_int_equal(pb_journal_add(j, PB_JS_LOCKED, NULL, NULL), 0);
    pb_journal_end(j);
    pb_buf_clear(&whole);
    assert_int_equal(pb_fs_read(&whole, log, 1 << 20, NULL), 0);
    for (size_t n = after_one + 1; n < whole.len; n++) {
        assert_int_equal(truncate(log, (off_t)n), 0);
        r = read_back(a, area);
        assert_int_equal(r.step, PB_JS_PREPARED);
        assert_true(r.torn);
        assert_int_equal(pb_fs_write_atomic(log, whole.s, whole.len, 0600, NULL), 0);
    }
    whole.s[after_one / 2] ^= 1;
    assert_int_equal(pb_fs_write_atomic(log, whole.s, whole.len, 0600, NULL), 0);
    assert_int_equal(pb_journal_read(&r, a, area, NULL), -1);
}

static void area__one_lease_at_a_time(void **state)
{
    PB_AUTO(str) char *home = test_folder();
    struct pb_baseline_id id = {.repo = "r", .unit = "envs/prod", .workspace = "default"};
    struct pb_baseline_id other = {.repo = "r", .unit = "envs/prod", .workspace = "blue"};
    struct pb_area a, b, c;
    struct pb_err err = PB_ERR_INIT;
    PB_AUTO(str) char *file = NULL;

    (void)state;
    setenv("PLUMB_STATE_DIR", home, 1);
    assert_int_equal(pb_area_take(&a, &id, 0, NULL, &err), 0);
    assert_int_equal(pb_area_take(&b, &id, 0, NULL, &err), -1);
    assert_int_equal(err.cls, PB_E_LOCKED);
    assert_int_equal(pb_area_take(&c, &other, 0, NULL, &err),
                     0); /* another unit is another lease */
    assert_int_equal(pb_area_clean(&a, &err), 0);
    file = pb_area_file(&a, "x");
    assert_int_equal(pb_fs_write_atomic(file, "x", 1, 0600, &err), 0);
    pb_area_release(&a);
    assert_int_equal(pb_area_take(&b, &id, 0, NULL, &err), 0);
    assert_true(pb_fs_exists(file)); /* what is in it outlives the process */
    assert_int_equal(pb_area_clean(&b, &err), 0);
    assert_false(pb_fs_exists(file));
    pb_area_release(&b);
    pb_area_release(&c);
    unsetenv("PLUMB_STATE_DIR");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, arena_setup, arena_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(journal__an_area_without_one_has_taken_no_step),
        CASE(journal__tells_each_step_and_what_became_of_each_object),
        CASE(journal__a_torn_step_is_none),
        CASE(area__one_lease_at_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
