/* Just enough of a file's text to know what a module needs: nothing is evaluated. */
#include "backends/terraform/scan.h"

#include <string.h>

#include "backends/terraform/hcl_scan.h"
#include "backends/terraform/module.h"
#include "backends/terraform/providers.h"
#include "base/buf.h"
#include "base/text.h"
#include "model/json.h"

enum { NESTED_MAX = 32 };

enum token { T_END, T_WORD, T_STRING, T_OPEN, T_CLOSE, T_EQUALS, T_NEWLINE, T_OTHER };

struct lexer {
    const char *p, *end;
    struct pb_buf text; /* of a word or string */
    bool climbs;        /* in a heredoc, or by an escape in a string */
};

/* Whether a path made of this text may leave the folder: by "..", or by taking the whole
 * path apart. More than really do are found: it costs a run, the other way a wrong answer. */
static bool text_climbs(const char *s, size_t n)
{
    static const char *const ways[] = {"dirname", "path.cwd", "abspath"};

    for (size_t i = 0; i + 1 < n; i++) {
        size_t dots = 0;

        while (i + dots < n && s[i + dots] == '.')
            dots++;
        if (dots == 2) /* three are an ellipsis */
            return true;
        i += dots;
    }
    for (size_t i = 0; i < PB_COUNT(ways); i++)
        if (memmem(s, n, ways[i], strlen(ways[i])))
            return true;
    return false;
}

/* "${" and "%{" open a template; "$${" and "%%{" are text. */
static bool opens_template(const char *brace)
{
    return (brace[-1] == '$' || brace[-1] == '%') && brace[-2] != brace[-1];
}

static bool at(const struct lexer *l, const char *s)
{
    size_t n = strlen(s);

    return (size_t)(l->end - l->p) >= n && memcmp(l->p, s, n) == 0;
}

/* Moves past one comment or run of blanks; false when there was none. */
static bool skip_blank(struct lexer *l)
{
    const char *start = l->p;

    if (*l->p == '#' || at(l, "//")) {
        while (l->p < l->end && *l->p != '\n')
            l->p++;
    } else if (at(l, "/*")) {
        for (l->p += 2; l->p < l->end && !at(l, "*/"); l->p++)
            ;
        l->p = l->p < l->end ? l->p + 2 : l->end;
    } else {
        while (l->p < l->end && (*l->p == ' ' || *l->p == '\t' || *l->p == '\r'))
            l->p++;
    }
    return l->p > start;
}

/* Where it ends is for the language to say: who believes an earlier end reads text as code. */
static void skip_heredoc(struct lexer *l)
{
    struct pb_hcl_scan p = {.s = l->p, .n = (size_t)(l->end - l->p)};
    const char *from = l->p;

    if (!pb_hcl_at_heredoc(&p)) {
        l->p += 2;
        return;
    }
    if (pb_hcl_skip_heredoc(&p) < 0) { /* what follows could not be told from text */
        l->p = l->end;
        l->climbs = true;
        return;
    }
    l->p += p.i;
    l->climbs |= text_climbs(from, (size_t)(l->p - from));
}

