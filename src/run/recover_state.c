/* What an interrupted apply left: its events, the state's lock, and the state. */
#include "run/recover_internal.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How long after its last word the tool may have taken the lock, in seconds. */
enum { SILENCE_MAX = 10, SIGN_MAX = 64 };

/* ---- events ---------------------------------------------------------------------------------- */

struct taking {
    struct pb_settling *s;
    struct pb_err err;
};

static bool is_known(const struct pb_journal_read *was, const struct pb_apply_event *e)
{
    for (size_t i = 0; i < was->nchanges; i++)
        if (was->changes[i].action == e->action && strcmp(was->changes[i].address, e->address) == 0)
            return was->changes[i].step >= e->step;
    return false;
}

static void take_event(void *ctx, const struct pb_apply_event *e)
{
    struct taking *t = ctx;

    if (e->step == PB_APPLY_RUNNING)
        return;
    t->s->events++;
    if (!is_known(&t->s->was, e) && t->err.cls == PB_E_NONE)
        pb_journal_event(t->s->journal, e, &t->err);
}

int pb_settle_events(struct pb_settling *s, struct pb_err *err)
{
    struct taking t = {s, PB_ERR_INIT};
    struct pb_apply_request rq = {.lease_fd = -1, .event = take_event, .ctx = &t};

    if (s->executor->review(&s->tool, s->arena, &s->ctx, &rq, err) < 0)
        return pb_err_wrap(err, "what the interrupted apply did cannot be read");
    if (t.err.cls != PB_E_NONE) {
        if (err)
            *err = t.err;
        return -1;
    }
    s->events += s->was.nchanges;
    return pb_journal_read(&s->was, s->arena, s->area->current, err);
}

/* ---- the lock -------------------------------------------------------------------------------- */

/* When the tool was seen last. Kept, for what we start ourselves writes there, too. */
static time_t last_sign(const struct pb_settling *s)
{
    PB_AUTO(str) char *path = pb_area_file(s->area, "last-sign");
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    struct stat st;
    time_t last = 0;
    DIR *d;

    if (pb_fs_read(&text, path, SIGN_MAX, NULL) == 0)
        return (time_t)strtoll(text.s, NULL, 10);
    d = opendir(s->ctx.work);
    for (struct dirent *e; d && (e = readdir(d));) {
        PB_AUTO(str) char *file = pb_fs_join(s->ctx.work, e->d_name);

        if (lstat(file, &st) == 0 && st.st_mtim.tv_sec > last)
            last = st.st_mtim.tv_sec;
    }
    if (d)
        closedir(d);
    pb_buf_addf(&text, "%lld\n", (long long)last);
    (void)pb_fs_write_atomic(path, text.s, text.len, 0600, NULL);
    return last;
}

/* Nothing of the apply lives, so a lock that it took is nobody's: but it must be that one. */
static bool is_ours(const struct pb_settling *s)
{
    const struct pb_state_lock *l = &s->lock;
    PB_AUTO(str) char *us = pb_asprintf("%s@%s", s->record->user, s->record->host);
    const char *text = s->began ? pb_get_str(s->began, "time") : NULL;
    time_t from;

    return pb_streq(l->who, us) && l->created_at && text &&
           pb_clock_parse_rfc3339(&from, text) == 0 && l->created_at >= from &&
           l->created_at <= last_sign(s) + SILENCE_MAX;
}

int pb_settle_lock(struct pb_settling *s, struct pb_err *err)
{
    const char *tool = s->ctx.tool ? s->ctx.tool : s->executor->name;

    (void)last_sign(s);
    if (s->executor->lock_holder(&s->lock, s->arena, &s->ctx, err) < 0)
        return -1;
    if (!s->lock.id || is_ours(s))
        return 0;
    return pb_fail(err, PB_E_REFUSED,
                   "the state of '%s' is locked by %s since %s (%s), and it is not certain that "
                   "this is the interrupted apply: if somebody works there, wait; else unlock it "
                   "('%s force-unlock %s' in '%s'). Then 'plumb recover' again",
                   s->ctx.name, s->lock.who ? s->lock.who : "somebody",
                   s->lock.created ? s->lock.created : "an unknown time",
                   s->lock.operation ? s->lock.operation : "for what is not known", tool,
                   s->lock.id, *s->ctx.path ? s->ctx.path : ".");
}

