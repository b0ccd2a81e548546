/*
 * The YAML reader, and what reads configuration after it: what it takes can be written as JSON
 * and is the same value there; ignore rules and echoes are accepted or refused with words.
 */
#include <stdint.h>
#include <stdlib.h>

#include "model/json.h"
#include "model/yaml.h"
#include "reconcile/echo.h"
#include "reconcile/ignore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void rules(struct pb_arena *a, const struct pb_value *v)
{
    const struct pb_echo_set *echoes;
    struct pb_ignore_set *ignore = NULL;
    struct pb_err err = PB_ERR_INIT;

    if (pb_echo_parse(&echoes, a, v, "f", &err) == 0) {
        struct pb_echoes e = pb_echo_of(echoes, "t");
        size_t at = 0;
        while (pb_echo_match(&e, "a[0].b[\"c.d\"]", &at))
            ;
    } else if (!err.msg[0]) {
        abort();
    }
    if (pb_ignore_parse(&ignore, v, "f", &err) == 0) {
        pb_ignore_resource(ignore, "module.m[\"a\"].t.a[0]");
        pb_ignore_attribute(ignore, "t.a", "a[0].b[\"c.d\"]");
    }
    pb_ignore_free(ignore);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pb_arena *a = pb_arena_new();
    const struct pb_value *v, *again;
    struct pb_err err = PB_ERR_INIT;
    struct pb_buf b = PB_BUF_INIT;

    if (pb_yaml_parse(&v, a, (const char *)data, size, "f.yaml", &err) == 0) {
        pb_json_add(&b, v);
        if (pb_json_parse(&again, a, b.s, b.len, "output", NULL))
            abort();
        if (!pb_value_equal(v, pb_json_unwrap(a, again)))
            abort();
        rules(a, v);
    } else if (!err.msg[0]) {
        abort();
    }
    pb_buf_release(&b);
    pb_arena_free(a);
    return 0;
}
