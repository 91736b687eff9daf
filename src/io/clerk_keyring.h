/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_keyring.h: the keys that JWTs are proved with, in this process.
 *
 * Owns: each instance's current key set: its age, its renewal by one thread
 * at a time, the cool-down, and who waits for that. Must never know: httpd,
 * tokens, where a set comes from (clerk_keysource). Called by: the glue, once
 * per child; core, through the port.
 *
 *   A set that is in use is renewed in the background when it is four minutes
 *   old. Nobody waits for that.
 *   A set that is older than five minutes, because nobody used it, is renewed
 *   by the first who needs it, who waits for that: Clerk may have withdrawn a
 *   key. The others go on with the old one meanwhile. Once that has failed, be
 *   it in another child, it is tried again in the background, every 30 seconds,
 *   and everybody goes on with the old set, for a day, while Clerk is away.
 *   Where nobody needed it for five minutes after a failure, the next one who
 *   does waits again.
 *   A kid that is not in the set has it renewed at most every 30 seconds, and
 *   waits for that.
 *   What one child has fetched the others find in the shared cache; while one
 *   fetches, those who wait in others wait for it, and share its failure, too.
 *   Whoever waits for Clerk's keys is one of those who wait for Clerk, and
 * waits for no longer than one call may take.
 */
#ifndef CLERK_KEYRING_H
#define CLERK_KEYRING_H

#include <apr_pools.h>

#include "clerk_ages.h"
#include "clerk_background.h"
#include "clerk_pending.h"
#include "clerk_ports.h"
#include "clerk_slots.h"

/* What the ring needs; what is pointed to outlives it. */
typedef struct clerk_keyring_needs_t {
    clerk_fetch_port_t fetch;
    clerk_cache_port_t cache;       /* may be without functions */
    clerk_slots_t *slots;           /* NULL: there are no other processes */
    clerk_pending_t *pending;       /* NULL: as many wait as like */
    clerk_background_t *background; /* NULL: whoever finds a set old renews it;
                                     * it stops before the ring goes away */
    clerk_log_port_t log;           /* for calls in the background */
    clerk_ages_book_t ages;         /* where the ages of sets are noted */
} clerk_keyring_needs_t;

/*
 * Make the keys port of this process; everything goes with `p`.
 * CLERK_INTERNAL on failure.
 */
clerk_status_t clerk_keyring_create(apr_pool_t *p,
                                    const clerk_keyring_needs_t *needs,
                                    clerk_keys_port_t *port) CLERK_MUST_USE;

#endif
