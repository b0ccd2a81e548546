#include "backends/terraform/seen.h"

#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"

enum { SEEN_MAX = 65536 };

static int path_of(char **out, const char *identity, struct pb_err *err)
{
    PB_AUTO(str) char *state = NULL;
    PB_AUTO(str) char *folder = NULL;
    char hex[PB_SHA256_HEX];

    if (pb_fs_state_dir(&state, err))
        return -1;
    folder = pb_fs_join(state, "seen");
    if (pb_fs_mkdirs(folder, 0700, err))
        return -1;
    pb_sha256_hex_of(hex, identity, strlen(identity));
    *out = pb_asprintf("%s/%s.json", folder, hex);
    return 0;
}

static int write_seen(const char *path, const struct pb_recorded_set *set, struct pb_arena *a,
                      struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    struct pb_map_builder b = PB_BUILDER_INIT;
    struct pb_value v;

    pb_map_add(&b, "lineage", pb_mk_string(a, set->lineage));
    pb_map_add(&b, "serial", pb_mk_int(a, set->serial));
    pb_map_add(&b, "sha256", pb_mk_string(a, set->sha256));
    v = pb_map_done(&b, a);
    pb_json_add(&text, &v);
    return pb_fs_write_atomic(path, text.s, text.len, 0600, err);
}

#define REMEDY "; if that is meant, run 'plumb audit --accept-state'"

static int compare(const struct pb_recorded_set *set, const struct pb_value *last,
                   const char *where, struct pb_diags *diags, struct pb_arena *a,
                   struct pb_err *err)
{
    const char *lineage = pb_get_str(last, "lineage");
    int64_t serial;

    if (!lineage || pb_get_int(&serial, last, "serial"))
        return 0; /* damaged: as if nothing had been seen */
    if (!set->lineage)
        return pb_fail(err, PB_E_REFUSED,
                       "the state '%s' is gone, and plumb has seen it with serial %lld: restore "
                       "it, or correct where the state is" REMEDY,
                       where, (long long)serial);
    if (strcmp(lineage, set->lineage) != 0)
        return pb_fail(err, PB_E_REFUSED,
                       "the state '%s' has lineage '%s' and the last one had '%s': it belongs to "
                       "something else or was started anew" REMEDY,
                       where, set->lineage, lineage);
    if (set->serial < serial)
        return pb_fail(
            err, PB_E_REFUSED,
            "the state '%s' has serial %lld and plumb has seen %lld: it is an older one, "
            "restored or overwritten" REMEDY,
            where, (long long)set->serial, (long long)serial);
    if (set->serial == serial && !pb_streq(pb_get_str(last, "sha256"), set->sha256) && diags)
        pb_diag_add(diags, a, "warning", "state-edited", NULL,
                    "the state '%s' has other content than before under the same serial %lld: "
                    "it was edited or pushed by hand",
                    where, (long long)serial);
    return 0;
}

int pb_tf_seen_check(const struct pb_recorded_set *set, const char *identity, const char *where,
                     bool accept, struct pb_diags *diags, struct pb_arena *a, struct pb_err *err)
{
    PB_AUTO(str) char *path = NULL;
    const struct pb_value *last = NULL;

    if (path_of(&path, identity, err))
        return -1;
    if (pb_json_read(&last, a, path, SEEN_MAX, NULL))
        last = NULL;
    if (last && !accept && compare(set, last, where, diags, a, err))
        return -1;
    if (!set->lineage) {
        if (last)
            unlink(path); /* accepted: there is nothing to compare with any more */
        return 0;
    }
    if (pb_streq(pb_get_str(last, "sha256"), set->sha256))
        return 0;
    return write_seen(path, set, a, err);
}
