/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted where, and that nothing of it gets lost. */
#include "unit.h"

#include <unistd.h>

#include "clerk_counters.h"

/* Of no process: more than the system hands out. */
#define NOBODY 0x7ffffff0

static const clerk_moment_t noon = { 1, 1 };

/* On a cache line, as in shared memory. */
static clerk_counters_table_t *new_table(apr_pool_t *p)
{
    apr_size_t line = _Alignof(clerk_counters_table_t);
    char *room = apr_pcalloc(p, sizeof(clerk_counters_table_t) + line);

    return (void *)(room + (line - (apr_size_t)room % line) % line);
}

typedef struct span_case_t {
    const char *label;
    apr_interval_time_t took;
    const char *seconds;
} span_case_t;

static void a_call_is_counted_in_the_first_span_that_it_fits_in(void **state)
{
    static const span_case_t cases[] = {
        { "no time", 0, "0.005" },
        { "5 ms", 5000, "0.005" },
        { "a bit more", 5001, "0.01" },
        { "10 ms", 10000, "0.01" },
        { "11 ms", 11000, "0.025" },
        { "300 ms", 300000, "0.5" },
        { "1 s", 1000000, "1" },
        { "1.000001 s", 1000001, "2.5" },
        { "10 s", 10000000, "10" },
        { "a bit more", 10000001, "+Inf" },
        { "a day", APR_INT64_C(86400000000), "+Inf" },
    };
    apr_size_t i;
    int span;

    for (i = 0; i < UNIT_COUNT(cases); i++) {
        clerk_counters_t *counters = apr_pcalloc(*state, sizeof(*counters));
        apr_uint64_t *spans = counters->spans[CLERK_COUNTERS_JWKS];

        clerk_counters_time(counters, CLERK_COUNTERS_JWKS, cases[i].took);
        for (span = 0; span < CLERK_COUNTERS_SPANS; span++) {
            int is_it =
                unit_same(clerk_counters_spans[span].seconds, cases[i].seconds);

            UNIT_CHECK(cases[i].label, spans[span] == (is_it ? 1u : 0u));
        }
        UNIT_CHECK(cases[i].label, counters->call_us[CLERK_COUNTERS_JWKS]
                                       == (apr_uint64_t)cases[i].took);
    }
}

static void spans_are_what_they_are_called(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < CLERK_COUNTERS_SPANS - 1; i++) {
        const clerk_counters_span_t *span = &clerk_counters_spans[i];

        assert_true(span->up_to < span[1].up_to);
        assert_int_equal(span->up_to, strtod(span->seconds, NULL) * 1e6 + 0.5);
    }
    UNIT_SAME("the last", clerk_counters_spans[i].seconds, "+Inf");
    assert_true(clerk_counters_spans[i].up_to == APR_INT64_MAX);
}

static void times_of_one_endpoint_are_not_those_of_another(void **state)
{
    clerk_counters_t *counters = apr_pcalloc(*state, sizeof(*counters));
    clerk_counters_t *sum = apr_pcalloc(*state, sizeof(*sum));
    int i;

    for (i = 0; i < CLERK_COUNTERS_ENDPOINTS; i++) {
        clerk_counters_time(counters, (clerk_counters_endpoint_t)i, 1000 + i);
    }
    clerk_counters_sum(sum, counters);
    clerk_counters_sum(sum, counters);
    for (i = 0; i < CLERK_COUNTERS_ENDPOINTS; i++) {
        assert_int_equal(counters->spans[i][0], 1);
        assert_int_equal(counters->call_us[i], 1000 + i);
        assert_int_equal(sum->spans[i][0], 2);
        assert_int_equal(sum->call_us[i], 2000 + 2 * i);
    }
}

static void endpoints_go_by_their_names(void **state)
{
    (void)state;
    assert_int_equal(clerk_counters_endpoint("token_info"),
                     CLERK_COUNTERS_TOKEN_INFO);
    assert_int_equal(clerk_counters_endpoint("jwks"), CLERK_COUNTERS_JWKS);
    assert_int_equal(clerk_counters_endpoint("metadata"), CLERK_COUNTERS_OTHER);
}

/* The next process counts from 0, and has no key set yet. */
static void what_a_process_has_counted_outlives_it(void **state)
{
    clerk_counters_table_t *table = new_table(*state);
    clerk_counters_slot_t *slot = clerk_counters_open(table);
    clerk_realm_t realm = { .frontend_api = "https://clerk.example.test" };
    clerk_ages_book_t book;

    assert_non_null(slot);
    assert_int_equal(slot->pid, getpid());
    assert_true(clerk_counters_is_running(slot));
    assert_ptr_not_equal(slot, clerk_counters_open(table));
    book.places = &table->places;
    book.own = &slot->ages;
    clerk_ages_note(&book, &realm, noon);
    clerk_counters_time(&slot->counters, CLERK_COUNTERS_JWKS, 7000);
    clerk_counters_add(&slot->counters.waits, 3);

    slot->pid = NOBODY;
    assert_false(clerk_counters_is_running(slot));
    assert_ptr_equal(clerk_counters_open(table), slot);
    assert_int_equal(slot->counters.waits, 0);
    assert_int_equal(slot->counters.spans[CLERK_COUNTERS_JWKS][1], 0);
    assert_int_equal(clerk_ages_read(&slot->ages, 0, noon), -1);
    assert_int_equal(table->retired.waits, 3);
    assert_int_equal(table->retired.spans[CLERK_COUNTERS_JWKS][1], 1);
    assert_int_equal(table->retired.call_us[CLERK_COUNTERS_JWKS], 7000);
}

/* Who reads while numbers are moved reads again. */
static void a_move_is_noticed(void **state)
{
    clerk_counters_table_t *table = new_table(*state);
    clerk_counters_slot_t *slot = clerk_counters_open(table);
    apr_uint32_t moves = clerk_counters_begin(table);

    assert_true(clerk_counters_is_still(table, moves));
    slot->pid = NOBODY;
    assert_ptr_equal(clerk_counters_open(table), slot);
    assert_false(clerk_counters_is_still(table, moves));
    moves = clerk_counters_begin(table);
    assert_true(clerk_counters_is_still(table, moves));
    /* One that has begun and not ended. */
    table->moves_begun++;
    assert_false(clerk_counters_is_still(table, clerk_counters_begin(table)));
    table->moves_ended++;
    assert_true(clerk_counters_is_still(table, clerk_counters_begin(table)));
}

static void there_may_be_more_processes_than_slots(void **state)
{
    clerk_counters_table_t *table = new_table(*state);
    int i;

    for (i = 0; i < CLERK_COUNTERS_PROCESSES; i++) {
        assert_ptr_equal(clerk_counters_open(table), &table->slots[i]);
    }
    assert_null(clerk_counters_open(table));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(a_call_is_counted_in_the_first_span_that_it_fits_in),
        UNIT_TEST(spans_are_what_they_are_called),
        UNIT_TEST(times_of_one_endpoint_are_not_those_of_another),
        UNIT_TEST(endpoints_go_by_their_names),
        UNIT_TEST(what_a_process_has_counted_outlives_it),
        UNIT_TEST(a_move_is_noticed),
        UNIT_TEST(there_may_be_more_processes_than_slots),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
