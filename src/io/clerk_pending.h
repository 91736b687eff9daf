/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_pending.h: how many requests of this process wait for Clerk.
 *
 * Owns: their number, and who may join them (ClerkMaxPending). Must never
 * know: what they wait for. Called by: clerk_flight, clerk_keyring,
 * clerk_metadata.
 *
 * Any thread may call.
 */
#ifndef CLERK_PENDING_H
#define CLERK_PENDING_H

#include <apr_time.h>

/* How long a moment is. */
#define CLERK_PENDING_MOMENT apr_time_from_msec(500)

typedef struct clerk_pending_t {
    apr_uint32_t count;
    apr_uint32_t limit; /* at most so many wait */
    apr_uint32_t most;  /* and so many for a moment, if only for another one
                         * who asks already */
} clerk_pending_t;

typedef enum clerk_pending_wait_t {
    CLERK_PENDING_LONG,
    CLERK_PENDING_BRIEF
} clerk_pending_wait_t;

/*
 * For a process of so many threads, `limit` as it was configured, 0: not at
 * all. Without it half of the threads may wait, and all of them for a moment.
 */
void clerk_pending_init(clerk_pending_t *pending, int limit, int threads);

/* Join those who wait, if there is room. Who has joined has to leave. */
int clerk_pending_join(clerk_pending_t *pending, clerk_pending_wait_t wait);
void clerk_pending_leave(clerk_pending_t *pending);

/* Are there more than may wait for long? */
int clerk_pending_is_crowded(const clerk_pending_t *pending);

#endif
