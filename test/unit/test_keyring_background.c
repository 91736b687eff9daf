/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of keys that is renewed while everybody goes on with the old one: when
 * that is begun, who waits all the same, and how it ends.
 */
#include "unit_keyring_aged.h"

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
    AT_ONCE(world, &second, &jwt, CLERK_OK);
    later(SECONDS(31));
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

static int held; /* threads of the background */

/* Keeps one busy to its end. */
static void hold(void *data)
{
    world_t *world = data;

    __atomic_add_fetch(&held, 1, __ATOMIC_SEQ_CST);
    (void)unit_linger(SECONDS(60), clerk_background_give_up(world->background));
}

/* A renewal that stands behind other work excuses nobody for longer than it
 * would take. */
static void a_renewal_that_does_not_begin_is_none(void **state)
{
    clerk_jwt_t jwt = jwt_of(*state, HEADER(UNIT_KID));
    world_t *world = world_with(*state, &jwt, 299);
    const clerk_background_job_t busy = { hold, hold, world, 0 };
    int i;

    for (i = 0; i < 8; i++) {
        assert_true(clerk_background_offer(world->background, &busy));
    }
    unit_await(&held, 8);
    AT_ONCE(world, &world->keys, &jwt, CLERK_OK);
    later(SECONDS(2));
    AT_ONCE(world, &world->keys, &jwt, CLERK_OK);
    later(SECONDS(5));
    assert_int_equal(check(world, &jwt), CLERK_KEY_UNKNOWN);
    assert_int_equal(world->fetches, 1);
    end(world);
}

/* It is no word of Clerk's, and nothing rests upon it. */
static void what_the_rate_limit_holds_back_is_tried_again(void **state)
{
    clerk_jwt_t jwt = jwt_of(*state, HEADER(UNIT_KID));
    world_t *world = world_with(*state, &jwt, 241);

    world->says = CLERK_RATE_EXCEEDED;
    AT_ONCE(world, &world->keys, &jwt, CLERK_OK);
    unit_await_locked(world->mutex, &world->fetches, 1);
    later(SECONDS(64));
    AT_ONCE(world, &world->keys, &jwt, CLERK_OK);
    assert_int_equal(unit_locked(world->mutex, &world->events), 0);
    assert_int_equal(world->note_len, 0);
    apr_thread_mutex_lock(world->mutex);
    world->says = CLERK_OK;
    apr_thread_mutex_unlock(world->mutex);
    later(SECONDS(6));
    wait_for_key(world, &world->keys, &jwt, CLERK_KEY_UNKNOWN);
    end(world);
}

/* Or else each request would prove its token, and ask for its profile. */
static void what_is_due_is_remembered_from_second_to_second(void **state)
{
    static const struct {
        int age;
        int rest; /* seconds for which a proof is remembered */
    } rows[] = {
        { 0, 240 }, { 238, 2 }, { 241, 1 },
        { 270, 1 }, { 299, 1 }, { 310, -10 },
    };
    clerk_jwt_t jwt = jwt_of(*state, HEADER(UNIT_KID));
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        world_t *world = world_with(*state, &jwt, rows[i].age);
        clerk_proof_t proof = { .log = &world->log };
        apr_time_t rest;

        world->body = UNIT_JWKS;
        world->says = CLERK_TIMED_OUT;
        assert_int_equal(world->keys.check(world->keys.self, &world->realm,
                                           &jwt, &proof, *state),
                         CLERK_OK);
        rest = proof.as_of + SECONDS(300) - apr_time_now();
        assert_in_range(rest + SECONDS(1000),
                        SECONDS(1000 + rows[i].rest) - SECONDS(1),
                        SECONDS(1000 + rows[i].rest));
        end(world);
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
        UNIT_TEST(a_renewal_that_does_not_begin_is_none),
        UNIT_TEST(what_the_rate_limit_holds_back_is_tried_again),
        UNIT_TEST(what_is_due_is_remembered_from_second_to_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
