#include "run/identity.h"

#include "base/digest.h"
#include "base/fs.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ID_MAX = 1 << 14 };

struct place {
    char *state;  /* plumb's folder */
    char *url;    /* NULL: there is no remote */
    char *folder; /* the git folder */
    char *alias;  /* the file for that URL, or NULL */
    char *marker; /* the file in that folder */
};

static void place_release(struct place *p)
{
    free(p->state);
    free(p->url);
    free(p->folder);
    free(p->alias);
    free(p->marker);
}

static int find_place(struct place *p, struct pb_repo *repo, struct pb_err *err)
{
    *p = (struct place){0};
    if (pb_fs_state_dir(&p->state, err) < 0)
        return -1;
    p->url = pb_repo_home_url(repo);
    p->folder = pb_repo_folder(repo);
    p->marker = pb_fs_join(p->folder, "plumb-repository");
    if (p->url) {
        PB_AUTO(str) char *key = pb_repo_url_key(p->url);
        char hex[PB_SHA256_HEX];

        pb_sha256_hex_of(hex, key, strlen(key));
        p->alias = pb_asprintf("%s/repositories/%.32s", p->state, hex);
    }
    return 0;
}

/* What a file of ours says; NULL: there is none, or it is not ours. */
static char *first_line(const char *path, const char *after)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    size_t skip = after ? strlen(after) : 0;
    const char *end;

    if (!path || pb_fs_read(&text, path, ID_MAX, NULL) < 0 || strlen(text.s) != text.len)
        return NULL;
    if (after && (strncmp(text.s, after, skip) != 0 || text.s[skip++] != '\n'))
        return NULL;
    end = strchr(text.s + skip, '\n');
    return end && end > text.s + skip ? pb_strndup(text.s + skip, (size_t)(end - text.s) - skip)
                                      : NULL;
}

int pb_identity_find(char **id, struct pb_repo *repo, struct pb_err *err)
{
    struct place p;
    int rc = find_place(&p, repo, err);

    if (rc == 0) {
        *id = first_line(p.marker, p.folder);
        if (!*id)
            *id = first_line(p.alias, NULL);
        if (!*id)
            *id = pb_strdup(p.url ? p.url : p.folder);
    }
    place_release(&p);
    return rc;
}

static int write_alias(const struct place *p, const char *id, struct pb_err *err)
{
    PB_AUTO(str) char *dir = pb_fs_join(p->state, "repositories");
    PB_AUTO(str) char *text = pb_asprintf("%s\n", id), *was = first_line(p->alias, NULL);

    if (was || !p->alias)
        return 0;
    return pb_fs_mkdirs(dir, 0700, err) < 0
               ? -1
               : pb_fs_write_atomic(p->alias, text, strlen(text), 0600, err);
}

static int write_marker(const struct place *p, const char *id, struct pb_err *err)
{
    PB_AUTO(str) char *text = pb_asprintf("%s\n%s\n", p->folder, id);
    PB_AUTO(str) char *was = first_line(p->marker, p->folder);

    if ((was && strcmp(was, id) == 0) || access(p->folder, W_OK) != 0)
        return 0;
    return pb_fs_write_atomic(p->marker, text, strlen(text), 0600, err);
}

int pb_identity_keep(const char *id, struct pb_repo *repo, struct pb_err *err)
{
    struct place p;
    int rc = find_place(&p, repo, err);

    if (rc == 0)
        rc = write_alias(&p, id, err) < 0 || write_marker(&p, id, err) < 0 ? -1 : 0;
    place_release(&p);
    return rc;
}
