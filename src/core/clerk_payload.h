/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_payload.h: the payload of a JWT, made into an identity.
 *
 * Owns: which claims of which kind of JWT are Clerk's own word, and the two
 * versions of session token claims (sections 2.3 to 2.6 of the wire contract).
 * Must never know: signatures, keys, policy. Called by: clerk_verify, before
 * the identity is believed.
 */
#ifndef CLERK_PAYLOAD_H
#define CLERK_PAYLOAD_H

#include "clerk_claims.h"
#include "clerk_jwt.h"

/*
 * The identity lies in `p`. CLERK_JWT_MALFORMED, and `identity` NULL, when
 * `exp` is missing or a claim that decides something is of the wrong type.
 * The active organization of either version becomes the claims `org_id`,
 * `org_slug`, `org_role` (with exactly one `org:`) and `org_permissions`
 * (separated by spaces); who impersonates the subject becomes `act.sub`.
 */
clerk_status_t clerk_payload_read(const clerk_jwt_t *jwt, apr_pool_t *p,
                                  clerk_identity_t **identity) CLERK_MUST_USE;

#endif
