/* SPDX-License-Identifier: Apache-2.0 */
/* A copy that is renewed while everybody is given the one there is. */
#include "unit_metadata.h"

#include "clerk_steady.h"

#define QUICK apr_time_from_msec(300)
#define SLOW apr_time_from_msec(600)

/* Also where a test fails: its pool waits for the threads. */
static apr_status_t stop(void *data)
{
    clerk_background_stop(data);
    return APR_SUCCESS;
}

static void end(world_t *world)
{
    (void)stop(world->background);
}

/* With a background, and a copy that is due. */
static world_t *world_with(apr_pool_t *p)
{
    world_t *world = world_of(p);

    assert_int_equal(clerk_background_create(p, &world->background), CLERK_OK);
    apr_pool_pre_cleanup_register(p, world->background, stop);
    world->home = make_home(world);
    SAME(find(world), OLD);
    shift += FRESH;
    world->body = NEW;
    return world;
}

static found_t find_at_once(world_t *world)
{
    apr_time_t began = clerk_steady_now();
    found_t found = find(world);

    assert_true(clerk_steady_now() - began < QUICK);
    return found;
}

static found_t wait_for_new(world_t *world)
{
    found_t found = { 0 };
    int i;

    for (i = 0; i < 3000; i++) {
        found = find(world);
        if (strcmp(found.document, NEW) == 0) {
            break;
        }
        apr_sleep(1000);
    }
    return found;
}

static void nobody_waits_for_a_new_one(void **state)
{
    world_t *world = world_with(*state);
    found_t found;
    int i;

    world->delay = SLOW;
    for (i = 0; i < 20; i++) {
        SAME(find_at_once(world), OLD);
    }
    unit_await_locked(world->mutex, &world->events, 2);
    found = wait_for_new(world);
    SAME(found, NEW);
    /* Somebody has to be told that it came from Clerk, and one is enough. */
    assert_int_equal(found.is_news, 1);
    assert_int_equal(find(world).is_news, 0);
    assert_int_equal(unit_locked(world->mutex, &world->fetches), 2);
    assert_int_equal(unit_locked(world->mutex, &world->sets), 2);
    end(world);
}

/* Nor when nobody has asked for days. */
static void nobody_waits_while_clerk_hangs(void **state)
{
    world_t *world = world_with(*state);
    int day;
    int i;

    world->says = CLERK_TIMED_OUT;
    world->delay = SLOW;
    for (day = 1; day <= 4; day++) {
        for (i = 0;
             i < 3000 && unit_locked(world->mutex, &world->events) <= day;
             i++) {
            SAME(find_at_once(world), OLD);
            apr_sleep(1000);
        }
        /* Not before the cool-down is over. */
        SAME(find_at_once(world), OLD);
        assert_int_equal(unit_locked(world->mutex, &world->fetches), 1 + day);
        shift += SECONDS(day == 1 ? 31 : 86400);
    }
    world->says = CLERK_OK;
    SAME(wait_for_new(world), NEW);
    end(world);
}

/* What the others have needs no Clerk, and is better than one's own. */
static void the_young_copy_of_another_child_is_taken_at_once(void **state)
{
    world_t *world = world_with(*state);
    found_t found;

    put_copy(world, NEW, SECONDS(1));
    found = find_at_once(world);
    SAME(found, NEW);
    assert_int_equal(found.is_news, 0);
    assert_int_equal(unit_locked(world->mutex, &world->fetches), 1);
    end(world);
}

/* A child that has none takes an old one, and does not wait either. */
static void the_old_copy_of_another_child_will_do(void **state)
{
    world_t *world = world_with(*state);

    put_copy(world, OLD, SECONDS(3600));
    world->home = make_home(world);
    world->delay = SLOW;
    SAME(find_at_once(world), OLD);
    SAME(wait_for_new(world), NEW);
    assert_int_equal(unit_locked(world->mutex, &world->fetches), 2);
    end(world);
}

static void without_any_copy_one_waits(void **state)
{
    world_t *world = world_with(*state);
    apr_time_t began = clerk_steady_now();

    world->used = 0;
    world->home = make_home(world);
    world->delay = SLOW;
    SAME(find(world), NEW);
    assert_true(clerk_steady_now() - began >= SLOW);
    end(world);
}

static void where_the_background_takes_nothing_one_waits(void **state)
{
    world_t *world = world_with(*state);

    end(world);
    SAME(find(world), NEW);
    assert_int_equal(world->fetches, 2);
}

static void at_the_end_a_call_is_given_up(void **state)
{
    world_t *world = world_with(*state);
    apr_time_t began = clerk_steady_now();

    world->delay = SECONDS(60);
    SAME(find_at_once(world), OLD);
    unit_await_locked(world->mutex, &world->fetches, 2);
    end(world);
    assert_true(clerk_steady_now() - began < SECONDS(2));
    assert_int_equal(world->given_up, 1);
    assert_int_equal(world->events, 1);
    world->delay = 0;
    SAME(find_at_once(world), OLD);
}

/* An .htaccess may make realms that end with their request. */
static void the_realm_may_be_gone(void **state)
{
    world_t *world = world_with(*state);
    clerk_realm_t *realm = apr_pmemdup(*state, &world->realm, sizeof(*realm));
    clerk_log_port_t log = world->log;
    clerk_metadata_query_t query = { .realm = realm,
                                     .path = SERVER,
                                     .log = &log };

    assert_int_equal(clerk_metadata_get(world->home, &query, *state), CLERK_OK);
    memset(realm, 0x5a, sizeof(*realm));
    memset(&log, 0x5a, sizeof(log));
    unit_await_locked(world->mutex, &world->events, 2);
    SAME(wait_for_new(world), NEW);
    end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(nobody_waits_for_a_new_one),
        UNIT_TEST(nobody_waits_while_clerk_hangs),
        UNIT_TEST(the_young_copy_of_another_child_is_taken_at_once),
        UNIT_TEST(the_old_copy_of_another_child_will_do),
        UNIT_TEST(without_any_copy_one_waits),
        UNIT_TEST(where_the_background_takes_nothing_one_waits),
        UNIT_TEST(at_the_end_a_call_is_given_up),
        UNIT_TEST(the_realm_may_be_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
