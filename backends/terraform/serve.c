#include "backends/terraform/serve.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/plugin/lender.h"
#include "backends/terraform/save.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"

enum { SERVED_MAX = 8, HANDSHAKE_MS = 20000, TEXT_MAX = 16 << 20 };

static const char reattach_variable[] = "TF_REATTACH_PROVIDERS";

struct server {
    char *source, *name, *binary, *dir;
    char *part, *whole; /* of what it says of its types: lender.h */
    struct pb_lender *lender;
};

struct pb_tf_serving {
    struct server v[SERVED_MAX];
    size_t n;
    struct pb_map names;           /* of all types that the unit may mean */
    int lifelines[SERVED_MAX + 1]; /* 0 ends them */
    struct pb_buf needed, whole;   /* the variable's value; empty: none is ready */
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

static void server_release(struct server *v, struct pb_buf *why)
{
    PB_AUTO(buf) struct pb_buf ended = PB_BUF_INIT;

    pb_lender_end(v->lender, &ended);
    if (why && ended.len)
        pb_buf_addf(why, "%sthe provider '%s' was not there to the end: %s", why->len ? "; " : "",
                    v->name, ended.s);
    pb_buf_wipe(&ended);
    if (v->dir)
        (void)pb_fs_remove_tree(v->dir, NULL);
    free(v->source);
    free(v->name);
    free(v->binary);
    free(v->dir);
    free(v->part);
    free(v->whole);
}

static void add(struct pb_tf_serving *s, const struct pb_tf_run *r, const char *purpose,
                const struct pb_member *m)
{
    const char *slash = strrchr(m->key, '/');
    PB_AUTO(str) char *wish = pb_asprintf("%s/%s-%zu", r->u->work, purpose, s->n);
    struct server v = {.source = pb_strdup(m->key), .name = pb_strdup(slash ? slash + 1 : m->key)};

    v.binary = program_of(m->value.s, v.name);
    v.part = pb_asprintf("%s/types-%zu", r->u->work, s->n);
    if (v.binary && pb_plugin_dir(&v.dir, wish, NULL) == 0)
        s->v[s->n++] = v;
    else
        server_release(&v, NULL);
}

/* ---- the types that a unit may mean ---------------------------------------------------------- */

static bool of_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* Every word: whatever is said of a type, its name is there. */
static void add_words(struct pb_map *names, const char *text)
{
    while (*text) {
        size_t n = 0;

        while (of_name(text[n]))
            n++;
        if (n) {
            PB_AUTO(str) char *word = pb_strndup(text, n);
            pb_map_put(names, word, names);
        }
        text += n + (text[n] != '\0');
    }
}

static bool is_text(const char *name)
{
    return pb_ends_with(name, ".tf") || pb_ends_with(name, ".tf.json") ||
           pb_ends_with(name, ".tofu") || pb_ends_with(name, ".tofu.json");
}

static int add_folder(struct pb_map *names, const struct pb_tf_files *f, const char *dir)
{
    PB_AUTO(strv) struct pb_strv files = PB_STRV_INIT;

    if (f->list(&files, f->ctx, dir, NULL))
        return -1;
    for (size_t i = 0; i < files.n; i++) {
        PB_AUTO(str) char *path = pb_fs_join(dir, files.v[i]);
        PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;

        if (!is_text(files.v[i]))
            continue;
        if (f->read(&text, f->ctx, path, TEXT_MAX, NULL))
            return -1;
        add_words(names, text.s);
    }
    return 0;
}

/* In its text and in its state. */
static int collect_names(struct pb_map *names, const struct pb_tf_planning *p)
{
    for (size_t i = 0; i < p->tree->n; i++)
        if (add_folder(names, &p->files, p->tree->v[i]->module->dir))
            return -1;
    for (size_t i = 0; i < p->recorded->n; i++)
        if (p->recorded->v[i].type)
            pb_map_put(names, p->recorded->v[i].type, names);
    return 0;
}

/* ---- starting -------------------------------------------------------------------------------- */

static void start(struct pb_tf_serving *s, const struct pb_tf_run *r)
{
    for (size_t i = 0; i < s->n; i++) {
        struct server *v = &s->v[i];
        struct pb_lender_spec spec = {.plugin = {.path = v->binary,
                                                 .name = v->name,
                                                 .env = r->env.v,
                                                 .tools_env = true,
                                                 .dir = v->dir,
                                                 .cwd = r->dir,
                                                 .handshake_ms = HANDSHAKE_MS},
                                      .names = s->names.n ? &s->names : NULL,
                                      .whole = v->whole,
                                      .part = v->part};

        (void)pb_lender_start(&v->lender, &spec, NULL);
    }
}

static struct pb_tf_serving *new_serving(void)
{
    struct pb_tf_serving *s = pb_calloc(1, sizeof(*s));

