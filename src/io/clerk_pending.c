/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_pending.h"

void clerk_pending_init(clerk_pending_t *pending, int limit, int threads)
{
    int half = threads / 2 > 1 ? threads / 2 : 1;

    pending->count = 0;
    pending->limit = (apr_uint32_t)(limit > 0 ? limit : half);
    pending->most =
        limit <= 0 && threads > half ? (apr_uint32_t)threads : pending->limit;
}

int clerk_pending_join(clerk_pending_t *pending, clerk_pending_wait_t wait)
{
    apr_uint32_t most =
        wait == CLERK_PENDING_BRIEF ? pending->most : pending->limit;
    apr_uint32_t count = __atomic_load_n(&pending->count, __ATOMIC_RELAXED);

    do {
        if (count >= most) {
            return 0;
        }
    } while (!__atomic_compare_exchange_n(&pending->count, &count, count + 1, 0,
                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return 1;
}

void clerk_pending_leave(clerk_pending_t *pending)
{
    (void)__atomic_sub_fetch(&pending->count, 1, __ATOMIC_RELAXED);
}

int clerk_pending_is_crowded(const clerk_pending_t *pending)
{
    return __atomic_load_n(&pending->count, __ATOMIC_RELAXED) > pending->limit;
}
