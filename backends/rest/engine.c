/* A resource's steps: when to send, and what a reply means for them. */
#include "backends/rest/derive.h"
#include "backends/rest/engine.h"
#include "base/text.h"

/* ---- what expressions see ---- */

static enum pb_step_seen eval_step(struct pb_value *out, void *ctx, unsigned index)
{
    struct res *r = ctx;
    const struct step_run *s = &r->steps[index];
    *out = pb_null;
    switch (s->state) {
    case STEP_DONE: *out = s->value; return PB_STEP_VALUE;
    case STEP_NONE: return PB_STEP_VALUE;
    case STEP_SKIPPED: return PB_STEP_SKIPPED;
    default:
        *out = pb_mk_unknown(r->run->a, s->reason ? s->reason : "there was no reply");
        return PB_STEP_FAILED;
    }
}

static struct pb_value eval_let(void *ctx, unsigned index)
{
    struct res *r = ctx;
    if (!(r->lets_done & (UINT64_C(1) << index))) {
        struct pb_eval ev;
        res_eval(&ev, r);
        r->lets[index] = pb_expr_eval(r->pack->lets[index].value, &ev);
        r->lets_done |= UINT64_C(1) << index;
    }
    return r->lets[index];
}

static struct pb_value eval_setting(void *ctx, const char *name)
{
    const struct res *r = ctx;
    return context_setting(r->ctx, name);
}

static struct pb_value eval_account(void *ctx)
{
    const struct res *r = ctx;
    const struct context *c = r->ctx;
    if (c->account)
        return pb_mk_string(r->run->a, c->account);
    return pb_mk_unknown(r->run->a,
                         c->canary_reason ? c->canary_reason : "the account is not known");
}

void res_eval(struct pb_eval *ev, struct res *r)
{
    *ev = (struct pb_eval){
        .a = r->run->a,
        .recorded = r->rec->attributes,
        .id = r->rec->id,
        .tags = &r->ctx->tags,
        .tables = {r->pack->tables, r->pack->provider->tables},
        .step = eval_step,
        .let = eval_let,
        .setting = eval_setting,
        .account = eval_account,
        .ctx = r,
    };
}

/* ---- sending ---- */

static void set_step(struct res *r, unsigned i, enum step_state state, const char *reason)
{
    r->steps[i].state = state;
    r->steps[i].reason = reason;
}

static void send_batched(struct res *r, unsigned i, const struct pb_ask *ask, struct pb_eval *ev,
                         struct waiter w)
{
    const struct pb_request *rq = ask->rq;
    struct pb_value v = pb_expr_eval(rq->batch_key, ev);
    size_t n = v.kind == PB_LIST ? v.n : (v.kind == PB_NULL ? 0 : 1);
    const char **keys = pb_arena_zalloc(r->run->a, (n + 1) * sizeof(const char *));
    if (v.kind == PB_UNKNOWN || n > (size_t)rq->batch_max) {
        set_step(r, i, STEP_FAILED, v.kind == PB_UNKNOWN ? v.s : "too many objects to ask for");
        return;
    }
    for (size_t k = 0; k < n; k++) {
        keys[k] = pb_scalar_text(r->run->a, v.kind == PB_LIST ? &v.items[k] : &v);
        if (!keys[k] || !*keys[k]) {
            set_step(r, i, STEP_FAILED, "what to ask for is no text");
            return;
        }
    }
    if (n == 0) { /* nothing to ask for */
        r->steps[i].value = pb_empty_list;
        set_step(r, i, rq->take_all ? STEP_DONE : STEP_NONE, NULL);
        return;
    }
    if (w.way != WAY_MANY) {
        struct pb_ask own = pb_ask_copy(r->run->a, ask);
        pb_ask_put(&own, r->run->a, &rq->batch_into, keys, n, true);
        fetch_add_waiter(fetch_submit(r->run, r->ctx, &own, w.way == WAY_CONFIRM), w);
        return;
    }
    batch_add(r->run, r->ctx, ask, keys, n, w);
}

