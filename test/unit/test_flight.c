/* SPDX-License-Identifier: Apache-2.0 */
/* What several threads want to know is found out once. */
#include "unit_threads.h"

#include "clerk_flight.h"
#include "clerk_steady.h"

#define MSEC(n) apr_time_from_msec(n)

typedef struct field_t {
    clerk_flight_port_t port;
    clerk_pending_t pending;
    const unsigned char *key;
    apr_interval_time_t patience;
    apr_interval_time_t takes; /* how long the leader needs, once */
    int crowd;                 /* so many are there */
    int there;
    clerk_landing_t says; /* what it says then */
    int is_private;

    int led;
    int told;    /* what the leader said */
    int refused; /* there were too many */
    int late;
    int wrong; /* anything else */
    apr_interval_time_t slowest;
} field_t;

static const unsigned char a_key[CLERK_SHA256_BYTES] = "a key";

static field_t *field_of(apr_pool_t *p, clerk_slots_t *slots, int threads)
{
    field_t *field = apr_pcalloc(p, sizeof(*field));

    clerk_pending_init(&field->pending, 0, threads);
    assert_int_equal(
        clerk_flight_create(p, slots, &field->pending, &field->port), CLERK_OK);
    field->key = a_key;
    field->patience = MSEC(3000);
    field->takes = MSEC(100);
    field->says.record = clerk_slice_str("the record");
    return field;
}

static void add(int *number)
{
    __atomic_add_fetch(number, 1, __ATOMIC_RELAXED);
}

static void note_time(field_t *field, apr_interval_time_t took)
{
    apr_interval_time_t slowest =
        __atomic_load_n(&field->slowest, __ATOMIC_RELAXED);

    while (took > slowest
           && !__atomic_compare_exchange_n(&field->slowest, &slowest, took, 0,
                                           __ATOMIC_RELAXED,
                                           __ATOMIC_RELAXED)) {
    }
}

static void hear(field_t *field, const clerk_landing_t *landing)
{
    if (landing->status == CLERK_PENDING_EXCEEDED) {
        add(&field->refused);
    }
    else if (landing->status == CLERK_TIMED_OUT
             && field->says.status != CLERK_TIMED_OUT) {
        add(&field->late);
    }
    else if (landing->status == field->says.status
             && landing->retry_after == field->says.retry_after
             && landing->record.len == field->says.record.len
             && (!landing->record.len
                 || memcmp(landing->record.ptr, field->says.record.ptr,
                           landing->record.len)
                        == 0)) {
        add(&field->told);
    }
    else {
        add(&field->wrong);
    }
}

/* However busy the machine is. */
static void await_crowd(field_t *field)
{
    while (__atomic_load_n(&field->there, __ATOMIC_RELAXED) < field->crowd) {
        apr_sleep(1000);
    }
}

static void fly(void *data)
{
    field_t *field = data;
    clerk_seat_t seat = { .key = field->key,
                          .patience = field->patience,
                          .is_private = field->is_private };
    apr_time_t began = clerk_steady_now();
    clerk_landing_t landing;
    apr_pool_t *p;

    if (apr_pool_create(&p, NULL) != APR_SUCCESS) {
        return;
    }
    add(&field->there);
    if (field->port.board(field->port.self, &seat, p, &landing)) {
        add(&field->led);
        await_crowd(field);
        apr_sleep(field->takes);
        field->port.land(field->port.self, &seat, &field->says);
    }
    else {
        hear(field, &landing);
        note_time(field, clerk_steady_now() - began);
    }
    apr_pool_destroy(p);
}

static void fly_all(apr_pool_t *p, int count, field_t *field)
{
    field->crowd = count;
    unit_together(p, count, fly, field);
}

