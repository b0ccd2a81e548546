/*
 * value.h: the one value model for declared, recorded and live attributes, for plans,
 * states, API replies, packs and configuration.
 *
 * Values are immutable, live in an arena and may share parts. Maps are sorted by key
 * (bytewise) and have no duplicate keys. Numbers keep the digits they came with, so
 * nothing is lost above 2^53; compare them with pb_number_cmp(). Sets are lists: only a
 * type (schema.h) knows that order does not matter.
 *
 * PB_UNKNOWN means "not known" (known after apply, or could not be observed) and is
 * neither null nor absent. PB_SEALED stands for a secret that was stored: the hex
 * HMAC-SHA-256 of its canonical JSON under the local key; it equals the plain value that
 * seals to the same digest (seal.h).
 *
 * NULL as `const struct pb_value *` means "absent" throughout.
 */
#ifndef PB_MODEL_VALUE_H
#define PB_MODEL_VALUE_H

#include "base/arena.h"
#include "base/buf.h"

enum pb_kind { PB_NULL = 0, PB_BOOL, PB_NUMBER, PB_STRING, PB_LIST, PB_MAP, PB_UNKNOWN, PB_SEALED };

enum { PB_V_SENSITIVE = 1 }; /* never printed, stored or hashed without a key */

struct pb_member;

struct pb_value {
    uint8_t kind;  /* enum pb_kind */
    uint8_t flags; /* PB_V_* */
    uint16_t line; /* where it stood in a YAML file (clamped), 0 when not from one */
    uint32_t n;    /* bytes of a string or number, items, members */
    union {
        bool b;
        /* NUL-terminated: PB_STRING, PB_NUMBER, PB_SEALED, and the reason of PB_UNKNOWN
         * (may be NULL). */
        const char *s;
        const struct pb_value *items;
        const struct pb_member *members;
    };
};

struct pb_member {
    const char *key;
    struct pb_value value;
};

extern const struct pb_value pb_null;
extern const struct pb_value pb_true;
extern const struct pb_value pb_false;
extern const struct pb_value pb_unknown; /* no reason given */
extern const struct pb_value pb_empty_list;
extern const struct pb_value pb_empty_map;

/* Making. Strings are copied into the arena. */
struct pb_value pb_mk_string(struct pb_arena *a, const char *s);
struct pb_value pb_mk_stringn(struct pb_arena *a, const char *s, size_t n);
struct pb_value pb_mk_number(struct pb_arena *a, const char *digits);
struct pb_value pb_mk_int(struct pb_arena *a, int64_t n);
struct pb_value pb_mk_unknown(struct pb_arena *a, const char *reason);
const struct pb_value *pb_box(struct pb_arena *a, struct pb_value v); /* on the arena */

/* Building lists and maps: temporary memory on the heap until done. */
struct pb_list_builder {
    struct pb_value *v;
    size_t n, cap;
};
struct pb_map_builder {
    struct pb_member *v;
    size_t n, cap;
};
#define PB_BUILDER_INIT \
    {                   \
        NULL, 0, 0      \
    }
void pb_list_add(struct pb_list_builder *b, struct pb_value v);
struct pb_value pb_list_done(struct pb_list_builder *b, struct pb_arena *a); /* releases b */
/* The key must live as long as the arena (intern it). A key that is already there is
 * replaced when done. */
void pb_map_add(struct pb_map_builder *b, const char *key, struct pb_value v);
struct pb_value pb_map_done(struct pb_map_builder *b, struct pb_arena *a); /* releases b */
void pb_list_builder_release(struct pb_list_builder *b);                   /* only when not done */
void pb_map_builder_release(struct pb_map_builder *b);

/* Asking. All accept NULL (absent) and wrong kinds, and then answer NULL, false or 0. */
bool pb_is(const struct pb_value *v, enum pb_kind kind);
bool pb_is_nullish(const struct pb_value *v); /* absent or null */
const struct pb_value *pb_get(const struct pb_value *map, const char *key);
const struct pb_value *pb_at(const struct pb_value *list, size_t i);
const char *pb_str(const struct pb_value *v); /* of PB_STRING, else NULL */
const char *pb_get_str(const struct pb_value *map, const char *key);
bool pb_get_bool(const struct pb_value *map, const char *key, bool otherwise);
int pb_get_int(int64_t *out, const struct pb_value *map,
               const char *key);         /* -1: not there or no int64 */
size_t pb_len(const struct pb_value *v); /* items or members */
const char *pb_kind_name(enum pb_kind kind);

/* "a.b[0].c" through maps and lists; NULL when not there. */
const struct pb_value *pb_walk(const struct pb_value *v, const char *path);

/* Exact structural equality; numbers by value; unknown equals nothing, not even itself. */
bool pb_value_equal(const struct pb_value *a, const struct pb_value *b);
/* A total order for sorting (kinds first), consistent with pb_value_equal for known values. */
int pb_value_cmp(const struct pb_value *a, const struct pb_value *b);
/* Decimal comparison without loss: "1e2" equals "100.0". Both must be valid JSON numbers. */
int pb_number_cmp(const char *a, const char *b);

bool pb_has_unknown(const struct pb_value *v); /* anywhere inside */

/* A deep copy into another arena, strings interned. */
struct pb_value pb_value_copy(struct pb_arena *a, const struct pb_value *v);

/* Copies of `v` with Terraform's parallel trees applied. `mask` is true, false, or a tree
 * of them (plan JSON: after_sensitive, before_sensitive). */
struct pb_value pb_mark_sensitive(struct pb_arena *a, const struct pb_value *v,
                                  const struct pb_value *mask);
/* Puts PB_UNKNOWN where `mask` (after_unknown) is true, including where v has no member. */
struct pb_value pb_mark_unknown(struct pb_arena *a, const struct pb_value *v,
                                const struct pb_value *mask);

#endif
