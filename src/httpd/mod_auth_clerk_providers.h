/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_auth_clerk_providers.h: the lines `Require clerk-...`.
 *
 * Owns: what each of them means. Must never know: how a refusal is answered
 * (mod_auth_clerk_authz.c), how an identity was verified. Called by:
 * mod_authz_core.
 */
#ifndef MOD_AUTH_CLERK_PROVIDERS_H
#define MOD_AUTH_CLERK_PROVIDERS_H

#include "mod_auth_clerk_private.h"

void auth_clerk_providers_register(apr_pool_t *p);

#endif
