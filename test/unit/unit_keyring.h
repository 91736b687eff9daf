/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit_keyring.h: a ring of keys among fakes: a Clerk, a cache and a log that
 * any number of threads may use. The ring reads the real clock, so age is what
 * a copy in the cache says of itself.
 */
#ifndef UNIT_KEYRING_H
#define UNIT_KEYRING_H

#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>

#include "unit_threads.h"
#include "unit_jwt.h"

#include "clerk_jwt.h"
#include "clerk_keycopy.h"
#include "clerk_keyring.h"
#include "clerk_realm.h"
#include "clerk_shared.h"

#define THREADS 16
#define STAMP 8 /* bytes before the document of a copy */

#define HEADER(kid) "{\"alg\":\"RS256\",\"kid\":\"" kid "\",\"typ\":\"JWT\"}"
#define PAYLOAD "{\"sub\":\"mch_1\",\"exp\":1785086400}"
#define ROTATED "{\"keys\":[" UNIT_JWK("new", "") "]}"

typedef struct world_t {
    apr_pool_t *p;
    apr_thread_mutex_t *mutex;
    clerk_fetch_port_t fetch;
    clerk_cache_port_t cache;
    clerk_log_port_t log;
    clerk_realm_t realm;
    clerk_keys_port_t keys;
    clerk_pending_t *pending;       /* NULL: as many wait as like */
    clerk_background_t *background; /* NULL: there is none */
    clerk_ages_book_t ages;         /* NULL: nobody wants to know */

    clerk_status_t says; /* of the port */
    int http;
    const char *body;
    apr_interval_time_t delay;
    int fetches;
    int given_up; /* of them */
    int events;
    clerk_status_t event; /* the last one's */
    int judged;
    char note[STAMP]; /* that Clerk was asked in vain */
    apr_size_t note_len;
    char copy[8192];
    apr_size_t copy_len; /* 0: none */
    apr_time_t copy_expires;
    int sets;
} world_t;

static inline clerk_status_t fetch(void *self, const clerk_call_t *call,
                                   apr_pool_t *p, clerk_answer_t *answer)
{
    world_t *world = self;
    clerk_status_t status;

    (void)p;
    if (strcmp(call->url, "https://clerk.example.test/.well-known/jwks.json")
            != 0
        || call->is_post || call->route->timeout_ms != 5000
        || call->is_background) {
        return CLERK_INTERNAL;
    }
    apr_thread_mutex_lock(world->mutex);
    world->fetches++;
    status = world->says;
    answer->http = world->http;
    answer->body = clerk_slice_str(world->body);
    answer->content_type = "application/json";
    apr_thread_mutex_unlock(world->mutex);
    if (unit_linger(world->delay, call->give_up)) {
        return status;
    }
    apr_thread_mutex_lock(world->mutex);
    world->given_up++;
    apr_thread_mutex_unlock(world->mutex);
    return CLERK_UNREACHABLE;
}

static inline void judge(void *self, const clerk_call_t *call,
                         clerk_status_t status, const clerk_answer_t *answer)
{
    world_t *world = self;

    (void)call;
    (void)status;
    (void)answer;
    apr_thread_mutex_lock(world->mutex);
    world->judged++;
    apr_thread_mutex_unlock(world->mutex);
}

/* Else it is the place of the note that there is none to be had. */
static inline int is_copy(const world_t *world, const unsigned char *key)
{
    unsigned char own[CLERK_SHA256_BYTES];

    return clerk_keycopy_key(world->realm.keys_lane, own) == CLERK_OK
           && memcmp(own, key, sizeof(own)) == 0;
}

static inline clerk_status_t get(void *self, const unsigned char *key,
                                 apr_pool_t *p, clerk_slice_t *bytes)
{
    world_t *world = self;
    int is_note = !is_copy(world, key);
    clerk_status_t status = CLERK_INTERNAL;

    apr_thread_mutex_lock(world->mutex);
    if (is_note ? world->note_len : world->copy_len) {
        *bytes = unit_exact(p, is_note ? world->note : world->copy,
                            is_note ? world->note_len : world->copy_len);
        status = CLERK_OK;
    }
    apr_thread_mutex_unlock(world->mutex);
    return status;
}

static inline void set(void *self, const unsigned char *key,
                       clerk_slice_t bytes, apr_time_t expires, apr_pool_t *p)
{
    world_t *world = self;
    int is_note = !is_copy(world, key);

    (void)p;
    apr_thread_mutex_lock(world->mutex);
    if (is_note && bytes.len == sizeof(world->note)) {
        memcpy(world->note, bytes.ptr, bytes.len);
        world->note_len = bytes.len;
    }
    else if (!is_note && bytes.len <= sizeof(world->copy)) {
        memcpy(world->copy, bytes.ptr, bytes.len);
        world->copy_len = bytes.len;
        world->copy_expires = expires;
        world->sets++;
    }
    apr_thread_mutex_unlock(world->mutex);
}

