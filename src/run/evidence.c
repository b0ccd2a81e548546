/* What a decision of the gate rests on, in a form that has a digest. */
#include "run/gate.h"

#include "base/mem.h"
#include "git/tree.h"
#include "model/json.h"
#include "run/internal.h"
#include "run/live.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- values ------------------------------------------------------------------------------- */

static const struct pb_type *element(const struct pb_type *t)
{
    return t && (t->kind == PB_T_LIST || t->kind == PB_T_SET || t->kind == PB_T_MAP) ? t->elem
                                                                                     : NULL;
}

static int by_bytes(const void *a, const void *b)
{
    const struct pb_value *const *x = a, *const *y = b;
    PB_AUTO(buf) struct pb_buf bx = PB_BUF_INIT, by = PB_BUF_INIT;

    pb_json_add_canonical(&bx, *x);
    pb_json_add_canonical(&by, *y);
    return strcmp(bx.s, by.s);
}

static struct pb_value shown(struct pb_arena *a, const struct pb_value *v, const struct pb_type *t);

/* The order in a set is nobody's decision. */
static struct pb_value shown_list(struct pb_arena *a, const struct pb_value *v,
                                  const struct pb_type *t)
{
    struct pb_list_builder b = PB_BUILDER_INIT;
    const struct pb_value **order = pb_calloc(v->n + 1, sizeof(*order));

    for (size_t i = 0; i < v->n; i++)
        order[i] = pb_box(a, shown(a, &v->items[i], element(t)));
    if (t && t->kind == PB_T_SET)
        qsort(order, v->n, sizeof(*order), by_bytes);
    for (size_t i = 0; i < v->n; i++)
        pb_list_add(&b, *order[i]);
    free(order);
    return pb_list_done(&b, a);
}

/* Without secrets, without reasons (they are words, and differ), sets in one order. */
static struct pb_value shown(struct pb_arena *a, const struct pb_value *v, const struct pb_type *t)
{
    struct pb_map_builder b = PB_BUILDER_INIT;

    if (!v)
        return pb_null;
    if ((v->flags & PB_V_SENSITIVE) && v->kind != PB_NULL)
        return pb_mk_string(a, "(sensitive)");
    if (v->kind == PB_UNKNOWN)
        return pb_unknown;
    if (v->kind == PB_LIST)
        return shown_list(a, v, t);
    if (v->kind != PB_MAP)
        return *v;
    for (size_t i = 0; i < v->n; i++) {
        const struct pb_member *m = &v->members[i];
        const struct pb_field *f = t && t->kind == PB_T_OBJECT ? pb_type_field(t, m->key) : NULL;

        pb_map_add(&b, m->key, shown(a, &m->value, f ? f->type : element(t)));
    }
    return pb_map_done(&b, a);
}

static bool equal(const struct pb_value *x, const struct pb_value *y)
{
    return by_bytes(&x, &y) == 0;
}

bool pb_run_settable(const struct pb_type *root, const char *name)
{
    const struct pb_field *f = root ? pb_type_field(root, name) : NULL;

    return !f || f->flags & (PB_F_REQUIRED | PB_F_OPTIONAL | PB_F_BLOCK);
}

static struct pb_value settable_of(struct pb_arena *a, const struct pb_value *v,
                                   const struct pb_type *root)
{
    struct pb_map_builder b = PB_BUILDER_INIT;

    for (size_t i = 0; pb_is(v, PB_MAP) && i < v->n; i++) {
        const struct pb_field *f = root ? pb_type_field(root, v->members[i].key) : NULL;

        if (pb_run_settable(root, v->members[i].key))
            pb_map_add(&b, v->members[i].key, shown(a, &v->members[i].value, f ? f->type : NULL));
    }
    return pb_map_done(&b, a);
}

static void put(struct pb_map_builder *b, struct pb_arena *a, const char *key, const char *s)
{
    pb_map_add(b, key, s ? pb_mk_string(a, s) : pb_null);
}

static void put_bool(struct pb_map_builder *b, const char *key, bool yes)
{
    pb_map_add(b, key, yes ? pb_true : pb_false);
}

