#include "backends/terraform/plan_config.h"

#include <string.h>

#include "base/text.h"

static void index_module(struct pb_tf_config *c, const struct pb_value *module, struct pb_buf *path)
{
    const struct pb_value *resources = pb_get(module, "resources");
    const struct pb_value *calls = pb_get(module, "module_calls");
    size_t len = path->len;

    for (size_t i = 0; i < pb_len(resources); i++) {
        const struct pb_value *r = pb_at(resources, i);
        PB_AUTO(buf) struct pb_buf key = PB_BUF_INIT;
        const char *type = pb_get_str(r, "type"), *name = pb_get_str(r, "name");
        if (!pb_streq(pb_get_str(r, "mode"), "managed")) {
            c->has_data |= pb_streq(pb_get_str(r, "mode"), "data");
            continue;
        }
        if (!type || !name)
            continue;
        pb_buf_addf(&key, "%s|%s.%s", path->s, type, name);
        pb_map_put(&c->resources, key.s, (void *)(uintptr_t)r);
    }
    for (size_t i = 0; pb_is(calls, PB_MAP) && i < calls->n; i++) {
        pb_buf_addf(path, "%s%s", len ? "." : "", calls->members[i].key);
        index_module(c, pb_get(&calls->members[i].value, "module"), path);
        pb_buf_truncate(path, len);
    }
}

void pb_tf_config_init(struct pb_tf_config *c, const struct pb_value *configuration)
{
    PB_AUTO(buf) struct pb_buf path = PB_BUF_INIT;

    memset(c, 0, sizeof(*c));
    c->resources = (struct pb_map)PB_MAP_INIT;
    c->providers = pb_get(configuration, "provider_config");
    index_module(c, pb_get(configuration, "root_module"), &path);
}

void pb_tf_config_release(struct pb_tf_config *c)
{
    pb_map_release(&c->resources);
}

void pb_tf_module_calls(struct pb_buf *out, const char *address)
{
    const char *p = address ? address : "";

    while (pb_starts_with(p, "module.")) {
        size_t n;
        p += 7;
        n = strcspn(p, ".[");
        if (out->len)
            pb_buf_addc(out, '.');
        pb_buf_add(out, p, n);
        p += n;
        if (*p == '[') {
            bool quoted = false;
            for (p++; *p && (quoted || *p != ']'); p++) {
                if (quoted && *p == '\\' && p[1])
                    p++;
                else if (*p == '"')
                    quoted = !quoted;
            }
            p += *p == ']';
        }
        p += *p == '.';
    }
}

const struct pb_value *pb_tf_config_resource(const struct pb_tf_config *c, const char *module,
                                             const char *type, const char *name)
{
    PB_AUTO(buf) struct pb_buf key = PB_BUF_INIT;

    pb_buf_addf(&key, "%s|%s.%s", module, type, name);
    return pb_map_get(&c->resources, key.s);
}

/* An expression holds nothing but these; a block of a type named so would have to have
 * no other attribute and no value of its own. */
static bool is_expression(const struct pb_value *v)
{
    if (!pb_is(v, PB_MAP))
        return false;
    for (size_t i = 0; i < v->n; i++) {
        const struct pb_member *m = &v->members[i];
        if (strcmp(m->key, "constant_value") == 0)
            continue;
        if (strcmp(m->key, "references") != 0 || m->value.kind != PB_LIST)
            return false;
    }
    return true;
}

static bool is_null_constant(const struct pb_value *v)
{
    return pb_is(pb_get(v, "constant_value"), PB_NULL);
}

/* A block of nesting mode map: labels to blocks. */
static bool is_block_map(const struct pb_value *v)
{
    for (size_t i = 0; i < v->n; i++)
        if (!pb_is(&v->members[i].value, PB_MAP) || is_expression(&v->members[i].value))
            return false;
    return v->n > 0;
}

static struct pb_value configured_blocks(struct pb_arena *a, const struct pb_value *blocks)
{
    struct pb_list_builder b = PB_BUILDER_INIT;

    for (size_t i = 0; i < blocks->n; i++)
        pb_list_add(&b, pb_tf_configured(a, &blocks->items[i]));
    return pb_list_done(&b, a);
}

struct pb_value pb_tf_configured(struct pb_arena *a, const struct pb_value *expressions)
{
    struct pb_map_builder b = PB_BUILDER_INIT;

    for (size_t i = 0; pb_is(expressions, PB_MAP) && i < expressions->n; i++) {
        const struct pb_member *m = &expressions->members[i];
        const struct pb_value *v = &m->value;
        const char *key = pb_arena_intern(a, m->key, strlen(m->key));
        if (v->kind == PB_LIST) {
            pb_map_add(&b, key, configured_blocks(a, v));
        } else if (is_expression(v)) {
            if (!is_null_constant(v))
                pb_map_add(&b, key, pb_true);
        } else if (v->kind == PB_MAP && !is_block_map(v)) {
            struct pb_list_builder one = PB_BUILDER_INIT; /* a single block */
            pb_list_add(&one, pb_tf_configured(a, v));
            pb_map_add(&b, key, pb_list_done(&one, a));
        } else {
            pb_map_add(&b, key, pb_true);
        }
    }
    return pb_map_done(&b, a);
}

/* "module.net:aws.west" -> the same in the calling module, "" prefix for the root. */
static const struct pb_value *find_provider(const struct pb_tf_config *c, const char *key)
{
    const char *colon = strrchr(key, ':');
    PB_AUTO(buf) struct pb_buf up = PB_BUF_INIT;
    const struct pb_value *found = pb_get(c->providers, key);
    const char *dot = NULL;

    if (found || !colon)
        return found;
    for (const char *p = key; p < colon; p++)
        if (pb_starts_with(p, ".module."))
            dot = p;
    if (dot)
        pb_buf_add(&up, key, (size_t)(dot - key));
    pb_buf_adds(&up, dot ? colon : colon + 1);
    return find_provider(c, up.s);
}

bool pb_tf_provider_key(struct pb_buf *out, const struct pb_tf_config *c, const char *key)
{
    const struct pb_value *p = key ? find_provider(c, key) : NULL;
    const char *name = pb_get_str(p, "full_name"), *alias = pb_get_str(p, "alias");
    const char *module = pb_get_str(p, "module_address");

    if (!name)
        return false;
    if (module && *module)
        pb_buf_addf(out, "%s.", module);
    pb_buf_addf(out, "provider[\"%s\"]", name);
    if (alias)
        pb_buf_addf(out, ".%s", alias);
    return true;
}
