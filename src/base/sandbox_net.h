/* What the two parts of a sandbox's way out share: the list with its sockets, the forwarding. */
#ifndef PB_BASE_SANDBOX_NET_H
#define PB_BASE_SANDBOX_NET_H

#include <netinet/in.h>
#include <pthread.h>

#include "base/err.h"

struct pb_box_host {
    char *host; /* of a suffix with its dot in front */
    bool suffix, numeric;
    int port;
    struct in_addr listen; /* inside */
    int fd;                /* that listens there; -1 */
};

struct pb_box_net {
    struct pb_box_host *v; /* n of them; behind these the proxy's listener, with suffixes */
    size_t n;
    bool proxied, running;
    int stop;         /* readable once nothing is forwarded any more */
    pthread_t thread; /* accepts */
    pthread_mutex_t lock;
    size_t users; /* its owner and the connections; under the lock */
};

bool pb_box_net_allows(const struct pb_box_net *n, const char *host, int port);
int pb_box_forward(struct pb_box_net *n, struct pb_err *err);
void pb_box_net_release(struct pb_box_net *n); /* by one of the users */

#endif
