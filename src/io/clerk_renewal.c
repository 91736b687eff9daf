/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_renewal.h"

#include <string.h>

#include <apr_strings.h>

typedef struct job_t {
    apr_pool_t *p; /* that all of it lies in */
    clerk_renewal_t renewal;
    clerk_realm_t realm;
} job_t;

/*
 * What is worked out of the directives lies in the pool of a request where
 * there is an .htaccess; what stands in them does not, and stays where it is:
 * proxies may have passwords, and trust anchors are known by their place.
 */
static void copy_realm(clerk_realm_t *copy, const clerk_realm_t *realm,
                       apr_pool_t *p)
{
    copy->frontend_api = apr_pstrdup(p, realm->frontend_api);
    copy->route = realm->route;
    memcpy(copy->keys_lane, realm->keys_lane, sizeof(copy->keys_lane));
}

static job_t *make_job(const clerk_renewal_t *renewal,
                       const clerk_realm_t *realm)
{
    apr_pool_t *p;
    job_t *job;

    /* Without a parent: it goes from thread to thread. */
    if (apr_pool_create_unmanaged(&p) != APR_SUCCESS) {
        return NULL;
    }
    job = apr_pcalloc(p, sizeof(*job));
    job->p = p;
    job->renewal = *renewal;
    copy_realm(&job->realm, realm, p);
    return job;
}

static void run(void *data)
{
    job_t *job = data;

    job->renewal.run(&job->renewal, &job->realm, job->p);
    apr_pool_destroy(job->p);
}

static void drop(void *data)
{
    job_t *job = data;

    job->renewal.drop(&job->renewal);
    apr_pool_destroy(job->p);
}

int clerk_renewal_offer(clerk_background_t *background,
                        const clerk_renewal_t *renewal,
                        const clerk_realm_t *realm)
{
    job_t *made = background ? make_job(renewal, realm) : NULL;
    clerk_background_job_t job = { run, drop, made, .is_urgent = 1 };

    if (made && !clerk_background_offer(background, &job)) {
        apr_pool_destroy(made->p);
        made = NULL;
    }
    return made != NULL;
}
