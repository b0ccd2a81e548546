/* A request and its pages, sent once for all who want it. */
#include "backends/rest/engine.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "observe/curl.h"

enum { MAX_PAGES = 2000 };

static void send_page(struct fetch *f);

static void add_page_key(struct pb_buf *b, const struct pb_request *rq)
{
    const struct pb_page *p = rq->page;
    if (!p)
        return;
    pb_buf_adds(b, "\npage");
    for (size_t i = 0; i < p->nnext; i++)
        pb_buf_addf(b, " %d%s=%s", p->next[i].place.kind, p->next[i].place.name,
                    p->next[i].from.text);
    pb_buf_addf(b, " %s %s", p->more.text ? p->more.text : "",
                p->next_url.text ? p->next_url.text : "");
    if (p->number.kind)
        pb_buf_addf(b, " #%s %s", p->number.name, rq->items.text);
}

/* Two requests are the same when they put the same bytes on the wire with the same
 * credentials, go on to the next page in the same way, and are as open about what is said. */
static const char *key_of(struct context *c, const struct pb_ask *ask, const struct pb_wire *w)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    pb_buf_addf(&b, "%zu %s %s", c->index, w->method, w->url);
    for (char **h = w->headers; *h; h++)
        pb_buf_addf(&b, "\n%s", *h);
    pb_buf_addf(&b, "\n%s", w->body ? w->body : "");
    for (const char *const *root = ask->rq->roots; root && *root; root++)
        pb_buf_addf(&b, "\nroot %s", *root);
    for (const char *const *h = ask->rq->keep_headers; h && *h; h++)
        pb_buf_addf(&b, "\nkeep %s", *h);
    if (ask->rq->sensitive)
        pb_buf_adds(&b, "\nsensitive");
    add_page_key(&b, ask->rq);
    return pb_arena_strdup(c->run->a, b.s);
}

const char *fetch_key(struct context *c, const struct pb_ask *ask)
{
    struct pb_wire wire;
    pb_ask_wire(&wire, c->run->a, ask, context_endpoint(c, ask->rq->service)->url);
    return key_of(c, ask, &wire);
}

static void deliver(struct fetch *f, struct waiter w)
{
    if (w.res)
        res_reply(w, f);
    else
        context_canary_done(f->ctx, f);
}

void fetch_add_waiter(struct fetch *f, struct waiter w)
{
    if (f->done) {
        deliver(f, w);
        return;
    }
    f->waiters = pb_grow(f->waiters, &f->wcap, f->nwaiters + 1, sizeof(*f->waiters));
    f->waiters[f->nwaiters++] = w;
}

struct fetch *fetch_submit(struct run *run, struct context *c, const struct pb_ask *ask, bool fresh)
{
    struct endpoint *ep = context_endpoint(c, ask->rq->service);
    struct pb_wire wire;
    pb_ask_wire(&wire, run->a, ask, ep->url);
    const char *key = key_of(c, ask, &wire);
    if (fresh)
        key = pb_arena_printf(run->a, "again %s", key);
    struct fetch *f = pb_map_get(&run->fetches, key);
    if (f)
        return f;
    f = pb_arena_zalloc(run->a, sizeof(*f));
    f->run = run;
    f->ctx = c;
    f->ep = ep;
    f->ask = pb_ask_copy(run->a, ask);
    f->ask.auth = c->auth;
    f->wire = wire;
    f->number = 1;
    f->next = run->all;
    run->all = f;
    run->asked++;
    pb_map_put(&run->fetches, key, f);
    if (ask->rq->page && ask->rq->page->number.kind) {
        const char *one = "1";
        pb_ask_put(&f->ask, run->a, &ask->rq->page->number, &one, 1, false);
        pb_ask_wire(&f->wire, run->a, &f->ask, ep->url);
    }
    send_page(f);
    return f;
}

