#include "base/exits.h"

#include <string.h>

const struct pb_exit_row pb_exits[] = {
    {PB_EXIT_PLUMB, "plumb", "everything that was looked at is what Git says"},
    {PB_EXIT_ERROR, "error", "plumb could not do its work; the message says what to do"},
    {PB_EXIT_DRIFT, "drift", "drift or pending changes were found"},
    {PB_EXIT_REFUSED, "refused", "the gate refuses; nothing was changed"},
    {PB_EXIT_INCONCLUSIVE, "inconclusive",
     "something could not be observed, and nothing else was wrong"},
    {PB_EXIT_LOCKED, "locked", "somebody else holds the lock"},
    {PB_EXIT_LEDGER, "ledger", "the ledger's integrity cannot be shown"},
    {PB_EXIT_USAGE, "usage", "the command line is wrong"},
    {PB_EXIT_INTERRUPTED, "interrupted", "a signal stopped plumb; nothing was left behind"},
};
const size_t pb_exits_count = PB_COUNT(pb_exits);

static const struct {
    const char *command;
    struct pb_exit_row row;
} own[] = {
    {"check",
     {PB_EXIT_PLUMB, "passed",
      "merging would change nothing, or nothing that '--fail-on' is about"}},
    {"check", {PB_EXIT_DRIFT, "changes", "merging would change something, and nothing denies it"}},
    {"check",
     {PB_EXIT_REFUSED, "refused",
      "base's rules deny it, it collides, or it cannot be merged or planned safely"}},
    {"check",
     {PB_EXIT_INCONCLUSIVE, "inconclusive",
      "something it touches could not be seen, or it was not planned"}},
    {"plan", {PB_EXIT_PLUMB, "unchanged", "an apply would change nothing"}},
    {"plan", {PB_EXIT_DRIFT, "changes", "an apply would change something"}},
};

const struct pb_exit_row *pb_exit_find(const char *command, enum pb_exit code)
{
    for (size_t i = 0; command && i < PB_COUNT(own); i++)
        if (own[i].row.code == code && strcmp(own[i].command, command) == 0)
            return &own[i].row;
    for (size_t i = 0; i < pb_exits_count; i++)
        if (pb_exits[i].code == code)
            return &pb_exits[i];
    BUG("no row for exit code %d", (int)code);
}

enum pb_exit pb_exit_of(enum pb_err_class cls)
{
    switch (cls) {
    case PB_E_NONE: return PB_EXIT_PLUMB;
    case PB_E_USAGE: return PB_EXIT_USAGE;
    case PB_E_REFUSED: return PB_EXIT_REFUSED;
    case PB_E_LOCKED: return PB_EXIT_LOCKED;
    case PB_E_LEDGER: return PB_EXIT_LEDGER;
    case PB_E_INTERRUPTED: return PB_EXIT_INTERRUPTED;
    case PB_E_INTERNAL:
    case PB_E_CONFIG:
    case PB_E_INPUT:
    case PB_E_IO:
    case PB_E_GIT:
    case PB_E_TOOL:
    case PB_E_NET:
    case PB_E_AUTH: break;
    }
    return PB_EXIT_ERROR;
}
