/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_flight.h: what several requests want to know is found out once.
 *
 * Owns: the flights of this process, who waits for each, and for how long;
 * among processes it relies on clerk_slots. Must never know: what is found
 * out, or how. Called by: the glue, once per child; core, through the port.
 *
 *   The first who boards a flight leads it; the others of its process sleep
 *   until it has landed, and are told the result. The leader first waits for
 *   another process that leads a flight for the same key, whose result it
 *   then finds in the cache. A failure is shared as a success is, but for what
 *   the background alone fails of: ClerkRateLimit, another process that is at
 *   it, or the end of its own.
 */
#ifndef CLERK_FLIGHT_H
#define CLERK_FLIGHT_H

#include <apr_pools.h>

#include "clerk_pending.h"
#include "clerk_ports.h"
#include "clerk_slots.h"

/*
 * Make the flight port of this process; everything goes with `p`. `slots` may
 * be NULL: there are no other processes. `pending` outlives `p`.
 * CLERK_INTERNAL on failure.
 */
clerk_status_t clerk_flight_create(apr_pool_t *p, clerk_slots_t *slots,
                                   clerk_pending_t *pending,
                                   clerk_flight_port_t *port) CLERK_MUST_USE;

#endif
