/*
 * post.h: what was found, told where the code is reviewed: as the status of a commit, as one
 * comment on a pull request, or as issues, on GitHub, GitLab, Gitea and Forgejo.
 *
 *	struct pb_post *p;
 *	if (pb_post_new(&p, &asked, &err) < 0)		// where? flags, else what CI says
 *	    ...						// wrong flags, or no host is known
 *	pb_post_status(p, &status, &err);
 *	pb_post_comment(p, body, &err);
 *	pb_post_issues(p, issues, n, &err);
 *	pb_post_free(p);
 *
 * It knows nothing of audits: texts and states are the caller's. Nothing is sent before the first
 * of these calls. Each call fails for itself, with a message that names the host, what failed and
 * the remedy; what becomes of a failure is the caller's affair: it says nothing about the
 * infrastructure. All calls of one pb_post together take no longer than `timeout_ms`.
 *
 * Tokens come from the environment alone and are in no message. Requests go to the host's API and
 * nowhere else: https (http to loopback only), no redirect, no page's link is followed.
 * One thread uses a pb_post.
 */
#ifndef PB_POST_POST_H
#define PB_POST_POST_H

#include "base/err.h"

struct pb_post;

/* What the command line says; NULL and 0: what CI says. Must outlive the pb_post. */
struct pb_post_asked {
    const char *host;   /* "github", "gitlab", "gitea" */
    const char *api;    /* base URL of its API */
    const char *repo;   /* "owner/name"; GitLab: a path, or a number */
    const char *change; /* number of the pull or merge request */
    const char *commit; /* full id, for the status */
    const char *name;   /* what this is called there, such as "plumb check"; never NULL */
    long timeout_ms;    /* 0: two minutes */
};

/* Wrong flags, and no host that could be told, are PB_E_USAGE; an event file of CI that cannot be
 * read is an error of its own. A token is not asked for yet. */
int pb_post_new(struct pb_post **out, const struct pb_post_asked *asked, struct pb_err *err);
void pb_post_free(struct pb_post *p); /* NULL is fine */

const char *pb_post_host_name(const struct pb_post *p); /* "GitHub" */
/* Whether it is known what to comment on: outside of a pull request nothing is. */
bool pb_post_has_change(const struct pb_post *p);

enum pb_post_state {
    PB_POST_SUCCESS,
    PB_POST_FAILURE, /* it was looked at, and something is wrong */
    PB_POST_ERROR,   /* it could not be looked at */
    PB_POST_PENDING
};

struct pb_post_status {
    enum pb_post_state state;
    const char *text;   /* one line; what is over 140 characters is cut */
    const char *commit; /* where neither flags nor CI name one; or NULL */
    bool sure;          /* it is just that commit which was looked at, whatever CI names */
};
int pb_post_status(struct pb_post *p, const struct pb_post_status *status, struct pb_err *err);

/*
 * One comment of this name on the pull request: made the first time and replaced from then on,
 * found by a hidden first line that is put before `body`, and by its author where the host tells
 * who the token is. Of two runs that make one each at the same time one takes its own away again.
 * A body over the host's limit is cut, and says where the rest is.
 */
int pb_post_comment(struct pb_post *p, const char *body, struct pb_err *err);

enum pb_post_finding {
    PB_POST_UNKNOWN, /* could not be looked at: its issue stays as it is */
    PB_POST_CLEAN,   /* nothing is wrong: its issue is closed */
    PB_POST_WRONG    /* there is an issue about it, open */
};

/*
 * What there is to say about one thing, such as a unit. Its issue is found by a hidden first line,
 * which has the digest of the finding, too: an issue is changed when that changes, and left alone
 * otherwise. Closed by a person it stays closed until the finding changes; closed because all was
 * well it is opened again for the next finding.
 */
struct pb_post_issue {
    const char *key;
    enum pb_post_finding finding;
    const char *title;  /* of PB_POST_WRONG */
    const char *body;   /* of PB_POST_WRONG */
    const char *digest; /* of PB_POST_WRONG: letters and digits */
    const char *well;   /* of PB_POST_CLEAN: one line, put before what was found */
};

/* Goes on where one fails; the error is then the first, and tells how many there are. */
int pb_post_issues(struct pb_post *p, const struct pb_post_issue *issues, size_t n,
                   struct pb_err *err);

/* What --post-to may be; NULL-terminated. */
extern const char *const pb_post_host_names[];

#endif
