/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_auth_clerk_scrub.h: what a request may not bring along.
 *
 * Owns: the removal of everything in a request that could be mistaken for an
 * identity of ours, and of the token itself. Must never know: whether the
 * request will be let in. Called by: httpd, as soon as the section is known,
 * and mod_auth_clerk_env.c.
 */
#ifndef MOD_AUTH_CLERK_SCRUB_H
#define MOD_AUTH_CLERK_SCRUB_H

#include "mod_auth_clerk_request.h"

/* Clean the request's headers by the plan of the note. */
void auth_clerk_scrub(request_rec *r, auth_clerk_request_t *note);

void auth_clerk_scrub_register_hooks(apr_pool_t *p);

#endif
