/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_keyring.h: the keys that JWTs are proved with, in this process.
 *
 * Owns: each instance's current key set: its age, its renewal by one thread
 * at a time, the cool-down, and the copy that the children share. Must never
 * know: httpd, tokens. Called by: the glue, once per child; core, through the
 * port.
 *
 *   A set is fresh for five minutes. An older one is renewed by the first who
 *   needs it; the others go on with the old one, as does everybody, for a day,
 *   while Clerk is away.
 *   A kid that is not in the set has it renewed at most every 30 seconds.
 *   What one child has fetched the others find in the shared cache; while one
 *   fetches, the others wait for it, and share its failure, too. Whoever waits
 *   for Clerk's keys is one of those who wait for Clerk, and waits for no
 *   longer than one call may take.
 */
#ifndef CLERK_KEYRING_H
#define CLERK_KEYRING_H

#include <apr_pools.h>

#include "clerk_pending.h"
#include "clerk_ports.h"
#include "clerk_slots.h"

/* What the ring needs; what is pointed to outlives it. */
typedef struct clerk_keyring_needs_t {
    clerk_fetch_port_t fetch;
    clerk_cache_port_t cache; /* may be without functions */
    clerk_slots_t *slots;     /* NULL: there are no other processes */
    clerk_pending_t *pending; /* NULL: as many wait as like */
} clerk_keyring_needs_t;

/*
 * Make the keys port of this process; everything goes with `p`.
 * CLERK_INTERNAL on failure.
 */
clerk_status_t clerk_keyring_create(apr_pool_t *p,
                                    const clerk_keyring_needs_t *needs,
                                    clerk_keys_port_t *port) CLERK_MUST_USE;

#endif
