/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_auth_clerk_authz.h"

#include <http_request.h>

#include "mod_auth_clerk_answer.h"
#include "mod_auth_clerk_log.h"
#include "mod_auth_clerk_request.h"
#include "mod_auth_clerk_require.h"

static int is_refused(int result)
{
    return result == HTTP_UNAUTHORIZED || result == HTTP_FORBIDDEN;
}

/*
 * mod_authz_core answers the refusal of an authenticated user with 401, or
 * with a 403 without challenge. So this hook asks the other hooks itself and
 * finds the answer of RFC 6750 section 3.1: insufficient_scope when a token
 * with the scopes that the section names would be let in, else a plain 403.
 */
static int auth_checker(request_rec *r)
{
    auth_clerk_request_t *note = auth_clerk_request_peek(r);
    const struct ap_logconf *log;
    clerk_status_t status = CLERK_ACCESS_DENIED;
    int result;

    if (!note || !note->identity || note->is_asking) {
        return DECLINED;
    }
    note->is_asking = 1;
    log = auth_clerk_log_hush(r);
    result = ap_run_auth_checker(r);
    if (is_refused(result)) {
        note->what_if = auth_clerk_require_scopes(r->pool, note->plan->scopes,
                                                  r->method_number);
        if (ap_run_auth_checker(r) == OK) {
            status = CLERK_INSUFFICIENT_SCOPE;
        }
        note->what_if = NULL;
    }
    auth_clerk_log_restore(r, log);
    note->is_asking = 0;
    if (!is_refused(result)) {
        return result;
    }
    auth_clerk_log_refusal(r, note, status);
    return auth_clerk_answer_refuse(r, status, 0);
}

void auth_clerk_authz_register_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_check_authz(auth_checker, NULL, NULL, APR_HOOK_REALLY_FIRST,
                        AP_AUTH_INTERNAL_PER_CONF);
}
