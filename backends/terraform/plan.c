#include "backends/terraform/plan.h"

#include <stdlib.h>
#include <string.h>

#include "backends/terraform/mark.h"
#include "backends/terraform/plan_config.h"
#include "backends/terraform/plan_effects.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"
#include "model/path.h"

struct reader {
    struct pb_arena *arena;
    const struct pb_tf_plan_in *in;
    struct pb_tf_config config;
    struct pb_map warned; /* resource blocks with provisioners that were spoken of */
    struct pb_declared *v;
    size_t n, cap;
    struct pb_err *err;
};

static const char *keep(const struct reader *r, const char *s)
{
    return s ? pb_arena_intern(r->arena, s, strlen(s)) : NULL;
}

static bool holds(const struct pb_value *list, const char *s)
{
    for (size_t i = 0; i < pb_len(list); i++)
        if (pb_streq(pb_str(pb_at(list, i)), s))
            return true;
    return false;
}

enum pb_action pb_tf_action(const struct pb_value *actions)
{
    static const struct {
        const char *name;
        enum pb_action action;
    } alone[] = {
        {"no-op", PB_ACT_NONE},    {"create", PB_ACT_CREATE}, {"read", PB_ACT_READ},
        {"update", PB_ACT_UPDATE}, {"delete", PB_ACT_DELETE}, {"forget", PB_ACT_FORGET},
    };

    if (pb_len(actions) == 1) {
        for (size_t i = 0; i < PB_COUNT(alone); i++)
            if (holds(actions, alone[i].name))
                return alone[i].action;
        return PB_ACT_UNKNOWN;
    }
    /* Anything with a delete in it destroys; with a create besides, it replaces. */
    if (holds(actions, "delete"))
        return holds(actions, "create") ? PB_ACT_REPLACE : PB_ACT_DELETE;
    if (pb_len(actions) == 2 && holds(actions, "create") && holds(actions, "forget"))
        return PB_ACT_REPLACE;
    return PB_ACT_UNKNOWN;
}

/* change.replace_paths: [["ami"], ["ebs", 0, "size"]] */
static const char *const *path_list(struct reader *r, const struct pb_value *paths)
{
    const char **out;
    size_t n = pb_len(paths);

    if (!n)
        return NULL;
    out = pb_arena_zalloc(r->arena, (n + 1) * sizeof(*out));
    for (size_t i = 0; i < n; i++) {
        PB_AUTO(buf) struct pb_buf path = PB_BUF_INIT;
        const struct pb_value *steps = pb_at(paths, i);
        for (size_t j = 0; j < pb_len(steps); j++) {
            const struct pb_value *step = pb_at(steps, j);
            if (pb_is(step, PB_STRING))
                pb_path_add_key(&path, step->s);
            else if (pb_is(step, PB_NUMBER))
                pb_path_add_index(&path, strtoul(step->s, NULL, 10));
        }
        out[i] = keep(r, path.s);
    }
    return out;
}

/* One side of a change with its masks; NULL when the object is not there. */
static const struct pb_value *side(struct reader *r, const struct pb_value *v,
                                   const struct pb_value *unknown, const struct pb_value *secret,
                                   const struct pb_schema *schema)
{
    struct pb_value out;

    if (pb_is_nullish(v) && pb_is_nullish(unknown))
        return NULL;
    out = pb_mark_unknown(r->arena, v, unknown);
    out = pb_mark_sensitive(r->arena, &out, secret);
    out = pb_tf_mark_schema(r->arena, &out, schema ? schema->root : NULL);
    return pb_box(r->arena, out);
}

