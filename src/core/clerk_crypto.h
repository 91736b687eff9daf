/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_crypto.h: the few primitives that the module needs.
 *
 * Owns: the OpenSSL library (no other file includes it). Must never know:
 * tokens, records, files. Called by: clerk_token (digest), clerk_verify
 * (cache key), the cache of the glue (sealing).
 *
 * Any thread may call any of these once clerk_crypto_init has run.
 */
#ifndef CLERK_CRYPTO_H
#define CLERK_CRYPTO_H

#include <apr_pools.h>

#include "clerk_slice.h"
#include "clerk_status.h"

#define CLERK_SHA256_BYTES 32
#define CLERK_SEAL_KEY_BYTES 32
#define CLERK_SEAL_NONCE_BYTES 12
#define CLERK_SEAL_TAG_BYTES 16
#define CLERK_SEAL_OVERHEAD (CLERK_SEAL_NONCE_BYTES + CLERK_SEAL_TAG_BYTES)

/*
 * Fetch the algorithms once per process; undone when `p` is destroyed.
 * Idempotent while a pool that it was called with lives.
 * CLERK_INTERNAL when the library cannot give them.
 */
clerk_status_t clerk_crypto_init(apr_pool_t *p) CLERK_MUST_USE;

/* SHA-256 over the parts, one after the other. */
clerk_status_t clerk_crypto_sha256(const clerk_slice_t *parts, int count,
                                   unsigned char out[CLERK_SHA256_BYTES])
    CLERK_MUST_USE;

/*
 * HKDF-SHA256 (RFC 5869) of a secret, without salt, under a label that says
 * what the key is for.
 */
clerk_status_t clerk_crypto_derive(clerk_slice_t secret, const char *label,
                                   unsigned char key[CLERK_SEAL_KEY_BYTES])
    CLERK_MUST_USE;

/*
 * AES-256-GCM: `out` receives nonce, ciphertext and tag, in all
 * plain.len + CLERK_SEAL_OVERHEAD bytes, which the caller has made room for.
 * `nonce` must never come twice under one key; the caller draws it at random.
 * `context` is authenticated, not stored.
 */
clerk_status_t clerk_crypto_seal(const unsigned char *key,
                                 const unsigned char *nonce,
                                 clerk_slice_t context, clerk_slice_t plain,
                                 unsigned char *out) CLERK_MUST_USE;

/*
 * The reverse: `out` has room for sealed.len - CLERK_SEAL_OVERHEAD bytes.
 * CLERK_INTERNAL, and `out` wiped, when key, context or a single bit differ.
 */
clerk_status_t clerk_crypto_open(const unsigned char *key,
                                 clerk_slice_t context, clerk_slice_t sealed,
                                 unsigned char *out) CLERK_MUST_USE;

/* An RSA public key. Immutable; any number of threads may use one. */
typedef struct clerk_rsa_t clerk_rsa_t;

/* RFC 7518 section 3.3: RSASSA-PKCS1-v1_5 with SHA-2. */
typedef enum clerk_rsa_alg_t {
    CLERK_RS256,
    CLERK_RS384,
    CLERK_RS512
} clerk_rsa_alg_t;

#define CLERK_RSA_MIN_BITS 2048
#define CLERK_RSA_MAX_BITS 8192 /* a larger one only costs time */

/*
 * A key from the members `n` and `e` of a JWK (RFC 7518 section 6.3.1),
 * decoded: big-endian numbers without leading zero bytes. The modulus has
 * CLERK_RSA_MIN_BITS to CLERK_RSA_MAX_BITS bits and is odd; the exponent is
 * odd, at least 3 and at most 2^32. Freed with `p`. CLERK_KEY_UNUSABLE, and
 * `key` NULL, otherwise.
 */
clerk_status_t clerk_crypto_rsa_from_numbers(apr_pool_t *p, clerk_slice_t n,
                                             clerk_slice_t e,
                                             clerk_rsa_t **key) CLERK_MUST_USE;

/*
 * A key from PEM (SubjectPublicKeyInfo, RFC 7468), with its BEGIN and END
 * lines or without them, on one line or many, as Clerk's dashboard shows it.
 * Only a public key; the same limits; nothing behind it.
 */
clerk_status_t clerk_crypto_rsa_from_pem(apr_pool_t *p, const char *text,
                                         clerk_rsa_t **key) CLERK_MUST_USE;

/*
 * Does the signature fit? CLERK_OK, CLERK_SIGNATURE_INVALID, or CLERK_INTERNAL
 * when the library fails for a reason of its own.
 */
clerk_status_t clerk_crypto_rsa_verify(const clerk_rsa_t *key,
                                       clerk_rsa_alg_t alg,
                                       clerk_slice_t signed_text,
                                       clerk_slice_t signature) CLERK_MUST_USE;

/* Constant in time for a given length. */
int clerk_crypto_equal(const void *a, const void *b, apr_size_t len);

/* Overwrite memory in a way that the compiler does not remove. */
void clerk_crypto_wipe(void *memory, apr_size_t len);

#endif
