#include "backends/terraform/state.h"

#include <stdlib.h>
#include <string.h>

#include "backends/terraform/mark.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"
#include "model/path.h"

struct reader {
    struct pb_arena *arena;
    const char *what;
    const struct pb_schema_set *schemas;
    struct pb_recorded *v;
    size_t n, cap;
    struct pb_err *err;
};

static int refuse(const struct reader *r, const char *why)
{
    return pb_fail(r->err, PB_E_INPUT, "the state '%s' %s", r->what, why);
}

static const char *keep(const struct reader *r, const char *s)
{
    return s ? pb_arena_intern(r->arena, s, strlen(s)) : NULL;
}

/* One path of sensitive_attributes: [{"type": "get_attr", "value": "password"},
 * {"type": "index", "value": {"value": 0, "type": "number"}}], as plain steps. */
static struct pb_value path_steps(struct pb_arena *a, const struct pb_value *path)
{
    struct pb_list_builder b = PB_BUILDER_INIT;

    for (size_t i = 0; i < pb_len(path); i++) {
        const struct pb_value *step = pb_get(pb_at(path, i), "value");
        if (pb_is(step, PB_MAP))
            step = pb_get(step, "value");
        pb_list_add(&b, step ? *step : pb_null);
    }
    return pb_list_done(&b, a);
}

/* The one resource type that Terraform brings itself, for when there are no schemas yet. */
static const struct pb_type any = {.kind = PB_T_DYNAMIC};
static const struct pb_field data_fields[] = {
    {"input", &any, PB_F_OPTIONAL},
    {"output", &any, PB_F_COMPUTED},
    {"triggers_replace", &any, PB_F_OPTIONAL},
};
static const struct pb_type data_type = {.kind = PB_T_OBJECT, .fields = data_fields, .nfields = 3};

static const struct pb_type *type_of(const struct pb_schema *schema, const char *type)
{
    if (schema)
        return schema->root;
    return strcmp(type, "terraform_data") == 0 ? &data_type : NULL;
}

static struct pb_value marked(const struct reader *r, const struct pb_value *attrs,
                              const struct pb_value *instance, const char *type)
{
    const struct pb_schema *schema = pb_schema_find(r->schemas, type);
    const struct pb_value *paths = pb_get(instance, "sensitive_attributes");
    const struct pb_type *t = type_of(schema, type);
    struct pb_value out = pb_tf_unwrap_dynamic(r->arena, attrs, t);

    out = pb_tf_mark_schema(r->arena, &out, t);
    /* Marks that cannot be read could be about anything. */
    if (!pb_is_nullish(paths) && !pb_is(paths, PB_LIST))
        return pb_tf_mark_path(r->arena, &out, NULL, 0);
    for (size_t i = 0; i < pb_len(paths); i++) {
        struct pb_value steps = path_steps(r->arena, pb_at(paths, i));
        out = pb_tf_mark_path(r->arena, &out, steps.items, steps.n);
    }
    return out;
}

/* None, a text, or a count's number. */
static bool is_key(const struct pb_value *key)
{
    return pb_is_nullish(key) || key->kind == PB_STRING ||
           (key->kind == PB_NUMBER && key->n && strspn(key->s, "0123456789") == key->n);
}

/* [module.NAME.]provider["HOST/NAMESPACE/TYPE"][.ALIAS], and provider.TYPE of Terraform 0.12. A
 * module's key may have anything in it, so what counts is the last one. */
static bool is_provider(const char *s)
{
    static const char old[] = "provider.", now[] = "provider[\"";
    const char *last = NULL, *end;

    for (const char *p = s; (p = strstr(p, "provider")); p++)
        if ((p == s || p[-1] == '.') && (pb_starts_with(p, old) || pb_starts_with(p, now)))
            last = p;
    if (!last)
        return false;
    if (pb_starts_with(last, old))
        return last[sizeof(old) - 1] && !strpbrk(last, "[]\" ");
    last += sizeof(now) - 1;
    end = strchr(last, '"');
    if (!end || end == last || end[1] != ']')
        return false;
    return !end[2] || (end[2] == '.' && end[3] && !strpbrk(end + 3, "[]\" "));
}

