#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/fs.h"
#include "base/mem.h"
#include "run/gate.h"
#include "tests/support/folder.h"
#include "tests/support/shell.h"
#include "tests/support/values.h"

/* A decision about one update and one delete, in a repository and a clone of it. */
static char *dir;

static int setup(void **state)
{
    dir = test_folder();
    setenv("HOME", dir, 1);
    setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
    if (test_sh(dir, "git init -q -b main one; cd one; git config user.name Ann; "
                     "git config user.email ann@example.com; mkdir net; "
                     "echo a >net/.terraform.lock.hcl; git add -A; git commit -qm first; "
                     "echo b >net/.terraform.lock.hcl; git commit -qam second; cd ..; "
                     "git clone -q one two"))
        return -1;
    return arena_setup(state);
}

static int teardown(void **state)
{
    pb_fs_remove_tree(dir, NULL);
    free(dir);
    return arena_teardown(state);
}

enum { N = 2 };

struct world {
    struct pb_arena *arena;
    struct pb_audit audit;
    struct pb_unit_result u;
    struct pb_unit_gate g;
    struct pb_plan_options options;
    struct pb_config_gate rules, old;
    struct pb_declared declared[N];
    struct pb_recorded recorded[N];
    struct pb_live live[N];
    struct pb_provider_config provider;
    struct pb_resource_result results[N];
    const struct pb_resource_result *order[N];
    struct pb_gate_verdict verdicts[N];
    struct pb_attr_result attr;
    struct pb_field fields[5];
    struct pb_type text, set, root;
    struct pb_schema schema;
    const struct pb_schema *schemas[1];
};

static void types(struct world *w)
{
    w->text.kind = PB_T_STRING;
    w->set = (struct pb_type){.kind = PB_T_SET, .elem = &w->text};
    w->fields[0] = (struct pb_field){"id", &w->text, PB_F_COMPUTED};
    w->fields[1] = (struct pb_field){"key", &w->text, PB_F_OPTIONAL | PB_F_SENSITIVE};
    w->fields[2] = (struct pb_field){"name", &w->text, PB_F_REQUIRED};
    w->fields[3] = (struct pb_field){"ports", &w->set, PB_F_OPTIONAL};
    w->fields[4] = (struct pb_field){"seen_at", &w->text, PB_F_COMPUTED};
    w->root = (struct pb_type){.kind = PB_T_OBJECT, .fields = w->fields, .nfields = 5};
    w->schema = (struct pb_schema){"t", 0, &w->root};
    w->schemas[0] = &w->schema;
    w->u.declared.schemas = (struct pb_schema_set){w->schemas, 1};
}

static const char was[] = "{'id':'1','name':'old','ports':['a','b'],'seen_at':'1','key':'s3cret'}";

static void sides(struct world *w)
{
    static const char *const addresses[N] = {"t.a", "t.b"};
    const enum pb_action actions[N] = {PB_ACT_UPDATE, PB_ACT_DELETE};

    for (size_t i = 0; i < N; i++) {
        w->recorded[i] = (struct pb_recorded){
            .address = addresses[i], .type = "t", .attributes = json_marked(w->arena, was)};
        w->live[i] = (struct pb_live){.address = addresses[i],
                                      .presence = PB_P_KNOWN,
                                      .attributes = json_marked(w->arena, was)};
        w->declared[i] = (struct pb_declared){.address = addresses[i],
                                              .type = "t",
                                              .action = actions[i],
                                              .prior = json_marked(w->arena, was)};
        w->results[i] = (struct pb_resource_result){
            .address = addresses[i], .type = "t", .id = "1", .action = actions[i]};
        w->order[i] = &w->results[i];
        w->verdicts[i] = (struct pb_gate_verdict){.cause = PB_CAUSE_GIT};
    }
    w->declared[0].planned = json_marked(
        w->arena, "{'id':'1','name':'new','ports':['b','a'],'seen_at':'1','key':'s3cret'}");
    w->attr = (struct pb_attr_result){.path = "name", .verdict = PB_PENDING};
    w->results[0].attrs = &w->attr;
    w->results[0].nattrs = 1;
    w->u.declared.declared =
        (struct pb_declared_set){.v = w->declared, N, &w->provider, 1, .complete = true};
    w->u.recorded = (struct pb_recorded_set){
        .v = w->recorded, .n = N, .lineage = "lin", .serial = 5, .sha256 = "5ha"};
    w->u.live = (struct pb_live_set){w->live, N};
    w->g.results = w->order;
    w->g.out.v = w->verdicts;
    w->g.out.n = N;
}

