#include "run/verify.h"
#include "tests/support/values.h"

static const struct pb_recorded *recorded(struct pb_arena *a, const char *address,
                                          const char *attributes)
{
    struct pb_recorded *r = pb_arena_zalloc(a, sizeof(*r));

    *r = (struct pb_recorded){.address = address, .attributes = json_marked(a, attributes)};
    return r;
}

static struct pb_applied_change change(const char *address, enum pb_action action,
                                       enum pb_applied_state s)
{
    return (struct pb_applied_change){.address = address, .action = action, .state = s};
}

/* ---- declared ------------------------------------------------------------------------------- */

static void verify__fills_in_what_the_plan_could_not_know(void **state)
{
    struct pb_arena *a = *state;
    struct pb_value planned = *json_marked(
        a, "{'name':'a','id':null,'tags':{'x':'1','y':null},'rules':[{'p':1,'q':null}]}");
    struct pb_value mask =
        *json_marked(a, "{'id':true,'tags':{'y':true},'rules':[{'p':false,'q':true}]}");
    struct pb_value unknown = pb_mark_unknown(a, &planned, &mask);
    const struct pb_recorded *r = recorded(a, "a.b",
                                           "{'name':'other','id':'i-1','tags':{'x':'2','y':'3'},"
                                           "'rules':[{'p':9,'q':8}]}");
    struct pb_declared d = {.address = "a.b",
                            .action = PB_ACT_UPDATE,
                            .planned = &unknown,
                            .previous_address = "a.old",
                            .importing = true};
    struct pb_declared_set set = {.v = &d, .n = 1, .complete = true}, out;
    struct pb_recorded_set after = {.v = r, .n = 1};
    struct pb_applied_change c = change("a.b", PB_ACT_UPDATE, PB_APPLIED_DONE);

    pb_verify_declared(&out, a, &set, &after, &c, 1);
    assert_int_equal(out.n, 1);
    assert_int_equal(out.v[0].action, PB_ACT_NONE);
    assert_null(out.v[0].previous_address);
    assert_false(out.v[0].importing);
    /* What was known stays what was declared; a list with something unknown is the state's. */
    assert_json(out.v[0].planned, "{\"id\":\"i-1\",\"name\":\"a\",\"rules\":[{\"p\":9,\"q\":8}],"
                                  "\"tags\":{\"x\":\"1\",\"y\":\"3\"}}");
    c.state = PB_APPLIED_FAILED;
    pb_verify_declared(&out, a, &set, &after, &c, 1);
    assert_int_equal(out.v[0].action, PB_ACT_UPDATE);
    assert_ptr_equal(out.v[0].planned, &unknown);
}

static void verify__a_secret_stays_one(void **state)
{
    struct pb_arena *a = *state;
    struct pb_value planned = *json_marked(a, "{'password':null}");
    struct pb_value mask = *json_marked(a, "{'password':true}");
    struct pb_declared d = {.address = "a.b", .action = PB_ACT_CREATE};
    struct pb_declared_set set = {.v = &d, .n = 1}, out;
    struct pb_recorded_set after = {.v = recorded(a, "a.b", "{'password':'hunter2'}"), .n = 1};
    struct pb_applied_change c = change("a.b", PB_ACT_CREATE, PB_APPLIED_DONE);

    planned = pb_mark_unknown(a, &planned, &mask);
    planned = pb_mark_sensitive(a, &planned, &mask);
    d.planned = &planned;
    pb_verify_declared(&out, a, &set, &after, &c, 1);
    assert_true(pb_get(out.v[0].planned, "password")->flags & PB_V_SENSITIVE);
}

static void verify__what_was_deleted_is_declared_no_more(void **state)
{
    struct pb_arena *a = *state;
    struct pb_declared d[] = {{.address = "a.gone", .action = PB_ACT_DELETE},
                              {.address = "a.stuck", .action = PB_ACT_DELETE}};
    struct pb_declared_set set = {.v = d, .n = 2}, out;
    struct pb_recorded_set after = {.v = recorded(a, "a.stuck", "{}"), .n = 1};
    struct pb_applied_change c[] = {change("a.gone", PB_ACT_DELETE, PB_APPLIED_DONE),
                                    change("a.stuck", PB_ACT_DELETE, PB_APPLIED_FAILED)};

    pb_verify_declared(&out, a, &set, &after, c, 2);
    assert_int_equal(out.n, 1);
    assert_string_equal(out.v[0].address, "a.stuck");
    assert_int_equal(out.v[0].action, PB_ACT_DELETE);
}

/* ---- what to look at ------------------------------------------------------------------------ */

