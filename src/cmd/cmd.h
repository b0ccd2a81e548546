/*
 * cmd.h: the command line. One table of commands (commands.c) from which come parsing,
 * its messages, help, the man page, shell completion and the README's tables.
 *
 *	struct pb_args args = PB_ARGS_INIT;
 *	if (pb_args_parse(&args, argc, argv, &err) < 0)
 *	    return pb_cmd_usage_error(&err);
 *	code = args.command->run(&args);
 *	pb_args_release(&args);
 *
 * To add a command: a row in commands.c, its function in a file of its own. To add an
 * option: an id here, a row in the command's options. Nothing else names either.
 *
 * Commands parse, call and render; they hold no logic. They return an exit code of
 * base/exits.h and are the only code that prints.
 */
#ifndef PB_CMD_CMD_H
#define PB_CMD_CMD_H

#include "base/buf.h"
#include "base/err.h"
#include "base/exits.h"
#include "base/strv.h"

enum pb_opt_id {
    PB_O_DIR,
    PB_O_UNIT,
    PB_O_CONFIG,
    PB_O_NO_COLOR,
    PB_O_QUIET,
    PB_O_VERBOSE,
    PB_O_VERSION,
    PB_O_HELP,
    PB_O_REV,
    PB_O_TARGET,
    PB_O_IGNORE,
    PB_O_FAIL_ON,
    PB_O_FORMAT,
    PB_O_OUTPUT,
    PB_O_ALL,
    PB_O_OBSERVER,
    PB_O_CROSS_CHECK,
    PB_O_SAVE_BASELINE,
    PB_O_ACCEPT_STATE,
    PB_O_MAN,
    PB_O_MARKDOWN,
    PB_O_STDOUT,
    PB_O_SCHEMA,
    PB_O_RECORD,
    PB_O_SINCE,
    PB_O_UNTIL,
    PB_O_WHO,
    PB_O_ADDRESS,
    PB_O_VERDICT,
    PB_O_KIND,
    PB_O_FETCH,
    PB_O_PIN,
    PB_O_VAR,
    PB_O_VAR_FILE,
    PB_O_REPLACE,
    PB_O_PARALLELISM,
    PB_O_LOCK_TIMEOUT,
    PB_O_DESTROY,
    PB_O_REFRESH,
    PB_O_AUTO_APPROVE,
    PB_O_INPUT,
    PB_O_COMPACT_WARNINGS,
    PB_O_APPROVE,
    PB_O_NO_APPLY,
    PB_O_BRANCH,
    PB_O_BASE,
    PB_O_HEAD,
    PB_O_TRUST,
    PB_O_POST,
    PB_O_POST_TO, /* from here on: how */
    PB_O_POST_URL,
    PB_O_POST_REPO,
    PB_O_POST_CHANGE,
    PB_O_POST_COMMIT,
    PB_O_POST_NAME,
    PB_O_POST_TIMEOUT,
    PB_O_REFUSED, /* of every option that is refused by name */
    PB_NOPTS
};

/* How an option may be written, beyond --name. */
enum pb_opt_form {
    PB_OPT_LIST = 1,   /* the argument is a comma-separated list of `values` */
    PB_OPT_DASH = 2,   /* -name too, as Terraform writes it */
    PB_OPT_SWITCH = 4, /* a flag that may say =true or =false; the last one counts */
    /* Known and not taken, in either spelling: `help` says why, and what to do instead. With a
     * name in capitals it is about a word that is no option. */
    PB_OPT_REFUSED = 8
};

struct pb_opt {
    enum pb_opt_id id;
    char short_name;           /* 0: none */
    const char *name;          /* "format": --format */
    const char *arg;           /* what the argument is called, or NULL: a flag */
    const char *help;          /* one sentence without a full stop */
    const char *const *values; /* the only values allowed, NULL-terminated; or NULL: any */
    bool repeat;               /* may be given more than once */
    unsigned form;             /* bits of enum pb_opt_form */
};

struct pb_example {
    const char *line;
    const char *what;
};

struct pb_args;

