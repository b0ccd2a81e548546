/*
 * transform.h: the table of transforms. The parser, the pack loader's checks and the
 * table in schemas/observers/README.md come from it.
 */
#ifndef PB_BACKENDS_REST_TRANSFORM_H
#define PB_BACKENDS_REST_TRANSFORM_H

#include "backends/rest/expr.h"

enum {
    PB_TF_TAKES_NULL = 1, /* is called for null; otherwise null stays null */
    PB_TF_EACH = 2        /* of a list, works on each element */
};

struct pb_transform {
    const char *name;
    const char *args; /* for people: "'SEP'" */
    uint8_t min_args, max_args;
    uint8_t flags;
    struct pb_value (*fn)(struct pb_eval *ev, struct pb_value in, const struct pb_value *args,
                          size_t nargs);
    const char *about;
};

extern const struct pb_transform pb_transforms[];
extern const size_t pb_transforms_count;

const struct pb_transform *pb_transform_find(const char *name);
/* The table of schemas/observers/README.md, in Markdown. */
void pb_transforms_markdown(struct pb_buf *out);

/* One transform. Not every one needs all of these. */
#define PB_TRANSFORM(name)                                                           \
    struct pb_value name(PB_UNUSED struct pb_eval *ev, PB_UNUSED struct pb_value in, \
                         PB_UNUSED const struct pb_value *args, PB_UNUSED size_t nargs)

/* "'x' is not a number" as an unknown. */
struct pb_value pb_tf_cannot(struct pb_eval *ev, struct pb_value in, const char *what);

/* transform_text.c */
PB_TRANSFORM(pb_tf_lower);
PB_TRANSFORM(pb_tf_upper);
PB_TRANSFORM(pb_tf_trim);
PB_TRANSFORM(pb_tf_trim_prefix);
PB_TRANSFORM(pb_tf_trim_suffix);
PB_TRANSFORM(pb_tf_prefix);
PB_TRANSFORM(pb_tf_suffix);
PB_TRANSFORM(pb_tf_before);
PB_TRANSFORM(pb_tf_after);
PB_TRANSFORM(pb_tf_before_last);
PB_TRANSFORM(pb_tf_after_last);
PB_TRANSFORM(pb_tf_replace);
PB_TRANSFORM(pb_tf_split);
PB_TRANSFORM(pb_tf_join);
/* transform_code.c */
PB_TRANSFORM(pb_tf_json);
PB_TRANSFORM(pb_tf_from_json);
PB_TRANSFORM(pb_tf_to_json);
PB_TRANSFORM(pb_tf_url_decode);
PB_TRANSFORM(pb_tf_url_encode);
PB_TRANSFORM(pb_tf_base64_decode);
PB_TRANSFORM(pb_tf_base64_encode);
PB_TRANSFORM(pb_tf_base64_sha1);
PB_TRANSFORM(pb_tf_dns_unescape);
PB_TRANSFORM(pb_tf_timestamp);
/* transform_tags.c */
PB_TRANSFORM(pb_tf_tags);
PB_TRANSFORM(pb_tf_own_tags);

#endif
