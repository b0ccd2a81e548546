/* XML replies: what is taken can be written as JSON and is the same value there. */
#include <stdint.h>
#include <stdlib.h>

#include "backends/rest/xml.h"
#include "model/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pb_arena *a = pb_arena_new();
    const struct pb_value *v = NULL, *again = NULL;
    const char *root = NULL;
    struct pb_err err = PB_ERR_INIT;
    struct pb_buf b = PB_BUF_INIT;

    if (pb_xml_parse(&v, &root, a, (const char *)data, size, "the reply", &err) == 0) {
        pb_json_add(&b, v);
        if (!root || !*root || pb_json_parse(&again, a, b.s, b.len, "output", NULL) ||
            !pb_value_equal(v, again))
            abort();
    } else if (!err.msg[0]) {
        abort();
    }
    pb_buf_release(&b);
    pb_arena_free(a);
    return 0;
}
