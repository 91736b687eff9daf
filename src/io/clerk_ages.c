/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_ages.h"

#include <string.h>

#include <apr_strings.h>

/* The place of a lane; it is taken if nobody has it. -1: there is none left. */
static int find_place(clerk_ages_places_t *places, const clerk_realm_t *realm)
{
    apr_uint64_t lane;
    int i;

    memcpy(&lane, realm->keys_lane, sizeof(lane));
    lane |= 1; /* never that of a free one */
    for (i = 0; i < CLERK_AGES_PLACES; i++) {
        clerk_ages_place_t *place = &places->places[i];
        apr_uint64_t owner = 0;

        if (__atomic_compare_exchange_n(&place->lane, &owner, lane, 0,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            apr_cpystrn(place->name, realm->frontend_api, sizeof(place->name));
            __atomic_store_n(&place->is_named, 1, __ATOMIC_RELEASE);
            return i;
        }
        if (owner == lane) {
            return i;
        }
    }
    return -1;
}

static void store(clerk_moment_t *moment, clerk_moment_t value)
{
    __atomic_store_n(&moment->steady, value.steady, __ATOMIC_RELAXED);
    __atomic_store_n(&moment->day, value.day, __ATOMIC_RELEASE);
}

void clerk_ages_note(const clerk_ages_book_t *book, const clerk_realm_t *realm,
                     clerk_moment_t fetched_at)
{
    int place = book->places ? find_place(book->places, realm) : -1;

    if (place >= 0) {
        store(&book->own->fetched_at[place], fetched_at);
    }
}

void clerk_ages_forget(clerk_ages_t *ages)
{
    const clerk_moment_t never = { 0, 0 };
    int i;

    for (i = 0; i < CLERK_AGES_PLACES; i++) {
        store(&ages->fetched_at[i], never);
    }
}

const char *clerk_ages_name(const clerk_ages_places_t *places, int place)
{
    const clerk_ages_place_t *found = &places->places[place];

    return __atomic_load_n(&found->is_named, __ATOMIC_ACQUIRE) ? found->name
                                                               : NULL;
}

apr_interval_time_t clerk_ages_read(const clerk_ages_t *ages, int place,
                                    clerk_moment_t now)
{
    const clerk_moment_t *moment = &ages->fetched_at[place];
    clerk_moment_t then;
    apr_interval_time_t age;

    then.day = __atomic_load_n(&moment->day, __ATOMIC_ACQUIRE);
    then.steady = __atomic_load_n(&moment->steady, __ATOMIC_RELAXED);
    if (!then.day) {
        return -1;
    }
    age = clerk_steady_since(then, now);
    return age > 0 ? age : 0;
}
