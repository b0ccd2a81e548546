#include "backends/provider/diag.h"

#include <ctype.h>
#include <string.h>

#include "base/text.h"

static void add_line(struct pb_buf *out, const char *s)
{
    /* Paragraphs and indentation are for terminals. */
    for (bool blank = false; s && *s; s++) {
        if (isspace((unsigned char)*s)) {
            blank = out->len > 0;
            continue;
        }
        if (out->len >= PB_DIAG_TEXT_MAX) {
            pb_buf_adds(out, " ...");
            return;
        }
        if (blank)
            pb_buf_addc(out, ' ');
        blank = false;
        pb_buf_addc(out, *s);
    }
}

void pb_plugin_diag_text(struct pb_buf *out, const Tfplugin6__Diagnostic *d)
{
    PB_AUTO(buf) struct pb_buf summary = PB_BUF_INIT, detail = PB_BUF_INIT;

    add_line(&summary, d->summary);
    add_line(&detail, d->detail);
    pb_buf_adds(out, summary.len ? summary.s : "it says nothing of why");
    if (detail.len && strcmp(detail.s, summary.s) != 0)
        pb_buf_addf(out, ": %s", detail.s);
}

bool pb_plugin_errors(struct pb_buf *out, Tfplugin6__Diagnostic *const *d, size_t n)
{
    size_t errors = 0;

    for (size_t i = 0; i < n; i++) {
        /* A severity that this version does not know is not taken for a warning. */
        if (d[i]->severity == TFPLUGIN6__DIAGNOSTIC__SEVERITY__WARNING)
            continue;
        if (errors++ >= PB_DIAG_SHOWN || out->len >= PB_DIAG_TEXT_MAX)
            continue;
        if (out->len)
            pb_buf_adds(out, "; ");
        pb_plugin_diag_text(out, d[i]);
    }
    if (errors > PB_DIAG_SHOWN)
        pb_buf_addf(out, "; and %zu more", errors - PB_DIAG_SHOWN);
    return errors > 0;
}

static void redact(struct pb_buf *text, const struct pb_value *v, bool sensitive)
{
    sensitive |= (v->flags & PB_V_SENSITIVE) != 0;
    if (sensitive && (v->kind == PB_STRING || v->kind == PB_NUMBER))
        pb_text_take_out(text, v->s);
    for (size_t i = 0; v->kind == PB_LIST && i < v->n; i++)
        redact(text, &v->items[i], sensitive);
    for (size_t i = 0; v->kind == PB_MAP && i < v->n; i++)
        redact(text, &v->members[i].value, sensitive);
}

void pb_plugin_redact(struct pb_buf *text, const struct pb_value *v)
{
    if (v && text->len)
        redact(text, v, false);
}

void pb_plugin_redact_env(struct pb_buf *text, char *const *env)
{
    static const char *const marks[] = {"SECRET",  "TOKEN",  "PASSWORD", "PASSWD",
                                        "API_KEY", "APIKEY", "PRIVATE",  "CREDENTIALS"};

    for (; env && *env; env++) {
        const char *eq = strchr(*env, '=');

        for (size_t i = 0; eq && i < PB_COUNT(marks); i++)
            if (memmem(*env, (size_t)(eq - *env), marks[i], strlen(marks[i]))) {
                pb_text_take_out(text, eq + 1);
                break;
            }
    }
}
