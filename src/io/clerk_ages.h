/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_ages.h: how old the key sets of each process are, for the status page.
 *
 * Owns: when each process's sets were fetched from Clerk, and from where, in
 * shared memory. Must never know: what is in a set, or how long it is believed.
 * Called by: clerk_keyring, which notes it; clerk_report, which looks.
 *
 * No lock: any thread of any process may call. Who looks while somebody notes a
 * younger set may see the age of the older one.
 */
#ifndef CLERK_AGES_H
#define CLERK_AGES_H

#include "clerk_realm.h"
#include "clerk_steady.h"

/* Of more instances of Clerk than that, the first ones. */
#define CLERK_AGES_PLACES 16

/* All zero: nobody's. */
typedef struct clerk_ages_place_t {
    apr_uint64_t lane; /* the beginning of its digest */
    apr_uint32_t is_named;
    char name[116]; /* the Frontend API's URL, cut off if it is longer */
} clerk_ages_place_t;

/* Whose sets, for all processes: a place stays what it is. */
typedef struct clerk_ages_places_t {
    clerk_ages_place_t places[CLERK_AGES_PLACES];
} clerk_ages_places_t;

/* One process's. All zero: it has no set. */
typedef struct clerk_ages_t {
    clerk_moment_t fetched_at[CLERK_AGES_PLACES];
} clerk_ages_t;

/* What a process notes in. NULL, both: nobody wants to know. */
typedef struct clerk_ages_book_t {
    clerk_ages_places_t *places;
    clerk_ages_t *own;
} clerk_ages_book_t;

/* This process has a set that was fetched then. */
void clerk_ages_note(const clerk_ages_book_t *book, const clerk_realm_t *realm,
                     clerk_moment_t fetched_at);

/* A process has ended. */
void clerk_ages_forget(clerk_ages_t *ages);

/* Whose sets are they? A URL without user or password, of characters that need
 * no escape in a quoted string; NULL: nobody's. */
const char *clerk_ages_name(const clerk_ages_places_t *places, int place);

/* How old is the set, in microseconds? -1: there never was any. */
apr_interval_time_t clerk_ages_read(const clerk_ages_t *ages, int place,
                                    clerk_moment_t now);

#endif
