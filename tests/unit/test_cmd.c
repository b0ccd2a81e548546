#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "backends/backend.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/plan_options.h"
#include "cmd/shim.h"
#include "model/verdict.h"
#include "report/report.h"
#include "run/check.h"

static int parse(struct pb_args *a, struct pb_err *err, const char *line)
{
    PB_AUTO(strv) struct pb_strv v = PB_STRV_INIT;
    static struct pb_strv kept[128]; /* values are the argv's */
    static size_t n;

    pb_strv_add(&v, "plumb");
    while (*line) {
        size_t len = strcspn(line, " ");

        pb_strv_addf(&v, "%.*s", (int)len, line);
        line += len + (line[len] == ' ');
    }
    assert_true(n < PB_COUNT(kept));
    kept[n] = v;
    v = (struct pb_strv)PB_STRV_INIT;
    n++;
    return pb_args_parse(a, (int)kept[n - 1].n, kept[n - 1].v, err);
}

static void cmd__options_in_every_form(void **state)
{
    struct pb_args a = PB_ARGS_INIT;
    struct pb_err err = PB_ERR_INIT;

    (void)state;
    assert_int_equal(parse(&a, &err,
                           "-C there --unit=a audit -ub -f json --format text -o x.json --all "
                           "--fail-on drifted,missing -t module.a"),
                     0);
    assert_string_equal(a.command->name, "audit");
    assert_string_equal(pb_args_get(&a, PB_O_DIR), "there");
    assert_string_equal(pb_args_all(&a, PB_O_UNIT)[0], "a");
    assert_string_equal(pb_args_all(&a, PB_O_UNIT)[1], "b");
    assert_string_equal(pb_args_all(&a, PB_O_FORMAT)[1], "text");
    assert_true(pb_args_has(&a, PB_O_ALL));
    assert_false(pb_args_has(&a, PB_O_QUIET));
    assert_null(pb_args_all(&a, PB_O_IGNORE));
    pb_args_release(&a);

    a = (struct pb_args)PB_ARGS_INIT;
    assert_int_equal(parse(&a, &err, "explain -- -odd"), 0);
    assert_string_equal(a.pos.v[0], "-odd");
    pb_args_release(&a);

    a = (struct pb_args)PB_ARGS_INIT;
    assert_int_equal(parse(&a, &err, "-C there tf -chdir=x plan -- --help -C y"), 0);
    assert_string_equal(pb_args_get(&a, PB_O_DIR), "there");
    assert_int_equal(a.pos.n, 6);
    assert_string_equal(a.pos.v[0], "-chdir=x");
    assert_string_equal(a.pos.v[3], "--help");
    assert_false(pb_args_has(&a, PB_O_HELP));
    pb_args_release(&a);
}

static void cmd__terraforms_own_spelling(void **state)
{
    struct pb_args a = PB_ARGS_INIT;
    struct pb_err err = PB_ERR_INIT;

    (void)state;
    assert_int_equal(parse(&a, &err,
                           "-chdir=there plan -var a=b=c --var x= -var=y=1 -target=module.a "
                           "-t module.b -tmodule.c -replace r.a -no-color -input=false -destroy "
                           "-refresh=false -fjson -parallelism=5"),
                     0);
    assert_string_equal(pb_args_get(&a, PB_O_DIR), "there");
    assert_string_equal(pb_args_all(&a, PB_O_VAR)[0], "a=b=c");
    assert_string_equal(pb_args_all(&a, PB_O_VAR)[1], "x=");
    assert_string_equal(pb_args_all(&a, PB_O_VAR)[2], "y=1");
    assert_string_equal(pb_args_all(&a, PB_O_TARGET)[0], "module.a");
    assert_string_equal(pb_args_all(&a, PB_O_TARGET)[1], "module.b");
    assert_string_equal(pb_args_all(&a, PB_O_TARGET)[2], "module.c");
    assert_string_equal(pb_args_get(&a, PB_O_REPLACE), "r.a");
    assert_string_equal(pb_args_get(&a, PB_O_REFRESH), "false");
    assert_string_equal(pb_args_get(&a, PB_O_FORMAT), "json");
    assert_true(pb_args_has(&a, PB_O_NO_COLOR));
    assert_true(pb_args_has(&a, PB_O_DESTROY));
    assert_false(pb_args_has(&a, PB_O_INPUT));
    pb_args_release(&a);

    a = (struct pb_args)PB_ARGS_INIT;
    assert_int_equal(parse(&a, &err, "plan -destroy -destroy=false -no-color=0"), 0);
    assert_false(pb_args_has(&a, PB_O_DESTROY));
    assert_false(pb_args_has(&a, PB_O_NO_COLOR));
    pb_args_release(&a);
}

