#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"
#include "post/internal.h"

enum { PAGES_MAX = 500, SAID_MAX = 200 };

/* ---- texts ------------------------------------------------------------------------ */

void pb_post_encode(struct pb_buf *b, const char *segment)
{
    for (const char *c = segment; *c != '\0'; c++)
        if (isalnum((unsigned char)*c) || strchr("-._~", *c) != NULL)
            pb_buf_addc(b, *c);
        else
            pb_buf_addf(b, "%%%02X", (unsigned char)*c);
}

void pb_post_encode_repo(struct pb_buf *b, const char *repo)
{
    const char *slash = strchr(repo, '/');
    PB_AUTO(str) char *owner = pb_strndup(repo, slash != NULL ? (size_t)(slash - repo) : 0);

    pb_post_encode(b, owner);
    pb_buf_addc(b, '/');
    pb_post_encode(b, slash != NULL ? slash + 1 : repo);
}

const char *pb_post_pairs(struct pb_post *p, const struct pb_post_pair *pairs, size_t n)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    pb_buf_addc(&b, '{');
    for (size_t i = 0; i < n; i++) {
        const char *name = pairs[i].name, *value = pairs[i].value;
        bool plain = *name == '=';

        if (value == NULL)
            continue;
        pb_buf_adds(&b, b.len > 1 ? "," : "");
        pb_json_add_string(&b, name + plain, strlen(name + plain));
        pb_buf_addc(&b, ':');
        if (plain)
            pb_buf_adds(&b, value);
        else
            pb_json_add_string(&b, value, strlen(value));
    }
    pb_buf_addc(&b, '}');
    return pb_arena_strndup(p->arena, b.s, b.len);
}

/* ---- the token -------------------------------------------------------------------- */

static const char *find_token(struct pb_post *p, struct pb_err *err)
{
    const struct pb_post_host *host = p->place.host;
    const char *token = NULL;

    for (size_t i = 0; token == NULL && host->tokens[i] != NULL; i++)
        token = pb_post_env(p->token_name = host->tokens[i]);
    /* A name that hosts share: what it holds may be another host's where that one runs us. */
    if (token == NULL && host->job_token != NULL && host->runs_us())
        token = pb_post_env(p->token_name = host->job_token);
    if (token == NULL) {
        p->token_name = host->tokens[0];
        pb_fail(err, PB_E_AUTH, "there is no token in '%s'%s%s%s: set '%s' to %s", host->tokens[0],
                host->tokens[1] ? " or '" : "", host->tokens[1] ? host->tokens[1] : "",
                host->tokens[1] ? "'" : "", p->token_name, host->token_remedy);
    } else if (strpbrk(token, " \t\r\n") != NULL) {
        pb_fail(err, PB_E_AUTH,
                "there is a blank or a line break in '%s': set it to the token alone",
                p->token_name);
        token = NULL;
    }
    return token;
}

static int authorise(const struct pb_http_rq *rq, struct pb_strv *headers, void *ctx,
                     struct pb_err *err)
{
    struct pb_post *p = ctx;
    const char *token = find_token(p, err);

    (void)rq;
    if (token == NULL)
        return -1;
    p->place.host->authorise(headers, token);
    return 0;
}

/* ---- one request ------------------------------------------------------------------ */

/* What came back, kept beyond the callback. */
struct heard {
    enum pb_http_outcome outcome;
    int status;
    struct pb_buf body, why;
    bool more, paged;
    int64_t wait_s; /* that it asks to wait; -1: nothing said */
};

static void note_pages(struct heard *heard, const struct pb_http_reply *r)
{
    const char *link = r->header(r, "link"), *next = r->header(r, "x-next-page");

    heard->paged = link != NULL || next != NULL;
    heard->more =
        (link != NULL && strstr(link, "rel=\"next\"") != NULL) || (next != NULL && *next != '\0');
}

static void on_done(const struct pb_http_rq *rq, const struct pb_http_reply *r, void *ctx)
{
    struct heard *heard = ctx;
    const char *after = NULL, *reset = NULL;

    heard->outcome = r->outcome;
    heard->status = r->status;
    pb_buf_adds(&heard->why, r->error != NULL ? r->error : "");
    if (r->outcome != PB_HTTP_REPLY)
        return;
    pb_buf_add(&heard->body, r->body, r->body_len);
    note_pages(heard, r);
    after = r->header(r, "retry-after");
    if (rq->left_header != NULL && pb_streq(r->header(r, rq->left_header), "0"))
        reset = r->header(r, rq->reset_header);
    if (after != NULL && isdigit((unsigned char)*after))
        heard->wait_s = strtol(after, NULL, 10);
    else if (reset != NULL && isdigit((unsigned char)*reset))
        heard->wait_s = strtol(reset, NULL, 10) - (long)time(NULL);
}

