/* One name for all spellings of a remote's URL. */
#include "git/repo.h"

#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

/* HOST:PATH of scp, as Git takes it: no slash before the colon, and no scheme. */
static const char *scp_path(const char *url)
{
    const char *colon = strchr(url, ':');

    return colon && colon > url && !memchr(url, '/', (size_t)(colon - url)) ? colon + 1 : NULL;
}

static size_t port_len(const char *host, size_t n, const char *scheme, size_t nscheme)
{
    static const struct {
        const char *scheme, *port;
    } own[] = {{"https", ":443"}, {"http", ":80"}, {"ssh", ":22"}, {"git", ":9418"}};

    for (size_t i = 0; i < PB_COUNT(own); i++) {
        size_t len = strlen(own[i].port);

        if (strlen(own[i].scheme) == nscheme && strncmp(own[i].scheme, scheme, nscheme) == 0 &&
            n > len && strncmp(host + n - len, own[i].port, len) == 0)
            return len;
    }
    return 0;
}

static const char *after_user(const char *host, size_t n)
{
    const char *at = memrchr(host, '@', n);

    return at ? at + 1 : host;
}

char *pb_repo_url_key(const char *url)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    const char *mark = strstr(url, "://"), *scp = mark ? NULL : scp_path(url);
    const char *host = mark ? mark + 3 : scp ? url : NULL, *path = scp ? scp : url;
    size_t n;

    if (host && mark)
        path = host + strcspn(host, "/");
    if (host) {
        const char *end = scp ? scp - 1 : path;

        host = after_user(host, (size_t)(end - host));
        n = (size_t)(end - host);
        n -= mark ? port_len(host, n, url, (size_t)(mark - url)) : 0;
        for (size_t i = 0; i < n; i++)
            pb_buf_addc(&b, (char)tolower((unsigned char)host[i]));
        path += strspn(path, "/");
        if (n)
            pb_buf_addc(&b, '/');
        else /* file:///PATH */
            path--;
    }
    n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    if (n > 4 && strncmp(path + n - 4, ".git", 4) == 0 && path[n - 5] != '/')
        n -= 4;
    pb_buf_add(&b, path, n);
    return pb_buf_detach(&b);
}
