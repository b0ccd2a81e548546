#include "tests/support/values.h"

#include "run/live.h"

#include <time.h>

/* What is told of one resource in the end, when two or three observers were asked; all made up. */

enum { FIRST, SECOND, LAST, NWHO };

struct answer {
    struct pb_live live;
    const char *json, *upgraded; /* its attributes */
};

static struct answer answers[NWHO];
static bool silent[NWHO]; /* covers nothing */
static int asked[NWHO];
static long limit, given[NWHO]; /* milliseconds: for all, and what each was told */
static long takes;              /* what the first takes */

static int answer(struct pb_live *out, struct pb_arena *a, const struct pb_observe_request *rq,
                  int who)
{
    assert_int_equal(rq->n, 1);
    asked[who]++;
    given[who] = rq->timeout_ms;
    if (who == FIRST && takes)
        nanosleep(&(struct timespec){.tv_nsec = takes * 1000000}, NULL);
    *out = answers[who].live;
    out->attributes = json_marked(a, answers[who].json);
    out->upgraded = json_marked(a, answers[who].upgraded);
    return 0;
}

#define OBSERVER(NAME, who, ...)                                                       \
    static bool NAME##_covers(const struct pb_observe_request *rq, const char *source, \
                              const char *type)                                        \
    {                                                                                  \
        (void)rq, (void)source, (void)type;                                            \
        return !silent[who];                                                           \
    }                                                                                  \
    static int NAME##_observe(struct pb_live *out, struct pb_observe_stats *stats,     \
                              struct pb_arena *a, const struct pb_observe_request *rq, \
                              struct pb_err *err)                                      \
    {                                                                                  \
        (void)stats, (void)err;                                                        \
        return answer(out, a, rq, who);                                                \
    }                                                                                  \
    static const struct pb_observer NAME = {                                           \
        .name = #NAME, .covers = NAME##_covers, .observe = NAME##_observe, __VA_ARGS__}

OBSERVER(one, FIRST, .confirms = false);
OBSERVER(two, SECOND, .confirms = true);
OBSERVER(three, LAST, .last_resort = true);
const struct pb_observer *const pb_observers[] = {&one, &two, &three, NULL};
const struct pb_executor *const pb_executors[] = {NULL};

static const struct pb_unit_ctx *unit(void *ctx, struct pb_err *err)
{
    static const struct pb_unit_ctx u;

    (void)ctx, (void)err;
    return &u;
}

static void reset(struct answer first, struct answer second)
{
    memset(silent, 0, sizeof(silent));
    memset(asked, 0, sizeof(asked));
    answers[FIRST] = first;
    answers[SECOND] = second;
    answers[LAST] = (struct answer){0};
}

/* Read by the first and confirmed. */
static struct pb_live told(struct pb_arena *a, struct pb_diags *diags)
{
    struct pb_recorded r = {.address = "t.a",
                            .type = "t",
                            .attributes = json_marked(a, "{'name':'x','size':1,'tags':{}}")};
    const struct pb_recorded_set recorded = {.v = &r, .n = 1};
    const struct pb_live_request rq = {
        .recorded = &recorded, .unit = unit, .diags = diags, .timeout_ms = limit};
    const size_t want[] = {0};
    struct pb_observe_stats stats = {0};
    struct pb_live_set set;

    assert_int_equal(pb_live_read(&set, &stats, a, &rq, NULL), 0);
    assert_int_equal(pb_live_confirm(&set, want, 1, &stats, a, &rq, NULL), 0);
    assert_int_equal(set.n, 1);
    assert_string_equal(set.v[0].address, "t.a");
    return set.v[0];
}

#define KNOWN(json)                          \
    {                                        \
        {.presence = PB_P_KNOWN}, json, NULL \
    }
#define ABSENT                                                  \
    {                                                           \
        {.presence = PB_P_ABSENT, .reason = "gone"}, NULL, NULL \
    }
#define UNKNOWN(why)                                          \
    {                                                         \
        {.presence = PB_P_UNKNOWN, .reason = why}, NULL, NULL \
    }

static const struct scene {
    const char *what;
    struct answer first, second;
    const char *observer;
    enum pb_presence presence;
    const char *reason, *json, *diag;
} scenes[] = {
    {"the second is believed", KNOWN("{'name':'y'}"), KNOWN("{'name':'z'}"), "two", PB_P_KNOWN,
     NULL, "{\"name\":\"z\"}", NULL},
    {"both say that it is gone", ABSENT, ABSENT, "two", PB_P_ABSENT, "gone", NULL, NULL},
    {"what could not be seen is not gone because the second says so", UNKNOWN("403"), ABSENT, "one",
     PB_P_UNKNOWN, "403; 'two' says that it does not exist, which is no proof then", NULL, NULL},
    {"what was read is there, though the second takes it for deleted", KNOWN("{'name':'y'}"),
     ABSENT, "one", PB_P_KNOWN, NULL, "{\"name\":\"y\"}",
     "the pack reads it, and the provider takes it for deleted"},
    {"it is there after all", ABSENT, KNOWN("{'name':'x'}"), "two", PB_P_KNOWN, NULL,
     "{\"name\":\"x\"}", NULL},
    {"neither could see", UNKNOWN("403"), UNKNOWN("timeout"), "one", PB_P_UNKNOWN,
     "403; nor otherwise: timeout", NULL, NULL},
    {"the second could not see what the first did", KNOWN("{'name':'y'}"), UNKNOWN(NULL), "one",
     PB_P_KNOWN, NULL, "{\"name\":\"y\"}",
     "only the pack says so, for this and perhaps others: no reason given"},
    {"nor what is gone", ABSENT, UNKNOWN("timeout"), "one", PB_P_ABSENT, "gone", NULL,
     "only the pack says so, for this and perhaps others: timeout"},
};

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void live__two_are_asked(void **state)
{
    for (size_t i = 0; i < PB_COUNT(scenes); i++) {
        const struct scene *s = &scenes[i];
        struct pb_diags diags = {0};
        struct pb_live l;
        const char *json, *diag;

        reset(s->first, s->second);
        l = told(*state, &diags);
        json = l.attributes ? json_text(*state, l.attributes) : NULL;
        diag = diags.n ? diags.v[0].message : NULL;
        if (l.presence != s->presence || !same(l.observer, s->observer) ||
            !same(l.reason, s->reason) || !same(json, s->json) || !same(diag, s->diag) ||
            diags.n > 1)
            fail_msg("%s: %d by %s, %s: %s; said: %s", s->what, l.presence, l.observer, l.reason,
                     json, diag);
        assert_int_equal(asked[LAST], 0);
        pb_diags_release(&diags);
    }
}

/* What a wrong reply to the first explains is not believed when the second sees it: it asked the
 * same cloud. What is as recorded cannot have come from such a reply. */
static void live__after_a_wrong_reply(void **state)
{
    static const char why[] = "a page for people; 'two' sees something else than is recorded, "
                              "which such a reply explains";
    static const struct {
        const char *seen, *upgraded;
        const char *kept; /* without what is doubted */
        const char *doubted;
    } rows[] = {
        {"{'name':'x','size':1,'tags':{}}", NULL, "{\"name\":\"x\",\"size\":1,\"tags\":{}}", NULL},
        {"{'name':'y','size':1}", NULL, "{\"size\":1}", "name"},
        {"{'name':'x','size':null}", NULL, "{\"name\":\"x\"}", "size"},
        /* Nothing is as good as nothing, whatever its kind. */
        {"{'tags':null,'note':'','list':[]}", NULL, "{\"list\":[],\"note\":\"\",\"tags\":null}",
         NULL},
        {"{'tags':null,'note':'n'}", NULL, "{\"tags\":null}", "note"},
        {"{'tags':{'a':'b'},'name':'x'}", NULL, "{\"name\":\"x\"}", "tags"},
        /* As the provider's own upgrade of the record has it. */
        {"{'name':'X','size':1}", "{'name':'X','size':2}", "{\"name\":\"X\"}", "size"},
    };

    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        struct answer first = UNKNOWN("403"), second = KNOWN(rows[i].seen);
        struct pb_map_builder kept = PB_BUILDER_INIT;
        struct pb_value v;
        struct pb_live l;

        first.live.garbled = "a page for people";
        second.upgraded = rows[i].upgraded;
        reset(first, second);
        l = told(*state, NULL);
        assert_int_equal(l.presence, PB_P_KNOWN);
        assert_string_equal(l.observer, "two");
        for (size_t k = 0; k < l.attributes->n; k++) {
            const struct pb_member *m = &l.attributes->members[k];

            if (m->value.kind != PB_UNKNOWN) {
                pb_map_add(&kept, m->key, m->value);
                continue;
            }
            assert_true(same(m->key, rows[i].doubted));
            assert_string_equal(m->value.s, why);
        }
        v = pb_map_done(&kept, *state);
        assert_json(&v, rows[i].kept);
        assert_int_equal(l.attributes->n, v.n + (rows[i].doubted != NULL));
    }
}

