/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_keyring.h"

#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

#include "clerk_api.h"
#include "clerk_jwks.h"
#include "clerk_jwt.h"
#include "clerk_keycopy.h"
#include "clerk_realm.h"
#include "clerk_steady.h"

#define FRESH apr_time_from_sec(5 * 60)
#define KEPT apr_time_from_sec(24 * 60 * 60)   /* while Clerk is away */
#define COOL_DOWN apr_time_from_sec(30)        /* between two renewals */
#define COLD_COOL_DOWN apr_time_from_msec(500) /* without any set */

/* A set in use; the last who lets go of it destroys its pool. */
typedef struct held_t {
    apr_pool_t *p;
    clerk_jwks_t *set;
    clerk_moment_t fetched_at;
    int users; /* guarded by the ring's mutex */
} held_t;

/* One instance of Clerk. */
typedef struct instance_t {
    unsigned char lane[CLERK_SHA256_BYTES];
    held_t *current; /* or NULL */
    int is_renewing;
    apr_time_t began;          /* with is_renewing; of clerk_steady */
    clerk_moment_t renewed_at; /* or tried to be */
    apr_interval_time_t rest;  /* from then on */
    clerk_status_t failure;    /* of the last renewal, or CLERK_OK */
    int retry_after;           /* seconds, with it */
    struct instance_t *next;
} instance_t;

typedef struct ring_t {
    apr_pool_t *p;
    apr_thread_mutex_t *mutex; /* guards all of the above */
    apr_thread_cond_t *renewed;
    clerk_keyring_needs_t needs;
    instance_t *instances; /* a few */
} ring_t;

