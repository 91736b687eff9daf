/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_auth_clerk_cache.h"

#include <apr_strings.h>

#include "mod_auth_clerk_check.h"
#include "mod_auth_clerk_config.h"
#include "mod_auth_clerk_log.h"
#include "mod_auth_clerk_socache.h"

/* 10,000 identities, be they large; see auth_clerk_socache_capacity(). */
#define DEFAULT_SOCACHE "shmcb:auth-clerk(4194304)"
#define DEFAULT_SHMCB "shmcb"
#define SEAL_LABEL "mod_auth_clerk cache record"

typedef struct cache_t {
    auth_clerk_socache_t *socache;
    server_rec *s;
    int is_sealed;
    unsigned char key[CLERK_SEAL_KEY_BYTES];
} cache_t;

/* One for the server; NULL when nothing in it is ours. */
static cache_t *the_cache;

/* ------------------------------------------------------------------ */
/* Life cycle                                                         */

apr_status_t auth_clerk_cache_register_mutex(apr_pool_t *pconf)
{
    the_cache = NULL;
    return auth_clerk_socache_register_mutex(pconf);
}

static int stop(server_rec *s, const char *sentence)
{
    auth_clerk_log_start_fault(s, 0, sentence);
    return HTTP_INTERNAL_SERVER_ERROR;
}

static apr_status_t forget(void *data)
{
    cache_t *cache = data;

    clerk_crypto_wipe(cache->key, sizeof(cache->key));
    if (the_cache == cache) {
        the_cache = NULL;
    }
    return APR_SUCCESS;
}

static int set_up_sealing(cache_t *cache, apr_pool_t *pconf, const char *secret)
{
    if (!secret) {
        if (auth_clerk_socache_is_own(cache->socache)) {
            return OK;
        }
        return stop(
            cache->s,
            apr_psprintf(
                pconf,
                "ClerkSOCache: the provider '%s' keeps records outside of this "
                "server's memory, which needs ClerkCacheSecret to seal them",
                auth_clerk_socache_provider(cache->socache)));
    }
    if (clerk_crypto_derive(clerk_slice_str(secret), SEAL_LABEL, cache->key)
        != CLERK_OK) {
        return stop(cache->s, "ClerkCacheSecret: no key can be derived "
                              "from it, which is a defect of the server's "
                              "OpenSSL");
    }
    cache->is_sealed = 1;
    return OK;
}

/* What is left out of `provider[:args]` has a default. */
static const char *complete(const char *value)
{
    return !value || strcmp(value, DEFAULT_SHMCB) == 0 ? DEFAULT_SOCACHE
                                                       : value;
}

int auth_clerk_cache_check(apr_pool_t *pconf, apr_pool_t *ptemp, server_rec *s)
{
    const auth_clerk_server_conf_t *conf =
        ap_get_module_config(s->module_config, &auth_clerk_module);
    const char *sentence;
    cache_t *cache;

    if (!conf->socache && !auth_clerk_check_is_used()) {
        return OK;
    }
    cache = apr_pcalloc(pconf, sizeof(*cache));
    cache->s = s;
    sentence = auth_clerk_socache_create(pconf, ptemp, complete(conf->socache),
                                         &cache->socache);
    if (sentence) {
        return stop(s, apr_pstrcat(pconf, "ClerkSOCache: ", sentence, NULL));
    }
    the_cache = cache;
    apr_pool_cleanup_register(pconf, cache, forget, apr_pool_cleanup_null);
    return set_up_sealing(cache, pconf, conf->cache_secret);
}

int auth_clerk_cache_open(apr_pool_t *pconf, server_rec *s)
{
    cache_t *cache = the_cache;
    int capacity;
    int result;

    if (!cache) {
        return OK;
    }
    result = auth_clerk_socache_open(cache->socache, pconf, s);
    capacity = auth_clerk_socache_capacity(cache->socache);
    if (result == OK && capacity) {
        auth_clerk_log_cache_capacity(s, capacity);
    }
    return result;
}

/* ------------------------------------------------------------------ */
/* The port                                                           */

