/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_claim.h: who of all processes has taken a piece of work upon itself.
 *
 * Owns: claims, each for a while, by key. Must never know: what the work is.
 * Called by: clerk_refresher. Any thread of any process may call.
 *
 * Nobody waits for a claim. Two keys may stand in each other's way, so that
 * for one of them the work is not done; it must be such that this does no
 * harm.
 */
#ifndef CLERK_CLAIM_H
#define CLERK_CLAIM_H

#include <apr_time.h>

#include "clerk_crypto.h"

#define CLERK_CLAIMS 4096

/* In shared memory; all zero: no claims. */
typedef struct clerk_claim_table_t {
    apr_uint64_t claims[CLERK_CLAIMS]; /* see clerk_claim.c */
} clerk_claim_table_t;

/* Take the claim of a key for a while; false when somebody has it. `now` is
 * of clerk_steady. */
int clerk_claim_take(clerk_claim_table_t *table, const unsigned char *key,
                     apr_time_t now, apr_interval_time_t length);

/* Let it go before its time. */
void clerk_claim_drop(clerk_claim_table_t *table, const unsigned char *key);

#endif
