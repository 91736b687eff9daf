/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_shared.h: the small segment of memory that all children share.
 *
 * Owns: what the children must know of each other without a lock. Must never
 * know: httpd, tokens. Called by: the glue.
 */
#ifndef CLERK_SHARED_H
#define CLERK_SHARED_H

#include <apr_pools.h>
#include <apr_time.h>

#include "clerk_status.h"

typedef struct clerk_shared_t clerk_shared_t;

/*
 * Make the segment; call before fork. It goes away with `p`.
 * CLERK_INTERNAL, and `shared` NULL, on failure.
 */
clerk_status_t clerk_shared_create(apr_pool_t *p,
                                   clerk_shared_t **shared) CLERK_MUST_USE;

/*
 * True for the first caller, of all threads of all children, within the
 * second of `now`, for each status on its own: what is logged once a second.
 */
int clerk_shared_is_first_in_second(clerk_shared_t *shared,
                                    clerk_status_t status, apr_time_t now);

/*
 * Count an answer of Clerk's introspection. The result is how many inactive
 * ones there have been, as long as there has been no active one; 0 from then
 * on.
 */
apr_uint32_t clerk_shared_count_introspection(clerk_shared_t *shared,
                                              int is_active);

/*
 * True for the first caller ever about an instance of Clerk: what is said
 * once. `lane` is its digest; two in 256 share an answer.
 */
int clerk_shared_is_first_about(clerk_shared_t *shared,
                                const unsigned char *lane);

/*
 * Claim a piece of work for one thread of one child: true for who has it now.
 * `name` begins with a random byte, as a digest does. A claim that is
 * not released ends by itself after `patience` microseconds and a second at
 * most, so that a child that dies holds nobody up for longer. Two names may
 * share a claim, which costs nothing but time.
 */
int clerk_shared_claim(clerk_shared_t *shared, const unsigned char *name,
                       apr_interval_time_t patience);
void clerk_shared_release(clerk_shared_t *shared, const unsigned char *name);

#endif
