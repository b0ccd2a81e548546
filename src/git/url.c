/* One name for all spellings of a remote's URL. */
#include "git/repo.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"

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

        if (strlen(own[i].scheme) == nscheme && strncasecmp(own[i].scheme, scheme, nscheme) == 0 &&
            n > len && strncmp(host + n - len, own[i].port, len) == 0)
            return len;
    }
    return 0;
}

static bool is_service(const char *host, size_t n)
{
    return n > 4 && strncmp(host, "git@", 4) == 0;
}

static void add_host(struct pb_buf *b, const char *host, size_t n, bool user)
{
    const char *at = memrchr(host, '@', n);
    size_t skip = at ? (size_t)(at + 1 - host) : 0;

    if (user)
        pb_buf_add(b, host, skip);
    for (size_t i = skip; i < n; i++)
        pb_buf_addc(b, (char)tolower((unsigned char)host[i]));
    pb_buf_addc(b, '/');
}

/* Of ssh a path can be one below the home of the user, unless that is a service's. */
static const char *add_front(struct pb_buf *b, const char *url, const char *mark, const char *scp)
{
    const char *host = mark ? mark + 3 : url, *path = mark ? host + strcspn(host, "/") : scp;
    size_t n = (size_t)((mark ? path : scp - 1) - host);
    bool below = (mark ? path[0] == '/' && path[1] == '~' : *scp != '/') && !is_service(host, n);

    if (!n) /* file:///PATH */
        return path;
    if (mark)
        n -= port_len(host, n, url, (size_t)(mark - url));
    add_host(b, host, n, below);
    if (below && !mark)
        pb_buf_adds(b, "~/");
    return path + strspn(path, "/");
}

char *pb_repo_url_key(const char *url)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    const char *mark = strstr(url, "://"), *scp = mark ? NULL : scp_path(url);
    const char *path = mark || scp ? add_front(&b, url, mark, scp) : url;
    size_t n = strlen(path);

    while (n > 1 && path[n - 1] == '/')
        n--;
    if (b.len && n > 4 && strncmp(path + n - 4, ".git", 4) == 0 && path[n - 5] != '/')
        n -= 4; /* of a path here both may exist */
    pb_buf_add(&b, path, n);
    return pb_buf_detach(&b);
}

static char *real(const char *path)
{
    PB_AUTO(str) char *other = pb_asprintf("%s.git", path);
    char *found = realpath(path, NULL);

    if (!found)
        found = realpath(other, NULL); /* git tries that, too */
    return found ? found : pb_strdup(path);
}

char *pb_repo_local_url(const char *url, const char *from)
{
    static const char file[] = "file://";
    PB_AUTO(str) char *full = NULL;

    if (pb_starts_with(url, file))
        return real(url + sizeof(file) - 1);
    if (strstr(url, "://") || scp_path(url))
        return NULL;
    full = pb_fs_join(url[0] == '/' ? "" : from, url);
    return real(full);
}
