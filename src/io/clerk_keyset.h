/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_keyset.h: a key set in use, and its age.
 *
 * Owns: how long a set is believed. Must never know: where it comes from.
 * Called by: clerk_keysource, which makes one; clerk_keyring.
 */
#ifndef CLERK_KEYSET_H
#define CLERK_KEYSET_H

#include "clerk_jwks.h"
#include "clerk_steady.h"

/* How long a set is good without a question. */
#define CLERK_KEYSET_FRESH apr_time_from_sec(5 * 60)

/* Everything lies in `p`. */
typedef struct clerk_keyset_t {
    apr_pool_t *p;
    clerk_jwks_t *set;
    clerk_moment_t fetched_at;
    int users; /* guarded by whoever shares it; 1 to begin with */
} clerk_keyset_t;

/* Of a document that was fetched then (microseconds since 1970). NULL with
 * anything but CLERK_OK. */
clerk_status_t clerk_keyset_make(clerk_slice_t document, apr_time_t fetched_at,
                                 clerk_keyset_t **made) CLERK_MUST_USE;

/* One user less; the last one destroys it. NULL is no set. */
void clerk_keyset_let_go(clerk_keyset_t *keys);

/* Is it time to renew it, while it is still good? */
int clerk_keyset_is_due(const clerk_keyset_t *keys, clerk_moment_t now);

/* Is it no longer good without a question? */
int clerk_keyset_is_old(const clerk_keyset_t *keys, clerk_moment_t now);

/* Is it no longer good at all, be Clerk away or not? */
int clerk_keyset_is_over(const clerk_keyset_t *keys, clerk_moment_t now);

/*
 * As of when it may be believed by who remembers what it proved (microseconds
 * since 1970). That has to be proved again while there still is somebody to
 * renew the set in time; once it is due, each second.
 */
apr_time_t clerk_keyset_as_of(const clerk_keyset_t *keys, apr_time_t now);

#endif
