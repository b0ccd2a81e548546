/* The table of transforms, and those about values and lists; transform_text.c has the rest. */
#include "backends/rest/transform.h"

#include <inttypes.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"
#include "model/number.h"

static struct pb_value mk_bool(bool b)
{
    return b ? pb_true : pb_false;
}

struct pb_value pb_tf_cannot(struct pb_eval *ev, struct pb_value in, const char *what)
{
    const char *text = pb_scalar_text(ev->a, &in);
    return pb_mk_unknown(ev->a, pb_arena_printf(ev->a, "%s%.60s%s is not %s", text ? "'" : "a ",
                                                text ? text : pb_kind_name(in.kind),
                                                text ? "'" : "", what));
}

static bool same_text(struct pb_eval *ev, const struct pb_value *a, const struct pb_value *b)
{
    if (a->kind == PB_NULL || b->kind == PB_NULL)
        return a->kind == b->kind;
    const char *x = pb_scalar_text(ev->a, a), *y = pb_scalar_text(ev->a, b);
    return x && y ? strcmp(x, y) == 0 : pb_value_equal(a, b);
}

static bool one_of(struct pb_eval *ev, const struct pb_value *in, const struct pb_value *args,
                   size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (same_text(ev, in, &args[i]))
            return true;
    return false;
}

/* ---- types and conditions ---- */

static PB_TRANSFORM(to_bool)
{
    const char *s = pb_scalar_text(ev->a, &in);
    if (s && (strcmp(s, "true") == 0 || strcmp(s, "1") == 0 || strcmp(s, "True") == 0))
        return pb_true;
    if (s && (strcmp(s, "false") == 0 || strcmp(s, "0") == 0 || strcmp(s, "False") == 0))
        return pb_false;
    return pb_tf_cannot(ev, in, "a boolean");
}

static PB_TRANSFORM(to_number)
{
    if (in.kind == PB_NUMBER)
        return in;
    const char *s = pb_str(&in);
    return s && pb_number_valid(s, strlen(s)) ? pb_mk_number(ev->a, s)
                                              : pb_tf_cannot(ev, in, "a number");
}

static PB_TRANSFORM(to_string)
{
    const char *s = pb_scalar_text(ev->a, &in);
    return s ? pb_mk_string(ev->a, s) : pb_tf_cannot(ev, in, "a text");
}

static PB_TRANSFORM(tf_default)
{
    return in.kind == PB_NULL ? args[0] : in;
}

static PB_TRANSFORM(tf_null_if)
{
    return one_of(ev, &in, args, nargs) ? pb_null : in;
}

static PB_TRANSFORM(tf_eq)
{
    return mk_bool(one_of(ev, &in, args, nargs));
}

static PB_TRANSFORM(tf_ne)
{
    return mk_bool(!one_of(ev, &in, args, nargs));
}

static bool empty(const struct pb_value *v)
{
    switch (v->kind) {
    case PB_NULL: return true;
    case PB_STRING:
    case PB_LIST:
    case PB_MAP: return v->n == 0;
    default: return false;
    }
}

static PB_TRANSFORM(tf_present)
{
    return mk_bool(!empty(&in));
}

static PB_TRANSFORM(tf_absent)
{
    return mk_bool(empty(&in));
}

static PB_TRANSFORM(tf_not)
{
    struct pb_value b = in.kind == PB_NULL ? pb_false : to_bool(ev, in, args, nargs);
    return b.kind == PB_BOOL ? mk_bool(!b.b) : b;
}

static PB_TRANSFORM(tf_starts)
{
    const char *s = pb_scalar_text(ev->a, &in), *p = pb_scalar_text(ev->a, &args[0]);
    return mk_bool(s && p && pb_starts_with(s, p));
}

static PB_TRANSFORM(tf_contains)
{
    if (in.kind == PB_LIST) {
        for (size_t i = 0; i < in.n; i++)
            if (same_text(ev, &in.items[i], &args[0]))
                return pb_true;
        return pb_false;
    }
    const char *s = pb_scalar_text(ev->a, &in), *p = pb_scalar_text(ev->a, &args[0]);
    return mk_bool(s && p && strstr(s, p));
}

/* ---- numbers ---- */

