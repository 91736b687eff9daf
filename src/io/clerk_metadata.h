/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_metadata.h: copies of the documents that Clerk publishes about itself.
 *
 * Owns: each copy's age, its renewal by one thread at a time, the cool-down,
 * and the copy that the children share. Must never know: httpd, what is in a
 * document. Called by: the glue, once per child; then by its threads.
 *
 *   A copy is renewed with the first question after it is four minutes old: out
 *   of the shared cache, or else in the background, for which nobody waits. Who
 *   asks gets the copy that there is, however old, and the next one the new
 * one; as does everybody while Clerk is away. It is asked again every 30
 * seconds.
 */
#ifndef CLERK_METADATA_H
#define CLERK_METADATA_H

#include <apr_pools.h>

#include "clerk_background.h"
#include "clerk_pending.h"
#include "clerk_ports.h"
#include "clerk_realm.h"

typedef struct clerk_metadata_t clerk_metadata_t;

/* What is asked for, and what has been found. */
typedef struct clerk_metadata_query_t {
    const clerk_realm_t *realm;
    const char *path; /* `/.well-known/…`; lives as long as the process */
    const clerk_log_port_t *log; /* whom a call is reported to */

    clerk_slice_t document; /* verbatim, in the pool of the query */
    int is_news;            /* it came from Clerk to this process, and nobody
                             * has been told yet */
    int retry_after;        /* seconds, as Clerk said; or 0 */
} clerk_metadata_query_t;

/* What the copies need; all of it outlives them. */
typedef struct clerk_metadata_needs_t {
    clerk_fetch_port_t fetch;
    clerk_cache_port_t cache;       /* may be without functions */
    clerk_pending_t *pending;       /* NULL: as many wait as like */
    clerk_background_t *background; /* NULL: whoever finds a copy old renews it;
                                     * it stops before the home goes away */
    clerk_log_port_t log;           /* for calls in the background */
} clerk_metadata_needs_t;

/*
 * Make the copies' home in this process; it lives as long as `p`.
 * CLERK_INTERNAL on failure.
 */
clerk_status_t clerk_metadata_create(apr_pool_t *p,
                                     const clerk_metadata_needs_t *needs,
                                     clerk_metadata_t **home) CLERK_MUST_USE;

/*
 * Find a document. CLERK_OK, or a status of class UPSTREAM, CONFIG or INTERNAL
 * when there is no copy and none is to be had; `p` is the pool of the query.
 * Any thread may call.
 */
clerk_status_t clerk_metadata_get(clerk_metadata_t *home,
                                  clerk_metadata_query_t *query,
                                  apr_pool_t *p) CLERK_MUST_USE;

#endif
