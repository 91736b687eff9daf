/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_auth_clerk_child.h: what a child verifies tokens with.
 *
 * Owns: the shared segment's life, and the ports of each child, put together.
 * Must never know: what any of them does. Called by: mod_auth_clerk.c.
 */
#ifndef MOD_AUTH_CLERK_CHILD_H
#define MOD_AUTH_CLERK_CHILD_H

#include "mod_auth_clerk_private.h"

/* post_config: the memory that the children share. Anything but OK stops the
 * start, after a line that says why. */
int auth_clerk_child_prepare(apr_pool_t *pconf, server_rec *s);

/*
 * child_init: make the ports. What the worker threads use lives in `p`, which
 * nobody destroys; what has to end before the process does, with `pchild`.
 */
void auth_clerk_child_serve(apr_pool_t *p, apr_pool_t *pchild, server_rec *s);

#endif
