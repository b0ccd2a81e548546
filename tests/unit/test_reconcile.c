/* The engine on one resource at a time: what goes in is JSON, what comes out is a line. */
#include <stdio.h>

#include "base/err.h"
#include "model/json.h"
#include "reconcile/echo.h"
#include "reconcile/ignore.h"
#include "reconcile/reconcile.h"
#include "tests/support/values.h"

/* A type with every kind of attribute. */
static const char schema_text[] =
    "{'version':1,'block':{'attributes':{"
    "'id':{'type':'string','computed':true,'optional':true},"
    "'name':{'type':'string','required':true},"
    "'size':{'type':'number','optional':true},"
    "'enabled':{'type':'bool','optional':true},"
    "'zone':{'type':'string','optional':true,'computed':true},"
    "'arn':{'type':'string','computed':true},"
    "'tags':{'type':['map','string'],'optional':true},"
    "'tags_all':{'type':['map','string'],'optional':true,'computed':true},"
    "'policy':{'type':'string','optional':true},"
    "'secret':{'type':'string','optional':true,'sensitive':true},"
    "'wo':{'type':'string','optional':true,'write_only':true},"
    "'names':{'type':['set','string'],'optional':true},"
    "'hosts':{'type':['list','string'],'optional':true},"
    "'ingress':{'type':['set',['object',{'from':'number','to':'number','proto':'string',"
    "'cidrs':['list','string']}]],'optional':true,'computed':true}},"
    "'block_types':{"
    "'rule':{'nesting_mode':'set','block':{'attributes':{"
    "'port':{'type':'number','required':true},'proto':{'type':'string','optional':true},"
    "'desc':{'type':'string','optional':true},'rid':{'type':'string','computed':true}}}},"
    "'disk':{'nesting_mode':'list','block':{'attributes':{"
    "'size':{'type':'number','optional':true,'computed':true},"
    "'type':{'type':'string','optional':true}}}}}}}";

struct scene {
    const char *what;
    enum pb_action action;
    const char *d, *r, *l; /* attributes as JSON with ' for "; NULL: no such side */
    const char *configured;
    const char *baseline;
    const char *want; /* "verdict path=verdict ..." */
};

struct extra {
    const struct pb_echo_set *echoes;
    const struct pb_ignore_set *ignore;
    const char *const *ignore_changes;
    const char *const *unseeable;
    bool opaque, all, no_schema;
    enum pb_presence presence; /* of live, when there is no `l` */
};

static void run(struct pb_reconcile_out *out, struct pb_arena *a, const struct scene *s,
                const struct extra *x)
{
    const struct pb_schema *schema = NULL;
    struct pb_declared d = {.address = "t.a", .type = "t", .action = s->action};
    struct pb_recorded r = {.address = "t.a", .type = "t", .id = "i", .schema_version = 1};
    struct pb_live l = {.address = "t.a", .observer = "rest", .presence = PB_P_KNOWN};
    struct pb_live b = {.address = "t.a", .presence = PB_P_KNOWN};
    struct pb_declared_set ds = {.v = &d, .n = s->d || s->action != PB_ACT_NONE, .complete = true};
    struct pb_recorded_set rs = {.v = &r, .n = s->r != NULL};
    struct pb_live_set ls = {.v = &l, .n = 1}, bs = {.v = &b, .n = s->baseline != NULL};
    struct pb_reconcile_in in = {.declared = &ds, .recorded = &rs, .live = &ls, .baseline = &bs};
    struct pb_schema_set set = {.v = &schema, .n = x->no_schema ? 0 : 1};

    assert_int_equal(pb_schema_from_json(&schema, a, "t", json_marked(a, schema_text), NULL), 0);
    d.planned = json_marked(a, s->d);
    d.configured = s->configured ? json_marked(a, s->configured) : &pb_empty_map;
    d.configured_opaque = x->opaque;
    d.ignore_changes = x->ignore_changes;
    r.attributes = json_marked(a, s->r);
    l.attributes = json_marked(a, s->l);
    l.unseeable = x->unseeable;
    if (!s->l) {
        l.presence = x->presence;
        l.reason = "because";
    }
    b.attributes = json_marked(a, s->baseline);
    in.schemas = &set;
    in.echoes = x->echoes;
    in.ignore = x->ignore;
    in.all = x->all;
    pb_reconcile(out, a, &in);
}

