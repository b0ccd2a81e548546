/* What a mirror shows is an echo only where some resource owns it. */
#include <stdio.h>

#include "base/fs.h"
#include "model/yaml.h"
#include "reconcile/explain.h"
#include "reconcile/owner.h"
#include "tests/support/values.h"

static const char table[] =
    "[{'type':'t','path':'rules','kind':'mirror','why':'shows rules','alike':[['tcp','6']],"
    "'owners':[{'type':'rule','of':{'group':'id'},'where':{'way':['in','both']},"
    "'key':{'proto':'protocol','port':'port'},'each':{'from':'source'}},"
    "{'type':'rule','of':{'group':'id','source':'id'},'where':{'way':'in'},"
    "'key':{'proto':'protocol','port':'port'},'each':{'self':'source'}}]},"
    "{'type':'t','path':'names','kind':'mirror','why':'shows names',"
    "'owners':[{'type':'name','of':{'groups':'id'},'key':{'.':'name'}}]},"
    "{'type':'t','path':'inline','kind':'mirror','why':'shows names',"
    "'owners':[{'type':'name','of':{'groups':'id'},'key':{'name':'name'}}]},"
    "{'type':'t','path':'policy','kind':'mirror','why':'shows a policy','elsewhere':true,"
    "'owners':[{'type':'policy','of':{'group':['id','arn']}}]}]";

/* Null is declared for what is optional alone; the rest is the provider's where Git is silent. */
static const char schema_text[] =
    "{'version':1,'block':{'attributes':{'id':{'type':'string','computed':true},"
    "'arn':{'type':'string','computed':true},"
    "'rules':{'type':['set',['object',{'proto':'string','port':'number','from':['set','string'],"
    "'self':'bool'}]],'optional':true,'computed':true},"
    "'names':{'type':['set','string'],'optional':true,'computed':true},"
    "'policy':{'type':'string','optional':true,'computed':true}},"
    "'block_types':{'inline':{'nesting_mode':'set','block':{'attributes':{"
    "'name':{'type':'string','optional':true}}}}}}}";

#define ID             "'id':'g1','arn':'arn:g1'"
#define IS(attributes) "{" ID "," attributes "}"
#define WEB            "{'proto':'tcp','port':80,'from':['a'],'self':false}"
#define DB             "{'proto':'tcp','port':5432,'from':['0.0.0.0/0'],'self':false}"
#define WEB_RULE       "'group':'g1','way':'in','protocol':'tcp','port':80,'source':'a'"

struct scene {
    const char *what;
    const char *r, *l;       /* the parent's attributes */
    const char *child;       /* type of those below */
    const char *declared[2]; /* attributes of children */
    const char *recorded[3];
    const char *configured;
    const char *want;
};

struct estate {
    struct pb_declared d[4];
    struct pb_recorded r[4];
    struct pb_live live;
    struct pb_declared_set ds;
    struct pb_recorded_set rs;
    struct pb_live_set ls;
    const struct pb_schema *schema;
    struct pb_schema_set schemas;
    struct pb_reconcile_in in;
};

static void build(struct estate *e, struct pb_arena *a, const struct scene *s,
                  const struct pb_echo_set *echoes)
{
    memset(e, 0, sizeof(*e));
    for (size_t i = 0; i < PB_COUNT(s->declared) && s->declared[i]; i++)
        e->d[e->ds.n++] = (struct pb_declared){.address = pb_arena_printf(a, "c.d%zu", i),
                                               .type = s->child,
                                               .action = PB_ACT_CREATE,
                                               .planned = json_marked(a, s->declared[i]),
                                               .configured = &pb_empty_map};
    for (size_t i = 0; i < PB_COUNT(s->recorded) && s->recorded[i]; i++)
        e->r[e->rs.n++] = (struct pb_recorded){.address = pb_arena_printf(a, "c.r%zu", i),
                                               .type = s->child,
                                               .attributes = json_marked(a, s->recorded[i])};
    e->d[e->ds.n++] = (struct pb_declared){
        .address = "t.a",
        .type = "t",
        .planned = json_marked(a, s->r),
        .configured = s->configured ? json_marked(a, s->configured) : &pb_empty_map};
    e->r[e->rs.n++] = (struct pb_recorded){
        .address = "t.a", .type = "t", .attributes = json_marked(a, s->r), .schema_version = 1};
    e->live = (struct pb_live){
        .address = "t.a", .presence = PB_P_KNOWN, .attributes = json_marked(a, s->l)};
    e->ds.v = e->d;
    e->ds.complete = true;
    e->rs.v = e->r;
    e->ls = (struct pb_live_set){&e->live, 1};
    assert_int_equal(pb_schema_from_json(&e->schema, a, "t", json_marked(a, schema_text), NULL), 0);
    e->schemas = (struct pb_schema_set){&e->schema, 1};
    e->in = (struct pb_reconcile_in){.declared = &e->ds,
                                     .recorded = &e->rs,
                                     .live = &e->ls,
                                     .schemas = &e->schemas,
                                     .echoes = echoes};
}