/* The text of a string with its templates and the strings in them; p stands on the quote. */
static void take_string(struct lexer *l, int nested)
{
    size_t depth = 0;

    for (l->p++; l->p < l->end && !(*l->p == '"' && !depth); l->p++) {
        if (*l->p == '\\' && l->p + 1 < l->end) {
            l->p++;
            l->climbs |= *l->p == 'u' || *l->p == 'U'; /* may spell a dot */
        } else if (*l->p == '"' && nested < NESTED_MAX) {
            take_string(l, nested + 1);
            l->p--;
            continue;
        } else if (depth && (*l->p == '#' || at(l, "//") || at(l, "/*"))) {
            skip_blank(l);
            l->p--;
            continue;
        } else if (depth && at(l, "<<")) {
            skip_heredoc(l);
            l->p--;
            continue;
        } else if (*l->p == '{' && (depth || opens_template(l->p))) {
            depth++;
        } else if (*l->p == '}' && depth) {
            depth--;
        }
        pb_buf_addc(&l->text, *l->p);
    }
    if (l->p < l->end)
        l->p++;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

static enum token next(struct lexer *l)
{
    pb_buf_clear(&l->text);
    while (l->p < l->end && skip_blank(l))
        ;
    if (l->p >= l->end)
        return T_END;
    if (*l->p == '"') {
        take_string(l, 0);
        return T_STRING;
    }
    if (at(l, "<<")) {
        skip_heredoc(l);
        return T_OTHER;
    }
    if (is_word(*l->p)) {
        while (l->p < l->end && is_word(*l->p))
            pb_buf_addc(&l->text, *l->p++);
        return T_WORD;
    }
    switch (*l->p++) {
    case '{': return T_OPEN;
    case '}': return T_CLOSE;
    case '=': return T_EQUALS;
    case '\n': return T_NEWLINE;
    default: return T_OTHER;
    }
}

/* What the parser remembers of the block it is in. */
struct block {
    size_t depth;
    char outer[16];  /* "terraform", "module", "provider" of the top block, else "" */
    char key[16];    /* word before '=', cut */
    bool is_value;   /* behind '=' */
    bool line_start; /* the next word starts a statement */
};

static void set_word(char out[16], const char *s)
{
    size_t n = strlen(s);

    if (n > 15)
        n = 15;
    memcpy(out, s, n);
    out[n] = '\0';
}

static void take_word(struct pb_module_text *out, struct block *b, const char *word)
{
    out->climbs |= strcmp(word, "cwd") == 0 || text_climbs(word, strlen(word));
    if (!b->line_start)
        return;
    if (b->depth == 0) {
        set_word(b->outer, word);
        out->candidate |= strcmp(word, "provider") == 0;
    } else if (b->depth == 1 && strcmp(b->outer, "terraform") == 0) {
        out->candidate |= strcmp(word, "backend") == 0 || strcmp(word, "cloud") == 0;
    }
    set_word(b->key, word);
}

static void take_text(struct pb_module_text *out, const struct block *b, const char *text)
{
    bool source = b->depth == 1 && b->is_value && strcmp(b->outer, "module") == 0 &&
                  strcmp(b->key, "source") == 0;

    if (source && pb_tf_is_local(text))
        pb_strv_add(&out->locals, text);
    else if (source) /* a template may come to a local one */
        out->climbs |= strstr(text, "${") || strstr(text, "%{");
    else
        out->climbs |= text_climbs(text, strlen(text));
}

static void scan_hcl(struct pb_module_text *out, const char *text, size_t n)
{
    struct lexer l = {text, text + n, PB_BUF_INIT, false};
    struct block b = {.line_start = true};
    enum token t;

    if (at(&l, "\xef\xbb\xbf")) /* a byte order mark */
        l.p += 3;
    while ((t = next(&l)) != T_END) {
        if (t == T_WORD)
            take_word(out, &b, l.text.s);
        else if (t == T_STRING)
            take_text(out, &b, l.text.s);
        if (t == T_OPEN)
            b.depth++;
        else if (t == T_CLOSE && b.depth)
            b.depth--;
        b.is_value = t == T_EQUALS || (b.is_value && t != T_NEWLINE);
        b.line_start = t == T_NEWLINE || t == T_OPEN || t == T_CLOSE;
    }
    out->climbs |= l.climbs;
    pb_buf_release(&l.text);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static bool climbs(const struct pb_value *v)
{
    if (pb_is(v, PB_STRING))
        return text_climbs(v->s, strlen(v->s));
    for (size_t i = 0; pb_is(v, PB_LIST) && i < v->n; i++)
        if (climbs(&v->items[i]))
            return true;
    for (size_t i = 0; pb_is(v, PB_MAP) && i < v->n; i++)
        if (climbs(&v->members[i].value))
            return true;
    return false;
}

/* The calls of modules: an object by name, where each level may be a list instead. */
static void json_modules(struct pb_module_text *out, const struct pb_value *v, int level)
{
    const char *source = level ? pb_get_str(v, "source") : NULL;

    for (size_t i = 0; pb_is(v, PB_LIST) && i < v->n; i++)
        json_modules(out, &v->items[i], level);
    if (source && pb_tf_is_local(source))
        pb_strv_add(&out->locals, source);
    else if (source)
        out->climbs |= strstr(source, "${") || strstr(source, "%{");
    for (size_t i = 0; pb_is(v, PB_MAP) && i < v->n; i++) {
        if (!level)
            json_modules(out, &v->members[i].value, 1);
        else if (strcmp(v->members[i].key, "source") != 0)
            out->climbs |= climbs(&v->members[i].value);
    }
}

static bool has_backend(const struct pb_value *terraform)
{
    bool found = pb_get(terraform, "backend") || pb_get(terraform, "cloud");

    for (size_t i = 0; pb_is(terraform, PB_LIST) && i < terraform->n; i++)
        found |= has_backend(&terraform->items[i]);
    return found;
}

static void scan_json(struct pb_module_text *out, const char *text, size_t n)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    const struct pb_value *v;

    if (pb_json_parse(&v, a, text, n, "configuration", NULL) < 0) {
        out->climbs = true; /* the tool may read it differently */
        return;
    }
    out->climbs |= !pb_is(v, PB_MAP);
    out->candidate |= has_backend(pb_get(v, "terraform")) || pb_get(v, "provider");
    for (size_t i = 0; pb_is(v, PB_MAP) && i < v->n; i++) {
        if (strcmp(v->members[i].key, "module") == 0)
            json_modules(out, &v->members[i].value, 0);
        else
            out->climbs |= climbs(&v->members[i].value);
    }
}

/* ---- files ----------------------------------------------------------------------------------- */

static bool ends_in(const char *name, const char *const *ends)
{
    for (; *ends; ends++)
        if (pb_ends_with(name, *ends))
            return true;
    return false;
}

bool pb_tf_is_config(const char *name)
{
    static const char *const ends[] = {".tf", ".tf.json", ".tofu", ".tofu.json", NULL};

    return ends_in(name, ends);
}

bool pb_tf_scan(struct pb_module_text *out, const char *name, const char *text, size_t n)
{
    static const char *const values[] = {".tfvars", ".tfvars.json", NULL};
    bool is_lock = strcmp(name, PB_TF_LOCK_FILE) == 0;

    if (!pb_tf_is_config(name) && !is_lock && !ends_in(name, values))
        return false;
    if (!text)
        return true;
    if (is_lock)
        out->candidate = true;
    else if (ends_in(name, values))
        out->climbs |= text_climbs(text, n); /* a path for a file() in the module */
    else if (pb_ends_with(name, ".json"))
        scan_json(out, text, n);
    else
        scan_hcl(out, text, n);
    return true;
}
