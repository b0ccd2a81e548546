#include "cmd/cmd.h"

#include "base/text.h"

#include <string.h>

static void add_words(struct pb_buf *b, const struct pb_opt *o)
{
    for (; o && o->name; o++) {
        if (o->form & PB_OPT_REFUSED)
            continue;
        pb_buf_addf(b, " --%s", o->name);
        if (o->form & PB_OPT_DASH)
            pb_buf_addf(b, " -%s", o->name);
        if (o->short_name)
            pb_buf_addf(b, " -%c", o->short_name);
    }
}

static void add_values(struct pb_buf *b, const char *const *v)
{
    for (size_t i = 0; v && v[i]; i++)
        pb_buf_addf(b, "%s%s", i ? " " : "", v[i]);
}

static bool takes_file(const struct pb_opt *o)
{
    return o->arg && (strcmp(o->arg, "FILE") == 0 || strcmp(o->arg, "DIR") == 0);
}

/* Words that are looked up are so in quotes: names of branches are no program. */
static void bash_words(struct pb_buf *b, const struct pb_opt *o)
{
    if (strcmp(o->arg, "REV") == 0)
        pb_buf_adds(b, "$(git for-each-ref \"--format=%(refname:short)\" 2>/dev/null)");
    else
        add_values(b, o->values);
}

/* case arms for options whose value is known; `command|` in front of the previous word. */
static void bash_values(struct pb_buf *b, const char *command, const struct pb_opt *o)
{
    for (; o && o->name; o++) {
        if (!o->arg)
            continue;
        pb_buf_addf(b, "    %s:--%s", command, o->name);
        if (o->form & PB_OPT_DASH)
            pb_buf_addf(b, "|%s:-%s", command, o->name);
        if (o->short_name)
            pb_buf_addf(b, "|%s:-%c", command, o->short_name);
        if (takes_file(o)) {
            pb_buf_addf(b, ") COMPREPLY=($(compgen -%c -- \"$cur\")); return ;;\n",
                        o->arg[0] == 'D' ? 'd' : 'f');
            continue;
        }
        pb_buf_adds(b, o->form & PB_OPT_LIST
                           ? ") COMPREPLY=($(compgen -P \"${cur%\"${cur##*,}\"}\" -W '"
                           : ") COMPREPLY=($(compgen -W '");
        bash_words(b, o);
        pb_buf_adds(b, o->form & PB_OPT_LIST ? "' -- \"${cur##*,}\")); return ;;\n"
                                             : "' -- \"$cur\")); return ;;\n");
    }
}

static void bash(struct pb_buf *b)
{
    pb_buf_adds(b, "# bash completion for plumb\n_plumb() {\n"
                   "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}"
                   " cmd= words= i\n"
                   "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
                   "    case ${COMP_WORDS[i]} in\n");
    for (const struct pb_opt *o = pb_global_opts; o->name; o++)
        if (o->arg)
            pb_buf_addf(b, "    --%s%s%.*s) ((i++)) ;;\n", o->name, o->short_name ? "|-" : "",
                        o->short_name ? 1 : 0, &o->short_name);
    pb_buf_adds(b, "    -*) ;;\n    *) cmd=${COMP_WORDS[i]}; break ;;\n    esac\n  done\n"
                   "  case $cmd:$prev in\n");
    bash_values(b, "*", pb_global_opts);
    for (size_t i = 0; i < pb_ncommands; i++)
        bash_values(b, pb_commands[i].name, pb_commands[i].opts);
    pb_buf_adds(b, "  esac\n  case $cmd in\n  '') words='");
    for (size_t i = 0; i < pb_ncommands; i++)
        pb_buf_addf(b, "%s%s", i ? " " : "", pb_commands[i].name);
    pb_buf_adds(b, "' ;;\n");
    for (size_t i = 0; i < pb_ncommands; i++) {
        pb_buf_addf(b, "  %s) words='", pb_commands[i].name);
        add_values(b, pb_commands[i].pos_values);
        add_words(b, pb_commands[i].opts);
        pb_buf_adds(b, "' ;;\n");
    }
    pb_buf_adds(b, "  esac\n  words+='");
    add_words(b, pb_global_opts);
    pb_buf_adds(b, "'\n  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\n"
                   "complete -F _plumb plumb\n");
}

/* Inside '...[..]' of _arguments: brackets, colons and quotes have meanings. */
static void zsh_text(struct pb_buf *b, const char *s)
{
    for (; *s; s++) {
        if (*s == '\'')
            pb_buf_adds(b, "'\\''");
        else if (strchr("[]:\\", *s))
            pb_buf_addf(b, "\\%c", *s);
        else
            pb_buf_addc(b, *s);
    }
}