static const struct pb_resource_result *parent(const struct pb_reconcile_out *out)
{
    return &out->v[out->n - 1];
}

static void check(struct pb_arena *a, const struct scene *s, const struct pb_echo_set *echoes)
{
    struct estate e;
    struct pb_reconcile_out out;
    struct pb_buf got = PB_BUF_INIT;

    build(&e, a, s, echoes);
    pb_reconcile(&out, a, &e.in);
    pb_buf_adds(&got, pb_verdict_name(parent(&out)->verdict));
    for (size_t i = 0; i < parent(&out)->nattrs; i++)
        pb_buf_addf(&got, " %s=%s", parent(&out)->attrs[i].path,
                    pb_verdict_name(parent(&out)->attrs[i].verdict));
    if (strcmp(got.s, s->want) != 0)
        fail_msg("%s:\n  got  %s\n  want %s", s->what, got.s, s->want);
    pb_buf_release(&got);
}

static void check_all(struct pb_arena *a, const struct scene *v, size_t n)
{
    const struct pb_echo_set *echoes;

    assert_int_equal(pb_echo_parse(&echoes, a, json_marked(a, table), "f", NULL), 0);
    for (size_t i = 0; i < n; i++)
        check(a, &v[i], echoes);
}

static void owner__whole_attributes(void **state)
{
    static const char none[] = IS("'policy':''"), some[] = IS("'policy':'p'");
    static const struct scene v[] = {
        {"nobody", none, some, "policy", {0}, {0}, NULL, "computed policy=computed"},
        {"a recorded one", none, some, "policy", {0}, {"{'group':'g1'}"}, NULL, "in_sync"},
        {"a declared one", none, some, "policy", {"{'group':'g1'}"}, {0}, NULL, "in_sync"},
        {"by another name of it",
         none,
         some,
         "policy",
         {0},
         {"{'group':'arn:g1'}"},
         NULL,
         "in_sync"},
        {"of another group",
         none,
         some,
         "policy",
         {0},
         {"{'group':'g2'}"},
         NULL,
         "computed policy=computed"},
        {"of another type",
         none,
         some,
         "rule",
         {0},
         {"{'group':'g1'}"},
         NULL,
         "computed policy=computed"},
        {"of nobody knows which group",
         none,
         some,
         "policy",
         {"{'group':{'$unknown':null}}"},
         {0},
         NULL,
         "computed policy=computed"},
        {"with no such attribute",
         none,
         some,
         "policy",
         {0},
         {"{'x':1}"},
         NULL,
         "computed policy=computed"},
        {"of none",
         none,
         some,
         "policy",
         {0},
         {"{'group':null}"},
         NULL,
         "computed policy=computed"},
        {"Git decides, and nobody",
         none,
         some,
         "policy",
         {0},
         {0},
         "{'policy':true}",
         "drifted policy=drifted"},
        {"Git decides, and an owner",
         none,
         some,
         "policy",
         {0},
         {"{'group':'g1'}"},
         "{'policy':true}",
         "drifted policy=drifted"},
    };

    check_all(*state, v, PB_COUNT(v));
}

