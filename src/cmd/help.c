#include "cmd/cmd.h"

#include "base/mem.h"
#include "base/text.h"
#include "config/config.h"
#include "model/verdict.h"
#include "report/report.h"
#include "run/check.h"
#include "version.h"

#include <string.h>

enum { WIDTH = 80, INDENT = 2 };

/* Words of `s` from column `indent` on, broken before WIDTH; the cursor is at `col`. */
static void add_wrapped(struct pb_buf *b, const char *s, size_t indent, size_t col)
{
    bool first = true;

    while (*s) {
        size_t n = strcspn(s, " \n");

        if (!first && col + 1 + n > WIDTH) {
            pb_buf_addf(b, "\n%*s", (int)indent, "");
            col = indent;
        } else if (!first && n) {
            pb_buf_addc(b, ' ');
            col++;
        }
        pb_buf_add(b, s, n);
        col += n;
        first = false;
        s += n;
        if (s[0] == '\n' && s[1] == '\n') {
            pb_buf_addf(b, "\n\n%*s", (int)indent, "");
            col = indent;
            first = true;
            s++;
        }
        if (*s)
            s++;
    }
    pb_buf_addc(b, '\n');
}

static void add_row(struct pb_buf *b, const char *left, size_t width, const char *right)
{
    size_t n = strlen(left);

    pb_buf_addf(b, "%*s%s", INDENT, "", left);
    if (n > width) {
        pb_buf_addf(b, "\n%*s", (int)(INDENT + width + 2), "");
        n = width;
    } else {
        pb_buf_addf(b, "%*s", (int)(width - n + 2), "");
    }
    add_wrapped(b, right, INDENT + width + 2, INDENT + width + 2);
}

static void opt_label(struct pb_buf *b, const struct pb_opt *o)
{
    if (o->short_name)
        pb_buf_addf(b, "-%c, ", o->short_name);
    else
        pb_buf_adds(b, "    ");
    pb_buf_addf(b, "--%s", o->name);
    if (o->arg)
        pb_buf_addf(b, " %s", o->arg);
    if (o->form & PB_OPT_SWITCH)
        pb_buf_adds(b, "[=false]");
}

static void opt_text(struct pb_buf *b, const struct pb_opt *o)
{
    pb_buf_adds(b, o->help);
    if (o->values) {
        pb_buf_adds(b, o->form & PB_OPT_LIST ? "; one or more of " : "; one of ");
        for (size_t i = 0; o->values[i]; i++)
            pb_buf_addf(b, "%s%s", i ? ", " : "", o->values[i]);
    }
    if (o->repeat)
        pb_buf_adds(b, " (repeatable)");
}

enum { LABEL = 24 };

static void add_opts(struct pb_buf *b, const char *title, const struct pb_opt *opts)
{
    if (!opts || !opts->name)
        return;
    pb_buf_addf(b, "\n%s\n", title);
    for (const struct pb_opt *o = opts; o->name; o++) {
        PB_AUTO(buf) struct pb_buf label = PB_BUF_INIT, text = PB_BUF_INIT;

        if (o->form & PB_OPT_REFUSED)
            continue;
        opt_label(&label, o);
        opt_text(&text, o);
        add_row(b, label.s, LABEL, text.s);
    }
}

static void add_refused(struct pb_buf *b, const struct pb_opt *o)
{
    bool any = false;

    for (; o && o->name; o++) {
        PB_AUTO(str) char *label = NULL;

        if (!(o->form & PB_OPT_REFUSED))
            continue;
        if (!any)
            pb_buf_adds(b, "\nOptions of Terraform that are refused\n");
        any = true;
        label = pb_asprintf("    %s%s", *o->name >= 'a' ? "-" : "", o->name);
        add_row(b, label, LABEL, o->help);
    }
}

static void add_exits(struct pb_buf *b, const struct pb_command *c)
{
    const enum pb_exit *codes = c->exits;

    pb_buf_adds(b, "\nExit codes\n");
    for (; (int)*codes != PB_EXIT_END; codes++) {
        PB_AUTO(buf) struct pb_buf label = PB_BUF_INIT;

        pb_buf_addf(&label, "%3d", (int)*codes);
        add_row(b, label.s, 3,
                *codes == PB_EXIT_PLUMB && c->done ? c->done
                                                   : pb_exit_find(c->name, *codes)->meaning);
    }
}

