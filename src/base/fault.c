#include "base/fault.h"

#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const pb_fault_points[] = {
    "ledger.write",     "ledger.sync",      "ledger.head",     "ledger.restored",
    "journal.prepared", "journal.locked",   "journal.started", "journal.event",
    "journal.exited",   "journal.state_ok", "journal.live_ok", "journal.closed",
    "after.prepared",   "after.locked",     "after.started",   "after.exited",
    "after.state_ok",   "after.live_ok",    "after.closed",    "apply.snapshot",
    "apply.baseline",   "apply.begun",      "recover.put",     "recover.unlock",
    "recover.imports",  "recover.ledger",   "recover.closed",  NULL,
};

enum { NPOINTS = PB_COUNT(pb_fault_points) };

static atomic_ulong reached[NPOINTS];

static size_t index_of(const char *point)
{
    size_t i = 0;

    while (pb_fault_points[i] && strcmp(pb_fault_points[i], point) != 0)
        i++;
    if (!pb_fault_points[i])
        BUG("'%s' is not in the table of fault points", point);
    return i;
}

static bool act(const char *action)
{
    if (pb_starts_with(action, "kill"))
        kill(getpid(), SIGKILL);
    if (pb_starts_with(action, "stop")) {
        kill(getpid(), SIGSTOP);
        return false;
    }
    errno = pb_starts_with(action, "enospc") ? ENOSPC : EIO;
    return true;
}

bool pb_fault(const char *point)
{
    const char *plan = getenv("PLUMB_FAULT"), *next;
    size_t n = strlen(point), i;
    unsigned long times;

    if (!plan)
        return false;
    i = index_of(point);
    times = atomic_fetch_add(&reached[i], 1) + 1;
    for (const char *p = plan; *p; p = next + (*next == ',')) {
        char *rest = NULL;
        unsigned long want = 0;

        next = p + strcspn(p, ",");
        if (strncmp(p, point, n) != 0 || (p[n] != ':' && p[n] != '='))
            continue;
        if (p[n] == ':')
            want = strtoul(p + n + 1, &rest, 10);
        if (!want || want == times)
            return act(strchr(p, '=') ? strchr(p, '=') + 1 : "");
    }
    return false;
}