static struct pb_value scale(struct pb_eval *ev, struct pb_value in, const struct pb_value *by,
                             bool divide)
{
    struct pb_value n = to_number(ev, in, NULL, 0);
    const char *f = pb_scalar_text(ev->a, by);
    char *end = NULL, *end2 = NULL;
    if (n.kind != PB_NUMBER || !f)
        return pb_tf_cannot(ev, in, "a number");
    long long a = strtoll(n.s, &end, 10), b = strtoll(f, &end2, 10), r = 0;
    if (*end || *end2 || b == 0)
        return pb_tf_cannot(ev, in, "a whole number");
    if (divide && a % b != 0) {
        char digits[64];
        snprintf(digits, sizeof(digits), "%.15g", (double)a / (double)b);
        return pb_mk_number(ev->a, digits);
    }
    if (divide)
        r = a / b;
    else if (__builtin_mul_overflow(a, b, &r))
        return pb_tf_cannot(ev, in, "a number that can be multiplied");
    return pb_mk_int(ev->a, r);
}

static PB_TRANSFORM(tf_div)
{
    return scale(ev, in, &args[0], true);
}

static PB_TRANSFORM(tf_mul)
{
    return scale(ev, in, &args[0], false);
}

/* ---- lists and maps ---- */

static PB_TRANSFORM(tf_list)
{
    if (in.kind == PB_LIST)
        return in;
    if (in.kind == PB_NULL)
        return pb_empty_list;
    struct pb_list_builder b = PB_BUILDER_INIT;
    pb_list_add(&b, in);
    return pb_list_done(&b, ev->a);
}

static PB_TRANSFORM(tf_nth)
{
    const char *s = pb_scalar_text(ev->a, &args[0]);
    long i = s ? strtol(s, NULL, 10) : 0;
    if (in.kind != PB_LIST)
        return i == 0 || i == -1 ? in : pb_null;
    if (i < 0)
        i += (long)in.n;
    return i < 0 || i >= (long)in.n ? pb_null : in.items[i];
}

static PB_TRANSFORM(tf_first)
{
    if (in.kind != PB_LIST)
        return in;
    return in.n ? in.items[0] : pb_null;
}

static PB_TRANSFORM(tf_length)
{
    if (in.kind == PB_NULL)
        return pb_mk_int(ev->a, 0);
    return pb_mk_int(ev->a, in.kind == PB_LIST || in.kind == PB_MAP ? (int64_t)in.n : 1);
}

static PB_TRANSFORM(tf_get)
{
    const char *name = pb_scalar_text(ev->a, &args[0]);
    struct pb_seg seg = {.kind = PB_SEG_MEMBER, .name = name ? name : ""};
    return pb_segs_walk(ev->a, in, &seg, 1);
}

static int by_value(const void *x, const void *y)
{
    const struct pb_value *a = x, *b = y;
    return pb_value_cmp(a, b);
}

static PB_TRANSFORM(tf_sort)
{
    if (in.kind != PB_LIST || in.n < 2)
        return in;
    struct pb_value *v = pb_arena_alloc(ev->a, in.n * sizeof(*v));
    memcpy(v, in.items, in.n * sizeof(*v));
    qsort(v, in.n, sizeof(*v), by_value);
    in.items = v;
    return in;
}

static PB_TRANSFORM(tf_unique)
{
    if (in.kind != PB_LIST)
        return in;
    in = tf_sort(ev, in, args, nargs);
    struct pb_list_builder b = PB_BUILDER_INIT;
    for (size_t i = 0; i < in.n; i++)
        if (i == 0 || !pb_value_equal(&in.items[i - 1], &in.items[i]))
            pb_list_add(&b, in.items[i]);
    return pb_list_done(&b, ev->a);
}

static PB_TRANSFORM(tf_keys)
{
    if (in.kind != PB_MAP)
        return pb_tf_cannot(ev, in, "a map");
    struct pb_list_builder b = PB_BUILDER_INIT;
    for (size_t i = 0; i < in.n; i++)
        pb_list_add(&b, pb_mk_string(ev->a, in.members[i].key));
    return pb_list_done(&b, ev->a);
}

static PB_TRANSFORM(tf_entries)
{
    if (in.kind != PB_MAP)
        return pb_tf_cannot(ev, in, "a map");
    struct pb_list_builder b = PB_BUILDER_INIT;
    for (size_t i = 0; i < in.n; i++) {
        struct pb_map_builder m = PB_BUILDER_INIT;
        pb_map_add(&m, "key", pb_mk_string(ev->a, in.members[i].key));
        pb_map_add(&m, "value", in.members[i].value);
        pb_list_add(&b, pb_map_done(&m, ev->a));
    }
    return pb_list_done(&b, ev->a);
}

