/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_keyset.h"

/* How long before it is old a set in use is renewed. */
#define EARLY apr_time_from_sec(60)
#define KEPT apr_time_from_sec(24 * 60 * 60) /* while Clerk is away */
#define MEANWHILE apr_time_from_sec(1)

clerk_status_t clerk_keyset_make(clerk_slice_t document, apr_time_t fetched_at,
                                 clerk_keyset_t **made)
{
    clerk_status_t status;
    clerk_keyset_t *keys;
    clerk_moment_t now;
    apr_pool_t *p;

    *made = NULL;
    /* Without a parent: it lives as long as its last user. */
    if (apr_pool_create_unmanaged(&p) != APR_SUCCESS) {
        return CLERK_INTERNAL;
    }
    keys = apr_pcalloc(p, sizeof(*keys));
    keys->p = p;
    now = clerk_steady_moment();
    keys->fetched_at = clerk_steady_later(now, fetched_at - now.day);
    keys->users = 1;
    status = clerk_jwks_read(p, document, &keys->set);
    if (status == CLERK_OK) {
        *made = keys;
    }
    else {
        apr_pool_destroy(p);
    }
    return status;
}

void clerk_keyset_let_go(clerk_keyset_t *keys)
{
    if (keys && --keys->users == 0) {
        apr_pool_destroy(keys->p);
    }
}

static int is_of_age(const clerk_keyset_t *keys, clerk_moment_t now,
                     apr_interval_time_t age)
{
    return clerk_steady_since(keys->fetched_at, now) >= age;
}

int clerk_keyset_is_due(const clerk_keyset_t *keys, clerk_moment_t now)
{
    return is_of_age(keys, now, CLERK_KEYSET_FRESH - EARLY);
}

int clerk_keyset_is_old(const clerk_keyset_t *keys, clerk_moment_t now)
{
    return is_of_age(keys, now, CLERK_KEYSET_FRESH);
}

int clerk_keyset_is_over(const clerk_keyset_t *keys, clerk_moment_t now)
{
    return is_of_age(keys, now, KEPT);
}

apr_time_t clerk_keyset_as_of(const clerk_keyset_t *keys, apr_time_t now)
{
    apr_time_t seen = keys->fetched_at.day;
    apr_time_t in_time = seen - EARLY;
    apr_time_t meanwhile = now - CLERK_KEYSET_FRESH + MEANWHILE;

    if (meanwhile > seen) {
        return seen;
    }
    return meanwhile > in_time ? meanwhile : in_time;
}
