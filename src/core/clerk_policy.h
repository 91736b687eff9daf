/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_policy.h: what a location demands of a verified identity.
 *
 * Owns: accepted kinds, lifetime with leeway, issuer, authorized party, session
 * state, audience, proof of possession.
 * Runs on every request, cached or not. Must never know: the clock (`now` is
 * given), where the identity came from. Called by: clerk_verify.
 */
#ifndef CLERK_POLICY_H
#define CLERK_POLICY_H

#include <apr_time.h>

#include "clerk_claims.h"
#include "clerk_status.h"

typedef enum clerk_audience_mode_t {
    CLERK_AUDIENCE_ANY,       /* not looked at */
    CLERK_AUDIENCE_REQUIRED,  /* `aud`, else `client_id`, is listed */
    CLERK_AUDIENCE_IF_PRESENT /* `aud` is listed, or there is none */
} clerk_audience_mode_t;

typedef struct clerk_policy_t {
    unsigned int accepts; /* set of clerk_kind_t */
    int leeway;           /* seconds */
    clerk_audience_mode_t audience_mode;
    const apr_array_header_t *audiences; /* of const char * */
    int audience_is_explicit;            /* it binds other JWTs, too */
    const apr_array_header_t *issuers;   /* of const char *; for JWTs */
    const apr_array_header_t *parties;   /* likewise; for session tokens; NULL:
                                          * not looked at */
    int allow_pending;                   /* sessions */
} clerk_policy_t;

/*
 * Is this kind of token accepted? Asked before anything is spent on it.
 * CLERK_KIND_NOT_ACCEPTED if not.
 */
clerk_status_t clerk_policy_check_kind(const clerk_policy_t *policy,
                                       clerk_kind_t kind) CLERK_MUST_USE;

/*
 * The part of the rest that time may change: has it expired, is it valid yet?
 */
clerk_status_t clerk_policy_check_times(const clerk_policy_t *policy,
                                        const clerk_identity_t *identity,
                                        apr_time_t now) CLERK_MUST_USE;

/*
 * The rest: CLERK_OK or a status of class REJECT. A time on the edge of the
 * leeway: expired from `exp` + leeway on, valid from `nbf` - leeway on.
 */
clerk_status_t clerk_policy_check(const clerk_policy_t *policy,
                                  const clerk_identity_t *identity,
                                  apr_time_t now) CLERK_MUST_USE;

#endif
