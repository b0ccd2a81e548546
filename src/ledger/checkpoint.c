/* C2SP tlog-checkpoint, the note's body: origin, size, root. */
#include "ledger/frame.h"

#include "base/mem.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

static const char origin[] = "plumb/";
enum { ROOT_BASE64 = 44 };

void pb_checkpoint_add(struct pb_buf *b, const struct pb_checkpoint *c)
{
    unsigned char text[ROOT_BASE64 + 1];

    EVP_EncodeBlock(text, c->root, PB_SHA256_LEN);
    pb_buf_addf(b, "%s%s\n%llu\n%s\n", origin, c->ledger, (unsigned long long)c->size, text);
}

static int bad(const char *what, const char *why, struct pb_err *err)
{
    return pb_fail(err, PB_E_LEDGER, "'%s' is not a checkpoint of a ledger: %s", what, why);
}

bool pb_ledger_is_id(const char *s)
{
    return s && strlen(s) == PB_LEDGER_ID_HEX - 1 &&
           strspn(s, "0123456789abcdef") == PB_LEDGER_ID_HEX - 1;
}

int pb_checkpoint_parse(struct pb_checkpoint *out, const char *text, size_t n, const char *what,
                        struct pb_err *err)
{
    PB_AUTO(str) char *copy = pb_strndup(text, n);
    unsigned char root[ROOT_BASE64], again[ROOT_BASE64 + 1];
    char *line[3], *p = copy, *rest;

    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < 3; i++) {
        char *eol = strchr(p, '\n');

        if (!eol)
            return bad(what, "it has three lines, each with a line break", err);
        *eol = '\0';
        line[i] = p;
        p = eol + 1;
    }
    if (strncmp(line[0], origin, sizeof(origin) - 1) != 0 ||
        !pb_ledger_is_id(line[0] + sizeof(origin) - 1))
        return bad(what, "line 1 is 'plumb/' and 32 hexadecimal digits", err);
    memcpy(out->ledger, line[0] + sizeof(origin) - 1, PB_LEDGER_ID_HEX);
    errno = 0;
    out->size = strtoull(line[1], &rest, 10);
    if (errno || *rest || line[1][0] < '0' || line[1][0] > '9' || (line[1][0] == '0' && line[1][1]))
        return bad(what, "line 2 is a number of entries", err);
    if (strlen(line[2]) != ROOT_BASE64 || line[2][ROOT_BASE64 - 1] != '=' ||
        EVP_DecodeBlock(root, (unsigned char *)line[2], ROOT_BASE64) != PB_SHA256_LEN + 1)
        return bad(what, "line 3 is a root in base64", err);
    memcpy(out->root, root, PB_SHA256_LEN);
    EVP_EncodeBlock(again, out->root, PB_SHA256_LEN);
    if (strcmp((const char *)again, line[2]) != 0)
        return bad(what, "line 3 is not as base64 is written", err);
    return 0;
}
