/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_auth_clerk_near.h: identities made ready for the next request.
 *
 * Owns: the near cache of this child, and what of an identity and a section is
 * worked out once: REMOTE_USER, and what the application is told. Must never
 * know: when an entry is believed (clerk_nearby), how entries are kept
 * (clerk_near). Called by: mod_auth_clerk_authn.c.
 */
#ifndef MOD_AUTH_CLERK_NEAR_H
#define MOD_AUTH_CLERK_NEAR_H

#include "clerk_ports.h"
#include "clerk_shared.h"
#include "clerk_siphash.h"
#include "mod_auth_clerk_request.h"

/* A request at the near cache; lives as long as its port. */
typedef struct auth_clerk_near_t {
    request_rec *r;
    const auth_clerk_plan_t *plan;
    const clerk_image_t *image; /* of the entry that was found, or NULL */
    const char *token;          /* whose digest it is; NULL: nobody's yet */
    unsigned char digest[CLERK_SIPHASH_BYTES];
} auth_clerk_near_t;

/*
 * Make the near cache of this child, in `p`; call before it serves. Without
 * memory for it, or without `shared`, there is none.
 */
void auth_clerk_near_serve(apr_pool_t *p, clerk_shared_t *shared);

/* The port, for one request; without a request, for who has only deaths to
 * report. */
clerk_near_port_t auth_clerk_near_port(auth_clerk_near_t *near);

#endif