static PB_TRANSFORM(tf_map)
{
    const char *k = pb_scalar_text(ev->a, &args[0]), *v = pb_scalar_text(ev->a, &args[1]);
    in = tf_list(ev, in, NULL, 0);
    struct pb_map_builder m = PB_BUILDER_INIT;
    for (size_t i = 0; i < in.n; i++) {
        const char *key = pb_scalar_text(ev->a, pb_get(&in.items[i], k ? k : ""));
        const struct pb_value *value = pb_get(&in.items[i], v ? v : "");
        if (key)
            pb_map_add(&m, pb_arena_intern(ev->a, key, strlen(key)), value ? *value : pb_null);
    }
    return pb_map_done(&m, ev->a);
}

static bool holds(const struct pb_value *list, const struct pb_value *item)
{
    for (size_t i = 0; i < list->n; i++)
        if (pb_value_equal(&list->items[i], item))
            return true;
    return false;
}

/* Which part of a shared list belongs to this resource: the elements that the record has. */
static PB_TRANSFORM(tf_keep_recorded)
{
    const char *path = pb_scalar_text(ev->a, &args[0]);
    const struct pb_value *rec = ev->recorded && path ? pb_walk(ev->recorded, path) : NULL;
    in = tf_list(ev, in, NULL, 0);
    struct pb_list_builder b = PB_BUILDER_INIT;
    struct pb_value want = rec ? tf_list(ev, *rec, NULL, 0) : pb_empty_list;
    for (size_t i = 0; i < want.n; i++)
        if (holds(&in, &want.items[i]))
            pb_list_add(&b, want.items[i]);
    return pb_list_done(&b, ev->a);
}

static PB_TRANSFORM(tf_lookup)
{
    const char *name = pb_scalar_text(ev->a, &args[0]), *key = pb_scalar_text(ev->a, &in);
    for (size_t i = 0; i < PB_COUNT(ev->tables); i++) {
        const struct pb_value *table = name ? pb_get(ev->tables[i], name) : NULL;
        if (!table)
            continue;
        const struct pb_value *hit = key ? pb_get(table, key) : NULL;
        if (hit)
            return *hit;
        return nargs > 1 ? args[1] : in;
    }
    return in;
}

#define NULLS PB_TF_TAKES_NULL
#define EACH  PB_TF_EACH