static void describe(struct pb_buf *b, const struct pb_reconcile_out *out)
{
    pb_buf_clear(b);
    for (size_t i = 0; i < out->n; i++) {
        const struct pb_resource_result *r = &out->v[i];
        pb_buf_addf(b, "%s%s", i ? " / " : "", pb_verdict_name(r->verdict));
        if (r->also)
            pb_buf_addf(b, "+%s", pb_verdict_name(r->also));
        for (size_t k = 0; k < r->nattrs; k++)
            pb_buf_addf(b, " %s=%s%s", r->attrs[k].path, pb_verdict_name(r->attrs[k].verdict),
                        r->attrs[k].ignored ? "(ignored)" : "");
    }
}

static void check(const struct scene *s, const struct extra *x)
{
    struct pb_arena *a = pb_arena_new();
    struct pb_reconcile_out out;
    struct pb_buf got = PB_BUF_INIT;

    run(&out, a, s, x);
    describe(&got, &out);
    if (strcmp(got.s, s->want) != 0)
        fail_msg("%s:\n  got  %s\n  want %s", s->what, got.s, s->want);
    pb_buf_release(&got);
    pb_arena_free(a);
}

static const struct extra none = {.presence = PB_P_UNKNOWN};

static void check_all(const struct scene *v, size_t n, const struct extra *x)
{
    for (size_t i = 0; i < n; i++)
        check(&v[i], x);
}

#define UP PB_ACT_UPDATE
#define NO PB_ACT_NONE

static void reconcile__truth_table_rows(void **state)
{
    static const struct scene v[] = {
        {"in sync", NO, "{'name':'a'}", "{'name':'a'}", "{'name':'a'}", NULL, NULL, "in_sync"},
        {"pending", UP, "{'name':'b'}", "{'name':'a'}", "{'name':'a'}", NULL, NULL,
         "pending name=pending"},
        {"drifted", NO, "{'name':'a'}", "{'name':'a'}", "{'name':'b'}", NULL, NULL,
         "drifted name=drifted"},
        {"converged", UP, "{'name':'b'}", "{'name':'a'}", "{'name':'b'}", NULL, NULL,
         "converged name=converged"},
        {"conflict", UP, "{'name':'b'}", "{'name':'a'}", "{'name':'c'}", NULL, NULL,
         "conflict name=conflict"},
        {"stale record", UP, "{'name':'a'}", "{'name':'b'}", "{'name':'a'}", NULL, "{'name':'a'}",
         "stale_record name=stale_record"},
        {"computed", NO, "{'name':'a'}", "{'name':'a','arn':'x'}", "{'name':'a','arn':'y'}", NULL,
         NULL, "computed arn=computed"},
        {"unknown", NO, "{'name':'a'}", "{'name':'a'}", "{'name':{'$unknown':'403'}}", NULL, NULL,
         "unknown name=unknown"},
        {"laundered", UP, "{'name':'a'}", "{'name':'b'}", "{'name':'b'}", NULL, "{'name':'a'}",
         "laundered name=laundered"},
        {"write-only", NO, "{'name':'a'}", "{'name':'a'}", "{'name':'a'}", "{'wo':true}", NULL,
         "in_sync"},
    };

    (void)state;
    check_all(v, PB_COUNT(v), &none);
}

static void reconcile__silence(void **state)
{
    static const struct scene v[] = {
        {"optional and left out is declared null", NO, "{'name':'a'}", "{'name':'a'}",
         "{'name':'a','size':3}", NULL, NULL, "drifted size=drifted"},
        {"optional, computed and left out is silent", NO, "{'name':'a','zone':'z'}",
         "{'name':'a','zone':'z'}", "{'name':'a','zone':'y'}", NULL, NULL,
         "computed zone=computed"},
        {"optional, computed and set is declared", NO, "{'name':'a','zone':'z'}",
         "{'name':'a','zone':'z'}", "{'name':'a','zone':'y'}", "{'zone':true}", NULL,
         "drifted zone=drifted"},
        {"null and false are one where Git is silent", NO, "{'name':'a'}", "{'name':'a'}",
         "{'name':'a','enabled':false,'size':0}", NULL, NULL, "in_sync"},
        {"and two where it is not", NO, "{'name':'a','enabled':true}",
         "{'name':'a','enabled':true}", "{'name':'a','enabled':false}", NULL, NULL,
         "drifted enabled=drifted"},
        {"a block that the provider fills in", NO, "{'disk':[{'size':8}]}", "{'disk':[{'size':8}]}",
         "{'disk':[{'size':9}]}", NULL, NULL, "computed disk[0].size=computed"},
        {"a block that the configuration has", NO, "{'disk':[{'size':8,'type':'x'}]}",
         "{'disk':[{'size':8,'type':'x'}]}", "{'disk':[{'size':9,'type':'y'}]}",
         "{'disk':[{'type':true}]}", NULL, "drifted disk[0].size=computed disk[0].type=drifted"},
        {"known after apply", UP, "{'name':{'$unknown':null}}", "{'name':'a'}", "{'name':'a'}",
         NULL, NULL, "pending name=pending"},
        {"known after apply, and changed outside", UP, "{'name':{'$unknown':null}}", "{'name':'a'}",
         "{'name':'c'}", NULL, NULL, "conflict name=conflict"},
        {"known after apply, but computed", UP, "{'name':'b','arn':{'$unknown':null}}",
         "{'name':'a','arn':'x'}", "{'name':'a','arn':'x'}", NULL, NULL, "pending name=pending"},
        {"a no-op plan knows spelling better than plumb", NO, "{'name':'A'}", "{'name':'a'}",
         "{'name':'a'}", NULL, NULL, "in_sync"},
        {"baseline differs where Git is silent", NO, "{'name':'a'}", "{'name':'a','arn':'x'}",
         "{'name':'a','arn':'x'}", NULL, "{'name':'a','arn':'w'}", "in_sync"},
    };
    static const struct scene opaque = {"a dynamic block declares what it makes",
                                        NO,
                                        "{'disk':[{'size':8}]}",
                                        "{'disk':[{'size':8}]}",
                                        "{'disk':[{'size':9}]}",
                                        NULL,
                                        NULL,
                                        "drifted disk[0].size=drifted"};

    (void)state;
    check_all(v, PB_COUNT(v), &none);
    check(&opaque, &(struct extra){.opaque = true});
}

