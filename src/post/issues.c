/*
 * One issue for each thing, found again by its hidden first line:
 *
 *	<!-- plumb:issue NAME KEY DIGEST -->
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "post/internal.h"

/* In place of a digest, of what was closed because all was well. */
#define WELL "well"

struct tracker {
    struct pb_post *p;
    const char *marker; /* of all */
    struct pb_post_items items;
    bool have_label;
    int64_t label;
    size_t made, failed;
};

static void add_marker(struct pb_buf *b, const struct tracker *t, const char *key,
                       const char *digest)
{
    pb_buf_adds(b, t->marker);
    pb_post_word(b, key);
    pb_buf_addf(b, " %s -->", digest);
}

/* The n-th word behind the marker is `word`. */
static bool has_word(const struct tracker *t, const struct pb_post_item *item, int n,
                     const char *word)
{
    const char *s = item->body + strlen(t->marker);
    size_t len = strlen(word);

    for (; n > 0; n--) {
        s += strcspn(s, " \r\n");
        if (*s != ' ')
            return false;
        s++;
    }
    return strncmp(s, word, len) == 0 && s[len] == ' ';
}

static bool is_about(const struct tracker *t, const struct pb_post_item *item, const char *key)
{
    PB_AUTO(buf) struct pb_buf word = PB_BUF_INIT;

    pb_post_word(&word, key);
    return has_word(t, item, 0, word.s);
}

/* The oldest that is open, or the newest that is closed. */
static const struct pb_post_item *find(const struct tracker *t, const char *key, bool open)
{
    const struct pb_post_item *found = NULL;

    for (size_t i = 0; i < t->items.n; i++) {
        const struct pb_post_item *item = &t->items.v[i];

        if (item->open == open && is_about(t, item, key) &&
            (found == NULL || (item->id < found->id) == open))
            found = item;
    }
    return found;
}

static int update(struct tracker *t, const struct pb_post_item *item, const char *title,
                  const char *digest, const struct pb_post_issue *issue, const char *text,
                  const char *state, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf marker = PB_BUF_INIT, body = PB_BUF_INIT;

    add_marker(&marker, t, issue->key, digest);
    pb_post_body(&body, t->p, marker.s, text);
    return t->p->place.host->set_issue(
        t->p, item->id, &(struct pb_post_draft){.title = title, .body = body.s, .state = state},
        err);
}

/* What would not be found again the next time must not stay. */
static int without_label(struct tracker *t, const struct pb_post_item *made, struct pb_err *err)
{
    const struct pb_post_host *host = t->p->place.host;

    if (host->set_issue(t->p, made->id, &(struct pb_post_draft){.state = "closed"}, err) < 0)
        return -1;
    return pb_fail(err, PB_E_AUTH,
                   "cannot open an issue on %s ('%s'): it drops the label '" PB_POST_LABEL
                   "', without which the issue is not found again, so #%lld was closed: %s",
                   host->title, t->p->place.site, (long long)made->id, host->may);
}

static int make(struct tracker *t, const struct pb_post_issue *issue, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf marker = PB_BUF_INIT, body = PB_BUF_INIT;
    const struct pb_post_host *host = t->p->place.host;
    struct pb_post_draft draft = {.title = issue->title};
    struct pb_post_item made;

    if (!t->have_label && host->label != NULL && host->label(t->p, &t->label, err) < 0)
        return -1;
    t->have_label = true;
    add_marker(&marker, t, issue->key, issue->digest);
    pb_post_body(&body, t->p, marker.s, issue->body);
    draft.body = body.s;
    draft.label = t->label;
    for (int round = 1;; round++) {
        bool lost = false;

        if (host->add_issue(t->p, &draft, &made, &lost, err) == 0)
            break;
        if (!lost || round > 1)
            return -1;
        pb_err_clear(err); /* perhaps it was made: the list knows */
        if (host->issues(t->p, t->marker, &t->items, err) < 0)
            return -1;
        if (find(t, issue->key, true) != NULL)
            return 0;
    }
    t->made++;
    return made.labelled ? 0 : without_label(t, &made, err);
}

