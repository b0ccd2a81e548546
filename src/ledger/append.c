/* The one writer. */
#include "ledger/frame.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD_MAX = 16 << 10 };

struct pb_ledger {
    char *log, *head;
    int lock, fd;
    const struct pb_ledger_origin *origin;
    char id[PB_LEDGER_ID_HEX];
    struct pb_merkle tree;
    unsigned char last[PB_SHA256_LEN];
    uint64_t offset; /* behind the last entry */
    bool grown;      /* since the head was written */
};

/* ---- head ------------------------------------------------------------------------------- */

void pb_ledger_checkpoint(struct pb_checkpoint *out, const struct pb_ledger *l)
{
    memcpy(out->ledger, l->id, sizeof(out->ledger));
    out->size = l->tree.size;
    pb_merkle_root(out->root, &l->tree);
}

/* A shortcut: when it cannot be written the next writer reads the log instead. */
static void save_head(const struct pb_ledger *l)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    struct pb_checkpoint c;

    pb_ledger_checkpoint(&c, l);
    pb_checkpoint_add(&b, &c);
    pb_buf_addf(&b, "offset %llu\nlast ", (unsigned long long)l->offset);
    pb_buf_add_hex(&b, l->last, sizeof(l->last));
    pb_buf_addc(&b, '\n');
    for (unsigned i = 0; i < l->tree.n; i++) {
        pb_buf_adds(&b, "node ");
        pb_buf_add_hex(&b, l->tree.node[i], PB_SHA256_LEN);
        pb_buf_addc(&b, '\n');
    }
    if (!pb_fault("ledger.head"))
        pb_fs_write_atomic(l->head, b.s, b.len, 0600, NULL);
}

static const char *line_with(const char *text, const char *word)
{
    size_t n = strlen(word);

    for (const char *p = text; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
        if (strncmp(p, word, n) == 0 && p[n] == ' ')
            return p + n + 1;
    return NULL;
}

/* Whether there is a head that holds together by itself. */
static bool load_head(struct pb_ledger *l)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    struct pb_checkpoint c;
    unsigned char root[PB_SHA256_LEN];
    const char *at;

    if (pb_fs_read(&b, l->head, HEAD_MAX, NULL) < 0 ||
        pb_checkpoint_parse(&c, b.s, b.len, l->head, NULL) < 0)
        return false;
    at = line_with(b.s, "offset");
    l->offset = at ? strtoull(at, NULL, 10) : 0;
    at = line_with(b.s, "last");
    if (!at || strlen(at) < 64 || pb_unhex32(l->last, at) < 0)
        return false;
    l->tree = (struct pb_merkle){.size = c.size};
    for (at = line_with(b.s, "node"); at && l->tree.n < PB_COUNT(l->tree.node);
         at = line_with(at, "node"))
        if (strlen(at) < 64 || pb_unhex32(l->tree.node[l->tree.n++], at) < 0)
            return false;
    memcpy(l->id, c.ledger, sizeof(l->id));
    pb_merkle_root(root, &l->tree);
    return (unsigned)__builtin_popcountll(c.size) == l->tree.n &&
           memcmp(root, c.root, sizeof(root)) == 0;
}

/* ---- opening ---------------------------------------------------------------------------- */

static void forget_head(struct pb_ledger *l)
{
    l->tree = (struct pb_merkle){0};
    l->offset = 0;
    memset(l->last, 0, sizeof(l->last));
    l->id[0] = '\0';
}

/* Takes in what the log has behind the head; everything, without one. */
static int catch_up(struct pb_ledger *l, uint64_t *torn, struct pb_err *err)
{
    struct pb_frame_reader r;
    struct pb_ledger_entry e;
    int rc = pb_frame_open(&r, l->log, l->offset, l->tree.size, l->last, err);

    while (rc == 0 && (rc = pb_frame_next(&e, &r, err)) == 1) {
        const char *id = e.seq == 0 ? pb_get_str(e.body, "ledger") : l->id;

        rc = 0;
        if (!pb_ledger_is_id(id))
            rc =
                pb_fail(err, PB_E_LEDGER, "the ledger '%s' has no name in its first entry", l->log);
        else
            memmove(l->id, id, PB_LEDGER_ID_HEX);
        pb_merkle_add(&l->tree, e.hash);
        memcpy(l->last, e.hash, sizeof(l->last));
    }
    l->offset = r.offset;
    *torn = r.torn;
    pb_frame_close(&r);
    return rc;
}

