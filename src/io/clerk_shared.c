/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_shared.h"

#include <apr_atomic.h>
#include <apr_shm.h>

/* So many that of 50,000 tokens few are believed to have died with another. */
#define DEATHS 16384
#define LINE 64 /* bytes of a cache line */

struct clerk_shared_t {
    volatile apr_uint32_t logged[CLERK_STATUS_COUNT]; /* second, wrapped */
    volatile apr_uint32_t was_active; /* introspection once said yes */
    volatile apr_uint32_t inactive;   /* before it did */
    volatile apr_uint32_t told[256];  /* about an instance, once */
    apr_uint32_t deaths[DEATHS];      /* by bytes of their digests */

    clerk_slots_t slots;
    clerk_breakers_t breakers;
    clerk_rate_t rate;
    clerk_claim_table_t claims;
    clerk_counters_table_t counters;
};

clerk_status_t clerk_shared_create(apr_pool_t *p, clerk_shared_t **shared)
{
    apr_shm_t *segment;
    apr_uintptr_t base;

    *shared = NULL;
    if (apr_shm_create(&segment, sizeof(**shared) + LINE, NULL, p)
        != APR_SUCCESS) {
        return CLERK_INTERNAL;
    }
    /* All zero, and most of it is never touched. APR keeps a few bytes at the
     * beginning for itself. */
    base = (apr_uintptr_t)apr_shm_baseaddr_get(segment);
    *shared = (clerk_shared_t *)((base + LINE - 1) / LINE * LINE);
    return CLERK_OK;
}

int clerk_shared_is_first_in_second(clerk_shared_t *shared,
                                    clerk_status_t status, apr_time_t now)
{
    volatile apr_uint32_t *slot = &shared->logged[status];
    apr_uint32_t second = (apr_uint32_t)apr_time_sec(now);
    apr_uint32_t last = apr_atomic_read32(slot);

    return last != second && apr_atomic_cas32(slot, second, last) == last;
}

apr_uint32_t clerk_shared_count_introspection(clerk_shared_t *shared,
                                              int is_active)
{
    if (is_active) {
        apr_atomic_set32(&shared->was_active, 1);
    }
    if (apr_atomic_read32(&shared->was_active)) {
        return 0;
    }
    return apr_atomic_inc32(&shared->inactive) + 1;
}

int clerk_shared_is_first_about(clerk_shared_t *shared,
                                const unsigned char *lane)
{
    return apr_atomic_cas32(&shared->told[lane[0]], 1, 0) == 0;
}

clerk_slots_t *clerk_shared_slots(clerk_shared_t *shared)
{
    return &shared->slots;
}

clerk_breakers_t *clerk_shared_breakers(clerk_shared_t *shared)
{
    return &shared->breakers;
}

clerk_rate_t *clerk_shared_rate(clerk_shared_t *shared)
{
    return &shared->rate;
}

clerk_claim_table_t *clerk_shared_claims(clerk_shared_t *shared)
{
    return &shared->claims;
}

clerk_counters_table_t *clerk_shared_counters(clerk_shared_t *shared)
{
    return &shared->counters;
}

static apr_uint32_t *deaths_of(clerk_shared_t *shared,
                               const unsigned char *name)
{
    return &shared->deaths[(name[2] << 8 | name[3]) % DEATHS];
}

apr_uint32_t clerk_shared_deaths(clerk_shared_t *shared,
                                 const unsigned char *name)
{
    return __atomic_load_n(deaths_of(shared, name), __ATOMIC_ACQUIRE);
}

void clerk_shared_bury(clerk_shared_t *shared, const unsigned char *name)
{
    (void)__atomic_add_fetch(deaths_of(shared, name), 1, __ATOMIC_RELEASE);
}
