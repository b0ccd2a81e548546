#include "cmd/cmd.h"

#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Messages quote file names, settings and what servers say: none of it may drive a terminal. */
static void say(const char *text)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    pb_text_add_safe(&b, text, strlen(text));
    fflush(stdout);
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

static int print_errno; /* why the first write failed: later calls forget it */

void pb_cmd_print(const struct pb_buf *b)
{
    errno = 0;
    if (fwrite(b->s, 1, b->len, stdout) < b->len && !print_errno)
        print_errno = errno;
}

int pb_cmd_flush(int code)
{
    errno = 0;
    if (!fflush(stdout) && !ferror(stdout) && !fclose(stdout))
        return code;
    errno = print_errno ? print_errno : errno;
    /* A reader that went away (head, less) wanted no more: not worth a word, but no success. */
    if (errno == EPIPE)
        return code == PB_EXIT_PLUMB ? PB_EXIT_ERROR : code;
    fprintf(stderr, "plumb: cannot write the whole output: %s\n",
            errno ? strerror(errno) : "write error");
    /* Half a report is none; what was refused or done stays so. */
    return code == PB_EXIT_PLUMB || code == PB_EXIT_DRIFT || code == PB_EXIT_INCONCLUSIVE
               ? PB_EXIT_ERROR
               : code;
}