/* A dynamic block makes as many blocks as its for_each has elements: the plan says how many. */
static struct pb_value with_dynamic(struct reader *r, const struct pb_value *configured,
                                    const struct pb_value *dynamic, const struct pb_value *planned)
{
    struct pb_map_builder b = PB_BUILDER_INIT;

    for (size_t i = 0; i < configured->n; i++)
        pb_map_add(&b, configured->members[i].key, configured->members[i].value);
    for (size_t i = 0; i < dynamic->n; i++) {
        const struct pb_member *m = &dynamic->members[i];
        const struct pb_value *same = pb_get(configured, m->key);
        const struct pb_value *value = pb_get(planned, m->key);
        struct pb_list_builder list = PB_BUILDER_INIT;
        size_t n = pb_is(value, PB_LIST) ? value->n : 1;
        for (size_t j = 0; pb_is(same, PB_LIST) && j < same->n; j++)
            pb_list_add(&list, same->items[j]);
        while (list.n < n)
            pb_list_add(&list, m->value);
        pb_map_add(&b, keep(r, m->key), pb_list_done(&list, r->arena));
    }
    return pb_map_done(&b, r->arena);
}

static void warn_provisioners(struct reader *r, const struct pb_value *resource,
                              const struct pb_declared *row)
{
    const struct pb_value *list = pb_get(resource, "provisioners");
    const char *address = pb_get_str(resource, "address");

    if (!pb_len(list) || !r->in->diags || !address || pb_map_has(&r->warned, address))
        return;
    pb_map_put(&r->warned, address, (void *)(uintptr_t)resource);
    pb_diag_add(r->in->diags, r->arena, "notice", "terraform-provisioner", row->address,
                "'%s' has %zu provisioner(s), the first of type '%s': what they do is in no plan "
                "and cannot be audited",
                address, pb_len(list), pb_get_str(pb_at(list, 0), "type"));
}

static void add_configuration(struct reader *r, struct pb_declared *row, const char *calls,
                              const struct pb_value *rc)
{
    const struct pb_value *resource =
        pb_tf_config_resource(&r->config, calls, row->type, pb_get_str(rc, "name"));
    const struct pb_tf_hint *hint = NULL;
    PB_AUTO(buf) struct pb_buf key = PB_BUF_INIT;
    struct pb_value conf;

    if (pb_tf_provider_key(&key, &r->config, pb_get_str(resource, "provider_config_key")))
        row->provider = keep(r, key.s);
    if (!resource)
        return;
    if (r->in->hints)
        hint = r->in->hints->find(r->in->hints->ctx, calls, row->type, pb_get_str(rc, "name"));
    conf = pb_tf_configured(r->arena, pb_get(resource, "expressions"));
    if (hint && pb_len(hint->dynamic))
        conf = with_dynamic(r, &conf, hint->dynamic, row->planned);
    row->configured = pb_box(r->arena, conf);
    row->configured_opaque = !hint || hint->opaque;
    row->ignore_changes = hint ? hint->ignore_changes : NULL;
    row->source_file = hint ? keep(r, hint->file) : NULL;
    row->source_line = hint ? hint->line : 0;
    row->source_end = hint ? hint->last_line : 0;
    row->effects =
        pb_tf_provisioners(&row->neffects, r->arena, pb_get(resource, "provisioners"), hint);
    warn_provisioners(r, resource, row);
}

/* Of an object that the configuration no longer has, the state knows the provider. */
static const char *provider_of(struct reader *r, const struct pb_declared *row,
                               const struct pb_value *rc)
{
    const struct pb_recorded *rec;
    const char *address = row->previous_address ? row->previous_address : row->address;
    const char *name = pb_get_str(rc, "provider_name");

    if (row->provider)
        return row->provider;
    if (r->in->recorded && (rec = pb_recorded_find(r->in->recorded, address)) && rec->provider)
        return keep(r, rec->provider);
    return pb_arena_printf(r->arena, "provider[\"%s\"]", name ? name : "");
}

