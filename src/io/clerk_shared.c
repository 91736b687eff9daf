/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_shared.h"

#include <string.h>

#include <apr_atomic.h>
#include <apr_shm.h>

#define CLAIMS 64

struct clerk_shared_t {
    volatile apr_uint32_t logged[CLERK_STATUS_COUNT]; /* second, wrapped */
    volatile apr_uint32_t was_active;     /* introspection once said yes */
    volatile apr_uint32_t inactive;       /* before it did */
    volatile apr_uint32_t claims[CLAIMS]; /* second of their end; 0: free */
    volatile apr_uint32_t told[256];      /* about an instance, once */
};

clerk_status_t clerk_shared_create(apr_pool_t *p, clerk_shared_t **shared)
{
    apr_shm_t *segment;

    *shared = NULL;
    if (apr_shm_create(&segment, sizeof(**shared), NULL, p) != APR_SUCCESS) {
        return CLERK_INTERNAL;
    }
    *shared = apr_shm_baseaddr_get(segment);
    memset(*shared, 0, sizeof(**shared));
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

int clerk_shared_claim(clerk_shared_t *shared, const unsigned char *name,
                       apr_interval_time_t patience)
{
    volatile apr_uint32_t *claim = &shared->claims[name[0] % CLAIMS];
    apr_time_t now = apr_time_now();
    apr_uint32_t held = apr_atomic_read32(claim);

    if (held && (apr_uint32_t)apr_time_sec(now) <= held) {
        return 0;
    }
    return apr_atomic_cas32(claim, (apr_uint32_t)apr_time_sec(now + patience),
                            held)
           == held;
}

void clerk_shared_release(clerk_shared_t *shared, const unsigned char *name)
{
    apr_atomic_set32(&shared->claims[name[0] % CLAIMS], 0);
}