static struct pb_value words(struct pb_arena *a, const char *const *v)
{
    struct pb_list_builder b = PB_BUILDER_INIT;

    for (; v && *v; v++)
        pb_list_add(&b, pb_mk_string(a, *v));
    return pb_list_done(&b, a);
}

/* ---- changes ------------------------------------------------------------------------------ */

/* A secret of one side is one on the other: masks may be taken away by the change itself. */
static const struct pb_value *masked(struct pb_arena *a, const struct pb_value *v,
                                     const struct pb_value *like, const struct pb_type *root)
{
    return v ? pb_box(a, pb_live_mark(a, v, like, root)) : NULL;
}

/* The attributes that the plan changes, with both values. */
static struct pb_value values_of(struct pb_arena *a, const struct pb_value *before,
                                 const struct pb_value *after, const struct pb_type *root)
{
    struct pb_value x = settable_of(a, before, root), y = shown(a, after, root);
    struct pb_map_builder all = PB_BUILDER_INIT, b = PB_BUILDER_INIT;
    struct pb_value names;

    for (size_t i = 0; i < x.n; i++)
        pb_map_add(&all, x.members[i].key, pb_null);
    for (size_t i = 0; pb_is(&y, PB_MAP) && i < y.n; i++)
        pb_map_add(&all, y.members[i].key, pb_null);
    names = pb_map_done(&all, a);
    for (size_t i = 0; i < names.n; i++) {
        const char *key = names.members[i].key;
        const struct pb_value *was = pb_get(&x, key), *is = pb_get(&y, key);
        struct pb_list_builder pair = PB_BUILDER_INIT;

        /* Computed, and the plan leaves it: it is as much in the state. */
        if (equal(was ? was : &pb_null, is ? is : &pb_null) ||
            (!pb_run_settable(root, key) && before && !pb_has_unknown(is)))
            continue;
        pb_list_add(&pair, was ? *was : pb_null);
        pb_list_add(&pair, is ? *is : pb_null);
        pb_map_add(&b, key, pb_list_done(&pair, a));
    }
    return pb_map_done(&b, a);
}

static struct pb_value live_of(struct pb_arena *a, const struct pb_live *l,
                               const struct pb_value *like, const struct pb_type *root)
{
    struct pb_map_builder b = PB_BUILDER_INIT;

    put(&b, a, "presence",
        l->presence == PB_P_KNOWN    ? "known"
        : l->presence == PB_P_ABSENT ? "absent"
                                     : "unknown");
    pb_map_add(&b, "values", settable_of(a, masked(a, l->attributes, like, root), root));
    return pb_map_done(&b, a);
}

/* What was seen to differ from what Git declares, or from what was verified. */
static struct pb_value verdicts_of(struct pb_arena *a, const struct pb_resource_result *r)
{
    struct pb_map_builder b = PB_BUILDER_INIT;

    for (size_t i = 0; i < r->nattrs; i++)
        if (r->attrs[i].verdict != PB_IN_SYNC && r->attrs[i].verdict != PB_COMPUTED)
            put(&b, a, r->attrs[i].path, pb_verdict_name(r->attrs[i].verdict));
    return pb_map_done(&b, a);
}

static struct pb_value effects_of(struct pb_arena *a, const struct pb_gate_effect *v, size_t n)
{
    struct pb_list_builder list = PB_BUILDER_INIT;

    for (size_t i = 0; i < n; i++) {
        struct pb_map_builder b = PB_BUILDER_INIT;

        put(&b, a, "what", v[i].what);
        put(&b, a, "where", v[i].where);
        put(&b, a, "origin", pb_gate_origins[v[i].origin]);
        pb_list_add(&list, pb_map_done(&b, a));
    }
    return pb_list_done(&list, a);
}

