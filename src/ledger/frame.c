#include "ledger/frame.h"

#include "base/mem.h"
#include "model/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- writing ---------------------------------------------------------------------------- */

void pb_frame_hash(unsigned char out[PB_SHA256_LEN], const char *json, size_t n)
{
    struct pb_sha256 *d = pb_sha256_new();

    pb_sha256_add(d, "\0", 1);
    pb_sha256_add(d, json, n);
    pb_sha256_end(d, out);
}

void pb_frame_add(struct pb_buf *b, const char *json, size_t n)
{
    unsigned char hash[PB_SHA256_LEN];

    pb_frame_hash(hash, json, n);
    pb_buf_addf(b, "=%08zx ", n);
    pb_buf_add_hex(b, hash, sizeof(hash));
    pb_buf_addc(b, '\n');
    pb_buf_add(b, json, n);
    pb_buf_addc(b, '\n');
}

void pb_ledger_add_frame(struct pb_buf *b, const struct pb_ledger_entry *e)
{
    pb_frame_add(b, e->text, e->text_len);
}

/* ---- reading ---------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int pb_unhex32(unsigned char out[PB_SHA256_LEN], const char *hex)
{
    for (size_t i = 0; i < PB_SHA256_LEN; i++) {
        int high = hex_digit(hex[2 * i]), low = high < 0 ? -1 : hex_digit(hex[2 * i + 1]);

        if (low < 0)
            return -1;
        out[i] = (unsigned char)(high << 4 | low);
    }
    return 0;
}

int pb_frame_open(struct pb_frame_reader *r, const char *path, uint64_t offset, uint64_t seq,
                  const unsigned char prev[PB_SHA256_LEN], struct pb_err *err)
{
    memset(r, 0, sizeof(*r));
    r->json = (struct pb_buf)PB_BUF_INIT;
    r->path = path;
    r->offset = offset;
    r->seq = seq;
    if (prev)
        memcpy(r->prev, prev, sizeof(r->prev));
    r->file = fopen(path, "rbe");
    if (!r->file || fseeko(r->file, (off_t)offset, SEEK_SET) != 0)
        return pb_fail_errno(err, PB_E_IO, "cannot open the ledger '%s'", path);
    r->arena = pb_arena_new();
    return 0;
}

void pb_frame_close(struct pb_frame_reader *r)
{
    if (r->file)
        fclose(r->file);
    pb_arena_free(r->arena);
    pb_buf_release(&r->json);
    memset(r, 0, sizeof(*r));
}

static int corrupt(const struct pb_frame_reader *r, const char *what, struct pb_err *err)
{
    return pb_fail(err, PB_E_LEDGER,
                   "the ledger '%s' is not what was written: entry %llu at byte %llu: %s", r->path,
                   (unsigned long long)r->seq, (unsigned long long)r->offset, what);
}

/* Whether `n` bytes can be how a frame begins. */
static bool head_fits(const char *head, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char want = i == 0 ? '=' : i == 9 ? ' ' : i == PB_FRAME_HEAD - 1 ? '\n' : 0;

        if (want ? head[i] != want : hex_digit(head[i]) < 0)
            return false;
    }
    return true;
}

/* 1: head and JSON are in r->json and `hash`; 0: the end. */
static int read_frame(unsigned char hash[PB_SHA256_LEN], struct pb_frame_reader *r,
                      struct pb_err *err)
{
    char head[PB_FRAME_HEAD + 1] = {0};
    size_t got = fread(head, 1, PB_FRAME_HEAD, r->file);
    size_t len, have;

