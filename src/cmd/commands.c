#include "cmd/cmd.h"
#include "cmd/post_opts.h"
#include "cmd/terraform_opts.h"
#include "post/post.h"
#include "report/report.h"
#include "run/check.h"

#define OPT_END                                \
    {                                          \
        0, 0, NULL, NULL, NULL, NULL, false, 0 \
    }

#define NAME(name, about, doc) name,
const char *const pb_format_names[] = {PB_REPORT_FORMATS(NAME) NULL};
#undef NAME
static const char *const plain_formats[] = {"text", "json", NULL};
static const char *const post_results[] = {"status", "comment", NULL};
static const char *const post_findings[] = {"status", "comment", "issues", NULL};
static const char *const observer_names[] = {"rest", "provider", "terraform", NULL};
static const char *const shells[] = {"bash", "zsh", "fish", NULL};
/* Of help: the commands, and what is no command. */
static const char *const help_topics[] = {
    "audit", "check", "plan",   "apply", "recover", "rollback",   "tf",       "explain", "observe",
    "log",   "init",  "doctor", "help",  "version", "completion", "findings", NULL};
/* First words of shim.c's table; test_cmd compares. */
static const char *const tf_words[] = {
    "apply",   "destroy",   "console",  "debug",     "env",
    "fmt",     "get",       "graph",    "init",      "internal-plugin",
    "login",   "logout",    "metadata", "modules",   "output",
    "plan",    "providers", "query",    "show",      "state",
    "test",    "validate",  "version",  "workspace", "force-unlock",
    "import",  "refresh",   "rpcapi",   "stacks",    "taint",
    "untaint", NULL};
static const char *const log_jobs[] = {"verify", "checkpoint", "anchor", NULL};
/* Verdicts that --fail-on takes: those of resources (model/verdict.h); test_cmd compares. */
static const char *const fail_on_names[] = {"computed",   "stale_record", "converged", "pending",
                                            "unobserved", "unmanaged",    "laundered", "drifted",
                                            "missing",    "conflict",     NULL};

const struct pb_opt pb_global_opts[] = {
    {PB_O_DIR, 'C', "dir", "DIR", "work as if started in DIR", NULL, false, 0},
    {PB_O_DIR, 0, "chdir", "DIR", "the same, as Terraform spells it", NULL, false, PB_OPT_DASH},
    {PB_O_UNIT, 'u', "unit", "NAME", "only this unit of the configuration", NULL, true, 0},
    {PB_O_CONFIG, 0, "config", "FILE",
     "read the configuration from FILE, not from the commit's plumb.yaml", NULL, false, 0},
    {PB_O_NO_COLOR, 0, "no-color", NULL, "no colour, also on a terminal", NULL, false,
     PB_OPT_DASH | PB_OPT_SWITCH},
    {PB_O_QUIET, 'q', "quiet", NULL, "no progress and no notes on stderr", NULL, false, 0},
    {PB_O_VERBOSE, 'v', "verbose", NULL, "a line on stderr for each phase of the work", NULL, false,
     0},
    {PB_O_HELP, 'h', "help", NULL, "show help for the command", NULL, false, PB_OPT_DASH},
    {PB_O_VERSION, 'V', "version", NULL, "print the version", NULL, false, PB_OPT_DASH},
    OPT_END,
};

#define OPT_REV                                                                                 \
    {                                                                                           \
        PB_O_REV, 0, "rev", "REV", "the commit that says what should be (default: HEAD)", NULL, \
            false, 0                                                                            \
    }
#define OPT_TARGET                                                                              \
    {                                                                                           \
        PB_O_TARGET, 't', "target", "ADDRESS", "only this resource, or what is in this module", \
            NULL, true, PB_OPT_DASH                                                             \
    }
#define OPT_OBSERVER                                                                        \
    {                                                                                       \
        PB_O_OBSERVER, 0, "observer", "NAME", "read live state through this observer only", \
            observer_names, false, 0                                                        \
    }