static void reconcile__unmapped(void **state)
{
    static const struct scene v[] = {
        {"not looked at", NO, "{'name':'a','size':1}", "{'name':'a','size':1}", "{'name':'a'}",
         NULL, NULL, "in_sync"},
        {"not looked at, and Git sets it", NO, "{'name':'a','size':1}", "{'name':'a','size':1}",
         "{'name':'a'}", "{'name':true,'size':true}", NULL, "unchecked"},
        {"Git sets it to null", NO, "{'name':'a','size':null}", "{'name':'a','size':1}",
         "{'name':'a'}", "{'name':true,'size':true}", NULL, "in_sync"},
        {"another differs", NO, "{'name':'a','size':1}", "{'name':'a','size':1}", "{'name':'b'}",
         "{'name':true,'size':true}", NULL, "drifted name=drifted"},
        {"not looked at, and Git changes it", UP, "{'name':'a','size':2}", "{'name':'a','size':1}",
         "{'name':'a'}", NULL, NULL, "pending size=pending"},
        {"nothing looked at", NO, "{'name':'a'}", "{'name':'a'}", "{}", NULL, NULL, "unchecked"},
        {"seen, and null", NO, "{'name':'a','size':1}", "{'name':'a','size':1}",
         "{'name':'a','size':null}", NULL, NULL, "drifted size=drifted"},
        {"a field of a set's elements is not mapped", NO,
         "{'rule':[{'port':1,'desc':'x'},{'port':2,'desc':'y'}]}",
         "{'rule':[{'port':1,'desc':'x'},{'port':2,'desc':'y'}]}",
         "{'rule':[{'port':2},{'port':1}]}", "{'rule':[{'port':true,'desc':true}]}", NULL,
         "in_sync"},
    };
    static const struct scene all = {"with all",
                                     NO,
                                     "{'name':'a','size':1}",
                                     "{'name':'a','size':1}",
                                     "{'name':'a'}",
                                     NULL,
                                     NULL,
                                     "in_sync name=in_sync size=unchecked"};
    static const struct scene set = {"nobody can see it",
                                     NO,
                                     "{'name':'a','size':1}",
                                     "{'name':'a','size':1}",
                                     "{'name':'a'}",
                                     "{'name':true,'size':true}",
                                     NULL,
                                     "in_sync"};
    static const char *const unseeable[] = {"other", "size", NULL};
    struct pb_arena *a = pb_arena_new();
    struct pb_reconcile_out out;

    (void)state;
    check_all(v, PB_COUNT(v), &none);
    check(&set, &(struct extra){.unseeable = unseeable});
    check(&all, &(struct extra){.all = true});
    run(&out, a, &all, &none);
    assert_int_equal(out.coverage.attributes_total, 2);
    assert_int_equal(out.coverage.attributes_observed, 1);
    pb_arena_free(a);
}

