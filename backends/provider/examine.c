/* Whether the plugins that the lock file means are here: for doctor, nothing is started. */
#include "backends/provider/examine.h"

#include <string.h>

#include "backends/provider/install.h"
#include "base/text.h"

static bool is_builtin(const char *source)
{
    return !source || pb_starts_with(source, "terraform.io/builtin/");
}

static bool was_asked(const struct pb_observe_request *rq, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (pb_streq(rq->providers[k].source, rq->providers[i].source))
            return true;
    return false;
}

static void examine_one(struct pb_diags *out, struct pb_arena *a,
                        const struct pb_provider_config *p, const struct pb_plugin_site *site)
{
    struct pb_install_query q = {.source = p->source,
                                 .version = p->version,
                                 .hashes = p->hashes,
                                 .dirs = site->dirs,
                                 .cache_dir = site->cache_dir};
    struct pb_err err = PB_ERR_INIT;
    struct pb_install found;
    bool foreign;

    if (pb_install_find(&found, a, &q, &err) == 0) {
        pb_diag_add(out, a, "notice", "plugin", p->source, "%s, the one that is locked: %s",
                    p->version, found.path);
        return;
    }
    /* Packs still read what they cover; another program than the locked one is no detail. */
    foreign = err.cls == PB_E_REFUSED && pb_install_can_check(p->hashes);
    pb_diag_add(out, a, foreign ? "error" : "warning", "plugin", NULL, "%s", err.msg);
}

void pb_provider_examine(struct pb_diags *out, struct pb_arena *a,
                         const struct pb_observe_request *rq)
{
    for (size_t i = 0; rq->plugins && i < rq->nproviders; i++)
        if (!is_builtin(rq->providers[i].source) && !was_asked(rq, i))
            examine_one(out, a, &rq->providers[i], rq->plugins);
}