#define OPT_OUTPUT                                                                               \
    {                                                                                            \
        PB_O_OUTPUT, 'o', "output", "FILE", "write to FILE, whole or not at all", NULL, false, 0 \
    }

/* Of commands that report on resources. */
#define OPT_REPORTS                                                                              \
    {PB_O_FORMAT,     'f',  "format", "FORMAT", "how to write the report (default: text)",       \
     pb_format_names, true, 0},                                                                  \
    {                                                                                            \
        PB_O_OUTPUT, 'o', "output", "FILE",                                                      \
            "write the report to FILE; the n-th --output takes the n-th --format", NULL, true, 0 \
    }

static const struct pb_opt audit_opts[] = {
    OPT_REV,
    OPT_TARGET,
    {PB_O_IGNORE, 0, "ignore", "PATTERN",
     "leave out an address, or the attribute of ADDRESS:PATH; /.../ is a regular expression", NULL,
     true, 0},
    {PB_O_FAIL_ON, 0, "fail-on", "VERDICT,...",
     "only these verdicts exit with 2 (default: every one that is a difference)", fail_on_names,
     false, PB_OPT_LIST},
    OPT_REPORTS,
    {PB_O_ALL, 'a', "all", NULL, "also what is in sync, ignored or a known echo", NULL, false, 0},
    OPT_OBSERVER,
    {PB_O_CROSS_CHECK, 0, "cross-check", NULL,
     "read everything through packs and through the providers, and say where they disagree", NULL,
     false, 0},
    {PB_O_SAVE_BASELINE, 0, "save-baseline", NULL,
     "remember what is in sync now, so that a refresh cannot hide drift later", NULL, false, 0},
    {PB_O_RECORD, 0, "record", NULL,
     "write what was found into the ledger, anchor it (see plumb help log), and keep what was seen "
     "in refs/plumb/live/",
     NULL, false, 0},
    {PB_O_ACCEPT_STATE, 0, "accept-state", NULL,
     "believe a state that is older than the last one seen, or has another lineage", NULL, false,
     0},
    POST_OPTS(post_findings),
    OPT_END,
};
static const struct pb_opt check_opts[] = {
    {PB_O_BASE, 0, "base", "REV",
     "what it is to be merged into; in CI: what the environment says of the request", NULL, false,
     0},
    {PB_O_HEAD, 0, "head", "REV", "what is to be merged (default: HEAD)", NULL, false, 0},
    {PB_O_TRUST, 0, "trust", NULL, "somebody has read it: it may be planned, in a sandbox", NULL,
     false, 0},
    {PB_O_FAIL_ON, 0, "fail-on", "LEVEL",
     "what is milder exits with 0: a change (2) is the mildest, then comes what was not seen or "
     "not "
     "planned (4), then what is refused (3) (default: changes)",
     pb_check_levels, false, 0},
    OPT_REPORTS,
    {PB_O_ALL, 'a', "all", NULL, "also what was there before, and what nothing happens to", NULL,
     false, 0},
    OPT_OBSERVER,
    POST_OPTS(post_results),
    OPT_END,
};
static const struct pb_opt plan_opts[] = {
    OPT_REV,
    OPT_TARGET,
    TERRAFORM_OPTS,
    OPT_REPORTS,
    {PB_O_ACCEPT_STATE, 0, "accept-state", NULL,
     "believe a state that is older than the last one seen, or has another lineage", NULL, false,
     0},
    POST_OPTS(post_results),
    TERRAFORM_REFUSED_OPTS,
    OPT_END,
};
static const struct pb_opt apply_opts[] = {
    OPT_REV,
    OPT_TARGET,
    TERRAFORM_OPTS,
    TERRAFORM_APPLY_OPTS,
    {PB_O_APPROVE, 0, "approve", "EVIDENCE",
     "say yes to exactly the plan whose evidence 'plumb plan' showed; the first 12 digits do", NULL,
     false, 0},
    OPT_REPORTS,
    {PB_O_ACCEPT_STATE, 0, "accept-state", NULL,
     "believe a state that is older than the last one seen, or has another lineage", NULL, false,
     0},
    TERRAFORM_REFUSED_OPTS,
    OPT_END,
};
static const struct pb_opt rollback_opts[] = {
    {PB_O_NO_APPLY, 0, "no-apply", NULL, "make the commit and nothing else", NULL, false, 0},
    {PB_O_BRANCH, 0, "branch", "NAME",
     "make it a new branch instead, for review; the work tree and HEAD's branch stay", NULL, false,
     0},
    TERRAFORM_APPLY_OPTS,
    OPT_END,
};
static const struct pb_opt log_opts[] = {
    {PB_O_SINCE, 0, "since", "TIME",
     "from TIME on: 2026-11-19, \"2026-11-19 14:00\", 14:00, or how long ago: 90m, 24h, 7d", NULL,
     false, 0},
    {PB_O_UNTIL, 0, "until", "TIME", "what was before TIME", NULL, false, 0},
    {PB_O_WHO, 0, "who", "PERSON", "whose user, name or e-mail has PERSON in it", NULL, true, 0},
    {PB_O_ADDRESS, 0, "address", "ADDRESS", "about this resource, or what is in this module", NULL,
     true, 0},
    {PB_O_VERDICT, 0, "verdict", "VERDICT", "in which a resource has this verdict", fail_on_names,
     true, 0},
    {PB_O_KIND, 0, "kind", "KIND", "of this kind: audit, or all that begins with \"KIND.\"", NULL,
     true, 0},
    {PB_O_FETCH, 0, "fetch", NULL, "ask the ledger's remote for what it has, first", NULL, false,
     0},
    {PB_O_PIN, 0, "pin", "FILE", "verify: the ledger must fit this checkpoint, too", NULL, true, 0},
    {PB_O_FORMAT, 'f', "format", "FORMAT", "how to write it (default: text)", plain_formats, false,
     0},
    OPT_OUTPUT,
    OPT_END,
};
static const struct pb_opt recover_opts[] = {OPT_REV, OPT_END};
static const struct pb_opt explain_opts[] = {OPT_REV, OPT_OBSERVER, OPT_END};
static const struct pb_opt observe_opts[] = {OPT_REV, OPT_TARGET, OPT_OBSERVER, OPT_OUTPUT,
                                             OPT_END};
