/* Operations that return nothing to anybody. An empty list in a good reply is what an API says when
 * there is nothing, and also what it says when a part of it is broken, or when it hides what may
 * not be seen. So: if an operation returned something to nobody in this run, or to nobody of a
 * provider configuration, and two resources or more have something on record that it should
 * have returned, none of these is called gone. One alone is believed: that is what an outside
 * change looks like. */
#include "backends/rest/derive.h"
#include "backends/rest/engine.h"
#include "base/text.h"

enum { ENOUGH = 2 };

static struct op *op_named(struct run *run, const char *key, const char *label)
{
    struct op *op = pb_map_get(&run->ops, key);
    if (!op) {
        op = pb_arena_zalloc(run->a, sizeof(*op));
        op->label = label;
        pb_map_put(&run->ops, pb_arena_strdup(run->a, key), op);
    }
    return op;
}

static struct op *op_of(struct context *c, const struct pb_request *rq, const char *label)
{
    PB_AUTO(buf) struct pb_buf key = PB_BUF_INIT;
    pb_buf_addf(&key, "%s %s", rq->service->name,
                rq->action ? rq->action->text : (rq->path ? rq->path->text : "/"));
    for (size_t i = 0; i < rq->nquery && !rq->action; i++)
        pb_buf_addf(&key, " %s", rq->query[i].name);
    pb_buf_addf(&key, " %s", rq->items.text ? rq->items.text : rq->item.text ? rq->item.text : "");
    if (rq->then.text) /* a listing may be silent about one thing and not about another */
        pb_buf_addf(&key, " %s", rq->then.text);
    struct op *all = op_named(c->run, key.s, label);
    pb_buf_addf(&key, " %zu", c->index);
    struct op *op = op_named(c->run, key.s, label);
    op->all = all;
    return op;
}

void silence_note(struct res *r, unsigned step, const struct pb_request *rq, struct fetch *f,
                  bool nothing, size_t others)
{
    struct step_run *s = &r->steps[step];
    s->op = op_of(r->ctx, rq, f->ask.label);
    if (rq == r->pack->steps[step].many)
        s->many = s->op;
    s->silent = nothing;
    if (!nothing || others > 0)
        s->op->spoke = s->op->all->spoke = true;
    s->doubt = rq->items.text && (nothing || rq->take_all) ? f->doubt : NULL;
}

/* What two operations say, of which one said something of others, is no silence. */
static bool mute(const struct step_run *s)
{
    return s->silent && s->op && !s->op->spoke && !(s->many && s->many->spoke);
}

static void count(const struct step_run *s)
{
    s->op->differ++;
    s->op->all->differ++;
}

/* Counts a resource for each mute operation on which a difference rests. */
static void weigh(struct res *r)
{
    unsigned asked = 0;
    struct pb_eval ev;
    for (unsigned i = 0; i < r->pack->nsteps; i++)
        if (mute(&r->steps[i]))
            asked |= 1u << i;
    if (!asked)
        return;
    if (r->suspect && mute(&r->steps[r->pack->identity]))
        count(&r->steps[r->pack->identity]);
    if (r->suspect || r->steps[r->pack->identity].state != STEP_DONE)
        return;
    res_eval(&ev, r);
    unsigned missed = pb_derive_missed(r->pack, &ev) & asked;
    for (unsigned i = 0; i < r->pack->nsteps; i++)
        if (missed & (1u << i))
            count(&r->steps[i]);
}

void silence_weigh(struct run *run)
{
    for (size_t i = 0; i < run->nres; i++)
        if (run->res[i].pack && !run->res[i].problem)
            weigh(&run->res[i]);
}

const char *silence_doubt(const struct res *r, unsigned step)
{
    const struct step_run *s = &r->steps[step];
    if (s->doubt)
        return s->doubt;
    if (!mute(s))
        return NULL;
    const struct op *op = !s->op->all->spoke ? s->op->all : s->op;
    if (op->differ < ENOUGH)
        return NULL;
    return pb_arena_printf(r->run->a,
                           "%s returned nothing for any object, and %zu should have something: "
                           "whether that is gone or the API is silent cannot be told; try again "
                           "later, or look yourself",
                           op->label, op->differ);
}
