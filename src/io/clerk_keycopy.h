/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_keycopy.h: the copy of a key set that the children share.
 *
 * Owns: its place in the cache, and its format: when the document was fetched,
 * then the document; and the place of the note that it was asked for in vain.
 * Must never know: when a set is too old. Called by: clerk_keysource.
 */
#ifndef CLERK_KEYCOPY_H
#define CLERK_KEYCOPY_H

#include <apr_pools.h>

#include "clerk_ports.h"

/* Whose copy, and where. */
typedef struct clerk_keycopy_t {
    const clerk_cache_port_t *cache; /* may be without functions */
    const unsigned char *lane;       /* CLERK_SHA256_BYTES */
    apr_pool_t *p;
} clerk_keycopy_t;

/* Under which key it is kept. */
clerk_status_t clerk_keycopy_key(const unsigned char *lane,
                                 unsigned char *key) CLERK_MUST_USE;

/* Leave a copy for the others, until `expires`. */
void clerk_keycopy_put(const clerk_keycopy_t *copy, clerk_slice_t document,
                       apr_time_t expires, apr_time_t fetched_at);

/* True, and the copy, if there is one. */
int clerk_keycopy_get(const clerk_keycopy_t *copy, clerk_slice_t *document,
                      apr_time_t *fetched_at);

/* The same for a note that there was none to be had. */
void clerk_keycopy_put_failure(const clerk_keycopy_t *copy, apr_time_t expires,
                               apr_time_t failed_at);
int clerk_keycopy_get_failure(const clerk_keycopy_t *copy,
                              apr_time_t *failed_at);

#endif
