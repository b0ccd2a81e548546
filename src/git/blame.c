#include "git/blame.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "git/history.h"
#include "git/internal.h"
#include "git/tree.h"

enum { STEPS = 2000, FILE_MAX = 4 << 20, TOTAL_MAX = 64 << 20 };
#define SCAN_MAX ((size_t)1 << 30) /* bytes that are searched: about a second */

struct pb_blame {
    struct pb_repo *repo;
    struct pb_arena *arena;
    struct pb_map texts;   /* "commit:path" -> text, "" where it is not there */
    struct pb_map changes; /* "commit:path" -> id of the last change, "" when not known */
    size_t steps, bytes, scanned;
};

struct pb_blame *pb_blame_new(struct pb_repo *repo)
{
    struct pb_blame *b = pb_calloc(1, sizeof(*b));

    b->repo = repo;
    b->arena = pb_arena_new();
    b->texts = (struct pb_map)PB_MAP_INIT;
    b->changes = (struct pb_map)PB_MAP_INIT;
    return b;
}

void pb_blame_free(struct pb_blame *b)
{
    if (!b)
        return;
    pb_map_release(&b->texts);
    pb_map_release(&b->changes);
    pb_arena_free(b->arena);
    free(b);
}

/* NULL: no more may be read. */
static const char *text_of(struct pb_blame *b, const char *commit, const char *path)
{
    PB_AUTO(str) char *key = pb_asprintf("%s:%s", commit, path);
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    char *s = pb_map_get(&b->texts, key);

    if (s)
        return s;
    if (b->bytes > TOTAL_MAX)
        return NULL;
    if (pb_tree_read(&text, b->repo, commit, path, FILE_MAX, NULL) < 0)
        pb_buf_clear(&text);
    b->bytes += text.len;
    s = pb_arena_strndup(b->arena, text.s, text.len);
    pb_map_put(&b->texts, key, s);
    return s;
}

/* "": not known. */
static int change_of(const char **out, struct pb_blame *b, const char *commit, const char *path,
                     struct pb_err *err)
{
    PB_AUTO(str) char *key = pb_asprintf("%s:%s", commit, path);
    PB_AUTO(commit) struct pb_commit c = {0};
    char *s = pb_map_get(&b->changes, key);
    bool found = false;

    if (!s) {
        if (pb_cancel_check(err) < 0)
            return -1;
        if (b->steps++ < STEPS &&
            pb_history_last_change(&c, &found, b->repo, commit, path, 0, err) < 0)
            return -1;
        s = pb_arena_strdup(b->arena, found ? c.id : "");
        pb_map_put(&b->changes, key, s);
    }
    *out = s;
    return 0;
}

/* The bytes of lines first..last, without the end of the last. */
static const char *lines_of(size_t *n, const char *text, unsigned first, unsigned last)
{
    const char *from = first ? pb_text_line(text, first) : NULL;
    const char *end = from && last >= first ? pb_text_line(from, last - first + 1) : NULL;

    *n = end ? (size_t)(end - from) + strcspn(end, "\r\n") : 0;
    return *n ? from : NULL;
}

/* The parent that has the lines, or the first of all when none has; "" without one. */
static int parent_with(char id[PB_OID_HEX], bool *has, struct pb_blame *b, const char *commit,
                       const char *path, const char *from, size_t n, struct pb_err *err)
{
    PB_AUTO(gitcommit) git_commit *c = NULL;

    *id = '\0';
    *has = false;
    if (pb_git_commit(&c, b->repo, commit, err) < 0)
        return -1;
    for (unsigned i = 0; i < git_commit_parentcount(c) && !*has; i++) {
        const char *text;

        git_oid_tostr(id, PB_OID_HEX, git_commit_parent_id(c, i));
        text = text_of(b, id, path);
        b->scanned += text ? strlen(text) : 0;
        *has = text && pb_text_has_lines(text, from, n);
    }
    if (!*has && git_commit_parentcount(c))
        git_oid_tostr(id, PB_OID_HEX, git_commit_parent_id(c, 0));
    return 0;
}

static unsigned first_new(struct pb_blame *b, const char *parent, const char *path,
                          const char *from, unsigned first, unsigned last)
{
    const char *text = *parent ? text_of(b, parent, path) : "";

    for (unsigned i = first; i <= last; i++) {
        size_t n = strcspn(from, "\r\n");

        if (!text || !pb_text_has_lines(text, from, n))
            return i;
        from = pb_text_line(from, 2);
        if (!from)
            break;
    }
    return first; /* only their order is new, or lines went */
}

int pb_blame_lines(char id[PB_OID_HEX], unsigned *line, bool *found, struct pb_blame *b,
                   const char *from, const char *path, unsigned first, unsigned last,
                   struct pb_err *err)
{
    const char *text = text_of(b, from, path), *at, *lines;
    char here[PB_OID_HEX], parent[PB_OID_HEX];
    bool has = true;
    size_t n;

    *id = '\0';
    *found = false;
    *line = first;
    lines = text ? lines_of(&n, text, first, last) : NULL;
    if (!lines)
        return 0;
    memcpy(here, from, sizeof(here));
    while (has && b->scanned <= SCAN_MAX) {
        if (change_of(&at, b, here, path, err) < 0)
            return -1;
        if (!*at || parent_with(parent, &has, b, at, path, lines, n, err) < 0)
            return *at ? -1 : 0;
        memcpy(id, at, PB_OID_HEX);
        memcpy(here, parent, sizeof(here));
    }
    if (b->bytes > TOTAL_MAX || b->scanned > SCAN_MAX)
        return 0; /* a parent may have them after all */
    *found = true;
    *line = first_new(b, parent, path, lines, first, last);
    return 0;
}

bool pb_blame_has(struct pb_blame *b, const char *commit, const char *from, const char *path,
                  unsigned first, unsigned last)
{
    const char *text = text_of(b, from, path), *other = text_of(b, commit, path), *lines;
    size_t n;

    lines = text ? lines_of(&n, text, first, last) : NULL;
    return lines && other && pb_text_has_lines(other, lines, n);
}
