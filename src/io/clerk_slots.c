/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_slots.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "clerk_steady.h"

/*
 * An owner is one number, so that it changes in one step:
 *
 *   26 bits  of the key, so that those who come know whether to wait
 *   16 bits  the end of its time, in tenths of a second, which wrap
 *   22 bits  the process; Linux has no larger ones
 */
#define KEY_BITS 26
#define LEASE_BITS 16
#define PROCESS_BITS 22
#define LEASE_UNIT apr_time_from_msec(100)
#define LEASE_MAX apr_time_from_sec(3000) /* half of where it wraps */
/* How long an owner may take beyond what it has said. */
#define LEASE_GRACE apr_time_from_msec(50)

/* Those who wait look again after a sixteenth of the time waited so far. */
#define NAP_SHARE 16
#define NAP_MIN apr_time_from_msec(1) / 2
#define NAP_MAX apr_time_from_msec(10)

#define STATUS_BITS 32

static apr_uint64_t load(const apr_uint64_t *number)
{
    return __atomic_load_n(number, __ATOMIC_ACQUIRE);
}

static void store(apr_uint64_t *number, apr_uint64_t value)
{
    __atomic_store_n(number, value, __ATOMIC_RELEASE);
}

static int exchange(apr_uint64_t *number, apr_uint64_t from, apr_uint64_t to)
{
    return __atomic_compare_exchange_n(number, &from, to, 0, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}

/* ------------------------------------------------------------------ */
/* Owners                                                             */

static apr_uint64_t word_of(const unsigned char *key, int n)
{
    apr_uint64_t word;

    memcpy(&word, key + n * sizeof(word), sizeof(word));
    return word;
}

static apr_uint64_t tag_of(const unsigned char *key)
{
    return word_of(key, 1) >> (64 - KEY_BITS);
}

static apr_uint16_t lease_at(apr_time_t when)
{
    return (apr_uint16_t)(when / LEASE_UNIT);
}

static apr_uint64_t owner_of(const unsigned char *key,
                             apr_interval_time_t patience)
{
    apr_uint64_t process = (apr_uint64_t)getpid();
    apr_time_t end;

    if (patience > LEASE_MAX) {
        patience = LEASE_MAX;
    }
    end = clerk_steady_now() + patience + LEASE_GRACE + LEASE_UNIT;
    return tag_of(key) << (LEASE_BITS + PROCESS_BITS)
           | (apr_uint64_t)lease_at(end) << PROCESS_BITS
           | (process & ((1u << PROCESS_BITS) - 1));
}

static int is_for(apr_uint64_t owner, const unsigned char *key)
{
    return owner >> (LEASE_BITS + PROCESS_BITS) == tag_of(key);
}

/* Nothing is to be expected of this one any more. */
static int is_gone(apr_uint64_t owner, apr_time_t now)
{
    apr_uint16_t lease = (apr_uint16_t)(owner >> PROCESS_BITS);
    pid_t process = (pid_t)(owner & ((1u << PROCESS_BITS) - 1));

    if ((apr_int16_t)(apr_uint16_t)(lease - lease_at(now)) < 0) {
        return 1;
    }
    return kill(process, 0) != 0 && errno == ESRCH;
}

/* ------------------------------------------------------------------ */
/* Results                                                            */

/* The result of an owner, if it is still there and of our key. */
static int read_result(const clerk_slot_t *slot, apr_uint64_t owner,
                       const unsigned char *key, clerk_turn_result_t *result)
{
    apr_uint64_t packed;
    int is_ours = load(&slot->landed) == owner;
    int i;

    packed = load(&slot->result);
    for (i = 0; i < CLERK_SHA256_BYTES / 8; i++) {
        is_ours &= load(&slot->key[i]) == word_of(key, i);
    }
    if (!is_ours || load(&slot->landed) != owner) {
        return 0;
    }
    result->status = (clerk_status_t)(packed & 0xffffffff);
    result->retry_after = (int)(packed >> STATUS_BITS);
    return 1;
}

static void write_result(clerk_slot_t *slot, const clerk_turn_ticket_t *ticket,
                         const unsigned char *key,
                         const clerk_turn_result_t *result)
{
    int i;

    store(&slot->landed, 0);
    for (i = 0; i < CLERK_SHA256_BYTES / 8; i++) {
        store(&slot->key[i], word_of(key, i));
    }
    store(&slot->result, (apr_uint64_t)result->retry_after << STATUS_BITS
                             | (apr_uint32_t)result->status);
    store(&slot->landed, ticket->owner);
}

/* ------------------------------------------------------------------ */

static int try_to_own(clerk_slot_t *slot, apr_uint64_t from,
                      const clerk_turn_wish_t *wish,
                      clerk_turn_ticket_t *ticket)
{
    apr_uint64_t owner = owner_of(wish->key, wish->patience);

    if (!exchange(&slot->owner, from, owner)) {
        return 0;
    }
    ticket->slot = slot;
    ticket->owner = owner;
    return 1;
}

static void nap(apr_interval_time_t waited)
{
    apr_interval_time_t length = waited / NAP_SHARE;

    apr_sleep(length < NAP_MIN ? NAP_MIN : length > NAP_MAX ? NAP_MAX : length);
}

clerk_turn_t clerk_slots_take(clerk_slots_t *slots,
                              const clerk_turn_wish_t *wish,
                              clerk_turn_ticket_t *ticket,
                              clerk_turn_result_t *result)
{
    clerk_slot_t *slot = &slots->slots[word_of(wish->key, 2) % CLERK_SLOTS];
    apr_time_t began = clerk_steady_now();
    apr_time_t now = began;
    apr_uint64_t seen = 0;
    apr_uint64_t owner;

    memset(ticket, 0, sizeof(*ticket));
    for (;; nap(now - began), now = clerk_steady_now()) {
        owner = load(&slot->owner);
        if (seen && owner != seen
            && read_result(slot, seen, wish->key, result)) {
            return CLERK_TURN_LANDED;
        }
        if (owner && !is_for(owner, wish->key) && !is_gone(owner, now)) {
            return CLERK_TURN_ALONE;
        }
        if ((!owner || is_gone(owner, now))
            && try_to_own(slot, owner, wish, ticket)) {
            return CLERK_TURN_OURS;
        }
        if (now >= wish->until) {
            return CLERK_TURN_LATE;
        }
        seen = owner ? owner : seen;
    }
}

void clerk_slots_land(clerk_turn_ticket_t *ticket, const unsigned char *key,
                      const clerk_turn_result_t *result)
{
    clerk_slot_t *slot = ticket->slot;

    if (!slot) {
        return;
    }
    ticket->slot = NULL;
    /* Whoever has taken it over meanwhile has the say. */
    if (load(&slot->owner) == ticket->owner) {
        if (result) {
            write_result(slot, ticket, key, result);
        }
        (void)exchange(&slot->owner, ticket->owner, 0);
    }
}