static void make(struct world *w, struct pb_arena *a, const char *clone)
{
    PB_AUTO(str) char *path = pb_fs_join(dir, clone);
    struct pb_err err = PB_ERR_INIT;

    memset(w, 0, sizeof(*w));
    w->arena = a;
    w->u.arena = a;
    w->u.config = (struct pb_config_unit){.name = "net", .path = "net", .workspace = "default"};
    w->u.engine = "terraform";
    w->u.plan = &w->options;
    w->u.declared.tool_version = "1.11.4";
    w->provider = (struct pb_provider_config){.key = "p", .source = "p", .version = "1.0.0"};
    w->g.facts = (struct pb_gate_facts){.clean = PB_TRI_YES, .complete = PB_TRI_YES};
    w->rules.max_delete = 3;
    w->g.rules = &w->rules;
    types(w);
    sides(w);
    if (pb_repo_open(&w->audit.repo, path, 0, &err) ||
        pb_repo_resolve(w->audit.commit, w->audit.repo, "HEAD", &err))
        fail_msg("%s", err.msg);
}

static const char *hash_of(struct world *w, const char **text)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    char *hash = pb_arena_zalloc(w->arena, PB_SHA256_HEX);
    struct pb_err err = PB_ERR_INIT;

    if (pb_run_evidence(&b, hash, &w->g, &w->audit, &w->u, &err) < 0)
        fail_msg("%s", err.msg);
    if (text)
        *text = pb_arena_strdup(w->arena, b.s);
    pb_repo_free(w->audit.repo);
    return hash;
}

/* ---- what makes it another one ---------------------------------------------------------- */

static char x1[] = "x=1";
static char *const some[] = {x1, NULL};
static const char *const paths[] = {"name", NULL};

static void planned(struct world *w, const char *text)
{
    w->declared[0].planned = json_marked(w->arena, text);
}

static void live(struct world *w, size_t i, const char *text)
{
    w->live[i].attributes = json_marked(w->arena, text);
}

