/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_b64.h: base64 and base64url (RFC 4648), strict.
 *
 * Owns: decoding and encoding. Must never know: what the bytes are. Called
 * by: clerk_instance (publishable keys), clerk_realm (HTTP Basic), clerk_jwt,
 * clerk_jwks, clerk_crypto (PEM).
 */
#ifndef CLERK_B64_H
#define CLERK_B64_H

#include <apr_pools.h>

#include "clerk_slice.h"
#include "clerk_status.h"

/*
 * Decode standard base64 (RFC 4648 section 4) whose `=` padding may be left
 * out, as Clerk leaves it out in publishable keys. Any other byte outside the
 * alphabet, a length that cannot be, wrong padding and non-zero unused bits
 * are refused.
 * `out` lies in `p` and is followed by a NUL that its length does not count.
 * On failure CLERK_MISCONFIGURED, and `out` is empty.
 */
clerk_status_t clerk_b64_decode(apr_pool_t *p, clerk_slice_t text,
                                clerk_slice_t *out) CLERK_MUST_USE;

/*
 * Decode base64url (RFC 4648 section 5) as JWS writes it (RFC 7515 section 2):
 * no padding, no white space, no other byte, no non-zero unused bits. Empty
 * text is an empty result. `out` as above; on failure CLERK_JWT_MALFORMED.
 */
clerk_status_t clerk_b64_decode_url(apr_pool_t *p, clerk_slice_t text,
                                    clerk_slice_t *out) CLERK_MUST_USE;

/* Encode as standard base64 with padding; a NUL-terminated string in `p`. */
const char *clerk_b64_encode(apr_pool_t *p, clerk_slice_t bytes);

#endif
