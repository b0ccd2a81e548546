/* What a change makes of plumb.yaml, and of the files that base's names: in a repository, since
 * both are read from commits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "run/check_internal.h"
#include "tests/support/shell.h"

static char *dir;

static int setup(void **state)
{
    (void)state;
    dir = test_home();
    return test_sh(dir, "git init -q -b main r");
}

static int teardown(void **state)
{
    (void)state;
    pb_fs_remove_tree(dir, NULL);
    free(dir);
    return 0;
}

/* plumb.yaml as it is in a commit, which is the one that `id` gets. */
static void commit(char id[PB_OID_HEX], struct pb_repo *repo, const char *yaml)
{
    PB_AUTO(str) char *path = pb_fs_join(dir, "r/" PB_CONFIG_FILE);
    struct pb_err err = PB_ERR_INIT;

    if (yaml)
        assert_int_equal(pb_fs_write_atomic(path, yaml, strlen(yaml), 0644, &err), 0);
    if (test_sh(dir, yaml ? "cd r && git add -A && git commit -qm m --allow-empty"
                          : "cd r && rm -f plumb.yaml && git add -A && "
                            "git commit -qm m --allow-empty"))
        fail_msg("no commit of %s", yaml ? yaml : "nothing");
    if (pb_repo_resolve(id, repo, "HEAD", &err) < 0)
        fail_msg("%s", err.msg);
}

/* Of each finding a line: "CODE SEVERITY FILE:LINE[ of base] MESSAGE". */
static void describe(struct pb_buf *b, const struct pb_check *c)
{
    pb_buf_clear(b);
    for (size_t i = 0; i < c->findings.n; i++) {
        const struct pb_check_finding *f = &c->findings.v[i];

        pb_buf_addf(b, "%s%s %s %s:%u%s %s", i ? "\n" : "", f->code, f->severity, f->file, f->line,
                    f->file_of_base ? " of base" : "", f->message);
    }
}

/* NULL for a tree without plumb.yaml. `paths` are those that differ; `config` is base's, where
 * it is read at all. */
static void run(struct pb_buf *out, const char *before, const char *after, const char *config,
                const char *const *paths)
{
    struct pb_check c = {.arena = pb_arena_new()};
    struct pb_checking k = {.check = &c, .paths = PB_STRV_INIT};
    PB_AUTO(str) char *at = pb_fs_join(dir, "r");
    struct pb_err err = PB_ERR_INIT;

    if (pb_repo_open(&c.audit.repo, at, 0, &err) < 0)
        fail_msg("%s", err.msg);
    if (config && pb_config_parse(&c.audit.config, c.arena, config, strlen(config), "base", &err))
        fail_msg("%s", err.msg);
    commit(c.base, c.audit.repo, before);
    commit(c.merged, c.audit.repo, after);
    for (; paths && *paths; paths++)
        pb_strv_add(&k.paths, *paths);
    pb_check_policy(&k);
    describe(out, &c);
    pb_strv_release(&k.paths);
    free(c.findings.v);
    pb_repo_free(c.audit.repo);
    pb_arena_free(c.arena);
}

static void expect(const char *before, const char *after, const char *want)
{
    static const char *const paths[] = {PB_CONFIG_FILE, NULL};
    PB_AUTO(buf) struct pb_buf got = PB_BUF_INIT;

    run(&got, before, after, NULL, paths);
    if (strcmp(got.s, want) != 0)
        fail_msg("%s\n-- to\n%s\n-- is\n%s\n-- not\n%s", before ? before : "-", after ? after : "-",
                 got.s, want);
}

/* ---- sections -------------------------------------------------------------------------------- */

#define V "version: 1\n"

