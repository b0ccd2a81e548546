#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "ledger/frame.h"
#include "model/json.h"
#include "tests/support/values.h"

static const struct pb_ledger_origin me = {
    .repository = "https://git.example/net.git", .user = "ada", .host = "ci-1", .name = "Ada L"};

struct given {
    struct pb_arena *a;
    char *work, *dir, *log, *head;
    struct pb_err err;
};

static int setup(void **state)
{
    struct given *g = pb_calloc(1, sizeof(*g));

    g->a = pb_arena_new();
    assert_int_equal(pb_work_new(&g->work, &g->err), 0);
    g->dir = pb_fs_join(g->work, "ledger");
    g->log = pb_fs_join(g->dir, "log");
    g->head = pb_fs_join(g->dir, "head");
    *state = g;
    return 0;
}

static int teardown(void **state)
{
    struct given *g = *state;

    unsetenv("PLUMB_FAULT");
    unsetenv("PLUMB_NOW");
    pb_work_remove(g->work);
    pb_arena_free(g->a);
    free(g->work);
    free(g->dir);
    free(g->log);
    free(g->head);
    free(g);
    return 0;
}

static struct pb_ledger *open_ledger(struct given *g)
{
    struct pb_ledger *l = NULL;

    if (pb_ledger_open(&l, g->dir, &me, &g->err) < 0)
        fail_msg("%s", g->err.msg);
    return l;
}

/* n entries behind the first; what they say differs in length. */
static struct pb_checkpoint write_entries(struct given *g, int n)
{
    struct pb_ledger *l = open_ledger(g);
    struct pb_checkpoint c;

    for (int i = 0; i < n; i++) {
        const struct pb_value *body = json_marked(
            g->a,
            pb_arena_printf(g->a, "{'unit':'u%d','n':%d,'q':'\\n\303\251','note':'%.*s'}", i % 3, i,
                            i % 40, "a line about it and more of it, in so many words"));

        assert_int_equal(pb_ledger_append(l, "audit.done", body, &g->err), 0);
    }
    pb_ledger_checkpoint(&c, l);
    pb_ledger_close(l);
    return c;
}

static void read_log(struct given *g, struct pb_buf *out)
{
    assert_int_equal(pb_fs_read(out, g->log, 1 << 24, &g->err), 0);
}

