/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_auth_clerk_status.h: what the module has done so far, in numbers.
 *
 * Owns: the counters of this process, the handler clerk-status and the section
 * of mod_status's page, which show those of all. Must never know: tokens,
 * users, secrets, how the numbers are written (mod_auth_clerk_status_forms.h).
 * Called by: the rest of the glue, which counts; httpd and mod_status.
 */
#ifndef MOD_AUTH_CLERK_STATUS_H
#define MOD_AUTH_CLERK_STATUS_H

#include "clerk_shared.h"
#include "clerk_verify.h"
#include "mod_auth_clerk_private.h"

/* child_init: find a place for the numbers of this process. The result is
 * where its pending requests and the ages of its key sets are noted. */
clerk_counters_slot_t *auth_clerk_status_open(clerk_shared_t *shared);

/* Count. Any thread may. */
void auth_clerk_status_count_verdict(clerk_status_t status,
                                     const clerk_verdict_t *verdict);
void auth_clerk_status_count_call(const clerk_event_t *event);
void auth_clerk_status_count_refresh(void *unused, clerk_status_t status);

void auth_clerk_status_register_hooks(apr_pool_t *p);

#endif
