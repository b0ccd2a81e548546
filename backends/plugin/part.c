#include "backends/plugin/part.h"

#include <string.h>

#include "backends/plugin/proto.h"

/* Field numbers of the published protocol, the same in 5 and 6. */
enum { RESOURCES = 2, DATA_SOURCES = 3, DIAGNOSTICS = 4, LISTS = 9, ENTRY_KEY = 1 };

enum { NAME_MAX_BYTES = 256 };

/* Whether an entry of a map from names to schemas is to stay; -1: it is none. */
static int stays(const struct pb_proto_item *entry, const struct pb_map *names)
{
    struct pb_proto_walk w = {entry->p, entry->n};
    struct pb_proto_item f;
    char name[NAME_MAX_BYTES];
    int more;

    while ((more = pb_proto_field(&w, &f)) == 1)
        if (f.number == ENTRY_KEY && f.p && f.n < sizeof(name)) {
            memcpy(name, f.p, f.n);
            name[f.n] = '\0';
            return pb_map_has(names, name);
        }
    return more < 0 ? -1 : 1;
}

int pb_plugin_part(struct pb_buf *out, const void *reply, size_t n, const struct pb_map *names)
{
    struct pb_proto_walk w = {reply, n};
    struct pb_proto_item f;
    const uint8_t *from = w.p;
    int more;

    while ((more = pb_proto_field(&w, &f)) == 1) {
        bool of_type =
            f.p && (f.number == RESOURCES || f.number == DATA_SOURCES || f.number == LISTS);
        int stay = of_type ? stays(&f, names) : 1;

        if (stay < 0 || f.number == DIAGNOSTICS)
            return -1;
        if (stay)
            pb_buf_add(out, from, (size_t)(w.p - from));
        from = w.p;
    }
    return more;
}
