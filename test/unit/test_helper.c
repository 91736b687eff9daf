/* SPDX-License-Identifier: Apache-2.0 */
/* Work that another thread does. */
#include "unit_threads.h"

#include <signal.h>

#include <apr_portable.h>

#include "clerk_helper.h"

typedef struct errand_t {
    apr_os_thread_t thread; /* who did it */
    int runs;
} errand_t;

static void work(void *data)
{
    errand_t *errand = data;

    errand->thread = apr_os_thread_current();
    errand->runs++;
}

static void another_thread_does_it(void **state)
{
    clerk_helper_t *helper = clerk_helper_create();
    errand_t first = { 0 };
    errand_t second = { 0 };

    (void)state;
    assert_non_null(helper);
    clerk_helper_run(helper, work, &first);
    assert_int_equal(first.runs, 1);
    assert_false(apr_os_thread_equal(first.thread, apr_os_thread_current()));
    clerk_helper_run(helper, work, &second);
    assert_true(apr_os_thread_equal(first.thread, second.thread));
    clerk_helper_destroy(helper);
    assert_int_equal(first.runs, 1);
}

/* Each result is there when the call returns. */
static void it_is_done_on_return(void **state)
{
    clerk_helper_t *helper = clerk_helper_create();
    errand_t errand = { 0 };
    int i;

    (void)state;
    for (i = 1; i <= 2000; i++) {
        clerk_helper_run(helper, work, &errand);
        assert_int_equal(errand.runs, i);
    }
    clerk_helper_destroy(helper);
}

/* Signals are the server's; those of a fault are not kept from anybody. */
static void note_mask(void *data)
{
    (void)pthread_sigmask(SIG_SETMASK, NULL, data);
}

static void no_signal_comes_to_it(void **state)
{
    clerk_helper_t *helper;
    sigset_t before;
    sigset_t after;
    sigset_t its;

    (void)state;
    note_mask(&before);
    helper = clerk_helper_create();
    note_mask(&after);
    assert_int_equal(sigismember(&before, SIGTERM), 0);
    assert_int_equal(sigismember(&after, SIGTERM), 0);
    clerk_helper_run(helper, note_mask, &its);
    assert_int_equal(sigismember(&its, SIGTERM), 1);
    assert_int_equal(sigismember(&its, SIGHUP), 1);
    assert_int_equal(sigismember(&its, SIGUSR1), 1);
    assert_int_equal(sigismember(&its, SIGSEGV), 0);
    assert_int_equal(sigismember(&its, SIGABRT), 0);
    clerk_helper_destroy(helper);
}

/* Many at the same time, none of whose pools is anybody else's. */
static void use_one(void *data)
{
    int *failures = data;
    clerk_helper_t *helper = clerk_helper_create();
    errand_t errand = { 0 };

    if (helper) {
        clerk_helper_run(helper, work, &errand);
    }
    if (errand.runs != 1) {
        __atomic_add_fetch(failures, 1, __ATOMIC_RELAXED);
    }
    clerk_helper_destroy(helper);
}

static void threads_have_their_own(void **state)
{
    int failures = 0;

    unit_together(*state, 16, use_one, &failures);
    assert_int_equal(failures, 0);
}

static void one_that_never_worked_ends(void **state)
{
    (void)state;
    clerk_helper_destroy(clerk_helper_create());
    clerk_helper_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(another_thread_does_it),
        UNIT_TEST(it_is_done_on_return),
        UNIT_TEST(no_signal_comes_to_it),
        UNIT_TEST(threads_have_their_own),
        UNIT_TEST(one_that_never_worked_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
