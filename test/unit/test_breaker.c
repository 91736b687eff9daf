/* SPDX-License-Identifier: Apache-2.0 */
/* When Clerk is not asked, and when it is asked again. */
#include "unit_threads.h"

#include "clerk_breaker.h"

#define START apr_time_from_sec(1000)
#define PERIOD CLERK_BREAKER_PERIOD

static const unsigned char lane[CLERK_SHA256_BYTES] = "a lane";

static clerk_breaker_t *breaker_of(apr_pool_t *p)
{
    clerk_breakers_t *breakers = apr_pcalloc(p, sizeof(*breakers));

    return clerk_breaker_find(breakers, lane);
}

static int admits(clerk_breaker_t *breaker, apr_time_t now)
{
    apr_interval_time_t wait;

    return clerk_breaker_admits(breaker, now, &wait);
}

static void fail_often(clerk_breaker_t *breaker, int times, apr_time_t now)
{
    int i;

    for (i = 0; i < times; i++) {
        (void)clerk_breaker_failed(breaker, now, now);
    }
}

static void it_opens_after_some_in_a_row(void **state)
{
    clerk_breaker_t *breaker = breaker_of(*state);
    apr_interval_time_t wait;
    int i;

    for (i = 1; i < CLERK_BREAKER_FAILURES; i++) {
        assert_int_equal(clerk_breaker_failed(breaker, START, START),
                         CLERK_BREAKER_UNCHANGED);
        assert_true(admits(breaker, START));
    }
    assert_int_equal(clerk_breaker_succeeded(breaker, START),
                     CLERK_BREAKER_UNCHANGED);
    fail_often(breaker, CLERK_BREAKER_FAILURES - 1, START);
    assert_true(admits(breaker, START));
    assert_int_equal(clerk_breaker_failed(breaker, START, START),
                     CLERK_BREAKER_OPENED);
    assert_int_equal(clerk_breaker_failed(breaker, START, START),
                     CLERK_BREAKER_UNCHANGED);
    assert_false(clerk_breaker_admits(breaker, START + 1, &wait));
    assert_int_equal(wait, PERIOD - 1);
}

static void one_probe_a_period(void **state)
{
    clerk_breaker_t *breaker = breaker_of(*state);
    apr_time_t now = START + PERIOD;
    int i;

    fail_often(breaker, CLERK_BREAKER_FAILURES, START);
    for (i = 0; i < 3; i++) {
        assert_false(admits(breaker, now - 1));
        assert_true(admits(breaker, now));
        assert_false(admits(breaker, now));
        /* Neither its failure nor that of a call of long ago prolongs it. */
        assert_int_equal(clerk_breaker_failed(breaker, now, now + 1000),
                         CLERK_BREAKER_UNCHANGED);
        assert_int_equal(clerk_breaker_failed(breaker, START, now + 2000),
                         CLERK_BREAKER_UNCHANGED);
        now += PERIOD;
    }
    assert_true(admits(breaker, now));
    assert_int_equal(clerk_breaker_succeeded(breaker, now + 5),
                     CLERK_BREAKER_CLOSED);
    assert_true(admits(breaker, now + 6));
    assert_true(admits(breaker, now + 6));
}

/* Those who were asked before Clerk was back may still fail. */
static void failures_of_yesterday_do_not_open_it(void **state)
{
    clerk_breaker_t *breaker = breaker_of(*state);
    int i;

    (void)clerk_breaker_succeeded(breaker, START);
    for (i = 0; i < 3 * CLERK_BREAKER_FAILURES; i++) {
        assert_int_equal(clerk_breaker_failed(breaker, START - 1, START + 9),
                         CLERK_BREAKER_UNCHANGED);
    }
    assert_true(admits(breaker, START + 10));
}

static void clerks_word_is_kept_to_the_second(void **state)
{
    clerk_breaker_t *breaker = breaker_of(*state);
    apr_interval_time_t wait;
    apr_time_t end = START + apr_time_from_sec(7);

    assert_int_equal(clerk_breaker_barred(breaker, apr_time_from_sec(7), START),
                     CLERK_BREAKER_OPENED);
    assert_false(clerk_breaker_admits(breaker, START + PERIOD, &wait));
    assert_int_equal(wait, apr_time_from_sec(7) - PERIOD);
    /* A call that was under way, and a shorter word, change nothing. */
    assert_int_equal(clerk_breaker_succeeded(breaker, START + 1),
                     CLERK_BREAKER_UNCHANGED);
    (void)clerk_breaker_barred(breaker, apr_time_from_sec(2), START + 2);
    assert_false(admits(breaker, end - 1));
    assert_true(admits(breaker, end));
    assert_false(admits(breaker, end));
    assert_int_equal(clerk_breaker_succeeded(breaker, end + 1),
                     CLERK_BREAKER_CLOSED);
    assert_true(admits(breaker, end + 2));
}

static void lanes_are_kept_apart(void **state)
{
    clerk_breakers_t *breakers = apr_pcalloc(*state, sizeof(*breakers));
    unsigned char name[CLERK_SHA256_BYTES] = { 0 };
    int lanes;
    int i;

    for (i = 0; i < CLERK_BREAKER_LANES; i++) {
        clerk_breaker_t *breaker;

        /* All begin their search at the same place. */
        name[4] = (unsigned char)i;
        breaker = clerk_breaker_find(breakers, name);
        assert_non_null(breaker);
        assert_ptr_equal(breaker, clerk_breaker_find(breakers, name));
        assert_true(admits(breaker, START));
        fail_often(breaker, CLERK_BREAKER_FAILURES, START);
        assert_int_equal(clerk_breaker_count_open(breakers, START, &lanes),
                         i + 1);
        assert_int_equal(lanes, i + 1);
    }
    name[5] = 1;
    assert_null(clerk_breaker_find(breakers, name));
}

typedef struct crowd_t {
    clerk_breakers_t breakers;
    int admitted;
    int opened;
} crowd_t;

static void press_on(void *data)
{
    crowd_t *crowd = data;
    clerk_breaker_t *breaker = clerk_breaker_find(&crowd->breakers, lane);
    int i;

    for (i = 0; i < 100; i++) {
        if (clerk_breaker_failed(breaker, START, START)
            == CLERK_BREAKER_OPENED) {
            __atomic_add_fetch(&crowd->opened, 1, __ATOMIC_RELAXED);
        }
    }
    for (i = 0; i < 1000; i++) {
        if (admits(breaker, START + PERIOD)) {
            __atomic_add_fetch(&crowd->admitted, 1, __ATOMIC_RELAXED);
        }
    }
}

static void one_thread_is_the_probe(void **state)
{
    crowd_t *crowd = apr_pcalloc(*state, sizeof(*crowd));

    unit_together(*state, 16, press_on, crowd);
    assert_int_equal(crowd->opened, 1);
    assert_int_equal(crowd->admitted, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(it_opens_after_some_in_a_row),
        UNIT_TEST(one_probe_a_period),
        UNIT_TEST(failures_of_yesterday_do_not_open_it),
        UNIT_TEST(clerks_word_is_kept_to_the_second),
        UNIT_TEST(lanes_are_kept_apart),
        UNIT_TEST(one_thread_is_the_probe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
