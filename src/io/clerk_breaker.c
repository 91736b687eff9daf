/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_breaker.h"

#include <string.h>

static apr_int64_t load(const apr_int64_t *number)
{
    return __atomic_load_n(number, __ATOMIC_ACQUIRE);
}

static void store(apr_int64_t *number, apr_int64_t value)
{
    __atomic_store_n(number, value, __ATOMIC_RELEASE);
}

static int exchange(apr_int64_t *number, apr_int64_t from, apr_int64_t to)
{
    return __atomic_compare_exchange_n(number, &from, to, 0, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}

clerk_breaker_t *clerk_breaker_find(clerk_breakers_t *breakers,
                                    const unsigned char *lane)
{
    apr_uint64_t name;
    apr_size_t i;

    memcpy(&name, lane, sizeof(name));
    name |= 1; /* never that of a free one */
    for (i = 0; i < CLERK_BREAKER_LANES; i++) {
        clerk_breaker_t *breaker =
            &breakers->lanes[(name + i) % CLERK_BREAKER_LANES];
        apr_uint64_t owner = 0;

        if (__atomic_compare_exchange_n(&breaker->lane, &owner, name, 0,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
            || owner == name) {
            return breaker;
        }
    }
    return NULL;
}

int clerk_breaker_admits(clerk_breaker_t *breaker, apr_time_t now,
                         apr_interval_time_t *wait)
{
    apr_int64_t barred_until = load(&breaker->barred_until);
    apr_int64_t open_until = load(&breaker->open_until);

    *wait = 0;
    if (now < barred_until) {
        *wait = barred_until - now;
        return 0;
    }
    if (!open_until) {
        return 1;
    }
    /* Whoever moves it on is the one who is let through. */
    if (now >= open_until
        && exchange(&breaker->open_until, open_until,
                    now + CLERK_BREAKER_PERIOD)) {
        return 1;
    }
    open_until = load(&breaker->open_until);
    *wait = open_until > now ? open_until - now : 0;
    return open_until == 0;
}

clerk_breaker_change_t clerk_breaker_succeeded(clerk_breaker_t *breaker,
                                               apr_time_t now)
{
    apr_int64_t was = load(&breaker->open_until);

    store(&breaker->success_at, now);
    __atomic_store_n(&breaker->failures, 0, __ATOMIC_RELEASE);
    /* A word of Clerk's to stay away outlives what was under way then. */
    if (!was || now < load(&breaker->barred_until)
        || !exchange(&breaker->open_until, was, 0)) {
        return CLERK_BREAKER_UNCHANGED;
    }
    return CLERK_BREAKER_CLOSED;
}

clerk_breaker_change_t clerk_breaker_failed(clerk_breaker_t *breaker,
                                            apr_time_t began, apr_time_t now)
{
    if (began < load(&breaker->success_at)) {
        /* Others have succeeded since: this is of yesterday. */
        return CLERK_BREAKER_UNCHANGED;
    }
    if (__atomic_add_fetch(&breaker->failures, 1, __ATOMIC_ACQ_REL)
            < CLERK_BREAKER_FAILURES
        || !exchange(&breaker->open_until, 0, now + CLERK_BREAKER_PERIOD)) {
        return CLERK_BREAKER_UNCHANGED;
    }
    return CLERK_BREAKER_OPENED;
}

clerk_breaker_change_t clerk_breaker_barred(clerk_breaker_t *breaker,
                                            apr_interval_time_t wait,
                                            apr_time_t now)
{
    apr_int64_t until = now + wait;
    apr_int64_t barred_until = load(&breaker->barred_until);
    apr_int64_t was;

    while (until > barred_until
           && !exchange(&breaker->barred_until, barred_until, until)) {
        barred_until = load(&breaker->barred_until);
    }
    /* The first one to come after that is asked whether it is over. */
    was = load(&breaker->open_until);
    store(&breaker->open_until, until);
    return was ? CLERK_BREAKER_UNCHANGED : CLERK_BREAKER_OPENED;
}

int clerk_breaker_count_open(const clerk_breakers_t *breakers, apr_time_t now,
                             int *lanes)
{
    int open = 0;
    int i;

    *lanes = 0;
    for (i = 0; i < CLERK_BREAKER_LANES; i++) {
        const clerk_breaker_t *breaker = &breakers->lanes[i];

        if (__atomic_load_n(&breaker->lane, __ATOMIC_ACQUIRE)) {
            (*lanes)++;
            open += load(&breaker->open_until) != 0
                    || now < load(&breaker->barred_until);
        }
    }
    return open;
}
