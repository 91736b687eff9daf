/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_slots.h: who of all processes is finding something out just now.
 *
 * Owns: one slot for each thing that is being found out, its owner, and how
 * it ended. Must never know: what is found out; how threads of one process
 * wait for each other. Called by: clerk_flight, clerk_keysource; by one
 * thread of a process at a time for each key.
 *
 * A slot whose owner has died, or is over its time, is taken over by exactly
 * one of those who wait for it. Whoever waits looks again every now and then;
 * there is no lock that a dying process could leave locked.
 */
#ifndef CLERK_SLOTS_H
#define CLERK_SLOTS_H

#include <apr_time.h>

#include "clerk_crypto.h"
#include "clerk_status.h"

#define CLERK_SLOTS 4096

typedef struct clerk_slot_t {
    apr_uint64_t owner;  /* see clerk_slots.c; 0: free */
    apr_uint64_t landed; /* the owner whose result stands here */
    apr_uint64_t result;
    apr_uint64_t key[CLERK_SHA256_BYTES / 8]; /* of that result */
} clerk_slot_t;

/* In shared memory; all zero: all free. */
typedef struct clerk_slots_t {
    clerk_slot_t slots[CLERK_SLOTS];
} clerk_slots_t;

typedef enum clerk_turn_t {
    CLERK_TURN_OURS,   /* find out, and then call clerk_slots_land */
    CLERK_TURN_ALONE,  /* the slot serves another key: find out */
    CLERK_TURN_LANDED, /* another process has found out */
    CLERK_TURN_LATE    /* another process is at it, and time is over */
} clerk_turn_t;

typedef struct clerk_turn_ticket_t {
    clerk_slot_t *slot; /* NULL: not ours */
    apr_uint64_t owner;
} clerk_turn_ticket_t;

/* How it ended: CLERK_OK, with the result in the cache, or why not. */
typedef struct clerk_turn_result_t {
    clerk_status_t status;
    int retry_after; /* seconds */
} clerk_turn_result_t;

/*
 * Take the slot of a key for up to `patience`, or wait for the process that
 * has it, up to `until` (of clerk_steady). `ticket` is for clerk_slots_land,
 * which has to be called after CLERK_TURN_OURS and may be called always; its
 * `result` may be NULL: one of those who wait is to find out.
 */
typedef struct clerk_turn_wish_t {
    const unsigned char *key; /* CLERK_SHA256_BYTES */
    apr_time_t until;
    apr_interval_time_t patience;
} clerk_turn_wish_t;

clerk_turn_t clerk_slots_take(clerk_slots_t *slots,
                              const clerk_turn_wish_t *wish,
                              clerk_turn_ticket_t *ticket,
                              clerk_turn_result_t *result);
void clerk_slots_land(clerk_turn_ticket_t *ticket, const unsigned char *key,
                      const clerk_turn_result_t *result);

#endif
