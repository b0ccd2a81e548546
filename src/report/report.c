#include "report/report.h"

#include "base/text.h"

const struct pb_report_format pb_report_formats[] = {
    {"text", "for people", pb_report_text},
    {"json", "for programs: schemas/report.schema.json", pb_report_json},
};
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
