#include "backends/provider/install.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "model/json.h"

enum { FILES_MAX = 10000, DEPTH_MAX = 32, CHUNK = 1 << 20, FORMAT = 1 };

const char *pb_install_platform(void)
{
    static const struct {
        const char *machine, *platform;
    } table[] = {{"x86_64", "linux_amd64"},
                 {"aarch64", "linux_arm64"},
                 {"armv7l", "linux_arm"},
                 {"i686", "linux_386"},
                 {"i386", "linux_386"}};
    struct utsname u;

    if (uname(&u) == 0)
        for (size_t i = 0; i < PB_COUNT(table); i++)
            if (strcmp(table[i].machine, u.machine) == 0)
                return table[i].platform;
    return "linux_unknown";
}

/* ---- the package ------------------------------------------------------------------------ */

struct package {
    struct pb_strv files; /* paths inside, sorted: as the digest wants them */
    char *dir;
    char *binary; /* name of it */
};

static void package_release(struct package *p)
{
    pb_strv_release(&p->files);
    free(p->dir);
    free(p->binary);
}

static int list(struct package *p, const char *inside, int depth, struct pb_err *err)
{
    PB_AUTO(str) char *path = *inside ? pb_fs_join(p->dir, inside) : pb_strdup(p->dir);
    DIR *d = opendir(path);
    struct dirent *e;
    int rc = 0;

    if (!d)
        return pb_fail_errno(err, PB_E_IO, "cannot read '%s'", path);
    while (rc == 0 && (e = readdir(d))) {
        PB_AUTO(str) char *name = NULL, *full = NULL;
        struct stat st;

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        name = *inside ? pb_fs_join(inside, e->d_name) : pb_strdup(e->d_name);
        full = pb_fs_join(p->dir, name);
        if (lstat(full, &st))
            rc = pb_fail_errno(err, PB_E_IO, "cannot read '%s'", full);
        else if (S_ISDIR(st.st_mode))
            rc = depth < DEPTH_MAX ? list(p, name, depth + 1, err)
                                   : pb_fail(err, PB_E_INPUT, "'%s' is too deep", full);
        else if (p->files.n >= FILES_MAX || strchr(name, '\n'))
            rc = pb_fail(err, PB_E_INPUT, "'%s' does not look like a provider's package", p->dir);
        else
            pb_strv_add(&p->files, name);
    }
    closedir(d);
    return rc;
}

static bool find_binary(struct package *p, const char *type)
{
    PB_AUTO(str) char *prefix = pb_asprintf("terraform-provider-%s", type);

    for (size_t i = 0; i < p->files.n; i++) {
        PB_AUTO(str) char *full = pb_fs_join(p->dir, p->files.v[i]);
        struct stat st;

        if (!strchr(p->files.v[i], '/') && pb_starts_with(p->files.v[i], prefix) &&
            stat(full, &st) == 0 && S_ISREG(st.st_mode) && access(full, X_OK) == 0) {
            p->binary = pb_strdup(p->files.v[i]);
            return true;
        }
    }
    return false;
}

/* Whether this root has it. Links are resolved: a plugin cache is linked to. */
static bool look(struct package *p, const char *root, const struct pb_install_query *q)
{
    const char *slash = strrchr(q->source, '/');
    PB_AUTO(str)
    char *dir = pb_asprintf("%s/%s/%s/%s", root, q->source, q->version, pb_install_platform());
    char real[PATH_MAX];

    if (!realpath(dir, real))
        return false;
    memset(p, 0, sizeof(*p));
    p->dir = pb_strdup(real);
    if (list(p, "", 0, NULL) == 0 && slash && find_binary(p, slash + 1)) {
        pb_strv_sort(&p->files);
        return true;
    }
    package_release(p);
    memset(p, 0, sizeof(*p));
    return false;
}

/* ---- its digest ------------------------------------------------------------------------- */

static int hash_file(char hex[PB_SHA256_HEX], const char *path, char *buf, struct pb_err *err)
{
    struct pb_sha256 *d;
    PB_AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n;

    if (fd < 0)
        return pb_fail_errno(err, PB_E_IO, "cannot read '%s'", path);
    d = pb_sha256_new();
    while ((n = read(fd, buf, CHUNK)) > 0 && !pb_cancel_requested())
        pb_sha256_add(d, buf, (size_t)n);
    pb_sha256_end_hex(d, hex);
    if (n < 0)
        return pb_fail_errno(err, PB_E_IO, "cannot read '%s'", path);
    return pb_cancel_check(err);
}

struct digest {
    char h1[80];
    char binary[PB_SHA256_HEX];
};

static int hash_package(struct digest *out, const struct package *p, struct pb_err *err)
{
    PB_AUTO(str) char *buf = pb_malloc(CHUNK);
    PB_AUTO(buf) struct pb_buf all = PB_BUF_INIT;
    unsigned char sum[PB_SHA256_LEN], text[64];

    for (size_t i = 0; i < p->files.n; i++) {
        PB_AUTO(str) char *full = pb_fs_join(p->dir, p->files.v[i]);
        char hex[PB_SHA256_HEX];

        if (hash_file(hex, full, buf, err))
            return -1;
        pb_buf_addf(&all, "%s  %s\n", hex, p->files.v[i]);
        if (strcmp(p->files.v[i], p->binary) == 0)
            memcpy(out->binary, hex, sizeof(hex));
    }
    pb_sha256_of(sum, all.s, all.len);
    EVP_EncodeBlock(text, sum, sizeof(sum));
    snprintf(out->h1, sizeof(out->h1), "h1:%s", text);
    return 0;
}

