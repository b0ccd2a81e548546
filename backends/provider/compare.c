/*
 * Whether a difference is one. A provider that is asked to plan from what it read to what is
 * recorded knows spellings of the same thing ("tcp" and "6", a policy with its keys in another
 * order): where it plans to leave what it read, Terraform's own plan would show nothing either,
 * and what is recorded is taken for what was read.
 *
 * Asked only once everything has been read, so that whatever goes wrong here costs nothing, and
 * only for attributes that a configuration can set and that have a recorded value: of the others
 * a plan keeps whatever is there, which says nothing.
 */
#include "backends/provider/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/provider/msgpack.h"
#include "base/mem.h"

static bool is_nothing(const struct pb_value *v)
{
    return pb_is_nullish(v) || ((v->kind == PB_LIST || v->kind == PB_MAP) && !v->n);
}

static bool can_be_set(const struct pb_field *f)
{
    return (f->flags & (PB_F_REQUIRED | PB_F_OPTIONAL | PB_F_BLOCK)) &&
           !(f->flags & PB_F_WRITE_ONLY);
}

static bool differs(const struct pb_target *t, const struct pb_field *f)
{
    const struct pb_value *recorded = pb_get(t->recorded, f->name);

    return can_be_set(f) && !is_nothing(recorded) &&
           !pb_provider_same(recorded, pb_get(t->out->attributes, f->name));
}

bool pb_session_is_doubtful(const struct pb_target *t)
{
    const struct pb_type *root = t->schema->root;

    for (size_t i = 0; t->recorded && i < root->nfields; i++)
        if (differs(t, &root->fields[i]))
            return true;
    return false;
}

/* What is recorded, as if a configuration said so; `whole`: with the rest as it was read. */
static int encode(struct pb_buf *out, struct pb_arena *a, const struct pb_target *t, bool whole,
                  struct pb_err *err)
{
    const struct pb_type *root = t->schema->root;
    struct pb_map_builder b = PB_BUILDER_INIT;
    struct pb_value v;

    for (size_t i = 0; i < root->nfields; i++) {
        const struct pb_field *f = &root->fields[i];
        const struct pb_value *x = can_be_set(f) ? pb_get(t->recorded, f->name) : NULL;

        if (whole && pb_is_nullish(x) && (f->flags & PB_F_COMPUTED))
            x = pb_get(t->out->attributes, f->name);
        if (x)
            pb_map_add(&b, f->name, *x);
    }
    v = pb_map_done(&b, a);
    return pb_msgpack_encode(out, a, &v, root, err);
}

/* Takes over what the provider would leave as it is. */
static void accept(struct pb_target *t, const struct pb_value *planned)
{
    const struct pb_type *root = t->schema->root;
    struct pb_arena *a = t->session->run->arena;
    const struct pb_value *live = t->out->attributes;
    struct pb_map_builder b = PB_BUILDER_INIT;

    for (size_t i = 0; i < live->n; i++) {
        const struct pb_member *m = &live->members[i];
        const struct pb_field *f = pb_type_field(root, m->key);
        const struct pb_value *p = pb_get(planned, m->key);
        bool same = f && differs(t, f) && p && !pb_has_unknown(p) && pb_provider_same(p, &m->value);

        pb_map_add(&b, m->key, same ? *pb_get(t->recorded, m->key) : m->value);
    }
    t->out->attributes = pb_box(a, pb_map_done(&b, a));
}

static void on_planned(void *ctx, const struct pb_rpc_reply *r)
{
    struct pb_target *t = ctx;
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf why = PB_BUF_INIT;
    const Tfplugin6__PlanResourceChange__Response *m;
    const Tfplugin6__DynamicValue *dv;
    struct pb_value v;

    m = pb_session_answer(t, a, &tfplugin6__plan_resource_change__response__descriptor, r);
    if (!m || m->deferred || pb_plugin_errors(&why, m->diagnostics, m->n_diagnostics))
        return;
    dv = m->planned_state;
    if (dv && dv->msgpack.len &&
        pb_msgpack_decode(&v, a, dv->msgpack.data, dv->msgpack.len, t->schema->root, NULL) == 0 &&
        v.kind == PB_MAP)
        accept(t, &v);
}

static void plan(struct pb_target *t)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf config = PB_BUF_INIT, proposed = PB_BUF_INIT;
    Tfplugin6__PlanResourceChange__Request rq;
    Tfplugin6__DynamicValue prior, want, said;

    if (encode(&config, a, t, false, NULL) || encode(&proposed, a, t, true, NULL))
        return;
    tfplugin6__plan_resource_change__request__init(&rq);
    tfplugin6__dynamic_value__init(&prior);
    tfplugin6__dynamic_value__init(&want);
    tfplugin6__dynamic_value__init(&said);
    prior.msgpack = pb_proto_bytes(t->state.s, t->state.len);
    want.msgpack = pb_proto_bytes(proposed.s, proposed.len);
    said.msgpack = pb_proto_bytes(config.s, config.len);
    rq.type_name = pb_arena_strdup(a, t->rec->type);
    rq.prior_state = &prior;
    rq.proposed_new_state = &want;
    rq.config = &said;
    rq.prior_private = pb_proto_bytes(t->notes.s, t->notes.len);
    pb_session_ask(t, PB_CALL_PLAN, &rq.base, on_planned);
    pb_wipe(config.s, config.len);
    pb_wipe(proposed.s, proposed.len);
}

bool pb_session_compare_more(struct pb_session *s)
{
    int window = s->run->rq->concurrency > 0 ? s->run->rq->concurrency : s->window;

    while (s->compared < s->ntargets && s->under_way < (size_t)window) {
        struct pb_target *t = &s->targets[s->compared++];

        if (t->doubtful)
            plan(t);
    }
    return s->under_way || s->compared < s->ntargets;
}
