/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit_metadata.h: copies of Clerk's documents among fakes: a Clerk, a cache
 * and a log that any number of threads may use, and a clock that can be set.
 */
#ifndef UNIT_METADATA_H
#define UNIT_METADATA_H

#include <sys/time.h>

#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>

#include "unit_threads.h"

#include "clerk_api.h"
#include "clerk_metadata.h"
#include "clerk_realm.h"

#define THREADS 16
#define SLOTS 4
#define SLOT_MAX (32 * 1024)

#define SERVER "/.well-known/oauth-authorization-server"
#define OPENID "/.well-known/openid-configuration"
#define OLD "{ \"issuer\": \"https://clerk.example.test\" , \"v\":1}\n"
#define NEW "{\"issuer\":\"https://clerk.example.test\",\"v\":2}"

#define SECONDS(n) apr_time_from_sec(n)
#define FRESH SECONDS(240)
#define COOL_DOWN SECONDS(30)

/* How far our clock is from everybody else's. */
static _Atomic apr_time_t shift;

/* How long this thread is kept from its work when next it has read the clock:
 * what it has read is out of date then. */
static __thread apr_interval_time_t nap;

/*
 * In the place of APR's, for this program alone: a copy's age is counted in
 * minutes, and no test may wait for them. Nobody may wait for another thread
 * while the clocks differ.
 */
APR_DECLARE(apr_time_t) apr_time_now(void)
{
    apr_interval_time_t pause = nap;
    struct timeval now;

    gettimeofday(&now, NULL);
    if (pause) {
        nap = 0;
        apr_sleep(pause);
    }
    return apr_time_make((apr_int64_t)now.tv_sec, (apr_int64_t)now.tv_usec)
           + shift;
}

typedef struct slot_t {
    unsigned char key[CLERK_SHA256_BYTES];
    int is_for_all; /* whatever the key */
    char bytes[SLOT_MAX];
    apr_size_t len;
    apr_time_t expires;
} slot_t;

typedef struct world_t {
    apr_pool_t *p;
    apr_thread_mutex_t *mutex;
    clerk_fetch_port_t fetch;
    clerk_cache_port_t cache;
    clerk_log_port_t log;
    clerk_realm_t realm;
    clerk_background_t *background; /* NULL: there is none */
    clerk_metadata_t *home;

    clerk_status_t says; /* of the port */
    int http;
    const char *body;
    int retry_after;
    apr_interval_time_t delay;
    int fetches;
    int given_up;    /* of them */
    const char *url; /* the last one's */
    int events;
    clerk_status_t event; /* the last one's */
    slot_t slots[SLOTS];
    int used; /* slots */
    int sets;
} world_t;

static inline clerk_status_t fetch(void *self, const clerk_call_t *call,
                                   apr_pool_t *p, clerk_answer_t *answer)
{
    world_t *world = self;
    clerk_status_t status;

    if (call->is_post || call->body.len
        || call->route->timeout_ms != world->realm.route.timeout_ms
        || call->answer_max != CLERK_METADATA_MAX
        || call->is_background != (call->give_up != NULL)
        || memcmp(call->lane, world->realm.keys_lane, CLERK_SHA256_BYTES)
               != 0) {
        return CLERK_INTERNAL;
    }
    apr_thread_mutex_lock(world->mutex);
    world->fetches++;
    world->url = apr_pstrdup(world->p, call->url);
    status = world->says;
    answer->http = world->http;
    answer->body = unit_text(p, world->body);
    answer->content_type = "application/json";
    answer->retry_after = world->retry_after;
    apr_thread_mutex_unlock(world->mutex);
    if (unit_linger(world->delay, call->give_up)) {
        return status;
    }
    apr_thread_mutex_lock(world->mutex);
    world->given_up++;
    apr_thread_mutex_unlock(world->mutex);
    return CLERK_UNREACHABLE;
}

/* With the mutex held. */
static inline slot_t *find_slot(world_t *world, const unsigned char *key)
{
    int i;

    for (i = 0; i < world->used; i++) {
        if (world->slots[i].is_for_all
            || memcmp(world->slots[i].key, key, CLERK_SHA256_BYTES) == 0) {
            return &world->slots[i];
        }
    }
    return NULL;
}

static inline clerk_status_t get(void *self, const unsigned char *key,
                                 apr_pool_t *p, clerk_slice_t *bytes)
{
    world_t *world = self;
    clerk_status_t status = CLERK_INTERNAL;
    slot_t *slot;

    apr_thread_mutex_lock(world->mutex);
    slot = find_slot(world, key);
    if (slot) {
        *bytes = unit_exact(p, slot->bytes, slot->len);
        status = CLERK_OK;
    }
    apr_thread_mutex_unlock(world->mutex);
    return status;
}

