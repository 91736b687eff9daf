/* SPDX-License-Identifier: Apache-2.0 */
/* What the children share: whatever is said or done once, one of them does. */
#include "unit.h"

#include <apr_thread_proc.h>

#include "clerk_shared.h"

#define THREADS 16

static clerk_shared_t *shared_of(apr_pool_t *p)
{
    clerk_shared_t *shared;

    assert_int_equal(clerk_shared_create(p, &shared), CLERK_OK);
    return shared;
}

static void an_instance_is_spoken_of_once(void **state)
{
    clerk_shared_t *shared = shared_of(*state);
    unsigned char lane[CLERK_SHA256_BYTES] = { 0 };
    int i;

    for (i = 0; i < 256; i++) {
        lane[0] = (unsigned char)i;
        assert_true(clerk_shared_is_first_about(shared, lane));
        assert_false(clerk_shared_is_first_about(shared, lane));
    }
    lane[0] = 0;
    assert_false(clerk_shared_is_first_about(shared, lane));
    assert_true(clerk_shared_is_first_about(shared_of(*state), lane));
}

/* What is noted of one thing is not taken for another. */
static void its_parts_are_apart(void **state)
{
    clerk_shared_t *shared = shared_of(*state);
    unsigned char lane[CLERK_SHA256_BYTES] = { 0 };
    int i;

    for (i = 0; i < 256; i++) {
        lane[0] = (unsigned char)i;
        assert_true(clerk_shared_is_first_about(shared, lane));
    }
    assert_int_equal(clerk_shared_count_introspection(shared, 0), 1);
    for (i = 0; i < CLERK_STATUS_COUNT; i++) {
        assert_true(clerk_shared_is_first_in_second(
            shared, (clerk_status_t)i, apr_time_from_sec(1785000000)));
        assert_false(clerk_shared_is_first_in_second(
            shared, (clerk_status_t)i, apr_time_from_sec(1785000000) + 999999));
        assert_true(clerk_shared_is_first_in_second(
            shared, (clerk_status_t)i, apr_time_from_sec(1785000001)));
    }
    assert_int_equal(clerk_shared_count_introspection(shared, 0), 2);
    assert_int_equal(clerk_shared_count_introspection(shared, 1), 0);
    assert_int_equal(clerk_shared_count_introspection(shared, 0), 0);
}

typedef struct worker_t {
    clerk_shared_t *shared;
    apr_thread_t *thread;
    int firsts;
} worker_t;

static void *APR_THREAD_FUNC work(apr_thread_t *thread, void *data)
{
    worker_t *worker = data;
    unsigned char lane[CLERK_SHA256_BYTES] = { 0 };
    int i;

    (void)thread;
    for (i = 0; i < 256; i++) {
        lane[0] = (unsigned char)i;
        worker->firsts += clerk_shared_is_first_about(worker->shared, lane);
    }
    return NULL;
}

static void one_of_many_is_the_first(void **state)
{
    clerk_shared_t *shared = shared_of(*state);
    worker_t workers[THREADS] = { { 0 } };
    apr_status_t ignored;
    int firsts = 0;
    int i;

    for (i = 0; i < THREADS; i++) {
        workers[i].shared = shared;
        assert_int_equal(apr_thread_create(&workers[i].thread, NULL, work,
                                           &workers[i], *state),
                         APR_SUCCESS);
    }
    for (i = 0; i < THREADS; i++) {
        assert_int_equal(apr_thread_join(&ignored, workers[i].thread),
                         APR_SUCCESS);
        firsts += workers[i].firsts;
    }
    assert_int_equal(firsts, 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(an_instance_is_spoken_of_once),
        UNIT_TEST(its_parts_are_apart),
        UNIT_TEST(one_of_many_is_the_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
