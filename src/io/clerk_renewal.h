/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_renewal.h: what Clerk publishes is fetched again in the background.
 *
 * Owns: the job for that, and what it needs of a realm, which may be gone with
 * its request before the job begins. Must never know: what is fetched, or when
 * that is due. Called by: clerk_keyring, clerk_metadata.
 */
#ifndef CLERK_RENEWAL_H
#define CLERK_RENEWAL_H

#include "clerk_background.h"
#include "clerk_realm.h"

/*
 * One of the two functions is called, once. `home` and `item` outlive the
 * background. The realm has all that calls without credentials need, and
 * nothing else; it and the pool are gone when the function returns.
 */
typedef struct clerk_renewal_t {
    void *home;
    void *item;
    void (*run)(const struct clerk_renewal_t *renewal,
                const clerk_realm_t *realm, apr_pool_t *p);
    void (*drop)(const struct clerk_renewal_t *renewal);
} clerk_renewal_t;

/* False when nobody does it, and no function is called: there is no background
 * (NULL), or it takes nothing. */
int clerk_renewal_offer(clerk_background_t *background,
                        const clerk_renewal_t *renewal,
                        const clerk_realm_t *realm) CLERK_MUST_USE;

#endif
