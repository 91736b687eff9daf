/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_auth_clerk_cache.h"

#include <ap_provider.h>
#include <ap_socache.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <util_mutex.h>

#include "clerk_record.h"
#include "mod_auth_clerk_check.h"
#include "mod_auth_clerk_config.h"
#include "mod_auth_clerk_log.h"

#define MUTEX_TYPE "auth-clerk"
#define CACHE_NAME "auth-clerk" /* at most 16 characters */
#define DEFAULT_PROVIDER "shmcb"
/* 10,000 identities, be they large; see capacity(). */
#define DEFAULT_SHMCB_ARGS "auth-clerk(4194304)"
#define SHMCB_SIZE 524288 /* bytes, where the administrator names no size */
/* By these shmcb divides its memory: with 24 bytes of index for each, there is
 * room for records of up to 185 bytes. */
#define AVERAGE_RECORD 209 /* bytes */
#define AVERAGE_ID (CLERK_SHA256_BYTES + ID_PADDING_MAX / 2)
/* How far an identifier may be longer than its key, see id_of(). */
#define ID_PADDING_MAX 15
/* How often the mutex is tried before it is waited for. */
#define TRIES 20
#define SWEEP_INTERVAL apr_time_from_sec(60)
#define SEALED_MAX (CLERK_RECORD_MAX + CLERK_SEAL_OVERHEAD)
#define SEAL_LABEL "mod_auth_clerk cache record"

typedef struct cache_t {
    const ap_socache_provider_t *provider;
    ap_socache_instance_t *instance;
    apr_global_mutex_t *mutex; /* NULL where the provider needs none */
    server_rec *s;
    int is_sealed;
    int is_shared; /* perhaps with other machines */
    int capacity;  /* records of usual size; 0: not known */
    unsigned char key[CLERK_SEAL_KEY_BYTES];
} cache_t;

/* One for the server; NULL when nothing in it is ours. */
static cache_t *the_cache;

/* ------------------------------------------------------------------ */
/* Life cycle                                                         */

apr_status_t auth_clerk_cache_register_mutex(apr_pool_t *pconf)
{
    the_cache = NULL;
    return ap_mutex_register(pconf, MUTEX_TYPE, NULL, APR_LOCK_DEFAULT, 0);
}

static int stop(server_rec *s, apr_status_t rv, const char *sentence)
{
    auth_clerk_log_start_fault(s, rv, sentence);
    return HTTP_INTERNAL_SERVER_ERROR;
}

static apr_status_t forget_key(void *data)
{
    cache_t *cache = data;

    clerk_crypto_wipe(cache->key, sizeof(cache->key));
    return APR_SUCCESS;
}

/* Split `provider[:args]`; what is left out has a default. */
static void split(apr_pool_t *p, const char *value, const char **provider,
                  const char **args)
{
    const char *colon = value ? ap_strchr_c(value, ':') : NULL;

    *provider = !value  ? DEFAULT_PROVIDER
                : colon ? apr_pstrmemdup(p, value, (apr_size_t)(colon - value))
                        : value;
    *args = colon ? colon + 1 : NULL;
    if (!*args && strcmp(*provider, DEFAULT_PROVIDER) == 0) {
        *args = DEFAULT_SHMCB_ARGS;
    }
}

static int set_up_sealing(cache_t *cache, apr_pool_t *pconf,
                          const char *provider, const char *secret)
{
    if (!secret) {
        if (strcmp(provider, DEFAULT_PROVIDER) == 0) {
            return OK;
        }
        return stop(
            cache->s, 0,
            apr_psprintf(
                pconf,
                "ClerkSOCache: the provider '%s' keeps records outside of this "
                "server's memory, which needs ClerkCacheSecret to seal them",
                provider));
    }
    apr_pool_cleanup_register(pconf, cache, forget_key, apr_pool_cleanup_null);
    if (clerk_crypto_derive(clerk_slice_str(secret), SEAL_LABEL, cache->key)
        != CLERK_OK) {
        return stop(cache->s, 0,
                    "ClerkCacheSecret: no key can be derived "
                    "from it, which is a defect of the server's OpenSSL");
    }
    cache->is_sealed = 1;
    return OK;
}

/*
 * How many records of usual size a shmcb holds without dropping any: four
 * fifths of the places, since they are spread over its partitions by chance,
 * and one of these is full before the others are.
 */
