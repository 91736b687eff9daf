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

#include "clerk_breaker.h"
#include "clerk_claim.h"
#include "clerk_counters.h"
#include "clerk_rate.h"
#include "clerk_slots.h"
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

/* What stands in the segment for others to work with. */
clerk_slots_t *clerk_shared_slots(clerk_shared_t *shared);
clerk_breakers_t *clerk_shared_breakers(clerk_shared_t *shared);
clerk_rate_t *clerk_shared_rate(clerk_shared_t *shared);
clerk_claim_table_t *clerk_shared_claims(clerk_shared_t *shared);
clerk_counters_table_t *clerk_shared_counters(clerk_shared_t *shared);

/*
 * How many deaths of a name have been counted. What is known of it from before
 * the last one is not to be believed. Names share counters: a few others seem
 * to die with each.
 */
apr_uint32_t clerk_shared_deaths(clerk_shared_t *shared,
                                 const unsigned char *name);
void clerk_shared_bury(clerk_shared_t *shared, const unsigned char *name);

#endif
