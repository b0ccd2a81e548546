#include "backends/auth/aws_ini.h"

#include <ctype.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"

enum { INI_MAX = 4 << 20 };

struct pb_aws_prop {
    struct pb_aws_prop *prev;
    size_t size;
    const char *section, *key, *value;
    char text[];
};

static void put(struct pb_aws_ini *ini, const char *section, const char *key, const char *value)
{
    size_t ns = strlen(section) + 1, nk = strlen(key) + 1, nv = strlen(value) + 1;
    struct pb_aws_prop *p = pb_malloc(sizeof(*p) + ns + nk + nv);

    p->prev = ini->last;
    p->size = sizeof(*p) + ns + nk + nv;
    memcpy(p->text, section, ns);
    memcpy(p->text + ns, key, nk);
    memcpy(p->text + ns + nk, value, nv);
    p->section = p->text;
    p->key = p->text + ns;
    p->value = p->text + ns + nk;
    ini->last = p;
}

static char *trim(char *s)
{
    size_t n;

    while (*s == ' ' || *s == '\t')
        s++;
    n = strlen(s);
    while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t' || s[n - 1] == '\r'))
        s[--n] = '\0';
    return s;
}

/* " #" and " ;" begin a comment; without the space they are a part of the value. */
static void cut_comment(char *s)
{
    for (char *p = s; *p != '\0'; p++)
        if ((*p == '#' || *p == ';') && (p == s || p[-1] == ' ' || p[-1] == '\t')) {
            *p = '\0';
            return;
        }
}

/* [profile "two words"] */
static char *unquote(char *s)
{
    size_t n = strlen(s);

    if (n < 2 || (*s != '"' && *s != '\'') || s[n - 1] != *s)
        return s;
    s[n - 1] = '\0';
    return s + 1;
}

/* "kind name" with one space; an unknown kind stays, and is never asked for. */
static char *section_of(char *head, bool credentials)
{
    char *space = head + strcspn(head, " \t");

    if (credentials)
        return pb_starts_with(head, "profile ") ? pb_strdup(head) : pb_asprintf("profile %s", head);
    if (*space == '\0')
        return pb_asprintf("profile %s", strcmp(head, "default") == 0 ? head : "");
    *space = '\0';
    space = unquote(trim(space + 1));
    return pb_asprintf("%s %s", head, space);
}

struct reader {
    struct pb_aws_ini *ini;
    const char *path;
    bool credentials;
    int line;
    char *section, *parent; /* parent: the key whose nested settings may follow */
};

static int header(struct reader *r, char *s, struct pb_err *err)
{
    char *end = strchr(s, ']');

    if (end == NULL)
        return pb_fail(err, PB_E_CONFIG, "'%s' line %d: a section lacks its ']'", r->path, r->line);
    *end = '\0';
    free(r->section);
    r->section = section_of(trim(s + 1), r->credentials);
    free(pb_take(&r->parent));
    put(r->ini, r->section, "", "");
    return 0;
}

static void setting(struct reader *r, char *s, bool nested)
{
    char *eq = strchr(s, '='), *key, *value;
    PB_AUTO(str) char *full = NULL;

    if (eq == NULL || r->section == NULL)
        return; /* as the AWS tools do: a stray line is no reason to stop */
    *eq = '\0';
    key = trim(s);
    value = trim(eq + 1);
    cut_comment(value);
    value = trim(value);
    for (char *p = key; *p != '\0'; p++)
        *p = (char)tolower((unsigned char)*p);
    if (nested && r->parent != NULL) {
        full = pb_asprintf("%s.%s", r->parent, key);
        put(r->ini, r->section, full, value);
        return;
    }
    free(pb_take(&r->parent));
    if (*value == '\0')
        r->parent = pb_strdup(key);
    put(r->ini, r->section, key, value);
}

int pb_aws_ini_parse(struct pb_aws_ini *ini, char *text, const char *path, bool credentials,
                     struct pb_err *err)
{
    struct reader r = {.ini = ini, .path = path, .credentials = credentials};
    char *save = NULL, *s;
    int rc = -1;

    for (s = text; s != NULL; s = save) {
        bool nested = *s == ' ' || *s == '\t';

        save = strchr(s, '\n');
        if (save != NULL)
            *save++ = '\0';
        r.line++;
        s = trim(s);
        if (*s == '\0' || *s == '#' || *s == ';')
            continue;
        if (*s != '[')
            setting(&r, s, nested);
        else if (header(&r, s, err) == -1)
            goto out;
    }
    rc = 0;
out:
    free(r.section);
    free(r.parent);
    return rc;
}

int pb_aws_ini_read(struct pb_aws_ini *ini, const char *path, bool credentials, struct pb_err *err)
{
    struct pb_buf b = PB_BUF_INIT;
    int rc = -1;

    if (!pb_fs_exists(path))
        return 0;
    if (pb_fs_read(&b, path, INI_MAX, err) == 0)
        rc = pb_aws_ini_parse(ini, b.s, path, credentials, err);
    pb_buf_wipe(&b);
    return rc;
}

static const struct pb_aws_prop *find(const struct pb_aws_ini *ini, const char *kind,
                                      const char *name, const char *key)
{
    size_t n = strlen(kind);

    for (const struct pb_aws_prop *p = ini->last; p != NULL; p = p->prev)
        if (strncmp(p->section, kind, n) == 0 && p->section[n] == ' ' &&
            strcmp(p->section + n + 1, name) == 0 && strcmp(p->key, key) == 0)
            return p;
    return NULL;
}

const char *pb_aws_ini_get(const struct pb_aws_ini *ini, const char *kind, const char *name,
                           const char *key)
{
    const struct pb_aws_prop *p = find(ini, kind, name, key);

    return p == NULL || *p->value == '\0' ? NULL : p->value;
}

bool pb_aws_ini_has(const struct pb_aws_ini *ini, const char *kind, const char *name)
{
    return find(ini, kind, name, "") != NULL;
}

void pb_aws_ini_release(struct pb_aws_ini *ini)
{
    while (ini->last != NULL) {
        struct pb_aws_prop *p = ini->last;

        ini->last = p->prev;
        pb_wipe(p, p->size);
        free(p);
    }
}
