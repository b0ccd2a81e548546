#include "cmd/shim.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

const struct pb_shim_row pb_shim_rows[] = {
    {"apply", PB_SHIM_GATE, NULL},
    {"destroy", PB_SHIM_GATE, NULL},

    {"console", PB_SHIM_PASS, NULL},
    {"debug", PB_SHIM_PASS, NULL},
    {"debug json2dot", PB_SHIM_PASS, NULL},
    {"env", PB_SHIM_PASS, NULL},
    {"env list", PB_SHIM_PASS, NULL},
    {"env new", PB_SHIM_PASS, NULL},
    {"env select", PB_SHIM_PASS, NULL},
    {"fmt", PB_SHIM_PASS, NULL},
    {"get", PB_SHIM_PASS, NULL},
    {"graph", PB_SHIM_PASS, NULL},
    {"init", PB_SHIM_PASS, NULL},
    {"internal-plugin", PB_SHIM_PASS, NULL}, /* how the tool starts parts of itself */
    {"login", PB_SHIM_PASS, NULL},
    {"logout", PB_SHIM_PASS, NULL},
    {"metadata", PB_SHIM_PASS, NULL},
    {"metadata functions", PB_SHIM_PASS, NULL},
    {"modules", PB_SHIM_PASS, NULL},
    {"output", PB_SHIM_PASS, NULL},
    {"plan", PB_SHIM_PASS, NULL},
    {"providers", PB_SHIM_PASS, NULL},
    {"providers lock", PB_SHIM_PASS, NULL},
    {"providers mirror", PB_SHIM_PASS, NULL},
    {"providers schema", PB_SHIM_PASS, NULL},
    {"query", PB_SHIM_PASS, NULL},
    {"show", PB_SHIM_PASS, NULL},
    {"state", PB_SHIM_PASS, NULL},
    {"state identities", PB_SHIM_PASS, NULL},
    {"state list", PB_SHIM_PASS, NULL},
    {"state pull", PB_SHIM_PASS, NULL},
    {"state show", PB_SHIM_PASS, NULL},
    {"test", PB_SHIM_PASS,
     NULL}, /* makes and destroys objects of its own, with a state of its own */
    {"validate", PB_SHIM_PASS, NULL},
    {"version", PB_SHIM_PASS, NULL},
    {"workspace", PB_SHIM_PASS, NULL},
    {"workspace list", PB_SHIM_PASS, NULL},
    {"workspace new", PB_SHIM_PASS, NULL},
    {"workspace select", PB_SHIM_PASS, NULL},
    {"workspace show", PB_SHIM_PASS, NULL},

    {"env delete", PB_SHIM_REFUSE,
     "no commit says so; take away what it has with 'plumb apply -destroy' first, then delete it "
     "with the tool itself, by its path"},
    {"force-unlock", PB_SHIM_REFUSE,
     "whoever holds the lock may still be at work; 'plumb recover' releases what was left behind"},
    {"import", PB_SHIM_REFUSE,
     "write an import block and commit it: 'plumb apply' takes the object over, through the gate"},
    {"refresh", PB_SHIM_REFUSE,
     "it hides outside changes in the state; 'plumb audit' shows them, a commit adopts them, "
     "'plumb apply' undoes them"},
    {"rpcapi", PB_SHIM_REFUSE,
     "whoever talks to it can apply past the gate; run the tool itself, by its path"},
    {"stacks", PB_SHIM_REFUSE,
     "what it changes is not seen by the gate; run the tool itself, by its path"},
    {"state mv", PB_SHIM_REFUSE, "write a moved block and commit it, then 'plumb apply'"},
    {"state push", PB_SHIM_REFUSE,
     "it replaces what everybody's plans are made from; 'plumb recover' brings back a state that "
     "was lost"},
    {"state replace-provider", PB_SHIM_REFUSE,
     "it rewrites the state of every resource at once, and no commit says so; do it with the tool "
     "itself, by its path, while nobody applies, then 'plumb audit'"},
    {"state rm", PB_SHIM_REFUSE,
     "write a removed block and commit it: 'plumb apply' then forgets the object, through the "
     "gate"},
    {"taint", PB_SHIM_REFUSE,
     "'plumb apply -replace=ADDRESS' replaces it, and the gate sees what goes with it"},
    {"untaint", PB_SHIM_REFUSE,
     "let 'plumb apply' replace it; or take it up as it is with a removed and an import block"},
    {"workspace delete", PB_SHIM_REFUSE,
     "no commit says so; take away what it has with 'plumb apply -destroy' first, then delete it "
     "with the tool itself, by its path"},
    {NULL, PB_SHIM_REFUSE, NULL},
};

static const char moves_state[] =
    "it moves the state to another place, where no gate was asked; do it once with the tool "
    "itself, by its path, while nobody applies, then 'plumb audit --accept-state'";
static const char env_has_words[] =
    "TF_CLI_ARGS, or the one of this command, has words in it that would be run as a command: "
    "write them on the command line";
static const char not_known[] =
    "plumb does not know it, so whether it changes anything cannot be told; if it does not, run "
    "the tool itself, by its path";