static void reconcile__collections(void **state)
{
    static const struct scene v[] = {
        {"a tag", NO, "{'tags':{'a':'1','b':'2'}}", "{'tags':{'a':'1','b':'2'}}",
         "{'tags':{'a':'x','c':'3'}}", NULL, NULL,
         "drifted tags.a=drifted tags.b=drifted tags.c=drifted"},
        {"an empty tag is not a missing one", NO, "{'tags':{'a':'','b':'1'}}",
         "{'tags':{'a':'','b':'1'}}", "{'tags':{'b':'1'}}", NULL, NULL, "drifted tags.a=drifted"},
        {"null and the empty map", NO, "{'tags':null}", "{'tags':{}}", "{'tags':{}}", NULL, NULL,
         "in_sync"},
        {"a tag that is no identifier", NO, "{'tags':{'a.b':'1'}}", "{'tags':{'a.b':'1'}}",
         "{'tags':{'a.b':'2'}}", NULL, NULL, "drifted tags[\"a.b\"]=drifted"},
        {"sets have no order", NO, "{'names':['a','b']}", "{'names':['a','b']}",
         "{'names':['b','a']}", NULL, NULL, "in_sync"},
        {"lists have", NO, "{'hosts':['a','b']}", "{'hosts':['a','b']}", "{'hosts':['b','a']}",
         NULL, NULL, "drifted hosts[0]=drifted hosts[1]=drifted"},
        {"an element of a set is gone, one has come", NO, "{'names':['a','b']}",
         "{'names':['a','b']}", "{'names':['c','b']}", NULL, NULL,
         "drifted names[0]=drifted names[2]=drifted"},
        {"Git drops an element", UP, "{'names':['b']}", "{'names':['a','b']}",
         "{'names':['b','a']}", NULL, NULL, "pending names[0]=pending"},
        {"Git adds an element that is there already", UP, "{'names':['a','b']}", "{'names':['a']}",
         "{'names':['b','a']}", NULL, NULL, "converged names[1]=converged"},
        {"an element was added outside, and a refresh hid it", UP, "{'names':['a']}",
         "{'names':['a','b']}", "{'names':['a','b']}", NULL, "{'names':['a']}",
         "laundered names[1]=laundered"},
        {"Git drops an element that the baseline has", UP, "{'names':['a']}", "{'names':['a','b']}",
         "{'names':['a','b']}", NULL, "{'names':['b','a']}", "pending names[1]=pending"},
    };

    (void)state;
    check_all(v, PB_COUNT(v), &none);
}

#define RULES "{'rule':[{'port':true,'proto':true,'desc':true}]}"

static void reconcile__sets_of_objects(void **state)
{
    static const struct scene v[] = {
        {"reordered", NO, "{'rule':[{'port':1,'proto':'tcp'},{'port':2,'proto':'udp'}]}",
         "{'rule':[{'port':1,'proto':'tcp'},{'port':2,'proto':'udp'}]}",
         "{'rule':[{'port':2,'proto':'udp'},{'port':1,'proto':'tcp'}]}", RULES, NULL, "in_sync"},
        {"the most alike is the changed one", NO,
         "{'rule':[{'port':1,'proto':'tcp','desc':'x'},{'port':2,'proto':'tcp','desc':'y'}]}",
         "{'rule':[{'port':1,'proto':'tcp','desc':'x'},{'port':2,'proto':'tcp','desc':'y'}]}",
         "{'rule':[{'port':3,'proto':'tcp','desc':'y'}]}", RULES, NULL,
         "drifted rule[0]=drifted rule[1].port=drifted"},
        {"one has come", NO, "{'rule':[{'port':1,'proto':'tcp'}]}",
         "{'rule':[{'port':1,'proto':'tcp'}]}",
         "{'rule':[{'port':9,'proto':'udp'},{'port':1,'proto':'tcp'}]}", RULES, NULL,
         "drifted rule[1]=drifted"},
        {"Git changes one", UP, "{'rule':[{'port':2,'proto':'tcp','rid':{'$unknown':null}}]}",
         "{'rule':[{'port':1,'proto':'tcp','rid':'r1'}]}",
         "{'rule':[{'port':1,'proto':'tcp','rid':'r1'}]}", RULES, NULL,
         "pending rule[0].port=pending"},
        {"Git changes one, the world another way", UP, "{'rule':[{'port':2,'proto':'tcp'}]}",
         "{'rule':[{'port':1,'proto':'tcp'}]}", "{'rule':[{'port':3,'proto':'tcp'}]}", RULES, NULL,
         "conflict rule[0].port=conflict"},
        {"by hand what Git asks", UP, "{'rule':[{'port':2,'proto':'tcp'}]}",
         "{'rule':[{'port':1,'proto':'tcp'}]}", "{'rule':[{'port':2,'proto':'tcp'}]}", RULES, NULL,
         "converged rule[0].port=converged"},
        {"an attribute that is a set of objects", NO,
         "{'ingress':[{'from':1,'to':1,'proto':'tcp','cidrs':['a']}]}",
         "{'ingress':[{'from':1,'to':1,'proto':'tcp','cidrs':['a']}]}",
         "{'ingress':[{'from':1,'to':2,'proto':'tcp','cidrs':['a','b']}]}", "{'ingress':true}",
         NULL, "drifted ingress[0].cidrs[1]=drifted ingress[0].to=drifted"},
        {"unknown inside an element", NO, "{'rule':[{'port':1,'proto':'tcp'}]}",
         "{'rule':[{'port':1,'proto':'tcp'}]}",
         "{'rule':[{'port':1,'proto':{'$unknown':'cut off'}}]}", RULES, NULL,
         "unknown rule[0].proto=unknown"},
    };

    (void)state;
    check_all(v, PB_COUNT(v), &none);
}

