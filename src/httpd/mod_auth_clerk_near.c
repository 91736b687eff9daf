/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_auth_clerk_near.h"

#include <ap_mpm.h>

#include "clerk_near.h"
#include "mod_auth_clerk_authn.h"
#include "mod_auth_clerk_cache.h"
#include "mod_auth_clerk_env.h"

/* 1,024 identities. A process that has one thread is one of many. */
#define SIZE_THREADED (1024 * 1024) /* bytes */
#define SIZE_ALONE (256 * 1024)

/* Of this child; set before it serves. */
static struct {
    clerk_near_t *table;
    clerk_shared_t *shared;
    unsigned char key[CLERK_SIPHASH_KEY_BYTES]; /* of tokens' digests */
} child;

void auth_clerk_near_serve(apr_pool_t *p, clerk_shared_t *shared)
{
    int threads = 0;

    (void)ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    child.shared = shared;
    if (!shared
        || apr_generate_random_bytes(child.key, sizeof(child.key))
               != APR_SUCCESS
        || clerk_near_create(p, threads > 1 ? SIZE_THREADED : SIZE_ALONE,
                             &child.table)
               != CLERK_OK) {
        child.table = NULL;
    }
}

/*
 * What is told depends on the plan, which is there for as long as we are. What
 * is put in was looked for before, and the text of a token never changes.
 */
static clerk_near_name_t name_of(auth_clerk_near_t *near, clerk_slice_t token)
{
    clerk_near_name_t name;

    if (near->token != token.ptr) {
        clerk_siphash(child.key, token, near->digest);
        near->token = token.ptr;
    }
    memcpy(name.key, near->digest, sizeof(name.key));
    name.owner = near->plan;
    return name;
}

static int get(void *self, clerk_slice_t token, apr_pool_t *p,
               clerk_near_entry_t *entry)
{
    auth_clerk_near_t *near = self;
    clerk_near_name_t name = name_of(near, token);
    clerk_image_t *image = clerk_near_get(child.table, &name, p);

    if (!image) {
        return 0;
    }
    clerk_image_settle(image);
    entry->record.verified_at = image->verified_at;
    entry->record.status = CLERK_OK;
    entry->record.identity = &image->identity;
    entry->looked_at = image->looked_at;
    entry->key = image->key;
    entry->deaths = image->deaths;
    near->image = image;
    return 1;
}

/*
 * An identity that cannot be represented in full is not kept: who was told why
 * once would not be told again.
 */
static void put(void *self, clerk_slice_t token,
                const clerk_near_entry_t *entry)
{
    auth_clerk_near_t *near = self;
    const clerk_identity_t *identity = entry->record.identity;
    clerk_near_name_t name = name_of(near, token);
    apr_pool_t *p = near->r->pool;
    const apr_array_header_t *pairs;
    clerk_image_t *image;
    const char *user;

    if (!clerk_near_admits(child.table, &name)) {
        return;
    }
    user = auth_clerk_authn_user(near->plan, identity);
    pairs = auth_clerk_env_pairs(NULL, p, near->plan, identity);
    if (!user || !pairs || (identity->facts & CLERK_FACT_TRUNCATED)
        || clerk_image_size(identity, user, pairs) > CLERK_NEAR_BLOCK) {
        return;
    }
    image = clerk_image_make(p, &entry->record, user, pairs);
    image->looked_at = entry->looked_at;
    image->deaths = entry->deaths;
    memcpy(image->key, entry->key, sizeof(image->key));
    clerk_near_put(child.table, &name, image, image->size);
}

static apr_uint32_t deaths(void *self,
                           const unsigned char key[CLERK_SHA256_BYTES])
{
    (void)self;
    return clerk_shared_deaths(child.shared, key);
}

static void bury(void *self, const unsigned char key[CLERK_SHA256_BYTES])
{
    (void)self;
    clerk_shared_bury(child.shared, key);
}

clerk_near_port_t auth_clerk_near_port(auth_clerk_near_t *near)
{
    clerk_near_port_t port = { .self = near,
                               .is_shared = auth_clerk_cache_is_shared() };

    if (near && child.table) {
        port.get = get;
        port.put = put;
    }
    if (child.shared) {
        port.deaths = deaths;
        port.bury = bury;
    }
    return port;
}
