/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_rate.h"

#define NANOSECONDS 1000 /* in a microsecond */

void clerk_rate_set(clerk_rate_t *rate, int calls, int seconds)
{
    rate->period = apr_time_from_sec((apr_int64_t)seconds) * NANOSECONDS;
    rate->price = rate->period / calls;
    rate->full_at = 0;
}

int clerk_rate_take(clerk_rate_t *rate, apr_time_t now, int no_hurry,
                    apr_interval_time_t *wait)
{
    apr_int64_t present = now * NANOSECONDS;
    apr_int64_t depth = no_hurry ? rate->period / 2 : rate->period;
    apr_int64_t full_at = __atomic_load_n(&rate->full_at, __ATOMIC_RELAXED);
    apr_int64_t then;

    *wait = 0;
    if (!rate->price) {
        return 1;
    }
    if (depth < rate->price) {
        depth = rate->price;
    }
    do {
        then = (full_at > present ? full_at : present) + rate->price;
        if (then - present > depth) {
            *wait = (then - present - depth + NANOSECONDS - 1) / NANOSECONDS;
            return 0;
        }
    } while (!__atomic_compare_exchange_n(&rate->full_at, &full_at, then, 0,
                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return 1;
}