static void owner__elements(void **state)
{
    static const char none[] = IS("'names':[]"), one[] = IS("'names':['x']"),
                      two[] = IS("'names':['x','y']");
    static const struct scene v[] = {
        {"nobody", none, one, "name", {0}, {0}, NULL, "computed names[0]=computed"},
        {"one of two",
         none,
         two,
         "name",
         {0},
         {"{'groups':['g1'],'name':'x'}"},
         NULL,
         "computed names[1]=computed"},
        {"both, one of them for two groups",
         none,
         two,
         "name",
         {"{'groups':['g1'],'name':'x'}"},
         {"{'groups':['g2','g1'],'name':'y'}"},
         NULL,
         "in_sync"},
        {"of another group",
         none,
         one,
         "name",
         {0},
         {"{'groups':['g2'],'name':'x'}"},
         NULL,
         "computed names[0]=computed"},
        {"of no group",
         none,
         one,
         "name",
         {0},
         {"{'groups':[],'name':'x'}"},
         NULL,
         "computed names[0]=computed"},
        {"an unknown name may be any",
         none,
         one,
         "name",
         {"{'groups':['g1'],'name':{'$unknown':null}}"},
         {0},
         NULL,
         "in_sync"},
        {"a list of names",
         none,
         two,
         "name",
         {0},
         {"{'groups':['g1'],'name':['x','y']}"},
         NULL,
         "in_sync"},
        {"what is gone is its owner's",
         two,
         one,
         "name",
         {0},
         {"{'groups':['g1'],'name':'x'}"},
         NULL,
         "in_sync"},
        {"what is gone was nobody's",
         two,
         one,
         "name",
         {0},
         {0},
         NULL,
         "computed names[0]=computed names[1]=computed"},
    };

    check_all(*state, v, PB_COUNT(v));
}

/* A refresh records what was put there by hand: once it was in sync from then on. */
static void owner__recorded(void **state)
{
    static const char two[] = IS("'names':['x','y']");
    static const struct scene v[] = {
        {"what nobody owns has long been recorded",
         two,
         two,
         "name",
         {0},
         {"{'groups':['g1'],'name':'x'}"},
         NULL,
         "computed names[1]=computed"},
        {"the same, and Git says so", two, two, "name", {0}, {0}, "{'names':{}}", "in_sync"},
        {"a whole attribute that is recorded is a default",
         IS("'policy':'p'"),
         IS("'policy':'p'"),
         "policy",
         {0},
         {0},
         NULL,
         "in_sync"},
    };

    check_all(*state, v, PB_COUNT(v));
}

/* What was deleted through its owner once was told as nobody's, though there was nothing left. */
static void owner__what_is_gone_is_no_finding(void **state)
{
    static const struct scene s = {
        .what = "", .r = IS("'names':['x']"), .l = IS("'names':[]"), .child = "name"};
    const struct pb_echo_set *echoes;
    struct pb_reconcile_out out;
    struct estate e;

    assert_int_equal(pb_echo_parse(&echoes, *state, json_marked(*state, table), "f", NULL), 0);
    build(&e, *state, &s, echoes);
    pb_reconcile(&out, *state, &e.in);
    assert_int_equal(parent(&out)->verdict, PB_COMPUTED);
    assert_int_equal(out.nobodys, 0);
}

/* Left out, they are declared to be none; but of a mirror nobody says that. */
static void owner__blocks(void **state)
{
    static const char none[] = IS("'inline':[]"), one[] = IS("'inline':[{'name':'x'}]"),
                      two[] = IS("'inline':[{'name':'x'},{'name':'y'}]");
    static const struct scene v[] = {
        {"nobody", none, one, "name", {0}, {0}, NULL, "computed inline[0]=computed"},
        {"one of two",
         none,
         two,
         "name",
         {0},
         {"{'groups':'g1','name':'x'}"},
         NULL,
         "computed inline[1]=computed"},
        {"one of two, on record",
         one,
         two,
         "name",
         {0},
         {"{'groups':'g1','name':'x'}"},
         NULL,
         "computed inline[1]=computed"},
        {"Git has one",
         one,
         two,
         "name",
         {0},
         {0},
         "{'inline':[{'name':true}]}",
         "drifted inline[1]=drifted"},
    };

    check_all(*state, v, PB_COUNT(v));
}

