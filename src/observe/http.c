#include "observe/http.h"

#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/map.h"
#include "base/mem.h"
#include "observe/budget.h"
#include "observe/curl.h"
#include "observe/http_internal.h"
#include "observe/http_transfer.h"
#include "observe/retry.h"

struct service;

struct job {
    struct job *next;
    struct pb_http_rq rq;
    struct service *service;
    int tries;
    int64_t not_before, began_ms;
};

struct service {
    struct job *head, **tail; /* ready, in order */
    struct job **lead;        /* behind those of them that lead */
    struct pb_budget budget;
    int active;
    bool answered;      /* at all, so far */
    bool throttles;     /* it has said so */
    int64_t closed_ms;  /* until then it wants no requests, and nobody waits that long */
    int64_t closed_for; /* as it said, ms */
};

struct pb_http {
    struct pb_http_limits limits;
    struct pb_http_stats stats;
    CURLM *multi;
    struct pb_map services;
    struct job *waiting; /* for their next try */
    struct pb_transfer *slots;
    struct pb_transfer **idle;
    struct pb_transfer *ending; /* whose reply `done` sees */
    int nidle, nslots;
    int active, most; /* under way, and as many as ever were */
    size_t pending;   /* submitted and not done */
    size_t turn;      /* the service whose turn it is */
    int64_t deadline;
    struct pb_trust trust;
    struct pb_buf why;
};

void pb_http_limits_default(struct pb_http_limits *l)
{
    *l = (struct pb_http_limits){.concurrency = 32,
                                 .per_service = 16,
                                 .few = 8,
                                 .long_ms = 2,
                                 .tries = 4,
                                 .connect_ms = 5000,
                                 .request_ms = 20000,
                                 .slow_bytes = 32,
                                 .slow_s = 10,
                                 .max_body = 32 << 20,
                                 .backoff_ms = 200,
                                 .max_retry_after_ms = 30000};
}

static void fill_limits(struct pb_http_limits *l, const struct pb_http_limits *given)
{
    struct pb_http_limits d;

    pb_http_limits_default(&d);
    *l = given != NULL ? *given : d;
    l->concurrency = l->concurrency > 0 ? l->concurrency : d.concurrency;
    l->per_service = l->per_service > 0 ? l->per_service : d.per_service;
    l->few = l->few > 0 ? l->few : d.few;
    l->long_ms = l->long_ms > 0 ? l->long_ms : d.long_ms;
    l->tries = l->tries > 0 ? l->tries : d.tries;
    l->connect_ms = l->connect_ms > 0 ? l->connect_ms : d.connect_ms;
    l->request_ms = l->request_ms > 0 ? l->request_ms : d.request_ms;
    l->slow_bytes = l->slow_bytes > 0 ? l->slow_bytes : d.slow_bytes;
    l->slow_s = l->slow_s > 0 ? l->slow_s : d.slow_s;
    l->max_body = l->max_body > 0 ? l->max_body : d.max_body;
    l->backoff_ms = l->backoff_ms > 0 ? l->backoff_ms : d.backoff_ms;
    if (l->max_retry_after_ms <= 0)
        l->max_retry_after_ms = d.max_retry_after_ms;
}

static const char *env_path(const char *name)
{
    const char *v = getenv(name);

    return v != NULL && *v != '\0' ? v : NULL;
}

/* With a file alone curl reads it once, and not for each connection: so that is what the
 * machine's CAs are taken from where nothing else is said. */
static struct pb_trust find_trust(void)
{
    const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
    struct pb_trust t = {env_path("SSL_CERT_FILE"), env_path("SSL_CERT_DIR")};

    if (t.file != NULL && t.dir == NULL)
        t.dir = curl->capath;
    else if (t.file == NULL && t.dir == NULL && curl->cainfo != NULL && pb_fs_exists(curl->cainfo))
        t.file = curl->cainfo;
    else if (t.file == NULL && t.dir == NULL)
        t.dir = curl->capath;
    return t;
}

