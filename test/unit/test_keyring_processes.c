/* SPDX-License-Identifier: Apache-2.0 */
/* Several processes renew a set of keys for each other; and one that ends. */
#include "unit_keyring_aged.h"

/* Rings that share what processes do, each with its set. */
static void make_rings(world_t *world, const clerk_jwt_t *jwt,
                       clerk_keys_port_t *keys, int count)
{
    clerk_shared_t *shared;
    int i;

    assert_int_equal(clerk_shared_create(world->p, &shared), CLERK_OK);
    for (i = 0; i < count; i++) {
        make_ring(world, shared, &keys[i]);
        assert_int_equal(check_by(world, &keys[i], jwt), CLERK_OK);
    }
}

/* It has been at it for longer than it may take, and may be gone. */
static void who_was_at_it_long_ago_is_not_trusted(void **state)
{
    clerk_jwt_t jwt = jwt_of(*state, HEADER(UNIT_KID));
    world_t *world = world_with(*state, &jwt, 0);
    clerk_keys_port_t keys[2];

    make_rings(world, &jwt, keys, 2);
    later(SECONDS(297));
    world->delay = SLOW;
    AT_ONCE(world, &keys[0], &jwt, CLERK_OK);
    unit_await_locked(world->mutex, &world->fetches, 1);
    AT_ONCE(world, &keys[1], &jwt, CLERK_OK);
    unit_await_locked(world->mutex, &world->events, 1);
    later(SECONDS(20));
    assert_int_equal(check_by(world, &keys[1], &jwt), CLERK_KEY_UNKNOWN);
    assert_int_equal(world->fetches, 1);
    end(world);
}

/* One for all, also of the attempts that are made in vain. */
static void attempts_in_vain_are_one_for_all(void **state)
{
    clerk_jwt_t jwt = jwt_of(*state, HEADER(UNIT_KID));
    world_t *world = world_with(*state, &jwt, 0);
    clerk_keys_port_t keys[4];
    int i;

    make_rings(world, &jwt, keys, 4);
    later(SECONDS(241));
    world->says = CLERK_SERVER_ERROR;
    AT_ONCE(world, &keys[0], &jwt, CLERK_OK);
    unit_await_locked(world->mutex, &world->events, 1);
    for (i = 0; i < 4; i++) {
        AT_ONCE(world, &keys[i], &jwt, CLERK_OK);
        apr_sleep(QUICK / 4);
    }
    assert_int_equal(unit_locked(world->mutex, &world->fetches), 1);
    later(SECONDS(31));
    for (i = 0; i < 4; i++) {
        AT_ONCE(world, &keys[i], &jwt, CLERK_OK);
        apr_sleep(QUICK / 4);
    }
    assert_int_equal(unit_locked(world->mutex, &world->fetches), 2);
    end(world);
}

/* What was given up is taken over at once. */
static void a_call_that_is_given_up_is_nobodys(void **state)
{
    clerk_jwt_t old = jwt_of(*state, HEADER(UNIT_KID));
    clerk_jwt_t new = jwt_of(*state, HEADER("new"));
    world_t *world = world_with(*state, &old, 0);
    clerk_keys_port_t keys[2];

    make_rings(world, &old, keys, 2);
    later(SECONDS(241));
    world->delay = SECONDS(4);
    AT_ONCE(world, &keys[0], &old, CLERK_OK);
    unit_await_locked(world->mutex, &world->fetches, 1);
    end(world);
    assert_int_equal(world->given_up, 1);
    world->delay = 0;
    AT_ONCE(world, &keys[1], &new, CLERK_OK);
}

static void one_process_does_it_for_all(void **state)
{
    clerk_jwt_t old = jwt_of(*state, HEADER(UNIT_KID));
    clerk_jwt_t new = jwt_of(*state, HEADER("new"));
    world_t *world = world_with(*state, &old, 0);
    clerk_keys_port_t keys[4];
    int i;

    make_rings(world, &old, keys, 4);
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
        UNIT_TEST(who_was_at_it_long_ago_is_not_trusted),
        UNIT_TEST(attempts_in_vain_are_one_for_all),
        UNIT_TEST(a_call_that_is_given_up_is_nobodys),
        UNIT_TEST(one_process_does_it_for_all),
        UNIT_TEST(at_the_end_a_call_is_given_up),
        UNIT_TEST(without_a_background_one_waits),
        UNIT_TEST(the_realm_may_be_gone),
        UNIT_TEST(crowds_renew_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
