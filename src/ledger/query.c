#include "ledger/ledger.h"

#include "base/clock.h"
#include "base/text.h"
#include "model/path.h"

#include <string.h>
#include <strings.h>

static bool any(char *const *list, const char *s)
{
    for (; s && *list; list++)
        if (strcmp(*list, s) == 0)
            return true;
    return false;
}

static bool contains(const char *s, const char *part)
{
    size_t n = strlen(part);

    for (; s && *s; s++)
        if (strncasecmp(s, part, n) == 0)
            return true;
    return false;
}

static bool is_who(char *const *list, const struct pb_value *who)
{
    for (; *list; list++)
        if (contains(pb_get_str(who, "user"), *list) || contains(pb_get_str(who, "name"), *list) ||
            contains(pb_get_str(who, "email"), *list))
            return true;
    return false;
}

static bool is_kind(char *const *list, const char *kind)
{
    for (; *list; list++) {
        size_t n = strlen(*list);

        if (strncmp(kind, *list, n) == 0 && (kind[n] == '\0' || kind[n] == '.'))
            return true;
    }
    return false;
}

/* One resource of the entry has to answer both questions. */
static bool has_resource(const struct pb_ledger_query *q, const struct pb_value *resources)
{
    for (size_t i = 0; i < pb_len(resources); i++) {
        const struct pb_value *r = pb_at(resources, i);
        const char *address = pb_get_str(r, "address");
        bool fits = !q->addresses;

        for (char *const *p = q->addresses; p && *p && !fits; p++)
            fits = address && pb_addr_within(address, *p);
        if (fits && (!q->verdicts || any(q->verdicts, pb_get_str(r, "verdict"))))
            return true;
    }
    return false;
}

bool pb_ledger_matches(const struct pb_ledger_query *q, const struct pb_ledger_entry *e)
{
    time_t at = 0;

    if ((q->since || q->until) && pb_clock_parse_rfc3339(&at, e->time) < 0)
        return true; /* a time that nobody can place is shown, not hidden */
    return (!q->since || at >= q->since) && (!q->until || at < q->until) &&
           (!q->units || any(q->units, pb_get_str(e->body, "unit"))) &&
           (!q->who || is_who(q->who, e->who)) && (!q->kinds || is_kind(q->kinds, e->kind)) &&
           ((!q->addresses && !q->verdicts) || has_resource(q, pb_get(e->body, "resources")));
}
