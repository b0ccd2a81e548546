/*
 * plumb.yaml, and the scan of configuration text: what is accepted has whole units and no path
 * that leaves the repository; what is refused says why, with file and line.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "run/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct pb_config *c)
{
    for (size_t i = 0; i < c->nunits; i++) {
        const struct pb_config_unit *u = &c->units[i];

        if (!u->name || !*u->name || !u->path || !u->workspace || *u->path == '/')
            abort();
        if (strcmp(u->path, "..") == 0 || strncmp(u->path, "../", 3) == 0 ||
            strstr(u->path, "/../"))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    const char *text = (const char *)data;
    struct pb_err err = PB_ERR_INIT;
    struct pb_scan scan = {0};
    struct pb_config c;

    if (pb_config_parse(&c, a, text, size, "plumb.yaml", &err) == 0)
        check(&c);
    else if (strncmp(err.msg, "plumb.yaml:", 11) != 0)
        abort();
    pb_scan_hcl(&scan, text, size);
    pb_scan_json(&scan, text, size);
    pb_scan_release(&scan);
    return 0;
}
