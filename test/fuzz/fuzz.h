/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz.h: what all fuzz targets share. The fuzzer's own buffer goes in as a
 * slice; where a function wants a NUL it gets a copy in a block of its own
 * size. A broken promise ends the process, which is how a fuzzer knows.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_pools.h>

#include "clerk_crypto.h"
#include "clerk_slice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define FUZZ_MUST(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, \
                    #condition); \
            abort(); \
        } \
    } while (0)

/* A pool for one input; the caller destroys it. */
static inline apr_pool_t *fuzz_pool(void)
{
    static apr_pool_t *all;
    apr_pool_t *p;

    if (!all) {
        FUZZ_MUST(apr_initialize() == APR_SUCCESS);
        FUZZ_MUST(apr_pool_create(&all, NULL) == APR_SUCCESS);
        FUZZ_MUST(clerk_crypto_init(all) == CLERK_OK);
    }
    FUZZ_MUST(apr_pool_create(&p, all) == APR_SUCCESS);
    return p;
}

static inline clerk_slice_t fuzz_slice(const uint8_t *data, size_t len)
{
    return clerk_slice_make((const char *)data, len);
}

static inline apr_status_t fuzz_free(void *block)
{
    free(block);
    return APR_SUCCESS;
}

/* The input up to its first NUL, with one, in a block of its own size. */
static inline char *fuzz_string(apr_pool_t *p, const uint8_t *data, size_t len)
{
    size_t end = len ? strnlen((const char *)data, len) : 0;
    char *text = malloc(end + 1);

    FUZZ_MUST(text != NULL);
    if (end) {
        memcpy(text, data, end);
    }
    text[end] = '\0';
    apr_pool_cleanup_register(p, text, fuzz_free, apr_pool_cleanup_null);
    return text;
}

#endif