static void zsh_opt(struct pb_buf *b, const struct pb_opt *o, bool short_form)
{
    pb_buf_addf(b, " \\\n      '%s", o->repeat ? "*" : "");
    if (short_form)
        pb_buf_addf(b, "-%c[", o->short_name);
    else
        pb_buf_addf(b, "--%s[", o->name);
    zsh_text(b, o->help);
    pb_buf_addc(b, ']');
    if (o->arg) {
        pb_buf_addf(b, ":%s:", o->arg);
        if (takes_file(o))
            pb_buf_adds(b, "_files");
        else if (o->values) {
            pb_buf_addc(b, '(');
            add_values(b, o->values);
            pb_buf_addc(b, ')');
        }
    }
    pb_buf_addc(b, '\'');
}

static void zsh_opts(struct pb_buf *b, const struct pb_opt *o)
{
    for (; o && o->name; o++) {
        if (o->form & PB_OPT_REFUSED)
            continue;
        zsh_opt(b, o, false);
        if (o->short_name)
            zsh_opt(b, o, true);
    }
}

static void zsh(struct pb_buf *b)
{
    pb_buf_adds(b, "#compdef plumb\n_plumb() {\n  local -a commands\n  local curcontext="
                   "$curcontext state line\n  typeset -A opt_args\n  commands=(\n");
    for (size_t i = 0; i < pb_ncommands; i++) {
        pb_buf_addf(b, "    '%s:", pb_commands[i].name);
        zsh_text(b, pb_commands[i].summary);
        pb_buf_adds(b, "'\n");
    }
    pb_buf_adds(b, "  )\n  _arguments -C");
    zsh_opts(b, pb_global_opts);
    pb_buf_adds(b, " \\\n      '1:command:->command' '*::argument:->argument'\n"
                   "  case $state in\n  command) _describe command commands ;;\n"
                   "  argument)\n    case $words[1] in\n");
    for (size_t i = 0; i < pb_ncommands; i++) {
        pb_buf_addf(b, "    %s) _arguments", pb_commands[i].name);
        zsh_opts(b, pb_global_opts);
        zsh_opts(b, pb_commands[i].opts);
        if (pb_commands[i].pos_values) {
            pb_buf_adds(b, " \\\n      '1:argument:(");
            add_values(b, pb_commands[i].pos_values);
            pb_buf_adds(b, ")'");
        }
        pb_buf_adds(b, " ;;\n");
    }
    pb_buf_adds(b, "    esac ;;\n  esac\n}\nif [ \"$funcstack[1]\" = _plumb ]; then\n"
                   "  _plumb \"$@\"\nelse\n  compdef _plumb plumb\nfi\n");
}

static void fish_text(struct pb_buf *b, const char *s)
{
    for (; *s; s++) {
        if (*s == '\'' || *s == '\\')
            pb_buf_addc(b, '\\');
        pb_buf_addc(b, *s);
    }
}

static void fish_opts(struct pb_buf *b, const char *command, const struct pb_opt *o)
{
    for (; o && o->name; o++) {
        if (o->form & PB_OPT_REFUSED)
            continue;
        pb_buf_adds(b, "complete -c plumb");
        if (command)
            pb_buf_addf(b, " -n '__fish_seen_subcommand_from %s'", command);
        pb_buf_addf(b, " -l %s", o->name);
        if (o->form & PB_OPT_DASH)
            pb_buf_addf(b, " -o %s", o->name);
        if (o->short_name)
            pb_buf_addf(b, " -s %c", o->short_name);
        if (o->arg)
            pb_buf_adds(b, takes_file(o) ? " -r -F" : " -x");
        if (o->values) {
            pb_buf_adds(b, " -a '");
            add_values(b, o->values);
            pb_buf_addc(b, '\'');
        }
        pb_buf_adds(b, " -d '");
        fish_text(b, o->help);
        pb_buf_adds(b, "'\n");
    }
}

static void fish(struct pb_buf *b)
{
    pb_buf_adds(b, "# fish completion for plumb\ncomplete -c plumb -f\n");
    for (size_t i = 0; i < pb_ncommands; i++) {
        pb_buf_addf(b, "complete -c plumb -n __fish_use_subcommand -a %s -d '",
                    pb_commands[i].name);
        fish_text(b, pb_commands[i].summary);
        pb_buf_adds(b, "'\n");
    }
    fish_opts(b, NULL, pb_global_opts);
    for (size_t i = 0; i < pb_ncommands; i++) {
        fish_opts(b, pb_commands[i].name, pb_commands[i].opts);
        if (pb_commands[i].pos_values) {
            pb_buf_addf(b, "complete -c plumb -n '__fish_seen_subcommand_from %s' -a '",
                        pb_commands[i].name);
            add_values(b, pb_commands[i].pos_values);
            pb_buf_adds(b, "'\n");
        }
    }
}

int pb_completion(struct pb_buf *b, const char *shell, struct pb_err *err)
{
    static const struct {
        const char *name;
        void (*add)(struct pb_buf *b);
    } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};

    for (size_t i = 0; i < PB_COUNT(shells); i++) {
        if (strcmp(shells[i].name, shell) == 0) {
            shells[i].add(b);
            return 0;
        }
    }
    return pb_fail(err, PB_E_USAGE, "no completion for '%s'; there is: bash, zsh, fish", shell);
}
