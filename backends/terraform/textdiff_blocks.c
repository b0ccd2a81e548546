/* What the blocks that a change touches run, read, protect and move. */
#include <stdlib.h>
#include <string.h>

#include "backends/terraform/outside.h"
#include "backends/terraform/textdiff.h"
#include "base/mem.h"
#include "base/text.h"

static bool is(const struct pb_tf_pair *p, const char *kind)
{
    return strcmp((p->now ? p->now : p->old)->kind, kind) == 0;
}

static const char *shown_address(struct pb_tf_diff *d, const struct pb_tf_pair *p)
{
    return pb_tf_shown(d, (p->now ? p->now : p->old)->address);
}

static const struct pb_hcl_expr *whole(struct pb_tf_diff *d, const struct pb_hcl_expr *e)
{
    if (e && e->kind == PB_HCL_OTHER)
        return pb_hcl_expr_of(d->work, e->text, strlen(e->text), e->file);
    return e;
}

const struct pb_hcl_expr *pb_tf_effective(struct pb_tf_diff *d, const struct pb_tf_entry *e,
                                          const char *block, const char *name,
                                          const struct pb_tf_part **part)
{
    for (size_t i = e ? e->n : 0; i-- > 0;) {
        const struct pb_hcl_body *b = e->parts[i].block ? e->parts[i].block->body : NULL;
        const struct pb_hcl_block *inner = b && block ? pb_hcl_block_of(b, block, 0) : NULL;
        const struct pb_hcl_expr *x =
            pb_hcl_attr_of(block ? (inner ? inner->body : NULL) : b, name);

        if (!x)
            continue;
        if (part)
            *part = &e->parts[i];
        return whole(d, x);
    }
    return NULL;
}

static struct pb_tf_where at(const struct pb_tf_pair *p, const struct pb_tf_part *part)
{
    if (p->now)
        return pb_tf_at_part(p->in, p->now, part ? part : &p->now->parts[0], false);
    return pb_tf_at_part(p->old_in, p->old, part ? part : &p->old->parts[0], true);
}

/* ---- provisioners ---------------------------------------------------------------------------- */

struct inner {
    const struct pb_hcl_block *block;
    const struct pb_tf_part *part;
    const char *canon;
    bool paired;
};

static struct inner *inner_of(struct pb_tf_diff *d, const struct pb_tf_entry *e, const char *type,
                              size_t *n)
{
    struct inner *v = NULL;
    size_t cap = 0;

    *n = 0;
    for (size_t i = 0; e && i < e->n; i++) {
        const struct pb_hcl_body *b = e->parts[i].block ? e->parts[i].block->body : NULL;

        for (size_t j = 0; b && j < b->nblocks; j++) {
            if (strcmp(b->blocks[j].type, type) != 0)
                continue;
            v = pb_grow(v, &cap, *n + 1, sizeof(*v));
            v[(*n)++] = (struct inner){.block = &b->blocks[j],
                                       .part = &e->parts[i],
                                       .canon = pb_tf_canon_block(&d->scratch, &b->blocks[j])};
        }
    }
    return v;
}

static void pair_equal(struct inner *x, size_t nx, struct inner *y, size_t ny)
{
    for (size_t i = 0; i < nx; i++) {
        for (size_t j = 0; j < ny && !x[i].paired; j++) {
            if (y[j].paired || strcmp(x[i].canon, y[j].canon) != 0)
                continue;
            x[i].paired = y[j].paired = true;
        }
    }
}

static struct inner *like(struct inner *v, size_t n, const struct inner *one)
{
    for (size_t i = 0; i < n; i++)
        if (!v[i].paired && strcmp(pb_hcl_label(v[i].block, 0), pb_hcl_label(one->block, 0)) == 0)
            return &v[i];
    return NULL;
}

static struct pb_tf_where at_inner(const struct pb_tf_pair *p, const struct inner *one, bool before)
{
    struct pb_tf_where w = before ? pb_tf_at_part(p->old_in, p->old, one->part, true)
                                  : pb_tf_at_part(p->in, p->now, one->part, false);

    if (w.line) {
        w.line = one->block->line;
        w.last_line = one->block->last_line;
    }
    return w;
}

static const char *when_of(struct pb_tf_diff *d, const struct inner *one)
{
    const struct pb_hcl_expr *e = whole(d, pb_hcl_attr_of(one->block->body, "when"));
    const char *s = e ? pb_hcl_str(e) ? pb_hcl_str(e) : e->text : "create";

    return strcmp(s, "create") == 0    ? "created"
           : strcmp(s, "destroy") == 0 ? "destroyed"
                                       : "created or destroyed";
}

