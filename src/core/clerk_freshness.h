/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_freshness.h: how long a record is believed.
 *
 * Owns: what ClerkCacheTTL, ClerkNegativeCacheTTL, ClerkStaleIfError, a token's
 * own end and its kind make of a record's age. Must never know: where records
 * are kept, what time it is. Called by: whoever looks into a cache.
 */
#ifndef CLERK_FRESHNESS_H
#define CLERK_FRESHNESS_H

#include "clerk_record.h"
#include "clerk_verify.h"

/* How long a JWT is believed without its signature being looked at again, and
 * so a key that has left the set. */
#define CLERK_FRESHNESS_SIGNED 300 /* seconds */

/*
 * Until when a location with these terms believes a record, be it fresh or out
 * of the cache, which may have kept it for a location with more patience.
 */
apr_time_t clerk_freshness_until(const clerk_terms_t *terms,
                                 const clerk_record_t *record);

/*
 * Until when a record will do while Clerk cannot be asked; 0 where it will
 * not. A JWT needs no such thing: nobody is asked about it.
 */
apr_time_t clerk_freshness_stale_until(const clerk_terms_t *terms,
                                       const clerk_record_t *record);

/* Will a record, which is believed `until` then and in use, soon be too old,
 * while its token lives on? */
int clerk_freshness_is_due(const clerk_record_t *record, apr_time_t until,
                           apr_time_t now);

#endif