static void commit(struct world *w)
{
    assert_int_equal(pb_repo_resolve(w->audit.commit, w->audit.repo, "HEAD~1", NULL), 0);
}
static void unit_path(struct world *w)
{
    w->u.config.path = "other";
}
static void unit_name(struct world *w)
{
    w->u.config.name = "other";
}
static void workspace(struct world *w)
{
    w->u.config.workspace = "other";
}
static void vars(struct world *w)
{
    w->options.vars = some;
}
static void var_files(struct world *w)
{
    w->options.var_files = some;
}
static void targets(struct world *w)
{
    w->options.targets = some;
}
static void replace(struct world *w)
{
    w->options.replace = some;
}
static void destroy(struct world *w)
{
    w->options.destroy = true;
}
static void lineage(struct world *w)
{
    w->u.recorded.lineage = "other";
}
static void serial(struct world *w)
{
    w->u.recorded.serial++;
}
static void state_bytes(struct world *w)
{
    w->u.recorded.sha256[0]++;
}
static void tool(struct world *w)
{
    w->u.declared.tool_version = "1.11.5";
}
static void plugin(struct world *w)
{
    w->provider.version = "1.0.1";
}
static void address(struct world *w)
{
    w->results[0].address = "t.c";
}
static void action(struct world *w)
{
    w->results[0].action = PB_ACT_REPLACE;
}
static void cause(struct world *w)
{
    w->verdicts[0].cause = PB_CAUSE_REVERT;
}
static void id(struct world *w)
{
    w->results[1].id = "2";
}
static void moved(struct world *w)
{
    w->results[0].moved_from = "t.b";
}
static void importing(struct world *w)
{
    w->declared[0].importing = true;
}
static void replaces_for(struct world *w)
{
    w->declared[0].replace_paths = paths;
}
static void after(struct world *w)
{
    planned(w, "{'id':'1','name':'newer','ports':['b','a'],'seen_at':'1','key':'s3cret'}");
}
static void before(struct world *w)
{
    w->declared[0].prior = json_marked(w->arena, "{'name':'older','ports':['a','b']}");
}
static void ports(struct world *w)
{
    planned(w, "{'id':'1','name':'new','ports':['b'],'seen_at':'1','key':'s3cret'}");
}
static void verdict(struct world *w)
{
    w->attr.verdict = PB_CONFLICT;
}
static void fewer(struct world *w)
{
    w->g.out.n = 1;
}
static void live_value(struct world *w)
{
    live(w, 0, "{'id':'1','name':'hand','ports':['a','b'],'seen_at':'1'}");
}
static void live_of_deleted(struct world *w)
{
    live(w, 1, "{'name':'old','ports':['a','c']}");
}
static void gone(struct world *w)
{
    w->live[1].presence = PB_P_ABSENT;
}
static void not_seen(struct world *w)
{
    w->live[1].presence = PB_P_UNKNOWN;
}
static void merged(struct world *w)
{
    w->g.facts.merged = PB_TRI_YES;
}
static void descends(struct world *w)
{
    w->g.facts.descends = PB_TRI_NO;
}
static void clean(struct world *w)
{
    w->g.facts.clean = PB_TRI_NO;
}
static void complete(struct world *w)
{
    w->g.facts.complete = PB_TRI_NO;
}
static void last(struct world *w)
{
    w->g.facts.last = "2222";
}
static void unseen(struct world *w)
{
    w->g.facts.unseen = 1;
}
static void signature(struct world *w)
{
    w->g.facts.needs_signature = true;
}
static void rule(struct world *w)
{
    w->rules.max_delete = 4;
}
static void old_rule(struct world *w)
{
    w->g.old_rules = &w->old;
}

static const struct {
    const char *name;
    void (*change)(struct world *w);
} moves[] = {
    {"commit", commit},
    {"path", unit_path},
    {"name", unit_name},
    {"workspace", workspace},
    {"vars", vars},
    {"var files", var_files},
    {"targets", targets},
    {"replace", replace},
    {"destroy", destroy},
    {"lineage", lineage},
    {"serial", serial},
    {"state", state_bytes},
    {"tool", tool},
    {"plugin", plugin},
    {"address", address},
    {"action", action},
    {"cause", cause},
    {"id", id},
    {"moved", moved},
    {"importing", importing},
    {"replaces for", replaces_for},
    {"after", after},
    {"before", before},
    {"part of a set", ports},
    {"verdict of an attribute", verdict},
    {"a change less", fewer},
    {"live value", live_value},
    {"live value of what is deleted", live_of_deleted},
    {"gone", gone},
    {"not seen", not_seen},
    {"merged", merged},
    {"descends", descends},
    {"clean", clean},
    {"complete", complete},
    {"last verified", last},
    {"unseen", unseen},
    {"signature", signature},
    {"rule", rule},
    {"rule of the last verified commit", old_rule},
};

static void evidence__each_fact_counts(void **state)
{
    const char *seen[PB_COUNT(moves) + 1];
    struct world *w = pb_arena_zalloc(*state, sizeof(*w));
    size_t n = 0;

    make(w, *state, "one");
    seen[n++] = hash_of(w, NULL);
    for (size_t i = 0; i < PB_COUNT(moves); i++) {
        make(w, *state, "one");
        moves[i].change(w);
        seen[n] = hash_of(w, NULL);
        for (size_t k = 0; k < n; k++)
            if (strcmp(seen[k], seen[n]) == 0)
                fail_msg("%s: nothing tells it from %s", moves[i].name,
                         k ? moves[k - 1].name : "what was");
        n++;
    }
}