/* A resource of a module as the unit has it, where that is in one place. */
static const char *full_address(struct pb_tf_diff *d, const struct pb_tf_pair *p)
{
    const struct pb_tf_folder *m = p->now ? p->in : p->old_in;
    const char *call = m->calls.n == 1 ? m->calls.v[0] : "";

    return pb_tf_shown(d, pb_arena_printf(d->work, "%s%s%s", call, *call ? "." : "",
                                          (p->now ? p->now : p->old)->address));
}

static void connection(struct pb_tf_diff *d, const struct pb_tf_pair *p)
{
    size_t n, m, k;
    struct inner *old = inner_of(d, p->old, "connection", &n);
    struct inner *now = inner_of(d, p->now, "connection", &m);
    struct inner *run = inner_of(d, p->now, "provisioner", &k);

    pair_equal(now, m, old, n);
    for (size_t i = 0; i < m && p->old && k; i++)
        if (!now[i].paired)
            pb_tf_found(d, PB_TF_PROVISIONER_CHANGED, at_inner(p, &now[i], false),
                        "what the provisioners of '%s' connect to has changed",
                        shown_address(d, p));
    free(old);
    free(now);
    free(run);
}

/* What they run is not shown: there are secrets in it more often than elsewhere. */
static void provisioners(struct pb_tf_diff *d, const struct pb_tf_pair *p)
{
    size_t n, m;
    struct inner *old = inner_of(d, p->old, "provisioner", &n);
    struct inner *now = inner_of(d, p->now, "provisioner", &m);

    pair_equal(now, m, old, n);
    for (size_t i = 0; i < m; i++) {
        struct inner *was = now[i].paired ? NULL : like(old, n, &now[i]);

        if (now[i].paired)
            continue;
        if (was)
            was->paired = true;
        pb_tf_found(d, was ? PB_TF_PROVISIONER_CHANGED : PB_TF_PROVISIONER_ADDED,
                    at_inner(p, &now[i], false), "%s provisioner '%s' runs when '%s' is %s",
                    was ? "the changed" : "the new", pb_tf_shown(d, pb_hcl_label(now[i].block, 0)),
                    full_address(d, p), when_of(d, &now[i]));
    }
    for (size_t i = 0; i < n; i++)
        if (!old[i].paired)
            pb_tf_found(d, PB_TF_PROVISIONER_REMOVED, at_inner(p, &old[i], true),
                        "the provisioner '%s' does not run any more when '%s' is %s",
                        pb_tf_shown(d, pb_hcl_label(old[i].block, 0)), shown_address(d, p),
                        when_of(d, &old[i]));
    free(old);
    free(now);
    connection(d, p);
}

/* ---- data ------------------------------------------------------------------------------------ */

/* What reading these does beside asking the API that its provider is for. */
static const struct reader {
    const char *type; /* ending in "*": what starts so */
    enum pb_tf_rule added, changed;
    const char *does;
    bool runs;
} readers[] = {
    {"external", PB_TF_EXTERNAL_DATA_ADDED, PB_TF_EXTERNAL_DATA_CHANGED,
     "runs a program whenever it is planned", true},
    {"shell_*", PB_TF_EXTERNAL_DATA_ADDED, PB_TF_EXTERNAL_DATA_CHANGED,
     "runs a program whenever it is planned", true},
    {"aws_lambda_invocation", PB_TF_EXTERNAL_DATA_ADDED, PB_TF_EXTERNAL_DATA_CHANGED,
     "runs a function in the cloud whenever it is planned", false},
    {"http", PB_TF_NETWORK_DATA_ADDED, PB_TF_NETWORK_DATA_CHANGED,
     "sends a request to a server whenever it is planned", false},
    {"terracurl_*", PB_TF_NETWORK_DATA_ADDED, PB_TF_NETWORK_DATA_CHANGED,
     "sends a request to a server whenever it is planned", false},
    {"tls_certificate", PB_TF_NETWORK_DATA_ADDED, PB_TF_NETWORK_DATA_CHANGED,
     "connects to a server whenever it is planned", false},
    {"dns_*", PB_TF_NETWORK_DATA_ADDED, PB_TF_NETWORK_DATA_CHANGED,
     "asks a name server whenever it is planned", false},
    {"terraform_remote_state", PB_TF_FOREIGN_STATE_ADDED, PB_TF_FOREIGN_STATE_CHANGED,
     "reads another state, with its secrets, whenever it is planned", false},
    {"tfe_outputs", PB_TF_FOREIGN_STATE_ADDED, PB_TF_FOREIGN_STATE_CHANGED,
     "reads the outputs of another state whenever it is planned", false},
    {"local_file", PB_TF_MACHINE_FILE, PB_TF_MACHINE_FILE,
     "reads a file of the machine whenever it is planned", false},
    {"local_sensitive_file", PB_TF_MACHINE_FILE, PB_TF_MACHINE_FILE,
     "reads a file of the machine whenever it is planned", false},
};

