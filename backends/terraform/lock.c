#include "backends/terraform/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "backends/terraform/run.h"
#include "backends/terraform/store.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"

enum { INFO_MAX = 1 << 20, UUID_LEN = 37 };

/* What the tool calls the command by which we ask. */
static const char asking[] = "state-rm";

/* ---- what locks say -------------------------------------------------------------------------- */

static time_t moment(const char *created)
{
    PB_AUTO(str) char *s = NULL;
    time_t t = 0;

    /* 2026-03-01T12:00:00.123Z, or for people 2026-03-01 12:00:00.123 +0000 UTC */
    if (!created || strlen(created) < 19)
        return 0;
    s = pb_asprintf("%.10sT%.8sZ", created, created + 11);
    return pb_clock_parse_rfc3339(&t, s) == 0 ? t : 0;
}

bool pb_tf_lock_parse(struct pb_state_lock *out, struct pb_arena *a, const char *text, size_t n)
{
    const struct pb_value *v;

    memset(out, 0, sizeof(*out));
    if (n > INFO_MAX || pb_json_parse(&v, a, text, n, "a lock", NULL) || !pb_get_str(v, "ID"))
        return false;
    out->id = pb_get_str(v, "ID");
    out->who = pb_get_str(v, "Who");
    out->operation = pb_get_str(v, "Operation");
    out->created = pb_get_str(v, "Created");
    out->created_at = moment(out->created);
    return *out->id != '\0';
}

/* "  Who:       root@host", in a line of its own or, where lines were joined, before the next. */
static const char *field(struct pb_arena *a, const char *text, const char *name)
{
    PB_AUTO(str) char *label = pb_asprintf("%s:", name);

    for (const char *p = text; (p = strstr(p, label)); p++) {
        const char *s = p + strlen(label), *gap;
        size_t n;

        if (p > text && p[-1] != ' ' && p[-1] != '\n')
            continue;
        s += strspn(s, " ");
        n = strcspn(s, "\r\n");
        gap = memmem(s, n, "  ", 2);
        n = gap ? (size_t)(gap - s) : n;
        return n ? pb_arena_strndup(a, s, n) : NULL;
    }
    return NULL;
}

bool pb_tf_lock_parse_text(struct pb_state_lock *out, struct pb_arena *a, const char *text)
{
    const char *info = strstr(text, "Lock Info:"), *named = strstr(text, "already locked:");
    const char *operation = info ? field(a, info, "Operation") : NULL;

    memset(out, 0, sizeof(*out));
    if (!strstr(text, "acquiring the state lock"))
        return false;
    out->id = info ? field(a, info, "ID") : NULL;
    if (named || !out->id || pb_streq(operation, asking)) {
        /* Some backends show the lock that was asked for in place of the one that is held. */
        named = named ? strstr(named, "ID=") : NULL;
        named = named && (!info || named < info) ? named + 3 : "";
        out->id = strcspn(named, " \r\n") ? pb_arena_strndup(a, named, strcspn(named, " \r\n"))
                                          : "unknown";
        return true;
    }
    out->who = field(a, info, "Who");
    out->operation = operation;
    out->created = field(a, info, "Created");
    out->created_at = moment(out->created);
    return true;
}

bool pb_tf_lock_refused(struct pb_err *err, struct pb_arena *a, const char *errors,
                        const char *unit)
{
    struct pb_state_lock l;

    if (!strstr(errors, "Lock Info:") || !pb_tf_lock_parse_text(&l, a, errors))
        return false;
    pb_fail(err, PB_E_LOCKED,
            "the state of '%s' is locked by %s (%s%s%s%slock %s): wait for it, or give "
            "--lock-timeout",
            unit, l.who ? l.who : "somebody", l.operation ? l.operation : "",
            l.created ? " since " : "", l.created ? l.created : "",
            l.operation || l.created ? ", " : "", l.id);
    return true;
}

/* ---- local ----------------------------------------------------------------------------------- */

bool pb_tf_local_is_held(const char *path)
{
    PB_AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return fd >= 0 && fcntl(fd, F_OFD_GETLK, &l) == 0 && l.l_type != F_UNLCK;
}

static char *info_path(const char *state)
{
    const char *slash = strrchr(state, '/');
    int n = slash ? (int)(slash - state) + 1 : 0;

    return pb_asprintf("%.*s.%s.lock.info", n, state, state + n);
}

