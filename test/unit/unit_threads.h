/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit_threads.h: many threads that do the same at the same time, and
 * processes beside this one. In them no assertion of cmocka's may fail: they
 * note what they see, and the test asserts.
 */
#ifndef UNIT_THREADS_H
#define UNIT_THREADS_H

#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>
#include <apr_time.h>

#include "unit.h"

#define UNIT_THREADS_MAX 64

typedef struct unit_crew_t {
    void (*work)(void *data);
    void *data;
    apr_thread_t *threads[UNIT_THREADS_MAX];
    int count;
} unit_crew_t;

static inline void *APR_THREAD_FUNC unit_crew_work(apr_thread_t *thread,
                                                   void *data)
{
    unit_crew_t *crew = data;

    (void)thread;
    crew->work(crew->data);
    return NULL;
}

/* Start some; unit_crew_join waits for them. */
static inline unit_crew_t *unit_crew_start(apr_pool_t *p, int count,
                                           void (*work)(void *data), void *data)
{
    unit_crew_t *crew = apr_pcalloc(p, sizeof(*crew));

    crew->work = work;
    crew->data = data;
    while (crew->count < count) {
        assert_int_equal(apr_thread_create(&crew->threads[crew->count], NULL,
                                           unit_crew_work, crew, p),
                         APR_SUCCESS);
        crew->count++;
    }
    return crew;
}

static inline void unit_crew_join(unit_crew_t *crew)
{
    apr_status_t ignored;
    int i;

    for (i = 0; i < crew->count; i++) {
        assert_int_equal(apr_thread_join(&ignored, crew->threads[i]),
                         APR_SUCCESS);
    }
}

static inline void unit_together(apr_pool_t *p, int count,
                                 void (*work)(void *data), void *data)
{
    unit_crew_join(unit_crew_start(p, count, work, data));
}

/* What other threads count with the mutex held. */
static inline int unit_locked(apr_thread_mutex_t *mutex, const int *number)
{
    int value;

    apr_thread_mutex_lock(mutex);
    value = *number;
    apr_thread_mutex_unlock(mutex);
    return value;
}

/* Until they have counted so far. */
static inline void unit_await_locked(apr_thread_mutex_t *mutex,
                                     const int *number, int wanted)
{
    int i;

    for (i = 0; i < 3000 && unit_locked(mutex, number) < wanted; i++) {
        apr_sleep(1000);
    }
    assert_int_equal(unit_locked(mutex, number), wanted);
}

/* The same of what they count by one step. */
static inline int unit_seen(const int *number)
{
    return __atomic_load_n(number, __ATOMIC_SEQ_CST);
}

static inline void unit_await(const int *number, int wanted)
{
    int i;

    for (i = 0; i < 3000 && unit_seen(number) < wanted; i++) {
        apr_sleep(1000);
    }
    assert_int_equal(unit_seen(number), wanted);
}

/* Take so long over a call; false when it was given up before. */
static inline int unit_linger(apr_interval_time_t length,
                              const apr_uint32_t *give_up)
{
    for (; length > 0; length -= 1000) {
        if (give_up && __atomic_load_n(give_up, __ATOMIC_ACQUIRE)) {
            return 0;
        }
        apr_sleep(1000);
    }
    return 1;
}

#endif
