#include "backends/provider/times.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"

enum { FILE_MAX = 1 << 20, BITS_MAX = 63 };

struct time_of {
    unsigned before; /* bits; 0: not known */
    int64_t least;   /* of this run, in ms; 0: none was read */
};

static char *path_of(const char *cache_dir, const char *binary)
{
    return pb_asprintf("%s/provider-times/%s", cache_dir, binary);
}

static struct time_of *time_of(struct pb_times *t, struct pb_arena *a, const char *type)
{
    struct time_of *e = pb_map_get(&t->types, type);

    if (!e) {
        e = pb_arena_zalloc(a, sizeof(*e));
        pb_map_put(&t->types, type, e);
    }
    return e;
}

void pb_times_load(struct pb_times *t, struct pb_arena *a, const char *cache_dir,
                   const char *binary)
{
    PB_AUTO(str) char *path = cache_dir ? path_of(cache_dir, binary) : NULL;
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    char *line, *rest;

    if (!path || pb_fs_read(&text, path, FILE_MAX, NULL))
        return;
    rest = text.s;
    while ((line = strsep(&rest, "\n"))) {
        char *space = strchr(line, ' ');
        long bits = space ? strtol(space + 1, NULL, 10) : 0;

        if (bits < 1 || bits > BITS_MAX)
            continue;
        *space = '\0';
        time_of(t, a, line)->before = (unsigned)bits;
    }
}

static unsigned bits_of(int64_t ms)
{
    unsigned n = 0;

    for (; ms > 0; ms /= 2)
        n++;
    return n;
}

/* The next one is the same: twice as long is no other time. */
static unsigned kept(const struct time_of *e)
{
    unsigned now = bits_of(e->least);
    bool same = now + 1 >= e->before && now <= e->before + 1;

    return !now || (e->before && same) ? e->before : now;
}

void pb_times_store(const struct pb_times *t, const char *cache_dir, const char *binary)
{
    PB_AUTO(str) char *path = cache_dir ? path_of(cache_dir, binary) : NULL;
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    bool changed = false;

    for (size_t i = 0; i < t->types.n; i++) {
        const struct time_of *e = t->types.e[i].value;

        changed |= kept(e) != e->before;
        pb_buf_addf(&text, "%s %u\n", t->types.e[i].key, kept(e));
    }
    if (path && changed)
        pb_fs_remember(path, text.s, text.len);
}

void pb_times_release(struct pb_times *t)
{
    pb_map_release(&t->types);
}

unsigned pb_times_expected(const struct pb_times *t, const char *type)
{
    const struct time_of *e = pb_map_get(&t->types, type);

    return e && e->before ? e->before : UINT_MAX;
}

double pb_times_add(struct pb_times *t, struct pb_arena *a, const char *type, int64_t ms)
{
    struct time_of *e = time_of(t, a, type);
    bool first = !e->least;

    ms = ms > 0 ? ms : 1;
    if (first || ms < e->least)
        e->least = ms;
    return first ? 0 : (double)ms / (double)e->least;
}
