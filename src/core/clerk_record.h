/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_record.h: a verification's result as bytes for the cache.
 *
 * Owns: the format: versioned, length-checked, flat, without pointers, the
 * same on every platform that shares a cache. Must never know: which cache,
 * which key. Called by: clerk_verify.
 */
#ifndef CLERK_RECORD_H
#define CLERK_RECORD_H

#include <apr_pools.h>
#include <apr_time.h>

#include "clerk_claims.h"
#include "clerk_slice.h"
#include "clerk_status.h"

/* A record never grows beyond this many bytes. */
#define CLERK_RECORD_MAX 20480

typedef struct clerk_record_t {
    apr_time_t verified_at;     /* when Clerk said so; microseconds since
                                 * 1970, kept to the millisecond */
    clerk_status_t status;      /* CLERK_OK, or a definite refusal: what
                                 * Clerk, or the token itself, says */
    clerk_identity_t *identity; /* with CLERK_OK only, else NULL */
} clerk_record_t;

/*
 * Write a record; `out` lies in `p`. CLERK_INTERNAL when it cannot be
 * represented (larger than CLERK_RECORD_MAX, a status that must not be
 * cached), and `out` is empty.
 */
clerk_status_t clerk_record_write(apr_pool_t *p, const clerk_record_t *record,
                                  clerk_slice_t *out) CLERK_MUST_USE;

/*
 * Read one. Strings of the identity point into `bytes`, which must live as
 * long; those that are numbers are made anew in `p`. Anything that
 * clerk_record_write would not have written, and every other version, is
 * CLERK_INTERNAL, a miss to the caller; `record` is zeroed.
 */
clerk_status_t clerk_record_read(apr_pool_t *p, clerk_slice_t bytes,
                                 clerk_record_t *record) CLERK_MUST_USE;

#endif
