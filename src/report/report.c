#include "report/report.h"

#include "base/text.h"
#include "report/apply.h"
#include "report/check.h"
#include "report/doc.h"
#include "report/gate.h"

#define ROW(name, about, doc) {name, about, doc},
const struct pb_report_format pb_report_formats[] = {PB_REPORT_FORMATS(ROW)};
const size_t pb_report_formats_count = PB_COUNT(pb_report_formats);

const struct pb_report_format *pb_report_format_find(const char *name)
{
    for (size_t i = 0; i < pb_report_formats_count; i++)
        if (pb_streq(pb_report_formats[i].name, name))
            return &pb_report_formats[i];
    return NULL;
}

int pb_report_format_need(const struct pb_report_format **out, const char *name, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf all = PB_BUF_INIT;

    *out = pb_report_format_find(name);
    if (*out)
        return 0;
    for (size_t i = 0; i < pb_report_formats_count; i++)
        pb_buf_addf(&all, "%s%s", i ? ", " : "", pb_report_formats[i].name);
    return pb_fail(err, PB_E_USAGE, "no format '%s'; there is: %s", name, all.s);
}

static bool is_json(const struct pb_report_format *f)
{
    return pb_streq(f->name, "json");
}

static void finish(struct pb_buf *b, const struct pb_report_format *f, struct pb_doc *d,
                   const struct pb_report_opts *o)
{
    f->doc(b, d, o);
    pb_doc_release(d);
}

void pb_report_audit(struct pb_buf *b, const struct pb_report_format *f, const struct pb_audit *a,
                     const struct pb_report_opts *o)
{
    struct pb_doc d;

    if (!f->doc) {
        (is_json(f) ? pb_report_json : pb_report_text)(b, a, o);
        return;
    }
    pb_doc_of_audit(&d, a, o);
    finish(b, f, &d, o);
}

void pb_report_gate(struct pb_buf *b, const struct pb_report_format *f, const struct pb_audit *a,
                    const struct pb_unit_gate *gates, const struct pb_report_opts *o)
{
    struct pb_doc d;

    if (!f->doc) {
        (is_json(f) ? pb_report_gate_json : pb_report_gate_text)(b, a, gates, o);
        return;
    }
    pb_doc_of_gates(&d, a, gates, o);
    finish(b, f, &d, o);
}

void pb_report_apply(struct pb_buf *b, const struct pb_report_format *f,
                     const struct pb_apply_run *run, const struct pb_report_opts *o)
{
    struct pb_doc d;

    if (!f->doc) {
        (is_json(f) ? pb_report_apply_json : pb_report_apply_text)(b, run, o);
        return;
    }
    pb_doc_of_apply(&d, run, o);
    finish(b, f, &d, o);
}

void pb_report_check(struct pb_buf *b, const struct pb_report_format *f, const struct pb_check *c,
                     const struct pb_report_opts *o)
{
    struct pb_doc d;

    if (!f->doc) {
        (is_json(f) ? pb_report_check_json : pb_report_check_text)(b, c, o);
        return;
    }
    pb_doc_of_check(&d, c, o);
    finish(b, f, &d, o);
}
