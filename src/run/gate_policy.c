/* Policies that somebody else's program decides. Whatever is not a clear answer denies. */
#include "run/gate_internal.h"

#include "base/child.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "git/tree.h"
#include "model/json.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    DEFAULT_MS = 30000,
    KILL_AFTER_MS = 1000,
    ANSWER_MAX = 1 << 20,
    REASONS_MAX = 2000,
    PROGRAM_MAX = 16 << 20
};

struct asked {
    struct pb_audit *audit;
    struct pb_unit_result *u;
    const struct pb_config_policy *policy;
    const char *at;   /* "plumb.yaml:12" */
    const char *work; /* private folder of this one */
    struct pb_strv argv;
    bool conftest, opa;
    enum pb_gate_decision decision;
    struct pb_buf why;
};

/* Returns -1, so that a helper can end with it: nothing went wrong but the policy. */
static int deny(struct asked *q, const char *fmt, ...) PB_PRINTF(2, 3);

static int deny(struct asked *q, const char *fmt, ...)
{
    va_list ap;

    q->decision = PB_GATE_DENY;
    pb_buf_clear(&q->why);
    va_start(ap, fmt);
    pb_buf_vaddf(&q->why, fmt, ap);
    va_end(ap);
    return -1;
}

/* ---- what is run -------------------------------------------------------------------------- */

static bool in_worktree(const struct asked *q, const char *path)
{
    const char *top = pb_repo_workdir(q->audit->repo);
    PB_AUTO(str) char *real = realpath(path, NULL);
    size_t n = top ? strlen(top) : 0;

    return top && real && strncmp(real, top, n) == 0 && (real[n] == '/' || !real[n]);
}

/* A file of the repository as the last verified commit has it. */
static int from_commit(char **out, struct asked *q, const char *commit, const char *path,
                       const char *name, mode_t mode)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    PB_AUTO(str) char *file = pb_fs_join(q->work, name);
    struct pb_err err = PB_ERR_INIT;

    while (pb_starts_with(path, "./"))
        path += 2;
    if (pb_tree_read(&text, q->audit->repo, commit, path, PROGRAM_MAX, &err) < 0 ||
        pb_fs_write_atomic(file, text.s, text.len, mode, &err) < 0)
        return deny(q, "'%s' of %.8s cannot be used: %s", path, commit, err.msg);
    *out = file;
    file = NULL;
    return 0;
}

static int find_program(struct asked *q)
{
    char *const *words = q->policy->command;
    const char *last = q->u->baseline_commit;
    PB_AUTO(str) char *program = NULL;

    if (*words[0] == '/')
        program = pb_strdup(words[0]);
    else if (!strchr(words[0], '/'))
        program = pb_child_which(words[0], NULL);
    else if (!last)
        return deny(q,
                    "'%s' is of the repository, and nothing was verified yet: what no verified "
                    "commit has is not run",
                    words[0]);
    else if (from_commit(&program, q, last, words[0], "program", 0700) < 0)
        return -1;
    if (!program)
        return deny(q, "there is no program '%s' on PATH", words[0]);
    if (in_worktree(q, program))
        return deny(q,
                    "'%s' lies in the work tree, where it may be anything: name it by its path "
                    "within the repository",
                    words[0]);
    pb_strv_add(&q->argv, program);
    for (words++; *words; words++)
        pb_strv_add(&q->argv, *words);
    return 0;
}

/* Rego cannot do more than judge: a file that the last verified commit does not have yet comes from
 * the planned one. */
static int find_rego(struct asked *q, const char *input)
{
    const char *const conftest[] = {"test", "--no-color", "--output", "json", "--policy"};
    const char *const opa[] = {"eval", "--format", "json", "--data"};
    const char *last = q->u->baseline_commit;
    const char *commit = q->audit->rules_commit ? q->audit->rules_commit : q->audit->commit;
    PB_AUTO(str) char *program = pb_child_which("conftest", NULL);
    PB_AUTO(str) char *rego = NULL;
    char id[PB_OID_HEX];

    q->conftest = program != NULL;
    if (!program)
        program = pb_child_which("opa", NULL);
    q->opa = program && !q->conftest;
    if (!program || in_worktree(q, program))
        return deny(q, "neither conftest nor opa is on PATH, and it is written in Rego");
    if (last && pb_tree_id(id, q->audit->repo, last, q->policy->rego, NULL) == 0)
        commit = last;
    if (from_commit(&rego, q, commit, q->policy->rego, "policy.rego", 0600) < 0)
        return -1;
    pb_strv_add(&q->argv, program);
    for (size_t i = 0; q->conftest && i < PB_COUNT(conftest); i++)
        pb_strv_add(&q->argv, conftest[i]);
    for (size_t i = 0; q->opa && i < PB_COUNT(opa); i++)
        pb_strv_add(&q->argv, opa[i]);
    pb_strv_add(&q->argv, rego);
    if (q->opa)
        pb_strv_add(&q->argv, "--input");
    pb_strv_add(&q->argv, input);
    if (q->opa)
        pb_strv_add(&q->argv, "data.main");
    return 0;
}