static int add_instance(struct reader *r, const struct pb_value *resource,
                        const struct pb_value *instance)
{
    const struct pb_value *attrs = pb_get(instance, "attributes");
    const char *type = pb_get_str(resource, "type"), *name = pb_get_str(resource, "name");
    PB_AUTO(buf) struct pb_buf addr = PB_BUF_INIT;
    struct pb_recorded *row;
    struct pb_value v;

    if (!is_key(pb_get(instance, "index_key")))
        return pb_fail(
            r->err, PB_E_INPUT,
            "the state '%s' has an instance of '%s.%s' whose index_key is neither a text "
            "nor a number: it is damaged; restore an older version of it",
            r->what, type, name);
    pb_addr_build(&addr, pb_get_str(resource, "module"), pb_get_str(resource, "mode"), type, name,
                  pb_get(instance, "index_key"));
    if (!pb_is(attrs, PB_MAP)) {
        if (pb_is(pb_get(instance, "attributes_flat"), PB_MAP))
            return pb_fail(r->err, PB_E_INPUT,
                           "'%s' in the state '%s' was last written by Terraform 0.11: run "
                           "'terraform apply -refresh-only' with a current version",
                           addr.s, r->what);
        return pb_fail(r->err, PB_E_INPUT, "'%s' in the state '%s' has no attributes", addr.s,
                       r->what);
    }
    v = marked(r, attrs, instance, type);
    r->v = pb_grow(r->v, &r->cap, r->n + 1, sizeof(*r->v));
    row = &r->v[r->n++];
    *row = (struct pb_recorded){
        .address = pb_arena_strdup(r->arena, addr.s),
        .type = keep(r, type),
        .provider = keep(r, pb_get_str(resource, "provider")),
        .id = pb_get_str(attrs, "id"),
        .attributes = pb_box(r->arena, v),
        .deposed = keep(r, pb_get_str(instance, "deposed")),
        .tainted = pb_streq(pb_get_str(instance, "status"), "tainted"),
        .stored = attrs,
        .private_data = pb_get_str(instance, "private"),
        .identity =
            pb_is(pb_get(instance, "identity"), PB_MAP) ? pb_get(instance, "identity") : NULL,
    };
    if (pb_get_int(&row->identity_version, instance, "identity_schema_version"))
        row->identity_version = 0;
    if (pb_get_int(&row->schema_version, instance, "schema_version"))
        row->schema_version = 0;
    return 0;
}

static int add_resource(struct reader *r, const struct pb_value *resource)
{
    const struct pb_value *instances = pb_get(resource, "instances");
    const char *mode = pb_get_str(resource, "mode");

    if (!mode || !pb_get_str(resource, "type") || !pb_get_str(resource, "name") ||
        !pb_get_str(resource, "provider"))
        return refuse(r, "has a resource without mode, type, name or provider: it is damaged");
    if (strcmp(mode, "managed") != 0)
        return 0;
    if (!is_provider(pb_get_str(resource, "provider")))
        return pb_fail(
            r->err, PB_E_INPUT,
            "the state '%s' has '%s' as the provider of '%s.%s', which names none: it is "
            "damaged; restore an older version of it",
            r->what, pb_get_str(resource, "provider"), pb_get_str(resource, "type"),
            pb_get_str(resource, "name"));
    for (size_t i = 0; i < pb_len(instances); i++)
        if (add_instance(r, resource, pb_at(instances, i)))
            return -1;
    return 0;
}

/* Current objects before deposed ones of the same address. */
static int by_address(const void *pa, const void *pb)
{
    const struct pb_recorded *a = pa, *b = pb;
    int c = strcmp(a->address, b->address);

    if (c)
        return c;
    if (!a->deposed || !b->deposed)
        return (a->deposed != NULL) - (b->deposed != NULL);
    return strcmp(a->deposed, b->deposed);
}

static int sort_and_check(struct reader *r)
{
    if (r->n)
        qsort(r->v, r->n, sizeof(*r->v), by_address);
    for (size_t i = 1; i < r->n; i++)
        if (by_address(&r->v[i - 1], &r->v[i]) == 0)
            return pb_fail(r->err, PB_E_INPUT,
                           "the state '%s' has '%s' twice: it was put together by hand or by a "
                           "failed merge; restore an older version of it",
                           r->what, r->v[i].address);
    return 0;
}