/* AWS shows all rules of one port as one. */
static void owner__collected(void **state)
{
    static const char none[] = IS("'rules':[]"), web[] = IS("'rules':[" WEB "]"),
                      both[] = IS("'rules':[" WEB "," DB "]"), rule[] = "{" WEB_RULE "}";
    static const struct scene v[] = {
        {"nobody", none, web, "rule", {0}, {0}, NULL, "computed rules[0]=computed"},
        {"its rule", none, web, "rule", {0}, {rule}, NULL, "in_sync"},
        {"its rule, and one by hand",
         none,
         both,
         "rule",
         {0},
         {rule},
         NULL,
         "computed rules[1]=computed"},
        {"the same, with the first on record",
         web,
         both,
         "rule",
         {0},
         {rule},
         NULL,
         "computed rules[1]=computed"},
        {"spelled otherwise",
         none,
         web,
         "rule",
         {0},
         {"{'group':'g1','way':'both','protocol':'6','port':80,'source':'a'}"},
         NULL,
         "in_sync"},
        {"the other way",
         none,
         web,
         "rule",
         {0},
         {"{'group':'g1','way':'out','protocol':'tcp','port':80,'source':'a'}"},
         NULL,
         "computed rules[0]=computed"},
    };

    check_all(*state, v, PB_COUNT(v));
}

/* And all sources that have the same ports. */
static void owner__each_source(void **state)
{
    static const char none[] = IS("'rules':[]"), web[] = IS("'rules':[" WEB "]"),
                      rule[] = "{" WEB_RULE "}";
    static const struct scene v[] = {
        {"two sources, two rules",
         none,
         IS("'rules':[{'proto':'tcp','port':80,'from':['a','b']}]"),
         "rule",
         {0},
         {rule, "{'group':'g1','way':'in','protocol':'tcp','port':80,'source':'b'}"},
         NULL,
         "in_sync"},
        {"two sources, one rule",
         none,
         IS("'rules':[{'proto':'tcp','port':80,'from':['a','b']}]"),
         "rule",
         {0},
         {rule},
         NULL,
         "computed rules[0]=computed"},
        {"the same, with the first on record",
         web,
         IS("'rules':[{'proto':'tcp','port':80,'from':['a','b'],'self':false}]"),
         "rule",
         {0},
         {rule},
         NULL,
         "computed rules[0].from[1]=computed"},
        {"a rule of the source, for another port",
         none,
         IS("'rules':[{'proto':'tcp','port':80,'from':['a','b']}]"),
         "rule",
         {0},
         {rule, "{'group':'g1','way':'in','protocol':'tcp','port':81,'source':'b'}"},
         NULL,
         "computed rules[0]=computed"},
        {"from itself",
         none,
         IS("'rules':[{'proto':'tcp','port':80,'from':[],'self':true}]"),
         "rule",
         {0},
         {"{'group':'g1','way':'in','protocol':'tcp','port':80,'source':'g1'}"},
         NULL,
         "in_sync"},
        {"from itself, too, by hand",
         none,
         IS("'rules':[{'proto':'tcp','port':80,'from':['a'],'self':true}]"),
         "rule",
         {0},
         {rule},
         NULL,
         "computed rules[0]=computed"},
    };

    check_all(*state, v, PB_COUNT(v));
}

/* A data source reads what somebody else may own; it makes nothing. */
static void owner__data_sources_own_nothing(void **state)
{
    static const struct scene s = {.what = "",
                                   .r = IS("'policy':''"),
                                   .l = IS("'policy':'p'"),
                                   .child = "policy",
                                   .recorded = {"{'group':'g1'}"}};
    const struct pb_echo_set *echoes;
    struct pb_reconcile_out out;
    struct estate e;

    assert_int_equal(pb_echo_parse(&echoes, *state, json_marked(*state, table), "f", NULL), 0);
    build(&e, *state, &s, echoes);
    e.r[0].address = "data.policy.p";
    pb_reconcile(&out, *state, &e.in);
    assert_int_equal(parent(&out)->verdict, PB_COMPUTED);
}