/* 0 and its answer; -1: denied, or with err set interrupted. */
static int run(struct pb_buf *answer, struct asked *q, const char *input, struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv env = PB_STRV_INIT;
    PB_AUTO(str) char *out = pb_fs_join(q->work, "answer");
    const char *path = getenv("PATH");
    struct pb_child_spec spec = {.dir = q->work, .in_path = input, .out_path = out};
    struct pb_child_status st;
    struct pb_err why = PB_ERR_INIT;

    pb_strv_setenv(&env, "PATH", path ? path : "/usr/bin:/bin");
    pb_strv_setenv(&env, "LC_ALL", "C");
    pb_strv_setenv(&env, "HOME", q->work);
    pb_strv_setenv(&env, "TMPDIR", q->work);
    spec.argv = q->argv.v;
    spec.env = env.v;
    spec.timeout_ms = q->policy->timeout ? (long)q->policy->timeout : DEFAULT_MS;
    spec.kill_after_ms = KILL_AFTER_MS;
    if (pb_child_run(&st, &spec, &why) < 0) {
        if (why.cls == PB_E_INTERRUPTED)
            *err = why;
        return deny(q, "%s", why.msg);
    }
    if (st.timed_out)
        return deny(q, "it took longer than %ld ms and was stopped", spec.timeout_ms);
    if (!st.exited)
        return deny(q, "it was killed by signal %d", st.signal);
    if (st.code != 0 && !(q->conftest && st.code == 1))
        return deny(q, "it ended with %d", st.code);
    if (pb_fs_read(answer, out, ANSWER_MAX, &why) < 0)
        return deny(q, "its answer cannot be read, or is over %d bytes", ANSWER_MAX);
    return 0;
}

/* ---- what it says ------------------------------------------------------------------------- */

static void add_reason(struct asked *q, const char *s)
{
    if (!s || q->why.len > REASONS_MAX)
        return;
    pb_buf_adds(&q->why, q->why.len ? "; " : "");
    pb_buf_add(&q->why, s, strnlen(s, REASONS_MAX));
}

/* Words, or maps that have them as "msg"; how many there are. */
static size_t add_messages(struct asked *q, const struct pb_value *list)
{
    for (size_t i = 0; pb_is(list, PB_LIST) && i < list->n; i++) {
        const struct pb_value *v = pb_at(list, i);

        add_reason(q, pb_str(v) ? pb_str(v) : pb_get_str(v, "msg"));
    }
    return pb_is(list, PB_LIST) ? list->n : 0;
}

static int read_plain(struct asked *q, const struct pb_value *v)
{
    const char *decision = pb_get_str(v, "decision");

    if (!decision || pb_gate_decision_parse(&q->decision, decision) < 0)
        return deny(q, "it does not answer with \"decision\": allow, ask or deny");
    add_messages(q, pb_get(v, "reasons"));
    return 0;
}

static void by_messages(struct asked *q, size_t failures, size_t warnings)
{
    q->decision = failures ? PB_GATE_DENY : warnings ? PB_GATE_ASK : PB_GATE_ALLOW;
}

static int read_conftest(struct asked *q, const struct pb_value *v)
{
    size_t failures = 0, warnings = 0;
    int64_t tried = 0, n;

    for (size_t i = 0; pb_is(v, PB_LIST) && i < v->n; i++) {
        const struct pb_value *one = pb_at(v, i);

        failures += add_messages(q, pb_get(one, "failures"));
        warnings += add_messages(q, pb_get(one, "warnings"));
        if (pb_get_int(&n, one, "successes") == 0)
            tried += n;
    }
    if (!failures && !warnings && tried <= 0)
        return deny(q, "no rule of it was tried: the package has to be 'main'");
    by_messages(q, failures, warnings);
    return 0;
}

