/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_memory.h: what is remembered of a token, in the cache of all
 * processes.
 *
 * Owns: the key of a record, and when one is written. Must never know: how a
 * record came about, how long it is believed (clerk_freshness), what each
 * process has besides (clerk_nearby). Called by: clerk_verify.
 */
#ifndef CLERK_MEMORY_H
#define CLERK_MEMORY_H

#include "clerk_ports.h"
#include "clerk_record.h"
#include "clerk_verify.h"

typedef struct clerk_memory_t {
    const clerk_ports_t *ports;
    const clerk_terms_t *terms;
    apr_pool_t *p;
    unsigned char key[CLERK_SHA256_BYTES];
    apr_uint32_t deaths;   /* counted before the cache was looked at */
    int was_good;          /* that is what the cache said */
    clerk_slice_t written; /* the good record that was kept, as bytes */
} clerk_memory_t;

/* Set out from `ports`, `terms` and `p`, which are the caller's to fill in:
 * make the key. */
clerk_status_t clerk_memory_open(clerk_memory_t *memory,
                                 clerk_slice_t token) CLERK_MUST_USE;

/* Is there a cache, and may it be used here? */
int clerk_memory_is_used(const clerk_memory_t *memory);

/* True, and a record, believed or not, if there is one. */
int clerk_memory_look_up(clerk_memory_t *memory, clerk_record_t *record,
                         apr_time_t now);

/* Keep a record for as long as anybody may want it, but no longer than
 * `until`. A refusal is told to all processes, kept or not. */
void clerk_memory_keep(clerk_memory_t *memory, const clerk_record_t *record,
                       apr_time_t until);

/* Has somebody learned since the look into the cache that it is dead? */
int clerk_memory_has_died(const clerk_memory_t *memory);

#endif
