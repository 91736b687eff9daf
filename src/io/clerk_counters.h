/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_counters.h: how often what happened, for the status page.
 *
 * Owns: the numbers of each process, in shared memory, and their sums. Must
 * never know: how they are shown. Called by: the glue.
 *
 * Counting is one addition without a lock or an order; any thread may do it.
 */
#ifndef CLERK_COUNTERS_H
#define CLERK_COUNTERS_H

#include <apr.h>

#include "clerk_ages.h"
#include "clerk_pending.h"
#include "clerk_status.h"
#include "clerk_verify.h"

#define CLERK_COUNTERS_PROCESSES 256

/* The endpoints of clerk_api, and what is none of them. */
typedef enum clerk_counters_endpoint_t {
    CLERK_COUNTERS_TOKEN_INFO,
    CLERK_COUNTERS_OAUTH_VERIFY,
    CLERK_COUNTERS_M2M_VERIFY,
    CLERK_COUNTERS_API_KEY_VERIFY,
    CLERK_COUNTERS_USERINFO,
    CLERK_COUNTERS_JWKS,
    CLERK_COUNTERS_OTHER,
    CLERK_COUNTERS_ENDPOINTS
} clerk_counters_endpoint_t;

/* Calls, by how they ended. */
typedef enum clerk_counters_end_t {
    CLERK_COUNTERS_ANSWERED, /* Clerk said something of use */
    CLERK_COUNTERS_FAILED,   /* it did not */
    CLERK_COUNTERS_HELD,     /* it was not asked */
    CLERK_COUNTERS_ENDS
} clerk_counters_end_t;

typedef enum clerk_counters_refresh_t {
    CLERK_COUNTERS_REFRESH_GOOD,
    CLERK_COUNTERS_REFRESH_DEAD,
    CLERK_COUNTERS_REFRESH_FAILED,
    CLERK_COUNTERS_REFRESHES
} clerk_counters_refresh_t;

/* Calls that were made, by how long they took. */
#define CLERK_COUNTERS_SPANS 12

typedef struct clerk_counters_span_t {
    apr_interval_time_t up_to; /* microseconds, these included */
    const char *seconds;       /* the same, for people; of the last, `+Inf` */
} clerk_counters_span_t;

/* From short to long; each call is counted in the first that it fits in. */
extern const clerk_counters_span_t clerk_counters_spans[CLERK_COUNTERS_SPANS];

typedef struct clerk_counters_t {
    /* Verifications, by what the cache had and what came of them. */
    apr_uint64_t verdicts[CLERK_CACHE_USES][CLERK_STATUS_COUNT];
    apr_uint64_t waits; /* verifications that somebody else did */
    apr_uint64_t calls[CLERK_COUNTERS_ENDPOINTS][CLERK_COUNTERS_ENDS];
    apr_uint64_t spans[CLERK_COUNTERS_ENDPOINTS][CLERK_COUNTERS_SPANS];
    apr_uint64_t call_us[CLERK_COUNTERS_ENDPOINTS]; /* together, microseconds */
    apr_uint64_t refreshes[CLERK_COUNTERS_REFRESHES];
} clerk_counters_t;

/* One process's; a process's slot begins on a cache line of its own. */
typedef struct clerk_counters_slot_t {
    apr_uint32_t pid; /* 0: free */
    clerk_pending_t pending;
    clerk_ages_t ages;
    clerk_counters_t counters;
} __attribute__((aligned(64))) clerk_counters_slot_t;

/* In shared memory, all zero at first. */
typedef struct clerk_counters_table_t {
    clerk_counters_t retired; /* of processes that have ended */
    apr_uint32_t moves_begun; /* to there, of a process's numbers */
    apr_uint32_t moves_ended;
    clerk_ages_places_t places;
    clerk_counters_slot_t slots[CLERK_COUNTERS_PROCESSES];
} clerk_counters_table_t;

static inline void clerk_counters_add(apr_uint64_t *counter,
                                      apr_uint64_t number)
{
    (void)__atomic_add_fetch(counter, number, __ATOMIC_RELAXED);
}

static inline apr_uint64_t clerk_counters_read(const apr_uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* Count how long a call took that was made. */
void clerk_counters_time(clerk_counters_t *counters,
                         clerk_counters_endpoint_t endpoint,
                         apr_interval_time_t took);

/*
 * A slot for this process: a free one, or that of a process which has ended.
 * NULL when there are more processes than slots.
 */
clerk_counters_slot_t *clerk_counters_open(clerk_counters_table_t *table);

/* Is this a slot of a process that is running? */
int clerk_counters_is_running(const clerk_counters_slot_t *slot);

/*
 * For who adds up all slots, and would miss what is moved meanwhile: `begin`
 * before, `is_still` with its result after, and when that is false, once more.
 */
apr_uint32_t clerk_counters_begin(const clerk_counters_table_t *table);
int clerk_counters_is_still(clerk_counters_table_t *table, apr_uint32_t moves);

/* Add up: `sum` += `part`. */
void clerk_counters_sum(clerk_counters_t *sum, const clerk_counters_t *part);

/* Which endpoint goes by this name. */
clerk_counters_endpoint_t clerk_counters_endpoint(const char *name);

#endif
