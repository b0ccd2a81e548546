#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "model/json.h"
#include "post/internal.h"

enum { EVENT_MAX = 32 << 20 };

/* In the order in which CI is recognised: Forgejo's says that it is Gitea's, and both that they
 * are GitHub's. */
const struct pb_post_host *const pb_post_hosts[] = {&pb_post_forgejo, &pb_post_gitea,
                                                    &pb_post_github, &pb_post_gitlab, NULL};
const char *const pb_post_host_names[] = {"github", "gitlab", "gitea", "forgejo", NULL};

const char *pb_post_env(const char *name)
{
    const char *v = getenv(name);

    return v != NULL && *v != '\0' ? v : NULL;
}

bool pb_post_is_true(const char *variable)
{
    return pb_streq(pb_post_env(variable), "true");
}

static const char *number_text(struct pb_arena *a, const struct pb_value *v)
{
    int64_t n;

    return pb_get_int(&n, v, "number") == 0 ? pb_arena_printf(a, "%lld", (long long)n) : NULL;
}

/* The commit that CI checks a pull request out as is a merge that nobody sees; the event knows
 * the one that is to be reviewed. */
int pb_post_actions(struct pb_post_place *place, struct pb_arena *a, struct pb_err *err)
{
    const char *path = pb_post_env("GITHUB_EVENT_PATH"), *kind = pb_post_env("GITHUB_EVENT_NAME");
    const struct pb_value *event = NULL, *pull, *issue;

    place->api = pb_post_env("GITHUB_API_URL");
    place->repo = pb_post_env("GITHUB_REPOSITORY");
    place->commit = pb_post_env("GITHUB_SHA");
    if (kind == NULL || (!pb_starts_with(kind, "pull_request") && !pb_streq(kind, "issue_comment")))
        return 0;
    place->commit = NULL;
    if (path == NULL)
        return pb_fail(err, PB_E_INPUT,
                       "GITHUB_EVENT_PATH is not set, so it is not known which pull request this "
                       "is: pass it on, or give '--post-change' and '--post-commit'");
    if (pb_json_read(&event, a, path, EVENT_MAX, err) < 0)
        return pb_err_wrap(err, "cannot read the event that CI tells of");
    pull = pb_get(event, "pull_request");
    issue = pb_get(event, "issue");
    place->change = number_text(a, pull);
    place->commit = pb_get_str(pb_get(pull, "head"), "sha");
    if (!pb_is_nullish(pb_get(issue, "pull_request")))
        place->change = number_text(a, issue);
    return 0;
}

/* ---- what is given has to be what it is called -------------------------------------- */

static bool is_number(const char *s)
{
    return *s != '\0' && *s != '0' && strspn(s, "0123456789") == strlen(s) && strlen(s) < 19;
}

static bool is_commit(const char *s)
{
    size_t n = strlen(s);

    return (n == 40 || n == 64) && strspn(s, "0123456789abcdef") == n;
}

/* owner/name; GitLab has groups in groups, and numbers. */
static bool is_repo(const struct pb_post_host *host, const char *s)
{
    size_t parts = 1, n = 0;

    if (host == &pb_post_gitlab && is_number(s))
        return true;
    for (const char *c = s;; c++) {
        if (*c != '/' && *c != '\0') {
            if ((unsigned char)*c <= ' ' || strchr("?#%\\", *c) != NULL)
                return false;
            n++;
            continue;
        }
        if (n == 0 || (n == 1 && c[-1] == '.') || (n == 2 && c[-1] == '.' && c[-2] == '.'))
            return false;
        n = 0;
        if (*c == '\0')
            break;
        parts++;
    }
    return parts == 2 || (parts > 2 && host == &pb_post_gitlab);
}

static bool is_loopback(const char *host, size_t n)
{
    if (n == 9 && strncasecmp(host, "localhost", n) == 0)
        return true;
    if (n == 5 && memcmp(host, "[::1]", n) == 0)
        return true;
    return n > 4 && memcmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") >= n;
}

