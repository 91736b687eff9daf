/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_feature.h: lists of features and plans.
 *
 * Owns: the form of the session token's `fea` and `pla`, a comma-separated
 * list of `scope:name`, where the scope is that of an organization (`o`), a
 * user (`u`) or both (wire contract, sections 2.4 and 3.2). Must never know:
 * which claim it is. Called by: the glue's authz.
 */
#ifndef CLERK_FEATURE_H
#define CLERK_FEATURE_H

/*
 * Is `wanted` in the list? It is a name, or `o:name`, `u:name`, `uo:name` for
 * what an organization, a user or both have. Names are compared exactly; an
 * element of any other scope is ignored; a list with an element that has no
 * colon holds nothing.
 */
int clerk_feature_is_listed(const char *list, const char *wanted);

#endif