struct pb_http *pb_http_new(const struct pb_http_limits *l, struct pb_err *err)
{
    struct pb_http *h;

    if (pb_curl_load(err) < 0)
        return NULL;
    h = pb_calloc(1, sizeof(*h));
    fill_limits(&h->limits, l);
    h->services = (struct pb_map)PB_MAP_INIT;
    h->why = (struct pb_buf)PB_BUF_INIT;
    h->trust = find_trust();
    h->slots = pb_calloc((size_t)h->limits.concurrency, sizeof(*h->slots));
    h->idle = pb_calloc((size_t)h->limits.concurrency, sizeof(struct pb_transfer *));
    h->multi = curl_multi_init();
    if (h->multi == NULL) {
        pb_http_free(h);
        pb_fail(err, PB_E_INTERNAL, "cannot start curl");
        return NULL;
    }
    curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)h->limits.concurrency);
    curl_multi_setopt(h->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    return h;
}

static struct service *find_service(struct pb_http *h, const char *name)
{
    struct service *s = pb_map_get(&h->services, name);

    if (s != NULL)
        return s;
    s = pb_calloc(1, sizeof(*s));
    s->tail = s->lead = &s->head;
    pb_budget_init(&s->budget, pb_clock_ms());
    pb_map_put(&h->services, name, s);
    return s;
}

static void enqueue(struct job *j)
{
    struct service *s = j->service;
    struct job **at = j->rq.leads ? s->lead : s->tail;

    j->next = *at;
    *at = j;
    if (s->tail == at)
        s->tail = &j->next;
    if (j->rq.leads)
        s->lead = &j->next;
}

static struct job *dequeue(struct service *s)
{
    struct job *j = s->head;

    if (j != NULL) {
        s->head = j->next;
        if (s->tail == &j->next)
            s->tail = &s->head;
        if (s->lead == &j->next)
            s->lead = &s->head;
    }
    return j;
}

int pb_http_submit(struct pb_http *h, const struct pb_http_rq *rq)
{
    struct job *j = pb_calloc(1, sizeof(*j));

    j->rq = *rq;
    j->service = find_service(h, rq->service != NULL ? rq->service : "");
    enqueue(j);
    h->pending++;
    return 0;
}

static const char *reply_header(const struct pb_http_reply *r, const char *name)
{
    return r->impl != NULL ? pb_transfer_header(r->impl, name) : NULL;
}

/* Frees the job. The slot, if any, still holds the reply while the callback runs. */
static void finish(struct pb_http *h, struct job *j, struct pb_transfer *t,
                   enum pb_http_outcome outcome, int status, const char *error)
{
    struct pb_http_reply r = {.outcome = outcome,
                              .status = status,
                              .content_type = "",
                              .body = "",
                              .error = error,
                              .tries = j->tries,
                              .header = reply_header};

    if (outcome == PB_HTTP_REPLY) {
        r.body = t->body.s;
        r.body_len = t->body.len;
        r.content_type = pb_transfer_type(t);
        r.impl = t;
        h->ending = t;
    } else {
        h->stats.failed++;
    }
    if (j->rq.done != NULL)
        j->rq.done(&j->rq, &r, j->rq.ctx);
    h->ending = NULL;
    h->pending--;
    free(j);
}

void pb_http_take(struct pb_http *h, struct pb_buf *body, struct pb_buf *headers,
                  struct pb_buf *type)
{
    if (h->ending == NULL)
        BUG("pb_http_take() without a reply");
    pb_transfer_swap(h->ending, body, headers, type);
}

static struct pb_transfer *take_slot(struct pb_http *h, struct pb_err *err)
{
    if (h->nidle > 0)
        return h->idle[--h->nidle];
    if (h->nslots == h->limits.concurrency)
        return NULL;
    if (pb_transfer_init(&h->slots[h->nslots], err) == -1)
        return NULL;
    return &h->slots[h->nslots++];
}

