#define PCRE2_CODE_UNIT_WIDTH 8
#include "model/pattern.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

/* 4 ms in the worst case. */
enum { MATCH_LIMIT = 100000, WHY = 128 };

struct pb_pattern {
    pcre2_code *code;
    pcre2_match_context *limits;
    pcre2_match_data *data;
};

void pb_pattern_why(char why[128], int failure)
{
    PCRE2_UCHAR text[WHY] = {0};

    pcre2_get_error_message(failure, text, sizeof(text));
    memcpy(why, text, sizeof(text));
}

int pb_pattern_compile(struct pb_pattern **out, const char *text, size_t n, size_t *at,
                       char why[128])
{
    const uint32_t options =
        PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C;
    struct pb_pattern *p;
    pcre2_code *code;
    int error;

    code = pcre2_compile((PCRE2_SPTR)text, n, options, &error, at, NULL);
    if (!code) {
        pb_pattern_why(why, error);
        return -1;
    }
    p = pb_calloc(1, sizeof(*p));
    p->code = code;
    p->limits = pcre2_match_context_create(NULL);
    p->data = pcre2_match_data_create(1, NULL);
    if (!p->limits || !p->data)
        pb_oom();
    pcre2_set_match_limit(p->limits, MATCH_LIMIT);
    pcre2_set_depth_limit(p->limits, MATCH_LIMIT);
    *out = p;
    return 0;
}

void pb_pattern_free(struct pb_pattern *p)
{
    if (!p)
        return;
    pcre2_code_free(p->code);
    pcre2_match_context_free(p->limits);
    pcre2_match_data_free(p->data);
    free(p);
}

int pb_pattern_match(const struct pb_pattern *p, const char *subject)
{
    int rc = pcre2_match(p->code, (PCRE2_SPTR)subject, strlen(subject), 0, 0, p->data, p->limits);

    if (rc >= 0)
        return 1;
    return rc == PCRE2_ERROR_NOMATCH ? 0 : rc;
}
