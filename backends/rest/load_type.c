/* A type's pack as a whole. */
#include "backends/rest/load.h"
#include "base/text.h"
#include "model/yaml.h"

static const char *const *keys_of(struct pb_load *l, const struct pb_value *map)
{
    const char **names = pb_arena_zalloc(l->a, (pb_len(map) + 1) * sizeof(const char *));
    for (size_t i = 0; i < pb_len(map); i++)
        names[i] = map->members[i].key;
    return names;
}

/* Adds to *used what those in it refer to, and so on. */
static void add_lets_of(const struct pb_pack *p, const uint64_t *uses, uint64_t *used)
{
    for (uint64_t before = 0; before != *used;) {
        before = *used;
        for (size_t i = 0; i < p->nlets; i++)
            if (*used & (UINT64_C(1) << i))
                *used |= uses[i];
    }
}

static int load_lets(struct pb_pack *p, struct pb_load *l, const struct pb_value *map,
                     uint64_t uses[PB_MAX_LETS])
{
    struct pb_param *lets = pb_arena_zalloc(l->a, (pb_len(map) + 1) * sizeof(*lets));
    if (pb_len(map) > PB_MAX_LETS)
        return pb_load_fail(l, map, "more than %d names in 'let'", PB_MAX_LETS);
    size_t mark = pb_load_enter(l, "let");
    l->names.lets = keys_of(l, map);
    p->lets = lets;
    p->nlets = pb_len(map);
    for (size_t i = 0; i < p->nlets; i++) {
        lets[i].name = map->members[i].key;
        size_t inner = pb_load_enter(l, lets[i].name);
        l->names.used_lets = &uses[i];
        if (pb_load_expr(&lets[i].value, l, &map->members[i].value) == -1)
            return -1;
        pb_load_leave(l, inner);
    }
    for (size_t i = 0; i < p->nlets; i++) {
        uint64_t all = uses[i];
        add_lets_of(p, uses, &all);
        if (all & (UINT64_C(1) << i))
            return pb_load_fail(l, &map->members[i].value, "'%s' refers to itself", lets[i].name);
    }
    pb_load_leave(l, mark);
    return 0;
}

/* A name from the record may be shown as live only when the object was found under it. */
static int check_asked(struct pb_pack *p, struct pb_load *l, const struct pb_value *attrs,
                       uint64_t shown, uint64_t asked)
{
    for (size_t i = 0; i < p->nlets; i++)
        if ((shown & ~asked) & (UINT64_C(1) << i))
            return pb_load_fail(l, attrs,
                                "attributes use '%s', which comes from the record, but the "
                                "identity step does not ask for the object by it",
                                p->lets[i].name);
    return 0;
}

static int load_attrs(struct pb_pack *p, struct pb_load *l, const struct pb_value *map,
                      uint64_t asked)
{
    struct pb_attr *attrs = pb_arena_zalloc(l->a, (map->n + 1) * sizeof(*attrs));
    uint64_t shown = 0;
    size_t mark = pb_load_enter(l, "attributes");
    l->names.no_recorded = true;
    l->names.no_account = false;
    l->names.used_account = &p->uses_account;
    l->names.used_lets = &shown;
    for (size_t i = 0; i < map->n; i++) {
        attrs[i].name = map->members[i].key;
        l->names.used_steps = &attrs[i].steps;
        size_t inner = pb_load_enter(l, attrs[i].name);
        if (pb_load_rule(&attrs[i].rule, l, &map->members[i].value) == -1)
            return -1;
        pb_load_leave(l, inner);
    }
    p->attrs = attrs;
    p->nattrs = map->n;
    if (check_asked(p, l, map, shown, asked) == -1)
        return -1;
    pb_load_leave(l, mark);
    return 0;
}

