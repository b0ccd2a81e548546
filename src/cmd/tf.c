/* plumb tf, and plumb under the name of a tool: what only looks is the tool's, byte for byte. */
#include "cmd/cmd.h"

#include "base/cancel.h"
#include "base/child.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "cmd/shim.h"
#include "run/audit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORKSPACE_MAX = 4096 };

/* ---- the tool itself ---------------------------------------------------------------------- */

static int find_tool(char **out, const char *name, struct pb_err *err)
{
    const char *variable = pb_streq(name, "tofu") ? "PLUMB_TOFU" : "PLUMB_TERRAFORM";
    const char *given = pb_shim_env(environ, variable);

    if (given && pb_child_is_us(given))
        return pb_fail(err, PB_E_TOOL, "%s is '%s', which is plumb: name the tool itself", variable,
                       given);
    if (given) {
        *out = pb_strdup(given);
        return 0;
    }
    *out = pb_child_which(name ? name : "terraform", NULL);
    if (!*out && !name)
        *out = pb_child_which("tofu", NULL);
    if (*out)
        return 0;
    return pb_fail(err, PB_E_TOOL,
                   "no %s on PATH but plumb under its name: install it, or set %s to its path",
                   name ? name : "terraform", variable);
}

/* In our place: its signals, its exit code and its output are its own. */
static int pass_on(const char *name, const char *argv0, char *const *words, struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv argv = PB_STRV_INIT;
    PB_AUTO(str) char *tool = NULL;

    if (find_tool(&tool, name, err) < 0)
        return pb_cmd_fail(err);
    pb_strv_add(&argv, argv0 ? argv0 : tool);
    for (; *words; words++)
        pb_strv_add(&argv, *words);
    execv(tool, argv.v);
    pb_fail_errno(err, PB_E_TOOL, "cannot run '%s'", tool);
    return pb_cmd_fail(err);
}

/* ---- through the gate --------------------------------------------------------------------- */

/* It would change what is done without a word on the command line. */
static int check_environment(const char *words, struct pb_err *err)
{
    PB_AUTO(str) char *own = pb_asprintf("TF_CLI_ARGS_%s", words);
    const char *set = pb_shim_env(environ, own)             ? own
                      : pb_shim_env(environ, "TF_CLI_ARGS") ? "TF_CLI_ARGS"
                                                            : NULL;

    if (!set)
        return 0;
    return pb_fail(err, PB_E_REFUSED,
                   "%s is set, and what it says would go past the gate: unset it and write its "
                   "options on the command line",
                   set);
}

/* The workspace that the tool would use here. */
static void workspace(struct pb_buf *out)
{
    const char *data = pb_shim_env(environ, "TF_DATA_DIR");
    const char *set = pb_shim_env(environ, "TF_WORKSPACE");
    PB_AUTO(str) char *file = pb_fs_join(data ? data : ".terraform", "environment");

    if (set)
        pb_buf_adds(out, set);
    else if (pb_fs_read(out, file, WORKSPACE_MAX, NULL) < 0)
        pb_buf_clear(out);
    while (out->len && strchr(" \t\r\n", out->s[out->len - 1]))
        out->s[--out->len] = 0;
    if (!out->len)
        pb_buf_adds(out, "default");
}

/* The unit of this very folder and workspace: anything else would surprise. */
static int choose_unit(struct pb_args *args, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf selected = PB_BUF_INIT;
    struct pb_audit_options o = {.config = pb_args_get(args, PB_O_CONFIG), .one = true};
    struct pb_audit a;
    int rc = -1;

    if (pb_args_has(args, PB_O_UNIT))
        return 0;
    workspace(&selected);
    o.workspace = selected.s;
    if (pb_audit_open(&a, &o, err) == 0 && pb_audit_choose(&a, &o, err) == 0) {
        pb_strv_add(&args->value[PB_O_UNIT], a.units[0].config.name);
        args->count[PB_O_UNIT]++;
        rc = 0;
    }
    pb_audit_release(&a);
    return rc;
}

/* The tool would read an answer from wherever stdin comes from, and plumb asks a person only. */
static int check_asking(const struct pb_args *args, struct pb_err *err)
{
    if (pb_args_has(args, PB_O_AUTO_APPROVE) || pb_args_has(args, PB_O_APPROVE) ||
        isatty(STDIN_FILENO))
        return 0;
    return pb_fail(err, PB_E_REFUSED,
                   "nobody can be asked here: -auto-approve applies what needs nobody's yes, and "
                   "'plumb apply --approve EVIDENCE' a plan that somebody has seen");
}

static int show_help(const struct pb_command *c)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    pb_help_command(&b, c);
    pb_cmd_print(&b);
    return PB_EXIT_PLUMB;
}

static int run_gated(const struct pb_shim *s, char *const *words, struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv argv = PB_STRV_INIT;
    struct pb_args args = PB_ARGS_INIT;
    int code;

    pb_strv_add(&argv, "plumb");
    pb_strv_add(&argv, "apply");
    if (strcmp(s->words, "destroy") == 0)
        pb_strv_add(&argv, "-destroy");
    for (char *const *w = words + s->rest; *w; w++)
        pb_strv_add(&argv, *w);
    if (pb_args_parse(&args, (int)argv.n, argv.v, err) < 0)
        code = pb_cmd_fail(err);
    else if (pb_args_has(&args, PB_O_HELP) || pb_args_has(&args, PB_O_VERSION))
        code = show_help(args.command);
    else if (choose_unit(&args, err) < 0 || check_asking(&args, err) < 0)
        code = pb_cmd_fail(err);
    else
        code = args.command->run(&args);
    pb_args_release(&args);
    return code;
}

static int through_the_gate(const char *tool, const struct pb_shim *s, char *const *words,
                            struct pb_err *err)
{
    pb_cancel_install();
    pb_cmd_note("'%s %s' goes through the gate, as 'plumb apply'", tool, s->words);
    if (check_environment(s->words, err) < 0)
        return pb_cmd_fail(err);
    if (s->chdir && chdir(s->chdir) < 0) {
        pb_fail_errno(err, PB_E_IO, "cannot enter '%s'", s->chdir);
        return pb_cmd_fail(err);
    }
    return run_gated(s, words, err);
}

int pb_cmd_tf_run(const char *name, const char *argv0, int n, char *const *words)
{
    struct pb_shim s = pb_shim_classify(n, words, environ);
    const char *tool = name ? name : "terraform";
    struct pb_err err = PB_ERR_INIT;

    switch (s.kind) {
    case PB_SHIM_PASS: return pass_on(name, argv0, words, &err);
    case PB_SHIM_GATE: return through_the_gate(tool, &s, words, &err);
    case PB_SHIM_REFUSE: break;
    }
    pb_fail(&err, PB_E_REFUSED, "'%s%s%s' is not passed on: %s", tool, s.word ? " " : "",
            s.words  ? s.words
            : s.word ? s.word
                     : "",
            s.why);
    return pb_cmd_fail(&err);
}

int pb_cmd_tf(const struct pb_args *args)
{
    static char *const none[] = {NULL};

    return pb_cmd_tf_run(NULL, NULL, (int)args->pos.n, args->pos.n ? args->pos.v : none);
}
