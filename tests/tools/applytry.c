/*
 * applytry: the applying side of the Terraform executor as a program, for tests.
 *
 *	applytry UNIT.json COMMAND [ARG]...
 *
 *	plan | replan		declare with a plan to keep; replan refreshes
 *	look			declare without
 *	apply | review		events as lines, then the result
 *	keep FILE | put FILE	the state
 *	parse FILE		what a state in a file says
 *	pause			until a line comes from stdin
 *	holder | unlock ID	the state's own lock
 *
 * UNIT.json: name, path, tree, worktree, work, cache, workspace, state_path, backend_config,
 * var_files, vars; options: vars, var_files, targets, replace, destroy, parallelism,
 * lock_timeout_ms. Commands are carried out one after the other, and the plan that is applied is
 * the one that WORK has.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/backend.h"
#include "base/cancel.h"
#include "base/mem.h"
#include "model/json.h"

struct session {
    struct pb_arena *arena;
    struct pb_unit_ctx u;
    struct pb_plan_options options;
    struct pb_saved_plan saved;
    struct pb_recorded_set recorded;
    struct pb_seal seal;
    struct pb_diags diags;
};

static char **strings(struct session *s, const struct pb_value *v)
{
    char **out = pb_arena_zalloc(s->arena, (pb_len(v) + 1) * sizeof(*out));

    for (size_t i = 0; i < pb_len(v); i++)
        out[i] = pb_arena_strdup(s->arena, pb_str(pb_at(v, i)));
    return out;
}

static int read_unit(struct session *s, const char *path, struct pb_err *err)
{
    const struct pb_value *v, *o;
    int64_t n;

    if (pb_json_read(&v, s->arena, path, 1 << 20, err))
        return -1;
    o = pb_get(v, "options");
    s->options = (struct pb_plan_options){
        .vars = strings(s, pb_get(o, "vars")),
        .var_files = strings(s, pb_get(o, "var_files")),
        .targets = strings(s, pb_get(o, "targets")),
        .replace = strings(s, pb_get(o, "replace")),
        .destroy = pb_get_bool(o, "destroy", false),
        .parallelism = pb_get_int(&n, o, "parallelism") == 0 ? (int)n : 0,
        .lock_timeout_ms = pb_get_int(&n, o, "lock_timeout_ms") == 0 ? (long)n : 0,
    };
    s->u = (struct pb_unit_ctx){
        .name = pb_get_str(v, "name"),
        .path = pb_get_str(v, "path"),
        .tree = pb_get_str(v, "tree"),
        .worktree = pb_get_str(v, "worktree"),
        .work = pb_get_str(v, "work"),
        .workspace = pb_get_str(v, "workspace"),
        .cache_dir = pb_get_str(v, "cache"),
        .state_path = pb_get_str(v, "state_path"),
        .backend_config = strings(s, pb_get(v, "backend_config")),
        .var_files = strings(s, pb_get(v, "var_files")),
        .vars = strings(s, pb_get(v, "vars")),
        .seal = &s->seal,
        .accept_state = true,
        .diags = &s->diags,
        .plan = &s->options,
    };
    return 0;
}

static void say(const char *name, const char *value)
{
    printf(" %s=%s", name, value ? value : "-");
}

static void on_event(void *ctx, const struct pb_apply_event *e)
{
    static const char *const steps[] = {"started", "running", "done", "failed"};

    (void)ctx;
    printf("event %s %s %s", steps[e->step], e->address, pb_action_name(e->action));
    say("id", e->id);
    printf(" ms=%ld\n", e->elapsed_ms);
    fflush(stdout);
}

static int declare(struct session *s, bool save, bool refresh, struct pb_err *err)
{
    struct pb_declare_result r;

    s->u.save = save ? &s->saved : NULL;
    s->u.refresh = refresh;
    if (pb_terraform.record(&s->recorded, s->arena, &s->u, err) ||
        pb_terraform.declare(&r, s->arena, &s->u, &s->recorded, err))
        return -1;
    printf("declared n=%zu complete=%d cached=%d ms=%ld\n", r.declared.n, r.declared.complete,
           r.from_cache, r.elapsed_ms);
    for (size_t i = 0; i < r.declared.n; i++)
        printf("change %s %s\n", pb_action_name(r.declared.v[i].action), r.declared.v[i].address);
    for (size_t i = 0; i < r.declared.nproviders; i++)
        printf("provider %s unknown=%d\n", r.declared.providers[i].key,
               pb_has_unknown(r.declared.providers[i].values));
    if (!save)
        return 0;
    printf("saved %s %s %s refreshed=%d outputs=%d\n", s->saved.path, s->saved.sha256,
           s->saved.plugins, s->saved.refreshed, s->saved.outputs);
    return 0;
}

static int apply(struct session *s, bool review, struct pb_err *err)
{
    struct pb_apply_request rq = {.plan = &s->saved, .lease_fd = -1, .event = on_event};
    struct pb_apply_result r;

    if ((review ? pb_terraform.review : pb_terraform.apply)(&r, s->arena, &s->u, &rq, err))
        return -1;
    printf("result ok=%d running=%d signal=%d added=%zu changed=%zu removed=%zu survivors=%d", r.ok,
           r.running, r.signal, r.added, r.changed, r.removed, r.survivors);
    say("rescued", r.rescued);
    say("errors", r.errors);
    putchar('\n');
    return 0;
}

static int keep(struct session *s, const char *path, struct pb_err *err)
{
    bool none, torn;

    if (pb_terraform.keep_state(&none, &torn, s->arena, &s->u, path, err))
        return -1;
    printf("kept none=%d torn=%d\n", none, torn);
    return 0;
}

static int parse(struct session *s, const char *path, struct pb_err *err)
{
    struct pb_recorded_set set;

    if (pb_terraform.parse_state(&set, s->arena, path, err))
        return -1;
    printf("state serial=%lld n=%zu\n", (long long)set.serial, set.n);
    return 0;
}

static int holder(struct session *s, struct pb_err *err)
{
    struct pb_state_lock l;

    if (pb_terraform.lock_holder(&l, s->arena, &s->u, err))
        return -1;
    printf("holder");
    say("id", l.id);
    say("who", l.who);
    say("operation", l.operation);
    say("created", l.created);
    printf(" at=%lld\n", (long long)l.created_at);
    return 0;
}

static int pause_here(void)
{
    puts("paused");
    fflush(stdout);
    (void)getchar();
    return 0;
}

static int command(struct session *s, char **argv, int *used, struct pb_err *err)
{
    const char *name = argv[0];

    *used = 2;
    if (strcmp(name, "keep") == 0 && argv[1])
        return keep(s, argv[1], err);
    if (strcmp(name, "put") == 0 && argv[1])
        return pb_terraform.put_state(s->arena, &s->u, argv[1], err);
    if (strcmp(name, "parse") == 0 && argv[1])
        return parse(s, argv[1], err);
    if (strcmp(name, "unlock") == 0 && argv[1])
        return pb_terraform.unlock(s->arena, &s->u, argv[1], err);
    *used = 1;
    if (strcmp(name, "pause") == 0)
        return pause_here();
    if (strcmp(name, "holder") == 0)
        return holder(s, err);
    if (strcmp(name, "plan") == 0 || strcmp(name, "replan") == 0 || strcmp(name, "look") == 0)
        return declare(s, *name != 'l', *name == 'r', err);
    if (strcmp(name, "apply") == 0 || strcmp(name, "review") == 0)
        return apply(s, *name == 'r', err);
    return pb_fail(err, PB_E_USAGE, "no such command: '%s'", name);
}

int main(int argc, char **argv)
{
    struct session s = {.arena = pb_arena_new()};
    struct pb_err err = PB_ERR_INIT;
    int used, rc = 0;

    pb_cancel_install();
    if (argc < 3) {
        fprintf(stderr, "usage: applytry UNIT.json COMMAND [ARG]...\n");
        return 64;
    }
    if (read_unit(&s, argv[1], &err))
        rc = -1;
    for (int i = 2; rc == 0 && i < argc; i += used) {
        rc = command(&s, argv + i, &used, &err);
        fflush(stdout);
    }
    for (size_t i = 0; i < s.diags.n; i++)
        fprintf(stderr, "%s: %s\n", s.diags.v[i].severity, s.diags.v[i].message);
    if (rc)
        fprintf(stderr, "applytry: %s\n", err.msg);
    pb_diags_release(&s.diags);
    pb_arena_free(s.arena);
    return rc ? 1 : 0;
}
