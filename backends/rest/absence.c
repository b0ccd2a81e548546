#include "backends/rest/absence.h"

#include <string.h>

#include "base/text.h"

static bool given(const char *s)
{
    return s && *s;
}

void pb_arn_parts(const char **region, const char **account, struct pb_arena *a, const char *arn)
{
    *region = *account = NULL;
    if (!arn || !pb_starts_with(arn, "arn:"))
        return;
    const char *part[5] = {arn};
    for (size_t i = 1; i < PB_COUNT(part); i++) {
        const char *colon = strchr(part[i - 1], ':');
        if (!colon)
            return;
        part[i] = colon + 1;
    }
    *region = pb_arena_strndup(a, part[3], strcspn(part[3], ":"));
    *account = pb_arena_strndup(a, part[4], strcspn(part[4], ":"));
}

/* NULL: the credentials are proved to work, for the account that the record names. */
static const char *credentials_doubt(const struct pb_absence *e, struct pb_arena *a)
{
    bool named = given(e->recorded_account);
    if (e->canary_ok && named && given(e->canary_account) &&
        strcmp(e->canary_account, e->recorded_account) != 0)
        return pb_arena_printf(a, "the credentials are for account %s, and the record is of %s",
                               e->canary_account, e->recorded_account);
    if (e->canary_ok && (!named || given(e->canary_account)))
        return NULL;
    if (e->sibling && (!named || pb_streq(e->sibling_account, e->recorded_account)))
        return NULL;
    if (e->canary_ok)
        return "nothing shows that the credentials are for the account of the record";
    return pb_arena_printf(a, "nothing shows that the credentials work: %s",
                           given(e->canary_reason) ? e->canary_reason
                                                   : "no other object was seen with them");
}

enum pb_presence pb_absence_decide(const struct pb_absence *e, struct pb_arena *a,
                                   const char **reason)
{
    const char *doubt = NULL;
    if (given(e->recorded_region) && given(e->asked_region) &&
        strcmp(e->recorded_region, e->asked_region) != 0)
        doubt = pb_arena_printf(a, "region %s was asked, and the record is of %s", e->asked_region,
                                e->recorded_region);
    else
        doubt = credentials_doubt(e, a);
    if (given(e->code)) {
        *reason = doubt ? pb_arena_printf(a, "%s says %s, but %s", e->label, e->code, doubt)
                        : pb_arena_printf(a, "%s says %s", e->label, e->code);
        return doubt ? PB_P_UNKNOWN : PB_P_ABSENT;
    }
    if (!doubt)
        doubt = e->doubt;
    if (!e->listed_twice || (!e->others_listed && !given(e->witness)))
        doubt = "the API returned an empty list without saying that the object does not exist";
    if (doubt) {
        *reason = pb_arena_printf(a, "not in the reply of %s, but %s", e->label, doubt);
        return PB_P_UNKNOWN;
    }
    *reason = pb_arena_printf(a, "not in two complete replies of %s, %s%s", e->label,
                              e->others_listed ? "which have others" : "and there is its ",
                              e->others_listed ? "" : e->witness);
    return PB_P_ABSENT;
}
