/* What the text of a change says. The cases are in fixtures/textdiff/, see its README: the files
 * before and after a change, and all that is found, word by word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/backend.h"
#include "backends/terraform/hcl.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"

/* ---- a side from text --------------------------------------------------------------------------
 * "-- PATH" begins a file, "-- *PATH" one that is given by its id alone, "-- !PATH WHY" one that
 * could not be read. */

struct side {
    struct pb_text_side side;
    struct pb_text_file v[64];
};

static struct pb_text_file file_of(struct pb_arena *a, const char *head, size_t n, const char *text,
                                   size_t len)
{
    struct pb_text_file f = {0};
    size_t mark = *head == '*' || *head == '!', word;
    char id[PB_SHA256_HEX];

    word = mark + strcspn(head + mark, " \n");
    f.path = pb_arena_strndup(a, head + mark, word - mark);
    pb_sha256_hex_of(id, text, len);
    f.id = pb_arena_strdup(a, id);
    if (*head == '!')
        f.unread = pb_arena_strndup(a, head + word + 1, n - word - 1);
    if (mark)
        return f;
    f.text = pb_arena_strndup(a, text, len);
    f.n = len;
    return f;
}

static void fill(struct side *s, struct pb_arena *a, const char *root, char *const *var_files,
                 const char *text)
{
    *s = (struct side){.side = {.root = root, .var_files = var_files, .files = s->v}};
    while (text && *text) {
        const char *head = text + 3, *body = strchr(head, '\n') + 1, *end = strstr(body, "\n-- ");

        end = end ? end + 1 : body + strlen(body);
        if (strncmp(body, "-- ", 3) == 0)
            end = body;
        assert_true(strncmp(text, "-- ", 3) == 0 && s->side.nfiles < PB_COUNT(s->v));
        s->v[s->side.nfiles++] =
            file_of(a, head, (size_t)(body - head) - 1, body, (size_t)(end - body));
        text = end;
    }
}

static void add_place(struct pb_buf *b, const char *file, unsigned line, unsigned last)
{
    pb_buf_addf(b, "%s", file ? file : "-");
    if (line)
        pb_buf_addf(b, ":%u", line);
    if (last > line)
        pb_buf_addf(b, "-%u", last);
}

static void add_finding(struct pb_buf *b, const struct pb_text_finding *f)
{
    pb_buf_addf(b, "%s%s ", f->rule->code, f->before ? " was" : "");
    add_place(b, f->file, f->line, f->last_line);
    pb_buf_addf(b, " %s: %s\n", f->address ? f->address : "-", f->message);
}

static void add_block(struct pb_buf *b, const struct pb_text_block *k)
{
    pb_buf_addf(b, "%c %s %s ", "+~-"[k->change], k -> kind, k -> address);
    add_place(b, k->file, k->line, k->last_line);
    if (k->change == PB_TEXT_CHANGED) {
        pb_buf_adds(b, " was ");
        add_place(b, k->old_file, k->old_line, 0);
    }
    pb_buf_addf(b, " in '%s'", k->module);
    for (const char *const *c = k->calls; *c; c++)
        pb_buf_addf(b, " as '%s'", *c);
    pb_buf_addc(b, '\n');
}

/* ---- cases ---------------------------------------------------------------------------------- */

struct change {
    const char *name, *before, *after, *expect;
    const char *root;
    const char *var_file;    /* or NULL */
    bool created, destroyed; /* the unit */
};

static char *found_in(const struct change *c)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new(), *out = pb_arena_new();
    char *var_files[] = {(char *)(uintptr_t)c->var_file, NULL};
    struct pb_buf b = PB_BUF_INIT;
    struct pb_err err = PB_ERR_INIT;
    struct side before, after;
    struct pb_text_diff d;

    fill(&before, a, c->created ? NULL : c->root, c->var_file ? var_files : NULL, c->before);
    fill(&after, a, c->destroyed ? NULL : c->root, c->var_file ? var_files : NULL, c->after);
    assert_int_equal(pb_terraform.compare_text(&d, out, &before.side, &after.side, &err), 0);
    pb_arena_free(pb_take(&a)); /* nothing of the result may live there */
    for (size_t i = 0; i < d.nfindings; i++)
        add_finding(&b, &d.findings[i]);
    for (size_t i = 0; i < d.nblocks; i++)
        add_block(&b, &d.blocks[i]);
    if (d.partial)
        pb_buf_adds(&b, "partial\n");
    return pb_buf_detach(&b);
}