/* https, or http to this machine; no user, query or fragment. Sets the host for messages. */
static int check_api(struct pb_post_place *place, struct pb_arena *a, struct pb_err *err)
{
    const char *url = place->api, *host, *end, *port;
    bool plain = strncasecmp(url, "http://", 7) == 0;
    size_t n, name;

    if (!plain && strncasecmp(url, "https://", 8) != 0)
        return pb_fail(err, PB_E_USAGE, "the address of %s's API, '%s', is no https URL",
                       place->host->title, url);
    host = url + (plain ? 7 : 8);
    n = strcspn(host, "/?#");
    end = host + n;
    for (const char *c = url; *c != '\0'; c++)
        if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f || *c == '\\')
            return pb_fail(err, PB_E_USAGE, "the address of %s's API is no URL",
                           place->host->title);
    if (n == 0 || strpbrk(end, "?#") != NULL || memchr(host, '@', n) != NULL)
        return pb_fail(err, PB_E_USAGE,
                       "the address of %s's API has to be a host and a path, and nothing else: "
                       "tokens come from '%s'",
                       place->host->title, place->host->tokens[0]);
    port = *host == '[' ? memchr(host, ']', n) : NULL;
    name = port != NULL ? (size_t)(port - host) + 1 : strcspn(host, ":/");
    if (plain && !is_loopback(host, name))
        return pb_fail(err, PB_E_USAGE,
                       "the address of %s's API, '%s', is not https: a token would be readable on "
                       "its way",
                       place->host->title, url);
    place->site = pb_arena_strndup(a, host, n);
    for (n = strlen(url); n > 0 && url[n - 1] == '/';)
        n--;
    place->api = pb_arena_strndup(a, url, n);
    return 0;
}

static int check(const struct pb_post_place *place, struct pb_err *err)
{
    const struct pb_post_host *host = place->host;

    if (place->repo == NULL)
        return pb_fail(err, PB_E_USAGE,
                       "it is not known which repository on %s: give '--post-repo'", host->title);
    if (!is_repo(host, place->repo) ||
        (place->change_repo != NULL && !is_repo(host, place->change_repo)))
        return pb_fail(err, PB_E_USAGE,
                       "'%s' is no repository on %s: '--post-repo' takes OWNER/NAME", place->repo,
                       host->title);
    if (place->change != NULL && !is_number(place->change))
        return pb_fail(err, PB_E_USAGE, "'%s' is no number of a %s", place->change, host->change);
    if (place->commit != NULL && !is_commit(place->commit))
        return pb_fail(err, PB_E_USAGE, "'%s' is no whole id of a commit", place->commit);
    return 0;
}

/* A link that a host would show; anything else is left out. */
static const char *link_or_null(const char *url)
{
    if (url == NULL || (!pb_starts_with(url, "https://") && !pb_starts_with(url, "http://")))
        return NULL;
    for (const char *c = url; *c != '\0'; c++)
        if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f || strchr("()<>\"\\", *c) != NULL)
            return NULL;
    return url;
}

static const struct pb_post_host *choose(const char *name, struct pb_err *err)
{
    for (size_t i = 0; pb_post_hosts[i] != NULL; i++)
        if (name != NULL ? pb_streq(pb_post_hosts[i]->name, name) : pb_post_hosts[i]->runs_us())
            return pb_post_hosts[i];
    pb_fail(err, PB_E_USAGE,
            name != NULL ? "'%s' is no host that plumb can post to: 'github', 'gitlab', 'gitea' or "
                           "'forgejo'"
                         : "it is not known where to post to, as this runs in no CI that plumb "
                           "knows: give '--post-to' and '--post-repo'",
            name);
    return NULL;
}

int pb_post_place(struct pb_post_place *out, struct pb_arena *a, const struct pb_post_asked *asked,
                  struct pb_err *err)
{
    const struct pb_post_host *host = choose(asked->host, err);

    *out = (struct pb_post_place){.host = host};
    if (host == NULL || (host->runs_us() && host->recognise(out, a, err) < 0))
        return -1;
    if (asked->repo != NULL) {
        out->repo = asked->repo;
        out->change_repo = NULL;
    }
    if (asked->commit != NULL) {
        out->commit = asked->commit;
        out->pipeline = NULL;
    }
    out->api = asked->api != NULL ? asked->api : out->api;
    out->api = out->api != NULL ? out->api : host->default_api;
    out->change = asked->change != NULL ? asked->change : out->change;
    out->page = link_or_null(out->page);
    if (out->pipeline != NULL && !is_number(out->pipeline))
        out->pipeline = NULL;
    if (out->api == NULL)
        return pb_fail(err, PB_E_USAGE,
                       "it is not known where %s is: give '--post-url', such as "
                       "'https://git.example.com/api/v1'",
                       host->title);
    return check_api(out, a, err) < 0 || check(out, err) < 0 ? -1 : 0;
}
