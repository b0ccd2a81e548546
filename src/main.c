/* argv, dispatch, and the last check that the output arrived. Starts no library. */
#include "base/cancel.h"
#include "base/fs.h"
#include "cmd/cmd.h"
#include "cmd/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int dispatch(const struct pb_args *args)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    const char *dir = pb_args_get(args, PB_O_DIR);
    struct pb_err err = PB_ERR_INIT;

    if (pb_args_has(args, PB_O_VERSION))
        return pb_cmd_version(args);
    if (!args->command || pb_args_has(args, PB_O_HELP)) {
        if (args->command)
            pb_help_command(&b, args->command);
        else
            pb_help_overview(&b);
        if (args->command || pb_args_has(args, PB_O_HELP)) {
            pb_cmd_print(&b);
            return PB_EXIT_PLUMB;
        }
        fputs(b.s, stderr);
        return PB_EXIT_USAGE;
    }
    /* What another program may get in our place has to be as it was. */
    if (args->command->run != pb_cmd_tf)
        pb_cancel_install();
    if (dir && chdir(dir) < 0) {
        pb_fail_errno(&err, PB_E_IO, "cannot enter '%s'", dir);
        return pb_cmd_fail(&err);
    }
    return args->command->run(args);
}

/* Plumb may be installed as terraform or tofu. */
static const char *tool_name(const char *argv0)
{
    const char *slash = argv0 ? strrchr(argv0, '/') : NULL;
    const char *name = slash ? slash + 1 : argv0;

    return name && pb_shim_is_tool(name) ? name : NULL;
}

/* A file of ours that came to be 1 or 2 would get what is printed. Where nobody takes a report,
 * writing it fails as it would without a descriptor. */
static void open_missing(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        int got = fd;

        if (fcntl(fd, F_GETFD) < 0)
            got = open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY);
        if (got != fd)
            _exit(PB_EXIT_ERROR);
    }
}

/* Libraries free their tables on the way out, which the system does as well and at once; but who
 * looks for leaks does so then. */
static _Noreturn void leave(int code)
{
#ifdef __SANITIZE_ADDRESS__
    exit(code);
#else
    _exit(code);
#endif
}

int main(int argc, char **argv)
{
    struct pb_args args = PB_ARGS_INIT;
    struct pb_err err = PB_ERR_INIT;
    const char *tool = tool_name(argv[0]);
    int code;

    open_missing();
    if (tool)
        code = pb_cmd_tf_run(tool, argv[0], argc - 1, argv + 1);
    else if (pb_args_parse(&args, argc, argv, &err) < 0)
        code = pb_cmd_fail(&err);
    else
        code = dispatch(&args);
    pb_args_release(&args);
    pb_work_remove_all();
    leave(pb_cmd_flush(code));
}
