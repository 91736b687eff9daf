/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets which handle, who waits for one, and which are closed. */
#include "unit_threads.h"

#include "clerk_lanes.h"
#include "clerk_steady.h"

#define MANY (2 * CLERK_LANES_FEW)
#define QUICK apr_time_from_msec(1)
#define SLOW (2 * CLERK_LANES_PACE)

typedef struct thing_t {
    int uses;
} thing_t;

static const unsigned char lane[CLERK_SHA256_BYTES] = "a lane";
static const unsigned char other[CLERK_SHA256_BYTES] = "another lane";

static int closed;

static void close_thing(void *thing)
{
    (void)thing;
    __atomic_add_fetch(&closed, 1, __ATOMIC_RELAXED);
}

static clerk_lanes_t *make(void **state)
{
    closed = 0;
    return clerk_lanes_create(*state, sizeof(thing_t), close_thing);
}

static thing_t *take(clerk_lanes_t *lanes)
{
    return clerk_lanes_take(lanes, lane);
}

static void give(clerk_lanes_t *lanes, thing_t *thing, apr_interval_time_t took,
                 apr_time_t now)
{
    clerk_lanes_use_t use = { took, now };

    clerk_lanes_give(lanes, lane, thing, &use);
}

static void take_some(clerk_lanes_t *lanes, thing_t **things, int count)
{
    int i;

    for (i = 0; i < count; i++) {
        things[i] = take(lanes);
        things[i]->uses++;
    }
}

static void give_some(clerk_lanes_t *lanes, thing_t **things, int count,
                      apr_time_t now)
{
    int i;

    for (i = 0; i < count; i++) {
        give(lanes, things[i], SLOW, now);
    }
}

/* Nobody waits where calls are slow. */
static void be_slow(clerk_lanes_t *lanes, apr_time_t now)
{
    give(lanes, take(lanes), SLOW, now);
}

static void the_last_one_used_is_used_next(void **state)
{
    clerk_lanes_t *lanes = make(state);
    apr_time_t now = clerk_steady_now();
    thing_t *things[2];

    take_some(lanes, things, 2);
    assert_ptr_not_equal(things[0], things[1]);
    give(lanes, things[0], QUICK, now);
    give(lanes, things[1], QUICK, now);
    assert_ptr_equal(take(lanes), things[1]);
    assert_ptr_equal(take(lanes), things[0]);
    assert_int_equal(things[0]->uses, 1);
}

static void none_leaves_its_lane(void **state)
{
    clerk_lanes_t *lanes = make(state);
    thing_t *thing = take(lanes);

    give(lanes, thing, QUICK, clerk_steady_now());
    assert_ptr_not_equal(clerk_lanes_take(lanes, other), thing);
    assert_ptr_equal(take(lanes), thing);
}

static void a_few_are_had_at_once(void **state)
{
    clerk_lanes_t *lanes = make(state);
    thing_t *things[CLERK_LANES_FEW];
    apr_time_t began = clerk_steady_now();

    take_some(lanes, things, CLERK_LANES_FEW);
    assert_true(clerk_steady_now() - began < CLERK_LANES_PATIENCE);
}

static void slow_calls_are_not_waited_for(void **state)
{
    clerk_lanes_t *lanes = make(state);
    thing_t *things[MANY];
    apr_time_t began = clerk_steady_now();

    be_slow(lanes, began);
    take_some(lanes, things, MANY);
    assert_true(clerk_steady_now() - began < CLERK_LANES_PATIENCE);
}

/* One more is made in the end, and then a few more without waiting. */
static void nobody_waits_for_long(void **state)
{
    clerk_lanes_t *lanes = make(state);
    thing_t *things[MANY];
    apr_time_t began;

    give(lanes, take(lanes), QUICK, clerk_steady_now());
    take_some(lanes, things, CLERK_LANES_FEW);
    began = clerk_steady_now();
    take_some(lanes, things, 1);
    assert_true(clerk_steady_now() - began >= CLERK_LANES_PATIENCE);
    take_some(lanes, things, CLERK_LANES_FEW - 1);
    assert_true(clerk_steady_now() - began < 2 * CLERK_LANES_PATIENCE);
}

static void one_that_is_idle_for_long_is_closed(void **state)
{
    clerk_lanes_t *lanes = make(state);
    apr_time_t now = clerk_steady_now();
    thing_t *things[MANY];

    be_slow(lanes, now);
    take_some(lanes, things, MANY);
    give_some(lanes, things, MANY, now);
    be_slow(lanes, now + CLERK_LANES_IDLE / 2);
    assert_int_equal(closed, 0);
    be_slow(lanes, now + CLERK_LANES_IDLE + apr_time_from_sec(2));
    assert_int_equal(closed, MANY - CLERK_LANES_FEW);
    /* What is made anew knows nothing of what it was. */
    be_slow(lanes, now + CLERK_LANES_IDLE + apr_time_from_sec(2));
    take_some(lanes, things, MANY);
    assert_int_equal(things[MANY - 1]->uses, 1);
}

static void all_are_closed_in_the_end(void **state)
{
    apr_time_t now = clerk_steady_now();
    clerk_lanes_t *lanes;
    thing_t *things[3];
    apr_pool_t *p;

    apr_pool_create(&p, *state);
    closed = 0;
    lanes = clerk_lanes_create(p, sizeof(thing_t), close_thing);
    take_some(lanes, things, 3);
    give_some(lanes, things, 3, now);
    clerk_lanes_give(lanes, other, clerk_lanes_take(lanes, other),
                     &(clerk_lanes_use_t){ QUICK, now });
    apr_pool_destroy(p);
    assert_int_equal(closed, 4);
}

typedef struct crowd_t {
    clerk_lanes_t *lanes;
    int shared; /* with somebody else at the same time */
    int made;
} crowd_t;

static void call_often(void *data)
{
    crowd_t *crowd = data;
    int i;

    for (i = 0; i < 200; i++) {
        int *uses = clerk_lanes_take(crowd->lanes, lane);
        int before = __atomic_fetch_add(uses, 1, __ATOMIC_RELAXED);

        if (before & 1) {
            __atomic_add_fetch(&crowd->shared, 1, __ATOMIC_RELAXED);
        }
        if (!before) {
            __atomic_add_fetch(&crowd->made, 1, __ATOMIC_RELAXED);
        }
        apr_sleep(20);
        __atomic_add_fetch(uses, 1, __ATOMIC_RELAXED);
        give(crowd->lanes, (thing_t *)uses, QUICK, clerk_steady_now());
    }
}

static void a_crowd_shares_them(void **state)
{
    crowd_t crowd = { make(state), 0, 0 };

    unit_together(*state, 32, call_often, &crowd);
    assert_int_equal(crowd.shared, 0);
    assert_in_range(crowd.made, 1, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(the_last_one_used_is_used_next),
        UNIT_TEST(none_leaves_its_lane),
        UNIT_TEST(a_few_are_had_at_once),
        UNIT_TEST(slow_calls_are_not_waited_for),
        UNIT_TEST(nobody_waits_for_long),
        UNIT_TEST(one_that_is_idle_for_long_is_closed),
        UNIT_TEST(all_are_closed_in_the_end),
        UNIT_TEST(a_crowd_shares_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