static bool says_limit(const char *body)
{
    return strcasestr(body, "rate limit") != NULL || strcasestr(body, "abuse detection") != NULL;
}

/* Some hosts refuse with 403 where others say 429. */
static bool is_throttled(int status, const char *body, size_t n, void *ctx)
{
    (void)n;
    (void)ctx;
    return status == 403 && says_limit(body);
}

/* The time that is left for all requests together. */
static struct pb_http *transport(struct pb_post *p, struct pb_err *err)
{
    int64_t left;

    if (p->deadline == 0)
        p->deadline = pb_clock_ms() + p->timeout_ms;
    left = p->deadline - pb_clock_ms();
    if (left <= 0) {
        pb_fail(err, PB_E_NET,
                "the time of %ld s for posting is over: give more with "
                "'--post-timeout'",
                (p->timeout_ms + 999) / 1000);
        return NULL;
    }
    if (p->http == NULL)
        p->http = pb_http_new(&(struct pb_http_limits){.concurrency = 1,
                                                       .backoff_ms = 500,
                                                       .max_retry_after_ms = 90000},
                              err);
    if (p->http != NULL)
        pb_http_total(p->http, (long)left);
    return p->http;
}

static void add_said(struct pb_buf *b, struct pb_post *p, const struct pb_value *json)
{
    const struct pb_value *message = pb_get(json, "message");
    const char *token = p->token_name != NULL ? pb_post_env(p->token_name) : NULL;
    PB_AUTO(buf) struct pb_buf said = PB_BUF_INIT;

    if (message == NULL)
        message = pb_get(json, "error");
    if (pb_str(message) != NULL)
        pb_buf_adds(&said, pb_str(message));
    else if (message != NULL)
        pb_json_add(&said, message);
    /* "Validation Failed" alone helps nobody. */
    if (pb_len(pb_get(json, "errors")) > 0) {
        pb_buf_addc(&said, ' ');
        pb_json_add(&said, pb_get(json, "errors"));
    }
    if (token != NULL)
        pb_text_take_out(&said, token);
    if (said.len == 0)
        return;
    pb_buf_adds(b, " '");
    pb_post_line(b, said.s, SAID_MAX);
    pb_buf_addc(b, '\'');
}

static void add_remedy(struct pb_buf *b, const struct pb_post *p, const struct heard *heard)
{
    const struct pb_post_host *host = p->place.host;

    pb_buf_adds(b, ": ");
    if (heard->status == 429 || (heard->status == 403 && says_limit(heard->body.s))) {
        pb_buf_adds(b, "it limits how often it may be asked; ");
        if (heard->wait_s > 0)
            pb_buf_addf(b, "try again in %ld s", (long)heard->wait_s);
        else
            pb_buf_adds(b, "try again later");
    } else if (heard->status == 401) {
        pb_buf_addf(b, "the token in '%s' is not valid, or no longer: set it to %s", p->token_name,
                    host->token_remedy);
    } else if (heard->status == 403) {
        pb_buf_addf(b, "the token in '%s' may not do that: %s", p->token_name, host->may);
    } else if (heard->status == 404 || heard->status == 410) {
        pb_buf_addf(b,
                    "see that '%s', and in it the %s and the commit, are there, and that the token "
                    "in '%s' may see them: %s",
                    p->place.repo, host->change, p->token_name, host->may);
    } else if (heard->status >= 300 && heard->status < 400) {
        pb_buf_adds(b, "the repository has moved, or that is not the API's address: correct it "
                       "with '--post-repo' or '--post-url'");
    } else if (heard->status >= 500) {
        pb_buf_adds(b, "that is its own trouble; try again later");
    } else {
        pb_buf_adds(b, "see that what is asked for can be there");
    }
}