/* The same commit with another lock file cannot be, so the other one is of another commit. */
static void evidence__the_lock_file_is_in_it(void **state)
{
    struct world *w = pb_arena_zalloc(*state, sizeof(*w));
    const char *now, *then, *none;

    make(w, *state, "one");
    hash_of(w, &now);
    assert_non_null(strstr(now, "\"lock_file\":\"61780798228d17af2d34fce4cfbdf35556832472\""));
    make(w, *state, "one");
    commit(w);
    hash_of(w, &then);
    assert_non_null(strstr(then, "\"lock_file\":\"78981922613b2afb6025042ff6bd878ac1994e85\""));
    make(w, *state, "one");
    unit_path(w);
    hash_of(w, &none);
    assert_non_null(strstr(none, "\"lock_file\":null"));
}

/* ---- what does not ------------------------------------------------------------------------ */

static void set_order(struct world *w)
{
    live(w, 0, "{'id':'1','name':'old','ports':['b','a'],'seen_at':'1','key':'s3cret'}");
}
static void moves_by_itself(struct world *w)
{
    live(w, 0, "{'id':'1','name':'old','ports':['a','b'],'seen_at':'2','key':'s3cret'}");
    w->attr = (struct pb_attr_result){.path = "name", .verdict = PB_PENDING};
}
static void refreshed(struct world *w)
{
    w->declared[0].prior = json_marked(
        w->arena, "{'id':'1','name':'old','ports':['b','a'],'seen_at':'3','key':'s3cret'}");
    planned(w, "{'id':'1','name':'new','ports':['b','a'],'seen_at':'3','key':'s3cret'}");
}
static void words(struct world *w)
{
    w->live[0].reason = "read at 12:00";
    w->verdicts[0].why = "because";
    w->g.facts.gap = "in a folder of this machine";
}
static void secret(struct world *w)
{
    live(w, 0, "{'id':'1','name':'old','ports':['a','b'],'seen_at':'1','key':'other'}");
}
static void nothing(struct world *w)
{
    (void)w;
}

static const struct {
    const char *name;
    void (*change)(struct world *w);
} same[] = {
    {"nothing", nothing},
    {"the order in a set", set_order},
    {"computed", moves_by_itself},
    {"a refresh", refreshed},
    {"words", words},
    {"a secret", secret},
};

static void evidence__the_same_facts_elsewhere(void **state)
{
    struct world *w = pb_arena_zalloc(*state, sizeof(*w));
    const char *first, *text;

    make(w, *state, "one");
    first = hash_of(w, &text);
    assert_null(strstr(text, "s3cret"));
    assert_null(strstr(text, dir));
    for (size_t i = 0; i < PB_COUNT(same); i++) {
        make(w, *state, "two");
        same[i].change(w);
        if (strcmp(hash_of(w, NULL), first) != 0)
            fail_msg("%s: it should be the same", same[i].name);
    }
}

/* Why a value is not known are words, that may name the time or a folder. */
static void evidence__unknown_is_one_value(void **state)
{
    struct world *w = pb_arena_zalloc(*state, sizeof(*w));
    const char *one;

    make(w, *state, "one");
    planned(w, "{'name':{'$unknown':'one'},'ports':['a','b']}");
    one = hash_of(w, NULL);
    make(w, *state, "one");
    planned(w, "{'name':{'$unknown':'two'},'ports':['a','b']}");
    assert_string_equal(hash_of(w, NULL), one);
}

static void evidence__holds_no_secret(void **state)
{
    struct world *w = pb_arena_zalloc(*state, sizeof(*w));
    char password[] = "password=s3cret";
    char *const given[] = {password, NULL};
    const char *text;

    make(w, *state, "one");
    w->options.vars = given;
    w->declared[0].prior = NULL; /* a create: everything is shown */
    w->results[0].action = PB_ACT_CREATE;
    hash_of(w, &text);
    assert_null(strstr(text, "s3cret"));
    assert_non_null(strstr(text, "\"vars\":[\"password\"]"));
    assert_non_null(strstr(text, "\"key\":[null,\"(sensitive)\"]"));
    assert_non_null(strstr(text, "\"name\":[null,\"new\"]"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(evidence__each_fact_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(evidence__the_lock_file_is_in_it, setup, teardown),
        cmocka_unit_test_setup_teardown(evidence__the_same_facts_elsewhere, setup, teardown),
        cmocka_unit_test_setup_teardown(evidence__unknown_is_one_value, setup, teardown),
        cmocka_unit_test_setup_teardown(evidence__holds_no_secret, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
