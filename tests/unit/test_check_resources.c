/* Both trees against one world: what goes in is JSON, what comes out is a line. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "reconcile/ignore.h"
#include "run/check_internal.h"
#include "tests/support/values.h"

static const char schema_text[] =
    "{'version':1,'block':{'attributes':{"
    "'id':{'type':'string','computed':true,'optional':true},"
    "'name':{'type':'string','optional':true},"
    "'size':{'type':'number','optional':true},"
    "'arn':{'type':'string','computed':true},"
    "'secret':{'type':'string','optional':true,'sensitive':true},"
    "'hosts':{'type':['list','string'],'optional':true},"
    "'names':{'type':['set','string'],'optional':true}},"
    "'block_types':{'rule':{'nesting_mode':'set','block':{'attributes':{"
    "'port':{'type':'number','required':true},"
    "'desc':{'type':'string','optional':true}}}}}}}";

static const char configured[] = "{'rule':[{'port':true,'desc':true}]}";

/* A tree: addresses with what is planned for each: {'do':'update','is':{...}}, and 'was' (the
 * address that it had), 'import', 'found' (the id of what that finds), 'line'. The world: addresses
 * with attributes, or how they look where they cannot be seen: 'absent', 'unknown'. */
struct scene {
    const char *what;
    const char *base, *merged, *recorded, *live; /* live NULL: as recorded */
    const char *want; /* "ADDRESS CLASS ACTION PATH=CLASS ...", with * for what is touched */
};

/* ---- both trees ------------------------------------------------------------------------------ */

static enum pb_action action_named(const char *name)
{
    for (int k = PB_ACT_NONE; k <= PB_ACT_UNKNOWN; k++)
        if (name && strcmp(pb_action_name((enum pb_action)k), name) == 0)
            return (enum pb_action)k;
    return PB_ACT_NONE;
}

static const struct pb_value *found(struct pb_arena *a, const struct pb_value *id)
{
    struct pb_map_builder b = PB_BUILDER_INIT;

    if (!id)
        return NULL;
    pb_map_add(&b, "id", *id);
    return pb_box(a, pb_map_done(&b, a));
}

static struct pb_declared_set declared(struct pb_arena *a, const struct pb_value *tree)
{
    struct pb_declared *v = pb_arena_zalloc(a, (tree->n + 1) * sizeof(*v));

    for (size_t i = 0; i < tree->n; i++) {
        const struct pb_value *at = &tree->members[i].value;
        int64_t line = 0;

        (void)pb_get_int(&line, at, "line");
        v[i] = (struct pb_declared){.address = tree->members[i].key,
                                    .type = "t",
                                    .action = action_named(pb_get_str(at, "do")),
                                    .planned =
                                        pb_is(pb_get(at, "is"), PB_MAP) ? pb_get(at, "is") : NULL,
                                    .configured = json_marked(a, configured),
                                    .previous_address = pb_get_str(at, "was"),
                                    .importing = pb_get_bool(at, "import", false),
                                    .prior = found(a, pb_get(at, "found")),
                                    .source_file = line ? "main.tf" : NULL,
                                    .source_line = (unsigned)line,
                                    .source_end = (unsigned)line + 2};
    }
    return (struct pb_declared_set){.v = v, .n = tree->n, .complete = true};
}

static struct pb_recorded_set recorded(struct pb_arena *a, const struct pb_value *world)
{
    struct pb_recorded *v = pb_arena_zalloc(a, (world->n + 1) * sizeof(*v));

    for (size_t i = 0; i < world->n; i++)
        v[i] = (struct pb_recorded){.address = world->members[i].key,
                                    .type = "t",
                                    .id = "i",
                                    .schema_version = 1,
                                    .attributes = &world->members[i].value};
    return (struct pb_recorded_set){.v = v, .n = world->n};
}

static struct pb_live_set live(struct pb_arena *a, const struct pb_value *world)
{
    struct pb_live *v = pb_arena_zalloc(a, (world->n + 1) * sizeof(*v));

    for (size_t i = 0; i < world->n; i++) {
        const struct pb_value *at = &world->members[i].value;
        const char *dark = pb_str(at);

        v[i] = (struct pb_live){.address = world->members[i].key,
                                .observer = "rest",
                                .presence = !dark                         ? PB_P_KNOWN
                                            : strcmp(dark, "absent") == 0 ? PB_P_ABSENT
                                                                          : PB_P_UNKNOWN,
                                .reason = dark ? "because" : NULL,
                                .attributes = dark ? NULL : at};
    }
    return (struct pb_live_set){v, world->n};
}