static int capacity(const char *args)
{
    const char *size = args ? ap_strrchr_c(args, '(') : NULL;
    apr_int64_t bytes = size ? apr_strtoi64(size + 1, NULL, 10) : SHMCB_SIZE;

    return (int)(bytes / (AVERAGE_ID + AVERAGE_RECORD) * 4 / 5);
}

int auth_clerk_cache_check(apr_pool_t *pconf, apr_pool_t *ptemp, server_rec *s)
{
    const auth_clerk_server_conf_t *conf =
        ap_get_module_config(s->module_config, &auth_clerk_module);
    cache_t *cache = apr_pcalloc(pconf, sizeof(*cache));
    const char *sentence;
    const char *provider;
    const char *args;

    if (!conf->socache && !auth_clerk_check_is_used()) {
        return OK;
    }
    split(pconf, conf->socache, &provider, &args);
    cache->s = s;
    cache->provider = ap_lookup_provider(AP_SOCACHE_PROVIDER_GROUP, provider,
                                         AP_SOCACHE_PROVIDER_VERSION);
    if (!cache->provider) {
        return stop(
            s, 0,
            apr_psprintf(
                pconf,
                "ClerkSOCache: there is no provider '%s'; load mod_socache_%s",
                provider, provider));
    }
    sentence = cache->provider->create(&cache->instance, args, ptemp, pconf);
    if (sentence) {
        return stop(s, 0,
                    apr_psprintf(pconf,
                                 "ClerkSOCache: '%s:%s' is not accepted by "
                                 "the provider: %s",
                                 provider, args ? args : "", sentence));
    }
    the_cache = cache;
    cache->is_shared = strcmp(provider, DEFAULT_PROVIDER) != 0;
    cache->capacity =
        strcmp(provider, DEFAULT_PROVIDER) == 0 ? capacity(args) : 0;
    return set_up_sealing(cache, pconf, provider, conf->cache_secret);
}

static apr_status_t destroy_instance(void *data)
{
    cache_t *cache = data;

    cache->provider->destroy(cache->instance, cache->s);
    if (the_cache == cache) {
        the_cache = NULL;
    }
    return APR_SUCCESS;
}

int auth_clerk_cache_open(apr_pool_t *pconf, server_rec *s)
{
    static struct ap_socache_hints hints = { AVERAGE_ID, AVERAGE_RECORD,
                                             SWEEP_INTERVAL };
    cache_t *cache = the_cache;
    apr_status_t rv;

    if (!cache) {
        return OK;
    }
    if (cache->provider->flags & AP_SOCACHE_FLAG_NOTMPSAFE) {
        rv = ap_global_mutex_create(&cache->mutex, NULL, MUTEX_TYPE, NULL, s,
                                    pconf, 0);
        if (rv != APR_SUCCESS) {
            return stop(s, rv,
                        "ClerkSOCache: its mutex cannot be made; see "
                        "the Mutex directive, type " MUTEX_TYPE);
        }
    }
    rv = cache->provider->init(cache->instance, CACHE_NAME, &hints, s, pconf);
    if (rv != APR_SUCCESS) {
        return stop(s, rv, "ClerkSOCache: the cache cannot be opened");
    }
    apr_pool_cleanup_register(pconf, cache, destroy_instance,
                              apr_pool_cleanup_null);
    if (cache->capacity) {
        auth_clerk_log_cache_capacity(s, cache->capacity);
    }
    return OK;
}

/* ------------------------------------------------------------------ */
/* The port                                                           */

/*
 * shmcb writes while it reads, so reading takes the lock, too. It is held for
 * a moment only, but whoever sleeps on it is woken up late, and everybody
 * behind with him: so it is tried for a while first.
 */
static int lock(const cache_t *cache)
{
    apr_status_t rv = APR_EBUSY;
    int tries;

    if (!cache->mutex) {
        return 1;
    }
    for (tries = 0; tries < TRIES && APR_STATUS_IS_EBUSY(rv); tries++) {
        if (tries) {
            apr_thread_yield();
        }
        rv = apr_global_mutex_trylock(cache->mutex);
    }
    if (rv != APR_SUCCESS) {
        rv = apr_global_mutex_lock(cache->mutex);
    }
    if (rv != APR_SUCCESS) {
        auth_clerk_log_cache_fault(cache->s, rv, "its mutex cannot be locked");
    }
    return rv == APR_SUCCESS;
}

static void unlock(const cache_t *cache)
{
    if (cache->mutex) {
        apr_global_mutex_unlock(cache->mutex);
    }
}

/* What a record is kept under. */
typedef struct cache_id_t {
    unsigned char bytes[CLERK_SHA256_BYTES + ID_PADDING_MAX];
    unsigned int len;
} cache_id_t;