/* What Terraform takes and plumb does not has a reason, in either spelling. */
static void cmd__refused_by_name(void **state)
{
    static const char *const names[] = {"state",
                                        "state-out",
                                        "backup",
                                        "lock",
                                        "out",
                                        "json",
                                        "concise",
                                        "generate-config-out",
                                        "allow-deferral",
                                        "invoke",
                                        "target-file",
                                        "exclude",
                                        "exclude-file",
                                        "detailed-exitcode",
                                        "refresh-only",
                                        "show-sensitive"};

    (void)state;
    for (size_t i = 0; i < 3 * PB_COUNT(names); i++) {
        static const char *const forms[] = {"plan -%s", "plan --%s", "plan -%s=x"};
        PB_AUTO(buf) struct pb_buf line = PB_BUF_INIT, want = PB_BUF_INIT;
        const char *name = names[i / 3], *form = forms[i % 3];
        struct pb_args a = PB_ARGS_INIT;
        struct pb_err err = PB_ERR_INIT;

        pb_buf_addf(&line, "%.*s%s%s", (int)strcspn(form, "%"), form, name, strchr(form, '%') + 2);
        pb_buf_addf(&want, "'-%s' is not taken: ", name);
        assert_int_equal(parse(&a, &err, line.s), -1);
        assert_true(pb_starts_with(err.msg, want.s));
        assert_true(strlen(err.msg) > strlen(want.s) + 10);
        assert_int_equal(pb_exit_of(err.cls), PB_EXIT_USAGE);
        pb_args_release(&a);
    }
}

static void cmd__durations(void **state)
{
    static const struct {
        const char *text;
        long want;
    } rows[] = {{"0", 0},       {"0s", 0},       {"30s", 30000}, {"1m30s", 90000}, {"500ms", 500},
                {"1.5s", 1500}, {"2h", 7200000}, {"", -1},       {"5", -1},        {"s", -1},
                {"5x", -1},     {"-5s", -1},     {"1..5s", -1},  {"9999h", -1},    {"5s ", -1}};

    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        long ms = -1;

        if (pb_cmd_duration(&ms, rows[i].text) < 0)
            ms = -1;
        assert_int_equal(ms, rows[i].want);
    }
}

static void cmd__what_a_plan_is_given(void **state)
{
    static const struct {
        const char *line, *message;
    } rows[] = {
        {"plan -var secret", "--var takes NAME=VALUE, and one of them has no '='"},
        {"plan -var =secret", "--var takes NAME=VALUE, and one of them has no name"},
        {"plan -var-file=/none/x", "the variable file '/none/x' cannot be read: No such file or "
                                   "directory"},
        {"plan -parallelism=0", "--parallelism takes a number from 1 to 1000, not '0'"},
        {"plan -lock-timeout=5", "--lock-timeout takes a time such as 30s or 5m, a week at most, "
                                 "not '5'"},
        {"plan -parallelism=3 -lock-timeout=2s -refresh=false -destroy", NULL},
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        struct pb_args a = PB_ARGS_INIT;
        struct pb_err err = PB_ERR_INIT;
        struct pb_cmd_plan_options p;
        struct pb_audit_options o = {.targets = (char *[]){NULL}};

        assert_int_equal(parse(&a, &err, rows[i].line), 0);
        assert_int_equal(pb_cmd_plan_options(&p, &a, &err), rows[i].message ? -1 : 0);
        if (rows[i].message) {
            assert_string_equal(err.msg, rows[i].message);
            assert_int_equal(pb_exit_of(err.cls), PB_EXIT_USAGE);
        } else {
            pb_cmd_plan_into(&o, &p);
            assert_true(o.one && o.all && !o.as_applied && !o.targets && o.plan->destroy);
            assert_int_equal(o.plan->parallelism, 3);
            assert_int_equal(o.plan->lock_timeout_ms, 2000);
        }
        pb_cmd_plan_options_release(&p);
        pb_args_release(&a);
    }
}

