#include "post/post.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "post/internal.h"

enum { STATUS_MAX = 140, TIMEOUT_MS = 120000 };

int pb_post_new(struct pb_post **out, const struct pb_post_asked *asked, struct pb_err *err)
{
    struct pb_post *p = pb_calloc(1, sizeof(*p));

    *out = p;
    p->arena = pb_arena_new();
    p->asked = asked;
    p->timeout_ms = asked->timeout_ms > 0 ? asked->timeout_ms : TIMEOUT_MS;
    if (pb_post_place(&p->place, p->arena, asked, err) == 0)
        return 0;
    pb_post_free(p);
    *out = NULL;
    return -1;
}

void pb_post_free(struct pb_post *p)
{
    if (p == NULL)
        return;
    pb_http_free(p->http);
    pb_arena_free(p->arena);
    free(p);
}

const char *pb_post_host_name(const struct pb_post *p)
{
    return p->place.host->title;
}

bool pb_post_has_change(const struct pb_post *p)
{
    return p->place.change != NULL;
}

int pb_post_status(struct pb_post *p, const struct pb_post_status *status, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    struct pb_post_status s = *status;

    if (p->asked->commit != NULL || (p->place.commit != NULL && !(s.sure && s.commit != NULL)))
        s.commit = p->place.commit;
    if (s.commit == NULL)
        return pb_fail(err, PB_E_INPUT,
                       "cannot set the status of the commit on %s: it is not known which commit: "
                       "give '--post-commit'",
                       p->place.host->title);
    pb_post_line(&text, s.text, STATUS_MAX);
    return p->place.host->status(p, &s, text.s, err);
}
