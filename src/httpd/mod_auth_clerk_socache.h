/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_auth_clerk_socache.h: records in a provider of ap_socache.
 *
 * Owns: ap_socache.h (no other file includes it): the provider, its instances
 * and their mutexes, and what a record is kept under. Must never know: what a
 * record says, or that it is sealed. Called by: mod_auth_clerk_cache.
 *
 * Functions without a pool of the configuration may be called by all threads
 * of all children at once.
 */
#ifndef MOD_AUTH_CLERK_SOCACHE_H
#define MOD_AUTH_CLERK_SOCACHE_H

#include <apr_time.h>

#include "clerk_crypto.h"
#include "clerk_record.h"
#include "clerk_slice.h"
#include "mod_auth_clerk_private.h"

/* Bytes of the largest record, sealed. */
#define AUTH_CLERK_SOCACHE_MAX (CLERK_RECORD_MAX + CLERK_SEAL_OVERHEAD)

typedef struct auth_clerk_socache_t auth_clerk_socache_t;

/* pre_config: make the mutexes' name known to the Mutex directive. */
apr_status_t auth_clerk_socache_register_mutex(apr_pool_t *pconf);

/*
 * check_config: find the provider of `provider[:args]` and let it read its
 * arguments. NULL on success, else what to tell the administrator.
 */
const char *auth_clerk_socache_create(apr_pool_t *pconf, apr_pool_t *ptemp,
                                      const char *value,
                                      auth_clerk_socache_t **made);

/* post_config: make instances and mutexes, once for all children. They go with
 * `pconf`. Anything but OK stops the start, after a line that says why. */
int auth_clerk_socache_open(auth_clerk_socache_t *socache, apr_pool_t *pconf,
                            server_rec *s);

/* The provider's name, for messages. */
const char *auth_clerk_socache_provider(const auth_clerk_socache_t *socache);

/* Is it this server's own memory, which nobody else reads or writes? */
int auth_clerk_socache_is_own(const auth_clerk_socache_t *socache);

/* child_init: open the mutexes in a child. */
apr_status_t auth_clerk_socache_open_child(auth_clerk_socache_t *socache,
                                           apr_pool_t *p);

/* How many records of usual size, refusals aside, fit without that one is
 * dropped for another; 0: the provider does not tell. */
int auth_clerk_socache_capacity(const auth_clerk_socache_t *socache);

/* Copy a record into `p`. Anything but APR_SUCCESS: there is none. */
apr_status_t auth_clerk_socache_retrieve(
    const auth_clerk_socache_t *socache,
    const unsigned char key[CLERK_SHA256_BYTES], apr_pool_t *p,
    clerk_slice_t *bytes);

/* A record to keep until `expires` (a whole second), or for as long as there is
 * room. */
typedef struct auth_clerk_socache_record_t {
    const unsigned char *key; /* CLERK_SHA256_BYTES */
    clerk_slice_t bytes;
    apr_time_t expires;
    int is_refusal; /* where it can be helped, it takes the room of other
                     * refusals only, and of what is kept under its key */
} auth_clerk_socache_record_t;

/* Keep a record; why that failed has been logged. */
void auth_clerk_socache_store(const auth_clerk_socache_t *socache,
                              const auth_clerk_socache_record_t *record,
                              apr_pool_t *p);

#endif