static void cmd__messages(void **state)
{
    static const struct {
        const char *line, *message;
    } rows[] = {
        {"aduit", "unknown command 'aduit'; did you mean 'audit'?"},
        {"zzzzzzzzz", "unknown command 'zzzzzzzzz'; 'plumb help' lists the commands"},
        {"audit --formt json", "unknown option '--formt'; did you mean '--format'?"},
        {"--format json audit", "option '--format' belongs to 'audit': write it after the command"},
        {"audit --format", "--format needs a FORMAT"},
        {"audit --format jsn",
         "--format does not know 'jsn'; did you mean 'json'? (text, json, markdown, html, sarif, "
         "junit)"},
        {"audit --all=yes", "--all takes no value"},
        {"audit -av", "-a takes no value: write '-a -v'"},
        {"audit --rev a --rev b", "--rev can be given once"},
        {"audit --rev=", "--rev needs a REV, not an empty word"},
        {"audit --fail-on drifted,misssing",
         "--fail-on does not know 'misssing'; did you mean 'missing'? (computed, stale_record, "
         "converged, pending, unobserved, unmanaged, laundered, drifted, missing, conflict)"},
        {"plan -tagret=x", "unknown option '-tagret'; did you mean '--target'?"},
        {"plan -target", "--target needs a ADDRESS"},
        {"plan -destroy=yes", "--destroy takes true or false, not 'yes'"},
        {"plan -format=json", "unknown option '-format'; did you mean '--format'?"},
        {"plan tfplan", "'tfplan' is not taken: a plan made earlier is not applied; plumb plans "
                        "the commit itself and applies just what the gate saw, so leave the file "
                        "out"},
        {"explain", "'explain' needs more: plumb explain [options] ADDRESS"},
        {"audit prod", "'audit' does not take 'prod': plumb audit [options]"},
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        struct pb_args a = PB_ARGS_INIT;
        struct pb_err err = PB_ERR_INIT;

        assert_int_equal(parse(&a, &err, rows[i].line), -1);
        assert_string_equal(err.msg, rows[i].message);
        assert_int_equal(pb_exit_of(err.cls), PB_EXIT_USAGE);
        pb_args_release(&a);
    }
}

static void check_opts(const struct pb_opt *o, bool *seen)
{
    for (; o && o->name; o++) {
        assert_true(o->help && *o->help);
        assert_false(pb_ends_with(o->help, "."));
        assert_false(seen[(unsigned char)o->short_name] && o->short_name);
        seen[(unsigned char)o->short_name] = true;
        if (!o->arg)
            assert_false(o->repeat || (o->form & PB_OPT_LIST) || o->values);
        else
            assert_false(o->form & (PB_OPT_SWITCH | PB_OPT_REFUSED));
        for (const struct pb_opt *g = pb_global_opts; g->name; g++)
            if (g != o)
                assert_string_not_equal(g->name, o->name);
    }
}

static void cmd__the_table_is_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < pb_ncommands; i++) {
        const struct pb_command *c = &pb_commands[i];
        bool seen[256] = {false};

        assert_true(*c->summary && *c->about && c->run && c->examples[0].line);
        assert_true(strlen(c->summary) <= 68);
        check_opts(pb_global_opts, seen);
        check_opts(c->opts, seen);
        for (size_t k = 0; k < PB_COUNT(c->examples) && c->examples[k].line; k++)
            assert_non_null(c->examples[k].what);
        for (size_t k = 0; (int)c->exits[k] != PB_EXIT_END; k++)
            assert_true(!k || c->exits[k] > c->exits[k - 1]);
        assert_ptr_equal(pb_command_find(c->name), c);
    }
    assert_null(pb_command_find("none"));
}

static const struct pb_opt *opt_of(const char *command, const char *name)
{
    const struct pb_opt *o = pb_command_find(command)->opts;

    while (o->name && strcmp(o->name, name) != 0)
        o++;
    assert_non_null(o->name);
    return o;
}

/* Lists of names in the table that are made elsewhere. */
static void cmd__values_are_those_that_there_are(void **state)
{
    const char *const *v = opt_of("audit", "format")->values;
    size_t n = 0;

    (void)state;
    for (; v[n]; n++)
        assert_non_null(pb_report_format_find(v[n]));
    assert_int_equal(n, pb_report_formats_count);
    v = opt_of("audit", "observer")->values;
    for (n = 0; pb_observers[n]; n++)
        assert_string_equal(v[n], pb_observers[n]->name);
    assert_null(v[n]);
    v = opt_of("audit", "fail-on")->values;
    for (n = 0; v[n]; n++) {
        enum pb_verdict verdict;

        assert_int_equal(pb_verdict_parse(&verdict, v[n]), 0);
    }
    v = pb_command_find("help")->pos_values;
    for (n = 0; pb_command_find(v[n]); n++)
        ;
    assert_int_equal(n, pb_ncommands);
    assert_string_equal(v[n], "findings");
    assert_null(v[n + 1]);
}

