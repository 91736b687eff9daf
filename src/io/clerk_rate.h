/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_rate.h: how many calls may be made, over all children.
 *
 * Owns: one token bucket, which holds `calls` and is filled again at an even
 * pace within `period`. It is kept as one number, the time at which the bucket
 * would be full if nobody took anything more, so that no lock is needed. Must
 * never know: what a call is. Called by: clerk_gate.
 *
 * `now` and `wait` are of clerk_steady, in microseconds. Any thread of any
 * process may call.
 */
#ifndef CLERK_RATE_H
#define CLERK_RATE_H

#include <apr_time.h>

/* In shared memory; all zero: without a limit. */
typedef struct clerk_rate_t {
    apr_int64_t full_at; /* nanoseconds */
    apr_int64_t price;   /* nanoseconds until one call is there again */
    apr_int64_t period;  /* nanoseconds until all are */
} clerk_rate_t;

/* `calls` per `seconds`, both at least 1; the bucket is full. */
void clerk_rate_set(clerk_rate_t *rate, int calls, int seconds);

/*
 * Take one call out of the bucket. False when it is empty, and `wait` is how
 * long it takes until one is there. Who is in no hurry finds it empty when it
 * is half empty.
 */
int clerk_rate_take(clerk_rate_t *rate, apr_time_t now, int no_hurry,
                    apr_interval_time_t *wait);

#endif
