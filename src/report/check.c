/* A check for people: the line that matters, then what collides, what the change causes, what is to
 * be known beside that, and in the end what was there before. */
#include "report/check.h"

#include "base/text.h"
#include "report/cell.h"
#include "report/lines.h"
#include "report/pen.h"

#include <string.h>

enum { FEW = 3 }; /* are named */

static const char *count(struct pb_arena *a, size_t n, const char *what)
{
    return pb_arena_printf(a, "%zu %s%s", n, what, n == 1 ? "" : "s");
}

static size_t of_mode(const struct pb_check *c, enum pb_check_mode mode)
{
    size_t n = 0;

    for (size_t i = 0; i < c->nunits; i++)
        n += c->units[i].mode == mode;
    return n;
}

/* "leave 8 resources of unit 'stage' that Git ..."; NULL: there is no such unit. */
static const char *leaves(struct pb_arena *a, const struct pb_check *c)
{
    const char *name = NULL, *of, *guarded = "";
    size_t n = 0;

    if (!c->orphaned)
        return NULL;
    for (size_t i = 0; i < c->nunits; i++)
        if (c->units[i].mode == PB_CHECK_REMOVED && c->units[i].recorded) {
            name = c->units[i].name;
            n++;
        }
    of = n == 1 ? pb_arena_printf(a, "unit '%s'", name) : count(a, n, "unit");
    if (c->guarded)
        guarded = pb_arena_printf(a, ", %zu of them protected by base's rules", c->guarded);
    return pb_arena_printf(a, "leave %s of %s that Git would not explain any more%s",
                           count(a, c->orphaned, "resource"), of, guarded);
}

/* ", of which 1 is deleted and 2 are replaced": what cannot be taken back. */
static const char *losses(struct pb_arena *a, const struct pb_check *c)
{
    const char *gone = c->deletes ? pb_arena_printf(a, "%zu %s deleted", c->deletes,
                                                    c->deletes == 1 ? "is" : "are")
                                  : "";
    const char *anew = c->replaces ? pb_arena_printf(a, "%zu %s replaced", c->replaces,
                                                     c->replaces == 1 ? "is" : "are")
                                   : "";

    if (!*gone && !*anew)
        return "";
    return pb_arena_printf(a, ", of which %s%s%s", gone, *gone && *anew ? " and " : "", anew);
}

/* "change 3 resources, of which 1 is deleted" */
static const char *touches(struct pb_arena *a, const struct pb_check *c)
{
    const char *n = count(a, c->changes, "resource");

    if (c->changes == c->deletes)
        return pb_arena_printf(a, "delete %s", n);
    if (c->changes == c->replaces)
        return pb_arena_printf(a, "replace %s", n);
    return pb_arena_printf(a, "change %s%s", n, losses(a, c));
}

static const char *changes(struct pb_arena *a, const struct pb_check *c)
{
    const char *left = leaves(a, c);

    if (!c->changes && left)
        return pb_arena_printf(a, "merging would %s", left);
    return pb_arena_printf(a, "merging would %s%s%s", touches(a, c), left ? ", and " : "",
                           left ? left : "");
}

static const char *overwrites(struct pb_arena *a, const struct pb_check *c)
{
    const char *left = leaves(a, c);
    const char *where =
        c->changes == 1
            ? "overwrite what was changed there outside of Git"
            : pb_arena_printf(a, "overwrite in %zu of them what was changed outside of Git",
                              c->by_class[PB_CHECK_COLLIDES]);

    return pb_arena_printf(a, "merging would %s, and %s%s%s", touches(a, c), where,
                           left ? "; it would " : "", left ? left : "");
}

static const char *denied(struct pb_arena *a, const struct pb_check *c)
{
    if (c->by_class[PB_CHECK_COLLIDES])
        return overwrites(a, c);
    /* Where nothing but those is refused, they say it themselves. */
    if (c->guarded && !c->changes)
        return changes(a, c);
    return pb_arena_printf(a, "%s, and base's rules deny that", changes(a, c));
}