void pb_help_overview(struct pb_buf *b)
{
    pb_buf_adds(b, "plumb tells whether your infrastructure is what Git says.\n\n"
                   "Usage: plumb [-C DIR] [--unit NAME]... COMMAND [options]\n\nCommands\n");
    for (size_t i = 0; i < pb_ncommands; i++)
        add_row(b, pb_commands[i].name, 10, pb_commands[i].summary);
    add_opts(b, "Options of every command", pb_global_opts);
    pb_buf_adds(b, "\nStart with 'plumb audit' inside a Terraform root module of a Git repository."
                   "\n'plumb help COMMAND' says more.\n");
}

void pb_help_command(struct pb_buf *b, const struct pb_command *c)
{
    pb_buf_addf(b, "plumb %s: %s\n\nUsage: plumb %s%s%s\n\n", c->name, c->summary, c->name,
                *c->usage ? " " : "", c->usage);
    add_wrapped(b, c->about, 0, 0);
    add_opts(b, "Options", c->opts);
    add_refused(b, c->opts);
    add_opts(b, "Options of every command", pb_global_opts);
    pb_buf_adds(b, "\nExamples\n");
    for (size_t i = 0; i < PB_COUNT(c->examples) && c->examples[i].line; i++)
        pb_buf_addf(b, "%*s%s\n%*s%s\n", INDENT, "", c->examples[i].line, 2 * INDENT + 2, "",
                    c->examples[i].what);
    add_exits(b, c);
}

/* ---- findings of a check ------------------------------------------------------------------ */

static const struct {
    const char *name, *meaning;
} severities[] = {
    {"error", "what the change does could not be judged"},
    {"warning", "somebody should look before it is merged"},
    {"notice", "good to know"},
};

void pb_help_findings(struct pb_buf *b)
{
    const struct pb_text_rule *r;

    add_wrapped(b,
                "What 'plumb check' finds beside plans: in the text of a change, in plumb.yaml and "
                "in the units. Of these only config-broken, and unit-removed where the state has "
                "something, change the exit code. In SARIF the rule is check/CODE.",
                0, 0);
    for (size_t s = 0; s < PB_COUNT(severities); s++) {
        pb_buf_addf(b, "\n%s: %s\n", severities[s].name, severities[s].meaning);
        for (size_t i = 0; (r = pb_check_rule_at(i)); i++)
            if (strcmp(r->severity, severities[s].name) == 0)
                add_row(b, r->code, 25, r->summary);
    }
}

/* roff: a leading dot or quote is a request, a backslash an escape, '-' a hyphen. */
static void add_roff(struct pb_buf *b, const char *s)
{
    if (*s == '.' || *s == '\'')
        pb_buf_adds(b, "\\&");
    for (; *s; s++) {
        if (*s == '\\')
            pb_buf_adds(b, "\\e");
        else if (*s == '-')
            pb_buf_adds(b, "\\-");
        else if (*s == '\n')
            pb_buf_adds(b, s[1] == '\n' ? "\n.PP" : "\n");
        else
            pb_buf_addc(b, *s);
    }
}

static void add_roff_item(struct pb_buf *b, const char *term, const char *text)
{
    pb_buf_adds(b, ".TP\n.B ");
    add_roff(b, term);
    pb_buf_addc(b, '\n');
    add_roff(b, text);
    pb_buf_addc(b, '\n');
}

static void add_roff_opts(struct pb_buf *b, const struct pb_opt *o)
{
    for (; o && o->name; o++) {
        PB_AUTO(buf) struct pb_buf label = PB_BUF_INIT, text = PB_BUF_INIT;

        if (o->form & PB_OPT_REFUSED)
            continue;
        opt_label(&label, o);
        opt_text(&text, o);
        add_roff_item(b, label.s + strspn(label.s, " "), text.s);
    }
}