/* A sealed record is bound to the key under which it is kept. */
static clerk_status_t unseal(const cache_t *cache, const unsigned char *key,
                             apr_pool_t *p, clerk_slice_t *bytes)
{
    clerk_slice_t sealed = *bytes;
    unsigned char *plain;
    clerk_status_t status;

    if (sealed.len < CLERK_SEAL_OVERHEAD) {
        return CLERK_INTERNAL;
    }
    plain = apr_palloc(p, sealed.len);
    status = clerk_crypto_open(
        cache->key, clerk_slice_make((const char *)key, CLERK_SHA256_BYTES),
        sealed, plain);
    *bytes =
        clerk_slice_make((const char *)plain, sealed.len - CLERK_SEAL_OVERHEAD);
    return status;
}

static clerk_status_t get(void *self,
                          const unsigned char key[CLERK_SHA256_BYTES],
                          apr_pool_t *p, clerk_slice_t *bytes)
{
    const cache_t *cache = self;

    memset(bytes, 0, sizeof(*bytes));
    if (auth_clerk_socache_retrieve(cache->socache, key, p, bytes)
        != APR_SUCCESS) {
        return CLERK_INTERNAL;
    }
    return cache->is_sealed ? unseal(cache, key, p, bytes) : CLERK_OK;
}

static clerk_status_t seal(const cache_t *cache, const unsigned char *key,
                           apr_pool_t *p, clerk_slice_t *bytes)
{
    unsigned char nonce[CLERK_SEAL_NONCE_BYTES];
    unsigned char *sealed = apr_palloc(p, bytes->len + CLERK_SEAL_OVERHEAD);
    clerk_status_t status;

    if (apr_generate_random_bytes(nonce, sizeof(nonce)) != APR_SUCCESS) {
        return CLERK_INTERNAL;
    }
    status = clerk_crypto_seal(
        cache->key, nonce,
        clerk_slice_make((const char *)key, CLERK_SHA256_BYTES), *bytes,
        sealed);
    *bytes = clerk_slice_make((const char *)sealed,
                              bytes->len + CLERK_SEAL_OVERHEAD);
    return status;
}

/*
 * Providers keep whole seconds, and redis refuses to keep anything for none.
 * The record knows to the millisecond how long it is good.
 */
static apr_time_t whole_second(apr_time_t expires)
{
    return apr_time_from_sec(apr_time_sec(expires) + 2);
}

static void store(const cache_t *cache, auth_clerk_socache_record_t *record,
                  apr_pool_t *p)
{
    if (cache->is_sealed
        && seal(cache, record->key, p, &record->bytes) != CLERK_OK) {
        auth_clerk_log_cache_fault(cache->s, 0, "a record cannot be sealed");
        return;
    }
    record->expires = whole_second(record->expires);
    auth_clerk_socache_store(cache->socache, record, p);
}

static void set(void *self, const unsigned char key[CLERK_SHA256_BYTES],
                clerk_slice_t bytes, apr_time_t expires, apr_pool_t *p)
{
    auth_clerk_socache_record_t record = { key, bytes, expires, 0 };

    store(self, &record, p);
}

static void set_refusal(void *self, const unsigned char key[CLERK_SHA256_BYTES],
                        clerk_slice_t bytes, apr_time_t expires, apr_pool_t *p)
{
    auth_clerk_socache_record_t record = { key, bytes, expires, 1 };

    store(self, &record, p);
}

int auth_clerk_cache_is_shared(void)
{
    return the_cache && !auth_clerk_socache_is_own(the_cache->socache);
}

clerk_cache_port_t auth_clerk_cache_port(apr_pool_t *p, server_rec *s)
{
    clerk_cache_port_t none = { 0 };
    clerk_cache_port_t port = { the_cache, get, set, set_refusal };
    apr_status_t rv;

    if (!the_cache) {
        return none;
    }
    rv = auth_clerk_socache_open_child(the_cache->socache, p);
    if (rv != APR_SUCCESS) {
        auth_clerk_log_cache_fault(s, rv,
                                   "its mutex cannot be opened in a child");
        return none;
    }
    return port;
}
