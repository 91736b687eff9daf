/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_permissions.h: the organization's permissions in a session token.
 *
 * Owns: the decoding of `o.per`, `o.fpm` and `fea` of version 2 session tokens
 * into `org:feature:permission` (sections 2.4 and 2.5 of the wire contract,
 * with the position rule of D6). Must never know: claims, tokens. Called by:
 * clerk_claims.
 */
#ifndef CLERK_PERMISSIONS_H
#define CLERK_PERMISSIONS_H

#include <apr_pools.h>

/* Past these, permissions are left out. */
#define CLERK_PERMISSIONS_MAX 512
#define CLERK_PERMISSIONS_MAX_BYTES 16384

/*
 * The permissions as one space-separated string in `p`; NULL when there are
 * none. Any argument may be NULL. `per` and `fpm` are comma-separated;
 * elements are trimmed of blanks; a mask is a decimal number of any length,
 * anything else grants nothing. Elements of `fea` are `scope:feature`, of
 * which those with scope `o`, `ou` and `uo` are the organization's; scopes
 * that are none of o, u, ou, uo are ignored but keep their position; with an
 * element without a colon nothing is granted. Where the number of masks is that
 * of all elements of `fea`, the n-th mask is the n-th element's; where it is
 * that of the organization's alone, it is the n-th of those; else nothing is
 * granted. Names with a space or a control character grant nothing.
 * `*is_cut`: may there be more, left out or not understood?
 */
const char *clerk_permissions_decode(apr_pool_t *p, const char *per,
                                     const char *fpm, const char *fea,
                                     int *is_cut);

#endif
