#include "run/data.h"

#include "base/data.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/yaml.h"

#include <stdlib.h>
#include <string.h>

enum { DATA_MAX = 1 << 20 };

int pb_data_read(const struct pb_value **out, struct pb_arena *a, const char *name,
                 struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    PB_AUTO(str) char *path = pb_data_path(name);

    if (pb_fs_read(&text, path, DATA_MAX, err) < 0)
        return pb_err_wrap(err, "plumb's own tables are incomplete, install it again");
    return pb_yaml_parse(out, a, text.s, text.len, pb_arena_strdup(a, path), err);
}

int pb_data_echoes(const struct pb_echo_set **out, struct pb_arena *a, struct pb_err *err)
{
    static const char name[] = "schemas/echoes.yaml";
    const struct pb_value *v;

    if (pb_data_read(&v, a, name, err) < 0)
        return -1;
    return pb_echo_parse(out, a, v, name, err);
}

const char *pb_data_local_type(const struct pb_value *table, const char *type)
{
    const struct pb_value *types = pb_get(table, "types");

    for (size_t i = 0; i < pb_len(types); i++) {
        const char *t = pb_get_str(pb_at(types, i), "type");
        size_t n = t ? strlen(t) : 0;

        if (!n)
            continue;
        if (t[n - 1] == '*' ? strncmp(t, type, n - 1) == 0 : strcmp(t, type) == 0)
            return pb_get_str(pb_at(types, i), "why");
    }
    return NULL;
}