static const char *refused(struct pb_arena *a, const struct pb_check *c)
{
    size_t unsafe = of_mode(c, PB_CHECK_FAILED) - c->failed;
    const char *also = c->failed ? pb_arena_printf(a, "; %zu of %s could not be checked", c->failed,
                                                   count(a, c->nunits, "unit"))
                                 : "";
    const char *unplanned =
        unsafe ? pb_arena_printf(a, "%s could not be planned safely", count(a, unsafe, "unit"))
               : "";

    if (unsafe && unsafe == c->refused)
        return pb_arena_printf(a, "refused: %s%s", unplanned, also);
    return pb_arena_printf(a, "refused: %s%s%s%s", denied(a, c), unsafe ? "; " : "", unplanned,
                           also);
}

/* What merging does where nothing refuses, hides or breaks it. */
static const char *does(struct pb_arena *a, const struct pb_check *c)
{
    if (c->orphaned)
        return changes(a, c);
    if (c->changes)
        return c->asks ? pb_arena_printf(a, "%s; base's rules want a yes for %s", changes(a, c),
                                         c->asks < c->changes ? pb_arena_printf(a, "%zu", c->asks)
                                         : c->asks == 1       ? "it"
                                                              : "them")
                       : pb_arena_printf(a, "%s, and collides with nothing", changes(a, c));
    if (c->beside)
        return pb_arena_printf(a, "merging changes no resource, but providers or outputs: %s",
                               count(a, c->beside, "finding"));
    return c->by_class[PB_CHECK_SETTLES]
               ? pb_arena_printf(a, "merging changes %s, and settles %s",
                                 c->rules ? "no resource" : "nothing",
                                 count(a, c->by_class[PB_CHECK_SETTLES], "resource"))
           : c->rules ? "merging changes no resource"
                      : "merging changes nothing";
}

static const char *of_units(struct pb_arena *a, const struct pb_check *c)
{
    if (c->exit_code == PB_EXIT_REFUSED)
        return refused(a, c);
    if (c->failed)
        return pb_arena_printf(a, "error: %zu of %s could not be checked", c->failed,
                               count(a, c->nunits, "unit"));
    if (c->nunits && !c->trusted)
        return pb_arena_printf(
            a, "not planned: the head is not trusted; %s compared by text alone%s%s",
            c->nunits == 1 ? "1 unit was" : pb_arena_printf(a, "%zu units were", c->nunits),
            c->warned ? ", with " : "", c->warned ? count(a, c->warned, "warning") : "");
    if (c->unseen)
        return pb_arena_printf(a, "inconclusive: %s that this change touches could not be seen",
                               count(a, c->unseen, "resource"));
    return does(a, c);
}

const char *pb_check_headline(struct pb_arena *a, const struct pb_check *c)
{
    const char *said;

    if (c->up_to_date)
        return pb_arena_printf(a, "nothing to check: '%s' has all of '%s'", c->base_ref,
                               c->head_ref);
    if (c->nconflicts)
        return pb_arena_printf(a, "cannot be merged: %s with '%s'",
                               c->nconflicts == 1
                                   ? "1 file conflicts"
                                   : pb_arena_printf(a, "%zu files conflict", c->nconflicts),
                               c->base_ref);
    if (c->broken)
        return "refused: plumb.yaml cannot be used after merging";
    said = of_units(a, c);
    if (!c->rules)
        return said;
    /* Nothing else may follow from it, and everything may once it is merged. */
    return pb_arena_printf(a, "%s%s plumb's own rules: %s", said,
                           c->exit_code == PB_EXIT_PLUMB && !c->beside ? ", but"
                                                                       : "; merging changes",
                           count(a, c->rules, "finding"));
}

/* ---- words that other formats use, too ------------------------------------------------------ */

