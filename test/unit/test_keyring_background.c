/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of keys that is renewed while everybody goes on with the old one: when
 * that is begun, who waits all the same, and how it ends.
 */
#include <sys/time.h>

#include "unit_keyring.h"

#include "clerk_steady.h"

#define SECONDS(n) apr_time_from_sec(n)
#define QUICK apr_time_from_msec(300)
#define SLOW apr_time_from_msec(600)

/* How far our clock is from everybody else's. */
static apr_time_t shift;

/* In the place of APR's, for this program alone: age is counted in minutes. */
APR_DECLARE(apr_time_t) apr_time_now(void)
{
    struct timeval now;

    gettimeofday(&now, NULL);
    return apr_time_make((apr_int64_t)now.tv_sec, (apr_int64_t)now.tv_usec)
           + __atomic_load_n(&shift, __ATOMIC_ACQUIRE);
}

static void later(apr_interval_time_t length)
{
    __atomic_add_fetch(&shift, length, __ATOMIC_ACQ_REL);
}

/* Also where a test fails: its pool waits for the threads. */
static apr_status_t stop(void *data)
{
    clerk_background_stop(data);
    return APR_SUCCESS;
}

/* With a background, and a ring that has a set of that age. */
static world_t *world_with(apr_pool_t *p, const clerk_jwt_t *jwt, int age)
{
    world_t *world = world_of(p);

    assert_int_equal(clerk_background_create(p, &world->background), CLERK_OK);
    apr_pool_pre_cleanup_register(p, world->background, stop);
    make_ring(world, NULL, &world->keys);
    put_copy(world, UNIT_JWKS, 0);
    assert_int_equal(check(world, jwt), CLERK_OK);
    later(SECONDS(age));
    world->body = ROTATED;
    return world;
}

static clerk_status_t timed(world_t *world, const clerk_keys_port_t *keys,
                            const clerk_jwt_t *jwt, apr_interval_time_t *took)
{
    apr_time_t began = clerk_steady_now();
    clerk_status_t status = check_by(world, keys, jwt);

    *took = clerk_steady_now() - began;
    return status;
}

/* A check that waits for nobody. */
#define AT_ONCE(world, keys, jwt, wanted) \
    do { \
        apr_interval_time_t took_; \
        assert_int_equal(timed(world, keys, jwt, &took_), wanted); \
        assert_true(took_ < QUICK); \
    } while (0)

/* Ask until so many renewals have come to an end; no question waits for any. */
static void use_until(world_t *world, const clerk_keys_port_t *keys,
                      const clerk_jwt_t *jwt, int events)
{
    int i;

    for (i = 0; i < 3000 && unit_locked(world->mutex, &world->events) < events;
         i++) {
        AT_ONCE(world, keys, jwt, CLERK_OK);
        apr_sleep(1000);
    }
    assert_int_equal(unit_locked(world->mutex, &world->events), events);
}

/* Until the renewal has come to something. */
static void wait_for_key(world_t *world, const clerk_keys_port_t *keys,
                         const clerk_jwt_t *jwt, clerk_status_t wanted)
{
    int i;

    for (i = 0; i < 3000 && check_by(world, keys, jwt) != wanted; i++) {
        apr_sleep(1000);
    }
    assert_int_equal(check_by(world, keys, jwt), wanted);
}

static void end(world_t *world)
{
    (void)stop(world->background);
}

/* ------------------------------------------------------------------ */
/* In use                                                             */

static void a_set_in_use_is_renewed_early(void **state)
{
    clerk_jwt_t old = jwt_of(*state, HEADER(UNIT_KID));
    clerk_jwt_t new = jwt_of(*state, HEADER("new"));
    world_t *world = world_with(*state, &old, 238);
    int i;

    AT_ONCE(world, &world->keys, &old, CLERK_OK);
    assert_int_equal(unit_locked(world->mutex, &world->fetches), 0);
    later(SECONDS(3));
    world->delay = SLOW;
    for (i = 0; i < 20; i++) {
        AT_ONCE(world, &world->keys, &old, CLERK_OK);
    }
    unit_await_locked(world->mutex, &world->events, 1);
    wait_for_key(world, &world->keys, &old, CLERK_KEY_UNKNOWN);
    AT_ONCE(world, &world->keys, &new, CLERK_OK);
    assert_int_equal(unit_locked(world->mutex, &world->fetches), 1);
    assert_int_equal(world->event, CLERK_OK);
    assert_int_equal(world->sets, 1);
    end(world);
}

/* Whoever is believed for the sake of a cached proof has to come by while there
 * is time for a renewal. */