/* The tool itself is asked for what no pack looked at and no plugin could be asked for. */
static void live__the_last_resort(void **state)
{
    struct answer none = {0}, broken = UNKNOWN("no plugin"), read = KNOWN("{'name':'x'}"),
                  gone = ABSENT;
    struct pb_live l;

    broken.live.unusable = true;
    reset(none, broken);
    silent[FIRST] = true;
    answers[LAST] = read;
    l = told(*state, NULL);
    assert_int_equal(l.presence, PB_P_KNOWN);
    assert_string_equal(l.observer, "three");

    reset(none, broken);
    silent[FIRST] = true;
    answers[LAST] = gone;
    l = told(*state, NULL);
    assert_int_equal(l.presence, PB_P_ABSENT);
    assert_string_equal(l.observer, "three");

    reset(none, broken);
    silent[FIRST] = true;
    answers[LAST] = (struct answer){{.reason = "nor this"}, NULL, NULL};
    l = told(*state, NULL);
    assert_int_equal(l.presence, PB_P_UNKNOWN);
    assert_string_equal(l.reason,
                        "no pack for type 't'; nor otherwise: no plugin; nor otherwise: nor this");

    /* A pack looked: the tool would ask the same cloud in vain. */
    reset((struct answer)UNKNOWN("403"), broken);
    l = told(*state, NULL);
    assert_int_equal(l.presence, PB_P_UNKNOWN);
    assert_int_equal(asked[LAST], 0);

    /* The plugin works. */
    broken.live.unusable = false;
    reset(none, broken);
    silent[FIRST] = true;
    l = told(*state, NULL);
    assert_int_equal(l.presence, PB_P_UNKNOWN);
    assert_int_equal(asked[LAST], 0);
}