static inline void called(void *self, const clerk_event_t *event)
{
    world_t *world = self;

    apr_thread_mutex_lock(world->mutex);
    world->events++;
    world->event = event->status;
    apr_thread_mutex_unlock(world->mutex);
}

static inline void make_ring(world_t *world, clerk_shared_t *shared,
                             clerk_keys_port_t *keys)
{
    clerk_keyring_needs_t needs = {
        .fetch = world->fetch,
        .cache = world->cache,
        .slots = shared ? clerk_shared_slots(shared) : NULL,
        .pending = world->pending,
        .background = world->background,
        .log = world->log,
        .ages = world->ages,
    };

    assert_int_equal(clerk_keyring_create(world->p, &needs, keys), CLERK_OK);
}

static inline world_t *world_of(apr_pool_t *p)
{
    world_t *world = apr_pcalloc(p, sizeof(*world));

    world->p = p;
    world->fetch.self = world->cache.self = world->log.self = world;
    world->fetch.call = fetch;
    world->fetch.judge = judge;
    world->cache.get = get;
    world->cache.set = set;
    world->log.called = called;
    world->http = 200;
    world->body = UNIT_JWKS;
    world->realm.frontend_api = "https://clerk.example.test";
    world->realm.backend_api = "https://api.clerk.com/v1";
    world->realm.route.timeout_ms = 5000;
    assert_int_equal(clerk_realm_finish(&world->realm, p), CLERK_OK);
    assert_int_equal(
        apr_thread_mutex_create(&world->mutex, APR_THREAD_MUTEX_DEFAULT, p),
        APR_SUCCESS);
    make_ring(world, NULL, &world->keys);
    return world;
}

/* What the children share, as if it had been fetched `age` ago. */
static inline void put_copy(world_t *world, const char *document,
                            apr_interval_time_t age)
{
    apr_uint64_t stamp = (apr_uint64_t)(apr_time_now() - age);
    int i;

    for (i = 0; i < STAMP; i++) {
        world->copy[i] = (char)(unsigned char)(stamp >> (8 * (STAMP - 1 - i)));
    }
    world->copy_len = STAMP + strlen(document);
    assert_true(world->copy_len <= sizeof(world->copy));
    memcpy(world->copy + STAMP, document, strlen(document));
}

static inline clerk_jwt_t jwt_of(apr_pool_t *p, const char *header)
{
    const char *text = unit_signed_jwt(p, header, PAYLOAD, "SHA256");
    clerk_jwt_t jwt;

    assert_int_equal(clerk_jwt_read(p, clerk_slice_str(text), &jwt), CLERK_OK);
    return jwt;
}

static inline clerk_status_t check_by(world_t *world,
                                      const clerk_keys_port_t *keys,
                                      const clerk_jwt_t *jwt)
{
    clerk_proof_t proof = { .log = &world->log };
    clerk_status_t status;
    apr_pool_t *p;

    if (apr_pool_create(&p, NULL) != APR_SUCCESS) {
        return CLERK_INTERNAL;
    }
    status = keys->check(keys->self, &world->realm, jwt, &proof, p);
    apr_pool_destroy(p);
    return status;
}

static inline clerk_status_t check(world_t *world, const clerk_jwt_t *jwt)
{
    return check_by(world, &world->keys, jwt);
}

typedef struct worker_t {
    world_t *world;
    const clerk_keys_port_t *keys;
    const clerk_jwt_t *jwt;
    apr_thread_t *thread;
    apr_interval_time_t took;
    clerk_status_t status;
} worker_t;

static inline void *APR_THREAD_FUNC work(apr_thread_t *thread, void *data)
{
    worker_t *worker = data;
    apr_time_t start = apr_time_now();

    (void)thread;
    worker->status = check_by(worker->world, worker->keys, worker->jwt);
    worker->took = apr_time_now() - start;
    return NULL;
}

/* Many at once, by turns on one of `count` rings. */
static inline void check_together(world_t *world, const clerk_keys_port_t *keys,
                                  int count, const clerk_jwt_t *jwt,
                                  worker_t workers[THREADS])
{
    apr_status_t ignored;
    int i;

    for (i = 0; i < THREADS; i++) {
        workers[i].world = world;
        workers[i].keys = &keys[i % count];
        workers[i].jwt = jwt;
        assert_int_equal(apr_thread_create(&workers[i].thread, NULL, work,
                                           &workers[i], world->p),
                         APR_SUCCESS);
    }
    for (i = 0; i < THREADS; i++) {
        assert_int_equal(apr_thread_join(&ignored, workers[i].thread),
                         APR_SUCCESS);
    }
}

#endif