    if (ferror(r->file))
        return pb_fail_errno(err, PB_E_IO, "cannot read the ledger '%s'", r->path);
    if (!head_fits(head, got))
        return corrupt(r, "no frame begins here", err);
    len = got == PB_FRAME_HEAD ? strtoul(head + 1, NULL, 16) : 0;
    if (len > PB_LEDGER_ENTRY_MAX)
        return corrupt(r, "longer than an entry can be", err);
    if (got < PB_FRAME_HEAD) {
        r->torn = got;
        return 0;
    }
    pb_buf_clear(&r->json);
    pb_buf_reserve(&r->json, len + 1);
    have = fread(r->json.s, 1, len + 1, r->file);
    if (ferror(r->file))
        return pb_fail_errno(err, PB_E_IO, "cannot read the ledger '%s'", r->path);
    if (have < len + 1) {
        r->torn = PB_FRAME_HEAD + have;
        return 0;
    }
    if (r->json.s[len] != '\n')
        return corrupt(r, "its line does not end where it should", err);
    r->json.s[len] = '\0';
    r->json.len = len;
    if (pb_unhex32(hash, head + 10) < 0)
        BUG("digits that were checked");
    return 1;
}

static bool is_canonical(const struct pb_value *v, const struct pb_buf *text)
{
    PB_AUTO(buf) struct pb_buf again = PB_BUF_INIT;

    pb_json_add_canonical(&again, v);
    return again.len == text->len && memcmp(again.s, text->s, text->len) == 0;
}

static int take_entry(struct pb_ledger_entry *e, struct pb_frame_reader *r, struct pb_err *err)
{
    struct pb_err inner = PB_ERR_INIT;
    const char *prev;
    int64_t seq, version;

    pb_arena_free(r->arena);
    r->arena = pb_arena_new();
    if (pb_json_parse(&e->json, r->arena, r->json.s, r->json.len, "the entry", &inner) < 0)
        return corrupt(r, inner.msg, err);
    prev = pb_get_str(e->json, "prev");
    e->time = pb_get_str(e->json, "time");
    e->kind = pb_get_str(e->json, "kind");
    e->who = pb_get(e->json, "who");
    e->body = pb_get(e->json, "body");
    if (pb_get_int(&version, e->json, "v") < 0 || version != 1)
        return corrupt(r, "written by a newer plumb, or by something else", err);
    if (!prev || strlen(prev) != 64 || pb_unhex32(e->prev, prev) < 0 || !e->time || !e->kind ||
        !pb_is(e->who, PB_MAP) || !pb_is(e->body, PB_MAP) || pb_get_int(&seq, e->json, "seq") < 0)
        return corrupt(r, "members are missing", err);
    if (!is_canonical(e->json, &r->json))
        return corrupt(r, "its JSON is not in canonical form", err);
    if (seq < 0 || (uint64_t)seq != r->seq)
        return corrupt(r, "its number is another one: entries were dropped, moved or doubled", err);
    if (memcmp(e->prev, r->prev, sizeof(e->prev)) != 0)
        return corrupt(r, "it does not follow from the entry before it", err);
    return 1;
}

int pb_frame_next(struct pb_ledger_entry *e, struct pb_frame_reader *r, struct pb_err *err)
{
    unsigned char hash[PB_SHA256_LEN];
    int rc;

    memset(e, 0, sizeof(*e));
    rc = read_frame(e->hash, r, err);
    if (rc <= 0)
        return rc;
    pb_frame_hash(hash, r->json.s, r->json.len);
    if (memcmp(hash, e->hash, sizeof(hash)) != 0)
        return corrupt(r, "its hash does not fit", err);
    if (take_entry(e, r, err) < 0)
        return -1;
    e->text = r->json.s;
    e->text_len = r->json.len;
    e->seq = r->seq++;
    e->offset = r->offset;
    r->offset += PB_FRAME_HEAD + r->json.len + 1;
    memcpy(r->prev, e->hash, sizeof(r->prev));
    return 1;
}

int pb_ledger_walk(const char *dir, pb_ledger_fn fn, void *ctx, enum pb_ledger_end *end,
                   struct pb_err *err)
{
    PB_AUTO(str) char *path = pb_asprintf("%s/log", dir);
    struct pb_frame_reader r;
    struct pb_ledger_entry e;
    int rc = pb_frame_open(&r, path, 0, 0, NULL, err);

    while (rc == 0) {
        rc = pb_frame_next(&e, &r, err);
        if (rc <= 0)
            break;
        rc = fn(ctx, &e);
    }
    if (end)
        *end = r.torn ? PB_LEDGER_END_TORN : PB_LEDGER_END_WHOLE;
    pb_frame_close(&r);
    return rc;
}
