/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_trust.h: the certificates that Clerk's is checked against.
 *
 * Owns: libssl (no other file includes it), and each set of trust anchors,
 * read once for all connections, and where that is before fork, for all
 * processes: reading the system's takes longer than a hundred calls to Clerk,
 * and 1.6 MiB. Must never know: connections. Called by: the glue, to read
 * them early; clerk_handle.
 */
#ifndef CLERK_TRUST_H
#define CLERK_TRUST_H

#include <apr_pools.h>

typedef struct clerk_trust_t clerk_trust_t;
typedef struct clerk_trusts_t clerk_trusts_t;

/*
 * Make a collection, without anything read yet; all of it is freed with `p`.
 * `system` is the file of the system's anchors; NULL: not known. NULL on
 * failure.
 */
clerk_trusts_t *clerk_trust_create(apr_pool_t *p, const char *system);

/*
 * The anchors of a PEM text, which lives as long as the collection, or the
 * system's for NULL. NULL when there are none to be found. Any thread may
 * call.
 */
const clerk_trust_t *clerk_trust_find(clerk_trusts_t *trusts,
                                      const char *ca_certs);

/* Have a connection, by its SSL_CTX, trust these alone. False on failure. Any
 * thread may call. */
int clerk_trust_give(const clerk_trust_t *trust, void *ssl_ctx);

#endif