static const struct pb_opt init_opts[] = {
    {PB_O_STDOUT, 0, "stdout", NULL, "print the file, write nothing", NULL, false, 0},
    {PB_O_SCHEMA, 0, "schema", NULL, "print the JSON Schema of plumb.yaml, for editors", NULL,
     false, 0},
    OPT_END,
};
static const struct pb_opt doctor_opts[] = {
    {PB_O_FORMAT, 'f', "format", "FORMAT", "how to write the result (default: text)", plain_formats,
     false, 0},
    OPT_END,
};
static const struct pb_opt help_opts[] = {
    {PB_O_MAN, 0, "man", NULL, "print the manual page (roff)", NULL, false, 0},
    {PB_O_MARKDOWN, 0, "markdown", NULL, "print the tables of the README", NULL, false, 0},
    OPT_END,
};

static const enum pb_exit audit_exits[] = {
    PB_EXIT_PLUMB,  PB_EXIT_ERROR,  PB_EXIT_DRIFT, PB_EXIT_REFUSED,     PB_EXIT_INCONCLUSIVE,
    PB_EXIT_LOCKED, PB_EXIT_LEDGER, PB_EXIT_USAGE, PB_EXIT_INTERRUPTED, (enum pb_exit)PB_EXIT_END};
static const enum pb_exit read_exits[] = {PB_EXIT_PLUMB,        PB_EXIT_ERROR,
                                          PB_EXIT_INCONCLUSIVE, PB_EXIT_USAGE,
                                          PB_EXIT_INTERRUPTED,  (enum pb_exit)PB_EXIT_END};
static const enum pb_exit check_exits[] = {
    PB_EXIT_PLUMB,        PB_EXIT_ERROR, PB_EXIT_DRIFT,       PB_EXIT_REFUSED,
    PB_EXIT_INCONCLUSIVE, PB_EXIT_USAGE, PB_EXIT_INTERRUPTED, (enum pb_exit)PB_EXIT_END};
