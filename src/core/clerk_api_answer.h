/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_api_answer.h: what the answers of all endpoints have in common.
 *
 * Owns: the meaning of HTTP statuses, and the step from an answer to its JSON
 * object. Must never know: a single endpoint. Called by: clerk_api.c and
 * clerk_api_verify.c only.
 */
#ifndef CLERK_API_ANSWER_H
#define CLERK_API_ANSWER_H

#include "clerk_api.h"
#include "clerk_json.h"

#define CLERK_API_ACCEPT_JSON "Accept: application/json"

/*
 * The object of a 200, in `p`, or the status that the answer amounts to.
 * `judges` says whether a 404 of Clerk's own shape speaks of the token.
 */
clerk_status_t clerk_api_read_body(const clerk_answer_t *answer, apr_pool_t *p,
                                   int judges,
                                   const clerk_json_t **body) CLERK_MUST_USE;

/* Take a string member over as a claim, unless it is empty. */
clerk_json_found_t clerk_api_take(clerk_identity_t *identity,
                                  const clerk_json_t *body, const char *member,
                                  const char *claim);

#endif