static void start(struct pb_http *h, struct job *j, struct pb_transfer *t)
{
    struct pb_err err = PB_ERR_INIT;

    j->tries++;
    if (pb_transfer_prepare(t, &j->rq, &h->limits, &h->trust, &err) == -1) {
        h->idle[h->nidle++] = t;
        finish(h, j, t, PB_HTTP_AUTH, 0, err.msg);
        return;
    }
    t->job = j;
    j->began_ms = pb_clock_ms();
    j->service->active++;
    h->most = ++h->active > h->most ? h->active : h->most;
    h->stats.requests++;
    h->stats.retries += j->tries > 1;
    if (curl_multi_add_handle(h->multi, t->easy) != CURLM_OK)
        BUG("curl takes no handle");
}

static void wake(struct pb_http *h, int64_t now)
{
    for (struct job **p = &h->waiting; *p != NULL;) {
        struct job *j = *p;

        if (j->not_before <= now) {
            *p = j->next;
            enqueue(j);
        } else {
            p = &j->next;
        }
    }
}

/* What a service that asked for more time than there is would only refuse is not sent. */
static void give_up_closed(struct pb_http *h, int64_t now)
{
    struct job *j;

    for (size_t i = 0; i < h->services.n; i++) {
        struct service *s = h->services.e[i].value;

        if (s->closed_ms <= now || s->head == NULL)
            continue;
        pb_buf_clear(&h->why);
        pb_buf_addf(&h->why, "not asked, as the API throttles and asks to wait %ld s",
                    (long)(s->closed_for / 1000));
        while ((j = dequeue(s)) != NULL)
            finish(h, j, NULL, PB_HTTP_CANCELLED, 0, h->why.s);
    }
}

/* One that never answers must not take all slots from the others: it gets a few until it does. */
static int most_active(const struct pb_http *h, const struct service *s)
{
    return s->answered ? h->limits.per_service : (h->limits.per_service + 3) / 4;
}

/* Whether one more at once gains anything. */
static bool gains(const struct pb_http *h, int64_t now)
{
    bool waits = h->active < h->limits.few || h->active < h->most;

    for (int i = 0; !waits && i < h->nslots; i++) {
        const struct job *j = h->slots[i].job;

        waits = j != NULL && now - j->began_ms >= h->limits.long_ms;
    }
    return waits;
}

/* Starts whatever may start, services in turn; returns ms until something else may. A service
 * loses its turn only when there is a slot that it could have had. */
static int64_t start_ready(struct pb_http *h, struct pb_err *err)
{
    int64_t wait = 100, now = pb_clock_ms();
    struct pb_transfer *t;
    size_t idle_turns = 0;

    wake(h, now);
    give_up_closed(h, now);
    for (struct job *j = h->waiting; j != NULL; j = j->next)
        wait = j->not_before - now < wait ? j->not_before - now : wait;
    while (idle_turns < h->services.n && gains(h, now) && (t = take_slot(h, err)) != NULL) {
        struct service *s = h->services.e[h->turn++ % h->services.n].value;
        bool may = s->head != NULL && s->active < most_active(h, s);
        int64_t later = may ? pb_budget_take(&s->budget, now) : 0;

        idle_turns++;
        if (later > 0)
            wait = later < wait ? later : wait;
        if (!may || later > 0) {
            h->idle[h->nidle++] = t;
            continue;
        }
        start(h, dequeue(s), t);
        idle_turns = 0;
    }
    /* Soon one may have waited for long: not where all slots are taken anyway. */
    if (idle_turns < h->services.n && h->active < h->limits.concurrency && wait > h->limits.long_ms)
        wait = h->limits.long_ms;
    return wait;
}

static void note_throttled(struct pb_http *h, struct service *s, int64_t now, int64_t asked)
{
    pb_budget_throttled(&s->budget, now);
    s->throttles = true;
    if (asked > h->limits.max_retry_after_ms || (h->deadline != 0 && now + asked >= h->deadline)) {
        s->closed_ms = now + asked;
        s->closed_for = asked;
    } else if (asked > 0) {
        pb_budget_hold(&s->budget, now + asked);
    }
}