const char *pb_check_deleted(struct pb_arena *a, const struct pb_check_resource *r)
{
    return pb_arena_printf(a, "deleted outside of Git%s%s", r->reason ? ": " : "",
                           r->reason ? r->reason : "");
}

bool pb_check_is_denied(const struct pb_check_resource *r)
{
    return r->class == PB_CHECK_CAUSED && r->gate && r->gate->decision == PB_GATE_DENY;
}

const char *pb_check_action(struct pb_arena *a, const struct pb_check_resource *r)
{
    if (r->importing)
        return r->action == PB_ACT_NONE
                   ? "import"
                   : pb_arena_printf(a, "import, %s", pb_action_name(r->action));
    if (r->class == PB_CHECK_SETTLES && r->action == PB_ACT_UPDATE)
        return "record"; /* the plan has it, and there is nothing to be done */
    if (r->action != PB_ACT_NONE)
        return pb_action_name(r->action);
    return r->moved_from ? "move" : NULL;
}

const char *pb_check_mode(struct pb_arena *a, const struct pb_check_unit *u)
{
    bool said = u->mode == PB_CHECK_ADDED || u->mode == PB_CHECK_REMOVED;

    return pb_arena_printf(a, "%s%s", pb_check_mode_names[u->mode],
                           said            ? ""
                           : u->is_added   ? ", added"
                           : u->is_removed ? ", removed"
                                           : "");
}

const char *pb_check_cell(struct pb_arena *a, const struct pb_check_attr *at,
                          enum pb_check_column column)
{
    const struct pb_value *const v[] = {at->base, at->merged, at->live};
    bool live = column == PB_CHECK_LIVE, changed = false;

    if (live && !at->seen)
        return "(not seen)";
    if (!at->sensitive || pb_is_nullish(v[column]))
        return pb_cell_text(a, v[column], live ? PB_CELL_LIVE : PB_CELL_DECLARED);
    if (column == PB_CHECK_MERGED)
        changed = at->touched;
    else if (live)
        changed =
            at->before != PB_PENDING && pb_verdicts[at->before].effect == PB_EFFECT_DIFFERENCE;
    return changed ? "(sensitive, changed)" : "(sensitive)";
}

const char *pb_check_recorded(struct pb_arena *a, const struct pb_check_attr *at)
{
    const char *text = pb_cell_text(a, at->recorded, PB_CELL_RECORDED);

    if (at->class != PB_CHECK_COLLIDES || at->sensitive || pb_is_nullish(at->recorded) ||
        strcmp(text, pb_check_cell(a, at, PB_CHECK_BASE)) == 0 ||
        strcmp(text, pb_check_cell(a, at, PB_CHECK_LIVE)) == 0)
        return NULL;
    return text;
}

/* Something else than the value makes it this change's. */
static bool asks_alike(struct pb_arena *a, const struct pb_check_attr *at)
{
    return at->touched &&
           strcmp(pb_check_cell(a, at, PB_CHECK_BASE), pb_check_cell(a, at, PB_CHECK_MERGED)) == 0;
}

const char *pb_check_why(struct pb_arena *a, const struct pb_check_attr *at, const char *told)
{
    bool says = at->class == PB_CHECK_UNSEEN || at->class == PB_CHECK_SETTLES ||
                (at->class == PB_CHECK_CAUSED && !at->touched) || asks_alike(a, at);

    return says && at->reason && !pb_streq(at->reason, told) ? at->reason : NULL;
}

/* " (a, b)": those of a class that the change is not about, where they are few. */
static void name_few(struct pb_buf *b, const struct pb_check_unit *u, enum pb_check_class class)
{
    const char *sep = " (";

    for (size_t i = 0; i < u->nresources; i++)
        if (!u->resources[i].touched && u->resources[i].class == class) {
            pb_buf_addf(b, "%s%s", sep, u->resources[i].address);
            sep = ", ";
        }
    pb_buf_addc(b, ')');
}

