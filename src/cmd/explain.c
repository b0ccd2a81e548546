#include "cmd/audit.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "git/blame.h"
#include "git/history.h"

#include <stdlib.h>
#include <string.h>

struct found {
    const struct pb_unit_result *unit;
    const struct pb_resource_result *resource;
};

static const struct pb_resource_result *find(const struct pb_unit_result *u, const char *address)
{
    for (size_t k = 0; !u->failed && k < u->out.n; k++)
        if (strcmp(u->out.v[k].address, address) == 0)
            return &u->out.v[k];
    return NULL;
}

static int not_found(const struct pb_audit *a, const char *address)
{
    size_t n = 0, cap = 1, failed = 0, others = a->config.nunits - a->nunits;
    PB_AUTO(str) char *elsewhere = NULL;
    const char **names, *near;
    struct pb_err err = PB_ERR_INIT;

    for (size_t i = 0; i < a->nunits; i++) {
        if (a->units[i].failed) {
            pb_cmd_note("unit '%s': %s", a->units[i].config.name, a->units[i].err.msg);
            failed++;
            continue;
        }
        cap += a->units[i].out.n;
    }
    if (failed == a->nunits)
        return PB_EXIT_ERROR; /* whether it has the address is not known */
    names = pb_calloc(cap, sizeof(*names));
    for (size_t i = 0; i < a->nunits; i++)
        for (size_t k = 0; !a->units[i].failed && k < a->units[i].out.n; k++)
            names[n++] = a->units[i].out.v[k].address;
    near = pb_text_nearest(address, names, n);
    if (a->config.nunits > a->nunits)
        elsewhere = pb_asprintf("; %zu other unit%s not looked at: leave out --unit to look there",
                                others, others == 1 ? " was" : "s were");
    if (near)
        pb_fail(&err, PB_E_INPUT, "no resource '%s'; did you mean '%s'?%s", address, near,
                elsewhere ? elsewhere + 1 : "");
    else
        pb_fail(&err, PB_E_INPUT,
                "no resource '%s' is declared or recorded%s%s; 'plumb audit --all' lists all",
                address, failed ? " in the units that could be audited" : "",
                elsewhere ? elsewhere : "");
    free(names);
    return pb_cmd_fail(&err);
}

/* Of its block where that can be followed, of its file otherwise. */
static int last_change(struct pb_commit *c, bool *found, bool *block, const struct pb_audit *a,
                       const struct pb_declared *d, struct pb_err *err)
{
    struct pb_blame *blame = pb_blame_new(a->repo);
    char id[PB_OID_HEX];
    unsigned line;
    int rc;

    *block = d->source_end >= d->source_line && d->source_line > 0 &&
             pb_blame_lines(id, &line, found, blame, a->commit, d->source_file, d->source_line,
                            d->source_end, NULL) == 0 &&
             *found;
    rc = *block ? pb_repo_commit(c, a->repo, id, err)
                : pb_history_last_change(c, found, a->repo, a->commit, d->source_file, 0, err);
    pb_blame_free(blame);
    return rc;
}

static void add_commit(struct pb_buf *b, const struct pb_audit *a, const struct found *f)
{
    const struct pb_declared *d =
        pb_declared_find(&f->unit->declared.declared, f->resource->address);
    PB_AUTO(commit) struct pb_commit c = {0};
    struct pb_err err = PB_ERR_INIT;
    char when[PB_CLOCK_RFC3339];
    bool found, block;

    if (!d) {
        pb_buf_adds(b, "      not declared in this commit\n");
        return;
    }
    if (!d->source_file)
        return;
    pb_buf_adds(b, "      written in ");
    pb_text_add_safe(b, d->source_file, strlen(d->source_file));
    pb_buf_addf(b, ":%u\n", d->source_line);
    if (last_change(&c, &found, &block, a, d, &err) < 0) {
        pb_buf_addf(b, "      its history cannot be read: %s\n", err.msg);
        return;
    }
    if (!found)
        return;
    pb_clock_rfc3339(when, c.time);
    pb_buf_addf(b, "      %s by %.8s, %s, ", block ? "last changed" : "the file was last changed",
                c.id, when);
    pb_text_add_safe(b, c.author, strlen(c.author));
    pb_buf_adds(b, ": ");
    pb_text_add_safe(b, c.summary, strlen(c.summary));
    pb_buf_addc(b, '\n');
}

/* What a replacement left behind has the address, too. */
static void add_deposed(struct pb_buf *b, const struct found *f)
{
    size_t n = strlen(f->resource->address);

    for (size_t i = 0; i < f->unit->out.n; i++) {
        const struct pb_resource_result *r = &f->unit->out.v[i];

        if (strncmp(r->address, f->resource->address, n) != 0 ||
            !pb_starts_with(r->address + n, " (deposed "))
            continue;
        pb_buf_adds(b, "      there is also '");
        pb_text_add_safe(b, r->address, strlen(r->address));
        pb_buf_addf(b, "': %s\n", pb_verdict_name(r->verdict));
    }
}

/* How many units have the address; all of them are told of. */
static size_t tell(struct pb_buf *b, bool *dark, const struct pb_audit *a, const char *address,
                   const struct pb_report_opts *ro)
{
    size_t n = 0;

    for (size_t i = 0; i < a->nunits; i++) {
        struct found f = {&a->units[i], find(&a->units[i], address)};

        if (!f.resource)
            continue;
        if (n++)
            pb_buf_addc(b, '\n');
        pb_report_resource(b, f.unit, f.resource, ro);
        pb_buf_addc(b, '\n');
        add_commit(b, a, &f);
        add_deposed(b, &f);
        *dark |= pb_verdicts[f.resource->verdict].effect == PB_EFFECT_INCONCLUSIVE;
    }
    return n;
}

int pb_cmd_explain(const struct pb_args *args)
{
    struct pb_audit_options o = pb_cmd_audit_options(args);
    struct pb_report_opts ro = pb_cmd_report_options(args);
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    const char *address = args->pos.v[0];
    struct pb_audit audit;
    bool dark = false;
    int code;

    o.all = true;
    ro.all = true;
    code = pb_cmd_audit_run(&audit, args, &o);
    if (code >= 0)
        return code;
    if (tell(&b, &dark, &audit, address, &ro)) {
        pb_cmd_print(&b);
        code = dark ? PB_EXIT_INCONCLUSIVE : PB_EXIT_PLUMB;
    } else {
        code = not_found(&audit, address);
    }
    pb_audit_release(&audit);
    return code;
}
