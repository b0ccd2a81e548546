#include "cmd/cmd.h"

#include "base/mem.h"
#include "base/text.h"

#include <string.h>

enum { NAMES_MAX = 64 };

void pb_args_release(struct pb_args *a)
{
    for (size_t i = 0; i < PB_NOPTS; i++)
        pb_strv_release(&a->value[i]);
    pb_strv_release(&a->pos);
}

bool pb_args_has(const struct pb_args *a, enum pb_opt_id id)
{
    return a->count[id] > 0;
}

const char *pb_args_get(const struct pb_args *a, enum pb_opt_id id)
{
    const struct pb_strv *v = &a->value[id];

    return v->n ? v->v[v->n - 1] : NULL;
}

char *const *pb_args_all(const struct pb_args *a, enum pb_opt_id id)
{
    return a->value[id].n ? a->value[id].v : NULL;
}

const char *pb_args_name(const struct pb_args *a, enum pb_opt_id id)
{
    for (const struct pb_opt *o = a->command->opts; o && o->name; o++)
        if (o->id == id)
            return o->name;
    BUG("'%s' has no option %d", a->command->name, (int)id);
}

static const struct pb_opt *find_in(const struct pb_opt *o, const char *name, size_t n, char c)
{
    for (; o && o->name; o++) {
        if (name && strlen(o->name) == n && memcmp(o->name, name, n) == 0)
            return o;
        if (!name && o->short_name == c)
            return o;
    }
    return NULL;
}

static const struct pb_opt *find_opt(const struct pb_command *c, const char *name, size_t n,
                                     char ch)
{
    const struct pb_opt *o = find_in(pb_global_opts, name, n, ch);

    return o || !c ? o : find_in(c->opts, name, n, ch);
}

static const char *nearest_opt(const struct pb_command *c, const char *word)
{
    const char *names[NAMES_MAX];
    size_t n = 0;

    for (const struct pb_opt *o = pb_global_opts; o->name && n < NAMES_MAX; o++)
        names[n++] = o->name;
    for (const struct pb_opt *o = c ? c->opts : NULL; o && o->name && n < NAMES_MAX; o++)
        if (!(o->form & PB_OPT_REFUSED))
            names[n++] = o->name;
    return pb_text_nearest(word, names, n);
}

static int unknown_opt(const struct pb_command *c, const char *arg, size_t n, struct pb_err *err)
{
    PB_AUTO(str) char *word = pb_strndup(arg, n);
    const char *bare = word + strspn(word, "-");
    const char *near = nearest_opt(c, bare);

    /* It may belong to another command, or stand before its own. */
    for (size_t i = 0; !near && !c && i < pb_ncommands; i++)
        if (find_in(pb_commands[i].opts, bare, strlen(bare), 0))
            return pb_fail(err, PB_E_USAGE,
                           "option '%s' belongs to '%s': write it after the command", word,
                           pb_commands[i].name);
    if (near)
        return pb_fail(err, PB_E_USAGE, "unknown option '%s'; did you mean '--%s'?", word, near);
    return pb_fail(err, PB_E_USAGE, "unknown option '%s'; 'plumb %s%s--help' lists the options",
                   word, c ? c->name : "", c ? " " : "");
}

static int check_value(const struct pb_opt *o, const char *value, size_t n, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf all = PB_BUF_INIT;
    PB_AUTO(str) char *word = pb_strndup(value, n);
    const char *near;
    size_t count = 0;

    if (!o->values)
        return 0;
    for (; o->values[count]; count++) {
        if (strcmp(o->values[count], word) == 0)
            return 0;
        pb_buf_addf(&all, "%s%s", count ? ", " : "", o->values[count]);
    }
    near = pb_text_nearest(word, o->values, count);
    if (near)
        return pb_fail(err, PB_E_USAGE, "--%s does not know '%s'; did you mean '%s'? (%s)", o->name,
                       word, near, all.s);
    return pb_fail(err, PB_E_USAGE, "--%s does not know '%s'; there is: %s", o->name, word, all.s);
}

static int take_value(struct pb_args *a, const struct pb_opt *o, const char *value,
                      struct pb_err *err)
{
    const char *p = value;

    if (!*value)
        return pb_fail(err, PB_E_USAGE, "--%s needs a %s, not an empty word", o->name, o->arg);
    if (a->value[o->id].n && !o->repeat)
        return pb_fail(err, PB_E_USAGE, "--%s can be given once", o->name);
    while (o->form & PB_OPT_LIST) {
        size_t n = strcspn(p, ",");

        if (check_value(o, p, n, err) < 0)
            return -1;
        if (!p[n])
            break;
        p += n + 1;
    }
    if (!(o->form & PB_OPT_LIST) && check_value(o, value, strlen(value), err) < 0)
        return -1;
    pb_strv_add(&a->value[o->id], value);
    return 0;
}

/* The last one counts, as with Terraform. */
static int take_switch(struct pb_args *a, const struct pb_opt *o, const char *value,
                       struct pb_err *err)
{
    bool on = !value || strcmp(value, "true") == 0 || strcmp(value, "1") == 0;

    if (!on && strcmp(value, "false") != 0 && strcmp(value, "0") != 0)
        return pb_fail(err, PB_E_USAGE, "--%s takes true or false, not '%s'", o->name, value);
    a->count[o->id] = on;
    pb_strv_add(&a->value[o->id], on ? "true" : "false");
    return 0;
}

