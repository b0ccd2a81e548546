/* What providers answer: values in msgpack. What is taken can be sent, and comes back the same. */
#include <stdint.h>
#include <stdlib.h>

#include "backends/provider/msgpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct pb_type any = {.kind = PB_T_DYNAMIC};
    struct pb_arena *a = pb_arena_new();
    struct pb_err err = PB_ERR_INIT;
    struct pb_buf b = PB_BUF_INIT;
    struct pb_value v, again;

    if (pb_msgpack_decode(&v, a, data, size, NULL, &err)) {
        if (!err.msg[0])
            abort();
    } else if (!pb_has_unknown(&v) && pb_msgpack_encode(&b, a, &v, &any, &err) == 0) {
        if (pb_msgpack_decode(&again, a, b.s, b.len, NULL, &err) || !pb_value_equal(&v, &again))
            abort();
    }
    pb_buf_release(&b);
    pb_arena_free(a);
    return 0;
}
