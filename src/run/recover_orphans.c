/* Objects that an interrupted apply made and that its state does not have. */
#include "run/recover_internal.h"

#include "base/fault.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

enum { IMPORTS_MAX = 64 << 20 };

/* Whether the state has the object, in whatever role; and whether it has the address. */
static bool has_object(const struct pb_recorded_set *set, const char *address, const char *id,
                       bool *has_address)
{
    bool found = false;

    *has_address = false;
    for (size_t i = 0; i < set->n; i++) {
        const struct pb_recorded *r = &set->v[i];

        if (strcmp(r->address, address) != 0)
            continue;
        *has_address |= !r->deposed;
        found |= !id || !r->id || strcmp(r->id, id) == 0;
    }
    return found;
}

/* As a string of HCL: nothing in it is a template. */
static void add_quoted(struct pb_buf *b, const char *s)
{
    pb_buf_addc(b, '"');
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;

        if (c == '"' || c == '\\')
            pb_buf_addf(b, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            pb_buf_addf(b, "\\u%04x", c);
        else if ((c == '$' || c == '%') && s[1] == '{')
            pb_buf_addf(b, "%c%c", c, c);
        else
            pb_buf_addc(b, (char)c);
    }
    pb_buf_addc(b, '"');
}

static void add_import(struct pb_buf *b, const struct pb_journal_change *c, bool replaced)
{
    if (replaced)
        pb_buf_addf(b,
                    "\n# The state has the object that this one replaced; take that out first:\n"
                    "#   terraform state rm '%s'",
                    c->address);
    pb_buf_addf(b, "\nimport {\n  to = %s\n  id = ", c->address);
    add_quoted(b, c->id);
    pb_buf_adds(b, "\n}\n");
}

static void collect(struct pb_settling *s, struct pb_buf *blocks)
{
    for (size_t i = 0; i < s->was.nchanges; i++) {
        const struct pb_journal_change *c = &s->was.changes[i];
        bool has_address;

        if (c->action != PB_ACT_CREATE || has_object(&s->after, c->address, c->id, &has_address))
            continue;
        if (c->step == PB_APPLY_DONE && c->id) {
            s->orphans++;
            add_import(blocks, c, has_address);
            pb_settling_say(s, "'%s' exists (%s), and the state does not have it", c->address,
                            c->id);
        } else if (!has_address) {
            s->doubtful++;
            pb_settling_say(s, "'%s' %s, and the state does not have it: look for it in the cloud",
                            c->address, c->step == PB_APPLY_DONE ? "exists" : "may exist");
        }
    }
}

/* By the apply's own time: a recovery that is done again writes the same file. */
static char *imports_path(const struct pb_settling *s)
{
    const char *time = pb_get_str(s->began, "time");
    PB_AUTO(buf) struct pb_buf digits = PB_BUF_INIT;

    for (const char *p = time ? time : ""; *p; p++)
        if (*p >= '0' && *p <= '9')
            pb_buf_addc(&digits, *p);
    return pb_asprintf("%s/imports-%s.tf", s->area->dir, digits.len ? digits.s : "unknown");
}

int pb_settle_orphans(struct pb_settling *s, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf blocks = PB_BUF_INIT, text = PB_BUF_INIT;
    PB_AUTO(str) char *path = imports_path(s);
    const char *where = *s->ctx.path ? s->ctx.path : ".";

    collect(s, &blocks);
    if (!s->orphans)
        return 0;
    pb_buf_addf(&text,
                "# What %s made and its state does not have.\n"
                "# Copy this into '%s', commit it, and 'plumb apply': it records what is there.\n",
                pb_settling_words(s), where);
    pb_buf_add(&text, blocks.s, blocks.len);
    if (pb_fault("recover.imports"))
        return pb_fail_errno(err, PB_E_IO, "cannot write '%s'", path);
    if (pb_fs_write_atomic(path, text.s, text.len, 0600, err) < 0)
        return -1;
    pb_settling_say(s,
                    "'%s' has import blocks for it: copy it into '%s', commit it, and 'plumb "
                    "apply' records what is there",
                    path, where);
    return 0;
}

/* ---- what nobody has imported yet ------------------------------------------------------------ */

static bool proposes(const char *text, const char *address)
{
    PB_AUTO(str) char *line = pb_asprintf("\n  to = %s\n", address);

    return strstr(text, line) != NULL;
}

static const char *created_again(const struct pb_applying *p, const char *text)
{
    const struct pb_apply_outcome *o = &p->run->outcome;

    for (size_t i = 0; i < o->nchanges; i++)
        if (o->changes[i].action == PB_ACT_CREATE && proposes(text, o->changes[i].address))
            return o->changes[i].address;
    return NULL;
}

const char *pb_apply_unadopted(char **file, const struct pb_applying *p)
{
    DIR *d = opendir(p->area.dir);
    const char *found = NULL;

    for (struct dirent *e; d && !found && (e = readdir(d));) {
        PB_AUTO(str) char *path = pb_fs_join(p->area.dir, e->d_name);
        PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;

        if (!pb_starts_with(e->d_name, "imports-") || pb_fs_read(&text, path, IMPORTS_MAX, NULL))
            continue;
        found = created_again(p, text.s);
        if (found)
            *file = pb_strdup(path);
    }
    if (d)
        closedir(d);
    return found;
}
