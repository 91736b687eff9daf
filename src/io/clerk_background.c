/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_background.h"

#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

#include "clerk_thread.h"

#define QUEUE 256
#define THREADS 8

struct clerk_background_t {
    apr_pool_t *p; /* of the threads */
    apr_uint32_t is_stopping;
    apr_thread_mutex_t *mutex; /* guards what follows, and `p` */
    apr_thread_cond_t *work;
    clerk_background_job_t queue[QUEUE];
    int first;
    int length;
    int idle; /* threads that wait for work */
    int count;
    apr_thread_t *threads[THREADS];
};

static int is_stopping(clerk_background_t *background)
{
    return __atomic_load_n(&background->is_stopping, __ATOMIC_ACQUIRE) != 0;
}

/* With the mutex held, and something in the queue. */
static clerk_background_job_t take_first(clerk_background_t *background)
{
    clerk_background_job_t job = background->queue[background->first];

    background->first = (background->first + 1) % QUEUE;
    background->length--;
    return job;
}

/* With the mutex held, and room in the queue. */
static void put(clerk_background_t *background,
                const clerk_background_job_t *job)
{
    int place = background->first + background->length;

    if (job->is_urgent) {
        background->first = (background->first + QUEUE - 1) % QUEUE;
        place = background->first;
    }
    background->queue[place % QUEUE] = *job;
    background->length++;
}

/* The next job; false: it is time to end. */
static int next_job(clerk_background_t *background, clerk_background_job_t *job)
{
    int is_there;

    apr_thread_mutex_lock(background->mutex);
    background->idle++;
    while (!background->length && !is_stopping(background)) {
        (void)apr_thread_cond_wait(background->work, background->mutex);
    }
    background->idle--;
    is_there = !is_stopping(background);
    if (is_there) {
        *job = take_first(background);
    }
    apr_thread_mutex_unlock(background->mutex);
    return is_there;
}

static void *APR_THREAD_FUNC work(apr_thread_t *thread, void *data)
{
    clerk_background_job_t job;

    (void)thread;
    while (next_job(data, &job)) {
        job.run(job.data);
    }
    return NULL;
}

/* One more thread where all others are busy. With the mutex held. */
static void see_to_threads(clerk_background_t *background)
{
    if (background->idle > background->length || background->count == THREADS) {
        return;
    }
    if (clerk_thread_create(&background->threads[background->count], work,
                            background, background->p)
        == APR_SUCCESS) {
        background->count++;
    }
}

int clerk_background_offer(clerk_background_t *background,
                           const clerk_background_job_t *job)
{
    int is_taken = 0;

    apr_thread_mutex_lock(background->mutex);
    /* In this order: once it stops, the queue is emptied without the mutex. */
    if (!is_stopping(background) && background->length < QUEUE) {
        see_to_threads(background);
        is_taken = background->count > 0;
    }
    if (is_taken) {
        put(background, job);
        apr_thread_cond_signal(background->work);
    }
    apr_thread_mutex_unlock(background->mutex);
    return is_taken;
}

const apr_uint32_t *clerk_background_give_up(
    const clerk_background_t *background)
{
    return &background->is_stopping;
}

void clerk_background_stop(clerk_background_t *background)
{
    clerk_background_job_t job;
    apr_status_t ignored;
    int count;
    int i;

    apr_thread_mutex_lock(background->mutex);
    __atomic_store_n(&background->is_stopping, 1, __ATOMIC_RELEASE);
    count = background->count;
    apr_thread_cond_broadcast(background->work);
    apr_thread_mutex_unlock(background->mutex);
    for (i = 0; i < count; i++) {
        (void)apr_thread_join(&ignored, background->threads[i]);
    }
    /* Nobody puts anything there now, or takes it. */
    background->count = 0;
    while (background->length) {
        job = take_first(background);
        job.drop(job.data);
    }
}

clerk_status_t clerk_background_create(apr_pool_t *p,
                                       clerk_background_t **background)
{
    clerk_background_t *made = apr_pcalloc(p, sizeof(*made));

    *background = NULL;
    if (apr_pool_create(&made->p, p) != APR_SUCCESS
        || apr_thread_mutex_create(&made->mutex, APR_THREAD_MUTEX_DEFAULT, p)
               != APR_SUCCESS
        || apr_thread_cond_create(&made->work, p) != APR_SUCCESS) {
        return CLERK_INTERNAL;
    }
    *background = made;
    return CLERK_OK;
}