static struct pb_value change_of(struct pb_arena *a, const struct pb_unit_result *u,
                                 const struct pb_gate_verdict *v,
                                 const struct pb_resource_result *r)
{
    const struct pb_declared *d = pb_declared_find(&u->declared.declared, r->address);
    const struct pb_schema *s = pb_schema_find(&u->declared.schemas, r->type);
    const char *was = r->moved_from ? r->moved_from : r->address;
    const struct pb_live *l = pb_live_find(&u->live, was);
    const struct pb_recorded *rec = pb_recorded_find(&u->recorded, was);
    const struct pb_type *root = s ? s->root : NULL;
    const struct pb_value *prior = d ? d->prior : NULL, *planned = d ? d->planned : NULL;
    struct pb_map_builder b = PB_BUILDER_INIT;

    put(&b, a, "address", r->address);
    put(&b, a, "action", pb_action_name(r->action));
    put(&b, a, "cause", pb_cause_names[v->cause]);
    put(&b, a, "id", r->id);
    put(&b, a, "moved_from", r->moved_from);
    put_bool(&b, "importing", d && d->importing);
    if (rec) { /* of what nobody declares any more, the record has the values */
        if (!d)
            prior = rec->attributes;
        prior = masked(a, prior, rec->attributes, root);
        planned = masked(a, planned, rec->attributes, root);
    }
    prior = masked(a, prior, planned, root);
    planned = masked(a, planned, prior, root);
    if (v->change)
        pb_map_add(&b, "starts", effects_of(a, v->change->effects, v->change->neffects));
    pb_map_add(&b, "replaces_for", words(a, d ? d->replace_paths : NULL));
    pb_map_add(&b, "values", values_of(a, prior, planned, root));
    pb_map_add(&b, "verdicts", verdicts_of(a, r));
    pb_map_add(&b, "live", l ? live_of(a, l, planned ? planned : prior, root) : pb_null);
    return pb_map_done(&b, a);
}

static struct pb_value changes_of(struct pb_arena *a, const struct pb_unit_result *u,
                                  const struct pb_unit_gate *g)
{
    struct pb_list_builder b = PB_BUILDER_INIT;

    for (size_t i = 0; i < g->out.n; i++)
        pb_list_add(&b, change_of(a, u, &g->out.v[i], g->results[i]));
    return pb_list_done(&b, a);
}

/* What belongs to no change. */
static struct pb_value starts_of(struct pb_arena *a, const struct pb_declared_set *d)
{
    struct pb_list_builder b = PB_BUILDER_INIT;

    for (size_t i = 0; i < d->neffects; i++)
        pb_list_add(&b, pb_mk_string(a, d->effects[i].what));
    return pb_list_done(&b, a);
}

/* ---- the rest ----------------------------------------------------------------------------- */

static struct pb_value unit_of(struct pb_arena *a, const struct pb_unit_result *u)
{
    struct pb_map_builder b = PB_BUILDER_INIT;

    put(&b, a, "name", u->config.name);
    put(&b, a, "path", u->config.path);
    put(&b, a, "engine", u->engine);
    put(&b, a, "workspace", u->config.workspace);
    return pb_map_done(&b, a);
}

/* Names alone: a variable may hold a secret, and a file many. */
static struct pb_value names_of(struct pb_arena *a, char *const *v, bool files)
{
    struct pb_list_builder b = PB_BUILDER_INIT;

    for (; v && *v; v++) {
        const char *slash = files ? strrchr(*v, '/') : NULL;
        const char *s = slash ? slash + 1 : *v;

        pb_list_add(&b, pb_mk_stringn(a, s, files ? strlen(s) : strcspn(s, "=")));
    }
    return pb_list_done(&b, a);
}

static struct pb_value options_of(struct pb_arena *a, const struct pb_plan_options *o)
{
    static const struct pb_plan_options none;
    struct pb_map_builder b = PB_BUILDER_INIT;

    if (!o)
        o = &none;
    pb_map_add(&b, "vars", names_of(a, o->vars, false));
    pb_map_add(&b, "var_files", names_of(a, o->var_files, true));
    pb_map_add(&b, "targets", words(a, (const char *const *)o->targets));
    pb_map_add(&b, "replace", words(a, (const char *const *)o->replace));
    put_bool(&b, "destroy", o->destroy);
    return pb_map_done(&b, a);
}

static struct pb_value state_of(struct pb_arena *a, const struct pb_recorded_set *r)
{
    struct pb_map_builder b = PB_BUILDER_INIT;

    put(&b, a, "lineage", r->lineage);
    pb_map_add(&b, "serial", pb_mk_int(a, r->serial));
    put(&b, a, "sha256", r->sha256);
    return pb_map_done(&b, a);
}

