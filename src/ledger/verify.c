#include "ledger/frame.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

struct verifier {
    struct pb_ledger_report *out;
    struct pb_merkle tree;
    const struct pb_ledger_pin *pins;
    size_t npins;
    const char *dir;
};

static int misfit(const struct verifier *v, const struct pb_ledger_pin *pin, const char *why,
                  struct pb_err *err)
{
    return pb_fail(err, PB_E_LEDGER, "the ledger in '%s' does not fit the checkpoint of %s: %s",
                   v->dir, pin->what, why);
}

/* Against the pins that cover exactly what was read so far. */
static int check_pins(struct verifier *v, struct pb_err *err)
{
    unsigned char root[PB_SHA256_LEN];
    bool have = false;

    for (size_t i = 0; i < v->npins; i++) {
        const struct pb_checkpoint *c = &v->pins[i].checkpoint;

        if (c->size != v->tree.size)
            continue;
        if (!have)
            pb_merkle_root(root, &v->tree);
        have = true;
        if (memcmp(root, c->root, sizeof(root)) != 0)
            return misfit(v, &v->pins[i], "what it covers was changed since", err);
        v->out->pins++;
        if (c->size > v->out->pinned)
            v->out->pinned = c->size;
    }
    return 0;
}

static int take(struct verifier *v, const struct pb_ledger_entry *e, struct pb_err *err)
{
    struct pb_ledger_report *r = v->out;

    if (e->seq == 0) {
        const char *id = pb_get_str(e->body, "ledger");

        if (strcmp(e->kind, "ledger.begin") != 0 || !pb_ledger_is_id(id))
            return pb_fail(err, PB_E_LEDGER,
                           "the ledger in '%s' is not what was written: entry 0 at byte 0: it does "
                           "not begin with its name",
                           v->dir);
        memcpy(r->now.ledger, id, PB_LEDGER_ID_HEX);
        snprintf(r->first, sizeof(r->first), "%s", e->time);
        for (size_t i = 0; i < v->npins; i++)
            if (strcmp(v->pins[i].checkpoint.ledger, id) != 0)
                return misfit(v, &v->pins[i], "that is another ledger", err);
    }
    snprintf(r->last, sizeof(r->last), "%s", e->time);
    pb_merkle_add(&v->tree, e->hash);
    return check_pins(v, err);
}

int pb_ledger_verify(struct pb_ledger_report *out, const char *dir,
                     const struct pb_ledger_pin *pins, size_t npins, struct pb_err *err)
{
    return pb_ledger_verify_each(out, dir, pins, npins, NULL, NULL, err);
}

int pb_ledger_verify_each(struct pb_ledger_report *out, const char *dir,
                          const struct pb_ledger_pin *pins, size_t npins, pb_ledger_fn fn,
                          void *ctx, struct pb_err *err)
{
    PB_AUTO(str) char *path = pb_asprintf("%s/log", dir);
    struct verifier v = {.out = out, .pins = pins, .npins = npins, .dir = dir};
    struct pb_frame_reader r;
    struct pb_ledger_entry e;
    int rc = pb_frame_open(&r, path, 0, 0, NULL, err);

    memset(out, 0, sizeof(*out));
    if (rc == 0)
        rc = check_pins(&v, err);
    while (rc == 0 && (rc = pb_frame_next(&e, &r, err)) == 1) {
        rc = take(&v, &e, err);
        if (rc == 0 && fn)
            rc = fn(ctx, &e);
    }
    out->now.size = v.tree.size;
    pb_merkle_root(out->now.root, &v.tree);
    out->end = r.torn ? PB_LEDGER_END_TORN : PB_LEDGER_END_WHOLE;
    out->torn_bytes = r.torn;
    pb_frame_close(&r);
    for (size_t i = 0; rc == 0 && i < npins; i++)
        if (pins[i].checkpoint.size > out->now.size)
            rc = misfit(&v, &pins[i], "entries at its end are gone", err);
    return rc;
}