static const struct reader *reader_of_type(const char *type)
{
    for (size_t i = 0; i < PB_COUNT(readers); i++) {
        size_t n = strlen(readers[i].type);

        if (readers[i].type[n - 1] == '*' ? strncmp(type, readers[i].type, n - 1) == 0
                                          : strcmp(type, readers[i].type) == 0)
            return &readers[i];
    }
    return NULL;
}

static const struct reader *reader_of(const struct pb_tf_entry *e)
{
    const struct pb_hcl_block *b = e->parts[0].block;

    if (!b || (strcmp(e->kind, "data") != 0 && strcmp(e->kind, "ephemeral") != 0))
        return NULL;
    return reader_of_type(pb_hcl_label(b, 0));
}

static void data(struct pb_tf_diff *d, const struct pb_tf_pair *p)
{
    const struct reader *r = p->now ? reader_of(p->now) : NULL;

    if (r)
        pb_tf_found(d, p->old ? r->changed : r->added, at(p, NULL), "%s '%s' %s",
                    p->old ? "the changed" : "the new", shown_address(d, p), r->does);
}

/* A check block has a data source of its own. */
static void data_of_check(struct pb_tf_diff *d, const struct pb_tf_pair *p)
{
    size_t n, m;
    struct inner *old = inner_of(d, p->old, "data", &n);
    struct inner *now = inner_of(d, p->now, "data", &m);

    pair_equal(now, m, old, n);
    for (size_t i = 0; i < m; i++) {
        const struct reader *r = reader_of_type(pb_hcl_label(now[i].block, 0));
        bool was = like(old, n, &now[i]) != NULL;

        if (!now[i].paired && r)
            pb_tf_found(d, was ? r->changed : r->added, at_inner(p, &now[i], false),
                        "%s data source '%s' of '%s' %s", was ? "the changed" : "the new",
                        pb_tf_shown(d, pb_hcl_label(now[i].block, 0)), shown_address(d, p),
                        r->does);
    }
    free(old);
    free(now);
}

/* ---- files ----------------------------------------------------------------------------------- */

struct outside {
    struct pb_strv before; /* canonical text of what read them already */
    size_t depth;
    const char *call; /* of what was found */
};

static const char *expr_reads(const struct pb_hcl_expr *e, size_t depth)
{
    const char *call = e->text ? pb_tf_text_reads_files(e->text, depth) : NULL;

    for (size_t i = 0; i < e->n && !call; i++) /* from JSON: a list has no text of its own */
        call = expr_reads(&e->items[i], depth);
    return call;
}

/* As it is written, to the end of its argument: what is read says more than that it is. */
static const char *shown_call(struct pb_tf_diff *d, const char *call)
{
    size_t n = strcspn(call, ")\r\n");

    return pb_tf_shown(d, pb_arena_printf(d->work, "%.*s", (int)(n + (call[n] == ')')), call));
}

/* The first attribute that reads a file from elsewhere, and did not; collects them when `out`. */
static const struct pb_hcl_attr *reads_file(struct pb_tf_diff *d, const struct pb_hcl_body *b,
                                            struct outside *o, bool collect)
{
    const struct pb_hcl_attr *found = NULL;

    for (size_t i = 0; i < b->nattrs && !found; i++) {
        const char *canon, *call = expr_reads(b->attrs[i].expr, o->depth);

        if (!call)
            continue;
        canon = pb_tf_canon_attr(&d->scratch, &b->attrs[i]);
        if (collect) {
            pb_strv_add(&o->before, canon);
        } else if (!pb_strv_has(&o->before, canon)) {
            found = &b->attrs[i];
            o->call = call;
        }
    }
    for (size_t i = 0; i < b->nblocks && !found; i++)
        found = reads_file(d, b->blocks[i].body, o, collect);
    return found;
}