static void one_leads_and_all_are_told(void **state)
{
    field_t *field = field_of(*state, NULL, 128);

    fly_all(*state, 32, field);
    assert_int_equal(field->led, 1);
    assert_int_equal(field->told, 31);
    assert_in_range(field->slowest, MSEC(50), MSEC(1000));
    assert_int_equal(field->pending.count, 0);
    /* It has landed: the next one flies anew. */
    fly(field);
    assert_int_equal(field->led, 2);
}

static void a_failure_is_shared(void **state)
{
    field_t *field = field_of(*state, NULL, 128);

    field->says.status = CLERK_SERVER_ERROR;
    field->says.retry_after = 3;
    field->says.record.len = 0;
    fly_all(*state, 32, field);
    assert_int_equal(field->led, 1);
    assert_int_equal(field->told, 31);
}

static void await_leader(field_t *field)
{
    while (!__atomic_load_n(&field->led, __ATOMIC_RELAXED)) {
        apr_sleep(1000);
    }
}

static void await_riders(field_t *field, apr_uint32_t count)
{
    while (__atomic_load_n(&field->pending.count, __ATOMIC_RELAXED) < count) {
        apr_sleep(1000);
    }
}

/* A flight that ends when somebody waits for it, and has for 100 ms. */
typedef struct ending_t {
    field_t *field;
    clerk_seat_t *seat;
    const clerk_landing_t *landing;
} ending_t;

static void land_later(void *data)
{
    ending_t *ending = data;

    await_riders(ending->field, 1);
    apr_sleep(MSEC(100));
    ending->field->port.land(ending->field->port.self, ending->seat,
                             ending->landing);
}

/* Two towers with the same slots are two processes. */
static void processes_share_what_went_wrong(void **state)
{
    clerk_slots_t *slots = apr_pcalloc(*state, sizeof(*slots));
    field_t *one = field_of(*state, slots, 128);
    field_t *two = field_of(*state, slots, 128);
    unit_crew_t *crew;

    one->crowd = two->crowd = 16;
    one->takes = two->takes = MSEC(300);
    one->says.status = two->says.status = CLERK_UNREACHABLE;
    one->says.record.len = two->says.record.len = 0;
    crew = unit_crew_start(*state, 16, fly, one);
    unit_together(*state, 16, fly, two);
    unit_crew_join(crew);
    assert_int_equal(one->led + two->led, 1);
    assert_int_equal(one->told + two->told, 31);
    assert_int_equal(one->wrong + two->wrong, 0);
}

/* What went right is in the cache, where the other one looks for it. */
static void processes_tell_each_other_to_look(void **state)
{
    clerk_slots_t *slots = apr_pcalloc(*state, sizeof(*slots));
    field_t *one = field_of(*state, slots, 128);
    field_t *two = field_of(*state, slots, 128);
    unit_crew_t *crew = unit_crew_start(*state, 1, fly, one);
    apr_time_t began = clerk_steady_now();

    await_leader(one);
    two->takes = 0;
    fly(two);
    assert_int_equal(two->led, 1);
    assert_in_range(clerk_steady_now() - began, MSEC(100), MSEC(1000));
    unit_crew_join(crew);

    /* Without a cache there is nothing to wait for. */
    one->is_private = two->is_private = 1;
    one->led = 0;
    one->takes = MSEC(1000);
    crew = unit_crew_start(*state, 1, fly, one);
    await_leader(one);
    began = clerk_steady_now();
    fly(two);
    assert_true(clerk_steady_now() - began < MSEC(500));
    unit_crew_join(crew);
}

static void nobody_waits_longer_than_he_has_patience(void **state)
{
    field_t *field = field_of(*state, NULL, 128);
    field_t hasty = *field;
    unit_crew_t *crew;

    field->takes = MSEC(1500);
    hasty.patience = MSEC(150);
    crew = unit_crew_start(*state, 1, fly, field);
    await_leader(field);
    unit_together(*state, 8, fly, &hasty);
    assert_int_equal(hasty.late, 8);
    assert_in_range(hasty.slowest, MSEC(150), MSEC(1000));
    unit_crew_join(crew);
    assert_int_equal(field->pending.count, 0);
}