/* Cuts `text` where a line begins with `mark`; what follows the mark's line, or NULL. */
static char *cut(char *text, const char *mark, char **head)
{
    PB_AUTO(str) char *line = pb_asprintf("\n%s", mark);
    char *at = strncmp(text, mark, strlen(mark)) == 0 ? text : strstr(text, line);
    char *end;

    if (!at)
        return NULL;
    if (at != text)
        at++;
    end = strchr(at, '\n');
    *end = '\0';
    if (head)
        *head = at + strlen(mark);
    *at = '\0';
    return end + 1;
}

/* The words behind a case's name: "root=envs/prod", "vars=x.tfvars", "created", "destroyed". */
static void options(struct change *c, char *head)
{
    for (char *word = strstr(head, " ["); word && *word; word++) {
        char *s = word + (*word == ' ') + (word[*word == ' '] == '[');

        word = s + strcspn(s, " ]");
        if (!*word)
            break;
        *word = '\0';
        if (pb_starts_with(s, "root="))
            c->root = s + 5;
        else if (pb_starts_with(s, "vars="))
            c->var_file = s + 5;
        c->created |= strcmp(s, "created") == 0;
        c->destroyed |= strcmp(s, "destroyed") == 0;
    }
    c->name = head;
}

static size_t run_file(const char *name, size_t *wrong)
{
    PB_AUTO(str) char *path = pb_asprintf("fixtures/textdiff/%s.txt", name);
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    char *head = NULL, *next, *at;
    size_t n = 0;

    assert_int_equal(pb_fs_read(&text, path, 1 << 20, NULL), 0);
    for (at = cut(text.s, "=== ", &head); at; at = next, n++) {
        struct change c = {.root = "", .before = at};
        PB_AUTO(str) char *got = NULL;
        char *name_of = head;

        next = cut(at, "=== ", &head);
        c.before = cut(at, "--- before", NULL);
        c.after = cut((char *)(uintptr_t)c.before, "--- after", NULL);
        c.expect = cut((char *)(uintptr_t)c.after, "--- expect", NULL);
        options(&c, name_of);
        got = found_in(&c);
        if (strcmp(got, c.expect) == 0)
            continue;
        fprintf(stderr, "%s: %s:\n--- expected\n%s--- found\n%s---\n", path, c.name, c.expect, got);
        ++*wrong;
    }
    return n;
}

static void tf_textdiff__cases(void **state)
{
    static const char *const names[] = {"nothing", "blocks",  "runs", "sources", "lock",
                                        "files",   "hostile", "json", "inputs"};
    size_t wrong = 0;

    (void)state;
    for (size_t i = 0; i < PB_COUNT(names); i++)
        assert_true(run_file(names[i], &wrong) > 0);
    assert_int_equal(wrong, 0);
}

/* ---- too much ------------------------------------------------------------------------------- */

static struct pb_arena *arena;
static struct pb_text_diff diff;

static int setup(void **state)
{
    (void)state;
    arena = pb_arena_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pb_arena_free(arena);
    return 0;
}

/* Compares nothing with one file of the top. */
static void compare(const char *name, const char *text, size_t n)
{
    struct pb_text_file f = {.path = name, .id = "1", .text = text, .n = n};
    struct pb_text_side before = {.root = ""}, after = {.root = "", .files = &f, .nfiles = 1};

    assert_int_equal(pb_terraform.compare_text(&diff, arena, &before, &after, NULL), 0);
}

static size_t count(const char *code)
{
    size_t n = 0;

    for (size_t i = 0; i < diff.nfindings; i++)
        n += strcmp(diff.findings[i].rule->code, code) == 0;
    return n;
}

static void repeat(struct pb_buf *b, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        pb_buf_adds(b, s);
}

static void tf_textdiff__nuls(void **state)
{
    static const char text[] = "resource \"a\" \"b\" {}\n\0data \"external\" \"x\" {}\n";

    (void)state;
    compare("main.tf", text, sizeof(text) - 1);
    assert_int_equal(count("unreadable"), 1);
    assert_string_equal(diff.findings[0].message,
                        "what 'main.tf' does is not known: line 1: a NUL byte");
    assert_true(diff.partial);
}