static void verify__looks_at_what_was_made_and_at_what_was_deleted(void **state)
{
    struct pb_arena *a = *state;
    struct pb_recorded before_v[] = {{.address = "a.gone", .id = "old"},
                                     {.address = "a.same", .id = "1"}};
    struct pb_recorded after_v[] = {{.address = "a.new", .id = "2"},
                                    {.address = "a.same", .id = "1"}};
    struct pb_recorded_set before = {.v = before_v, .n = 2}, after = {.v = after_v, .n = 2}, out;
    struct pb_applied_change c[] = {change("a.gone", PB_ACT_DELETE, PB_APPLIED_DONE),
                                    change("a.left", PB_ACT_FORGET, PB_APPLIED_DONE),
                                    change("a.new", PB_ACT_CREATE, PB_APPLIED_DONE),
                                    change("a.not", PB_ACT_CREATE, PB_APPLIED_NOT_STARTED)};

    pb_verify_touched(&out, a, &before, &after, c, 4);
    assert_int_equal(out.n, 2);
    assert_string_equal(out.v[0].address, "a.gone");
    assert_string_equal(out.v[0].id, "old");
    assert_string_equal(out.v[1].address, "a.new");
}

static void verify__a_new_answer_takes_the_place_of_the_old(void **state)
{
    struct pb_arena *a = *state;
    struct pb_live base_v[] = {{.address = "a", .observer = "1"},
                               {.address = "c", .observer = "1"}};
    struct pb_live seen_v[] = {{.address = "b", .observer = "2"},
                               {.address = "c", .observer = "2"}};
    struct pb_live_set base = {base_v, 2}, seen = {seen_v, 2}, none = {NULL, 0};
    struct pb_live_set out = pb_verify_merge(a, &base, &seen);

    assert_int_equal(out.n, 3);
    assert_string_equal(out.v[0].observer, "1");
    assert_string_equal(out.v[1].address, "b");
    assert_string_equal(out.v[2].observer, "2");
    assert_int_equal(pb_verify_merge(a, &none, &seen).n, 2);
    assert_int_equal(pb_verify_merge(a, &base, &none).n, 2);
}

/* ---- judging -------------------------------------------------------------------------------- */

struct judge_row {
    enum pb_action action;
    enum pb_applied_state state;
    enum pb_verdict verdict; /* of the resource in the state; NVERDICTS: it is not there */
    enum pb_presence seen;   /* of a deleted one */
    enum pb_tri want;
};

static const struct judge_row rows[] = {
    {PB_ACT_CREATE, PB_APPLIED_DONE, PB_IN_SYNC, 0, PB_TRI_YES},
    {PB_ACT_CREATE, PB_APPLIED_DONE, PB_COMPUTED, 0, PB_TRI_YES},
    {PB_ACT_CREATE, PB_APPLIED_DONE, PB_UNCHECKED, 0, PB_TRI_YES},
    {PB_ACT_CREATE, PB_APPLIED_DONE, PB_MISSING, 0, PB_TRI_NO},
    {PB_ACT_CREATE, PB_APPLIED_DONE, PB_UNOBSERVED, 0, PB_TRI_UNKNOWN},
    {PB_ACT_CREATE, PB_APPLIED_DONE, PB_NVERDICTS, 0, PB_TRI_UNKNOWN},
    {PB_ACT_UPDATE, PB_APPLIED_DONE, PB_DRIFTED, 0, PB_TRI_NO},
    {PB_ACT_UPDATE, PB_APPLIED_DONE, PB_PENDING, 0, PB_TRI_NO},
    {PB_ACT_UPDATE, PB_APPLIED_DONE, PB_UNKNOWN_V, 0, PB_TRI_UNKNOWN},
    {PB_ACT_UPDATE, PB_APPLIED_FAILED, PB_IN_SYNC, 0, PB_TRI_UNKNOWN},
    {PB_ACT_UPDATE, PB_APPLIED_STARTED, PB_IN_SYNC, 0, PB_TRI_UNKNOWN},
    {PB_ACT_UPDATE, PB_APPLIED_NOT_STARTED, PB_PENDING, 0, PB_TRI_NO},
    {PB_ACT_NONE, PB_APPLIED_DONE, PB_IN_SYNC, 0, PB_TRI_YES},
    {PB_ACT_FORGET, PB_APPLIED_DONE, PB_NVERDICTS, 0, PB_TRI_YES},
    {PB_ACT_DELETE, PB_APPLIED_DONE, PB_NVERDICTS, PB_P_ABSENT, PB_TRI_YES},
    {PB_ACT_DELETE, PB_APPLIED_DONE, PB_NVERDICTS, PB_P_KNOWN, PB_TRI_NO},
    {PB_ACT_DELETE, PB_APPLIED_DONE, PB_NVERDICTS, PB_P_UNKNOWN, PB_TRI_UNKNOWN},
    {PB_ACT_DELETE, PB_APPLIED_DONE, PB_PENDING, PB_P_ABSENT, PB_TRI_NO},
};

static void verify__judges(void **state)
{
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        const struct judge_row *row = &rows[i];
        struct pb_applied_change c = change("a.b", row->action, row->state);
        struct pb_resource_result r = {.address = "a.b", .verdict = row->verdict};
        struct pb_reconcile_out out = {.v = &r, .n = row->verdict != PB_NVERDICTS};
        struct pb_live l = {.address = "a.b", .presence = row->seen};
        struct pb_live_set seen = {&l, 1};

        if (pb_verify_judge(&c, 1, *state, &out, &seen) != row->want || c.verified != row->want)
            fail_msg("row %zu (%s): not as it should be", i, pb_action_name(row->action));
        assert_true(row->want == PB_TRI_YES ? !c.reason : c.reason || row->verdict != PB_IN_SYNC);
    }
}

