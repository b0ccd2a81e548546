#include "model/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/fs.h"
#include "base/mem.h"
#include "model/json.h"

/* The folder is plumb's own (0700); the mode is checked all the same, since a key that others
 * could read or replace protects nothing. */
static bool is_private(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && !(st.st_mode & 077) &&
           st.st_uid == geteuid();
}

/* A key that is not there yet is no failure: s->ready stays false. */
static int load(struct pb_seal *s, const char *path, struct pb_err *err)
{
    struct pb_buf b = PB_BUF_INIT;
    struct pb_err why = PB_ERR_INIT;
    int rc = -1;

    if (pb_fs_read(&b, path, sizeof(s->key) + 1, &why)) {
        if (why.sys == ENOENT)
            rc = 0;
        else if (err)
            *err = why;
    } else if (b.len != sizeof(s->key) || !is_private(path)) {
        pb_fail(err, PB_E_REFUSED,
                "the key '%s' is not a file of 32 bytes that only you can read: remove it, and "
                "saved baselines and caches will be made again",
                path);
    } else {
        memcpy(s->key, b.s, sizeof(s->key));
        s->ready = true;
        rc = 0;
    }
    pb_buf_wipe(&b);
    return rc;
}

/* Puts a whole new key in place unless another process was first. */
static int make(const char *path, struct pb_err *err)
{
    PB_AUTO(str) char *tmp = pb_asprintf("%s.XXXXXX", path);
    unsigned char key[sizeof(((struct pb_seal *)0)->key)];
    PB_AUTO(fd) int fd = mkostemp(tmp, O_CLOEXEC); /* mode 0600 */
    int rc = -1;

    if (fd < 0)
        return pb_fail_errno(err, PB_E_IO, "cannot make the key '%s'", path);
    if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key) ||
        write(fd, key, sizeof(key)) != (ssize_t)sizeof(key) || fsync(fd) < 0)
        pb_fail_errno(err, PB_E_IO, "cannot write the key '%s'", path);
    else if (link(tmp, path) < 0 && errno != EEXIST)
        pb_fail_errno(err, PB_E_IO, "cannot put the key '%s' in place", path);
    else
        rc = 0;
    unlink(tmp);
    pb_wipe(key, sizeof(key));
    return rc;
}

int pb_seal_init(struct pb_seal *s, const char *path, struct pb_err *err)
{
    s->ready = false;
    if (load(s, path, err))
        return -1;
    if (s->ready)
        return 0;
    if (make(path, err) || load(s, path, err))
        return -1;
    if (!s->ready)
        return pb_fail(err, PB_E_IO, "the key '%s' vanished while it was made", path);
    return 0;
}

struct pb_value pb_seal_value(const struct pb_seal *s, struct pb_arena *a, const struct pb_value *v)
{
    unsigned char mac[PB_SHA256_LEN];
    char hex[2 * PB_SHA256_LEN + 1];
    struct pb_buf b = PB_BUF_INIT;
    struct pb_value out;

    if (v->kind == PB_SEALED || v->kind == PB_UNKNOWN)
        return *v;
    if (!s || !s->ready)
        BUG("sealing without a key");
    pb_json_add_canonical(&b, v);
    pb_hmac_sha256(mac, s->key, sizeof(s->key), b.s, b.len);
    pb_buf_wipe(&b);
    pb_hex(hex, mac, sizeof(mac));
    out = pb_mk_string(a, hex);
    out.kind = PB_SEALED;
    out.flags = v->flags;
    out.line = v->line;
    return out;
}

static struct pb_value seal_inside(const struct pb_seal *s, struct pb_arena *a,
                                   const struct pb_value *v)
{
    struct pb_value out = *v;

    if (v->kind == PB_LIST && v->n) {
        struct pb_value *items = pb_arena_alloc(a, v->n * sizeof(*items));
        for (size_t i = 0; i < v->n; i++)
            items[i] = pb_seal_tree(s, a, &v->items[i]);
        out.items = items;
    } else if (v->kind == PB_MAP && v->n) {
        struct pb_member *members = pb_arena_alloc(a, v->n * sizeof(*members));
        for (size_t i = 0; i < v->n; i++) {
            members[i].key = v->members[i].key;
            members[i].value = pb_seal_tree(s, a, &v->members[i].value);
        }
        out.members = members;
    }
    return out;
}

struct pb_value pb_seal_tree(const struct pb_seal *s, struct pb_arena *a, const struct pb_value *v)
{
    /* Null is no secret and must stay equal to absent. A container with something unknown
     * inside has no digest: its parts, which carry the flag themselves, are sealed. */
    if ((v->flags & PB_V_SENSITIVE) && v->kind != PB_NULL && !pb_has_unknown(v))
        return pb_seal_value(s, a, v);
    return seal_inside(s, a, v);
}

bool pb_seal_matches(const struct pb_seal *s, const struct pb_value *sealed,
                     const struct pb_value *v)
{
    unsigned char mac[PB_SHA256_LEN];
    char hex[2 * PB_SHA256_LEN + 1];
    struct pb_buf b = PB_BUF_INIT;

    if (!pb_is(sealed, PB_SEALED) || !v || v->kind == PB_UNKNOWN)
        return false;
    if (v->kind == PB_SEALED)
        return strcmp(sealed->s, v->s) == 0;
    if (!s || !s->ready || pb_has_unknown(v))
        return false;
    pb_json_add_canonical(&b, v);
    pb_hmac_sha256(mac, s->key, sizeof(s->key), b.s, b.len);
    pb_buf_wipe(&b);
    pb_hex(hex, mac, sizeof(mac));
    return strcmp(hex, sealed->s) == 0;
}
