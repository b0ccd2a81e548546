#include "tests/support/fake_http.h"

#include "base/mem.h"

void fake_http_init(struct fake_http *f, const struct fake_reply *rows, size_t n)
{
    *f = (struct fake_http){.rows = rows, .nrows = n};
}

static int submit(void *ctx, const struct pb_http_rq *rq)
{
    struct fake_http *f = ctx;
    f->queue = pb_grow(f->queue, &f->cap, f->n + 1, sizeof(*f->queue));
    f->queue[f->n++] = *rq;
    pb_strv_addf(&f->log, "%s %s %.*s", rq->method, rq->url, (int)rq->body_len,
                 rq->body ? rq->body : "");
    return 0;
}

static const char *header(const struct pb_http_reply *r, const char *name)
{
    const struct fake_http *f = r->impl;
    return strcmp(name, "date") == 0 ? f->date : NULL;
}

static const struct fake_reply *find(struct fake_http *f, const char *line)
{
    for (size_t i = 0; i < f->nrows; i++)
        if (strstr(line, f->rows[i].match) &&
            (!f->rows[i].times || f->used[i] < f->rows[i].times)) {
            f->used[i]++;
            return &f->rows[i];
        }
    return NULL;
}

static int run(void *ctx, struct pb_err *err)
{
    struct fake_http *f = ctx;
    (void)err;
    for (; f->next < f->n; f->next++) {
        struct pb_http_rq rq = f->queue[f->next];
        const struct fake_reply *row = find(f, f->log.v[f->next]);
        struct pb_http_reply r = {.outcome = PB_HTTP_FAILED,
                                  .error = "connection refused",
                                  .tries = 4,
                                  .header = header,
                                  .impl = f,
                                  .content_type = ""};
        if (row && row->status == 0)
            r.error = row->body;
        if (row && row->status)
            r = (struct pb_http_reply){
                .outcome = PB_HTTP_REPLY,
                .status = row->status,
                .content_type = row->type ? row->type : "application/json",
                .body = row->body,
                .body_len = strlen(row->body),
                .tries = 1,
                .header = header,
                .impl = f,
            };
        rq.done(&rq, &r, rq.ctx);
    }
    return 0;
}

static void stats(void *ctx, struct pb_http_stats *out)
{
    const struct fake_http *f = ctx;
    *out = (struct pb_http_stats){.requests = f->n};
}

struct pb_rest_transport fake_http_transport(struct fake_http *f)
{
    return (struct pb_rest_transport){submit, run, stats, f};
}

size_t fake_http_count(const struct fake_http *f, const char *part)
{
    size_t n = 0;
    for (size_t i = 0; i < f->log.n; i++)
        n += strstr(f->log.v[i], part) != NULL;
    return n;
}

void fake_http_release(struct fake_http *f)
{
    pb_strv_release(&f->log);
    free(f->queue);
}