struct run {
    struct pb_arena *a;
    struct pb_ignore_set *ignore;
    bool all, added;
    struct pb_check_unit unit;
    struct pb_unit_result base, merged;
};

static void reconcile(struct run *r, struct pb_unit_result *u, const struct pb_schema_set *schemas,
                      const struct scene *s, const char *tree)
{
    struct pb_reconcile_in in = {.declared = &u->declared.declared,
                                 .recorded = &u->recorded,
                                 .live = &u->live,
                                 .schemas = schemas,
                                 .ignore = r->ignore,
                                 .all = true};

    u->declared.declared = declared(r->a, json_marked(r->a, tree));
    u->recorded = recorded(r->a, json_marked(r->a, s->recorded));
    u->live = live(r->a, json_marked(r->a, s->live ? s->live : s->recorded));
    if (u == &r->merged)
        pb_check_imports(&u->declared.declared, r->a, &r->base.declared.declared, &u->recorded);
    pb_reconcile(&u->out, r->a, &in);
}

static void run(struct run *r, const struct scene *s)
{
    const struct pb_schema *schema;
    struct pb_schema_set schemas = {.v = &schema, .n = 1};

    assert_int_equal(pb_schema_from_json(&schema, r->a, "t", json_marked(r->a, schema_text), NULL),
                     0);
    r->unit = (struct pb_check_unit){.name = "u", .arena = r->a};
    r->base = r->merged = (struct pb_unit_result){.arena = r->a};
    if (!r->added)
        reconcile(r, &r->base, &schemas, s, s->base);
    reconcile(r, &r->merged, &schemas, s, s->merged);
    r->merged.declared.schemas = schemas;
    pb_check_resources(&r->unit, r->added ? NULL : &r->base, &r->merged, NULL, r->all);
}

static void describe(struct pb_buf *b, const struct pb_check_unit *u)
{
    for (size_t i = 0; i < u->nresources; i++) {
        const struct pb_check_resource *r = &u->resources[i];

        pb_buf_addf(b, "%s%s %s%s%s %s", i ? "; " : "", r->address, pb_check_classes[r->class].name,
                    r->touched ? "*" : "", r->unseen ? "?" : "",
                    r->moved_from ? "move" : pb_action_name(r->action));
        for (size_t k = 0; k < r->nattrs; k++)
            pb_buf_addf(b, " %s=%s%s", r->attrs[k].path, pb_check_classes[r->attrs[k].class].name,
                        r->attrs[k].touched ? "*" : "");
    }
}

static void check(struct run r, const struct scene *s)
{
    struct pb_buf got = PB_BUF_INIT;

    r.a = pb_arena_new();
    run(&r, s);
    describe(&got, &r.unit);
    if (strcmp(got.s, s->want) != 0)
        fail_msg("%s:\n  got  %s\n  want %s", s->what, got.s, s->want);
    pb_buf_release(&got);
    pb_arena_free(r.a);
}

static void check_all(const struct scene *v, size_t n, struct run r)
{
    for (size_t i = 0; i < n; i++)
        check(r, &v[i]);
}

#define A(attributes)        "{'t.a':" attributes "}"
#define IS(attributes)       "{'t.a':{'is':" attributes "}}"
#define DO(what, attributes) "{'t.a':{'do':'" what "','is':" attributes "}}"
#define NAME(x)              "{'name':'" x "'}"

/* ---- one resource ---------------------------------------------------------------------------- */