static int check_texts(struct pb_load *l, const struct pb_value *map, const char *key)
{
    size_t mark = pb_load_enter(l, key);
    for (size_t i = 0; i < pb_len(map); i++)
        if (!pb_is(&map->members[i].value, PB_STRING))
            return pb_load_fail(l, &map->members[i].value, "'%s' needs a reason, in words",
                                map->members[i].key);
    pb_load_leave(l, mark);
    return 0;
}

static int check_not_mapped(struct pb_pack *p, struct pb_load *l, const struct pb_value *root,
                            const char *key)
{
    const struct pb_value *map = pb_get(root, key);
    if (check_texts(l, map, key) == -1)
        return -1;
    for (size_t i = 0; i < p->nattrs; i++)
        if (pb_get(map, p->attrs[i].name))
            return pb_load_fail(l, pb_get(map, p->attrs[i].name),
                                "'%s' is in both 'attributes' and '%s'", p->attrs[i].name, key);
    return 0;
}

/* What is not mapped since nobody can see it, and what every type of a provider may have. */
static int load_not_mapped(struct pb_pack *p, struct pb_load *l, const struct pb_value *root)
{
    const struct pb_value *map = pb_get(root, "not_mapped");
    const char **names = pb_arena_zalloc(l->a, (pb_len(map) + 2) * sizeof(*names));
    size_t n = 0;
    names[n++] = "timeouts";
    for (size_t i = 0; i < pb_len(map); i++)
        names[n++] = map->members[i].key;
    p->unseeable = names;
    return check_not_mapped(p, l, root, "not_mapped") == -1
               ? -1
               : check_not_mapped(p, l, root, "left_to_provider");
}

static int load_reads(struct pb_pack *p, struct pb_load *l, const struct pb_value *reads,
                      uint64_t *asked)
{
    size_t mark = pb_load_enter(l, "reads");
    l->names.steps = keys_of(l, reads);
    l->names.no_steps = false;
    l->names.used_lets = asked;
    if (pb_load_steps(p, l, reads) == -1)
        return -1;
    pb_load_leave(l, mark);
    return 0;
}

static int load_type(struct pb_pack *p, struct pb_load *l, const struct pb_value *root)
{
    uint64_t asked = 0, uses[PB_MAX_LETS] = {0};
    if (pb_load_check(l, root, &pb_keys_type) == -1)
        return -1;
    p->type = pb_get_str(root, "type");
    size_t mark = pb_load_enter(l, "service");
    if (!(p->service = pb_load_service(l, pb_get(root, "service"))))
        return -1;
    pb_load_leave(l, mark);
    l->names.settings = l->provider->settings;
    l->names.no_steps = true;
    l->names.no_account = true;
    if (load_lets(p, l, pb_get(root, "let"), uses) == -1 ||
        load_reads(p, l, pb_get(root, "reads"), &asked) == -1)
        return -1;
    add_lets_of(p, uses, &asked);
    if (pb_get(root, "arn")) {
        mark = pb_load_enter(l, "arn");
        if (pb_load_expr(&p->arn, l, pb_get(root, "arn")) == -1)
            return -1;
        pb_load_leave(l, mark);
    }
    p->tables = pb_get(root, "tables");
    return load_attrs(p, l, pb_get(root, "attributes"), asked) == -1 ? -1
                                                                     : load_not_mapped(p, l, root);
}

int pb_pack_load_type(const struct pb_pack **out, struct pb_arena *a,
                      const struct pb_pack_provider *provider, const char *text, size_t n,
                      const char *file, struct pb_err *err)
{
    int rc = -1;
    const struct pb_value *root = NULL;
    struct pb_pack *p = pb_arena_zalloc(a, sizeof(*p));
    struct pb_load l = {
        .a = a, .file = file, .err = err, .provider = provider, .field = PB_BUF_INIT, .line = 1};
    p->file = pb_arena_strdup(a, file);
    p->provider = provider;
    l.file = p->file;
    if (pb_yaml_parse(&root, a, text, n, file, err) == 0 && load_type(p, &l, root) == 0) {
        *out = p;
        rc = 0;
    }
    pb_buf_release(&l.field);
    return rc;
}
