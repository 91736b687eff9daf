/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_keyring.h"

#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

#include "clerk_api.h"
#include "clerk_jwks.h"
#include "clerk_jwt.h"
#include "clerk_realm.h"

#define FRESH apr_time_from_sec(5 * 60)
#define KEPT apr_time_from_sec(24 * 60 * 60)   /* while Clerk is away */
#define COOL_DOWN apr_time_from_sec(30)        /* between two renewals */
#define COLD_COOL_DOWN apr_time_from_msec(500) /* without any set */
#define LOOK_AGAIN apr_time_from_msec(10)      /* for another child's copy */
#define STAMP_BYTES 8

/* A set in use; the last who lets go of it destroys its pool. */
typedef struct held_t {
    apr_pool_t *p;
    clerk_jwks_t *set;
    apr_time_t fetched_at;
    int users; /* guarded by the ring's mutex */
} held_t;

/* One instance of Clerk. */
typedef struct instance_t {
    unsigned char lane[CLERK_SHA256_BYTES];
    held_t *current; /* or NULL */
    int is_renewing;
    apr_time_t not_before;  /* the next renewal */
    clerk_status_t failure; /* of the last renewal, or CLERK_OK */
    struct instance_t *next;
} instance_t;

typedef struct ring_t {
    apr_pool_t *p;
    apr_thread_mutex_t *mutex; /* guards all of the above */
    apr_thread_cond_t *renewed;
    clerk_fetch_port_t fetch;
    clerk_cache_port_t cache;
    clerk_shared_t *shared;
    instance_t *instances; /* a few */
} ring_t;

/* One question on its way. */
typedef struct query_t {
    ring_t *ring;
    const clerk_realm_t *realm;
    const clerk_log_port_t *log;
    apr_pool_t *p;
    instance_t *instance;
} query_t;

/* ------------------------------------------------------------------ */
/* With the mutex held                                                */

static instance_t *find_instance(ring_t *ring, const unsigned char *lane)
{
    instance_t *instance;

    for (instance = ring->instances; instance; instance = instance->next) {
        if (memcmp(instance->lane, lane, sizeof(instance->lane)) == 0) {
            return instance;
        }
    }
    instance = apr_pcalloc(ring->p, sizeof(*instance));
    memcpy(instance->lane, lane, sizeof(instance->lane));
    instance->next = ring->instances;
    ring->instances = instance;
    return instance;
}

static void let_go(held_t *held)
{
    if (held && --held->users == 0) {
        apr_pool_destroy(held->p);
    }
}

static held_t *take_hold(instance_t *instance, apr_time_t now)
{
    held_t *held = instance->current;

    if (held && now >= held->fetched_at + KEPT) {
        instance->current = NULL;
        let_go(held);
        held = NULL;
    }
    if (held) {
        held->users++;
    }
    return held;
}

/* ------------------------------------------------------------------ */
/* The copy that the children share                                   */

static clerk_status_t copy_key(const instance_t *instance, unsigned char *key)
{
    const clerk_slice_t parts[] = {
        clerk_slice_str("key set"),
        { (const char *)instance->lane, sizeof(instance->lane) },
    };

    return clerk_crypto_sha256(parts, 2, key);
}

static void put_copy(const query_t *q, clerk_slice_t document, apr_time_t now)
{
    const clerk_cache_port_t *cache = &q->ring->cache;
    unsigned char key[CLERK_SHA256_BYTES];
    apr_uint64_t stamp = (apr_uint64_t)now;
    char *bytes = apr_palloc(q->p, STAMP_BYTES + document.len);
    int i;

    if (!cache->set || copy_key(q->instance, key) != CLERK_OK) {
        return;
    }
    for (i = 0; i < STAMP_BYTES; i++) {
        bytes[i] = (char)(unsigned char)(stamp >> (8 * (STAMP_BYTES - 1 - i)));
    }
    memcpy(bytes + STAMP_BYTES, document.ptr, document.len);
    cache->set(cache->self, key,
               clerk_slice_make(bytes, STAMP_BYTES + document.len), now + FRESH,
               q->p);
}

/* The copy, if it is fresh, and when it was fetched. */
static int get_copy(const query_t *q, apr_time_t now, clerk_slice_t *document,
                    apr_time_t *fetched_at)
{
    const clerk_cache_port_t *cache = &q->ring->cache;
    unsigned char key[CLERK_SHA256_BYTES];
    apr_uint64_t stamp = 0;
    clerk_slice_t bytes;
    int i;

    if (!cache->get || copy_key(q->instance, key) != CLERK_OK
        || cache->get(cache->self, key, q->p, &bytes) != CLERK_OK
        || bytes.len <= STAMP_BYTES) {
        return 0;
    }
    for (i = 0; i < STAMP_BYTES; i++) {
        stamp = stamp << 8 | (unsigned char)bytes.ptr[i];
    }
    *fetched_at = (apr_time_t)stamp;
    *document =
        clerk_slice_make(bytes.ptr + STAMP_BYTES, bytes.len - STAMP_BYTES);
    return *fetched_at <= now + COOL_DOWN && now < *fetched_at + FRESH;
}