    s->names = (struct pb_map)PB_MAP_INIT;
    s->needed = s->whole = (struct pb_buf)PB_BUF_INIT;
    return s;
}

struct pb_tf_serving *pb_tf_serve(const struct pb_tf_planning *p, const struct pb_tf_lent *l)
{
    struct pb_tf_serving *s;

    if (p->u->sandbox || !is_plain(p->tree))
        return NULL;
    s = new_serving();
    if (collect_names(&s->names, p)) {
        pb_map_release(&s->names);
        s->names = (struct pb_map)PB_MAP_INIT;
    }
    for (size_t i = 0; i < l->dirs.n && s->n < SERVED_MAX; i++)
        add(s, &p->run, "serve", &l->dirs.members[i]);
    for (size_t i = 0; i < s->n; i++) {
        (void)unlink(s->v[i].part); /* of an earlier plan */
        s->v[i].whole = pb_tf_lend_types(p, s->v[i].binary);
    }
    start(s, &p->run);
    return s;
}

struct pb_tf_serving *pb_tf_serve_saved(const struct pb_tf_run *r, const struct pb_tf_saved *saved)
{
    struct pb_tf_serving *s;

    if (r->u->sandbox || !saved->serves)
        return NULL;
    s = new_serving();
    for (size_t i = 0; i < saved->packages.n && s->n < SERVED_MAX; i++)
        add(s, r, "apply", &saved->packages.members[i]);
    start(s, r);
    return s;
}

/* ---- for who runs commands ------------------------------------------------------------------- */

/* As go-plugin has it: "Test" says that who attaches does not end it. */
static void describe(struct pb_buf *b, const struct server *v, const char *socket)
{
    pb_buf_addc(b, b->len ? ',' : '{');
    pb_json_add_string(b, v->source, strlen(v->source));
    pb_buf_addf(b,
                ":{\"Protocol\":\"grpc\",\"ProtocolVersion\":%d,\"Pid\":%d,\"Test\":true,"
                "\"Addr\":{\"Network\":\"unix\",\"String\":",
                pb_lender_protocol(v->lender), (int)pb_lender_provider(v->lender));
    pb_json_add_string(b, socket, strlen(socket));
    pb_buf_adds(b, "}}");
}

static void settle(struct pb_tf_serving *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++) {
        struct server *v = &s->v[i];

        if (!v->lender || !pb_lender_ready(v->lender))
            continue;
        describe(&s->needed, v, pb_lender_socket(v->lender));
        describe(&s->whole, v, pb_lender_direct(v->lender));
        s->lifelines[n++] = pb_lender_lifeline(v->lender);
    }
    if (s->needed.len) {
        pb_buf_addc(&s->needed, '}');
        pb_buf_addc(&s->whole, '}');
    }
}

bool pb_tf_serve_use(struct pb_tf_serving *s, struct pb_tf_run *r)
{
    if (!s)
        return false;
    if (!s->needed.len)
        settle(s);
    if (s->needed.len)
        pb_strv_setenv(&r->env, reattach_variable, s->needed.s);
    return s->needed.len != 0;
}

void pb_tf_serve_whole(const struct pb_tf_serving *s, struct pb_strv *env)
{
    if (s && s->whole.len)
        pb_strv_setenv(env, reattach_variable, s->whole.s);
}

const int *pb_tf_serve_lifelines(const struct pb_tf_serving *s)
{
    return s ? s->lifelines : NULL;
}

void pb_tf_serve_end(struct pb_tf_serving *s, struct pb_tf_run *r, struct pb_buf *why)
{
    if (!s)
        return;
    pb_strv_dropenv(&r->env, reattach_variable);
    for (size_t i = 0; i < s->n; i++)
        server_release(&s->v[i], why);
    pb_map_release(&s->names);
    pb_buf_release(&s->needed);
    pb_buf_release(&s->whole);
    free(s);
}