/* One question on its way. */
typedef struct query_t {
    ring_t *ring;
    const clerk_realm_t *realm;
    const clerk_log_port_t *log;
    apr_pool_t *p;
    instance_t *instance;
    apr_time_t until; /* of clerk_steady: nobody waits for longer */
    int is_brief;     /* and no more than a moment, see join */
    int retry_after;  /* of a failure, in seconds */
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

static held_t *take_hold(instance_t *instance, clerk_moment_t now)
{
    held_t *held = instance->current;

    if (held && clerk_steady_since(held->fetched_at, now) >= KEPT) {
        instance->current = NULL;
        let_go(held);
        held = NULL;
    }
    if (held) {
        held->users++;
    }
    return held;
}

static clerk_keycopy_t copy_of(const query_t *q)
{
    clerk_keycopy_t copy = { &q->ring->needs.cache, q->instance->lane, q->p };

    return copy;
}

/* ------------------------------------------------------------------ */
/* Renewal                                                            */

static clerk_status_t make_held(clerk_slice_t document, apr_time_t fetched_at,
                                held_t **held)
{
    clerk_status_t status;
    clerk_moment_t now;
    apr_pool_t *p;

    *held = NULL;
    /* Without a parent: it lives as long as its last user. */
    if (apr_pool_create_unmanaged(&p) != APR_SUCCESS) {
        return CLERK_INTERNAL;
    }
    *held = apr_pcalloc(p, sizeof(**held));
    (*held)->p = p;
    now = clerk_steady_moment();
    (*held)->fetched_at = clerk_steady_later(now, fetched_at - now.day);
    (*held)->users = 1;
    status = clerk_jwks_read(p, document, &(*held)->set);
    if (status != CLERK_OK) {
        apr_pool_destroy(p);
        *held = NULL;
    }
    return status;
}

/* What is left of the time, for a call. */
static int time_left(const query_t *q)
{
    apr_interval_time_t left = q->until - clerk_steady_now();
    int ms = (int)apr_time_as_msec(left);

    return ms < 1 ? 1 : ms;
}

static clerk_status_t fetch_set(query_t *q, held_t **held)
{
    const clerk_fetch_port_t *port = &q->ring->needs.fetch;
    clerk_call_t call = { .timeout_ms = time_left(q) };
    clerk_answer_t answer = { 0 };
    clerk_event_t event = { .endpoint = clerk_api_jwks_name,
                            .answer = &answer,
                            .fix = clerk_api_jwks_fix };
    apr_time_t now;

    *held = NULL;
    clerk_api_write_jwks(q->realm, q->p, &call);
    event.status = port->call(port->self, &call, q->p, &answer);
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
    if (port->judge) {
        port->judge(port->self, &call, event.status, &answer);
    }
    q->retry_after = answer.retry_after;
    if (q->log->called) {
        q->log->called(q->log->self, &event);
    }
    if (event.status == CLERK_OK && (*held)->set->keys->nelts) {
        clerk_keycopy_t copy = copy_of(q);

        clerk_keycopy_put(&copy, answer.body, now + FRESH, now);
    }
    return event.status;
}

/* Is the copy of another child an answer, be it that there is nothing new? */
static int load_copy(const query_t *q, apr_time_t than, held_t **held)
{
    clerk_keycopy_t copy = copy_of(q);
    apr_time_t now = apr_time_now();
    clerk_slice_t document;
    apr_time_t fetched_at;

    *held = NULL;
    if (!clerk_keycopy_get(&copy, &document, &fetched_at)
        || fetched_at > now + COOL_DOWN || now >= fetched_at + FRESH) {
        return 0;
    }
    if (fetched_at > than) {
        return make_held(document, fetched_at, held) == CLERK_OK;
    }
    return now < fetched_at + COOL_DOWN;
}

/* Fetch it ourselves, or hear what became of it from who is at it. */
static clerk_status_t fetch_once(query_t *q, apr_time_t than, held_t **held)
{
    unsigned char key[CLERK_SHA256_BYTES];
    clerk_turn_wish_t wish = { .key = key,
                               .until = q->until,
                               .patience = q->until - clerk_steady_now() };
    clerk_turn_ticket_t ticket;
    clerk_turn_result_t result = { CLERK_OK, 0 };
    clerk_turn_t turn;

    if (!q->ring->needs.slots || !q->ring->needs.cache.get
        || clerk_keycopy_key(q->instance->lane, key) != CLERK_OK) {
        return fetch_set(q, held);
    }
    turn = clerk_slots_take(q->ring->needs.slots, &wish, &ticket, &result);
    if (turn == CLERK_TURN_LATE) {
        return CLERK_TIMED_OUT;
    }
    if (result.status != CLERK_OK) {
        q->retry_after = result.retry_after;
        return result.status;
    }
    /* The copy may just have come. */
    if (!load_copy(q, than, held)) {
        result.status = fetch_set(q, held);
        result.retry_after = q->retry_after;
    }
    clerk_slots_land(&ticket, key, &result);
    return result.status;
}

/* CLERK_OK without a set: no news. */
static clerk_status_t load_set(query_t *q, apr_time_t than, held_t **held)
{
    return load_copy(q, than, held) ? CLERK_OK : fetch_once(q, than, held);
}

/* With the mutex held. */
static void wait_for_renewal(const query_t *q)
{
    apr_time_t now = clerk_steady_now();

    for (; q->instance->is_renewing && now < q->until;
         now = clerk_steady_now()) {
        (void)apr_thread_cond_timedwait(q->ring->renewed, q->ring->mutex,
                                        q->until - now);
    }
}

/* What has come of a renewal. With the mutex held. */
static void settle(const query_t *q, held_t *held, clerk_status_t status)
{
    instance_t *instance = q->instance;

    if (held && instance->current && held->set->keys->nelts == 0) {
        /* Clerk signs with something: keep what was good. */
        let_go(held);
        held = NULL;
    }
    instance->failure = status;
    instance->retry_after = q->retry_after;
    if (!instance->current) {
        /* A failure may have taken a while. */
        instance->renewed_at = clerk_steady_moment();
        instance->rest = COLD_COOL_DOWN;
    }
    if (held) {
        /* The copy of another child may be old enough to look again. */
        instance->renewed_at = held->fetched_at;
        instance->rest = COOL_DOWN;
        let_go(instance->current);
        instance->current = held;
    }
    instance->is_renewing = 0;
    apr_thread_cond_broadcast(q->ring->renewed);
}

/*
 * Renew the set, if nobody is at it and it is not too soon. Whoever has no
 * set that would do waits for the one who renews it. With the mutex held on
 * entry and return.
 */
static void renew_now(query_t *q, clerk_moment_t now)
{
    instance_t *instance = q->instance;
    held_t *held = NULL;
    clerk_status_t status;
    apr_time_t than;

    than = instance->current ? instance->current->fetched_at.day : 0;
    instance->is_renewing = 1;
    /* Stamped before the fetch, so that a dead Clerk is spared, too. */
    instance->renewed_at = now;
    instance->rest = instance->current ? COOL_DOWN : COLD_COOL_DOWN;
    instance->began = now.steady;
    apr_thread_mutex_unlock(q->ring->mutex);
    status = load_set(q, than, &held);
    apr_thread_mutex_lock(q->ring->mutex);
    settle(q, held, status);
}

/* May one more wait for Clerk, if only for a moment? With the mutex held. */
static int join(query_t *q)
{
    clerk_pending_t *pending = q->ring->needs.pending;
    apr_time_t moment = q->instance->began + CLERK_PENDING_MOMENT;

    if (!pending || clerk_pending_join(pending, CLERK_PENDING_LONG)) {
        return 1;
    }
    if (q->instance->is_renewing && clerk_steady_now() < moment
        && clerk_pending_join(pending, CLERK_PENDING_BRIEF)) {
        q->until = moment < q->until ? moment : q->until;
        q->is_brief = 1;
        return 1;
    }
    return 0;
}

/* CLERK_PENDING_EXCEEDED when too many wait for Clerk already. */
static clerk_status_t renew(query_t *q, int must_wait, clerk_moment_t now)
{
    const instance_t *instance = q->instance;
    int is_renewing = instance->is_renewing;

    if (is_renewing
            ? !must_wait
            : clerk_steady_since(instance->renewed_at, now) < instance->rest) {
        return CLERK_OK;
    }
    if (!join(q)) {
        return CLERK_PENDING_EXCEEDED;
    }
    if (is_renewing) {
        wait_for_renewal(q);
    }
    else {
        renew_now(q, now);
    }
    if (q->ring->needs.pending) {
        clerk_pending_leave(q->ring->needs.pending);
    }
    return instance->is_renewing && q->is_brief ? CLERK_PENDING_EXCEEDED
                                                : CLERK_OK;
}

/* Why there is no set that would do. With the mutex held. */
static clerk_status_t failure_of(query_t *q, clerk_status_t renewed)
{
    if (renewed != CLERK_OK) {
        q->retry_after = 1;
        return renewed;
    }
    q->retry_after = q->instance->retry_after;
    return q->instance->is_renewing ? CLERK_TIMED_OUT : q->instance->failure;
}

/* ------------------------------------------------------------------ */
/* The port                                                           */

/* A set to look into, renewed if it is old; NULL if there is none. */
static held_t *current_set(query_t *q, clerk_status_t *failure)
{
    clerk_moment_t now = clerk_steady_moment();
    clerk_status_t renewed = CLERK_OK;
    held_t *held;

    apr_thread_mutex_lock(q->ring->mutex);
    held = take_hold(q->instance, now);
    if (!held || clerk_steady_since(held->fetched_at, now) >= FRESH) {
        renewed = renew(q, held == NULL, now);
        if (q->instance->current != held) {
            let_go(held);
            held = take_hold(q->instance, now);
        }
    }
    *failure = failure_of(q, renewed);
    if (*failure == CLERK_OK) {
        *failure = CLERK_UNREACHABLE;
    }
    apr_thread_mutex_unlock(q->ring->mutex);
    return held;
}

/*
 * A younger set than `old`, which lacks a kid; `old` itself if there is none.
 * `unknown` becomes the failure for which there is none: with Clerk away,
 * nobody can say that the key is not a new one.
 */
static held_t *younger_set(query_t *q, held_t *old, clerk_status_t *unknown)
{
    clerk_moment_t now = clerk_steady_moment();
    clerk_status_t renewed = CLERK_OK;

    apr_thread_mutex_lock(q->ring->mutex);
    if (q->instance->current == old) {
        renewed = renew(q, 1, now);
    }
    if (q->instance->current != old) {
        let_go(old);
        old = take_hold(q->instance, now);
    }
    else if (failure_of(q, renewed) != CLERK_OK) {
        *unknown = failure_of(q, renewed);
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
    query_t q = {
        .ring = self,
        .realm = realm,
        .log = proof->log,
        .p = p,
        .until =
            clerk_steady_now() + apr_time_from_msec(realm->route.timeout_ms),
    };
    const clerk_rsa_t *key = NULL;
    clerk_status_t unknown = CLERK_KEY_UNKNOWN;
    clerk_status_t status;
    held_t *held;

    apr_thread_mutex_lock(q.ring->mutex);
    q.instance = find_instance(q.ring, realm->keys_lane);
    apr_thread_mutex_unlock(q.ring->mutex);
    held = current_set(&q, &status);
    if (!held) {
        proof->retry_after = q.retry_after;
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
        proof->retry_after = q.retry_after;
    }
    if (status == CLERK_OK) {
        status = clerk_crypto_rsa_verify(key, jwt->alg, jwt->signed_text,
                                         jwt->signature);
    }
    if (held) {
        proof->as_of = held->fetched_at.day;
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
                                    const clerk_keyring_needs_t *needs,
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
    ring->needs = *needs;
    apr_pool_pre_cleanup_register(p, ring, drop_sets);
    port->self = ring;
    port->check = check;
    return CLERK_OK;
}
