#include "run/scan.h"

#include "base/buf.h"
#include "base/text.h"
#include "model/json.h"

#include <string.h>

enum token { T_END, T_WORD, T_STRING, T_OPEN, T_CLOSE, T_EQUALS, T_NEWLINE, T_OTHER };

struct lexer {
    const char *p, *end;
    struct pb_buf text; /* of a word or string */
    bool climbs;        /* ".." inside a heredoc */
};

/* The text of a string with its quotes and nested "${...}"; p stands on the quote. */
static void take_string(struct lexer *l)
{
    size_t depth = 0;

    for (l->p++; l->p < l->end; l->p++) {
        if (*l->p == '\\' && l->p + 1 < l->end)
            l->p++;
        else if (*l->p == '"' && !depth)
            break;
        else if (*l->p == '{' && l->p[-1] == '$')
            depth++;
        else if (*l->p == '}' && depth)
            depth--;
        pb_buf_addc(&l->text, *l->p);
    }
    if (l->p < l->end)
        l->p++;
}

static void skip_heredoc(struct lexer *l)
{
    const char *mark = l->p + 2;
    size_t n = 0;

    if (mark < l->end && *mark == '-')
        mark++;
    while (mark + n < l->end && mark[n] != '\n' && mark[n] != '\r')
        n++;
    l->p = mark + n;
    while (l->p < l->end) {
        const char *line = ++l->p, *s = line;
        const char *nl = line < l->end ? memchr(line, '\n', (size_t)(l->end - line)) : NULL;

        if (!nl)
            nl = l->end;
        while (s < nl && (*s == ' ' || *s == '\t'))
            s++;
        l->p = nl;
        l->climbs |= memmem(line, (size_t)(nl - line), "..", 2) != NULL;
        if (n && (size_t)(nl - s) >= n && memcmp(s, mark, n) == 0)
            return;
    }
    l->p = l->end;
}

static bool at(const struct lexer *l, const char *s)
{
    size_t n = strlen(s);

    return (size_t)(l->end - l->p) >= n && memcmp(l->p, s, n) == 0;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
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

static enum token next(struct lexer *l)
{
    pb_buf_clear(&l->text);
    while (l->p < l->end && skip_blank(l))
        ;
    if (l->p >= l->end)
        return T_END;
    if (*l->p == '"') {
        take_string(l);
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

static bool is_local(const char *source)
{
    return pb_starts_with(source, "./") || pb_starts_with(source, "../");
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

static void take_word(struct pb_scan *out, struct block *b, const char *word)
{
    out->climbs |= strcmp(word, "dirname") == 0;
    if (!b->line_start)
        return;
    if (b->depth == 0) {
        set_word(b->outer, word);
        out->provider |= strcmp(word, "provider") == 0;
    } else if (b->depth == 1 && strcmp(b->outer, "terraform") == 0) {
        out->backend |= strcmp(word, "backend") == 0 || strcmp(word, "cloud") == 0;
    }
    set_word(b->key, word);
}

static void take_text(struct pb_scan *out, const struct block *b, const char *text)
{
    bool source = b->depth == 1 && b->is_value && strcmp(b->outer, "module") == 0 &&
                  strcmp(b->key, "source") == 0;

    if (source && is_local(text))
        pb_strv_add(&out->locals, text);
    else if (!source && (strstr(text, "..") || strstr(text, "dirname")))
        out->climbs = true;
}

void pb_scan_hcl(struct pb_scan *out, const char *text, size_t n)
{
    struct lexer l = {text, text + n, PB_BUF_INIT, false};
    struct block b = {.line_start = true};
    enum token t;

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

static bool climbs(const struct pb_value *v)
{
    if (pb_is(v, PB_STRING))
        return strstr(v->s, "..") != NULL;
    for (size_t i = 0; pb_is(v, PB_LIST) && i < v->n; i++)
        if (climbs(&v->items[i]))
            return true;
    for (size_t i = 0; pb_is(v, PB_MAP) && i < v->n; i++)
        if (climbs(&v->members[i].value))
            return true;
    return false;
}

static void json_modules(struct pb_scan *out, const struct pb_value *modules)
{
    for (size_t i = 0; i < modules->n; i++) {
        const struct pb_value *m = &modules->members[i].value;
        const char *source = pb_get_str(m, "source");

        if (source && is_local(source))
            pb_strv_add(&out->locals, source);
        for (size_t k = 0; pb_is(m, PB_MAP) && k < m->n; k++)
            if (strcmp(m->members[k].key, "source") != 0)
                out->climbs |= climbs(&m->members[k].value);
    }
}

void pb_scan_json(struct pb_scan *out, const char *text, size_t n)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    const struct pb_value *v, *t, *m;

    if (pb_json_parse(&v, a, text, n, "configuration", NULL) < 0)
        return;
    t = pb_get(v, "terraform");
    if (pb_is(t, PB_LIST))
        t = pb_at(t, 0);
    out->backend |= pb_get(t, "backend") || pb_get(t, "cloud");
    out->provider |= pb_get(v, "provider") != NULL;
    for (size_t i = 0; pb_is(v, PB_MAP) && i < v->n; i++) {
        m = &v->members[i].value;
        if (strcmp(v->members[i].key, "module") == 0 && pb_is(m, PB_MAP))
            json_modules(out, m);
        else
            out->climbs |= climbs(m);
    }
}

void pb_scan_release(struct pb_scan *s)
{
    pb_strv_release(&s->locals);
}