static size_t depth_of(const char *dir)
{
    size_t n = *dir != '\0';

    for (const char *s = dir; *s; s++)
        n += *s == '/';
    return n;
}

static const struct pb_hcl_attr *reads_file_in(struct pb_tf_diff *d, const struct pb_tf_part *part,
                                               struct outside *o, bool collect)
{
    struct pb_hcl_body one = {.attrs = part->attr, .nattrs = part->attr ? 1 : 0};

    return reads_file(d, part->block ? part->block->body : &one, o, collect);
}

static void machine_files(struct pb_tf_diff *d, const struct pb_tf_pair *p)
{
    struct outside o = {.depth = p->in ? depth_of(p->in->dir) : 0};
    size_t root = d->after.in->root ? depth_of(d->after.in->root) : 0;

    if (root < o.depth) /* path.root may be what it starts from */
        o.depth = root;
    for (size_t i = 0; p->old && i < p->old->n; i++)
        reads_file_in(d, &p->old->parts[i], &o, true);
    for (size_t i = 0; p->now && i < p->now->n; i++) {
        const struct pb_hcl_attr *at_ = reads_file_in(d, &p->now->parts[i], &o, false);
        struct pb_tf_where w = at(p, &p->now->parts[i]);

        if (!at_)
            continue;
        if (w.line)
            w.line = at_->line;
        pb_tf_found(d, PB_TF_MACHINE_FILE, w,
                    "'%s' of '%s' reads what may be no file of the repository: '%s'",
                    pb_tf_shown(d, at_->name), shown_address(d, p), shown_call(d, o.call));
        break;
    }
    pb_strv_release(&o.before);
}

/* ---- what protects --------------------------------------------------------------------------- */

static bool is_true(const struct pb_hcl_expr *e)
{
    return e && e->kind == PB_HCL_LITERAL &&
           ((e->value.kind == PB_BOOL && e->value.b) || pb_streq(pb_hcl_str(e), "true"));
}

static void protection(struct pb_tf_diff *d, const struct pb_tf_pair *p)
{
    const struct pb_tf_part *part = NULL;
    const struct pb_hcl_expr *was =
        pb_tf_effective(d, p->old, "lifecycle", "prevent_destroy", NULL);
    const struct pb_hcl_expr *is_ =
        pb_tf_effective(d, p->now, "lifecycle", "prevent_destroy", &part);

    if (!is_true(was) || is_true(is_))
        return;
    if (!p->now)
        pb_tf_found(d, PB_TF_PREVENT_DESTROY_REMOVED, at(p, NULL),
                    "'prevent_destroy' of '%s' goes with its block: nothing keeps it from being "
                    "destroyed",
                    shown_address(d, p));
    else
        pb_tf_found(d, PB_TF_PREVENT_DESTROY_REMOVED, at(p, part),
                    "'prevent_destroy' of '%s' is %s: it can be destroyed", shown_address(d, p),
                    is_ ? "no longer true" : "taken away");
}

static void ignoring(struct pb_tf_diff *d, const struct pb_tf_pair *p)
{
    const struct pb_tf_part *part = NULL;
    const struct pb_hcl_expr *was = pb_tf_effective(d, p->old, "lifecycle", "ignore_changes", NULL);
    const struct pb_hcl_expr *is_ =
        pb_tf_effective(d, p->now, "lifecycle", "ignore_changes", &part);
    struct pb_hcl_attr x = {.name = "", .expr = was}, y = {.name = "", .expr = is_};

    if (!is_ || !p->old || /* a new resource has nothing to hide yet */
        (was && strcmp(pb_tf_canon_attr(&d->scratch, &x), pb_tf_canon_attr(&d->scratch, &y)) == 0))
        return;
    pb_tf_found(
        d, PB_TF_IGNORE_CHANGES_CHANGED, at(p, part),
        "'%s' ignores %s than before in 'ignore_changes': what somebody changes there stays "
        "as it is",
        shown_address(d, p), was ? "other attributes" : "more");
}

static void showing(struct pb_tf_diff *d, const struct pb_tf_pair *p)
{
    if (p->now && p->old && is_true(pb_tf_effective(d, p->old, NULL, "sensitive", NULL)) &&
        !is_true(pb_tf_effective(d, p->now, NULL, "sensitive", NULL)))
        pb_tf_found(d, PB_TF_SENSITIVE_REMOVED, at(p, NULL),
                    "'%s' is no longer sensitive: plans and logs will show its value",
                    shown_address(d, p));
}

