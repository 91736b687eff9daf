/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_auth_clerk_answer.h: how no is said.
 *
 * Owns: the HTTP status, challenge, body and headers of a refusal. Must never
 * know: why it is refused. Called by: authn and authz.
 */
#ifndef MOD_AUTH_CLERK_ANSWER_H
#define MOD_AUTH_CLERK_ANSWER_H

#include "clerk_status.h"
#include "mod_auth_clerk_private.h"

/*
 * Prepare the answer for a status that is not CLERK_OK, and return the HTTP
 * status that the hook returns. `retry_after` in seconds is for 503; 0 lets
 * it have a default. Of an error document that is refused nothing is said.
 */
int auth_clerk_answer_refuse(request_rec *r, clerk_status_t status,
                             int retry_after);

void auth_clerk_answer_register_hooks(apr_pool_t *p);

#endif