static void check_resources__whose_a_change_is(void **state)
{
    static const struct scene v[] = {
        {"nobody's", IS(NAME("a")), IS(NAME("a")), A(NAME("a")), NULL, ""},
        {"the change's", IS(NAME("a")), DO("update", NAME("b")), A(NAME("a")), NULL,
         "t.a caused* update name=caused*"},
        {"somebody else's", IS(NAME("a")), IS(NAME("a")), A(NAME("a")), A(NAME("o")),
         "t.a reverts none name=reverts"},
        {"both", IS(NAME("a")), DO("update", NAME("b")), A(NAME("a")), A(NAME("o")),
         "t.a collides* update name=collides*"},
        {"taken over", IS(NAME("a")), DO("update", NAME("o")), A(NAME("a")), A(NAME("o")),
         "t.a settles* update name=settles*"},
        {"to be applied before", DO("update", NAME("b")), DO("update", NAME("b")), A(NAME("a")),
         NULL, "t.a pending update name=pending"},
        {"to be applied before, and not any more", DO("update", NAME("b")), IS(NAME("a")),
         A(NAME("a")), NULL, "t.a settles* none name=settles*"},
        {"another attribute", IS("{'name':'a','size':1}"), DO("update", "{'name':'a','size':2}"),
         A("{'name':'a','size':1}"), A("{'name':'o','size':1}"),
         "t.a caused* update name=reverts size=caused*"},
        {"a value is no more asked for", IS("{'name':'a','size':1}"), DO("update", NAME("a")),
         A("{'name':'a','size':1}"), NULL, "t.a caused* update size=caused*"},
    };

    (void)state;
    check_all(v, PB_COUNT(v), (struct run){0});
}

static void check_resources__what_is_not_known_yet(void **state)
{
    static const struct scene v[] = {
        {"in both trees alike", DO("update", "{'name':'b','arn':{'$unknown':null}}"),
         DO("update", "{'name':'b','arn':{'$unknown':null}}"), A("{'name':'a','arn':'x'}"), NULL,
         "t.a pending update name=pending"},
        {"in both trees alike, and set", DO("update", "{'name':{'$unknown':null}}"),
         DO("update", "{'name':{'$unknown':null}}"), A(NAME("a")), NULL,
         "t.a pending update name=pending"},
        {"in the merged tree alone", IS("{'name':'a','hosts':['h']}"),
         DO("update", "{'name':'a','hosts':[{'$unknown':null}]}"), A("{'name':'a','hosts':['h']}"),
         NULL, "t.a caused* update hosts[0]=caused*"},
    };

    (void)state;
    check_all(v, PB_COUNT(v), (struct run){0});
}

static void check_resources__the_whole_of_it(void **state)
{
    static const struct scene v[] = {
        {"made", "{}", DO("create", NAME("a")), "{}", NULL, "t.a caused* create"},
        {"made before, too", DO("create", NAME("a")), DO("create", NAME("a")), "{}", NULL,
         "t.a pending create"},
        {"made otherwise", DO("create", NAME("a")), DO("create", NAME("b")), "{}", NULL,
         "t.a caused* create"},
        {"deleted", IS(NAME("a")), DO("delete", "null"), A(NAME("a")), NULL, "t.a caused* delete"},
        {"deleted, and changed outside", IS(NAME("a")), DO("delete", "null"), A(NAME("a")),
         A(NAME("o")), "t.a collides* delete name=collides"},
        {"deleted, and gone already", IS(NAME("a")), DO("delete", "null"), A(NAME("a")),
         A("'absent'"), "t.a settles* delete"},
        {"deleted, and not to be seen", IS(NAME("a")), DO("delete", "null"), A(NAME("a")),
         A("'unknown'"), "t.a unseen*? delete"},
        {"forgotten, and changed outside", IS(NAME("a")), DO("forget", "null"), A(NAME("a")),
         A(NAME("o")), "t.a caused* forget"},
        {"replaced", IS("{'name':'a','size':1}"), DO("replace", "{'name':'a','size':2}"),
         A("{'name':'a','size':1}"), NULL, "t.a caused* replace size=caused*"},
        {"replaced, and changed outside elsewhere", IS("{'name':'a','size':1}"),
         DO("replace", "{'name':'a','size':2}"), A("{'name':'a','size':1}"),
         A("{'name':'o','size':1}"), "t.a collides* replace name=collides size=caused*"},
        {"replaced, and Git is silent about what was changed outside", IS("{'size':1}"),
         DO("replace", "{'size':2}"), A("{'id':'a','arn':'x','size':1}"),
         A("{'id':'o','arn':'y','size':1}"), "t.a caused* replace id=caused size=caused*"},
        {"deleted, and Git is silent about it", IS("{'size':1}"), DO("delete", "null"),
         A("{'id':'a','arn':'x','size':1}"), A("{'id':'o','arn':'y','size':1}"),
         "t.a caused* delete id=caused"},
        {"updated, and Git is silent about it", IS("{'size':1}"), DO("update", "{'size':2}"),
         A("{'id':'a','size':1}"), A("{'id':'o','size':1}"), "t.a caused* update size=caused*"},
        {"replaced before, too", DO("replace", NAME("b")), DO("replace", NAME("b")), A(NAME("a")),
         A(NAME("o")), "t.a reverts replace name=reverts"},
        {"gone, and asked for otherwise", DO("create", NAME("a")), DO("create", NAME("b")),
         A(NAME("a")), A("'absent'"), "t.a collides* create"},
    };

    (void)state;
    check_all(v, PB_COUNT(v), (struct run){0});
}