/* ---- what moves ------------------------------------------------------------------------------ */

const char *pb_tf_text_of(struct pb_tf_diff *d, const struct pb_tf_entry *e, const char *name)
{
    const struct pb_hcl_expr *x = pb_tf_effective(d, e, NULL, name, NULL);

    return x ? pb_hcl_str(x) ? pb_hcl_str(x) : x->text : "";
}

static const char *text_of(struct pb_tf_diff *d, const struct pb_tf_entry *e, const char *name)
{
    return pb_tf_shown(d, pb_tf_text_of(d, e, name));
}

static void moves(struct pb_tf_diff *d, const struct pb_tf_pair *p)
{
    const struct pb_hcl_expr *destroy;

    if (!p->now)
        return;
    if (is(p, "moved")) {
        pb_tf_found(d, PB_TF_MOVED_BLOCK, at(p, NULL), "'%s' becomes '%s' in the state",
                    text_of(d, p->now, "from"), text_of(d, p->now, "to"));
    } else if (is(p, "import")) {
        pb_tf_found(d, PB_TF_IMPORT_BLOCK, at(p, NULL),
                    "something that exists is taken into the state as '%s'",
                    text_of(d, p->now, "to"));
    } else if (is(p, "removed")) {
        destroy = pb_tf_effective(d, p->now, "lifecycle", "destroy", NULL);
        pb_tf_found(d, PB_TF_REMOVED_BLOCK, at(p, NULL), "'%s' is %s", text_of(d, p->now, "from"),
                    !destroy ? "taken out of the state: Terraform destroys it, OpenTofu does not"
                    : is_true(destroy) ? "destroyed and taken out of the state"
                                       : "forgotten by the state and continues to exist");
    }
}

/* ---- programs -------------------------------------------------------------------------------- */

static bool says_exec(const char *text)
{
    for (const char *s = text; s && (s = strstr(s, "exec")); s++)
        if ((s == text || strchr(" \t\r\n{,\"(", s[-1])) && s[4] && strchr(" \t=:\"", s[4]))
            return true;
    return false;
}

static bool expr_has_exec(const struct pb_hcl_expr *e)
{
    if (says_exec(e->text))
        return true;
    for (size_t i = 0; i < e->n; i++)
        if ((e->keys && pb_streq(pb_hcl_str(&e->keys[i]), "exec")) || expr_has_exec(&e->items[i]))
            return true;
    return false;
}

/* "exec" as a block or a name, which is how providers call what gets them credentials. */
static bool has_exec(const struct pb_hcl_body *b)
{
    for (size_t i = 0; i < b->nattrs; i++)
        if (strcmp(b->attrs[i].name, "exec") == 0 || expr_has_exec(b->attrs[i].expr))
            return true;
    for (size_t i = 0; i < b->nblocks; i++)
        if (strcmp(b->blocks[i].type, "exec") == 0 || has_exec(b->blocks[i].body))
            return true;
    return false;
}

static const struct pb_tf_part *exec_part(const struct pb_tf_entry *e)
{
    for (size_t i = 0; e && i < e->n; i++)
        if (e->parts[i].block && has_exec(e->parts[i].block->body))
            return &e->parts[i];
    return NULL;
}

static void provider(struct pb_tf_diff *d, const struct pb_tf_pair *p)
{
    const struct pb_hcl_body *old = p->old ? p->old->parts[0].block->body : NULL;
    const struct pb_hcl_body *now = p->now ? p->now->parts[0].block->body : NULL;
    const struct pb_tf_part *exec = exec_part(p->now);

    if (!d->after.in->root) /* with the unit all of it goes */
        return;
    if (exec)
        pb_tf_found(d, PB_TF_PROVIDER_PROGRAM, at(p, exec),
                    "'%s' runs a program to get its credentials whenever it is planned",
                    shown_address(d, p));
    if (old && now)
        pb_tf_found(d, PB_TF_PROVIDER_CONFIG_CHANGED, at(p, NULL), "'%s' is set up otherwise: %s",
                    shown_address(d, p), pb_tf_names_changed(d, old, now));
    else
        pb_tf_found(d, PB_TF_PROVIDER_CONFIG_CHANGED, at(p, NULL), "'%s' is %s",
                    shown_address(d, p), now ? "set up here now" : "not set up here any more");
}