static int add_change(struct reader *r, const struct pb_value *rc)
{
    const struct pb_value *change = pb_get(rc, "change");
    const char *address = pb_get_str(rc, "address"), *type = pb_get_str(rc, "type");
    const char *mode = pb_get_str(rc, "mode");
    const struct pb_schema *schema;
    PB_AUTO(buf) struct pb_buf calls = PB_BUF_INIT;
    struct pb_declared *row;

    if (!address || !type || !mode || !pb_get_str(rc, "name") || !pb_is(change, PB_MAP))
        return pb_fail(r->err, PB_E_INPUT,
                       "%s has a resource change without address, type or "
                       "change: this plumb cannot read it",
                       r->in->what);
    /* Deposed objects are declared by nobody; the state tells of them. */
    if (strcmp(mode, "managed") != 0 || pb_get_str(rc, "deposed"))
        return 0;
    schema = pb_schema_find(r->in->schemas, type);
    r->v = pb_grow(r->v, &r->cap, r->n + 1, sizeof(*r->v));
    row = &r->v[r->n++];
    *row = (struct pb_declared){
        .address = keep(r, address),
        .type = keep(r, type),
        .action = pb_tf_action(pb_get(change, "actions")),
        .planned = side(r, pb_get(change, "after"), pb_get(change, "after_unknown"),
                        pb_get(change, "after_sensitive"), schema),
        .prior =
            side(r, pb_get(change, "before"), NULL, pb_get(change, "before_sensitive"), schema),
        .replace_paths = path_list(r, pb_get(change, "replace_paths")),
        .previous_address = keep(r, pb_get_str(rc, "previous_address")),
        .importing = pb_is(pb_get(change, "importing"), PB_MAP),
    };
    if (row->action == PB_ACT_DELETE || row->action == PB_ACT_FORGET)
        row->planned = NULL;
    pb_tf_module_calls(&calls, pb_get_str(rc, "module_address"));
    add_configuration(r, row, calls.s, rc);
    row->provider = provider_of(r, row, rc);
    return 0;
}

static int by_address(const void *a, const void *b)
{
    return strcmp(((const struct pb_declared *)a)->address,
                  ((const struct pb_declared *)b)->address);
}

static int add_changes(struct reader *r, struct pb_tf_plan *out, const struct pb_value *changes)
{
    struct pb_declared *v;

    for (size_t i = 0; i < pb_len(changes); i++)
        if (add_change(r, pb_at(changes, i)))
            return -1;
    if (r->n)
        qsort(r->v, r->n, sizeof(*r->v), by_address);
    for (size_t i = 1; i < r->n; i++)
        if (strcmp(r->v[i - 1].address, r->v[i].address) == 0)
            return pb_fail(r->err, PB_E_INPUT, "%s changes '%s' twice", r->in->what,
                           r->v[i].address);
    v = pb_arena_alloc(r->arena, r->n * sizeof(*v) + 1);
    if (r->n)
        memcpy(v, r->v, r->n * sizeof(*v));
    out->declared.v = v;
    out->declared.n = r->n;
    return 0;
}

static struct pb_value read_variables(struct reader *r, const struct pb_value *doc)
{
    const struct pb_value *values = pb_get(doc, "variables");
    const struct pb_value *decl = pb_walk(doc, "configuration.root_module.variables");
    struct pb_map_builder b = PB_BUILDER_INIT;

    for (size_t i = 0; pb_is(values, PB_MAP) && i < values->n; i++) {
        const struct pb_member *m = &values->members[i];
        const struct pb_value *v = pb_get(&m->value, "value");
        bool secret = pb_get_bool(pb_get(decl, m->key), "sensitive", false);
        pb_map_add(&b, m->key, pb_mark_sensitive(r->arena, v, secret ? &pb_true : NULL));
    }
    return pb_map_done(&b, r->arena);
}

static int check_format(const struct reader *r, const struct pb_value *doc)
{
    const char *format = pb_get_str(doc, "format_version");

    if (!format || !pb_get(doc, "terraform_version"))
        return pb_fail(r->err, PB_E_INPUT, "%s is not the JSON form of a Terraform plan",
                       r->in->what);
    if (!pb_starts_with(format, "1.") && strcmp(format, "1") != 0)
        return pb_fail(r->err, PB_E_INPUT,
                       "%s has format version '%s' and this plumb knows 1.x: use a newer plumb",
                       r->in->what, format);
    return 0;
}

