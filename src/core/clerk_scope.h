/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_scope.h: sets of scopes.
 *
 * Owns: RFC 6749 section 3.3's scope syntax: names of printable ASCII without
 * quote and backslash, separated by spaces, compared exactly. Must never
 * know: where a scope came from. Called by: clerk_claims, the glue's authz.
 */
#ifndef CLERK_SCOPE_H
#define CLERK_SCOPE_H

#include <apr_pools.h>
#include <apr_tables.h>

/* Past this many, scopes are left out of a list. */
#define CLERK_SCOPE_MAX 1024

/* Is this one well-formed scope-token? */
int clerk_scope_is_token(const char *scope);

/* Is `scope` one of the space-separated scopes of `set` (may be NULL)? */
int clerk_scope_has(const char *set, const char *scope);

/* Are all of `wanted` (const char *) in `set`? True of no wanted scopes. */
int clerk_scope_has_all(const char *set, const apr_array_header_t *wanted);

/*
 * Add the space-separated scopes of `text` to `list` (const char *), each at
 * most once, in order of appearance; runs of spaces count as one. What is no
 * well-formed scope-token is left out. Copies lie in the pool of the list.
 */
void clerk_scope_add(apr_array_header_t *list, const char *text);

/* Has the list as many as it takes, so that some may have been left out? */
int clerk_scope_is_full(const apr_array_header_t *list);

/* The list as one space-separated string in `p`; "" for an empty list. */
const char *clerk_scope_join(apr_pool_t *p, const apr_array_header_t *list);

#endif