const char *pb_check_before(struct pb_arena *a, const struct pb_check_unit *u)
{
    PB_AUTO(buf) struct pb_buf line = PB_BUF_INIT;
    size_t by[PB_NCHECKS] = {0};

    for (size_t i = 0; i < u->nresources; i++)
        if (!u->resources[i].touched)
            by[u->resources[i].class]++;
    for (int k = PB_CHECK_UNSEEN; k > PB_CHECK_SETTLES; k--) {
        if (!by[k])
            continue;
        pb_buf_addf(&line, "%s%zu %s", line.len ? ", " : "", by[k], pb_check_classes[k].name);
        if (by[k] <= FEW)
            name_few(&line, u, (enum pb_check_class)k);
    }
    return line.len ? pb_arena_printf(a, "not of this change, and there before: %s", line.s) : NULL;
}

static enum pb_style style_of(const struct pb_check *c)
{
    switch (c->exit_code) {
    case PB_EXIT_PLUMB: return c->rules ? PB_BLUE : PB_GREEN;
    case PB_EXIT_DRIFT: return PB_BLUE;
    case PB_EXIT_INCONCLUSIVE: return PB_MAGENTA;
    default: return PB_RED;
    }
}

static void head(struct pb_pen *p, const struct pb_check *c)
{
    pb_pen_on(p, style_of(c));
    pb_pen_words(p, pb_check_headline(p->arena, c), 0, 2);
    pb_pen_off(p);
    pb_buf_addc(p->b, '\n');
    pb_pen_line(p, 2,
                pb_arena_printf(p->arena, "base %s (%.8s), head %s (%.8s)%s", c->base_ref, c->base,
                                c->head_ref, c->head,
                                c->fast_forward ? ", which contains base" : ""));
    if (c->trust && c->nunits)
        pb_pen_line(p, 2,
                    pb_arena_printf(p->arena, "%strusted: %s", c->trusted ? "" : "not ", c->trust));
    for (size_t i = 0; i < c->nconflicts; i++)
        pb_pen_line(p, 4,
                    pb_arena_printf(p->arena, "%s: %s", c->conflicts[i], c->conflict_what[i]));
}

/* ---- findings ------------------------------------------------------------------------------- */

enum { UNITS_NAMED = 5 };

const char *pb_check_shared_by(struct pb_arena *a, const struct pb_check_finding *f)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    size_t n = f->nunits > UNITS_NAMED ? UNITS_NAMED - 1 : f->nunits;

    if (!f->nunits)
        return NULL;
    pb_buf_addf(&b, "in %s: ", count(a, f->nunits, "unit"));
    for (size_t i = 0; i < n; i++)
        pb_buf_addf(&b, "%s%s", i ? ", " : "", f->units[i]);
    if (n < f->nunits)
        pb_buf_addf(&b, " and %zu more", f->nunits - n);
    return pb_arena_strdup(a, b.s);
}

const char *pb_check_stands_for(struct pb_arena *a, const struct pb_check_finding *f)
{
    return f->resources && f->address
               ? pb_arena_printf(a, "stands for %s", count(a, f->resources, "resource"))
               : NULL;
}

static const char *where(struct pb_pen *p, const struct pb_check_finding *f)
{
    const char *of = f->file_of_base ? " of base" : "";

    if (!f->file)
        return "";
    return f->line ? pb_arena_printf(p->arena, " (%s:%u%s)", f->file, f->line, of)
                   : pb_arena_printf(p->arena, " (%s%s)", f->file, of);
}

static const char *sentence(struct pb_pen *p, const struct pb_check_finding *f)
{
    const char *of = pb_check_stands_for(p->arena, f), *in = pb_check_shared_by(p->arena, f);

    return pb_arena_printf(p->arena, "%s%s%s%s%s%s", f->message, of ? ", which " : "", of ? of : "",
                           where(p, f), in ? ", " : "", in ? in : "");
}