static void what_is_proved_is_remembered_until_then(void **state)
{
    clerk_jwt_t jwt = jwt_of(*state, HEADER(UNIT_KID));
    world_t *world = world_of(*state);
    clerk_proof_t proof = { .log = &world->log };
    apr_time_t now = apr_time_now();

    assert_int_equal(world->keys.check(world->keys.self, &world->realm, &jwt,
                                       &proof, *state),
                     CLERK_OK);
    assert_in_range(proof.as_of, now - SECONDS(61), now - SECONDS(59));
}

static void while_clerk_hangs_nobody_waits(void **state)
{
    clerk_jwt_t jwt = jwt_of(*state, HEADER(UNIT_KID));
    world_t *world = world_with(*state, &jwt, 241);
    int attempt;

    world->says = CLERK_TIMED_OUT;
    /* For an hour. */
    for (attempt = 1; attempt <= 120; attempt++) {
        world->delay = attempt < 4 ? SLOW : apr_time_from_msec(1);
        use_until(world, &world->keys, &jwt, attempt);
        /* Not before the cool-down is over. */
        AT_ONCE(world, &world->keys, &jwt, CLERK_OK);
        assert_int_equal(unit_locked(world->mutex, &world->fetches), attempt);
        later(SECONDS(30));
    }
    world->says = CLERK_OK;
    AT_ONCE(world, &world->keys, &jwt, CLERK_OK);
    wait_for_key(world, &world->keys, &jwt, CLERK_KEY_UNKNOWN);
    end(world);
}

static void nobody_believes_it_for_more_than_a_day(void **state)
{
    clerk_jwt_t jwt = jwt_of(*state, HEADER(UNIT_KID));
    world_t *world = world_with(*state, &jwt, 241);
    int hour;

    world->says = CLERK_UNREACHABLE;
    for (hour = 1; hour <= 23; hour++) {
        AT_ONCE(world, &world->keys, &jwt, CLERK_OK);
        later(SECONDS(3600));
    }
    later(SECONDS(3600));
    assert_int_equal(check(world, &jwt), CLERK_UNREACHABLE);
    end(world);
}

/* Who does not know the key has nothing to go on with. */
static void an_unknown_kid_waits_for_it(void **state)
{
    clerk_jwt_t old = jwt_of(*state, HEADER(UNIT_KID));
    clerk_jwt_t new = jwt_of(*state, HEADER("new"));
    world_t *world = world_with(*state, &old, 241);
    worker_t workers[THREADS];
    int i;

    world->delay = SLOW;
    AT_ONCE(world, &world->keys, &old, CLERK_OK);
    unit_await_locked(world->mutex, &world->fetches, 1);
    check_together(world, &world->keys, 1, &new, workers);
    for (i = 0; i < THREADS; i++) {
        assert_int_equal(workers[i].status, CLERK_OK);
    }
    assert_int_equal(world->fetches, 1);
    end(world);
}

/* ClerkMaxPending is about those who wait. */
static void the_background_is_nobody_who_waits(void **state)
{
    clerk_jwt_t jwt = jwt_of(*state, HEADER(UNIT_KID));
    clerk_pending_t pending;
    world_t *world;

    world = world_with(*state, &jwt, 241);
    clerk_pending_init(&pending, 1, 1);
    world->pending = &pending;
    make_ring(world, NULL, &world->keys);
    put_copy(world, UNIT_JWKS, SECONDS(241));
    assert_int_equal(check(world, &jwt), CLERK_OK);
    world->delay = SLOW;
    AT_ONCE(world, &world->keys, &jwt, CLERK_OK);
    unit_await_locked(world->mutex, &world->fetches, 1);
    assert_int_equal(__atomic_load_n(&pending.count, __ATOMIC_RELAXED), 0);
    end(world);
}

/* ------------------------------------------------------------------ */
/* Not in use                                                         */

/* Clerk may have withdrawn the key. */
static void an_idle_set_is_renewed_before_it_is_believed(void **state)
{
    static const int ages[] = { 301, 3600, 80000 };
    clerk_jwt_t old = jwt_of(*state, HEADER(UNIT_KID));
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(ages); i++) {
        world_t *world = world_with(*state, &old, ages[i]);

        world->delay = apr_time_from_msec(20);
        assert_int_equal(check(world, &old), CLERK_KEY_UNKNOWN);
        assert_int_equal(world->fetches, 1);
        end(world);
    }
}

static void an_idle_set_is_waited_for_once(void **state)
{
    clerk_jwt_t jwt = jwt_of(*state, HEADER(UNIT_KID));
    world_t *world = world_with(*state, &jwt, 3600);
    apr_interval_time_t took;
    int attempt;

    world->says = CLERK_TIMED_OUT;
    world->delay = SLOW;
    assert_int_equal(timed(world, &world->keys, &jwt, &took), CLERK_OK);
    assert_true(took >= SLOW);
    for (attempt = 2; attempt <= 4; attempt++) {
        later(SECONDS(attempt == 4 ? 270 : 31));
        use_until(world, &world->keys, &jwt, attempt);
    }
    /* And idle again: that Clerk was away once says nothing of now. */
    apr_sleep(SLOW / 4);
    later(SECONDS(301));
    world->says = CLERK_OK;
    assert_int_equal(check(world, &jwt), CLERK_KEY_UNKNOWN);
    end(world);
}

