/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_auth_clerk_env.h: what the application is told.
 *
 * Owns: the CLERK_* variables and X-Clerk-* headers. Must never know: how an
 * identity was verified. Called by: httpd, and mod_auth_clerk_scrub.c for
 * their names.
 */
#ifndef MOD_AUTH_CLERK_ENV_H
#define MOD_AUTH_CLERK_ENV_H

#include "mod_auth_clerk_plan.h"

/*
 * The names of the variables that a section may set, one by one: the n-th,
 * counted from 0, or NULL behind the last one.
 */
const char *auth_clerk_env_variable(const auth_clerk_plan_t *plan, int index);

void auth_clerk_env_register_hooks(apr_pool_t *p);

/*
 * The kinds of token (a set of clerk_kind_t) in which a claim is Clerk's own
 * word. For claims that mean nothing to the module these are all.
 */
unsigned int auth_clerk_env_kinds(const char *claim);

#endif