static void check_resources__what_cannot_be_seen(void **state)
{
    static const struct scene v[] = {
        {"and is not touched", IS(NAME("a")), IS(NAME("a")), A(NAME("a")), A("'unknown'"),
         "t.a unseen none"},
        {"and is touched", IS(NAME("a")), DO("update", NAME("b")), A(NAME("a")), A("'unknown'"),
         "t.a unseen*? update name=unseen*"},
        {"an attribute that nobody maps", IS("{'name':'a','size':1}"),
         DO("update", "{'name':'a','size':2}"), A("{'name':'a','size':1}"), A(NAME("a")),
         "t.a unseen*? update size=unseen*"},
        {"one that nobody maps, and the change leaves alone", IS("{'name':'a','size':1}"),
         DO("update", "{'name':'b','size':1}"), A("{'name':'a','size':1}"), A(NAME("a")),
         "t.a caused* update name=caused*"},
    };

    (void)state;
    check_all(v, PB_COUNT(v), (struct run){0});
}

#define LET_GO(id) \
    "{'t.a':{'do':'forget'},'t.b':{'do':'update','is':{'name':'b'},'import':true,'found':" id "}}"

/* ---- addresses ------------------------------------------------------------------------------- */

static void check_resources__moves(void **state)
{
    static const struct scene v[] = {
        {"moved by the change", IS(NAME("a")), "{'t.b':{'is':{'name':'a'},'was':'t.a'}}",
         A(NAME("a")), NULL, "t.b caused* move"},
        {"moved, and changed outside", IS(NAME("a")), "{'t.b':{'is':{'name':'a'},'was':'t.a'}}",
         A(NAME("a")), A(NAME("o")), "t.b caused* move name=reverts"},
        {"moved, and changed by both", IS(NAME("a")),
         "{'t.b':{'do':'update','is':{'name':'b'},'was':'t.a'}}", A(NAME("a")), A(NAME("o")),
         "t.b collides* move name=collides*"},
        {"to be moved before, too", "{'t.b':{'is':{'name':'a'},'was':'t.a'}}",
         "{'t.b':{'is':{'name':'a'},'was':'t.a'}}", A(NAME("a")), NULL, ""},
        {"not to be moved any more", "{'t.b':{'is':{'name':'a'},'was':'t.a'}}", IS(NAME("a")),
         A(NAME("a")), A(NAME("o")), "t.a reverts none name=reverts"},
        {"moved elsewhere", "{'t.b':{'is':{'name':'a'},'was':'t.a'}}",
         "{'t.c':{'is':{'name':'a'},'was':'t.a'}}", A(NAME("a")), NULL, "t.c caused* move"},
        {"moved, replaced, and not to be seen", IS(NAME("a")),
         "{'t.b':{'do':'replace','is':{'name':'b'},'was':'t.a'}}", A(NAME("a")), A("'unknown'"),
         "t.b unseen*? move name=unseen*"},
        {"moved, and another made in its place", IS(NAME("a")),
         "{'t.a':{'do':'create','is':{'name':'z'}},'t.b':{'is':{'name':'a'},'was':'t.a'}}",
         A(NAME("a")), NULL, "t.a caused* create name=caused*; t.b caused* move"},
        {"forgotten, and imported under another address", IS(NAME("a")), LET_GO("'i'"),
         A(NAME("a")), A(NAME("o")), "t.b collides* move name=collides*"},
        {"forgotten, and another one imported", IS(NAME("a")), LET_GO("'j'"), A(NAME("a")),
         A(NAME("o")), "t.a caused* forget; t.b caused* update name=caused*"},
        {"forgotten and imported before, too", LET_GO("'i'"), LET_GO("'i'"), A(NAME("a")),
         A(NAME("o")), "t.a pending forget; t.b pending update"},
        {"imported by the change", "{}", "{'t.a':{'is':{'name':'a'},'import':true}}", "{}", NULL,
         "t.a caused* none"},
    };

    (void)state;
    check_all(v, PB_COUNT(v), (struct run){0});
}