static int read_opa(struct asked *q, const struct pb_value *v)
{
    const struct pb_value *result = pb_at(pb_get(v, "result"), 0);
    const struct pb_value *main_ = pb_get(pb_at(pb_get(result, "expressions"), 0), "value");
    size_t failures, warnings;

    if (!pb_is(pb_get(main_, "deny"), PB_LIST))
        return deny(q, "package 'main' of it has no set 'deny'");
    failures = add_messages(q, pb_get(main_, "deny"));
    failures += add_messages(q, pb_get(main_, "violation"));
    warnings = add_messages(q, pb_get(main_, "warn"));
    by_messages(q, failures, warnings);
    return 0;
}

static int read_answer(struct asked *q, const struct pb_buf *answer)
{
    const struct pb_value *v;

    if (pb_json_parse(&v, q->u->arena, answer->s, answer->len, "the answer", NULL) < 0)
        return deny(q, "its answer is no JSON");
    if (q->conftest)
        return read_conftest(q, v);
    return q->opa ? read_opa(q, v) : read_plain(q, v);
}

/* ---- all of them -------------------------------------------------------------------------- */

static void ask(struct asked *q, const struct pb_buf *facts, struct pb_err *err)
{
    PB_AUTO(str) char *input = pb_fs_join(q->work, "input.json");
    PB_AUTO(buf) struct pb_buf answer = PB_BUF_INIT;
    const struct pb_config_policy *p = q->policy;
    struct pb_err why = PB_ERR_INIT;

    if (!!p->rego == (p->command && *p->command)) {
        deny(q, "it needs a 'command' or a 'rego', and not both");
        return;
    }
    if (pb_fs_write_atomic(input, facts->s, facts->len, 0600, &why) < 0) {
        deny(q, "%s", why.msg);
        return;
    }
    if ((p->rego ? find_rego(q, input) : find_program(q)) == 0 && run(&answer, q, input, err) == 0)
        (void)read_answer(q, &answer);
}

static void take(struct pb_unit_gate *g, const struct asked *q)
{
    struct pb_arena *a = q->u->arena;
    PB_AUTO(buf) struct pb_buf why = PB_BUF_INIT;
    const char *what;

    pb_text_add_safe(&why, q->why.s, q->why.len);
    what = pb_arena_printf(a, "policy '%s' (%s)%s%s", q->policy->name, q->at, why.len ? ": " : "",
                           why.s);
    if (q->decision == PB_GATE_DENY)
        pb_gate_refuse(&g->out, a, "policy", what,
                       "resolve what it says; what it was asked is the evidence of this plan");
    else
        pb_gate_raise(&g->out, q->decision, what);
}

static int one(struct pb_unit_gate *g, struct asked *q, const struct pb_buf *facts,
               struct pb_err *err)
{
    struct pb_err why = PB_ERR_INIT;
    char *work = NULL;

    if (pb_work_new(&work, err) < 0)
        return -1;
    q->work = work;
    ask(q, facts, &why);
    pb_work_remove(work);
    free(work);
    if (why.cls == PB_E_INTERRUPTED) {
        *err = why;
        return -1;
    }
    take(g, q);
    return 0;
}

static bool same_words(char *const *a, char *const *b)
{
    for (; a && b && *a && *b && strcmp(*a, *b) == 0; a++, b++)
        ;
    return (!a || !*a) && (!b || !*b);
}

static bool is_among(const struct pb_config_policy *p, const struct pb_config_gate *c)
{
    for (size_t i = 0; i < c->npolicies; i++)
        if (pb_streq(p->rego, c->policies[i].rego) && strcmp(p->name, c->policies[i].name) == 0 &&
            same_words(p->command, c->policies[i].command))
            return true;
    return false;
}

int pb_gate_policies(struct pb_unit_gate *g, struct pb_audit *a, struct pb_unit_result *u,
                     const struct pb_buf *facts, struct pb_err *err)
{
    const struct pb_config_gate *const both[] = {g->rules, g->old_rules};
    int rc = 0;

    for (size_t k = 0; k < 2 && g->out.n; k++)
        for (size_t i = 0; rc == 0 && both[k] && i < both[k]->npolicies; i++) {
            struct asked q = {.audit = a,
                              .u = u,
                              .policy = &both[k]->policies[i],
                              .decision = PB_GATE_DENY,
                              .why = PB_BUF_INIT,
                              .argv = PB_STRV_INIT};

            if (k == 1 && is_among(q.policy, g->rules))
                continue;
            q.at =
                k ? pb_arena_printf(u->arena, "%s:%lld of %.8s", PB_CONFIG_FILE,
                                    (long long)q.policy->line, u->baseline_commit)
                  : pb_arena_printf(u->arena, "%s:%lld", a->config.file, (long long)q.policy->line);
            rc = one(g, &q, facts, err);
            pb_strv_release(&q.argv);
            pb_buf_release(&q.why);
        }
    return rc;
}