static int local_holder(struct pb_state_lock *out, struct pb_arena *a, const char *state,
                        struct pb_err *err)
{
    PB_AUTO(str) char *path = info_path(state);
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;

    if (!pb_tf_local_is_held(state))
        return 0;
    if (pb_fs_read(&text, path, INFO_MAX, NULL) == 0 && pb_tf_lock_parse(out, a, text.s, text.len))
        return 0;
    (void)err;
    *out = (struct pb_state_lock){.id = "unknown"}; /* it is taken before the file is written */
    return 0;
}

static int local_unlock(struct pb_arena *a, const char *state, const char *id, struct pb_err *err)
{
    PB_AUTO(str) char *path = info_path(state);
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    struct pb_state_lock lock;

    if (pb_tf_local_is_held(state))
        return pb_fail(err, PB_E_LOCKED,
                       "a process that runs holds the state '%s': it lets go by itself", state);
    if (!pb_fs_exists(path))
        return 0;
    if (pb_fs_read(&text, path, INFO_MAX, err))
        return -1;
    if (pb_tf_lock_parse(&lock, a, text.s, text.len) && strcmp(lock.id, id) != 0)
        return pb_fail(err, PB_E_LOCKED, "'%s' is of another lock than '%s': it was left alone",
                       path, id);
    if (unlink(path) && errno != ENOENT)
        return pb_fail_errno(err, PB_E_IO, "cannot remove '%s'", path);
    return 0;
}

/* ---- http ------------------------------------------------------------------------------------ */

struct http_lock {
    const char *lock_url, *lock_method, *unlock_url, *unlock_method;
    char id[UUID_LEN];
    const char *info;   /* ours */
    const char *theirs; /* as the server has it; NULL: nobody's, or ours */
};

static void make_id(char out[UUID_LEN])
{
    unsigned char b[16];

    if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
        BUG("no random bytes");
    snprintf(out, UUID_LEN,
             "%02x%02x%02x%02x-%02x%02x-4%01x%02x-8%01x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6] & 15, b[7], b[8] & 15, b[9], b[10], b[11], b[12], b[13],
             b[14], b[15]);
}

static void http_open(struct http_lock *l, struct pb_arena *a, const struct pb_tf_backend *be)
{
    char now[PB_CLOCK_RFC3339];

    memset(l, 0, sizeof(*l));
    l->lock_url = pb_tf_store_http_setting(be, "lock_address", "TF_HTTP_LOCK_ADDRESS");
    l->lock_method = pb_tf_store_http_setting(be, "lock_method", "TF_HTTP_LOCK_METHOD");
    l->unlock_url = pb_tf_store_http_setting(be, "unlock_address", "TF_HTTP_UNLOCK_ADDRESS");
    l->unlock_method = pb_tf_store_http_setting(be, "unlock_method", "TF_HTTP_UNLOCK_METHOD");
    make_id(l->id);
    pb_clock_rfc3339(now, pb_clock_wall());
    l->info = pb_arena_printf(a,
                              "{\"ID\":\"%s\",\"Operation\":\"plumb\","
                              "\"Info\":\"\",\"Who\":\"plumb\",\"Version\":\"\",\"Created\":\"%s\","
                              "\"Path\":\"\"}",
                              l->id, now);
}

static int http_release(const struct http_lock *l, const char *info, struct pb_arena *a,
                        const struct pb_tf_backend *be, const struct pb_unit_ctx *u,
                        struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf body = PB_BUF_INIT;
    int status;

    if (!l->unlock_url)
        return pb_fail(err, PB_E_CONFIG, "the http backend of '%s' has no unlock_address", u->name);
    if (pb_tf_store_http_ask(&status, &body, l->unlock_method ? l->unlock_method : "UNLOCK",
                             l->unlock_url, info, a, be, u, err))
        return -1;
    if (status != 200)
        return pb_fail(err, PB_E_NET,
                       "the server of the state of '%s' does not unlock it: status "
                       "%d",
                       u->name, status);
    return 0;
}

