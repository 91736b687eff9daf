/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_jwks.h: a key set document, made into keys.
 *
 * Owns: RFC 7517: which members of a set are keys that a token may have been
 * signed with. Must never know: where the document came from, how old it is.
 * Called by: clerk_keyring (io).
 */
#ifndef CLERK_JWKS_H
#define CLERK_JWKS_H

#include <apr_pools.h>
#include <apr_tables.h>

#include "clerk_crypto.h"
#include "clerk_slice.h"
#include "clerk_status.h"

#define CLERK_JWKS_MAX (1024 * 1024) /* bytes of a document */
#define CLERK_JWKS_KEYS_MAX 64       /* members that are looked at */

/* One usable key. */
typedef struct clerk_jwk_t {
    const char *kid;
    int has_alg;         /* the key names its algorithm, */
    clerk_rsa_alg_t alg; /* which is this one */
    clerk_rsa_t *rsa;
} clerk_jwk_t;

/* A set; immutable once made, so that any number of threads may read it. */
typedef struct clerk_jwks_t {
    apr_array_header_t *keys;    /* of clerk_jwk_t */
    apr_array_header_t *skipped; /* of const char *: why a member is no key,
                                  * with its kid where it has a printable
                                  * one; for the log */
} clerk_jwks_t;

/*
 * Read a document: an object whose `keys` is an array of objects. Usable are
 * members with `kty` RSA, a `kid` that is a string of 1 to 256 bytes, `use`
 * absent or `sig`, `key_ops` absent or containing `verify`, `alg` absent or
 * RS256, RS384 or RS512, `n` and `e` as clerk_crypto_rsa_from_numbers wants
 * them, and no private or symmetric member (`d p q dp dq qi oth k`). Of two
 * with the same kid the first usable one counts. A member that is null counts
 * as absent. Others are skipped, each with a reason.
 * CLERK_ANSWER_MALFORMED, and `set` NULL, when it is no such object; a set
 * without any usable key is CLERK_OK and empty. All lies in `p`.
 */
clerk_status_t clerk_jwks_read(apr_pool_t *p, clerk_slice_t text,
                               clerk_jwks_t **set) CLERK_MUST_USE;

/*
 * The key of a kid, for an algorithm. CLERK_OK and `key`;
 * CLERK_KEY_UNKNOWN when the kid is not in the set; CLERK_ALGORITHM_REFUSED
 * when the key names another algorithm.
 */
clerk_status_t clerk_jwks_find(const clerk_jwks_t *set, const char *kid,
                               clerk_rsa_alg_t alg,
                               const clerk_rsa_t **key) CLERK_MUST_USE;

#endif