/* Milliseconds that the reply asks to wait; -1 when it says nothing of that. */
static int64_t asked_to_wait(const struct job *j, const struct pb_transfer *t, bool throttled)
{
    const char *after = pb_transfer_header(t, "retry-after"), *left = NULL, *reset = NULL;

    if (after != NULL)
        return pb_retry_after(after, time(NULL));
    if (!throttled)
        return -1;
    if (j->rq.left_header != NULL && j->rq.reset_header != NULL) {
        left = pb_transfer_header(t, j->rq.left_header);
        reset = pb_transfer_header(t, j->rq.reset_header);
    }
    if (left != NULL && reset != NULL && strcmp(left, "0") == 0)
        return pb_retry_reset(reset, time(NULL));
    return j->rq.throttle_ms > 0 ? j->rq.throttle_ms : -1;
}

/* Puts the job back for another try, unless its tries or the time are used up. */
static bool again(struct pb_http *h, struct job *j, const struct pb_transfer *t, bool throttled)
{
    int64_t now = pb_clock_ms(), asked = asked_to_wait(j, t, throttled), wait;

    if (throttled)
        note_throttled(h, j->service, now, asked);
    if (j->tries >= h->limits.tries || asked > h->limits.max_retry_after_ms)
        return false;
    wait = pb_retry_backoff(h->limits.backoff_ms, j->tries);
    if (asked >= 0)
        wait = asked + (asked > 0 ? wait / 4 : wait);
    if (h->deadline != 0 && now + wait >= h->deadline)
        return false;
    j->not_before = now + wait;
    j->next = h->waiting;
    h->waiting = j;
    return true;
}

/* Whether a failure is worth another try. What must not be done twice may have been done when the
 * request was sent and no reply says that it was not. */
static bool worth_trying(const struct job *j, const struct pb_transfer *t, CURLcode code,
                         int status)
{
    if (code == CURLE_OK)
        return pb_retry_status(status) && !j->rq.once;
    if (t->too_big || !pb_retry_curl(code) || pb_transfer_is_final(t, code))
        return false;
    return !j->rq.once || code == CURLE_COULDNT_RESOLVE_HOST ||
           code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_COULDNT_CONNECT ||
           code == CURLE_SSL_CONNECT_ERROR;
}

static void settle(struct pb_http *h, struct pb_transfer *t, CURLcode code)
{
    struct job *j = t->job;
    long status = 0, conns = 0;
    bool throttled = false, retry;

    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &conns);
    curl_multi_remove_handle(h->multi, t->easy);
    h->stats.connections += (size_t)conns;
    h->stats.bytes += t->body.len;
    j->service->active--;
    h->active--;
    t->job = NULL;
    if (code == CURLE_OK && status == 0)
        code = CURLE_GOT_NOTHING;
    if (code == CURLE_OK) {
        j->service->answered = true;
        throttled =
            status == 429 || (j->rq.throttled != NULL &&
                              j->rq.throttled((int)status, t->body.s, t->body.len, j->rq.ctx));
    }
    retry = throttled || worth_trying(j, t, code, (int)status);
    if (!retry || !again(h, j, t, throttled)) {
        if (code == CURLE_OK) {
            finish(h, j, t, PB_HTTP_REPLY, (int)status, NULL);
        } else {
            pb_transfer_explain(&h->why, t, &j->rq, code, &h->limits, &h->trust);
            finish(h, j, t, code == CURLE_OPERATION_TIMEDOUT ? PB_HTTP_TIMEOUT : PB_HTTP_FAILED, 0,
                   h->why.s);
        }
    }
    h->idle[h->nidle++] = t;
}

static void collect(struct pb_http *h)
{
    CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(h->multi, &left)) != NULL) {
        struct pb_transfer *t = NULL;
        CURLcode code = m->data.result;

        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
        settle(h, t, code);
    }
}