static void reconcile__policies(void **state)
{
    static const char p1[] = "{'policy':'{\\u0022Version\\u0022:\\u00221\\u0022,\\u0022Statement"
                             "\\u0022:[{\\u0022Effect\\u0022:\\u0022Allow\\u0022,\\u0022Action"
                             "\\u0022:[\\u0022a\\u0022,\\u0022b\\u0022]}]}'}";
    static const char p2[] = "{'policy':'{\\u0022Statement\\u0022:{\\u0022Action\\u0022:[\\u0022b"
                             "\\u0022,\\u0022a\\u0022],\\u0022Effect\\u0022:\\u0022Allow\\u0022},"
                             "\\u0022Version\\u0022:\\u00221\\u0022}'}";
    static const char p3[] = "{'policy':'{\\u0022Statement\\u0022:{\\u0022Action\\u0022:[\\u0022c"
                             "\\u0022,\\u0022a\\u0022],\\u0022Effect\\u0022:\\u0022Allow\\u0022},"
                             "\\u0022Version\\u0022:\\u00221\\u0022}'}";
    static const struct scene v[] = {
        {"the same policy", NO, p1, p1, p2, NULL, NULL, "in_sync"},
        {"another policy", NO, p1, p1, p3, NULL, NULL, "drifted policy=drifted"},
    };

    (void)state;
    check_all(v, PB_COUNT(v), &none);
}

static void reconcile__without_a_schema(void **state)
{
    static const struct scene v[] = {
        {"only what the configuration names is declared", NO, "{'name':'a','x':1}",
         "{'name':'a','x':1}", "{'name':'b','x':2}", "{'name':true}", NULL,
         "drifted name=drifted x=computed"},
        {"numbers by value", NO, "{'x':1}", "{'x':1.0}", "{'x':1e0}", "{'x':true}", NULL,
         "in_sync"},
    };

    (void)state;
    check_all(v, PB_COUNT(v), &(struct extra){.no_schema = true});
}

static void reconcile__echoes(void **state)
{
    static const char text[] =
        "[{'type':'t','path':'rule','kind':'mirror','why':'mirrors its children'},"
        "{'type':'t','path':'hosts','kind':'unordered','why':'order is not kept'},"
        "{'type':'*','path':'name','kind':'case','why':'case is not kept'},"
        "{'type':'*','path':'tags_all','kind':'declared','repeats':'tags','why':'repeats tags'},"
        "{'type':'t','path':'size','kind':'null_empty','why':'0 is none'}]";
    static const struct scene v[] = {
        {"a mirror where Git is silent", NO, "{'name':'a'}", "{'name':'a'}",
         "{'name':'a','rule':[{'port':1}]}", NULL, NULL, "in_sync"},
        {"a mirror where Git is not", NO, "{'rule':[{'port':2}]}", "{'rule':[{'port':2}]}",
         "{'rule':[{'port':2},{'port':1,'proto':'x'}]}", RULES, NULL, "drifted rule[1]=drifted"},
        {"unordered", NO, "{'hosts':['a','b']}", "{'hosts':['a','b']}", "{'hosts':['b','a']}", NULL,
         NULL, "in_sync"},
        {"case", NO, "{'name':'a'}", "{'name':'a'}", "{'name':'A'}", NULL, NULL, "in_sync"},
        {"case, but another name", NO, "{'name':'a'}", "{'name':'a'}", "{'name':'B'}", NULL, NULL,
         "drifted name=drifted"},
        {"a tag that tags_all repeats", NO, "{'tags':{'a':'1'},'tags_all':{'a':'1'}}",
         "{'tags':{'a':'1'},'tags_all':{'a':'1'}}", "{'tags':{'a':'2'},'tags_all':{'a':'2'}}", NULL,
         NULL, "drifted tags.a=drifted"},
        {"a default tag", NO, "{'tags':{'a':'1'},'tags_all':{'a':'1','d':'1'}}",
         "{'tags':{'a':'1'},'tags_all':{'a':'1','d':'1'}}",
         "{'tags':{'a':'1'},'tags_all':{'a':'1'}}", NULL, NULL, "drifted tags_all.d=drifted"},
        {"a repeated value that is not known yet", PB_ACT_REPLACE,
         "{'name':'b','tags_all':{'$unknown':null}}", "{'name':'a','tags_all':{'d':'1'}}",
         "{'name':'a','tags_all':{'d':'1'}}", NULL, NULL, "pending name=pending"},
        {"null and 0", NO, "{'size':0}", "{'size':0}", "{'size':null}", NULL, NULL, "in_sync"},
    };
    struct pb_arena *a = pb_arena_new();
    struct extra x = {0};

    (void)state;
    assert_int_equal(pb_echo_parse(&x.echoes, a, json_marked(a, text), "f", NULL), 0);
    check_all(v, PB_COUNT(v), &x);
    pb_arena_free(a);
}

