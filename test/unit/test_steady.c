/* SPDX-License-Identifier: Apache-2.0 */
/* Time that passes, whoever sets the clock; claims and places that end. */
#include <unistd.h>

#include "unit_threads.h"

#include "clerk_claim.h"
#include "clerk_counters.h"
#include "clerk_pending.h"
#include "clerk_steady.h"

static void it_goes_on(void **state)
{
    apr_time_t began = clerk_steady_now();

    (void)state;
    apr_sleep(20000);
    assert_true(clerk_steady_now() - began >= 20000);
}

static void setting_the_clock_keeps_nothing_young(void **state)
{
    clerk_moment_t then = { apr_time_from_sec(5000), apr_time_from_sec(100) };
    clerk_moment_t back = { apr_time_from_sec(1400), apr_time_from_sec(131) };
    clerk_moment_t ahead = { apr_time_from_sec(8600), apr_time_from_sec(101) };

    (void)state;
    assert_true(clerk_steady_since(then, back) == apr_time_from_sec(31));
    assert_true(clerk_steady_since(then, ahead) == apr_time_from_sec(3600));
    then = clerk_steady_later(then, apr_time_from_sec(-10));
    assert_true(clerk_steady_since(then, back) == apr_time_from_sec(41));
}

static void seconds_are_rounded_up(void **state)
{
    static const struct {
        apr_interval_time_t wait;
        int seconds;
    } rows[] = {
        { -5, 1 },      { 0, 1 },       { 1, 1 },       { 1000000, 1 },
        { 1000001, 2 }, { 2000000, 2 }, { 2999999, 3 }, { 17000000, 17 },
    };
    apr_size_t i;

    (void)state;
    for (i = 0; i < UNIT_COUNT(rows); i++) {
        assert_int_equal(clerk_steady_seconds_up(rows[i].wait),
                         rows[i].seconds);
    }
}

static void a_claim_ends(void **state)
{
    clerk_claim_table_t *table = apr_pcalloc(*state, sizeof(*table));
    unsigned char key[CLERK_SHA256_BYTES] = "a key";
    unsigned char other[CLERK_SHA256_BYTES] = "another key";
    apr_time_t now = apr_time_from_sec(1000);
    apr_interval_time_t second = apr_time_from_sec(1);

    other[24] = 1;
    assert_true(clerk_claim_take(table, key, now, second));
    assert_false(clerk_claim_take(table, key, now, second));
    assert_false(clerk_claim_take(table, key, now + second - 1000, second));
    assert_true(clerk_claim_take(table, other, now, second));
    assert_true(clerk_claim_take(table, key, now + second, second));
    clerk_claim_drop(table, key);
    assert_true(clerk_claim_take(table, key, now + second, second));
    /* What stands in the way is not dropped with it. */
    other[24] = 0;
    other[15] = 1;
    clerk_claim_drop(table, other);
    assert_false(clerk_claim_take(table, key, now + second, second));
}

static void as_many_wait_as_may(void **state)
{
    static const struct {
        int limit;
        int threads;
        apr_uint32_t long_ones;
        apr_uint32_t brief_ones;
    } rows[] = {
        { 0, 1, 1, 1 },  { 0, 2, 1, 2 },    { 0, 64, 32, 64 },
        { 5, 64, 5, 5 }, { 64, 8, 64, 64 }, { 1, 1, 1, 1 },
    };
    apr_size_t i;

    (void)state;
    for (i = 0; i < UNIT_COUNT(rows); i++) {
        clerk_pending_t pending;
        apr_uint32_t n = 0;

        clerk_pending_init(&pending, rows[i].limit, rows[i].threads);
        while (clerk_pending_join(&pending, CLERK_PENDING_LONG)) {
            n++;
        }
        assert_int_equal(n, rows[i].long_ones);
        assert_false(clerk_pending_is_crowded(&pending));
        while (clerk_pending_join(&pending, CLERK_PENDING_BRIEF)) {
            n++;
        }
        assert_int_equal(n, rows[i].brief_ones);
        assert_int_equal(clerk_pending_is_crowded(&pending),
                         rows[i].brief_ones > rows[i].long_ones);
        for (; n; n--) {
            clerk_pending_leave(&pending);
        }
        assert_int_equal(pending.count, 0);
    }
}

/* The place of a process that has ended is another one's; its numbers stay. */
static void numbers_outlive_their_process(void **state)
{
    static clerk_counters_table_t zeros; /* lines of memory, not bytes */
    clerk_counters_table_t *table = &zeros;
    clerk_counters_t sum = { 0 };
    clerk_counters_slot_t *slot = clerk_counters_open(table);
    int i;

    (void)state;
    assert_int_equal(slot->pid, getpid());
    clerk_counters_add(&slot->counters.waits, 5);
    clerk_counters_add(&slot->counters.refreshes[1], 2);
    slot->pending.count = 3;
    assert_ptr_not_equal(clerk_counters_open(table), slot);
    slot->pid = 0x3fffff; /* nobody's */
    assert_false(clerk_counters_is_running(slot));
    assert_ptr_equal(clerk_counters_open(table), slot);
    assert_int_equal(slot->counters.waits, 0);
    assert_int_equal(slot->pending.count, 0);
    clerk_counters_sum(&sum, &table->retired);
    assert_int_equal(sum.waits, 5);
    assert_int_equal(sum.refreshes[1], 2);
    for (i = 2; i < CLERK_COUNTERS_PROCESSES; i++) {
        assert_non_null(clerk_counters_open(table));
    }
    assert_null(clerk_counters_open(table));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(it_goes_on),
        UNIT_TEST(setting_the_clock_keeps_nothing_young),
        UNIT_TEST(seconds_are_rounded_up),
        UNIT_TEST(a_claim_ends),
        UNIT_TEST(as_many_wait_as_may),
        UNIT_TEST(numbers_outlive_their_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