int pb_settle_unlock(struct pb_settling *s, struct pb_err *err)
{
    if (!s->lock.id)
        return 0;
    if (pb_fault("recover.unlock"))
        return pb_fail_errno(err, PB_E_IO, "cannot unlock the state");
    if (s->executor->unlock(s->arena, &s->ctx, s->lock.id, err) < 0)
        return -1;
    pb_settling_say(s, "its lock on the state (%s, taken %s) was released", s->lock.id,
                    s->lock.created);
    s->lock.id = NULL;
    return 0;
}

/* ---- the state ------------------------------------------------------------------------------- */

enum how {
    IS_NONE,  /* there is none, and there was none before */
    IS_TORN,  /* empty, cut off, or gone */
    IS_OTHER, /* of another lineage, or older than before */
    IS_WHOLE
};

struct seen {
    enum how how;
    const char *why;
    bool none;
};

static bool same_lineage(const struct pb_recorded_set *a, const struct pb_recorded_set *b)
{
    return !b->lineage || pb_streq(a->lineage, b->lineage);
}

/* The state as it stands now, as a file and as what it says. */
static int look(struct seen *out, struct pb_settling *s, struct pb_err *err)
{
    bool torn = false;

    *out = (struct seen){IS_WHOLE, NULL, false};
    free(s->now);
    s->now = pb_area_file(s->area, "found.tfstate");
    memset(&s->after, 0, sizeof(s->after));
    if (s->executor->keep_state(&out->none, &torn, s->arena, &s->ctx, s->now, err) < 0)
        return -1;
    if (out->none) {
        *out = torn                ? (struct seen){IS_TORN, "is empty", true}
               : s->before.lineage ? (struct seen){IS_TORN, "is gone", true}
                                   : (struct seen){IS_NONE, NULL, true};
        return 0;
    }
    if (s->executor->parse_state(&s->after, s->arena, s->now, NULL) < 0) {
        memset(&s->after, 0, sizeof(s->after));
        *out = (struct seen){IS_TORN, "is cut off", false};
    } else if (!same_lineage(&s->after, &s->before)) {
        *out = (struct seen){IS_OTHER, "is another one than before (its lineage)", false};
    } else if (s->after.serial < s->before.serial) {
        *out = (struct seen){IS_OTHER, "is older than before the apply", false};
    }
    return 0;
}

/* A copy can be put back if it is of this state, and not from before it. */
static bool is_good(struct pb_recorded_set *out, const struct pb_settling *s, const char *path)
{
    return path && pb_fs_exists(path) && s->executor->parse_state(out, s->arena, path, NULL) == 0 &&
           out->lineage && same_lineage(out, &s->before) && out->serial >= s->before.serial;
}

/* Nothing that might be of use is thrown away with the area. */
static void set_aside(struct pb_settling *s, const char *path, const char *what)
{
    PB_AUTO(str) char *to = NULL;

    for (int i = 1; i < 1000; i++) {
        free(to);
        to = pb_asprintf("%s/set-aside-%d.tfstate", s->area->dir, i);
        if (link(path, to) == 0) {
            pb_settling_say(s, "%s is kept as '%s'", what, to);
            return;
        }
        if (errno != EEXIST)
            return;
    }
}

static int decide_by_hand(const struct pb_settling *s, const char *why, struct pb_err *err)
{
    return pb_fail(err, PB_E_REFUSED,
                   "%s was interrupted, and the state %s. Somebody has to decide which state is "
                   "right: as found it is '%s', before the apply it was '%s/%s'%s%s%s. Put the "
                   "right one back ('%s state push'), then 'plumb recover' again",
                   pb_settling_words(s), why, s->now, s->area->current, PB_AREA_BEFORE,
                   s->tool.rescued ? ", and the tool saved '" : "",
                   s->tool.rescued ? s->tool.rescued : "", s->tool.rescued ? "'" : "",
                   s->ctx.tool ? s->ctx.tool : s->executor->name);
}

/* Said in the journal before it is done: whoever goes on after us has to know. */
static int put(struct pb_settling *s, const char *path, enum pb_recovered outcome,
               struct pb_err *err)
{
    struct seen then;

