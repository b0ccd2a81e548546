/* The commands that print what the program knows about itself. */
#include "cmd/cmd.h"

#include "base/text.h"
#include "version.h"

#include <string.h>

int pb_cmd_version(const struct pb_args *args)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    (void)args;
    pb_buf_addf(&b, "plumb %s\n", PLUMB_VERSION);
    pb_cmd_print(&b);
    return PB_EXIT_PLUMB;
}

static int unknown_topic(const char *const *topics, const char *name)
{
    struct pb_err err = PB_ERR_INIT;
    const char *near;
    size_t n = 0;

    while (topics[n])
        n++;
    near = pb_text_nearest(name, topics, n);
    pb_fail(&err, PB_E_USAGE, "no command '%s'%s%s%s", name, near ? "; did you mean '" : "",
            near ? near : "", near ? "'?" : "; 'plumb help' lists them");
    return pb_cmd_fail(&err);
}

int pb_cmd_help(const struct pb_args *args)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    if (pb_args_has(args, PB_O_MAN)) {
        pb_help_man(&b);
    } else if (pb_args_has(args, PB_O_MARKDOWN)) {
        pb_help_markdown(&b);
    } else if (args->pos.n && strcmp(args->pos.v[0], "findings") == 0) {
        pb_help_findings(&b);
    } else if (args->pos.n) {
        const struct pb_command *c = pb_command_find(args->pos.v[0]);

        if (!c)
            return unknown_topic(args->command->pos_values, args->pos.v[0]);
        pb_help_command(&b, c);
    } else {
        pb_help_overview(&b);
    }
    pb_cmd_print(&b);
    return PB_EXIT_PLUMB;
}

int pb_cmd_completion(const struct pb_args *args)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    struct pb_err err = PB_ERR_INIT;

    if (pb_completion(&b, args->pos.v[0], &err) < 0)
        return pb_cmd_fail(&err);
    pb_cmd_print(&b);
    return PB_EXIT_PLUMB;
}
