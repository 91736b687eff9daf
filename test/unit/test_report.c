/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of all processes, as they are at one moment. */
#include "unit.h"

#include <apr_thread_proc.h>

#include "clerk_report.h"

#define NOBODY 0x7ffffff0 /* of no process */
#define SECOND apr_time_from_sec(1)

static const clerk_moment_t noon = { APR_INT64_C(1785000000) * 1000000,
                                     APR_INT64_C(7000) * 1000000 };

static clerk_shared_t *shared_of(apr_pool_t *p)
{
    clerk_shared_t *shared;

    assert_int_equal(clerk_shared_create(p, &shared), CLERK_OK);
    return shared;
}

static clerk_counters_slot_t *slot_of(clerk_shared_t *shared)
{
    clerk_counters_slot_t *slot =
        clerk_counters_open(clerk_shared_counters(shared));

    assert_non_null(slot);
    return slot;
}

/* A set of this process that was fetched so long before noon. */
static void fetch_set(clerk_shared_t *shared, clerk_counters_slot_t *slot,
                      int lane, const char *url, apr_interval_time_t age)
{
    clerk_ages_book_t book = { &clerk_shared_counters(shared)->places,
                               &slot->ages };
    clerk_realm_t realm = { .frontend_api = url };

    realm.keys_lane[1] = (unsigned char)lane;
    clerk_ages_note(&book, &realm, clerk_steady_later(noon, -age));
}

static const clerk_tally_t *process(const clerk_report_t *report, int i)
{
    return &APR_ARRAY_IDX(report->processes, i, clerk_tally_t);
}

static void nothing_has_happened(void **state)
{
    clerk_report_t *report = clerk_report_make(*state, shared_of(*state), noon);
    int i;

    assert_int_equal(report->processes->nelts, 0);
    assert_int_equal(report->total.pid, 0);
    assert_int_equal(report->total.pending, 0);
    assert_int_equal(report->breakers, 0);
    for (i = 0; i < CLERK_AGES_PLACES; i++) {
        assert_null(report->frontends[i]);
        assert_int_equal(report->total.ages[i], -1);
    }
}

static void processes_add_up(void **state)
{
    clerk_shared_t *shared = shared_of(*state);
    clerk_counters_slot_t *first = slot_of(shared);
    clerk_counters_slot_t *second = slot_of(shared);
    clerk_counters_slot_t *ended = slot_of(shared);
    const clerk_report_t *report;

    clerk_counters_add(&clerk_shared_counters(shared)->retired.waits, 1000);
    clerk_counters_add(&first->counters.waits, 100);
    clerk_counters_add(&second->counters.waits, 10);
    clerk_counters_add(&ended->counters.waits, 1);
    clerk_pending_init(&first->pending, 5, 8);
    first->pending.count = 2;
    second->pending.count = 3;
    ended->pending.count = 7;
    ended->pid = NOBODY;
    report = clerk_report_make(*state, shared, noon);
    assert_int_equal(report->total.counters.waits, 1111);
    assert_int_equal(report->total.pending, 5);
    assert_int_equal(report->processes->nelts, 2);
    assert_int_equal(process(report, 0)->pid, first->pid);
    assert_int_equal(process(report, 0)->counters.waits, 100);
    assert_int_equal(process(report, 0)->max_pending, 5);
    assert_int_equal(process(report, 1)->counters.waits, 10);
    assert_int_equal(process(report, 1)->pending, 3);
}

static void in_all_a_set_is_as_old_as_the_oldest(void **state)
{
    clerk_shared_t *shared = shared_of(*state);
    clerk_counters_slot_t *first = slot_of(shared);
    clerk_counters_slot_t *second = slot_of(shared);
    clerk_counters_slot_t *ended = slot_of(shared);
    const clerk_report_t *report;

    fetch_set(shared, first, 1, "https://one.test", 10 * SECOND);
    fetch_set(shared, second, 1, "https://one.test", 20 * SECOND);
    fetch_set(shared, second, 2, "https://two.test", 5 * SECOND);
    fetch_set(shared, ended, 1, "https://one.test", 99 * SECOND);
    ended->pid = NOBODY;
    report = clerk_report_make(*state, shared, noon);
    UNIT_SAME("first", report->frontends[0], "https://one.test");
    UNIT_SAME("second", report->frontends[1], "https://two.test");
    assert_int_equal(report->total.ages[0], 20 * SECOND);
    assert_int_equal(report->total.ages[1], 5 * SECOND);
    assert_int_equal(process(report, 0)->ages[0], 10 * SECOND);
    assert_int_equal(process(report, 0)->ages[1], -1);
    assert_int_equal(process(report, 1)->ages[0], 20 * SECOND);
}