static int check_version(const struct reader *r, const struct pb_value *doc)
{
    int64_t version;

    if (!pb_is(doc, PB_MAP))
        return refuse(r, "is not a JSON object: it is damaged, or not a state");
    if (pb_get(doc, "encrypted_data"))
        return refuse(r, "is encrypted by OpenTofu: it is read with 'tofu state pull'; set the "
                         "unit's tool to tofu");
    if (pb_get_int(&version, doc, "version"))
        return refuse(r, "has no version: it is damaged, or not a state");
    if (version < 4)
        return pb_fail(r->err, PB_E_INPUT,
                       "the state '%s' has version %lld, which Terraform before 0.12 wrote: run "
                       "'terraform apply -refresh-only' with a current version to upgrade it",
                       r->what, (long long)version);
    if (version > 4)
        return pb_fail(r->err, PB_E_INPUT,
                       "the state '%s' has version %lld and this plumb knows 4: use a newer plumb",
                       r->what, (long long)version);
    return 0;
}

static int read_document(struct reader *r, struct pb_recorded_set *out, const struct pb_value *doc)
{
    const struct pb_value *resources = pb_get(doc, "resources");

    if (check_version(r, doc))
        return -1;
    out->lineage = keep(r, pb_get_str(doc, "lineage"));
    out->terraform_version = keep(r, pb_get_str(doc, "terraform_version"));
    if (!out->lineage || pb_get_int(&out->serial, doc, "serial"))
        return refuse(r, "has no lineage or serial: it is damaged");
    if (out->serial < 0)
        return refuse(r, "has a serial below 0: it is damaged; restore an older version of it");
    if (resources && !pb_is(resources, PB_LIST))
        return refuse(r, "has 'resources' that are no list: it is damaged");
    for (size_t i = 0; i < pb_len(resources); i++)
        if (add_resource(r, pb_at(resources, i)))
            return -1;
    return sort_and_check(r);
}

static bool is_blank(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!strchr(" \t\r\n", text[i]) || !text[i])
            return false;
    return true;
}

void pb_tf_state_none(struct pb_recorded_set *out)
{
    memset(out, 0, sizeof(*out));
}

int pb_tf_state_parse(struct pb_recorded_set *out, struct pb_arena *a, const char *text, size_t n,
                      const char *what, const struct pb_schema_set *schemas, struct pb_err *err)
{
    struct reader r = {.arena = a, .what = what, .schemas = schemas, .err = err};
    const struct pb_value *doc;
    int rc = -1;

    pb_tf_state_none(out);
    if (is_blank(text, n))
        return refuse(&r, "is empty, which is what a killed Terraform leaves and would plan "
                          "everything anew: restore it from its backup ('terraform.tfstate.backup' "
                          "or the bucket's versions)");
    if (pb_json_parse(&doc, a, text, n, what, err))
        return pb_err_wrap(err, "the state is damaged or cut off; restore it from its backup");
    if (read_document(&r, out, doc) == 0) {
        struct pb_recorded *v = pb_arena_alloc(a, r.n * sizeof(*v) + 1);
        if (r.n)
            memcpy(v, r.v, r.n * sizeof(*v));
        out->v = v;
        out->n = r.n;
        pb_sha256_hex_of(out->sha256, text, n);
        rc = 0;
    }
    free(r.v);
    return rc;
}

bool pb_tf_state_encrypted(const char *text, size_t n)
{
    /* Both keys stand near the top, in a plain state only the second. */
    size_t look = n < 65536 ? n : 65536;

    return memmem(text, look, "\"encrypted_data\"", 16) && !memmem(text, look, "\"resources\"", 11);
}

void pb_tf_state_refine(struct pb_recorded_set *set, struct pb_arena *a,
                        const struct pb_schema_set *schemas)
{
    struct pb_recorded *v;

    if (!set->n || !schemas || !schemas->n)
        return;
    v = pb_arena_alloc(a, set->n * sizeof(*v));
    for (size_t i = 0; i < set->n; i++) {
        const struct pb_schema *s = pb_schema_find(schemas, set->v[i].type);
        v[i] = set->v[i];
        if (s) {
            struct pb_value plain = *v[i].attributes;
            if (type_of(NULL, v[i].type) == NULL) /* those were unwrapped when read */
                plain = pb_tf_unwrap_dynamic(a, &plain, s->root);
            v[i].attributes = pb_box(a, pb_tf_mark_schema(a, &plain, s->root));
        }
    }
    set->v = v;
}
