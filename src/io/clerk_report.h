/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_report.h: all that the status page tells, as it is at one moment.
 *
 * Owns: the copy of the numbers in shared memory, of each process and of all
 * together. Must never know: what they are called, or how they are shown
 * (clerk_figures). Called by: the glue, for each answer.
 */
#ifndef CLERK_REPORT_H
#define CLERK_REPORT_H

#include <apr_pools.h>
#include <apr_tables.h>

#include "clerk_shared.h"

/* Of one process, or of all together, those that have ended included. */
typedef struct clerk_tally_t {
    apr_uint32_t pid; /* 0: of all */
    apr_uint64_t pending;
    apr_uint64_t max_pending;
    apr_interval_time_t ages[CLERK_AGES_PLACES]; /* -1: no set; the oldest */
    clerk_counters_t counters;
} clerk_tally_t;

typedef struct clerk_report_t {
    clerk_tally_t total;
    apr_array_header_t *processes;            /* of clerk_tally_t: who runs */
    const char *frontends[CLERK_AGES_PLACES]; /* whose key sets; or NULL */
    int shown_at[CLERK_AGES_PLACES]; /* which place's name a set has; or -1 */
    int breakers;
    int breakers_open;
} clerk_report_t;

/* All of it lies in `p`. */
clerk_report_t *clerk_report_make(apr_pool_t *p, clerk_shared_t *shared,
                                  clerk_moment_t now);

#endif