static const enum pb_exit plan_exits[] = {PB_EXIT_PLUMB,
                                          PB_EXIT_ERROR,
                                          PB_EXIT_DRIFT,
                                          PB_EXIT_REFUSED,
                                          PB_EXIT_USAGE,
                                          PB_EXIT_INTERRUPTED,
                                          (enum pb_exit)PB_EXIT_END};
static const enum pb_exit apply_exits[] = {
    PB_EXIT_PLUMB,  PB_EXIT_ERROR,  PB_EXIT_DRIFT, PB_EXIT_REFUSED,     PB_EXIT_INCONCLUSIVE,
    PB_EXIT_LOCKED, PB_EXIT_LEDGER, PB_EXIT_USAGE, PB_EXIT_INTERRUPTED, (enum pb_exit)PB_EXIT_END};
static const enum pb_exit log_exits[] = {
    PB_EXIT_PLUMB, PB_EXIT_ERROR,       PB_EXIT_LOCKED,           PB_EXIT_LEDGER,
    PB_EXIT_USAGE, PB_EXIT_INTERRUPTED, (enum pb_exit)PB_EXIT_END};
static const enum pb_exit recover_exits[] = {
    PB_EXIT_PLUMB,  PB_EXIT_ERROR, PB_EXIT_REFUSED,     PB_EXIT_LOCKED,
    PB_EXIT_LEDGER, PB_EXIT_USAGE, PB_EXIT_INTERRUPTED, (enum pb_exit)PB_EXIT_END};
static const enum pb_exit tf_exits[] = {
    PB_EXIT_PLUMB,  PB_EXIT_ERROR, PB_EXIT_DRIFT,       PB_EXIT_REFUSED,
    PB_EXIT_LOCKED, PB_EXIT_USAGE, PB_EXIT_INTERRUPTED, (enum pb_exit)PB_EXIT_END};
static const enum pb_exit plain_exits[] = {PB_EXIT_PLUMB, PB_EXIT_ERROR, PB_EXIT_USAGE,
                                           (enum pb_exit)PB_EXIT_END};