/* An owner is named, of however many resources the answer is asked for alone. */
static void owner__is_named(void **state)
{
    static const struct scene s = {.what = "",
                                   .r = IS("'names':[],'policy':''"),
                                   .l = IS("'names':['x'],'policy':'p'"),
                                   .child = "policy",
                                   .recorded = {"{'group':'g1'}"}};
    const struct pb_echo_set *echoes;
    struct pb_reconcile_out out;
    struct pb_explanation x;
    struct estate e;

    assert_int_equal(pb_echo_parse(&echoes, *state, json_marked(*state, table), "f", NULL), 0);
    build(&e, *state, &s, echoes);
    pb_reconcile(&out, *state, &e.in);
    assert_int_equal(out.echoes, 1);
    assert_int_equal(pb_explain(&x, *state, &e.in, "t.a"), 0);
    assert_int_equal(x.nattrs, 4);
    assert_string_equal(x.attrs[2].attr->path, "names[0]");
    assert_int_equal(x.attrs[2].attr->verdict, PB_COMPUTED);
    assert_string_equal(x.attrs[2].attr->reason, "no resource here owns it");
    assert_string_equal(x.attrs[3].attr->path, "policy");
    assert_int_equal(x.attrs[3].attr->verdict, PB_IN_SYNC);
    assert_string_equal(x.attrs[3].attr->reason, "shows a policy: c.r0");
}

/* Of other units only what is known to be meant, and only where a name is one in the world. */
static void owner__elsewhere(void **state)
{
    static const struct {
        const char *type, *attributes, *reason; /* NULL: nobody's */
        const char *path;
    } rows[] = {
        {"policy", "{'group':'g1'}", "shows a policy: c.x of net", "policy"},
        {"policy", "{'group':'arn:g1'}", "shows a policy: c.x of net", "policy"},
        {"policy", "{'group':'g2'}", NULL, "policy"},
        {"policy", "{'group':{'$unknown':'?'}}", NULL, "policy"},
        {"policy", "{'group':null}", NULL, "policy"},
        {"policy", "{}", NULL, "policy"},
        {"name", "{'groups':['g1'],'name':'x'}", NULL, "names[0]"},
    };
    static const struct scene s = {.what = "",
                                   .r = IS("'names':[],'policy':''"),
                                   .l = IS("'names':['x'],'policy':'p'"),
                                   .child = "policy"};
    const struct pb_echo_set *echoes;

    assert_int_equal(pb_echo_parse(&echoes, *state, json_marked(*state, table), "f", NULL), 0);
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        struct pb_recorded r = {.address = "c.x",
                                .type = rows[i].type,
                                .attributes = json_marked(*state, rows[i].attributes)};
        const struct pb_recorded_set set = {.v = &r, .n = 1};
        const struct pb_neighbour net = {"net", &set};
        const struct pb_attr_result *x = NULL;
        struct pb_reconcile_out out;
        struct estate e;

        build(&e, *state, &s, echoes);
        e.in.others = &net;
        e.in.nothers = 1;
        e.in.all = true;
        pb_reconcile(&out, *state, &e.in);
        for (size_t k = 0; k < parent(&out)->nattrs; k++)
            if (strcmp(parent(&out)->attrs[k].path, rows[i].path) == 0)
                x = &parent(&out)->attrs[k];
        assert_non_null(x);
        if (!rows[i].reason && !x->nobodys)
            fail_msg("%zu: %s", i, x->reason);
        if (rows[i].reason)
            assert_string_equal(x->reason, rows[i].reason);
    }
}