static void finish(struct fetch *f)
{
    const struct pb_progress *p = f->run->rq->progress;
    f->done = true;
    f->run->answered++;
    if (p && p->report)
        p->report(p->ctx, pb_arena_printf(f->run->a, "reading %s", f->ask.rq->service->name),
                  f->run->answered, f->run->asked);
    for (size_t i = 0; i < f->nwaiters; i++)
        deliver(f, f->waiters[i]);
    batch_flush(f->run);
}

static struct pb_value at(struct fetch *f, const struct pb_path *p, const struct pb_value *doc)
{
    return p->text ? pb_segs_walk(f->run->a, *doc, p->segs, p->n) : pb_null;
}

/* Of "https://host:port" in front of an endpoint's path. */
static size_t host_len(const char *endpoint)
{
    const char *start = strstr(endpoint, "://");
    size_t n = start ? (size_t)(start - endpoint) + 3 : 0;
    return n + strcspn(endpoint + n, "/");
}

static bool same_host(const char *url, const char *endpoint)
{
    size_t n = host_len(endpoint);
    return n && strncmp(url, endpoint, n) == 0 && (url[n] == '/' || url[n] == '?');
}

/* Whether there is another page, put into f->ask. An inconsistent reply makes the listing
 * incomplete. */
static bool next_by_token(struct fetch *f, const struct pb_page *p, const struct pb_value *doc)
{
    PB_AUTO(buf) struct pb_buf all = PB_BUF_INIT;
    struct pb_value more = at(f, &p->more, doc);
    const char *flag = pb_scalar_text(f->run->a, &more);
    if (p->more.text && !pb_streq(flag, "true"))
        return false;
    for (size_t i = 0; i < p->nnext; i++) {
        struct pb_value v = at(f, &p->next[i].from, doc);
        const char *token = pb_scalar_text(f->run->a, &v);
        if (!token || !*token)
            continue;
        pb_buf_addf(&all, "%s\n", token);
        pb_ask_put(&f->ask, f->run->a, &p->next[i].place, &token, 1, false);
    }
    if (all.len == 0 && p->more.text)
        f->incomplete =
            pb_arena_printf(f->run->a, "'%s' announced another page without a token", f->ask.label);
    if (all.len && pb_map_get(&f->tokens, all.s))
        f->incomplete =
            pb_arena_printf(f->run->a, "'%s' gives the same page again and again", f->ask.label);
    else if (all.len)
        pb_map_put(&f->tokens, pb_arena_strdup(f->run->a, all.s), f);
    return all.len > 0 && !f->incomplete;
}

static bool next_page(struct fetch *f, const struct pb_value *doc)
{
    const struct pb_page *p = f->ask.rq->page;
    struct pb_arena *a = f->run->a;
    if (!p)
        return false;
    if (f->ndocs >= MAX_PAGES) {
        f->incomplete = pb_arena_printf(a, "'%s' has more than %d pages", f->ask.label, MAX_PAGES);
        return false;
    }
    if (p->number.kind) {
        struct pb_value items = at(f, &f->ask.rq->items, doc);
        if (items.kind != PB_LIST || items.n == 0)
            return false;
        const char *number = pb_arena_printf(a, "%ld", ++f->number);
        pb_ask_put(&f->ask, a, &p->number, &number, 1, false);
        return true;
    }
    if (!p->next_url.text)
        return next_by_token(f, p, doc);
    struct pb_value v = at(f, &p->next_url, doc);
    const char *url = pb_str(&v);
    if (!url || !*url)
        return false;
    if (url[0] == '/' && url[1] != '/')
        url = pb_arena_printf(a, "%.*s%s", (int)host_len(f->ep->url), f->ep->url, url);
    if (!same_host(url, f->ep->url) || pb_streq(url, f->ask.url)) {
        f->incomplete = pb_arena_printf(a,
                                        "the next page of '%s' is on another host or the same "
                                        "again",
                                        f->ask.label);
        return false;
    }
    f->ask.url = url;
    return true;
}

