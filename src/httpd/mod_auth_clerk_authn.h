/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_auth_clerk_authn.h: who is it?
 *
 * Owns: the check_user_id hook, from the Authorization header to r->user.
 * Must never know: what the user may do (mod_auth_clerk_authz.c), what the
 * application is told (mod_auth_clerk_env.c). Called by: httpd, and
 * mod_auth_clerk_near.c, which keeps users ready.
 */
#ifndef MOD_AUTH_CLERK_AUTHN_H
#define MOD_AUTH_CLERK_AUTHN_H

#include "clerk_claims.h"
#include "clerk_ports.h"
#include "mod_auth_clerk_private.h"

/* The ports of this process, but for the log's; call once per child. */
void auth_clerk_authn_serve(const clerk_ports_t *ports);

/* What REMOTE_USER is by a section's plan; NULL for one who has no such
 * name. */
const char *auth_clerk_authn_user(const auth_clerk_plan_t *plan,
                                  const clerk_identity_t *identity);

void auth_clerk_authn_register_hooks(apr_pool_t *p);

#endif
