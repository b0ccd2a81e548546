#include "cmd/cmd.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int pb_cmd_fail(const struct pb_err *err)
{
    fflush(stdout);
    fprintf(stderr, "plumb: %s\n", err->msg);
    return (int)pb_exit_of(err->cls);
}

void pb_cmd_note(const char *fmt, ...)
{
    va_list ap;

    fflush(stdout);
    fputs("plumb: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

static int print_errno; /* why the first write failed: later calls forget it */

void pb_cmd_print(const struct pb_buf *b)
{
    errno = 0;
    if (fwrite(b->s, 1, b->len, stdout) < b->len && !print_errno)
        print_errno = errno;
}

int pb_cmd_flush(void)
{
    errno = 0;
    if (!fflush(stdout) && !ferror(stdout) && !fclose(stdout))
        return 0;
    errno = print_errno ? print_errno : errno;
    /* A reader that went away (head, less) wanted no more: not worth a word, but no success. */
    if (errno != EPIPE)
        fprintf(stderr, "plumb: cannot write the whole output: %s\n",
                errno ? strerror(errno) : "write error");
    return -1;
}