/* What one process knows of Clerk's absence the others need not find out. */
static void another_process_has_waited(void **state)
{
    clerk_jwt_t jwt = jwt_of(*state, HEADER(UNIT_KID));
    world_t *world = world_with(*state, &jwt, 0);
    clerk_keys_port_t second;

    make_ring(world, NULL, &second);
    assert_int_equal(check_by(world, &second, &jwt), CLERK_OK);
    later(SECONDS(3600));
    world->says = CLERK_TIMED_OUT;
    assert_int_equal(check(world, &jwt), CLERK_OK);
    assert_int_equal(world->events, 1);
    world->delay = SLOW;
    use_until(world, &second, &jwt, 2);
    /* That was long ago. */
    apr_sleep(SLOW / 4);
    later(SECONDS(301));
    world->says = CLERK_OK;
    assert_int_equal(check_by(world, &second, &jwt), CLERK_KEY_UNKNOWN);
    end(world);
}

static void a_note_out_of_its_time_is_none(void **state)
{
    static const int ages[] = { -1, -3600, 300, 3600 };
    clerk_jwt_t jwt = jwt_of(*state, HEADER(UNIT_KID));
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(ages); i++) {
        world_t *world = world_with(*state, &jwt, 3600);
        clerk_keycopy_t copy = { &world->cache, world->realm.keys_lane,
                                 *state };

        clerk_keycopy_put_failure(&copy, 0, apr_time_now() - SECONDS(ages[i]));
        assert_int_equal(world->note_len, STAMP);
        assert_int_equal(check(world, &jwt), CLERK_KEY_UNKNOWN);
        end(world);
    }
}

/* ------------------------------------------------------------------ */
/* Other processes                                                    */

static void one_process_does_it_for_all(void **state)
{
    clerk_jwt_t old = jwt_of(*state, HEADER(UNIT_KID));
    clerk_jwt_t new = jwt_of(*state, HEADER("new"));
    world_t *world = world_with(*state, &old, 0);
    clerk_keys_port_t keys[4];
    clerk_shared_t *shared;
    int i;

    assert_int_equal(clerk_shared_create(*state, &shared), CLERK_OK);
    for (i = 0; i < 4; i++) {
        make_ring(world, shared, &keys[i]);
        assert_int_equal(check_by(world, &keys[i], &old), CLERK_OK);
    }
    later(SECONDS(241));
    world->delay = SLOW;
    for (i = 0; i < 4; i++) {
        AT_ONCE(world, &keys[i], &old, CLERK_OK);
    }
    unit_await_locked(world->mutex, &world->fetches, 1);
    /* Another process is at it: here nobody is kept from waiting for that. */
    assert_int_equal(check_by(world, &keys[3], &new), CLERK_OK);
    unit_await_locked(world->mutex, &world->events, 1);
    /* What it has fetched the others find, and nobody asks again. */
    later(SECONDS(31));
    for (i = 0; i < 4; i++) {
        AT_ONCE(world, &keys[i], &new, CLERK_OK);
    }
    assert_int_equal(unit_locked(world->mutex, &world->fetches), 1);
    end(world);
}

/* ------------------------------------------------------------------ */
/* The end                                                            */

static void at_the_end_a_call_is_given_up(void **state)
{
    clerk_jwt_t jwt = jwt_of(*state, HEADER(UNIT_KID));
    world_t *world = world_with(*state, &jwt, 241);
    clerk_shared_t *shared;
    apr_time_t began;
    int is_shared;

    assert_int_equal(clerk_shared_create(*state, &shared), CLERK_OK);
    for (is_shared = 0; is_shared < 2; is_shared++) {
        world = world_with(*state, &jwt, 0);
        make_ring(world, is_shared ? shared : NULL, &world->keys);
        assert_int_equal(check(world, &jwt), CLERK_OK);
        later(SECONDS(241));
        world->delay = SECONDS(60);
        assert_int_equal(check(world, &jwt), CLERK_OK);
        unit_await_locked(world->mutex, &world->fetches, 1);
        began = clerk_steady_now();
        end(world);
        assert_true(clerk_steady_now() - began < SECONDS(2));
        assert_int_equal(world->given_up, 1);
        /* Nobody is told, and nothing is held against Clerk. */
        assert_int_equal(world->events + world->judged, 0);
        assert_int_equal(world->note_len, 0);
        AT_ONCE(world, &world->keys, &jwt, CLERK_OK);
    }
}