static void send_way(struct res *r, unsigned i, enum way way)
{
    const struct pb_step *step = &r->pack->steps[i];
    const struct pb_request *rq = way == WAY_MANY      ? step->many
                                  : way == WAY_CONFIRM ? step->confirm
                                                       : step->one;
    if (!rq)
        rq = step->one ? step->one : step->many;
    struct pb_ask ask;
    struct pb_eval ev;
    res_eval(&ev, r);
    const char *why = pb_ask_render(&ask, rq, &ev);
    const struct endpoint *ep = context_endpoint(r->ctx, rq->service);
    if (!why)
        why = ep->problem;
    if (why) {
        set_step(r, i, STEP_FAILED, pb_arena_printf(r->run->a, "cannot ask: %s", why));
        return;
    }
    struct waiter w = {.res = r, .step = (uint8_t)i, .way = (uint8_t)way};
    set_step(r, i, STEP_SENT, NULL);
    if (rq->batch_key)
        send_batched(r, i, &ask, &ev, w);
    else
        fetch_add_waiter(fetch_submit(r->run, r->ctx, &ask, way == WAY_CONFIRM), w);
}

static enum way first_way(const struct res *r, const struct pb_step *step)
{
    if (!step->many)
        return WAY_ONE;
    if (!step->one)
        return WAY_MANY;
    const size_t *count = pb_map_get(&r->ctx->counts, r->pack->type);
    return count && *count >= (size_t)step->many->at_least ? WAY_MANY : WAY_ONE;
}

/* Sends a step whose needs are met; says whether it did something. */
static bool try_step(struct res *r, unsigned i)
{
    const struct pb_step *step = &r->pack->steps[i];
    for (unsigned k = 0; k < r->pack->nsteps; k++) {
        enum step_state state = r->steps[k].state;
        if ((step->needs & (1u << k)) && (state == STEP_WAITS || state == STEP_SENT))
            return false;
    }
    struct pb_eval ev;
    const char *why = NULL;
    res_eval(&ev, r);
    enum pb_truth t = pb_cond_eval(step->only_if, &ev, &why);
    if (t == PB_TRUTH_UNKNOWN)
        set_step(r, i, STEP_FAILED, why);
    else if (t == PB_FALSE)
        set_step(r, i, step->otherwise_null ? STEP_NONE : STEP_SKIPPED, NULL);
    else
        send_way(r, i, first_way(r, step));
    return true;
}

void res_advance(struct res *r)
{
    if (r->advancing)
        return;
    r->advancing = true;
    for (bool again = true; again;) {
        again = false;
        for (unsigned i = 0; i < r->pack->nsteps; i++)
            if (r->steps[i].state == STEP_WAITS && try_step(r, i))
                again = true;
    }
    r->advancing = false;
    res_settled(r);
}

void res_start(struct res *r)
{
    if (r->problem)
        return;
    if (r->pack->uses_account)
        context_ask_canary(r->ctx);
    res_advance(r);
}

/* ---- replies ---- */

static void suspect(struct res *r, const struct fetch *f, const char *code)
{
    unsigned i = r->pack->identity;
    r->suspect = true;
    r->code = code;
    r->label = f->ask.label;
    set_step(r, i, STEP_FAILED, "the object was not found");
    context_ask_canary(r->ctx);
}

/* Whether asking for one is another operation, which may be allowed where the first is not. */
static bool another_operation(const struct pb_step *step)
{
    return step->one && step->one->action && step->many->action &&
           strcmp(step->one->action->text, step->many->action->text) != 0;
}

/* Whether a refusal may be about another object of the same request: asking alone then keeps
 * one bad id from hiding the others. Who may not ask at all, or not now, may not alone either. */
static bool alone_may_help(const struct pb_step *step, const struct fetch *f)
{
    if (f->throttled || !(step->one || step->many->batch_key))
        return false;
    if (another_operation(step))
        return f->status != 0; /* the service is there, whatever is wrong with the first */
    return f->kind == PB_REPLY_FAULT && f->status < 500 && !f->denied;
}