static void cancel(struct pb_http *h, struct job *j, const char *why)
{
    pb_buf_clear(&h->why);
    pb_buf_addf(&h->why, "%s%s", why, j->service->throttles ? ", while the API throttles" : "");
    finish(h, j, NULL, PB_HTTP_CANCELLED, 0, h->why.s);
}

/* Ends everything, also what callbacks submit meanwhile. */
void pb_http_abandon(struct pb_http *h, const char *why)
{
    struct job *j;

    for (int i = 0; i < h->nslots; i++) {
        struct pb_transfer *t = &h->slots[i];

        j = t->job;
        if (j == NULL)
            continue;
        curl_multi_remove_handle(h->multi, t->easy);
        t->job = NULL;
        j->service->active--;
        h->active--;
        h->idle[h->nidle++] = t;
        cancel(h, j, why);
    }
    while ((j = h->waiting) != NULL) {
        h->waiting = j->next;
        cancel(h, j, why);
    }
    while (h->pending > 0)
        for (size_t i = 0; i < h->services.n; i++)
            while ((j = dequeue(h->services.e[i].value)) != NULL)
                cancel(h, j, why);
}

void pb_http_begin(struct pb_http *h)
{
    h->deadline = h->limits.total_ms > 0 ? pb_clock_ms() + h->limits.total_ms : 0;
}

size_t pb_http_pending(const struct pb_http *h)
{
    return h->pending;
}

int64_t pb_http_round(struct pb_http *h)
{
    PB_AUTO(buf) struct pb_buf late = PB_BUF_INIT;
    struct pb_err err = PB_ERR_INIT;
    int64_t wait = 0;
    int running = 0;

    if (pb_cancel_requested()) {
        pb_http_abandon(h, "interrupted");
    } else if (h->deadline != 0 && pb_clock_ms() >= h->deadline) {
        pb_buf_addf(&late, "the time limit of %ld ms for all requests together passed",
                    h->limits.total_ms);
        pb_http_abandon(h, late.s);
    } else {
        curl_multi_perform(h->multi, &running);
        collect(h);
        wait = start_ready(h, &err);
        if (h->nslots == 0 && h->pending > 0 && err.cls != PB_E_NONE)
            pb_http_abandon(h, err.msg);
    }
    return wait;
}

/* A poll with new handles returns at once. */
void pb_http_wait(struct pb_http *h, int64_t ms)
{
    curl_multi_poll(h->multi, NULL, 0, (int)ms, NULL);
}

void pb_http_wake(struct pb_http *h)
{
    curl_multi_wakeup(h->multi);
}

int pb_http_run(struct pb_http *h, struct pb_err *err)
{
    pb_http_begin(h);
    while (h->pending > 0) {
        int64_t wait = pb_http_round(h);

        if (h->pending > 0 && wait > 0)
            pb_http_wait(h, wait);
    }
    return pb_cancel_check(err);
}

void pb_http_total(struct pb_http *h, long total_ms)
{
    h->limits.total_ms = total_ms;
}

void pb_http_stats(const struct pb_http *h, struct pb_http_stats *out)
{
    *out = h->stats;
}

static void free_jobs(struct job *j)
{
    while (j != NULL) {
        struct job *next = j->next;

        free(j);
        j = next;
    }
}

void pb_http_free(struct pb_http *h)
{
    if (h == NULL)
        return;
    for (int i = 0; i < h->nslots; i++) {
        if (h->slots[i].job != NULL)
            BUG("pb_http_free() while a request is under way");
        pb_transfer_release(&h->slots[i]);
    }
    if (h->multi != NULL)
        curl_multi_cleanup(h->multi);
    for (size_t i = 0; i < h->services.n; i++) {
        struct service *s = h->services.e[i].value;

        free_jobs(s->head);
        free(s);
    }
    free_jobs(h->waiting);
    pb_map_release(&h->services);
    pb_buf_release(&h->why);
    free(h->slots);
    free(h->idle);
    free(h);
}