const struct pb_transform pb_transforms[] = {
    {"bool", "", 0, 0, EACH, to_bool, "the text `true` or `false` (or 1, 0) as a boolean"},
    {"number", "", 0, 0, EACH, to_number, "text as a number, digits kept"},
    {"string", "", 0, 0, EACH, to_string, "a number or boolean as text"},
    {"default", "VALUE", 1, 1, NULLS, tf_default, "VALUE in place of null"},
    {"null_if", "VALUE...", 1, 8, 0, tf_null_if, "null in place of any of these"},
    {"eq", "VALUE...", 1, 8, NULLS, tf_eq, "whether it is any of these, as text; null is not"},
    {"ne", "VALUE...", 1, 8, NULLS, tf_ne, "whether it is none of these"},
    {"present", "", 0, 0, NULLS, tf_present, "whether it is neither null, '' nor empty"},
    {"absent", "", 0, 0, NULLS, tf_absent, "the opposite of `present`"},
    {"not", "", 0, 0, NULLS, tf_not, "the opposite; of null: true"},
    {"starts_with", "'TEXT'", 1, 1, NULLS, tf_starts, "whether the text starts so"},
    {"contains", "VALUE", 1, 1, NULLS, tf_contains, "whether the text or list contains it"},
    {"div", "N", 1, 1, EACH, tf_div, "divided by N"},
    {"mul", "N", 1, 1, EACH, tf_mul, "times N"},
    {"list", "", 0, 0, NULLS, tf_list, "a list: of one when it was no list; null is `[]`"},
    {"nth", "N", 1, 1, 0, tf_nth, "one element; negative from the end; null when not there"},
    {"first", "", 0, 0, 0, tf_first, "the first element, or null"},
    {"length", "", 0, 0, NULLS, tf_length, "how many; null has none"},
    {"get", "NAME", 1, 1, 0, tf_get, "a member"},
    {"sort", "", 0, 0, 0, tf_sort, "sorted"},
    {"unique", "", 0, 0, 0, tf_unique, "sorted, without duplicates"},
    {"keys", "", 0, 0, 0, tf_keys, "the names of a map's members"},
    {"entries", "", 0, 0, 0, tf_entries, "a map as a list of {key, value}"},
    {"map", "KEY VALUE", 2, 2, NULLS, tf_map, "a list of objects as a map, by two members"},
    {"lookup", "TABLE [VALUE]", 1, 2, 0, tf_lookup,
     "what `tables` has for it; otherwise VALUE, or itself"},
    {"keep_recorded", "PATH", 1, 1, NULLS, tf_keep_recorded,
     "those elements that the record has at PATH, in its order: the part of a shared list "
     "that is this resource's"},
    {"tags", "[KEY VALUE]", 0, 2, NULLS, pb_tf_tags,
     "tags as a map, from a map or a list of key/value objects, without the provider's "
     "`drop_prefixes` and ignored keys"},
    {"own_tags", "", 0, 0, NULLS, pb_tf_own_tags,
     "without the provider's default tags, unless the record has them too"},
    {"lower", "", 0, 0, EACH, pb_tf_lower, "lower case"},
    {"upper", "", 0, 0, EACH, pb_tf_upper, "upper case"},
    {"trim", "", 0, 0, EACH, pb_tf_trim, "without space around"},
    {"trim_prefix", "'TEXT'", 1, 1, EACH, pb_tf_trim_prefix, "without TEXT in front"},
    {"trim_suffix", "'TEXT'", 1, 1, EACH, pb_tf_trim_suffix, "without TEXT at the end"},
    {"prefix", "'TEXT'", 1, 1, EACH, pb_tf_prefix, "with TEXT in front"},
    {"suffix", "'TEXT'", 1, 1, EACH, pb_tf_suffix, "with TEXT at the end"},
    {"before", "'TEXT'", 1, 1, EACH, pb_tf_before, "up to the first TEXT; all when there is none"},
    {"after", "'TEXT'", 1, 1, EACH, pb_tf_after, "behind the first TEXT; null when there is none"},
    {"before_last", "'TEXT'", 1, 1, EACH, pb_tf_before_last, "up to the last TEXT"},
    {"after_last", "'TEXT'", 1, 1, EACH, pb_tf_after_last,
     "behind the last TEXT; all when there is none"},
    {"replace", "'FROM' 'TO'", 2, 2, EACH, pb_tf_replace, "every FROM as TO"},
    {"split", "'SEP'", 1, 1, 0, pb_tf_split, "a list of parts; '' is an empty list"},
    {"join", "'SEP'", 1, 1, 0, pb_tf_join, "a list as one text"},
    {"json", "", 0, 0, EACH, pb_tf_json, "JSON text without spaces, keys sorted"},
    {"from_json", "", 0, 0, EACH, pb_tf_from_json, "JSON text as a value"},
    {"to_json", "", 0, 0, 0, pb_tf_to_json, "a value as JSON text"},
    {"url_decode", "", 0, 0, EACH, pb_tf_url_decode, "%2F as /"},
    {"url_encode", "", 0, 0, EACH, pb_tf_url_encode, "/ as %2F"},
    {"base64_decode", "", 0, 0, EACH, pb_tf_base64_decode, "as text"},
    {"base64_sha1", "", 0, 0, EACH, pb_tf_base64_sha1, "SHA-1 in hexadecimal of the decoded bytes"},
    {"base64_encode", "", 0, 0, EACH, pb_tf_base64_encode, "of text"},
    {"dns_unescape", "", 0, 0, EACH, pb_tf_dns_unescape, "\\052 as *"},
    {"timestamp", "", 0, 0, EACH, pb_tf_timestamp,
     "RFC 3339 in UTC without fractions, from that or from seconds since 1970"},
};
const size_t pb_transforms_count = PB_COUNT(pb_transforms);

const struct pb_transform *pb_transform_find(const char *name)
{
    for (size_t i = 0; i < pb_transforms_count; i++)
        if (strcmp(pb_transforms[i].name, name) == 0)
            return &pb_transforms[i];
    return NULL;
}

void pb_transforms_markdown(struct pb_buf *out)
{
    pb_buf_adds(out, "| Transform | Gives |\n|---|---|\n");
    for (size_t i = 0; i < pb_transforms_count; i++) {
        const struct pb_transform *t = &pb_transforms[i];
        pb_buf_addf(out, "| `%s%s%s` | %s%s |\n", t->name, *t->args ? " " : "", t->args, t->about,
                    t->flags & PB_TF_EACH ? "; of a list, each" : "");
    }
}
