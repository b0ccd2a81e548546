/* What a provider can send, beneath its values: frames, messages, schemas. The first byte says
 * which, and for frames the second how they are cut up. */
#include <stdint.h>
#include <stdlib.h>

#include "backends/provider/diag.h"
#include "backends/provider/grpc.h"
#include "backends/plugin/proto.h"
#include "backends/provider/schemas.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void frames(const uint8_t *p, size_t n)
{
    struct pb_grpc_reader r = {.max = 4096};
    size_t step = n ? p[0] % 17 + 1u : 1, len;
    struct pb_err err = PB_ERR_INIT;
    const uint8_t *msg;

    for (size_t at = 0; at < n; at += step) {
        if (pb_grpc_read(&r, p + at, n - at < step ? n - at : step, &err)) {
            if (!err.msg[0])
                abort();
            break;
        }
        while (pb_grpc_next(&r, &msg, &len))
            if (len > r.max || (len && !msg))
                abort();
    }
    (void)pb_grpc_end(&r, &err);
    pb_grpc_release(&r);
}

static void messages(struct pb_arena *a, const uint8_t *p, size_t n)
{
    struct pb_buf b = PB_BUF_INIT;
    struct pb_err err = PB_ERR_INIT;
    Tfplugin6__ReadResource__Response *m =
        pb_proto_unpack(&tfplugin6__read_resource__response__descriptor, a, p, n, &err);

    if (m)
        (void)pb_plugin_errors(&b, m->diagnostics, m->n_diagnostics);
    else if (!err.msg[0])
        abort();
    pb_buf_release(&b);
}

static void schemas(struct pb_arena *a, int protocol, const uint8_t *p, size_t n)
{
    struct pb_plugin_schemas s = {.protocol = 0};
    const struct pb_schema *one;
    struct pb_err err = PB_ERR_INIT;

    if (pb_plugin_schemas_take(&s, protocol, p, n, &err) == 0) {
        (void)pb_plugin_schema_of(&one, a, &s, NULL, &err);
        (void)pb_plugin_schema_of(&one, a, &s, "a", &err);
    } else if (!err.msg[0]) {
        abort();
    }
    pb_plugin_schemas_release(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pb_arena *a = pb_arena_new();

    if (size) {
        switch (data[0] % 4) {
        case 0: frames(data + 1, size - 1); break;
        case 1: messages(a, data + 1, size - 1); break;
        default: schemas(a, data[0] % 4 == 2 ? 5 : 6, data + 1, size - 1); break;
        }
    }
    pb_arena_free(a);
    return 0;
}