/* Asks for the lock. *got: it is ours now; else *out says whose it is. */
static int http_take(bool *got, struct pb_state_lock *out, struct http_lock *l, struct pb_arena *a,
                     const struct pb_tf_backend *be, const struct pb_unit_ctx *u,
                     struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf body = PB_BUF_INIT;
    int status;

    *got = false;
    if (pb_tf_store_http_ask(&status, &body, l->lock_method ? l->lock_method : "LOCK", l->lock_url,
                             l->info, a, be, u, err))
        return -1;
    *got = status == 200;
    if (*got)
        return 0;
    if (status != 423 && status != 409)
        return pb_fail(err, status == 401 || status == 403 ? PB_E_AUTH : PB_E_NET,
                       "the server of the state of '%s' does not say who holds its lock: status %d",
                       u->name, status);
    if (!pb_tf_lock_parse(out, a, body.s, body.len)) {
        *out = (struct pb_state_lock){.id = "unknown"};
        return 0;
    }
    *got = strcmp(out->id, l->id) == 0; /* an answer to us was lost on its way */
    if (!*got)
        l->theirs = pb_arena_strndup(a, body.s, body.len);
    return 0;
}

/* What we get we give back. */
static int http_ask(struct pb_state_lock *out, struct http_lock *l, struct pb_arena *a,
                    const struct pb_tf_backend *be, const struct pb_unit_ctx *u, struct pb_err *err)
{
    bool got;

    http_open(l, a, be);
    if (!l->lock_url)
        return 0; /* it knows no locks */
    if (http_take(&got, out, l, a, be, u, err))
        return -1;
    if (!got)
        return 0;
    memset(out, 0, sizeof(*out));
    return http_release(l, l->info, a, be, u, err);
}

static int http_write(const struct http_lock *l, struct pb_arena *a, const struct pb_tf_backend *be,
                      const struct pb_unit_ctx *u, const struct pb_buf *text, struct pb_err *err)
{
    const char *address = pb_tf_store_http_setting(be, "address", "TF_HTTP_ADDRESS");
    const char *method = pb_tf_store_http_setting(be, "update_method", "TF_HTTP_UPDATE_METHOD");
    PB_AUTO(buf) struct pb_buf body = PB_BUF_INIT;
    const char *url;
    int status;

    if (!address)
        return pb_fail(err, PB_E_CONFIG, "the http backend of '%s' has no address", u->name);
    url = l->lock_url
              ? pb_arena_printf(a, "%s%cID=%s", address, strchr(address, '?') ? '&' : '?', l->id)
              : address;
    if (pb_tf_store_http_ask(&status, &body, method ? method : "POST", url, text->s, a, be, u, err))
        return -1;
    if (status != 200 && status != 201 && status != 204)
        return pb_fail(err, PB_E_NET, "the server of the state of '%s' does not take it: status %d",
                       u->name, status);
    return 0;
}

int pb_tf_http_put(struct pb_arena *a, const struct pb_tf_backend *be, const struct pb_unit_ctx *u,
                   const struct pb_buf *text, struct pb_err *err)
{
    struct pb_state_lock other = {0};
    struct http_lock l;
    bool got = true;
    int rc;

    http_open(&l, a, be);
    if (l.lock_url && http_take(&got, &other, &l, a, be, u, err))
        return -1;
    if (!got)
        return pb_fail(err, PB_E_LOCKED,
                       "%s holds the lock '%s' of the state of '%s': nothing was put there",
                       other.who ? other.who : "somebody", other.id, u->name);
    rc = http_write(&l, a, be, u, text, err);
    if (l.lock_url && http_release(&l, l.info, a, be, u, rc ? NULL : err))
        rc = -1;
    return rc;
}

/* ---- by the tool ----------------------------------------------------------------------------- */

/* It takes the lock before it finds that there is nothing to be removed. */
static int tool_holder(struct pb_state_lock *out, struct pb_arena *a,
                       const struct pb_tf_backend *be, const struct pb_unit_ctx *u,
                       struct pb_err *err)
{
    static const char *const words[] = {
        "state", "rm", "-dry-run", "-no-color", "-lock-timeout=0s", "plumb_nothing.nothing"};
    PB_AUTO(strv) struct pb_strv args = PB_STRV_INIT;
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    struct pb_err why = PB_ERR_INIT;
    struct pb_tf_run r;
    int rc = -1;

