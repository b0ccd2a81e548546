/*
 * plumb.yaml, and the scan of configuration text: what is accepted has whole units and no path
 * that leaves the repository; what is refused says why, with file and line.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backends/terraform/scan.h"
#include "config/config.h"

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
    static const char *const names[] = {"a.tf", "a.tf.json", "a.tfvars"};
    const char *text = (const char *)data;
    struct pb_err err = PB_ERR_INIT;
    struct pb_module_text scan = {0};
    struct pb_config c;

    if (pb_config_parse(&c, a, text, size, "plumb.yaml", &err) == 0)
        check(&c);
    else if (strncmp(err.msg, "plumb.yaml:", 11) != 0)
        abort();
    for (size_t i = 0; i < 3; i++)
        pb_tf_scan(&scan, names[i], text, size);
    pb_strv_release(&scan.locals);
    return 0;
}