const struct pb_command pb_commands[] = {
    {
        "audit",
        "compare what Git, the state and the live world say",
        "[options]",
        "Reads the declared state from a commit, the recorded state from tfstate and the live "
        "state from the provider's API, and gives a verdict for each resource, attribute by "
        "attribute. Nothing is changed, and no lock is taken.\n\n"
        "The configuration is plumb.yaml in the tree of that same commit. Changes that are not "
        "committed play no part. With several units the report has them all; one that fails "
        "makes the exit code 1 and leaves the others reported.\n\n"
        "What could not be observed is said so and never counted as in sync. Drift exits with 2 "
        "also when something else could not be observed.",
        audit_opts,
        0,
        0,
        NULL,
        audit_exits,
        NULL,
        {{"plumb audit", "every unit, at HEAD"},
         {"plumb audit --unit prod --rev origin/main", "one unit, against what is merged"},
         {"plumb audit --format json --output drift.json --format text --output drift.txt",
          "two reports from one audit"},
         {"plumb audit --fail-on drifted,missing,conflict", "for an alert about outside changes"}},
        pb_cmd_audit,
    },
    {
        "check",
        "what merging a change would do, before it is merged",
        "[options]",
        "Merges head into base in memory, finds the units that the difference reaches (through "
        "local modules, var files and plumb.yaml), and compares what either tree asks for with "
        "the same recorded and live state. The report has what merging would change and which of "
        "it this change causes; where it collides with a change that somebody made outside of "
        "Git, with both values; and apart from that what was pending or drifted before, which "
        "does not make a check fail. It names what no plan shows: provisioners, data sources that "
        "run or ask something, sources and versions of providers and modules, override files "
        "('plumb help findings' lists all of it).\n\n"
        "Base is what runs with credentials, and its plumb.yaml has the rules. The head's code is "
        "planned only where it is trusted, by --trust or by what base's 'check.trust' says, and "
        "always in a sandbox without a way out; without one it is refused. What is not trusted "
        "is compared by its text alone: nothing is started and nothing is asked.\n\n"
        "2 means that merging would change something, 3 that base's rules deny it, that it "
        "collides, or that it cannot be merged at all, 4 that something it touches could not be "
        "seen, or was not planned. With --fail-on unseen a change that nothing speaks against "
        "exits "
        "with 0, as CI wants it. --post status makes 0 and 2 a success, 3 a failure, the rest an "
        "error.",
        check_opts,
        0,
        0,
        NULL,
        check_exits,
        NULL,
        {{"plumb check --base origin/main", "this branch"},
         {"plumb check --base origin/main --head origin/topic --trust", "somebody else's, read"},
         {"plumb check --base origin/main --format json --output check.json", "for a program"},
         {"plumb check --base origin/main --format markdown --output check.md", "for a comment"},
         {"plumb check --fail-on unseen --post status,comment", "in CI: a change does not fail"}},
        pb_cmd_check,
    },
    {
        "plan",
        "what an apply would do, why, and whether the gate lets it",
        "[options]",
        "Plans the commit as an apply would: where the world is what the state says, without "
        "asking it again, else with a refresh. Every planned change needs a cause, which the "
        "three values and the last verified ones tell: Git asks for it (git), it undoes a change "
        "made outside of Git (revert) or overwrites one with another (overwrite), the command "
        "line asks for it by name (requested), nothing explains it (unexplained), or the live "
        "value was not seen (unseen). The rules of plumb.yaml's gate decide; without any, git is "
        "allowed, revert and requested ask, and the rest is denied.\n\n"
        "A commit is refused as a whole when it does not contain what was verified last (a stale "
        "branch would take back what others applied), when something of the unit is not "
        "committed, or when it is not on the branch that the gate asks for. Nothing is changed.\n\n"
        "Terraform's options may be written with one dash. What they add to the commit is no part "
        "of Git: the report names it, variables make a change unexplained, and what -destroy and "
        "-replace ask for needs a yes. With any of them one unit is planned: that of --unit, or "
        "of the folder that plumb stands in.",
        plan_opts,
        0,
        0,
        NULL,
        plan_exits,
        NULL,
        {{"plumb plan", "this commit"},
         {"plumb plan --rev origin/main --format json", "what is merged, for a program"},
         {"plumb plan --format markdown --output plan.md", "for a comment under a pull request"},
         {"plumb plan -target=module.network -var-file=prod.tfvars", "as with terraform plan"}},
        pb_cmd_plan,
    },
    {
        "apply",
        "plan, gate, apply, verify and record one unit",
        "[options]",
        "Plans the commit, shows what the gate says of each change, and applies that very plan if "
        "it may. What the gate allows goes on by itself where nobody can be asked; at a terminal "
        "somebody is asked, and types the unit's name where something is deleted or replaced. What "
        "needs a yes gets it there, or from whoever has seen the plan, by its evidence. What the "
        "gate denies is not applied.\n\n"
        "Before anything is touched the evidence is taken again: commit, plan, state, and the live "
        "values of what will change. Afterwards what was touched is observed until it is what was "
        "declared, and the result says whether it is. One apply of a unit runs at a time; the "
        "first "
        "Ctrl-C lets the tool finish what it has begun. Each step is on disk before it is taken: "
        "what was cut short is settled by the next apply, or by 'plumb recover'. The ledger has "
        "the beginning and the end, or why it was refused.",
        apply_opts,
        0,
        0,
        NULL,
        apply_exits,
        "applied and verified, or there was nothing to apply",
        {{"plumb apply", "this commit, asking"},
         {"plumb apply --unit prod --auto-approve", "in CI: only what needs nobody's yes"},
         {"plumb apply --approve 3f9c1a52d07e", "say yes to the plan with that evidence"}},
        pb_cmd_apply,
    },
    {
        "recover",
        "bring an apply to its end that was cut short",
        "[options]",
        "Looks at what the last apply of the unit left when it, or the machine, was stopped in "
        "between, and settles it: what it did is read from what the tool wrote, a state that is "
        "empty or cut off is put back, the lock it held on the state is released, and of objects "
        "that exist and are in no state it writes import blocks. The ledger has what was done. "
        "Every apply begins with the same.\n\n"
        "Nothing is guessed: where the state is another one, or its lock may be somebody else's, "
        "it exits with 3 and says what there is to decide, and everything is kept. 5 means that "
        "the apply still lives, or something that it started does.",
        recover_opts,
        0,
        0,
        NULL,
        recover_exits,
        "settled, or there was nothing to settle",
        {{"plumb recover", "the unit of this folder"}, {"plumb recover --unit prod", "this one"}},
        pb_cmd_recover,
    },
    {
        "rollback",
        "take one unit back to what a commit had, through the same gate",
        "[options] COMMIT",
        "Makes a commit on top of the branch in which all files that the unit reads (its folder, "
        "the modules it calls, its var files) are as COMMIT had them, and applies it with 'plumb "
        "apply'. History is not rewritten: what is declared stays what is in Git. The files and "
        "the commits that this undoes are shown first. plumb.yaml stays as it is, and with it the "
        "gate's rules and the unit's variables there.\n\n"
        "COMMIT has to be in the history of HEAD, and what the unit reads has to be committed. The "
        "commit is made as the configured person, without hooks and without a signature; where the "
        "gate asks for a branch of the remote or for a signature, use --branch or --no-apply, and "
        "merge it as any other change.",
        rollback_opts,
        1,
        1,
        NULL,
        apply_exits,
        "the commit was made and applied, or there was nothing to take back",
        {{"plumb rollback HEAD~1", "without the last commit, as far as this unit goes"},
         {"plumb rollback --branch back v1.4 --unit prod", "a branch for a pull request"}},
        pb_cmd_rollback,
    },
    {
        "tf",
        "Terraform as always, but changes go through the gate",
        "COMMAND [options]",
        "What follows is a command line of Terraform or OpenTofu. What only looks (plan, show, "
        "output, validate, fmt, init, state list and the like) is run by the tool itself, in "
        "plumb's place: the same output, signals and exit code. apply and destroy become 'plumb "
        "apply' for the unit of this folder and of the selected workspace. What changes the "
        "state past the gate (import, taint, state rm, force-unlock and others) is refused, with "
        "what to do instead; so is what plumb does not know.\n\n"
        "The same happens when plumb is called terraform or tofu. The tool itself is the next of "
        "that name on PATH, or what PLUMB_TERRAFORM or PLUMB_TOFU names. TF_CLI_ARGS is the "
        "tool's own affair where it only looks, and refused where something would be changed.",
        NULL,
        0,
        PB_POS_ALL,
        tf_words,
        tf_exits,
        "what was asked for was done; else the tool's own exit code, or",
        {{"plumb tf plan", "terraform plan, byte for byte"},
         {"plumb tf apply -auto-approve", "as 'plumb apply -auto-approve' here"},
         {"ln -s $(command -v plumb) ~/bin/terraform", "for all that calls terraform"}},
        pb_cmd_tf,
    },
    {
        "explain",
        "everything known about one resource, and why",
        "[options] ADDRESS",
        "Shows all three values of every attribute, the verdict and what it means, what an apply "
        "would do, who observed, which ignore rules apply, and the last commit that changed the "
        "block in which the resource is written.",
        explain_opts,
        1,
        1,
        NULL,
        read_exits,
        "the resource was shown, whatever its verdict",
        {{"plumb explain 'module.network.terraform_data.main'", "one resource"}},
        pb_cmd_explain,
    },
    {
        "observe",
        "print the live state as JSON, normalised",
        "[options]",
        "Reads every recorded resource from the provider and prints it as JSON in a stable order, "
        "for diffs and for other programs. Sensitive values are replaced by \"(sensitive)\".",
        observe_opts,
        0,
        0,
        NULL,
        read_exits,
        "everything recorded was read and printed",
        {{"plumb observe --unit prod --output live.json", "one unit into a file"}},
        pb_cmd_observe,
    },
    {
        "log",
        "what happened, when, and by whom; verify that none of it was altered",
        "[options] [verify|checkpoint|anchor]",
        "Shows the ledger of this repository in the order of time: what this machine wrote, and "
        "what "
        "other machines wrote as far as their ledgers were fetched from the remote. Filters of one "
        "kind are alternatives, filters of different kinds must all fit. Times are in UTC.\n\n"
        "verify reads everything and shows that the chain holds and fits every checkpoint at hand: "
        "that of the ref, of the remote as last fetched, and those of --pin. It says what it "
        "cannot show. checkpoint prints three lines that pin the ledger as it is now; keep them "
        "where nobody who can write the ledger can write. anchor copies the ledger to "
        "refs/plumb/ledger/ and to the remote of the configuration.",
        log_opts,
        0,
        1,
        log_jobs,
        log_exits,
        "what was asked for was done; verify: nothing was found to be altered",
        {{"plumb log --since '2026-11-19 14:00' --until '2026-11-19 17:00' --unit prod",
          "what happened to production between 2 and 5 PM"},
         {"plumb log --fetch --verdict drifted --address module.network",
          "every drift that any machine has seen there"},
         {"plumb log checkpoint >/mnt/audit/plumb.pin", "pin it"},
         {"plumb log verify --fetch --pin /mnt/audit/plumb.pin", "nothing was altered or cut off"}},
        pb_cmd_log,
    },
    {
        "init",
        "write plumb.yaml with the units found here",
        "[options]",
        "Looks through the tree of HEAD for root modules and writes a commented plumb.yaml at the "
        "top of the repository. A file that is already there is left alone.",
        init_opts,
        0,
        0,
        NULL,
        plain_exits,
        "what was asked for was done",
        {{"plumb init", "write plumb.yaml"}, {"plumb init --stdout", "only look"}},
        pb_cmd_init,
    },
    {
        "doctor",
        "check what plumb needs, with a remedy for what is wrong",
        "[options]",
        "Checks tools, repository, configuration, units with their states, packs and plumb's own "
        "folders. Each line "
        "is ok, a warning or a failure; a failure makes the exit code 1.",
        doctor_opts,
        0,
        0,
        NULL,
        plain_exits,
        "nothing failed; there may be warnings",
        {{"plumb doctor", "look at everything"}},
        pb_cmd_doctor,
    },
    {
        "help",
        "show help for a command, or the manual page",
        "[options] [COMMAND | findings]",
        "'plumb help findings' lists what a check can find. All of it comes from the tables that "
        "the "
        "program works by.",
        help_opts,
        0,
        1,
        help_topics,
        plain_exits,
        "what was asked for was printed",
        {{"plumb help audit", "one command"},
         {"plumb help findings", "what 'plumb check' can find"},
         {"plumb help --man | man -l -", "the manual"}},
        pb_cmd_help,
    },
    {
        "version",
        "print the version",
        "",
        "Prints one line: plumb and its version.",
        NULL,
        0,
        0,
        NULL,
        plain_exits,
        "what was asked for was printed",
        {{"plumb version", "for a bug report"}},
        pb_cmd_version,
    },
    {
        "completion",
        "print a completion script for a shell",
        "SHELL",
        "SHELL is bash, zsh or fish.",
        NULL,
        1,
        1,
        shells,
        plain_exits,
        "what was asked for was printed",
        {{"source <(plumb completion bash)", "in this shell"},
         {"plumb completion fish > ~/.config/fish/completions/plumb.fish", "for every fish"}},
        pb_cmd_completion,
    },
};
const size_t pb_ncommands = PB_COUNT(pb_commands);

const struct pb_command *pb_command_find(const char *name)
{
    for (size_t i = 0; i < pb_ncommands; i++)
        if (strcmp(pb_commands[i].name, name) == 0)
            return &pb_commands[i];
    return NULL;
}
