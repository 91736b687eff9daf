/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_background.h: work that nobody waits for.
 *
 * Owns: a short queue, and the few threads of this process that work it off.
 * Must never know: what the work is. Called by: clerk_refresher, clerk_renewal
 * and whoever has it make calls; the glue, once per child. Any thread may call.
 *
 * Threads are started when there is work for them.
 */
#ifndef CLERK_BACKGROUND_H
#define CLERK_BACKGROUND_H

#include <apr_pools.h>

#include "clerk_status.h"

typedef struct clerk_background_t clerk_background_t;

/* One of the two is called, once, and releases what `data` holds. */
typedef struct clerk_background_job_t {
    void (*run)(void *data);
    void (*drop)(void *data); /* it has come to nothing: the end is near */
    void *data;
    int is_urgent; /* it goes before those that are not */
} clerk_background_job_t;

/*
 * Make the background of this process; everything goes with `p`, which
 * outlives all threads. CLERK_INTERNAL, and NULL, on failure.
 */
clerk_status_t clerk_background_create(
    apr_pool_t *p, clerk_background_t **background) CLERK_MUST_USE;

/*
 * Have a job done. False when it is not taken, which stays as it is then: the
 * queue is full, there is no thread, or the end is near.
 */
int clerk_background_offer(clerk_background_t *background,
                           const clerk_background_job_t *job) CLERK_MUST_USE;

/* No longer 0 once it stops: for clerk_call_t.give_up. */
const apr_uint32_t *clerk_background_give_up(
    const clerk_background_t *background);

/* Take nothing more, wait for the threads, drop the queue. */
void clerk_background_stop(clerk_background_t *background);

#endif
