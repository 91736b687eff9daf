/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_auth_clerk_cache.h: the cache that all children share.
 *
 * Owns: which cache it is, and the sealing of records. Must never know: what a
 * record says. Called by: mod_auth_clerk.c (life cycle), core through the port.
 */
#ifndef MOD_AUTH_CLERK_CACHE_H
#define MOD_AUTH_CLERK_CACHE_H

#include "clerk_ports.h"
#include "mod_auth_clerk_private.h"

/* pre_config: make the mutex's name known to the Mutex directive. */
apr_status_t auth_clerk_cache_register_mutex(apr_pool_t *pconf);

/* check_config: find the provider and let it read its arguments. Anything
 * but OK stops the start, after a line that says why. */
int auth_clerk_cache_check(apr_pool_t *pconf, apr_pool_t *ptemp, server_rec *s);

/* post_config: open it, once for all children. It goes with `pconf`. */
int auth_clerk_cache_open(apr_pool_t *pconf, server_rec *s);

/* child_init: the port for this child; without functions if there is no
 * cache. */
clerk_cache_port_t auth_clerk_cache_port(apr_pool_t *p, server_rec *s);

/* May other machines have a say in what is in it? */
int auth_clerk_cache_is_shared(void);

#endif