/* ------------------------------------------------------------------ */
/* Renewal                                                            */

static clerk_status_t make_held(clerk_slice_t document, apr_time_t fetched_at,
                                held_t **held)
{
    clerk_status_t status;
    apr_pool_t *p;

    *held = NULL;
    /* Without a parent: it lives as long as its last user. */
    if (apr_pool_create(&p, NULL) != APR_SUCCESS) {
        return CLERK_INTERNAL;
    }
    *held = apr_pcalloc(p, sizeof(**held));
    (*held)->p = p;
    (*held)->fetched_at = fetched_at;
    (*held)->users = 1;
    status = clerk_jwks_read(p, document, &(*held)->set);
    if (status != CLERK_OK) {
        apr_pool_destroy(p);
        *held = NULL;
    }
    return status;
}

static clerk_status_t fetch_set(const query_t *q, held_t **held)
{
    ring_t *ring = q->ring;
    clerk_call_t call = { 0 };
    clerk_answer_t answer = { 0 };
    clerk_event_t event = { .endpoint = clerk_api_jwks_name,
                            .answer = &answer,
                            .fix = clerk_api_jwks_fix };
    apr_time_t now;

    *held = NULL;
    clerk_api_write_jwks(q->realm, q->p, &call);
    event.status = ring->fetch.call(ring->fetch.self, &call, q->p, &answer);
    now = apr_time_now();
    if (event.status == CLERK_OK) {
        event.status = clerk_api_read_jwks(&answer, q->p);
        event.trace_id = clerk_api_trace_id(&answer, q->p);
    }
    if (event.status == CLERK_OK) {
        event.status = make_held(answer.body, now, held);
    }
    if (*held) {
        event.skipped = (*held)->set->skipped;
    }
    if (q->log->called) {
        q->log->called(q->log->self, &event);
    }
    if (event.status == CLERK_OK && (*held)->set->keys->nelts) {
        put_copy(q, answer.body, now);
    }
    return event.status;
}

/* Is the copy of another child an answer, be it that there is nothing new? */
static int load_copy(const query_t *q, apr_time_t than, held_t **held)
{
    apr_time_t now = apr_time_now();
    clerk_slice_t document;
    apr_time_t fetched_at;

    *held = NULL;
    if (!get_copy(q, now, &document, &fetched_at)) {
        return 0;
    }
    if (fetched_at > than) {
        return make_held(document, fetched_at, held) == CLERK_OK;
    }
    return now < fetched_at + COOL_DOWN;
}

/*
 * The copy of another child, if need be that of one which is fetching it
 * right now, or else our own fetch. CLERK_OK without a set: no news.
 */
static clerk_status_t load_set(const query_t *q, apr_time_t than, held_t **held)
{
    clerk_shared_t *shared = q->ring->cache.get ? q->ring->shared : NULL;
    apr_interval_time_t patience =
        apr_time_from_msec(q->realm->route.timeout_ms);
    apr_time_t until = apr_time_now() + patience;
    clerk_status_t status = CLERK_OK;
    int is_claimed = 0;

    while (!load_copy(q, than, held)) {
        if (is_claimed || !shared || apr_time_now() >= until) {
            status = fetch_set(q, held);
            break;
        }
        /* With the claim, look once more: the copy may just have come. */
        is_claimed = clerk_shared_claim(shared, q->instance->lane, patience);
        if (!is_claimed) {
            apr_sleep(LOOK_AGAIN);
        }
    }
    if (is_claimed) {
        clerk_shared_release(shared, q->instance->lane);
    }
    return status;
}

/*
 * Renew the set, if nobody is at it and it is not too soon. Whoever has no
 * set that would do waits for the one who renews it. With the mutex held on
 * entry and return.
 */
static void renew(const query_t *q, int must_wait, apr_time_t now)
{
    ring_t *ring = q->ring;
    instance_t *instance = q->instance;
    apr_interval_time_t patience =
        apr_time_from_msec(q->realm->route.timeout_ms);
    held_t *held = NULL;
    clerk_status_t status;
    apr_time_t than;

    if (instance->is_renewing) {
        while (
            must_wait && instance->is_renewing
            && apr_thread_cond_timedwait(ring->renewed, ring->mutex, patience)
                   == APR_SUCCESS) {
        }
        return;
    }
    if (now < instance->not_before) {
        return;
    }
    than = instance->current ? instance->current->fetched_at : 0;
    instance->is_renewing = 1;
    /* Stamped before the fetch, so that a dead Clerk is spared, too. */
    instance->not_before =
        now + (instance->current ? COOL_DOWN : COLD_COOL_DOWN);
    apr_thread_mutex_unlock(ring->mutex);
    status = load_set(q, than, &held);
    apr_thread_mutex_lock(ring->mutex);
    if (held && instance->current && held->set->keys->nelts == 0) {
        /* Clerk signs with something: keep what was good. */
        let_go(held);
        held = NULL;
    }
    instance->failure = status;
    if (!instance->current) {
        /* A failure may have taken a while. */
        instance->not_before = apr_time_now() + COLD_COOL_DOWN;
    }
    if (held) {
        /* The copy of another child may be old enough to look again. */
        instance->not_before = held->fetched_at + COOL_DOWN;
        let_go(instance->current);
        instance->current = held;
    }
    instance->is_renewing = 0;
    apr_thread_cond_broadcast(ring->renewed);
}