static int take(struct pb_args *a, const struct pb_opt *o, const char *value, int *i, int argc,
                char *const *argv, struct pb_err *err)
{
    if (o->form & PB_OPT_REFUSED)
        return pb_fail(err, PB_E_USAGE, "'-%s' is not taken: %s", o->name, o->help);
    if (o->form & PB_OPT_SWITCH)
        return take_switch(a, o, value, err);
    if (value && !o->arg)
        return pb_fail(err, PB_E_USAGE, "--%s takes no value", o->name);
    a->count[o->id]++;
    if (!o->arg)
        return 0;
    if (!value) {
        if (*i + 1 >= argc)
            return pb_fail(err, PB_E_USAGE, "--%s needs a %s", o->name, o->arg);
        value = argv[++*i];
    }
    return take_value(a, o, value, err);
}

/* An option of more than one letter behind one dash. NULL: a short one, with its value perhaps. */
static const struct pb_opt *find_dash(const struct pb_args *a, const char *name, size_t n)
{
    const struct pb_opt *o = n > 1 ? find_opt(a->command, name, n, 0) : NULL;

    return o && (o->form & (PB_OPT_DASH | PB_OPT_REFUSED)) ? o : NULL;
}

/* "-tagret=x" is no target of the name "agret=x". */
static bool is_misspelt(const struct pb_args *a, const char *name, size_t n)
{
    PB_AUTO(str) char *word = pb_strndup(name, n);

    return n > 2 && name[n] == '=' && strspn(word, "abcdefghijklmnopqrstuvwxyz-") == n &&
           nearest_opt(a->command, word);
}

/* Parses argv[*i], which starts with '-'; moves *i past a value in a word of its own. */
static int take_opt(struct pb_args *a, int *i, int argc, char *const *argv, struct pb_err *err)
{
    const char *arg = argv[*i], *name = arg + (arg[1] == '-' ? 2 : 1), *value = NULL;
    size_t n = strcspn(name, "=");
    const struct pb_opt *o =
        arg[1] == '-' ? find_opt(a->command, name, n, 0) : find_dash(a, name, n);

    if (o || arg[1] == '-') {
        if (!o)
            return unknown_opt(a->command, arg, n + 2, err);
        return take(a, o, name[n] ? name + n + 1 : NULL, i, argc, argv, err);
    }
    o = find_opt(a->command, NULL, 0, arg[1]);
    if (!o || is_misspelt(a, name, n))
        return unknown_opt(a->command, arg, o ? n + 1 : strlen(arg), err);
    if (arg[2] && !o->arg)
        return pb_fail(err, PB_E_USAGE, "-%c takes no value: write '-%c -%c'", arg[1], arg[1],
                       arg[2]);
    if (arg[2])
        value = arg + 2;
    return take(a, o, value, i, argc, argv, err);
}

static int take_command(struct pb_args *a, const char *name, struct pb_err *err)
{
    const char *names[NAMES_MAX], *near;

    a->command = pb_command_find(name);
    if (a->command)
        return 0;
    for (size_t i = 0; i < pb_ncommands && i < NAMES_MAX; i++)
        names[i] = pb_commands[i].name;
    near = pb_text_nearest(name, names, pb_ncommands < NAMES_MAX ? pb_ncommands : NAMES_MAX);
    if (near)
        return pb_fail(err, PB_E_USAGE, "unknown command '%s'; did you mean '%s'?", name, near);
    return pb_fail(err, PB_E_USAGE, "unknown command '%s'; 'plumb help' lists the commands", name);
}

static int check_pos(const struct pb_args *a, struct pb_err *err)
{
    const struct pb_command *c = a->command;
    const struct pb_opt *o;

    if (!c || pb_args_has(a, PB_O_HELP) || pb_args_has(a, PB_O_VERSION))
        return 0;
    if (a->pos.n < (size_t)c->min_pos)
        return pb_fail(err, PB_E_USAGE, "'%s' needs more: plumb %s %s", c->name, c->name, c->usage);
    if (c->max_pos == PB_POS_ALL)
        return 0;
    if (a->pos.n > (size_t)c->max_pos && (o = find_in(c->opts, "PLANFILE", 8, 0)))
        return pb_fail(err, PB_E_USAGE, "'%s' is not taken: %s", a->pos.v[c->max_pos], o->help);
    if (a->pos.n > (size_t)c->max_pos)
        return pb_fail(err, PB_E_USAGE, "'%s' does not take '%s': plumb %s %s", c->name,
                       a->pos.v[c->max_pos], c->name, c->usage);
    return 0;
}

int pb_args_parse(struct pb_args *out, int argc, char *const *argv, struct pb_err *err)
{
    bool only_words = false;

    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        int rc = 0;

        if (out->command && out->command->max_pos == PB_POS_ALL)
            pb_strv_add(&out->pos, arg);
        else if (!only_words && strcmp(arg, "--") == 0)
            only_words = true;
        else if (!only_words && arg[0] == '-' && arg[1])
            rc = take_opt(out, &i, argc, argv, err);
        else if (!out->command)
            rc = take_command(out, arg, err);
        else
            pb_strv_add(&out->pos, arg);
        if (rc < 0)
            return -1;
    }
    return check_pos(out, err);
}