/* Each pass once had all of the unit's time for itself. */
static void live__all_share_the_time(void **state)
{
    static const struct answer seen = KNOWN("{'name':'x'}");

    reset(seen, seen);
    (void)told(*state, NULL);
    assert_int_equal(given[SECOND], 0); /* its own */
    takes = 30;
    limit = 60000;
    (void)told(*state, NULL);
    assert_int_equal(given[FIRST], 60000);
    assert_true(given[SECOND] > 0 && given[SECOND] < 60000 - 25);
    limit = 20;
    (void)told(*state, NULL);
    assert_int_equal(given[SECOND], 1); /* 0 would be its own */
    takes = limit = 0;
}

/* What is read is as secret as the record of it, and as its schema says. */
static void live__secrets_are_marked(void **state)
{
    static const struct pb_type string = {.kind = PB_T_STRING};
    static const struct pb_field fields[] = {{"plain", &string, 0},
                                             {"secret", &string, PB_F_SENSITIVE}};
    static const struct pb_type object = {.kind = PB_T_OBJECT, .fields = fields, .nfields = 2};
    const struct pb_value *seen = json_marked(
        *state, "{'plain':'a','secret':'b','list':[{'x':'c'}],'map':{'x':'d','y':'e'}}");
    struct pb_value like = *json_marked(*state, "{'list':[{'x':'c'}],'map':{'x':'d','y':'e'}}");
    struct pb_value v = pb_live_mark(*state, seen, &like, &object);

    assert_false(pb_get(&v, "plain")->flags & PB_V_SENSITIVE);
    assert_true(pb_get(&v, "secret")->flags & PB_V_SENSITIVE);
    assert_false(pb_get(&v, "list")->flags & PB_V_SENSITIVE);
    assert_false(pb_get(pb_get(&v, "map"), "x")->flags & PB_V_SENSITIVE);

    like = pb_mark_sensitive(*state, &like,
                             json_marked(*state, "{'list':[{'x':true}],"
                                                 "'map':{'y':true}}"));
    v = pb_live_mark(*state, seen, &like, NULL);
    assert_false(pb_get(&v, "secret")->flags & PB_V_SENSITIVE);
    /* Which element of a set is which cannot be told. */
    assert_true(pb_get(&v, "list")->flags & PB_V_SENSITIVE);
    assert_false(pb_get(pb_get(&v, "map"), "x")->flags & PB_V_SENSITIVE);
    assert_true(pb_get(pb_get(&v, "map"), "y")->flags & PB_V_SENSITIVE);
}