/* Where the background takes nothing, all is as it would be without one. */
static void without_a_background_one_waits(void **state)
{
    clerk_jwt_t old = jwt_of(*state, HEADER(UNIT_KID));
    clerk_jwt_t new = jwt_of(*state, HEADER("new"));
    world_t *world = world_with(*state, &old, 241);

    end(world);
    AT_ONCE(world, &world->keys, &old, CLERK_OK);
    assert_int_equal(world->fetches, 0);
    later(SECONDS(60));
    world->says = CLERK_UNREACHABLE;
    AT_ONCE(world, &world->keys, &old, CLERK_OK);
    AT_ONCE(world, &world->keys, &old, CLERK_OK);
    assert_int_equal(world->fetches, 1);
    later(SECONDS(31));
    world->says = CLERK_OK;
    assert_int_equal(check(world, &old), CLERK_KEY_UNKNOWN);
    assert_int_equal(check(world, &new), CLERK_OK);
    assert_int_equal(world->fetches, 2);
}

/* An .htaccess makes realms that end with their request. */
static void the_realm_may_be_gone(void **state)
{
    clerk_jwt_t jwt = jwt_of(*state, HEADER(UNIT_KID));
    world_t *world = world_with(*state, &jwt, 241);
    clerk_proof_t proof = { .log = &world->log };
    clerk_realm_t *realm;
    clerk_log_port_t *log;
    apr_pool_t *p;

    assert_int_equal(apr_pool_create(&p, NULL), APR_SUCCESS);
    realm = apr_pmemdup(p, &world->realm, sizeof(*realm));
    realm->frontend_api = apr_pstrdup(p, realm->frontend_api);
    log = apr_pmemdup(p, &world->log, sizeof(*log));
    proof.log = log;
    assert_int_equal(
        world->keys.check(world->keys.self, realm, &jwt, &proof, p), CLERK_OK);
    memset((char *)(apr_uintptr_t)realm->frontend_api, 'x', 8);
    memset(realm, 0x5a, sizeof(*realm));
    memset(log, 0x5a, sizeof(*log));
    apr_pool_destroy(p);
    unit_await_locked(world->mutex, &world->events, 1);
    wait_for_key(world, &world->keys, &jwt, CLERK_KEY_UNKNOWN);
    end(world);
}

/* However they come in each other's way, it is one renewal in 30 seconds of
 * each process, and one that succeeds for all. */
static void crowds_renew_once(void **state)
{
    clerk_jwt_t jwt = jwt_of(*state, HEADER(UNIT_KID));
    int round;
    int i;

    for (round = 0; round < 20; round++) {
        world_t *world = world_with(*state, &jwt, 0);
        clerk_keys_port_t keys[2];
        worker_t workers[THREADS];
        clerk_shared_t *shared;

        assert_int_equal(clerk_shared_create(*state, &shared), CLERK_OK);
        for (i = 0; i < 2; i++) {
            make_ring(world, shared, &keys[i]);
            assert_int_equal(check_by(world, &keys[i], &jwt), CLERK_OK);
        }
        world->body = UNIT_JWKS;
        world->says = round % 2 ? CLERK_UNREACHABLE : CLERK_OK;
        world->delay = apr_time_from_msec(round % 4);
        later(SECONDS(round % 3 ? 241 : 301));
        check_together(world, keys, 2, &jwt, workers);
        for (i = 0; i < THREADS; i++) {
            assert_int_equal(workers[i].status, CLERK_OK);
        }
        end(world);
        /* What has not begun when the end comes is not begun any more. */
        assert_in_range(world->fetches, round % 3 ? 0 : 1, round % 2 ? 2 : 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(a_set_in_use_is_renewed_early),
        UNIT_TEST(what_is_proved_is_remembered_until_then),
        UNIT_TEST(while_clerk_hangs_nobody_waits),
        UNIT_TEST(nobody_believes_it_for_more_than_a_day),
        UNIT_TEST(an_unknown_kid_waits_for_it),
        UNIT_TEST(the_background_is_nobody_who_waits),
        UNIT_TEST(an_idle_set_is_renewed_before_it_is_believed),
        UNIT_TEST(an_idle_set_is_waited_for_once),
        UNIT_TEST(another_process_has_waited),
        UNIT_TEST(a_note_out_of_its_time_is_none),
        UNIT_TEST(one_process_does_it_for_all),
        UNIT_TEST(at_the_end_a_call_is_given_up),
        UNIT_TEST(without_a_background_one_waits),
        UNIT_TEST(the_realm_may_be_gone),
        UNIT_TEST(crowds_renew_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
