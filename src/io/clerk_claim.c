/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_claim.h"

#include <string.h>

/* A claim is one number: 24 bits of its key above the millisecond at which it
 * ends. */
#define END_BITS 40

static apr_uint64_t word_of(const unsigned char *key, int n)
{
    apr_uint64_t word;

    memcpy(&word, key + n * sizeof(word), sizeof(word));
    return word;
}

static apr_uint64_t *find(clerk_claim_table_t *table, const unsigned char *key)
{
    return &table->claims[word_of(key, 3) % CLERK_CLAIMS];
}

static apr_uint64_t end_of(apr_uint64_t claim)
{
    return claim & (((apr_uint64_t)1 << END_BITS) - 1);
}

int clerk_claim_take(clerk_claim_table_t *table, const unsigned char *key,
                     apr_time_t now, apr_interval_time_t length)
{
    apr_uint64_t *claim = find(table, key);
    apr_uint64_t held = __atomic_load_n(claim, __ATOMIC_ACQUIRE);
    apr_uint64_t own = word_of(key, 1) >> END_BITS << END_BITS
                       | (apr_uint64_t)apr_time_as_msec(now + length);

    return end_of(held) <= (apr_uint64_t)apr_time_as_msec(now)
           && __atomic_compare_exchange_n(claim, &held, own, 0,
                                          __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

void clerk_claim_drop(clerk_claim_table_t *table, const unsigned char *key)
{
    apr_uint64_t *claim = find(table, key);
    apr_uint64_t held = __atomic_load_n(claim, __ATOMIC_ACQUIRE);

    if (held >> END_BITS == word_of(key, 1) >> END_BITS) {
        (void)__atomic_compare_exchange_n(claim, &held, 0, 0, __ATOMIC_ACQ_REL,
                                          __ATOMIC_ACQUIRE);
    }
}