static const struct {
    const char *yaml; /* that the change adds */
    const char *key, *code, *severity, *about;
} sections[] = {
    {"gate: {protected: x}\n", "gate.protected", "policy-gate", "warning",
     "what may never be deleted or replaced"},
    {"gate: {rules: x}\n", "gate.rules", "policy-gate", "warning",
     "what is applied without anybody being asked"},
    {"gate: {branch: x}\n", "gate.branch", "policy-gate", "warning",
     "which commits may be applied"},
    {"gate: {remote: x}\n", "gate.remote", "policy-gate", "warning",
     "which commits may be applied"},
    {"gate: {signatures: x}\n", "gate.signatures", "policy-gate", "warning",
     "which commits may be applied"},
    {"gate: {allowed_signers: x}\n", "gate.allowed_signers", "policy-gate", "warning",
     "who may sign what is applied"},
    {"gate: {max_delete: x}\n", "gate.max_delete", "policy-gate", "warning",
     "how much one plan may delete"},
    {"gate: {max_replace: x}\n", "gate.max_replace", "policy-gate", "warning",
     "how much one plan may replace"},
    {"gate: {coverage: x}\n", "gate.coverage", "policy-gate", "warning",
     "what has to be seen before an apply"},
    {"gate: {policies: x}\n", "gate.policies", "policy-gate", "warning",
     "which programs are asked about a plan"},
    {"gate: {windows: x}\n", "gate.windows", "policy-gate", "warning", "when is applied"},
    {"gate: {freezes: x}\n", "gate.freezes", "policy-gate", "warning", "when nothing is applied"},
    {"gate: {provisioners: x}\n", "gate.provisioners", "policy-gate", "warning",
     "what an apply may start beside the plan"},
    {"gate: {new: x}\n", "gate.new", "policy-gate", "warning", "what may be applied"},
    {"gate: {rulesets: x}\n", "gate.rulesets", "policy-gate", "warning", "what may be applied"},
    {"ignore: x\n", "ignore", "policy-ignore", "warning", "what is no longer reported as drift"},
    {"packs: x\n", "packs", "policy-packs", "warning", "how live state is read, with credentials"},
    {"check: {trust: {signed: x}}\n", "check.trust.signed", "policy-check", "warning",
     "whose changes are planned before they are merged"},
    {"check: {network: x}\n", "check.network", "policy-check", "warning",
     "what the planning of a change may connect to"},
    {"check: {memory: x}\n", "check.memory", "policy-check", "warning", "how changes are checked"},
    {"ledger: {remote: x}\n", "ledger.remote", "policy-ledger", "warning",
     "what is recorded, where, and who vouches for it"},
    {"fail_on: x\n", "fail_on", "policy-report", "warning", "which verdicts make an audit fail"},
    {"observe: {timeout: x}\n", "observe.timeout", "policy-report", "notice",
     "how plumb works here"},
};

static void check_policy__each_section(void **state)
{
    (void)state;
    for (size_t i = 0; i < PB_COUNT(sections); i++) {
        PB_AUTO(str) char *after = pb_asprintf(V "%s", sections[i].yaml);
        PB_AUTO(str)
        char *want =
            pb_asprintf("%s %s plumb.yaml:2 '%s' was not set, becomes x: it says %s",
                        sections[i].code, sections[i].severity, sections[i].key, sections[i].about);

        expect(V, after, want);
    }
}

/* ---- values ---------------------------------------------------------------------------------- */

#define GATE " warning plumb.yaml:"
#define DEL  ": it says how much one plan may delete"

static void check_policy__values(void **state)
{
    (void)state;
    expect(V "gate: {max_delete: 5}\n", V "gate: {max_delete: 50}\n",
           "policy-gate" GATE "2 'gate.max_delete' was 5, becomes 50" DEL);
    expect(V "gate:\n  max_delete: 5\n", V,
           "policy-gate" GATE "3 of base 'gate.max_delete' was 5 and is gone" DEL);
    expect(V "gate: {max_delete: 5}\n", V "gate: {max_delete: null}\n",
           "policy-gate" GATE "2 of base 'gate.max_delete' was 5 and is gone" DEL);
    expect(V "gate: {max_delete: 5}\n", V "gate: {max_delete: [1]}\n",
           "policy-gate" GATE "2 'gate.max_delete' was 5, becomes [1]" DEL);
    /* Said otherwise, it is the same; so are a section without anything, and the version. */
    expect(V "gate: {max_delete: 5}\n", V "# words\ngate:\n  max_delete: 5.0\n", "");
    expect(V, V "gate: {}\nignore:\n", "");
    expect(V, "version: 2\n", "");
}

static void check_policy__lists(void **state)
{
    (void)state;
    expect(V "packs: [a, b]\n", V "packs: [b, c]\n",
           "policy-packs" GATE "2 of base 'packs' loses a: it says how live state is read, with "
           "credentials\n"
           "policy-packs" GATE "2 'packs' gains c: it says how live state is read, with "
           "credentials");
    expect(V "packs: [a, b]\n", V "packs: [b, a]\n",
           "policy-packs" GATE "2 'packs' has another order, and the first that fits counts: it "
           "says how live state is read, with credentials");
    expect(V "gate:\n  protected:\n    - {address: t.a}\n", V,
           "policy-gate" GATE "4 of base 'gate.protected' loses {\"address\":\"t.a\"}: it says "
           "what may never be deleted or replaced");
    expect(V, V "gate:\n  rules:\n    - {decide: allow}\n",
           "policy-gate" GATE
           "4 'gate.rules' gains {\"decide\":\"allow\"}: it says what is applied "
           "without anybody being asked");
}