/* What a report does not show it counts, and says why; with `all` it is the same. */
static void reconcile__ignored_is_counted(void **state)
{
    static const char *const changes[] = {"tags[\"a\"]", NULL};
    static const struct {
        struct scene s;
        size_t n;
        const char *reasons;
    } v[] = {
        {{"two", NO, "{'name':'a','tags':{'a':'1'}}", "{'name':'a','tags':{'a':'1'}}",
          "{'name':'b','tags':{'a':'2'}}", NULL, NULL, ""},
         2,
         "r,lifecycle.ignore_changes"},
        {{"all agree", NO, "{'name':'a'}", "{'name':'a'}", "{'name':'a'}", NULL, NULL, ""}, 0, ""},
        {{"not observed", NO, "{'name':'a'}", "{'name':'a'}", NULL, NULL, NULL, ""}, 0, ""},
        {{"not observed, and Git asks", UP, "{'name':'b'}", "{'name':'a'}", NULL, NULL, NULL, ""},
         1,
         "r"},
    };
    struct pb_arena *a = pb_arena_new();
    struct pb_ignore_set *set = NULL;
    struct extra x = {.ignore_changes = changes};

    (void)state;
    assert_int_equal(
        pb_ignore_parse(&set, json_marked(a, "[{'path':'name','reason':'r'}]"), "f", NULL), 0);
    x.ignore = set;
    for (size_t i = 0; i < 2 * PB_COUNT(v); i++) {
        PB_AUTO(buf) struct pb_buf reasons = PB_BUF_INIT;
        struct pb_reconcile_out out;

        x.all = i % 2;
        run(&out, a, &v[i / 2].s, &x);
        for (size_t k = 0; k < out.ignored.nreasons; k++)
            pb_buf_addf(&reasons, "%s%s", k ? "," : "", out.ignored.reasons[k]);
        assert_int_equal(out.ignored.n, v[i / 2].n);
        assert_string_equal(reasons.s ? reasons.s : "", v[i / 2].reasons);
        assert_false(out.ignored.more);
    }
    pb_ignore_free(set);
    pb_arena_free(a);
}

static void reconcile__ignored(void **state)
{
    static const char *const changes[] = {"tags[\"a\"]", NULL};
    static const struct scene v[] = {
        {"by the configuration's lifecycle", NO, "{'tags':{'a':'1'}}", "{'tags':{'a':'1'}}",
         "{'tags':{'a':'2'}}", NULL, NULL, "in_sync"},
        {"by a rule", NO, "{'name':'a','size':1}", "{'name':'a','size':1}", "{'name':'b','size':1}",
         NULL, NULL, "in_sync"},
        {"and not", NO, "{'name':'a','size':1}", "{'name':'a','size':1}", "{'name':'a','size':2}",
         NULL, NULL, "drifted size=drifted"},
        {"all that an update would change", UP, "{'name':'b'}", "{'name':'a'}", "{'name':'a'}",
         NULL, NULL, "in_sync"},
        {"one of two that an update would change", UP, "{'name':'b','size':2}",
         "{'name':'a','size':1}", "{'name':'a','size':1}", NULL, NULL, "pending size=pending"},
        {"drift explains no update", UP, "{'name':'a'}", "{'name':'a'}", "{'name':'b'}", NULL, NULL,
         "pending"},
        {"a replacement is more than its attributes", PB_ACT_REPLACE, "{'name':'b'}",
         "{'name':'a'}", "{'name':'a'}", NULL, NULL, "pending"},
        {"what could not be observed, either", UP, "{'name':'b'}", "{'name':'a'}", NULL, NULL, NULL,
         "unobserved"},
    };
    struct pb_arena *a = pb_arena_new();
    struct pb_ignore_set *set = NULL;
    struct extra x = {.ignore_changes = changes};

    (void)state;
    assert_int_equal(
        pb_ignore_parse(&set,
                        json_marked(a, "[{'address':'/t\\\\..*/','path':'name','reason':'r'}]"),
                        "f", NULL),
        0);
    x.ignore = set;
    check_all(v, PB_COUNT(v), &x);
    pb_ignore_free(set);
    pb_arena_free(a);
}

