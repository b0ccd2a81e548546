/* bigreport N FORMAT: a report on N resources of a made-up audit, one in ten of which differs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"

static struct pb_value str(const char *s)
{
    return (struct pb_value){.kind = PB_STRING, .n = (uint32_t)strlen(s), .s = s};
}

int main(int argc, char **argv)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    size_t n = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
    const struct pb_report_format *f = argc == 3 ? pb_report_format_find(argv[2]) : NULL;
    struct pb_resource_result *r = pb_arena_zalloc(a, (n + 1) * sizeof(*r));
    struct pb_value net = str("net"), ops = str("ops");
    struct pb_attr_result at = {.path = "tags.team",
                                .verdict = PB_DRIFTED,
                                .declared = &net,
                                .recorded = &net,
                                .live = &ops,
                                .seen = true};
    struct pb_unit_result u = {.config = {.name = "prod", .path = "infra/prod"},
                               .engine = "terraform"};
    struct pb_audit audit = {.arena = a, .units = &u, .nunits = 1};

    if (!n || !f) {
        fprintf(stderr, "usage: bigreport N FORMAT\n");
        return 64;
    }
    for (size_t i = 0; i < n; i++) {
        bool drifted = i % 10 == 9;

        r[i] = (struct pb_resource_result){
            .address = pb_arena_printf(a, "module.net.example_server.web[%zu]", i),
            .type = "example_server",
            .id = pb_arena_printf(a, "i-%08zx", i),
            .verdict = drifted ? PB_DRIFTED : PB_IN_SYNC,
            .observer = "rest",
            .attrs = &at,
            .nattrs = drifted};
        u.out.by_verdict[r[i].verdict]++;
    }
    u.recorded.lineage = "l";
    u.out.v = r;
    u.out.n = n;
    pb_audit_sum(&audit, NULL, NULL);
    pb_report_audit(&b, f, &audit, &(struct pb_report_opts){.version = "1"});
    return fwrite(b.s, 1, b.len, stdout) == b.len ? 0 : 1;
}