    if (pb_settle_unlock(s, err) < 0 ||
        (s->journal &&
         pb_journal_note(s->journal, "recover.put", pb_recovered_names[outcome], err) < 0))
        return -1;
    if (pb_fault("recover.put"))
        return pb_fail_errno(err, PB_E_IO, "cannot put the state back");
    if (s->executor->put_state(s->arena, &s->ctx, path, err) < 0 || look(&then, s, err) < 0)
        return -1;
    if (path && then.how != IS_WHOLE)
        return decide_by_hand(s, "could not be put back", err);
    s->out->outcome = outcome;
    return 0;
}

static int put_rescued(struct pb_settling *s, const char *found, struct pb_err *err)
{
    if (put(s, s->tool.rescued, PB_RECOVERED_RESCUED, err) < 0)
        return -1;
    pb_settling_say(s,
                    "the state %s: the one that the tool saved elsewhere was put in its place "
                    "(serial %lld)",
                    found, (long long)s->after.serial);
    return 0;
}

static int put_before(struct pb_settling *s, const struct seen *seen, struct pb_err *err)
{
    PB_AUTO(str) char *before = pb_area_file(s->area, PB_AREA_BEFORE);
    struct pb_recorded_set set;

    if (!is_good(&set, s, before))
        return decide_by_hand(s, seen->why, err);
    if (!seen->none)
        set_aside(s, s->now, "the state as it was found");
    if (put(s, before, PB_RECOVERED_RESTORED, err) < 0)
        return -1;
    pb_settling_say(s,
                    "the state %s: the copy that was taken before the apply was put back "
                    "(serial %lld)",
                    seen->why, (long long)s->after.serial);
    return 0;
}

/* There was no state before, so what is torn was the first one: again there is none. */
static int put_none(struct pb_settling *s, const struct seen *seen, struct pb_err *err)
{
    if (!seen->none)
        set_aside(s, s->now, "the state as it was found");
    if (put(s, NULL, PB_RECOVERED_RESTORED, err) < 0)
        return -1;
    pb_settling_say(s, "the state %s, and before the apply there was none: it was removed",
                    seen->why);
    return 0;
}

int pb_settle_planned(struct pb_settling *s, struct pb_err *err)
{
    struct seen seen;

    if (look(&seen, s, err) < 0)
        return -1;
    /* One that was empty before would not have been planned on. */
    if (seen.how != IS_TORN || !seen.none || s->before.lineage)
        return 0;
    if (put(s, NULL, PB_RECOVERED_NOT_STARTED, err) < 0)
        return -1;
    pb_settling_say(s, "the empty state that planning left was removed: there was none");
    return 0;
}

/* What an earlier recovery that was interrupted had put back is what stands there now. */
static void believe(struct pb_settling *s)
{
    s->out->outcome = PB_RECOVERED_BELIEVED;
    for (enum pb_recovered o = 0; s->was.put && o <= PB_RECOVERED_FINISHED; o++)
        if (strcmp(s->was.put, pb_recovered_names[o]) == 0)
            s->out->outcome = o;
    if (s->out->outcome != PB_RECOVERED_BELIEVED)
        pb_settling_say(s, "the state had been put back by an earlier recovery");
    else if (s->after.lineage && strcmp(s->after.sha256, s->before.sha256) == 0)
        pb_settling_say(s, "the state is whole, and the same as before (serial %lld)",
                        (long long)s->after.serial);
    else
        pb_settling_say(s, "the state is whole (serial %lld)", (long long)s->after.serial);
}

int pb_settle_state(struct pb_settling *s, struct pb_err *err)
{
    struct pb_recorded_set rescued = {0};
    bool good = is_good(&rescued, s, s->tool.rescued);
    struct seen seen;

    if (look(&seen, s, err) < 0)
        return -1;
    switch (seen.how) {
    case IS_OTHER: return decide_by_hand(s, seen.why, err);
    case IS_NONE:
        if (good)
            return put_rescued(s, "could not be written", err);
        s->out->outcome = PB_RECOVERED_BELIEVED;
        return 0;
    case IS_TORN:
        if (good)
            return put_rescued(s, seen.why, err);
        return s->before.lineage ? put_before(s, &seen, err) : put_none(s, &seen, err);
    case IS_WHOLE: break;
    }
    if (good && rescued.serial > s->after.serial && same_lineage(&rescued, &s->after))
        return put_rescued(s, "is not the last one", err);
    if (s->tool.rescued && strcmp(rescued.sha256, s->after.sha256) != 0)
        set_aside(s, s->tool.rescued, "what the tool saved beside the state");
    believe(s);
    return 0;
}