/* At any depth, beside members that the schema or the record does not have. */
static void live__nested_secrets_are_marked(void **state)
{
    static const struct pb_type string = {.kind = PB_T_STRING};
    static const struct pb_field inner[] = {
        {"a", &string, 0}, {"p", &string, PB_F_SENSITIVE}, {"z", &string, 0}};
    static const struct pb_type object = {.kind = PB_T_OBJECT, .fields = inner, .nfields = 3};
    static const struct pb_type list = {.kind = PB_T_LIST, .elem = &object};
    static const struct pb_type map = {.kind = PB_T_MAP, .elem = &object};
    static const struct pb_field outer[] = {{"l", &list, 0}, {"m", &map, 0}};
    static const struct pb_type root = {.kind = PB_T_OBJECT, .fields = outer, .nfields = 2};
    const struct pb_value *seen =
        json_marked(*state, "{'b':'1','l':[{'a':'1'},{'o':'1','p':'2'}],'m':{'k':{'p':'3'}}}");
    struct pb_value like = *json_marked(*state, "{'a':'1','c':'1'}");
    struct pb_value v = pb_live_mark(*state, seen, &like, &root);

    assert_true(pb_get(pb_at(pb_get(&v, "l"), 1), "p")->flags & PB_V_SENSITIVE);
    assert_false(pb_get(pb_at(pb_get(&v, "l"), 1), "o")->flags & PB_V_SENSITIVE);
    assert_true(pb_get(pb_get(pb_get(&v, "m"), "k"), "p")->flags & PB_V_SENSITIVE);
    /* Nothing is: nothing is copied. */
    seen = json_marked(*state, "{'b':'1','l':[{'a':'1'}],'m':{'k':{'z':'3'}}}");
    v = pb_live_mark(*state, seen, &like, &root);
    assert_ptr_equal(v.members, seen->members);
    /* The last of each alone. */
    seen = json_marked(*state, "{'m':{'k':{'p':'3'}}}");
    v = pb_live_mark(*state, seen, &like, &root);
    assert_true(pb_get(pb_get(pb_get(&v, "m"), "k"), "p")->flags & PB_V_SENSITIVE);
    like = pb_mark_sensitive(*state, json_marked(*state, "{'a':'1','m':'x'}"),
                             json_marked(*state, "{'m':true}"));
    v = pb_live_mark(*state, seen, &like, NULL);
    assert_true(pb_get(&v, "m")->flags & PB_V_SENSITIVE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(live__nested_secrets_are_marked, arena_setup,
                                        arena_teardown),
        cmocka_unit_test_setup_teardown(live__two_are_asked, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(live__after_a_wrong_reply, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(live__the_last_resort, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(live__all_share_the_time, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(live__secrets_are_marked, arena_setup, arena_teardown),
    };

    return cmocka_run_group_tests_name("live", tests, NULL, NULL);
}
