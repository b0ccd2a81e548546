#include "backends/terraform/mark.h"

#include "backends/terraform/redact.h"

#include <stdlib.h>
#include <string.h>

static const struct pb_value *mask_all = &pb_true;

/* Types are trees and shallow, so asking again for each value costs little. */
static bool holds_sensitive(const struct pb_type *t)
{
    if (!t)
        return false;
    if (t->elem)
        return holds_sensitive(t->elem);
    for (size_t i = 0; i < t->nfields; i++)
        if ((t->fields[i].flags & PB_F_SENSITIVE) || holds_sensitive(t->fields[i].type))
            return true;
    return false;
}

static struct pb_value mark_object(struct pb_arena *a, const struct pb_value *v,
                                   const struct pb_type *t)
{
    struct pb_member *members = pb_arena_alloc(a, v->n * sizeof(*members) + 1);
    struct pb_value out = *v;

    for (size_t i = 0; i < v->n; i++) {
        const struct pb_member *m = &v->members[i];
        const struct pb_field *f = pb_type_field(t, m->key);
        members[i].key = m->key;
        if (f && (f->flags & PB_F_SENSITIVE))
            members[i].value = pb_mark_sensitive(a, &m->value, mask_all);
        else
            members[i].value = pb_tf_mark_schema(a, &m->value, f ? f->type : NULL);
    }
    out.members = members;
    return out;
}

struct pb_value pb_tf_mark_schema(struct pb_arena *a, const struct pb_value *v,
                                  const struct pb_type *t)
{
    struct pb_value out = v ? *v : pb_null;

    if (!holds_sensitive(t) || !pb_len(v))
        return out;
    if (t->kind == PB_T_OBJECT)
        return v->kind == PB_MAP ? mark_object(a, v, t) : out;
    if (v->kind == PB_LIST) {
        struct pb_value *items = pb_arena_alloc(a, v->n * sizeof(*items));
        for (size_t i = 0; i < v->n; i++)
            items[i] = pb_tf_mark_schema(
                a, &v->items[i],
                t->kind == PB_T_TUPLE ? (i < t->nfields ? t->fields[i].type : NULL) : t->elem);
        out.items = items;
    } else if (v->kind == PB_MAP) {
        struct pb_member *members = pb_arena_alloc(a, v->n * sizeof(*members));
        for (size_t i = 0; i < v->n; i++) {
            members[i].key = v->members[i].key;
            members[i].value = pb_tf_mark_schema(a, &v->members[i].value, t->elem);
        }
        out.members = members;
    }
    return out;
}

static bool names_one(const struct pb_value *v, const struct pb_tf_redactor *secrets)
{
    for (size_t i = 0; v->kind == PB_MAP && i < v->n; i++)
        if (pb_tf_redactor_finds(secrets, v->members[i].key, strlen(v->members[i].key)))
            return true;
    return false;
}

struct pb_value pb_tf_mark_found(struct pb_arena *a, const struct pb_value *v,
                                 const struct pb_tf_redactor *secrets)
{
    struct pb_value out = *v;

    if (v->kind == PB_STRING)
        return pb_tf_redactor_finds(secrets, v->s, v->n) ? pb_mark_sensitive(a, v, mask_all) : out;
    if (names_one(v, secrets))
        return pb_mark_sensitive(a, v, mask_all);
    if (v->kind == PB_LIST && v->n) {
        struct pb_value *items = pb_arena_alloc(a, v->n * sizeof(*items));
        for (size_t i = 0; i < v->n; i++)
            items[i] = pb_tf_mark_found(a, &v->items[i], secrets);
        out.items = items;
    } else if (v->kind == PB_MAP && v->n) {
        struct pb_member *members = pb_arena_alloc(a, v->n * sizeof(*members));
        for (size_t i = 0; i < v->n; i++) {
            members[i].key = v->members[i].key;
            members[i].value = pb_tf_mark_found(a, &v->members[i].value, secrets);
        }
        out.members = members;
    }
    return out;
}

