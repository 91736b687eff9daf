/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_counters.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "clerk_api.h"

#define NUMBERS (sizeof(clerk_counters_t) / sizeof(apr_uint64_t))

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

/* Move the numbers of a process that has ended to those of all such. */
static void retire(clerk_counters_table_t *table, clerk_counters_slot_t *slot)
{
    apr_uint64_t *from = numbers(&slot->counters);
    apr_uint64_t *to = numbers(&table->retired);
    apr_size_t i;

    for (i = 0; i < NUMBERS; i++) {
        clerk_counters_add(&to[i],
                           __atomic_exchange_n(&from[i], 0, __ATOMIC_RELAXED));
    }
    __atomic_store_n(&slot->pending.count, 0, __ATOMIC_RELAXED);
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
