/*
 * tool.h: which program runs a unit, terraform or tofu, and its version.
 *
 * The version of a program file is remembered by its identity (path, size, times), so that an
 * audit from the cache starts nothing. A script (tfenv, asdf) is asked each time, in the unit's
 * folder, since it may decide by the folder.
 */
#ifndef PB_TERRAFORM_TOOL_H
#define PB_TERRAFORM_TOOL_H

#include "backends/backend.h"
#include "base/digest.h"

struct pb_tf_tool {
    const char *path;
    bool tofu;
    const char *version;    /* "1.11.4" */
    char id[PB_SHA256_HEX]; /* of the program file: where it really is, size, time of writing */
};

int pb_tf_tool_find(struct pb_tf_tool *out, struct pb_arena *a, const struct pb_unit_ctx *u,
                    struct pb_err *err);

/* Whether the version is at least major.minor. */
bool pb_tf_tool_at_least(const struct pb_tf_tool *t, long major, long minor);

#endif