static const char *lock_name(const struct pb_unit_result *u)
{
    const struct pb_executor *x = pb_executor_named(u->engine);

    return x ? x->lock_file : NULL;
}

/* Which tool and plugins plan it: as the lock file pins them, and as they were found. */
static int tools_of(struct pb_value *out, struct pb_arena *a, struct pb_audit *audit,
                    const struct pb_unit_result *u, struct pb_err *err)
{
    const struct pb_declared_set *d = &u->declared.declared;
    struct pb_map_builder b = PB_BUILDER_INIT, versions = PB_BUILDER_INIT;
    const char *name = lock_name(u);
    char id[PB_OID_HEX] = "";
    struct pb_err inner = PB_ERR_INIT;

    if (name &&
        pb_tree_id(id, audit->repo, audit->commit,
                   *u->config.path ? pb_arena_printf(a, "%s/%s", u->config.path, name) : name,
                   &inner) < 0) {
        if (inner.sys != ENOENT)
            return pb_fail(err, inner.cls, "%s", inner.msg);
        *id = '\0';
    }
    for (size_t i = 0; i < d->nproviders; i++)
        put(&versions, a, d->providers[i].key, d->providers[i].version);
    put(&b, a, "version", u->declared.tool_version);
    put(&b, a, "lock_file", *id ? id : NULL);
    pb_map_add(&b, "plugins", pb_map_done(&versions, a));
    *out = pb_map_done(&b, a);
    return 0;
}

static const char *tri(enum pb_tri t)
{
    return t == PB_TRI_YES ? "yes" : t == PB_TRI_NO ? "no" : "unknown";
}

static struct pb_value facts_of(struct pb_arena *a, const struct pb_gate_facts *f)
{
    struct pb_map_builder b = PB_BUILDER_INIT;

    put(&b, a, "merged", tri(f->merged));
    put(&b, a, "descends", tri(f->descends));
    put(&b, a, "clean", tri(f->clean));
    put(&b, a, "complete", tri(f->complete));
    put(&b, a, "last", f->last);
    put(&b, a, "branch", f->branch_is);
    put_bool(&b, "signed", f->needs_signature && !f->not_signed);
    put_bool(&b, "baseline", f->has_baseline);
    pb_map_add(&b, "unseen", pb_mk_int(a, (int64_t)f->unseen));
    return pb_map_done(&b, a);
}

static struct pb_value rules_of(struct pb_arena *a, const struct pb_unit_gate *g)
{
    struct pb_list_builder b = PB_BUILDER_INIT;

    pb_list_add(&b, pb_config_gate_value(a, g->rules));
    if (g->old_rules)
        pb_list_add(&b, pb_config_gate_value(a, g->old_rules));
    return pb_list_done(&b, a);
}

int pb_run_evidence(struct pb_buf *canonical, char hash[PB_SHA256_HEX], struct pb_unit_gate *g,
                    struct pb_audit *a, struct pb_unit_result *u, struct pb_err *err)
{
    struct pb_map_builder b = PB_BUILDER_INIT;
    struct pb_value tools, whole;

    if (tools_of(&tools, u->arena, a, u, err) < 0)
        return -1;
    pb_map_add(&b, "format", pb_mk_int(u->arena, 1));
    put(&b, u->arena, "commit", a->commit);
    pb_map_add(&b, "unit", unit_of(u->arena, u));
    pb_map_add(&b, "options", options_of(u->arena, u->plan));
    pb_map_add(&b, "state", state_of(u->arena, &u->recorded));
    pb_map_add(&b, "tool", tools);
    pb_map_add(&b, "facts", facts_of(u->arena, &g->facts));
    pb_map_add(&b, "rules", rules_of(u->arena, g));
    pb_map_add(&b, "starts", starts_of(u->arena, &u->declared.declared));
    pb_map_add(&b, "changes", changes_of(u->arena, u, g));
    whole = pb_map_done(&b, u->arena);
    pb_json_add_canonical(canonical, &whole);
    pb_sha256_hex_of(hash, canonical->s, canonical->len);
    return 0;
}
