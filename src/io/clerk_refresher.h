/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_refresher.h: tokens in use are verified again before anybody has to
 * wait for it.
 *
 * Owns: the refresh port: a short queue, the few threads that work it off, and
 * the text of the tokens in it, which is wiped. Must never know: when a token
 * is due. Called by: the glue, once per child; core, through the port.
 *
 * For each token one process of all does it, and if it fails the next attempt
 * is made a second later. Threads are started when there is work for them.
 */
#ifndef CLERK_REFRESHER_H
#define CLERK_REFRESHER_H

#include <apr_pools.h>

#include "clerk_claim.h"
#include "clerk_ports.h"

typedef struct clerk_refresher_t clerk_refresher_t;

/* What the refresher needs; all of it outlives its threads. */
typedef struct clerk_refresher_needs_t {
    clerk_claim_table_t *claims;
    const clerk_ports_t *ports; /* to verify with; copied */
    /* Told of each attempt; may be NULL. */
    void (*tell)(void *listener, clerk_status_t status);
    void *listener;
} clerk_refresher_needs_t;

/*
 * Make the refresh port of this process; everything goes with `p`, which
 * outlives all threads. CLERK_INTERNAL, and an empty port, on failure.
 */
clerk_status_t clerk_refresher_create(
    apr_pool_t *p, const clerk_refresher_needs_t *needs,
    clerk_refresher_t **refresher, clerk_refresh_port_t *port) CLERK_MUST_USE;

/*
 * Start nothing more, wait for the threads, drop the queue. A call to Clerk
 * that is under way is given up (clerk_call_t.give_up).
 */
void clerk_refresher_stop(clerk_refresher_t *refresher);

#endif