static void owner__refuses(void **state)
{
    static const char *const bad[] = {
        "'owners':{}",
        "'owners':[]",
        "'owners':[{}]",
        "'owners':[{'type':'c'}]",
        "'owners':[{'type':'c','of':{}}]",
        "'owners':[{'type':'c','of':['id']}]",
        "'owners':[{'type':'c','of':{'g':1}}]",
        "'owners':[{'type':'c','of':{'g':[]}}]",
        "'owners':[{'type':'c','of':{'g':[1]}}]",
        "'owners':[{'type':'c','of':{'g':'id'},'where':[]}]",
        "'owners':[{'type':'c','of':{'g':'id'},'key':'name'}]",
        "'owners':[{'type':'c','of':{'g':'id'},'key':{'a':['b']}}]",
        "'owners':[{'type':'c','of':{'g':'id'},'each':{'a':1}}]",
        "'owners':[{'type':'c','of':{'g':'id'}}],'kind':'case'",
    };

    for (size_t i = 0; i < PB_COUNT(bad); i++) {
        const struct pb_echo_set *s = NULL;
        struct pb_err err = PB_ERR_INIT;
        const char *kind = strstr(bad[i], "'kind'") ? "" : ",'kind':'mirror'";
        const char *text =
            pb_arena_printf(*state, "[{'type':'t','path':'p','why':'w',%s%s}]", bad[i], kind);

        if (pb_echo_parse(&s, *state, json_marked(*state, text), "f", &err) == 0)
            fail_msg("accepted: %s", text);
        assert_non_null(strstr(err.msg, "owner"));
    }
}

/* ---- the table that plumb comes with -------------------------------------------------------- */

#define GROUP(rules) "{'id':'sg-1','ingress':[" rules "]}"
#define INGRESS(proto, from, to, more) \
    "{'protocol':'" proto "','from_port':" from ",'to_port':" to "," more "}"
#define ANYWHERE "'cidr_blocks':['0.0.0.0/0'],'self':false"

static const struct scene shipped[] = {
    {"all traffic, and no rule",
     GROUP(""),
     GROUP(INGRESS("-1", "0", "0", ANYWHERE)),
     "x",
     {0},
     {0},
     NULL,
     "computed ingress[0]=computed"},
    {"a rule for all traffic",
     GROUP(""),
     GROUP(INGRESS("-1", "0", "0", ANYWHERE)),
     "aws_vpc_security_group_ingress_rule",
     {0},
     {"{'security_group_id':'sg-1','ip_protocol':'-1','from_port':null,'to_port':null,"
      "'cidr_ipv4':'0.0.0.0/0'}"},
     NULL,
     "in_sync"},
    {"another one by hand",
     GROUP(""),
     GROUP(INGRESS("tcp", "5432", "5432", ANYWHERE) "," INGRESS("tcp", "3306", "3306", ANYWHERE)),
     "aws_vpc_security_group_ingress_rule",
     {0},
     {"{'security_group_id':'sg-1','ip_protocol':'tcp','from_port':5432,'to_port':5432,"
      "'cidr_ipv4':'0.0.0.0/0'}"},
     NULL,
     "computed ingress[1]=computed"},
    {"the older rules, merged",
     GROUP(""),
     GROUP(INGRESS("tcp", "1", "9",
                   "'cidr_blocks':['10.0.0.0/8'],'security_groups':['sg-2'],'self':true")),
     "aws_security_group_rule",
     {0},
     {"{'type':'ingress','security_group_id':'sg-1','protocol':'tcp','from_port':1,'to_port':9,"
      "'cidr_blocks':['10.0.0.0/8','10.0.0.0/9'],'self':false,'source_security_group_id':null}",
      "{'type':'ingress','security_group_id':'sg-1','protocol':'6','from_port':1,'to_port':9,"
      "'cidr_blocks':null,'self':false,'source_security_group_id':'sg-2'}",
      "{'type':'ingress','security_group_id':'sg-1','protocol':'tcp','from_port':1,'to_port':9,"
      "'cidr_blocks':[],'self':true,'source_security_group_id':null}"},
     NULL,
     "in_sync"},
    {"an older rule of the other direction",
     GROUP(""),
     GROUP(INGRESS("tcp", "1", "9", ANYWHERE)),
     "aws_security_group_rule",
     {0},
     {"{'type':'egress','security_group_id':'sg-1','protocol':'tcp','from_port':1,'to_port':9,"
      "'cidr_blocks':['0.0.0.0/0'],'self':false}"},
     NULL,
     "computed ingress[0]=computed"},
    {"one type of ICMPv6 is not another",
     GROUP(""),
     GROUP("{'protocol':'icmpv6','from_port':1,'to_port':0,'ipv6_cidr_blocks':['::/0'],"
           "'self':false}"),
     "aws_vpc_security_group_ingress_rule",
     {0},
     {"{'security_group_id':'sg-1','ip_protocol':'icmpv6','from_port':128,'to_port':0,"
      "'cidr_ipv6':'::/0'}"},
     NULL,
     "computed ingress[0]=computed"},
    {"but all of them have it",
     GROUP(""),
     GROUP("{'protocol':'icmpv6','from_port':0,'to_port':0,'ipv6_cidr_blocks':['::/0'],"
           "'self':false}"),
     "aws_vpc_security_group_ingress_rule",
     {0},
     {"{'security_group_id':'sg-1','ip_protocol':'icmpv6','from_port':-1,'to_port':-1,"
      "'cidr_ipv6':'::/0'}"},
     NULL,
     "in_sync"},
};

