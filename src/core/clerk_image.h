/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_image.h: a verified identity, and what a location makes of it, in one
 * block of memory that can be copied and put to use again in a moment.
 *
 * Owns: the block's layout. It holds pointers, so that it is good in the
 * process that made it and nowhere else; what other processes can read is
 * clerk_record's. Must never know: where blocks are kept, or what is told to
 * applications. Called by: the glue's near cache.
 */
#ifndef CLERK_IMAGE_H
#define CLERK_IMAGE_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

#include "clerk_claims.h"
#include "clerk_crypto.h"
#include "clerk_record.h"

/*
 * One thing that an application is told. The names live at least as long as
 * the block, which refers to them; values are copied into it.
 */
typedef struct clerk_pair_t {
    const char *variable;
    const char *header;
    const char *value;
} clerk_pair_t;

typedef struct clerk_image_t {
    const char *here; /* the address that the pointers were made for */
    apr_size_t size;  /* of all of the block */
    apr_time_t verified_at;
    /* Left to the caller. */
    apr_time_t looked_at;
    unsigned char key[CLERK_SHA256_BYTES];
    apr_uint32_t deaths;
    const char *user; /* what REMOTE_USER is */
    apr_size_t user_len;
    int pair_count;
    clerk_pair_t *pairs;
    clerk_identity_t identity;
    apr_array_header_t claims; /* the identity's; in no pool: never pushed to */
} clerk_image_t;

/* How large it would be. */
apr_size_t clerk_image_size(const clerk_identity_t *identity, const char *user,
                            const apr_array_header_t *pairs);

/* Make the image of a record with CLERK_OK, in `p`. `pairs` are
 * clerk_pair_t. */
clerk_image_t *clerk_image_make(apr_pool_t *p, const clerk_record_t *record,
                                const char *user,
                                const apr_array_header_t *pairs);

/* Make a copy fit for use, wherever it has been copied to. */
void clerk_image_settle(clerk_image_t *copy);

#endif
