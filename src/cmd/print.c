#include "cmd/cmd.h"

#include "base/fs.h"
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Messages quote file names, settings and what servers say: none of it may drive a terminal. */
static void say(const char *text)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    pb_text_add_safe(&b, text, strlen(text));
    fprintf(stderr, "plumb: %s\n", b.s);
}

int pb_cmd_fail(const struct pb_err *err)
{
    say(err->msg);
    return (int)pb_exit_of(err->cls);
}

void pb_cmd_note(const char *fmt, ...)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    va_list ap;

    va_start(ap, fmt);
    pb_buf_vaddf(&b, fmt, ap);
    va_end(ap);
    say(b.s);
}

static int print_errno; /* why the first write failed; nothing is printed after it */

void pb_cmd_print(const struct pb_buf *b)
{
    if (!print_errno && pb_fs_write_out(STDOUT_FILENO, b->s, b->len) < 0)
        print_errno = errno;
}

int pb_cmd_flush(int code)
{
    bool interrupted;

    if (!print_errno && close(STDOUT_FILENO) == 0)
        return code;
    errno = print_errno ? print_errno : errno;
    /* A reader that went away (head, less) wanted no more: not worth a word, but no success. */
    if (errno == EPIPE)
        return code == PB_EXIT_PLUMB ? PB_EXIT_ERROR : code;
    interrupted = errno == EINTR;
    if (interrupted)
        fputs("plumb: interrupted while printing\n", stderr);
    else
        fprintf(stderr, "plumb: cannot write the whole output: %s\n", strerror(errno));
    /* Half a report is none; what was refused or done stays so. */
    if (code != PB_EXIT_PLUMB && code != PB_EXIT_DRIFT && code != PB_EXIT_INCONCLUSIVE &&
        code != PB_EXIT_ERROR)
        return code;
    return interrupted ? PB_EXIT_INTERRUPTED : PB_EXIT_ERROR;
}