/* ---- elements -------------------------------------------------------------------------------- */

#define P(port)    "{'port':" #port "}"
#define RULES(...) "{'rule':[" __VA_ARGS__ "]}"

static void check_resources__elements_without_order(void **state)
{
    static const struct scene v[] = {
        {"one is added", IS(RULES(P(22))), DO("update", RULES(P(22) "," P(443))), A(RULES(P(22))),
         NULL, "t.a caused* update rule[1]=caused*"},
        {"one is added before the others", IS(RULES(P(22) "," P(80))),
         DO("update", RULES(P(1) "," P(22) "," P(80))), A(RULES(P(22) "," P(80))), NULL,
         "t.a caused* update rule[2]=caused*"},
        {"the first is taken away", IS(RULES(P(22) "," P(80))), DO("update", RULES(P(80))),
         A(RULES(P(22) "," P(80))), NULL, "t.a caused* update rule[0]=caused* rule[0].port=none*"},
        {"somebody else adds another", IS(RULES(P(22))), DO("update", RULES(P(22) "," P(443))),
         A(RULES(P(22))), A(RULES(P(22) "," P(80))),
         "t.a caused* update rule[1]=caused* rule[2]=reverts"},
        {"somebody else adds the same", IS(RULES(P(22))), DO("update", RULES(P(22) "," P(443))),
         A(RULES(P(22))), A(RULES(P(22) "," P(443))), "t.a settles* update rule[1]=settles*"},
        {"somebody else takes another away", IS(RULES(P(22) "," P(80))),
         DO("update", RULES(P(22) "," P(80) "," P(443))), A(RULES(P(22) "," P(80))),
         A(RULES(P(22))), "t.a caused* update rule[1]=reverts rule[2]=caused*"},
        {"both take the same away", IS(RULES(P(22) "," P(80))), DO("update", RULES(P(22))),
         A(RULES(P(22) "," P(80))), A(RULES(P(22))), "t.a settles* update rule[1]=settles*"},
        {"both replace the same, each by another", IS(RULES(P(22))), DO("update", RULES(P(443))),
         A(RULES(P(22))), A(RULES(P(80))),
         "t.a collides* update rule[0]=settles* rule[1]=collides* rule[2]=reverts"},
        {"both replace the same, by the same", IS(RULES(P(22))), DO("update", RULES(P(443))),
         A(RULES(P(22))), A(RULES(P(443))),
         "t.a settles* update rule[0]=settles* rule[1]=settles*"},
        {"strings", IS("{'names':['a','b']}"), DO("update", "{'names':['a','c']}"),
         A("{'names':['a','b']}"), A("{'names':['a','d']}"),
         "t.a collides* update names[1]=settles* names[2]=collides* names[3]=reverts"},
        {"two that become alike", DO("update", "{'hosts':['x','y']}"),
         DO("update", "{'hosts':['x','x']}"), A("{'hosts':['r','r']}"), NULL,
         "t.a caused* update hosts[0]=pending hosts[1]=caused*"},
        {"a list", IS("{'hosts':['a']}"), DO("update", "{'hosts':['a','b']}"), A("{'hosts':['a']}"),
         A("{'hosts':['o']}"), "t.a caused* update hosts[0]=reverts hosts[1]=caused*"},
    };

    (void)state;
    check_all(v, PB_COUNT(v), (struct run){0});
}

/* ---- what is left out, and what is not ------------------------------------------------------- */

static struct run ignoring(const char *rules)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct run r = {0};

    assert_int_equal(pb_ignore_parse(&r.ignore, json_marked(a, rules), "plumb.yaml", NULL), 0);
    return r;
}

