/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_auth_clerk_child.h: what a child verifies tokens with.
 *
 * Owns: the ports of each child, put together. Must never know: what any of
 * them does. Called by: mod_auth_clerk.c.
 */
#ifndef MOD_AUTH_CLERK_CHILD_H
#define MOD_AUTH_CLERK_CHILD_H

#include "mod_auth_clerk_private.h"

/*
 * child_init: make the ports. What the worker threads use lives in `p`, which
 * nobody destroys; what has to end before the process does, with `pchild`.
 */
void auth_clerk_child_serve(apr_pool_t *p, apr_pool_t *pchild, server_rec *s);

#endif
