/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_keycopy.h"

#include <string.h>

#define STAMP_BYTES 8

clerk_status_t clerk_keycopy_key(const unsigned char *lane, unsigned char *key)
{
    const clerk_slice_t parts[] = {
        clerk_slice_str("key set"),
        { (const char *)lane, CLERK_SHA256_BYTES },
    };

    return clerk_crypto_sha256(parts, 2, key);
}

void clerk_keycopy_put(const clerk_keycopy_t *copy, clerk_slice_t document,
                       apr_time_t expires, apr_time_t fetched_at)
{
    const clerk_cache_port_t *cache = copy->cache;
    unsigned char key[CLERK_SHA256_BYTES];
    apr_uint64_t stamp = (apr_uint64_t)fetched_at;
    char *bytes;
    int i;

    if (!cache->set || clerk_keycopy_key(copy->lane, key) != CLERK_OK) {
        return;
    }
    bytes = apr_palloc(copy->p, STAMP_BYTES + document.len);
    for (i = 0; i < STAMP_BYTES; i++) {
        bytes[i] = (char)(unsigned char)(stamp >> (8 * (STAMP_BYTES - 1 - i)));
    }
    memcpy(bytes + STAMP_BYTES, document.ptr, document.len);
    cache->set(cache->self, key,
               clerk_slice_make(bytes, STAMP_BYTES + document.len), expires,
               copy->p);
}

int clerk_keycopy_get(const clerk_keycopy_t *copy, clerk_slice_t *document,
                      apr_time_t *fetched_at)
{
    const clerk_cache_port_t *cache = copy->cache;
    unsigned char key[CLERK_SHA256_BYTES];
    apr_uint64_t stamp = 0;
    clerk_slice_t bytes;
    int i;

    if (!cache->get || clerk_keycopy_key(copy->lane, key) != CLERK_OK
        || cache->get(cache->self, key, copy->p, &bytes) != CLERK_OK
        || bytes.len <= STAMP_BYTES) {
        return 0;
    }
    for (i = 0; i < STAMP_BYTES; i++) {
        stamp = stamp << 8 | (unsigned char)bytes.ptr[i];
    }
    *fetched_at = (apr_time_t)stamp;
    *document =
        clerk_slice_make(bytes.ptr + STAMP_BYTES, bytes.len - STAMP_BYTES);
    return 1;
}