static int report_wrong(struct tracker *t, const struct pb_post_issue *issue, struct pb_err *err)
{
    const struct pb_post_item *open = find(t, issue->key, true);
    const struct pb_post_item *closed = open != NULL ? NULL : find(t, issue->key, false);
    const struct pb_post_item *item = open != NULL ? open : closed;

    if (item == NULL)
        return make(t, issue, err);
    /* Just this was said already: it is open, or somebody closed it who knows of it. */
    if (has_word(t, item, 1, issue->digest))
        return 0;
    return update(t, item, issue->title, issue->digest, issue, issue->body,
                  open != NULL ? NULL : "open", err);
}

static int close_well(struct tracker *t, const struct pb_post_issue *issue, struct pb_err *err)
{
    const struct pb_post_item *open = find(t, issue->key, true);
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    const char *found;

    if (open == NULL)
        return 0;
    found = strchr(open->body, '\n');
    pb_buf_addf(&text, "%s\n\n%s", issue->well, found != NULL ? found + 1 : "");
    return update(t, open, NULL, WELL, issue, text.s, "closed", err);
}

/* Two runs at once may each have made one; the younger goes. It is not found again. */
static int drop_seconds(struct tracker *t, const char *key, struct pb_err *err)
{
    const struct pb_post_host *host = t->p->place.host;
    const struct pb_post_item *keep = find(t, key, true);

    for (size_t i = 0; i < t->items.n; i++) {
        const struct pb_post_item *item = &t->items.v[i];
        PB_AUTO(buf) struct pb_buf body = PB_BUF_INIT;

        if (item == keep || !item->open || !is_about(t, item, key))
            continue;
        pb_buf_addf(&body, "<!-- plumb:second -->\nThe same as #%lld.\n", (long long)keep->id);
        if (host->set_issue(t->p, item->id,
                            &(struct pb_post_draft){.body = body.s, .state = "closed"}, err) < 0)
            return -1;
    }
    return 0;
}

static int one(struct tracker *t, const struct pb_post_issue *issue, struct pb_err *err)
{
    switch (issue->finding) {
    case PB_POST_UNKNOWN: return 0;
    case PB_POST_CLEAN: return close_well(t, issue, err);
    case PB_POST_WRONG: break;
    }
    return report_wrong(t, issue, err);
}

/* The first failure is told. */
static void note(struct tracker *t, int rc, struct pb_err *first, const struct pb_err *err)
{
    if (rc == 0)
        return;
    if (t->failed++ == 0)
        *first = *err;
}

static int all(struct tracker *t, const struct pb_post_issue *issues, size_t n,
               struct pb_err *first)
{
    const struct pb_post_host *host = t->p->place.host;
    struct pb_err err = PB_ERR_INIT;

    if (host->issues(t->p, t->marker, &t->items, first) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (issues[i].finding != PB_POST_UNKNOWN)
            note(t, drop_seconds(t, issues[i].key, &err), first, &err);
    for (size_t i = 0; i < n; i++)
        note(t, one(t, &issues[i], &err), first, &err);
    if (t->made > 0) {
        note(t, host->issues(t->p, t->marker, &t->items, &err), first, &err);
        for (size_t i = 0; t->failed == 0 && i < n; i++)
            note(t, drop_seconds(t, issues[i].key, &err), first, &err);
    }
    if (t->failed > 1)
        pb_err_wrap(first, "%zu issues could not be kept up to date, the first", t->failed);
    return t->failed > 0 ? -1 : 0;
}

int pb_post_issues(struct pb_post *p, const struct pb_post_issue *issues, size_t n,
                   struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf marker = PB_BUF_INIT;
    struct tracker t = {.p = p};
    bool any = false;
    int rc;

    for (size_t i = 0; i < n; i++)
        any |= issues[i].finding != PB_POST_UNKNOWN;
    if (!any)
        return 0;
    pb_post_marker(&marker, "issue", p->asked->name);
    t.marker = marker.s;
    rc = pb_post_who(p, err) < 0 ? -1 : all(&t, issues, n, err);
    free(t.items.v);
    return rc;
}