static void take_time(struct context *c, const struct pb_http_reply *reply)
{
    const char *date = reply->outcome == PB_HTTP_REPLY ? reply->header(reply, "date") : NULL;
    time_t told = date ? curl_getdate(date, NULL) : -1;

    c->asked = pb_clock_wall();
    c->told = told > 0 ? told : 0;
}

/* A page that was announced and has nothing: APIs that filter late do so, and so does a part of
 * one that is broken. What is found is found; what is not may have been there. */
static void doubt_last(struct fetch *f, const struct pb_value *doc)
{
    const struct pb_request *rq = f->ask.rq;
    struct pb_value items = at(f, &rq->items, doc);
    bool empty = items.kind == PB_NULL || (items.kind == PB_LIST && items.n == 0);
    if (f->ndocs > 1 && empty && rq->items.text && !rq->page->number.kind)
        f->doubt = pb_arena_printf(f->run->a,
                                   "page %zu of '%s' was announced and is empty: whether something "
                                   "is missing cannot be told; try again later",
                                   f->ndocs, f->ask.label);
}

static void on_done(PB_UNUSED const struct pb_http_rq *rq, const struct pb_http_reply *reply,
                    void *ctx)
{
    struct fetch *f = ctx;
    struct pb_reply_view view;
    if (f == f->ctx->canary)
        take_time(f->ctx, reply);
    pb_reply_read(&view, f->run->a, &f->ask, reply);
    if (f->ndocs == 0) {
        f->kind = view.kind;
        f->code = view.code;
        f->reason = view.reason;
        f->status = view.status;
        f->denied = view.denied;
        f->throttled = view.throttled;
    }
    if (view.kind != PB_REPLY_OK) {
        if (f->ndocs)
            f->incomplete =
                pb_arena_printf(f->run->a, "page %zu is missing: %s", f->ndocs + 1, view.reason);
        finish(f);
        return;
    }
    f->docs = pb_grow(f->docs, &f->cap, f->ndocs + 1, sizeof(*f->docs));
    f->docs[f->ndocs++] = view.doc;
    if (!next_page(f, &view.doc)) {
        doubt_last(f, &view.doc);
        finish(f);
        return;
    }
    pb_ask_wire(&f->wire, f->run->a, &f->ask, f->ep->url);
    send_page(f);
}

static bool throttled(int status, const char *body, size_t n, void *ctx)
{
    const struct fetch *f = ctx;
    return pb_reply_throttled(f->ask.rq->service, status, body, n);
}

static void send_page(struct fetch *f)
{
    struct pb_http_rq *rq = pb_arena_zalloc(f->run->a, sizeof(*rq));
    *rq = (struct pb_http_rq){
        .method = f->wire.method,
        .url = f->wire.url,
        .headers = f->wire.headers,
        .body = f->wire.body,
        .body_len = f->wire.body_len,
        .service = f->ep->budget,
        .label = f->ask.label,
        .leads = f->ask.rq->page || f->ask.rq->batch_key,
        .throttled = throttled,
        .done = on_done,
        .ctx = f,
    };
    if (f->ctx->auth)
        pb_auth_apply(f->ctx->auth, f->ask.rq->service->signing_name, f->ep->region, rq);
    if (f->run->transport->submit(f->run->transport->ctx, rq) == 0)
        return;
    struct pb_http_reply none = {.outcome = PB_HTTP_CANCELLED, .error = "it could not be sent"};
    on_done(rq, &none, f);
}

void fetch_release(struct fetch *f)
{
    free(f->docs);
    free(f->waiters);
    pb_map_release(&f->tokens);
    for (struct page_index *i = f->indexes; i; i = i->next) {
        for (size_t k = 0; k < i->map.n; k++)
            pb_list_builder_release(i->map.e[k].value);
        pb_map_release(&i->map);
    }
}
