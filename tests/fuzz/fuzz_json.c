/*
 * The JSON reader: what it takes, it writes, and takes again as the same value; and equal
 * values have one canonical form.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pb_arena *a = pb_arena_new();
    const struct pb_value *v, *again;
    struct pb_err err = PB_ERR_INIT;
    struct pb_buf b = PB_BUF_INIT, first = PB_BUF_INIT, second = PB_BUF_INIT;

    if (pb_json_parse(&v, a, (const char *)data, size, "input", &err) == 0) {
        pb_json_add_pretty(&b, v);
        if (pb_json_parse(&again, a, b.s, b.len, "output", NULL))
            abort();
        v = pb_json_unwrap(a, v);
        again = pb_json_unwrap(a, pb_json_unwrap(a, again));
        pb_buf_clear(&b);
        pb_json_add(&b, v);
        if (pb_json_parse(&again, a, b.s, b.len, "output", NULL))
            abort();
        again = pb_json_unwrap(a, again);
        if (pb_value_cmp(v, again) != 0)
            abort();
        pb_json_add_canonical(&first, v);
        pb_json_add_canonical(&second, again);
        if (strcmp(first.s, second.s) != 0)
            abort();
    } else if (!err.msg[0]) {
        abort();
    }
    pb_buf_release(&b);
    pb_buf_release(&first);
    pb_buf_release(&second);
    pb_arena_free(a);
    return 0;
}
