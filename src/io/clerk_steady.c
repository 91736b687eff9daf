/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_steady.h"

#include <time.h>

apr_time_t clerk_steady_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return apr_time_from_sec((apr_time_t)now.tv_sec) + now.tv_nsec / 1000;
}

clerk_moment_t clerk_steady_moment(void)
{
    clerk_moment_t now = { apr_time_now(), clerk_steady_now() };

    return now;
}

apr_interval_time_t clerk_steady_since(clerk_moment_t then, clerk_moment_t now)
{
    apr_interval_time_t by_day = now.day - then.day;
    apr_interval_time_t steady = now.steady - then.steady;

    return by_day > steady ? by_day : steady;
}

clerk_moment_t clerk_steady_later(clerk_moment_t then,
                                  apr_interval_time_t length)
{
    then.day += length;
    then.steady += length;
    return then;
}

int clerk_steady_seconds_up(apr_interval_time_t wait)
{
    if (wait <= APR_USEC_PER_SEC) {
        return 1;
    }
    return (int)((wait + APR_USEC_PER_SEC - 1) / APR_USEC_PER_SEC);
}