static inline void set(void *self, const unsigned char *key,
                       clerk_slice_t bytes, apr_time_t expires, apr_pool_t *p)
{
    world_t *world = self;
    slot_t *slot;

    (void)p;
    apr_thread_mutex_lock(world->mutex);
    slot = find_slot(world, key);
    if (!slot && world->used < SLOTS) {
        slot = &world->slots[world->used++];
        memcpy(slot->key, key, sizeof(slot->key));
    }
    if (slot && bytes.len <= sizeof(slot->bytes)) {
        memcpy(slot->bytes, bytes.ptr, bytes.len);
        slot->len = bytes.len;
        slot->expires = expires;
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
    if (!unit_same(event->endpoint, "metadata") || !event->answer
        || !event->fix) {
        world->event = CLERK_INTERNAL;
    }
    apr_thread_mutex_unlock(world->mutex);
}

static inline clerk_metadata_t *make_home(world_t *world)
{
    clerk_metadata_needs_t needs = { .fetch = world->fetch,
                                     .cache = world->cache,
                                     .background = world->background,
                                     .log = world->log };
    clerk_metadata_t *home;

    assert_int_equal(clerk_metadata_create(world->p, &needs, &home), CLERK_OK);
    return home;
}

static inline world_t *world_of(apr_pool_t *p)
{
    world_t *world = apr_pcalloc(p, sizeof(*world));

    shift = 0;
    world->p = p;
    world->fetch.self = world->cache.self = world->log.self = world;
    world->fetch.call = fetch;
    world->cache.get = get;
    world->cache.set = set;
    world->log.called = called;
    world->http = 200;
    world->body = OLD;
    world->realm.frontend_api = "https://clerk.example.test";
    world->realm.backend_api = "https://api.clerk.com/v1";
    world->realm.route.timeout_ms = 5000;
    assert_int_equal(clerk_realm_finish(&world->realm, p), CLERK_OK);
    assert_int_equal(
        apr_thread_mutex_create(&world->mutex, APR_THREAD_MUTEX_DEFAULT, p),
        APR_SUCCESS);
    world->home = make_home(world);
    return world;
}

/* What the children share, of whatever document. */
static inline void put_bytes(world_t *world, const char *bytes)
{
    assert_true(strlen(bytes) <= SLOT_MAX);
    world->used = 1;
    world->slots[0].is_for_all = 1;
    world->slots[0].len = strlen(bytes);
    memcpy(world->slots[0].bytes, bytes, strlen(bytes));
}

/* Likewise, as if it had been fetched `age` ago. */
static inline void put_copy(world_t *world, const char *document,
                            apr_interval_time_t age)
{
    put_bytes(world, apr_psprintf(world->p, "%" APR_TIME_T_FMT " %s",
                                  apr_time_now() - age, document));
}

/* What one call finds. `document` is NULL without one. */
typedef struct found_t {
    clerk_status_t status;
    const char *document;
    int is_news;
    int retry_after;
} found_t;

static inline found_t find_at(world_t *world, clerk_metadata_t *home,
                              const char *path, apr_pool_t *p)
{
    clerk_metadata_query_t query = { .realm = &world->realm,
                                     .path = path,
                                     .log = &world->log,
                                     .document = clerk_slice_str("left over"),
                                     .is_news = 7,
                                     .retry_after = 7 };
    found_t found = { .status = clerk_metadata_get(home, &query, p) };

    found.is_news = query.is_news;
    found.retry_after = query.retry_after;
    if (query.document.ptr) {
        found.document =
            apr_pstrmemdup(p, query.document.ptr, query.document.len);
    }
    return found;
}

static inline found_t find(world_t *world)
{
    return find_at(world, world->home, SERVER, world->p);
}

/* The document found, by a call that may not fail. */
#define SAME(found_, wanted) \
    do { \
        found_t it_ = (found_); \
        assert_int_equal(it_.status, CLERK_OK); \
        assert_non_null(it_.document); \
        assert_string_equal(it_.document, wanted); \
    } while (0)

typedef struct worker_t {
    world_t *world;
    clerk_metadata_t *home;
    int times;
    apr_interval_time_t nap; /* of the first time */
    apr_pool_t *p;
    apr_thread_t *thread;
    apr_interval_time_t took;
    found_t found; /* the last time */
} worker_t;

static inline void *APR_THREAD_FUNC work(apr_thread_t *thread, void *data)
{
    worker_t *worker = data;
    apr_time_t start = apr_time_now();
    int i;

    (void)thread;
    nap = worker->nap;
    for (i = 0; i < worker->times; i++) {
        apr_pool_clear(worker->p);
        worker->found = find_at(worker->world, worker->home, SERVER, worker->p);
    }
    worker->took = apr_time_now() - start;
    return NULL;
}

static inline void start(world_t *world, worker_t *worker, int times,
                         apr_interval_time_t first_nap)
{
    worker->world = world;
    worker->home = world->home;
    worker->times = times;
    worker->nap = first_nap;
    assert_int_equal(apr_pool_create(&worker->p, NULL), APR_SUCCESS);
    assert_int_equal(
        apr_thread_create(&worker->thread, NULL, work, worker, world->p),
        APR_SUCCESS);
}

static inline void join(worker_t *worker)
{
    apr_status_t ignored;

    assert_int_equal(apr_thread_join(&ignored, worker->thread), APR_SUCCESS);
}

/* Many at once, each as often as is said. */
static inline void find_together(world_t *world, int times,
                                 worker_t workers[THREADS])
{
    int i;

    for (i = 0; i < THREADS; i++) {
        start(world, &workers[i], times, 0);
    }
    for (i = 0; i < THREADS; i++) {
        join(&workers[i]);
    }
}

#endif
