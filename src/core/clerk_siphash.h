/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_siphash.h: SipHash-2-4 with 128 bits (Aumasson and Bernstein, 2012).
 *
 * Owns: a keyed digest for tables in the memory of one process, a tenth of the
 * cost of SHA-256 for a short text. Under a key that nobody outside of the
 * process knows, a text that has the digest of another cannot be found but by
 * trying about 2^128 of them on the server itself. Must never know: what is
 * hashed. For what leaves the process there is SHA-256 (clerk_crypto). Called
 * by: the glue's near cache.
 */
#ifndef CLERK_SIPHASH_H
#define CLERK_SIPHASH_H

#include "clerk_slice.h"

#define CLERK_SIPHASH_BYTES 16     /* of a digest */
#define CLERK_SIPHASH_KEY_BYTES 16 /* drawn at random */

void clerk_siphash(const unsigned char key[CLERK_SIPHASH_KEY_BYTES],
                   clerk_slice_t text, unsigned char out[CLERK_SIPHASH_BYTES]);

#endif
