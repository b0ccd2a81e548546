/* The functions of libcurl that plumb calls, passed on to the library once it is loaded. */
#include "observe/curl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>

#define LIBCURL "libcurl.so.4" /* the ABI of every libcurl since 7.16 */

/* What is used of it. A name that is missing here does not link. */
#define CURL_FUNCTIONS(X)       \
    X(curl_easy_cleanup)        \
    X(curl_easy_getinfo)        \
    X(curl_easy_init)           \
    X(curl_easy_reset)          \
    X(curl_easy_setopt)         \
    X(curl_easy_strerror)       \
    X(curl_free)                \
    X(curl_getdate)             \
    X(curl_global_init)         \
    X(curl_multi_add_handle)    \
    X(curl_multi_cleanup)       \
    X(curl_multi_info_read)     \
    X(curl_multi_init)          \
    X(curl_multi_perform)       \
    X(curl_multi_poll)          \
    X(curl_multi_remove_handle) \
    X(curl_multi_setopt)        \
    X(curl_multi_wakeup)        \
    X(curl_slist_append)        \
    X(curl_slist_free_all)      \
    X(curl_url)                 \
    X(curl_url_cleanup)         \
    X(curl_url_get)             \
    X(curl_url_set)             \
    X(curl_version_info)

/* curl.h makes macros of these for its type checks; here they are functions. */
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

#define MEMBER(name) __typeof__(name) *name;
static struct {
    CURL_FUNCTIONS(MEMBER)
} real;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct pb_err problem;

static void load(void)
{
    void *lib =
        dlopen(LIBCURL, RTLD_LAZY | RTLD_LOCAL); /* of thousands of functions few are used */
    const char *missing = NULL;

    if (!lib) {
        pb_fail(&problem, PB_E_INTERNAL, "cannot load libcurl: %s: install Debian's libcurl4",
                dlerror());
        return;
    }
#define FIND(name)                                        \
    real.name = (__typeof__(real.name))dlsym(lib, #name); \
    if (!real.name)                                       \
        missing = #name;
    CURL_FUNCTIONS(FIND)
    if (missing)
        pb_fail(&problem, PB_E_INTERNAL, "'%s' is too old: it has no %s", LIBCURL, missing);
    else if (real.curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        pb_fail(&problem, PB_E_INTERNAL, "cannot start libcurl");
}

int pb_curl_load(struct pb_err *err)
{
    pthread_once(&once, load);
    if (problem.cls == PB_E_NONE)
        return 0;
    if (err)
        *err = problem;
    return -1;
}

void pb_curl_early(void *unused)
{
    (void)unused;
    pb_curl_load(NULL); /* whoever needs it is told what is wrong */
}

/* ---- the same names ------------------------------------------------------------------------- */

CURL *curl_easy_init(void)
{
    return real.curl_easy_init();
}

void curl_easy_cleanup(CURL *e)
{
    real.curl_easy_cleanup(e);
}

void curl_easy_reset(CURL *e)
{
    real.curl_easy_reset(e);
}

const char *curl_easy_strerror(CURLcode code)
{
    return real.curl_easy_strerror(code);
}

/* An option's number says what its value is. */
CURLcode curl_easy_setopt(CURL *e, CURLoption option, ...)
{
    CURLcode code;
    va_list ap;

    va_start(ap, option);
    if (option < CURLOPTTYPE_OBJECTPOINT)
        code = real.curl_easy_setopt(e, option, va_arg(ap, long));
    else if (option >= CURLOPTTYPE_OFF_T && option < CURLOPTTYPE_BLOB)
        code = real.curl_easy_setopt(e, option, va_arg(ap, curl_off_t));
    else if (option >= CURLOPTTYPE_FUNCTIONPOINT && option < CURLOPTTYPE_OFF_T)
        code = real.curl_easy_setopt(e, option, va_arg(ap, curl_write_callback));
    else
        code = real.curl_easy_setopt(e, option, va_arg(ap, void *));
    va_end(ap);
    return code;
}

CURLcode curl_easy_getinfo(CURL *e, CURLINFO info, ...)
{
    CURLcode code;
    va_list ap;

    va_start(ap, info);
    code = real.curl_easy_getinfo(e, info, va_arg(ap, void *));
    va_end(ap);
    return code;
}

CURLM *curl_multi_init(void)
{
    return real.curl_multi_init();
}

CURLMcode curl_multi_cleanup(CURLM *m)
{
    return real.curl_multi_cleanup(m);
}

CURLMcode curl_multi_add_handle(CURLM *m, CURL *e)
{
    return real.curl_multi_add_handle(m, e);
}

CURLMcode curl_multi_remove_handle(CURLM *m, CURL *e)
{
    return real.curl_multi_remove_handle(m, e);
}

CURLMcode curl_multi_perform(CURLM *m, int *running)
{
    return real.curl_multi_perform(m, running);
}

CURLMcode curl_multi_poll(CURLM *m, struct curl_waitfd *more, unsigned n, int ms, int *ready)
{
    return real.curl_multi_poll(m, more, n, ms, ready);
}

CURLMcode curl_multi_wakeup(CURLM *m)
{
    return real.curl_multi_wakeup(m);
}

CURLMsg *curl_multi_info_read(CURLM *m, int *left)
{
    return real.curl_multi_info_read(m, left);
}

CURLMcode curl_multi_setopt(CURLM *m, CURLMoption option, ...)
{
    CURLMcode code;
    va_list ap;

    va_start(ap, option);
    if (option < (CURLMoption)CURLOPTTYPE_OBJECTPOINT)
        code = real.curl_multi_setopt(m, option, va_arg(ap, long));
    else if (option >= (CURLMoption)CURLOPTTYPE_OFF_T)
        code = real.curl_multi_setopt(m, option, va_arg(ap, curl_off_t));
    else
        code = real.curl_multi_setopt(m, option, va_arg(ap, void *));
    va_end(ap);
    return code;
}

struct curl_slist *curl_slist_append(struct curl_slist *list, const char *s)
{
    return real.curl_slist_append(list, s);
}

void curl_slist_free_all(struct curl_slist *list)
{
    if (list) /* nothing was made, so perhaps nothing was loaded */
        real.curl_slist_free_all(list);
}

CURLU *curl_url(void)
{
    return real.curl_url();
}

void curl_url_cleanup(CURLU *u)
{
    real.curl_url_cleanup(u);
}

CURLUcode curl_url_get(CURLU *u, CURLUPart part, char **out, unsigned flags)
{
    return real.curl_url_get(u, part, out, flags);
}

CURLUcode curl_url_set(CURLU *u, CURLUPart part, const char *value, unsigned flags)
{
    return real.curl_url_set(u, part, value, flags);
}

void curl_free(void *p)
{
    real.curl_free(p);
}

time_t curl_getdate(const char *text, const time_t *unused)
{
    return pb_curl_load(NULL) == 0 ? real.curl_getdate(text, unused) : (time_t)-1;
}

curl_version_info_data *curl_version_info(CURLversion age)
{
    return real.curl_version_info(age);
}