/* A name may be another object's in the account of another provider configuration. */
static void owner__of_another_provider(void **state)
{
    static const struct scene s = {.what = "",
                                   .r = IS("'names':[],'policy':''"),
                                   .l = IS("'names':['x'],'policy':'p'"),
                                   .child = "name",
                                   .recorded = {"{'groups':['g1'],'name':'x'}"}};
    static const char *const providers[] = {"p", "p", "q"};
    const struct pb_echo_set *echoes;

    assert_int_equal(pb_echo_parse(&echoes, *state, json_marked(*state, table), "f", NULL), 0);
    for (size_t i = 1; i < PB_COUNT(providers); i++) {
        struct pb_reconcile_out out;
        struct estate e;

        build(&e, *state, &s, echoes);
        e.r[0].provider = providers[i];
        e.r[1].provider = providers[0];
        pb_reconcile(&out, *state, &e.in);
        assert_int_equal(parent(&out)->nattrs, i); /* the policy; then the name as well */
    }
}

static void owner__shipped_table(void **state)
{
    struct pb_buf text = PB_BUF_INIT;
    const struct pb_echo_set *echoes;
    const struct pb_value *v;
    struct pb_err err = PB_ERR_INIT;

    assert_int_equal(pb_fs_read(&text, "schemas/echoes.yaml", 1 << 20, &err), 0);
    assert_int_equal(pb_yaml_parse(&v, *state, text.s, text.len, "echoes.yaml", &err), 0);
    assert_int_equal(pb_echo_parse(&echoes, *state, v, "echoes.yaml", &err), 0);
    for (size_t i = 0; i < PB_COUNT(shipped); i++) {
        struct pb_reconcile_out out;
        struct estate e;

        build(&e, *state, &shipped[i], echoes);
        for (size_t k = 0; k < e.ds.n; k++) /* with no schema, all of them compare as they are */
            if (strcmp(e.d[k].address, "t.a") == 0)
                e.d[k].type = "aws_security_group";
        e.r[e.rs.n - 1].type = "aws_security_group";
        e.schemas.n = 0;
        pb_reconcile(&out, *state, &e.in);
        if (parent(&out)->verdict !=
            (strncmp(shipped[i].want, "in_sync", 7) ? PB_COMPUTED : PB_IN_SYNC))
            fail_msg("%s: %s", shipped[i].what, pb_verdict_name(parent(&out)->verdict));
        if (parent(&out)->nattrs)
            assert_non_null(strstr(shipped[i].want, parent(&out)->attrs[0].path));
    }
    pb_buf_release(&text);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, arena_setup, arena_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(owner__whole_attributes),
        CASE(owner__elements),
        CASE(owner__blocks),
        CASE(owner__collected),
        CASE(owner__each_source),
        CASE(owner__data_sources_own_nothing),
        CASE(owner__is_named),
        CASE(owner__recorded),
        CASE(owner__what_is_gone_is_no_finding),
        CASE(owner__elsewhere),
        CASE(owner__refuses),
        CASE(owner__of_another_provider),
        CASE(owner__shipped_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