struct pb_command {
    const char *name;
    const char *summary;           /* one line, for the list of commands */
    const char *usage;             /* what follows the name: "[options] ADDRESS" */
    const char *about;             /* paragraphs, wrapped when shown; an empty line parts them */
    const struct pb_opt *opts;     /* ends with a row without name; may be NULL */
    int min_pos, max_pos;          /* max_pos PB_POS_ALL: everything behind it, options too */
    const char *const *pos_values; /* what a positional argument may be, for completion */
    const enum pb_exit *exits;     /* those it can give; ends with PB_EXIT_END */
    const char *done;              /* what 0 means here; NULL: what it means for an audit */
    struct pb_example examples[5]; /* ends with a row without line */
    int (*run)(const struct pb_args *args);
};

enum { PB_EXIT_END = -1, PB_POS_ALL = -1 };

extern const struct pb_command pb_commands[];
extern const size_t pb_ncommands;
extern const struct pb_opt pb_global_opts[]; /* ends with a row without name */

const struct pb_command *pb_command_find(const char *name); /* NULL: none */

/* A parsed command line. Values are the caller's argv. */
struct pb_args {
    const struct pb_command *command;
    unsigned count[PB_NOPTS];
    struct pb_strv value[PB_NOPTS];
    struct pb_strv pos;
};
#define PB_ARGS_INIT \
    {                \
        0            \
    }

/* Options may stand before or after the command; "--" ends them; --name=value and
 * -nvalue work, and -name=value for those that say so. Errors are PB_E_USAGE and suggest the
 * nearest name. */
int pb_args_parse(struct pb_args *out, int argc, char *const *argv, struct pb_err *err);
void pb_args_release(struct pb_args *a);
bool pb_args_has(const struct pb_args *a, enum pb_opt_id id);        /* a switch: it is on */
const char *pb_args_get(const struct pb_args *a, enum pb_opt_id id); /* the last, or NULL */
/* How the command spells it: "post-to". */
const char *pb_args_name(const struct pb_args *a, enum pb_opt_id id);
char *const *pb_args_all(const struct pb_args *a, enum pb_opt_id id); /* or NULL */

/* Texts made from the table. */
void pb_help_overview(struct pb_buf *b);
void pb_help_command(struct pb_buf *b, const struct pb_command *c);
void pb_help_findings(struct pb_buf *b); /* what a check finds beside plans */
void pb_help_man(struct pb_buf *b);
void pb_help_markdown(struct pb_buf *b); /* the README's tables of commands, exits, verdicts */
int pb_completion(struct pb_buf *b, const char *shell, struct pb_err *err);

/* Printing, for commands. `plumb: message` on stderr; returns the exit code of the class. */
int pb_cmd_fail(const struct pb_err *err);
void pb_cmd_note(const char *fmt, ...) PB_PRINTF(1, 2);
/* Writes to stdout; a failure shows at exit through pb_cmd_flush. */
void pb_cmd_print(const struct pb_buf *b);
/* The exit code in place of `code`: another one, and a message, when stdout took not everything. */
int pb_cmd_flush(int code);

extern const char *const pb_format_names[]; /* NULL-terminated: values of --format */

int pb_cmd_apply(const struct pb_args *args);
int pb_cmd_audit(const struct pb_args *args);
int pb_cmd_check(const struct pb_args *args);
int pb_cmd_completion(const struct pb_args *args);
int pb_cmd_doctor(const struct pb_args *args);
int pb_cmd_explain(const struct pb_args *args);
int pb_cmd_log(const struct pb_args *args);
int pb_cmd_recover(const struct pb_args *args);
int pb_cmd_plan(const struct pb_args *args);
int pb_cmd_help(const struct pb_args *args);
int pb_cmd_init(const struct pb_args *args);
int pb_cmd_observe(const struct pb_args *args);
int pb_cmd_rollback(const struct pb_args *args);
int pb_cmd_tf(const struct pb_args *args);
int pb_cmd_version(const struct pb_args *args);

/* The n words of a tool's command line, NULL behind them. `name` is the tool, or NULL: the one that
 * there is; `argv0` how it was called, or NULL. Does not return when the tool runs in our place. */
int pb_cmd_tf_run(const char *name, const char *argv0, int n, char *const *words);

#endif
