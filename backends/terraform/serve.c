#include "backends/terraform/serve.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backends/plugin/process.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"

enum { SERVED_MAX = 8, HANDSHAKE_MS = 20000 };

static const char reattach_variable[] = "TF_REATTACH_PROVIDERS";

struct server {
    char *source, *name, *binary, *dir;
    struct pb_plugin *plugin; /* of the thread alone */
};

struct pb_tf_serving {
    struct server v[SERVED_MAX];
    size_t n;
    struct pb_strv env;
    char *cwd;
    pthread_t thread;
    int stop; /* an eventfd: the thread is to end them */
    pthread_mutex_t lock;
    pthread_cond_t settled;
    bool done;          /* each is ready or failed */
    struct pb_buf said; /* the variable's value, then; empty: none is ready */
};

/* ---- which ----------------------------------------------------------------------------------- */

/* One configuration of each provider at most, for all that the text says. */
static bool is_plain(const struct pb_tf_tree *t)
{
    const struct pb_hcl_block *b;

    for (size_t i = 0; t && i < t->n; i++) {
        if (!t->v[i]->module)
            return false;
        for (size_t k = 0; (b = pb_hcl_block_of(t->v[i]->module->body, "provider", k)); k++)
            if (i > 0 || pb_hcl_attr_of(b->body, "alias") || pb_hcl_attr_of(b->body, "for_each"))
                return false;
    }
    return t != NULL;
}

static char *program_of(const char *dir, const char *name)
{
    PB_AUTO(str) char *prefix = pb_asprintf("terraform-provider-%s", name);
    char *found = pb_tf_lend_only(dir, prefix);

    if (found && access(found, X_OK))
        free(pb_take(&found));
    return found;
}

static void add(struct pb_tf_serving *s, const struct pb_tf_run *r, const struct pb_member *m)
{
    const char *slash = strrchr(m->key, '/');
    PB_AUTO(str) char *wish = pb_asprintf("%s/serve-%zu", r->u->work, s->n);
    struct server v = {.source = pb_strdup(m->key), .name = pb_strdup(slash ? slash + 1 : m->key)};

    v.binary = program_of(m->value.s, v.name);
    if (v.binary && pb_plugin_dir(&v.dir, wish, NULL) == 0) {
        s->v[s->n++] = v;
        return;
    }
    free(v.source);
    free(v.name);
    free(v.binary);
}

/* ---- the thread that has them ---------------------------------------------------------------- */

static void start(struct pb_tf_serving *s)
{
    for (size_t i = 0; i < s->n; i++) {
        struct server *v = &s->v[i];
        struct pb_plugin_spec spec = {.path = v->binary,
                                      .name = v->name,
                                      .env = s->env.v,
                                      .tools_env = true,
                                      .dir = v->dir,
                                      .cwd = s->cwd,
                                      .handshake_ms = HANDSHAKE_MS};

        (void)pb_plugin_start(&v->plugin, &spec, NULL);
    }
}

static bool all_settled(const struct pb_tf_serving *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->v[i].plugin && pb_plugin_state(s->v[i].plugin) == PB_PLUGIN_STARTING)
            return false;
    return true;
}

/* As go-plugin has it: "Test" says that who attaches does not end it. */
static void describe(struct pb_tf_serving *s)
{
    struct pb_buf *b = &s->said;

    for (size_t i = 0; i < s->n; i++) {
        const struct server *v = &s->v[i];

        if (!v->plugin || pb_plugin_state(v->plugin) != PB_PLUGIN_READY)
            continue;
        pb_buf_addc(b, b->len ? ',' : '{');
        pb_json_add_string(b, v->source, strlen(v->source));
        pb_buf_addf(b,
                    ":{\"Protocol\":\"grpc\",\"ProtocolVersion\":%d,\"Pid\":%d,\"Test\":true,"
                    "\"Addr\":{\"Network\":\"unix\",\"String\":",
                    pb_plugin_protocol(v->plugin), (int)pb_plugin_pid(v->plugin));
        pb_json_add_string(b, pb_plugin_socket(v->plugin), strlen(pb_plugin_socket(v->plugin)));
        pb_buf_adds(b, "}}");
    }
    if (b->len)
        pb_buf_addc(b, '}');
}