/* ---- the tool's own command line ---------------------------------------------------------- */

static const struct shim_case {
    const char *line; /* "NAME=VALUE... -- words" or "words" */
    enum pb_shim_kind kind;
    const char *words; /* NULL: none known */
} shim_cases[] = {
    {"", PB_SHIM_PASS, NULL},
    {"-help", PB_SHIM_PASS, NULL},
    {"-version", PB_SHIM_PASS, NULL},
    {"plan -out x", PB_SHIM_PASS, "plan"},
    {"-chdir=there plan", PB_SHIM_PASS, "plan"},
    {"state list", PB_SHIM_PASS, "state list"},
    {"state", PB_SHIM_PASS, "state"},
    {"state -x rm", PB_SHIM_PASS, "state"},
    {"state -help rm", PB_SHIM_PASS, "state"},
    {"state rm a.b", PB_SHIM_REFUSE, "state rm"},
    {"state rm -help", PB_SHIM_PASS, "state rm"},
    {"state nonsense", PB_SHIM_REFUSE, NULL},
    {"workspace select prod", PB_SHIM_PASS, "workspace select"},
    {"workspace delete prod", PB_SHIM_REFUSE, "workspace delete"},
    {"env delete prod", PB_SHIM_REFUSE, "env delete"},
    {"providers", PB_SHIM_PASS, "providers"},
    {"apply", PB_SHIM_GATE, "apply"},
    {"apply -help", PB_SHIM_PASS, "apply"},
    {"apply -var -help", PB_SHIM_GATE, "apply"},
    {"-help apply", PB_SHIM_PASS, NULL},
    {"-chdir=x apply tfplan", PB_SHIM_GATE, "apply"},
    {"-x apply", PB_SHIM_REFUSE, "apply"},
    {"destroy -auto-approve", PB_SHIM_GATE, "destroy"},
    {"import a b", PB_SHIM_REFUSE, "import"},
    {"init", PB_SHIM_PASS, "init"},
    {"init -upgrade -reconfigure", PB_SHIM_PASS, "init"},
    {"init -migrate-state", PB_SHIM_REFUSE, "init"},
    {"init --force-copy=true", PB_SHIM_REFUSE, "init"},
    {"init -migrate-state=false", PB_SHIM_PASS, "init"},
    {"init -backend-config=migrate-state", PB_SHIM_PASS, "init"},
    {"aply", PB_SHIM_REFUSE, NULL},
    /* The tool puts TF_CLI_ARGS behind the words, then looks which command it is. */
    {"TF_CLI_ARGS=-no-color -- plan", PB_SHIM_PASS, "plan"},
    {"TF_CLI_ARGS=-no-color -- ", PB_SHIM_PASS, NULL},
    {"TF_CLI_ARGS=apply -- ", PB_SHIM_REFUSE, NULL},
    {"TF_CLI_ARGS=apply -- -version", PB_SHIM_PASS, NULL},
    {"TF_CLI_ARGS=rm -- state", PB_SHIM_REFUSE, NULL},
    {"TF_CLI_ARGS_state=rm -- state", PB_SHIM_REFUSE, NULL},
    {"TF_CLI_ARGS_state=-x -- state", PB_SHIM_PASS, "state"},
    {"TF_CLI_ARGS_state=rm -- state -x", PB_SHIM_REFUSE, NULL},
    {"TF_CLI_ARGS=rm -- state list", PB_SHIM_PASS, "state list"},
    {"TF_CLI_ARGS_init=-migrate-state -- init", PB_SHIM_REFUSE, "init"},
    {"TF_CLI_ARGS=-force-copy -- init", PB_SHIM_REFUSE, "init"},
    {"COMP_LINE=x -- terraform app terraform", PB_SHIM_PASS, NULL},
    {"COMP_LINE=x -- apply", PB_SHIM_GATE, "apply"},
    {"terraform", PB_SHIM_REFUSE, NULL},
};

