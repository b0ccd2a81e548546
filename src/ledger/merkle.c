/* RFC 6962 section 2.1, kept as the binary counter of its perfect subtrees. */
#include "ledger/frame.h"

#include "base/err.h"

#include <string.h>

static void node_hash(unsigned char out[PB_SHA256_LEN], const unsigned char *left,
                      const unsigned char *right)
{
    unsigned char both[1 + 2 * PB_SHA256_LEN] = {1};

    memcpy(both + 1, left, PB_SHA256_LEN);
    memcpy(both + 1 + PB_SHA256_LEN, right, PB_SHA256_LEN);
    pb_sha256_of(out, both, sizeof(both));
}

void pb_merkle_add(struct pb_merkle *m, const unsigned char leaf[PB_SHA256_LEN])
{
    if (m->n >= PB_COUNT(m->node))
        BUG("a Merkle tree of 2^64 leaves");
    memcpy(m->node[m->n++], leaf, PB_SHA256_LEN);
    for (uint64_t size = m->size++; size & 1; size >>= 1) {
        node_hash(m->node[m->n - 2], m->node[m->n - 2], m->node[m->n - 1]);
        m->n--;
    }
}

void pb_merkle_root(unsigned char out[PB_SHA256_LEN], const struct pb_merkle *m)
{
    if (!m->n) {
        pb_sha256_of(out, "", 0);
        return;
    }
    memcpy(out, m->node[m->n - 1], PB_SHA256_LEN);
    for (unsigned i = m->n - 1; i > 0; i--)
        node_hash(out, m->node[i - 1], out);
}
