/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_auth_clerk_authz.h: may they enter?
 *
 * Owns: the auth_checker hook that turns the refusal of a verified user into
 * 403, with a challenge where more scopes would help. Must never know: how a
 * token was verified. Called by: httpd.
 */
#ifndef MOD_AUTH_CLERK_AUTHZ_H
#define MOD_AUTH_CLERK_AUTHZ_H

#include "mod_auth_clerk_private.h"

void auth_clerk_authz_register_hooks(apr_pool_t *p);

#endif
