#include "reconcile/policydoc.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum { ACCOUNT_DIGITS = 12 };

static bool is_statement(const struct pb_value *v)
{
    return pb_is(v, PB_MAP) && pb_str(pb_get(v, "Effect"));
}

bool pb_policydoc_is(const struct pb_value *v)
{
    const struct pb_value *s = pb_get(v, "Statement");

    if (!pb_is(s, PB_LIST))
        return is_statement(s);
    for (size_t i = 0; i < s->n; i++)
        if (!is_statement(&s->items[i]))
            return false;
    return true;
}

static int by_value(const void *a, const void *b)
{
    return pb_value_cmp(a, b);
}

/* A list of unique values in order; a single value is a list of one. */
static struct pb_value sorted(struct pb_arena *a, const struct pb_value *v,
                              struct pb_value (*each)(struct pb_arena *, const struct pb_value *))
{
    size_t n = v->kind == PB_LIST ? v->n : 1, kept = 0;
    const struct pb_value *in = v->kind == PB_LIST ? v->items : v;
    struct pb_value *items = pb_arena_alloc(a, n * sizeof(*items));
    struct pb_value out = pb_empty_list;

    for (size_t i = 0; i < n; i++)
        items[i] = each(a, &in[i]);
    qsort(items, n, sizeof(*items), by_value);
    for (size_t i = 0; i < n; i++)
        if (!kept || pb_value_cmp(&items[kept - 1], &items[i]) != 0)
            items[kept++] = items[i];
    out.n = (uint32_t)kept;
    if (kept)
        out.items = items;
    return out;
}

/* Conditions write true, "true", 5 and "5" alike. */
static struct pb_value as_text(struct pb_arena *a, const struct pb_value *v)
{
    struct pb_value out = *v;

    if (v->kind == PB_BOOL)
        return pb_mk_string(a, v->b ? "true" : "false");
    if (v->kind == PB_NUMBER)
        out.kind = PB_STRING;
    return out;
}

static bool all_digits(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] < '0' || s[i] > '9')
            return false;
    return true;
}

/* arn:PARTITION:iam::123456789012:root names the account, as its bare number does. */
static struct pb_value principal(struct pb_arena *a, const struct pb_value *v)
{
    static const char tail[] = ":root", service[] = ":iam::";
    const char *s = pb_str(v), *at;

    if (!s || strncmp(s, "arn:", 4) != 0 || !(at = strstr(s + 4, service)))
        return *v;
    at += sizeof(service) - 1;
    if (strlen(at) != ACCOUNT_DIGITS + sizeof(tail) - 1 || !all_digits(at, ACCOUNT_DIGITS) ||
        strcmp(at + ACCOUNT_DIGITS, tail) != 0)
        return *v;
    return pb_mk_stringn(a, at, ACCOUNT_DIGITS);
}

/* Assuming a role takes a signed request, so that there "*" is whoever has an account. Elsewhere
 * (S3, SQS) it is anybody at all, and some services take but one of the two. */
static bool is_signed(const struct pb_value *statement)
{
    const struct pb_value *v = pb_get(statement, "Action");

    if (pb_is(v, PB_LIST) && v->n == 1)
        v = &v->items[0];
    return pb_streq(pb_str(v), "sts:AssumeRole");
}

static struct pb_value principals(struct pb_arena *a, const struct pb_value *v, bool is_trust)
{
    struct pb_map_builder b = PB_BUILDER_INIT;

    if (is_trust && pb_streq(pb_str(v), "*")) {
        pb_map_add(&b, "AWS", sorted(a, v, principal));
        return pb_map_done(&b, a);
    }
    if (v->kind != PB_MAP)
        return *v;
    for (size_t i = 0; i < v->n; i++)
        pb_map_add(&b, v->members[i].key, sorted(a, &v->members[i].value, principal));
    return pb_map_done(&b, a);
}

static struct pb_value conditions(struct pb_arena *a, const struct pb_value *v)
{
    struct pb_map_builder ops = PB_BUILDER_INIT;

    if (v->kind != PB_MAP)
        return *v;
    for (size_t i = 0; i < v->n; i++) {
        const struct pb_value *keys = &v->members[i].value;
        struct pb_map_builder b = PB_BUILDER_INIT;
        for (size_t k = 0; keys->kind == PB_MAP && k < keys->n; k++)
            pb_map_add(&b, keys->members[k].key, sorted(a, &keys->members[k].value, as_text));
        pb_map_add(&ops, v->members[i].key, keys->kind == PB_MAP ? pb_map_done(&b, a) : *keys);
    }
    return pb_map_done(&ops, a);
}

static struct pb_value statement(struct pb_arena *a, const struct pb_value *v)
{
    static const char *const lists[] = {"Action", "NotAction", "Resource", "NotResource"};
    struct pb_map_builder b = PB_BUILDER_INIT;

    for (size_t i = 0; i < v->n; i++) {
        const struct pb_member *m = &v->members[i];
        struct pb_value out = m->value;
        for (size_t k = 0; k < PB_COUNT(lists); k++)
            if (strcmp(m->key, lists[k]) == 0)
                out = sorted(a, &m->value, as_text);
        if (strcmp(m->key, "Principal") == 0 || strcmp(m->key, "NotPrincipal") == 0)
            out = principals(a, &m->value, is_signed(v));
        else if (strcmp(m->key, "Condition") == 0)
            out = conditions(a, &m->value);
        else if (strcmp(m->key, "Sid") == 0 && m->value.kind == PB_STRING && !m->value.n)
            continue;
        pb_map_add(&b, m->key, out);
    }
    return pb_map_done(&b, a);
}

struct pb_value pb_policydoc_normal(struct pb_arena *a, const struct pb_value *v)
{
    struct pb_map_builder b = PB_BUILDER_INIT;

    for (size_t i = 0; i < v->n; i++) {
        const struct pb_member *m = &v->members[i];
        bool is = strcmp(m->key, "Statement") == 0;
        pb_map_add(&b, m->key, is ? sorted(a, &m->value, statement) : m->value);
    }
    return pb_map_done(&b, a);
}
