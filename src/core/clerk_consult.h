/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_consult.h: a token that nothing is known of yet is found out about.
 *
 * Owns: the calls about one token, their order, and what their answers amount
 * to together. Must never know: what is remembered, what a location demands.
 * Called by: clerk_verify.
 */
#ifndef CLERK_CONSULT_H
#define CLERK_CONSULT_H

#include "clerk_api.h"
#include "clerk_jwt.h"
#include "clerk_record.h"
#include "clerk_verify.h"

/* One token on its way to a verdict. */
typedef struct clerk_question_t {
    const clerk_ports_t *ports;
    const clerk_terms_t *terms;
    const clerk_token_t *token;
    const clerk_endpoint_t *endpoint; /* who is asked */
    const clerk_jwt_t *jwt;           /* taken apart, where the token is one */
    int is_background;                /* nobody waits for the answer */
    int timeout_ms;                   /* of the next call; 0: the route's */
    apr_pool_t *p;
    int retry_after; /* seconds, with class UPSTREAM; 0: not known */
} clerk_question_t;

/* Who can say something of an opaque OAuth token; NULL: nobody. */
const clerk_endpoint_t *clerk_consult_oauth_endpoint(
    const clerk_realm_t *realm);

/* Who can say something of an opaque token; NULL: nobody. */
const clerk_endpoint_t *clerk_consult_endpoint(const clerk_realm_t *realm,
                                               clerk_kind_t kind);

/* Is a profile fetched besides? */
int clerk_consult_wants_profile(const clerk_realm_t *realm,
                                const clerk_identity_t *identity);

/* At most so many calls, one after the other. */
int clerk_consult_calls(const clerk_question_t *q);

/*
 * Ask Clerk about the token. The record is filled in when it says something
 * definite, CLERK_OK or a refusal; else it is zeroed but for its status.
 */
clerk_status_t clerk_consult_ask(clerk_question_t *q,
                                 clerk_record_t *record) CLERK_MUST_USE;

/*
 * Add the profile to who is known already. CLERK_OK, or why there is nobody to
 * add it to.
 */
clerk_status_t clerk_consult_profile(clerk_question_t *q,
                                     clerk_identity_t *identity) CLERK_MUST_USE;

#endif
