#include "base/lock.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

int pb_lock_take(const char *path, long wait_ms, struct pb_err *err)
{
    const struct timespec nap = {.tv_nsec = 20 * 1000 * 1000};
    PB_AUTO(fd) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int64_t until = pb_clock_ms() + wait_ms;

    if (fd < 0)
        return pb_fail_errno(err, PB_E_IO, "cannot open the lock '%s'", path);
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return pb_fail_errno(err, PB_E_IO, "cannot lock '%s'", path);
        if (pb_cancel_check(err) < 0)
            return -1;
        if (pb_clock_ms() >= until)
            return pb_fail(err, PB_E_LOCKED, "another plumb holds the lock '%s'", path);
        nanosleep(&nap, NULL);
    }
    return pb_take_fd(&fd);
}
