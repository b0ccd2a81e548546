#include "cmd/plan_options.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PARALLEL_MAX = 1000 };
#define DURATION_MAX ((double)7 * 86400000)

int pb_cmd_duration(long *out, const char *text)
{
    static const struct {
        const char *name;
        double ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    double sum = 0;
    size_t i;

    if (strcmp(text, "0") != 0 && !*text)
        return -1;
    while (*text && strcmp(text, "0") != 0) {
        size_t digits = strspn(text, "0123456789.");
        PB_AUTO(str) char *number = pb_strndup(text, digits), *unit = NULL;
        size_t letters = strspn(text + digits, "hms");
        char *end;
        double n = strtod(number, &end);

        unit = pb_strndup(text + digits, letters);
        for (i = 0; i < PB_COUNT(units) && strcmp(units[i].name, unit) != 0; i++)
            ;
        if (!digits || *end || i == PB_COUNT(units))
            return -1;
        sum += n * units[i].ms;
        text += digits + letters;
    }
    if (sum > DURATION_MAX)
        return -1;
    *out = (long)sum;
    return 0;
}

static int parallelism(int *out, const char *text, struct pb_err *err)
{
    char *end;
    long n;

    if (!text)
        return 0;
    errno = 0;
    n = strtol(text, &end, 10);
    if (*end || errno || n < 1 || n > PARALLEL_MAX)
        return pb_fail(err, PB_E_USAGE, "--parallelism takes a number from 1 to %d, not '%s'",
                       (int)PARALLEL_MAX, text);
    *out = (int)n;
    return 0;
}

static int var_files(struct pb_strv *out, char *const *names, struct pb_err *err)
{
    for (; names && *names; names++) {
        PB_AUTO(str) char *path = realpath(*names, NULL);

        if (!path)
            return pb_fail_errno(err, PB_E_USAGE, "the variable file '%s' cannot be read", *names);
        pb_strv_add(out, path);
    }
    return 0;
}

/* A secret may stand where the name should be, so nothing of it is repeated. */
static int check_vars(char *const *vars, struct pb_err *err)
{
    for (; vars && *vars; vars++) {
        size_t n = strcspn(*vars, "=");

        if (!n || !(*vars)[n])
            return pb_fail(err, PB_E_USAGE, "--var takes NAME=VALUE, and one of them has no %s",
                           n ? "'='" : "name");
    }
    return 0;
}

int pb_cmd_plan_options(struct pb_cmd_plan_options *out, const struct pb_args *args,
                        struct pb_err *err)
{
    const char *refresh = pb_args_get(args, PB_O_REFRESH);
    const char *timeout = pb_args_get(args, PB_O_LOCK_TIMEOUT);
    struct pb_plan_options *p = &out->plan;

    memset(out, 0, sizeof(*out));
    p->vars = pb_args_all(args, PB_O_VAR);
    p->targets = pb_args_all(args, PB_O_TARGET);
    p->replace = pb_args_all(args, PB_O_REPLACE);
    p->destroy = pb_args_has(args, PB_O_DESTROY);
    out->believe_state = refresh && strcmp(refresh, "false") == 0;
    if (check_vars(p->vars, err) < 0 ||
        parallelism(&p->parallelism, pb_args_get(args, PB_O_PARALLELISM), err) < 0 ||
        var_files(&out->var_files, pb_args_all(args, PB_O_VAR_FILE), err) < 0)
        return -1;
    if (timeout && pb_cmd_duration(&p->lock_timeout_ms, timeout) < 0)
        return pb_fail(err, PB_E_USAGE,
                       "--lock-timeout takes a time such as 30s or 5m, a week at most, not '%s'",
                       timeout);
    p->var_files = out->var_files.n ? out->var_files.v : NULL;
    out->adds = p->vars || p->var_files || p->targets || p->replace || p->destroy;
    return 0;
}

void pb_cmd_plan_options_release(struct pb_cmd_plan_options *p)
{
    pb_strv_release(&p->var_files);
}

void pb_cmd_plan_into(struct pb_audit_options *o, const struct pb_cmd_plan_options *p)
{
    o->all = true; /* an apply does not ask what an audit ignores */
    o->as_applied = !p->believe_state;
    o->plan = &p->plan;
    o->targets = NULL; /* those of the plan: the gate sees the whole unit */
    o->one = p->adds;
}
