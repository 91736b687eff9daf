/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_siphash.h"

#define WORD 8 /* bytes */

typedef struct state_t {
    apr_uint64_t v0;
    apr_uint64_t v1;
    apr_uint64_t v2;
    apr_uint64_t v3;
} state_t;

/* Little-endian, wherever we are. */
static inline apr_uint64_t load_some(const char *bytes, apr_size_t count)
{
    apr_uint64_t word = 0;

    while (count--) {
        word = word << 8 | (unsigned char)bytes[count];
    }
    return word;
}

static inline apr_uint64_t load(const char *bytes)
{
    apr_uint64_t word;

    memcpy(&word, bytes, WORD);
#if APR_IS_BIGENDIAN
    word = __builtin_bswap64(word);
#endif
    return word;
}

static inline void store(unsigned char *out, apr_uint64_t word)
{
#if APR_IS_BIGENDIAN
    word = __builtin_bswap64(word);
#endif
    memcpy(out, &word, WORD);
}

static inline apr_uint64_t rotate(apr_uint64_t word, int bits)
{
    return word << bits | word >> (64 - bits);
}

static inline void mix(state_t *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 = rotate(s->v2, 32);
}

static inline void absorb(state_t *s, apr_uint64_t word)
{
    s->v3 ^= word;
    mix(s);
    mix(s);
    s->v0 ^= word;
}

static inline apr_uint64_t squeeze(state_t *s)
{
    mix(s);
    mix(s);
    mix(s);
    mix(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

void clerk_siphash(const unsigned char key[CLERK_SIPHASH_KEY_BYTES],
                   clerk_slice_t text, unsigned char out[CLERK_SIPHASH_BYTES])
{
    apr_uint64_t k0 = load((const char *)key);
    apr_uint64_t k1 = load((const char *)key + WORD);
    state_t s = {
        k0 ^ APR_UINT64_C(0x736f6d6570736575),
        k1 ^ APR_UINT64_C(0x646f72616e646f6d) ^ 0xee,
        k0 ^ APR_UINT64_C(0x6c7967656e657261),
        k1 ^ APR_UINT64_C(0x7465646279746573),
    };
    apr_size_t left = text.len;
    const char *at = text.ptr;

    for (; left >= WORD; left -= WORD, at += WORD) {
        absorb(&s, load(at));
    }
    absorb(&s, load_some(at, left) | (apr_uint64_t)text.len << 56);
    s.v2 ^= 0xee;
    store(out, squeeze(&s));
    s.v1 ^= 0xdd;
    store(out + WORD, squeeze(&s));
}