static void tf_textdiff__deep_nesting(void **state)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    (void)state;
    repeat(&b, "a {\n", 100000);
    repeat(&b, "}\n", 100000);
    compare("main.tf", b.s, b.len);
    assert_int_equal(count("unreadable"), 1);
    pb_buf_clear(&b);
    repeat(&b, "[", 200000);
    compare("main.tf.json", b.s, b.len);
    assert_int_equal(count("unreadable"), 1);
    pb_buf_clear(&b);
    pb_buf_adds(&b, "x \"y\" {\n  a = ");
    repeat(&b, "[", 200000);
    repeat(&b, "]", 200000);
    pb_buf_adds(&b, "\n}\nresource \"a\" \"b\" {}\n");
    compare("main.tf", b.s, b.len);
    assert_int_equal(count("unreadable"), 0);
    assert_int_equal(diff.nblocks, 2);
}

static void tf_textdiff__long_lines(void **state)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    (void)state;
    pb_buf_adds(&b, "resource \"a\" \"");
    repeat(&b, "n", 1 << 20);
    pb_buf_adds(&b, "\" { provisioner \"local-exec\" { command = \"");
    repeat(&b, "c", 1 << 20);
    pb_buf_adds(&b, "\" } }\n");
    compare("main.tf", b.s, b.len);
    assert_int_equal(count("provisioner-added"), 1);
    assert_true(strlen(diff.findings[0].message) < 512);
    assert_true(strlen(diff.blocks[0].address) < 512);
    pb_buf_clear(&b);
    repeat(&b, "x", PB_HCL_MAX + 1);
    compare("main.tf", b.s, b.len);
    assert_int_equal(count("unreadable"), 1);
}

/* Who buries one thing under many is told of. */
static void tf_textdiff__many_findings(void **state)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    (void)state;
    for (int i = 0; i < 30000; i++)
        pb_buf_addf(&b, "data \"external\" \"e%d\" {}\n", i);
    compare("main.tf", b.s, b.len);
    assert_int_equal(count("too-much"), 1);
    assert_int_equal(diff.nfindings, 2001);
    assert_true(diff.nblocks <= 20000 && diff.partial);
}

/* Modules that call each other 2^n times. */
static void tf_textdiff__many_calls(void **state)
{
    struct pb_text_file f[24] = {{0}};
    struct pb_text_side before = {.root = ""}, after = {.root = "", .files = f, .nfiles = 24};

    (void)state;
    for (int i = 0; i < 24; i++) {
        f[i].path = i ? pb_arena_printf(arena, "m%d/main.tf", i) : "main.tf";
        f[i].id = "1";
        f[i].text = pb_arena_printf(arena,
                                    "module \"a\" { source = \"%s/m%d\" }\n"
                                    "module \"b\" { source = \"%s/m%d\" }\n",
                                    i ? ".." : ".", i + 1, i ? ".." : ".", i + 1);
        f[i].n = strlen(f[i].text);
    }
    assert_int_equal(pb_terraform.compare_text(&diff, arena, &before, &after, NULL), 0);
    assert_int_equal(count("too-much"), 1);
    assert_true(diff.partial);
    assert_int_equal(diff.nblocks, 48);
}

static void tf_textdiff__a_side_without_ids(void **state)
{
    struct pb_text_file f = {.path = "main.tf", .text = "", .n = 0};
    struct pb_text_side before = {.root = ""}, after = {.root = "", .files = &f, .nfiles = 1};
    struct pb_err err = PB_ERR_INIT;

    (void)state;
    assert_int_equal(pb_terraform.compare_text(&diff, arena, &before, &after, &err), -1);
    assert_string_equal(err.msg, "a file of a change has no path or no id");
}

/* ---- rules ---------------------------------------------------------------------------------- */

static void tf_textdiff__rules(void **state)
{
    const struct pb_text_rule *r = pb_terraform.text_rules;
    size_t n = 0;

    (void)state;
    for (; r[n].code; n++) {
        assert_true(r[n].summary && *r[n].summary);
        assert_true(strcmp(r[n].severity, "error") == 0 || strcmp(r[n].severity, "warning") == 0 ||
                    strcmp(r[n].severity, "notice") == 0);
        assert_int_equal(strspn(r[n].code, "abcdefghijklmnopqrstuvwxyz-"), strlen(r[n].code));
        for (size_t i = 0; i < n; i++)
            assert_string_not_equal(r[i].code, r[n].code);
    }
    assert_true(n > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tf_textdiff__cases),
        cmocka_unit_test_setup_teardown(tf_textdiff__nuls, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_textdiff__deep_nesting, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_textdiff__long_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_textdiff__many_findings, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_textdiff__many_calls, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_textdiff__a_side_without_ids, setup, teardown),
        cmocka_unit_test(tf_textdiff__rules),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