/* ------------------------------------------------------------------ */
/* The port                                                           */

/* A set to look into, renewed if it is old; NULL if there is none. */
static held_t *current_set(const query_t *q, clerk_status_t *failure)
{
    apr_time_t now = apr_time_now();
    held_t *held;

    apr_thread_mutex_lock(q->ring->mutex);
    held = take_hold(q->instance, now);
    if (!held || now >= held->fetched_at + FRESH) {
        renew(q, held == NULL, now);
        if (q->instance->current != held) {
            let_go(held);
            held = take_hold(q->instance, now);
        }
    }
    *failure = q->instance->failure != CLERK_OK ? q->instance->failure
                                                : CLERK_UNREACHABLE;
    apr_thread_mutex_unlock(q->ring->mutex);
    return held;
}

/*
 * A younger set than `old`, which lacks a kid; `old` itself if there is none.
 * `unknown` becomes the failure for which there is none: with Clerk away,
 * nobody can say that the key is not a new one.
 */
static held_t *younger_set(const query_t *q, held_t *old,
                           clerk_status_t *unknown)
{
    apr_time_t now = apr_time_now();

    apr_thread_mutex_lock(q->ring->mutex);
    if (q->instance->current == old) {
        renew(q, 1, now);
    }
    if (q->instance->current != old) {
        let_go(old);
        old = take_hold(q->instance, now);
    }
    else if (q->instance->failure != CLERK_OK) {
        *unknown = q->instance->failure;
    }
    apr_thread_mutex_unlock(q->ring->mutex);
    return old;
}

static void done_with(const query_t *q, held_t *held)
{
    apr_thread_mutex_lock(q->ring->mutex);
    let_go(held);
    apr_thread_mutex_unlock(q->ring->mutex);
}

static clerk_status_t check(void *self, const clerk_realm_t *realm,
                            const clerk_jwt_t *jwt, clerk_proof_t *proof,
                            apr_pool_t *p)
{
    query_t q = { .ring = self, .realm = realm, .log = proof->log, .p = p };
    const clerk_rsa_t *key = NULL;
    clerk_status_t unknown = CLERK_KEY_UNKNOWN;
    clerk_status_t status;
    held_t *held;

    apr_thread_mutex_lock(q.ring->mutex);
    q.instance = find_instance(q.ring, realm->keys_lane);
    apr_thread_mutex_unlock(q.ring->mutex);
    held = current_set(&q, &status);
    if (!held) {
        return status;
    }
    status = clerk_jwks_find(held->set, jwt->kid, jwt->alg, &key);
    if (status == CLERK_KEY_UNKNOWN) {
        held = younger_set(&q, held, &unknown);
        status = held ? clerk_jwks_find(held->set, jwt->kid, jwt->alg, &key)
                      : CLERK_UNREACHABLE;
    }
    if (status == CLERK_KEY_UNKNOWN) {
        status = unknown;
    }
    if (status == CLERK_OK) {
        status = clerk_crypto_rsa_verify(key, jwt->alg, jwt->signed_text,
                                         jwt->signature);
    }
    if (held) {
        proof->as_of = held->fetched_at;
        done_with(&q, held);
    }
    return status;
}

static apr_status_t drop_sets(void *data)
{
    ring_t *ring = data;
    instance_t *instance;

    for (instance = ring->instances; instance; instance = instance->next) {
        let_go(instance->current);
        instance->current = NULL;
    }
    return APR_SUCCESS;
}

clerk_status_t clerk_keyring_create(apr_pool_t *p,
                                    const clerk_fetch_port_t *fetch,
                                    const clerk_cache_port_t *cache,
                                    clerk_shared_t *shared,
                                    clerk_keys_port_t *port)
{
    ring_t *ring = apr_pcalloc(p, sizeof(*ring));

    memset(port, 0, sizeof(*port));
    if (apr_pool_create(&ring->p, p) != APR_SUCCESS
        || apr_thread_mutex_create(&ring->mutex, APR_THREAD_MUTEX_DEFAULT, p)
               != APR_SUCCESS
        || apr_thread_cond_create(&ring->renewed, p) != APR_SUCCESS) {
        return CLERK_INTERNAL;
    }
    ring->fetch = *fetch;
    ring->cache = *cache;
    ring->shared = shared;
    apr_pool_pre_cleanup_register(p, ring, drop_sets);
    port->self = ring;
    port->check = check;
    return CLERK_OK;
}
