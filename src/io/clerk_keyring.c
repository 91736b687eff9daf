/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_keyring.h"

#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

#include "clerk_jwt.h"
#include "clerk_keysource.h"
#include "clerk_realm.h"
#include "clerk_renewal.h"
#include "clerk_steady.h"

#define COLD_COOL_DOWN apr_time_from_msec(500) /* without any set */
/* How soon it is seen what has become of a renewal of another process. */
#define LOOK_AGAIN apr_time_from_sec(1)

/* One instance of Clerk. */
typedef struct instance_t {
    unsigned char lane[CLERK_SHA256_BYTES];
    clerk_keyset_t *current; /* or NULL */
    int is_renewing;
    apr_uint32_t renewals;     /* that have ended */
    int waiting;               /* for this one, counted as pending */
    apr_time_t began;          /* with is_renewing; of clerk_steady */
    int is_left;               /* by the last renewal, to somebody else */
    clerk_moment_t renewed_at; /* or tried to be */
    apr_interval_time_t rest;  /* from then on */
    clerk_status_t failure;    /* of the last renewal, or CLERK_OK */
    int retry_after;           /* seconds, with it */
    int is_offered;            /* to the background, which is not done yet */
    clerk_moment_t offered_at;
    struct instance_t *next;
} instance_t;