static void settle(struct pb_tf_serving *s)
{
    pthread_mutex_lock(&s->lock);
    describe(s);
    s->done = true;
    pthread_cond_broadcast(&s->settled);
    pthread_mutex_unlock(&s->lock);
}

/* False when they are to end. */
static bool work(struct pb_tf_serving *s, bool settled)
{
    struct pollfd fds[1 + 2 * SERVED_MAX] = {{.fd = s->stop, .events = POLLIN}};
    nfds_t n = 1;

    for (size_t i = 0; i < s->n; i++)
        if (s->v[i].plugin)
            n += (nfds_t)pb_plugin_fds(s->v[i].plugin, &fds[n]);
    /* A handshake has a deadline. */
    (void)poll(fds, n, settled ? -1 : 50);
    for (size_t i = 0; i < s->n; i++)
        if (s->v[i].plugin)
            pb_plugin_work(s->v[i].plugin);
    return !fds[0].revents;
}

static void *serve(void *ctx)
{
    struct pb_tf_serving *s = ctx;
    bool settled = false, goes_on = true;

    start(s);
    while (goes_on) {
        if (!settled && all_settled(s)) {
            settle(s);
            settled = true;
        }
        goes_on = work(s, settled);
    }
    if (!settled)
        settle(s);
    for (size_t i = 0; i < s->n; i++)
        pb_plugin_end(s->v[i].plugin, false);
    return NULL;
}

/* ---- for who plans --------------------------------------------------------------------------- */

static void release(struct pb_tf_serving *s)
{
    for (size_t i = 0; i < s->n; i++) {
        (void)pb_fs_remove_tree(s->v[i].dir, NULL);
        free(s->v[i].source);
        free(s->v[i].name);
        free(s->v[i].binary);
        free(s->v[i].dir);
    }
    pb_auto_fd(&s->stop);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->settled);
    pb_strv_release(&s->env);
    pb_buf_release(&s->said);
    free(s->cwd);
    free(s);
}

struct pb_tf_serving *pb_tf_serve(const struct pb_tf_run *r, const struct pb_tf_lent *l,
                                  const struct pb_tf_tree *tree)
{
    struct pb_tf_serving *s;

    if (r->u->sandbox || !is_plain(tree))
        return NULL;
    s = pb_calloc(1, sizeof(*s));
    s->said = (struct pb_buf)PB_BUF_INIT;
    s->stop = eventfd(0, EFD_CLOEXEC);
    s->cwd = pb_strdup(r->dir);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->settled, NULL);
    for (char *const *e = r->env.v; e && *e; e++)
        pb_strv_add(&s->env, *e);
    for (size_t i = 0; i < l->dirs.n && s->n < SERVED_MAX; i++)
        add(s, r, &l->dirs.members[i]);
    if (s->n && s->stop >= 0 && pthread_create(&s->thread, NULL, serve, s) == 0)
        return s;
    release(s);
    return NULL;
}

void pb_tf_serve_use(struct pb_tf_serving *s, struct pb_tf_run *r)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    while (!s->done)
        pthread_cond_wait(&s->settled, &s->lock);
    pthread_mutex_unlock(&s->lock);
    if (s->said.len)
        pb_strv_setenv(&r->env, reattach_variable, s->said.s);
}

void pb_tf_serve_end(struct pb_tf_serving *s, struct pb_tf_run *r)
{
    const uint64_t one = 1;

    if (!s)
        return;
    pb_strv_dropenv(&r->env, reattach_variable);
    if (write(s->stop, &one, sizeof(one)) == sizeof(one))
        pthread_join(s->thread, NULL);
    release(s);
}
