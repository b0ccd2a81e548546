/* What a change makes of plumb.yaml. For the check itself base's counts; this is for people. */
#include "run/check_internal.h"

#include "base/mem.h"
#include "base/text.h"
#include "git/tree.h"
#include "model/json.h"
#include "model/yaml.h"

#include <errno.h>
#include <string.h>

/* What a section, or one key of it, is about; the first row that fits counts. */
static const struct topic {
    const char *key; /* "gate.protected"; a section alone stands for all of its keys */
    enum pb_check_rule rule;
    const char *about;
} topics[] = {
    {"gate.protected", PB_CHECK_POLICY_GATE, "what may never be deleted or replaced"},
    {"gate.rules", PB_CHECK_POLICY_GATE, "what is applied without anybody being asked"},
    {"gate.branch", PB_CHECK_POLICY_GATE, "which commits may be applied"},
    {"gate.remote", PB_CHECK_POLICY_GATE, "which commits may be applied"},
    {"gate.signatures", PB_CHECK_POLICY_GATE, "which commits may be applied"},
    {"gate.allowed_signers", PB_CHECK_POLICY_GATE, "who may sign what is applied"},
    {"gate.max_delete", PB_CHECK_POLICY_GATE, "how much one plan may delete"},
    {"gate.max_replace", PB_CHECK_POLICY_GATE, "how much one plan may replace"},
    {"gate.coverage", PB_CHECK_POLICY_GATE, "what has to be seen before an apply"},
    {"gate.policies", PB_CHECK_POLICY_GATE, "which programs are asked about a plan"},
    {"gate.windows", PB_CHECK_POLICY_GATE, "when is applied"},
    {"gate.freezes", PB_CHECK_POLICY_GATE, "when nothing is applied"},
    {"gate.provisioners", PB_CHECK_POLICY_GATE, "what an apply may start beside the plan"},
    {"gate", PB_CHECK_POLICY_GATE, "what may be applied"},
    {"ignore", PB_CHECK_POLICY_IGNORE, "what is no longer reported as drift"},
    {"packs", PB_CHECK_POLICY_PACKS, "how live state is read, with credentials"},
    {"check.trust", PB_CHECK_POLICY_CHECK, "whose changes are planned before they are merged"},
    {"check.network", PB_CHECK_POLICY_CHECK, "what the planning of a change may connect to"},
    {"check", PB_CHECK_POLICY_CHECK, "how changes are checked"},
    {"ledger", PB_CHECK_POLICY_LEDGER, "what is recorded, where, and who vouches for it"},
    {"fail_on", PB_CHECK_POLICY_REPORT, "which verdicts make an audit fail"},
    {"", PB_CHECK_POLICY_REPORT, "how plumb works here"},
};

static const struct topic *topic_of(const char *key)
{
    const struct topic *t = topics;

    for (; *t->key; t++) {
        size_t n = strlen(t->key);

        if (strncmp(t->key, key, n) == 0 && (!key[n] || key[n] == '.'))
            break;
    }
    return t;
}

static void find(struct pb_check *c, const char *key, const struct topic *t, const char *what,
                 const struct pb_value *at, bool of_base)
{
    const char *message = pb_arena_printf(c->arena, "'%s' %s: it says %s", key, what, t->about);

    pb_check_find(&c->findings, c->arena, pb_check_rule_at(t->rule),
                  &(struct pb_check_finding){.severity = *t->key ? NULL : "notice",
                                             .message = message,
                                             .file = PB_CONFIG_FILE,
                                             .line = at ? at->line : 0,
                                             .last_line = at ? at->line : 0,
                                             .file_of_base = of_base});
}

enum { SHOWN = 200 };

static const char *text_of(struct pb_arena *a, const struct pb_value *v)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    if (pb_str(v))
        pb_buf_adds(&b, v->s);
    else
        pb_json_add_canonical(&b, v);
    if (b.len > SHOWN) {
        size_t n = SHOWN;

        while (n && ((unsigned char)b.s[n] & 0xc0) == 0x80)
            n--;
        pb_buf_truncate(&b, n);
        pb_buf_adds(&b, "...");
    }
    return pb_arena_strdup(a, b.s);
}

static bool has_item(const struct pb_value *list, const struct pb_value *v)
{
    for (size_t i = 0; pb_is(list, PB_LIST) && i < list->n; i++)
        if (pb_value_equal(&list->items[i], v))
            return true;
    return false;
}

static void compare_lists(struct pb_check *c, const char *key, const struct topic *t,
                          const struct pb_value *a, const struct pb_value *b)
{
    bool told = false;

    for (size_t i = 0; a && i < a->n; i++)
        if (!has_item(b, &a->items[i])) {
            find(c, key, t, pb_arena_printf(c->arena, "loses %s", text_of(c->arena, &a->items[i])),
                 &a->items[i], true);
            told = true;
        }
    for (size_t i = 0; b && i < b->n; i++)
        if (!has_item(a, &b->items[i])) {
            find(c, key, t, pb_arena_printf(c->arena, "gains %s", text_of(c->arena, &b->items[i])),
                 &b->items[i], false);
            told = true;
        }
    if (!told)
        find(c, key, t, "has another order, and the first that fits counts", b, false);
}

static void compare(struct pb_check *c, const char *key, const struct pb_value *a,
                    const struct pb_value *b);

/* Members of both; either may be NULL. */
static void compare_maps(struct pb_check *c, const char *key, const struct pb_value *a,
                         const struct pb_value *b)
{
    for (size_t i = 0; a && i < a->n; i++)
        compare(c, pb_arena_printf(c->arena, "%s.%s", key, a->members[i].key), &a->members[i].value,
                pb_get(b, a->members[i].key));
    for (size_t i = 0; b && i < b->n; i++)
        if (!pb_get(a, b->members[i].key))
            compare(c, pb_arena_printf(c->arena, "%s.%s", key, b->members[i].key), NULL,
                    &b->members[i].value);
}