static void findings(struct pb_pen *p, const struct pb_check_findings *f, size_t indent)
{
    static const char *const severities[] = {"error", "warning", "notice"};

    for (size_t s = 0; s < PB_COUNT(severities); s++)
        for (size_t i = 0; i < f->n; i++) {
            const struct pb_check_finding *one = &f->v[i];

            if (!pb_streq(one->severity, severities[s]))
                continue;
            pb_buf_addf(p->b, "%*s", (int)indent, "");
            pb_pen_ink(p, s == 0 ? PB_RED : s == 1 ? PB_YELLOW : PB_DIM, one->severity);
            pb_buf_addf(p->b, "  %s  ", one->code);
            pb_pen_words(p, sentence(p, one),
                         indent + strlen(one->severity) + strlen(one->code) + 4, indent + 2);
            pb_buf_addc(p->b, '\n');
        }
}

/* ---- resources ------------------------------------------------------------------------------ */

enum { WIDE_MAX = 2000 };

static const char *fit(struct pb_pen *p, const char *s)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    pb_cell_fit(&b, s, p->width > 40 ? p->width - 20 : 20);
    return pb_arena_strdup(p->arena, b.s);
}

static void value(struct pb_pen *p, const char *name, const struct pb_check_attr *a,
                  enum pb_check_column column)
{
    pb_buf_addf(p->b, "%*s%-9s %s\n", 10, "", name, fit(p, pb_check_cell(p->arena, a, column)));
}

/* Whether what differs would be in the middle that is left out. */
static bool is_too_wide(struct pb_pen *p, const struct pb_row *r)
{
    size_t wide = 0;

    for (int c = 0; c < PB_NCELLS; c++)
        wide += pb_text_width(r->cell[c]) > p->width - 20;
    return wide > 1;
}

static void diff(struct pb_pen *p, const struct pb_row *r, size_t part)
{
    struct pb_diff d;

    pb_diff_of(&d, r, true, part, WIDE_MAX);
    for (size_t k = 0; k < d.nsides; k++)
        pb_buf_addf(p->b, "%*s%s %s\n", 10, "", k ? "+++" : "---", d.sides[k].label);
    for (size_t k = 0; k < d.n; k++) {
        pb_buf_addf(p->b, "%*s", 10, "");
        pb_pen_on(p, d.v[k].sign == '-' ? PB_RED : d.v[k].sign == '+' ? PB_GREEN : PB_DIM);
        pb_buf_addf(p->b, "%c %.*s", d.v[k].sign, (int)d.v[k].len, d.v[k].s);
        pb_pen_off(p);
        pb_buf_addc(p->b, '\n');
    }
    pb_diff_release(&d);
}

static void values(struct pb_pen *p, const struct pb_check_attr *a)
{
    const char *recorded = pb_check_recorded(p->arena, a);
    struct pb_row r = {.path = a->path};

    for (int c = 0; c < PB_NCELLS; c++)
        r.cell[c] = pb_check_cell(p->arena, a, (enum pb_check_column)c);
    if (is_too_wide(p, &r)) {
        for (size_t part = 0; part < pb_diffs(&r, true); part++)
            diff(p, &r, part);
        return;
    }
    value(p, "base", a, PB_CHECK_BASE);
    if (recorded)
        pb_buf_addf(p->b, "%*s%-9s %s\n", 10, "", "recorded", fit(p, recorded));
    if (a->touched)
        value(p, "merged", a, PB_CHECK_MERGED);
    value(p, "live", a, PB_CHECK_LIVE);
}

/* Of what there is nothing to tell, in a line: the world's value. */
static void unchanged(struct pb_pen *p, const struct pb_check_attr *a)
{
    pb_buf_adds(p->b, "        ");
    pb_pen_safe(p, a->path);
    pb_buf_addf(p->b, "  %s: %s\n", pb_check_classes[PB_CHECK_NONE].meaning,
                fit(p, pb_check_cell(p->arena, a, PB_CHECK_LIVE)));
}