/* However the sides order a set, and however often it is asked, the answer is the same. */
static void reconcile__order_does_not_matter(void **state)
{
    static const char *const rule[] = {
        "{'port':1,'proto':'tcp','desc':'x'}", "{'port':2,'proto':'tcp','desc':'x'}",
        "{'port':3,'proto':'udp','desc':'y'}", "{'port':4,'proto':'udp','desc':'y'}"};
    unsigned seed = 1;

    (void)state;
    for (int round = 0; round < 200; round++) {
        struct pb_buf side[2] = {PB_BUF_INIT, PB_BUF_INIT};
        struct scene s = {.what = "shuffled", .configured = RULES};
        s.r = "{'rule':[{'port':1,'proto':'tcp','desc':'x'},{'port':2,'proto':'tcp','desc':'x'},"
              "{'port':3,'proto':'udp','desc':'y'},{'port':4,'proto':'udp','desc':'y'}]}";
        for (int k = 0; k < 2; k++) {
            unsigned left = 15;
            pb_buf_adds(&side[k], "{'rule':[");
            while (left) {
                size_t i = (seed = seed * 1103515245 + 12345) >> 16 & 3;
                if (!(left & 1U << i))
                    continue;
                left &= ~(1U << i);
                if (k == 1 && i == 2 && round % 2) /* every other time, one drifts */
                    pb_buf_adds(&side[k], "{'port':33,'proto':'udp','desc':'y'}");
                else
                    pb_buf_adds(&side[k], rule[i]);
                pb_buf_adds(&side[k], left ? "," : "]}");
            }
        }
        s.d = side[0].s;
        s.l = side[1].s;
        s.want = round % 2 ? "drifted rule[2].port=drifted" : "in_sync";
        check(&s, &none);
        check(&s, &none);
        pb_buf_release(&side[0]);
        pb_buf_release(&side[1]);
    }
}

static void reconcile__presence_of_one(void **state)
{
    static const struct scene unknown = {"not observed", NO,   "{'name':'a'}", "{'name':'a'}",
                                         NULL,           NULL, NULL,           "unobserved"};
    static const struct scene shown = {
        "not observed, but Git changes it", UP, "{'name':'b'}", "{'name':'a'}", NULL, NULL, NULL,
        "unobserved+pending name=unknown"};
    static const struct scene both = {"part of it not observed, and Git changes another",
                                      UP,
                                      "{'name':'b','size':1}",
                                      "{'name':'a','size':1}",
                                      "{'name':'a','size':{'$unknown':'403'}}",
                                      NULL,
                                      NULL,
                                      "unknown+pending name=pending size=unknown"};
    static const struct scene same_one = {"the very one that Git changes is not observed",
                                          UP,
                                          "{'name':'b'}",
                                          "{'name':'a'}",
                                          "{'name':{'$unknown':'403'}}",
                                          NULL,
                                          NULL,
                                          "unknown+pending name=unknown"};
    static const struct scene dropped_unseen = {"not observed, and Git drops it",
                                                PB_ACT_DELETE,
                                                NULL,
                                                "{'name':'a'}",
                                                NULL,
                                                NULL,
                                                NULL,
                                                "unobserved+pending"};
    static const struct scene gone = {
        "deleted outside", NO, "{'name':'a'}", "{'name':'a'}", NULL, NULL, NULL, "missing"};
    static const struct scene dropped = {"deleted outside, and dropped by Git",
                                         PB_ACT_DELETE,
                                         NULL,
                                         "{'name':'a'}",
                                         NULL,
                                         NULL,
                                         NULL,
                                         "converged"};
    static const struct scene create = {
        "not created yet", PB_ACT_CREATE, "{'name':'a'}", NULL, NULL, NULL, NULL, "pending"};
    static const struct scene extra = {"in no state",  NO,   NULL, NULL,
                                       "{'name':'a'}", NULL, NULL, "unmanaged"};
    static const struct scene undeclared = {"Git dropped it", NO,   NULL, "{'name':'a'}",
                                            "{'name':'a'}",   NULL, NULL, "pending"};
    static const struct scene quiet = {"an update of what only the apply knows",
                                       UP,
                                       "{'name':'a'}",
                                       "{'name':'a'}",
                                       "{'name':'a'}",
                                       NULL,
                                       NULL,
                                       "pending"};
    struct extra absent = {.presence = PB_P_ABSENT};

    (void)state;
    check(&unknown, &none);
    check(&shown, &none);
    check(&both, &none);
    check(&same_one, &none);
    check(&dropped_unseen, &none);
    check(&gone, &absent);
    check(&dropped, &absent);
    check(&create, &none);
    check(&extra, &none);
    check(&undeclared, &none);
    check(&quiet, &none);
}