static void on_fault(struct res *r, unsigned i, enum way way, const struct fetch *f)
{
    const struct pb_step *step = &r->pack->steps[i];
    bool fault = f->kind == PB_REPLY_FAULT;
    bool not_found = fault && step->identity &&
                     (pb_is_among(f->code, step->not_found) ||
                      pb_is_among(f->code, r->pack->service->not_found));
    if (fault && pb_is_among(f->code, step->none_when))
        set_step(r, i, STEP_NONE, NULL);
    else if (not_found && way != WAY_MANY) /* of which object of many is not said */
        suspect(r, f, f->code);
    else if (fault && (int)i == r->pack->steps[r->pack->identity].witness &&
             pb_is_among(f->code, step->not_found))
        set_step(r, i, STEP_GONE, f->reason);
    else
        set_step(r, i, STEP_FAILED, f->reason);
}

static void on_nothing(struct res *r, unsigned i, enum way way, const struct fetch *f,
                       size_t others)
{
    const struct pb_step *step = &r->pack->steps[i];
    if (way == WAY_MANY && step->one) {
        send_way(r, i, WAY_ONE);
    } else if (step->identity && step->unlisted && way != WAY_CONFIRM) {
        send_way(r, i, WAY_CONFIRM);
    } else if (step->identity) {
        r->listed_twice = way == WAY_CONFIRM;
        r->others_listed = others > 0;
        suspect(r, f, NULL);
    } else if (step->optional) {
        set_step(r, i, STEP_NONE, NULL);
    } else {
        set_step(r, i, STEP_FAILED,
                 pb_arena_printf(r->run->a, "not in the reply of %s", f->ask.label));
    }
}

/* An object that the API still shows, and says is gone: a terminated instance. */
static void on_found(struct res *r, unsigned i, const struct fetch *f, struct pb_value v)
{
    const struct pb_step *step = &r->pack->steps[i];
    struct pb_eval ev;
    const char *why = NULL;
    res_eval(&ev, r);
    ev.item = v;
    r->steps[i].value = v;
    enum pb_truth gone = step->gone_when ? pb_cond_eval(step->gone_when, &ev, &why) : PB_FALSE;
    if (gone == PB_TRUE)
        suspect(r, f, step->gone_text);
    else
        set_step(r, i, gone == PB_FALSE ? STEP_DONE : STEP_FAILED, why);
}

static const struct pb_request *request_of(const struct pb_step *step, enum way way)
{
    if (way == WAY_CONFIRM && step->confirm)
        return step->confirm;
    if (way == WAY_MANY && step->many)
        return step->many;
    return step->one ? step->one : step->many;
}

void res_reply(struct waiter w, struct fetch *f)
{
    struct res *r = w.res;
    unsigned i = w.step;
    enum way way = (enum way)w.way;
    const struct pb_step *step = &r->pack->steps[i];
    if (f->kind != PB_REPLY_OK && way == WAY_MANY && alone_may_help(step, f)) {
        send_way(r, i, step->one ? WAY_ONE : WAY_ALONE);
    } else if (f->kind != PB_REPLY_OK) {
        if (f->kind == PB_REPLY_BAD && f->status && !f->throttled && f->status < 500)
            r->garbled = f->reason;
        on_fault(r, i, way, f);
    } else {
        struct pb_eval ev;
        struct pb_value v = pb_null;
        size_t others = 0;
        const char *why = NULL;
        res_eval(&ev, r);
        const struct pb_request *rq = request_of(step, way);
        enum found found = find_object(&v, f, rq, &ev, &others, &why);
        bool other = way == WAY_MANY && another_operation(step);
        if (found == FOUND_FAULT && !other)
            r->garbled = why;
        if (found == FOUND_IT || found == FOUND_NOTHING)
            silence_note(r, i, rq, f, !pb_reply_says(&v), others);
        switch (found) {
        case FOUND_IT: on_found(r, i, f, v); break;
        case FOUND_NOTHING: on_nothing(r, i, way, f, others); break;
        case FOUND_FAULT:
            if (other)
                send_way(r, i, WAY_ONE);
            else
                set_step(r, i, STEP_FAILED, why);
            break;
        case FOUND_UNCLEAR: set_step(r, i, STEP_FAILED, why); break;
        }
    }
    res_advance(r);
}
