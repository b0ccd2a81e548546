/*
 * One comment, whoever else writes at the same moment: after one is made all are read again, the
 * oldest stays, and those behind it that are ours go.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "post/internal.h"

enum { ROUNDS = 3 };

struct sticky {
    const char *marker, *body;
    struct pb_post_items found;
    int64_t made; /* by us, now; 0: none */
    bool gone;    /* what was to be updated is there no longer */
};

static size_t oldest(const struct pb_post_items *items)
{
    size_t at = 0;

    for (size_t i = 1; i < items->n; i++)
        if (items->v[i].id < items->v[at].id)
            at = i;
    return at;
}

/* Hosts may end lines in another way, and take away what stands behind the last one. */
static bool is_same(const char *a, const char *b)
{
    for (;; a++, b++) {
        while (*a == '\r')
            a++;
        while (*b == '\r')
            b++;
        if (*a != *b || *a == '\0')
            break;
    }
    return a[strspn(a, "\r\n ")] == '\0' && b[strspn(b, "\r\n ")] == '\0';
}

/* Whether a second comment may be taken away: one whose author is known to be us. */
static bool is_ours(const struct pb_post *p, const struct sticky *s, const struct pb_post_item *i)
{
    return i->id == s->made || (p->me != NULL && pb_streq(i->author, p->me));
}

static int settle(struct pb_post *p, struct sticky *s, struct pb_err *err)
{
    const struct pb_post_host *host = p->place.host;
    size_t keep = oldest(&s->found);
    int rc = 0;

    s->gone = false;
    if (!is_same(s->found.v[keep].body, s->body))
        rc = host->set_comment(p, s->found.v[keep].id, s->body, &s->gone, err);
    if (rc < 0)
        return -1;
    for (size_t i = 0; i < s->found.n; i++)
        if (i != keep && is_ours(p, s, &s->found.v[i]) &&
            host->drop_comment(p, s->found.v[i].id, err) < 0)
            return -1;
    return 0;
}

static int put(struct pb_post *p, struct sticky *s, struct pb_err *err)
{
    const struct pb_post_host *host = p->place.host;

    for (int round = 1;; round++) {
        struct pb_post_item made;
        bool lost = false;

        if (host->comments(p, s->marker, &s->found, err) < 0)
            return -1;
        if (s->found.n > 0) {
            if (settle(p, s, err) == 0)
                return 0;
            if (!s->gone || round >= ROUNDS)
                return -1;
            s->made = 0;
            pb_err_clear(err);
        } else if (s->made != 0) {
            return 0; /* it is there, only the list does not have it yet */
        } else if (host->add_comment(p, s->body, &made, &lost, err) == 0) {
            s->made = made.id;
        } else if (!lost || round >= ROUNDS) {
            return -1;
        } else {
            pb_err_clear(err); /* perhaps it was made: the list knows */
        }
    }
}

int pb_post_comment(struct pb_post *p, const char *body, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf marker = PB_BUF_INIT, first = PB_BUF_INIT, whole = PB_BUF_INIT;
    struct sticky s = {.found = {NULL, 0, 0}};
    int rc;

    if (p->place.change == NULL)
        return pb_fail(err, PB_E_INPUT,
                       "cannot write the comment on %s: this is about no %s: give '--post-change'",
                       p->place.host->title, p->place.host->change);
    pb_post_marker(&marker, "comment", p->asked->name);
    pb_buf_addf(&first, "%s-->", marker.s);
    pb_post_body(&whole, p, first.s, body);
    s.marker = marker.s;
    s.body = whole.s;
    rc = pb_post_who(p, err) < 0 ? -1 : put(p, &s, err);
    free(s.found.v);
    return rc;
}
