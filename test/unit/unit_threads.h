/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit_threads.h: many threads that do the same at the same time, and
 * processes beside this one. In them no assertion of cmocka's may fail: they
 * note what they see, and the test asserts.
 */
#ifndef UNIT_THREADS_H
#define UNIT_THREADS_H

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

#endif