static int cut_torn(struct pb_ledger *l, uint64_t torn, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf rest = PB_BUF_INIT;
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(str)
    char *aside = pb_asprintf("%s.torn-%llu", l->log, (unsigned long long)l->tree.size);
    struct pb_map_builder m = PB_BUILDER_INIT;
    struct pb_value body;
    char hex[PB_SHA256_HEX];

    pb_buf_reserve(&rest, torn);
    rest.len = torn;
    if (pread(l->fd, rest.s, torn, (off_t)l->offset) != (ssize_t)torn)
        return pb_fail_errno(err, PB_E_IO, "cannot read the ledger '%s'", l->log);
    pb_sha256_hex_of(hex, rest.s, torn);
    if (pb_fs_write_atomic(aside, rest.s, torn, 0600, err) < 0)
        return -1;
    if (ftruncate(l->fd, (off_t)l->offset) != 0)
        return pb_fail_errno(err, PB_E_IO, "cannot mend the ledger '%s'", l->log);
    pb_map_add(&m, "bytes", pb_mk_int(a, (int64_t)torn));
    pb_map_add(&m, "sha256", pb_mk_string(a, hex));
    body = pb_map_done(&m, a);
    return pb_ledger_append(l, "ledger.torn", &body, err);
}

static int begin(struct pb_ledger *l, struct pb_err *err)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_map_builder m = PB_BUILDER_INIT;
    struct pb_value body;

    if (pb_fs_sync_folder_of(l->log, err) < 0)
        return -1;
    pb_random_hex(l->id);
    pb_map_add(&m, "ledger", pb_mk_string(a, l->id));
    pb_map_add(&m, "repository",
               pb_mk_string(a, l->origin->repository ? l->origin->repository : ""));
    body = pb_map_done(&m, a);
    return pb_ledger_append(l, "ledger.begin", &body, err);
}

/* The log as it was, or something that is never written to. */
static int resume(struct pb_ledger *l, struct pb_err *err)
{
    bool head = load_head(l);
    uint64_t torn = 0;
    struct stat st;

    if (fstat(l->fd, &st) != 0)
        return pb_fail_errno(err, PB_E_IO, "cannot stat the ledger '%s'", l->log);
    if (head && (uint64_t)st.st_size < l->offset)
        return pb_fail(err, PB_E_LEDGER,
                       "the ledger '%s' is shorter than it was (%llu bytes, were %llu): put it "
                       "back from where it is kept, or move its folder aside to begin another",
                       l->log, (unsigned long long)st.st_size, (unsigned long long)l->offset);
    if (!head)
        forget_head(l);
    if (catch_up(l, &torn, err) < 0)
        return -1;
    if (torn && cut_torn(l, torn, err) < 0)
        return -1;
    return l->tree.size ? 0 : begin(l, err);
}

int pb_ledger_open(struct pb_ledger **out, const char *dir, const struct pb_ledger_origin *o,
                   struct pb_err *err)
{
    struct pb_ledger *l = pb_calloc(1, sizeof(*l));
    PB_AUTO(str) char *lock = pb_fs_join(dir, "lock");

    *out = NULL;
    *l = (struct pb_ledger){.log = pb_fs_join(dir, "log"),
                            .head = pb_fs_join(dir, "head"),
                            .lock = -1,
                            .fd = -1,
                            .origin = o};
    if (pb_fs_mkdirs(dir, 0700, err) < 0)
        goto fail;
    l->lock = pb_lock_take(lock, o->wait_ms, err);
    if (l->lock < 0)
        goto fail;
    l->fd = open(l->log, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (l->fd < 0) {
        pb_fail_errno(err, PB_E_IO, "cannot open the ledger '%s'", l->log);
        goto fail;
    }
    if (resume(l, err) == 0) {
        *out = l;
        return 0;
    }
fail:
    pb_ledger_close(l);
    return -1;
}

void pb_ledger_close(struct pb_ledger *l)
{
    if (!l)
        return;
    if (l->grown)
        save_head(l);
    if (l->fd >= 0)
        close(l->fd);
    if (l->lock >= 0)
        close(l->lock);
    free(l->log);
    free(l->head);
    free(l);
}

/* ---- appending -------------------------------------------------------------------------- */

static bool is_plain(const struct pb_value *v)
{
    if (v->kind == PB_NUMBER)
        return strspn(v->s, "-0123456789") == v->n;
    if (v->kind == PB_UNKNOWN || v->kind == PB_SEALED || (v->flags & PB_V_SENSITIVE))
        return false;
    for (size_t i = 0; v->kind == PB_LIST && i < v->n; i++)
        if (!is_plain(&v->items[i]))
            return false;
    for (size_t i = 0; v->kind == PB_MAP && i < v->n; i++)
        if (!is_plain(&v->members[i].value))
            return false;
    return true;
}

/* What is not UTF-8 (a name in somebody's Git configuration, a message that was cut) would make
 * the log unreadable for good: it is written as escapes. */
static struct pb_value readable(struct pb_arena *a, const struct pb_value *v)
{
    struct pb_value out = *v;