/* Both values and the world's; `told`: what was said of the whole resource. */
static void attribute(struct pb_pen *p, const struct pb_check_attr *a, const char *told)
{
    const char *why = pb_check_why(p->arena, a, told);

    pb_buf_adds(p->b, "        ");
    pb_pen_safe(p, a->path);
    pb_buf_addf(p->b, "  %s\n", pb_check_classes[a->class].name);
    values(p, a);
    if (why)
        pb_pen_line(p, 10, why);
}

static void author(struct pb_pen *p, const struct pb_check_resource *r)
{
    const struct pb_gate_author *by = r->by;

    if (by && by->block)
        pb_pen_line(p, 6,
                    pb_arena_printf(p->arena, "declared by %s, %.8s \"%s\"", by->author, by->commit,
                                    by->summary));
    else if (by)
        pb_pen_line(p, 6,
                    pb_arena_printf(p->arena,
                                    "last change to what it depends on by %s, %.8s \"%s\" (%s)",
                                    by->author, by->commit, by->summary, by->file));
}

static void resource_head(struct pb_pen *p, const struct pb_check_resource *r)
{
    const char *action = pb_check_action(p->arena, r);

    pb_buf_adds(p->b, "    ");
    pb_pen_ink(p, r->class == PB_CHECK_COLLIDES ? PB_RED : PB_BOLD,
               pb_check_classes[r->class].name);
    pb_buf_addf(p->b, "  %s  ", action ? action : r->touched ? "none" : pb_verdict_name(r->before));
    pb_pen_ink(p, PB_BOLD, r->address);
    if (r->file) {
        pb_buf_adds(p->b, "  ");
        pb_pen_safe(p, r->file);
        if (r->line)
            pb_buf_addf(p->b, ":%u", r->line);
        pb_buf_adds(p->b, r->file_of_base ? " of base" : "");
    }
    pb_buf_addc(p->b, '\n');
}

/* The gate's own words for a collision are the same. */
static bool is_said_by_gate(const struct pb_check_resource *r)
{
    return r->gate && r->gate->decision != PB_GATE_ALLOW && r->gate->cause == PB_CAUSE_OVERWRITE;
}

static void resource(struct pb_pen *p, const struct pb_check_resource *r)
{
    pb_buf_addc(p->b, '\n');
    resource_head(p, r);
    if (r->before == PB_MISSING)
        pb_pen_line(p, 6, pb_check_deleted(p->arena, r));
    else if ((r->class == PB_CHECK_COLLIDES && !is_said_by_gate(r)) ||
             (r->class == PB_CHECK_REVERTS && !r->nattrs))
        pb_pen_line(p, 6, pb_check_classes[r->class].meaning);
    if (r->moved_from)
        pb_pen_line(p, 6, pb_arena_printf(p->arena, "moves from %s", r->moved_from));
    if (r->gate && r->gate->decision != PB_GATE_ALLOW)
        pb_pen_line(p, 6,
                    pb_arena_printf(p->arena, "%s: %s; decided by %s",
                                    pb_gate_decision_names[r->gate->decision], r->gate->why,
                                    r->gate->rule));
    if (r->reason && (r->unseen || r->class == PB_CHECK_UNSEEN))
        pb_pen_line(p, 6, r->reason);
    if (r->class == PB_CHECK_COLLIDES || (r->gate && r->gate->decision != PB_GATE_ALLOW))
        author(p, r);
    for (size_t i = 0; i < r->nattrs; i++)
        if (r->attrs[i].class || (p->o->all && r->attrs[i].touched))
            attribute(p, &r->attrs[i], r->reason);
    for (size_t i = 0; p->o->all && i < r->nattrs; i++)
        if (!r->attrs[i].class && !r->attrs[i].touched)
            unchanged(p, &r->attrs[i]);
}

static void ours_of(struct pb_pen *p, const struct pb_check_unit *u, enum pb_check_class class,
                    bool denied)
{
    for (size_t i = 0; i < u->nresources; i++) {
        const struct pb_check_resource *r = &u->resources[i];

        if (r->class == class && r->touched && pb_check_is_denied(r) == denied)
            resource(p, r);
    }
}

