/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_keycopy.h"

#include <string.h>

#define STAMP_BYTES 8

static clerk_status_t make_key(const char *what, const unsigned char *lane,
                               unsigned char *key)
{
    const clerk_slice_t parts[] = {
        clerk_slice_str(what),
        { (const char *)lane, CLERK_SHA256_BYTES },
    };

    return clerk_crypto_sha256(parts, 2, key);
}

clerk_status_t clerk_keycopy_key(const unsigned char *lane, unsigned char *key)
{
    return make_key("key set", lane, key);
}

static void write_stamp(char *bytes, apr_time_t when)
{
    apr_uint64_t stamp = (apr_uint64_t)when;
    int i;

    for (i = 0; i < STAMP_BYTES; i++) {
        bytes[i] = (char)(unsigned char)(stamp >> (8 * (STAMP_BYTES - 1 - i)));
    }
}

static apr_time_t read_stamp(const char *bytes)
{
    apr_uint64_t stamp = 0;
    int i;

    for (i = 0; i < STAMP_BYTES; i++) {
        stamp = stamp << 8 | (unsigned char)bytes[i];
    }
    return (apr_time_t)stamp;
}

void clerk_keycopy_put(const clerk_keycopy_t *copy, clerk_slice_t document,
                       apr_time_t expires, apr_time_t fetched_at)
{
    const clerk_cache_port_t *cache = copy->cache;
    unsigned char key[CLERK_SHA256_BYTES];
    char *bytes;

    if (!cache->set || clerk_keycopy_key(copy->lane, key) != CLERK_OK) {
        return;
    }
    bytes = apr_palloc(copy->p, STAMP_BYTES + document.len);
    write_stamp(bytes, fetched_at);
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
    clerk_slice_t bytes;

    if (!cache->get || clerk_keycopy_key(copy->lane, key) != CLERK_OK
        || cache->get(cache->self, key, copy->p, &bytes) != CLERK_OK
        || bytes.len <= STAMP_BYTES) {
        return 0;
    }
    *fetched_at = read_stamp(bytes.ptr);
    *document =
        clerk_slice_make(bytes.ptr + STAMP_BYTES, bytes.len - STAMP_BYTES);
    return 1;
}

void clerk_keycopy_put_failure(const clerk_keycopy_t *copy, apr_time_t expires,
                               apr_time_t failed_at)
{
    const clerk_cache_port_t *cache = copy->cache;
    unsigned char key[CLERK_SHA256_BYTES];
    char bytes[STAMP_BYTES];

    if (cache->set && make_key("no key set", copy->lane, key) == CLERK_OK) {
        write_stamp(bytes, failed_at);
        cache->set(cache->self, key, clerk_slice_make(bytes, sizeof(bytes)),
                   expires, copy->p);
    }
}

int clerk_keycopy_get_failure(const clerk_keycopy_t *copy,
                              apr_time_t *failed_at)
{
    const clerk_cache_port_t *cache = copy->cache;
    unsigned char key[CLERK_SHA256_BYTES];
    clerk_slice_t bytes;

    if (!cache->get || make_key("no key set", copy->lane, key) != CLERK_OK
        || cache->get(cache->self, key, copy->p, &bytes) != CLERK_OK
        || bytes.len != STAMP_BYTES) {
        return 0;
    }
    *failed_at = read_stamp(bytes.ptr);
    return 1;
}
