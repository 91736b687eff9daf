/* SPDX-License-Identifier: Apache-2.0 */
/* The bucket that limits calls to Clerk. */
#include "unit_threads.h"

#include "clerk_rate.h"

#define START apr_time_from_sec(1000)

static int take(clerk_rate_t *rate, apr_time_t now)
{
    apr_interval_time_t wait;

    return clerk_rate_take(rate, now, 0, &wait);
}

static void a_full_bucket_is_all_there_is(void **state)
{
    clerk_rate_t rate = { 0 };
    apr_interval_time_t wait;
    int i;

    (void)state;
    clerk_rate_set(&rate, 20, 10);
    for (i = 0; i < 20; i++) {
        assert_true(clerk_rate_take(&rate, START, 0, &wait));
        assert_int_equal(wait, 0);
    }
    for (i = 0; i < 5; i++) {
        assert_false(clerk_rate_take(&rate, START, 0, &wait));
        assert_int_equal(wait, apr_time_from_msec(500));
    }
    assert_false(take(&rate, START + apr_time_from_msec(499)));
    assert_true(take(&rate, START + apr_time_from_msec(501)));
    assert_false(take(&rate, START + apr_time_from_msec(502)));
}

static void it_fills_at_an_even_pace(void **state)
{
    clerk_rate_t rate = { 0 };
    int taken = 0;
    int ms;

    (void)state;
    clerk_rate_set(&rate, 800, 10);
    for (ms = 0; ms < 30000; ms++) {
        taken += take(&rate, START + apr_time_from_msec(ms));
    }
    /* 800 at once and 80 a second. */
    assert_in_range(taken, 800 + 2399, 800 + 2400);
    /* A long rest fills it, and no more than that. */
    taken = 0;
    while (take(&rate, START + apr_time_from_sec(3600))) {
        taken++;
    }
    assert_int_equal(taken, 800);
}

static void who_is_in_no_hurry_leaves_half(void **state)
{
    clerk_rate_t rate = { 0 };
    apr_interval_time_t wait;
    int i;

    (void)state;
    clerk_rate_set(&rate, 10, 10);
    for (i = 0; i < 5; i++) {
        assert_true(clerk_rate_take(&rate, START, 1, &wait));
    }
    assert_false(clerk_rate_take(&rate, START, 1, &wait));
    for (i = 0; i < 5; i++) {
        assert_true(clerk_rate_take(&rate, START, 0, &wait));
    }
    assert_false(clerk_rate_take(&rate, START, 0, &wait));

    /* One call is one call. */
    clerk_rate_set(&rate, 1, 10);
    assert_true(clerk_rate_take(&rate, START, 1, &wait));
    assert_false(clerk_rate_take(&rate, START, 0, &wait));
    assert_int_equal(wait, apr_time_from_sec(10));
}

static void no_limit_is_none(void **state)
{
    clerk_rate_t rate = { 0 };
    int i;

    (void)state;
    for (i = 0; i < 10000; i++) {
        assert_true(take(&rate, START));
    }
}

typedef struct crowd_t {
    clerk_rate_t rate;
    int taken;
} crowd_t;

static void take_many(void *data)
{
    crowd_t *crowd = data;
    int i;

    for (i = 0; i < 1000; i++) {
        if (take(&crowd->rate, START)) {
            __atomic_add_fetch(&crowd->taken, 1, __ATOMIC_RELAXED);
        }
    }
}

static void threads_share_it(void **state)
{
    crowd_t crowd = { { 0 }, 0 };

    clerk_rate_set(&crowd.rate, 5000, 10);
    unit_together(*state, 16, take_many, &crowd);
    assert_int_equal(crowd.taken, 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(a_full_bucket_is_all_there_is),
        UNIT_TEST(it_fills_at_an_even_pace),
        UNIT_TEST(who_is_in_no_hurry_leaves_half),
        UNIT_TEST(no_limit_is_none),
        UNIT_TEST(threads_share_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