static void verify__what_nobody_looked_at_is_not_verified(void **state)
{
    struct pb_applied_change c = {
        .address = "a", .action = PB_ACT_UPDATE, .state = PB_APPLIED_DONE};
    struct pb_resource_result r = {.address = "a", .verdict = PB_UNCHECKED, .unlooked = "size"};
    struct pb_reconcile_out out = {.v = &r, .n = 1};
    struct pb_live_set none = {NULL, 0};

    assert_int_equal(pb_verify_judge(&c, 1, *state, &out, &none), PB_TRI_UNKNOWN);
    assert_string_equal(c.reason, "nobody looked at what Git sets: size");
    r.verdict = PB_DRIFTED;
    assert_int_equal(pb_verify_judge(&c, 1, *state, &out, &none), PB_TRI_NO);
}

static void verify__the_worst_answer_counts(void **state)
{
    struct pb_applied_change c[] = {change("a", PB_ACT_UPDATE, PB_APPLIED_DONE),
                                    change("b", PB_ACT_UPDATE, PB_APPLIED_DONE),
                                    change("c", PB_ACT_UPDATE, PB_APPLIED_DONE)};
    struct pb_resource_result r[] = {{.address = "a", .verdict = PB_IN_SYNC},
                                     {.address = "b", .verdict = PB_UNOBSERVED},
                                     {.address = "c", .verdict = PB_DRIFTED}};
    struct pb_reconcile_out out = {.v = r, .n = 3};
    struct pb_live_set none = {NULL, 0};

    assert_int_equal(pb_verify_judge(c, 1, *state, &out, &none), PB_TRI_YES);
    assert_int_equal(pb_verify_judge(c, 2, *state, &out, &none), PB_TRI_UNKNOWN);
    assert_int_equal(pb_verify_judge(c, 3, *state, &out, &none), PB_TRI_NO);
    assert_int_equal(pb_verify_judge(c, 0, *state, &out, &none), PB_TRI_YES);
}

/* ---- moved meanwhile ------------------------------------------------------------------------ */

struct moved_row {
    enum pb_verdict then, now;
    const char *then_live, *now_live; /* of the one attribute */
    bool want;
};

static const struct moved_row moves[] = {
    {PB_DRIFTED, PB_DRIFTED, "1", "1", false},   {PB_DRIFTED, PB_DRIFTED, "1", "2", true},
    {PB_PENDING, PB_DRIFTED, "1", "1", true},    {PB_PENDING, PB_CONFLICT, "1", "2", true},
    {PB_COMPUTED, PB_COMPUTED, "1", "2", false}, {PB_DRIFTED, PB_DRIFTED, "1", NULL, true},
    {PB_DRIFTED, PB_DRIFTED, NULL, NULL, false},
};

static void verify__notices_what_moved_since_it_was_decided(void **state)
{
    struct pb_arena *a = *state;
    struct pb_applied_change c = change("a.b", PB_ACT_UPDATE, PB_APPLIED_NOT_STARTED);

    for (size_t i = 0; i < PB_COUNT(moves); i++) {
        const struct moved_row *m = &moves[i];
        struct pb_attr_result at1 = {
            .path = "size", .verdict = m->then, .live = json_marked(a, m->then_live)};
        struct pb_attr_result at2 = {
            .path = "size", .verdict = m->now, .live = json_marked(a, m->now_live)};
        struct pb_resource_result r1 = {
            .address = "a.b", .verdict = m->then, .attrs = &at1, .nattrs = 1};
        struct pb_resource_result r2 = {
            .address = "a.b", .verdict = m->now, .attrs = &at2, .nattrs = 1};
        struct pb_reconcile_out then = {.v = &r1, .n = 1}, now = {.v = &r2, .n = 1};
        const char *moved = pb_verify_moved(&then, &now, &c, 1);

        if (!moved != !m->want)
            fail_msg("row %zu: %s", i, moved ? "it did not move" : "it moved");
        now.n = 0;
        assert_non_null(pb_verify_moved(&then, &now, &c, 1));
        assert_null(pb_verify_moved(&then, &now, &c, 0)); /* nothing that will be touched */
    }
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, arena_setup, arena_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(verify__fills_in_what_the_plan_could_not_know),
        CASE(verify__a_secret_stays_one),
        CASE(verify__what_was_deleted_is_declared_no_more),
        CASE(verify__looks_at_what_was_made_and_at_what_was_deleted),
        CASE(verify__a_new_answer_takes_the_place_of_the_old),
        CASE(verify__judges),
        CASE(verify__what_nobody_looked_at_is_not_verified),
        CASE(verify__the_worst_answer_counts),
        CASE(verify__notices_what_moved_since_it_was_decided),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