static void cmd__what_a_tools_command_line_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < PB_COUNT(shim_cases); i++) {
        const struct shim_case *c = &shim_cases[i];
        PB_AUTO(strv) struct pb_strv env = PB_STRV_INIT, argv = PB_STRV_INIT;
        const char *sep = strstr(c->line, " -- "), *p = sep ? sep + 4 : c->line;
        char *none[] = {NULL};
        struct pb_shim s;

        if (sep)
            pb_strv_addf(&env, "%.*s", (int)(sep - c->line), c->line);
        while (*p) {
            size_t n = strcspn(p, " ");

            pb_strv_addf(&argv, "%.*s", (int)n, p);
            p += n + (p[n] == ' ');
        }
        s = pb_shim_classify((int)argv.n, argv.n ? argv.v : none, env.v);
        if (s.kind != c->kind || !pb_streq(s.words, c->words))
            fail_msg("'%s': %d %s", c->line, (int)s.kind, s.words ? s.words : "none");
        assert_true(s.kind != PB_SHIM_REFUSE || (s.why && *s.why));
    }
}

static void cmd__the_words_of_tf_are_those_of_the_table(void **state)
{
    const char *const *v = pb_command_find("tf")->pos_values;
    size_t n = 0;

    (void)state;
    for (const struct pb_shim_row *r = pb_shim_rows; r->words; r++) {
        bool found = false;

        assert_true((r->kind == PB_SHIM_REFUSE) == (r->why != NULL));
        if (strchr(r->words, ' '))
            continue;
        n++;
        for (size_t i = 0; v[i]; i++)
            found |= strcmp(v[i], r->words) == 0;
        if (!found)
            fail_msg("'%s' is not offered", r->words);
    }
    for (size_t i = 0; v[i]; i++)
        n--;
    assert_int_equal(n, 0);
}

/* Each finding of a check is in each list of them. */
static void cmd__help_has_every_finding(void **state)
{
    PB_AUTO(buf) struct pb_buf topic = PB_BUF_INIT, man = PB_BUF_INIT, tables = PB_BUF_INIT;
    const struct pb_text_rule *r;

    (void)state;
    pb_help_findings(&topic);
    pb_help_man(&man);
    pb_help_markdown(&tables);
    for (size_t i = 0; (r = pb_check_rule_at(i)); i++) {
        PB_AUTO(buf) struct pb_buf line = PB_BUF_INIT, item = PB_BUF_INIT, row = PB_BUF_INIT;

        pb_buf_addf(&line, "\n  %s ", r->code);
        pb_buf_addf(&row, "\n| `%s` | %s | %s |\n", r->code, r->severity, r->summary);
        pb_buf_adds(&item, "\n.B ");
        for (const char *c = r->code; *c; c++)
            pb_buf_addf(&item, "%s%c", *c == '-' ? "\\" : "", *c);
        pb_buf_addc(&item, '\n');
        if (!strstr(topic.s, line.s) || !strstr(man.s, item.s) || !strstr(tables.s, row.s))
            fail_msg("'%s' is not in all of them", r->code);
    }
}

static void cmd__help_fits_a_terminal(void **state)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    (void)state;
    pb_help_overview(&b);
    pb_help_findings(&b);
    for (size_t i = 0; i < pb_ncommands; i++) {
        pb_help_command(&b, &pb_commands[i]);
        for (const struct pb_opt *o = pb_commands[i].opts; o && o->name; o++)
            assert_non_null(strstr(b.s, o->name));
    }
    for (const char *s = b.s; *s;) {
        size_t n = strcspn(s, "\n");

        if (n > 80)
            fail_msg("over 80 columns: %.*s", (int)n, s);
        assert_false(n && s[n - 1] == ' ');
        s += n + (s[n] == '\n');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cmd__options_in_every_form),
        cmocka_unit_test(cmd__messages),
        cmocka_unit_test(cmd__terraforms_own_spelling),
        cmocka_unit_test(cmd__refused_by_name),
        cmocka_unit_test(cmd__durations),
        cmocka_unit_test(cmd__what_a_plan_is_given),
        cmocka_unit_test(cmd__the_table_is_whole),
        cmocka_unit_test(cmd__values_are_those_that_there_are),
        cmocka_unit_test(cmd__what_a_tools_command_line_does),
        cmocka_unit_test(cmd__the_words_of_tf_are_those_of_the_table),
        cmocka_unit_test(cmd__help_has_every_finding),
        cmocka_unit_test(cmd__help_fits_a_terminal),
    };
    return cmocka_run_group_tests_name("cmd", tests, NULL, NULL);
}