/* What is of this change, the worst first. */
static void ours(struct pb_pen *p, const struct pb_check_unit *u)
{
    for (int k = PB_CHECK_COLLIDES; k >= PB_CHECK_NONE; k--) {
        if (k < PB_CHECK_UNSEEN && k != PB_CHECK_SETTLES && !p->o->all)
            continue;
        ours_of(p, u, (enum pb_check_class)k, true);
        ours_of(p, u, (enum pb_check_class)k, false);
    }
}

static void refusals(struct pb_pen *p, const struct pb_check_unit *u)
{
    for (size_t i = 0; i < u->nrefusals; i++) {
        const struct pb_check_refusal *r = &u->refusals[i];

        pb_buf_adds(p->b, "\n    ");
        pb_pen_ink(p, r->before ? PB_DIM : PB_RED, r->before ? "refused before, too" : "refused");
        pb_buf_addf(p->b, "  %s\n", r->code);
        pb_pen_line(p, 6, r->what);
        pb_pen_line(p, 6, pb_arena_printf(p->arena, "remedy: %s", r->remedy));
    }
}

/* What was there before is counted, and shown with --all. */
static void theirs(struct pb_pen *p, const struct pb_check_unit *u)
{
    const char *line = pb_check_before(p->arena, u);

    if (!line)
        return;
    pb_buf_addc(p->b, '\n');
    pb_pen_line(
        p, 4, pb_arena_printf(p->arena, "%s%s", line, p->o->all ? "" : "; --all shows what it is"));
    for (size_t i = 0; p->o->all && i < u->nresources; i++)
        if (!u->resources[i].touched && u->resources[i].class)
            resource(p, &u->resources[i]);
}

static void unit_head(struct pb_pen *p, const struct pb_check_unit *u)
{
    pb_buf_addc(p->b, '\n');
    pb_pen_ink(p, PB_BOLD, u->name);
    if (*u->path && strcmp(u->path, u->name) != 0) {
        pb_buf_adds(p->b, "  ");
        pb_pen_safe(p, u->path);
    }
    pb_buf_addf(p->b, "  %s", pb_check_mode(p->arena, u));
    if (u->reached_by) {
        pb_buf_adds(p->b, "  reached by ");
        pb_pen_safe(p, u->reached_by);
    }
    pb_buf_addc(p->b, '\n');
}

static void unit(struct pb_pen *p, const struct pb_check_unit *u)
{
    unit_head(p, u);
    if (u->mode == PB_CHECK_FAILED) {
        pb_pen_on(p, PB_RED);
        pb_pen_line(p, 4, u->err.msg);
        pb_pen_off(p);
    } else {
        refusals(p, u);
        ours(p, u);
    }
    if (u->findings.n) {
        pb_buf_addc(p->b, '\n');
        findings(p, &u->findings, 4);
    }
    if (u->mode != PB_CHECK_FAILED)
        theirs(p, u);
}

static void footer(struct pb_pen *p, const struct pb_check *c)
{
    pb_buf_addc(p->b, '\n');
    if (c->untouched)
        pb_buf_addf(p->b, "not reached by the change: %s\n", pb_pen_count(p, c->untouched, "unit"));
    pb_buf_addf(p->b, "took %ld.%02ld s; exit %d\n", c->elapsed_ms / 1000,
                c->elapsed_ms % 1000 / 10, (int)pb_check_exit(c));
}

void pb_report_check_text(struct pb_buf *b, const struct pb_check *c,
                          const struct pb_report_opts *o)
{
    struct pb_pen p = pb_pen_of(b, o);

    head(&p, c);
    if (c->findings.n) {
        pb_buf_addc(b, '\n');
        findings(&p, &c->findings, 2);
    }
    for (size_t i = 0; i < c->nunits; i++)
        unit(&p, &c->units[i]);
    footer(&p, c);
    pb_pen_release(&p);
}
