/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_auth_clerk_shared.h: what the children have in common.
 *
 * Owns: the shared segment, and the trust anchors, which are read before the
 * children are started: each has them then without a copy of its own. Must
 * never know: what is done with either. Called by: mod_auth_clerk.c, then by
 * whoever needs them.
 */
#ifndef MOD_AUTH_CLERK_SHARED_H
#define MOD_AUTH_CLERK_SHARED_H

#include "clerk_shared.h"
#include "clerk_trust.h"
#include "mod_auth_clerk_private.h"

/* post_config: make both; they go with `pconf`. Anything but OK stops the
 * start, after a line that says why. */
int auth_clerk_shared_prepare(apr_pool_t *pconf, server_rec *s);

/* NULL when there is none. Any thread may call, as may those below. */
clerk_shared_t *auth_clerk_shared_memory(void);

/* What a section needs that is not among them is read by the child. NULL when
 * there is no such collection. */
clerk_trusts_t *auth_clerk_shared_trusts(void);

#endif