static void reconcile__sensitive_is_flagged(void **state)
{
    static const struct scene s = {
        "", NO, "{'secret':'a'}", "{'secret':'a'}", "{'secret':'b'}", NULL, NULL, ""};
    struct pb_arena *a = *state;
    struct pb_reconcile_out out;

    run(&out, a, &s, &none);
    assert_int_equal(out.v[0].verdict, PB_DRIFTED);
    assert_true(out.v[0].attrs[0].sensitive);
}

/* What was last verified goes with the attribute, so that a report can show what is meant. */
static void reconcile__the_baseline_is_handed_on(void **state)
{
    static const struct scene s = {"",
                                   UP,
                                   "{'names':['a'],'name':'x'}",
                                   "{'names':['a','b'],'name':'y'}",
                                   "{'names':['a','b'],'name':'y'}",
                                   NULL,
                                   "{'names':['a'],'name':'x'}",
                                   ""};
    static const struct scene without = {
        "", UP, "{'name':'x'}", "{'name':'y'}", "{'name':'y'}", NULL, NULL, ""};
    struct pb_arena *a = *state;
    struct pb_reconcile_out out;

    run(&out, a, &s, &none);
    assert_int_equal(out.v[0].nattrs, 2);
    assert_true(out.v[0].attrs[0].has_baseline);
    assert_string_equal(pb_str(out.v[0].attrs[0].baseline), "x");
    assert_true(out.v[0].attrs[1].has_baseline); /* it had no such element */
    assert_null(out.v[0].attrs[1].baseline);
    run(&out, a, &without, &none);
    assert_false(out.v[0].attrs[0].has_baseline);
}

static void reconcile__moved_and_deposed(void **state)
{
    struct pb_arena *a = *state;
    const struct pb_value *attrs = json_marked(a, "{'name':'a'}");
    const struct pb_declared d = {.address = "t.new",
                                  .type = "t",
                                  .planned = attrs,
                                  .configured = &pb_empty_map,
                                  .previous_address = "t.old"};
    const struct pb_recorded r[] = {
        {.address = "t.old", .type = "t", .attributes = attrs, .deposed = "abcd"},
        {.address = "t.old", .type = "t", .attributes = attrs}};
    const struct pb_live l = {.address = "t.old", .presence = PB_P_KNOWN, .attributes = attrs};
    const struct pb_live b = {.address = "t.old", .presence = PB_P_KNOWN, .attributes = attrs};
    const struct pb_declared_set ds = {.v = &d, .n = 1, .complete = true};
    const struct pb_recorded_set rs = {.v = r, .n = 2};
    const struct pb_live_set ls[] = {{.v = &l, .n = 1}}, bs = {.v = &b, .n = 1};
    const struct pb_reconcile_in in = {
        .declared = &ds, .recorded = &rs, .live = ls, .baseline = &bs, .all = true};
    struct pb_reconcile_out out;

    pb_reconcile(&out, a, &in);
    assert_int_equal(out.n, 2);
    assert_string_equal(out.v[0].address, "t.new");
    assert_int_equal(out.v[0].verdict, PB_PENDING);
    assert_string_equal(out.v[0].reason, "moves from t.old");
    assert_true(out.v[0].attrs[0].has_baseline);
    assert_string_equal(out.v[1].address, "t.old (deposed abcd)");
    assert_int_equal(out.v[1].action, PB_ACT_DELETE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reconcile__truth_table_rows),
        cmocka_unit_test(reconcile__silence),
        cmocka_unit_test(reconcile__unmapped),
        cmocka_unit_test(reconcile__collections),
        cmocka_unit_test(reconcile__sets_of_objects),
        cmocka_unit_test(reconcile__policies),
        cmocka_unit_test(reconcile__without_a_schema),
        cmocka_unit_test(reconcile__echoes),
        cmocka_unit_test(reconcile__ignored),
        cmocka_unit_test(reconcile__ignored_is_counted),
        cmocka_unit_test(reconcile__order_does_not_matter),
        cmocka_unit_test(reconcile__presence_of_one),
        cmocka_unit_test_setup_teardown(reconcile__sensitive_is_flagged, arena_setup,
                                        arena_teardown),
        cmocka_unit_test_setup_teardown(reconcile__the_baseline_is_handed_on, arena_setup,
                                        arena_teardown),
        cmocka_unit_test_setup_teardown(reconcile__moved_and_deposed, arena_setup, arena_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