/* An ignore rule hides what others do, and never what the change does. */
static void check_resources__what_is_ignored(void **state)
{
    static const struct scene attributes[] = {
        {"somebody else's", IS(NAME("a")), IS(NAME("a")), A(NAME("a")), A(NAME("o")), ""},
        {"the change's", IS(NAME("a")), DO("update", NAME("b")), A(NAME("a")), NULL,
         "t.a caused* update name=caused*"},
        {"both", IS(NAME("a")), DO("update", NAME("b")), A(NAME("a")), A(NAME("o")),
         "t.a collides* update name=collides*"},
        {"beside what the change does", IS("{'name':'a','size':1}"),
         DO("update", "{'name':'a','size':2}"), A("{'name':'a','size':1}"),
         A("{'name':'o','size':1}"), "t.a caused* update size=caused*"},
        {"gone with the whole", IS(NAME("a")), DO("delete", "null"), A(NAME("a")), A(NAME("o")),
         "t.a caused* delete"},
        {"replaced with the whole", IS("{'name':'a','size':1}"),
         DO("replace", "{'name':'a','size':2}"), A("{'name':'a','size':1}"),
         A("{'name':'o','size':1}"), "t.a caused* replace size=caused*"},
    };
    static const struct scene whole[] = {
        {"somebody else's", IS(NAME("a")), IS(NAME("a")), A(NAME("a")), A(NAME("o")), ""},
        {"the change's", IS(NAME("a")), DO("update", NAME("b")), A(NAME("a")), NULL,
         "t.a caused* update name=caused*"},
    };
    struct run r = ignoring("[{'address':'t.a','path':'name','reason':'r'}]");

    (void)state;
    check_all(attributes, PB_COUNT(attributes), r);
    pb_ignore_free(r.ignore);
    r = ignoring("[{'address':'t.a','reason':'r'}]");
    check_all(whole, PB_COUNT(whole), r);
    pb_ignore_free(r.ignore);
}

static void check_resources__all(void **state)
{
    static const struct scene v[] = {
        {"as it should be", IS(NAME("a")), IS(NAME("a")), A(NAME("a")), NULL,
         "t.a none none name=none"},
        {"beside what the change does", IS("{'name':'a','size':1}"),
         DO("update", "{'name':'a','size':2}"), A("{'name':'a','size':1}"), NULL,
         "t.a caused* update name=none size=caused*"},
    };

    (void)state;
    check_all(v, PB_COUNT(v), (struct run){.all = true});
}

/* Nothing is known of base: all of it is the change's. */
static void check_resources__of_an_added_unit(void **state)
{
    static const struct scene v[] = {
        {"made", NULL, DO("create", NAME("a")), "{}", NULL, "t.a caused* create"},
        {"with a state of its own", NULL, DO("update", NAME("b")), A(NAME("a")), A("'unknown'"),
         "t.a unseen*? update name=unseen*"},
    };

    (void)state;
    check_all(v, PB_COUNT(v), (struct run){.added = true});
}

/* ---- beside the classes ---------------------------------------------------------------------- */

static const struct scene several = {
    "several",
    "{'t.a':{'is':{'name':'a'},'line':1},'t.b':{'is':{'name':'a'},'line':5},"
    "'t.c':{'is':{'name':'a'},'line':9},'t.d':{'is':{'name':'a'}}}",
    "{'t.a':{'do':'update','is':{'name':'b'},'line':2},'t.b':{'do':'delete','is':null},"
    "'t.c':{'is':{'name':'a'},'line':7},'t.d':{'is':{'name':'a'}}}",
    "{'t.a':{'name':'a'},'t.b':{'name':'a'},'t.c':{'name':'a'},'t.d':{'name':'a'}}",
    "{'t.a':{'name':'a'},'t.b':{'name':'a'},'t.c':{'name':'o'},'t.d':{'name':'a'}}",
    NULL};

/* Of a block that stands for one less. */
static const struct scene fewer = {"fewer",
                                   "{'t.a[1]':{'is':{'name':'a'},'line':5}}",
                                   "{'t.a[1]':{'do':'delete','is':null,'line':6}}",
                                   "{'t.a[1]':{'name':'a'}}",
                                   NULL,
                                   NULL};

static void check_resources__counts(void **state)
{
    struct run r = {.a = *state};

    run(&r, &several);
    assert_int_equal(r.unit.nresources, 3); /* what there is nothing to say of is counted alone */
    assert_int_equal(r.unit.by_class[PB_CHECK_NONE], 1);
    assert_int_equal(r.unit.by_class[PB_CHECK_REVERTS], 1);
    assert_int_equal(r.unit.by_class[PB_CHECK_CAUSED], 2);
    /* Held against the world once more, they are counted anew. */
    pb_check_resources(&r.unit, &r.base, &r.merged, NULL, false);
    assert_int_equal(r.unit.by_class[PB_CHECK_CAUSED], 2);
}

