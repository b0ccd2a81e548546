#include "report/report.h"

#include <string.h>

const struct pb_report_format pb_report_formats[] = {
    {"text", "for people", pb_report_text},
    {"json", "for programs: schemas/report.schema.json", pb_report_json},
};
const size_t pb_report_formats_count = PB_COUNT(pb_report_formats);

const struct pb_report_format *pb_report_format_find(const char *name)
{
    for (size_t i = 0; i < pb_report_formats_count; i++)
        if (strcmp(pb_report_formats[i].name, name) == 0)
            return &pb_report_formats[i];
    return NULL;
}