const char *pb_shim_env(char *const *env, const char *name)
{
    size_t n = strlen(name);

    for (; env && *env; env++)
        if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
            return (*env)[n + 1] ? *env + n + 1 : NULL;
    return NULL;
}

bool pb_shim_is_tool(const char *name)
{
    return strcmp(name, "terraform") == 0 || strcmp(name, "tofu") == 0;
}

static const struct pb_shim_row *find(const char *a, const char *b)
{
    PB_AUTO(str) char *words = pb_asprintf("%s%s%s", a, b ? " " : "", b ? b : "");

    for (const struct pb_shim_row *r = pb_shim_rows; r->words; r++)
        if (strcmp(r->words, words) == 0)
            return r;
    return NULL;
}

static bool is_group(const char *word)
{
    size_t n = strlen(word);

    for (const struct pb_shim_row *r = pb_shim_rows; r->words; r++)
        if (strncmp(r->words, word, n) == 0 && r->words[n] == ' ')
            return true;
    return false;
}

static bool is_help(const char *arg)
{
    return strcmp(arg, "-h") == 0 || strcmp(arg, "-help") == 0 || strcmp(arg, "--help") == 0;
}

static bool is_version(const char *arg)
{
    return strcmp(arg, "-v") == 0 || strcmp(arg, "-version") == 0 || strcmp(arg, "--version") == 0;
}

/* The tool puts these behind the words before it looks which command that makes. */
static bool has_words(const char *args)
{
    while (args && *args) {
        args += strspn(args, " \t\n");
        if (*args && *args != '-')
            return true;
        args += strcspn(args, " \t\n");
    }
    return false;
}

static bool is_moving_option(const char *arg)
{
    static const char *const names[] = {"migrate-state", "force-copy"};
    const char *name = arg + (*arg == '-') + (pb_starts_with(arg, "--"));

    for (size_t i = 0; i < PB_COUNT(names); i++) {
        size_t n = strlen(names[i]);

        if (*arg == '-' && strncmp(name, names[i], n) == 0 && (!name[n] || name[n] == '='))
            return strcmp(name + n, "=false") != 0 && strcmp(name + n, "=0") != 0;
    }
    return false;
}

static bool moves(int argc, char *const *argv, int i, char *const *env)
{
    static const char *const from[] = {"TF_CLI_ARGS", "TF_CLI_ARGS_init"};

    for (; i < argc; i++)
        if (is_moving_option(argv[i]))
            return true;
    for (size_t k = 0; k < PB_COUNT(from); k++) {
        const char *args = pb_shim_env(env, from[k]);

        if (args && (strstr(args, "migrate-state") || strstr(args, "force-copy")))
            return true;
    }
    return false;
}

static struct pb_shim refuse(struct pb_shim s, const char *why)
{
    s.kind = PB_SHIM_REFUSE;
    s.why = why;
    return s;
}

/* Options before the words; those that only tell something make the rest play no part. */
static int globals(struct pb_shim *s, bool *tells, bool *unknown, int argc, char *const *argv)
{
    int i = 0;

    for (; i < argc && (!*argv[i] || *argv[i] == '-'); i++) {
        if (pb_starts_with(argv[i], "-chdir="))
            s->chdir = argv[i] + strlen("-chdir=");
        else if (is_help(argv[i]) || is_version(argv[i]))
            *tells = true;
        else if (*argv[i])
            *unknown = true;
    }
    return i;
}

struct pb_shim pb_shim_classify(int argc, char *const *argv, char *const *env)
{
    struct pb_shim s = {.kind = PB_SHIM_PASS};
    const struct pb_shim_row *row;
    bool tells = false, unknown = false;
    int i = globals(&s, &tells, &unknown, argc, argv);
    PB_AUTO(str) char *own = NULL;

    s.rest = i;
    if (i < argc)
        s.word = argv[i];
    if (tells)
        return s;
    if (!s.word)
        return has_words(pb_shim_env(env, "TF_CLI_ARGS")) ? refuse(s, env_has_words) : s;
    s.rest = ++i;
    if (i < argc && *argv[i] && *argv[i] != '-' && is_group(s.word)) {
        row = find(s.word, argv[i]);
        s.rest = ++i;
    } else {
        own = pb_asprintf("TF_CLI_ARGS_%s", s.word);
        if (is_group(s.word) &&
            (has_words(pb_shim_env(env, "TF_CLI_ARGS")) || has_words(pb_shim_env(env, own))))
            return refuse(s, env_has_words);
        row = find(s.word, NULL);
    }
    /* The shell asks for completions with the program's name as the first word. */
    if (!row && pb_shim_is_tool(s.word) && pb_shim_env(env, "COMP_LINE"))
        return s;
    if (!row)
        return refuse(s, not_known);
    s.words = row->words;
    s.kind = row->kind;
    s.why = row->why;
    if (s.kind != PB_SHIM_PASS && i < argc && is_help(argv[i]))
        s.kind = PB_SHIM_PASS;
    if (s.kind == PB_SHIM_GATE && unknown)
        return refuse(s, "it has an option before it that is not -chdir=DIR");
    if (strcmp(row->words, "init") == 0 && moves(argc, argv, i, env))
        return refuse(s, moves_state);
    return s;
}