/* Of 16 threads 8 may wait. */
static void a_few_more_wait_for_a_moment(void **state)
{
    field_t *field = field_of(*state, NULL, 16);

    fly_all(*state, 16, field);
    assert_int_equal(field->led, 1);
    assert_int_equal(field->told, 15);
    assert_int_equal(field->refused, 0);
    assert_int_equal(field->pending.count, 0);
}

static void but_not_for_long(void **state)
{
    field_t *field = field_of(*state, NULL, 16);

    field->takes = MSEC(900);
    fly_all(*state, 16, field);
    assert_int_equal(field->led, 1);
    assert_int_equal(field->told, 7);
    assert_int_equal(field->refused, 8);
    assert_int_equal(field->pending.count, 0);
}

static void a_number_that_is_set_is_strict(void **state)
{
    field_t *field = field_of(*state, NULL, 16);

    clerk_pending_init(&field->pending, 3, 16);
    fly_all(*state, 16, field);
    assert_int_equal(field->led, 1);
    assert_int_equal(field->told, 2);
    assert_int_equal(field->refused, 13);
}

/* Many keys at the same time, again and again. */
static void storm(void *data)
{
    field_t *field = data;
    unsigned char key[CLERK_SHA256_BYTES] = { 0 };
    field_t own = { .port = field->port,
                    .key = key,
                    .patience = field->patience,
                    .says = field->says };
    int i;

    for (i = 0; i < 300; i++) {
        key[31] = key[16] = (unsigned char)(i % 7);
        key[0] = (unsigned char)(i % 3);
        fly(&own);
    }
    __atomic_add_fetch(&field->led, own.led, __ATOMIC_RELAXED);
    __atomic_add_fetch(&field->told, own.told, __ATOMIC_RELAXED);
    __atomic_add_fetch(&field->wrong, own.wrong + own.late + own.refused,
                       __ATOMIC_RELAXED);
}

static void keys_do_not_mix(void **state)
{
    clerk_slots_t *slots = apr_pcalloc(*state, sizeof(*slots));
    field_t *field = field_of(*state, slots, 128);

    unit_together(*state, 16, storm, field);
    assert_int_equal(field->led + field->told, 16 * 300);
    assert_int_equal(field->wrong, 0);
    assert_int_equal(field->pending.count, 0);
}

/* Nobody waits for what is done in the background, nor does it wait. */
static void the_background_stands_back(void **state)
{
    field_t *field = field_of(*state, NULL, 128);
    clerk_seat_t seat = { .key = a_key,
                          .patience = MSEC(100),
                          .is_background = 1 };
    unit_crew_t *crew;
    apr_time_t began;
    clerk_landing_t landing;

    field->takes = MSEC(500);
    crew = unit_crew_start(*state, 1, fly, field);
    await_leader(field);
    began = clerk_steady_now();
    assert_false(field->port.board(field->port.self, &seat, *state, &landing));
    assert_true(landing.status != CLERK_OK);
    assert_true(clerk_steady_now() - began < MSEC(250));
    unit_crew_join(crew);
    assert_true(field->port.board(field->port.self, &seat, *state, &landing));
    assert_int_equal(field->pending.count, 0);
    field->port.land(field->port.self, &seat, &field->says);
    assert_int_equal(field->pending.count, 0);
}