static void add_roff_command(struct pb_buf *b, const struct pb_command *c)
{
    pb_buf_addf(b, ".SS plumb %s ", c->name);
    add_roff(b, c->usage);
    pb_buf_addc(b, '\n');
    add_roff(b, c->about);
    pb_buf_addc(b, '\n');
    add_roff_opts(b, c->opts);
}

void pb_help_man(struct pb_buf *b)
{
    pb_buf_addf(b, ".TH PLUMB 1 \"\" \"plumb %s\" \"User Commands\"\n", PLUMB_VERSION);
    pb_buf_adds(b, ".SH NAME\nplumb \\- tells whether infrastructure is what Git says\n"
                   ".SH SYNOPSIS\n.B plumb\n[\\-C DIR] [\\-\\-unit NAME]... COMMAND [options]\n"
                   ".SH OPTIONS OF EVERY COMMAND\n");
    add_roff_opts(b, pb_global_opts);
    pb_buf_adds(b, ".SH COMMANDS\n");
    for (size_t i = 0; i < pb_ncommands; i++)
        add_roff_command(b, &pb_commands[i]);
    pb_buf_adds(b, ".SH VERDICTS\n");
    for (size_t i = 0; i < PB_NVERDICTS; i++)
        add_roff_item(b, pb_verdicts[i].name, pb_verdicts[i].meaning);
    pb_buf_adds(b, ".SH FINDINGS OF A CHECK\n");
    for (size_t i = 0; pb_check_rule_at(i); i++)
        add_roff_item(b, pb_check_rule_at(i)->code, pb_check_rule_at(i)->summary);
    pb_buf_adds(b, ".SH FORMATS\n");
    for (size_t i = 0; i < pb_report_formats_count; i++)
        add_roff_item(b, pb_report_formats[i].name, pb_report_formats[i].about);
    pb_buf_adds(b, ".SH EXIT STATUS\n");
    for (size_t i = 0; i < pb_exits_count; i++) {
        PB_AUTO(buf) struct pb_buf code = PB_BUF_INIT;

        pb_buf_addf(&code, "%d", (int)pb_exits[i].code);
        add_roff_item(b, code.s, pb_exits[i].meaning);
    }
    pb_buf_adds(b, ".SH EXAMPLES\n");
    for (size_t i = 0; i < pb_ncommands; i++)
        for (size_t k = 0; k < PB_COUNT(pb_commands[i].examples); k++)
            if (pb_commands[i].examples[k].line)
                add_roff_item(b, pb_commands[i].examples[k].line, pb_commands[i].examples[k].what);
}

void pb_help_markdown(struct pb_buf *b)
{
    pb_buf_adds(b, "| Command | Job |\n|---|---|\n");
    for (size_t i = 0; i < pb_ncommands; i++)
        pb_buf_addf(b, "| `%s` | %s |\n", pb_commands[i].name, pb_commands[i].summary);
    pb_buf_adds(b, "\n| Exit code | Name | Meaning |\n|---|---|---|\n");
    for (size_t i = 0; i < pb_exits_count; i++)
        pb_buf_addf(b, "| %d | %s | %s |\n", (int)pb_exits[i].code, pb_exits[i].name,
                    pb_exits[i].meaning);
    pb_buf_adds(b, "\n| Verdict | Meaning | What an apply would do |\n|---|---|---|\n");
    for (size_t i = 0; i < PB_NVERDICTS; i++)
        pb_buf_addf(b, "| `%s` | %s | %s |\n", pb_verdicts[i].name, pb_verdicts[i].meaning,
                    pb_verdicts[i].apply_would);
    pb_buf_adds(b, "\n| Format | For |\n|---|---|\n");
    for (size_t i = 0; i < pb_report_formats_count; i++)
        pb_buf_addf(b, "| `%s` | %s |\n", pb_report_formats[i].name, pb_report_formats[i].about);
    pb_buf_adds(b, "\n| Finding of a check | Severity | Meaning |\n|---|---|---|\n");
    for (size_t i = 0; pb_check_rule_at(i); i++)
        pb_buf_addf(b, "| `%s` | %s | %s |\n", pb_check_rule_at(i)->code,
                    pb_check_rule_at(i)->severity, pb_check_rule_at(i)->summary);
    pb_buf_addc(b, '\n');
    pb_config_add_reference(b);
}
