/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_feature.h: lists of features and plans.
 *
 * Owns: the form of the session token's `fea` and `pla`, a comma-separated
 * list of `scope:name`, where the scope is that of an organization (`o`), a
 * user (`u`) or both (wire contract, sections 2.4 and 3.2). Must never know:
 * which claim it is. Called by: clerk_permissions, the glue's authz.
 */
#ifndef CLERK_FEATURE_H
#define CLERK_FEATURE_H

#include "clerk_slice.h"

/* Whose a feature is. */
#define CLERK_FEATURE_OF_USER 1u
#define CLERK_FEATURE_OF_ORGANIZATION 2u

/*
 * Read an element `scope:name`. False, and nothing set: there is no colon.
 * `*owners` is 0 for a scope that is not known.
 */
int clerk_feature_read(clerk_slice_t element, unsigned int *owners,
                       clerk_slice_t *name);

typedef enum clerk_feature_found_t {
    CLERK_FEATURE_ABSENT,
    CLERK_FEATURE_LISTED,
    CLERK_FEATURE_UNCLEAR /* the list is not one that we can read */
} clerk_feature_found_t;

/*
 * Is `wanted` in the list? It is a name, or `o:name`, `u:name`, `uo:name` for
 * what an organization, a user or both have. Names are compared exactly; an
 * element of any other scope does not count, but leaves it unclear whether what
 * it names is there; as does one without a colon of everything.
 */
clerk_feature_found_t clerk_feature_find(const char *list, const char *wanted);

#endif