static void action(struct pb_tf_diff *d, const struct pb_tf_pair *p)
{
    if (p->now)
        pb_tf_found(d, p->old ? PB_TF_ACTION_CHANGED : PB_TF_ACTION_ADDED, at(p, NULL),
                    "%s '%s' can be invoked by an apply", p->old ? "the changed" : "the new",
                    shown_address(d, p));
}

/* One that is removed may have some for when it is destroyed. */
static bool has_provisioners(const struct pb_tf_entry *e)
{
    return strcmp(e->kind, "resource") == 0 || strcmp(e->kind, "removed") == 0;
}

/* ---- what reaches out ------------------------------------------------------------------------ */

struct outwards {
    struct pb_tf_outward *v;
    size_t n, cap;
};

static void add_outward(struct outwards *o, const struct pb_tf_outward *one)
{
    o->v = pb_grow(o->v, &o->cap, o->n + 1, sizeof(*o->v));
    o->v[o->n++] = *one;
}

static void add_reader(struct outwards *o, const struct pb_tf_part *part,
                       const struct pb_hcl_block *b)
{
    const struct reader *r = reader_of_type(pb_hcl_label(b, 0));

    if (r)
        add_outward(o, &(struct pb_tf_outward){part, b, r->changed, &r->added, r->does, r->runs});
}

static void add_outwards(struct outwards *o, const struct pb_tf_entry *e,
                         const struct pb_tf_part *part)
{
    static const enum pb_tf_rule provisioner = PB_TF_PROVISIONER_ADDED,
                                 an_action = PB_TF_ACTION_ADDED;
    const struct pb_hcl_block *b = part->block, *in;

    if (strcmp(e->kind, "data") == 0 || strcmp(e->kind, "ephemeral") == 0)
        add_reader(o, part, b);
    else if (strcmp(e->kind, "action") == 0)
        add_outward(o, &(struct pb_tf_outward){part, b, PB_TF_ACTION_CHANGED, &an_action,
                                               "can be invoked by an apply", true});
    else if (strcmp(e->kind, "provider") == 0)
        add_outward(o, &(struct pb_tf_outward){part, b, PB_TF_PROVIDER_CONFIG_CHANGED, NULL,
                                               "is set up otherwise", has_exec(b->body)});
    for (size_t k = 0; has_provisioners(e) && k < b->body->nblocks; k++) {
        in = &b->body->blocks[k];
        if (strcmp(in->type, "provisioner") == 0)
            add_outward(o, &(struct pb_tf_outward){part, in, PB_TF_PROVISIONER_CHANGED,
                                                   &provisioner, "runs a provisioner", true});
    }
    for (size_t k = 0; strcmp(e->kind, "check") == 0 && (in = pb_hcl_block_of(b->body, "data", k));
         k++)
        add_reader(o, part, in);
}

static struct outwards outwards_of(const struct pb_tf_entry *e)
{
    struct outwards o = {0};

    for (size_t i = 0; i < e->n; i++)
        if (e->parts[i].block)
            add_outwards(&o, e, &e->parts[i]);
    return o;
}

size_t pb_tf_outwards(const struct pb_tf_outward **v, struct pb_tf_diff *d,
                      const struct pb_tf_entry *e)
{
    struct outwards o = outwards_of(e);
    struct pb_tf_outward *out;

    out = pb_arena_alloc(d->work, o.n * sizeof(*out) + 1);
    if (o.n)
        memcpy(out, o.v, o.n * sizeof(*out));
    free(o.v);
    *v = out;
    return o.n;
}

const struct pb_tf_part *pb_tf_entry_runs(const struct pb_tf_entry *e)
{
    struct outwards o = outwards_of(e);
    const struct pb_tf_part *part = NULL;

    for (size_t i = 0; i < o.n && !part; i++)
        part = o.v[i].runs ? o.v[i].part : NULL;
    free(o.v);
    return part;
}

void pb_tf_find_in_block(struct pb_tf_diff *d, const struct pb_tf_pair *p)
{
    if (is(p, "resource")) {
        provisioners(d, p);
        protection(d, p);
        ignoring(d, p);
    } else if (is(p, "removed")) {
        provisioners(d, p);
    } else if (is(p, "check")) {
        data_of_check(d, p);
    } else if (is(p, "provider")) {
        provider(d, p);
    } else if (is(p, "action")) {
        action(d, p);
    } else if (is(p, "variable") || is(p, "output")) {
        showing(d, p);
    }
    data(d, p);
    moves(d, p);
    machine_files(d, p);
}
