/*
 * internal.h: hosts as a table of functions, and what these are made of. Private to src/post.
 */
#ifndef PB_POST_INTERNAL_H
#define PB_POST_INTERNAL_H

#include "base/arena.h"
#include "model/value.h"
#include "observe/http.h"
#include "post/post.h"

/* Where to: from flags and CI. Strings live in the arena. */
struct pb_post_place {
    const struct pb_post_host *host;
    const char *api;         /* without a '/' at the end */
    const char *site;        /* the API's host, for messages */
    const char *repo;        /* as given */
    const char *change_repo; /* of the pull request, where that is another one */
    const char *change;      /* NULL: none */
    const char *commit;      /* NULL: none */
    const char *pipeline;    /* GitLab's, of that commit; or NULL */
    const char *page;        /* of the CI job, or NULL */
};

struct pb_post {
    struct pb_arena *arena;
    const struct pb_post_asked *asked;
    struct pb_post_place place;
    const char *token_name; /* the variable; NULL until it was looked for */
    const char *me;         /* login of the token's owner; NULL: not known */
    bool asked_who;
    struct pb_http *http; /* NULL before the first request */
    int64_t deadline;     /* 0 before the first request */
    long timeout_ms;
};

/* A comment or an issue, as far as it matters here. Strings live in the pb_post's arena. */
struct pb_post_item {
    int64_t id; /* of an issue: its number */
    const char *author, *title, *body;
    bool bot;      /* the host says that no person wrote it */
    bool open;     /* an issue */
    bool labelled; /* an issue: has plumb's label */
    bool other;    /* is something else than what was asked for */
};

struct pb_post_items {
    struct pb_post_item *v;
    size_t n, cap;
};

/* What is sent of an issue. NULL: as it is. */
struct pb_post_draft {
    const char *title, *body;
    const char *state; /* "open", "closed" */
    int64_t label;     /* on hosts where labels are numbers */
};

/*
 * One host. The functions of one file; all required but `label`. They return -1 with a message
 * that pb_post_ask() made.
 */
struct pb_post_host {
    const char *name;         /* "github" */
    const char *title;        /* "GitHub" */
    const char *change;       /* "pull request" */
    const char *tokens[3];    /* variables, in order; NULL-terminated */
    const char *job_token;    /* a variable that is its token where its CI runs us; or NULL */
    const char *token_remedy; /* what is to be put into the first of them */
    const char *may;          /* what a token needs, for when it is refused */
    size_t most;              /* of a body: see unit */
    enum { PB_POST_BYTES, PB_POST_UTF16 } unit;
    const char *left_header, *reset_header; /* see pb_http_rq */
    bool commands;                          /* a line that begins with '/' is one */
    bool bots;             /* who the token is may not be told: then it is a bot's */
    const char *login_key; /* of GET /user: who the token is */
    bool whole_comments;   /* all of them in one reply, without pages */
    const char *size;      /* of a page: the parameter */
    int per_page;

    bool (*runs_us)(void); /* whether this is its CI */
    int (*recognise)(struct pb_post_place *place, struct pb_arena *a, struct pb_err *err);
    const char *default_api; /* NULL: has to be given */
    void (*authorise)(struct pb_strv *headers, const char *token);

    int (*status)(struct pb_post *p, const struct pb_post_status *s, const char *text,
                  struct pb_err *err);
    /* Those with a first line that begins with `marker`; all pages. */
    int (*comments)(struct pb_post *p, const char *marker, struct pb_post_items *out,
                    struct pb_err *err);
    int (*add_comment)(struct pb_post *p, const char *body, struct pb_post_item *out, bool *lost,
                       struct pb_err *err);
    int (*set_comment)(struct pb_post *p, int64_t id, const char *body, bool *gone,
                       struct pb_err *err);
    int (*drop_comment)(struct pb_post *p, int64_t id, struct pb_err *err);
    int (*issues)(struct pb_post *p, const char *marker, struct pb_post_items *out,
                  struct pb_err *err);
    int (*label)(struct pb_post *p, int64_t *out, struct pb_err *err);
    int (*add_issue)(struct pb_post *p, const struct pb_post_draft *d, struct pb_post_item *out,
                     bool *lost, struct pb_err *err);
    int (*set_issue)(struct pb_post *p, int64_t number, const struct pb_post_draft *d,
                     struct pb_err *err);
};

extern const struct pb_post_host pb_post_github, pb_post_gitlab, pb_post_gitea, pb_post_forgejo;
extern const struct pb_post_host *const pb_post_hosts[]; /* NULL-terminated */

#define PB_POST_LABEL "plumb"

/* ---- place.c ------------------------------------------------------------------------ */

