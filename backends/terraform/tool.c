#include "backends/terraform/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/terraform/confine.h"
#include "backends/terraform/env.h"
#include "base/child.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"

enum { VERSION_TIMEOUT_MS = 60000, VERSION_MAX = 1 << 20 };

static char *find_program(const struct pb_unit_ctx *u)
{
    char *path;

    if (u->tool)
        return strchr(u->tool, '/') ? pb_strdup(u->tool) : pb_child_which(u->tool, NULL);
    path = pb_child_which("terraform", NULL);
    return path ? path : pb_child_which("tofu", NULL);
}

/* plumb.yaml is the commit's: whoever may push must not choose what runs here by adding a file. */
static int refuse_own(const struct pb_unit_ctx *u, const char *program, struct pb_err *err)
{
    if (!u->tool || !strchr(u->tool, '/'))
        return 0;
    if (pb_child_is_us(program))
        return pb_fail(err, PB_E_TOOL,
                       "'%s' is plumb under another name: correct 'tool' in plumb.yaml", program);
    if (!pb_fs_exists(program))
        return pb_fail(err, PB_E_TOOL, "there is no '%s': correct 'tool' in plumb.yaml", program);
    if (u->worktree && pb_fs_is_below(program, u->worktree))
        return pb_fail(err, PB_E_REFUSED,
                       "'%s' is in the repository, and plumb runs nothing of it: install the tool "
                       "outside and correct 'tool' in plumb.yaml",
                       program);
    return 0;
}

/* Where what is known of a program file is kept; NULL for scripts and what cannot be read. */
static char *cache_path(const struct pb_unit_ctx *u, const char *program)
{
    PB_AUTO(fd) int fd = open(program, O_RDONLY | O_CLOEXEC);
    PB_AUTO(str) char *real = realpath(program, NULL);
    char head[2], hex[PB_SHA256_HEX];
    struct pb_sha256 *d;
    struct stat st;

    if (fd < 0 || !real || !u->cache_dir || fstat(fd, &st) || read(fd, head, 2) != 2 ||
        memcmp(head, "#!", 2) == 0)
        return NULL;
    d = pb_sha256_new();
    pb_sha256_add_str(d, real);
    pb_fs_add_stamp(d, &st);
    pb_sha256_end_hex(d, hex);
    return pb_asprintf("%s/tools/%s.json", u->cache_dir, hex);
}

/* Not by content: hashing 90 MB takes longer than all of a cached audit. */
static void identify(struct pb_tf_tool *t)
{
    PB_AUTO(str) char *real = realpath(t->path, NULL);
    struct pb_sha256 *d = pb_sha256_new();
    struct stat st;

    pb_sha256_add_str(d, real);
    if (real && stat(real, &st) == 0) {
        pb_sha256_add_field(d, &st.st_size, sizeof(st.st_size));
        pb_sha256_add_field(d, &st.st_mtim.tv_sec, sizeof(st.st_mtim.tv_sec));
        pb_sha256_add_field(d, &st.st_mtim.tv_nsec, sizeof(st.st_mtim.tv_nsec));
    }
    pb_sha256_end_hex(d, t->id);
}

static const char *version_in(struct pb_arena *a, const char *path)
{
    const struct pb_value *v;
    const char *version;

    if (!path || pb_json_read(&v, a, path, VERSION_MAX, NULL))
        return NULL;
    version = pb_get_str(v, "terraform_version");
    return version && *version >= '0' && *version <= '9' ? version : NULL;
}

static void remember(const char *path, const char *version)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;

    if (!path)
        return;
    pb_buf_adds(&text, "{\"terraform_version\":");
    pb_json_add_string(&text, version, strlen(version));
    pb_buf_adds(&text, "}\n");
    pb_fs_remember(path, text.s, text.len);
}

/* Of the unit it sees nothing: which version runs is not for the tree to say. */
static int ask_confined(struct pb_child_status *st, const struct pb_child_spec *spec,
                        struct pb_arena *a, const struct pb_unit_ctx *u, struct pb_strv *env,
                        struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv secrets = PB_STRV_INIT;
    struct pb_unit_ctx apart = *u;
    struct pb_tf_run r = {.arena = a, .u = &apart, .data_dir = u->work};
    struct pb_child_spec mine = *spec;
    struct pb_sandbox nowhere = *u->sandbox;
    struct pb_sandbox_run *run;

    nowhere.network = NULL;
    apart.tree = NULL;
    apart.sandbox = &nowhere;
    pb_tf_confine_env(env, &secrets, &nowhere, NULL);
    mine.env = env->v;
    return pb_tf_confine_start(&run, &r, &mine, err) || pb_sandbox_wait(st, run, NULL, NULL, err)
               ? -1
               : 0;
}

static int ask(const char **version, struct pb_arena *a, const struct pb_unit_ctx *u,
               const char *program, struct pb_err *err)
{
    PB_AUTO(str) char *out = pb_fs_join(u->work, "version.json");
    PB_AUTO(str) char *data = pb_fs_join(u->work, "version-data");
    PB_AUTO(str) char *dir = u->worktree ? pb_fs_join(u->worktree, u->path) : NULL;
    PB_AUTO(strv) struct pb_strv env = PB_STRV_INIT;
    char *argv[] = {pb_arena_strdup(a, program), pb_arena_strdup(a, "version"),
                    pb_arena_strdup(a, "-json"), NULL};
    struct pb_child_spec spec = {
        .argv = argv, .out_path = out, .timeout_ms = VERSION_TIMEOUT_MS, .kill_after_ms = 1000};
    struct pb_child_status status;

    spec.dir = dir && pb_fs_is_dir(dir) && !u->sandbox ? dir : u->work;
    pb_tf_env_build(&env, environ, NULL, data, NULL, NULL, a);
    spec.env = env.v;
    if (u->sandbox ? ask_confined(&status, &spec, a, u, &env, err)
                   : pb_child_run(&status, &spec, err))
        return -1;
    *version = version_in(a, out);
    if (!*version)
        return pb_fail(err, PB_E_TOOL,
                       "'%s version -json' did not say a version: plumb needs Terraform 1.0 or "
                       "OpenTofu 1.6, or newer",
                       program);
    return 0;
}

int pb_tf_tool_find(struct pb_tf_tool *out, struct pb_arena *a, const struct pb_unit_ctx *u,
                    struct pb_err *err)
{
    PB_AUTO(str) char *program = find_program(u);
    PB_AUTO(str) char *cached = NULL;
    const char *base;

    if (!program)
        return pb_fail(err, PB_E_TOOL,
                       u->tool ? "'%s' is not on PATH: install it, or correct 'tool' in plumb.yaml"
                               : "neither terraform nor tofu is on PATH: install one, or name it "
                                 "as 'tool' in plumb.yaml",
                       u->tool);
    if (refuse_own(u, program, err))
        return -1;
    base = strrchr(program, '/') ? strrchr(program, '/') + 1 : program;
    out->path = pb_arena_strdup(a, program);
    out->tofu = strstr(base, "tofu") != NULL;
    identify(out);
    cached = cache_path(u, program);
    out->version = version_in(a, cached);
    if (out->version)
        return 0;
    if (ask(&out->version, a, u, program, err))
        return -1;
    remember(cached, out->version);
    return 0;
}

bool pb_tf_tool_at_least(const struct pb_tf_tool *t, long major, long minor)
{
    char *end;
    long have = strtol(t->version, &end, 10);

    if (have != major)
        return have > major;
    return *end == '.' && strtol(end + 1, NULL, 10) >= minor;
}
