/* internal.h: the parameter table behind config.h. */
#ifndef PB_CONFIG_INTERNAL_H
#define PB_CONFIG_INTERNAL_H

#include "config/config.h"

enum pb_param_kind {
    PB_PK_STRING,
    PB_PK_NAME,     /* letters, digits and ._/- */
    PB_PK_PATH,     /* within the repository: relative, without ".." */
    PB_PK_INT,      /* within min..max */
    PB_PK_BOOL,     /* true or false */
    PB_PK_DURATION, /* 90s, 15m, 24h, 7d; in ms */
    PB_PK_STRINGS,  /* list */
    PB_PK_PATHS,    /* list of PB_PK_PATH */
    PB_PK_ASSIGN,   /* map NAME: value, as NAME=VALUE words */
    PB_PK_TREE,     /* any map of maps */
    PB_PK_OBJECT,   /* `fields` in a struct at `offset` */
    PB_PK_OBJECTS   /* list of them: pointer at `offset`, count at `count` */
};

struct pb_param {
    const char *name;
    enum pb_param_kind kind;
    bool required;
    const char *def;     /* as written in the file and shown in the reference; or NULL */
    const char *meaning; /* for people */
    const char *const *values;
    int64_t min, max;
    size_t offset, count;
    const struct pb_param *fields; /* ends with a row without name */
    size_t size;                   /* of one object */
    size_t line;                   /* offset of its line, 0: it has none */
    const char *singular;          /* "unit" */
    /* Of a list of strings: whether those who use it understand it; NULL: any will do. */
    int (*usable)(char *const *list, struct pb_err *err);
};

extern const struct pb_param pb_params[];

#endif