/* Says what went wrong, and wipes out what the caller could take for an answer. */
static int refuse(struct pb_post *p, const struct pb_post_rq *rq, const struct heard *heard,
                  const struct pb_value *json, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    const struct pb_post_host *host = p->place.host;
    enum pb_err_class cls = PB_E_INPUT;

    if (heard->status == 401 || heard->status == 403)
        cls = PB_E_AUTH;
    pb_buf_addf(&b, "it answered %d", heard->status);
    add_said(&b, p, json);
    add_remedy(&b, p, heard);
    return pb_fail(err, cls, "cannot %s on %s ('%s'): %s", rq->what, host->title, p->place.site,
                   b.s);
}

static int understand(struct pb_post *p, const struct pb_post_rq *rq, const struct heard *heard,
                      struct pb_post_reply *out, struct pb_err *err)
{
    const struct pb_post_host *host = p->place.host;
    struct pb_err parse = PB_ERR_INIT;
    bool fine = heard->status >= 200 && heard->status < 300;

    if (heard->body.len > 0 &&
        pb_json_parse(&out->json, out->arena, heard->body.s, heard->body.len, "the reply", &parse) <
            0 &&
        fine) {
        out->lost = rq->once;
        return pb_fail(err, PB_E_INPUT,
                       "cannot %s on %s ('%s'): its reply cannot be understood (%s): see that "
                       "'--post-url' is the address of its API",
                       rq->what, host->title, p->place.site, parse.msg);
    }
    if (fine)
        return 0;
    out->lost = rq->once && heard->status >= 500;
    return refuse(p, rq, heard, out->json, err);
}

static int send_one(struct pb_post *p, const struct pb_post_rq *rq, struct heard *heard,
                    struct pb_err *err)
{
    static const char *const fixed[] = {"Accept: application/json",
                                        "Content-Type: application/json"};
    const struct pb_post_host *host = p->place.host;
    PB_AUTO(buf) struct pb_buf url = PB_BUF_INIT, label = PB_BUF_INIT;
    char *headers[] = {pb_arena_strdup(p->arena, fixed[0]), pb_arena_strdup(p->arena, fixed[1]),
                       NULL};
    struct pb_http *http = transport(p, err);

    if (http == NULL)
        return -1;
    if (rq->body == NULL)
        headers[1] = NULL;
    pb_buf_addf(&url, "%s%s", p->place.api, rq->path);
    pb_buf_addf(&label, "%s %s", host->title, rq->method);
    pb_http_submit(http, &(struct pb_http_rq){.method = rq->method,
                                              .url = url.s,
                                              .headers = headers,
                                              .body = rq->body,
                                              .body_len = rq->body != NULL ? strlen(rq->body) : 0,
                                              .service = host->name,
                                              .label = label.s,
                                              .sign = authorise,
                                              .sign_ctx = p,
                                              .throttled = is_throttled,
                                              .left_header = host->left_header,
                                              .reset_header = host->reset_header,
                                              .throttle_ms = 60000,
                                              .once = rq->once,
                                              .done = on_done,
                                              .ctx = heard});
    return pb_http_run(http, err);
}

int pb_post_ask(struct pb_post *p, const struct pb_post_rq *rq, struct pb_post_reply *out,
                struct pb_err *err)
{
    struct heard heard = {.body = PB_BUF_INIT, .why = PB_BUF_INIT, .wait_s = -1};
    const struct pb_post_host *host = p->place.host;
    int rc = send_one(p, rq, &heard, err);

    out->json = NULL;
    out->lost = false;
    out->status = heard.status;
    out->more = heard.more;
    out->paged = heard.paged;
    if (rc == 0 && heard.outcome == PB_HTTP_AUTH) {
        rc = pb_fail(err, PB_E_AUTH, "cannot %s on %s: %s", rq->what, host->title, heard.why.s);
    } else if (rc == 0 && heard.outcome != PB_HTTP_REPLY) {
        out->lost = rq->once;
        rc = pb_fail(err, PB_E_NET, "cannot %s on %s ('%s'): %s", rq->what, host->title,
                     p->place.site, heard.why.s);
    } else if (rc == 0) {
        rc = understand(p, rq, &heard, out, err);
    }
    pb_buf_release(&heard.body);
    pb_buf_release(&heard.why);
    return rc;
}

/* ---- several ---------------------------------------------------------------------- */

