/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_jwt.h: a JWT taken apart, before anything in it is believed.
 *
 * Owns: the compact serialization of a signed JWT (RFC 7515 section 3.1), the
 * header members that are looked at, and the class of token that header and
 * payload together make. Must never know: keys, whether the signature is
 * right, what a location demands. Called by: clerk_verify, clerk_jwks (the
 * names of algorithms).
 */
#ifndef CLERK_JWT_H
#define CLERK_JWT_H

#include <apr_pools.h>

#include "clerk_crypto.h"
#include "clerk_json.h"
#include "clerk_slice.h"
#include "clerk_status.h"
#include "clerk_token.h"

typedef struct clerk_jwt_t {
    clerk_kind_t kind; /* never CLERK_KIND_NONE, CLERK_KIND_API_KEY */
    clerk_rsa_alg_t alg;
    const char *kid;           /* NULL: none */
    clerk_slice_t signed_text; /* within the token */
    clerk_slice_t signature;   /* decoded, in the pool */
    const clerk_json_t *payload;
} clerk_jwt_t;

/*
 * Take a token apart. `jwt` is filled in with CLERK_OK only, and zeroed
 * otherwise.
 *   CLERK_JWT_MALFORMED      not three parts of strict base64url, or header or
 *                            payload not one JSON object each, or a member
 *                            that is looked at is of the wrong type, or the
 *                            signature is empty
 *   CLERK_ALGORITHM_REFUSED  `alg` is not exactly RS256, RS384 or RS512, or
 *                            there is `crit` (RFC 7515 section 4.1.11: what is
 *                            critical is not understood here), or `b64`
 *   CLERK_KIND_UNKNOWN       of none of the classes below
 *
 * The class, positively (D10 and D11 of the wire contract; section 2.2 for
 * `cat`). `typ` and `cat` are compared exactly; `cat` IGNORE is
 * `cl_I7d4PD111III`.
 *   OAuth    typ `at+jwt` or `application/at+jwt`; cat none of the three known
 *            other classes (session, template, M2M); sub does not begin with
 *            `mch_`
 *   M2M      typ absent or `JWT`; sub begins with `mch_`; cat absent, M2M or
 *            IGNORE
 *   session  typ absent or `JWT`; sub begins with `user_`; `sid` a string that
 *            is not empty; cat absent, session or IGNORE
 * Template tokens, ID tokens, handshake tokens and all else are unknown.
 * `sub` must be a string that is not empty in all of them. A member that is
 * null is of the wrong type; a `sid` of the wrong type only makes no session.
 */
clerk_status_t clerk_jwt_read(apr_pool_t *p, clerk_slice_t token,
                              clerk_jwt_t *jwt) CLERK_MUST_USE;

/*
 * The algorithm of a name (RFC 7518 section 3.1), exactly. Returns 0, and
 * leaves `alg` as it was, for all but RS256, RS384 and RS512.
 */
int clerk_jwt_alg_by_name(const char *name, clerk_rsa_alg_t *alg);

#endif
