/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_refresher.h: tokens in use are verified again before anybody has to
 * wait for it.
 *
 * Owns: the refresh port: errands for clerk_background, and the text of the
 * tokens in them, which is wiped. Must never know: when a token is due, or who
 * runs the errands. Called by: the glue, once per child; core, through the
 * port.
 *
 * For each token one process of all does it, and if it fails the next attempt
 * is made a second later.
 */
#ifndef CLERK_REFRESHER_H
#define CLERK_REFRESHER_H

#include <apr_pools.h>

#include "clerk_background.h"
#include "clerk_claim.h"
#include "clerk_ports.h"

/* What the refresher needs; all of it outlives the background's threads. */
typedef struct clerk_refresher_needs_t {
    clerk_background_t *background;
    clerk_claim_table_t *claims;
    const clerk_ports_t *ports; /* to verify with; copied */
    /* Told of each attempt; may be NULL. */
    void (*tell)(void *listener, clerk_status_t status);
    void *listener;
} clerk_refresher_needs_t;

/*
 * Make the refresh port of this process; it lies in `p`, which outlives the
 * background. A call that is under way when that stops is given up.
 */
void clerk_refresher_create(apr_pool_t *p, const clerk_refresher_needs_t *needs,
                            clerk_refresh_port_t *port);

#endif
