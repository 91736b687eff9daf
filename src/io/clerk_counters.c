/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_counters.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "clerk_api.h"

#define NUMBERS (sizeof(clerk_counters_t) / sizeof(apr_uint64_t))

const clerk_counters_span_t clerk_counters_spans[CLERK_COUNTERS_SPANS] = {
    { apr_time_from_msec(5), "0.005" },  { apr_time_from_msec(10), "0.01" },
    { apr_time_from_msec(25), "0.025" }, { apr_time_from_msec(50), "0.05" },
    { apr_time_from_msec(100), "0.1" },  { apr_time_from_msec(250), "0.25" },
    { apr_time_from_msec(500), "0.5" },  { apr_time_from_sec(1), "1" },
    { apr_time_from_msec(2500), "2.5" }, { apr_time_from_sec(5), "5" },
    { apr_time_from_sec(10), "10" },     { APR_INT64_MAX, "+Inf" },
};

/* The struct is an array of numbers by other names. */
static apr_uint64_t *numbers(clerk_counters_t *counters)
{
    return (apr_uint64_t *)counters;
}

void clerk_counters_sum(clerk_counters_t *sum, const clerk_counters_t *part)
{
    const apr_uint64_t *from = (const apr_uint64_t *)part;
    apr_uint64_t *to = numbers(sum);
    apr_size_t i;

    for (i = 0; i < NUMBERS; i++) {
        clerk_counters_add(&to[i], clerk_counters_read(&from[i]));
    }
}

void clerk_counters_time(clerk_counters_t *counters,
                         clerk_counters_endpoint_t endpoint,
                         apr_interval_time_t took)
{
    int i = 0;

    while (took > clerk_counters_spans[i].up_to) {
        i++;
    }
    clerk_counters_add(&counters->spans[endpoint][i], 1);
    clerk_counters_add(&counters->call_us[endpoint], (apr_uint64_t)took);
}

/* Move the numbers of a process that has ended to those of all such. */
static void retire(clerk_counters_table_t *table, clerk_counters_slot_t *slot)
{
    apr_uint64_t *from = numbers(&slot->counters);
    apr_uint64_t *to = numbers(&table->retired);
    apr_size_t i;

    (void)__atomic_add_fetch(&table->moves_begun, 1, __ATOMIC_ACQ_REL);
    for (i = 0; i < NUMBERS; i++) {
        clerk_counters_add(&to[i],
                           __atomic_exchange_n(&from[i], 0, __ATOMIC_RELAXED));
    }
    (void)__atomic_add_fetch(&table->moves_ended, 1, __ATOMIC_ACQ_REL);
    __atomic_store_n(&slot->pending.count, 0, __ATOMIC_RELAXED);
    clerk_ages_forget(&slot->ages);
}

static int is_running(apr_uint32_t pid)
{
    return kill((pid_t)pid, 0) == 0 || errno != ESRCH;
}

int clerk_counters_is_running(const clerk_counters_slot_t *slot)
{
    apr_uint32_t pid = __atomic_load_n(&slot->pid, __ATOMIC_ACQUIRE);

    return pid && is_running(pid);
}

apr_uint32_t clerk_counters_begin(const clerk_counters_table_t *table)
{
    return __atomic_load_n(&table->moves_ended, __ATOMIC_ACQUIRE);
}

int clerk_counters_is_still(clerk_counters_table_t *table, apr_uint32_t moves)
{
    /* Not a load, which could come before those of the numbers. */
    return __atomic_add_fetch(&table->moves_begun, 0, __ATOMIC_ACQ_REL)
           == moves;
}

clerk_counters_slot_t *clerk_counters_open(clerk_counters_table_t *table)
{
    apr_uint32_t own = (apr_uint32_t)getpid();
    int i;

    for (i = 0; i < CLERK_COUNTERS_PROCESSES; i++) {
        clerk_counters_slot_t *slot = &table->slots[i];
        apr_uint32_t pid = __atomic_load_n(&slot->pid, __ATOMIC_ACQUIRE);

        if ((!pid || !is_running(pid))
            && __atomic_compare_exchange_n(
                &slot->pid, &pid, own, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            retire(table, slot);
            return slot;
        }
    }
    return NULL;
}

clerk_counters_endpoint_t clerk_counters_endpoint(const char *name)
{
    const char *const names[CLERK_COUNTERS_OTHER] = {
        [CLERK_COUNTERS_TOKEN_INFO] = clerk_api_token_info.name,
        [CLERK_COUNTERS_OAUTH_VERIFY] = clerk_api_oauth_verify.name,
        [CLERK_COUNTERS_M2M_VERIFY] = clerk_api_m2m_verify.name,
        [CLERK_COUNTERS_API_KEY_VERIFY] = clerk_api_api_key_verify.name,
        [CLERK_COUNTERS_USERINFO] = clerk_api_userinfo.name,
        [CLERK_COUNTERS_JWKS] = clerk_api_jwks_name,
    };
    int i;

    for (i = 0; i < CLERK_COUNTERS_OTHER; i++) {
        if (strcmp(names[i], name) == 0) {
            return (clerk_counters_endpoint_t)i;
        }
    }
    return CLERK_COUNTERS_OTHER;
}
