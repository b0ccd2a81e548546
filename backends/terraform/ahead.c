#include "backends/terraform/ahead.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crew.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/mem.h"

struct ahead {
    struct pb_crew *crew;
    struct pb_crew_job job;
    bool hit;
    char *dir;
    char key[PB_SHA256_HEX];
    time_t now;
    struct pb_arena *arena;
    struct pb_declare_result result;
    struct pb_diags said;
};

static char *last_path(const struct pb_unit_ctx *u)
{
    struct pb_sha256 *d = pb_sha256_new();
    char id[PB_SHA256_HEX];

    pb_sha256_add_str(d, u->worktree);
    pb_sha256_add_str(d, u->path);
    pb_sha256_add_str(d, u->name);
    pb_sha256_add_str(d, u->workspace);
    pb_sha256_end_hex(d, id);
    return pb_asprintf("%s/declared/last-%s", u->cache_dir, id);
}

static bool is_key(const struct pb_buf *b)
{
    return b->len == PB_SHA256_HEX - 1 && strspn(b->s, "0123456789abcdef") == b->len;
}

static void load(void *ctx)
{
    struct ahead *h = ctx;

    h->hit = pb_tf_cache_load(&h->result, &h->said, h->arena, h->dir, h->key, h->now);
}

void *pb_tf_ahead(const struct pb_unit_ctx *u)
{
    PB_AUTO(buf) struct pb_buf last = PB_BUF_INIT;
    PB_AUTO(str) char *path = u->cache_dir ? last_path(u) : NULL;
    struct ahead *h;

    if (!u->crew || !path || pb_fs_read(&last, path, PB_SHA256_HEX, NULL) == -1 || !is_key(&last))
        return NULL;
    h = pb_calloc(1, sizeof(*h));
    memcpy(h->key, last.s, sizeof(h->key));
    h->dir = pb_strdup(u->cache_dir);
    h->now = pb_clock_wall();
    h->arena = pb_arena_new();
    h->crew = u->crew;
    h->job = (struct pb_crew_job){.run = load, .ctx = h};
    pb_crew_start(h->crew, &h->job);
    return h;
}

bool pb_tf_declare_last(struct pb_declare_result *out, struct pb_arena *a,
                        const struct pb_unit_ctx *u)
{
    PB_AUTO(buf) struct pb_buf last = PB_BUF_INIT;
    PB_AUTO(str) char *path = u->cache_dir ? last_path(u) : NULL;

    return path && pb_fs_read(&last, path, PB_SHA256_HEX, NULL) == 0 && is_key(&last) &&
           pb_tf_cache_load(out, NULL, a, u->cache_dir, last.s, 0);
}

void pb_tf_ahead_end(void *ahead)
{
    struct ahead *h = ahead;

    if (!h)
        return;
    pb_crew_wait(h->crew, &h->job);
    pb_diags_release(&h->said);
    pb_arena_free(h->arena);
    free(h->dir);
    free(h);
}

/* Its arena becomes part of the other, so that what was read lives as long. */
static bool take(struct pb_declare_result *out, struct pb_diags *said, struct pb_arena *a,
                 struct ahead *h, const char *key)
{
    if (!h || strcmp(h->key, key) != 0)
        return false;
    pb_crew_wait(h->crew, &h->job);
    if (!h->hit)
        return false;
    h->hit = false;
    *out = h->result;
    for (size_t i = 0; i < h->said.n; i++)
        pb_diag_add(said, a, h->said.v[i].severity, h->said.v[i].code, h->said.v[i].address, "%s",
                    h->said.v[i].message);
    pb_arena_join(a, pb_take(&h->arena));
    return true;
}

void pb_tf_ahead_remember(const struct pb_unit_ctx *u, const char *key)
{
    const struct ahead *h = u->ahead;
    PB_AUTO(str) char *path = NULL;

    if (u->sandbox || (h && strcmp(h->key, key) == 0))
        return;
    path = last_path(u);
    /* Not there or another one: it only takes longer. */
    (void)pb_fs_write_atomic(path, key, strlen(key), 0600, NULL);
}

bool pb_tf_ahead_load(struct pb_declare_result *out, struct pb_diags *said, struct pb_arena *a,
                      const struct pb_unit_ctx *u, const char *key, time_t now)
{
    if (!take(out, said, a, u->ahead, key) &&
        !pb_tf_cache_load(out, said, a, u->cache_dir, key, now))
        return false;
    pb_tf_ahead_remember(u, key);
    return true;
}