/* One that is fetched through a proxy and one that is not, say. */
static void sets_of_one_name_are_shown_as_one(void **state)
{
    clerk_shared_t *shared = shared_of(*state);
    clerk_counters_slot_t *slot = slot_of(shared);
    const clerk_report_t *report;

    fetch_set(shared, slot, 1, "https://one.test", 10 * SECOND);
    fetch_set(shared, slot, 2, "https://two.test", 5 * SECOND);
    fetch_set(shared, slot, 3, "https://one.test", 30 * SECOND);
    fetch_set(shared, slot, 4, "https://two.test", 1 * SECOND);
    report = clerk_report_make(*state, shared, noon);
    UNIT_SAME("first", report->frontends[0], "https://one.test");
    UNIT_SAME("second", report->frontends[1], "https://two.test");
    assert_null(report->frontends[2]);
    assert_null(report->frontends[3]);
    assert_int_equal(report->total.ages[0], 30 * SECOND);
    assert_int_equal(process(report, 0)->ages[1], 5 * SECOND);
    assert_int_equal(report->total.ages[2], -1);
}

static void breakers_are_counted(void **state)
{
    static const unsigned char lanes[2][CLERK_SHA256_BYTES] = { "one", "two" };
    clerk_shared_t *shared = shared_of(*state);
    clerk_breakers_t *breakers = clerk_shared_breakers(shared);
    const clerk_report_t *report;
    int i;

    (void)clerk_breaker_find(breakers, lanes[0]);
    for (i = 0; i < CLERK_BREAKER_FAILURES; i++) {
        (void)clerk_breaker_failed(clerk_breaker_find(breakers, lanes[1]),
                                   noon.steady, noon.steady);
    }
    report = clerk_report_make(*state, shared, noon);
    assert_int_equal(report->breakers, 2);
    assert_int_equal(report->breakers_open, 1);
}

typedef struct street_t {
    clerk_counters_table_t *table;
    apr_uint32_t is_over;
} street_t;

/* Processes come and go, and leave what they have counted. */
static void *APR_THREAD_FUNC come_and_go(apr_thread_t *thread, void *data)
{
    street_t *street = data;
    int i;

    (void)thread;
    for (i = 0; i < 300; i++) {
        clerk_counters_slot_t *slot = clerk_counters_open(street->table);

        if (slot) {
            clerk_counters_add(&slot->counters.waits, 1000);
            __atomic_store_n(&slot->pid, NOBODY, __ATOMIC_RELEASE);
        }
        apr_sleep(200);
    }
    __atomic_store_n(&street->is_over, 1, __ATOMIC_RELEASE);
    return NULL;
}

static apr_uint64_t waits_in(clerk_shared_t *shared)
{
    apr_uint64_t waits;
    apr_pool_t *p;

    if (apr_pool_create(&p, NULL) != APR_SUCCESS) {
        return 0;
    }
    waits = clerk_report_make(p, shared, noon)->total.counters.waits;
    apr_pool_destroy(p);
    return waits;
}

static void no_number_ever_goes_back(void **state)
{
    clerk_shared_t *shared = shared_of(*state);
    street_t street = { clerk_shared_counters(shared), 0 };
    apr_uint64_t last = 0;
    apr_thread_t *thread;
    apr_status_t ignored;
    int steps_back = 0;

    assert_int_equal(
        apr_thread_create(&thread, NULL, come_and_go, &street, *state),
        APR_SUCCESS);
    while (!__atomic_load_n(&street.is_over, __ATOMIC_ACQUIRE)) {
        apr_uint64_t now = waits_in(shared);

        steps_back += now < last;
        last = now;
    }
    assert_int_equal(apr_thread_join(&ignored, thread), APR_SUCCESS);
    assert_int_equal(steps_back, 0);
    assert_int_equal(waits_in(shared), 300 * 1000);
}

/* One was killed at it. */
static void a_move_that_never_ends_is_not_waited_for(void **state)
{
    clerk_shared_t *shared = shared_of(*state);
    clerk_counters_table_t *table = clerk_shared_counters(shared);

    table->moves_begun = 1;
    clerk_counters_add(&table->retired.waits, 7);
    clerk_counters_add(&slot_of(shared)->counters.waits, 1);
    assert_int_equal(
        clerk_report_make(*state, shared, noon)->total.counters.waits, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(nothing_has_happened),
        UNIT_TEST(processes_add_up),
        UNIT_TEST(in_all_a_set_is_as_old_as_the_oldest),
        UNIT_TEST(sets_of_one_name_are_shown_as_one),
        UNIT_TEST(breakers_are_counted),
        UNIT_TEST(no_number_ever_goes_back),
        UNIT_TEST(a_move_that_never_ends_is_not_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