/* A long value is cut, and not in the middle of a letter. */
static void check_policy__long_values(void **state)
{
    PB_AUTO(buf) struct pb_buf after = PB_BUF_INIT, want = PB_BUF_INIT;

    (void)state;
    pb_buf_adds(&after, V "gate: {branch: ");
    pb_buf_adds(&want, "policy-gate" GATE "2 'gate.branch' was not set, becomes ");
    for (int i = 0; i < 67; i++) {
        pb_buf_adds(&after, "\xe2\x82\xac");
        if (i < 66)
            pb_buf_adds(&want, "\xe2\x82\xac");
    }
    pb_buf_adds(&after, "}\n");
    pb_buf_adds(&want, "...: it says which commits may be applied");
    expect(V, after.s, want.s);
}

/* ---- units ----------------------------------------------------------------------------------- */

#define IGNORE ": it says what is no longer reported as drift"

/* Of units their ignore rules alone: how they are planned is in the plan. */
static void check_policy__units(void **state)
{
    (void)state;
    expect(V "units:\n  - {name: u, path: a}\n", V "units:\n  - {name: u, path: b, vars: {x: 1}}\n",
           "");
    expect(V "units:\n  - {name: u, path: a}\n",
           V "units:\n  - name: u\n    path: a\n    ignore: [{path: x}]\n",
           "policy-ignore" GATE "5 'units.u.ignore' gains {\"path\":\"x\"}" IGNORE);
    expect(V "units:\n  - {name: u, path: a, ignore: [{path: x}]}\n",
           V "units:\n  - {name: u, path: a}\n",
           "policy-ignore" GATE "3 of base 'units.u.ignore' loses {\"path\":\"x\"}" IGNORE);
    /* One that is new brings its own. */
    expect(V, V "units:\n  - {name: v, path: a, ignore: [{path: x}]}\n",
           "policy-ignore" GATE "3 'units.v.ignore' gains {\"path\":\"x\"}" IGNORE);
}

/* ---- whole files ----------------------------------------------------------------------------- */

static void check_policy__the_file_comes_and_goes(void **state)
{
    (void)state;
    expect(NULL, V "packs: [a]\n",
           "policy-packs" GATE "2 'packs' gains a: it says how live state is read, with "
           "credentials");
    expect(V "packs: [a]\n", NULL,
           "policy-packs" GATE "2 of base 'packs' loses a: it says how live state is read, with "
           "credentials");
    /* That nobody can read it is found elsewhere. */
    expect(V, "packs: [\n", "");
    expect(V, "- a\n", "");
}

/* What base's file names, whether or not plumb.yaml is another. */
static void check_policy__files_that_base_names(void **state)
{
    static const char config[] = V "gate:\n"
                                   "  allowed_signers: signers\n"
                                   "  policies:\n"
                                   "    - {name: a, command: [./policy/run, -x]}\n"
                                   "    - {name: b, rego: policy/b.rego}\n"
                                   "    - {name: c, command: [conftest]}\n"
                                   "    - {name: d, command: [/usr/bin/policy]}\n"
                                   "ledger: {allowed_signers: ./keys/ledger}\n"
                                   "packs: [observers]\n";
    static const char *const paths[] = {
        "signers",  "signers2",       "keys/ledger",      "policy/run",        "policy/b.rego",
        "conftest", "usr/bin/policy", "observers/a.yaml", "observers2/b.yaml", NULL};
    PB_AUTO(buf) struct pb_buf got = PB_BUF_INIT;

    (void)state;
    run(&got, V, V, config, paths);
    assert_string_equal(
        got.s,
        "policy-file warning signers:0 'signers' is what base's 'gate.allowed_signers' goes by: it "
        "says who may sign what is applied\n"
        "policy-file warning keys/ledger:0 'keys/ledger' is what base's 'ledger.allowed_signers' "
        "goes by: it says what is recorded, where, and who vouches for it\n"
        "policy-file warning policy/run:0 'policy/run' is what base's 'gate.policies' goes by: it "
        "says which programs are asked about a plan\n"
        "policy-file warning policy/b.rego:0 'policy/b.rego' is what base's 'gate.policies' goes "
        "by: it says which programs are asked about a plan\n"
        "policy-file warning observers/a.yaml:0 'observers/a.yaml' is what base's 'packs' goes by: "
        "it says how live state is read, with credentials");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_policy__each_section),
        cmocka_unit_test(check_policy__values),
        cmocka_unit_test(check_policy__lists),
        cmocka_unit_test(check_policy__long_values),
        cmocka_unit_test(check_policy__units),
        cmocka_unit_test(check_policy__the_file_comes_and_goes),
        cmocka_unit_test(check_policy__files_that_base_names),
    };
    return cmocka_run_group_tests_name("check_policy", tests, setup, teardown);
}
