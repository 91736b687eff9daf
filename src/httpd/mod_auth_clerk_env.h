/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_auth_clerk_env.h: what the application is told.
 *
 * Owns: the CLERK_* variables and X-Clerk-* headers. Must never know: how an
 * identity was verified. Called by: httpd, mod_auth_clerk_scrub.c for
 * their names, and mod_auth_clerk_near.c, which keeps them ready.
 */
#ifndef MOD_AUTH_CLERK_ENV_H
#define MOD_AUTH_CLERK_ENV_H

#include "clerk_image.h"
#include "mod_auth_clerk_plan.h"

/*
 * The names of the variables that a section may set, one by one: the n-th,
 * counted from 0, or NULL behind the last one.
 */
const char *auth_clerk_env_variable(const auth_clerk_plan_t *plan, int index);

/*
 * What a section tells of an identity, in `p`, as clerk_pair_t. What has to be
 * left out is, after a line in the log of `r`; without `r` the result is NULL
 * then.
 */
const apr_array_header_t *auth_clerk_env_pairs(
    request_rec *r, apr_pool_t *p, const auth_clerk_plan_t *plan,
    const clerk_identity_t *identity);

void auth_clerk_env_register_hooks(apr_pool_t *p);

/*
 * The kinds of token (a set of clerk_kind_t) in which a claim is Clerk's own
 * word. For claims that mean nothing to the module these are all.
 */
unsigned int auth_clerk_env_kinds(const char *claim);

#endif
