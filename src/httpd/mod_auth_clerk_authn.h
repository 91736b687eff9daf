/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_auth_clerk_authn.h: who is it?
 *
 * Owns: the check_user_id hook, from the Authorization header to r->user.
 * Must never know: what the user may do (mod_auth_clerk_authz.c), what the
 * application is told (mod_auth_clerk_env.c). Called by: httpd.
 */
#ifndef MOD_AUTH_CLERK_AUTHN_H
#define MOD_AUTH_CLERK_AUTHN_H

#include "clerk_ports.h"
#include "mod_auth_clerk_private.h"

/* The ports of this process; call once per child. */
void auth_clerk_authn_serve(const clerk_fetch_port_t *fetch,
                            const clerk_cache_port_t *cache,
                            const clerk_keys_port_t *keys);

void auth_clerk_authn_register_hooks(apr_pool_t *p);

#endif
