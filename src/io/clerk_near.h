/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_near.h: the near cache, a table in the memory of one process.
 *
 * Owns: the table, its locks, and what makes room for what. Must never know:
 * what the blocks mean, how long they are good, httpd. Called by: the glue.
 *
 * A block is found by a digest and an owner, which is compared and never
 * looked into. Blocks are copied in and out, so that nothing in the table is
 * ever referred to from outside of it. All of the memory is taken when the
 * table is made, and touched when it is first used.
 */
#ifndef CLERK_NEAR_H
#define CLERK_NEAR_H

#include <apr_pools.h>

#include "clerk_siphash.h"
#include "clerk_status.h"

/* The largest block. */
#define CLERK_NEAR_BLOCK 984 /* bytes */

typedef struct clerk_near_t clerk_near_t;

/* Whose block it is. */
typedef struct clerk_near_name_t {
    unsigned char key[CLERK_SIPHASH_BYTES]; /* as good as random */
    const void *owner;
} clerk_near_name_t;

/*
 * A table of at most `size` bytes; it is freed with `p`. CLERK_INTERNAL, and
 * `near` NULL, when there is no memory for it.
 */
clerk_status_t clerk_near_create(apr_pool_t *p, apr_size_t size,
                                 clerk_near_t **near) CLERK_MUST_USE;

/*
 * A copy of the block in `p`, or NULL. Any thread may call this and the
 * following; none waits for longer than it takes to copy a block.
 */
void *clerk_near_get(clerk_near_t *near, const clerk_near_name_t *name,
                     apr_pool_t *p);

/*
 * Would a block be let in? A place that is free, or has this block already,
 * may be had for nothing. Otherwise a newcomer has to come twice, and to find
 * a block that nobody has asked for lately, so that what comes once only
 * drives out nobody.
 */
int clerk_near_admits(clerk_near_t *near, const clerk_near_name_t *name);

/*
 * Keep a copy of a block, in the place of the one of the same name or of one
 * that is in no great use. Larger ones than CLERK_NEAR_BLOCK are not kept.
 */
void clerk_near_put(clerk_near_t *near, const clerk_near_name_t *name,
                    const void *block, apr_size_t size);

#endif