int pb_post_who(struct pb_post *p, struct pb_err *err)
{
    const struct pb_post_host *host = p->place.host;
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_post_reply reply = {.arena = a};
    struct pb_err why = PB_ERR_INIT;
    const char *me;

    if (p->asked_who)
        return 0;
    if (pb_post_ask(p, &(struct pb_post_rq){"GET", "/user", NULL, "see who posts", false}, &reply,
                    &why) < 0) {
        if (reply.status != 403 && reply.status != 404) {
            *err = why;
            return -1;
        }
    } else if ((me = pb_get_str(reply.json, host->login_key)) != NULL) {
        p->me = pb_arena_strdup(p->arena, me);
    }
    p->asked_who = true;
    return 0;
}

static bool is_mine(const struct pb_post *p, const struct pb_post_item *item)
{
    if (p->me != NULL)
        return pb_streq(item->author, p->me);
    return !p->place.host->bots || item->bot;
}

static void keep(struct pb_post *p, struct pb_post_items *out, const struct pb_post_item *item)
{
    struct pb_post_item copy = *item;

    copy.author = item->author != NULL ? pb_arena_strdup(p->arena, item->author) : NULL;
    copy.title = item->title != NULL ? pb_arena_strdup(p->arena, item->title) : NULL;
    copy.body = pb_arena_strdup(p->arena, item->body);
    out->v = pb_grow(out->v, &out->cap, out->n + 1, sizeof(*out->v));
    out->v[out->n++] = copy;
}

static int bad_reply(struct pb_post *p, const char *what, struct pb_err *err)
{
    return pb_fail(err, PB_E_INPUT,
                   "cannot %s on %s ('%s'): its reply is not what its API is documented to answer: "
                   "see that '--post-url' is the address of that API",
                   what, p->place.host->title, p->place.site);
}

/* The first item of a page, by which a host is known that has no pages and sends all each time. */
static int64_t first_id(const struct pb_value *page,
                        void (*read)(struct pb_post_item *, const struct pb_value *))
{
    struct pb_post_item item = {0};

    if (pb_len(page) > 0)
        read(&item, pb_at(page, 0));
    return item.id;
}

int pb_post_list(struct pb_post *p, const char *path, bool paged, const char *what,
                 const char *marker, void (*read)(struct pb_post_item *, const struct pb_value *),
                 struct pb_post_items *out, struct pb_err *err)
{
    const struct pb_post_host *host = p->place.host;
    int64_t first = 0;
    bool more = true;

    out->n = 0;
    for (int page = 1; more; page++) {
        PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
        PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
        struct pb_post_reply reply = {.arena = a};

        if (page > PAGES_MAX)
            return pb_fail(err, PB_E_INPUT, "cannot %s on %s: there are more than %d pages", what,
                           host->title, PAGES_MAX);
        pb_buf_adds(&b, path);
        if (paged)
            pb_buf_addf(&b, "%c%s=%d&page=%d", strchr(path, '?') != NULL ? '&' : '?', host->size,
                        host->per_page, page);
        if (pb_post_ask(p, &(struct pb_post_rq){"GET", b.s, NULL, what, false}, &reply, err) < 0)
            return -1;
        if (!pb_is(reply.json, PB_LIST))
            return bad_reply(p, what, err);
        for (size_t i = 0; i < pb_len(reply.json); i++) {
            struct pb_post_item item = {0};

            read(&item, pb_at(reply.json, i));
            if (item.id <= 0)
                return bad_reply(p, what, err);
            if (!item.other &&
                (marker == NULL || (pb_post_has_marker(item.body, marker) && is_mine(p, &item))))
                keep(p, out, &item);
        }
        more = paged && (reply.paged ? reply.more
                                     : pb_len(reply.json) >= (size_t)host->per_page &&
                                           first_id(reply.json, read) != first);
        first = first_id(reply.json, read);
    }
    return 0;
}

int pb_post_make(struct pb_post *p, const struct pb_post_rq *rq,
                 void (*read)(struct pb_post_item *, const struct pb_value *),
                 struct pb_post_item *out, bool *lost, struct pb_err *err)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_post_reply reply = {.arena = a};
    int rc = pb_post_ask(p, rq, &reply, err);

    *lost = reply.lost;
    if (rc < 0)
        return -1;
    *out = (struct pb_post_item){0};
    if (reply.json != NULL)
        read(out, reply.json);
    if (out->id <= 0) {
        *lost = true;
        return bad_reply(p, rq->what, err);
    }
    /* Whoever wrote it is whose the token is. */
    if (p->me == NULL && out->author != NULL)
        p->me = pb_arena_strdup(p->arena, out->author);
    out->author = p->me;
    out->title = out->body = NULL; /* they are in `a` */
    return 0;
}
