/* What plumb.yaml asks of the gate, in the gate's own terms. */
#include "run/gate_internal.h"

#include <string.h>

static const char *at(struct pb_arena *a, const char *file, int64_t line, const char *suffix)
{
    return pb_arena_printf(a, "%s:%lld%s", file, (long long)line, suffix);
}

static unsigned cause_bits(char *const *names)
{
    unsigned bits = 0;
    enum pb_cause c;

    for (; names && *names; names++)
        if (pb_cause_parse(&c, *names) == 0)
            bits |= 1u << c;
    return bits;
}

static unsigned action_bits(char *const *names)
{
    unsigned bits = 0;

    for (; names && *names; names++)
        for (int i = 0; i <= PB_ACT_UNKNOWN; i++)
            if (strcmp(pb_action_name((enum pb_action)i), *names) == 0)
                bits |= 1u << i;
    return bits;
}

static int rule_of(struct pb_gate_rule *out, struct pb_arena *a, const char *file,
                   const char *suffix, const struct pb_config_rule *c, struct pb_err *err)
{
    *out = (struct pb_gate_rule){.causes = cause_bits(c->causes),
                                 .actions = action_bits(c->actions),
                                 .reason = c->reason,
                                 .at = at(a, file, c->line, suffix)};
    if (pb_gate_decision_parse(&out->decision, c->decide) < 0)
        return pb_fail(err, PB_E_CONFIG, "%s: 'decide' cannot be '%s'", out->at, c->decide);
    return pb_match_compile(&out->address, c->address, file, (int)c->line, err);
}

static int guard_of(struct pb_gate_guard *out, struct pb_arena *a, const char *file,
                    const char *suffix, const struct pb_config_guard *c, struct pb_err *err)
{
    *out = (struct pb_gate_guard){.reason = c->reason, .at = at(a, file, c->line, suffix)};
    return pb_match_compile(&out->address, c->address, file, (int)c->line, err);
}

static int bad_time(const char *at, const char *key, const char *s, const char *want,
                    struct pb_err *err)
{
    return pb_fail(err, PB_E_CONFIG, "%s: '%s' cannot be '%s': write it as %s", at, key, s, want);
}

static int zone_of(int *offset, const char *at, const char *s, struct pb_err *err)
{
    *offset = 0;
    return !s || pb_window_parse_zone(offset, s) == 0
               ? 0
               : bad_time(at, "timezone", s, "UTC or +01:00 (names are not known)", err);
}

static int window_of(struct pb_window *out, const char *at, const struct pb_config_window *c,
                     struct pb_err *err)
{
    *out = (struct pb_window){.to = 24 * 60, .reason = c->reason, .at = at};
    for (char *const *d = c->days; d && *d; d++) {
        unsigned bit = 0;

        if (pb_window_parse_day(&bit, *d) < 0)
            return bad_time(at, "days", *d, "mon", err);
        out->days |= bit;
    }
    if (c->from && pb_window_parse_time(&out->from, c->from) < 0)
        return bad_time(at, "from", c->from, "09:00", err);
    if (c->to && pb_window_parse_time(&out->to, c->to) < 0)
        return bad_time(at, "to", c->to, "17:00", err);
    return zone_of(&out->offset, at, c->timezone, err);
}

static int freeze_of(struct pb_freeze *out, const char *at, const struct pb_config_freeze *c,
                     struct pb_err *err)
{
    int offset;

    *out = (struct pb_freeze){.reason = c->reason, .at = at};
    if (zone_of(&offset, at, c->timezone, err) < 0)
        return -1;
    if (pb_window_parse_date(&out->from, c->from, offset, false) < 0)
        return bad_time(at, "from", c->from, "2026-12-20", err);
    if (pb_window_parse_date(&out->until, c->until, offset, true) < 0)
        return bad_time(at, "until", c->until, "2027-01-04", err);
    return out->until > out->from ? 0
                                  : pb_fail(err, PB_E_CONFIG, "%s: it ends before it begins", at);
}

static int windows_of(struct pb_windows *out, struct pb_arena *a, const char *file,
                      const char *suffix, const struct pb_config_gate *c, struct pb_err *err)
{
    struct pb_window *v = pb_arena_zalloc(a, (c->nwindows + 1) * sizeof(*v));
    struct pb_freeze *f = pb_arena_zalloc(a, (c->nfreezes + 1) * sizeof(*f));

    for (size_t i = 0; i < c->nwindows; i++)
        if (window_of(&v[i], at(a, file, c->windows[i].line, suffix), &c->windows[i], err) < 0)
            return -1;
    for (size_t i = 0; i < c->nfreezes; i++)
        if (freeze_of(&f[i], at(a, file, c->freezes[i].line, suffix), &c->freezes[i], err) < 0)
            return -1;
    *out = (struct pb_windows){v, c->nwindows, f, c->nfreezes};
    return 0;
}

int pb_ruleset_init(struct pb_ruleset *r, struct pb_arena *a, const char *file, const char *suffix,
                    const struct pb_config_gate *c, struct pb_err *err)
{
    struct pb_gate_policy *p = &r->policy;
    int rc = 0;

    r->rules = pb_arena_zalloc(a, (c->nrules + 1) * sizeof(*r->rules));
    r->guards = pb_arena_zalloc(a, (c->nguards + 1) * sizeof(*r->guards));
    *p = (struct pb_gate_policy){.rules = r->rules,
                                 .guards = r->guards,
                                 .max_delete = c->max_delete,
                                 .max_replace = c->max_replace,
                                 .need_branch = c->branch != NULL,
                                 .see_all = c->coverage && strcmp(c->coverage, "all") == 0,
                                 .suffix = suffix};
    if (windows_of(&p->windows, a, file, suffix, c, err) < 0)
        return -1;
    p->has_effects_rule =
        c->provisioners && pb_gate_decision_parse(&p->effects, c->provisioners) == 0;
    for (; rc == 0 && p->nrules < c->nrules; p->nrules++)
        rc = rule_of(&r->rules[p->nrules], a, file, suffix, &c->rules[p->nrules], err);
    for (; rc == 0 && p->nguards < c->nguards; p->nguards++)
        rc = guard_of(&r->guards[p->nguards], a, file, suffix, &c->guards[p->nguards], err);
    return rc;
}

void pb_ruleset_release(struct pb_ruleset *r)
{
    for (size_t i = 0; i < r->policy.nrules; i++)
        pb_match_release(&r->rules[i].address);
    for (size_t i = 0; i < r->policy.nguards; i++)
        pb_match_release(&r->guards[i].address);
}