/* A background flight ends so, while four requests of each process wait. */
static void end_in_the_background(apr_pool_t *p, clerk_status_t status)
{
    clerk_slots_t *slots = apr_pcalloc(p, sizeof(*slots));
    field_t *one = field_of(p, slots, 128);
    field_t *two = field_of(p, slots, 128);
    const clerk_landing_t landing = { .status = status };
    clerk_seat_t seat = { .key = a_key,
                          .patience = MSEC(3000),
                          .is_background = 1 };
    clerk_landing_t ignored;
    unit_crew_t *crews[2];

    assert_true(one->port.board(one->port.self, &seat, p, &ignored));
    crews[0] = unit_crew_start(p, 4, fly, one);
    crews[1] = unit_crew_start(p, 4, fly, two);
    await_riders(one, 4);
    await_riders(two, 4);
    one->port.land(one->port.self, &seat, &landing);
    unit_crew_join(crews[0]);
    unit_crew_join(crews[1]);
    /* What went well another process finds in the cache, after a look. */
    assert_in_range(one->led + two->led, 1, 2);
    assert_int_equal(one->led + one->told + two->led + two->told, 8);
    assert_int_equal(one->pending.count + two->pending.count, 0);
}

/*
 * What ClerkRateLimit does not grant the background it may grant a request, and
 * what was given up at the end of a process was not asked: those who waited
 * find out, one for all of them.
 */
static void nobody_is_told_what_the_background_may_not(void **state)
{
    end_in_the_background(*state, CLERK_RATE_EXCEEDED);
    end_in_the_background(*state, CLERK_INTERNAL);
    end_in_the_background(*state, CLERK_PENDING_EXCEEDED);
}

/* It does not wait for another process, and what it makes of that is no answer
 * for a request that came along. */
static void who_does_not_wait_decides_for_nobody(void **state)
{
    clerk_slots_t *slots = apr_pcalloc(*state, sizeof(*slots));
    field_t *field = field_of(*state, slots, 128);
    clerk_turn_wish_t wish = { .key = a_key, .patience = MSEC(60000) };
    clerk_turn_ticket_t ticket;
    clerk_turn_result_t result = { CLERK_OK, 0 };
    clerk_seat_t background = { .key = a_key,
                                .patience = MSEC(100),
                                .is_background = 1 };
    clerk_landing_t landing;

    assert_int_equal(clerk_slots_take(slots, &wish, &ticket, &result),
                     CLERK_TURN_OURS);
    assert_false(
        field->port.board(field->port.self, &background, *state, &landing));
    assert_int_equal(landing.status, CLERK_PENDING_EXCEEDED);
    clerk_slots_land(&ticket, a_key, &result);
}

/* Nor is that a reason to wait twice as long. */
static void a_deadline_counts_from_boarding(void **state)
{
    field_t *field = field_of(*state, NULL, 128);
    const clerk_landing_t nothing = { .status = CLERK_INTERNAL };
    clerk_seat_t background = { .key = a_key,
                                .patience = MSEC(3000),
                                .is_background = 1 };
    clerk_seat_t seat = { .key = a_key, .patience = MSEC(3000) };
    clerk_landing_t landing;
    ending_t ending = { field, &background, &nothing };
    unit_crew_t *crew;

    assert_true(
        field->port.board(field->port.self, &background, *state, &landing));
    crew = unit_crew_start(*state, 1, land_later, &ending);
    assert_true(field->port.board(field->port.self, &seat, *state, &landing));
    assert_in_range(seat.waited, MSEC(100), MSEC(2000));
    field->port.land(field->port.self, &seat, &field->says);
    unit_crew_join(crew);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(one_leads_and_all_are_told),
        UNIT_TEST(a_failure_is_shared),
        UNIT_TEST(processes_share_what_went_wrong),
        UNIT_TEST(processes_tell_each_other_to_look),
        UNIT_TEST(nobody_waits_longer_than_he_has_patience),
        UNIT_TEST(a_few_more_wait_for_a_moment),
        UNIT_TEST(but_not_for_long),
        UNIT_TEST(a_number_that_is_set_is_strict),
        UNIT_TEST(keys_do_not_mix),
        UNIT_TEST(the_background_stands_back),
        UNIT_TEST(nobody_is_told_what_the_background_may_not),
        UNIT_TEST(who_does_not_wait_decides_for_nobody),
        UNIT_TEST(a_deadline_counts_from_boarding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
