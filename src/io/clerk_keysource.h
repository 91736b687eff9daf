/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_keysource.h: where a key set comes from.
 *
 * Owns: the call to Clerk for it, once for all processes, and what they leave
 * for each other in the cache: the copy of a set, and that it was asked for in
 * vain. Must never know: which set is in use, or when it is due. Called by:
 * clerk_keyring, by one thread of a process at a time for each instance of
 * Clerk.
 */
#ifndef CLERK_KEYSOURCE_H
#define CLERK_KEYSOURCE_H

#include "clerk_keyring.h"
#include "clerk_keyset.h"
#include "clerk_realm.h"

/* How long nobody asks again, at least. */
#define CLERK_KEYS_COOL_DOWN apr_time_from_sec(30)

/* Who is it for? */
typedef enum clerk_keys_hurry_t {
    CLERK_KEYS_NEEDED, /* somebody who cannot do without */
    CLERK_KEYS_OLD,    /* who has an old set, that will do if it has to: which
                        * it has when Clerk was asked in vain of late */
    CLERK_KEYS_EARLY   /* nobody: in the background, where no other process is
                        * waited for, and which ends with its own */
} clerk_keys_hurry_t;

typedef struct clerk_keysource_t {
    const clerk_keyring_needs_t *needs;
    const clerk_realm_t *realm;
    const clerk_log_port_t *log;
    apr_pool_t *p;
    clerk_keys_hurry_t hurry;
    apr_time_t than;  /* when the set there is was fetched; 0: there is none */
    apr_time_t until; /* of clerk_steady: the end of its time */

    int is_left;     /* found: another process is at it, or has asked in vain of
                      * late; or Clerk was not asked, see is_unasked */
    int retry_after; /* found: of a failure, in seconds */
} clerk_keysource_t;

/*
 * A younger set. CLERK_OK without one: there is none yet. Else why none is to
 * be had.
 */
clerk_status_t clerk_keysource_load(clerk_keysource_t *source,
                                    clerk_keyset_t **held) CLERK_MUST_USE;

#endif
