/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_breaker.h: whether it makes sense to ask Clerk at all.
 *
 * Owns: for each lane of calls, how many have failed in a row, and until when
 * nobody asks, over all children. Must never know: what failing is. Called
 * by: clerk_gate.
 *
 *   After CLERK_BREAKER_FAILURES in a row it opens. One call is then let
 *   through each CLERK_BREAKER_PERIOD; the first that succeeds closes it.
 *   When Clerk says how long to stay away, nobody asks before that.
 *
 * `now`, `began` and `wait` are of clerk_steady, in microseconds. Any thread
 * of any process may call.
 */
#ifndef CLERK_BREAKER_H
#define CLERK_BREAKER_H

#include <apr_time.h>

#define CLERK_BREAKER_LANES 128
#define CLERK_BREAKER_FAILURES 5
/* Short enough that everybody sees within a second that Clerk is back. */
#define CLERK_BREAKER_PERIOD apr_time_from_msec(900)

typedef struct clerk_breaker_t {
    apr_uint64_t lane;        /* of its name; 0: free */
    apr_int64_t open_until;   /* the next call that is let through; 0: closed */
    apr_int64_t barred_until; /* by Clerk */
    apr_int64_t success_at;   /* the last one */
    apr_uint32_t failures;    /* since then */
} clerk_breaker_t;

/* In shared memory; all zero: all closed. */
typedef struct clerk_breakers_t {
    clerk_breaker_t lanes[CLERK_BREAKER_LANES];
} clerk_breakers_t;

typedef enum clerk_breaker_change_t {
    CLERK_BREAKER_UNCHANGED,
    CLERK_BREAKER_OPENED,
    CLERK_BREAKER_CLOSED
} clerk_breaker_change_t;

/* The breaker of a lane, by the first bytes of its digest; NULL when there are
 * more lanes than anybody has. */
clerk_breaker_t *clerk_breaker_find(clerk_breakers_t *breakers,
                                    const unsigned char *lane);

/* May a call be made? If not, `wait` is how long it takes until the next one
 * may. */
int clerk_breaker_admits(clerk_breaker_t *breaker, apr_time_t now,
                         apr_interval_time_t *wait);

/* What became of a call that was let through. */
clerk_breaker_change_t clerk_breaker_succeeded(clerk_breaker_t *breaker,
                                               apr_time_t now);
clerk_breaker_change_t clerk_breaker_failed(clerk_breaker_t *breaker,
                                            apr_time_t began, apr_time_t now);
clerk_breaker_change_t clerk_breaker_barred(clerk_breaker_t *breaker,
                                            apr_interval_time_t wait,
                                            apr_time_t now);

/* How many lanes are open, and how many there are. */
int clerk_breaker_count_open(const clerk_breakers_t *breakers, apr_time_t now,
                             int *lanes);

#endif