    for (size_t i = 0; i < PB_COUNT(words); i++)
        pb_strv_add(&args, words[i]);
    if (pb_tf_store_open(&r, a, be, u, err)) {
        pb_err_wrap(err, "cannot ask who holds the lock of '%s'", u->name);
    } else if (pb_tf_run(&r, "lock", args.v, &why) == 0) {
        rc = 0;
    } else {
        (void)pb_fs_read(&text, pb_tf_run_file(&r, "lock", "err"), INFO_MAX, NULL);
        pb_tf_plain_text(&text);
        if (pb_tf_lock_parse_text(out, a, text.s) || strstr(text.s, "No state file was found"))
            rc = 0;
        else
            pb_fail(err, why.cls, "cannot ask who holds the lock of '%s': %s", u->name, why.msg);
    }
    pb_tf_run_release(&r);
    return rc;
}

static int tool_unlock(struct pb_arena *a, const struct pb_tf_backend *be,
                       const struct pb_unit_ctx *u, const char *id, struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv args = PB_STRV_INIT;
    struct pb_tf_run r;
    int rc = -1;

    pb_strv_add(&args, "force-unlock");
    pb_strv_add(&args, "-no-color");
    pb_strv_add(&args, "-force");
    pb_strv_add(&args, id);
    if (pb_tf_store_open(&r, a, be, u, err) == 0)
        rc = pb_tf_run(&r, "unlock", args.v, err);
    if (rc)
        pb_err_wrap(err, "cannot unlock the state of '%s'", u->name);
    pb_tf_run_release(&r);
    return rc;
}

/* ---- which way ------------------------------------------------------------------------------- */

static bool locks_by_object(const struct pb_tf_backend *be)
{
    return pb_tf_store_is_direct(be, "s3") &&
           (pb_get_bool(be->config, "use_lockfile", false) ||
            pb_streq(pb_get_str(be->config, "use_lockfile"), "true")) &&
           !pb_get_str(be->config, "dynamodb_table");
}

bool pb_tf_lock_is_seen(struct pb_arena *a, const struct pb_unit_ctx *u)
{
    struct pb_tf_backend be;

    return pb_tf_backend_find(&be, a, u, NULL) == 0 &&
           (strcmp(be.type, "local") == 0 || locks_by_object(&be));
}

int pb_tf_lock_holder(struct pb_state_lock *out, struct pb_arena *a, const struct pb_unit_ctx *u,
                      struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    PB_AUTO(str) char *local = NULL;
    struct pb_tf_backend be;
    struct http_lock http;
    bool none = false;

    memset(out, 0, sizeof(*out));
    if (pb_tf_backend_find(&be, a, u, err))
        return -1;
    if (strcmp(be.type, "local") == 0)
        return pb_tf_store_local_path(&local, &be, u, err) ? -1 : local_holder(out, a, local, err);
    if (pb_tf_store_is_direct(&be, "http"))
        return http_ask(out, &http, a, &be, u, err);
    if (!locks_by_object(&be))
        return tool_holder(out, a, &be, u, err);
    if (pb_tf_store_s3_get(&text, &none, a, &be, u, ".tflock", err))
        return -1;
    if (!none && !pb_tf_lock_parse(out, a, text.s, text.len))
        *out = (struct pb_state_lock){.id = "unknown"};
    return 0;
}

int pb_tf_unlock(struct pb_arena *a, const struct pb_unit_ctx *u, const char *id,
                 struct pb_err *err)
{
    PB_AUTO(str) char *local = NULL;
    struct pb_state_lock lock = {0};
    struct pb_tf_backend be;
    struct http_lock http;

    if (pb_tf_backend_find(&be, a, u, err))
        return -1;
    if (strcmp(be.type, "local") == 0)
        return pb_tf_store_local_path(&local, &be, u, err) ? -1 : local_unlock(a, local, id, err);
    if (!pb_tf_store_is_direct(&be, "http"))
        return tool_unlock(a, &be, u, id, err);
    if (http_ask(&lock, &http, a, &be, u, err))
        return -1;
    if (!lock.id)
        return 0;
    if (!http.theirs || strcmp(lock.id, id) != 0)
        return pb_fail(err, PB_E_LOCKED,
                       "the lock of '%s' is '%s' by now, held by %s: it was left "
                       "alone",
                       u->name, lock.id, lock.who ? lock.who : "somebody");
    return http_release(&http, http.theirs, a, &be, u, err);
}
