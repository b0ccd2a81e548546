/*
 * Declares one Terraform unit as `plumb check` does, in a sandbox or bare, and prints what is
 * declared: for tests, and for people who wonder why a plan differs in there.
 *
 *	declaretry [--bare] [--path P] [--worktree DIR] [--tool PROGRAM] [--network HOST:PORT]...
 *	           [--memory MIB] [--disk MIB] [--processes N] [--time MS] TREE
 *
 * TREE is the exported top, P the unit's folder in it. The state is read bare, from DIR, as the
 * base of a change is. Exits as plumb does, with plumb's message.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/backend.h"
#include "base/exits.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "model/json.h"

struct options {
    struct pb_sandbox box;
    struct pb_strv network;
    const char *path, *worktree, *tool, *tree;
    bool bare;
};

static bool parse(struct options *o, int argc, char **argv)
{
    static const struct option all[] = {
        {"bare", 0, NULL, 'b'}, {"path", 1, NULL, 'P'},      {"worktree", 1, NULL, 'W'},
        {"tool", 1, NULL, 'T'}, {"network", 1, NULL, 'n'},   {"memory", 1, NULL, 'm'},
        {"disk", 1, NULL, 'd'}, {"processes", 1, NULL, 'p'}, {"time", 1, NULL, 't'},
        {NULL, 0, NULL, 0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "+", all, NULL)) != -1) {
        switch (c) {
        case 'b': o->bare = true; break;
        case 'P': o->path = optarg; break;
        case 'W': o->worktree = optarg; break;
        case 'T': o->tool = optarg; break;
        case 'n': pb_strv_add(&o->network, optarg); break;
        case 'm': o->box.memory_mib = strtol(optarg, NULL, 10); break;
        case 'd': o->box.disk_mib = strtol(optarg, NULL, 10); break;
        case 'p': o->box.processes = strtol(optarg, NULL, 10); break;
        case 't': o->box.time_ms = strtol(optarg, NULL, 10); break;
        default: return false;
        }
    }
    o->tree = argv[optind];
    o->box.network = o->network.v;
    return o->tree && optind + 1 == argc;
}

static void show_value(struct pb_buf *b, const char *name, const struct pb_value *v)
{
    pb_buf_addf(b, ",\"%s\":", name);
    if (v)
        pb_json_add_redacted(b, v);
    else
        pb_buf_adds(b, "null");
}

static void show(const struct pb_declare_result *r, const struct pb_diags *said)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    pb_buf_addf(&b, "{\"cached\":%s,\"declared\":[", r->from_cache ? "true" : "false");
    for (size_t i = 0; i < r->declared.n; i++) {
        const struct pb_declared *d = &r->declared.v[i];

        pb_buf_addf(&b, "%s\n{\"action\":%d,\"address\":", i ? "," : "", (int)d->action);
        pb_json_add_string(&b, d->address, strlen(d->address));
        show_value(&b, "planned", d->planned);
        pb_buf_addc(&b, '}');
    }
    pb_buf_addf(&b, "],\"schemas\":%zu,\"diagnostics\":[", r->schemas.n);
    for (size_t i = 0; i < said->n; i++) {
        pb_buf_adds(&b, i ? "," : "");
        pb_json_add_string(&b, said->v[i].message, strlen(said->v[i].message));
    }
    pb_buf_adds(&b, "]}\n");
    fputs(b.s, stdout);
}

static int declare(const struct options *o, struct pb_arena *a, struct pb_err *err)
{
    PB_AUTO(str) char *base = NULL, *change = NULL, *cache = NULL, *state = NULL, *key = NULL;
    struct pb_seal seal;
    struct pb_diags said = {0};
    struct pb_recorded_set recorded;
    struct pb_declare_result r;
    int rc;

    if (pb_work_new(&base, err) || pb_work_new(&change, err) || pb_fs_cache_dir(&cache, err) ||
        pb_fs_state_dir(&state, err))
        return -1;
    key = pb_fs_join(state, "seal.key");
    if (pb_seal_init(&seal, key, err))
        return -1;
    struct pb_unit_ctx by = {.name = "net",
                             .path = o->path ? o->path : "",
                             .tree = o->tree,
                             .worktree = o->worktree,
                             .work = base,
                             .tree_key = "try",
                             .tool = o->tool,
                             .seal = &seal,
                             .cache_dir = cache,
                             .diags = &said};
    struct pb_unit_ctx u = by;

    u.work = change;
    u.recorded_by = &by;
    u.sandbox = o->bare ? NULL : &o->box;
    rc = pb_terraform.record(&recorded, a, &by, err) ||
                 pb_terraform.declare(&r, a, &u, &recorded, err)
             ? -1
             : 0;
    if (rc == 0)
        show(&r, &said);
    pb_diags_release(&said);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = {.tree = NULL};
    struct pb_arena *a;
    struct pb_err err = PB_ERR_INIT;
    int rc;

    if (!parse(&o, argc, argv)) {
        fprintf(stderr, "declaretry: see the top of its source\n");
        return PB_EXIT_USAGE;
    }
    a = pb_arena_new();
    rc = declare(&o, a, &err);
    if (rc)
        fprintf(stderr, "declaretry: %s\n", err.msg);
    pb_arena_free(a);
    pb_strv_release(&o.network);
    pb_work_remove_all();
    return rc ? (int)pb_exit_of(err.cls) : 0;
}