typedef struct ring_t {
    apr_pool_t *p;
    apr_thread_mutex_t *mutex; /* guards the instances, and users of sets */
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
    clerk_keys_hurry_t hurry;
    int retry_after; /* of a failure, in seconds */
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

static clerk_keyset_t *take_hold(instance_t *instance, clerk_moment_t now)
{
    clerk_keyset_t *held = instance->current;

    if (held && clerk_keyset_is_over(held, now)) {
        instance->current = NULL;
        clerk_keyset_let_go(held);
        held = NULL;
    }
    if (held) {
        held->users++;
    }
    return held;
}

static int is_resting(const instance_t *instance, clerk_moment_t now)
{
    return clerk_steady_since(instance->renewed_at, now) < instance->rest;
}

/* ------------------------------------------------------------------ */
/* Renewal                                                            */

static void leave(const query_t *q)
{
    if (q->ring->needs.pending) {
        clerk_pending_leave(q->ring->needs.pending);
    }
}

/* Has it ended in time? With the mutex held. */
static int wait_for_renewal(const query_t *q)
{
    instance_t *instance = q->instance;
    apr_uint32_t renewals = instance->renewals;
    apr_time_t now = clerk_steady_now();

    instance->waiting++;
    for (; instance->renewals == renewals && now < q->until;
         now = clerk_steady_now()) {
        (void)apr_thread_cond_timedwait(q->ring->renewed, q->ring->mutex,
                                        q->until - now);
    }
    if (instance->renewals == renewals) {
        instance->waiting--;
        leave(q);
        return 0;
    }
    return 1;
}

/* Nobody waits any more, though some do not run yet. With the mutex held. */
static void end_renewal(const query_t *q)
{
    instance_t *instance = q->instance;

    instance->is_renewing = 0;
    instance->renewals++;
    for (; instance->waiting; instance->waiting--) {
        leave(q);
    }
    apr_thread_cond_broadcast(q->ring->renewed);
}

/* What has come of a renewal that began then. With the mutex held. */
static void settle(instance_t *instance, clerk_keyset_t *held,
                   clerk_moment_t began, clerk_status_t status)
{
    if (held && instance->current && held->set->keys->nelts == 0) {
        /* Clerk signs with something: keep what was good. */
        clerk_keyset_let_go(held);
        held = NULL;
    }
    instance->failure = status;
    /* Since before the fetch, so that a dead Clerk is spared, too; but without
     * any set a failure may have taken a while. */
    instance->renewed_at = instance->current ? began : clerk_steady_moment();
    instance->rest = instance->current ? CLERK_KEYS_COOL_DOWN : COLD_COOL_DOWN;
    if (held) {
        /* The copy of another child may be old enough to look again. */
        instance->renewed_at = held->fetched_at;
        instance->rest = CLERK_KEYS_COOL_DOWN;
        clerk_keyset_let_go(instance->current);
        instance->current = held;
    }
}

/* Renew the set. With the mutex held on entry and return. */
static void renew_now(const query_t *q, clerk_moment_t now)
{
    instance_t *instance = q->instance;
    clerk_keysource_t source = { .needs = &q->ring->needs,
                                 .realm = q->realm,
                                 .log = q->log,
                                 .p = q->p,
                                 .hurry = q->hurry,
                                 .until = q->until };
    clerk_keyset_t *held = NULL;
    clerk_status_t status;

    source.than = instance->current ? instance->current->fetched_at.day : 0;
    instance->is_renewing = 1;
    instance->began = now.steady;
    apr_thread_mutex_unlock(q->ring->mutex);
    status = clerk_keysource_load(&source, &held);
    apr_thread_mutex_lock(q->ring->mutex);
    instance->is_left = source.is_left;
    if (!source.is_left) {
        instance->retry_after = source.retry_after;
        settle(instance, held, now, status);
    }
    if (instance->current) {
        clerk_ages_note(&q->ring->needs.ages, q->realm,
                        instance->current->fetched_at);
    }
    end_renewal(q);
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

/*
 * Renew the set, if nobody is at it and it is not too soon; else wait for who
 * is at it, if one must. CLERK_PENDING_EXCEEDED when too many wait for Clerk
 * already. With the mutex held.
 */
static clerk_status_t renew(query_t *q, int must_wait, clerk_moment_t now)
{
    const instance_t *instance = q->instance;

    if (instance->is_renewing ? !must_wait : is_resting(instance, now)) {
        return CLERK_OK;
    }
    if (!join(q)) {
        return CLERK_PENDING_EXCEEDED;
    }
    if (!instance->is_renewing) {
        renew_now(q, now);
        leave(q);
    }
    else if (!wait_for_renewal(q)) {
        return q->is_brief ? CLERK_PENDING_EXCEEDED : CLERK_OK;
    }
    else if (instance->is_left && !instance->is_renewing && !q->is_brief
             && clerk_steady_now() < q->until && join(q)) {
        /* By one who could do without. */
        renew_now(q, clerk_steady_moment());
        leave(q);
    }
    return CLERK_OK;
}

/* ------------------------------------------------------------------ */
/* In the background                                                  */

static void run_renewal(const clerk_renewal_t *renewal,
                        const clerk_realm_t *realm, apr_pool_t *p)
{
    ring_t *ring = renewal->home;
    clerk_moment_t now = clerk_steady_moment();
    query_t q = { .ring = ring,
                  .realm = realm,
                  .log = &ring->needs.log,
                  .p = p,
                  .instance = renewal->item,
                  .until =
                      now.steady + apr_time_from_msec(realm->route.timeout_ms),
                  .hurry = CLERK_KEYS_EARLY };

    apr_thread_mutex_lock(ring->mutex);
    /* Somebody who could not wait may have been quicker. */
    if (q.instance->current && clerk_keyset_is_due(q.instance->current, now)
        && !q.instance->is_renewing && !is_resting(q.instance, now)) {
        renew_now(&q, now);
    }
    q.instance->is_offered = 0;
    apr_thread_mutex_unlock(ring->mutex);
}

static void drop_renewal(const clerk_renewal_t *renewal)
{
    ring_t *ring = renewal->home;
    instance_t *instance = renewal->item;

    apr_thread_mutex_lock(ring->mutex);
    instance->is_offered = 0;
    apr_thread_mutex_unlock(ring->mutex);
}

/*
 * Somebody is at it, or was just now; or have the background do it. False when
 * nobody does it. With the mutex held.
 */
static int is_seen_to(const query_t *q, clerk_moment_t now)
{
    instance_t *instance = q->instance;
    const clerk_renewal_t renewal = { q->ring, instance, run_renewal,
                                      drop_renewal };

    if (instance->is_renewing || instance->is_offered
        || is_resting(instance, now)
        || clerk_steady_since(instance->offered_at, now) < LOOK_AGAIN) {
        return 1;
    }
    if (!clerk_renewal_offer(q->ring->needs.background, &renewal, q->realm)) {
        return 0;
    }
    instance->is_offered = 1;
    instance->offered_at = now;
    return 1;
}

/* ------------------------------------------------------------------ */

static int has_failed_of_late(const instance_t *instance, clerk_moment_t now)
{
    return instance->failure != CLERK_OK
           && clerk_steady_since(instance->renewed_at, now)
                  < CLERK_KEYSET_FRESH;
}

/*
 * The background has it, or, when that came to it, another process was at it:
 * for no longer than a call may take. A job may stand behind others, and the
 * other process may have ended.
 */
static int is_on_its_way(const query_t *q, clerk_moment_t now)
{
    const instance_t *instance = q->instance;

    return (instance->is_offered || instance->is_left)
           && clerk_steady_since(instance->offered_at, now)
                  < apr_time_from_msec(q->realm->route.timeout_ms);
}

/*
 * Somebody needs a set, and this one is too old to be believed just like that.
 * Where the background takes nothing, each attempt is made by one who waits for
 * it: that is slow, but an old set that nobody renews would be believed for a
 * day. With the mutex held.
 */
static clerk_status_t renew_old(query_t *q, clerk_moment_t now)
{
    const instance_t *instance = q->instance;
    clerk_status_t renewed;

    if ((is_on_its_way(q, now) || has_failed_of_late(instance, now))
        && is_seen_to(q, now)) {
        return CLERK_OK;
    }
    q->hurry = CLERK_KEYS_OLD;
    renewed = renew(q, 0, now);
    q->hurry = CLERK_KEYS_NEEDED;
    if (renewed != CLERK_OK) {
        (void)is_seen_to(q, now);
    }
    else if (instance->is_left && !is_seen_to(q, now)) {
        renewed = renew(q, 0, now);
    }
    return renewed;
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
static clerk_keyset_t *current_set(query_t *q, clerk_status_t *failure)
{
    clerk_moment_t now = clerk_steady_moment();
    clerk_status_t renewed = CLERK_OK;
    clerk_keyset_t *held;

    apr_thread_mutex_lock(q->ring->mutex);
    held = take_hold(q->instance, now);
    if (!held || clerk_keyset_is_old(held, now)) {
        renewed = held ? renew_old(q, now) : renew(q, 1, now);
        if (q->instance->current != held) {
            clerk_keyset_let_go(held);
            held = take_hold(q->instance, now);
        }
    }
    else if (clerk_keyset_is_due(held, now)) {
        /* Should nobody take it, the next one tries. */
        (void)is_seen_to(q, now);
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
static clerk_keyset_t *younger_set(query_t *q, clerk_keyset_t *old,
                                   clerk_status_t *unknown)
{
    clerk_moment_t now = clerk_steady_moment();
    clerk_status_t renewed = CLERK_OK;

    apr_thread_mutex_lock(q->ring->mutex);
    if (q->instance->current == old) {
        renewed = renew(q, 1, now);
    }
    if (q->instance->current != old) {
        clerk_keyset_let_go(old);
        old = take_hold(q->instance, now);
    }
    else if (failure_of(q, renewed) != CLERK_OK) {
        *unknown = failure_of(q, renewed);
    }
    apr_thread_mutex_unlock(q->ring->mutex);
    return old;
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
    clerk_keyset_t *held;

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
        proof->as_of = clerk_keyset_as_of(held, apr_time_now());
        apr_thread_mutex_lock(q.ring->mutex);
        clerk_keyset_let_go(held);
        apr_thread_mutex_unlock(q.ring->mutex);
    }
    return status;
}

static apr_status_t drop_sets(void *data)
{
    ring_t *ring = data;
    instance_t *instance;

    for (instance = ring->instances; instance; instance = instance->next) {
        clerk_keyset_let_go(instance->current);
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
