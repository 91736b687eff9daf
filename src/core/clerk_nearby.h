/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_nearby.h: when the near cache is believed, and what goes into it.
 *
 * Owns: the rule that it never believes anything for longer than the cache
 * behind it, nor anything that some process knows to be dead. Must never know:
 * where the near cache is, how long a record is good (clerk_freshness).
 * Called by: clerk_verify.
 */
#ifndef CLERK_NEARBY_H
#define CLERK_NEARBY_H

#include "clerk_ports.h"
#include "clerk_record.h"
#include "clerk_verify.h"

/*
 * True, and a record in `p` that has met the terms' policy but for the times,
 * if the near cache has one of this token to be believed now.
 */
int clerk_nearby_recall(const clerk_ports_t *ports, const clerk_terms_t *terms,
                        clerk_slice_t token, apr_pool_t *p,
                        clerk_record_t *record);

/*
 * Keep a record that has met the policy, and came out of the cache behind at
 * the time, under the key, and with the count of deaths that the entry says.
 */
void clerk_nearby_keep(const clerk_ports_t *ports, const clerk_terms_t *terms,
                       clerk_slice_t token, const clerk_near_entry_t *entry);

/* The deaths counted of a key; ask before looking into the cache behind. */
apr_uint32_t clerk_nearby_deaths(const clerk_ports_t *ports,
                                 const unsigned char *key);

/* It is dead, in all processes. Call before the cache behind is told, and
 * after. */
void clerk_nearby_bury(const clerk_ports_t *ports, const unsigned char *key);

#endif