/* ---- remembering it --------------------------------------------------------------------- */

/* What tells that nothing was changed: another file, other bytes, or the same put back. */
static int identity(char hex[PB_SHA256_HEX], const struct package *p)
{
    struct pb_sha256 *d = pb_sha256_new();
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < p->files.n; i++) {
        PB_AUTO(str) char *full = pb_fs_join(p->dir, p->files.v[i]);
        struct stat st;

        rc = stat(full, &st);
        if (rc == 0) {
            pb_sha256_add_str(d, p->files.v[i]);
            pb_fs_add_stamp(d, &st);
        }
    }
    pb_sha256_end_hex(d, hex);
    return rc;
}

static char *memory_path(const char *cache_dir, const struct package *p)
{
    char hex[PB_SHA256_HEX];

    pb_sha256_hex_of(hex, p->dir, strlen(p->dir));
    return pb_asprintf("%s/plugins/%s.json", cache_dir, hex);
}

static bool recall(struct digest *out, const char *path, const char *identity_hex)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    const struct pb_value *v;
    const char *h1, *binary;
    int64_t format;

    if (pb_json_read(&v, a, path, 1 << 16, NULL) || pb_get_int(&format, v, "format") ||
        format != FORMAT || !pb_streq(pb_get_str(v, "identity"), identity_hex))
        return false;
    h1 = pb_get_str(v, "h1");
    binary = pb_get_str(v, "binary");
    if (!h1 || !binary || strlen(h1) >= sizeof(out->h1) || strlen(binary) != PB_SHA256_HEX - 1)
        return false;
    memcpy(out->h1, h1, strlen(h1) + 1);
    memcpy(out->binary, binary, PB_SHA256_HEX);
    return true;
}

static void remember(const struct digest *d, const char *path, const char *identity_hex)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    pb_buf_addf(&b, "{\"binary\":\"%s\",\"format\":%d,\"h1\":\"%s\",\"identity\":\"%s\"}",
                d->binary, FORMAT, d->h1, identity_hex);
    pb_fs_remember(path, b.s, b.len);
}

static int digest_of(struct digest *out, const struct package *p, const char *cache_dir,
                     struct pb_err *err)
{
    PB_AUTO(str) char *path = cache_dir ? memory_path(cache_dir, p) : NULL;
    char before[PB_SHA256_HEX], after[PB_SHA256_HEX];

    if (identity(before, p))
        return pb_fail_errno(err, PB_E_IO, "cannot read '%s'", p->dir);
    if (path && recall(out, path, before))
        return 0;
    if (hash_package(out, p, err))
        return -1;
    if (path && identity(after, p) == 0 && strcmp(before, after) == 0)
        remember(out, path, before);
    return 0;
}

/* ---- the answer ------------------------------------------------------------------------- */

bool pb_install_can_check(const char *const *hashes)
{
    for (; hashes && *hashes; hashes++)
        if (pb_starts_with(*hashes, "h1:"))
            return true;
    return false;
}

static bool listed(const char *const *hashes, const char *h1)
{
    for (; hashes && *hashes; hashes++)
        if (strcmp(*hashes, h1) == 0)
            return true;
    return false;
}

static int check(const struct pb_install_query *q, const struct package *p, const struct digest *d,
                 struct pb_err *err)
{
    if (!pb_install_can_check(q->hashes))
        return pb_fail(
            err, PB_E_REFUSED,
            "the lock file has no 'h1:' digest of provider '%s' %s, so what is installed "
            "cannot be checked: run 'terraform providers lock -platform=%s' and commit "
            "the file",
            q->source, q->version, pb_install_platform());
    if (!listed(q->hashes, d->h1))
        return pb_fail(
            err, PB_E_REFUSED,
            "provider '%s' %s in '%s' is not the one that the lock file means (it is %s): "
            "remove the folder and run 'terraform init', or, if it is meant, run "
            "'terraform providers lock -platform=%s' and commit the file",
            q->source, q->version, p->dir, d->h1, pb_install_platform());
    return 0;
}

/* They become parts of a path. */
static bool plain(const char *s)
{
    return s && *s && *s != '/' && !strstr(s, "..") &&
           strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-/:") ==
               strlen(s);
}

int pb_install_find(struct pb_install *out, struct pb_arena *a, const struct pb_install_query *q,
                    struct pb_err *err)
{
    struct package p = {.dir = NULL};
    struct digest d;
    PB_AUTO(str) char *full = NULL;
    int rc = -1;

    memset(out, 0, sizeof(*out));
    if (!q->version)
        return pb_fail(err, PB_E_TOOL,
                       "which version of provider '%s' is meant is not known: commit the lock file "
                       "that 'terraform init' writes",
                       q->source);
    if (!plain(q->source) || !plain(q->version))
        return pb_fail(err, PB_E_INPUT, "'%s' %s names no provider", q->source, q->version);
    for (const char *const *dir = q->dirs; dir && *dir && !p.dir; dir++)
        (void)look(&p, *dir, q);
    if (!p.dir)
        return pb_fail(err, PB_E_TOOL,
                       "provider '%s' %s for %s is not installed: run 'terraform init', or set "
                       "TF_PLUGIN_CACHE_DIR to where it is",
                       q->source, q->version, pb_install_platform());
    if (digest_of(&d, &p, q->cache_dir, err) == 0 && check(q, &p, &d, err) == 0) {
        full = pb_fs_join(p.dir, p.binary);
        out->path = pb_arena_strdup(a, full);
        memcpy(out->sha256, d.binary, sizeof(out->sha256));
        rc = 0;
    }
    package_release(&p);
    return rc;
}