/* The block is the merged tree's, and base's where that has none any more. */
static void check_resources__places(void **state)
{
    struct run r = {.a = *state};

    run(&r, &several);
    assert_int_equal(r.unit.resources[0].line, 2);
    assert_int_equal(r.unit.resources[0].last_line, 4);
    assert_false(r.unit.resources[0].file_of_base);
    assert_int_equal(r.unit.resources[1].line, 5);
    assert_string_equal(r.unit.resources[1].file, "main.tf");
    assert_true(r.unit.resources[1].file_of_base);
    assert_int_equal(r.unit.resources[2].line, 7);
    run(&r, &fewer);
    assert_int_equal(r.unit.resources[0].line, 6);
    assert_false(r.unit.resources[0].file_of_base);
}

/* What is looked at once more, closer: what the change touches and nobody looked at. */
static void check_resources__doubts(void **state)
{
    static const struct scene s = {
        "unmapped",
        "{'t.a':{'is':{'name':'a','size':1}},'t.b':{'is':{'name':'a','size':1}},"
        "'t.c':{'is':{'name':'a','size':1}}}",
        "{'t.a':{'do':'update','is':{'name':'a','size':2}},"
        "'t.b':{'do':'update','is':{'name':'b','size':1}},"
        "'t.c':{'do':'update','is':{'name':'a','size':2}}}",
        "{'t.a':{'name':'a','size':1},'t.b':{'name':'a','size':1},'t.c':{'name':'a','size':1}}",
        "{'t.a':{'name':'a'},'t.b':{'name':'a'},'t.c':'unknown'}",
        NULL};
    /* Base asks for nothing there, so only the change makes a collision of it. */
    static const struct scene silent = {"silent",
                                        "{'t.a':{'is':{'name':'a'}}}",
                                        "{'t.a':{'do':'update','is':{'name':'a','size':2}}}",
                                        "{'t.a':{'name':'a','size':1}}",
                                        "{'t.a':{'name':'a','size':5}}",
                                        NULL};
    struct run r = {.a = *state};
    struct pb_reconcile_out doubts;

    run(&r, &s);
    doubts = pb_check_doubts(r.a, &r.unit, &r.merged);
    assert_int_equal(doubts.n, 3);
    assert_int_equal(doubts.v[0].verdict, PB_UNKNOWN_V);
    assert_int_equal(doubts.v[1].verdict, PB_IN_SYNC);
    assert_int_equal(doubts.v[2].verdict, PB_IN_SYNC); /* it was looked at, and not seen */
    r = (struct run){.a = *state};
    run(&r, &silent);
    assert_int_equal(r.unit.by_class[PB_CHECK_COLLIDES], 1);
    doubts = pb_check_doubts(r.a, &r.unit, &r.merged);
    assert_int_equal(doubts.n, 1);
    assert_int_equal(doubts.v[0].verdict, PB_UNKNOWN_V);
    r = (struct run){.a = *state};
    run(&r, &several);
    assert_int_equal(pb_check_doubts(r.a, &r.unit, &r.merged).n, 0);
}

static void check_resources__sensitive(void **state)
{
    static const struct scene s = {"sensitive",
                                   IS("{'secret':'x'}"),
                                   DO("update", "{'secret':'y'}"),
                                   A("{'secret':'x'}"),
                                   NULL,
                                   NULL};
    struct run r = {.a = *state};

    run(&r, &s);
    assert_int_equal(r.unit.resources[0].nattrs, 1);
    assert_true(r.unit.resources[0].attrs[0].sensitive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_resources__whose_a_change_is),
        cmocka_unit_test(check_resources__what_is_not_known_yet),
        cmocka_unit_test(check_resources__the_whole_of_it),
        cmocka_unit_test(check_resources__what_cannot_be_seen),
        cmocka_unit_test(check_resources__moves),
        cmocka_unit_test(check_resources__elements_without_order),
        cmocka_unit_test(check_resources__what_is_ignored),
        cmocka_unit_test(check_resources__all),
        cmocka_unit_test(check_resources__of_an_added_unit),
        cmocka_unit_test_setup_teardown(check_resources__counts, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(check_resources__places, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(check_resources__doubts, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(check_resources__sensitive, arena_setup, arena_teardown),
    };
    return cmocka_run_group_tests_name("check_resources", tests, NULL, NULL);
}