int pb_post_place(struct pb_post_place *out, struct pb_arena *a, const struct pb_post_asked *asked,
                  struct pb_err *err);
const char *pb_post_env(const char *name); /* NULL when not set, or empty */
/* Of Actions, as GitHub and Gitea have them: repository, commit, pull request and API. */
int pb_post_actions(struct pb_post_place *place, struct pb_arena *a, struct pb_err *err);
bool pb_post_is_true(const char *variable);

/* ---- ask.c -------------------------------------------------------------------------- */

struct pb_post_rq {
    const char *method;
    const char *path; /* percent-encoded, with its query */
    const char *body; /* JSON, or NULL */
    const char *what; /* for messages: "write the comment" */
    bool once;        /* makes something */
};

struct pb_post_reply {
    int status;                  /* 0: no whole reply */
    const struct pb_value *json; /* NULL: none. In `arena` */
    struct pb_arena *arena;      /* the caller's, given in */
    bool lost;                   /* not known whether it was done */
    bool more;                   /* there is a page behind this one */
    bool paged;                  /* the host says whether there is */
};

/* 0 for a reply 2xx; else -1 and a message with a remedy. */
int pb_post_ask(struct pb_post *p, const struct pb_post_rq *rq, struct pb_post_reply *out,
                struct pb_err *err);
/* Who the token is, once; false in p->me == NULL. -1 only when the token is refused. */
int pb_post_who(struct pb_post *p, struct pb_err *err);
/* GETs all pages, or the one there is, and keeps what `read` makes something of, whose body begins
 * with `marker` and whose author is the token; without a marker everything. */
int pb_post_list(struct pb_post *p, const char *path, bool paged, const char *what,
                 const char *marker, void (*read)(struct pb_post_item *, const struct pb_value *),
                 struct pb_post_items *out, struct pb_err *err);
/* Asks for something to be made, and reads what was. */
int pb_post_make(struct pb_post *p, const struct pb_post_rq *rq,
                 void (*read)(struct pb_post_item *, const struct pb_value *),
                 struct pb_post_item *out, bool *lost, struct pb_err *err);
/* Adds one segment of a path, percent-encoded. */
void pb_post_encode(struct pb_buf *b, const char *segment);
/* The same for a repository: owner/name. */
void pb_post_encode_repo(struct pb_buf *b, const char *repo);
/* {"name": "value", ...} from pairs of names and values; what has no value is left out; "=name" has
 * a value that is JSON. In the arena of `p`. */
struct pb_post_pair {
    const char *name, *value;
};
const char *pb_post_pairs(struct pb_post *p, const struct pb_post_pair *pairs, size_t n);
#define pb_post_json(p, ...)                                     \
    pb_post_pairs(p, (const struct pb_post_pair[]){__VA_ARGS__}, \
                  PB_COUNT(((const struct pb_post_pair[]){__VA_ARGS__})))

/* ---- repos.c: REST below /repos, as GitHub and Gitea have it ------------------------- */

int pb_repos_status(struct pb_post *p, const struct pb_post_status *s, const char *text,
                    struct pb_err *err);
int pb_repos_comments(struct pb_post *p, const char *marker, struct pb_post_items *out,
                      struct pb_err *err);
int pb_repos_add_comment(struct pb_post *p, const char *body, struct pb_post_item *out, bool *lost,
                         struct pb_err *err);
int pb_repos_set_comment(struct pb_post *p, int64_t id, const char *body, bool *gone,
                         struct pb_err *err);
int pb_repos_drop_comment(struct pb_post *p, int64_t id, struct pb_err *err);
int pb_repos_set_issue(struct pb_post *p, int64_t number, const struct pb_post_draft *d,
                       struct pb_err *err);
void pb_repos_read_issue(struct pb_post_item *out, const struct pb_value *v);
/* Adds "/repos/owner/name" and the rest. */
void pb_repos_path(struct pb_buf *b, const struct pb_post *p, const char *fmt, ...) PB_PRINTF(3, 4);

/* ---- body.c ------------------------------------------------------------------------- */

/* "<!-- plumb:KIND NAME" and ' ': what the hidden first line begins with. */
void pb_post_marker(struct pb_buf *b, const char *kind, const char *name);
/* A word of a marker, in which nothing can end a comment. */
void pb_post_word(struct pb_buf *b, const char *word);
/* Marker, body, and where it is too long for the host, a cut and where the rest is. */
void pb_post_body(struct pb_buf *b, const struct pb_post *p, const char *marker, const char *body);
/* At most `most` characters, one line, nothing that drives a terminal. */
void pb_post_line(struct pb_buf *b, const char *text, size_t most);
bool pb_post_has_marker(const char *body, const char *marker);

#endif