/* Not synced: it is done thousands of times. */
static void write_log(struct given *g, const char *p, size_t n)
{
    FILE *f = fopen(g->log, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(p, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static int verify(struct given *g, struct pb_ledger_report *r, const struct pb_checkpoint *pin)
{
    struct pb_ledger_pin p = {.what = "the test"};

    if (pin)
        p.checkpoint = *pin;
    pb_err_clear(&g->err);
    return pb_ledger_verify(r, g->dir, &p, pin ? 1 : 0, &g->err);
}

static void assert_refused(struct given *g, const struct pb_checkpoint *pin, const char *why)
{
    struct pb_ledger_report r;

    assert_int_equal(verify(g, &r, pin), -1);
    assert_int_equal(g->err.cls, PB_E_LEDGER);
    if (!strstr(g->err.msg, why))
        fail_msg("'%s' does not say '%s'", g->err.msg, why);
}

static void ledger__stands_and_goes_on(void **state)
{
    struct given *g = *state;
    struct pb_checkpoint c = write_entries(g, 5), d;
    struct pb_ledger_report r;
    struct stat st;

    assert_int_equal(c.size, 6);
    assert_int_equal(verify(g, &r, &c), 0);
    assert_int_equal(r.pins, 1);
    assert_int_equal(r.now.size, 6);
    d = write_entries(g, 3);
    assert_int_equal(verify(g, &r, &c), 0);
    assert_int_equal(r.pinned, 6);
    assert_int_equal(verify(g, &r, &d), 0);
    assert_int_equal(r.now.size, 9);
    assert_int_equal(r.end, PB_LEDGER_END_WHOLE);
    assert_int_equal(stat(g->log, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

/* The head is a shortcut: without it, or with another's, the log says the same. */
static void ledger__head_is_made_anew(void **state)
{
    struct given *g = *state;
    struct pb_checkpoint c = write_entries(g, 9), d;
    struct pb_ledger_report r;

    unlink(g->head);
    d = write_entries(g, 0);
    assert_memory_equal(c.root, d.root, sizeof(c.root));
    assert_int_equal(pb_fs_write_atomic(g->head, "plumb/\n", 7, 0600, NULL), 0);
    d = write_entries(g, 2);
    assert_int_equal(d.size, 12);
    assert_int_equal(verify(g, &r, &d), 0);
}

static void merkle__published_roots(void **state)
{
    /* RFC 6962 test leaves of Certificate Transparency's reference implementation. */
    static const char *const leaves[] = {"",
                                         "00",
                                         "10",
                                         "2021",
                                         "3031",
                                         "40414243",
                                         "5051525354555657",
                                         "606162636465666768696a6b6c6d6e6f"};
    static const char *const roots[] = {
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
    struct pb_merkle m = {0};
    unsigned char root[PB_SHA256_LEN], leaf[PB_SHA256_LEN];
    char hex[PB_SHA256_HEX];

    (void)state;
    pb_merkle_root(root, &m);
    pb_hex(hex, root, sizeof(root));
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (size_t i = 0; i < PB_COUNT(leaves); i++) {
        char bytes[32];
        size_t n = strlen(leaves[i]) / 2;

        for (size_t k = 0; k < n; k++) {
            char two[3] = {leaves[i][2 * k], leaves[i][2 * k + 1], 0};
            bytes[k] = (char)strtoul(two, NULL, 16);
        }
        pb_frame_hash(leaf, bytes, n);
        pb_merkle_add(&m, leaf);
        pb_merkle_root(root, &m);
        pb_hex(hex, root, sizeof(root));
        assert_string_equal(hex, roots[i]);
    }
}

/* ---- tampering -------------------------------------------------------------------------- */

struct frame {
    size_t offset, len;
    unsigned char prev[PB_SHA256_LEN];
};

static size_t frames_of(struct given *g, struct frame *v, size_t max)
{
    struct pb_frame_reader r;
    struct pb_ledger_entry e;
    size_t n = 0;

    assert_int_equal(pb_frame_open(&r, g->log, 0, 0, NULL, &g->err), 0);
    while (pb_frame_next(&e, &r, &g->err) == 1) {
        assert_true(n < max);
        v[n] = (struct frame){.offset = e.offset, .len = r.offset - e.offset};
        memcpy(v[n++].prev, e.prev, PB_SHA256_LEN);
    }
    pb_frame_close(&r);
    return n;
}

/* Read from the frame in which the damage is: what comes before it is as it was. */
enum seen { STANDS, CORRUPT, TORN, ENDS };

static enum seen seen_from(struct given *g, const struct frame *f, size_t seq)
{
    struct pb_frame_reader r;
    struct pb_ledger_entry e;
    int rc = pb_frame_open(&r, g->log, f->offset, seq, f->prev, &g->err);
    uint64_t torn;

    assert_int_equal(rc, 0);
    rc = pb_frame_next(&e, &r, &g->err);
    torn = r.torn;
    pb_frame_close(&r);
    if (rc < 0)
        assert_int_equal(g->err.cls, PB_E_LEDGER);
    return rc == 1 ? STANDS : rc < 0 ? CORRUPT : torn ? TORN : ENDS;
}

/* With a sanitizer each look takes many times as long: one bit of each byte is flipped then, and
 * one byte of some is held to be the end. */
#ifdef __SANITIZE_ADDRESS__
enum { ENTRIES = 200, BITS = 1, BYTES = 7 };
#else
enum { ENTRIES = 200, BITS = 8, BYTES = 1 };
#endif

/* A long ledger, the same for all that damage it: writing it anew is a sync for each entry. */
static struct pb_checkpoint write_many(struct given *g)
{
    static struct pb_buf log = PB_BUF_INIT;
    static struct pb_checkpoint pin;

    if (!log.len) {
        pin = write_entries(g, ENTRIES - 1);
        read_log(g, &log);
    }
    assert_int_equal(pb_fs_mkdirs(g->dir, 0700, NULL), 0);
    write_log(g, log.s, log.len);
    return pin;
}

/* All that a flipped bit may look like is an entry that is longer than the file. */
static void ledger__every_bit_counts(void **state)
{
    struct given *g = *state;
    struct frame v[ENTRIES];
    PB_AUTO(fd) int fd = -1;
    PB_AUTO(buf) struct pb_buf log = PB_BUF_INIT;
    size_t n, bits = 0, torn = 0;

    write_many(g);
    read_log(g, &log);
    n = frames_of(g, v, PB_COUNT(v));
    assert_int_equal(n, ENTRIES);
    fd = open(g->log, O_WRONLY | O_CLOEXEC);
    for (size_t i = 0; i < n; i++)
        for (size_t at = v[i].offset; at < v[i].offset + v[i].len; at++) {
            for (size_t k = 0; k < BITS; k++, bits++) {
                size_t bit = (at + k) % 8;
                char c = (char)(log.s[at] ^ (1 << bit));
                bool in_length = at - v[i].offset >= 1 && at - v[i].offset <= 8;
                enum seen seen;

                assert_int_equal(pwrite(fd, &c, 1, (off_t)at), 1);
                seen = seen_from(g, &v[i], i);
                torn += seen == TORN;
                if (seen != CORRUPT && !(seen == TORN && in_length))
                    fail_msg("bit %zu of byte %zu of entry %zu does not matter", bit, at, i);
            }
            assert_int_equal(pwrite(fd, log.s + at, 1, (off_t)at), 1);
        }
    assert_int_equal(bits, log.len * BITS);
    assert_true(torn > 0 && torn < 8UL * BITS * n);
    assert_int_equal(seen_from(g, &v[n - 1], n - 1), STANDS);
}

/* A pin tells those that look torn; it is what every bit is held against here, some of them. */
static void ledger__no_bit_gets_past_a_pin(void **state)
{
    struct given *g = *state;
    PB_AUTO(fd) int fd = -1;
    PB_AUTO(buf) struct pb_buf log = PB_BUF_INIT;
    struct pb_checkpoint pin = write_many(g);
    struct pb_ledger_report r;

    read_log(g, &log);
    fd = open(g->log, O_WRONLY | O_CLOEXEC);
    for (size_t bit = 5; bit < log.len * 8; bit += log.len * 8 / 500) {
        char c = (char)(log.s[bit / 8] ^ (1 << bit % 8));

        assert_int_equal(pwrite(fd, &c, 1, (off_t)(bit / 8)), 1);
        assert_refused(g, &pin, "");
        assert_int_equal(pwrite(fd, log.s + bit / 8, 1, (off_t)(bit / 8)), 1);
    }
    assert_int_equal(verify(g, &r, &pin), 0);
}

static void rebuilt(struct given *g, const struct pb_buf *log, const struct frame *v,
                    const size_t *order, size_t n)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    for (size_t i = 0; i < n; i++)
        pb_buf_add(&b, log->s + v[order[i]].offset, v[order[i]].len);
    write_log(g, b.s, b.len);
}

static void ledger__order_counts(void **state)
{
    static const struct {
        size_t order[6], n;
    } rows[] = {{{0, 2, 3, 4, 5}, 5},    {{0, 1, 3, 4, 5}, 5},    {{1, 2, 3, 4, 5}, 5},
                {{0, 2, 1, 3, 4, 5}, 6}, {{0, 1, 2, 2, 3, 4}, 6}, {{0, 1, 2, 3, 5, 4}, 6},
                {{0, 0, 1, 2, 3, 4}, 6}};
    struct given *g = *state;
    struct frame v[8];
    PB_AUTO(buf) struct pb_buf log = PB_BUF_INIT;

    write_entries(g, 5);
    read_log(g, &log);
    assert_int_equal(frames_of(g, v, PB_COUNT(v)), 6);
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        rebuilt(g, &log, v, rows[i].order, rows[i].n);
        assert_refused(g, NULL, "its number is another one");
    }
}

/* The log with what `order` says of the frame numbers; each entry of a long one in turn. */
static void ledger__no_entry_may_move(void **state)
{
    struct given *g = *state;
    struct frame v[ENTRIES];
    PB_AUTO(buf) struct pb_buf log = PB_BUF_INIT;
    struct pb_checkpoint pin = write_many(g);
    size_t order[ENTRIES + 1], n;
    struct pb_ledger_report r;

    read_log(g, &log);
    n = frames_of(g, v, PB_COUNT(v));
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < n; k++) /* dropped */
            order[k] = k + (k >= i);
        rebuilt(g, &log, v, order, n - 1);
        if (i + 1 < n)
            assert_refused(g, NULL, "its number is another one");
        assert_refused(g, &pin, i + 1 < n ? "its number is another one" : "are gone");
        for (size_t k = 0; k <= n; k++) /* doubled */
            order[k] = k - (k > i);
        rebuilt(g, &log, v, order, n + 1);
        assert_refused(g, NULL, "its number is another one");
        for (size_t k = 0; k < n; k++) /* swapped with the next, or the first */
            order[k] = k == i ? (i + 1) % n : k == (i + 1) % n ? i : k;
        rebuilt(g, &log, v, order, n);
        assert_refused(g, NULL, "its number is another one");
    }
    write_log(g, log.s, log.len);
    assert_int_equal(verify(g, &r, &pin), 0);
}

/* Whole entries taken back: the chain holds, and only the pin tells. */
static void ledger__rolled_back(void **state)
{
    struct given *g = *state;
    struct frame v[ENTRIES];
    PB_AUTO(buf) struct pb_buf log = PB_BUF_INIT;
    struct pb_checkpoint pin = write_many(g);
    struct pb_ledger_report r;
    size_t n;

    read_log(g, &log);
    n = frames_of(g, v, PB_COUNT(v));
    for (size_t i = 0; i < n; i++) {
        write_log(g, log.s, v[i].offset);
        assert_int_equal(verify(g, &r, NULL), 0);
        assert_int_equal(r.now.size, i);
        assert_refused(g, &pin, "entries at its end are gone");
    }
    write_log(g, log.s, v[n / 2].offset); /* and others written in their place */
    unlink(g->head);
    write_entries(g, (int)(n - n / 2));
    assert_int_equal(verify(g, &r, NULL), 0);
    assert_int_equal(r.now.size, n);
    assert_refused(g, &pin, "what it covers was changed since");
}

/* Every byte of the long one, each held to be the end: never is what is cut taken for whole. */
static void ledger__cut_at_every_byte_of_many(void **state)
{
    struct given *g = *state;
    struct frame v[ENTRIES];
    struct pb_checkpoint pin = write_many(g);
    size_t n = frames_of(g, v, PB_COUNT(v));

    for (size_t i = n; i-- > 0;)
        for (size_t len = v[i].len; len-- > 0;) {
            enum seen want = len ? TORN : ENDS;

            if (len % BYTES)
                continue;
            assert_int_equal(truncate(g->log, (off_t)(v[i].offset + len)), 0);
            assert_int_equal(seen_from(g, &v[i], i), want);
            if (i % 20 == 0 && len % 50 == 0)
                assert_refused(g, &pin, "entries at its end are gone");
        }
}

/* An entry that is changed and hashed anew no longer fits what follows it, or the pin. */
static void ledger__a_rewritten_entry_shows(void **state)
{
    struct given *g = *state;
    struct frame v[8];
    PB_AUTO(buf) struct pb_buf log = PB_BUF_INIT, b = PB_BUF_INIT, json = PB_BUF_INIT;
    struct pb_checkpoint pin = write_entries(g, 3);
    char *at;

    read_log(g, &log);
    assert_int_equal(frames_of(g, v, PB_COUNT(v)), 4);
    for (size_t which = 1; which < 4; which++) {
        const struct frame *f = &v[which];

        pb_buf_clear(&b);
        pb_buf_clear(&json);
        pb_buf_add(&json, log.s + f->offset + PB_FRAME_HEAD, f->len - PB_FRAME_HEAD - 1);
        at = strstr(json.s, "\"ada\"");
        assert_non_null(at);
        memcpy(at, "\"eve\"", 5);
        pb_buf_add(&b, log.s, f->offset);
        pb_frame_add(&b, json.s, json.len);
        pb_buf_add(&b, log.s + f->offset + f->len, log.len - f->offset - f->len);
        write_log(g, b.s, b.len);
        if (which < 3)
            assert_refused(g, NULL, "does not follow from the entry before it");
        else
            assert_refused(g, &pin, "what it covers was changed since");
    }
}

static void ledger__cut_at_every_byte(void **state)
{
    struct given *g = *state;
    struct frame v[8];
    PB_AUTO(buf) struct pb_buf log = PB_BUF_INIT;
    struct pb_checkpoint pin = write_entries(g, 5);
    struct pb_ledger_report r;
    size_t n, whole = 0;

    read_log(g, &log);
    n = frames_of(g, v, PB_COUNT(v));
    for (size_t len = 0; len < log.len; len++) {
        bool at_frame = len == 0 || (whole < n && v[whole].offset + v[whole].len == len);

        whole += len && at_frame;
        write_log(g, log.s, len);
        assert_refused(g, &pin, "entries at its end are gone");
        assert_int_equal(verify(g, &r, NULL), 0);
        assert_int_equal(r.end, at_frame ? PB_LEDGER_END_WHOLE : PB_LEDGER_END_TORN);
        assert_int_equal(r.now.size, whole);
    }
}

static void ledger__another_ledger_does_not_fit(void **state)
{
    struct given *g = *state;
    struct pb_checkpoint pin = write_entries(g, 2);

    pb_fs_remove_tree(g->dir, NULL);
    write_entries(g, 2);
    assert_refused(g, &pin, "that is another ledger");
}

static void ledger__a_writer_leaves_what_was_cut(void **state)
{
    struct given *g = *state;
    PB_AUTO(buf) struct pb_buf log = PB_BUF_INIT, after = PB_BUF_INIT;
    struct pb_ledger *l = NULL;

    write_entries(g, 4);
    read_log(g, &log);
    write_log(g, log.s, log.len - 10);
    assert_int_equal(pb_ledger_open(&l, g->dir, &me, &g->err), -1);
    assert_int_equal(g->err.cls, PB_E_LEDGER);
    assert_non_null(strstr(g->err.msg, "shorter than it was"));
    read_log(g, &after);
    assert_int_equal(after.len, log.len - 10);
}

static void ledger__not_canonical_is_corrupt(void **state)
{
    static const char *const texts[] = {
        "{\"body\":{}, \"kind\":\"k\",\"prev\":\"%s\",\"seq\":0,\"time\":\"t\",\"v\":1,\"who\":{}}",
        "{\"kind\":\"k\",\"body\":{},\"prev\":\"%s\",\"seq\":0,\"time\":\"t\",\"v\":1,\"who\":{}}",
        "{\"body\":{},\"kind\":\"\\u006b\",\"prev\":\"%s\",\"seq\":0,\"time\":\"t\",\"v\":1,"
        "\"who\":{}}",
        "{\"body\":{},\"kind\":\"k\",\"prev\":\"%s\",\"seq\":0.0,\"time\":\"t\",\"v\":1,"
        "\"who\":{}}",
    };
    struct given *g = *state;
    char zeros[65];

    memset(zeros, '0', 64);
    zeros[64] = '\0';
    assert_int_equal(pb_fs_mkdirs(g->dir, 0700, NULL), 0);
    for (size_t i = 0; i < PB_COUNT(texts); i++) {
        PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT, f = PB_BUF_INIT;
        const char *mark = strstr(texts[i], "%s");

        pb_buf_add(&b, texts[i], (size_t)(mark - texts[i]));
        pb_buf_adds(&b, zeros);
        pb_buf_adds(&b, mark + 2);
        pb_frame_add(&f, b.s, b.len);
        write_log(g, f.s, f.len);
        assert_refused(g, NULL, "canonical form");
    }
}

/* ---- failing ---------------------------------------------------------------------------- */

static void ledger__a_failed_append_leaves_the_log(void **state)
{
    static const char *const plans[] = {"ledger.write=eio", "ledger.sync=enospc"};
    struct given *g = *state;
    PB_AUTO(buf) struct pb_buf before = PB_BUF_INIT, after = PB_BUF_INIT;
    struct pb_ledger *l;
    struct pb_ledger_report r;

    write_entries(g, 2);
    l = open_ledger(g);
    read_log(g, &before);
    for (size_t i = 0; i < PB_COUNT(plans); i++) {
        setenv("PLUMB_FAULT", plans[i], 1);
        assert_int_equal(pb_ledger_append(l, "x", NULL, &g->err), -1);
        assert_int_equal(g->err.sys, i ? ENOSPC : EIO);
        unsetenv("PLUMB_FAULT");
        read_log(g, &after);
        assert_int_equal(after.len, before.len);
    }
    assert_int_equal(pb_ledger_append(l, "x", NULL, &g->err), 0);
    pb_ledger_close(l);
    assert_int_equal(verify(g, &r, NULL), 0);
    assert_int_equal(r.now.size, 4);
}

static void killed_at(struct given *g, const char *plan)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        struct pb_ledger *l = NULL;

        setenv("PLUMB_FAULT", plan, 1);
        if (pb_ledger_open(&l, g->dir, &me, NULL) == 0)
            pb_ledger_append(l, "x", NULL, NULL);
        pb_ledger_close(l);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

static void ledger__killed_while_appending(void **state)
{
    struct given *g = *state;
    struct pb_ledger_report r;
    PB_AUTO(str) char *aside = pb_asprintf("%s.torn-3", g->log);

    write_entries(g, 2);
    killed_at(g, "ledger.write=kill");
    assert_int_equal(verify(g, &r, NULL), 0);
    assert_int_equal(r.end, PB_LEDGER_END_TORN);
    pb_ledger_close(open_ledger(g));
    assert_true(pb_fs_exists(aside));
    assert_int_equal(verify(g, &r, NULL), 0);
    assert_int_equal(r.end, PB_LEDGER_END_WHOLE);
    assert_int_equal(r.now.size, 4);
    killed_at(g, "ledger.sync=kill");
    killed_at(g, "ledger.head=kill");
    assert_int_equal(write_entries(g, 1).size, 7);
    assert_int_equal(verify(g, &r, NULL), 0);
    assert_int_equal(r.end, PB_LEDGER_END_WHOLE);
}

static void ledger__one_writer(void **state)
{
    struct given *g = *state;
    struct pb_ledger *l = open_ledger(g), *second = NULL;

    assert_int_equal(pb_ledger_open(&second, g->dir, &me, &g->err), -1);
    assert_int_equal(g->err.cls, PB_E_LOCKED);
    pb_ledger_close(l);
    pb_ledger_close(open_ledger(g));
}

static void ledger__many_writers(void **state)
{
    enum { WRITERS = 8, EACH = 10 };
    struct given *g = *state;
    struct pb_ledger_origin patient = me;
    struct pb_ledger_report r;
    int status;

    patient.wait_ms = 60000;
    for (int i = 0; i < WRITERS; i++) {
        if (fork() == 0) {
            for (int k = 0; k < EACH; k++) {
                struct pb_ledger *l = NULL;

                if (pb_ledger_open(&l, g->dir, &patient, NULL) < 0 ||
                    pb_ledger_append(l, "x", NULL, NULL) < 0)
                    _exit(1);
                pb_ledger_close(l);
            }
            _exit(0);
        }
    }
    for (int i = 0; i < WRITERS; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    assert_int_equal(verify(g, &r, NULL), 0);
    assert_int_equal(r.now.size, 1 + WRITERS * EACH);
}

/* ---- checkpoints and questions ---------------------------------------------------------- */

static void checkpoint__round_trip_and_refusals(void **state)
{
    static const char good[] = "plumb/0123456789abcdef0123456789abcdef\n7\n"
                               "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
    static const char *const bad[] = {
        "",
        "plumb/0123456789abcdef0123456789abcdef\n7\n",
        "plumb/0123456789abcdef0123456789abcdeF\n7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "other/0123456789abcdef0123456789abcdef\n7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "plumb/0123456789abcdef0123456789abcdef\n07\n"
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "plumb/0123456789abcdef0123456789abcdef\n-7\n"
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "plumb/0123456789abcdef0123456789abcdef\n7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n",
        "plumb/0123456789abcdef0123456789abcdef\n7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuF==\n",
        "plumb/0123456789abcdef0123456789abcdef\n7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSu!U=\n",
    };
    struct pb_checkpoint c;
    struct pb_err err = PB_ERR_INIT;
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    (void)state;
    assert_int_equal(pb_checkpoint_parse(&c, good, strlen(good), "pin", &err), 0);
    assert_int_equal(c.size, 7);
    pb_checkpoint_add(&b, &c);
    assert_string_equal(b.s, good);
    for (size_t i = 0; i < PB_COUNT(bad); i++) {
        if (pb_checkpoint_parse(&c, bad[i], strlen(bad[i]), "pin", &err) == 0)
            fail_msg("taken: %s", bad[i]);
        assert_non_null(strstr(err.msg, "'pin' is not a checkpoint"));
    }
}

static void query__rows(void **state)
{
    static const char entry[] =
        "{'time':'2026-11-19T15:00:00Z','kind':'apply.done','who':{'user':'ada','name':'Ada L',"
        "'email':'ada@example.org'},'body':{'unit':'prod','resources':[{'address':"
        "'module.net.aws_vpc.main','verdict':'drifted'},{'address':'aws_eip.x','verdict':"
        "'pending'}]}}";
    static const struct {
        const char *what, *value;
        bool fits;
    } rows[] = {
        {"unit", "prod", true},         {"unit", "dev", false},
        {"who", "ADA", true},           {"who", "example.org", true},
        {"who", "eve", false},          {"address", "module.net", true},
        {"address", "aws_eip.x", true}, {"address", "aws_eip", false},
        {"address", "module.n", false}, {"verdict", "pending", true},
        {"verdict", "missing", false},  {"kind", "apply", true},
        {"kind", "apply.done", true},   {"kind", "app", false},
        {"since", "1795100400", true},  {"since", "1795100401", false},
        {"until", "1795100400", false}, {"until", "1795100401", true},
    };
    struct pb_arena *a = pb_arena_new();
    const struct pb_value *v = json_marked(a, entry);
    struct pb_ledger_entry e = {.time = pb_get_str(v, "time"),
                                .kind = pb_get_str(v, "kind"),
                                .who = pb_get(v, "who"),
                                .body = pb_get(v, "body")};

    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        char *list[2] = {pb_arena_strdup(a, rows[i].value), NULL};
        const char *w = rows[i].what;
        struct pb_ledger_query q = {
            .units = pb_streq(w, "unit") ? list : NULL,
            .who = pb_streq(w, "who") ? list : NULL,
            .addresses = pb_streq(w, "address") ? list : NULL,
            .verdicts = pb_streq(w, "verdict") ? list : NULL,
            .kinds = pb_streq(w, "kind") ? list : NULL,
            .since = pb_streq(w, "since") ? strtoll(list[0], NULL, 10) : 0,
            .until = pb_streq(w, "until") ? strtoll(list[0], NULL, 10) : 0,
        };

        if (pb_ledger_matches(&q, &e) != rows[i].fits)
            fail_msg("%s=%s", w, rows[i].value);
    }
    {
        char *address[] = {pb_arena_strdup(a, "aws_eip.x"), NULL};
        char *verdict[] = {pb_arena_strdup(a, "drifted"), NULL};
        struct pb_ledger_query q = {.addresses = address, .verdicts = verdict};

        assert_false(pb_ledger_matches(&q, &e));
    }
    pb_arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merkle__published_roots),
        cmocka_unit_test(checkpoint__round_trip_and_refusals),
        cmocka_unit_test(query__rows),
        cmocka_unit_test_setup_teardown(ledger__stands_and_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(ledger__head_is_made_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(ledger__every_bit_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(ledger__no_bit_gets_past_a_pin, setup, teardown),
        cmocka_unit_test_setup_teardown(ledger__order_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(ledger__no_entry_may_move, setup, teardown),
        cmocka_unit_test_setup_teardown(ledger__rolled_back, setup, teardown),
        cmocka_unit_test_setup_teardown(ledger__cut_at_every_byte_of_many, setup, teardown),
        cmocka_unit_test_setup_teardown(ledger__a_rewritten_entry_shows, setup, teardown),
        cmocka_unit_test_setup_teardown(ledger__cut_at_every_byte, setup, teardown),
        cmocka_unit_test_setup_teardown(ledger__another_ledger_does_not_fit, setup, teardown),
        cmocka_unit_test_setup_teardown(ledger__a_writer_leaves_what_was_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(ledger__not_canonical_is_corrupt, setup, teardown),
        cmocka_unit_test_setup_teardown(ledger__a_failed_append_leaves_the_log, setup, teardown),
        cmocka_unit_test_setup_teardown(ledger__killed_while_appending, setup, teardown),
        cmocka_unit_test_setup_teardown(ledger__one_writer, setup, teardown),
        cmocka_unit_test_setup_teardown(ledger__many_writers, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
