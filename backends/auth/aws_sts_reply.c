/* What STS answers: a few elements, whose names are nowhere used twice. */
#include "backends/auth/aws_sts_reply.h"

#include <expat.h>

static void start(void *ctx, const char *name, const char **attrs)
{
    struct pb_aws_sts_reply *r = ctx;
    const struct {
        const char *name;
        struct pb_buf *to;
    } t[] = {{"AccessKeyId", &r->access_key},
             {"SecretAccessKey", &r->secret_key},
             {"SessionToken", &r->token},
             {"Expiration", &r->expiration},
             {"Code", &r->code},
             {"Message", &r->message}};

    (void)attrs;
    r->to = NULL;
    for (size_t i = 0; i < PB_COUNT(t); i++)
        if (strcmp(t[i].name, name) == 0) {
            r->to = t[i].to;
            pb_buf_clear(r->to);
        }
}

static void end(void *ctx, const char *name)
{
    struct pb_aws_sts_reply *r = ctx;

    (void)name;
    r->to = NULL;
}

static void text(void *ctx, const char *s, int n)
{
    struct pb_aws_sts_reply *r = ctx;

    if (r->to != NULL)
        pb_buf_add(r->to, s, (size_t)n);
}

/* Without a document type there are no entities to expand. */
static void doctype(void *ctx, const char *name, const char *sysid, const char *pubid, int internal)
{
    struct pb_aws_sts_reply *r = ctx;

    (void)name, (void)sysid, (void)pubid, (void)internal;
    XML_StopParser(r->parser, XML_FALSE);
}

int pb_aws_sts_reply_parse(struct pb_aws_sts_reply *r, const struct pb_buf *b)
{
    XML_Parser p = XML_ParserCreate("UTF-8");
    int rc = -1;

    if (p == NULL)
        pb_oom();
    r->parser = p;
    XML_SetUserData(p, r);
    XML_SetElementHandler(p, start, end);
    XML_SetCharacterDataHandler(p, text);
    XML_SetStartDoctypeDeclHandler(p, doctype);
    if (XML_Parse(p, b->s, (int)b->len, 1) == XML_STATUS_OK)
        rc = 0;
    XML_ParserFree(p);
    r->parser = NULL;
    return rc;
}

void pb_aws_sts_reply_release(struct pb_aws_sts_reply *r)
{
    pb_buf_wipe(&r->access_key);
    pb_buf_wipe(&r->secret_key);
    pb_buf_wipe(&r->token);
    pb_buf_release(&r->expiration);
    pb_buf_release(&r->code);
    pb_buf_release(&r->message);
}
