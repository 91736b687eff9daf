/* SPDX-License-Identifier: Apache-2.0 */
/* Work that nobody waits for: by few threads, each piece run or dropped. */
#include "unit_threads.h"

#include "clerk_background.h"
#include "clerk_steady.h"

#define QUEUE 256
#define THREADS 8

typedef struct world_t {
    clerk_background_t *background;
    apr_interval_time_t takes; /* a job, unless it is given up */
    int at_a_time;
    int most;
    int run;
    int given_up; /* of them */
    int dropped;
    int taken;
    int refused;
} world_t;

static int add(int *number, int by)
{
    return __atomic_add_fetch(number, by, __ATOMIC_SEQ_CST);
}

static void run(void *data)
{
    world_t *world = data;
    const apr_uint32_t *give_up = clerk_background_give_up(world->background);
    apr_time_t until = clerk_steady_now() + world->takes;
    int now = add(&world->at_a_time, 1);

    if (now > unit_seen(&world->most)) {
        __atomic_store_n(&world->most, now, __ATOMIC_SEQ_CST);
    }
    while (clerk_steady_now() < until
           && !__atomic_load_n(give_up, __ATOMIC_ACQUIRE)) {
        apr_sleep(1000);
    }
    add(&world->given_up, clerk_steady_now() < until);
    add(&world->at_a_time, -1);
    add(&world->run, 1);
}

static void drop(void *data)
{
    world_t *world = data;

    add(&world->dropped, 1);
}

static void offer(world_t *world)
{
    const clerk_background_job_t job = { run, drop, world, 0 };

    add(clerk_background_offer(world->background, &job) ? &world->taken
                                                        : &world->refused,
        1);
}

/* After a test that failed somebody may be at work still. */
static apr_status_t stop(void *background)
{
    clerk_background_stop(background);
    return APR_SUCCESS;
}

static world_t *world_of(apr_pool_t *p)
{
    world_t *world = apr_pcalloc(p, sizeof(*world));

    assert_int_equal(clerk_background_create(p, &world->background), CLERK_OK);
    apr_pool_pre_cleanup_register(p, world->background, stop);
    return world;
}

static void what_is_taken_is_run(void **state)
{
    world_t *world = world_of(*state);
    int i;

    for (i = 1; i <= 3; i++) {
        offer(world);
        unit_await(&world->run, i);
    }
    assert_int_equal(world->most, 1);
    clerk_background_stop(world->background);
    assert_int_equal(world->dropped, 0);
}

static void a_few_threads_do_it_all(void **state)
{
    world_t *world = world_of(*state);
    int i;

    world->takes = apr_time_from_msec(2);
    for (i = 0; i < 200; i++) {
        offer(world);
    }
    unit_await(&world->run, 200);
    assert_in_range(unit_seen(&world->most), 2, THREADS);
    clerk_background_stop(world->background);
}

static void a_full_queue_takes_nothing(void **state)
{
    world_t *world = world_of(*state);
    int i;

    world->takes = apr_time_from_sec(60);
    for (i = 0; i < THREADS; i++) {
        offer(world);
    }
    unit_await(&world->at_a_time, THREADS);
    for (i = 0; i < QUEUE + 10; i++) {
        offer(world);
    }
    assert_int_equal(world->taken, THREADS + QUEUE);
    assert_int_equal(world->refused, 10);
    clerk_background_stop(world->background);
    assert_int_equal(unit_seen(&world->run), THREADS);
    assert_int_equal(world->dropped, QUEUE);
}

static void note_turn(void *data)
{
    int *turn = data;
    static int turns;

    __atomic_store_n(turn, add(&turns, 1), __ATOMIC_SEQ_CST);
}

static void never(void *data)
{
    (void)data;
    fail_msg("%s", "there was time for it");
}

static void what_is_urgent_comes_first(void **state)
{
    world_t *world = world_of(*state);
    int turns[3] = { 0 };
    clerk_background_job_t job = { note_turn, never, &turns[0], 0 };
    int i;

    /* One at a time runs them: the others are busy until the end. */
    world->takes = apr_time_from_sec(60);
    for (i = 0; i < THREADS - 1; i++) {
        offer(world);
    }
    unit_await(&world->at_a_time, THREADS - 1);
    world->takes = apr_time_from_msec(200);
    offer(world);
    unit_await(&world->at_a_time, THREADS);
    assert_true(clerk_background_offer(world->background, &job));
    job.data = &turns[1];
    assert_true(clerk_background_offer(world->background, &job));
    job.data = &turns[2];
    job.is_urgent = 1;
    assert_true(clerk_background_offer(world->background, &job));
    for (i = 0; i < 3; i++) {
        while (!unit_seen(&turns[i])) {
            apr_sleep(1000);
        }
    }
    assert_true(turns[2] < turns[0]);
    assert_true(turns[2] < turns[1]);
    clerk_background_stop(world->background);
}

static void the_end_is_not_waited_for(void **state)
{
    world_t *world = world_of(*state);
    apr_time_t began = clerk_steady_now();
    int i;

    world->takes = apr_time_from_sec(60);
    for (i = 0; i < 20; i++) {
        offer(world);
    }
    unit_await(&world->at_a_time, THREADS);
    clerk_background_stop(world->background);
    assert_true(clerk_steady_now() - began < apr_time_from_sec(3));
    assert_int_equal(world->given_up, THREADS);
    assert_int_equal(world->dropped, 20 - THREADS);
    offer(world);
    assert_int_equal(world->refused, 1);
    assert_int_equal(world->run, THREADS);
}

static void an_end_without_a_beginning(void **state)
{
    world_t *world = world_of(*state);

    assert_int_equal(*clerk_background_give_up(world->background), 0);
    clerk_background_stop(world->background);
    assert_int_not_equal(*clerk_background_give_up(world->background), 0);
}

static void crowd(void *data)
{
    int i;

    for (i = 0; i < 200; i++) {
        offer(data);
    }
}

/* Whatever is taken is run or dropped, and nothing twice. */
static void many_threads_offer_until_the_end(void **state)
{
    world_t *world = world_of(*state);
    unit_crew_t *crew;

    world->takes = apr_time_from_msec(1);
    crew = unit_crew_start(*state, 16, crowd, world);
    apr_sleep(apr_time_from_msec(3));
    clerk_background_stop(world->background);
    unit_crew_join(crew);
    assert_int_equal(world->taken + world->refused, 16 * 200);
    assert_int_equal(world->run + world->dropped, world->taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(what_is_taken_is_run),
        UNIT_TEST(a_few_threads_do_it_all),
        UNIT_TEST(a_full_queue_takes_nothing),
        UNIT_TEST(what_is_urgent_comes_first),
        UNIT_TEST(the_end_is_not_waited_for),
        UNIT_TEST(an_end_without_a_beginning),
        UNIT_TEST(many_threads_offer_until_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