/* What newer tools plan besides resources, so that nobody takes silence for nothing. */
static void warn_unseen(struct reader *r, const struct pb_value *doc)
{
    static const struct {
        const char *member, *what;
    } unseen[] = {
        {"deferred_changes", "deferred change(s)"},
        {"action_invocations", "action invocation(s)"},
        {"deferred_action_invocations", "deferred action invocation(s)"},
    };

    for (size_t i = 0; r->in->diags && i < PB_COUNT(unseen); i++) {
        size_t n = pb_len(pb_get(doc, unseen[i].member));
        if (n)
            pb_diag_add(r->in->diags, r->arena, "warning", "terraform-plan-unseen", NULL,
                        "%s has %zu %s, which plumb does not compare", r->in->what, n,
                        unseen[i].what);
    }
}

static bool changes_outputs(const struct pb_value *changes)
{
    for (size_t i = 0; pb_is(changes, PB_MAP) && i < changes->n; i++)
        if (pb_tf_action(pb_get(&changes->members[i].value, "actions")) != PB_ACT_NONE)
            return true;
    return false;
}

static const struct pb_value *outputs_of(struct reader *r, const struct pb_value *changes)
{
    struct pb_map_builder b = PB_BUILDER_INIT;

    for (size_t i = 0; pb_is(changes, PB_MAP) && i < changes->n; i++) {
        const struct pb_value *change = &changes->members[i].value;
        const struct pb_value *after;

        if (pb_tf_action(pb_get(change, "actions")) == PB_ACT_DELETE)
            continue;
        after = side(r, pb_get(change, "after"), pb_get(change, "after_unknown"),
                     pb_get(change, "after_sensitive"), NULL);
        pb_map_add(&b, keep(r, changes->members[i].key), after ? *after : pb_null);
    }
    return pb_box(r->arena, pb_map_done(&b, r->arena));
}

static int read_document(struct reader *r, struct pb_tf_plan *out, const struct pb_value *doc)
{
    if (check_format(r, doc))
        return -1;
    out->configuration = pb_get(doc, "configuration");
    out->outputs = pb_walk(doc, "planned_values.outputs");
    out->changes_outputs = changes_outputs(pb_get(doc, "output_changes"));
    out->declared.outputs = outputs_of(r, pb_get(doc, "output_changes"));
    out->terraform_version = pb_get_str(doc, "terraform_version");
    out->variables = pb_box(r->arena, read_variables(r, doc));
    /* OpenTofu and older versions say neither: then nothing speaks against the plan, and a
     * failure shows as the exit code of the run itself. */
    out->errored = pb_get_bool(doc, "errored", false);
    out->declared.broken = out->errored || pb_len(pb_get(doc, "deferred_changes")) ||
                           pb_len(pb_get(doc, "deferred_action_invocations"));
    out->declared.complete = pb_get_bool(doc, "complete", true) && !out->declared.broken;
    pb_tf_config_init(&r->config, out->configuration);
    out->has_data = r->config.has_data;
    warn_unseen(r, doc);
    return add_changes(r, out, pb_get(doc, "resource_changes")) ||
                   pb_tf_invocations(&out->declared, r->arena, pb_get(doc, "action_invocations"),
                                     r->in, r->err)
               ? -1
               : 0;
}

int pb_tf_plan_parse(struct pb_tf_plan *out, struct pb_arena *a, const char *text, size_t n,
                     const struct pb_tf_plan_in *in, struct pb_err *err)
{
    struct reader r = {.arena = a, .in = in, .warned = PB_MAP_INIT, .err = err};
    const struct pb_value *doc;
    int rc = -1;

    memset(out, 0, sizeof(*out));
    if (pb_json_parse(&doc, a, text, n, in->what, err))
        return -1;
    if (read_document(&r, out, doc) == 0)
        rc = 0;
    pb_tf_config_release(&r.config);
    pb_map_release(&r.warned);
    free(r.v);
    return rc;
}