    if (v->kind == PB_STRING && !pb_utf8_valid(v->s, v->n)) {
        PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

        pb_text_add_safe(&b, v->s, v->n);
        out = pb_mk_stringn(a, b.s, b.len);
    } else if (v->kind == PB_LIST && v->n) {
        struct pb_value *items = pb_arena_alloc(a, v->n * sizeof(*items));

        for (size_t i = 0; i < v->n; i++)
            items[i] = readable(a, &v->items[i]);
        out.items = items;
    } else if (v->kind == PB_MAP && v->n) {
        struct pb_member *members = pb_arena_alloc(a, v->n * sizeof(*members));

        for (size_t i = 0; i < v->n; i++)
            members[i] = (struct pb_member){v->members[i].key, readable(a, &v->members[i].value)};
        out.members = members;
    }
    return out;
}

static struct pb_value who(struct pb_arena *a, const struct pb_ledger_origin *o)
{
    struct pb_map_builder m = PB_BUILDER_INIT;

    pb_map_add(&m, "user", pb_mk_string(a, o->user));
    pb_map_add(&m, "host", pb_mk_string(a, o->host));
    if (o->name)
        pb_map_add(&m, "name", pb_mk_string(a, o->name));
    if (o->email)
        pb_map_add(&m, "email", pb_mk_string(a, o->email));
    return pb_map_done(&m, a);
}

static void entry_json(struct pb_buf *out, const struct pb_ledger *l, const char *kind,
                       const struct pb_value *body)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_map_builder m = PB_BUILDER_INIT;
    char prev[2 * PB_SHA256_LEN + 1], now[PB_CLOCK_RFC3339];
    struct pb_value entry;

    pb_hex(prev, l->last, PB_SHA256_LEN);
    pb_clock_rfc3339(now, pb_clock_wall());
    pb_map_add(&m, "v", pb_mk_int(a, 1));
    pb_map_add(&m, "seq", pb_mk_int(a, (int64_t)l->tree.size));
    pb_map_add(&m, "prev", pb_mk_string(a, prev));
    pb_map_add(&m, "time", pb_mk_string(a, now));
    pb_map_add(&m, "kind", pb_mk_string(a, kind));
    pb_map_add(&m, "who", who(a, l->origin));
    pb_map_add(&m, "body", body ? *body : pb_empty_map);
    entry = pb_map_done(&m, a);
    pb_json_add_canonical(out, &entry);
    if (!pb_utf8_valid(out->s, out->len)) {
        entry = readable(a, &entry);
        pb_buf_clear(out);
        pb_json_add_canonical(out, &entry);
    }
}

static int write_frame(const struct pb_ledger *l, const struct pb_buf *f, struct pb_err *err)
{
    size_t half = f->len / 2;

    if (pb_fs_write_all(l->fd, f->s, half, (int64_t)l->offset) == 0 && !pb_fault("ledger.write") &&
        pb_fs_write_all(l->fd, f->s + half, f->len - half, (int64_t)(l->offset + half)) == 0 &&
        !pb_fault("ledger.sync") && fdatasync(l->fd) == 0)
        return 0;
    pb_fail_errno(err, PB_E_IO, "cannot write the ledger '%s'", l->log);
    /* What cannot be taken back is a torn end, which the next writer sets aside. */
    if (ftruncate(l->fd, (off_t)l->offset) == 0)
        fdatasync(l->fd);
    return -1;
}

int pb_ledger_append(struct pb_ledger *l, const char *kind, const struct pb_value *body,
                     struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf json = PB_BUF_INIT, frame = PB_BUF_INIT;

    if (body && (body->kind != PB_MAP || !is_plain(body)))
        BUG("an entry '%s' with a body that a ledger cannot hold", kind);
    entry_json(&json, l, kind, body);
    if (json.len > PB_LEDGER_ENTRY_MAX)
        return pb_fail(err, PB_E_INTERNAL, "an entry '%s' of %zu bytes is more than a ledger holds",
                       kind, json.len);
    pb_frame_add(&frame, json.s, json.len);
    if (write_frame(l, &frame, err) < 0)
        return -1;
    l->offset += frame.len;
    pb_frame_hash(l->last, json.s, json.len);
    pb_merkle_add(&l->tree, l->last);
    l->grown = true;
    return 0;
}