/*
 * The key, and behind it up to 15 bytes of it once more, as many as its last
 * byte says. shmcb walks through a partition of some hundred records to find
 * one. It compares the lengths first, which stand side by side, and goes to
 * see the identifiers, each in another place, only where these agree.
 */
static cache_id_t id_of(const unsigned char *key)
{
    unsigned int padding = key[CLERK_SHA256_BYTES - 1] % (ID_PADDING_MAX + 1);
    cache_id_t id;

    memcpy(id.bytes, key, CLERK_SHA256_BYTES);
    memcpy(id.bytes + CLERK_SHA256_BYTES, key, ID_PADDING_MAX);
    id.len = CLERK_SHA256_BYTES + padding;
    return id;
}

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

static apr_status_t retrieve(const cache_t *cache, const unsigned char *key,
                             clerk_slice_t *bytes, unsigned char *room,
                             apr_pool_t *p)
{
    cache_id_t id = id_of(key);
    unsigned int len = SEALED_MAX;
    apr_status_t rv = cache->provider->retrieve(
        cache->instance, cache->s, id.bytes, id.len, room, &len, p);

    if (rv == APR_SUCCESS && len > SEALED_MAX) {
        return APR_ENOSPC;
    }
    if (rv == APR_SUCCESS) {
        *bytes = clerk_slice_make(apr_pmemdup(p, room, len), len);
    }
    return rv;
}

/* A room for the largest record on every thread's stack would be most of what
 * a child needs; with a lock one does for all. */
static apr_status_t retrieve_locked(const cache_t *cache,
                                    const unsigned char *key,
                                    clerk_slice_t *bytes, apr_pool_t *p)
{
    static unsigned char room[SEALED_MAX];
    apr_status_t rv;

    if (!lock(cache)) {
        return APR_EGENERAL;
    }
    rv = retrieve(cache, key, bytes, room, p);
    unlock(cache);
    return rv;
}

static __attribute__((noinline)) apr_status_t retrieve_unlocked(
    const cache_t *cache, const unsigned char *key, clerk_slice_t *bytes,
    apr_pool_t *p)
{
    unsigned char room[SEALED_MAX];

    return retrieve(cache, key, bytes, room, p);
}

static clerk_status_t get(void *self,
                          const unsigned char key[CLERK_SHA256_BYTES],
                          apr_pool_t *p, clerk_slice_t *bytes)
{
    const cache_t *cache = self;
    apr_status_t rv;

    memset(bytes, 0, sizeof(*bytes));
    rv = cache->mutex ? retrieve_locked(cache, key, bytes, p)
                      : retrieve_unlocked(cache, key, bytes, p);
    if (rv != APR_SUCCESS) {
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

static void set(void *self, const unsigned char key[CLERK_SHA256_BYTES],
                clerk_slice_t bytes, apr_time_t expires, apr_pool_t *p)
{
    const cache_t *cache = self;
    cache_id_t id = id_of(key);
    apr_status_t rv;

    if (cache->is_sealed && seal(cache, key, p, &bytes) != CLERK_OK) {
        auth_clerk_log_cache_fault(cache->s, 0, "a record cannot be sealed");
        return;
    }
    if (!lock(cache)) {
        return;
    }
    rv = cache->provider->store(
        cache->instance, cache->s, id.bytes, id.len, whole_second(expires),
        (unsigned char *)apr_pmemdup(p, bytes.ptr, bytes.len),
        (unsigned int)bytes.len, p);
    unlock(cache);
    if (rv != APR_SUCCESS) {
        auth_clerk_log_cache_fault(cache->s, rv, "a record cannot be stored");
    }
}

int auth_clerk_cache_is_shared(void)
{
    return the_cache && the_cache->is_shared;
}

clerk_cache_port_t auth_clerk_cache_port(apr_pool_t *p, server_rec *s)
{
    clerk_cache_port_t port = { the_cache, get, set };
    apr_status_t rv;

    if (!the_cache) {
        memset(&port, 0, sizeof(port));
        return port;
    }
    if (the_cache->mutex) {
        rv = apr_global_mutex_child_init(
            &the_cache->mutex, apr_global_mutex_lockfile(the_cache->mutex), p);
        if (rv != APR_SUCCESS) {
            auth_clerk_log_cache_fault(s, rv,
                                       "its mutex cannot be opened "
                                       "in a child");
            memset(&port, 0, sizeof(port));
        }
    }
    return port;
}
