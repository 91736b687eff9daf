/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_steady.h: a clock that nobody sets.
 *
 * Owns: the time since some moment, the same for all processes of this
 * machine, in microseconds, like apr_time_t, but never the time of day. Must
 * never know: why somebody wants to wait. Called by: whatever measures or
 * waits, which has to go on when an administrator sets the clock back.
 */
#ifndef CLERK_STEADY_H
#define CLERK_STEADY_H

#include <apr_time.h>

apr_time_t clerk_steady_now(void);

/*
 * A moment by both clocks. Time has passed when either of them says so: who
 * sets the time of day back keeps nothing young by it.
 */
typedef struct clerk_moment_t {
    apr_time_t day;    /* apr_time_now */
    apr_time_t steady; /* clerk_steady_now */
} clerk_moment_t;

clerk_moment_t clerk_steady_moment(void);

/* How long before `now` it was, at least. */
apr_interval_time_t clerk_steady_since(clerk_moment_t then, clerk_moment_t now);

/* The moment so much later; before, where it is less than 0. */
clerk_moment_t clerk_steady_later(clerk_moment_t then,
                                  apr_interval_time_t length);

/* Whole seconds, rounded up and at least 1: for Retry-After. */
int clerk_steady_seconds_up(apr_interval_time_t wait);

#endif