/* {"value": ..., "type": ...}: how a state writes an attribute that can hold anything. */
static bool is_wrapped(const struct pb_value *v)
{
    static const char *const names[] = {"string", "number", "bool",   "dynamic", "list",
                                        "set",    "map",    "object", "tuple"};
    const struct pb_value *type = pb_get(v, "type");
    const char *name = pb_is(type, PB_LIST) ? pb_str(pb_at(type, 0)) : pb_str(type);

    if (!pb_is(v, PB_MAP) || v->n != 2 || !pb_get(v, "value") || !name)
        return false;
    for (size_t i = 0; i < PB_COUNT(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static bool holds_dynamic(const struct pb_type *t)
{
    if (!t)
        return false;
    if (t->kind == PB_T_DYNAMIC || t->elem)
        return t->kind == PB_T_DYNAMIC || holds_dynamic(t->elem);
    for (size_t i = 0; i < t->nfields; i++)
        if (holds_dynamic(t->fields[i].type))
            return true;
    return false;
}

static const struct pb_type *part_type(const struct pb_type *t, const char *key, size_t i)
{
    const struct pb_field *f;

    if (t->kind == PB_T_TUPLE)
        return i < t->nfields ? t->fields[i].type : NULL;
    if (t->kind != PB_T_OBJECT)
        return t->elem;
    f = key ? pb_type_field(t, key) : NULL;
    return f ? f->type : NULL;
}

struct pb_value pb_tf_unwrap_dynamic(struct pb_arena *a, const struct pb_value *v,
                                     const struct pb_type *t)
{
    struct pb_value out = v ? *v : pb_null;

    if (!t || !holds_dynamic(t))
        return out;
    if (t->kind == PB_T_DYNAMIC)
        return is_wrapped(v) ? *pb_get(v, "value") : out;
    if (pb_is(v, PB_LIST) && v->n) {
        struct pb_value *items = pb_arena_alloc(a, v->n * sizeof(*items));
        for (size_t i = 0; i < v->n; i++)
            items[i] = pb_tf_unwrap_dynamic(a, &v->items[i], part_type(t, NULL, i));
        out.items = items;
    } else if (pb_is(v, PB_MAP) && v->n) {
        struct pb_member *members = pb_arena_alloc(a, v->n * sizeof(*members));
        for (size_t i = 0; i < v->n; i++) {
            const struct pb_member *m = &v->members[i];
            members[i].key = m->key;
            members[i].value = pb_tf_unwrap_dynamic(a, &m->value, part_type(t, m->key, i));
        }
        out.members = members;
    }
    return out;
}

/* The place of the part that `step` names, or the number of parts when there is none. */
static size_t find_step(const struct pb_value *v, const struct pb_value *step)
{
    size_t i;

    if (v->kind == PB_LIST && step->kind == PB_NUMBER) {
        i = strtoul(step->s, NULL, 10);
        return i < v->n ? i : v->n;
    }
    if (v->kind != PB_MAP || step->kind != PB_STRING)
        return pb_len(v);
    for (i = 0; i < v->n; i++)
        if (strcmp(v->members[i].key, step->s) == 0)
            break;
    return i;
}

struct pb_value pb_tf_mark_path(struct pb_arena *a, const struct pb_value *v,
                                const struct pb_value *steps, size_t nsteps)
{
    struct pb_value out = *v;
    size_t at;

    if (nsteps == 0)
        return pb_mark_sensitive(a, v, mask_all);
    if (v->kind == PB_NULL)
        return out;
    at = find_step(v, steps);
    if (at == pb_len(v)) {
        /* A member that a state left out holds nothing; an item of a set goes by value. */
        return v->kind == PB_MAP && steps->kind == PB_STRING ? out
                                                             : pb_mark_sensitive(a, v, mask_all);
    }
    if (v->kind == PB_LIST) {
        struct pb_value *items = pb_arena_alloc(a, v->n * sizeof(*items));
        memcpy(items, v->items, v->n * sizeof(*items));
        items[at] = pb_tf_mark_path(a, &v->items[at], steps + 1, nsteps - 1);
        out.items = items;
    } else {
        struct pb_member *members = pb_arena_alloc(a, v->n * sizeof(*members));
        memcpy(members, v->members, v->n * sizeof(*members));
        members[at].value = pb_tf_mark_path(a, &v->members[at].value, steps + 1, nsteps - 1);
        out.members = members;
    }
    return out;
}