static void compare(struct pb_check *c, const char *key, const struct pb_value *a,
                    const struct pb_value *b)
{
    const struct topic *t = topic_of(key);
    const struct pb_value *any = pb_is_nullish(b) ? a : b;

    if ((pb_is_nullish(a) && pb_is_nullish(b)) || (a && b && pb_value_equal(a, b)))
        return;
    if (pb_is(any, PB_MAP) && (pb_is_nullish(a) || pb_is(a, PB_MAP)))
        compare_maps(c, key, pb_is_nullish(a) ? NULL : a, pb_is_nullish(b) ? NULL : b);
    else if (pb_is(any, PB_LIST) && (pb_is_nullish(a) || pb_is(a, PB_LIST)))
        compare_lists(c, key, t, pb_is_nullish(a) ? NULL : a, pb_is_nullish(b) ? NULL : b);
    else if (pb_is_nullish(b))
        find(c, key, t, pb_arena_printf(c->arena, "was %s and is gone", text_of(c->arena, a)), a,
             true);
    else
        find(c, key, t,
             pb_arena_printf(c->arena, "was %s, becomes %s",
                             pb_is_nullish(a) ? "not set" : text_of(c->arena, a),
                             text_of(c->arena, b)),
             b, false);
}

/* ---- units: their ignore rules alone are policy --------------------------------------------- */

static const struct pb_value *unit_named(const struct pb_value *doc, const char *name)
{
    const struct pb_value *units = pb_get(doc, "units");

    for (size_t i = 0; i < pb_len(units); i++)
        if (pb_streq(pb_get_str(pb_at(units, i), "name"), name))
            return pb_at(units, i);
    return NULL;
}

static void compare_units(struct pb_check *c, const struct pb_value *a, const struct pb_value *b)
{
    const struct pb_value *units = pb_get(b, "units");

    for (size_t i = 0; i < pb_len(units); i++) {
        const struct pb_value *u = pb_at(units, i);
        const char *name = pb_get_str(u, "name");
        const struct pb_value *was = name ? pb_get(unit_named(a, name), "ignore") : NULL;
        const struct pb_value *is = pb_get(u, "ignore");

        if (!name || (pb_is_nullish(was) && pb_is_nullish(is)) ||
            (was && is && pb_value_equal(was, is)))
            continue;
        compare_lists(c, pb_arena_printf(c->arena, "units.%s.ignore", name), topic_of("ignore"),
                      pb_is(was, PB_LIST) ? was : NULL, pb_is(is, PB_LIST) ? is : NULL);
    }
}

static void compare_files(struct pb_check *c, const struct pb_value *a, const struct pb_value *b)
{
    const struct pb_value *const both[] = {a, b};

    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < pb_len(both[k]); i++) {
            const char *key = both[k]->members[i].key;

            if (pb_streq(key, "version") || pb_streq(key, "units") || (k == 1 && pb_get(a, key)))
                continue;
            compare(c, key, pb_get(a, key), pb_get(b, key));
        }
    compare_units(c, a, b);
}

/* NULL where there is none, or nobody can read it: then that is told elsewhere. */
static const struct pb_value *read_file(struct pb_check *c, const char *commit)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    const struct pb_value *v;

    if (pb_tree_read(&text, c->audit.repo, commit, PB_CONFIG_FILE, PB_CONFIG_MAX, NULL) < 0 ||
        pb_yaml_parse(&v, c->arena, text.s, text.len, PB_CONFIG_FILE, NULL) < 0 ||
        !pb_is(v, PB_MAP))
        return &pb_empty_map;
    return v;
}

/* ---- files that policy is read from --------------------------------------------------------- */

static void file_changes(struct pb_checking *k, const char *path, const char *key)
{
    struct pb_check *c = k->check;
    size_t n = path ? strlen(path) : 0;

    while (path && strncmp(path, "./", 2) == 0) {
        path += 2;
        n -= 2;
    }
    for (size_t i = 0; path && i < k->paths.n; i++) {
        const char *p = k->paths.v[i];

        if (strncmp(p, path, n) != 0 || (n && p[n] && p[n] != '/'))
            continue;
        pb_check_find(
            &c->findings, c->arena, pb_check_rule_at(PB_CHECK_POLICY_FILE),
            &(struct pb_check_finding){
                .message = pb_arena_printf(c->arena, "'%s' is what base's '%s' goes by: it says %s",
                                           p, key, topic_of(key)->about),
                .file = p});
    }
}

static void compare_named_files(struct pb_checking *k)
{
    const struct pb_config *cfg = &k->check->audit.config;

    file_changes(k, cfg->gate.allowed_signers, "gate.allowed_signers");
    file_changes(k, cfg->ledger.allowed_signers, "ledger.allowed_signers");
    for (size_t i = 0; i < cfg->gate.npolicies; i++) {
        const struct pb_config_policy *p = &cfg->gate.policies[i];

        file_changes(k, p->rego, "gate.policies");
        if (p->command && *p->command && **p->command != '/' && strchr(*p->command, '/'))
            file_changes(k, *p->command, "gate.policies");
    }
    for (char *const *p = cfg->packs; p && *p; p++)
        file_changes(k, *p, "packs");
}

void pb_check_policy(struct pb_checking *k)
{
    struct pb_check *c = k->check;

    /* Whatever path changed: it may be a link. */
    compare_files(c, read_file(c, c->base), read_file(c, c->merged));
    compare_named_files(k);
}
